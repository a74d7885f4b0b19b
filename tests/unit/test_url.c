#include "base/buf.h"
#include "config/url.h"
#include "unit.h"

static const struct url_row {
	const char *about;
	const char *text;
	const char *scheme, *user, *password, *host, *port, *path;
} url_rows[] = {
	{ "all parts", "postgres://u:p@h:5432/d", "postgres", "u", "p", "h", "5432", "d" },
	{ "a driver in the scheme", "postgresql+asyncpg://u:p@h/d", "postgresql+asyncpg", "u", "p",
	  "h", NULL, "d" },
	{ "host only", "redis://h", "redis", NULL, NULL, "h", NULL, NULL },
	{ "only a slash", "redis://h/", "redis", NULL, NULL, "h", NULL, NULL },
	{ "no host", "unix:///tmp/x.sock", "unix", NULL, NULL, NULL, NULL, "tmp/x.sock" },
	{ "only a scheme", "postgresql://", "postgresql", NULL, NULL, NULL, NULL, NULL },
	{ "user without a password", "x://u@h", "x", "u", NULL, "h", NULL, NULL },
	{ "password without a user", "x://:p@h", "x", NULL, "p", "h", NULL, NULL },
	{ "empty password", "x://u:@h", "x", "u", "", "h", NULL, NULL },
	{ "colons in the password", "x://u:a:b:@h", "x", "u", "a:b:", "h", NULL, NULL },
	{ "percent-encoded", "x://u%40v:p%40%2F%3F%23%25@h/d%20e", "x", "u@v", "p@/?#%", "h", NULL,
	  "d e" },
	{ "decoded once", "x://u:%2540@h", "x", "u", "%40", "h", NULL, NULL },
	{ "a plus is literal", "x://u:a+b@h/c+d", "x", "u", "a+b", "h", NULL, "c+d" },
	{ "UTF-8 in the password", "x://u:p%C3%A9@h", "x", "u", "p\xc3\xa9", "h", NULL, NULL },
	{ "IPv6", "x://u:p@[::1]:5432/d", "x", "u", "p", "::1", "5432", "d" },
	{ "IPv6 without a port", "x://[fe80::1]/d", "x", NULL, NULL, "fe80::1", NULL, "d" },
	{ "socket directory as host", "x://u@%2Frun%2Fpostgresql/d", "x", "u", NULL,
	  "/run/postgresql", NULL, "d" },
	{ "colon without a port", "x://h:/d", "x", NULL, NULL, "h", NULL, "d" },
	{ "largest port", "x://h:65535", "x", NULL, NULL, "h", "65535", NULL },
	{ "slashes in the path", "x://h/a/b/", "x", NULL, NULL, "h", NULL, "a/b/" },
};

static void
a_url_is_parsed(void **state)
{
	for (size_t i = 0; i < COUNT_OF(url_rows); i++) {
		const struct url_row *row = &url_rows[i];
		struct url url;
		struct error err;

		row_true(row, url_parse(*state, row->text, &url, &err));
		row_text(row, url.scheme, row->scheme);
		row_text(row, url.user, row->user);
		row_text(row, url.password, row->password);
		row_text(row, url.host, row->host);
		row_text(row, url.port, row->port);
		row_text(row, url.path, row->path);
		row_int(row, url.param_count, 0);
	}
}

static void
parameters_are_decoded_in_order(void **state)
{
	struct url url;
	struct error err;

	assert_true(url_parse(*state, "x://h/d?a=1&b%20c=%26%3D+&d=&e=f=g", &url, &err));
	assert_int_equal(url.param_count, 4);
	assert_string_equal(url.params[0].name, "a");
	assert_string_equal(url.params[0].value, "1");
	assert_string_equal(url.params[1].name, "b c");
	assert_string_equal(url.params[1].value, "&=+");
	assert_string_equal(url.params[2].value, "");
	assert_string_equal(url.params[3].value, "f=g");
}

static void
parameters_may_follow_the_host(void **state)
{
	struct url url;
	struct error err;

	assert_true(url_parse(*state, "x://h?a=1", &url, &err));
	assert_string_equal(url.host, "h");
	assert_null(url.path);
	assert_string_equal(url.params[0].value, "1");
}

