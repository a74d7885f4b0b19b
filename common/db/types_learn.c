#include "db/types_learn.h"

#include "base/buf.h"
#include "base/text.h"
#include "db/flight.h"
#include "db/pgjson.h"
#include "db/sqlstate.h"
#include "db/types.h"

#define ASKED_MAX      16 /* types of one result */
#define LIST_MAX_BYTES (ASKED_MAX * sizeof("4294967295,") + sizeof("{}"))
#define LEARN_MS       1000

/* A domain has its base type's output function. oidvector has the category of an array, but another
 * output function. */
static const char question_text[] =
    "WITH RECURSIVE seen AS (SELECT oid, typtype, typbasetype, typelem, typoutput, typdelim"
    " FROM pg_catalog.pg_type WHERE oid = ANY ($1::oid[]) UNION"
    " SELECT t.oid, t.typtype, t.typbasetype, t.typelem, t.typoutput, t.typdelim"
    " FROM seen JOIN pg_catalog.pg_type t ON t.oid = CASE"
    " WHEN seen.typtype = 'd' THEN seen.typbasetype"
    " WHEN seen.typoutput = 'pg_catalog.array_out'::regproc THEN seen.typelem END)"
    " SELECT oid, CASE WHEN typtype = 'd' THEN 'd'"
    " WHEN typoutput = 'pg_catalog.array_out'::regproc THEN 'a' ELSE '' END,"
    " CASE WHEN typtype = 'd' THEN typbasetype ELSE typelem END, typdelim FROM seen";

/* Set once the server has refused the question: this process does not ask again. */
static bool refused;

/* A round trip is only made for text that begins as an array's. */
static bool
looks_like_array(const PGresult *rows, int column)
{
	for (int row = 0; row < PQntuples(rows); row++)
		if (!PQgetisnull(rows, row, column) && strchr("{[", *PQgetvalue(rows, row, column))
		    && *PQgetvalue(rows, row, column))
			return true;
	return false;
}

/* Returns true if the list so far, as Postgres writes one, has this oid. */
static bool
is_listed(const struct buf *list, uint32_t oid)
{
	char text[INT_TEXT_BYTES];
	size_t size = text_of_int(oid, text);

	for (const char *at = list->data; at && (at = strstr(at, text)) != NULL; at += size)
		if (!text_is_digit(at[-1]) && !text_is_digit(at[size]))
			return true;
	return false;
}

/* Lists the oids to ask for. Returns false if there are none, or if nothing is asked any more. */
static bool
list_unknown(const PGresult *rows, enum types_mode mode, struct buf *list)
{
	size_t count = 0;

	if (refused || types_are_full())
		return false;
	for (int column = 0; column < PQnfields(rows) && count < ASKED_MAX; column++) {
		uint32_t oid = PQftype(rows, column);

		if (pgjson_knows(oid) || types_find(oid))
			continue;
		if (is_listed(list, oid)
		    || (mode != TYPES_OF_STREAM && !looks_like_array(rows, column)))
			continue;
		buf_char(list, count++ > 0 ? ',' : '{');
		buf_int(list, oid);
	}
	buf_char(list, '}');
	return count > 0;
}

static void
remember_types(const PGresult *answer)
{
	for (int row = 0; row < PQntuples(answer); row++) {
		char kind = *PQgetvalue(answer, row, 1);
		struct known_type type = { .kind = kind == 'a'   ? TYPE_ARRAY
			                           : kind == 'd' ? TYPE_DOMAIN
			                                         : TYPE_PLAIN,
			                   .delimiter = *PQgetvalue(answer, row, 3) };
		int64_t oid, inner;

		if (!parse_int(PQgetvalue(answer, row, 0), &oid)
		    || !parse_int(PQgetvalue(answer, row, 2), &inner))
			continue;
		type.oid = (uint32_t)oid;
		type.inner = (uint32_t)inner;
		types_add(&type);
	}
}

/* A server that was slow, or went away, has not refused. */
static bool
is_refusal(const struct flight *flight, enum flight_outcome outcome)
{
	const char *code = PQresultErrorField(flight->error, PG_DIAG_SQLSTATE);
	struct sqlstate_meaning meaning = sqlstate_of_statement(code ? code : "",
	                                                        flight_is_of_server(flight->error));

	/* In a transaction that has failed every statement is refused. */
	return outcome == FLIGHT_REFUSED && !(code && strcmp(code, "25P02") == 0)
	       && meaning.kind != FAILURE_TIMEOUT && meaning.kind != FAILURE_UNAVAILABLE;
}

/* Undoes the failed question, so that the transaction goes on. */
static bool
roll_back_to_savepoint(PGconn *pg, struct deadline deadline)
{
	struct flight flight;
	bool done;

	flight_begin(&flight, pg, NULL);
	(void)flight_command(&flight, "ROLLBACK TO SAVEPOINT np_types");
	(void)flight_command(&flight, "RELEASE SAVEPOINT np_types");
	done = flight_fly(&flight, deadline) == FLIGHT_DONE;
	flight_end(&flight);
	return done;
}

bool
types_are_unknown(const PGresult *rows, enum types_mode mode)
{
	char list[LIST_MAX_BYTES];
	struct buf oids;

	buf_init_fixed(&oids, list, sizeof(list));
	return list_unknown(rows, mode, &oids);
}

struct types_question
types_learn(PGconn *pg, const PGresult *rows, enum types_mode mode, struct deadline request)
{
	struct types_question question = { .flights = 0 };
	struct deadline deadline = deadline_within_ms(request, LEARN_MS);
	bool open = mode == TYPES_IN_TRANSACTION;
	char list[LIST_MAX_BYTES];
	enum flight_outcome outcome;
	struct flight flight;
	size_t place;
	struct buf oids;

	buf_init_fixed(&oids, list, sizeof(list));
	if (!list_unknown(rows, mode, &oids))
		return question;
	flight_begin(&flight, pg, NULL);
	if (mode == TYPES_AFTER_ROLLBACK)
		(void)flight_command(&flight, "ROLLBACK");
	if (open)
		(void)flight_command(&flight, "SAVEPOINT np_types");
	place = flight_add(&flight, question_text, VALUES(np_text(oids.data)));
	if (open)
		(void)flight_command(&flight, "RELEASE SAVEPOINT np_types");
	outcome = flight_fly(&flight, deadline);
	question.flights = 1;
	question.answered = outcome == FLIGHT_DONE;
	if (question.answered) {
		remember_types(flight.results[place]);
	} else {
		refused = is_refusal(&flight, outcome);
		question.broken = flight.broken || (open && !roll_back_to_savepoint(pg, deadline));
	}
	flight_end(&flight);
	return question;
}
