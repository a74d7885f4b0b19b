#include "http/param_list.h"

#include <inttypes.h>

#include "base/mem.h"
#include "http/request.h"

/* Room for every list that a body can hold: quotes around single digits, or a backslash before each
 * character, double its length. */
#define LIST_MAX_BYTES (2 * (size_t)REQUEST_BODY_LIMIT_BYTES)

/* Quotes each element, so that a comma, a brace, a space or the word NULL in it has no meaning:
 * https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO */
static void
write_element(struct buf *out, const char *text)
{
	buf_char(out, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			buf_char(out, '\\');
		buf_char(out, *text);
	}
	buf_char(out, '"');
}

/* The list is closed after each value; the next value replaces the closing brace. */
static const char *
close_list(const struct np_param *param, struct argument *argument)
{
	buf_char(&argument->list, '}');
	if (argument->list.overflow)
		return "is too long";
	argument->value = (struct np_value){
		.text = argument->list.data, .type = param->type, .present = true, .is_list = true
	};
	return NULL;
}

const char *
param_list_begin(void *owner, const struct np_param *param, struct argument *argument)
{
	buf_init(&argument->list, owner, LIST_MAX_BYTES);
	buf_char(&argument->list, '{');
	argument->list_count = 0;
	return close_list(param, argument);
}

const char *
param_list_add(void *owner, const struct np_param *param, const char *text,
               struct argument *argument)
{
	struct argument one;
	const char *message;

	if (!argument->list.data)
		(void)param_list_begin(owner, param, argument);
	if (argument->list_count == param->max_items)
		return mem_printf(owner, "must have at most %" PRId64 " values", param->max_items);
	message = param_check(owner, param, text, &one);
	if (message)
		return mem_printf(owner, PARAM_EACH_ITEM "%s", message);
	argument->list.size--;
	if (argument->list_count++ > 0)
		buf_char(&argument->list, ',');
	write_element(&argument->list, one.value.text);
	return close_list(param, argument);
}
