#include "http/param.h"

#include <inttypes.h>

#include "base/mem.h"
#include "base/text.h"
#include "http/json.h"
#include "http/router.h"

/* Unknown names are reported up to this length. */
#define NAME_MAX_BYTES 128

const char *const param_places[NP_BODY + 1] = {
	[NP_PATH] = "path",
	[NP_QUERY] = "query",
	[NP_HEADER] = "header",
	[NP_BODY] = "body",
};

/* What each type of value is written as in JSON. */
static const struct {
	enum json_kind kind, also;
	const char *message;
} json_forms[NP_TYPE__MAX] = {
	[NP_STRING] = { JSON_STRING, JSON_STRING, "must be a string" },
	[NP_UUID] = { JSON_STRING, JSON_STRING, "must be a string" },
	[NP_EMAIL] = { JSON_STRING, JSON_STRING, "must be a string" },
	[NP_INT] = { JSON_INT, JSON_INT, "must be a whole number" },
	[NP_FLOAT] = { JSON_FLOAT, JSON_INT, "must be a number" },
	[NP_BOOL] = { JSON_BOOL, JSON_BOOL, "must be true or false" },
	[NP_DATE] = { JSON_STRING, JSON_STRING, "must be a string" },
	[NP_DATETIME] = { JSON_STRING, JSON_STRING, "must be a string" },
	[NP_ENUM] = { JSON_STRING, JSON_STRING, "must be a string" },
	[NP_OBJECT] = { JSON_OBJECT, JSON_OBJECT, "must be an object" },
	[NP_CURSOR] = { JSON_STRING, JSON_STRING, "must be a string" },
};

struct decoder {
	void *owner;
	const struct np_param *params;
	struct argument *arguments;
	struct param_faults *faults;
	bool lenient; /* names that nobody knows are passed over */
};

/* Cut between two characters. */
static const char *
short_name(void *owner, const char *name)
{
	size_t size = NAME_MAX_BYTES;

	if (strlen(name) <= size)
		return name;
	while ((name[size] & 0xc0) == 0x80)
		size--;
	return mem_printf(owner, "%.*s\xe2\x80\xa6", (int)size, name);
}

static void
fault(struct decoder *decoder, enum np_place in, const char *name, const char *message)
{
	struct param_faults *faults = decoder->faults;

	if (faults->count == PARAM_FAULTS_MAX)
		return;
	name = short_name(decoder->owner, name);
	faults->items[faults->count++] = (struct param_fault){ param_places[in], name, message };
}

/* The parameter of that place and name, or NULL. */
static const struct np_param *
find(const struct decoder *decoder, enum np_place in, const char *name)
{
	for (const struct np_param *param = decoder->params; param->name; param++)
		if (param->in == in && strcmp(param->name, name) == 0)
			return param;
	return NULL;
}

static struct argument *
argument_of(const struct decoder *decoder, const struct np_param *param)
{
	return &decoder->arguments[param - decoder->params];
}

static void
take(struct decoder *decoder, const struct np_param *param, const char *text)
{
	struct argument *argument = argument_of(decoder, param);
	const char *message = param_check(decoder->owner, param, text, argument);

	if (message)
		fault(decoder, param->in, param->name, message);
	argument->given = true;
}

/* A list may be given value by value. */
static void
take_query(struct decoder *decoder, const struct np_param *param, const char *text)
{
	struct argument *argument = argument_of(decoder, param);

	if (param->max_items > 0) {
		const char *message = param_list_add(decoder->owner, param, text, argument);

		if (message)
			fault(decoder, NP_QUERY, param->name, message);
		argument->given = true;
	} else if (argument->given) {
		fault(decoder, NP_QUERY, param->name, "is given twice");
	} else {
		take(decoder, param, text);
	}
}

static void
decode_query(struct decoder *decoder, const struct target *target)
{
	for (size_t i = 0; i < target->query_count; i++) {
		const struct target_pair *pair = &target->query[i];
		const struct np_param *param = find(decoder, NP_QUERY, pair->name);

		if (!param && decoder->lenient)
			continue;
		if (!param)
			fault(decoder, NP_QUERY, pair->name, "is not a parameter of this path");
		else
			take_query(decoder, param, pair->value);
	}
}

