#include "config/dotenv.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

struct reader {
	void *owner;
	const char *at, *end;
	int line;
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
fault(const struct reader *in, struct error *err, const char *what)
{
	return error_set(err, NP_INVALID, "line %d: %s", in->line, what);
}

static bool
read_name(struct reader *in, const char **name, struct error *err)
{
	const char *start = in->at;

	while (in->at < in->end && (text_is_alnum(*in->at) || *in->at == '_'))
		in->at++;
	if (in->at == start || text_is_digit(*start))
		return fault(in, err, "expected NAME=value");
	*name = mem_strndup(in->owner, start, (size_t)(in->at - start));
	if (strcmp(*name, "export") == 0 && in->at < in->end && is_blank(*in->at)) {
		skip_blanks(in);
		return read_name(in, name, err);
	}
	skip_blanks(in);
	if (in->at == in->end || *in->at != '=')
		return fault(in, err, "expected = after the name");
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

static bool
read_quoted(struct reader *in, const char **value, struct error *err)
{
	char quote = *in->at++;
	int first_line = in->line;
	struct buf out;

	buf_init(&out, in->owner, DOTENV_MAX_BYTES);
	for (; in->at < in->end && *in->at != quote; in->at++) {
		char c = *in->at;

		if (c == '\n')
			in->line++;
		if (c == '\\' && quote == '"' && in->end - in->at > 1 && unescaped(in->at[1]))
			c = unescaped(*++in->at);
		buf_char(&out, c);
	}
	if (in->at == in->end) {
		in->line = first_line;
		return fault(in, err, "the quote is not closed");
	}
	in->at++;
	skip_blanks(in);
	if (in->at < in->end && *in->at != '\n' && *in->at != '#')
		return fault(in, err, "text after the closing quote");
	*value = out.data;
	return true;
}

static void
read_bare(struct reader *in, const char **value)
{
	const char *start = in->at, *end;

	while (in->at < in->end && *in->at != '\n' && !(*in->at == '#' && is_blank(in->at[-1])))
		in->at++;
	end = in->at;
	while (end > start && is_blank(end[-1]))
		end--;
	*value = mem_strndup(in->owner, start, (size_t)(end - start));
}

static bool
read_entry(struct reader *in, struct dotenv_entry *entry, struct error *err)
{
	if (!read_name(in, &entry->name, err))
		return false;
	skip_blanks(in);
	if (in->at < in->end && (*in->at == '"' || *in->at == '\'')) {
		if (!read_quoted(in, &entry->value, err))
			return false;
	} else {
		read_bare(in, &entry->value);
	}
	return true;
}

bool
dotenv_parse(void *owner, const char *text, size_t size, struct dotenv *file, struct error *err)
{
	struct reader in = { owner, text, text + size, 1 };
	struct dotenv read = { mem_array(owner, struct dotenv_entry, DOTENV_MAX_ENTRIES), 0 };

	if (size > DOTENV_MAX_BYTES)
		return error_set(err, NP_INVALID, "longer than %d bytes", DOTENV_MAX_BYTES);
	if (memchr(text, '\0', size) || !utf8_valid(text, size, NULL))
		return error_set(err, NP_INVALID, "not UTF-8 text");
	if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		in.at += 3;
	for (; in.at < in.end; in.at++, in.line++) {
		skip_blanks(&in);
		if (in.at < in.end && *in.at != '\n' && *in.at != '#') {
			if (read.count == DOTENV_MAX_ENTRIES)
				return fault(&in, err, "too many entries");
			if (!read_entry(&in, &read.entries[read.count], err))
				return false;
			read.count++;
		}
		skip_line(&in);
	}
	*file = read;
	return true;
}

const char *
dotenv_get(const struct dotenv *file, const char *name)
{
	for (size_t i = file->count; i > 0; i--)
		if (strcmp(file->entries[i - 1].name, name) == 0)
			return file->entries[i - 1].value;
	return NULL;
}
