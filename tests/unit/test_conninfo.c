#include "config/conninfo.h"
#include "unit.h"

static struct conninfo
parsed(void *owner, const char *url)
{
	struct conninfo info;
	struct error err;

	if (!conninfo_parse(owner, url, &info, &err))
		fail_msg("%s: %s", url, err.message);
	return info;
}

/* --- accepted URLs --- */

static const struct form_row {
	const char *about;
	const char *url;
	const char *host, *port, *dbname, *user, *password, *sslmode;
} form_rows[] = {
	{ "postgres", "postgres://u:p@h:5432/d", "h", "5432", "d", "u", "p", NULL },
	{ "postgresql", "postgresql://u:p@h/d", "h", NULL, "d", "u", "p", NULL },
	{ "asyncpg", "postgresql+asyncpg://u:p@h/d?ssl=require", "h", NULL, "d", "u", "p",
	  "require" },
	{ "psycopg2", "postgresql+psycopg2://u:p@h/d?sslmode=verify-full", "h", NULL, "d", "u", "p",
	  "verify-full" },
	{ "psycopg", "postgres+psycopg://u:p@h/d", "h", NULL, "d", "u", "p", NULL },
	{ "percent-encoded password", "postgres://u:p%40%3A%2F%3F%23%25%26@h/d", "h", NULL, "d",
	  "u", "p@:/?#%&", NULL },
	{ "percent-encoded user and database", "postgres://u%40x:p@h/d%2Fe", "h", NULL, "d/e",
	  "u@x", "p", NULL },
	{ "plus in the password", "postgres://u:a+b@h/d", "h", NULL, "d", "u", "a+b", NULL },
	{ "no password", "postgres://u@h/d", "h", NULL, "d", "u", NULL, NULL },
	{ "ssl=true", "postgres://u:p@h/d?ssl=true", "h", NULL, "d", "u", "p", "require" },
	{ "ssl=false", "postgres://u:p@h/d?ssl=false", "h", NULL, "d", "u", "p", "disable" },
	{ "ssl=verify-full", "postgres://u:p@h/d?ssl=verify-full", "h", NULL, "d", "u", "p",
	  "verify-full" },
	{ "IPv6", "postgres://u:p@[2001:db8::1]:5433/d", "2001:db8::1", "5433", "d", "u", "p",
	  NULL },
	{ "unix socket by %2F", "postgres://u@%2Frun%2Fpostgresql/d", "/run/postgresql", NULL, "d",
	  "u", NULL, NULL },
	{ "unix socket by host=", "postgres://u@/d?host=/run/postgresql", "/run/postgresql", NULL,
	  "d", "u", NULL, NULL },
	{ "unix socket by an encoded host=",
	  "postgres:///d?host=%2Frun%2Fpostgresql&user=u&port=5433", "/run/postgresql", "5433", "d",
	  "u", NULL, NULL },
	{ "all as parameters", "postgres://?host=h&port=1&dbname=d&user=u&password=p%26", "h", "1",
	  "d", "u", "p&", NULL },
};

static void
every_form_gives_the_same_keywords(void **state)
{
	for (size_t i = 0; i < COUNT_OF(form_rows); i++) {
		const struct form_row *row = &form_rows[i];
		struct conninfo info = parsed(*state, row->url);

		row_text(row, conninfo_get(&info, "host"), row->host);
		row_text(row, conninfo_get(&info, "port"), row->port);
		row_text(row, conninfo_get(&info, "dbname"), row->dbname);
		row_text(row, conninfo_get(&info, "user"), row->user);
		row_text(row, conninfo_get(&info, "password"), row->password);
		row_text(row, conninfo_get(&info, "sslmode"), row->sslmode);
		row_text(row, info.warning, NULL);
	}
}

static void
keywords_and_values_end_with_null(void **state)
{
	struct conninfo info = parsed(*state, "postgres://u:p@h:5432/d?sslmode=require");

	assert_int_equal(info.count, 6);
	for (size_t i = 0; i < info.count; i++) {
		assert_non_null(info.keywords[i]);
		assert_non_null(info.values[i]);
	}
	assert_null(info.keywords[info.count]);
	assert_null(info.values[info.count]);
}

static void
libpq_parameters_are_passed_on(void **state)
{
	struct conninfo info = parsed(
	    *state, "postgres://u:p@h/d?channel_binding=require&sslrootcert=/ca.pem"
	            "&tcp_user_timeout=5000&gssencmode=disable");

	assert_string_equal(conninfo_get(&info, "channel_binding"), "require");
	assert_string_equal(conninfo_get(&info, "sslrootcert"), "/ca.pem");
	assert_string_equal(conninfo_get(&info, "tcp_user_timeout"), "5000");
	assert_string_equal(conninfo_get(&info, "gssencmode"), "disable");
}

