/* probe - shows the system tests what happens inside, and has handlers that misbehave on purpose
 *
 * Its table, probe_rows, is created by tests/system/conftest.py.
 */
#include <stdlib.h>
#include <unistd.h>

#include "probe.sql.h"

static bool
list_responses(struct np_ctx *ctx)
{
	struct np_rows *rows;

	return np_query(ctx, &rows, all_responses())
	       && np_reply_page(ctx, rows, 1000, NP_NAMES("user_id"));
}

static bool
show_claims(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, claims()) && np_reply_row(ctx, NP_STATUS_OK, row);
}

static bool
list_prepared(struct np_ctx *ctx)
{
	struct np_rows *rows;

	return np_query(ctx, &rows, prepared_statements())
	       && np_reply_page(ctx, rows, 100, NP_NAMES("name"));
}

static bool
deallocate(struct np_ctx *ctx)
{
	return np_exec(ctx, deallocation()) && np_reply_empty(ctx);
}

static bool
show_session(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, session()) && np_reply_row(ctx, NP_STATUS_OK, row);
}

static bool
show_types(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, every_type()) && np_reply_row(ctx, NP_STATUS_OK, row);
}

static const struct np_param label = { .name = "label",
	                               .in = NP_IN_QUERY,
	                               .type = NP_TYPE_STRING,
	                               .required = true,
	                               .min = 1,
	                               .max = 200 };

/* Runs several statements. The response depends on nothing but their rows. */
static bool
insert_every_type(struct np_ctx *ctx)
{
	struct np_rows *types, *counted, *row;

	return np_query_one(ctx, &types, every_type())
	       && np_query_one(ctx, &counted, row_count(np_arg(ctx, &label)))
	       && np_query(ctx, &row, no_row())
	       && np_header(ctx, "X-Count", "%s", np_field(counted, 0, "count").text)
	       && np_header(ctx, "X-Text", "%s", np_field(types, 0, "texts").text)
	       && np_answer(ctx, new_row_of_types(np_arg(ctx, &label)));
}

/* The response has a random value in it, which a repeat must return unchanged. */
static bool
insert_token(struct np_ctx *ctx)
{
	struct np_value token = np_random_token(ctx);
	struct np_rows *row;

	return np_query_last(ctx, &row, new_row(np_arg(ctx, &label)))
	       && np_reply_object(ctx, NP_STATUS_CREATED, NP_OBJECT({ "token", token }));
}

static const struct np_param seconds = {
	.name = "seconds", .in = NP_IN_QUERY, .type = NP_TYPE_FLOAT, .required = true
};

/* As text: a cache key cannot have an NP_TYPE_FLOAT in it. */
static const struct np_param seconds_as_text = {
	.name = "seconds", .in = NP_IN_QUERY, .type = NP_TYPE_STRING, .required = true
};

static bool
sleep_for(struct np_ctx *ctx, struct np_value duration)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, nap(duration)) && np_reply_row(ctx, NP_STATUS_OK, row);
}

static bool
sleep_in_database(struct np_ctx *ctx)
{
	return sleep_for(ctx, np_arg(ctx, &seconds));
}

static bool
sleep_as_text(struct np_ctx *ctx)
{
	return sleep_for(ctx, np_arg(ctx, &seconds_as_text));
}

static bool
count_rows(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, row_count(np_arg(ctx, &label)))
	       && np_reply_row(ctx, NP_STATUS_OK, row);
}

/* Without np_answer(): the commit comes after the handler. */
static bool
insert(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, new_row(np_arg(ctx, &label)))
	       && np_reply_row(ctx, NP_STATUS_CREATED, row);
}

/* One statement that carries its commit. */
static bool
insert_last(struct np_ctx *ctx)
{
	return np_answer(ctx, new_row(np_arg(ctx, &label)));
}

/* The second statement depends on the first. */
static bool
count_and_insert(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, row_count(np_arg(ctx, &label))) && insert_last(ctx);
}

/* Leaves time for another request to do the same: one of two serializable ones has to run again. */
static bool
count_nap_and_insert(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, row_count(np_arg(ctx, &label)))
	       && np_query_one(ctx, &row, nap(np_float(0.4))) && insert(ctx);
}

static bool
insert_and_sleep(struct np_ctx *ctx)
{
	struct np_rows *row;

	return insert(ctx) && np_query_one(ctx, &row, nap(np_int(2)));
}

static bool
sleep_and_count(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, row_count(np_arg(ctx, &label)))
	       && np_query_one(ctx, &row, nap(np_float(0.5)))
	       && np_answer(ctx, row_count(np_arg(ctx, &label)));
}

static bool
end_session(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, end_of_session()) && np_reply_row(ctx, NP_STATUS_OK, row);
}

static bool
insert_and_fail(struct np_ctx *ctx)
{
	return insert(ctx) && np_fail(ctx, NP_ERROR_CONFLICT, "Changed my mind");
}

