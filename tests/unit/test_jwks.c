/* test_jwks.c - the examples of RFC 7515 and RFC 8037, and key sets that are not as they should be
 */
#include "http/jwks.h"

#include "base/base64url.h"
#include "unit.h"

/* RFC 7515 A.2.1 */
#define RSA                                                            \
	"\"kty\":\"RSA\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wW" \
	"JcyQoTbji9k0l8W26mPddxHmfHQp-"                                \
	"Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPE" \
	"wOWvG6b32690r2jZ47soMZo9wGzj"                                 \
	"b_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBE" \
	"Ma2R2CapHg665xsmtdVMTBQY4uDZ"                                 \
	"lxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaG" \
	"Nj8q2ethFkMLs91kzk2PAcDTW9gb"                                 \
	"54h4FRWyuXpoQ\",\"e\":\"AQAB\""
/* RFC 7515 A.3.1 */
#define EC                                                                                        \
	"\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"," \
	"\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\""
/* RFC 8037 A.2 */
#define OKP \
	"\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\""

static const char *
read_set(void *owner, const char *keys, struct jwks *set)
{
	const char *text = mem_printf(owner, "{\"keys\":[%s]}", keys);
	struct error err;

	if (jwks_read(owner, text, strlen(text), set, &err))
		return NULL;
	return mem_strdup(owner, err.message);
}

static bool
verify(void *owner, const struct public_key *key, const char *text, const char *encoded)
{
	struct np_bytes signature;

	signature.bytes = base64url_decode(owner, encoded, strlen(encoded), &signature.size);
	return public_key_verify(key, (struct np_bytes){ text, strlen(text) }, signature);
}

#define JOE                                                                                       \
	"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp" \
	"0cnVlfQ"

/* A.2 and A.3 of RFC 7515, A.4 of RFC 8037 */
static const struct example {
	const char *about;
	enum signature_algorithm algorithm;
	const char *text, *signature;
} examples[] = {
	{ "RS256", SIGNATURE_RS256, "eyJhbGciOiJSUzI1NiJ9." JOE,
	  "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5R"
	  "Zmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2F"
	  "p5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnby"
	  "TyWzO75vRK5h6xBArLIARNPvkSjtQB"
	  "MHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqt"
	  "FZESc6BfI7noOPqvhJ1phCnvWh6IeY"
	  "I2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw" },
	{ "ES256", SIGNATURE_ES256, "eyJhbGciOiJFUzI1NiJ9." JOE,
	  "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8I"
	  "SlSApmWQxfKTUJqPP3-Kg6NU1Q" },
	{ "EdDSA", SIGNATURE_EDDSA, "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
	  "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylG"
	  "jg5BhVsPt9g7sVvpAr_MuM0KAg" },
};

static void
the_examples_of_the_rfcs_are_valid(void **state)
{
	struct jwks set;

	assert_null(read_set(*state, "{" RSA "},{" EC "},{" OKP "}", &set));
	assert_int_equal(set.count, 3);
	for (size_t i = 0; i < COUNT_OF(examples); i++) {
		const struct example *row = &examples[i];
		const struct public_key *key = jwks_find(&set, NULL, row->algorithm);
		char *changed = mem_strdup(*state, row->signature);

		row_true(row, verify(*state, key, row->text, row->signature));
		row_true(row, !verify(*state, key, mem_printf(*state, "%s ", row->text),
		                      row->signature));
		changed[4] = changed[4] == 'A' ? 'B' : 'A';
		row_true(row, !verify(*state, key, row->text, changed));
		row_true(row, !verify(*state, key, row->text, ""));
		row_true(row, !verify(*state, key, row->text, "AAAA"));
		for (size_t other = 0; other < COUNT_OF(examples); other++)
			row_true(row, other == i
			                  || !verify(*state, key, examples[other].text,
			                             examples[other].signature));
	}
}

/* ECDSA's numbers of 0, and those of the order, are valid for anything in a library that does not
 * look. */
static void
a_signature_of_zeros_is_not_valid(void **state)
{
	static const unsigned char order[] = {
		0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
		0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
	};
	struct np_bytes text = { "x", 1 };
	unsigned char bytes[64] = { 0 };
	struct jwks set;

	assert_null(read_set(*state, "{" EC "},{" OKP "}", &set));
	for (size_t size = 0; size <= sizeof(bytes); size++)
		for (size_t i = 0; i < set.count; i++)
			assert_false(public_key_verify(set.keys[i].key, text,
			                               (struct np_bytes){ bytes, size }));
	memcpy(bytes, order, sizeof(order));
	memcpy(bytes + 32, order, sizeof(order));
	assert_false(public_key_verify(jwks_find(&set, NULL, SIGNATURE_ES256), text,
	                               (struct np_bytes){ bytes, sizeof(bytes) }));
}

