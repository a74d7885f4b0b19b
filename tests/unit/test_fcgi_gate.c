#include "unit.h"

#include "serve/fcgi_gate.h"

#define BEGIN       "\1\1\0\1\0\10\0\0\0\1\0\0\0\0\0\0"
#define PARAMS(n)   "\1\4\0\1\0" n "\0\0"
#define END_PARAMS  PARAMS("\0")
#define STDIN(n)    "\1\5\0\1\0" n "\0\0"
#define END_STDIN   STDIN("\0")
#define VALUES(n)   "\1\11\0\0\0" n "\0\0"
#define PAIR        "\3\1ABCx"
#define ROW(text)   text, sizeof(text) - 1
#define MORE_(text) FCGI_GATE_MORE, ROW(text)

static const struct {
	const char *about;
	enum fcgi_gate gate;
	const char *bytes;
	size_t size;
} rows[] = {
	{ "nothing", MORE_("") },
	{ "half a header", MORE_("\1\1\0") },
	{ "a begin", MORE_(BEGIN) },
	{ "half of the parameters", MORE_(BEGIN PARAMS("\6") "\3\1A") },
	{ "parameters without an end", MORE_(BEGIN PARAMS("\6") PAIR) },
	{ "parameters", FCGI_GATE_OPEN, ROW(BEGIN PARAMS("\6") PAIR END_PARAMS) },
	{ "half of a body", FCGI_GATE_OPEN,
	  ROW(BEGIN PARAMS("\6") PAIR END_PARAMS STDIN("\2") "x") },
	{ "no body", FCGI_GATE_WHOLE, ROW(BEGIN PARAMS("\6") PAIR END_PARAMS END_STDIN) },
	{ "a body", FCGI_GATE_WHOLE, ROW(BEGIN END_PARAMS STDIN("\2") "xy" END_STDIN) },
	{ "bytes after a request", FCGI_GATE_WHOLE, ROW(BEGIN END_PARAMS END_STDIN "\377") },
	{ "the end of another request's body", FCGI_GATE_OPEN,
	  ROW(BEGIN END_PARAMS "\1\5\0\2\0\0\0\0") },
	{ "a pair in two records", FCGI_GATE_OPEN,
	  ROW(BEGIN PARAMS("\1") "\3" PARAMS("\5") "\1ABCx" END_PARAMS) },
	{ "lengths of 4 bytes", FCGI_GATE_OPEN,
	  ROW(BEGIN PARAMS("\14") "\200\0\0\3\200\0\0\1ABCx" END_PARAMS) },
	{ "GET_VALUES, then a request", FCGI_GATE_OPEN, ROW(VALUES("\6") PAIR BEGIN END_PARAMS) },
	{ "HTTP", FCGI_GATE_SHUT, ROW("GET / HTTP/1.1\r\n\r\n") },
	{ "another version later", FCGI_GATE_SHUT, ROW(BEGIN "\2\4\0\1\0\0\0\0") },
	{ "parameters without a begin", FCGI_GATE_SHUT, ROW(PARAMS("\6") PAIR) },
	{ "a begin that is too short", FCGI_GATE_SHUT, ROW("\1\1\0\1\0\1\0\0x") },
	{ "parameters of another request", FCGI_GATE_SHUT, ROW(BEGIN "\1\4\0\2\0\0\0\0") },
	{ "a body before the parameters", FCGI_GATE_SHUT, ROW(BEGIN END_STDIN) },
	{ "a name of 2 GiB", FCGI_GATE_SHUT, ROW(BEGIN PARAMS("\6") "\377\377\377\376\1X") },
	{ "a value of 2 GiB", FCGI_GATE_SHUT, ROW(BEGIN PARAMS("\6") "\1\377\377\377\376X") },
	{ "a length of 2 GiB in two records", FCGI_GATE_SHUT,
	  ROW(BEGIN PARAMS("\3") "\377\377\377" PARAMS("\3") "\376\1X") },
	{ "a length of 2 GiB in GET_VALUES", FCGI_GATE_SHUT,
	  ROW(VALUES("\6") "\377\377\377\376\1X") },
	{ "a length of 2 GiB in GET_VALUES within a body", FCGI_GATE_SHUT,
	  ROW(BEGIN END_PARAMS VALUES("\6") "\377\377\377\376\1X" END_STDIN) },
};

/* Each row is in a block of its own size, so that a sanitizer sees a read past its end. */
static void
opens_for_requests_only(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		unsigned char *copy = malloc(rows[i].size + 1);

		assert_non_null(copy);
		memcpy(copy, rows[i].bytes, rows[i].size);
		row_int(&rows[i], fcgi_gate(copy, rows[i].size), rows[i].gate);
		free(copy);
	}
}

/* The gate is not shut for any beginning of a valid request. */
static void
never_shuts_before_the_rest_came(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		for (size_t size = 0; rows[i].gate != FCGI_GATE_SHUT && size < rows[i].size; size++)
			row_true(&rows[i], fcgi_gate((const unsigned char *)rows[i].bytes, size)
			                       != FCGI_GATE_SHUT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(opens_for_requests_only),
		TEST(never_shuts_before_the_rest_came),
	};

	return cmocka_run_group_tests_name("fcgi_gate", tests, NULL, NULL);
}
