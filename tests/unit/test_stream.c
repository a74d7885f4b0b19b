#include <fcntl.h>
#include <sys/socket.h>

#include "base/stream.h"
#include "unit.h"

/* TLS is tested with real servers: tests/system/test_cache_tls.py, test_doctor.py. */

static int ends[2]; /* of a socket pair; the stream is on the first */
static struct stream *stream;

static int
open_stream(void **state)
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0
	    || fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0 || unit_setup(state) != 0)
		return -1;
	stream = stream_new(*state, ends[0]);
	return 0;
}

static int
close_stream(void **state)
{
	int result = unit_teardown(state);

	(void)close(ends[0]);
	(void)close(ends[1]);
	return result;
}

static void
bytes_go_both_ways(void **state)
{
	char bytes[8];
	size_t got;

	(void)state;
	assert_true(stream_is_idle(stream));
	assert_true(stream_write(stream, deadline_in_ms(1000), "ask", 3));
	assert_int_equal(read(ends[1], bytes, sizeof(bytes)), 3);
	assert_memory_equal(bytes, "ask", 3);
	assert_int_equal(write(ends[1], "reply", 5), 5);
	assert_false(stream_is_idle(stream));
	assert_true(stream_read(stream, DEADLINE_NOW, bytes, 2, &got));
	assert_int_equal(got, 2);
	assert_true(stream_read(stream, DEADLINE_NOW, bytes, sizeof(bytes), &got));
	assert_int_equal(got, 3);
	assert_memory_equal(bytes, "ply", 3);
	assert_true(stream_is_idle(stream));
}

static void
a_read_ends_at_its_deadline(void **state)
{
	struct deadline deadline = deadline_in_ms(20);
	char byte;
	size_t got;

	(void)state;
	assert_false(stream_read(stream, deadline, &byte, 1, &got));
	assert_true(deadline_passed(deadline));
	assert_string_equal(stream_last_error(stream), "no answer within the time allowed");
}

static void
a_write_to_a_peer_that_does_not_read_ends_at_its_deadline(void **state)
{
	static const char bytes[4 << 20];
	struct deadline deadline = deadline_in_ms(20);

	(void)state;
	assert_false(stream_write(stream, deadline, bytes, sizeof(bytes)));
	assert_true(deadline_passed(deadline));
	assert_string_equal(stream_last_error(stream), "no answer within the time allowed");
}

static void
a_peer_that_closes_is_an_error_without_a_signal(void **state)
{
	char byte;
	size_t got;

	(void)state;
	assert_int_equal(shutdown(ends[1], SHUT_RDWR), 0);
	assert_false(stream_is_idle(stream));
	assert_false(stream_read(stream, DEADLINE_NEVER, &byte, 1, &got));
	assert_string_equal(stream_last_error(stream), "the server closed the connection");
	assert_false(stream_write(stream, DEADLINE_NEVER, "x", 1));
	assert_string_equal(stream_last_error(stream), "Broken pipe");
}

#define STREAM_TEST(function) cmocka_unit_test_setup_teardown(function, open_stream, close_stream)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STREAM_TEST(bytes_go_both_ways),
		STREAM_TEST(a_read_ends_at_its_deadline),
		STREAM_TEST(a_write_to_a_peer_that_does_not_read_ends_at_its_deadline),
		STREAM_TEST(a_peer_that_closes_is_an_error_without_a_signal),
	};

	return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
