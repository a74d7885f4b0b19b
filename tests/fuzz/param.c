/* param - a value of each type: an accepted one follows the rules, which are written here a second
 * time, and is within the bounds of its row
 *
 * Input: a byte for the row, then the value; the values of a list are lines.
 */
#include "http/param_list.h"

#include <math.h>

#include "fuzz.h"
#include "http/param_row.h"

static const struct np_param rows[] = {
	{ .name = "string", .type = NP_TYPE_STRING },
	{ .name = "bounded", .type = NP_TYPE_STRING, .min = 2, .max = 5 },
	{ .name = "at_least", .type = NP_TYPE_STRING, .min = 3 },
	{ .name = "pattern", .type = NP_TYPE_STRING, .max = 100, .pattern = "[a-z]+(-[a-z]+)*" },
	{ .name = "uuid", .type = NP_TYPE_UUID },
	{ .name = "email", .type = NP_TYPE_EMAIL },
	{ .name = "int", .type = NP_TYPE_INT },
	{ .name = "int_bounded", .type = NP_TYPE_INT, .min = -3, .max = 1000 },
	{ .name = "int_at_least", .type = NP_TYPE_INT, .min = 7 },
	{ .name = "float", .type = NP_TYPE_FLOAT },
	{ .name = "bool", .type = NP_TYPE_BOOL },
	{ .name = "date", .type = NP_TYPE_DATE },
	{ .name = "datetime", .type = NP_TYPE_DATETIME },
	{ .name = "enum", .type = NP_TYPE_ENUM, .choices = NP_NAMES("red", "green", "") },
	{ .name = "json", .type = NP_TYPE_JSON },
	{ .name = "object", .type = NP_TYPE_OBJECT },
	{ .name = "cursor", .type = NP_TYPE_CURSOR },
	{ .name = "strings", .type = NP_TYPE_STRING, .max_items = 3 },
	{ .name = "ints", .type = NP_TYPE_INT, .max_items = 4, .min = 1, .max = 9 },
};

static size_t
points_of(const char *text)
{
	size_t points = 0;

	for (; *text; text++)
		points += (*text & 0xc0) != 0x80;
	return points;
}

static bool
is_uuid(const char *text)
{
	char form[] = "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh";

	for (size_t i = 0; i < strlen(form); i++)
		if (!text[i] || !strchr(form[i] == '-' ? "-" : "0123456789abcdefABCDEF", text[i]))
			return false;
	return !text[strlen(form)];
}

/* Checks only what every address has; the rule itself is stricter. */
static void
check_email(const char *text)
{
	const char *at = strchr(text, '@');

	HOLDS(at && at > text && at - text <= 64 && !strchr(at + 1, '@') && strlen(text) <= 254);
	HOLDS(at[1] && at[1] != '.' && at[1] != '-' && !strstr(at, "..")
	      && at[strlen(at) - 1] != '.');
	for (; *text; text++)
		HOLDS(*text > ' ' && *text < 0x7f && !strchr("\"(),:;<>[]\\", *text));
}

static bool
digits_are(const char *text, int count)
{
	for (int i = 0; i < count; i++)
		if (!text_is_digit(text[i]))
			return false;
	return true;
}

/* Returns true if libc's calendar has the day: it comes back as the same one. */
static bool
is_date(const char *text)
{
	struct tm day = { .tm_isdst = 0 }, again;
	time_t seconds;

	if (!digits_are(text, 4) || text[4] != '-' || !digits_are(text + 5, 2) || text[7] != '-'
	    || !digits_are(text + 8, 2))
		return false;
	day.tm_year = (text[0] - '0') * 1000 + (text[1] - '0') * 100 + (text[2] - '0') * 10
	              + (text[3] - '0') - 1900;
	day.tm_mon = (text[5] - '0') * 10 + (text[6] - '0') - 1;
	day.tm_mday = (text[8] - '0') * 10 + (text[9] - '0');
	again = day;
	seconds = timegm(&again);
	(void)gmtime_r(&seconds, &again);
	return day.tm_year > -1900 && again.tm_year == day.tm_year && again.tm_mon == day.tm_mon
	       && again.tm_mday == day.tm_mday;
}

static void
check_datetime(const char *text)
{
	const char *at = text + 19;

	HOLDS(strlen(text) >= 20 && is_date(text) && (text[10] == 'T' || text[10] == 't'));
	HOLDS(digits_are(text + 11, 2) && text[13] == ':' && digits_are(text + 14, 2)
	      && text[16] == ':' && digits_are(text + 17, 2));
	HOLDS(strncmp(text + 11, "24", 2) < 0 && strncmp(text + 14, "60", 2) < 0
	      && strncmp(text + 17, "61", 2) < 0);
	if (*at == '.') {
		size_t digits = strspn(at + 1, "0123456789");

		HOLDS(digits >= 1 && digits <= 9);
		at += 1 + digits;
	}
	if (*at == 'Z' || *at == 'z') {
		HOLDS(!at[1]);
		return;
	}
	HOLDS((*at == '+' || *at == '-') && digits_are(at + 1, 2) && at[3] == ':'
	      && digits_are(at + 4, 2) && !at[6]);
}

