#include "db/statement.h"

#include "base/log.h"
#include "base/text.h"
#include "db/flight.h"
#include "db/preamble.h"

#define EXPLAIN_MS         1000
#define PLAN_MAX_BYTES     (LOG_LINE_MAX / 2) /* escaped it is longer; its text follows */
#define NAMED_STATEMENT    "np_explain"
#define STATEMENT_OVERHEAD 64

/* --- the line --- */

static bool
is_slow(const struct transaction_options *options, const struct statement *statement)
{
	return options->slow_query_ms > 0 && statement->us >= options->slow_query_ms * 1000;
}

static void
log_names(struct log_line *line, const struct transaction_options *options,
          const struct statement *statement)
{
	log_string(line, "request_id", options->request_id);
	log_string(line, "statement", statement->name);
}

/* A client's mistake is ordinary. A missing right looks like one, but may be our fault. */
static enum log_level
level_of_failure(const struct error *err)
{
	switch (err->kind) {
	case FAILURE_INTERNAL:
		return LOG_ERROR;
	case FAILURE_UNAVAILABLE:
	case FAILURE_TIMEOUT:
	case FAILURE_AMBIGUOUS:
		return LOG_WARNING;
	default:
		return strcmp(err->sqlstate, "42501") == 0 ? LOG_WARNING : LOG_INFO;
	}
}

void
statement_log(const struct transaction_options *options, const struct statement *statement,
              const struct error *err)
{
	/* A statement that was never sent has not failed: the request's line says why. */
	bool slow = is_slow(options, statement), failed = !statement->ok && statement->us > 0;
	enum log_level level = slow ? LOG_WARNING : LOG_DEBUG,
	               failure = failed ? level_of_failure(err) : level;
	struct log_line line;

	log_begin(&line, failure > level ? failure : level,
	          slow     ? "slow query"
	          : failed ? "statement failed"
	                   : "statement");
	if (!line.wanted)
		return;
	log_names(&line, options, statement);
	log_string(&line, "sql", statement->sql);
	log_ms(&line, "duration_ms", statement->us);
	if (statement->shared)
		log_bool(&line, "shared", true);
	log_bool(&line, "good", statement->ok);
	if (failed) {
		log_string(&line, "sqlstate", *err->sqlstate ? err->sqlstate : NULL);
		log_string(&line, "detail", err->detail);
	}
	log_end(&line);
}

/* --- the plan --- */

/* EXPLAIN of a prepared statement with a generic plan shows $1 in place of values, since Postgres
 * 12; its option GENERIC_PLAN exists since 16. The name belongs to the session, not to the
 * transaction. If something fails after PREPARE, the name is deallocated in the same transaction,
 * because a pooler may give the next one to another session. */
static const char generic_plan[] =
    "SELECT set_config('plan_cache_mode', 'force_generic_plan', true)";
static const char savepoint[] = "SAVEPOINT " NAMED_STATEMENT;
static const char to_savepoint[] = "ROLLBACK TO " NAMED_STATEMENT;
static const char deallocation[] = "DEALLOCATE " NAMED_STATEMENT;

bool
statement_wants_plan(const struct transaction_options *options, const struct statement *statement)
{
	return options->may_explain && options->mode == NP_TX_READ && !statement->shared
	       && is_slow(options, statement) && log_wants(LOG_WARNING);
}

struct plan {
	struct flight flight;
	size_t prepare, explain, deallocate; /* their places in the flight */
};

static void
add_explain(struct plan *plan, const struct statement *statement)
{
	char text[STATEMENT_OVERHEAD + FLIGHT_VALUES_MAX * sizeof("NULL, ")];
	struct buf execute;

	buf_init_fixed(&execute, text, sizeof(text));
	buf_text(&execute, "EXPLAIN EXECUTE " NAMED_STATEMENT);
	for (size_t i = 0; i < statement->values; i++)
		buf_text(&execute, i == 0 ? "(NULL" : ", NULL");
	if (statement->values > 0)
		buf_char(&execute, ')');
	plan->explain = flight_command(&plan->flight, execute.data);
}

