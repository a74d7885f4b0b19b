#include "http/openapi_schema.h"

#include <inttypes.h>

#include "http/param_row.h"
#include "http/pattern.h"

static const struct {
	const char *type;   /* NULL: any value */
	const char *format; /* or NULL */
} schemas[TYPE_COUNT] = {
	[NP_TYPE_STRING] = { "string", NULL },    [NP_TYPE_UUID] = { "string", "uuid" },
	[NP_TYPE_EMAIL] = { "string", "email" },  [NP_TYPE_INT] = { "integer", "int64" },
	[NP_TYPE_FLOAT] = { "number", "double" }, [NP_TYPE_BOOL] = { "boolean", NULL },
	[NP_TYPE_DATE] = { "string", "date" },    [NP_TYPE_DATETIME] = { "string", "date-time" },
	[NP_TYPE_ENUM] = { "string", NULL },      [NP_TYPE_JSON] = { NULL, NULL },
	[NP_TYPE_OBJECT] = { "object", NULL },    [NP_TYPE_CURSOR] = { "string", NULL },
	[NP_TYPE_FILE] = { "string", "binary" },
};

/* The parameters of a body or the members of a response, and which members their objects have. */
struct shape {
	const struct np_params *rows;
	bool response; /* all members are required, except optional ones at the top; others are
	                  allowed */
	bool open;     /* a body that may have unknown members */
	bool partial;  /* a body of which any member may be absent, but not all */
};

static void write_object(struct buf *out, const struct shape *shape, const char *prefix,
                         size_t prefix_size, bool nullable);

static bool
is_text(enum np_type type)
{
	return schemas[type].type && strcmp(schemas[type].type, "string") == 0;
}

bool
openapi_has_texts(const struct np_param *param)
{
	return is_text(param->type) && param->max_items == 0;
}

void
openapi_text(struct buf *out, const char *name, const char *text)
{
	if (!text)
		return;
	buf_printf(out, ",\"%s\":", name);
	buf_json_text(out, text);
}

/* Writes a default or an example, which is a text of the parameter's type. */
static void
write_value(struct buf *out, const char *name, const struct np_param *param, const char *text)
{
	if (!text || openapi_has_texts(param))
		openapi_text(out, name, text);
	else
		buf_printf(out, ",\"%s\":%s", name, text);
}

static void
write_choices(struct buf *out, const struct np_param *param, bool nullable)
{
	for (size_t i = 0; i < param->choices->count; i++) {
		buf_text(out, i == 0 ? ",\"enum\":[" : ",");
		buf_json_text(out, param->choices->items[i]);
	}
	buf_text(out, nullable ? ",null]" : "]");
}

/* ECMAScript's expressions, which OpenAPI uses, match anywhere in a value; ours match all of it. */
static void
write_pattern(struct buf *out, const char *pattern)
{
	char whole[PATTERN_MAX_BYTES + sizeof("^(?:)$")];

	(void)snprintf(whole, sizeof(whole), "^(?:%s)$", pattern);
	openapi_text(out, "pattern", whole);
}

/* Writes the rules for one value, without the braces. */
static void
write_rules(struct buf *out, const struct shape *shape, const struct np_param *param, bool nullable)
{
	const struct shape inner = { .rows = param->members,
		                     .response = shape->response,
		                     .open = shape->open };

	if (param->members) {
		write_object(out, &inner, "", 0, nullable);
		return;
	}
	buf_printf(out, "\"type\":%s\"%s\"%s", nullable ? "[" : "", schemas[param->type].type,
	           nullable ? ",\"null\"]" : "");
	openapi_text(out, "format", schemas[param->type].format);
	/* Without it, code generators take the object for an empty one. */
	if (param->type == NP_TYPE_OBJECT)
		buf_text(out, ",\"additionalProperties\":true");
	if (param->type == NP_TYPE_FILE)
		return;
	if (param_has_min(param))
		buf_printf(out, ",\"%s\":%" PRId64, is_text(param->type) ? "minLength" : "minimum",
		           param->min);
	if (param_has_max(param))
		buf_printf(out, ",\"%s\":%" PRId64, is_text(param->type) ? "maxLength" : "maximum",
		           param->max);
	if (param->choices)
		write_choices(out, param, nullable);
	if (param->pattern && pattern_is_ecma(param->pattern))
		write_pattern(out, param->pattern);
}

static void
write_list(struct buf *out, const struct shape *shape, const struct np_param *param)
{
	buf_printf(out, "\"type\":%s,\"maxItems\":%" PRId64 ",\"items\":{",
	           param->nullable ? "[\"array\",\"null\"]" : "\"array\"", param->max_items);
	write_rules(out, shape, param, false);
	buf_char(out, '}');
}

static void
write_schema(struct buf *out, const struct shape *shape, const struct np_param *param)
{
	buf_char(out, '{');
	if (param->max_items > 0)
		write_list(out, shape, param);
	else if (schemas[param->type].type)
		write_rules(out, shape, param, param->nullable);
	else
		buf_text(out, "\"title\":\"any JSON value\"");
	write_value(out, "default", param, param->default_value);
	write_value(out, "example", param, param->example);
	/* A parameter has its description beside the schema. */
	if (param->in == NP_IN_BODY || param->in == 0)
		openapi_text(out, "description", param->description);
	buf_char(out, '}');
}

