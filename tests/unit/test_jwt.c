#include "http/jwt.h"

#include "base/base64url.h"
#include "base/hash.h"
#include "unit.h"

#define KEY    "0123456789abcdef0123456789abcdef"
#define HEADER "{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}"
#define NOW    1800000000
#define VALID                                                        \
	"\"iss\":\"us\",\"aud\":\"us\",\"sub\":\"7\",\"sid\":\"8\"," \
	"\"nbf\":1799999990,\"exp\":1800000060"

static const char *
encoded(void *owner, const char *text)
{
	return base64url_encode(owner, text, strlen(text));
}

static const char *
signed_text(void *owner, const char *text)
{
	unsigned char mac[HMAC_BYTES];

	hmac_sha256(KEY, text, strlen(text), mac);
	return mem_printf(owner, "%s.%s", text, base64url_encode(owner, mac, sizeof(mac)));
}

static const char *
token(void *owner, const char *header, const char *claims)
{
	return signed_text(
	    owner, mem_printf(owner, "%s.%s", encoded(owner, header), encoded(owner, claims)));
}

static const char *
subject_of(void *owner, const char *text)
{
	struct jwt_holder holder = { .subject = NULL };

	return jwt_verify(owner, KEY, text, "us", NOW, &holder) ? holder.subject : NULL;
}

static void
a_new_token_is_valid_until_it_expires(void **state)
{
	const struct jwt_claims claims = { .issuer = "us",
		                           .subject = "7",
		                           .session = "8",
		                           .now_s = NOW,
		                           .life_s = 60,
		                           .scopes = "a b" };
	const char *made = jwt_new(*state, KEY, &claims);
	struct jwt_holder holder;

	assert_non_null(jwt_verify(*state, KEY, made, "us", NOW + 59, &holder));
	assert_string_equal(holder.subject, "7");
	assert_string_equal(holder.session, "8");
	assert_string_equal(holder.scopes, "a b");
	assert_null(jwt_verify(*state, KEY, made, "us", NOW + 60, &holder));
	assert_non_null(jwt_verify(*state, KEY, made, "us", NOW - JWT_LEEWAY_S, &holder));
	assert_null(jwt_verify(*state, KEY, made, "us", NOW - JWT_LEEWAY_S - 1, &holder));
	assert_null(jwt_verify(*state, KEY "x", made, "us", NOW, &holder));
	assert_null(jwt_verify(*state, KEY, made, "them", NOW, &holder));
}

