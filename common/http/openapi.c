#include "http/openapi.h"

#include "http/openapi_schema.h"
#include "http/param.h"
#include "http/reply.h"
#include "http/router.h"

#define PROBLEM_REF "{\"$ref\":\"#/components/schemas/Problem\"}"

/* RFC 9457, as problem.c writes it. */
static const char problem_schema[] =
    "\"Problem\":{\"type\":\"object\",\"description\":\"RFC 9457\",\"properties\":{"
    "\"type\":{\"type\":\"string\",\"format\":\"uri-reference\"},\"title\":{\"type\":\"string\"},"
    "\"status\":{\"type\":\"integer\"},\"detail\":{\"type\":\"string\"},\"request_id\":{\"type\":\"string\"},"
    "\"errors\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{"
    "\"in\":{\"type\":\"string\",\"enum\":[\"path\",\"query\",\"header\",\"body\"]},\"name\":{\"type\":\"string\"},"
    "\"message\":{\"type\":\"string\"}},\"required\":[\"in\",\"name\",\"message\"]}},"
    "\"outcome\":{\"type\":\"string\",\"enum\":[\"unknown\"]}},"
    "\"required\":[\"type\",\"title\",\"status\",\"request_id\"]}";

/* A token as it is, or one that a page gets for a password by itself. */
static const char security_schemes[] =
    ",\"securitySchemes\":{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\",\"bearerFormat\":\"JWT\"},"
    "\"password\":{\"type\":\"oauth2\",\"flows\":{\"password\":{\"tokenUrl\":\"/auth/token\","
    "\"refreshUrl\":\"/auth/token\",\"scopes\":{}}}}}";

static const char idempotency_key[] =
    "{\"name\":\"Idempotency-Key\",\"in\":\"header\",\"required\":false,\"description\":"
    "\"Makes it safe to repeat: the same key gets the same answer for 24 hours\","
    "\"schema\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":255}}";

static bool
is_method(const struct np_route *route, const char *method)
{
	return strcmp(route->method, method) == 0;
}

static bool
takes_key(const struct np_route *route)
{
	return is_method(route, "POST") && route->tx == NP_TX_WRITE;
}

static bool
has_param(const struct np_route *route, enum np_place first, enum np_place last)
{
	for (const struct np_param *param = route->params; param && param->name; param++)
		if (param->in >= first && param->in <= last)
			return true;
	return false;
}

/* --- requests --- */

static void
write_parameter(struct buf *out, const struct np_param *param)
{
	buf_text(out, "{\"name\":");
	buf_json_text(out, param->name);
	buf_printf(out, ",\"in\":\"%s\",\"required\":%s", param_places[param->in],
	           param->required || param->in == NP_PATH ? "true" : "false");
	openapi_text(out, "description", param->description);
	buf_text(out, ",\"schema\":");
	openapi_schema(out, param);
	buf_char(out, '}');
}

static void
write_parameters(struct buf *out, const struct np_route *route)
{
	const char *before = ",\"parameters\":[";

	for (const struct np_param *param = route->params; param && param->name; param++) {
		if (param->in == NP_BODY)
			continue;
		buf_text(out, before);
		write_parameter(out, param);
		before = ",";
	}
	if (takes_key(route)) {
		buf_text(out, before);
		buf_text(out, idempotency_key);
		before = ",";
	}
	if (strcmp(before, ",") == 0)
		buf_char(out, ']');
}

static void
write_body(struct buf *out, const struct np_route *route)
{
	if (!has_param(route, NP_BODY, NP_BODY))
		return;
	buf_text(out, ",\"requestBody\":{\"required\":true,\"content\":{");
	if (route->form) {
		buf_text(out, "\"application/x-www-form-urlencoded\":{\"schema\":");
		openapi_body(out, route->params);
		buf_text(out, "},");
	}
	buf_text(out, "\"application/json\":{\"schema\":");
	openapi_body(out, route->params);
	buf_text(out, "}}}");
}

/* --- answers --- */

static enum np_success
success_of(const struct np_route *route)
{
	if (route->success)
		return route->success;
	if (is_method(route, "DELETE"))
		return NP_NO_CONTENT;
	return takes_key(route) ? NP_CREATED : NP_OK;
}

static void
write_content(struct buf *out, const struct np_route *route)
{
	const char *name = route->returns->name;

	buf_text(out, ",\"content\":{\"application/json\":{\"schema\":");
	if (route->page)
		buf_printf(
		    out,
		    "{\"type\":\"object\",\"properties\":{\"items\":{\"type\":\"array\",\"items\":"
		    "{\"$ref\":\"#/components/schemas/%s\"}},\"next\":{\"type\":[\"string\",\"null\"]}},"
		    "\"required\":[\"items\",\"next\"]}",
		    name);
	else
		buf_printf(out, "{\"$ref\":\"#/components/schemas/%s\"}", name);
	buf_text(out, "}}");
}

static void
write_success(struct buf *out, const struct np_route *route)
{
	enum np_success status = success_of(route);

	buf_printf(out, ",\"responses\":{\"%d\":{\"description\":\"%s\"", (int)status,
	           reply_reason((int)status));
	if (status != NP_NO_CONTENT && route->returns)
		write_content(out, route);
	buf_char(out, '}');
	if (is_method(route, "GET") && !route->report)
		buf_text(out, ",\"304\":{\"description\":\"Not Modified\"}");
}

