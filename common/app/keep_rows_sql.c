#include "app/keep_rows_sql.h"

#include <strings.h>

#include "base/text.h"

/* Walks over the words outside of parentheses, quotes and comments (PostgreSQL's manual, 4.1). */
struct scan {
	const char *at;
	int depth;
	const char *word; /* the last one found */
	size_t size;
};

static bool
is_word_byte(char c)
{
	return text_is_alnum(c) || c == '_' || c == '$' || (c & 0x80);
}

/* Returns what follows the closing quote; `at` is the opening one. A doubled quote stands for one.
 */
static const char *
skip_quoted(const char *at, bool backslashes)
{
	char quote = *at++;

	for (; *at; at++)
		if (backslashes && *at == '\\' && at[1])
			at++;
		else if (*at == quote && *++at != quote)
			return at;
	return at;
}

/* Returns what follows $tag$ … $tag$ or a parameter; `at` is the dollar. */
static const char *
skip_dollar(const char *at)
{
	const char *text = at + 1, *end;

	while (is_word_byte(*text) && *text != '$')
		text++;
	if (*text != '$' || text_is_digit(at[1]))
		return text;
	text++;
	for (end = text; *end; end++)
		if (strncmp(end, at, (size_t)(text - at)) == 0)
			return end + (text - at);
	return end;
}

/* Returns what follows the comment; `at` is its slash and star. Comments nest. */
static const char *
skip_comment(const char *at)
{
	int depth = 0;

	for (; *at; at++) {
		if (strncmp(at, "/*", 2) == 0) {
			depth++;
			at++;
		} else if (strncmp(at, "*/", 2) == 0) {
			at++;
			if (--depth == 0)
				return at + 1;
		}
	}
	return at;
}

static const char *
skip_word(const char *at)
{
	while (is_word_byte(*at))
		at++;
	return at;
}

/* Skips what is not a word. */
static void
skip_non_word(struct scan *scan)
{
	const char *at = scan->at;

	if (*at == '\'' || *at == '"')
		scan->at = skip_quoted(at, false);
	else if (*at == '$')
		scan->at = skip_dollar(at);
	else if (strncmp(at, "--", 2) == 0)
		scan->at += strcspn(at, "\n");
	else if (strncmp(at, "/*", 2) == 0)
		scan->at = skip_comment(at);
	else {
		scan->depth += (*at == '(' || *at == '[') - (*at == ')' || *at == ']');
		scan->at++;
	}
}

/* Returns false at the end of the statement. */
static bool
next_word(struct scan *scan)
{
	while (*scan->at && !(*scan->at == ';' && scan->depth == 0)) {
		bool counts = scan->depth == 0;

		if (!is_word_byte(*scan->at) || *scan->at == '$') {
			skip_non_word(scan);
			continue;
		}
		scan->word = scan->at;
		scan->at = skip_word(scan->at);
		scan->size = (size_t)(scan->at - scan->word);
		if (*scan->at == '\'')
			scan->at = skip_quoted(scan->at,
			                       scan->size == 1 && strchr("eE", *scan->word));
		else if (counts)
			return true;
	}
	return false;
}

static bool
is_word(const struct scan *scan, const char *word)
{
	return strlen(word) == scan->size && strncasecmp(scan->word, word, scan->size) == 0;
}

static bool
is_writing(const struct scan *scan)
{
	return is_word(scan, "INSERT") || is_word(scan, "UPDATE") || is_word(scan, "DELETE");
}

/* Returns where the main statement begins, or NULL if it cannot be extended. */
static const char *
find_main_statement(const char *sql, bool *after_with)
{
	struct scan scan = { .at = sql };
	bool found = next_word(&scan), returns;
	const char *begin;

	*after_with = found && is_word(&scan, "WITH");
	if (*after_with)
		do
			found = next_word(&scan);
		while (found && !is_word(&scan, "SELECT") && !is_writing(&scan));
	if (!found || !(is_word(&scan, "SELECT") || is_writing(&scan)))
		return NULL;
	begin = scan.word;
	returns = is_word(&scan, "SELECT");
	while (next_word(&scan))
		returns = returns || is_word(&scan, "RETURNING");
	return returns && !*scan.at ? begin : NULL;
}

static void
add_renumbered(struct buf *out, const char *keep, size_t values)
{
	for (; *keep; keep++) {
		buf_char(out, *keep);
		if (*keep == '$' && text_is_digit(keep[1])) {
			buf_int(out, (int64_t)values + (keep[1] - '0'));
			keep++;
		}
	}
}

bool
keep_rows_sql(struct buf *out, const char *sql, size_t values, const char *keep)
{
	bool after_with;
	const char *begin = find_main_statement(sql, &after_with);

	if (!begin)
		return false;
	if (after_with)
		buf_add(out, sql, (size_t)(begin - sql));
	buf_text(out, after_with ? ", np_work AS (" : "WITH np_work AS (");
	buf_text(out, begin);
	/* The newline ends a comment, if the statement ends with one. */
	buf_text(out, "\n), np_stored AS (");
	add_renumbered(out, keep, values);
	buf_text(out, ") SELECT * FROM np_work");
	return !out->overflow;
}
