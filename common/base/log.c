#include <assert.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sink.h"
#include "base/text.h"

#define SECRETS_MAX        128
#define SECRET_MIN_BYTES   4
#define SECRET_REPLACEMENT "***"
/* The shortest length to which a text is cut: Postgres cuts names to it. A shorter text is whole.
 */
#define CUT_MIN_BYTES 63
#define LINE_TAIL     32 /* room for "cut" and the end of the line */
#define LIMIT_US      INT64_C(60000000)

const char *const log_level_names[LOG_LEVEL__MAX + 1] = {
	[LOG_DEBUG] = "debug",
	[LOG_INFO] = "info",
	[LOG_WARNING] = "warning",
	[LOG_ERROR] = "error",
};

const char *const log_format_names[LOG_FORMAT__MAX + 1] = {
	[LOG_AUTO] = "auto",
	[LOG_JSON] = "json",
	[LOG_TEXT] = "text",
};

/* sd-daemon(3): syslog's levels, which the journal strips from the line. */
static const char *const priorities[LOG_LEVEL__MAX] = {
	[LOG_DEBUG] = "<7>",
	[LOG_INFO] = "<6>",
	[LOG_WARNING] = "<4>",
	[LOG_ERROR] = "<3>",
};

static struct {
	const char *endpoint;
	enum log_format format;
	enum log_level least;
	bool to_journal;
	const char *secrets[SECRETS_MAX];
	size_t secret_count;
	/* The first and second bytes of all secrets. */
	bool is_first[UCHAR_MAX + 1], is_second[UCHAR_MAX + 1];
} state = { .endpoint = "-", .least = LOG_INFO };

/* sd-daemon(3): JOURNAL_STREAM names the socket to the journal that the process was started with.
 * Standard error may have been redirected since. */
static bool
is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char own[2 * INT_TEXT_BYTES];
	struct stat status;

	if (!stream || fstat(STDERR_FILENO, &status) != 0)
		return false;
	(void)snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)status.st_dev,
	               (uintmax_t)status.st_ino);
	return strcmp(own, stream) == 0;
}

static void
log_out_of_memory(void)
{
	log_plain(LOG_ERROR, "out of memory");
}

void
log_setup(const char *endpoint, enum log_level least)
{
	state.endpoint = endpoint;
	state.least = least;
	state.to_journal = is_journal();
	mem_on_exhausted(log_out_of_memory);
}

void
log_set_format(enum log_format format)
{
	state.format = format;
}

static bool
is_text(void)
{
	if (state.format == LOG_AUTO)
		state.format = isatty(STDERR_FILENO) ? LOG_TEXT : LOG_JSON;
	return state.format == LOG_TEXT;
}

bool
log_wants(enum log_level level)
{
	return level >= state.least;
}

void
log_secret(const char *secret)
{
	if (!secret || strlen(secret) < SECRET_MIN_BYTES)
		return;
	for (size_t i = 0; i < state.secret_count; i++)
		if (strcmp(state.secrets[i], secret) == 0)
			return;
	assert(state.secret_count < SECRETS_MAX);
	state.is_first[(unsigned char)secret[0]] = true;
	state.is_second[(unsigned char)secret[1]] = true;
	state.secrets[state.secret_count++] = secret;
}

/* Returns the length of the text before the first two bytes that may begin a secret. Every text of
 * every line is searched. By the first byte alone, one in four hexadecimal digits of an id would
 * match. */
static size_t
harmless_size(const char *text)
{
	size_t size = 0;

	while (text[size]
	       && !(state.is_first[(unsigned char)text[size]]
	            && state.is_second[(unsigned char)text[size + 1]]))
		size++;
	return size;
}

/* Returns the length of the longest secret that starts here, or 0. A text that may have been cut
 * can end in the beginning of a secret. */
