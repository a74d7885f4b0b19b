#include "unit.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/resolve.h"
#include "base/text.h"
#include "name_server.h"

#define SILENT_ADDRESS "127.0.0.2"
/* A DNS label has up to 63 bytes. */
#define LONG_LABEL "label-of-64-bytes-0123456789012345678901234567890123456789012345"

static const struct record records[] = {
	{ "four.test", .four = "192.0.2.1" },
	{ "six.test", .six = "2001:db8::1" },
	{ "both.test", .four = "192.0.2.2", .six = "2001:db8::2" },
	{ "neither.test", NULL },
	{ "alias.test", .alias = "both.test" },
	{ "alias-of-four.test", .alias = "four.test" },
	{ "broken-six.test", .four = "192.0.2.3", .code_six = SERVER_FAILURE },
	{ "silent-six.test", .four = "192.0.2.4", .code_six = SILENCE },
	{ "silent-four.test", .six = "2001:db8::4", .code_four = SILENCE },
	{ "broken.test", .code_four = SERVER_FAILURE, .code_six = SERVER_FAILURE },
	{ "truncated.test", .four = "192.0.2.16", .copies = 6, .truncated = true },
	{ "crowd.test", .four = "192.0.2.32", .six = "2001:db8::20", .copies = 20 },
	{ "late.test", .four = "192.0.2.5", .delay_ms = 150 },
	{ "database.inside.test", .four = "192.0.2.6" },
	{ "a.deep.inside.test", .four = "192.0.2.7" },
	{ "four.test.broken.test", .code_four = SERVER_FAILURE, .code_six = SERVER_FAILURE },
};

static struct name_server server;
static char resolv_conf[] = "/tmp/test_resolve-XXXXXX";
static int silent = -1;

/* Added to the clock that the resolver and c-ares read. */
static time_t later_s;

int
clock_gettime(clockid_t clock, struct timespec *now)
{
	int result = (int)syscall(SYS_clock_gettime, clock, now);

	now->tv_sec += later_s;
	return result;
}

/* Writes the resolv.conf that the resolver reads from now on. */
static void
configure(const char *text)
{
	int fd = open(resolv_conf, O_WRONLY | O_TRUNC | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(close(fd), 0);
	resolve_set_config(resolv_conf, server.port);
}

/* Also binds the same port of another address, where queries get no answer. */
static int
start_servers(void **state)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	int fd = mkstemp(resolv_conf);

	(void)state;
	if (fd < 0 || close(fd) != 0 || !name_server_start(&server, records, COUNT_OF(records)))
		return -1;
	silent = socket(AF_INET, SOCK_DGRAM, 0);
	address.sin_port = htons(server.port);
	return inet_pton(AF_INET, SILENT_ADDRESS, &address.sin_addr) == 1
	               && bind(silent, (struct sockaddr *)&address, sizeof(address)) == 0
	           ? 0
	           : -1;
}

static int
stop_servers(void **state)
{
	(void)state;
	name_server_stop(&server);
	(void)close(silent);
	return unlink(resolv_conf);
}

static int
one_server(void **state)
{
	(void)state;
	configure("nameserver 127.0.0.1\n");
	atomic_store(&server.asked, 0);
	atomic_store(&server.asked_by_tcp, 0);
	return 0;
}

static bool
has(const struct addresses *addresses, const char *text)
{
	for (size_t i = 0; i < addresses->count; i++)
		if (strcmp(addresses->texts[i], text) == 0)
			return true;
	return false;
}

/* Resolves without the cache. */
static bool
look_up(const char *host, int64_t ms, struct addresses *addresses, const char **why)
{
	*why = "";
	addresses->count = 0;
	resolve_forget(host);
	return resolve(host, deadline_in_ms(ms), addresses, why);
}

static int
open_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	int count = 0;

	while (folder && readdir(folder))
		count++;
	if (folder)
		(void)closedir(folder);
	return count;
}

static void
nothing_stays_open(void **state)
{
	struct addresses addresses;
	const char *why;
	int before = open_descriptors();

	(void)state;
	assert_true(look_up("both.test", 5000, &addresses, &why));
	assert_true(look_up("truncated.test", 5000, &addresses, &why));
	assert_false(look_up("none.test", 5000, &addresses, &why));
	assert_int_equal(resolve_need().fd, -1);
	assert_int_equal(open_descriptors(), before);
}

