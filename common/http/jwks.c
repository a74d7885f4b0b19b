#include "http/jwks.h"

#include "base/base64url.h"
#include "base/mem.h"
#include "http/json.h"
#include "http/jwt_claims.h"

enum signature_algorithm
jwks_algorithm(const char *name)
{
	static const struct {
		const char *name;
		enum signature_algorithm algorithm;
	} names[] = {
		{ "RS256", SIGNATURE_RS256 },
		{ "ES256", SIGNATURE_ES256 },
		{ "EdDSA", SIGNATURE_EDDSA },
		{ "Ed25519", SIGNATURE_EDDSA },
	};

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (strcmp(names[i].name, name) == 0)
			return names[i].algorithm;
	return (enum signature_algorithm)0;
}

/* Returns a number of a key; no bytes if there is none. */
static struct np_bytes
number_of(void *owner, const struct json_body *members, const char *name)
{
	const char *text = jwt_claim_text(members, name);
	struct np_bytes number = { "", 0 };
	size_t size;
	char *bytes = text ? base64url_decode(owner, text, strlen(text), &size) : NULL;

	if (bytes)
		number = (struct np_bytes){ bytes, size };
	return number;
}

static const struct public_key *
read_numbers(void *owner, const struct json_body *members)
{
	struct np_bytes x = number_of(owner, members, "x");

	if (jwt_claim_is(members, "kty", "RSA"))
		return public_key_rsa(owner, number_of(owner, members, "n"),
		                      number_of(owner, members, "e"));
	if (jwt_claim_is(members, "kty", "EC") && jwt_claim_is(members, "crv", "P-256"))
		return public_key_p256(owner, x, number_of(owner, members, "y"));
	if (jwt_claim_is(members, "kty", "OKP") && jwt_claim_is(members, "crv", "Ed25519"))
		return public_key_ed25519(owner, x);
	return NULL;
}

/* Returns true if key_ops is absent or has "verify". */
static bool
may_verify(void *owner, const struct json_body *members)
{
	const struct json_member *operations = json_find(members, "key_ops");
	struct json_member one;
	struct json_items items;

	if (!operations)
		return true;
	if (operations->kind != JSON_ARRAY)
		return false;
	items = json_items(operations);
	while (json_next_item(owner, &items, &one))
		if (one.kind == JSON_STRING && strcmp(one.text, "verify") == 0)
			return true;
	return false;
}

/* Returns the key, or NULL if it is not one that we can verify signatures with. */
static const struct public_key *
read_key(void *owner, const struct json_body *members)
{
	const struct json_member *algorithm = json_find(members, "alg");
	const struct public_key *key;

	if ((json_find(members, "use") && !jwt_claim_is(members, "use", "sig"))
	    || !may_verify(owner, members))
		return NULL;
	key = read_numbers(owner, members);
	if (key && algorithm
	    && (algorithm->kind != JSON_STRING
	        || jwks_algorithm(algorithm->text) != public_key_algorithm(key)))
		return NULL;
	return key;
}

static void
add_key(void *owner, struct jwks *set, const struct json_member *item)
{
	struct json_body members;
	const struct public_key *key;

	if (item->kind != JSON_OBJECT)
		return;
	json_members(owner, item, &members);
	key = read_key(owner, &members);
	if (key)
		set->keys[set->count++] = (struct jwk){ jwt_claim_text(&members, "kid"), key };
}

bool
jwks_read(void *owner, const char *text, size_t size, struct jwks *set, struct error *err)
{
	const struct json_member *keys;
	struct json_member item;
	struct json_items items;
	struct json_body body;

	set->count = 0;
	if (!json_body_read(owner, text, size, &body, err))
		return false;
	keys = json_find(&body, "keys");
	if (!keys || keys->kind != JSON_ARRAY)
		return error_set(err, FAILURE_INVALID, "it has no list \"keys\"");
	items = json_items(keys);
	while (set->count < JWKS_KEYS_MAX && json_next_item(owner, &items, &item))
		add_key(owner, set, &item);
	return set->count > 0
	       || error_set(err, FAILURE_INVALID,
	                    "none of its keys is for signatures of RS256, ES256 or EdDSA");
}

const struct public_key *
jwks_find(const struct jwks *set, const char *id, enum signature_algorithm algorithm)
{
	const struct public_key *found = NULL;

	for (size_t i = 0; i < set->count; i++) {
		const struct jwk *one = &set->keys[i];

		if (public_key_algorithm(one->key) != algorithm)
			continue;
		if (id && one->id && strcmp(id, one->id) == 0)
			return one->key;
		if (!id && found)
			return NULL;
		if (!id)
			found = one->key;
	}
	return found;
}
