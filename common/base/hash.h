/* hash.h - hashes, encryption, passwords and random bytes, by libsodium
 *
 * BLAKE2b, HMAC-SHA256, XChaCha20-Poly1305, Argon2id. What is returned belongs to owner.
 */
#ifndef NULLPOOL_BASE_HASH_H
#define NULLPOOL_BASE_HASH_H

#include "base/attributes.h"

/* Call this before everything else here: libsodium then uses this processor's instructions, and
 * Argon2id takes a third less time. Returns false if there is no source of random bytes. */
NP_MUST_CHECK bool hash_init(void);

#define HASH_TEXT_BYTES 33 /* 32 hexadecimal digits and a NUL */

/* BLAKE2b of 128 bits; not for passwords. With a key (NULL: none), whoever does not have the key
 * cannot tell what was hashed. */
void hash_text(const void *bytes, size_t size, char text[HASH_TEXT_BYTES]);
void hash_keyed(const char *key, const void *bytes, size_t size, char text[HASH_TEXT_BYTES]);

/* Derives a key for one purpose from a secret of any length. Keys of different purposes are
 * independent: one of them does not reveal another. */
#define HASH_KEY_BYTES 32
void hash_derive_key(const char *secret, const char *purpose, unsigned char key[HASH_KEY_BYTES]);

/* BLAKE2b of 128 bits over several parts. The length of each part is hashed too, so that no byte
 * can move from one part to the next; bytes of NULL differ from an empty part. `key` may be NULL.
 */
struct hash_part {
	const void *bytes;
	size_t size;
};

/* Returns the part that is that text; it may be NULL. */
struct hash_part hash_part_of(const char *text);
void hash_parts(const unsigned char key[HASH_KEY_BYTES], const struct hash_part *parts,
                size_t count, char text[HASH_TEXT_BYTES]);

/* seal() encrypts and authenticates (XChaCha20-Poly1305, a random nonce) and returns base64url.
 * unseal() returns the text with a NUL behind it, or NULL if the key or `context` differs or the
 * sealed text was changed. `context` says what the text is for: a sealed text cannot be used in
 * the place of another. */
char *seal(void *owner, const unsigned char key[HASH_KEY_BYTES], const char *context,
           const char *text, size_t size);
char *unseal(void *owner, const unsigned char key[HASH_KEY_BYTES], const char *context,
             const char *sealed, size_t *size);

#define HMAC_BYTES 32
void hmac_sha256(const char *key, const void *bytes, size_t size, unsigned char mac[HMAC_BYTES]);
/* Of the parts, one behind the other. */
void hmac_sha256_parts(struct np_bytes key, const struct np_bytes *parts, size_t count,
                       unsigned char mac[HMAC_BYTES]);

/* Compares in constant time. */
bool bytes_equal(const void *a, const void *b, size_t size);

/* Writes `bytes` random bytes, at most 32, as 2 * bytes hexadecimal digits and a NUL. */
void random_hex(size_t bytes, char *text);

uint64_t random_number(void);

/* 32 random bytes as base64url, which cannot be guessed. */
char *random_token(void *owner);

/* Argon2id with 19 MiB and 2 passes, as OWASP's password storage cheat sheet recommends; about
 * 20 ms. The hash names its own parameters, so they can be raised later. With a `hash` of NULL,
 * password_verify() takes the same time and returns false, so that a user without a password
 * cannot be told from one with another password. */
char *password_hash(void *owner, const char *password);
bool password_verify(const char *hash, const char *password);

#endif
