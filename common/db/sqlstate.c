#include "db/sqlstate.h"
#include "base/buf.h"
#include "base/text.h"

#define AWAY           "The database is not available"
#define BUSY           "The database is busy"
#define CONFLICT       ERROR_CONFLICT
#define BAD_VALUE      "The database cannot accept one of the values"
#define TOO_LARGE      "One of the values is too large for the database"
#define FORBIDDEN      "Not allowed"
#define INTERNAL       "Internal error"
#define ENDED          "The session has ended, or its user is gone"
#define NOBODY         "The credentials are not valid"
#define KEY_RUNNING    "A request with this Idempotency-Key is being worked on"
#define KEY_KNOWN      "The request with this Idempotency-Key was answered before"
#define KEY_OF_ANOTHER "This Idempotency-Key was used for another request"

/* The first row whose code is a prefix decides. Codes that are not here are a fault of the handler,
 * the schema or the server: 500. See
 * https://www.postgresql.org/docs/current/errcodes-appendix.html */
static const struct {
	const char *code;
	struct sqlstate_meaning meaning;
} statement_table[] = {
	/* From the server: a wrong number of values, or a wrong statement name. */
	{ "08P01", { FAILURE_INTERNAL, RETRY_NEVER, INTERNAL } },
	{ "08", { FAILURE_UNAVAILABLE, RETRY_SOON, AWAY } },
	{ "22", { FAILURE_INVALID, RETRY_NEVER, BAD_VALUE, .is_about_value = true } },
	{ "23505", { FAILURE_CONFLICT, RETRY_NEVER, CONFLICT } }, /* unique */
	{ "23503", { FAILURE_CONFLICT, RETRY_NEVER, CONFLICT } }, /* foreign key */
	{ "23001",
	  { FAILURE_CONFLICT, RETRY_NEVER, CONFLICT } }, /* its RESTRICT, since Postgres 18 */
	{ "23P01", { FAILURE_CONFLICT, RETRY_NEVER, CONFLICT } }, /* exclusion */
	{ "23", { FAILURE_INVALID, RETRY_NEVER, BAD_VALUE } },    /* not null, check */
	{ "25006",
	  { FAILURE_UNAVAILABLE, RETRY_NEVER,
	    AWAY } }, /* a standby, or a server set to read only */
	{ "25P03", { FAILURE_TIMEOUT, RETRY_NEVER, "The transaction was idle for too long" } },
	{ "25P04",
	  { FAILURE_TIMEOUT, RETRY_NEVER,
	    "The database took too long" } },                     /* transaction_timeout */
	{ "40001", { FAILURE_CONFLICT, RETRY_RERUN, CONFLICT } }, /* serialization failure */
	{ "40P01", { FAILURE_CONFLICT, RETRY_RERUN, CONFLICT } }, /* deadlock */
	{ "40002",
	  { FAILURE_CONFLICT, RETRY_NEVER,
	    CONFLICT } }, /* a constraint, at the end of a transaction */
	{ "40003", { FAILURE_UNAVAILABLE, RETRY_NEVER, AWAY } }, /* its outcome is unknown */
	{ "40", { FAILURE_CONFLICT, RETRY_RERUN, CONFLICT } },   /* another rollback */
	{ "42501",
	  { FAILURE_FORBIDDEN, RETRY_NEVER,
	    FORBIDDEN } }, /* row-level security, or a missing right */
	{ "44", { FAILURE_INVALID, RETRY_NEVER, BAD_VALUE } }, /* a view's WITH CHECK OPTION */
	{ "53", { FAILURE_UNAVAILABLE, RETRY_LATE, BUSY } },   /* connections, memory, disk */
	/* Too long for an index, or too deep: a value of the request, or the statement itself. */
	{ "54", { FAILURE_INVALID, RETRY_NEVER, TOO_LARGE, .is_about_value = true } },
	{ "55006", { FAILURE_UNAVAILABLE, RETRY_NEVER, BUSY } }, /* object in use */
	{ "55P03", { FAILURE_UNAVAILABLE, RETRY_NEVER, BUSY } }, /* lock timeout */
	{ "57014", { FAILURE_TIMEOUT, RETRY_NEVER, "The database took too long" } },
	{ "57P", { FAILURE_UNAVAILABLE, RETRY_SOON, AWAY } }, /* shutting down, crashed, starting */
	{ "58", { FAILURE_UNAVAILABLE, RETRY_NEVER, AWAY } }, /* the server's disk */
	{ "72", { FAILURE_UNAVAILABLE, RETRY_NEVER, BUSY } }, /* snapshot too old */
	{ "HV00N",
	  { FAILURE_UNAVAILABLE, RETRY_NEVER, AWAY } }, /* a foreign server cannot be reached */
	{ "P0001",
	  { FAILURE_INVALID, RETRY_NEVER, BAD_VALUE, .is_raised = true } }, /* RAISE EXCEPTION */
	{ "NP001",
	  { FAILURE_CONFLICT, RETRY_NEVER, KEY_RUNNING,
	    1 } }, /* of idempotency_claim(), migration 0004 */
	{ "NP002", { FAILURE_CONFLICT, RETRY_NEVER, KEY_KNOWN } },
	{ "NP003", { FAILURE_INVALID, RETRY_NEVER, KEY_OF_ANOTHER } },
	{ "NP004",
	  { FAILURE_UNAUTHORIZED, RETRY_NEVER, ENDED } }, /* request_session_check(), 0009 */
	{ "NP005", { FAILURE_UNAUTHORIZED, RETRY_NEVER, NOBODY } }, /* request_identify(), 0012 */
	{ "NP006", { FAILURE_FORBIDDEN, RETRY_NEVER, BAD_VALUE, .is_raised = true } },
	{ "", { FAILURE_INTERNAL, RETRY_NEVER, INTERNAL } },
};

