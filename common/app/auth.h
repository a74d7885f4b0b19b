/* auth.h - the caller: the bearer token (RFC 6750) of a route with .auth
 *
 * A token is a JWT signed with SECRET_KEY (or SECRET_KEY_PREVIOUS), whose subject is a user and
 * whose session is a sign-in, both UUIDs. auth_check() verifies the token without the database.
 * AUTH_SCHEME is a word that may stand before the token in place of Bearer.
 * With JWT_JWKS, tokens of another issuer are accepted too (http/oidc_token.h); they have no
 * session. Whether the session is still live is a question for the database: ctx->identity carries
 * it to each transaction, together with the claims as request.jwt.claims, as PostgREST does.
 */
#ifndef NULLPOOL_APP_AUTH_H
#define NULLPOOL_APP_AUTH_H

#include "app/ctx.h"

/* For a route with .auth, fails with FAILURE_UNAUTHORIZED if there is no valid token where one is
 * required, and with FAILURE_FORBIDDEN without the scope of .require; sets ctx->caller,
 * ctx->caller_session, ctx->scopes and ctx->identity. Does nothing for other routes. */
NP_MUST_CHECK bool auth_check(struct np_ctx *ctx);

/* Returns true if the same caller may call that route too, as far as that is known before the
 * database is asked. */
bool auth_allows(const struct np_ctx *ctx, const struct np_route *route);

/* Returns true if the request failed because the token grants too little (RFC 6750 3.1). */
bool auth_lacks_scope(const struct np_ctx *ctx);

/* Returns true if any route takes access tokens, which need SECRET_KEY. */
bool auth_is_used(const struct route_table *routes);

#endif
