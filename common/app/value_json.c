#include "app/value_json.h"

#include "base/value.h"
#include "db/pgjson.h"
#include "http/json_check.h"

/* For each type of a parameter, the types of pg_type.dat whose text form is the same as ours: of a
 * single value and of a list. All others are text: a date or a time stays as the client wrote it.
 */
static const struct {
	uint32_t single, list;
} types[TYPE_COUNT] = {
	[NP_TYPE_INT] = { 20, 1016 },    /* int8 */
	[NP_TYPE_FLOAT] = { 701, 1022 }, /* float8 */
	[NP_TYPE_BOOL] = { 16, 1000 },
	[NP_TYPE_JSON] = { JSON_COLUMN_TYPE, 3807 }, /* jsonb */
	[NP_TYPE_OBJECT] = { JSON_COLUMN_TYPE, 3807 },
};
#define TEXT_TYPE       25
#define TEXT_ARRAY_TYPE 1009

static uint32_t
column_type_of(struct np_value value)
{
	if (value.column_type)
		return value.column_type;
	if (value.type < TYPE_COUNT && types[value.type].single)
		return value.is_list ? types[value.type].list : types[value.type].single;
	return value.is_list ? TEXT_ARRAY_TYPE : TEXT_TYPE;
}

void
value_json(struct buf *out, struct np_value value)
{
	char number[VALUE_TEXT_BYTES];
	const char *text = value_text(&value, number);

	if (text)
		pgjson_value(out, column_type_of(value), text, strlen(text));
	else
		buf_text(out, "null");
}

bool
value_is_json(const struct np_value *value)
{
	struct error ignored;

	return value->type != NP_TYPE_JSON || !value->present || value->is_list
	       || value->column_type || json_check(value->text, strlen(value->text), &ignored);
}
