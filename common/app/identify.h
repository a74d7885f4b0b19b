/* identify.h - a caller whom only the database knows: an API key, or what a guard identifies
 *
 * Their statement is the identity of each transaction (transaction.h). It fails there without a
 * caller, so that nothing else of the flight is done, and its row is read when somebody asks for
 * the caller. What makes no query is identified before its reply, and input that is invalid before
 * its 422, so that a stranger learns nothing about it.
 */
#ifndef NULLPOOL_APP_IDENTIFY_H
#define NULLPOOL_APP_IDENTIFY_H

#include "app/ctx.h"

/* For a route of NP_AUTH_KEY: fails with FAILURE_UNAUTHORIZED without a key, else leaves it to the
 * database. */
NP_MUST_CHECK bool identify_by_key(struct np_ctx *ctx);

/* Runs the guard of the route, if it has one. */
NP_MUST_CHECK bool identify_guard(struct np_ctx *ctx);

/* Asks the database, if it was not asked yet, and sets ctx->caller and ctx->scopes. */
NP_MUST_CHECK bool identify_caller(struct np_ctx *ctx);

/* Returns a text that is different for each caller, also for one whom the database has to name. */
const char *identify_owner(struct np_ctx *ctx);

#endif
