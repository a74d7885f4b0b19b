#include "http/param_object.h"

#include <inttypes.h>

#include "base/mem.h"
#include "http/param_row.h"
#include "http/param_scalar.h"

/* Default values may make many times the bytes that were sent. libpq copies what is made. */
#define OBJECT_MAX_BYTES(sent) (3 * (sent) + (1 << 20))

/* One object or list that is being decoded. `scope` owns what is needed for a moment. */
struct place {
	struct decoder *decoder;
	void *scope;
	const char *path; /* of it, for faults */
	struct buf *out;
};

static void write_value(const struct place *place, const struct np_param *param,
                        const struct json_member *member);

static bool
is_full(const struct place *place)
{
	return place->decoder->faults->count == PARAM_FAULTS_MAX;
}

/* The path and the message outlive the scope. */
static void
add_fault(const struct place *place, const char *path, const char *message)
{
	void *owner = place->decoder->owner;

	if (!is_full(place))
		decoder_add_fault(place->decoder, NP_IN_BODY, mem_strdup(owner, path),
		                  mem_strdup(owner, message));
}

static const char *
inner_path(const struct place *place, const char *name)
{
	return mem_printf(place->scope, "%s.%s", place->path, name);
}

/* --- one value --- */

static void
write_text(const struct place *place, const struct np_param *param, const char *text)
{
	struct argument one;
	const char *message = param_check(place->scope, param, text, &one);

	if (message)
		add_fault(place, place->path, message);
	else
		param_scalar_write(place->out, &one.value);
}

static void
write_scalar(const struct place *place, const struct np_param *param,
             const struct json_member *member)
{
	const char *text = param_scalar_text(place->scope, param->type, member);

	if (text)
		write_text(place, param, text);
	else
		add_fault(place, place->path, param_scalar_message(param->type));
}

/* --- an object --- */

static void
refuse_unknown(const struct place *place, const struct np_params *members,
               const struct json_body *object)
{
	for (size_t i = 0; i < object->count && !is_full(place); i++) {
		const char *name = object->members[i].name;

		if (param_find(members, name, strlen(name)) == PARAM_NONE)
			add_fault(place, inner_path(place, name), DECODER_UNKNOWN_FIELD);
	}
}

/* Writes a member, its default value or nothing. */
static void
write_member(const struct place *place, const struct np_param *param,
             const struct json_member *member, const char *before)
{
	struct place inner = *place;

	/* Most members of a large table may be absent. */
	if (!member && !param->default_value) {
		if (param->required)
			add_fault(place, inner_path(place, param->name), "is required");
		return;
	}
	inner.path = member ? inner_path(place, param->name) : param->name;
	buf_text(place->out, before);
	buf_json_text(place->out, param->name);
	buf_char(place->out, ':');
	if (member)
		write_value(&inner, param, member);
	else
		write_text(&inner, param, param->default_value);
}

static void
write_object(const struct place *place, const struct np_params *members,
             const struct json_member *member)
{
	struct json_body object;
	size_t start = place->out->size + 1;

	if (member->kind != JSON_OBJECT) {
		add_fault(place, place->path, "must be an object");
		return;
	}
	json_members(place->scope, member, &object);
	buf_char(place->out, '{');
	for (size_t i = 0; i < members->count && !is_full(place); i++) {
		const struct np_param *param = members->items[i];

		write_member(place, param, json_find(&object, param->name),
		             place->out->size > start ? "," : "");
	}
	buf_char(place->out, '}');
	if (!place->decoder->lenient)
		refuse_unknown(place, members, &object);
}

/* --- a list --- */

static void
write_one(const struct place *place, const struct np_param *param, const struct json_member *member)
{
	if (param->members)
		write_object(place, param->members, member);
	else if (param->type == NP_TYPE_JSON
	         || (param->type == NP_TYPE_OBJECT && member->kind == JSON_OBJECT))
		buf_text(place->out, json_compact(place->scope, member));
	else
		write_scalar(place, param, member);
}

/* Frees what an item needed before the next is read: only the text grows. Returns false if there is
 * none. */
static bool
write_item(const struct place *place, const struct np_param *param, struct json_items *items,
           int64_t index)
{
	void *scope = mem_scope(place->scope, "item");
	const struct place inner = { place->decoder, scope,
		                     mem_printf(scope, "%s[%" PRId64 "]", place->path, index),
		                     place->out };
	struct json_member item;
	bool more = json_next_item(scope, items, &item);

	if (more && index == param->max_items) {
		add_fault(
		    place, place->path,
		    mem_printf(scope, "must have at most %" PRId64 " values", param->max_items));
		more = false;
	} else if (more) {
		buf_text(place->out, index > 0 ? "," : "");
		write_one(&inner, param, &item);
	}
	mem_free(scope);
	return more;
}

static void
write_list(const struct place *place, const struct np_param *param,
           const struct json_member *member)
{
	struct json_items items;
	int64_t index = 0;

	if (member->kind != JSON_ARRAY) {
		add_fault(place, place->path, "must be an array");
		return;
	}
	items = json_items(member);
	buf_char(place->out, '[');
	while (!is_full(place) && write_item(place, param, &items, index))
		index++;
	buf_char(place->out, ']');
}

/* Recurses as deep as the tables do. */
static void
write_value(const struct place *place, const struct np_param *param,
            const struct json_member *member)
{
	if (member->kind == JSON_NULL && param->nullable)
		buf_text(place->out, "null");
	else if (param->max_items > 0)
		write_list(place, param, member);
	else
		write_one(place, param, member);
}

void
param_object_decode(struct decoder *decoder, struct argument *argument,
                    const struct json_member *member)
{
	const struct np_param *param = argument->param;
	struct place place = { decoder, mem_scope(decoder->owner, "object"), param->name, NULL };
	struct buf out;

	buf_init(&out, decoder->owner, OBJECT_MAX_BYTES(member->size));
	place.out = &out;
	write_value(&place, param, member);
	if (out.overflow)
		add_fault(&place, param->name, "is too long");
	argument->value.text = out.data;
	argument->value.present = true;
	mem_free(place.scope);
}
