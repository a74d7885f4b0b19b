#include "http/openapi.h"

#include "base/text.h"
#include "http/openapi_responses.h"
#include "http/openapi_schema.h"
#include "http/operation_name.h"
#include "http/param_row.h"

/* RFC 9457, as problem.c writes it. */
static const char problem_schema[] =
    "\"Problem\":{\"type\":\"object\",\"description\":\"RFC 9457\",\"properties\":{"
    "\"type\":{\"type\":\"string\",\"format\":\"uri-reference\"},\"title\":{\"type\":\"string\"},"
    "\"status\":{\"type\":\"integer\"},\"detail\":{\"type\":\"string\"},"
    "\"request_id\":{\"type\":\"string\"},"
    "\"errors\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{"
    "\"in\":{\"type\":\"string\",\"enum\":[\"path\",\"query\",\"header\",\"body\",\"cookie\"]},"
    "\"name\":{\"type\":\"string\"},"
    "\"message\":{\"type\":\"string\"}},\"required\":[\"in\",\"name\",\"message\"]}},"
    "\"outcome\":{\"type\":\"string\",\"enum\":[\"unknown\"]}},"
    "\"required\":[\"type\",\"title\",\"status\",\"request_id\"]}";

/* A bearer token, or one that a documentation page requests with a password. */
static const char token_schemes[] =
    "\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\",\"bearerFormat\":\"JWT\"},"
    "\"password\":{\"type\":\"oauth2\",\"flows\":{\"password\":{";

static const char key_scheme[] =
    "\"key\":{\"type\":\"apiKey\",\"in\":\"header\",\"name\":\"X-API-Key\"}";

static const char idempotency_key[] =
    "{\"name\":\"Idempotency-Key\",\"in\":\"header\",\"required\":false,\"description\":"
    "\"Makes the request safe to repeat: a key gets the same response for 24 hours\","
    "\"schema\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":255}}";

static const char if_match[] =
    "{\"name\":\"If-Match\",\"in\":\"header\",\"required\":%s,\"description\":"
    "\"The ETag of a GET of this path: if the resource has another one now, nothing is done\","
    "\"schema\":{\"type\":\"string\"}}";

/* --- requests --- */

static void
write_parameter(struct buf *out, const struct np_param *param)
{
	buf_text(out, "{\"name\":");
	buf_json_text(out, param->name);
	buf_printf(out, ",\"in\":\"%s\",\"required\":%s", param_places[param->in],
	           param->required || param->in == NP_IN_PATH ? "true" : "false");
	openapi_text(out, "description", param->description);
	buf_text(out, ",\"schema\":");
	openapi_schema(out, param);
	buf_char(out, '}');
}

static void
write_parameters(struct buf *out, const struct np_route *route, bool conditional)
{
	const char *before = ",\"parameters\":[";

	for (size_t i = 0; i < param_count(route->params); i++) {
		const struct np_param *param = route->params->items[i];

		if (param->in == NP_IN_BODY)
			continue;
		buf_text(out, before);
		write_parameter(out, param);
		before = ",";
	}
	if (route_takes_idempotency_key(route)) {
		buf_text(out, before);
		buf_text(out, idempotency_key);
		before = ",";
	}
	if (conditional) {
		buf_text(out, before);
		buf_printf(out, if_match, route->precondition ? "true" : "false");
		before = ",";
	}
	if (strcmp(before, ",") == 0)
		buf_char(out, ']');
}

/* The types of files that are not any. */
static void
write_file_types(struct buf *out, const struct np_params *params)
{
	const char *before = ",\"encoding\":{";

	for (size_t i = 0; i < param_count(params); i++) {
		const struct np_param *param = params->items[i];

		if (param->type != NP_TYPE_FILE || !param->choices)
			continue;
		buf_text(out, before);
		buf_json_text(out, param->name);
		buf_text(out, ":{\"contentType\":\"");
		for (size_t type = 0; type < param->choices->count; type++) {
			const char *name = param->choices->items[type];

			buf_printf(out, "%s%s%s", type > 0 ? ", " : "", name,
			           text_ends(name, "/") ? "*" : "");
		}
		buf_text(out, "\"}");
		before = ",";
	}
	if (strcmp(before, ",") == 0)
		buf_char(out, '}');
}

