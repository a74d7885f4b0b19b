#include "base/hash.h"

#include <sodium.h>

#include "base/base64url.h"
#include "base/mem.h"

#define ARGON2_MEMORY_BYTES (19U << 20)
#define ARGON2_EXTRA_BYTES  (64U << 10) /* needed in addition */
#define ARGON2_PASSES       2
#define TOKEN_BYTES         32
#define SEAL_NONCE_BYTES    crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define SEAL_EXTRA_BYTES    (SEAL_NONCE_BYTES + crypto_aead_xchacha20poly1305_ietf_ABYTES)

bool
hash_init(void)
{
	return sodium_init() >= 0;
}

void
hash_text(const void *bytes, size_t size, char text[HASH_TEXT_BYTES])
{
	hash_keyed(NULL, bytes, size, text);
}

/* Hashes a key of any length to the length that BLAKE2b takes. */
static void
shorten_key(const char *key, unsigned char short_key[crypto_generichash_KEYBYTES])
{
	(void)crypto_generichash(short_key, crypto_generichash_KEYBYTES, (const unsigned char *)key,
	                         strlen(key), NULL, 0);
}

void
hash_keyed(const char *key, const void *bytes, size_t size, char text[HASH_TEXT_BYTES])
{
	unsigned char hash[crypto_generichash_BYTES_MIN], short_key[crypto_generichash_KEYBYTES];

	if (key)
		shorten_key(key, short_key);
	(void)crypto_generichash(hash, sizeof(hash), bytes, size, key ? short_key : NULL,
	                         key ? sizeof(short_key) : 0);
	(void)sodium_bin2hex(text, HASH_TEXT_BYTES, hash, sizeof(hash));
}

void
hash_derive_key(const char *secret, const char *purpose, unsigned char key[HASH_KEY_BYTES])
{
	unsigned char short_key[crypto_generichash_KEYBYTES];

	_Static_assert(HASH_KEY_BYTES == crypto_generichash_KEYBYTES,
	               "derived keys are for hash_parts()");
	shorten_key(secret, short_key);
	(void)crypto_generichash(key, HASH_KEY_BYTES, (const unsigned char *)purpose,
	                         strlen(purpose), short_key, sizeof(short_key));
	sodium_memzero(short_key, sizeof(short_key));
}

struct hash_part
hash_part_of(const char *text)
{
	return (struct hash_part){ text, text ? strlen(text) : 0 };
}

void
hash_parts(const unsigned char key[HASH_KEY_BYTES], const struct hash_part *parts, size_t count,
           char text[HASH_TEXT_BYTES])
{
	unsigned char hash[crypto_generichash_BYTES_MIN];
	crypto_generichash_state state;

	(void)crypto_generichash_init(&state, key, key ? HASH_KEY_BYTES : 0, sizeof(hash));
	for (size_t i = 0; i < count; i++) {
		const uint64_t size = parts[i].bytes ? parts[i].size : UINT64_MAX;

		(void)crypto_generichash_update(&state, (const unsigned char *)&size, sizeof(size));
		if (parts[i].bytes)
			(void)crypto_generichash_update(&state, parts[i].bytes, parts[i].size);
	}
	(void)crypto_generichash_final(&state, hash, sizeof(hash));
	(void)sodium_bin2hex(text, HASH_TEXT_BYTES, hash, sizeof(hash));
}

char *
seal(void *owner, const unsigned char key[HASH_KEY_BYTES], const char *context, const char *text,
     size_t size)
{
	unsigned char *bytes = (unsigned char *)mem_resize(owner, NULL, SEAL_EXTRA_BYTES + size);
	unsigned long long sealed;
	char *encoded;

	_Static_assert(HASH_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
	               "derived keys are for seal()");
	randombytes_buf(bytes, SEAL_NONCE_BYTES);
	(void)crypto_aead_xchacha20poly1305_ietf_encrypt(
	    bytes + SEAL_NONCE_BYTES, &sealed, (const unsigned char *)text, size,
	    (const unsigned char *)context, strlen(context), NULL, bytes, key);
	encoded = base64url_encode(owner, bytes, SEAL_NONCE_BYTES + (size_t)sealed);
	mem_free(bytes);
	return encoded;
}

