#include "http/jwt.h"

#include <inttypes.h>

#include "base/base64url.h"
#include "base/buf.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"
#include "http/json.h"
#include "http/jwt_claims.h"

#define TOKEN_MAX_BYTES 4096

/* {"alg":"HS256","typ":"at+jwt"} */
static const char header[] = "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.";

static void
write_claim(struct buf *out, const char *name, const char *value)
{
	buf_printf(out, "\"%s\":", name);
	buf_json_text(out, value);
	buf_char(out, ',');
}

static const char *
write_claims(void *owner, const struct jwt_claims *claims)
{
	struct buf out;

	buf_init(&out, owner, TOKEN_MAX_BYTES);
	buf_char(&out, '{');
	write_claim(&out, "iss", claims->issuer);
	write_claim(&out, "aud", claims->issuer);
	write_claim(&out, "sub", claims->subject);
	write_claim(&out, "sid", claims->session);
	if (claims->scopes && *claims->scopes)
		write_claim(&out, "scope", claims->scopes);
	write_claim(&out, "jti", random_token(owner));
	buf_printf(&out, "\"iat\":%" PRId64 ",\"nbf\":%" PRId64 ",\"exp\":%" PRId64 "}",
	           claims->now_s, claims->now_s, claims->now_s + claims->life_s);
	return out.data;
}

char *
jwt_new(void *owner, const char *key, const struct jwt_claims *claims)
{
	const char *text = write_claims(owner, claims);
	char *signed_part = mem_printf(owner, "%s%s", header,
	                               base64url_encode(owner, text, strlen(text)));
	unsigned char mac[HMAC_BYTES];

	hmac_sha256(key, signed_part, strlen(signed_part), mac);
	return mem_printf(owner, "%s.%s", signed_part, base64url_encode(owner, mac, sizeof(mac)));
}

static bool
is_signed(void *owner, const char *key, const char *token, const char *dot)
{
	unsigned char mac[HMAC_BYTES];
	size_t size;
	const char *given = base64url_decode(owner, dot + 1, strlen(dot + 1), &size);

	hmac_sha256(key, token, (size_t)(dot - token), mac);
	return given && size == sizeof(mac) && bytes_equal(given, mac, sizeof(mac));
}

/* jwt_new() writes no decimals. */
static bool
read_time_claim(const struct json_body *claims, const char *name, int64_t *time_s)
{
	const struct json_member *found = json_find(claims, name);

	return found && found->kind == JSON_INT && jwt_claim_time(claims, name, time_s);
}

static bool
are_valid_claims(const struct json_body *claims, const char *issuer, int64_t now_s)
{
	int64_t not_before, expires;

	return jwt_claim_is(claims, "iss", issuer) && jwt_claim_is(claims, "aud", issuer)
	       && read_time_claim(claims, "nbf", &not_before)
	       && read_time_claim(claims, "exp", &expires) && now_s + JWT_LEEWAY_S >= not_before
	       && now_s < expires;
}

const char *
jwt_verify(void *owner, const char *key, const char *token, const char *issuer, int64_t now_s,
           struct jwt_holder *holder)
{
	const char *dot = strrchr(token, '.'), *text;
	struct jwt_holder found;
	struct json_body claims;

	if (strlen(token) > TOKEN_MAX_BYTES || !text_starts(token, header)
	    || dot < token + sizeof(header) - 1 || !is_signed(owner, key, token, dot))
		return NULL;
	token += sizeof(header) - 1;
	text = jwt_read_part(owner, token, (size_t)(dot - token), &claims);
	if (!text || !are_valid_claims(&claims, issuer, now_s))
		return NULL;
	found = (struct jwt_holder){ jwt_claim_text(&claims, "sub"), jwt_claim_text(&claims, "sid"),
		                     jwt_claim_text(&claims, "scope") };
	if (!found.subject || !found.session)
		return NULL;
	*holder = found;
	return text;
}

bool
jwt_read_claims(void *owner, const char *text, struct jwt_holder *holder)
{
	const struct json_member *subject;
	struct json_body claims;
	struct error ignored;
	bool is_number;

	if (!text || !json_body_read(owner, text, strlen(text), &claims, &ignored))
		return false;
	subject = json_find(&claims, "sub");
	is_number = subject && subject->kind == JSON_INT;
	*holder = (struct jwt_holder){ is_number ? subject->text : jwt_claim_text(&claims, "sub"),
		                       NULL, jwt_claim_text(&claims, "scope") };
	return true;
}