/* No error may contain a part of Pa55w0rd. */
static const struct fault_row {
	const char *about;
	const char *text;
} fault_rows[] = {
	{ "no scheme", "u:Pa55w0rd@h/d" },
	{ "an encoded DEL", "x://u:Pa55%7fw0rd@h/d" },
	{ "no slashes", "postgres:u:Pa55w0rd@h/d" },
	{ "empty scheme", "://u:Pa55w0rd@h/d" },
	{ "empty", "" },
	{ "unencoded @ in the password", "x://u:Pa55@w0rd@h/d" },
	{ "unencoded @ and / in the password", "x://u:Pa55/@w0rd@h/d" },
	{ "unencoded / in the password", "x://u:Pa55/w0rd@h/d" },
	{ "unencoded ? in the password", "x://u:Pa55?w0rd@h/d" },
	{ "unencoded # in the password", "x://u:Pa55#w0rd@h/d" },
	{ "digits and a / in the password", "x://u:5432/Pa55w0rd@h/d" },
	{ "unencoded % in the password", "x://u:Pa55%w0rd@h/d" },
	{ "percent at its end", "x://u:Pa55w0rd%@h/d" },
	{ "a missing @", "x://u:Pa55w0rd/d" },
	{ "NUL in the password", "x://u:Pa55%00w0rd@h/d" },
	{ "control byte in the password", "x://u:Pa55%0Aw0rd@h/d" },
	{ "not UTF-8 in the password", "x://u:Pa55%FFw0rd@h/d" },
	{ "a raw line feed at the end", "x://u:Pa55w0rd@h/d\n" },
	{ "port of 0", "x://u:Pa55w0rd@h:0/d" },
	{ "port too large", "x://u:Pa55w0rd@h:65536/d" },
	{ "port with letters", "x://u:Pa55w0rd@h:5432a/d" },
	{ "negative port", "x://u:Pa55w0rd@h:-1/d" },
	{ "bracket not closed", "x://u:Pa55w0rd@[::1/d" },
	{ "text after the bracket", "x://u:Pa55w0rd@[::1]5432/d" },
	{ "fragment", "x://u:Pa55w0rd@h/d#fragment" },
	{ "parameter without a value", "x://u:Pa55w0rd@h/d?Pa55w0rd" },
	{ "parameter without a name", "x://u:Pa55w0rd@h/d?=Pa55w0rd" },
	{ "malformed escape in a parameter", "x://u:Pa55w0rd@h/d?a=Pa55%w0rd" },
	{ "@ in a parameter", "x://u@h/d?password=Pa55@w0rd" },
	{ "@ in the scheme", "x@Pa55://u@h/d" },
	{ "a second ? before the password", "x://u@h/d?user=me?password=Pa55w0rd" },
};

static void
an_error_quotes_no_part_of_the_url(void **state)
{
	for (size_t i = 0; i < COUNT_OF(fault_rows); i++) {
		const struct fault_row *row = &fault_rows[i];
		struct url url;
		struct error err;

		row_true(row, !url_parse(*state, row->text, &url, &err));
		row_int(row, err.kind, FAILURE_INVALID);
		row_true(row, err.message[0] != '\0');
		row_true(row, !strstr(err.message, "Pa55") && !strstr(err.message, "w0rd"));
		row_true(row, !strstr(err.detail, "Pa55") && !strstr(err.detail, "w0rd"));
	}
}

static void
an_address_in_brackets_is_checked_like_other_parts(void **state)
{
	struct url url;
	struct error err;

	assert_false(url_parse(*state, "x://u:p@[::1\n]/d", &url, &err));
	assert_false(url_parse(*state, "x://u:p@[::1\xff]/d", &url, &err));
}

static void
a_url_that_is_too_long_is_refused(void **state)
{
	char text[URL_MAX_BYTES + 2] = "x://";
	struct url url;
	struct error err;

	memset(text + 4, 'h', sizeof(text) - 5);
	text[sizeof(text) - 1] = '\0';
	assert_false(url_parse(*state, text, &url, &err));
	text[URL_MAX_BYTES] = '\0';
	assert_true(url_parse(*state, text, &url, &err));
}

static void
too_many_parameters_are_refused(void **state)
{
	struct buf text;
	struct url url;
	struct error err;

	buf_init(&text, *state, URL_MAX_BYTES);
	buf_text(&text, "x://h/d?a=1");
	for (int i = 1; i < URL_PARAMS_MAX; i++)
		buf_text(&text, "&a=1");
	assert_true(url_parse(*state, text.data, &url, &err));
	assert_int_equal(url.param_count, URL_PARAMS_MAX);
	buf_text(&text, "&a=1");
	assert_false(url_parse(*state, text.data, &url, &err));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_url_is_parsed),
		TEST(parameters_are_decoded_in_order),
		TEST(parameters_may_follow_the_host),
		TEST(an_error_quotes_no_part_of_the_url),
		TEST(an_address_in_brackets_is_checked_like_other_parts),
		TEST(a_url_that_is_too_long_is_refused),
		TEST(too_many_parameters_are_refused),
	};

	return cmocka_run_group_tests_name("url", tests, NULL, NULL);
}
