#include "db/prepared.h"

#include "base/mem.h"
#include "base/text.h"
#include "db/sqlstate.h"

struct prepared {
	enum { UNKNOWN, ALLOWED, NEVER } state;
	void *texts; /* owner of the statements' texts */
	struct prepared_statement statements[PREPARED_MAX];
	size_t count;
};

struct prepared *
prepared_new(void *owner)
{
	struct prepared *prepared = mem_new(owner, struct prepared);

	prepared_reset(prepared);
	return prepared;
}

void
prepared_reset(struct prepared *prepared)
{
	mem_free(prepared->texts);
	prepared->texts = mem_scope(prepared, "statements");
	prepared->count = 0;
	if (prepared->state != NEVER)
		prepared->state = UNKNOWN;
}

void
prepared_learn(struct prepared *prepared, const PGconn *pg, const PGresult *row)
{
	int column = PQnfields(row) - 1;
	int64_t pid;

	if (prepared->state == UNKNOWN && column >= 0 && PQntuples(row) == 1)
		prepared->state = parse_int(PQgetvalue(row, 0, column), &pid)
		                          && pid == PQbackendPID(pg)
		                      ? ALLOWED
		                      : NEVER;
}

bool
prepared_is_allowed(const struct prepared *prepared)
{
	return prepared->state == ALLOWED;
}

struct prepared_statement *
prepared_find(struct prepared *prepared, const char *sql)
{
	struct prepared_statement *added;

	if (prepared->state != ALLOWED)
		return NULL;
	for (size_t i = 0; i < prepared->count; i++)
		if (strcmp(prepared->statements[i].sql, sql) == 0)
			return &prepared->statements[i];
	if (prepared->count == PREPARED_MAX)
		return NULL;
	added = &prepared->statements[prepared->count];
	*added = (struct prepared_statement){ .sql = mem_strdup(prepared->texts, sql) };
	(void)snprintf(added->name, sizeof(added->name), "np%zu", prepared->count++);
	return added;
}

bool
prepared_is_lost(struct prepared *prepared, const PGresult *error)
{
	const char *code = PQresultErrorField(error, PG_DIAG_SQLSTATE);

	if (!code)
		return false;
	/* A pooler uses another server process for each transaction, or cleans up after each. */
	if (strcmp(code, "26000") == 0)
		prepared->state = NEVER;
	return strcmp(code, "26000") == 0 || strcmp(code, "42P05") == 0
	       || strcmp(code, "0A000") == 0;
}

bool
prepared_may_be_outdated(const PGresult *error)
{
	const char *code = PQresultErrorField(error, PG_DIAG_SQLSTATE);

	/* A missing privilege and a number of rows have nothing to do with types. */
	if (!code || strcmp(code, "42501") == 0 || strcmp(code, SQLSTATE_NO_ROW) == 0
	    || strcmp(code, SQLSTATE_SEVERAL_ROWS) == 0)
		return false;
	/* A value that the old type refuses, an operator it lacks, a type that was dropped. */
	return text_starts(code, "22") || text_starts(code, "42") || text_starts(code, "XX");
}
