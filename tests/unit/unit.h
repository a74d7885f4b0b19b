/* unit.h - shared by the unit tests: cmocka, an owner for each test, assertions that name a table's
 * row */
#ifndef NULLPOOL_TESTS_UNIT_H
#define NULLPOOL_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <json-c/json.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/mem.h"

/* A test whose *state owns what it allocates; it is released afterwards, even if the test failed.
 */
#define TEST(function) cmocka_unit_test_setup_teardown(function, unit_setup, unit_teardown)

static inline int
unit_setup(void **state)
{
	*state = mem_scope(NULL, "test");
	return 0;
}

static inline int
unit_teardown(void **state)
{
	mem_free(*state);
	return 0;
}

/* For tables whose rows have a member `about`: a failure names the row. */
#define row_true(row, condition)                                                        \
	do {                                                                            \
		if (!(condition))                                                       \
			fail_msg("\"%s\": %s does not hold", (row)->about, #condition); \
	} while (0)

#define row_int(row, got, want)                                                                    \
	do {                                                                                       \
		long long row_got = (long long)(got), row_want = (long long)(want);                \
                                                                                                   \
		if (row_got != row_want)                                                           \
			fail_msg("\"%s\": %lld instead of %lld", (row)->about, row_got, row_want); \
	} while (0)

/* The texts are equal, or both are NULL. */
#define row_text(row, got, want)                                                                  \
	do {                                                                                      \
		const char *row_got = (got), *row_want = (want);                                  \
                                                                                                  \
		if (!row_got || !row_want ? row_got != row_want : strcmp(row_got, row_want) != 0) \
			fail_msg("\"%s\": <%s> instead of <%s>", (row)->about,                    \
			         row_got ? row_got : "NULL", row_want ? row_want : "NULL");       \
	} while (0)

static inline void
unit_put(void *value)
{
	(void)json_object_put(value);
}

/* Parses the whole text as JSON, or fails the test. */
static inline struct json_object *
unit_json(void *owner, const char *text)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *root;
	bool whole;

	/* Not strict: in strict mode json-c 0.18 refuses everything but ASCII. */
	json_tokener_set_flags(tokener, JSON_TOKENER_VALIDATE_UTF8);
	root = json_tokener_parse_ex(tokener, text, (int)strlen(text) + 1);
	whole = json_tokener_get_error(tokener) == json_tokener_success;
	json_tokener_free(tokener);
	if (!whole)
		fail_msg("not JSON: %s", text);
	mem_own(owner, root, unit_put);
	return root;
}

/* Returns the value at an RFC 6901 pointer as text: a string's contents, else the JSON. Returns
 * NULL if there is no such value. */
static inline const char *
unit_at(struct json_object *root, const char *pointer)
{
	struct json_object *found;

	if (json_pointer_get(root, pointer, &found) != 0)
		return NULL;
	return found ? json_object_get_string(found) : "null";
}

/* Calls function(argument) in a child process with its standard error closed. Returns the exit
 * code, or minus the signal that ended it. */
static inline int
unit_end_of(void (*function)(void *argument), void *argument)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0) {
		(void)close(STDERR_FILENO);
		(void)signal(SIGABRT, SIG_DFL);
		function(argument);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

#endif