static void
each_kind_of_name_has_its_addresses(void **state)
{
	static const struct {
		const char *host, *four, *six;
	} rows[] = {
		{ "four.test", "192.0.2.1", NULL },
		{ "FOUR.test", "192.0.2.1", NULL },
		{ "four.test.", "192.0.2.1", NULL },
		{ "six.test", NULL, "2001:db8::1" },
		{ "both.test", "192.0.2.2", "2001:db8::2" },
		{ "alias.test", "192.0.2.2", "2001:db8::2" },
		{ "alias-of-four.test", "192.0.2.1", NULL },
		{ "broken-six.test", "192.0.2.3", NULL },
		{ "silent-six.test", "192.0.2.4", NULL },
		{ "silent-four.test", NULL, "2001:db8::4" },
	};
	struct addresses addresses;
	const char *why;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (!look_up(rows[i].host, 5000, &addresses, &why))
			fail_msg("%s: %s", rows[i].host, why);
		if (addresses.count != (size_t) !!rows[i].four + !!rows[i].six
		    || (rows[i].four && !has(&addresses, rows[i].four))
		    || (rows[i].six && !has(&addresses, rows[i].six)))
			fail_msg("%s: %zu addresses, the first %s", rows[i].host, addresses.count,
			         addresses.texts[0]);
	}
}

static void
a_name_without_addresses_fails_with_its_reason(void **state)
{
	static const char *const hosts[] = { "none.test",   "none.test.",  "neither.test",
		                             "broken.test", "a..b.test",   ".",
		                             "..",          "sp ace.test", LONG_LABEL ".test" };
	struct addresses addresses;
	const char *why;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(hosts); i++) {
		if (look_up(hosts[i], 20000, &addresses, &why))
			fail_msg("%s: %s", hosts[i], addresses.texts[0]);
		if (!*why || strstr(why, "no answer"))
			fail_msg("%s: \"%s\"", hosts[i], why);
	}
}

static void
an_answer_is_cached_until_it_is_forgotten(void **state)
{
	struct addresses addresses;
	const char *why;
	int asked;

	(void)state;
	assert_true(look_up("four.test", 5000, &addresses, &why));
	asked = atomic_load(&server.asked);
	addresses.count = 0;
	assert_int_equal(resolve_start("four.test", &addresses, &why), RESOLVE_DONE);
	assert_int_equal(addresses.count, 1);
	assert_int_equal(atomic_load(&server.asked), asked);
	assert_true(look_up("four.test", 5000, &addresses, &why));
	assert_true(atomic_load(&server.asked) > asked);
}

static void
a_truncated_answer_is_queried_again_by_tcp(void **state)
{
	struct addresses addresses;
	const char *why;

	(void)state;
	assert_true(look_up("truncated.test", 5000, &addresses, &why));
	assert_int_equal(addresses.count, 6);
	assert_true(has(&addresses, "192.0.2.16") && has(&addresses, "192.0.2.21"));
	assert_true(atomic_load(&server.asked_by_tcp) > 0);
}

static void
too_many_addresses_are_cut_to_the_maximum(void **state)
{
	struct addresses addresses;
	const char *why;

	(void)state;
	assert_true(look_up("crowd.test", 5000, &addresses, &why));
	assert_int_equal(addresses.count, RESOLVE_MAX);
}

/* The first of three servers does not answer, and nothing listens at the second. */
static void
a_dead_name_server_leaves_time_for_the_next(void **state)
{
	struct addresses addresses;
	const char *why;

	(void)state;
	configure("nameserver " SILENT_ADDRESS "\nnameserver 127.0.0.3\nnameserver 127.0.0.1\n");
	assert_true(look_up("both.test", 3000, &addresses, &why));
	assert_int_equal(addresses.count, 2);
}

