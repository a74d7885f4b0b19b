/* ctx.h - one request, from all sides: what np_ functions work on */
#ifndef NULLPOOL_APP_CTX_H
#define NULLPOOL_APP_CTX_H

#include "app/app.h"
#include "base/clock.h"
#include "db/transaction.h"
#include "http/param.h"
#include "http/reply.h"
#include "http/request.h"
#include "http/router.h"
#include "http/target.h"
#include "http/trace.h"

/* What idempotency_claim() takes. */
enum { CLAIM_CALLER, CLAIM_KEY, CLAIM_FINGERPRINT, CLAIM__MAX };

/* What auth.c tells the database of a caller. */
enum { IDENTITY_CLAIMS, IDENTITY_USER, IDENTITY_SESSION, IDENTITY__MAX };

struct np_ctx {
	struct app *app;
	const struct request *request;
	const struct np_route *route; /* NULL until one was found */
	struct trace trace;
	struct spans *spans; /* NULL: none are wanted */
	struct target target;
	char allow[ROUTER_ALLOW_BYTES]; /* the methods of its path, "" when there is none */
	struct argument *arguments;     /* in the order of route->params */
	struct param_faults faults;
	struct transaction *tx; /* NULL until the request is decoded */
	struct reply reply;
	bool replied,
	    replayed; /* the reply stands; it is that of an earlier request with the same key */
	const char *caller, *caller_session;   /* UUIDs; NULL: nobody is known */
	struct transaction_statement identity; /* tells the database so; sql is NULL: nobody */
	struct np_value identity_values[IDENTITY__MAX];
	struct claim claim; /* sql is NULL: there is no Idempotency-Key */
	struct np_value claim_values[CLAIM__MAX];
	bool is_random; /* the answer may have in it what another run would make anew */
	const struct np_route
	    *get; /* whose answer a precondition is about; NULL: there is no precondition */
	struct argument *get_arguments; /* in the order of get->params */
	bool looking;          /* `route` is `get` for the moment, and nothing is committed */
	const char *cache_key; /* of its answer; NULL: it is not kept */
	enum cache_result cache_found;
	struct cache_cost
	    cache_before;   /* what the process had waited for Redis when the request began */
	struct buf kept;    /* with CACHE_LEASE: the answer as it is to be kept; empty: it is not */
	struct error error; /* kind is 0 while all is well */
	int64_t retry_after_s; /* of the failure that the handler says next; 0: the kind's own */
	struct deadline deadline;
};

/* Calls the handler of ctx->route. A success has a reply, and a failure says why. */
NP_MUST_CHECK bool ctx_handle(struct np_ctx *ctx);

/* Before the handler is called again: its transaction, its reply and its error are as they were
 * before the first time. */
void ctx_restart(struct np_ctx *ctx);

/* Whether rows can be objects: no two columns have one name. It fails else. */
NP_MUST_CHECK bool ctx_may_be_objects(struct np_ctx *ctx, const struct np_rows *rows);

/* The reply's body is whole: what every np_reply_ function ends with. */
NP_MUST_CHECK bool ctx_replied(struct np_ctx *ctx, enum np_success status);

#endif
