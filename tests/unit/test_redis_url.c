#include "config/redis_url.h"
#include "unit.h"

static const struct url_row {
	const char *about;
	const char *text;
	const char *path, *host;
	int port;
	const char *user, *password;
	int database;
} url_rows[] = {
	{ "host only", "redis://h", NULL, "h", 6379, NULL, NULL, 0 },
	{ "without a host it is localhost", "redis://", NULL, "localhost", 6379, NULL, NULL, 0 },
	{ "port and database", "redis://h:6380/3", NULL, "h", 6380, NULL, NULL, 3 },
	{ "slash without a database", "redis://h/", NULL, "h", 6379, NULL, NULL, 0 },
	{ "password without a user", "redis://:p%40@h/0", NULL, "h", 6379, NULL, "p@", 0 },
	{ "user and password", "redis://u:p@h:1/15", NULL, "h", 1, "u", "p", 15 },
	{ "IPv6", "redis://[::1]:6379/1", NULL, "::1", 6379, NULL, NULL, 1 },
	{ "database as a parameter", "redis://h?db=2", NULL, "h", 6379, NULL, NULL, 2 },
	{ "unix socket", "unix:///run/redis.sock", "/run/redis.sock", NULL, 6379, NULL, NULL, 0 },
	{ "unix socket with a database", "unix:///run/redis.sock?db=4", "/run/redis.sock", NULL,
	  6379, NULL, NULL, 4 },
	{ "unix socket in the working directory", "unix://./run/redis.sock?db=1",
	  "./run/redis.sock", NULL, 6379, NULL, NULL, 1 },
	{ "unix socket with a password", "unix://:p@/run/redis.sock", "/run/redis.sock", NULL, 6379,
	  NULL, "p", 0 },
};

static void
a_url_is_parsed(void **state)
{
	for (size_t i = 0; i < COUNT_OF(url_rows); i++) {
		const struct url_row *row = &url_rows[i];
		struct redis_url redis;
		struct error err;

		row_true(row, redis_url_parse(*state, row->text, &redis, &err));
		row_text(row, redis.path, row->path);
		row_text(row, redis.host, row->host);
		if (!row->path)
			row_int(row, redis.port, row->port);
		row_text(row, redis.user, row->user);
		row_text(row, redis.password, row->password);
		row_int(row, redis.database, row->database);
	}
}

static const struct fault_row {
	const char *about;
	const char *text;
} fault_rows[] = {
	{ "another scheme", "http://u:Pa55w0rd@h" },
	{ "no scheme", "u:Pa55w0rd@h:6379" },
	{ "empty", "" },
	{ "a database that is not a number", "redis://u:Pa55w0rd@h/Pa55w0rd" },
	{ "a negative database", "redis://u:Pa55w0rd@h/-1" },
	{ "a database that is too large", "redis://u:Pa55w0rd@h/99999999999" },
	{ "a parameter other than db", "redis://u:Pa55w0rd@h?Pa55=w0rd" },
	{ "a db that is not a number", "redis://u:Pa55w0rd@h?db=Pa55" },
	{ "an empty db", "redis://u:Pa55w0rd@h?db=" },
	{ "a unix socket with two slashes", "unix://Pa55w0rd/redis.sock" },
	{ "a unix socket without a path", "unix:///" },
	{ "a unix socket in the working directory without a path", "unix://./" },
	{ "a unix socket above the working directory", "unix://../Pa55w0rd" },
	{ "an invalid port", "redis://u:Pa55w0rd@h:99999" },
	{ "CAs without TLS", "redis://u:Pa55w0rd@h?ssl_ca_certs=/Pa55" },
	{ "an empty file of CAs", "rediss://u:Pa55w0rd@h?ssl_ca_certs=" },
	{ "unverified TLS", "rediss://u:Pa55w0rd@h?ssl_cert_reqs=none" },
	{ "an unencoded @", "redis://u:Pa55@w0rd@h" },
	{ "a password without its colon", "redis://Pa55w0rd@h" },
};

static void
an_error_quotes_no_part_of_the_url(void **state)
{
	for (size_t i = 0; i < COUNT_OF(fault_rows); i++) {
		const struct fault_row *row = &fault_rows[i];
		struct redis_url redis;
		struct error err;

		row_true(row, !redis_url_parse(*state, row->text, &redis, &err));
		row_int(row, err.kind, FAILURE_INVALID);
		row_true(row, err.message[0] != '\0');
		row_true(row, !strstr(err.message, "Pa55") && !strstr(err.message, "w0rd"));
		row_true(row, !strstr(err.detail, "Pa55") && !strstr(err.detail, "w0rd"));
	}
}

static void
rediss_is_tls_and_may_name_its_cas(void **state)
{
	struct redis_url redis;
	struct error err;

	assert_true(redis_url_parse(*state, "rediss://:p@h:6380/2", &redis, &err));
	assert_true(redis.tls);
	assert_string_equal(redis.host, "h");
	assert_int_equal(redis.port, 6380);
	assert_int_equal(redis.database, 2);
	assert_null(redis.ca_file);
	assert_true(redis_url_parse(*state, "rediss://h?ssl_ca_certs=%2Fa%20b&db=1", &redis, &err));
	assert_string_equal(redis.ca_file, "/a b");
	assert_int_equal(redis.database, 1);
	assert_true(redis_url_parse(*state, "redis://h", &redis, &err));
	assert_false(redis.tls);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_url_is_parsed),
		TEST(an_error_quotes_no_part_of_the_url),
		TEST(rediss_is_tls_and_may_name_its_cas),
	};

	return cmocka_run_group_tests_name("redis_url", tests, NULL, NULL);
}