static void
compose_explain(struct plan *plan, const struct transaction_options *options,
                struct deadline deadline, const struct statement *statement)
{
	const struct preamble head = {
		.deadline = deadline,
		.command_timeout_s = options->command_timeout_s,
		.read_only = true,
		.endpoint = options->endpoint,
		.id = options->trace_id ? options->trace_id : options->request_id,
	};
	struct buf prepare;

	buf_init(&prepare, NULL, strlen(statement->sql) + STATEMENT_OVERHEAD);
	buf_printf(&prepare, "PREPARE " NAMED_STATEMENT " AS %s", statement->sql);
	preamble_begin(&head, &plan->flight);
	(void)preamble_settings(&head, &plan->flight);
	/* As for the statement itself, since policies depend on the caller. */
	if (options->identity)
		(void)flight_add(&plan->flight, options->identity->sql, options->identity->values);
	(void)flight_command(&plan->flight, generic_plan);
	(void)flight_command(&plan->flight, savepoint);
	plan->prepare = flight_command(&plan->flight, prepare.data);
	add_explain(plan, statement);
	plan->deallocate = flight_command(&plan->flight, deallocation);
	(void)flight_command(&plan->flight, "COMMIT");
	buf_release(&prepare);
}

/* Restores the session. Returns false if that is not certain. */
static bool
restore_session(const struct plan *plan, PGconn *pg, struct deadline deadline)
{
	bool named = plan->flight.results[plan->prepare] && !plan->flight.results[plan->deallocate],
	     done;
	struct flight flight;

	if (plan->flight.broken)
		return false;
	if (PQtransactionStatus(pg) == PQTRANS_IDLE)
		return !named;
	flight_begin(&flight, pg, NULL);
	if (named) {
		(void)flight_command(&flight, to_savepoint);
		(void)flight_command(&flight, deallocation);
	}
	(void)flight_command(&flight, "ROLLBACK");
	done = flight_fly(&flight, deadline) == FLIGHT_DONE;
	flight_end(&flight);
	return done;
}

static void
log_plan(const struct transaction_options *options, const struct statement *statement,
         const PGresult *rows)
{
	char storage[PLAN_MAX_BYTES];
	struct log_line line;
	struct buf plan;

	buf_init_fixed(&plan, storage, sizeof(storage));
	for (int row = 0; row < PQntuples(rows); row++)
		buf_printf(&plan, "%s%s", row > 0 ? "\n" : "", PQgetvalue(rows, row, 0));
	log_begin(&line, LOG_WARNING, "slow query plan");
	log_names(&line, options, statement);
	log_ms(&line, "duration_ms", statement->us);
	log_string(&line, "plan", plan.data);
	if (plan.overflow)
		log_bool(&line, "plan_cut", true);
	log_string(&line, "sql", statement->sql);
	log_end(&line);
}

static void
log_not_explained(const struct transaction_options *options, const struct statement *statement,
                  const struct flight *flight, enum flight_outcome outcome)
{
	const char *words = PQresultErrorField(flight->error, PG_DIAG_MESSAGE_PRIMARY);
	struct log_line line;

	log_begin(&line, LOG_WARNING, "slow query not explained");
	log_names(&line, options, statement);
	log_string(&line, "sqlstate", PQresultErrorField(flight->error, PG_DIAG_SQLSTATE));
	log_string(&line, "detail",
	           outcome == FLIGHT_LATE ? "no answer within a second"
	           : words                ? words
	                                  : "the connection was lost");
	log_string(&line, "sql", statement->sql);
	log_end(&line);
}

bool
statement_explain(const struct transaction_options *options, PGconn *pg,
                  const struct statement *statement)
{
	struct deadline deadline = deadline_in_ms(EXPLAIN_MS);
	enum flight_outcome outcome;
	struct plan plan;
	bool clean = true;

	flight_begin(&plan.flight, pg, NULL);
	compose_explain(&plan, options, deadline, statement);
	outcome = flight_fly(&plan.flight, deadline);
	if (outcome == FLIGHT_DONE) {
		log_plan(options, statement, plan.flight.results[plan.explain]);
	} else {
		log_not_explained(options, statement, &plan.flight, outcome);
		clean = restore_session(&plan, pg, deadline);
	}
	flight_end(&plan.flight);
	return clean;
}