static void
write_problem(struct buf *out, bool wanted, int status, const char *description)
{
	if (!wanted)
		return;
	buf_printf(out, ",\"%d\":{\"description\":", status);
	buf_json_text(out, description ? description : reply_reason(status));
	buf_text(out, ",\"content\":{\"application/problem+json\":{\"schema\":" PROBLEM_REF "}}}");
}

/* Of a report that is not good: the report itself, or why there is none. */
static void
write_unavailable(struct buf *out, const struct np_route *route)
{
	if (!route->report) {
		write_problem(out, true, 503, NULL);
		return;
	}
	buf_printf(out, ",\"503\":{\"description\":\"%s\",\"content\":{\"application/json\":{},",
	           reply_reason(503));
	buf_text(out, "\"application/problem+json\":{\"schema\":" PROBLEM_REF "}}}");
}

static void
write_problems(struct buf *out, const struct np_route *route)
{
	bool database = route->tx != NP_TX_NONE, writes = database && route->tx != NP_TX_READ;
	bool body = has_param(route, NP_BODY, NP_BODY), known = route->auth != NP_AUTH_NONE;

	write_problem(out, true, 400, NULL);
	write_problem(out, known || route->unauthorized, 401, route->unauthorized);
	write_problem(out, known, 403, NULL);
	write_problem(out, route->missing || has_param(route, NP_PATH, NP_PATH), 404, route->missing);
	write_problem(out, writes, 409, route->conflict);
	write_problem(out, body, 413, NULL);
	write_problem(out, body, 415, NULL);
	write_problem(out, route->params || takes_key(route), 422, NULL);
	write_problem(out, true, 500, NULL);
	write_unavailable(out, route);
	write_problem(out, database, 504, NULL);
	buf_char(out, '}');
}

/* --- the document --- */

static void
write_method(struct buf *out, const struct np_route *route)
{
	for (const char *c = route->method; *c; c++)
		buf_char(out, (char)(*c - 'A' + 'a'));
}

/* get_users_id */
static void
write_operation_id(struct buf *out, const struct np_route *route)
{
	write_method(out, route);
	for (const char *c = route->path; *c; c++)
		if (*c == '/' && c[1])
			buf_char(out, '_');
		else if (!strchr("/{}", *c))
			buf_char(out, *c == '-' ? '_' : *c);
}

static void
write_operation(struct buf *out, const char *tag, const struct np_route *route)
{
	buf_char(out, '"');
	write_method(out, route);
	buf_text(out, "\":{\"operationId\":\"");
	write_operation_id(out, route);
	buf_text(out, "\",\"tags\":[");
	buf_json_text(out, tag);
	buf_char(out, ']');
	openapi_text(out, "summary", route->summary);
	write_parameters(out, route);
	write_body(out, route);
	if (route->auth != NP_AUTH_NONE)
		buf_text(out, ",\"security\":[{\"bearer\":[]},{\"password\":[]}]");
	write_success(out, route);
	write_problems(out, route);
	buf_char(out, '}');
}

static bool
is_first_of_path(const struct np_route *routes, const struct np_route *route)
{
	for (; routes < route; routes++)
		if (strcmp(routes->path, route->path) == 0)
			return false;
	return true;
}

static void
write_path(struct buf *out, const char *tag, const struct np_route *route)
{
	const char *path = route->path, *before = "";

	buf_json_text(out, path);
	buf_text(out, ":{");
	for (; route->method; route++) {
		if (strcmp(route->path, path) != 0)
			continue;
		buf_text(out, before);
		write_operation(out, tag, route);
		before = ",";
	}
	buf_char(out, '}');
}

static bool
is_first_of_schema(const struct np_route *routes, const struct np_route *route)
{
	for (; routes < route; routes++)
		if (routes->returns && strcmp(routes->returns->name, route->returns->name) == 0)
			return false;
	return true;
}

static void
write_components(struct buf *out, const struct np_route *routes)
{
	bool known = false;

	buf_text(out, ",\"components\":{\"schemas\":{");
	buf_text(out, problem_schema);
	for (const struct np_route *route = routes; route->method; route++) {
		known = known || route->auth != NP_AUTH_NONE;
		if (!route->returns || !is_first_of_schema(routes, route))
			continue;
		buf_char(out, ',');
		buf_json_text(out, route->returns->name);
		buf_char(out, ':');
		openapi_members(out, route->returns->members);
	}
	buf_char(out, '}');
	if (known)
		buf_text(out, security_schemes);
	buf_char(out, '}');
}

void
openapi_write(const char *title, const struct np_route *routes, struct buf *out)
{
	buf_text(out, "{\"openapi\":\"3.1.0\",\"info\":{\"title\":");
	buf_json_text(out, title);
	buf_text(out, ",\"version\":\"" NP_VERSION "\"},\"servers\":[{\"url\":\"/\"}],\"tags\":[{\"name\":");
	buf_json_text(out, title);
	buf_text(out, "}],\"paths\":{");
	for (const struct np_route *route = routes; route->method; route++) {
		if (!is_first_of_path(routes, route))
			continue;
		buf_text(out, route == routes ? "" : ",");
		write_path(out, title, route);
	}
	buf_char(out, '}');
	write_components(out, routes);
	buf_char(out, '}');
}
