#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>

#include "base/sink.h"
#include "unit.h"

enum { LONG = 2 * PIPE_BUF - 100 };

struct pipe_ends {
	int read, write;
};

static struct pipe_ends
new_pipe(void)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	return (struct pipe_ends){ ends[0], ends[1] };
}

static void
close_pipe(struct pipe_ends ends)
{
	(void)close(ends.read);
	(void)close(ends.write);
}

static char *
long_line(void *owner, char fill)
{
	char *line = mem_resize(owner, NULL, LONG + 1);

	memset(line, fill, LONG);
	line[LONG - 1] = '\n';
	line[LONG] = '\0';
	return line;
}

/* Reads what is in the pipe now, at most 256 KiB. */
static char *
contents(void *owner, struct pipe_ends ends)
{
	char *text = mem_resize(owner, NULL, (256 << 10) + 1);
	ssize_t size;

	assert_int_equal(fcntl(ends.read, F_SETFL, O_NONBLOCK), 0);
	size = read(ends.read, text, 256 << 10);
	text[size > 0 ? size : 0] = '\0';
	return text;
}

static void
a_long_line_goes_through_a_pipe_whole(void **state)
{
	struct pipe_ends ends = new_pipe();
	uint64_t before = sink_dropped();
	char *line = long_line(*state, 'a');

	sink_write(ends.write, line, LONG);
	assert_string_equal(contents(*state, ends), line);
	assert_int_equal(sink_dropped(), before);
	close_pipe(ends);
}

/* The test would hang if a write blocked. */
static void
a_full_pipe_drops_and_counts_lines(void **state)
{
	struct pipe_ends ends = new_pipe();
	uint64_t before = sink_dropped();
	int written = 0;
	char *text;

	while (sink_dropped() == before && written < 100000) {
		sink_write(ends.write, "a line\n", 7);
		written++;
	}
	assert_true(written > 1000 && written < 100000);
	sink_write(ends.write, long_line(*state, 'a'), LONG);
	assert_int_equal(sink_dropped(), before + 2);
	text = contents(*state, ends);
	assert_int_equal(strlen(text), (size_t)(written - 1) * 7);
	sink_write(ends.write, "again\n", 6);
	assert_string_equal(contents(*state, ends), "again\n");
	assert_int_equal(sink_dropped(), before + 2);
	close_pipe(ends);
}

/* systemd's journal is such a socket. */
static void
a_full_socket_drops_and_counts_lines(void **state)
{
	uint64_t before = sink_dropped();
	char *line = long_line(*state, 's');
	int ends[2], written = 0;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	while (sink_dropped() == before && written < 100000) {
		sink_write(ends[1], line, LONG);
		written++;
	}
	assert_true(written > 1 && written < 100000);
	assert_int_equal(sink_dropped(), before + 1);
	close_pipe((struct pipe_ends){ ends[0], ends[1] });
}

/* The kind of standard error is determined once, so this needs a process of its own. */
static void
write_to_full_stderr(void *unused)
{
	struct pipe_ends ends = new_pipe();
	uint64_t before = sink_dropped();

	(void)unused;
	assert_int_equal(dup2(ends.write, STDERR_FILENO), STDERR_FILENO);
	for (int i = 0; i < 100000 && sink_dropped() == before; i++)
		sink_write(STDERR_FILENO, "a line\n", 7);
	_exit(sink_dropped() == before + 1 ? 0 : 1);
}

static void
a_full_pipe_as_standard_error_drops_lines_too(void **state)
{
	(void)state;
	assert_int_equal(unit_end_of(write_to_full_stderr, NULL), 0);
}

static void
a_file_gets_whole_lines(void **state)
{
	uint64_t before = sink_dropped();
	char *line = long_line(*state, 'f'), *text = mem_resize(*state, NULL, LONG + 7);
	FILE *file = tmpfile();

	assert_non_null(file);
	sink_write(fileno(file), line, LONG);
	sink_write(fileno(file), "next\n", 5);
	rewind(file);
	text[fread(text, 1, LONG + 6, file)] = '\0';
	assert_memory_equal(text, line, LONG);
	assert_string_equal(text + LONG, "next\n");
	assert_int_equal(sink_dropped(), before);
	(void)fclose(file);
}

/* A line that was written in part does not swallow the next one. */
static void
a_torn_line_ends_before_the_next(void **state)
{
	struct pipe_ends ends = new_pipe();
	uint64_t before = sink_dropped();
	char *line = long_line(*state, 'b'), *text;

	assert_true(fcntl(ends.write, F_SETPIPE_SZ, PIPE_BUF) == PIPE_BUF);
	sink_write(ends.write, line, LONG);
	assert_int_equal(sink_dropped(), before + 1);
	text = contents(*state, ends);
	assert_int_equal(strlen(text), PIPE_BUF);
	sink_write(ends.write, "next\n", 5);
	/* Whether the line also fits after its line feed depends on the kernel. */
	assert_int_equal(contents(*state, ends)[0], '\n');
	close_pipe(ends);
}

static void
a_full_disk_and_a_closed_reader_drop_lines_too(void **state)
{
	struct pipe_ends ends = new_pipe();
	uint64_t before = sink_dropped();
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	assert_true(full >= 0);
	sink_write(full, "x\n", 2);
	assert_int_equal(sink_dropped(), before + 1);
	(void)close(ends.read);
	sink_write(ends.write, "x\n", 2);
	assert_int_equal(sink_dropped(), before + 2);
	sink_write(-1, "x\n", 2);
	assert_int_equal(sink_dropped(), before + 3);
	(void)close(ends.write);
	(void)close(full);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_long_line_goes_through_a_pipe_whole),
		TEST(a_full_pipe_drops_and_counts_lines),
		TEST(a_full_socket_drops_and_counts_lines),
		TEST(a_full_pipe_as_standard_error_drops_lines_too),
		TEST(a_file_gets_whole_lines),
		TEST(a_torn_line_ends_before_the_next),
		TEST(a_full_disk_and_a_closed_reader_drop_lines_too),
	};

	return cmocka_run_group_tests_name("sink", tests, NULL, NULL);
}
