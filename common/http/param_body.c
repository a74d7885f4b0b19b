#include "http/param_body.h"

#include "base/mem.h"
#include "base/text.h"
#include "http/json.h"
#include "http/json_check.h"
#include "http/param_list.h"
#include "http/param_multipart.h"
#include "http/param_object.h"
#include "http/param_row.h"
#include "http/param_scalar.h"
#include "http/route.h"
#include "http/target.h"

#define ENCODED "The body must not be encoded: Content-Encoding is not supported"

/* --- JSON --- */

/* Frees what one item needed before the next is read: only the list grows. Returns a message, which
 * stays, or NULL. */
static const char *
decode_item(struct decoder *decoder, struct argument *argument, struct json_items *items,
            bool *more)
{
	const struct np_param *param = argument->param;
	void *scope = mem_scope(decoder->owner, "item");
	const char *message = NULL, *text;
	struct json_member item;

	*more = json_next_item(scope, items, &item);
	if (*more) {
		text = param_scalar_text(scope, param->type, &item);
		message = text ? param_list_add(scope, param, text, argument)
		               : mem_printf(scope, PARAM_EACH_ITEM "%s",
		                            param_scalar_message(param->type));
	}
	if (!message)
		mem_free(scope);
	return message;
}

static const char *
decode_list(struct decoder *decoder, struct argument *argument, const struct json_member *member)
{
	const char *message = param_list_begin(decoder->owner, argument->param, argument);
	struct json_items items;
	bool more = true;

	if (member->kind != JSON_ARRAY)
		return "must be an array";
	items = json_items(member);
	while (more && !message)
		message = decode_item(decoder, argument, &items, &more);
	return message;
}

static void
set_json(struct argument *argument, const char *json)
{
	argument->value.text = json;
	argument->value.present = true;
}

static void
decode_value(struct decoder *decoder, struct argument *argument, const struct json_member *member)
{
	const struct np_param *param = argument->param;
	const char *message = NULL, *text;

	argument->given = true;
	if (member->kind == JSON_NULL && param->nullable)
		return;
	if (param->members) {
		param_object_decode(decoder, argument, member);
		return;
	}
	if (param->max_items > 0)
		message = decode_list(decoder, argument, member);
	else if (param->type == NP_TYPE_JSON
	         || (param->type == NP_TYPE_OBJECT && member->kind == JSON_OBJECT))
		set_json(argument, json_compact(decoder->owner, member));
	else if ((text = param_scalar_text(decoder->owner, param->type, member)) != NULL)
		message = param_check(decoder->owner, param, text, argument);
	else
		message = param_scalar_message(param->type);
	if (message)
		decoder_add_fault(decoder, NP_IN_BODY, param->name, message);
}

/* Returns true if a parameter is inside the object of that name. */
static bool
holds_params(const struct decoder *decoder, const char *object)
{
	for (size_t i = 0; i < param_count(decoder->params); i++) {
		const struct np_param *param = decoder->params->items[i];

		if (param->in == NP_IN_BODY && param_is_inside(param->name, object))
			return true;
	}
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
	bool dotted = strchr(member->name, '.') != NULL;
	struct argument *argument = dotted ? NULL : decoder_find(decoder, NP_IN_BODY, name);
	struct json_body children;

	if (argument) {
		decode_value(decoder, argument, member);
	} else if (dotted || !holds_params(decoder, name)) {
		if (!decoder->lenient)
			decoder_add_fault(decoder, NP_IN_BODY, name, DECODER_UNKNOWN_FIELD);
	} else if (member->kind != JSON_OBJECT) {
		decoder_add_fault(decoder, NP_IN_BODY, name, "must be an object");
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

/* --- a form --- */

/* As a query: no name twice, no unknown name. */
static bool
decode_form(struct decoder *decoder, const struct request *request, struct error *err)
{
	struct target form;

	if (strlen(request->body) != request->body_size)
		return error_set(err, FAILURE_MALFORMED, "The body contains a NUL byte");
	if (!target_parse_form(decoder->owner, request->body, &form, err))
		return false;
	for (size_t i = 0; i < form.query_count; i++) {
		const char *name = form.query[i].name;
		struct argument *argument = decoder_find(decoder, NP_IN_BODY, name);

		if (decoder->lenient && (!argument || !*form.query[i].value))
			continue;
		if (!argument)
			decoder_add_fault(decoder, NP_IN_BODY, name, DECODER_UNKNOWN_FIELD);
		else if (argument->given)
			decoder_add_fault(decoder, NP_IN_BODY, name, "is given twice");
		else
			decoder_set(decoder, argument, form.query[i].value);
	}
	return true;
}

/* --- the body --- */

/* Compares the type without its parameters; RFC 9110 8.3.1. */
static bool
is_media_type(const char *type, const char *wanted)
{
	size_t size = strcspn(type, "; \t");

	return size == strlen(wanted) && strncasecmp(type, wanted, size) == 0;
}

/* application/json, or a type of the suffix +json (RFC 6839 3.1). */
static bool
is_json_type(const char *type)
{
	size_t size = strcspn(type, "; \t");

	return is_media_type(type, "application/json")
	       || (size > 5 && strncasecmp(type + size - 5, "+json", 5) == 0);
}

static bool
decode_members(struct decoder *decoder, const struct np_route *route, const struct request *request,
               const char *type, struct error *err)
{
	struct json_body body;

	if (!route_has_param_in(route, NP_IN_BODY))
		return true;
	if (request_is_encoded(request))
		return error_set(err, FAILURE_MEDIA_TYPE, ENCODED);
	if (route->form && is_media_type(type, "application/x-www-form-urlencoded"))
		return decode_form(decoder, request, err);
	if (!is_media_type(type, "application/json"))
		return error_set(err, FAILURE_MEDIA_TYPE, "The body must be application/json%s",
		                 route->form ? " or application/x-www-form-urlencoded" : "");
	if (!json_body_read(decoder->owner, request->body, request->body_size, &body, err))
		return false;
	decode_object(decoder, NULL, &body);
	return true;
}

static bool
check_json(const struct request *request, const char *type, struct error *err)
{
	if (request_is_encoded(request))
		return error_set(err, FAILURE_MEDIA_TYPE, ENCODED);
	if (!is_json_type(type))
		return error_set(err, FAILURE_MEDIA_TYPE,
		                 "The body must be application/json, or of a type with +json");
	return json_check(request->body, request->body_size, err);
}

bool
param_body_decode(struct decoder *decoder, const struct np_route *route,
                  const struct request *request, struct error *err)
{
	const char *type = request_header(request, "content-type");

	switch (route->body) {
	case NP_BODY_MEMBERS:
		return decode_members(decoder, route, request, type ? type : "", err);
	case NP_BODY_MULTIPART:
		if (request_is_encoded(request))
			return error_set(err, FAILURE_MEDIA_TYPE, ENCODED);
		return param_multipart_decode(decoder, request, type ? type : "", err);
	case NP_BODY_JSON:
		return check_json(request, type ? type : "", err);
	case NP_BODY_RAW:
		break;
	}
	return true;
}
