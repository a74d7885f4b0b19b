#include "app/value_json.h"

#include "db/pgjson.h"

/* Types of pg_type.dat in which each type of a parameter has the text that it has here. Its dates
 * and times stay as the client wrote them. */
static const struct {
	uint32_t one, list;
} types[NP_TYPE__MAX] = {
	[NP_INT] = { 20, 1016 },                                  /* int8 */
	[NP_FLOAT] = { 701, 1022 },                               /* float8 */
	[NP_BOOL] = { 16, 1000 },     [NP_JSON] = { 3802, 3807 }, /* jsonb */
	[NP_OBJECT] = { 3802, 3807 },
};
#define TEXT  25
#define TEXTS 1009

static uint32_t
type_of(struct np_value value)
{
	if (value.column_type)
		return value.column_type;
	if (types[value.type].one)
		return value.is_list ? types[value.type].list : types[value.type].one;
	return value.is_list ? TEXTS : TEXT;
}

void
value_json(struct buf *out, struct np_value value)
{
	if (value.text)
		pgjson_value(out, type_of(value), value.text, strlen(value.text));
	else
		buf_text(out, "null");
}
