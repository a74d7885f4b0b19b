/* log.h - one event, one line on standard error: JSON for programs, or name=value for people
 *
 * Every line has time, level, endpoint, pid and event; a caller adds members. Where standard error
 * is systemd's journal, a line begins with its priority ("<4>"), which the journal strips.
 *
 * No secret gets through: a text that log_secret() was given is written as *** wherever it appears.
 * A line over LOG_LINE_MAX loses the members that did not fit and gets "cut": true. A line is
 * written whole or not at all (sink.h).
 */
#ifndef NULLPOOL_BASE_LOG_H
#define NULLPOOL_BASE_LOG_H

#include "base/attributes.h"
#include "base/buf.h"

#define LOG_NAME_MAX_BYTES 48 /* of a member */
/* 8 KiB: readers of a line protocol can be expected to keep that much together. */
#define LOG_LINE_MAX 8192

enum log_format { LOG_AUTO, LOG_JSON, LOG_TEXT, LOG_FORMAT__MAX };
enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR, LOG_LEVEL__MAX };

struct log_line {
	enum log_level level;
	bool wanted;
	bool cut;
	bool text;
	struct buf buf;
	char storage[LOG_LINE_MAX];
};

/* Sets the endpoint's name, which is borrowed, and the lowest level to write; before, they are "-"
 * and info. From now on, out of memory (mem.h) is logged too. */
void log_setup(const char *endpoint, enum log_level least);

/* LOG_AUTO is the default: text at a terminal, else JSON. */
void log_set_format(enum log_format format);

/* Returns true if events of this level are written. */
bool log_wants(enum log_level level);

/* Lower-case names; the arrays end with NULL. */
extern const char *const log_level_names[LOG_LEVEL__MAX + 1];
extern const char *const log_format_names[LOG_FORMAT__MAX + 1];

/* Registers a text that no line may show; it is borrowed for good. At most 128 are possible. A text
 * under 4 bytes is ignored, because hiding it would garble every line. Texts are cut to fixed
 * lengths, the shortest of which is 63 bytes: where a text of 63 bytes or more ends in the first 4
 * or more bytes of a secret, those are hidden too. */
void log_secret(const char *secret);

/* Appends text to out, with each secret replaced by ***. */
void log_scrub(struct buf *out, const char *text);

/* A line: log_begin(), its members, log_end(), which writes it. */
void log_begin(struct log_line *line, enum log_level level, const char *event);
void log_string(struct log_line *line, const char *name,
                const char *value); /* NULL: the member is left out */
void log_int(struct log_line *line, const char *name, int64_t value);
void log_bool(struct log_line *line, const char *name, bool value);
void log_float(struct log_line *line, const char *name, double value);
void log_ms(struct log_line *line, const char *name,
            int64_t us); /* milliseconds with three decimals */
void log_end(struct log_line *line);

/* Limits an event to one line a minute. Returns true if it may be logged now, and counts it as
 * logged. */
struct log_limit {
	int64_t next_us; /* 0: never logged */
};
NP_MUST_CHECK bool log_limit_allows(struct log_limit *limit);

/* An event without members. */
void log_plain(enum log_level level, const char *event);

/* An event with one member, "detail". */
void log_printf(enum log_level level, const char *event, const char *format, ...) NP_PRINTF(3, 4);

#endif
