/* ctx.h - the state of one request, which every np_ function works on
 *
 * exchange.c fills it in step by step, so a member is valid from its step on: the route once it is
 * found, the arguments once they are decoded, the transaction once the handler may run. The struct
 * and all that a handler gets from it are freed together after the reply has left.
 */
#ifndef NULLPOOL_APP_CTX_H
#define NULLPOOL_APP_CTX_H

#include "app/app.h"
#include "app/attempts.h"
#include "app/idempotency.h"
#include "app/stream.h"
#include "base/clock.h"
#include "db/transaction.h"
#include "http/param.h"
#include "http/reply.h"
#include "http/request.h"
#include "http/router.h"
#include "http/target.h"
#include "http/trace.h"

/* The values of ctx->identity. */
enum { IDENTITY_CLAIMS, IDENTITY_USER, IDENTITY_SESSION, IDENTITY__MAX };

struct np_ctx {
	struct app *app;
	const struct request *request;
	struct deadline deadline;
	struct trace trace;
	struct spans *spans; /* NULL: none are wanted */

	/* The input. */
	struct target target;
	const struct np_route *route;   /* NULL until it is found */
	char allow[ROUTER_ALLOW_BYTES]; /* the methods of the path; "": there is no such path */
	struct argument *arguments;     /* in the order of route->params */
	struct param_faults faults;
	const char *body_json; /* of NP_BODY_JSON, without white space; else NULL */

	/* The caller. */
	const char *caller, *caller_session; /* NULL: there is none, or it is not known yet */
	bool caller_is_uuid;
	const char *caller_issuer; /* of a token that is not ours; else NULL */
	const char *scopes;        /* words with spaces between them; NULL: none */
	/* Tells the database who the caller is, or asks it; sql is NULL: neither. */
	struct transaction_statement identity;
	struct np_value identity_values[IDENTITY__MAX];
	bool is_unidentified;  /* the database was not asked yet */
	bool is_guarding;      /* the route's guard runs */
	const char *guard_saw; /* the headers that it looked at; NULL: none */

	struct idempotency idempotency;
	bool is_random; /* the reply may hold a random value, which a repeat would not make again */

	/* The precondition. */
	const struct np_route *get;     /* the GET to compare with; NULL: no precondition */
	struct argument *get_arguments; /* in the order of get->params */

	/* The database, and Redis. */
	struct transaction *tx; /* NULL until the input is decoded */
	struct attempts attempts;
	int fetches;      /* of np_fetch() */
	bool asked_first; /* the transaction is open because np_fetch() asked before it sent */
	int64_t fetches_us;
	const char *cache_key; /* of the response; NULL: it is not cached */
	enum cache_result cache_found;
	struct cache_cost cache_cost_at_start; /* of the process, when the request began */
	struct buf cache_value;                /* with CACHE_LEASE: what to store; empty: nothing */

	/* The result. */
	struct reply reply;
	bool replied;                     /* the reply is complete */
	enum stream_format stream_format; /* of rows that are still to come, see stream.h */
	size_t parts_bytes;               /* of the parts of its body before this one */
	bool answered;                    /* by np_answer(), after which nothing may change it */
	bool streamed;                    /* by np_stream_csv() or the like: no query may follow */
	struct error error;               /* kind is 0: no failure */
	int64_t retry_after_s;   /* set by np_retry_after(); 0: the default of the failure */
	const char *own_failure; /* the body of np_fail_json(); NULL: there is none */
	int own_status;          /* its status */
};

/* Returns true while a precondition runs the handler of GET in a write's transaction, which nothing
 * may commit then. */
static inline bool
ctx_is_probing(const struct np_ctx *ctx)
{
	return ctx->route == ctx->get;
}

/* Returns true if the body of the reply has another part, or broke off before it. */
static inline bool
ctx_goes_on(const struct np_ctx *ctx)
{
	return ctx->reply.goes_on && !ctx->reply.without_body;
}

/* Returns true if the request has an Idempotency-Key. */
static inline bool
ctx_has_key(const struct np_ctx *ctx)
{
	return ctx->idempotency.has_key;
}

/* Returns the argument of the parameter. If there is none, that is a misuse of the function, and
 * the argument is absent. */
const struct argument *ctx_find_argument(const struct np_ctx *ctx, const struct np_param *param,
                                         const char *function);

/* Calls the handler of ctx->route. Returns true with a complete reply, or false with ctx->error. */
NP_MUST_CHECK bool ctx_handle(struct np_ctx *ctx);

/* Undoes what the handler did, so that it can be called again: the transaction, the reply and the
 * error are as they were before the first call. */
void ctx_restart(struct np_ctx *ctx);

/* Returns the call as the transaction takes it. */
struct transaction_statement ctx_statement(const struct np_call *call);

/* Returns the values of the call with more of them behind. */
struct values ctx_extend_values(struct np_ctx *ctx, const struct np_call *call, struct values more);

/* Notes a misuse and returns false in a guard, which has no transaction. */
NP_MUST_CHECK bool ctx_has_transaction(const struct np_ctx *ctx, const char *function);

/* Notes a misuse if the kind of its statement does not fit the function, or if the call has another
 * number of values than its statement. */
void ctx_check_call(const struct np_call *call, bool fits, const char *function);

/* Fails after a misuse, such as a query in a guard, which is one of the function. */
NP_MUST_CHECK bool ctx_may_query(struct np_ctx *ctx, const char *function);

/* Runs it in the request's transaction: see transaction_run(). Fails after a misuse. */
NP_MUST_CHECK bool ctx_run(struct np_ctx *ctx, const struct transaction_statement *statement,
                           bool last, struct np_rows **rows);

/* Fails as that statement does with no row, or with several (2: the number is not known). */
bool ctx_fail_count(struct np_ctx *ctx, const struct np_call *call, size_t count);

/* Fails if the call did not return exactly one row. */
NP_MUST_CHECK bool ctx_check_one(struct np_ctx *ctx, const struct np_call *call,
                                 const struct np_rows *rows);

/* Fails if two columns have the same name, since a JSON object cannot hold both. */
NP_MUST_CHECK bool ctx_check_columns(struct np_ctx *ctx, const struct np_rows *rows);

/* Fails with NP_ERROR_INTERNAL: the handler has done what no handler may. */
NP_MUST_CHECK bool ctx_our_fault(struct np_ctx *ctx, const char *what);

/* Begins a reply of that media type (borrowed), in place of one that was made before. */
void ctx_begin_reply(struct np_ctx *ctx, const char *content_type);

/* Begins a reply of a media type that is not known to be one, with the name of the file that it is
 * saved as (NULL: it is none). */
NP_MUST_CHECK bool ctx_begin_content(struct np_ctx *ctx, const char *media_type,
                                     const char *file_name);

/* Returns where a path of the API is, with API_PREFIX. A URL stays as it is. */
const char *ctx_location(struct np_ctx *ctx, const char *location);

/* Completes the reply once its body is written. Every np_reply_ function ends with it. */
NP_MUST_CHECK bool ctx_finish_reply(struct np_ctx *ctx, enum np_status status);

#endif