static void
parameters_of_poolers_and_orms_are_dropped_with_a_warning(void **state)
{
	struct conninfo info = parsed(
	    *state, "postgres://u:p@h/d?pgbouncer=true&connection_limit=1"
	            "&statement_cache_size=0&application_name=app&sslmode=require");

	assert_string_equal(info.warning,
	                    "pgbouncer, connection_limit, statement_cache_size, application_name");
	assert_null(conninfo_get(&info, "pgbouncer"));
	assert_null(conninfo_get(&info, "application_name"));
	assert_string_equal(conninfo_get(&info, "sslmode"), "require");
}

static void
options_may_name_the_endpoint(void **state)
{
	struct conninfo info = parsed(*state, "postgres://u:p@h/d?options=endpoint%3Dep-cool-1");

	assert_string_equal(conninfo_get(&info, "options"), "endpoint=ep-cool-1");
	info = parsed(*state, "postgres://u:p@h/d?options=project%3Dp-1");
	assert_string_equal(conninfo_get(&info, "options"), "project=p-1");
}

static void
parts_make_the_same_as_a_url(void **state)
{
	struct conninfo_parts parts = {
		.host = "h", .port = "5432", .name = "d", .user = "u", .password = "p@/?#%"
	};
	struct conninfo info;
	struct error err;

	assert_true(conninfo_from_parts(*state, &parts, &info, &err));
	assert_string_equal(conninfo_get(&info, "password"), "p@/?#%");
	assert_string_equal(info.redacted, parsed(*state, "postgres://u:x@h:5432/d").redacted);
	parts.password = NULL;
	assert_true(conninfo_from_parts(*state, &parts, &info, &err));
	assert_null(conninfo_get(&info, "password"));
	parts.user = NULL;
	assert_false(conninfo_from_parts(*state, &parts, &info, &err));
}

/* --- refused URLs: Pa55w0rd is the password, and no message may contain a part of it --- */

static const struct fault_row {
	const char *about;
	const char *url;
	const char *says; /* what the message must contain; NULL: anything */
} fault_rows[] = {
	{ "another database", "mysql://u:Pa55w0rd@h/d", "postgres" },
	{ "a longer scheme", "postgresqlx://u:Pa55w0rd@h/d", "postgres" },
	{ "a scheme of the same length", "mongodb1://u:Pa55w0rd@h/d", "postgres" },
	{ "keywords in place of a URL", "host=h user=u password=Pa55w0rd", NULL },
	{ "empty", "", NULL },
	{ "unencoded @ in the password", "postgres://u:Pa55@w0rd@h/d", "@" },
	{ "unencoded / in the password", "postgres://u:Pa55/w0rd@h/d", "/" },
	{ "unencoded ? in the password", "postgres://u:Pa55?w0rd@h/d", "?" },
	{ "unencoded # in the password", "postgres://u:Pa55#w0rd@h/d", "#" },
	{ "unencoded % in the password", "postgres://u:Pa55%w0rd@h/d", "%" },
	{ "unencoded ? and = in the password", "postgres://u:Pa55?w0rd=x@h/d", NULL },
	{ "unencoded @ in the password parameter", "postgres://u@h/d?password=Pa55@w0rd", NULL },
	{ "unencoded # in the password parameter", "postgres://u@h/d?password=Pa55#w0rd", NULL },
	{ "unencoded & in the password parameter", "postgres://u@h/d?password=Pa55&w0rd", NULL },
	{ "a missing @", "postgres://u:Pa55w0rd/d", NULL },
	{ "no host", "postgres://u:Pa55w0rd@/d", "host" },
	{ "empty brackets", "postgres://u:Pa55w0rd@[]/d", "host" },
	{ "no user", "postgres://h/d?password=Pa55w0rd", "user" },
	{ "no database", "postgres://u:Pa55w0rd@h", "database" },
	{ "no database after the slash", "postgres://u:Pa55w0rd@h/", "database" },
	{ "several hosts", "postgres://u:Pa55w0rd@a,b/d", "several hosts" },
	{ "several hosts with ports", "postgres://u:Pa55w0rd@a:5432,b:5432/d", "several hosts" },
	{ "several hosts, the last with a port", "postgres://u:Pa55w0rd@a,b:5432/d",
	  "several hosts" },
	{ "several addresses in brackets", "postgres://u:Pa55w0rd@[::1]:1,[::2]:2/d",
	  "several hosts" },
	{ "several addresses by parameter", "postgres://u:Pa55w0rd@h/d?hostaddr=10.0.0.1,10.0.0.2",
	  "several hosts" },
	{ "several hosts by parameter", "postgres://u:Pa55w0rd@/d?host=a,b", "several hosts" },
	{ "several ports", "postgres://u:Pa55w0rd@h/d?port=5432,5433", "several hosts" },
	{ "port of 0 by parameter", "postgres://u:Pa55w0rd@h/d?port=0", "port" },
	{ "a port too large by parameter", "postgres://u:Pa55w0rd@h/d?port=65536", "port" },
	{ "host twice", "postgres://u:Pa55w0rd@h/d?host=i", "host" },
	{ "password twice", "postgres://u:x@h/d?password=Pa55w0rd", "password" },
	{ "a parameter twice", "postgres://u:Pa55w0rd@h/d?sslmode=require&sslmode=disable",
	  "sslmode" },
	{ "ssl and sslmode", "postgres://u:Pa55w0rd@h/d?ssl=require&sslmode=disable", "sslmode" },
	{ "an unknown parameter", "postgres://u:Pa55w0rd@h/d?no_such_thing=Pa55w0rd",
	  "no_such_thing" },
	{ "a raw & in a password", "postgres://u@h/d?password=x&Pa55w0rd=y", "unknown parameter" },
	{ "a parameter in capitals", "postgres://u:Pa55w0rd@h/d?SSLMODE=require", "SSLMODE" },
	{ "an unknown sslmode", "postgres://u:Pa55w0rd@h/d?sslmode=Pa55w0rd", "sslmode" },
	{ "an unknown ssl", "postgres://u:Pa55w0rd@h/d?ssl=Pa55w0rd", "sslmode" },
	{ "server settings in options", "postgres://u:Pa55w0rd@h/d?options=-c%20search_path%3DPa55",
	  "options" },
	{ "the same with an encoded space as +", "postgres://u:Pa55w0rd@h/d?options=-c+geqo=off",
	  "options" },
	{ "the same with two dashes", "postgres://u:Pa55w0rd@h/d?options=--geqo%3Doff", "options" },
};

