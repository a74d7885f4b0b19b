/* sqlstate - an error of a server or a proxy: it always has one meaning, and none of its text
 * reaches a client
 *
 * Input: a code as a line, then a message.
 */
#include "db/sqlstate.h"

#include "fuzz.h"

static void
check_meaning(const struct sqlstate_meaning *meaning)
{
	HOLDS(meaning->kind > 0 && meaning->kind < FAILURE_COUNT);
	HOLDS(meaning->retry <= RETRY_RERUN && meaning->retry_after_s >= 0);
	HOLDS(meaning->message && *meaning->message && !has_control(meaning->message));
}

static void
check_code(const char *text)
{
	char code[6];

	sqlstate_in_text(text, code);
	HOLDS(!code[0]
	      || (strlen(code) == 5 && strspn(code, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5));
	HOLDS(!code[0] || strstr(text, code));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *owner = mem_scope(NULL, "input");
	struct input in = { data, size };
	const char *code = input_text(owner, &in, '\n'), *text = input_rest(owner, &in);
	struct sqlstate_meaning statement = sqlstate_of_statement(code, size % 2 == 0),
	                        connect = sqlstate_of_connect(code, text);
	struct error err;

	check_meaning(&statement);
	check_meaning(&connect);
	HOLDS(connect.kind == FAILURE_UNAVAILABLE);
	/* Only a conflict with another transaction is worth a rerun. */
	HOLDS(statement.retry != RETRY_RERUN || text_starts(code, "40"));
	check_code(text);
	check_code(mem_printf(owner, "FATAL:  28P01: %s", text));
	sqlstate_error(&err, &statement, code, text);
	HOLDS(err.kind == statement.kind && strcmp(err.message, statement.message) == 0);
	HOLDS(strlen(err.sqlstate) <= 5 && strncmp(err.sqlstate, code, strlen(err.sqlstate)) == 0);
	HOLDS(strncmp(err.detail, text, strlen(err.detail)) == 0);
	mem_free(owner);
	return 0;
}
