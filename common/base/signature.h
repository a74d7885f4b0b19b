/* signature.h - public keys, and the signatures that tokens of others have, by OpenSSL
 *
 * RS256 is RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 3.3), ES256 is ECDSA with P-256 and SHA-256
 * (RFC 7518 3.4), EDDSA is Ed25519 (RFC 8037). A key has one algorithm: nobody can ask for another
 * one with the same key.
 */
#ifndef NULLPOOL_BASE_SIGNATURE_H
#define NULLPOOL_BASE_SIGNATURE_H

#include "base/attributes.h"

enum signature_algorithm { SIGNATURE_RS256 = 1, SIGNATURE_ES256, SIGNATURE_EDDSA };

/* Each returns a key, which belongs to owner, or NULL if the numbers (big-endian) are no key that
 * is safe to use. RSA has 2,048 bits (RFC 7518 3.3) to 8,192, and an odd exponent of 2 to 32 bits.
 * Of P-256, x and y have 32 bytes each, and are a point of the curve. */
struct public_key *public_key_rsa(void *owner, struct np_bytes modulus, struct np_bytes exponent);
struct public_key *public_key_p256(void *owner, struct np_bytes x, struct np_bytes y);
struct public_key *public_key_ed25519(void *owner, struct np_bytes x);

enum signature_algorithm public_key_algorithm(const struct public_key *key);

/* Returns true if that is the key's signature of the text. One of ES256 is its two numbers, with 32
 * bytes each. */
NP_MUST_CHECK bool public_key_verify(const struct public_key *key, struct np_bytes text,
                                     struct np_bytes signature);

#endif