static void
an_error_names_the_part_and_quotes_no_value(void **state)
{
	for (size_t i = 0; i < COUNT_OF(fault_rows); i++) {
		const struct fault_row *row = &fault_rows[i];
		struct conninfo info;
		struct error err;

		row_true(row, !conninfo_parse(*state, row->url, &info, &err));
		row_int(row, err.kind, FAILURE_INVALID);
		row_true(row, err.message[0] != '\0');
		row_true(row, !row->says || strstr(err.message, row->says));
		row_true(row, !strstr(err.message, "Pa55") && !strstr(err.message, "w0rd"));
		row_true(row, !strstr(err.detail, "Pa55") && !strstr(err.detail, "w0rd"));
	}
}

/* libpq would use the name of the operating system's user for both. */
static void
an_empty_user_or_database_is_refused(void **state)
{
	struct conninfo info;
	struct error err;

	assert_false(conninfo_parse(*state, "postgres://h/d?user=", &info, &err));
	assert_false(conninfo_parse(*state, "postgres://u@h?dbname=", &info, &err));
}

static void
server_settings_after_the_endpoint_are_refused(void **state)
{
	struct conninfo info;
	struct error err;

	assert_false(conninfo_parse(
	    *state, "postgres://u:p@h/d?options=endpoint%3Dep-1%20-c%20statement_timeout%3D0",
	    &info, &err));
}

static void
an_error_in_the_parts_quotes_no_value(void **state)
{
	const struct conninfo_parts parts = {
		.host = "a,b", .port = "5432", .name = "d", .user = "u", .password = "Pa55w0rd"
	};
	struct conninfo info;
	struct error err;

	assert_false(conninfo_from_parts(*state, &parts, &info, &err));
	assert_non_null(strstr(err.message, "several hosts"));
	assert_null(strstr(err.message, "Pa55"));
}

/* --- the redacted form --- */

