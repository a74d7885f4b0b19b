#include "http/oidc_token.h"

#include "base/base64url.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "http/jwt.h"
#include "http/jwt_claims.h"

/* --- the header --- */

/* A token for something else, such as a sign-out, has another type (RFC 8725 3.11). */
static bool
is_access_token(const struct json_body *header)
{
	static const char *const types[] = { "JWT", "at+jwt", "application/at+jwt" };
	const char *type = jwt_claim_text(header, "typ");

	if (!type)
		return !json_find(header, "typ");
	for (size_t i = 0; i < COUNT_OF(types); i++)
		if (text_equal_nocase(types[i], type))
			return true;
	return false;
}

/* No extension is understood, so none may be critical (RFC 7515 4.1.11). */
static bool
read_header(void *owner, const char *part, size_t size, struct oidc_token *token)
{
	struct json_body header;
	const char *algorithm;

	if (!jwt_read_part(owner, part, size, &header) || json_find(&header, "crit")
	    || !is_access_token(&header))
		return false;
	algorithm = jwt_claim_text(&header, "alg");
	token->algorithm = algorithm ? jwks_algorithm(algorithm) : (enum signature_algorithm)0;
	token->key_id = jwt_claim_text(&header, "kid");
	/* One that is empty, or no string, is not the same as none. */
	return token->algorithm != 0 && (token->key_id || !json_find(&header, "kid"));
}

/* --- the claims --- */

static bool
is_in_list(const char *list, const char *wanted)
{
	size_t size;

	for (; (size = text_next_item(&list)) > 0; list += size)
		if (strlen(wanted) == size && memcmp(list, wanted, size) == 0)
			return true;
	return false;
}

static bool
is_for_us(void *owner, const struct json_body *claims, const char *audience)
{
	const struct json_member *given = json_find(claims, "aud");
	struct json_member one;
	struct json_items items;

	if (!given || !audience)
		return !given && !audience;
	if (given->kind == JSON_STRING)
		return is_in_list(audience, given->text);
	if (given->kind != JSON_ARRAY)
		return false;
	items = json_items(given);
	while (json_next_item(owner, &items, &one))
		if (one.kind == JSON_STRING && is_in_list(audience, one.text))
			return true;
	return false;
}

static bool
is_valid_now(const struct json_body *claims, int64_t now_s)
{
	int64_t not_before, expires;

	if (!jwt_claim_time(claims, "exp", &expires) || now_s >= expires)
		return false;
	if (!json_find(claims, "nbf"))
		return true;
	return jwt_claim_time(claims, "nbf", &not_before) && now_s + JWT_LEEWAY_S >= not_before;
}

/* Returns the member of that name, or at that path, or NULL. */
static const struct json_member *
find_at_path(void *owner, struct json_body members, const char *path)
{
	const struct json_member *found = json_find(&members, path);
	const char *dot = strchr(path, '.');

	for (; !found && dot; dot = strchr(path, '.')) {
		const char *name = mem_strndup(owner, path, (size_t)(dot - path));
		const struct json_member *inner = json_find(&members, name);

		if (!inner || inner->kind != JSON_OBJECT)
			return NULL;
		json_members(owner, inner, &members);
		path = dot + 1;
		found = json_find(&members, path);
	}
	return found;
}

/* A role of two words is none: "not admin" must not grant "admin". */
static const char *
join_words(void *owner, const struct json_member *list)
{
	struct json_items items = json_items(list);
	struct json_member one;
	struct buf words;

	buf_init(&words, owner, OIDC_TOKEN_MAX_BYTES);
	while (json_next_item(owner, &items, &one))
		if (one.kind == JSON_STRING && *one.text && !strchr(one.text, ' ')) {
			buf_text(&words, words.size > 0 ? " " : "");
			buf_text(&words, one.text);
		}
	return words.size > 0 ? words.data : NULL;
}

/* A scope (RFC 8693 4.2) is a string of words; roles and permissions are usually a list. */
static const char *
read_scopes(void *owner, const struct json_body *claims, const char *path)
{
	const struct json_member *found = find_at_path(owner, *claims, path);

	if (found && found->kind == JSON_ARRAY)
		return join_words(owner, found);
	return found && found->kind == JSON_STRING && *found->text ? found->text : NULL;
}

static bool
read_claims(void *owner, const char *part, size_t size, const struct oidc_rules *rules,
            int64_t now_s, struct oidc_token *token)
{
	struct json_body claims;

	token->claims = jwt_read_part(owner, part, size, &claims);
	if (!token->claims)
		return false;
	token->issuer = jwt_claim_text(&claims, "iss");
	token->subject = jwt_claim_text(&claims, "sub");
	if (!token->issuer || strcmp(token->issuer, rules->issuer) != 0 || !token->subject
	    || strlen(token->subject) > OIDC_SUBJECT_MAX_BYTES
	    || !is_for_us(owner, &claims, rules->audience) || !is_valid_now(&claims, now_s))
		return false;
	token->scopes = read_scopes(owner, &claims, rules->scope_claim);
	return true;
}

/* --- the token --- */

bool
oidc_token_read(void *owner, const char *text, const struct oidc_rules *rules, int64_t now_s,
                struct oidc_token *token)
{
	const char *first = strchr(text, '.'), *last = strrchr(text, '.');

	if (strlen(text) > OIDC_TOKEN_MAX_BYTES || first == last
	    || !read_header(owner, text, (size_t)(first - text), token)
	    || !read_claims(owner, first + 1, (size_t)(last - first - 1), rules, now_s, token))
		return false;
	token->signed_part = (struct np_bytes){ text, (size_t)(last - text) };
	token->signature.bytes = base64url_decode(owner, last + 1, strlen(last + 1),
	                                          &token->signature.size);
	return token->signature.bytes;
}

enum oidc_verdict
oidc_token_verify(const struct oidc_token *token, const struct jwks *set)
{
	const struct public_key *key = jwks_find(set, token->key_id, token->algorithm);

	if (!key)
		return OIDC_UNKNOWN_KEY;
	return public_key_verify(key, token->signed_part, token->signature) ? OIDC_VALID
	                                                                    : OIDC_INVALID;
}
