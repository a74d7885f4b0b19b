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

#define SECRETS_MAX        64
#define SECRET_MIN_BYTES   4
#define SECRET_REPLACEMENT "***"
/* Nothing is cut to less: this is what Postgres leaves of a name. A word of our own is shorter, and
 * whole. */
#define CUT_MIN_BYTES  63
#define LINE_TAIL      32 /* room kept for "cut" and the end */
#define NAME_MAX_BYTES 48 /* of a member */

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

/* sd-daemon(3): syslog's numbers, which the journal takes off the line. */
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
	bool is_first[UCHAR_MAX + 1],
	    is_second[UCHAR_MAX + 1]; /* bytes that some secret begins with */
} state = { .endpoint = "-", .least = LOG_INFO };

/* sd-daemon(3): whoever started us with a socket to the journal as standard error names that
 * socket; it may be another one by now. */
static bool
is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char own[2 * INT_TEXT_BYTES];
	struct stat about;

	if (!stream || fstat(STDERR_FILENO, &about) != 0)
		return false;
	(void)snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)about.st_dev,
	               (uintmax_t)about.st_ino);
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

/* How much of the text is before anything that may be the beginning of a secret. Every text of
 * every line is looked through, and of an id's hexadecimal digits one in four would be by its first
 * byte alone. */
static size_t
harmless(const char *text)
{
	size_t size = 0;

	while (text[size]
	       && !(state.is_first[(unsigned char)text[size]]
	            && state.is_second[(unsigned char)text[size + 1]]))
		size++;
	return size;
}

/* Length of the longest secret that starts here, or 0. Of a text that may have been cut the end may
 * be the start of one. */
static size_t
secret_at(const char *text, bool may_be_cut)
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

/* The same, with what overlaps it. */
static size_t
secrets_at(const char *text, bool may_be_cut)
{
	size_t end = secret_at(text, may_be_cut);

	for (size_t at = 1; at < end; at++) {
		size_t size = secret_at(text + at, may_be_cut);

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
		size_t size = harmless(text);

		buf_add(out, text, size);
		text += size;
		size = secrets_at(text, may_be_cut);
		if (size > 0) {
			buf_text(out, SECRET_REPLACEMENT);
			text += size;
		} else if (*text) {
			buf_char(out, *text++);
		}
	}
}

/* Takes back what did not fit, so that the line stays whole JSON. */
static void
keep_or_cut(struct log_line *line, size_t before)
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
begin_text(struct buf *out, const char *now, enum log_level level, const char *event)
{
	buf_printf(out, "%s %s %s[%d] %s", now, log_level_names[level], state.endpoint,
	           (int)getpid(), event);
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
		begin_text(&line->buf, now, level, event);
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

static size_t
member(struct log_line *line, const char *name)
{
	size_t before = line->buf.size, size = strlen(name);
	char text[NAME_MAX_BYTES + 4], *at = text;

	/* Names are ours, and need no escape. */
	assert(size <= NAME_MAX_BYTES);
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

/* What needs no quotes to be seen as one value. */
static bool
is_plain(const char *text)
{
	for (const char *c = text; *c; c++)
		if (!text_is_alnum(*c) && !strchr("/{}-_.:*+", *c))
			return false;
	return *text != '\0';
}

static void
clean_string(struct log_line *line, const char *name, const char *value)
{
	size_t before = member(line, name);

	if (line->text && is_plain(value))
		buf_text(&line->buf, value);
	else
		buf_json_text(&line->buf, value);
	keep_or_cut(line, before);
}

static void
scrubbed_string(struct log_line *line, const char *name, const char *value)
{
	char storage[LOG_LINE_MAX];
	struct buf clean;

	buf_init_fixed(&clean, storage, sizeof(storage));
	log_scrub(&clean, value);
	if (clean.overflow)
		line->cut = true;
	else
		clean_string(line, name, clean.data);
}

void
log_string(struct log_line *line, const char *name, const char *value)
{
	if (!line->wanted || !value)
		return;
	if (value[harmless(value)])
		scrubbed_string(line, name, value);
	else
		clean_string(line, name, value);
}

void
log_int(struct log_line *line, const char *name, int64_t value)
{
	size_t before;

	if (!line->wanted)
		return;
	before = member(line, name);
	buf_int(&line->buf, value);
	keep_or_cut(line, before);
}

void
log_bool(struct log_line *line, const char *name, bool value)
{
	size_t before;

	if (!line->wanted)
		return;
	before = member(line, name);
	buf_text(&line->buf, value ? "true" : "false");
	keep_or_cut(line, before);
}

void
log_ms(struct log_line *line, const char *name, int64_t us)
{
	char decimals[INT_TEXT_BYTES];
	size_t before;

	if (!line->wanted)
		return;
	before = member(line, name);
	if (us < 0)
		buf_char(&line->buf, '-');
	buf_int(&line->buf, llabs(us) / 1000);
	buf_char(&line->buf, '.');
	/* A 1 before its three digits, so that they are three. */
	(void)text_of_int(1000 + llabs(us) % 1000, decimals);
	buf_text(&line->buf, decimals + 1);
	keep_or_cut(line, before);
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
