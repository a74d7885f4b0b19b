#include "db/flight.h"

#include <assert.h>

#include "base/text.h"
#include "base/value.h"
#include "db/wait.h"

/* libpq's buffers grow to twice the longest message and never shrink. A connection whose statement
 * has more bytes of values than this, or whose result has a longer row, is not kept. */
#define LARGE_BYTES ((size_t)256 << 10)

void
flight_begin(struct flight *flight, PGconn *pg, struct prepared *prepared)
{
	*flight = (struct flight){ .pg = pg, .prepared = prepared };
}

/* Reserves the place of the next result. From here on the server may have received something, since
 * libpq sends by itself what does not fit its buffer. */
static size_t
next_place(struct flight *flight)
{
	assert(flight->count < FLIGHT_STATEMENTS_MAX);
	if (PQstatus(flight->pg) == CONNECTION_OK)
		flight->sent = true;
	return flight->count++;
}

size_t
flight_command(struct flight *flight, const char *sql)
{
	size_t place = next_place(flight);

	if (!PQsendQueryParams(flight->pg, sql, 0, NULL, NULL, NULL, NULL, 0))
		flight->unqueued = true;
	return place;
}

/* The name is prepared before its first use, and that has an answer of its own. */
static void
queue_prepare(struct flight *flight, struct prepared_statement *statement)
{
	size_t place = next_place(flight);

	flight->prepares[place] = statement;
	if (!PQsendPrepare(flight->pg, statement->name, statement->sql, 0, NULL))
		flight->unqueued = true;
}

/* Returns true if the flight prepares the name before the next place. */
static bool
prepares_itself(const struct flight *flight, const struct prepared_statement *statement)
{
	for (size_t i = 0; i < flight->count; i++)
		if (flight->prepares[i] == statement)
			return true;
	return false;
}

size_t
flight_add(struct flight *flight, const char *sql, struct values values)
{
	struct prepared_statement *statement = flight->prepared
	                                           ? prepared_find(flight->prepared, sql)
	                                           : NULL;
	char numbers[FLIGHT_VALUES_MAX][VALUE_TEXT_BYTES]; /* libpq copies them */
	const char *texts[FLIGHT_VALUES_MAX];
	int count = (int)values.count, queued;
	size_t place, bytes = 0;

	assert(values.count <= FLIGHT_VALUES_MAX);
	for (size_t i = 0; i < values.count; i++) {
		texts[i] = value_text(&values.items[i], numbers[i]);
		bytes += texts[i] ? strlen(texts[i]) : 0;
	}
	flight->large = flight->large || bytes > LARGE_BYTES;
	if (statement && !statement->ready && !prepares_itself(flight, statement))
		queue_prepare(flight, statement);
	place = next_place(flight);
	flight->uses[place] = statement;
	if (statement)
		queued = PQsendQueryPrepared(flight->pg, statement->name, count, texts, NULL, NULL,
		                             0);
	else
		queued = PQsendQueryParams(flight->pg, sql, count, NULL, texts, NULL, NULL, 0);
	flight->named = flight->named || statement;
	flight->unqueued = flight->unqueued || !queued;
	return place;
}

size_t
flight_describe(struct flight *flight, const char *sql)
{
	size_t place;

	(void)next_place(flight);
	if (!PQsendPrepare(flight->pg, "", sql, 0, NULL))
		flight->unqueued = true;
	place = next_place(flight);
	if (!PQsendDescribePrepared(flight->pg, ""))
		flight->unqueued = true;
	return place;
}

static void
store_error(struct flight *flight, size_t statement, PGresult *result)
{
	if (flight->error) {
		PQclear(result);
		return;
	}
	flight->error = result;
	flight->error_at = statement;
}

/* Only the size of a row matters: libpq buffers one row at a time. */
static bool
has_large_row(const PGresult *result)
{
	if (PQresultMemorySize(result) <= LARGE_BYTES)
		return false;
	for (int row = 0; row < PQntuples(result); row++) {
		size_t bytes = 0;

		for (int column = 0; column < PQnfields(result); column++)
			bytes += (size_t)PQgetlength(result, row, column);
		if (bytes > LARGE_BYTES)
			return true;
	}
	return false;
}

/* Stores a result of the statement with that index. */
static void
store_result(struct flight *flight, size_t statement, PGresult *result)
{
	switch (PQresultStatus(result)) {
	case PGRES_TUPLES_OK:
	case PGRES_COMMAND_OK:
		if (statement < flight->count && !flight->results[statement]) {
			flight->results[statement] = result;
			flight->large = flight->large || has_large_row(result);
			if (flight->prepares[statement])
				flight->prepares[statement]->ready = true;
			break;
		}
		PQclear(result); /* it answers no statement */
		flight->broken = true;
		break;
	case PGRES_PIPELINE_ABORTED: /* not run, because of the error before it */
		PQclear(result);
		break;
	default: /* an error, or what a handler may not send: an empty statement, COPY */
		if (PQresultStatus(result) != PGRES_FATAL_ERROR
		    && PQresultStatus(result) != PGRES_EMPTY_QUERY)
			flight->broken = true; /* COPY: libpq would repeat this result for ever */
		store_error(flight, statement, result);
	}
}

void
flight_stream(struct flight *flight, size_t statement)
{
	flight->streams = true;
	flight->streamed = statement;
}

/* libpq takes this only between the answers before the statement and its own first one. After an
 * error there are no rows. */
static void
begin_answer(struct flight *flight)
{
	if (flight->streams && flight->answered == flight->streamed && !flight->error
	    && !PQsetSingleRowMode(flight->pg))
		flight->broken = true;
}

