#include <inttypes.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "db/sqlstate.h"
#include "db/transaction.h"
#include "db/wait.h"

#define VALUES_MAX     64
#define HEAD_MAX_BYTES 1024
/* The server stops a statement first and says so; we only give up when it does not. */
#define GRACE_MS 1000
/* How long a rollback may keep a worker whose request has failed already. */
#define ROLLBACK_MS 500

struct transaction {
	void *owner;
	struct transaction_options options;
	struct transaction_counts counts;
	struct connection *connection;
	bool begun;
	bool broken; /* the connection must not be used again */
	enum { NOT_LAST, LAST_IS_NEXT, LAST_IS_DONE } last;
};

struct transaction *
transaction_new(void *owner, const struct transaction_options *options)
{
	struct transaction *tx = mem_new(owner, struct transaction);

	tx->owner = owner;
	tx->options = *options;
	return tx;
}

static struct deadline
command_deadline(const struct transaction *tx)
{
	return deadline_within_ms(tx->options.deadline, tx->options.command_timeout_s * 1000 + GRACE_MS);
}

static bool
lost(struct transaction *tx, enum wait_outcome outcome, struct error *err)
{
	const struct sqlstate_meaning timeout = { NP_TIMEOUT, RETRY_NEVER, "The database took too long" };
	const struct sqlstate_meaning meaning = sqlstate_of_statement("");

	tx->broken = true;
	if (outcome == WAIT_TIMEOUT)
		sqlstate_error(err, &timeout, "", "no answer from the server within the time allowed");
	else
		sqlstate_error(err, &meaning, "", PQerrorMessage(tx->connection->pg));
	return false;
}

static bool
refused(struct transaction *tx, const PGresult *result, struct error *err)
{
	const char *code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	struct sqlstate_meaning meaning = sqlstate_of_statement(code ? code : "");

	/* Only the primary message: detail and context quote values, and of class 22 (data) the message does too. */
	if (code && text_starts(code, "22"))
		primary = "a value that its type does not take";
	sqlstate_error(err, &meaning, code ? code : "", primary ? primary : PQresultErrorMessage(result));
	tx->broken = tx->broken || !code;
	return false;
}

/* Sends what is queued and reads every result of it; *last is the last good one, the caller's to clear. The
 * first error is the one that counts. */
static bool
exchange(struct transaction *tx, PGresult **last, struct error *err)
{
	PGconn *pg = tx->connection->pg;
	struct deadline deadline = command_deadline(tx);
	enum wait_outcome outcome = wait_flush(pg, deadline);
	bool good = true;
	PGresult *result;

	*last = NULL;
	if (outcome != WAIT_READY)
		return lost(tx, outcome, err);
	while ((outcome = wait_result(pg, deadline)) == WAIT_READY && (result = PQgetResult(pg)) != NULL) {
		ExecStatusType status = PQresultStatus(result);

		if (good && status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
			good = refused(tx, result, err);
		PQclear(*last);
		*last = result;
		/* COPY would answer the same for ever; nothing here speaks it. */
		if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH) {
			tx->broken = true;
			break;
		}
	}
	if (outcome != WAIT_READY && good)
		good = lost(tx, outcome, err);
	/* A FATAL comes as an ordinary error, and the end of the connection after it. */
	tx->broken = tx->broken || PQstatus(pg) != CONNECTION_OK;
	if (!good) {
		PQclear(*last);
		*last = NULL;
	}
	return good;
}

/* Several statements without parameters, one round trip. */
static bool
send_text(struct transaction *tx, const char *sql, PGresult **last, struct error *err)
{
	*last = NULL;
	if (!PQsendQuery(tx->connection->pg, sql))
		return lost(tx, WAIT_BROKEN, err);
	return exchange(tx, last, err);
}

/* An id is letters, digits and dashes (request.h), an endpoint a program's name: neither needs quoting. */
static void
write_head(const struct transaction *tx, struct buf *out)
{
	const char *style = PQparameterStatus(tx->connection->pg, "DateStyle");
	int64_t left_ms = deadline_left_ms(tx->options.deadline);
	int64_t command_ms = tx->options.command_timeout_s * 1000;
	int64_t timeout_ms = left_ms < command_ms ? left_ms : command_ms;

	buf_text(out, tx->options.mode == NP_TX_READ ? "BEGIN READ ONLY;" : "BEGIN;");
	buf_printf(out, "SELECT set_config('statement_timeout', '%" PRId64 "', true)",
	           timeout_ms > 0 ? timeout_ms : 1);
	buf_printf(out, ", set_config('idle_in_transaction_session_timeout', '%" PRId64 "', true)",
	           left_ms + GRACE_MS);
	buf_printf(out, ", set_config('application_name', 'nullpool/%s %s', true)", tx->options.endpoint,
	           tx->options.request_id);
	if (!style || !text_starts(style, "ISO"))
		buf_text(out, ", set_config('datestyle', 'ISO', true)");
}

static bool
begin_on(struct transaction *tx, struct error *err)
{
	char sql[HEAD_MAX_BYTES];
	struct buf head;
	PGresult *result;

	tx->counts.connect_us += tx->connection->opened_us;
	tx->counts.backend_pid = PQbackendPID(tx->connection->pg);
	buf_init_fixed(&head, sql, sizeof(sql));
	write_head(tx, &head);
	if (head.overflow)
		return error_set(err, NP_INTERNAL, "Internal error");
	if (!send_text(tx, sql, &result, err))
		return false;
	PQclear(result);
	tx->begun = true;
	return true;
}

