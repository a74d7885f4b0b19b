/* jwt - a token is accepted only if it is signed with the key by HS256, and if its claims are valid
 * now
 *
 * Input: a byte for the kind of token, then its parts.
 */
#include "http/jwt.h"

#include <inttypes.h>
#include <sodium.h>

#include "base/base64url.h"
#include "base/hash.h"
#include "fuzz.h"

#define KEY    "0123456789abcdef0123456789abcdef"
#define ISSUER "nullpool"
#define NOW    1800000000

static const char header[] = "{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}";

static const char *
verify(void *owner, const char *token, struct jwt_holder *holder)
{
	return jwt_verify(owner, KEY, token, ISSUER, NOW, holder);
}

/* Calls libsodium directly. */
static const char *
hs256(void *owner, const char *text)
{
	unsigned char mac[crypto_auth_hmacsha256_BYTES];
	crypto_auth_hmacsha256_state state;

	(void)crypto_auth_hmacsha256_init(&state, (const unsigned char *)KEY, strlen(KEY));
	(void)crypto_auth_hmacsha256_update(&state, (const unsigned char *)text, strlen(text));
	(void)crypto_auth_hmacsha256_final(&state, mac);
	return base64url_encode(owner, mac, sizeof(mac));
}

static const char *
hs512(void *owner, const char *text)
{
	unsigned char mac[crypto_auth_hmacsha512_BYTES];
	crypto_auth_hmacsha512_state state;

	(void)crypto_auth_hmacsha512_init(&state, (const unsigned char *)KEY, strlen(KEY));
	(void)crypto_auth_hmacsha512_update(&state, (const unsigned char *)text, strlen(text));
	(void)crypto_auth_hmacsha512_final(&state, mac);
	return base64url_encode(owner, mac, sizeof(mac));
}

static const char *
token_of(void *owner, const char *head, const char *claims)
{
	const char *text = mem_printf(owner, "%s.%s", base64url_encode(owner, head, strlen(head)),
	                              base64url_encode(owner, claims, strlen(claims)));

	return mem_printf(owner, "%s.%s", text, hs256(owner, text));
}

/* --- the meaning of the claims, read with json-c --- */

static const char *
text_of(struct json_object *claims, const char *name)
{
	struct json_object *value;

	if (!json_object_object_get_ex(claims, name, &value)
	    || !json_object_is_type(value, json_type_string))
		return NULL;
	return json_object_get_string(value);
}

static bool
time_of(struct json_object *claims, const char *name, int64_t *time_s)
{
	struct json_object *value;

	if (!json_object_object_get_ex(claims, name, &value)
	    || !json_object_is_type(value, json_type_int))
		return false;
	*time_s = json_object_get_int64(value);
	return true;
}

static void
check_claims(const char *text, const struct jwt_holder *holder)
{
	bool valid;
	struct json_object *claims = json_read(text, strlen(text), &valid);
	int64_t not_before, expires;

	HOLDS(valid && json_object_is_type(claims, json_type_object));
	HOLDS(same_text(text_of(claims, "iss"), ISSUER)
	      && same_text(text_of(claims, "aud"), ISSUER));
	HOLDS(same_text(text_of(claims, "sub"), holder->subject) && *holder->subject);
	HOLDS(same_text(text_of(claims, "sid"), holder->session) && *holder->session);
	HOLDS(!holder->scopes
	      || (*holder->scopes && same_text(text_of(claims, "scope"), holder->scopes)));
	HOLDS(time_of(claims, "nbf", &not_before) && not_before <= NOW + JWT_LEEWAY_S);
	HOLDS(time_of(claims, "exp", &expires) && expires > NOW);
	(void)json_object_put(claims);
}

/* Any accepted token has our header and our signature. */
static void
check_any(void *owner, const char *token)
{
	struct jwt_holder holder = { .subject = NULL };
	const char *claims = verify(owner, token, &holder), *dot = strrchr(token, '.');

	if (!claims) {
		HOLDS(!holder.subject && !holder.session);
		return;
	}
	HOLDS(text_starts(token, base64url_encode(owner, header, strlen(header))));
	HOLDS(strcmp(hs256(owner, mem_strndup(owner, token, (size_t)(dot - token))), dot + 1) == 0);
	check_claims(claims, &holder);
}

/* --- kinds --- */

/* Claims of the input with a valid signature. */
static void
try_claims(void *owner, struct input *in)
{
	check_any(owner, token_of(owner, header, input_rest(owner, in)));
}

