#include "base/value.h"

_Static_assert(sizeof(struct np_value) <= 40, "a value is often copied");
_Static_assert(INT_TEXT_BYTES <= VALUE_TEXT_BYTES, "an integer fits too");

const char *
value_text(const struct np_value *value, char number[VALUE_TEXT_BYTES])
{
	if (!value->present)
		return NULL;
	if (!value->text && value->type == NP_TYPE_INT)
		(void)text_of_int(value->integer, number);
	else if (!value->text && value->type == NP_TYPE_FLOAT)
		text_of_float(value->number, number);
	else
		return value->text;
	return number;
}