/* A NULL ends the results of a statement. Returns false if the connection ended with it, or if
 * there are more of them than statements. */
static bool
end_answer(struct flight *flight)
{
	if (PQstatus(flight->pg) != CONNECTION_OK || ++flight->answered > flight->answers)
		return false;
	begin_answer(flight);
	return true;
}

/* The results of each statement end with a NULL. So does a failure of the commit, which comes in
 * the place of the Sync. The Sync's result is the last. Returns early with a row in flight->row. */
static enum wait_outcome
read_results(struct flight *flight)
{
	while (!flight->broken) {
		enum wait_outcome outcome = wait_result(flight->pg, flight->deadline,
		                                        flight->client);
		PGresult *result;

		if (outcome != WAIT_READY)
			return outcome;
		result = PQgetResult(flight->pg);
		if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
			PQclear(result);
			/* Fewer answers than statements: a pooler has lost some. */
			return flight->answered >= flight->count ? WAIT_READY : WAIT_BROKEN;
		}
		if (PQresultStatus(result) == PGRES_SINGLE_TUPLE) {
			flight->row = result;
			flight->large = flight->large || has_large_row(result);
			return WAIT_READY;
		}
		if (result && flight->answered == flight->count)
			flight->answers++;
		if (result)
			store_result(flight, flight->answered, result);
		else if (!end_answer(flight))
			return WAIT_BROKEN;
	}
	return WAIT_READY;
}

/* libpq reports a lost connection as a result too, but without an SQLSTATE. */
static bool
is_from_server(const PGresult *error)
{
	return error && PQresultErrorField(error, PG_DIAG_SQLSTATE);
}

static bool
has_all(const struct flight *flight)
{
	for (size_t i = 0; i < flight->count; i++)
		if (!flight->results[i])
			return false;
	return true;
}

static enum flight_outcome
outcome_of(struct flight *flight, enum wait_outcome waited)
{
	if (flight->row)
		return FLIGHT_ROW;
	if (waited == WAIT_READY && !flight->error && !has_all(flight))
		flight->broken = true;
	if (waited == WAIT_READY && !flight->error && !flight->broken)
		return FLIGHT_DONE;
	/* A FATAL is an ordinary error, followed by the end of the connection. */
	if (waited != WAIT_READY || PQstatus(flight->pg) != CONNECTION_OK)
		flight->broken = true;
	if (flight->error && (is_from_server(flight->error) || !flight->broken))
		return FLIGHT_REFUSED;
	if (waited == WAIT_ABANDONED)
		return FLIGHT_ABANDONED;
	return waited == WAIT_TIMEOUT ? FLIGHT_LATE : FLIGHT_LOST;
}

enum flight_outcome
flight_fly(struct flight *flight, struct deadline deadline)
{
	enum wait_outcome waited = WAIT_BROKEN;

	if (flight->unqueued || PQstatus(flight->pg) != CONNECTION_OK) {
		flight->broken = true;
		return FLIGHT_LOST;
	}
	flight->deadline = deadline;
	flight->answered = 0;
	flight->answers = flight->count;
	begin_answer(flight);
	if (PQpipelineSync(flight->pg))
		waited = wait_flush(flight->pg, deadline, flight->client);
	if (waited == WAIT_READY)
		waited = read_results(flight);
	return outcome_of(flight, waited);
}

enum flight_outcome
flight_next(struct flight *flight)
{
	PQclear(flight->row);
	flight->row = NULL;
	return outcome_of(flight, read_results(flight));
}

bool
flight_ran_prepared(const struct flight *flight, size_t statement)
{
	return flight->uses[statement] && !prepares_itself(flight, flight->uses[statement]);
}

bool
flight_is_of_server(const PGresult *error)
{
	return PQresultErrorField(error, PG_DIAG_SOURCE_FUNCTION);
}

bool
flight_was_rejected(const struct flight *flight)
{
	const char *code = PQresultErrorField(flight->error, PG_DIAG_SQLSTATE), *severity;

	if (!code)
		return false;
	/* The server ended the idle transaction before it could receive a commit. */
	if (strcmp(code, "25P03") == 0)
		return true;
	/* Poolers use one code for everything (PgDog 58000; 08P01 and XX000 may be a pooler's or
	 * the server's). A shutdown ends finished and unfinished work alike, and 40003 says that
	 * the outcome is unknown. */
	if (text_starts(code, "57P") || text_starts(code, "58") || strcmp(code, "40003") == 0
	    || ((text_starts(code, "08") || text_starts(code, "XX"))
	        && !flight_is_of_server(flight->error)))
		return false;
	/* Some poolers send only the localized one. */
	severity = PQresultErrorField(flight->error, PG_DIAG_SEVERITY_NONLOCALIZED);
	if (!severity)
		severity = PQresultErrorField(flight->error, PG_DIAG_SEVERITY);
	return severity && strcmp(severity, "ERROR") == 0;
}

PGresult *
flight_take(struct flight *flight, size_t statement)
{
	PGresult *result = flight->results[statement];

	flight->results[statement] = NULL;
	return result;
}

PGresult *
flight_take_row(struct flight *flight)
{
	PGresult *row = flight->row;

	flight->row = NULL;
	return row;
}

void
flight_end(struct flight *flight)
{
	for (size_t i = 0; i < flight->count; i++)
		PQclear(flight->results[i]);
	PQclear(flight->error);
	PQclear(flight->row);
	*flight = (struct flight){ .pg = NULL };
}