static void
without_a_name_server_that_answers_the_deadline_ends_it(void **state)
{
	struct addresses addresses;
	const char *why;

	(void)state;
	configure("nameserver " SILENT_ADDRESS "\n");
	assert_false(look_up("silence.test", 30, &addresses, &why));
	assert_string_equal(why, "no answer within the time allowed");
	/* The next caller waits for the same query. */
	assert_int_equal(resolve_start("silence.test", &addresses, &why), RESOLVE_PENDING);
	assert_true(resolve_need().fd >= 0 && resolve_need().timeout_ms >= 0);
	configure("nameserver 127.0.0.1\n");
	assert_true(look_up("four.test", 5000, &addresses, &why));
}

/* The query stays open, and its answer serves the next request. */
static void
an_answer_after_the_deadline_serves_the_next_caller(void **state)
{
	struct addresses addresses;
	const char *why;
	int asked;

	(void)state;
	assert_false(look_up("late.test", 20, &addresses, &why));
	assert_string_equal(why, "no answer within the time allowed");
	asked = atomic_load(&server.asked);
	assert_true(resolve("late.test", deadline_in_ms(5000), &addresses, &why));
	assert_string_equal(addresses.texts[0], "192.0.2.5");
	assert_true(atomic_load(&server.asked) == 1 || atomic_load(&server.asked) == 2);
	assert_true(asked <= 2);
}

/* The query that is left open does not disturb the next one. */
static void
a_deadline_of_now_fails_and_the_next_query_is_answered(void **state)
{
	struct addresses addresses;
	const char *why;

	(void)state;
	for (int i = 0; i < 50; i++)
		if (!look_up("both.test", -1, &addresses, &why))
			assert_string_equal(why, "no answer within the time allowed");
	assert_true(look_up("both.test", 5000, &addresses, &why));
}

static void
the_search_list_is_obeyed(void **state)
{
	static const struct {
		const char *options, *host, *address;
	} rows[] = {
		{ "search test inside.test\n", "database", "192.0.2.6" },
		{ "search inside.test\n", "a.deep", "192.0.2.7" },
		{ "search inside.test\noptions ndots:3\n", "a.deep", "192.0.2.7" },
		{ "search inside.test\noptions ndots:3\n", "four.test", "192.0.2.1" },
		{ "search broken.test\noptions ndots:3\n", "four.test", "192.0.2.1" },
		{ "domain inside.test\n", "database", "192.0.2.6" },
		{ "search inside.test\n", "database.", NULL },
		{ "", "database", NULL },
	};
	struct addresses addresses;
	char text[256];
	const char *why;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		bool found;

		(void)snprintf(text, sizeof(text), "nameserver 127.0.0.1\n%s", rows[i].options);
		configure(text);
		found = look_up(rows[i].host, 5000, &addresses, &why);
		if (found != (rows[i].address != NULL)
		    || (found && strcmp(addresses.texts[0], rows[i].address) != 0))
			fail_msg("%s with \"%s\": %s", rows[i].host, rows[i].options,
			         found ? addresses.texts[0] : why);
	}
}

/* Each name in the file has its address, and no name server is asked for it. */
static void
names_of_the_hosts_file_need_no_name_server(void **state)
{
	FILE *hosts = fopen("/etc/hosts", "re");
	struct addresses addresses;
	char line[1024];
	const char *why;
	int found = 0;

	(void)state;
	configure("nameserver " SILENT_ADDRESS "\n");
	while (hosts && fgets(line, sizeof(line), hosts)) {
		char *rest, *address, *name;

		line[strcspn(line, "#\n")] = '\0';
		address = strtok_r(line, " \t", &rest);
		name = address ? strtok_r(NULL, " \t", &rest) : NULL;
		if (!name || !resolve_is_address(address))
			continue;
		if (!look_up(name, 1000, &addresses, &why))
			fail_msg("%s: %s", name, why);
		found++;
	}
	if (hosts)
		(void)fclose(hosts);
	if (found == 0)
		skip();
}

static void
localhost_is_this_machine(void **state)
{
	struct addresses addresses;
	const char *why;

	(void)state;
	assert_true(look_up("localhost", 5000, &addresses, &why));
	assert_true(has(&addresses, "127.0.0.1") || has(&addresses, "::1"));
	assert_int_equal(atomic_load(&server.asked), 0);
}

