/* jwt.h - access tokens: JSON Web Tokens (RFC 7519, profile of RFC 9068) signed with HS256
 *
 * Ours, because beside libsodium's HMAC and base64url only a few comparisons remain, fewer than
 * libjwt's interface needs. No other algorithm can be asked for: the header has to be exactly the
 * one that jwt_new() writes.
 */
#ifndef NULLPOOL_HTTP_JWT_H
#define NULLPOOL_HTTP_JWT_H

#include "base/attributes.h"

/* The clocks of several machines may differ by this much. Applied to nbf only. */
#define JWT_LEEWAY_S 30

struct jwt_claims {
	const char *issuer;  /* iss and aud: a token is for the service that issued it */
	const char *subject; /* sub */
	const char *session; /* sid */
	const char *scopes;  /* scope: words with spaces between them; NULL or empty: none */
	int64_t now_s;       /* Unix time */
	int64_t life_s;
};

/* Returns a token, which belongs to owner. */
RETURNS_OWNED char *jwt_new(void *owner, const char *key, const struct jwt_claims *claims);

/* The user and the session that a token was issued to. */
struct jwt_holder {
	const char *subject, *session; /* not empty */
	const char *scopes;            /* NULL: none */
};

/* Returns the claims as JSON and sets *holder, or returns NULL if the token is not valid now and
 * leaves *holder alone. The claims and the holder's texts belong to owner. The signature is checked
 * first, in constant time. */
const char *jwt_verify(void *owner, const char *key, const char *token, const char *issuer,
                       int64_t now_s, struct jwt_holder *holder);

/* Reads the subject, which may also be a number, and the scopes of claims that need no signature.
 * What is missing is NULL, and so is the session. Returns false if the text is not a JSON object.
 */
NP_MUST_CHECK bool jwt_read_claims(void *owner, const char *text, struct jwt_holder *holder);

#endif