static void
write_members_as(struct buf *out, const struct np_route *route, const char *type)
{
	buf_printf(out, "\"%s\":{\"schema\":", type);
	openapi_body(out, route);
	write_file_types(out, route->params);
	buf_char(out, '}');
}

static void
write_content(struct buf *out, const struct np_route *route)
{
	switch (route->body) {
	case NP_BODY_MEMBERS:
		if (route->form) {
			write_members_as(out, route, "application/x-www-form-urlencoded");
			buf_char(out, ',');
		}
		write_members_as(out, route, "application/json");
		break;
	case NP_BODY_MULTIPART:
		write_members_as(out, route, "multipart/form-data");
		break;
	case NP_BODY_JSON:
		buf_text(out, "\"application/json\":{\"schema\":{\"title\":\"any JSON value\"}}");
		break;
	case NP_BODY_RAW:
		/* OpenAPI 3.1 4.8.14.2: bytes of any type have no schema. */
		buf_text(out, "\"*/*\":{}");
		break;
	}
}

static void
write_body(struct buf *out, const struct np_route *route)
{
	bool whole = route->body == NP_BODY_JSON || route->body == NP_BODY_RAW;

	if (!whole && !route_has_param_in(route, NP_IN_BODY))
		return;
	buf_printf(out, ",\"requestBody\":{\"required\":%s,\"content\":{",
	           route->body == NP_BODY_RAW ? "false" : "true");
	write_content(out, route);
	buf_text(out, "}}");
}

/* --- the document --- */

static void
write_method(struct buf *out, const struct np_route *route)
{
	for (const char *c = route->method; *c; c++)
		buf_char(out, text_lower(*c));
}

/* Returns true if If-Match is described: for a write whose path has a GET, but for a POST only if
 * it requires a precondition. */
static bool
is_conditional(const struct route_table *table, const struct np_route *route)
{
	return !route_has_method(route, "GET")
	       && (!route_has_method(route, "POST") || route->precondition)
	       && route_path_has_get(table, route->path);
}

static bool
takes_token(const struct np_route *route)
{
	return route->auth == NP_AUTH_USER || route->auth == NP_AUTH_OPTIONAL;
}

/* A scope of `bearer` and of `key` is for the reader (OpenAPI 3.1.0 4.8.30). */
static void
write_requirement(struct buf *out, const char *scheme, const char *scope)
{
	buf_printf(out, "{\"%s\":[", scheme);
	if (scope)
		buf_json_text(out, scope);
	buf_text(out, "]}");
}

/* What a guard wants is in its parameters. */
static void
write_security(struct buf *out, const struct np_route *route)
{
	buf_text(out, ",\"security\":[");
	if (route->auth == NP_AUTH_OPTIONAL)
		buf_text(out, "{},");
	if (takes_token(route)) {
		write_requirement(out, "bearer", route->require);
		buf_char(out, ',');
		write_requirement(out, "password", route->require);
	} else if (route->auth == NP_AUTH_KEY) {
		write_requirement(out, "key", route->require);
	}
	buf_char(out, ']');
}

static void
write_operation(struct buf *out, const char *tag, const struct np_route *route, bool conditional)
{
	buf_char(out, '"');
	write_method(out, route);
	buf_text(out, "\":{\"operationId\":\"");
	operation_name(route, out);
	buf_text(out, "\",\"tags\":[");
	buf_json_text(out, tag);
	buf_char(out, ']');
	openapi_text(out, "summary", route->docs.summary);
	write_parameters(out, route, conditional);
	write_body(out, route);
	write_security(out, route);
	openapi_responses(out, route, conditional);
	buf_char(out, '}');
}

static bool
is_first_of_path(const struct route_table *table, const struct np_route *route)
{
	for (const struct np_route *before = table->items; before < route; before++)
		if (strcmp(before->path, route->path) == 0)
			return false;
	return true;
}