static size_t
one_secret_size(const char *text, bool may_be_cut)
{
	size_t longest = 0;

	for (size_t i = 0; i < state.secret_count; i++) {
		size_t size = 0;

		while (text[size] && text[size] == state.secrets[i][size])
			size++;
		if (size > longest
		    && (!state.secrets[i][size]
		        || (may_be_cut && !text[size] && size >= SECRET_MIN_BYTES)))
			longest = size;
	}
	return longest;
}

/* The same, with the secrets that overlap it. */
static size_t
secret_size(const char *text, bool may_be_cut)
{
	size_t end = one_secret_size(text, may_be_cut);

	for (size_t at = 1; at < end; at++) {
		size_t size = one_secret_size(text + at, may_be_cut);

		if (at + size > end)
			end = at + size;
	}
	return end;
}

void
log_scrub(struct buf *out, const char *text)
{
	bool may_be_cut = strlen(text) >= CUT_MIN_BYTES;

	while (*text) {
		size_t size = harmless_size(text);

		buf_add(out, text, size);
		text += size;
		size = secret_size(text, may_be_cut);
		if (size > 0) {
			buf_text(out, SECRET_REPLACEMENT);
			text += size;
		} else if (*text) {
			buf_char(out, *text++);
		}
	}
}

/* Removes a member that did not fit, so that the line stays valid JSON. */
static void
remove_if_overflow(struct log_line *line, size_t before)
{
	if (!line->buf.overflow)
		return;
	line->buf.overflow = false;
	line->buf.size = before;
	line->buf.data[before] = '\0';
	line->cut = true;
}

/* 2026-01-31T23:59:59.123Z warning users[123] reply not sent */
static void
begin_text_line(struct buf *out, const char *now, enum log_level level, const char *event)
{
	bool is_plain = utf8_valid(event, strlen(event), NULL);

	for (const char *c = event; *c; c++)
		is_plain = is_plain && !text_is_control(*c);
	buf_printf(out, "%s %s %s[%d] ", now, log_level_names[level], state.endpoint,
	           (int)getpid());
	/* A line feed would begin another line. */
	if (is_plain)
		buf_text(out, event);
	else
		buf_json_text(out, event);
}

void
log_begin(struct log_line *line, enum log_level level, const char *event)
{
	char now[CLOCK_TEXT_BYTES];

	line->level = level;
	line->cut = false;
	line->wanted = log_wants(level);
	if (!line->wanted)
		return;
	clock_text(now);
	buf_init_fixed(&line->buf, line->storage, sizeof(line->storage) - LINE_TAIL);
	if (state.to_journal)
		buf_text(&line->buf, priorities[level]);
	line->text = is_text();
	if (line->text) {
		begin_text_line(&line->buf, now, level, event);
		return;
	}
	buf_text(&line->buf, "{\"time\":\"");
	buf_text(&line->buf, now);
	buf_text(&line->buf, "\",\"level\":\"");
	buf_text(&line->buf, log_level_names[level]);
	buf_text(&line->buf, "\",\"endpoint\":");
	buf_json_text(&line->buf, state.endpoint);
	buf_text(&line->buf, ",\"pid\":");
	buf_int(&line->buf, getpid());
	buf_text(&line->buf, ",\"event\":");
	buf_json_text(&line->buf, event);
}

/* Appends a member's name. Returns the size of the line before it. */
static size_t
begin_member(struct log_line *line, const char *name)
{
	size_t before = line->buf.size, size = strlen(name);
	char text[LOG_NAME_MAX_BYTES + 4], *at = text;

	/* Names are constants of this program, or checked, and need no escape. */
	assert(size <= LOG_NAME_MAX_BYTES);
	*at++ = line->text ? ' ' : ',';
	if (!line->text)
		*at++ = '"';
	memcpy(at, name, size);
	at += size;
	if (!line->text)
		*at++ = '"';
	*at++ = line->text ? '=' : ':';
	buf_add(&line->buf, text, (size_t)(at - text));
	return before;
}

