/* auth.h - who is asking: the bearer token (RFC 6750) of a route that wants one */
#ifndef NULLPOOL_APP_AUTH_H
#define NULLPOOL_APP_AUTH_H

#include "app/ctx.h"

/* For a route with .auth: NP_UNAUTHORIZED without a token that is good now. Its caller is known
 * afterwards, and told to each transaction as request.jwt.claims, as PostgREST does. */
NP_MUST_CHECK bool auth_check(struct np_ctx *ctx);

/* Whether a program with these routes needs SECRET_KEY. */
bool auth_is_wanted(const struct np_route *routes);

#endif