static const struct redacted_row {
	const char *about;
	const char *url;
	const char *redacted;
} redacted_rows[] = {
	{ "password", "postgres://u:c4n4ry-p@h:5432/d", "postgresql://u:***@h:5432/d" },
	{ "encoded password", "postgres://u:c4n4ry%40%2F@h/d", "postgresql://u:***@h/d" },
	{ "encoded letters of the password", "postgres://u:%63%34n4ry@h/d",
	  "postgresql://u:***@h/d" },
	{ "empty password", "postgres://u:@h/d", "postgresql://u:***@h/d" },
	{ "no password", "postgres://u@h/d", "postgresql://u@h/d" },
	{ "password parameter", "postgres://u@h/d?password=c4n4ry", "postgresql://u:***@h/d" },
	{ "driver and ssl", "postgresql+asyncpg://u:c4n4ry@h/d?ssl=require",
	  "postgresql://u:***@h/d?sslmode=require" },
	{ "the password of a key", "postgres://u:c4n4ry@h/d?sslpassword=c4n4ry&sslmode=verify-full",
	  "postgresql://u:***@h/d?sslmode=verify-full" },
	{ "a dropped parameter", "postgres://u:c4n4ry@h/d?application_name=c4n4ry",
	  "postgresql://u:***@h/d" },
	{ "names are encoded", "postgres://u%40x:c4n4ry@h/d%20e",
	  "postgresql://u%40x:***@h/d%20e" },
	{ "unix socket", "postgres://u:c4n4ry@%2Frun/d", "postgresql://u:***@%2Frun/d" },
};

static void
the_redacted_form_is_a_url_without_the_password(void **state)
{
	for (size_t i = 0; i < COUNT_OF(redacted_rows); i++) {
		const struct redacted_row *row = &redacted_rows[i];
		struct conninfo info = parsed(*state, row->url);

		row_text(row, info.redacted, row->redacted);
		row_true(row, !info.warning || !strstr(info.warning, "c4n4ry"));
	}
}

static void
the_redacted_form_can_be_parsed_again(void **state)
{
	for (size_t i = 0; i < COUNT_OF(redacted_rows); i++) {
		const struct redacted_row *row = &redacted_rows[i];
		struct conninfo info = parsed(*state, row->url), again;
		struct error err;

		row_true(row, conninfo_parse(*state, info.redacted, &again, &err));
		row_text(row, conninfo_get(&again, "host"), conninfo_get(&info, "host"));
	}
}

static void
the_redacted_form_keeps_the_brackets_of_an_address(void **state)
{
	assert_string_equal(parsed(*state, "postgres://u:p@[::1]:5432/d").redacted,
	                    "postgresql://u:***@[::1]:5432/d");
	assert_string_equal(parsed(*state, "postgres://u:p@[fe80::1%25%40x]/d").redacted,
	                    "postgresql://u:***@[fe80::1%25%40x]/d");
}

/* --- defaults and predicates --- */

static void
default_adds_only_an_absent_keyword(void **state)
{
	struct conninfo info = parsed(*state, "postgres://u:p@h/d");

	conninfo_default(*state, &info, "sslmode", "require");
	assert_string_equal(conninfo_get(&info, "sslmode"), "require");
	assert_string_equal(info.redacted, "postgresql://u:***@h/d?sslmode=require");
	conninfo_default(*state, &info, "sslmode", "disable");
	assert_string_equal(conninfo_get(&info, "sslmode"), "require");
	assert_null(info.keywords[info.count]);
}

static void
default_adds_nothing_to_a_full_list(void **state)
{
	struct conninfo info = parsed(*state, "postgres://u:p@h/d");

	for (int i = 0; i < CONNINFO_MAX; i++)
		conninfo_default(*state, &info, mem_printf(*state, "keyword_%d", i), "x");
	assert_int_equal(info.count, CONNINFO_MAX);
	assert_null(info.keywords[info.count]);
	assert_string_equal(conninfo_get(&info, "dbname"), "d");
}

static void
neon_is_recognized_by_its_domain(void **state)
{
	struct conninfo direct = parsed(*state, "postgres://u@ep-x-1.eu-central-1.aws.neon.tech/d"),
	                other = parsed(*state, "postgres://u@db.example-neon.tech/d"),
	                near = parsed(*state, "postgres://u@ep.neon.tech.example/d"),
	                brief = parsed(*state, "postgres://u@h/d");

	assert_true(conninfo_is_neon(&direct));
	assert_false(conninfo_is_neon(&other));
	assert_false(conninfo_is_neon(&near));
	assert_false(conninfo_is_neon(&brief));
}