static void
check_number(const struct np_param *param, const struct np_value *value)
{
	int64_t number;

	HOLDS(parse_int(value->text, &number) && number == value->integer);
	HOLDS(!param_has_min(param) || number >= param->min);
	HOLDS(!param_has_max(param) || number <= param->max);
}

static void
check_accepted(const struct np_param *param, const char *text, const struct argument *argument)
{
	const struct np_value *value = &argument->value;

	HOLDS(value->present && value->text && value->type == param->type);
	switch (param->type) {
	case NP_TYPE_STRING:
		HOLDS(utf8_valid(text, strlen(text), NULL) && value->text == text);
		HOLDS(points_of(text) >= (size_t)param->min);
		HOLDS(!param_has_max(param) || points_of(text) <= (size_t)param->max);
		HOLDS(!param->pattern
		      || strspn(text, "abcdefghijklmnopqrstuvwxyz-") == strlen(text));
		break;
	case NP_TYPE_UUID:
		HOLDS(is_uuid(text) && text_equal_nocase(value->text, text)
		      && !strpbrk(value->text, "ABCDEF"));
		break;
	case NP_TYPE_EMAIL:
		check_email(text);
		break;
	case NP_TYPE_INT:
		check_number(param, value);
		break;
	case NP_TYPE_FLOAT:
		HOLDS(isfinite(value->number) && strtod(text, NULL) == value->number);
		HOLDS(strspn(text, "0123456789+-.eE") == strlen(text));
		break;
	case NP_TYPE_BOOL:
		HOLDS(strcmp(text, value->boolean ? "true" : "false") == 0);
		break;
	case NP_TYPE_DATE:
		HOLDS(is_date(text) && strlen(text) == 10);
		break;
	case NP_TYPE_DATETIME:
		check_datetime(text);
		break;
	case NP_TYPE_ENUM:
		HOLDS(value->integer >= 0 && value->integer < 3
		      && same_text(param->choices->items[value->integer], text));
		break;
	case NP_TYPE_CURSOR:
		HOLDS(argument->cursor[0] != NULL);
		break;
	default:
		HOLDS(false); /* a type that only a body has */
	}
}

/* A valid value must be accepted. */
static void
check_refused(const struct np_param *param, const char *text, const char *message)
{
	int64_t number;

	HOLDS(*message && !has_control(message) && utf8_valid(message, strlen(message), NULL));
	switch (param->type) {
	case NP_TYPE_UUID:
		HOLDS(!is_uuid(text));
		break;
	case NP_TYPE_DATE:
		HOLDS(!is_date(text) || strlen(text) != 10);
		break;
	case NP_TYPE_INT:
		HOLDS(param_has_min(param) || !parse_int(text, &number));
		break;
	case NP_TYPE_STRING:
		HOLDS(param->pattern || param_has_min(param)
		      || !utf8_valid(text, strlen(text), NULL));
		break;
	case NP_TYPE_BOOL:
		HOLDS(strcmp(text, "true") != 0 && strcmp(text, "false") != 0);
		break;
	default:
		break;
	}
}

/* Returns the next element of {"a","b\""} as array_in() reads it, or NULL. */
static const char *
next_element(void *owner, const char **at)
{
	struct buf out;

	HOLDS(**at == '{' || **at == ',' || **at == '}');
	if (**at == '}' || strcmp(*at, "{}") == 0)
		return NULL;
	++*at;
	HOLDS(**at == '"');
	buf_init(&out, owner, 1 << 20);
	for (++*at; **at != '"'; ++*at) {
		*at += **at == '\\';
		HOLDS(**at);
		buf_char(&out, **at);
	}
	++*at;
	return out.data;
}

/* Returns the one text of a value: 7 for 007. */
static const char *
canonical(void *owner, const struct np_param *param, const char *text)
{
	struct argument one;

	HOLDS(!param_check(owner, param, text, &one));
	return one.value.text;
}

/* The array has the accepted values, and no others. */
static void
check_list(void *owner, const struct np_param *param, struct input *in)
{
	struct argument argument = { .given = false };
	const char *accepted[16], *array, *element;
	size_t count = 0;

	while (in->left > 0) {
		const char *text = input_text(owner, in, '\n'),
		           *message = param_list_add(owner, param, text, &argument);

		if (message)
			HOLDS(*message && !has_control(message));
		else
			accepted[count++] = canonical(owner, param, text);
		HOLDS(count <= (size_t)param->max_items);
	}
	if (!argument.list.data)
		return;
	HOLDS(argument.value.present == (argument.value.text != NULL));
	array = argument.value.present ? argument.value.text : argument.list.data;
	HOLDS(argument.list_count == (int64_t)count);
	for (size_t i = 0; (element = next_element(owner, &array)) != NULL; i++)
		HOLDS(i < count && same_text(element, accepted[i]));
	HOLDS(strcmp(array + (*array == '{'), "}") == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *owner = mem_scope(NULL, "input");
	struct input in = { data, size };
	const struct np_param *param = &rows[input_byte(&in) % COUNT_OF(rows)];
	struct argument argument = { .given = false };
	const char *text, *message;

	if (param->max_items > 0) {
		check_list(owner, param, &in);
	} else {
		text = input_rest(owner, &in);
		message = param_check(owner, param, text, &argument);
		if (message)
			check_refused(param, text, message);
		else
			check_accepted(param, text, &argument);
	}
	mem_free(owner);
	return 0;
}