static bool
insert_then_query_after_last(struct np_ctx *ctx)
{
	struct np_rows *row;

	return insert_last(ctx) && np_query(ctx, &row, row_count(np_arg(ctx, &label)));
}

/* Two transactions: the first is committed, the second is not. */
static bool
commit_first_only(struct np_ctx *ctx)
{
	return insert(ctx) && np_commit(ctx) && insert(ctx);
}

static bool
insert_and_roll_back(struct np_ctx *ctx)
{
	if (!insert(ctx))
		return false;
	np_rollback(ctx);
	return true;
}

/* A handler that ignores a failed statement must not be able to reply with a success. */
static bool
swallow(struct np_ctx *ctx, struct np_call call)
{
	struct np_rows *row;

	if (!insert(ctx) || !np_query(ctx, &row, call))
		return np_reply_object(ctx, NP_STATUS_CREATED,
		                       NP_OBJECT({ "done", np_bool(true) }));
	return true;
}

static bool
divide_by_zero(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, division_by_zero()) && np_reply_row(ctx, NP_STATUS_OK, row);
}

static bool
show_version(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, version()) && np_reply_row(ctx, NP_STATUS_OK, row);
}

static bool
swallow_error(struct np_ctx *ctx)
{
	return swallow(ctx, division_by_zero());
}

static bool
swallow_loss(struct np_ctx *ctx)
{
	return swallow(ctx, end_of_session());
}

static bool
insert_and_dawdle(struct np_ctx *ctx)
{
	return insert(ctx) && sleep(2) == 0;
}

static bool
roll_back_and_sleep(struct np_ctx *ctx)
{
	struct np_rows *row;

	if (!insert(ctx))
		return false;
	np_rollback(ctx);
	return np_query_one(ctx, &row, nap(np_int(1))) && np_reply_row(ctx, NP_STATUS_OK, row);
}

static const struct np_param row_limit = { .name = "rows",
	                                   .in = NP_IN_QUERY,
	                                   .type = NP_TYPE_INT,
	                                   .required = true,
	                                   .min = 1,
	                                   .max = 100 };
static const struct np_param size = { .name = "size",
	                              .in = NP_IN_QUERY,
	                              .type = NP_TYPE_INT,
	                              .required = true,
	                              .min = 1,
	                              .max = 100000 };

static bool
list_wide_rows(struct np_ctx *ctx)
{
	struct np_rows *rows;

	return np_query(ctx, &rows, wide_rows(np_arg(ctx, &size), np_arg(ctx, &row_limit)))
	       && np_reply_page(ctx, rows, 100, NP_NAMES("i"));
}

static bool
set_long_header(struct np_ctx *ctx)
{
	return np_header(ctx, "X-Long", "%05000d", 1) && np_reply_object(ctx, NP_STATUS_OK, NULL);
}

static bool
set_header(struct np_ctx *ctx)
{
	return np_header(ctx, "X-Label", "%s", np_arg(ctx, &label).text) && np_reply_empty(ctx);
}

static bool
steer_nginx(struct np_ctx *ctx)
{
	return np_header(ctx, "X-Accel-Redirect", "/_problem")
	       && np_reply_object(ctx, NP_STATUS_OK, NULL);
}

static bool
name_twice(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, two_columns_of_one_name())
	       && np_reply_row(ctx, NP_STATUS_OK, row);
}

static bool
cast_to_date(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, bad_date(np_arg(ctx, &label)))
	       && np_reply_row(ctx, NP_STATUS_OK, row);
}

static bool
query_without_database(struct np_ctx *ctx)
{
	return show_session(ctx);
}

static bool
succeed_without_reply(struct np_ctx *ctx)
{
	(void)ctx;
	return true;
}

static bool
exit_process(struct np_ctx *ctx)
{
	(void)ctx;
	_Exit(3);
}

static bool
loop_forever(struct np_ctx *ctx)
{
	volatile bool forever = true;

	while (forever)
		;
	return np_reply_empty(ctx);
}

/* Spends most of its time in malloc() and free(). */
static bool
churn_heap(struct np_ctx *ctx)
{
	volatile bool forever = true;

	for (size_t bytes = 1; forever; bytes = bytes * 7 % 100003) {
		char *volatile text = malloc(bytes);

		free(text);
	}
	return np_reply_empty(ctx);
}

static bool
abort_process(struct np_ctx *ctx)
{
	(void)ctx;
	abort();
}

