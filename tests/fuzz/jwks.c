/* jwks - a key set from anywhere is read or refused, and a token of another issuer is accepted only
 * if it has the issuer's signature and claims that are valid now
 *
 * Input: a byte for the kind of input, then a key set, a token, or its claims or header.
 */
#include <inttypes.h>
#include <sodium.h>

#include "base/base64url.h"
#include "fuzz.h"
#include "http/oidc_token.h"

#define ISSUER   "https://i"
#define AUDIENCE "web"
#define NOW      1800000000

static const struct oidc_rules rules = { ISSUER, "api," AUDIENCE, "roles.of" };

static struct {
	unsigned char public[crypto_sign_PUBLICKEYBYTES], secret[crypto_sign_SECRETKEYBYTES];
	struct jwks set;
} issuer;

static const char head[] = "{\"alg\":\"EdDSA\",\"kid\":\"k\"}";

static void
make_issuer(void)
{
	static const unsigned char seed[crypto_sign_SEEDBYTES] = { 7 };
	const char *text;
	struct error err;

	if (issuer.set.count > 0)
		return;
	HOLDS(crypto_sign_seed_keypair(issuer.public, issuer.secret, seed) == 0);
	text = mem_printf(
	    mem_process(),
	    "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"k\",\"x\":\"%s\"}]}",
	    base64url_encode(mem_process(), issuer.public, sizeof(issuer.public)));
	HOLDS(jwks_read(mem_process(), text, strlen(text), &issuer.set, &err));
}

static const char *
token_of(void *owner, const char *header, const char *claims)
{
	const char *text = mem_printf(owner, "%s.%s",
	                              base64url_encode(owner, header, strlen(header)),
	                              base64url_encode(owner, claims, strlen(claims)));
	unsigned char signature[crypto_sign_BYTES];

	HOLDS(crypto_sign_detached(signature, NULL, (const unsigned char *)text, strlen(text),
	                           issuer.secret)
	      == 0);
	return mem_printf(owner, "%s.%s", text,
	                  base64url_encode(owner, signature, sizeof(signature)));
}

static bool
accepts(void *owner, const char *text, struct oidc_token *token)
{
	return oidc_token_read(owner, text, &rules, NOW, token)
	       && oidc_token_verify(token, &issuer.set) == OIDC_VALID;
}

/* --- the meaning of the claims, read with json-c --- */

static struct json_object *
member(struct json_object *of, const char *name, json_type type)
{
	struct json_object *value;

	return json_object_object_get_ex(of, name, &value) && json_object_is_type(value, type)
	           ? value
	           : NULL;
}

static bool
is_text(struct json_object *value, const char *wanted)
{
	return value && json_object_is_type(value, json_type_string)
	       && strcmp(json_object_get_string(value), wanted) == 0;
}

static bool
is_for_us(struct json_object *audience)
{
	if (!json_object_is_type(audience, json_type_array))
		return is_text(audience, "api") || is_text(audience, AUDIENCE);
	for (size_t i = 0; i < json_object_array_length(audience); i++) {
		struct json_object *one = json_object_array_get_idx(audience, i);

		if (is_text(one, "api") || is_text(one, AUDIENCE))
			return true;
	}
	return false;
}

static double
time_of(struct json_object *claims, const char *name)
{
	struct json_object *value;

	HOLDS(json_object_object_get_ex(claims, name, &value));
	HOLDS(json_object_is_type(value, json_type_int)
	      || json_object_is_type(value, json_type_double));
	return json_object_get_double(value);
}

static void
check_claims(const struct oidc_token *token)
{
	bool valid;
	struct json_object *claims = json_read(token->claims, strlen(token->claims), &valid),
	                   *audience, *ignored;

	HOLDS(valid && json_object_is_type(claims, json_type_object));
	HOLDS(is_text(member(claims, "iss", json_type_string), ISSUER));
	HOLDS(is_text(member(claims, "sub", json_type_string), token->subject));
	HOLDS(*token->subject && strlen(token->subject) <= OIDC_SUBJECT_MAX_BYTES);
	HOLDS(json_object_object_get_ex(claims, "aud", &audience) && is_for_us(audience));
	HOLDS(time_of(claims, "exp") >= NOW);
	if (json_object_object_get_ex(claims, "nbf", &ignored))
		HOLDS(time_of(claims, "nbf") <= NOW + 31);
	HOLDS(!token->scopes || *token->scopes);
	(void)json_object_put(claims);
}

/* --- kinds --- */

static void
try_set(void *owner, struct input *in)
{
	const char *text = input_copy(owner, in->at, in->left);
	struct np_bytes message = { "x", 1 }, signature = { text, 64 };
	struct error err;
	struct jwks set;

	if (!jwks_read(owner, text, in->left, &set, &err)) {
		HOLDS(err.message[0]);
		return;
	}
	HOLDS(set.count > 0 && set.count <= JWKS_KEYS_MAX);
	if (in->left < signature.size)
		return;
	for (size_t i = 0; i < set.count; i++) {
		enum signature_algorithm algorithm = public_key_algorithm(set.keys[i].key);
		const struct public_key *found = jwks_find(&set, set.keys[i].id, algorithm);

		HOLDS(!set.keys[i].id || (found && public_key_algorithm(found) == algorithm));
		(void)!public_key_verify(set.keys[i].key, message, signature);
	}
}

static void
try_token(void *owner, struct input *in)
{
	struct oidc_token token;

	if (accepts(owner, input_rest(owner, in), &token))
		check_claims(&token);
}

static void
try_claims(void *owner, struct input *in)
{
	struct oidc_token token;

	if (accepts(owner, token_of(owner, head, input_rest(owner, in)), &token))
		check_claims(&token);
}

static void
try_header(void *owner, struct input *in)
{
	const char *claims = "{\"iss\":\"" ISSUER "\",\"aud\":\"" AUDIENCE
	                     "\",\"sub\":\"1\",\"exp\":1900000000}";
	const char *header = input_rest(owner, in);
	struct oidc_token token;

	if (!accepts(owner, token_of(owner, header, claims), &token))
		return;
	HOLDS(token.algorithm == SIGNATURE_EDDSA && strstr(header, "Ed"));
	HOLDS(!token.key_id || strcmp(token.key_id, "k") == 0);
	HOLDS(!strstr(header, "\"crit\""));
}

/* A valid token with one changed byte. */
static void
try_changed(void *owner, struct input *in)
{
	char *text = mem_strdup(owner, token_of(owner, head,
	                                        "{\"iss\":\"" ISSUER "\",\"aud\":[\"" AUDIENCE
	                                        "\"],\"sub\":\"1\",\"exp\":1900000000,"
	                                        "\"roles\":{\"of\":[\"a\",\"b c\",\"d\"]}}"));
	unsigned at = input_byte(in) << 8 | input_byte(in), with = input_byte(in);
	struct oidc_token token;

	HOLDS(accepts(owner, text, &token) && strcmp(token.scopes, "a d") == 0);
	at %= (unsigned)strlen(text);
	if (text[at] == (char)with)
		return;
	text[at] = (char)with;
	HOLDS(!accepts(owner, text, &token));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const kinds[])(void *owner, struct input *in) = {
		try_set, try_token, try_claims, try_header, try_changed,
	};
	void *owner = mem_scope(NULL, "input");
	struct input in = { data, size };

	make_issuer();
	kinds[input_byte(&in) % COUNT_OF(kinds)](owner, &in);
	mem_free(owner);
	return 0;
}
