#include "config/dotenv.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

struct reader {
	void *owner;
	const char *at, *end;
	int line;
	char *const *environment;
	struct dotenv *file; /* the entries so far */
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void
skip_blanks(struct reader *in)
{
	while (in->at < in->end && is_blank(*in->at))
		in->at++;
}

static void
skip_line(struct reader *in)
{
	while (in->at < in->end && *in->at != '\n')
		in->at++;
}

static bool
fail_at_line(const struct reader *in, struct error *err, const char *what)
{
	return error_set(err, FAILURE_INVALID, "line %d: %s", in->line, what);
}

static size_t
name_size(const char *at, const char *end)
{
	const char *start = at;

	while (at < end && (text_is_alnum(*at) || *at == '_'))
		at++;
	return at == start || text_is_digit(*start) ? 0 : (size_t)(at - start);
}

static bool
read_name(struct reader *in, const char **name, struct error *err)
{
	size_t size = name_size(in->at, in->end);

	if (size == 0)
		return fail_at_line(in, err, "expected NAME=value");
	*name = mem_strndup(in->owner, in->at, size);
	in->at += size;
	if (strcmp(*name, "export") == 0 && in->at < in->end && is_blank(*in->at)) {
		skip_blanks(in);
		return read_name(in, name, err);
	}
	skip_blanks(in);
	if (in->at == in->end || *in->at != '=')
		return fail_at_line(in, err, "expected = after the name");
	in->at++;
	return true;
}

static char
unescaped(char c)
{
	switch (c) {
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	case '\\':
	case '"':
	case '$':
		return c;
	default:
		return '\0';
	}
}

/* Appends the value of a variable. Its default replaces an empty value too, as in a shell. */
static void
expand_variable(const struct reader *in, const char *name, const char *default_value,
                struct buf *out, bool *unresolved)
{
	const char *value = environment_get(in->environment, name);
	const struct dotenv_entry *above = value ? NULL : dotenv_get(in->file, name);

	if (above)
		value = above->value;
	if (default_value && (!value || !*value))
		value = default_value;
	*unresolved = *unresolved || !value;
	buf_text(out, value ? value : "");
}

/* Expands the ${NAME} or ${NAME:-default} at `at`. Returns its size, or 0 if it is neither. */
static size_t
read_reference(const struct reader *in, const char *at, const char *end, struct buf *out,
               bool *unresolved)
{
	const char *close = end - at > 3 && at[0] == '$' && at[1] == '{'
	                        ? memchr(at, '}', (size_t)(end - at))
	                        : NULL;
	size_t size = close ? name_size(at + 2, close) : 0;
	const char *after_name = at + 2 + size, *default_value = NULL;

	if (size == 0)
		return 0;
	if (close - after_name >= 2 && after_name[0] == ':' && after_name[1] == '-')
		default_value = mem_strndup(in->owner, after_name + 2,
		                            (size_t)(close - after_name - 2));
	else if (after_name != close)
		return 0;
	expand_variable(in, mem_strndup(in->owner, at + 2, size), default_value, out, unresolved);
	return (size_t)(close + 1 - at);
}

/* Reads one byte, escape or reference of a quoted value. Returns how many bytes it took. */
static size_t
read_piece(const struct reader *in, char quote, const char *end, struct buf *out, bool *unresolved)
{
	size_t size = quote == '"' ? read_reference(in, in->at, end, out, unresolved) : 0;

	if (size > 0)
		return size;
	if (*in->at == '\\' && quote == '"' && in->end - in->at > 1 && unescaped(in->at[1])) {
		buf_char(out, unescaped(in->at[1]));
		return 2;
	}
	buf_char(out, *in->at);
	return 1;
}

static bool
read_quoted(struct reader *in, struct buf *out, bool *unresolved, struct error *err)
{
	char quote = *in->at++;
	int first_line = in->line;

	while (in->at < in->end && *in->at != quote) {
		const char *next = memchr(in->at, quote, (size_t)(in->end - in->at));
		size_t size = read_piece(in, quote, next ? next : in->end, out, unresolved);

		for (; size > 0; size--)
			in->line += *in->at++ == '\n';
	}
	if (in->at == in->end) {
		in->line = first_line;
		return fail_at_line(in, err, "the quote is not closed");
	}
	in->at++;
	skip_blanks(in);
	if (in->at < in->end && *in->at != '\n' && *in->at != '#')
		return fail_at_line(in, err, "text after the closing quote");
	return true;
}

static void
read_bare(struct reader *in, struct buf *out, bool *unresolved)
{
	const char *at = in->at, *end;

	while (in->at < in->end && *in->at != '\n' && !(*in->at == '#' && is_blank(in->at[-1])))
		in->at++;
	end = in->at;
	while (end > at && is_blank(end[-1]))
		end--;
	while (at < end) {
		size_t size = read_reference(in, at, end, out, unresolved);

		if (size == 0)
			buf_char(out, *at);
		at += size > 0 ? size : 1;
	}
}

static bool
read_entry(struct reader *in, struct dotenv_entry *entry, struct error *err)
{
	struct buf value;

	buf_init(&value, in->owner, DOTENV_MAX_BYTES);
	if (!read_name(in, &entry->name, err))
		return false;
	skip_blanks(in);
	if (in->at < in->end && (*in->at == '"' || *in->at == '\'')) {
		if (!read_quoted(in, &value, &entry->unresolved, err))
			return false;
	} else {
		read_bare(in, &value, &entry->unresolved);
	}
	if (value.overflow)
		return fail_at_line(in, err, "the value is too long");
	entry->value = value.data;
	return true;
}

bool
dotenv_parse(void *owner, const char *text, size_t size, char *const *environment,
             struct dotenv *file, struct error *err)
{
	struct dotenv read = { mem_array(owner, struct dotenv_entry, DOTENV_MAX_ENTRIES), 0 };
	struct reader in = { owner, text, text + size, 1, environment, &read };

	if (size > DOTENV_MAX_BYTES)
		return error_set(err, FAILURE_INVALID, "longer than %d bytes", DOTENV_MAX_BYTES);
	if (memchr(text, '\0', size) || !utf8_valid(text, size, NULL))
		return error_set(err, FAILURE_INVALID, "not UTF-8 text");
	if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		in.at += 3;
	for (; in.at < in.end; in.at++, in.line++) {
		skip_blanks(&in);
		if (in.at < in.end && *in.at != '\n' && *in.at != '#') {
			if (read.count == DOTENV_MAX_ENTRIES)
				return fail_at_line(&in, err, "too many entries");
			if (!read_entry(&in, &read.entries[read.count], err))
				return false;
			read.count++;
		}
		skip_line(&in);
	}
	*file = read;
	return true;
}

const struct dotenv_entry *
dotenv_get(const struct dotenv *file, const char *name)
{
	for (size_t i = file->count; i > 0; i--)
		if (strcmp(file->entries[i - 1].name, name) == 0)
			return &file->entries[i - 1];
	return NULL;
}

const char *
environment_get(char *const *environment, const char *name)
{
	size_t size = strlen(name);

	for (; *environment; environment++)
		if (strncmp(*environment, name, size) == 0 && (*environment)[size] == '=')
			return (*environment)[size + 1] ? *environment + size + 1 : NULL;
	return NULL;
}