/* A name with an open query keeps its place; the oldest other one is replaced. */
static void
more_names_than_places_are_all_answered(void **state)
{
	static const char *const hosts[] = { "four.test", "six.test",  "both.test",
		                             "late.test", "none.test", "alias.test" };
	struct addresses addresses;
	const char *why;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(hosts); i++) {
		resolve_forget(hosts[i]);
		assert_int_not_equal(resolve_start(hosts[i], &addresses, &why), RESOLVE_DONE);
	}
	for (size_t i = 0; i < COUNT_OF(hosts); i++)
		if (resolve(hosts[i], deadline_in_ms(5000), &addresses, &why)
		    != (strcmp(hosts[i], "none.test") != 0))
			fail_msg("%s: %s", hosts[i], why);
}

static void
an_answer_that_is_too_old_is_not_used(void **state)
{
	struct addresses addresses;
	const char *why;

	(void)state;
	assert_true(look_up("four.test", 5000, &addresses, &why));
	configure("nameserver " SILENT_ADDRESS "\n");
	later_s += RESOLVE_CACHE_S - 10;
	assert_int_equal(resolve_start("four.test", &addresses, &why), RESOLVE_DONE);
	later_s += 11;
	assert_int_equal(resolve_start("four.test", &addresses, &why), RESOLVE_PENDING);
	/* The query is too old by then, and the next one is answered. */
	configure("nameserver 127.0.0.1\n");
	later_s += RESOLVE_CACHE_S + 1;
	assert_true(resolve("four.test", deadline_in_ms(5000), &addresses, &why));
}

static void
a_changed_resolv_conf_is_read(void **state)
{
	struct addresses addresses;
	const char *why;

	(void)state;
	configure("nameserver 127.0.0.1\n");
	assert_false(look_up("database", 5000, &addresses, &why));
	configure("nameserver 127.0.0.1\nsearch inside.test\n");
	/* Callers within a second get the same failure. */
	for (int i = 0; i < 50 && !resolve("database", deadline_in_ms(5000), &addresses, &why); i++)
		clock_sleep_ms(50, deadline_in_ms(50));
	assert_string_equal(addresses.texts[0], "192.0.2.6");
}

static void
an_address_is_its_own_answer_and_an_empty_name_fails(void **state)
{
	static const char *const numeric[] = { "127.0.0.1", "::1", "2001:db8::1" };
	struct addresses addresses;
	char longest[2000];
	const char *why;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(numeric); i++) {
		assert_int_equal(resolve_start(numeric[i], &addresses, &why), RESOLVE_DONE);
		assert_int_equal(addresses.count, 1);
		assert_string_equal(addresses.texts[0], numeric[i]);
	}
	assert_int_equal(resolve_start("", &addresses, &why), RESOLVE_FAILED);
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(resolve_start(longest, &addresses, &why), RESOLVE_FAILED);
	assert_string_equal(why, "the name is too long");
}

#define NAME_TEST(function) cmocka_unit_test_setup(function, one_server)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		NAME_TEST(nothing_stays_open),
		NAME_TEST(each_kind_of_name_has_its_addresses),
		NAME_TEST(a_name_without_addresses_fails_with_its_reason),
		NAME_TEST(an_answer_is_cached_until_it_is_forgotten),
		NAME_TEST(an_answer_that_is_too_old_is_not_used),
		NAME_TEST(a_truncated_answer_is_queried_again_by_tcp),
		NAME_TEST(too_many_addresses_are_cut_to_the_maximum),
		NAME_TEST(a_dead_name_server_leaves_time_for_the_next),
		NAME_TEST(without_a_name_server_that_answers_the_deadline_ends_it),
		NAME_TEST(an_answer_after_the_deadline_serves_the_next_caller),
		NAME_TEST(a_deadline_of_now_fails_and_the_next_query_is_answered),
		NAME_TEST(the_search_list_is_obeyed),
		NAME_TEST(names_of_the_hosts_file_need_no_name_server),
		NAME_TEST(localhost_is_this_machine),
		NAME_TEST(more_names_than_places_are_all_answered),
		NAME_TEST(a_changed_resolv_conf_is_read),
		NAME_TEST(an_address_is_its_own_answer_and_an_empty_name_fails),
	};

	return cmocka_run_group_tests_name("resolve", tests, start_servers, stop_servers);
}
