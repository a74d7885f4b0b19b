/* words.c - what a handler may say, keep and ask about its request: log lines, memory, the client
 */
#include <stdarg.h>

#include "app/ctx.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/misuse.h"
#include "base/text.h"

#define EVENT_MAX_BYTES 255

/* --- log lines --- */

/* Of the line itself. */
static const char *const taken_names[] = { "time",       "level",    "endpoint", "pid", "event",
	                                   "request_id", "trace_id", "span_id",  "cut" };

static bool
is_member_name(const char *name)
{
	size_t size = 0;

	for (size_t i = 0; i < COUNT_OF(taken_names); i++)
		if (strcmp(taken_names[i], name) == 0)
			return false;
	while (text_is_alnum(name[size]) || name[size] == '_')
		size++;
	return size > 0 && size <= LOG_NAME_MAX_BYTES && !name[size];
}

static void
log_member(struct log_line *line, struct np_ctx *ctx, const struct np_member *member)
{
	struct np_value value = member->value;

	if (np_is_null(value))
		return;
	if (value.type == NP_TYPE_INT && !value.is_list)
		log_int(line, member->name, value.integer);
	else if (value.type == NP_TYPE_FLOAT && !value.is_list)
		log_float(line, member->name, value.number);
	else if (value.type == NP_TYPE_BOOL && !value.is_list)
		log_bool(line, member->name, value.boolean);
	else
		log_string(line, member->name, np_text_of(ctx, value));
}

static bool
check_members(const char *event, const struct np_object *members)
{
	if (!event || !*event) {
		misuse_note("np_log() without an event");
		return false;
	}
	for (size_t i = 0; members && i < members->count; i++) {
		const char *name = members->items[i].name;

		if (name && is_member_name(name))
			continue;
		misuse_note(
		    "np_log() of a member \"%s\", which is no name or one of the line's own",
		    name ? name : "NULL");
		return false;
	}
	return true;
}

void
np_log(struct np_ctx *ctx, enum np_level level, const char *event, const struct np_object *members)
{
	char storage[LOG_LINE_MAX];
	struct log_line line;
	struct buf words;

	if (!check_members(event, members))
		return;
	buf_init_fixed(&words, storage, sizeof(storage));
	log_scrub(&words, mem_strndup(ctx, event, utf8_cut(event, EVENT_MAX_BYTES)));
	log_begin(&line, (enum log_level)level, words.data);
	log_string(&line, "request_id", ctx->request->id);
	if (ctx->trace.id[0]) {
		log_string(&line, "trace_id", ctx->trace.id);
		log_string(&line, "span_id", ctx->trace.span);
	}
	for (size_t i = 0; members && i < members->count; i++)
		log_member(&line, ctx, &members->items[i]);
	log_end(&line);
}

/* --- memory --- */

const char *
np_printf(struct np_ctx *ctx, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = mem_vprintf(ctx, format, args);
	va_end(args);
	return text;
}

void *
np_alloc(struct np_ctx *ctx, size_t size)
{
	return mem_zeroed(ctx, size > 0 ? size : 1, 1, "np_alloc");
}

/* --- the request --- */

struct np_value
np_client_address(const struct np_ctx *ctx)
{
	return np_text(ctx->request->address);
}

const char *
np_request_id(const struct np_ctx *ctx)
{
	return ctx->request->id;
}

int64_t
np_remaining_ms(const struct np_ctx *ctx)
{
	int64_t left_ms = deadline_left_ms(ctx->deadline);

	return left_ms > 0 ? left_ms : 0;
}