/* Returns the text of a scalar if JSON writes the parameter's type that way, NULL if not. A number
 * without a fraction is an integer, as in JSON Schema: 1.0 and 1e2 are. */
static const char *
text_of(void *owner, const struct np_param *param, const struct json_member *member)
{
	int64_t whole;

	if (param->type == NP_INT && member->kind == JSON_FLOAT)
		return parse_whole(member->text, &whole) ? mem_printf(owner, "%" PRId64, whole)
		                                         : NULL;
	if (member->kind == json_forms[param->type].kind
	    || member->kind == json_forms[param->type].also)
		return member->text;
	return NULL;
}

/* Frees what one item needed before the next is read: only the list grows. */
static const char *
decode_item(struct decoder *decoder, const struct np_param *param, struct json_items *items,
            bool *more)
{
	void *scope = mem_scope(decoder->owner, "item");
	const char *message = NULL, *text;
	struct json_member item;

	*more = json_next_item(scope, items, &item);
	if (*more) {
		text = text_of(scope, param, &item);
		message = text
		              ? param_list_add(scope, param, text, argument_of(decoder, param))
		              : mem_printf(scope, "each of it %s", json_forms[param->type].message);
	}
	if (!message)
		mem_free(scope);
	return message;
}

static const char *
decode_list(struct decoder *decoder, const struct np_param *param, const struct json_member *member)
{
	struct argument *argument = argument_of(decoder, param);
	const char *message = param_list_begin(decoder->owner, param, argument);
	struct json_items items;
	bool more = true;

	if (member->kind != JSON_ARRAY)
		return "must be an array";
	items = json_items(member);
	while (more && !message)
		message = decode_item(decoder, param, &items, &more);
	return message;
}

static void
decode_value(struct decoder *decoder, const struct np_param *param,
             const struct json_member *member)
{
	struct argument *argument = argument_of(decoder, param);
	const char *message = NULL, *text;

	argument->given = true;
	argument->value.type = param->type;
	if (member->kind == JSON_NULL && param->nullable)
		return;
	if (param->max_items > 0)
		message = decode_list(decoder, param, member);
	else if (param->type == NP_JSON
	         || (param->type == NP_OBJECT && member->kind == JSON_OBJECT))
		argument->value.text = json_compact(decoder->owner, member);
	else if ((text = text_of(decoder->owner, param, member)) != NULL)
		message = param_check(decoder->owner, param, text, argument);
	else
		message = json_forms[param->type].message;
	if (message)
		fault(decoder, NP_BODY, param->name, message);
}

const struct np_param *
param_find(const struct np_param *params, const char *name, size_t size)
{
	for (; params && params->name; params++)
		if (strncmp(params->name, name, size) == 0 && !params->name[size])
			return params;
	return NULL;
}

bool
param_is_inside(const struct np_param *param, const char *object)
{
	size_t size = strlen(object);

	return param->in == NP_BODY && strncmp(param->name, object, size) == 0
	       && param->name[size] == '.';
}

/* Whether some parameter is inside the object of that name. */
static bool
holds_params(const struct decoder *decoder, const char *name)
{
	for (const struct np_param *param = decoder->params; param->name; param++)
		if (param_is_inside(param, name))
			return true;
	return false;
}

static void decode_object(struct decoder *decoder, const char *path,
                          const struct json_body *object);

static void
decode_member(struct decoder *decoder, const char *path, const struct json_member *member)
{
	const char *name = path ? mem_printf(decoder->owner, "%s.%s", path, member->name)
	                        : member->name;
	/* "user.email" as one key is not the email of a user. */
	const struct np_param *param = strchr(member->name, '.') ? NULL
	                                                         : find(decoder, NP_BODY, name);
	struct json_body children;

	if (param) {
		decode_value(decoder, param, member);
	} else if (strchr(member->name, '.') || !holds_params(decoder, name)) {
		if (!decoder->lenient)
			fault(decoder, NP_BODY, name, "is not a field that can be set here");
	} else if (member->kind != JSON_OBJECT) {
		fault(decoder, NP_BODY, name, "must be an object");
	} else {
		json_members(decoder->owner, member, &children);
		decode_object(decoder, name, &children);
	}
}

/* Recurses as deep as names have dots, which the table bounds. Stops at the last fault that can be
 * reported. */
