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
/* So much before the request's deadline the server stops, and a commit is not sent any more: its answer could come
 * too late, and nobody would know what became of it. */
#define RESERVE_MS 100
/* How long a rollback may keep a worker whose request has failed already. */
#define ROLLBACK_MS 500

struct transaction {
	void *owner;
	struct transaction_options options;
	struct transaction_counts counts;
	struct connection *connection;
	bool begun;
	bool broken;        /* the connection must not be used again */
	bool failed;        /* nothing of it may be committed any more, because of: */
	struct error first; /* what failed first; later errors only follow from it */
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
misuse(struct error *err, const char *what)
{
	(void)error_set(err, NP_INTERNAL, "Internal error");
	return error_detail(err, "%s", what);
}

static bool
refused(struct transaction *tx, const PGresult *result, struct error *err)
{
	const char *code = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	struct sqlstate_meaning meaning = sqlstate_of_statement(code ? code : "");

	/* An empty statement, COPY: no error of the server's, and nothing that a handler may send. */
	if (PQresultStatus(result) != PGRES_FATAL_ERROR)
		return misuse(err, PQresStatus(PQresultStatus(result)));
	/* A server that is read only is away for writes; a read that writes is the handler's fault. */
	if (code && strcmp(code, "25006") == 0 && tx->options.mode == NP_TX_READ)
		return misuse(err, "a write in a route of NP_TX_READ");

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
exchange(struct transaction *tx, struct deadline deadline, PGresult **last, struct error *err)
{
	PGconn *pg = tx->connection->pg;
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
send_text(struct transaction *tx, const char *sql, struct deadline deadline, PGresult **last,
          struct error *err)
{
	*last = NULL;
	if (!PQsendQuery(tx->connection->pg, sql))
		return lost(tx, WAIT_BROKEN, err);
	return exchange(tx, deadline, last, err);
}

/* The server's own limits. A lock may be waited for half of the time, so that "busy" can be told from "slow". An id
 * is letters, digits and dashes (request.h), an endpoint a program's name: neither needs quoting. */
static void
write_head(const struct transaction *tx, struct buf *out)
{
	const char *style = PQparameterStatus(tx->connection->pg, "DateStyle");
	int64_t left_ms = deadline_left_ms(tx->options.deadline);
	int64_t command_ms = tx->options.command_timeout_s * 1000;
	int64_t timeout_ms = left_ms - RESERVE_MS < command_ms ? left_ms - RESERVE_MS : command_ms;

	/* 0 would be no limit at all. */
	if (timeout_ms < 2)
		timeout_ms = 2;
	buf_text(out, tx->options.mode == NP_TX_READ ? "BEGIN READ ONLY;" : "BEGIN;");
	buf_printf(out, "SELECT set_config('statement_timeout', '%" PRId64 "', true)", timeout_ms);
	buf_printf(out, ", set_config('lock_timeout', '%" PRId64 "', true)", timeout_ms / 2);
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
	if (!send_text(tx, sql, command_deadline(tx), &result, err))
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
		struct error first;
		bool reused;

		if (!tx->connection
		    && !connector_acquire(tx->options.connector, tx->options.deadline, &tx->connection, err))
			return false;
		reused = tx->connection->reused;
		if (begin_on(tx, &first))
			return true;
		if (!tx->broken || !reused || attempt > 0 || first.kind == NP_TIMEOUT) {
			*err = first;
			return false;
		}
		give_back(tx);
	}
}

static bool
may_query(const struct transaction *tx, struct np_values values, struct error *err)
{
	if (tx->options.mode == NP_TX_NONE)
		return misuse(err, "a query in a route of NP_TX_NONE");
	if (tx->last == LAST_IS_DONE)
		return misuse(err, "a query after the one that np_last() marked");
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
	return exchange(tx, command_deadline(tx), result, err);
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

static bool
query(struct transaction *tx, const char *sql, struct np_values values, struct np_rows **rows,
      struct error *err)
{
	int64_t start_us;
	PGresult *result;
	bool good;

	if (!may_query(tx, values, err) || (!tx->begun && !begin(tx, err)))
		return false;
	start_us = clock_now_us();
	good = run(tx, sql, values, &result, err);
	log_statement(sql, clock_now_us() - start_us, good);
	tx->counts.queries++;
	if (!good)
		return false;
	*rows = rows_new(tx->owner, result);
	tx->counts.rows += (int64_t)np_rows_count(*rows);
	return true;
}

bool
transaction_query(struct transaction *tx, const char *sql, struct np_values values, struct np_rows **rows,
                  struct error *err)
{
	struct np_rows *made;

	if (!tx->failed && !query(tx, sql, values, &made, &tx->first))
		tx->failed = true;
	if (tx->failed) {
		*err = tx->first;
		return false;
	}
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

/* Whether the server said that it did not commit, and not only that it was going. 25P03 is the session that it ended
 * before it could see the COMMIT. */
static bool
is_refusal(const struct transaction *tx, const char *code)
{
	if (strcmp(code, "25P03") == 0)
		return true;
	return !tx->broken && *code && !text_starts(code, "08") && !text_starts(code, "57P")
	       && !text_starts(code, "XX");
}

static bool
send_commit(struct transaction *tx, struct error *err)
{
	char detail[sizeof(err->detail)];
	PGresult *result;
	bool committed;

	if (PQstatus(tx->connection->pg) != CONNECTION_OK)
		return lost(tx, WAIT_BROKEN, err);
	if (!send_text(tx, "COMMIT", command_deadline(tx), &result, err)) {
		if (is_refusal(tx, err->sqlstate))
			return false;
		memcpy(detail, err->detail, sizeof(detail));
		error_fill(err, NP_AMBIGUOUS,
		           "The outcome is unknown: the database was lost while it committed");
		return error_detail(err, "%s", detail);
	}
	/* A transaction that failed before answers COMMIT with success, and the tag ROLLBACK. */
	committed = strcmp(PQcmdStatus(result), "COMMIT") == 0;
	PQclear(result);
	return committed || misuse(err, "a commit after a statement that failed");
}

bool
transaction_commit(struct transaction *tx, struct error *err)
{
	if (tx->failed) {
		*err = tx->first;
		return false;
	}
	if (!tx->begun)
		return true;
	if (deadline_left_ms(tx->options.deadline) < RESERVE_MS) {
		tx->failed = true;
		error_fill(&tx->first, NP_TIMEOUT, "The request took too long");
		*err = tx->first;
		return error_detail(err, "no time was left for the commit");
	}
	tx->begun = false;
	if (send_commit(tx, &tx->first))
		return true;
	tx->failed = true;
	*err = tx->first;
	return false;
}

static void
roll_back(struct transaction *tx, struct deadline deadline)
{
	struct error ignored;
	PGresult *result = NULL;

	if (tx->begun && !tx->broken && !send_text(tx, "ROLLBACK", deadline, &result, &ignored))
		tx->broken = true;
	PQclear(result);
	tx->begun = false;
	tx->failed = false;
}

void
transaction_rollback(struct transaction *tx)
{
	roll_back(tx, deadline_within_ms(tx->options.deadline, ROLLBACK_MS));
	/* One that is broken now, or was: what comes next begins on another. */
	if (tx->broken)
		give_back(tx);
}

void
transaction_close(struct transaction *tx)
{
	/* The request may have no time left; this is after its reply. */
	roll_back(tx, deadline_in_ms(ROLLBACK_MS));
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
