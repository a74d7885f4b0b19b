#include "http/param_scalar.h"

#include <inttypes.h>

#include "base/mem.h"
#include "base/text.h"

static const struct {
	enum json_kind kind, also;
	const char *message;
} json_forms[TYPE_COUNT] = {
	[NP_TYPE_STRING] = { JSON_STRING, JSON_STRING, "must be a string" },
	[NP_TYPE_UUID] = { JSON_STRING, JSON_STRING, "must be a string" },
	[NP_TYPE_EMAIL] = { JSON_STRING, JSON_STRING, "must be a string" },
	[NP_TYPE_INT] = { JSON_INT, JSON_INT, "must be a whole number" },
	[NP_TYPE_FLOAT] = { JSON_FLOAT, JSON_INT, "must be a number" },
	[NP_TYPE_BOOL] = { JSON_BOOL, JSON_BOOL, "must be true or false" },
	[NP_TYPE_DATE] = { JSON_STRING, JSON_STRING, "must be a string" },
	[NP_TYPE_DATETIME] = { JSON_STRING, JSON_STRING, "must be a string" },
	[NP_TYPE_ENUM] = { JSON_STRING, JSON_STRING, "must be a string" },
	[NP_TYPE_OBJECT] = { JSON_OBJECT, JSON_OBJECT, "must be an object" },
	[NP_TYPE_CURSOR] = { JSON_STRING, JSON_STRING, "must be a string" },
};

const char *
param_scalar_message(enum np_type type)
{
	return json_forms[type].message;
}

const char *
param_scalar_text(void *owner, enum np_type type, const struct json_member *member)
{
	int64_t whole;

	if (type == NP_TYPE_INT && member->kind == JSON_FLOAT)
		return parse_whole(member->text, &whole) ? mem_printf(owner, "%" PRId64, whole)
		                                         : NULL;
	if (member->kind == json_forms[type].kind || member->kind == json_forms[type].also)
		return member->text;
	return NULL;
}

void
param_scalar_write(struct buf *out, const struct np_value *value)
{
	if (json_forms[value->type].kind == JSON_STRING)
		buf_json_text(out, value->text);
	else
		buf_text(out, value->text);
}
