/* hash.h - fingerprints and secrets, by libsodium: BLAKE2b, HMAC-SHA256, Argon2id, random bytes */
#ifndef NULLPOOL_BASE_HASH_H
#define NULLPOOL_BASE_HASH_H

#include "base/attributes.h"

/* Before all else: libsodium then knows what this processor can, and Argon2id takes two thirds of
 * the time. False: there are no random bytes to be had. */
NP_MUST_CHECK bool hash_init(void);

#define HASH_TEXT_BYTES 33 /* 32 hexadecimal digits and a NUL */

/* BLAKE2b of 128 bits; not for passwords. With a key (NULL: none) nobody else can tell what it is
 * of. */
void hash_text(const void *bytes, size_t size, char text[HASH_TEXT_BYTES]);
void hash_keyed(const char *key, const void *bytes, size_t size, char text[HASH_TEXT_BYTES]);

/* Keys for one purpose each, derived from the secret (of any length): whoever learns one of them
 * knows no other. */
#define HASH_KEY_BYTES 32
void hash_derive_key(const char *secret, const char *purpose, unsigned char key[HASH_KEY_BYTES]);

/* BLAKE2b of 128 bits, keyed, over several texts: the length of each is part of it, so no byte can
 * move from one to the next. A text of NULL differs from an empty one. `key` may be NULL. */
struct hash_part {
	const void *bytes;
	size_t size;
};
void hash_parts(const unsigned char key[HASH_KEY_BYTES], const struct hash_part *parts,
                size_t count, char text[HASH_TEXT_BYTES]);

/* Encrypts and authenticates (XChaCha20-Poly1305, a random nonce); the text is base64url. `about`
 * has to be the same to open it, so that it cannot be put in the place of another one. unseal()
 * returns NULL if the key or `about` differs, or if it was changed; a NUL stands behind what it
 * returns. */
char *seal(void *owner, const unsigned char key[HASH_KEY_BYTES], const char *about,
           const char *text, size_t size);
char *unseal(void *owner, const unsigned char key[HASH_KEY_BYTES], const char *about,
             const char *sealed, size_t *size);

#define HMAC_BYTES 32
void hmac_sha256(const char *key, const void *bytes, size_t size, unsigned char mac[HMAC_BYTES]);

/* In the same time wherever they differ. */
bool bytes_equal(const void *a, const void *b, size_t size);

/* Random bytes as hexadecimal digits: twice as many, and a NUL. At most 32. */
void random_hex(size_t bytes, char *text);

uint64_t random_number(void);

/* 32 random bytes as base64url: nobody guesses it. */
char *random_token(void *owner);

/* Argon2id with 19 MiB and 2 passes, as OWASP's password storage cheat sheet has it: 20 ms or so.
 * The text names its own parameters, so they can be raised. NULL as `hash`: takes the time and is
 * false, so that who has no password cannot be told from who has another. */
char *password_hash(void *owner, const char *password);
bool password_verify(const char *hash, const char *password);

#endif
