#include "db/flight_error.h"

#include <limits.h>

#include "base/text.h"
#include "db/preamble.h"
#include "db/wait.h"

static void
late(struct error *err)
{
	const struct sqlstate_meaning meaning = { NP_TIMEOUT, RETRY_NEVER,
		                                  "The database took too long" };

	sqlstate_error(err, &meaning, "", "no answer from the server within the time allowed");
}

static void
lost(const struct flight *flight, struct error *err)
{
	const struct sqlstate_meaning meaning = sqlstate_of_statement("", false);
	const PGresult *error = flight->error;
	const char *text = error ? PQresultErrorMessage(error) : PQerrorMessage(flight->pg);

	sqlstate_error(err, &meaning, "",
	               *text ? text : "the server's answers do not fit the statements");
}

/* In an older snapshot the claim does not see an answer that has just been kept, but its key is
 * there. */
static bool
is_claimed_by_another(const PGresult *result)
{
	const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);

	return constraint && strcmp(constraint, "idempotency_keys_pkey") == 0;
}

static bool
has_code(const struct flight *flight, const char *wanted)
{
	const char *code = PQresultErrorField(flight->error, PG_DIAG_SQLSTATE);

	return code && strcmp(code, wanted) == 0;
}

bool
flight_error_is_read_only(const struct flight *flight)
{
	return has_code(flight, "25006");
}

bool
flight_error_is_ended_session(const struct flight *flight)
{
	return has_code(flight, "NP004");
}

static const char *
field(const PGresult *error, int code)
{
	const char *text = PQresultErrorField(error, code);

	return text ? text : "";
}

/* What RAISE says is for the client: MESSAGE is the detail, and a HINT that is a number the seconds
 * of Retry-After. */
static void
use_words(const PGresult *error, struct error *err)
{
	const char *words = field(error, PG_DIAG_MESSAGE_PRIMARY);
	int64_t seconds;

	if (*words)
		(void)snprintf(err->message, sizeof(err->message), "%s", words);
	if (parse_int(field(error, PG_DIAG_MESSAGE_HINT), &seconds) && seconds > 0
	    && seconds <= INT_MAX)
		err->retry_after_s = (int)seconds;
	error_fill_detail(err, "raised by a function of the database");
}

static enum sqlstate_retry
refused(const struct flight_error *mishap, struct error *err)
{
	const PGresult *result = mishap->flight->error;
	const char *code = field(result, PG_DIAG_SQLSTATE);
	const char *primary = field(result, PG_DIAG_MESSAGE_PRIMARY);
	struct sqlstate_meaning meaning = sqlstate_of_statement(code, flight_is_of_server(result));

	/* A server that is read only is away for writes; a read that writes is the handler's fault.
	 */
	if (flight_error_is_read_only(mishap->flight) && mishap->reads) {
		(void)error_internal(err, "a write in a route of NP_TX_READ");
		return RETRY_NEVER;
	}
	/* 1 / 0 in a statement without values is nobody's but ours. */
	if (meaning.is_about_value && !(mishap->valued && mishap->asked))
		meaning.kind = NP_INTERNAL;
	/* Only the primary message: detail and context quote values, and of class 22 (data) the
	 * message does too. */
	if (text_starts(code, "22") && mishap->valued)
		primary = "a value that its type does not take";
	sqlstate_error(err, &meaning, code, *primary ? primary : PQresultErrorMessage(result));
	if (meaning.is_raised)
		use_words(result, err);
	(void)snprintf(err->constraint, sizeof(err->constraint), "%s",
	               field(result, PG_DIAG_CONSTRAINT_NAME));
	return is_claimed_by_another(result) ? RETRY_RERUN : meaning.retry;
}

/* It was sent and its end not seen: it may be committed, or not. */
static void
ambiguous(struct error *err)
{
	const struct error cause = *err;

	error_fill(err, NP_AMBIGUOUS,
	           "The outcome is unknown: the database was lost while it committed");
	memcpy(err->sqlstate, cause.sqlstate, sizeof(err->sqlstate));
	(void)error_detail(err, "%s", cause.detail);
}

bool
flight_error_may_pass(const struct flight *flight, enum flight_outcome outcome)
{
	const char *code = field(flight->error, PG_DIAG_SQLSTATE);

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
	error_fill(err, NP_TIMEOUT, "The request took too long");
	return error_detail(err, "no time was left for the commit");
}

bool
flight_error_is_misuse(const struct flight *flight)
{
	return flight->error && PQresultStatus(flight->error) != PGRES_FATAL_ERROR;
}

enum sqlstate_retry
flight_error_explain(const struct flight_error *mishap, struct error *err)
{
	const struct flight *flight = mishap->flight;
	enum sqlstate_retry retry = RETRY_NEVER;

	if (flight_error_is_misuse(flight)) {
		(void)error_internal(err, "%s", PQresStatus(PQresultStatus(flight->error)));
		return RETRY_NEVER;
	}
	if (mishap->outcome == FLIGHT_REFUSED)
		retry = refused(mishap, err);
	else if (mishap->outcome == FLIGHT_LATE)
		late(err);
	else if (mishap->outcome == FLIGHT_ABANDONED)
		wait_error_abandoned(err);
	else
		lost(flight, err);
	if (mishap->commits && flight->sent && !flight_was_rejected(flight)) {
		ambiguous(err);
		return mishap->claimed ? RETRY_RERUN : RETRY_NEVER;
	}
	return mishap->forgotten ? RETRY_RERUN : retry;
}
