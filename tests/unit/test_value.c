#include <float.h>
#include <math.h>

#include "base/value.h"
#include "unit.h"

struct value_row {
	const char *about;
	struct np_value value;
	enum np_type type;
	const char *text; /* as SQL gets it; NULL: SQL's NULL */
};

static void
each_value_has_its_type_and_text(void **state)
{
	const struct value_row rows[] = {
		{ "NULL", np_null(), NP_TYPE_STRING, NULL },
		{ "zeroed", (struct np_value){ 0 }, 0, NULL },
		{ "text", np_text("a \"b\""), NP_TYPE_STRING, "a \"b\"" },
		{ "empty text", np_text(""), NP_TYPE_STRING, "" },
		{ "no text", np_text(NULL), NP_TYPE_STRING, NULL },
		{ "JSON", np_json("{\"a\": [1]}"), NP_TYPE_JSON, "{\"a\": [1]}" },
		{ "JSON's null", np_json("null"), NP_TYPE_JSON, "null" },
		{ "no JSON", np_json(NULL), NP_TYPE_JSON, NULL },
		{ "zero", np_int(0), NP_TYPE_INT, "0" },
		{ "smallest integer", np_int(INT64_MIN), NP_TYPE_INT, "-9223372036854775808" },
		{ "largest integer", np_int(INT64_MAX), NP_TYPE_INT, "9223372036854775807" },
		{ "a tenth", np_float(0.1), NP_TYPE_FLOAT, "0.1" },
		{ "float without a fraction", np_float(1500), NP_TYPE_FLOAT, "1500" },
		{ "largest float", np_float(DBL_MAX), NP_TYPE_FLOAT, "1.7976931348623157e+308" },
		{ "smallest normal float", np_float(-DBL_MIN), NP_TYPE_FLOAT,
		  "-2.2250738585072014e-308" },
		{ "a third", np_float(1.0 / 3.0), NP_TYPE_FLOAT, "0.3333333333333333" },
		{ "NaN", np_float(NAN), NP_TYPE_FLOAT, "NaN" },
		{ "infinity", np_float(INFINITY), NP_TYPE_FLOAT, "Infinity" },
		{ "minus infinity", np_float(-INFINITY), NP_TYPE_FLOAT, "-Infinity" },
		{ "true", np_bool(true), NP_TYPE_BOOL, "true" },
		{ "false", np_bool(false), NP_TYPE_BOOL, "false" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct value_row *row = &rows[i];
		const struct np_value value = row->value;
		char number[VALUE_TEXT_BYTES];

		row_int(row, value.type, row->type);
		row_int(row, np_is_null(value), row->text == NULL);
		row_int(row, value.present, row->text != NULL);
		row_text(row, value_text(&value, number), row->text);
		row_true(row, !value.is_list && value.column_type == 0);
	}
}

static void
a_value_keeps_its_number(void **state)
{
	(void)state;
	assert_true(np_int(INT64_MIN).integer == INT64_MIN);
	assert_true(np_float(-0.1).number == -0.1);
	assert_true(np_bool(true).boolean);
	assert_false(np_bool(false).boolean);
}

static void
text_is_borrowed(void **state)
{
	const char *text = "a";
	struct np_value value = np_text(text);
	char number[VALUE_TEXT_BYTES];

	(void)state;
	assert_ptr_equal(value_text(&value, number), text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_value_has_its_type_and_text),
		TEST(a_value_keeps_its_number),
		TEST(text_is_borrowed),
	};

	return cmocka_run_group_tests_name("value", tests, NULL, NULL);
}
