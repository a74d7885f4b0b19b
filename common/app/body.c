/* body.c - what nullpool.h offers of a request's body as a whole, of files, and of their bytes */
#include "app/ctx.h"
#include "base/base64url.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/misuse.h"
#include "base/text.h"
#include "http/json.h"
#include "http/param_multipart.h"

struct np_bytes
np_bytes_of(const char *text)
{
	return (struct np_bytes){ text ? text : "", text ? strlen(text) : 0 };
}

struct np_bytes
np_body(const struct np_ctx *ctx)
{
	if (!ctx->is_guarding && ctx->route->body != NP_BODY_RAW) {
		misuse_note("np_body() in a route that is not of NP_BODY_RAW");
		return np_bytes_of("");
	}
	return (struct np_bytes){ ctx->request->body, ctx->request->body_size };
}

struct np_value
np_body_json(const struct np_ctx *ctx)
{
	if (!ctx->body_json)
		misuse_note("np_body_json() in a route that is not of NP_BODY_JSON, or in a"
		            " guard");
	return np_json(ctx->body_json);
}

static const struct argument *
find_files(const struct np_ctx *ctx, const struct np_param *param, const char *function)
{
	static const struct argument none = { .file_count = 0 };

	if (param && param->type == NP_TYPE_FILE)
		return ctx_find_argument(ctx, param, function);
	misuse_note("%s() of parameter \"%s\", which is no NP_TYPE_FILE", function,
	            param ? param->name : "NULL");
	return &none;
}

size_t
np_files_count(const struct np_ctx *ctx, const struct np_param *param)
{
	return find_files(ctx, param, "np_files_count")->file_count;
}

struct np_file
np_file(const struct np_ctx *ctx, const struct np_param *param, size_t index)
{
	const struct argument *argument = find_files(ctx, param, "np_file");

	if (index < argument->file_count)
		return argument->files[index];
	return (struct np_file){ NULL, NULL, { "", 0 } };
}

struct np_value
np_bytea(struct np_ctx *ctx, struct np_bytes bytes)
{
	return np_text(param_bytea(ctx, bytes.bytes, bytes.size));
}

/* --- signatures --- */

static bool
decode_hex(const char *text, unsigned char *bytes, size_t size)
{
	if (strlen(text) != 2 * size)
		return false;
	for (size_t i = 0; i < size; i++) {
		int high = text_hex(text[2 * i]), low = text_hex(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		bytes[i] = (unsigned char)(high * 16 + low);
	}
	return true;
}

bool
np_hmac_equal(struct np_bytes key, const char *signature, const struct np_parts *parts)
{
	unsigned char mac[HMAC_BYTES], sent[HMAC_BYTES];
	size_t size;

	if (key.size == 0 || !signature
	    || !(decode_hex(signature, sent, sizeof(sent))
	         || (base64_decode(signature, sent, sizeof(sent), &size) && size == sizeof(sent))))
		return false;
	hmac_sha256_parts(key, parts ? parts->items : NULL, parts ? parts->count : 0, mac);
	return bytes_equal(mac, sent, sizeof(mac));
}

struct np_bytes
np_base64_bytes(struct np_ctx *ctx, const char *text)
{
	size_t max = text ? strlen(text) : 0, size;
	char *bytes = mem_resize(ctx, NULL, max);

	if (!text || !base64_decode(text, (unsigned char *)bytes, max, &size))
		return np_bytes_of("");
	return (struct np_bytes){ bytes, size };
}
