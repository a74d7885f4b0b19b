#include "http/param_check.h"

#include <inttypes.h>

#include "base/mem.h"
#include "base/text.h"
#include "http/date.h"
#include "http/param_row.h"
#include "http/pattern.h"

#define EMAIL_MAX_BYTES   254 /* RFC 5321 4.5.3.1.3, without the angle brackets */
#define EMAIL_LOCAL_MAX   64
#define LABEL_MAX_BYTES   63
#define UUID_TEXT_LENGTH  36
#define MESSAGE_MAX_BYTES 4096

/* Makes one text of one value, for cache keys and comparisons: lower case. */
static const char *
canonical_uuid(void *owner, const char *text)
{
	char *lower;

	if (!strpbrk(text, "ABCDEF"))
		return text;
	lower = mem_strdup(owner, text);
	for (char *c = lower; *c; c++)
		*c = text_lower(*c);
	return lower;
}

static bool
is_uuid(const char *text)
{
	if (strlen(text) != UUID_TEXT_LENGTH)
		return false;
	for (int i = 0; i < UUID_TEXT_LENGTH; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? text[i] != '-' : text_hex(text[i]) < 0)
			return false;
	}
	return true;
}

/* A label of a host name: letters, digits and dashes, without a dash at either end. */
static bool
is_label(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (!text_is_alnum(text[i]) && text[i] != '-')
			return false;
	return size > 0 && size <= LABEL_MAX_BYTES && text[0] != '-' && text[size - 1] != '-';
}

/* The rule of HTML's <input type=email>, https://html.spec.whatwg.org/#valid-e-mail-address, with
 * the lengths of RFC 5321. It has no comments and no quotes, which mail systems refuse anyway. */
static bool
is_email(const char *text)
{
	size_t local = strcspn(text, "@");
	const char *domain = text + local;

	if (local == 0 || local > EMAIL_LOCAL_MAX || !*domain || strlen(text) > EMAIL_MAX_BYTES)
		return false;
	for (size_t i = 0; i < local; i++)
		if (!text_is_alnum(text[i]) && !strchr(".!#$%&'*+/=?^_`{|}~-", text[i]))
			return false;
	do {
		size_t size = strcspn(++domain, ".");

		if (!is_label(domain, size))
			return false;
		domain += size;
	} while (*domain);
	return true;
}

static bool
is_within(const struct np_param *param, int64_t number)
{
	return (!param_has_min(param) || number >= param->min)
	       && (!param_has_max(param) || number <= param->max);
}

/* Makes one text of one value: no leading zeros, and no minus before 0. */
static const char *
canonical_int(void *owner, const struct np_value *value)
{
	char text[INT_TEXT_BYTES];

	(void)text_of_int(value->integer, text);
	return strcmp(text, value->text) == 0 ? value->text : mem_strdup(owner, text);
}

static const char *
check_int(void *owner, const struct np_param *param, struct np_value *value)
{
	if (parse_int(value->text, &value->integer) && is_within(param, value->integer)) {
		value->text = canonical_int(owner, value);
		return NULL;
	}
	if (!param_has_min(param))
		return "must be a whole number";
	if (!param_has_max(param))
		return mem_printf(owner, "must be a whole number, at least %" PRId64, param->min);
	return mem_printf(owner, "must be a whole number from %" PRId64 " to %" PRId64, param->min,
	                  param->max);
}

static const char *
check_enum(void *owner, const struct np_param *param, struct np_value *value)
{
	struct buf message;

	buf_init(&message, owner, MESSAGE_MAX_BYTES);
	buf_text(&message, PARAM_CHOICES_PREFIX);
	for (size_t i = 0; i < param->choices->count; i++) {
		if (strcmp(param->choices->items[i], value->text) == 0) {
			value->integer = (int64_t)i;
			return NULL;
		}
		buf_printf(&message, "%s %s", i > 0 ? "," : "", param->choices->items[i]);
	}
	return message.data;
}

static const char *
check_string(void *owner, const struct np_param *param, const struct np_value *value)
{
	size_t points;

	if (!utf8_valid(value->text, strlen(value->text), &points))
		return "must be UTF-8";
	if (is_within(param, (int64_t)points))
		return !param->pattern || pattern_matches(param->pattern, value->text)
		           ? NULL
		           : mem_printf(owner, "must match %s", param->pattern);
	if (!param_has_max(param))
		return mem_printf(owner, "must have at least %" PRId64 " characters", param->min);
	return mem_printf(owner, "must have %" PRId64 " to %" PRId64 " characters", param->min,
	                  param->max);
}

const char *
param_check(void *owner, const struct np_param *param, const char *text, struct argument *argument)
{
	struct np_value *value = &argument->value;

	*value = (struct np_value){ .text = text, .type = param->type, .present = true };
	switch (param->type) {
	case NP_TYPE_STRING:
		return check_string(owner, param, value);
	case NP_TYPE_UUID:
		value->text = canonical_uuid(owner, text);
		return is_uuid(text) ? NULL : "must be a UUID";
	case NP_TYPE_EMAIL:
		return is_email(text) ? NULL : "must be an email address";
	case NP_TYPE_INT:
		return check_int(owner, param, value);
	case NP_TYPE_FLOAT:
		return parse_float(text, &value->number) ? NULL : "must be a number";
	case NP_TYPE_BOOL:
		value->boolean = strcmp(text, "true") == 0;
		return value->boolean || strcmp(text, "false") == 0 ? NULL
		                                                    : "must be true or false";
	case NP_TYPE_DATE:
		return date_valid(text) ? NULL : "must be a date such as 2026-01-31";
	case NP_TYPE_DATETIME:
		return datetime_valid(text)
		           ? NULL
		           : "must be a date and time such as 2026-01-31T23:59:59Z";
	case NP_TYPE_ENUM:
		return check_enum(owner, param, value);
	case NP_TYPE_JSON:
	case NP_TYPE_OBJECT:
	case NP_TYPE_FILE:
		return "is allowed only in a body";
	case NP_TYPE_CURSOR:
		return cursor_read(owner, text, argument->cursor)
		           ? NULL
		           : "must be the \"next\" of a page";
	}
	return "has no type";
}