static void
give_back(struct transaction *tx)
{
	if (!tx->connection)
		return;
	connector_release(tx->options.connector, tx->connection, !tx->broken);
	tx->connection = NULL;
	tx->broken = false;
}

/* A kept connection may have died since it was looked at. Nothing of the handler's has been sent yet, so a
 * fresh one may take its place, once. */
static bool
begin(struct transaction *tx, struct error *err)
{
	for (int attempt = 0;; attempt++) {
		bool reused;

		if (!tx->connection
		    && !connector_acquire(tx->options.connector, tx->options.deadline, &tx->connection, err))
			return false;
		reused = tx->connection->reused;
		if (begin_on(tx, err))
			return true;
		if (!tx->broken || !reused || attempt > 0 || err->kind == NP_TIMEOUT)
			return false;
		give_back(tx);
	}
}

static bool
misuse(struct error *err, const char *what)
{
	(void)error_set(err, NP_INTERNAL, "Internal error");
	return error_detail(err, "%s", what);
}

static bool
may_query(const struct transaction *tx, struct np_values values, struct error *err)
{
	if (tx->options.mode == NP_TX_NONE)
		return misuse(err, "a query in a route of NP_TX_NONE");
	if (tx->last == LAST_IS_DONE)
		return misuse(err, "a query after the one that np_last() marked");
	if (tx->broken)
		return misuse(err, "a query after the connection was lost");
	return values.count <= VALUES_MAX || misuse(err, "more than 64 values in a query");
}

static bool
run(struct transaction *tx, const char *sql, struct np_values values, PGresult **result, struct error *err)
{
	const char *texts[VALUES_MAX];

	for (size_t i = 0; i < values.count; i++)
		texts[i] = values.items[i].text;
	if (!PQsendQueryParams(tx->connection->pg, sql, (int)values.count, NULL, texts, NULL, NULL, 0))
		return lost(tx, WAIT_BROKEN, err);
	return exchange(tx, result, err);
}

static void
log_statement(const char *sql, int64_t us, bool good)
{
	struct log_line line;

	log_begin(&line, LOG_DEBUG, "statement");
	log_string(&line, "sql", sql);
	log_ms(&line, "duration_ms", us);
	log_bool(&line, "good", good);
	log_end(&line);
}

bool
transaction_query(struct transaction *tx, const char *sql, struct np_values values, struct np_rows **rows,
                  struct error *err)
{
	int64_t start_us;
	PGresult *result;
	struct np_rows *made;
	bool good;

	if (!may_query(tx, values, err) || (!tx->begun && !begin(tx, err)))
		return false;
	start_us = clock_now_us();
	good = run(tx, sql, values, &result, err);
	log_statement(sql, clock_now_us() - start_us, good);
	tx->counts.queries++;
	if (!good)
		return false;
	made = rows_new(tx->owner, result);
	tx->counts.rows += (int64_t)np_rows_count(made);
	if (tx->last == LAST_IS_NEXT) {
		tx->last = LAST_IS_DONE;
		if (!transaction_commit(tx, err))
			return false;
	}
	*rows = made;
	return true;
}

void
transaction_mark_last(struct transaction *tx)
{
	if (tx->last == NOT_LAST)
		tx->last = LAST_IS_NEXT;
}

/* The server refused the commit and is still there to say so; otherwise nobody knows. */
static bool
commit_failed(const struct transaction *tx, struct error *err)
{
	char detail[sizeof(err->detail)];

	if (!tx->broken && *err->sqlstate && !text_starts(err->sqlstate, "08")
	    && !text_starts(err->sqlstate, "57P") && !text_starts(err->sqlstate, "XX"))
		return false;
	memcpy(detail, err->detail, sizeof(detail));
	(void)error_set(err, NP_AMBIGUOUS,
	                "The outcome is unknown: the database was lost while it committed");
	return error_detail(err, "%s", detail);
}

bool
transaction_commit(struct transaction *tx, struct error *err)
{
	PGresult *result;
	bool committed;

	if (!tx->begun)
		return true;
	tx->begun = false;
	if (!send_text(tx, "COMMIT", &result, err))
		return commit_failed(tx, err);
	/* A transaction that failed before answers COMMIT with success, and the tag ROLLBACK. */
	committed = strcmp(PQcmdStatus(result), "COMMIT") == 0;
	PQclear(result);
	return committed || misuse(err, "a commit after a statement that failed");
}

void
transaction_rollback(struct transaction *tx)
{
	struct error ignored;
	PGresult *result;

	if (!tx->begun)
		return;
	tx->begun = false;
	if (tx->broken)
		return;
	tx->options.deadline = deadline_in_ms(ROLLBACK_MS);
	if (!send_text(tx, "ROLLBACK", &result, &ignored))
		tx->broken = true;
	PQclear(result);
}

void
transaction_close(struct transaction *tx)
{
	transaction_rollback(tx);
	give_back(tx);
}

struct transaction_counts
transaction_counts(const struct transaction *tx)
{
	return tx->counts;
}

const struct connection *
transaction_connection(const struct transaction *tx)
{
	return tx->connection;
}
