/* object - a value of tables within tables is JSON of what the tables say and nothing else, and
 * what is made of it is the same again
 *
 * Input: a byte (1: unknown names are ignored), then the JSON of a list.
 */
#include "http/param_object.h"

#include "fuzz.h"
#include "http/param_row.h"

static const struct np_param width = {
	.name = "width", .in = NP_IN_BODY, .type = NP_TYPE_INT, .required = true, .max = 9
};
static const struct np_param unit = { .name = "unit",
	                              .in = NP_IN_BODY,
	                              .type = NP_TYPE_ENUM,
	                              .choices = NP_NAMES("cm", "in"),
	                              .default_value = "cm" };
static const struct np_param sku = {
	.name = "sku", .in = NP_IN_BODY, .type = NP_TYPE_STRING, .required = true, .max = 5
};
static const struct np_param price = {
	.name = "price", .in = NP_IN_BODY, .type = NP_TYPE_FLOAT, .nullable = true
};
static const struct np_param id = { .name = "id", .in = NP_IN_BODY, .type = NP_TYPE_UUID };
static const struct np_param size_of = { .name = "size",
	                                 .in = NP_IN_BODY,
	                                 .type = NP_TYPE_OBJECT,
	                                 .members = NP_PARAMS(&width, &unit) };
static const struct np_param tags = {
	.name = "tags", .in = NP_IN_BODY, .type = NP_TYPE_STRING, .max = 3, .max_items = 2
};
static const struct np_param any = { .name = "any", .in = NP_IN_BODY, .type = NP_TYPE_JSON };
static const struct np_param items = {
	.name = "items",
	.in = NP_IN_BODY,
	.type = NP_TYPE_OBJECT,
	.max_items = 3,
	.members = NP_PARAMS(&sku, &price, &id, &size_of, &tags, &any),
};

/* Returns the text, or NULL if something is wrong with the value. */
static const char *
decode(void *owner, const char *text, size_t size, bool lenient, struct param_faults *faults)
{
	struct argument argument = { .param = &items };
	struct decoder decoder = { .owner = owner,
		                   .params = NP_PARAMS(&items),
		                   .arguments = &argument,
		                   .faults = faults,
		                   .lenient = lenient };
	const char *whole = mem_printf(owner, "{\"items\":%.*s}", (int)size, text);
	struct json_body body;
	struct error err;

	faults->count = 0;
	if (!json_body_read(owner, whole, strlen(whole), &body, &err) || body.count != 1
	    || strcmp(body.members[0].name, "items") != 0)
		return NULL;
	param_object_decode(&decoder, &argument, &body.members[0]);
	for (size_t i = 0; i < faults->count; i++)
		HOLDS(text_starts(faults->items[i].name, "items") && faults->items[i].message[0]);
	return faults->count == 0 ? argument.value.text : NULL;
}

static void
check_member(struct json_object *object, const struct np_params *members)
{
	json_object_object_foreach(object, name, value)
	{
		size_t index = param_find(members, name, strlen(name));

		HOLDS(index != PARAM_NONE);
		if (members->items[index] == &size_of) {
			HOLDS(json_object_is_type(value, json_type_object));
			check_member(value, size_of.members);
		} else if (members->items[index] == &tags) {
			HOLDS(json_object_array_length(value) <= 2);
		} else if (members->items[index] == &price) {
			HOLDS(!value || json_object_is_type(value, json_type_int)
			      || json_object_is_type(value, json_type_double));
		}
	}
	for (size_t i = 0; i < members->count; i++)
		HOLDS(json_object_object_get_ex(object, members->items[i]->name, NULL)
		      || (!members->items[i]->required && !members->items[i]->default_value));
}

static void
check_list(const char *text)
{
	bool valid;
	struct json_object *list = json_read(text, strlen(text), &valid);

	HOLDS(valid && json_object_is_type(list, json_type_array));
	HOLDS(json_object_array_length(list) <= 3);
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *one = json_object_array_get_idx(list, i);

		HOLDS(json_object_is_type(one, json_type_object));
		check_member(one, items.members);
	}
	(void)json_object_put(list);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *owner = mem_scope(NULL, "input");
	struct input in = { data, size };
	bool lenient = input_byte(&in) % 2 == 1;
	const char *text = input_copy(owner, in.at, in.left), *once, *again;
	struct param_faults faults;

	once = decode(owner, text, in.left, lenient, &faults);
	if (once) {
		check_list(once);
		again = decode(owner, once, strlen(once), false, &faults);
		HOLDS(again && strcmp(again, once) == 0);
	}
	mem_free(owner);
	return 0;
}
