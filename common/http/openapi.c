#include <inttypes.h>

#include "http/openapi.h"
#include "http/param.h"

static const struct {
	const char *type;
	const char *format; /* or NULL */
} schemas[NP_TYPE__MAX] = {
	[NP_STRING] = { "string", NULL },    [NP_UUID] = { "string", "uuid" },
	[NP_EMAIL] = { "string", "email" },  [NP_INT] = { "integer", "int64" },
	[NP_FLOAT] = { "number", "double" }, [NP_BOOL] = { "boolean", NULL },
	[NP_CURSOR] = { "string", NULL },
};

static bool
is_text(enum np_type type)
{
	return strcmp(schemas[type].type, "string") == 0;
}

static void
write_text(struct buf *out, const char *name, const char *text)
{
	if (!text)
		return;
	buf_printf(out, ",\"%s\":", name);
	buf_json_text(out, text);
}

/* A default or an example: a text of the parameter's type. */
static void
write_value(struct buf *out, const char *name, const struct np_param *param, const char *text)
{
	if (!text || is_text(param->type))
		write_text(out, name, text);
	else
		buf_printf(out, ",\"%s\":%s", name, text);
}

static void
write_schema(struct buf *out, const struct np_param *param)
{
	buf_printf(out, "{\"type\":%s\"%s\"%s", param->nullable ? "[" : "", schemas[param->type].type,
	           param->nullable ? ",\"null\"]" : "");
	write_text(out, "format", schemas[param->type].format);
	if (param_has_min(param))
		buf_printf(out, ",\"%s\":%" PRId64, is_text(param->type) ? "minLength" : "minimum",
		           param->min);
	if (param_has_max(param))
		buf_printf(out, ",\"%s\":%" PRId64, is_text(param->type) ? "maxLength" : "maximum",
		           param->max);
	write_value(out, "default", param, param->fallback);
	write_value(out, "example", param, param->example);
	if (param->in == NP_BODY)
		write_text(out, "description", param->description);
	buf_char(out, '}');
}

static void
write_parameters(struct buf *out, const struct np_param *params)
{
	const char *before = ",\"parameters\":[";

	for (; params->name; params++) {
		if (params->in == NP_BODY)
			continue;
		buf_printf(out, "%s{\"name\":", before);
		buf_json_text(out, params->name);
		buf_printf(out, ",\"in\":\"%s\",\"required\":%s", param_places[params->in],
		           params->required || params->in == NP_PATH ? "true" : "false");
		write_text(out, "description", params->description);
		buf_text(out, ",\"schema\":");
		write_schema(out, params);
		buf_char(out, '}');
		before = ",";
	}
	if (strcmp(before, ",") == 0)
		buf_char(out, ']');
}

static void
write_body(struct buf *out, const struct np_param *params)
{
	const char *before = "";
	bool any = false;

	for (const struct np_param *param = params; param->name; param++)
		any = any || param->in == NP_BODY;
	if (!any)
		return;
	buf_text(out, ",\"requestBody\":{\"required\":true,\"content\":{\"application/json\":{\"schema\":"
	              "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{");
	for (const struct np_param *param = params; param->name; param++) {
		if (param->in != NP_BODY)
			continue;
		buf_text(out, before);
		buf_json_text(out, param->name);
		buf_char(out, ':');
		write_schema(out, param);
		before = ",";
	}
	buf_text(out, "},\"required\":[");
	before = "";
	for (const struct np_param *param = params; param->name; param++) {
		if (param->in != NP_BODY || !param->required)
			continue;
		buf_text(out, before);
		buf_json_text(out, param->name);
		before = ",";
	}
	buf_text(out, "]}}}}");
}

static void
write_operation(struct buf *out, const struct np_route *route)
{
	buf_char(out, '"');
	for (const char *c = route->method; *c; c++)
		buf_char(out, (char)(*c - 'A' + 'a'));
	buf_text(out, "\":{\"responses\":{\"2XX\":{\"description\":\"Success\"},\"default\":{\"description\":"
	              "\"A problem document, RFC 9457\",\"content\":{\"application/problem+json\":{}}}}");
	write_text(out, "summary", route->summary);
	if (route->params) {
		write_parameters(out, route->params);
		write_body(out, route->params);
	}
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

void
openapi_write(const char *title, const struct np_route *routes, struct buf *out)
{
	buf_text(out, "{\"openapi\":\"3.1.0\",\"info\":{\"title\":");
	buf_json_text(out, title);
	buf_text(out, ",\"version\":\"" NP_VERSION "\"},\"paths\":{");
	for (const struct np_route *route = routes; route->method; route++) {
		const char *before = "";

		if (!is_first_of_path(routes, route))
			continue;
		buf_text(out, route == routes ? "" : ",");
		buf_json_text(out, route->path);
		buf_text(out, ":{");
		for (const struct np_route *same = route; same->method; same++) {
			if (strcmp(same->path, route->path) != 0)
				continue;
			buf_text(out, before);
			write_operation(out, same);
			before = ",";
		}
		buf_char(out, '}');
	}
	buf_text(out, "}}");
}
