/* transaction_stream.c - the last statement of a read, whose rows come one by one */
#include <assert.h>

#include "base/mem.h"
#include "db/transaction_parts.h"

struct transaction_stream {
	struct transaction_flight flight;
	struct statement record; /* its texts are the stream's own */
	int64_t rows;
	struct np_rows *row; /* the last one; NULL: none, or the caller's time with it is over */
	bool is_begun;       /* what the flight has shown so far was taken */
};

static void
end_stream(struct transaction *tx, bool ok, const struct error *err)
{
	struct transaction_stream *stream = tx->stream;

	stream->record.ok = ok;
	stream->record.us += tx->counts.flights_us;
	transaction_record(tx, &stream->record, stream->flight.start_us, stream->rows, err);
	flight_end(&stream->flight.sent);
	tx->stream = NULL;
}

void
transaction_drop_stream(struct transaction *tx)
{
	if (!tx->stream)
		return;
	end_stream(tx, true, NULL);
	session_spoil(&tx->session, SESSION_BROKEN);
	transaction_move(tx, TX_ON_ROLLED_BACK);
}

/* Asks on a fresh connection. Returns true if something new is known. */
static bool
ask_for_types(struct transaction *tx, const PGresult *row)
{
	const struct types_question question = types_learn(tx->session.connection->pg, row,
	                                                   TYPES_OF_STREAM, tx->options.deadline);

	tx->counts.flights += question.flights;
	if (question.broken) {
		session_spoil(&tx->session, SESSION_BROKEN);
		session_give_back(&tx->session);
	}
	return question.answered;
}

/* Once its rows come there is no asking between them: their types have to be known before. They are
 * asked for, and the statement is sent once more. *more: there may be others. */
static bool
learn_types(struct transaction *tx, const struct transaction_work *work, bool *more,
            struct error *err)
{
	struct transaction_flight *flight = &tx->stream->flight;
	bool alone = flight->opens, ok;
	PGresult *row;

	*more = flight->sent.row && types_are_unknown(flight->sent.row, TYPES_OF_STREAM);
	if (!*more)
		return true;
	row = flight_take_row(&flight->sent);
	flight_end(&flight->sent);
	session_spoil(&tx->session, SESSION_BROKEN);
	session_give_back(&tx->session);
	ok = transaction_connect(tx, err);
	*more = ok && ask_for_types(tx, row);
	PQclear(row);
	if (!ok)
		return false;
	if (!alone) {
		/* What was read before is of another transaction. */
		tx->retry = RETRY_RERUN;
		return error_set(err, FAILURE_UNAVAILABLE, "The rows cannot be read now");
	}
	transaction_move(tx, TX_ON_RESENT);
	return transaction_send(tx, work, flight, err);
}

/* Of many types only some are asked for at once. */
static bool
learn_all_types(struct transaction *tx, const struct transaction_work *work, struct error *err)
{
	bool more;

	do {
		if (!learn_types(tx, work, &more, err))
			return false;
	} while (more);
	return true;
}

static bool
begin_stream(struct transaction *tx, const struct transaction_work *work, struct error *err)
{
	struct transaction_stream *stream = mem_new(tx->owner, struct transaction_stream);
	const struct transaction_statement *statement = &work->statements[0];
	const char *name = statement->name;

	stream->record = (struct statement){ mem_strdup(stream, statement->sql),
		                             name ? mem_strdup(stream, name) : NULL,
		                             statement->values.count,
		                             -tx->counts.flights_us,
		                             false,
		                             false };
	tx->stream = stream;
	if (transaction_send(tx, work, &stream->flight, err) && learn_all_types(tx, work, err))
		return true;
	end_stream(tx, false, err);
	return false;
}

bool
transaction_stream(struct transaction *tx, const struct transaction_statement *statement,
                   struct error *err)
{
	const struct transaction_work work = {
		.statements = statement, .count = 1, .last = true, .streams = true
	};
	bool ok = tx->state != TX_FAILED && transaction_may_run(tx, &work, &tx->failure);

	if (ok) {
		transaction_note_values(tx, &work);
		ok = begin_stream(tx, &work, &tx->failure);
	}
	if (!ok)
		return transaction_fail(tx, err);
	transaction_move(tx, TX_ON_STREAMING);
	return true;
}

static void
read_on(struct transaction *tx)
{
	struct transaction_stream *stream = tx->stream;
	const struct transaction_flight_context context = transaction_context(tx);

	mem_free(stream->row);
	stream->row = NULL;
	if (stream->is_begun)
		transaction_flight_next(&stream->flight, &context, &tx->counts);
	stream->is_begun = true;
}

/* Its last result has the columns, and no row. */
static bool
finish_stream(struct transaction *tx, struct error *err)
{
	struct transaction_stream *stream = tx->stream;

	stream->row = transaction_take_rows(tx, &stream->flight, 0, stream->record.sql);
	end_stream(tx, true, NULL);
	return transaction_finish_last(tx, err);
}

bool
transaction_next(struct transaction *tx, const struct np_rows **row, struct error *err)
{
	struct transaction_stream *stream = tx->stream;
	bool ok = true;

	assert(stream);
	read_on(tx);
	if (stream->flight.outcome == FLIGHT_ROW) {
		stream->row = rows_new(stream, flight_take_row(&stream->flight.sent));
		stream->rows++;
	} else if (stream->flight.outcome == FLIGHT_DONE) {
		ok = finish_stream(tx, &tx->failure);
	} else {
		ok = transaction_explain(tx, &stream->flight, &tx->failure);
		end_stream(tx, false, &tx->failure);
	}
	*row = stream->row;
	return ok || transaction_fail(tx, err);
}
