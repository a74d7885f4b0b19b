#include "base/signature.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "base/mem.h"

#define RSA_MIN_BITS       2048
#define RSA_MAX_BITS       8192
#define EXPONENT_MAX_BYTES 4
#define NUMBER_BYTES       32 /* of P-256 and Ed25519 */

struct public_key {
	enum signature_algorithm algorithm;
	EVP_PKEY *key;
};

/* What OpenSSL complained about is forgotten, since the next TLS connection would take it for its
 * own. Without memory a good key would look like a bad one; OpenSSL does not always say so. */
static void
forget_complaints(void)
{
	unsigned long complaint;

	while ((complaint = ERR_get_error()) != 0)
		if (ERR_GET_REASON(complaint) == ERR_R_MALLOC_FAILURE)
			mem_exhausted();
}

static void
free_key(void *key)
{
	EVP_PKEY_free(key);
}

/* Takes the key, which may be NULL. */
static struct public_key *
own_key(void *owner, enum signature_algorithm algorithm, EVP_PKEY *key)
{
	struct public_key *own = NULL;

	if (key) {
		own = mem_new(owner, struct public_key);
		*own = (struct public_key){ algorithm, key };
		mem_own(own, key, free_key);
	}
	forget_complaints();
	return own;
}

static EVP_PKEY *
key_of(const char *type, OSSL_PARAM *parameters)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key = NULL;

	if (!context || !parameters)
		mem_exhausted();
	if (EVP_PKEY_fromdata_init(context) == 1
	    && EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(context);
	return key;
}

static EVP_PKEY *
rsa_key(const BIGNUM *modulus, const BIGNUM *exponent)
{
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	OSSL_PARAM *parameters = NULL;
	EVP_PKEY *key;

	if (!builder)
		mem_exhausted();
	if (OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus) == 1
	    && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent) == 1)
		parameters = OSSL_PARAM_BLD_to_param(builder);
	key = key_of("RSA", parameters);
	OSSL_PARAM_free(parameters);
	OSSL_PARAM_BLD_free(builder);
	return key;
}

static BIGNUM *
number(struct np_bytes bytes, size_t max_bytes)
{
	return bytes.size <= max_bytes ? BN_bin2bn(bytes.bytes, (int)bytes.size, NULL) : NULL;
}

static bool
is_rsa(const BIGNUM *modulus, const BIGNUM *exponent)
{
	return modulus && exponent && BN_num_bits(modulus) >= RSA_MIN_BITS && BN_is_odd(modulus)
	       && BN_is_odd(exponent) && !BN_is_one(exponent);
}

struct public_key *
public_key_rsa(void *owner, struct np_bytes modulus, struct np_bytes exponent)
{
	BIGNUM *n = number(modulus, RSA_MAX_BITS / 8), *e = number(exponent, EXPONENT_MAX_BYTES);
	struct public_key *key = own_key(owner, SIGNATURE_RS256,
	                                 is_rsa(n, e) ? rsa_key(n, e) : NULL);

	BN_free(n);
	BN_free(e);
	return key;
}

struct public_key *
public_key_p256(void *owner, struct np_bytes x, struct np_bytes y)
{
	unsigned char point[1 + 2 * NUMBER_BYTES] = { POINT_CONVERSION_UNCOMPRESSED };
	char group[] = SN_X9_62_prime256v1;
	OSSL_PARAM parameters[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)),
		OSSL_PARAM_construct_end(),
	};

	if (x.size != NUMBER_BYTES || y.size != NUMBER_BYTES)
		return NULL;
	memcpy(point + 1, x.bytes, NUMBER_BYTES);
	memcpy(point + 1 + NUMBER_BYTES, y.bytes, NUMBER_BYTES);
	return own_key(owner, SIGNATURE_ES256, key_of("EC", parameters));
}

struct public_key *
public_key_ed25519(void *owner, struct np_bytes x)
{
	if (x.size != NUMBER_BYTES)
		return NULL;
	return own_key(owner, SIGNATURE_EDDSA,
	               EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, x.bytes, x.size));
}

enum signature_algorithm
public_key_algorithm(const struct public_key *key)
{
	return key->algorithm;
}

static bool
verify(const struct public_key *key, struct np_bytes text, struct np_bytes signature)
{
	/* Ed25519 hashes by itself. */
	const EVP_MD *hash = key->algorithm == SIGNATURE_EDDSA ? NULL : EVP_sha256();
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool valid;

	/* The key is one that OpenSSL took. */
	if (!context || EVP_DigestVerifyInit(context, NULL, hash, NULL, key->key) != 1)
		mem_exhausted();
	valid = EVP_DigestVerify(context, signature.bytes, signature.size, text.bytes, text.size)
	        == 1;
	EVP_MD_CTX_free(context);
	forget_complaints();
	return valid;
}

/* OpenSSL takes an ASN.1 sequence of the two numbers. */
static bool
verify_p256(const struct public_key *key, struct np_bytes text, struct np_bytes signature)
{
	const unsigned char *bytes = signature.bytes;
	ECDSA_SIG *pair = ECDSA_SIG_new();
	unsigned char *sequence = NULL;
	BIGNUM *r, *s;
	bool valid;
	int size;

	if (!pair)
		mem_exhausted();
	r = BN_bin2bn(bytes, NUMBER_BYTES, NULL);
	s = BN_bin2bn(bytes + NUMBER_BYTES, NUMBER_BYTES, NULL);
	if (!r || !s || ECDSA_SIG_set0(pair, r, s) != 1)
		mem_exhausted();
	size = i2d_ECDSA_SIG(pair, &sequence);
	valid = size > 0 && verify(key, text, (struct np_bytes){ sequence, (size_t)size });
	OPENSSL_free(sequence);
	ECDSA_SIG_free(pair);
	return valid;
}

bool
public_key_verify(const struct public_key *key, struct np_bytes text, struct np_bytes signature)
{
	if (key->algorithm != SIGNATURE_ES256)
		return verify(key, text, signature);
	return signature.size == (size_t)(2 * NUMBER_BYTES) && verify_p256(key, text, signature);
}
