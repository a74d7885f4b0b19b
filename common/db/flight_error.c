#include "db/flight_error.h"

#include <limits.h>

#include "base/text.h"
#include "db/preamble.h"
#include "db/wait.h"

static void
explain_timeout(struct error *err)
{
	const struct sqlstate_meaning meaning = { FAILURE_TIMEOUT, RETRY_NEVER,
		                                  "The database took too long" };

	sqlstate_error(err, &meaning, "", "no answer from the server within the time allowed");
}

static void
explain_lost(const struct flight *flight, struct error *err)
{
	const struct sqlstate_meaning meaning = sqlstate_of_statement("", false);
	const PGresult *error = flight->error;
	const char *text = error ? PQresultErrorMessage(error) : PQerrorMessage(flight->pg);

	sqlstate_error(err, &meaning, "",
	               *text ? text : "the server's answers do not fit the statements");
}

static bool
violates(const PGresult *result, const char *wanted)
{
	const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);

	return wanted && constraint && strcmp(constraint, wanted) == 0;
}

static bool
has_sqlstate(const struct flight *flight, const char *wanted)
{
	const char *code = PQresultErrorField(flight->error, PG_DIAG_SQLSTATE);

	return code && strcmp(code, wanted) == 0;
}

bool
flight_error_is_read_only(const struct flight *flight)
{
	return has_sqlstate(flight, "25006");
}

bool
flight_error_is_unknown_caller(const struct flight *flight)
{
	return has_sqlstate(flight, "NP004") || has_sqlstate(flight, "NP005")
	       || has_sqlstate(flight, "NP006");
}

static const char *
diagnostic(const PGresult *error, int code)
{
	const char *text = PQresultErrorField(error, code);

	return text ? text : "";
}

/* The words of RAISE are for the client: MESSAGE is the detail, and a HINT that is a number is the
 * Retry-After in seconds. */
static void
use_raised_words(const PGresult *error, struct error *err)
{
	const char *words = diagnostic(error, PG_DIAG_MESSAGE_PRIMARY);
	int64_t seconds;

	if (*words)
		(void)snprintf(err->message, sizeof(err->message), "%s", words);
	if (parse_int(diagnostic(error, PG_DIAG_MESSAGE_HINT), &seconds) && seconds > 0
	    && seconds <= INT_MAX)
		err->retry_after_s = (int)seconds;
	error_fill_detail(err, "raised by a function of the database");
}

static enum sqlstate_retry
explain_refusal(const struct flight_error *failure, struct error *err)
{
	const PGresult *result = failure->flight->error;
	const char *code = diagnostic(result, PG_DIAG_SQLSTATE);
	const char *primary = diagnostic(result, PG_DIAG_MESSAGE_PRIMARY);
	struct sqlstate_meaning meaning = sqlstate_of_statement(code, flight_is_of_server(result));

	/* For a write, a read-only server is unavailable. A read that writes is the handler's
	 * fault. */
	if (flight_error_is_read_only(failure->flight) && failure->read_only) {
		(void)error_internal(err, "a write in a route of NP_TX_READ");
		return RETRY_NEVER;
	}
	/* A key of another form than the type of its column finds nobody. */
	if (failure->of_identity && text_starts(code, "22"))
		meaning = sqlstate_of_statement("NP005", true);
	/* 1 / 0 in a statement without values is our fault. */
	if (meaning.is_about_value && !(failure->has_values && failure->has_arguments))
		meaning.kind = FAILURE_INTERNAL;
	/* Only the primary message: detail and context quote values. In class 22 (data exception)
	 * the message does too. */
	if (text_starts(code, "22") && failure->has_values)
		primary = "a value that its type does not take";
	sqlstate_error(err, &meaning, code, *primary ? primary : PQresultErrorMessage(result));
	if (meaning.is_raised)
		use_raised_words(result, err);
	(void)snprintf(err->constraint, sizeof(err->constraint), "%s",
	               diagnostic(result, PG_DIAG_CONSTRAINT_NAME));
	return violates(result, failure->rerun_constraint) ? RETRY_RERUN : meaning.retry;
}

/* The commit was sent, and its end was not seen: it may have happened. */
static void
make_ambiguous(struct error *err)
{
	const struct error cause = *err;

	error_fill(err, FAILURE_AMBIGUOUS,
	           "The outcome is unknown: the database was lost while it committed");
	memcpy(err->sqlstate, cause.sqlstate, sizeof(err->sqlstate));
	(void)error_detail(err, "%s", cause.detail);
}

bool
flight_error_may_pass(const struct flight *flight, enum flight_outcome outcome)
{
	const char *code = diagnostic(flight->error, PG_DIAG_SQLSTATE);

	return outcome != FLIGHT_LATE && outcome != FLIGHT_ABANDONED
	       && sqlstate_of_statement(code, flight_is_of_server(flight->error)).retry
	              == RETRY_SOON;
}

bool
flight_error_may_commit(const int *client, struct deadline deadline, struct error *err)
{
	if (wait_is_abandoned(client)) {
		wait_error_abandoned(err);
		return false;
	}
	if (deadline_left_ms(deadline) >= PREAMBLE_RESERVE_MS)
		return true;
	error_fill(err, FAILURE_TIMEOUT, "The request took too long");
	return error_detail(err, "no time was left for the commit");
}

bool
flight_error_is_misuse(const struct flight *flight)
{
	return flight->error && PQresultStatus(flight->error) != PGRES_FATAL_ERROR;
}

enum sqlstate_retry
flight_error_explain(const struct flight_error *failure, struct error *err)
{
	const struct flight *flight = failure->flight;
	enum sqlstate_retry retry = RETRY_NEVER;

	if (flight_error_is_misuse(flight)) {
		(void)error_internal(err, "%s", PQresStatus(PQresultStatus(flight->error)));
		return RETRY_NEVER;
	}
	if (failure->outcome == FLIGHT_REFUSED)
		retry = explain_refusal(failure, err);
	else if (failure->outcome == FLIGHT_LATE)
		explain_timeout(err);
	else if (failure->outcome == FLIGHT_ABANDONED)
		wait_error_abandoned(err);
	else
		explain_lost(flight, err);
	if (failure->commits && flight->sent && !flight_was_rejected(flight)) {
		make_ambiguous(err);
		return RETRY_NEVER;
	}
	return failure->did_nothing ? RETRY_RERUN : retry;
}
