/* oidc_token.h - access tokens of another issuer, such as an OpenID Connect provider
 *
 * A token is a JWS in its compact form (RFC 7515), read as RFC 8725 says: the algorithm is that of
 * the issuer's key and never one that the token may choose, and issuer, audience and time are
 * checked. oidc_token_read() checks everything but the signature, so that only a token that could
 * be valid makes anybody ask for keys. Nothing of a token may be used before oidc_token_verify().
 */
#ifndef NULLPOOL_HTTP_OIDC_TOKEN_H
#define NULLPOOL_HTTP_OIDC_TOKEN_H

#include "http/jwks.h"

#define OIDC_TOKEN_MAX_BYTES   16384
#define OIDC_SUBJECT_MAX_BYTES 255 /* OpenID Connect Core 2 */

struct oidc_rules {
	const char *issuer; /* iss is this */
	/* One of these, with commas between them, is an aud. NULL: a token has no aud, since one
	 * for somebody else must be refused (RFC 7519 4.1.3). */
	const char *audience;
	/* Where scopes are: the name of a claim, or names with dots between them that lead into
	 * objects. */
	const char *scope_claim;
};

struct oidc_token {
	const char *issuer, *subject; /* not empty */
	const char *scopes;           /* words with spaces between them; NULL: none */
	const char *claims;           /* as JSON */
	/* For oidc_token_verify(). */
	enum signature_algorithm algorithm;
	const char *key_id; /* NULL: none */
	struct np_bytes signed_part, signature;
};

/* Returns false if the token is not valid now, whoever signed it. What it reads belongs to owner.
 */
NP_MUST_CHECK bool oidc_token_read(void *owner, const char *text, const struct oidc_rules *rules,
                                   int64_t now_s, struct oidc_token *token);

enum oidc_verdict {
	OIDC_VALID,
	OIDC_INVALID,
	OIDC_UNKNOWN_KEY, /* the set does not have its key */
};

enum oidc_verdict oidc_token_verify(const struct oidc_token *token, const struct jwks *set);

#endif
