/* csv - fields that are written are read back by the rules of RFC 4180, and none is a formula
 *
 * Input: texts with a 0xff between them.
 */
#include "http/csv.h"

#include "fuzz.h"

#define FIELDS_MAX 64

/* Reads a field into `out`. Returns where it ends. */
static const char *
read_field(const char *at, struct buf *out)
{
	if (*at != '"') {
		for (; *at && *at != ','; at++) {
			HOLDS(!strchr("\"\r\n", *at));
			buf_char(out, *at);
		}
		return at;
	}
	for (at++; *at != '"' || at[1] == '"'; at++) {
		HOLDS(*at);
		if (*at == '"')
			at++;
		buf_char(out, *at);
	}
	return at + 1;
}

static void
check_field(const char *text, const struct buf *got)
{
	bool formula = *text && strchr("=+-@\t\r", *text);

	HOLDS(strcmp(got->data + formula, text) == 0 && (!formula || got->data[0] == '\''));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *owner = mem_scope(NULL, "input");
	struct input in = { data, size };
	const char *texts[FIELDS_MAX], *at;
	size_t count = 0;
	struct buf line, field;

	buf_init(&line, owner, 1 << 20);
	while (in.left > 0 && count < FIELDS_MAX) {
		texts[count] = input_text(owner, &in, '\xff');
		buf_text(&line, count > 0 ? "," : "");
		csv_field(&line, texts[count++], false);
	}
	at = line.data ? line.data : "";
	for (size_t i = 0; i < count; i++) {
		buf_init(&field, owner, 1 << 20);
		buf_text(&field, "");
		at = read_field(at, &field);
		check_field(texts[i], &field);
		HOLDS(*at == (i + 1 < count ? ',' : '\0'));
		at += *at != '\0';
	}
	mem_free(owner);
	return 0;
}
