/* jwks.h - a JSON Web Key Set (RFC 7517): the public keys that an issuer signs its tokens with
 *
 * Ours, because Debian's libraries for it (libjose, cjose, libjwt) each bring another JSON library,
 * and JSON that is read twice by two rules is a way in. Keys of other kinds, and keys that are not
 * for signatures, are left out, as RFC 7517 5 says.
 */
#ifndef NULLPOOL_HTTP_JWKS_H
#define NULLPOOL_HTTP_JWKS_H

#include "base/attributes.h"
#include "base/error.h"
#include "base/signature.h"

#define JWKS_MAX_BYTES 65536
#define JWKS_KEYS_MAX  32

struct jwk {
	const char *id; /* kid; NULL: it has none */
	const struct public_key *key;
};

struct jwks {
	struct jwk keys[JWKS_KEYS_MAX];
	size_t count; /* at least 1 */
};

/* Reads the first JWKS_KEYS_MAX usable keys of a set, which belong to owner. Fails if there are
 * none, or if the text is no key set. */
NP_MUST_CHECK bool jwks_read(void *owner, const char *text, size_t size, struct jwks *set,
                             struct error *err);

/* Returns the key that a token with this kid and alg is signed with, or NULL. Without a kid (NULL)
 * it is the only key of this algorithm. */
const struct public_key *jwks_find(const struct jwks *set, const char *id,
                                   enum signature_algorithm algorithm);

/* Returns the algorithm of an alg, or 0 if it is not supported. EdDSA is also written Ed25519 (RFC
 * 9864). */
enum signature_algorithm jwks_algorithm(const char *name);

#endif