char *
unseal(void *owner, const unsigned char key[HASH_KEY_BYTES], const char *context,
       const char *sealed, size_t *size)
{
	size_t got;
	const unsigned char *bytes = (unsigned char *)base64url_decode(owner, sealed,
	                                                               strlen(sealed), &got);
	unsigned long long opened;
	char *text;

	if (!bytes || got < SEAL_EXTRA_BYTES)
		return NULL;
	text = mem_resize(owner, NULL, got - SEAL_EXTRA_BYTES + 1);
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(
	        (unsigned char *)text, &opened, NULL, bytes + SEAL_NONCE_BYTES,
	        got - SEAL_NONCE_BYTES, (const unsigned char *)context, strlen(context), bytes, key)
	    != 0)
		return NULL;
	text[opened] = '\0';
	*size = (size_t)opened;
	return text;
}

void
hmac_sha256_parts(struct np_bytes key, const struct np_bytes *parts, size_t count,
                  unsigned char mac[HMAC_BYTES])
{
	crypto_auth_hmacsha256_state state;

	(void)crypto_auth_hmacsha256_init(&state, key.bytes, key.size);
	for (size_t i = 0; i < count; i++)
		(void)crypto_auth_hmacsha256_update(&state, parts[i].bytes, parts[i].size);
	(void)crypto_auth_hmacsha256_final(&state, mac);
}

void
hmac_sha256(const char *key, const void *bytes, size_t size, unsigned char mac[HMAC_BYTES])
{
	const struct np_bytes part = { bytes, size };

	hmac_sha256_parts((struct np_bytes){ key, strlen(key) }, &part, 1, mac);
}

bool
bytes_equal(const void *a, const void *b, size_t size)
{
	return sodium_memcmp(a, b, size) == 0;
}

void
random_hex(size_t bytes, char *text)
{
	unsigned char random[TOKEN_BYTES];

	randombytes_buf(random, bytes);
	(void)sodium_bin2hex(text, 2 * bytes + 1, random, bytes);
}

uint64_t
random_number(void)
{
	uint64_t number;

	randombytes_buf(&number, sizeof(number));
	return number;
}

char *
random_token(void *owner)
{
	unsigned char bytes[TOKEN_BYTES];

	randombytes_buf(bytes, sizeof(bytes));
	return base64url_encode(owner, bytes, sizeof(bytes));
}

char *
password_hash(void *owner, const char *password)
{
	char *hash = mem_resize(owner, NULL, crypto_pwhash_STRBYTES);

	if (crypto_pwhash_str_alg(hash, password, strlen(password), ARGON2_PASSES,
	                          ARGON2_MEMORY_BYTES, crypto_pwhash_ALG_ARGON2ID13)
	    != 0)
		mem_exhausted();
	return hash;
}

/* Has the parameters of password_hash() and is no known password's hash. libsodium declares this
 * size. */
static const char dummy_hash[crypto_pwhash_STRBYTES] =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
_Static_assert(ARGON2_MEMORY_BYTES == 19456 * 1024 && ARGON2_PASSES == 2,
               "dummy_hash says the same");

bool
password_verify(const char *hash, const char *password)
{
	/* libsodium reports a wrong password when it gets no memory. This allocation ends the
	 * process instead; it touches no page. */
	mem_free(mem_resize(mem_process(), NULL, ARGON2_MEMORY_BYTES + ARGON2_EXTRA_BYTES));
	return crypto_pwhash_str_verify(hash ? hash : dummy_hash, password, strlen(password)) == 0
	       && hash;
}