static void
write_path(struct buf *out, const char *tag, const struct route_table *table,
           const struct np_route *first)
{
	const char *before = "";

	buf_json_text(out, first->path);
	buf_text(out, ":{");
	for (const struct np_route *route = first; route < route_table_end(table); route++) {
		if (strcmp(route->path, first->path) != 0)
			continue;
		buf_text(out, before);
		write_operation(out, tag, route, is_conditional(table, route));
		before = ",";
	}
	buf_char(out, '}');
}

static bool
is_first_of_schema(const struct route_table *table, const struct np_route *route)
{
	for (const struct np_route *before = table->items; before < route; before++)
		if (before->returns && strcmp(before->returns->name, route->returns->name) == 0)
			return false;
	return true;
}

static bool
is_first_of_scope(const struct route_table *table, const struct np_route *route)
{
	for (const struct np_route *before = table->items; before < route; before++)
		if (before->require && takes_token(before)
		    && strcmp(before->require, route->require) == 0)
			return false;
	return true;
}

static void
write_token_schemes(struct buf *out, const struct openapi_program *program)
{
	const struct route_table *table = program->routes;
	const char *before = "";

	buf_text(out, token_schemes);
	buf_printf(out,
	           "\"tokenUrl\":\"%s/auth/token\",\"refreshUrl\":\"%s/auth/token\","
	           "\"scopes\":{",
	           program->prefix, program->prefix);
	for (size_t i = 0; i < table->count; i++) {
		const struct np_route *route = &table->items[i];

		if (!route->require || !takes_token(route) || !is_first_of_scope(table, route))
			continue;
		buf_text(out, before);
		buf_json_text(out, route->require);
		buf_text(out, ":\"\"");
		before = ",";
	}
	buf_text(out, "}}}}");
}

static void
write_security_schemes(struct buf *out, const struct openapi_program *program)
{
	const struct route_table *table = program->routes;
	bool token = false, key = false;

	for (size_t i = 0; i < table->count; i++) {
		token = token || takes_token(&table->items[i]);
		key = key || table->items[i].auth == NP_AUTH_KEY;
	}
	if (!token && !key)
		return;
	buf_text(out, ",\"securitySchemes\":{");
	if (token)
		write_token_schemes(out, program);
	if (token && key)
		buf_char(out, ',');
	if (key)
		buf_text(out, key_scheme);
	buf_char(out, '}');
}

static void
write_components(struct buf *out, const struct openapi_program *program)
{
	const struct route_table *table = program->routes;

	buf_text(out, ",\"components\":{\"schemas\":{");
	buf_text(out, problem_schema);
	for (size_t i = 0; i < table->count; i++) {
		const struct np_route *route = &table->items[i];

		if (!route->returns || !is_first_of_schema(table, route))
			continue;
		buf_char(out, ',');
		buf_json_text(out, route->returns->name);
		buf_char(out, ':');
		openapi_members(out, route->returns->members);
	}
	buf_text(out, "},");
	openapi_headers(out);
	write_security_schemes(out, program);
	buf_char(out, '}');
}

void
openapi_write(const struct openapi_program *program, struct buf *out)
{
	const struct route_table *table = program->routes;

	buf_text(out, "{\"openapi\":\"3.1.0\",\"info\":{\"title\":");
	buf_json_text(out, program->title);
	buf_text(out, ",\"version\":\"" NP_VERSION "\"},\"servers\":[{\"url\":");
	buf_json_text(out, *program->prefix ? program->prefix : "/");
	buf_text(out, "}],\"tags\":[{\"name\":");
	buf_json_text(out, program->tag);
	buf_text(out, "}],\"paths\":{");
	for (size_t i = 0; i < table->count; i++) {
		if (!is_first_of_path(table, &table->items[i]))
			continue;
		buf_text(out, i == 0 ? "" : ",");
		write_path(out, program->tag, table, &table->items[i]);
	}
	buf_char(out, '}');
	write_components(out, program);
	buf_char(out, '}');
}