static const struct np_param word = {
	.name = "word", .in = NP_IN_BODY, .type = NP_TYPE_STRING, .required = true
};
static const struct np_param number = {
	.name = "number", .in = NP_IN_BODY, .type = NP_TYPE_INT, .min = -5, .max = 5
};
static const struct np_param flag = {
	.name = "flag", .in = NP_IN_BODY, .type = NP_TYPE_BOOL, .default_value = "true"
};
static const struct np_param nothing = {
	.name = "nothing", .in = NP_IN_BODY, .type = NP_TYPE_STRING, .nullable = true
};
static const struct np_param token = { .name = "x-token",
	                               .in = NP_IN_HEADER,
	                               .type = NP_TYPE_STRING };
#define ECHO_FIELDS NP_PARAMS(&word, &number, &flag, &nothing, &token)

static bool
echo(struct np_ctx *ctx)
{
	return np_reply_object(
	    ctx, NP_STATUS_OK,
	    NP_OBJECT({ "word", np_arg(ctx, &word) }, { "number", np_arg(ctx, &number) },
	              { "flag", np_arg(ctx, &flag) }, { "nothing", np_arg(ctx, &nothing) },
	              { "nothing_given", np_bool(np_given(ctx, &nothing)) },
	              { "token", np_arg(ctx, &token) }));
}