static void
only_valid_claims_are_accepted(void **state)
{
	static const struct {
		const char *about, *claims;
		bool valid;
	} rows[] = {
		{ "all claims", "{" VALID "}", true },
		{ "all claims and another", "{" VALID ",\"x\":[1]}", true },
		{ "no claims", "{}", false },
		{ "not an object", "[]", false },
		{ "not JSON", "{", false },
		{ "a claim twice", "{" VALID ",\"sub\":\"8\"}", false },
		{ "another issuer",
		  "{\"iss\":\"them\",\"aud\":\"us\",\"sub\":\"7\",\"sid\":\"8\",\"nbf\":1,\"exp\":1900000000}",
		  false },
		{ "another audience",
		  "{\"iss\":\"us\",\"aud\":\"them\",\"sub\":\"7\",\"sid\":\"8\",\"nbf\":1,\"exp\":1900000000}",
		  false },
		{ "a list of audiences",
		  "{\"iss\":\"us\",\"aud\":[\"us\"],\"sub\":\"7\",\"sid\":\"8\",\"nbf\":1,\"exp\":1900000000}",
		  false },
		{ "no nbf",
		  "{\"iss\":\"us\",\"aud\":\"us\",\"sub\":\"7\",\"sid\":\"8\",\"exp\":1900000000}",
		  false },
		{ "no exp", "{\"iss\":\"us\",\"aud\":\"us\",\"sub\":\"7\",\"sid\":\"8\",\"nbf\":1}",
		  false },
		{ "exp as a string",
		  "{\"iss\":\"us\",\"aud\":\"us\",\"sub\":\"7\",\"sid\":\"8\",\"nbf\":1,\"exp\":\"1900000000\"}",
		  false },
		{ "exp as a float",
		  "{\"iss\":\"us\",\"aud\":\"us\",\"sub\":\"7\",\"sid\":\"8\",\"nbf\":1,\"exp\":1.9e9}",
		  false },
		{ "the earliest nbf",
		  "{\"iss\":\"us\",\"aud\":\"us\",\"sub\":\"7\",\"sid\":\"8\",\"nbf\":-9223372036854775808,\"exp\":1900000000}",
		  true },
		{ "not valid yet",
		  "{\"iss\":\"us\",\"aud\":\"us\",\"sub\":\"7\",\"sid\":\"8\",\"nbf\":1800000031,\"exp\":1900000000}",
		  false },
		{ "expired",
		  "{\"iss\":\"us\",\"aud\":\"us\",\"sub\":\"7\",\"sid\":\"8\",\"nbf\":1,\"exp\":1800000000}",
		  false },
		{ "no session",
		  "{\"iss\":\"us\",\"aud\":\"us\",\"sub\":\"7\",\"nbf\":1,\"exp\":1900000000}",
		  false },
		{ "an empty session",
		  "{\"iss\":\"us\",\"aud\":\"us\",\"sub\":\"7\",\"sid\":\"\",\"nbf\":1,\"exp\":1900000000}",
		  false },
		{ "a session that is a number",
		  "{\"iss\":\"us\",\"aud\":\"us\",\"sub\":\"7\",\"sid\":8,\"nbf\":1,\"exp\":1900000000}",
		  false },
		{ "no subject",
		  "{\"iss\":\"us\",\"aud\":\"us\",\"sid\":\"8\",\"nbf\":1,\"exp\":1900000000}",
		  false },
		{ "an empty subject",
		  "{\"iss\":\"us\",\"aud\":\"us\",\"sub\":\"\",\"sid\":\"8\",\"nbf\":1,\"exp\":1900000000}",
		  false },
		{ "a subject that is a number",
		  "{\"iss\":\"us\",\"aud\":\"us\",\"sub\":7,\"sid\":\"8\",\"nbf\":1,\"exp\":1900000000}",
		  false },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		row_text(&rows[i], subject_of(*state, token(*state, HEADER, rows[i].claims)),
		         rows[i].valid ? "7" : NULL);
}

static void
only_our_header_is_accepted(void **state)
{
	static const char *const headers[] = {
		"{\"alg\":\"none\",\"typ\":\"at+jwt\"}",
		"{\"alg\":\"HS512\",\"typ\":\"at+jwt\"}",
		"{\"alg\":\"RS256\",\"typ\":\"at+jwt\"}",
		"{\"alg\":\"HS256\",\"typ\":\"JWT\"}",
		"{\"alg\":\"HS256\"}",
		"{\"typ\":\"at+jwt\",\"alg\":\"HS256\"}",
		"",
	};

	assert_non_null(subject_of(*state, token(*state, HEADER, "{" VALID "}")));
	for (size_t i = 0; i < COUNT_OF(headers); i++)
		assert_null(subject_of(*state, token(*state, headers[i], "{" VALID "}")));
}

static void
only_a_well_formed_token_is_accepted(void **state)
{
	const char *valid = token(*state, HEADER, "{" VALID "}"),
	           *unsigned_text = mem_strndup(*state, valid,
	                                        (size_t)(strrchr(valid, '.') - valid));
	char *longer = mem_array(*state, char, 5001);

	assert_null(subject_of(*state, ""));
	assert_null(subject_of(*state, "."));
	assert_null(subject_of(*state, encoded(*state, HEADER)));
	assert_null(subject_of(*state, mem_printf(*state, "%s.", encoded(*state, HEADER))));
	assert_null(subject_of(*state, unsigned_text));
	assert_null(subject_of(*state, mem_printf(*state, "%s.", unsigned_text)));
	assert_null(subject_of(*state, mem_printf(*state, "%s.AAAA", unsigned_text)));
	assert_null(subject_of(*state, mem_printf(*state, "%s.A", unsigned_text)));
	assert_null(subject_of(*state, mem_printf(*state, "%s.x", valid)));
	/* The signature is valid, but the text is not base64url, or longer than a token may be. */
	assert_null(subject_of(
	    *state, signed_text(*state, mem_printf(*state, "%s.e30=", encoded(*state, HEADER)))));
	memset(longer, ' ', 5000);
	assert_null(
	    subject_of(*state, token(*state, HEADER, mem_printf(*state, "{%s%s}", longer, VALID))));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_new_token_is_valid_until_it_expires),
		TEST(only_valid_claims_are_accepted),
		TEST(only_our_header_is_accepted),
		TEST(only_a_well_formed_token_is_accepted),
	};

	return cmocka_run_group_tests_name("jwt", tests, NULL, NULL);
}
