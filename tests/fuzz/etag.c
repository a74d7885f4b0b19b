/* etag - If-None-Match: a 304 goes to who has the answer, and to nobody else
 *
 * Input: a header's value, in which @ stands for the answer's own tag, a line feed, and the answer's body.
 */
#include "http/etag.h"

#include "fuzz.h"

/* RFC 9110 8.8.3 and 13.1.2: "*" or a list of [W/]"…", read in full. -1: the value is no such list. */
static int
matches(const char *value, const char *tag)
{
	int found = 0;

	value += strspn(value, " \t");
	if (strcmp(value, "*") == 0)
		return 1;
	for (;;) {
		size_t size;

		value += strspn(value, " \t,");
		if (!*value)
			return found;
		value += text_starts(value, "W/") ? 2 : 0;
		if (*value != '"')
			return -1;
		size = 1 + strcspn(value + 1, "\"");
		if (!value[size])
			return -1;
		size++;
		found = found || (size == strlen(tag) && strncmp(value, tag, size) == 0);
		value += size;
		value += strspn(value, " \t");
		if (*value && *value != ',')
			return -1;
	}
}

/* The value with the tag in place of each @. */
static const char *
with_tag(void *owner, const char *value, const char *tag)
{
	struct buf out;

	buf_init(&out, owner, 1 << 20);
	for (; *value; value++)
		if (*value == '@')
			buf_text(&out, tag);
		else
			buf_char(&out, *value);
	return out.data;
}

static void
answer(void *owner, struct reply *reply, const char *method, const char *known, const char *body)
{
	const struct request_header header = { "if-none-match", known };
	const struct request request = { .method = method,
		                         .headers = &header,
		                         .header_count = known != NULL };

	reply_init(reply, owner);
	buf_text(&reply->body, body);
	etag_apply(reply, &request);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *owner = mem_scope(NULL, "input");
	struct input in = { data, size };
	const char *value = input_text(owner, &in, '\n'), *body = input_rest(owner, &in), *tag;
	struct reply reply;
	int wanted;

	answer(owner, &reply, "GET", NULL, body);
	HOLDS(reply.status == NP_OK && strcmp(reply.body.data, body) == 0);
	tag = reply_header(&reply, "ETag");
	HOLDS(tag && *tag == '"' && strlen(tag) > 2);

	value = with_tag(owner, value, tag);
	wanted = matches(value, tag);
	answer(owner, &reply, "GET", value, body);
	HOLDS(reply.status == NP_OK || (reply.status == 304 && reply.body.size == 0));
	if (wanted >= 0)
		HOLDS((reply.status == 304) == wanted);
	/* Also of what is no list: never without the tag or a star in it. */
	HOLDS(reply.status == NP_OK || strstr(value, tag) || strchr(value, '*'));
	HOLDS(same_text(reply_header(&reply, "ETag"), tag));
	answer(owner, &reply, "POST", value, body);
	HOLDS(reply.status == NP_OK && !reply_header(&reply, "ETag"));
	mem_free(owner);
	return 0;
}