static const struct np_route routes[] = {
	{ .method = "GET", .path = "/probe/session", .handle = show_session, .tx = NP_TX_READ },
	{ .method = "POST", .path = "/probe/session", .handle = show_session, .tx = NP_TX_WRITE },
	{ .method = "GET",
	  .path = "/probe/responses",
	  .handle = list_responses,
	  .tx = NP_TX_READ,
	  .auth = NP_AUTH_USER },
	{ .method = "GET",
	  .path = "/probe/responses-of-nobody",
	  .handle = list_responses,
	  .tx = NP_TX_READ },
	{ .method = "GET",
	  .path = "/probe/claims",
	  .handle = show_claims,
	  .tx = NP_TX_READ,
	  .auth = NP_AUTH_USER },
	{ .method = "POST",
	  .path = "/probe/claims",
	  .handle = show_claims,
	  .tx = NP_TX_WRITE,
	  .auth = NP_AUTH_USER },
	{ .method = "GET",
	  .path = "/probe/claims-of-nobody",
	  .handle = show_claims,
	  .tx = NP_TX_READ },
	{ .method = "GET", .path = "/probe/prepared", .handle = list_prepared, .tx = NP_TX_READ },
	{ .method = "DELETE", .path = "/probe/prepared", .handle = deallocate, .tx = NP_TX_WRITE },
	{ .method = "GET", .path = "/probe/types", .handle = show_types, .tx = NP_TX_READ },
	{ .method = "GET",
	  .path = "/probe/sleep",
	  .handle = sleep_in_database,
	  .tx = NP_TX_READ,
	  .params = NP_PARAMS(&seconds) },
	{ .method = "GET",
	  .path = "/probe/cached-nap",
	  .handle = sleep_as_text,
	  .tx = NP_TX_READ,
	  .params = NP_PARAMS(&seconds_as_text),
	  .cache = { .key = "nap:{seconds}" } },
	{ .method = "GET",
	  .path = "/probe/rows",
	  .handle = count_rows,
	  .tx = NP_TX_READ,
	  .params = NP_PARAMS(&label) },
	{ .method = "POST",
	  .path = "/probe/rows",
	  .handle = insert,
	  .tx = NP_TX_WRITE,
	  .params = NP_PARAMS(&label),
	  .errors = { .conflict = "This label is taken" } },
	{ .method = "POST",
	  .path = "/probe/marked",
	  .handle = insert_last,
	  .tx = NP_TX_WRITE,
	  .params = NP_PARAMS(&label),
	  .errors = { .conflict = "This label is taken" } },
	{ .method = "POST",
	  .path = "/probe/types",
	  .handle = insert_every_type,
	  .tx = NP_TX_WRITE,
	  .params = NP_PARAMS(&label) },
	{ .method = "POST",
	  .path = "/probe/token",
	  .handle = insert_token,
	  .tx = NP_TX_WRITE,
	  .params = NP_PARAMS(&label) },
	{ .method = "POST",
	  .path = "/probe/two-steps",
	  .handle = count_and_insert,
	  .tx = NP_TX_WRITE,
	  .params = NP_PARAMS(&label) },
	{ .method = "POST",
	  .path = "/probe/serializable",
	  .handle = count_nap_and_insert,
	  .tx = NP_TX_WRITE,
	  .params = NP_PARAMS(&label),
	  .isolation = NP_ISOLATION_SERIALIZABLE },
	{ .method = "POST",
	  .path = "/probe/serializable-once",
	  .handle = count_nap_and_insert,
	  .tx = NP_TX_WRITE,
	  .params = NP_PARAMS(&label),
	  .isolation = NP_ISOLATION_SERIALIZABLE,
	  .no_rerun = true },
	{ .method = "GET",
	  .path = "/probe/snapshot",
	  .handle = sleep_and_count,
	  .tx = NP_TX_READ,
	  .params = NP_PARAMS(&label),
	  .isolation = NP_ISOLATION_REPEATABLE_READ },
	{ .method = "GET",
	  .path = "/probe/no-snapshot",
	  .handle = sleep_and_count,
	  .tx = NP_TX_READ,
	  .params = NP_PARAMS(&label) },
	{ .method = "POST",
	  .path = "/probe/insert-and-sleep",
	  .handle = insert_and_sleep,
	  .tx = NP_TX_WRITE,
	  .params = NP_PARAMS(&label) },
	{ .method = "GET", .path = "/probe/end-session", .handle = end_session, .tx = NP_TX_READ },
	{ .method = "POST",
	  .path = "/probe/failing",
	  .handle = insert_and_fail,
	  .tx = NP_TX_WRITE,
	  .params = NP_PARAMS(&label) },
	{ .method = "POST",
	  .path = "/probe/after-last",
	  .handle = insert_then_query_after_last,
	  .tx = NP_TX_WRITE,
	  .params = NP_PARAMS(&label) },
	{ .method = "POST",
	  .path = "/probe/commit-first",
	  .handle = commit_first_only,
	  .tx = NP_TX_MANUAL,
	  .params = NP_PARAMS(&label) },
	{ .method = "POST",
	  .path = "/probe/roll-back",
	  .handle = insert_and_roll_back,
	  .tx = NP_TX_MANUAL,
	  .params = NP_PARAMS(&label) },
	{ .method = "POST",
	  .path = "/probe/write-in-read",
	  .handle = insert,
	  .tx = NP_TX_READ,
	  .params = NP_PARAMS(&label) },
	{ .method = "GET",
	  .path = "/probe/header",
	  .handle = set_header,
	  .tx = NP_TX_NONE,
	  .params = NP_PARAMS(&label) },
	{ .method = "POST",
	  .path = "/probe/swallow-error",
	  .handle = swallow_error,
	  .tx = NP_TX_WRITE,
	  .params = NP_PARAMS(&label) },
	{ .method = "POST",
	  .path = "/probe/swallow-loss",
	  .handle = swallow_loss,
	  .tx = NP_TX_WRITE,
	  .params = NP_PARAMS(&label) },
	{ .method = "POST",
	  .path = "/probe/dawdle",
	  .handle = insert_and_dawdle,
	  .tx = NP_TX_WRITE,
	  .params = NP_PARAMS(&label) },
	{ .method = "POST",
	  .path = "/probe/roll-back-and-sleep",
	  .handle = roll_back_and_sleep,
	  .tx = NP_TX_MANUAL,
	  .params = NP_PARAMS(&label) },
	{ .method = "GET",
	  .path = "/probe/wide",
	  .handle = list_wide_rows,
	  .tx = NP_TX_READ,
	  .params = NP_PARAMS(&row_limit, &size) },
	{ .method = "GET",
	  .path = "/probe/cached-wide",
	  .handle = list_wide_rows,
	  .tx = NP_TX_READ,
	  .params = NP_PARAMS(&row_limit, &size),
	  .cache = { .key = "wide:{rows}:{size}" } },
	{ .method = "GET",
	  .path = "/probe/long-header",
	  .handle = set_long_header,
	  .tx = NP_TX_NONE },
	{ .method = "GET", .path = "/probe/steer", .handle = steer_nginx, .tx = NP_TX_NONE },
	{ .method = "GET", .path = "/probe/twice", .handle = name_twice, .tx = NP_TX_READ },
	{ .method = "GET",
	  .path = "/probe/date",
	  .handle = cast_to_date,
	  .tx = NP_TX_READ,
	  .params = NP_PARAMS(&label) },
	{ .method = "GET", .path = "/probe/divide", .handle = divide_by_zero, .tx = NP_TX_READ },
	{ .method = "GET", .path = "/probe/version", .handle = show_version, .tx = NP_TX_READ },
	{ .method = "GET",
	  .path = "/probe/no-database",
	  .handle = query_without_database,
	  .tx = NP_TX_NONE },
	{ .method = "GET",
	  .path = "/probe/silent",
	  .handle = succeed_without_reply,
	  .tx = NP_TX_NONE },
	{ .method = "GET", .path = "/probe/loop", .handle = loop_forever, .tx = NP_TX_NONE },
	{ .method = "GET", .path = "/probe/churn", .handle = churn_heap, .tx = NP_TX_NONE },
	{ .method = "GET", .path = "/probe/abort", .handle = abort_process, .tx = NP_TX_NONE },
	{ .method = "GET", .path = "/probe/die", .handle = exit_process, .tx = NP_TX_NONE },
	{ .method = "POST",
	  .path = "/probe/echo",
	  .handle = echo,
	  .tx = NP_TX_NONE,
	  .params = ECHO_FIELDS },
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "probe", routes);
}