/* Returns true if the text needs no quotes to be read as one value. */
static bool
is_one_word(const char *text)
{
	for (const char *c = text; *c; c++)
		if (!text_is_alnum(*c) && !strchr("/{}-_.:*+", *c))
			return false;
	return *text != '\0';
}

static void
write_string(struct log_line *line, const char *name, const char *value)
{
	size_t before = begin_member(line, name);

	if (line->text && is_one_word(value))
		buf_text(&line->buf, value);
	else
		buf_json_text(&line->buf, value);
	remove_if_overflow(line, before);
}

static void
write_scrubbed(struct log_line *line, const char *name, const char *value)
{
	char storage[LOG_LINE_MAX];
	struct buf clean;

	buf_init_fixed(&clean, storage, sizeof(storage));
	log_scrub(&clean, value);
	if (clean.overflow)
		line->cut = true;
	else
		write_string(line, name, clean.data);
}

void
log_string(struct log_line *line, const char *name, const char *value)
{
	if (!line->wanted || !value)
		return;
	if (value[harmless_size(value)])
		write_scrubbed(line, name, value);
	else
		write_string(line, name, value);
}

void
log_int(struct log_line *line, const char *name, int64_t value)
{
	size_t before;

	if (!line->wanted)
		return;
	before = begin_member(line, name);
	buf_int(&line->buf, value);
	remove_if_overflow(line, before);
}

void
log_bool(struct log_line *line, const char *name, bool value)
{
	size_t before;

	if (!line->wanted)
		return;
	before = begin_member(line, name);
	buf_text(&line->buf, value ? "true" : "false");
	remove_if_overflow(line, before);
}

void
log_float(struct log_line *line, const char *name, double value)
{
	char text[FLOAT_TEXT_BYTES];
	size_t before;

	if (!line->wanted)
		return;
	text_of_float(value, text);
	/* NaN and Infinity are no numbers of JSON. */
	if (text_is_alpha(text[0]) || text_is_alpha(text[1])) {
		log_string(line, name, text);
		return;
	}
	before = begin_member(line, name);
	buf_text(&line->buf, text);
	remove_if_overflow(line, before);
}

void
log_ms(struct log_line *line, const char *name, int64_t us)
{
	char decimals[INT_TEXT_BYTES];
	size_t before;

	if (!line->wanted)
		return;
	before = begin_member(line, name);
	if (us < 0)
		buf_char(&line->buf, '-');
	buf_int(&line->buf, llabs(us) / 1000);
	buf_char(&line->buf, '.');
	/* The 1 keeps the leading zeros of the three digits. */
	(void)text_of_int(1000 + llabs(us) % 1000, decimals);
	buf_text(&line->buf, decimals + 1);
	remove_if_overflow(line, before);
}

void
log_end(struct log_line *line)
{
	if (!line->wanted)
		return;
	line->buf.capacity = sizeof(line->storage);
	line->buf.max = sizeof(line->storage) - 1;
	if (line->cut)
		buf_text(&line->buf, line->text ? " cut=true" : ",\"cut\":true");
	buf_text(&line->buf, line->text ? "\n" : "}\n");
	sink_write(STDERR_FILENO, line->buf.data, line->buf.size);
}

bool
log_limit_allows(struct log_limit *limit)
{
	int64_t now_us = clock_now_us();

	if (now_us < limit->next_us)
		return false;
	limit->next_us = now_us + LIMIT_US;
	return true;
}

void
log_plain(enum log_level level, const char *event)
{
	struct log_line line;

	log_begin(&line, level, event);
	log_end(&line);
}

void
log_printf(enum log_level level, const char *event, const char *format, ...)
{
	struct log_line line;
	char detail[LOG_LINE_MAX / 2];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(detail, sizeof(detail), format, args);
	va_end(args);
	log_begin(&line, level, event);
	log_string(&line, "detail", detail);
	log_end(&line);
}
