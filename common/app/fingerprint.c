#include "app/fingerprint.h"

#include "base/hash.h"
#include "base/mem.h"
#include "http/json_canonical.h"
#include "http/param_row.h"
#include "http/route.h"

/* Of an array of SQL with numbers, which are written as in JSON, perhaps in quotes. */
static const char *
array_as_json(void *owner, const char *text)
{
	char *json = mem_strdup(owner, text), *end = json;

	for (; *text; text++)
		if (*text != '"')
			*end++ = *text == '{' ? '[' : *text == '}' ? ']' : *text;
	*end = '\0';
	return json;
}

/* JSON and numbers: one text for all spellings of a value. */
static struct hash_part
argument_part(void *owner, const struct np_param *param, const char *text)
{
	bool is_list = param->max_items > 0 && !param->members;
	struct buf out;

	if (!text || (is_list && param->type != NP_TYPE_FLOAT)
	    || (param->type != NP_TYPE_JSON && param->type != NP_TYPE_OBJECT
	        && param->type != NP_TYPE_FLOAT))
		return hash_part_of(text);
	buf_init(&out, owner, JSON_CANONICAL_MAX_BYTES(strlen(text)));
	json_canonical(&out, is_list ? array_as_json(owner, text) : text);
	/* Each string in it ends with a NUL, so its size is not strlen(). */
	return (struct hash_part){ out.data, out.size };
}

/* Of a body that is no parameters. */
static struct hash_part
body_part(void *owner, const struct np_ctx *ctx)
{
	struct buf out;

	if (ctx->route->body == NP_BODY_RAW)
		return (struct hash_part){ ctx->request->body, ctx->request->body_size };
	if (ctx->route->body != NP_BODY_JSON)
		return hash_part_of(NULL);
	buf_init(&out, owner, JSON_CANONICAL_MAX_BYTES(strlen(ctx->body_json)));
	json_canonical(&out, ctx->body_json);
	return (struct hash_part){ out.data, out.size };
}

/* The names and types of its files are not what makes a request the same. */
static size_t
add_files(struct hash_part *parts, size_t count, const struct argument *argument)
{
	parts[count++] = (struct hash_part){ &argument->file_count, sizeof(argument->file_count) };
	for (size_t i = 0; i < argument->file_count; i++)
		parts[count++] = (struct hash_part){ argument->files[i].content.bytes,
			                             argument->files[i].content.size };
	return count;
}

static size_t
count_files(const struct np_ctx *ctx)
{
	size_t count = 0;

	for (size_t i = 0; i < param_count(ctx->route->params); i++)
		count += ctx->arguments[i].file_count;
	return count;
}

/* Bodies of other types are other bodies, also if they have the same bytes. */
static size_t
add_body(struct hash_part *parts, size_t count, void *scope, const struct np_ctx *ctx)
{
	if (ctx->route->body == NP_BODY_RAW)
		parts[count++] = hash_part_of(request_header(ctx->request, "content-type"));
	if (ctx->route->body == NP_BODY_RAW || ctx->route->body == NP_BODY_JSON)
		parts[count++] = body_part(scope, ctx);
	return count;
}

/* What is made of large values is freed at once. */
static const char *
hash_arguments(struct np_ctx *ctx, const char *secret)
{
	void *scope = mem_scope(ctx, "fingerprint");
	size_t params = param_count(ctx->route->params), count = 2;
	unsigned char key[HASH_KEY_BYTES];
	char *hash = mem_resize(ctx, NULL, HASH_TEXT_BYTES);
	struct hash_part *parts = mem_array(scope, struct hash_part,
	                                    4 + 4 * params + count_files(ctx));

	parts[0] = hash_part_of(ctx->route->method);
	parts[1] = hash_part_of(ctx->route->path);
	for (size_t i = 0; i < params; i++) {
		const struct argument *argument = &ctx->arguments[i];

		if (!argument->given)
			continue;
		parts[count++] = hash_part_of(param_places[argument->param->in]);
		parts[count++] = hash_part_of(argument->param->name);
		if (argument->param->type == NP_TYPE_FILE)
			count = add_files(parts, count, argument);
		else
			parts[count++] = argument_part(scope, argument->param,
			                               argument->value.text);
	}
	count = add_body(parts, count, scope, ctx);
	if (secret)
		hash_derive_key(secret, "nullpool: fingerprints of requests, 2", key);
	hash_parts(secret ? key : NULL, parts, count, hash);
	mem_free(scope);
	return hash;
}

/* As programs up to 0.1.0 made it: of the bytes, without headers. Their rows live for 24 hours. */
static const char *
hash_bytes(void *owner, const struct request *request, const char *secret)
{
	char *hash = mem_resize(owner, NULL, HASH_TEXT_BYTES);
	struct buf text;

	buf_init(&text, owner,
	         request->body_size + strlen(request->method) + strlen(request->target) + 2);
	buf_text(&text, request->method);
	buf_char(&text, ' ');
	buf_text(&text, request->target);
	buf_char(&text, '\n');
	buf_add(&text, request->body, request->body_size);
	hash_keyed(secret, text.data, text.size, hash);
	buf_release(&text);
	return hash;
}

/* The older fingerprint has no headers in it, so it may be that of another request. Those programs
 * had no other kinds of bodies. */
static bool
older_is_exact(const struct np_route *route)
{
	return route->body == NP_BODY_MEMBERS && !route_has_param_in(route, NP_IN_HEADER)
	       && !route_has_param_in(route, NP_IN_COOKIE);
}

const char *
fingerprint_new(struct np_ctx *ctx)
{
	return hash_arguments(ctx, ctx->app->settings->secret_key);
}

bool
fingerprint_matches(struct np_ctx *ctx, const char *stored)
{
	const struct settings *settings = ctx->app->settings;
	const char *const secrets[] = { settings->secret_key, settings->secret_key_previous };

	for (size_t i = 0; i < COUNT_OF(secrets); i++) {
		if (i > 0 && !secrets[i])
			continue;
		if (strcmp(stored, hash_arguments(ctx, secrets[i])) == 0)
			return true;
		if (older_is_exact(ctx->route)
		    && strcmp(stored, hash_bytes(ctx, ctx->request, secrets[i])) == 0)
			return true;
	}
	return false;
}