static const struct question_row {
	const char *about;
	const char *url;
	bool network, tls, pooler;
} question_rows[] = {
	{ "no sslmode", "postgres://u@h/d", true, false, false },
	{ "disable", "postgres://u@h/d?sslmode=disable", true, false, false },
	{ "allow", "postgres://u@h/d?sslmode=allow", true, false, false },
	{ "prefer", "postgres://u@h/d?sslmode=prefer", true, false, false },
	{ "require", "postgres://u@h/d?sslmode=require", true, true, false },
	{ "verify-ca", "postgres://u@h/d?sslmode=verify-ca", true, true, false },
	{ "verify-full", "postgres://u@h/d?sslmode=verify-full", true, true, false },
	{ "asyncpg's ssl", "postgres://u@h/d?ssl=true", true, true, false },
	{ "localhost is a network", "postgres://u@localhost/d", true, false, false },
	{ "unix socket", "postgres://u@%2Frun/d", false, false, false },
	{ "abstract unix socket", "postgres://u@%40run/d", false, false, false },
	{ "Neon's pooler", "postgres://u@ep-x-1-pooler.eu-central-1.aws.neon.tech/d", true, false,
	  true },
	{ "Neon's direct host", "postgres://u@ep-x-1.eu-central-1.aws.neon.tech/d", true, false,
	  false },
	{ "Supabase's transaction pooler", "postgres://u@h.pooler.supabase.com:6543/d", true, false,
	  true },
	{ "Supabase's session pooler", "postgres://u@h.pooler.supabase.com:5432/d", true, false,
	  false },
	{ "pooler's port by parameter", "postgres://u@h/d?port=6543", true, false, true },
};

static void
predicates_follow_from_the_keywords(void **state)
{
	for (size_t i = 0; i < COUNT_OF(question_rows); i++) {
		const struct question_row *row = &question_rows[i];
		struct conninfo info = parsed(*state, row->url);

		row_int(row, conninfo_needs_tls(&info), row->tls);
		row_int(row, conninfo_is_pooler(&info), row->pooler);
		row_int(row, conninfo_is_network(&info), row->network);
	}
}

/* libpq connects to hostaddr, and uses host only as the name in the certificate. */
static void
an_address_is_a_network_whatever_the_host_is(void **state)
{
	struct conninfo info = parsed(*state, "postgres://u@%2Frun/d?hostaddr=192.0.2.1");

	assert_true(conninfo_is_network(&info));
}

static void
a_name_is_resolved_and_an_address_is_not(void **state)
{
	static const struct {
		const char *url;
		bool resolved;
	} rows[] = {
		{ "postgres://u@db.example.com/d", true },
		{ "postgres://u@192.0.2.1/d", false },
		{ "postgres://u@[2001:db8::1]/d", false },
		{ "postgres://u@%2Frun%2Fpostgresql/d", false },
		{ "postgres://u@db.example.com/d?hostaddr=192.0.2.1", false },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct conninfo info;
		struct error err;

		assert_true(conninfo_parse(*state, rows[i].url, &info, &err));
		if (conninfo_needs_resolving(&info) != rows[i].resolved)
			fail_msg("%s", rows[i].url);
	}
}

static void
json_has_every_keyword(void **state)
{
	struct conninfo info = parsed(*state, "postgres://u:a%22%5Cb@h:5432/d?sslmode=require");
	struct buf out;
	struct json_object *json;

	buf_init(&out, *state, 4096);
	conninfo_json(&info, &out);
	json = unit_json(*state, out.data);
	assert_int_equal(json_object_object_length(json), 6);
	assert_string_equal(unit_at(json, "/host"), "h");
	assert_string_equal(unit_at(json, "/port"), "5432");
	assert_string_equal(unit_at(json, "/user"), "u");
	assert_string_equal(unit_at(json, "/password"), "a\"\\b");
	assert_string_equal(unit_at(json, "/sslmode"), "require");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_form_gives_the_same_keywords),
		TEST(keywords_and_values_end_with_null),
		TEST(libpq_parameters_are_passed_on),
		TEST(parameters_of_poolers_and_orms_are_dropped_with_a_warning),
		TEST(options_may_name_the_endpoint),
		TEST(parts_make_the_same_as_a_url),
		TEST(an_error_names_the_part_and_quotes_no_value),
		TEST(an_empty_user_or_database_is_refused),
		TEST(server_settings_after_the_endpoint_are_refused),
		TEST(an_error_in_the_parts_quotes_no_value),
		TEST(the_redacted_form_is_a_url_without_the_password),
		TEST(the_redacted_form_can_be_parsed_again),
		TEST(the_redacted_form_keeps_the_brackets_of_an_address),
		TEST(default_adds_only_an_absent_keyword),
		TEST(default_adds_nothing_to_a_full_list),
		TEST(neon_is_recognized_by_its_domain),
		TEST(predicates_follow_from_the_keywords),
		TEST(an_address_is_a_network_whatever_the_host_is),
		TEST(a_name_is_resolved_and_an_address_is_not),
		TEST(json_has_every_keyword),
	};

	return cmocka_run_group_tests_name("conninfo", tests, NULL, NULL);
}
