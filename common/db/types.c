#include "db/types.h"

#include "base/buf.h"
#include "base/text.h"
#include "db/flight.h"
#include "db/pgjson.h"
#include "db/sqlstate.h"

#define TYPES_MAX      256
#define ASKED_MAX      16 /* of one result */
#define LIST_MAX_BYTES (ASKED_MAX * sizeof("4294967295,") + sizeof("{}"))
#define LEARN_MS       1000

/* A domain has its base type's output function. oidvector is of an array's category, but is written
 * otherwise. */
static const char question[] =
    "WITH RECURSIVE seen AS (SELECT oid, typtype, typbasetype, typelem, typoutput, typdelim"
    " FROM pg_catalog.pg_type WHERE oid = ANY ($1::oid[]) UNION"
    " SELECT t.oid, t.typtype, t.typbasetype, t.typelem, t.typoutput, t.typdelim"
    " FROM seen JOIN pg_catalog.pg_type t ON t.oid = CASE WHEN seen.typtype = 'd' THEN seen.typbasetype"
    " WHEN seen.typoutput = 'pg_catalog.array_out'::regproc THEN seen.typelem END)"
    " SELECT oid, CASE WHEN typtype = 'd' THEN 'd' WHEN typoutput = 'pg_catalog.array_out'::regproc THEN 'a'"
    " ELSE '' END, CASE WHEN typtype = 'd' THEN typbasetype ELSE typelem END, typdelim FROM seen";

static struct {
	struct known_type items[TYPES_MAX];
	size_t count;
	bool refused; /* it is not asked any more */
} known;

const struct known_type *
types_find(uint32_t oid)
{
	for (size_t i = 0; i < known.count; i++)
		if (known.items[i].oid == oid)
			return &known.items[i];
	return NULL;
}

void
types_add(const struct known_type *type)
{
	if (known.count < TYPES_MAX && !types_find(type->oid))
		known.items[known.count++] = *type;
}

/* Only text that begins as an array's is worth a round trip. */
static bool
looks_like_array(const PGresult *rows, int column)
{
	for (int row = 0; row < PQntuples(rows); row++)
		if (!PQgetisnull(rows, row, column) && strchr("{[", *PQgetvalue(rows, row, column))
		    && *PQgetvalue(rows, row, column))
			return true;
	return false;
}

/* False: there is nothing to ask. */
static bool
list_unknown(const PGresult *rows, struct buf *list)
{
	size_t count = 0;

	for (int column = 0; column < PQnfields(rows) && count < ASKED_MAX; column++) {
		uint32_t oid = PQftype(rows, column);

		if (pgjson_knows(oid) || types_find(oid) || !looks_like_array(rows, column))
			continue;
		buf_char(list, count++ > 0 ? ',' : '{');
		buf_int(list, oid);
	}
	buf_char(list, '}');
	return count > 0;
}

static void
remember(const PGresult *answer)
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

/* A server that was slow, or went, has refused nothing. */
static bool
is_refusal(const struct flight *flight, enum flight_outcome outcome)
{
	const char *code = PQresultErrorField(flight->error, PG_DIAG_SQLSTATE);
	struct sqlstate_meaning meaning = sqlstate_of_statement(code ? code : "",
	                                                        flight_is_of_server(flight->error));

	return outcome == FLIGHT_REFUSED && meaning.kind != NP_TIMEOUT
	       && meaning.kind != NP_UNAVAILABLE;
}

/* What failed in the middle of a transaction is undone, so that the transaction goes on. */
static bool
undo(PGconn *pg, struct deadline deadline)
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

int
types_learn(PGconn *pg, const PGresult *rows, bool open, struct deadline request, bool *broken)
{
	struct deadline deadline = deadline_within_ms(request, LEARN_MS);
	char list[LIST_MAX_BYTES];
	enum flight_outcome outcome;
	struct flight flight;
	size_t place;
	struct buf oids;

	buf_init_fixed(&oids, list, sizeof(list));
	if (known.refused || known.count == TYPES_MAX || !list_unknown(rows, &oids))
		return 0;
	flight_begin(&flight, pg, NULL);
	if (open)
		(void)flight_command(&flight, "SAVEPOINT np_types");
	place = flight_add(&flight, question, NP_VALUES(np_text(oids.data)));
	if (open)
		(void)flight_command(&flight, "RELEASE SAVEPOINT np_types");
	outcome = flight_fly(&flight, deadline);
	if (outcome == FLIGHT_DONE) {
		remember(flight.results[place]);
	} else {
		known.refused = is_refusal(&flight, outcome);
		*broken = *broken || flight.broken || (open && !undo(pg, deadline));
	}
	flight_end(&flight);
	return 1;
}
