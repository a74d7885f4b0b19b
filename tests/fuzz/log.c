/* log - every event is one line of valid JSON (or of text), of at most 8 KiB, without secrets
 *
 * Input: a byte (the format, and how often the value is repeated), two secrets as lines, then the
 * value.
 */
#include "lines.h"

/* Included as source, to reset the secrets for each input. */
#include "../../common/base/log.c"

static struct buf
scrubbed(void *owner, const char *text)
{
	struct buf out;

	buf_init(&out, owner, 1 << 20);
	log_scrub(&out, text);
	HOLDS(!out.overflow);
	return out;
}

/* Returns true if the text ends in the first 4 or more bytes of the secret, as a cut text may. */
static bool
ends_in_start(const char *text, const char *secret)
{
	size_t size = strlen(text);

	for (size_t length = SECRET_MIN_BYTES; length <= strlen(secret) && length <= size; length++)
		if (strncmp(text + size - length, secret, length) == 0)
			return true;
	return false;
}

/* Excludes secrets with a star: the *** in place of a secret could form one together with the text
 * around it. */
static bool
must_be_hidden(const char *secret)
{
	return strlen(secret) >= SECRET_MIN_BYTES && !strchr(secret, '*');
}

static void
check_scrubbed(void *owner, const char *const secrets[2], const char *text)
{
	struct buf out = scrubbed(owner, text);
	bool any = false, may_be_cut = strlen(text) >= CUT_MIN_BYTES;

	for (size_t i = 0; i < 2; i++) {
		if (!must_be_hidden(secrets[i])) {
			any = any || strlen(secrets[i]) >= SECRET_MIN_BYTES;
			continue;
		}
		any = any || strstr(text, secrets[i])
		      || (may_be_cut && ends_in_start(text, secrets[i]));
		HOLDS(!strstr(out.data, secrets[i]));
		HOLDS(!may_be_cut || !ends_in_start(out.data, secrets[i]));
	}
	/* A text without secrets is unchanged. */
	if (!any)
		HOLDS(strcmp(out.data, text) == 0);
}

/* The line has the member's value, except for secrets and invalid UTF-8. */
static void
check_member(void *owner, const char *value)
{
	struct json_object *line, *member;
	struct buf wanted = scrubbed(owner, value);
	bool good;

	line = json_read(lines.last, lines.size - 1, &good);
	HOLDS(json_object_object_get_ex(line, "event", &member));
	if (json_object_object_get_ex(line, "value", &member)) {
		const char *text = json_object_get_string(member);

		HOLDS(utf8_valid(text, strlen(text), NULL));
		HOLDS(!utf8_valid(wanted.data, wanted.size, NULL) || same_text(text, wanted.data));
	} else {
		HOLDS(json_object_object_get_ex(line, "cut", &member)
		      && json_object_get_boolean(member));
	}
	(void)json_object_put(line);
}

static void
check_text_line(void)
{
	HOLDS(lines.last[lines.size - 1] == '\n');
	for (size_t i = 0; i + 1 < lines.size; i++)
		HOLDS((unsigned char)lines.last[i] >= 0x20 && lines.last[i] != 0x7f);
}

static void
check_line(void *owner, const char *const secrets[2], const char *value, int times, bool is_json)
{
	struct log_line line;

	lines.count = 0;
	log_begin(&line, LOG_ERROR, "fuzz");
	log_string(&line, "value", value);
	for (int i = 1; i < times; i++) {
		log_string(&line, "again", value);
		log_int(&line, "number", i);
	}
	log_bool(&line, "yes", true);
	log_ms(&line, "took_ms", (int64_t)strlen(value) - 3);
	log_end(&line);
	HOLDS(lines.count == 1);
	if (is_json)
		check_member(owner, value);
	else
		check_text_line();
	for (size_t i = 0; i < 2; i++)
		/* Other secrets may contain bytes that JSON escapes, or occur in the line's own
		 * words. */
		if (must_be_hidden(secrets[i])
		    && strspn(secrets[i], "abcdefghijklmnopqrstuvwxyz") >= 8)
			HOLDS(!strstr(lines.last, secrets[i]));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *owner = mem_scope(NULL, "input");
	struct input in = { data, size };
	unsigned form = input_byte(&in);
	const char *secrets[2] = { input_text(owner, &in, '\n'), input_text(owner, &in, '\n') };
	const char *value = input_rest(owner, &in);

	state.secret_count = 0;
	memset(state.is_first, 0, sizeof(state.is_first));
	memset(state.is_second, 0, sizeof(state.is_second));
	log_secret(secrets[0]);
	log_secret(secrets[1]);
	log_set_format(form & 1 ? LOG_TEXT : LOG_JSON);
	log_setup("fuzz", LOG_DEBUG);
	check_scrubbed(owner, secrets, value);
	check_line(owner, secrets, value, (int)(form >> 1), !(form & 1));
	log_printf(LOG_INFO, "printed", "%s", value);
	mem_free(owner);
	return 0;
}
