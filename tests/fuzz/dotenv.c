/* dotenv - a settings file that is read can be written and read again, and an error has the number
 * of a line and none of its text */
#include "config/dotenv.h"
#include "fuzz.h"

static char variable[] = "B=a value";
static char *const environment[] = { variable, NULL };

static void
check_name(const char *name)
{
	HOLDS(*name && !text_is_digit(*name));
	for (; *name; name++)
		HOLDS(text_is_alnum(*name) || *name == '_');
}

/* Writes all values in double quotes. */
static void
write_file(struct buf *out, const struct dotenv *file)
{
	for (size_t i = 0; i < file->count; i++) {
		buf_printf(out, "export %s=\"", file->entries[i].name);
		for (const char *c = file->entries[i].value; *c; c++) {
			if (strchr("\"\\$", *c))
				buf_char(out, '\\');
			buf_char(out, *c);
		}
		buf_text(out, "\" # comment\n");
	}
}

static void
check_again(void *owner, const struct dotenv *file)
{
	struct dotenv again;
	struct error err;
	struct buf text;

	buf_init(&text, owner, 1 << 22);
	write_file(&text, file);
	if (text.size > DOTENV_MAX_BYTES)
		return;
	HOLDS(dotenv_parse(owner, text.data, text.size, environment, &again, &err));
	HOLDS(again.count == file->count);
	for (size_t i = 0; i < file->count; i++) {
		HOLDS(same_text(again.entries[i].name, file->entries[i].name));
		HOLDS(same_text(again.entries[i].value, file->entries[i].value));
	}
}

/* A message is "line 3: what is wrong". The line exists, and the rest is one of the fixed texts. */
static void
check_fault(const char *text, size_t size, const struct error *err)
{
	static const char *const faults[] = {
		"expected NAME=value",     "expected = after the name",    "too many entries",
		"the quote is not closed", "text after the closing quote", "the value is too long"
	};
	int lines = 1, line = 0, end = 0;
	bool known = false;

	check_error(err, FAILURE_INVALID);
	if (strcmp(err->message, "not UTF-8 text") == 0)
		return;
	for (size_t i = 0; i < size; i++)
		lines += text[i] == '\n';
	HOLDS(sscanf(err->message, "line %d: %n", &line, &end) == 1 && end > 0);
	HOLDS(line >= 1 && line <= lines);
	for (size_t i = 0; i < COUNT_OF(faults); i++)
		known = known || strcmp(err->message + end, faults[i]) == 0;
	HOLDS(known);
}

/* Without quotes and references, no value begins or ends with a blank or spans lines. */
static void
check_bare(const char *text, size_t size, const char *value)
{
	if (memchr(text, '"', size) || memchr(text, '\'', size) || memmem(text, size, "${", 2)
	    || !*value)
		return;
	HOLDS(!strchr(value, '\n') && !strchr(" \t\r", value[0])
	      && !strchr(" \t\r", value[strlen(value) - 1]));
	HOLDS(!strstr(value, " #") && !strstr(value, "\t#"));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *owner = mem_scope(NULL, "input");
	struct dotenv file;
	struct error err;

	if (dotenv_parse(owner, (const char *)data, size, environment, &file, &err)) {
		HOLDS(file.count <= DOTENV_MAX_ENTRIES);
		for (size_t i = 0; i < file.count; i++) {
			check_name(file.entries[i].name);
			HOLDS(
			    utf8_valid(file.entries[i].value, strlen(file.entries[i].value), NULL));
			check_bare((const char *)data, size, file.entries[i].value);
			HOLDS(dotenv_get(&file, file.entries[i].name) != NULL);
		}
		check_again(owner, &file);
	} else {
		check_fault((const char *)data, size, &err);
	}
	mem_free(owner);
	return 0;
}