/* A header of the input and valid claims with a valid signature: only one header is ours. */
static void
try_header(void *owner, struct input *in)
{
	const char *head = input_rest(owner, in);
	struct jwt_holder holder;
	const char *claims =
	    "{\"iss\":\"nullpool\",\"aud\":\"nullpool\",\"sub\":\"1\",\"sid\":\"2\",\"nbf\":1,\"exp\":1900000000}";

	HOLDS((verify(owner, token_of(owner, head, claims), &holder) != NULL)
	      == (strcmp(head, header) == 0));
}

static const char *
valid_token(void *owner, const char *sub)
{
	const struct jwt_claims claims = { .issuer = ISSUER,
		                           .subject = sub,
		                           .session = sub,
		                           .scopes = sub,
		                           .now_s = NOW,
		                           .life_s = 60 };

	return jwt_new(owner, KEY, &claims);
}

/* A token of jwt_new() is accepted until it expires, and only with its key. */
static void
try_new(void *owner, struct input *in)
{
	const char *sub = input_rest(owner, in), *token = valid_token(owner, sub);
	struct jwt_holder holder;
	bool fits = *sub && strlen(token) <= 4096 && utf8_valid(sub, strlen(sub), NULL);

	/* jwt_new()'s buffer cuts longer claims short, which are then not JSON. */
	if (fits)
		HOLDS(verify(owner, token, &holder) && same_text(holder.subject, sub)
		      && same_text(holder.session, sub) && same_text(holder.scopes, sub));
	HOLDS(!jwt_verify(owner, KEY, token, ISSUER, NOW + 60, &holder));
	HOLDS(!jwt_verify(owner, KEY, token, ISSUER, NOW - JWT_LEEWAY_S - 1, &holder));
	HOLDS(!jwt_verify(owner, KEY "x", token, ISSUER, NOW, &holder));
	HOLDS(!jwt_verify(owner, "", token, ISSUER, NOW, &holder));
	HOLDS(!jwt_verify(owner, KEY, token, ISSUER "2", NOW, &holder));
}

/* A valid token with one changed byte. */
static void
try_changed(void *owner, struct input *in)
{
	char *token = mem_strdup(owner, valid_token(owner, "1"));
	unsigned at = input_byte(in) << 8 | input_byte(in), with = input_byte(in);
	struct jwt_holder holder;

	at %= (unsigned)strlen(token);
	if (token[at] == (char)with)
		return;
	token[at] = (char)with;
	HOLDS(!verify(owner, token, &holder));
}

/* Valid claims under the name of another algorithm: with a valid signature for HS512, with none for
 * `none`. */
static void
try_algorithms(void *owner, struct input *in)
{
	static const char *const names[] = { "none",  "None",  "NONE",   "",      "HS256",
		                             "HS384", "HS512", "RS256",  "RS384", "RS512",
		                             "ES256", "ES384", "ES512",  "PS256", "PS384",
		                             "PS512", "EdDSA", "HS256K", "hs256" };
	struct jwt_holder holder;
	const char *name = names[input_byte(in) % COUNT_OF(names)];
	const char *extra = input_rest(owner, in);
	const char *head = mem_printf(owner, "{\"alg\":\"%s\",\"typ\":\"at+jwt\"%s}", name, extra);
	const char *text = mem_strdup(
	    owner,
	    token_of(owner, head,
	             "{\"iss\":\"nullpool\",\"aud\":\"nullpool\",\"sub\":\"1\",\"sid\":\"2\","
	             "\"nbf\":1,\"exp\":1900000000}"));
	const char *unsigned_text = mem_strndup(owner, text, (size_t)(strrchr(text, '.') - text));

	if (strcmp(head, header) == 0)
		return;
	HOLDS(!verify(owner, text, &holder));
	HOLDS(!verify(owner, mem_printf(owner, "%s.%s", unsigned_text, hs512(owner, unsigned_text)),
	              &holder));
	HOLDS(!verify(owner, mem_printf(owner, "%s.", unsigned_text), &holder));
	HOLDS(!verify(owner, unsigned_text, &holder));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *owner = mem_scope(NULL, "input");
	struct input in = { data, size };

	switch (input_byte(&in) % 6) {
	case 0:
		check_any(owner, input_rest(owner, &in));
		break;
	case 1:
		try_claims(owner, &in);
		break;
	case 2:
		try_header(owner, &in);
		break;
	case 3:
		try_new(owner, &in);
		break;
	case 4:
		try_changed(owner, &in);
		break;
	default:
		try_algorithms(owner, &in);
	}
	mem_free(owner);
	return 0;
}