void
openapi_schema(struct buf *out, const struct np_param *param)
{
	const struct shape no_body = { .rows = NULL };

	write_schema(out, &no_body, param);
}

/* The part of a parameter's name behind `prefix` ("user." or ""), up to the next dot. */
struct part {
	const char *text;
	size_t size; /* 0: the name does not begin with the prefix */
	bool last;   /* no dot follows it */
};

static struct part
part_of(const struct shape *shape, const struct np_param *param, const char *prefix,
        size_t prefix_size)
{
	struct part part = { .text = param->name + prefix_size };

	if ((param->in != NP_IN_BODY && !shape->response)
	    || strncmp(param->name, prefix, prefix_size) != 0)
		return (struct part){ .size = 0 };
	part.size = strcspn(part.text, ".");
	part.last = !part.text[part.size];
	return part;
}

static bool
is_same_part(struct part a, struct part b)
{
	return a.size > 0 && a.size == b.size && strncmp(a.text, b.text, a.size) == 0;
}

/* Returns true if no row before row `at` has the same part: the first one stands for all of them.
 */
static bool
is_first_with_part(const struct shape *shape, size_t at, const char *prefix, size_t prefix_size)
{
	struct part part = part_of(shape, shape->rows->items[at], prefix, prefix_size);

	for (size_t i = 0; i < at; i++)
		if (is_same_part(part_of(shape, shape->rows->items[i], prefix, prefix_size), part))
			return false;
	return part.size > 0;
}

/* An object is required if a field in it is, in row `at` or behind it. */
static bool
is_required(const struct shape *shape, size_t at, struct part part, const char *prefix,
            size_t prefix_size)
{
	for (size_t i = at; i < shape->rows->count; i++) {
		const struct np_param *param = shape->rows->items[i];

		if ((shape->response ? prefix_size > 0 || !param->optional
		                     : param->required && !shape->partial)
		    && is_same_part(part_of(shape, param, prefix, prefix_size), part))
			return true;
	}
	return false;
}

/* Says of a member only what nullpool.h promises: a response is not checked. */
static void
write_member(struct buf *out, const struct shape *shape, const struct np_param *param)
{
	const struct np_param member = {
		.type = param->type,
		.nullable = param->nullable,
		.choices = param->choices,
		.max_items = param->max_items,
		.members = param->members,
		.description = param->description,
		.example = param->example,
	};

	write_schema(out, shape, &member);
}

/* A default value does not count in a partial body. */
static void
write_field(struct buf *out, const struct shape *shape, const struct np_param *param)
{
	struct np_param field = *param;

	if (shape->partial)
		field.default_value = NULL;
	write_schema(out, shape, &field);
}

static void
write_name(struct buf *out, const char *before, struct part part)
{
	buf_text(out, before);
	buf_json_string(out, part.text, part.size);
}

static void
write_required(struct buf *out, const struct shape *shape, const char *prefix, size_t prefix_size)
{
	const char *before = "";

	buf_text(out, "},\"required\":[");
	for (size_t i = 0; i < param_count(shape->rows); i++) {
		struct part part = part_of(shape, shape->rows->items[i], prefix, prefix_size);

		if (!is_first_with_part(shape, i, prefix, prefix_size)
		    || !is_required(shape, i, part, prefix, prefix_size))
			continue;
		write_name(out, before, part);
		before = ",";
	}
	buf_text(out, shape->partial && prefix_size == 0 ? "],\"minProperties\":1" : "]");
}

static void
write_braces(struct buf *out, const struct shape *shape, const char *prefix, size_t prefix_size)
{
	buf_char(out, '{');
	write_object(out, shape, prefix, prefix_size, false);
	buf_char(out, '}');
}

/* Writes the rules of the object of the rows whose names begin with the prefix, without the braces.
 * Recurses as deep as names have dots, and tables have tables. */
static void
write_object(struct buf *out, const struct shape *shape, const char *prefix, size_t prefix_size,
             bool nullable)
{
	const char *before = "";

	buf_text(out, nullable ? "\"type\":[\"object\",\"null\"]," : "\"type\":\"object\",");
	buf_text(out, shape->response || shape->open ? "" : "\"additionalProperties\":false,");
	buf_text(out, "\"properties\":{");
	for (size_t i = 0; i < param_count(shape->rows); i++) {
		const struct np_param *param = shape->rows->items[i];
		struct part part = part_of(shape, param, prefix, prefix_size);

		if (!is_first_with_part(shape, i, prefix, prefix_size))
			continue;
		write_name(out, before, part);
		buf_char(out, ':');
		before = ",";
		if (part.last && shape->response)
			write_member(out, shape, param);
		else if (part.last)
			write_field(out, shape, param);
		else
			write_braces(out, shape, param->name, prefix_size + part.size + 1);
	}
	write_required(out, shape, prefix, prefix_size);
}

void
openapi_body(struct buf *out, const struct np_route *route)
{
	const struct shape shape = { .rows = route->params,
		                     .open = route->lenient,
		                     .partial = route->partial };

	write_braces(out, &shape, "", 0);
}

void
openapi_members(struct buf *out, const struct np_params *members)
{
	const struct shape shape = { .rows = members, .response = true };

	write_braces(out, &shape, "", 0);
}
