/* jwt.h - access tokens: JSON Web Tokens (RFC 7519, profile of RFC 9068) signed with HS256
 *
 * Ours, because what remains beside libsodium's HMAC and base64url is three comparisons more than
 * libjwt's interface, and no other algorithm can be asked for: the header has to be exactly the one
 * we write.
 */
#ifndef NULLPOOL_HTTP_JWT_H
#define NULLPOOL_HTTP_JWT_H

#include "base/attributes.h"

/* Clocks of several machines differ by so much: for nbf only. */
#define JWT_LEEWAY_S 30

struct jwt_claims {
	const char *issuer;  /* iss, and aud: a token is for whoever made it */
	const char *subject; /* sub */
	const char *session; /* sid */
	int64_t now_s;       /* Unix time */
	int64_t life_s;
};

/* Belongs to owner. */
RETURNS_OWNED char *jwt_new(void *owner, const char *key, const struct jwt_claims *claims);

/* Whose a token is. */
struct jwt_holder {
	const char *subject, *session; /* not empty */
};

/* Returns the claims as JSON, or NULL if the token is not one that we would accept now; then
 * *holder is as it was. What is returned belongs to owner, the holder's texts too. Signature first,
 * compared in constant time. */
const char *jwt_verify(void *owner, const char *key, const char *token, const char *issuer,
                       int64_t now_s, struct jwt_holder *holder);

#endif