/* The statuses from PT400 to PT499 that have a kind of their own. */
static const struct {
	int status;
	enum failure kind;
} kinds_of_raised[] = {
	{ 400, FAILURE_MALFORMED }, { 401, FAILURE_UNAUTHORIZED }, { 403, FAILURE_FORBIDDEN },
	{ 404, FAILURE_NOT_FOUND }, { 405, FAILURE_METHOD },       { 409, FAILURE_CONFLICT },
	{ 413, FAILURE_TOO_LARGE }, { 415, FAILURE_MEDIA_TYPE },
};

static const struct {
	const char *code;
	enum sqlstate_retry retry;
} connect_codes[] = {
	{ "28", RETRY_NEVER },    /* password, pg_hba */
	{ "3D000", RETRY_NEVER }, /* no such database */
	{ "42704", RETRY_NEVER }, /* no such role or parameter */
	{ "53300", RETRY_LATE },  /* too many connections */
	{ "57P03", RETRY_SOON },  /* starting up */
};

/* Messages of proxies that have one code for every error. */
static const struct {
	const char *text;
	enum sqlstate_retry retry;
} connect_texts[] = {
	{ "authentication failed", RETRY_NEVER }, /* PgBouncer: SASL; the others: password */
	{ "endpoint is disabled", RETRY_NEVER },
	{ "quota", RETRY_NEVER },
	{ "certificate", RETRY_NEVER },
	{ "does not support SSL", RETRY_NEVER },
	{ "Too many connections attempts", RETRY_LATE },
	{ "Couldn't connect to compute node", RETRY_LATE },
};

/* PostgREST's way to choose a status. SQL may choose only a 4xx. */
static bool
read_raised_status(const char *code, struct sqlstate_meaning *meaning)
{
	int64_t status;

	if (!text_starts(code, "PT4") || strlen(code) != 5 || !parse_int(code + 2, &status))
		return false;
	*meaning = (struct sqlstate_meaning){ FAILURE_INVALID, RETRY_NEVER, BAD_VALUE,
		                              .is_raised = true };
	meaning->status = (int)status;
	for (size_t i = 0; i < COUNT_OF(kinds_of_raised); i++)
		if (kinds_of_raised[i].status == meaning->status)
			meaning->kind = kinds_of_raised[i].kind;
	return true;
}

/* Poolers have one code for all errors of their own: PgBouncer 08P01, Supavisor XX000. */
static bool
is_of_pooler(const char *code)
{
	return strcmp(code, "08P01") == 0 || strcmp(code, "XX000") == 0;
}

struct sqlstate_meaning
sqlstate_of_statement(const char *code, bool from_server)
{
	struct sqlstate_meaning meaning;
	size_t i = 0;

	/* The connection was lost before the server said anything. */
	if (!*code)
		return (struct sqlstate_meaning){ FAILURE_UNAVAILABLE, RETRY_SOON, AWAY };
	if (!from_server && is_of_pooler(code))
		return (struct sqlstate_meaning){ FAILURE_UNAVAILABLE, RETRY_NEVER, AWAY };
	if (read_raised_status(code, &meaning))
		return meaning;
	while (!text_starts(code, statement_table[i].code))
		i++;
	return statement_table[i].meaning;
}

struct sqlstate_meaning
sqlstate_of_connect(const char *code, const char *text)
{
	struct sqlstate_meaning meaning = { FAILURE_UNAVAILABLE, RETRY_SOON, AWAY };

	for (size_t i = 0; i < COUNT_OF(connect_codes); i++)
		if (text_starts(code, connect_codes[i].code)) {
			meaning.retry = connect_codes[i].retry;
			return meaning;
		}
	for (size_t i = 0; i < COUNT_OF(connect_texts); i++)
		if (strstr(text, connect_texts[i].text)) {
			meaning.retry = connect_texts[i].retry;
			return meaning;
		}
	return meaning;
}

static bool
is_code(const char *text)
{
	size_t size = strspn(text, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ");

	return size == 5 && text[5] == ':';
}

void
sqlstate_in_text(const char *text, char code[6])
{
	code[0] = '\0';
	/* "SEVERITY:  CODE: message". The severity may be translated; the two spaces stay. */
	for (const char *at = strstr(text, ":  "); at; at = strstr(at + 3, ":  "))
		if (is_code(at + 3)) {
			memcpy(code, at + 3, 5);
			code[5] = '\0';
			return;
		}
}

void
sqlstate_error(struct error *err, const struct sqlstate_meaning *meaning, const char *code,
               const char *text)
{
	size_t size = strlen(text);

	error_fill(err, meaning->kind, "%s", meaning->message);
	err->retry_after_s = meaning->retry_after_s;
	err->status = meaning->status;
	(void)snprintf(err->sqlstate, sizeof(err->sqlstate), "%s", code);
	while (size > 0 && text[size - 1] == '\n')
		size--;
	error_fill_detail(err, "%.*s", (int)size, text);
}