static void
a_key_is_found_by_its_id_and_its_algorithm(void **state)
{
	struct jwks set;

	assert_null(read_set(*state,
	                     "{\"kid\":\"a\"," RSA "},{\"kid\":\"a\"," EC "},"
	                     "{\"kid\":\"b\"," RSA "},{" OKP "}",
	                     &set));
	assert_ptr_equal(jwks_find(&set, "a", SIGNATURE_RS256), set.keys[0].key);
	assert_ptr_equal(jwks_find(&set, "a", SIGNATURE_ES256), set.keys[1].key);
	assert_ptr_equal(jwks_find(&set, "b", SIGNATURE_RS256), set.keys[2].key);
	assert_null(jwks_find(&set, "b", SIGNATURE_ES256));
	assert_null(jwks_find(&set, "", SIGNATURE_EDDSA));
	assert_null(jwks_find(&set, "a", SIGNATURE_EDDSA));
	/* Without an id there has to be only one. */
	assert_null(jwks_find(&set, NULL, SIGNATURE_RS256));
	assert_ptr_equal(jwks_find(&set, NULL, SIGNATURE_ES256), set.keys[1].key);
	assert_ptr_equal(jwks_find(&set, NULL, SIGNATURE_EDDSA), set.keys[3].key);
}

static void
what_is_no_key_for_signatures_is_left_out(void **state)
{
	static const struct {
		const char *about, *key;
		bool used;
	} rows[] = {
		{ "nothing else", "{" OKP "}", true },
		{ "its own algorithm", "{" OKP ",\"alg\":\"EdDSA\",\"use\":\"sig\"}", true },
		{ "its new name", "{" OKP ",\"alg\":\"Ed25519\"}", true },
		{ "to verify with", "{" OKP ",\"key_ops\":[\"sign\",\"verify\"]}", true },
		{ "another algorithm", "{" OKP ",\"alg\":\"ES256\"}", false },
		{ "an unknown algorithm", "{" OKP ",\"alg\":\"X\"}", false },
		{ "an algorithm that is no text", "{" OKP ",\"alg\":null}", false },
		{ "for encryption", "{" OKP ",\"use\":\"enc\"}", false },
		{ "a use that is no text", "{" OKP ",\"use\":[\"sig\"]}", false },
		{ "to sign with", "{" OKP ",\"key_ops\":[\"sign\"]}", false },
		{ "for nothing", "{" OKP ",\"key_ops\":[]}", false },
		{ "another curve", "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"AA\"}", false },
		{ "too few bytes", "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}", false },
		{ "no bytes", "{\"kty\":\"OKP\",\"crv\":\"Ed25519\"}", false },
		{ "another kind", "{\"kty\":\"oct\",\"k\":\"AAAA\"}", false },
		{ "no kind", "{\"crv\":\"Ed25519\"}", false },
		{ "a short modulus", "{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}", false },
		{ "no object", "7", false },
		{ "a list", "[{" OKP "}]", false },
	};
	struct jwks set;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *fault = read_set(*state, rows[i].key, &set);

		row_true(&rows[i], (fault == NULL) == rows[i].used);
		row_true(&rows[i], fault || set.count == 1);
		row_true(&rows[i], !fault || strstr(fault, "none of its keys"));
	}
}

static void
a_set_has_a_bounded_number_of_keys(void **state)
{
	const char *keys = "{" OKP "}";
	struct jwks set;

	for (size_t i = 0; i < JWKS_KEYS_MAX; i++)
		keys = mem_printf(*state, "%s,{" OKP "}", keys);
	assert_null(read_set(*state, keys, &set));
	assert_int_equal(set.count, JWKS_KEYS_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_examples_of_the_rfcs_are_valid),
		TEST(a_signature_of_zeros_is_not_valid),
		TEST(a_key_is_found_by_its_id_and_its_algorithm),
		TEST(what_is_no_key_for_signatures_is_left_out),
		TEST(a_set_has_a_bounded_number_of_keys),
	};

	return cmocka_run_group_tests_name("jwks", tests, NULL, NULL);
}
