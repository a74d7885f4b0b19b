/* replay.c - runs a target's seeds in `make test`, without libFuzzer, so with gcc and in each
 * VARIANT
 *
 * Each seed is run_input whole, cut off before each of its bytes, and with each byte replaced by
 * some that are special to one parser or another. So it is tested without a fuzzer what a parser
 * does at the end of its input and with an unexpected byte.
 */
#include <dirent.h>
#include <errno.h>

#include "../unit/unit.h"
#include "fuzz.h"

#define SEED_MAX_BYTES (1 << 20)
/* The number of places at which a seed is varied, spread over a longer one. */
#define VARIED_MAX 160

static const char *target, *seed = "no seed";
static const uint8_t *input;
static size_t input_size, runs;

/* Prints the input that violated a property, so that it can become a seed. */
static void
show_input(int signal_number)
{
	(void)signal_number;
	(void)fprintf(stderr, "%s: %s, this input of %zu bytes:\n", target, seed, input_size);
	for (size_t i = 0; i < input_size; i++)
		(void)fprintf(stderr,
		              input[i] >= 0x20 && input[i] < 0x7f && input[i] != '\\' ? "%c"
		                                                                      : "\\x%02x",
		              input[i]);
	(void)fputc('\n', stderr);
}

/* The input is in a block of its own, so that a sanitizer detects a read past its end. */
static void
run_input(const char *bytes, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	assert_non_null(copy);
	memcpy(copy, bytes, size);
	input = copy;
	input_size = size;
	(void)LLVMFuzzerTestOneInput(copy, size);
	free(copy);
	runs++;
}

static void
run_varied(char *bytes, size_t size)
{
	static const char special_bytes[] = { '\0', '\n', ' ', '"',    '%',   '\\',
		                              '{',  '0',  'A', '\x80', '\xff' };
	size_t step = size / VARIED_MAX + 1;

	for (size_t at = 0; at < size; at += step) {
		char original = bytes[at];

		run_input(bytes, at);
		for (size_t i = 0; i < COUNT_OF(special_bytes); i++) {
			bytes[at] = special_bytes[i];
			run_input(bytes, size);
		}
		bytes[at] = original;
	}
}

static void
run_file(const char *path)
{
	static char bytes[SEED_MAX_BYTES];
	FILE *file = fopen(path, "rb");
	size_t size;

	if (!file)
		fail_msg("%s: %s", path, strerror(errno));
	size = fread(bytes, 1, sizeof(bytes), file);
	(void)fclose(file);
	seed = path;
	run_input(bytes, size);
	run_varied(bytes, size);
}

static void
seeds(void **state)
{
	char *folder = mem_printf(*state, "tests/fuzz/seeds/%s", target);
	struct dirent **names;
	int count = scandir(folder, &names, NULL, alphasort), files = 0;

	if (count < 0)
		fail_msg("%s: %s", folder, strerror(errno));
	run_input("", 0);
	for (int i = 0; i < count; i++) {
		if (names[i]->d_name[0] != '.') {
			run_file(mem_printf(*state, "%s/%s", folder, names[i]->d_name));
			files++;
		}
		free(names[i]);
	}
	free(names);
	assert_true(files > 0);
	print_message("%d seeds, %zu inputs\n", files, runs);
}

/* The program has the name of its target. */
int
main(int argc, char **argv)
{
	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
	struct CMUnitTest tests[] = { TEST(seeds) };
	int failed;

	(void)signal(SIGABRT, show_input);
	target = slash ? slash + 1 : argv[0];
	tests[0].name = mem_printf(mem_process(), "seeds_of_%s", target);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	mem_end();
	return failed;
}
