/* log.h - one event, one line to standard error (sink.h), for programs as JSON or for people as
 * name=value
 *
 * Where standard error is systemd's journal, a line begins with its priority ("<4>"), which the
 * journal keeps apart from it.
 *
 * Every line has time, level, endpoint, pid and event; a caller adds members. Nothing secret gets
 * through: what log_secret() was told of is written as ***, wherever it appears. A line longer than
 * LOG_LINE_MAX loses the members that did not fit and says so with "cut": true.
 */
#ifndef NULLPOOL_BASE_LOG_H
#define NULLPOOL_BASE_LOG_H

#include "base/attributes.h"
#include "base/buf.h"

/* 8 KiB: as much as a reader of a line protocol can be expected to keep together. */
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

/* Before it is called, lines say endpoint "-" and the level is info. The name is borrowed. */
void log_setup(const char *endpoint, enum log_level least);

/* LOG_AUTO, as it is before: text at a terminal, else JSON. */
void log_set_format(enum log_format format);
bool log_wants(enum log_level level);

/* Their names, lower case; end with NULL. */
extern const char *const log_level_names[LOG_LEVEL__MAX + 1];
extern const char *const log_format_names[LOG_FORMAT__MAX + 1];

/* A text that no line may show; it is borrowed for good, and there may be 64 of them. One under 4
 * bytes is not taken: hiding it would garble every line. Its first 4 or more bytes count too where
 * a text of 63 bytes or more ends in them, since texts are cut to their length, and none to less.
 */
void log_secret(const char *secret);

/* Copies text with each secret replaced by ***. */
void log_scrub(struct buf *out, const char *text);

void log_begin(struct log_line *line, enum log_level level, const char *event);
void log_string(struct log_line *line, const char *name,
                const char *value); /* NULL: the member is left out */
void log_int(struct log_line *line, const char *name, int64_t value);
void log_bool(struct log_line *line, const char *name, bool value);
void log_ms(struct log_line *line, const char *name,
            int64_t us); /* milliseconds with three decimals */
void log_end(struct log_line *line);

/* An event without members. */
void log_plain(enum log_level level, const char *event);

/* An event with one member "detail". */
void log_printf(enum log_level level, const char *event, const char *format, ...) NP_PRINTF(3, 4);

#endif