static void
decode_object(struct decoder *decoder, const char *path, const struct json_body *object)
{
	for (size_t i = 0; i < object->count && decoder->faults->count < PARAM_FAULTS_MAX; i++)
		decode_member(decoder, path, &object->members[i]);
}

/* The type without its parameters; RFC 9110 8.3.1. */
static bool
is_type(const char *type, const char *wanted)
{
	size_t size = strcspn(type, "; \t");

	return size == strlen(wanted) && strncasecmp(type, wanted, size) == 0;
}

/* As a query: name by name, none twice, nothing unknown. */
static bool
decode_form(struct decoder *decoder, const struct request *request, struct error *err)
{
	struct target form;

	if (strlen(request->body) != request->body_size)
		return error_set(err, NP_MALFORMED, "The body has a NUL in it");
	if (!target_parse_form(decoder->owner, request->body, &form, err))
		return false;
	for (size_t i = 0; i < form.query_count; i++) {
		const char *name = form.query[i].name;
		const struct np_param *param = find(decoder, NP_BODY, name);

		if (decoder->lenient && (!param || !*form.query[i].value))
			continue;
		if (!param)
			fault(decoder, NP_BODY, name, "is not a field that can be set here");
		else if (argument_of(decoder, param)->given)
			fault(decoder, NP_BODY, name, "is given twice");
		else
			take(decoder, param, form.query[i].value);
	}
	return true;
}

static bool
takes_body(const struct np_param *params)
{
	for (; params->name; params++)
		if (params->in == NP_BODY)
			return true;
	return false;
}

static bool
decode_body(struct decoder *decoder, const struct np_route *route, const struct request *request,
            struct error *err)
{
	const char *type = request_header(request, "content-type");
	struct json_body body;

	/* What a route does not ask for is not read, as in FastAPI. */
	if (!takes_body(decoder->params))
		return true;
	if (request_is_encoded(request))
		return error_set(err, NP_MEDIA_TYPE,
		                 "The body must not be encoded: Content-Encoding is not"
		                 " supported");
	if (route->form && type && is_type(type, "application/x-www-form-urlencoded"))
		return decode_form(decoder, request, err);
	if (!type || !is_type(type, "application/json"))
		return error_set(err, NP_MEDIA_TYPE, "The body must be application/json%s",
		                 route->form ? " or application/x-www-form-urlencoded" : "");
	if (!json_body_read(decoder->owner, request->body, request->body_size, &body, err))
		return false;
	decode_object(decoder, NULL, &body);
	return true;
}

static void
decode_rest(struct decoder *decoder, const struct np_route *route, const struct request *request,
            const struct target *target)
{
	for (const struct np_param *param = decoder->params; param->name; param++) {
		const char *text = NULL;

		if (param->in == NP_PATH)
			text = router_segment(route, target, param->name);
		else if (param->in == NP_HEADER)
			text = request_header(request, param->name);
		if (text)
			take(decoder, param, text);
	}
}

/* What nobody gave: the default value, or a fault when it is required. */
static void
fill_in(struct decoder *decoder)
{
	for (const struct np_param *param = decoder->params; param->name; param++) {
		struct argument *argument = &decoder->arguments[param - decoder->params];

		if (argument->given)
			continue;
		argument->value.type = param->type;
		if (param->required)
			fault(decoder, param->in, param->name, "is required");
		else if (param->default_value)
			take(decoder, param, param->default_value);
		argument->given = false;
	}
}

bool
param_decode(void *owner, const struct np_route *route, const struct request *request,
             const struct target *target, struct argument **arguments, struct param_faults *faults,
             struct error *err)
{
	static const struct np_param none[] = { NP_PARAMS_END };
	struct decoder decoder = { .owner = owner,
		                   .params = route->params ? route->params : none,
		                   .faults = faults,
		                   .lenient = route->lenient };
	size_t count = 0;

	while (decoder.params[count].name)
		count++;
	decoder.arguments = mem_array(owner, struct argument, count);
	faults->count = 0;
	decode_rest(&decoder, route, request, target);
	decode_query(&decoder, target);
	if (!decode_body(&decoder, route, request, err))
		return false;
	fill_in(&decoder);
	if (faults->count > 0)
		return error_set(err, NP_INVALID, "%zu of the values given cannot be accepted",
		                 faults->count);
	*arguments = decoder.arguments;
	return true;
}
