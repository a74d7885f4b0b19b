/* identify.h - a caller whom only the database knows: an API key, or what a guard identifies
 *
 * Their statement is the identity of each transaction (transaction.h). It fails there without a
 * caller, so that nothing else of the flight is done, and its row is read when somebody asks for
 * the caller. A handler that makes no query, or fails before its first one, is followed by it, and
 * so is input that is invalid: a stranger gets a 401 and learns nothing else.
 */
#ifndef NULLPOOL_APP_IDENTIFY_H
#define NULLPOOL_APP_IDENTIFY_H

#include "app/ctx.h"

/* For a route of NP_AUTH_KEY: fails with FAILURE_UNAUTHORIZED without a key, else leaves it to the
 * database. */
NP_MUST_CHECK bool identify_by_key(struct np_ctx *ctx);

/* Runs the guard of the route, if it has one. */
NP_MUST_CHECK bool identify_guard(struct np_ctx *ctx);

/* Asks the database, if it was not asked yet. Fails if it knows no such caller, or the scope of
 * .require is missing. */
NP_MUST_CHECK bool identify_confirm(struct np_ctx *ctx);

/* Does that, and sets ctx->caller and ctx->scopes. */
NP_MUST_CHECK bool identify_caller(struct np_ctx *ctx);

/* Returns the UUID as SQL writes it, or NULL if `text` is not a UUID: a signature says nothing
 * about the form of what was signed. */
const char *identify_uuid(struct np_ctx *ctx, const char *text);

/* Returns a text that is different for each caller, also for one whom the database has to name. */
const char *identify_owner(struct np_ctx *ctx);

#endif
