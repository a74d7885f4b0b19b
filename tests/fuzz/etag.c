/* etag - If-None-Match: only a client with the current response gets a 304; If-Match: only a client
 * with the current tag may write
 *
 * Input: a header's value, in which @ stands for the response's own tag, a line feed, and the
 * response's body.
 */
#include "http/etag.h"

#include "fuzz.h"

/* RFC 9110 8.8.3 and 13.1 a second time: "*" or a list of [W/]"…", read to its end. */
static enum etag_match
matches(const char *value, const char *tag, bool strong)
{
	bool found = false, any = false;
	size_t stars = strspn(value, " \t");

	if (value[stars] == '*' && strspn(value + stars + 1, " \t") == strlen(value + stars + 1))
		return ETAG_ANY;
	for (;;) {
		bool weak;
		size_t size;

		value += strspn(value, " \t,");
		if (!*value)
			break;
		weak = text_starts(value, "W/");
		value += weak ? 2 : 0;
		size = *value == '"' ? 1 + strcspn(value + 1, "\"") : 0;
		if (size == 0 || !value[size])
			return ETAG_MALFORMED;
		for (size_t i = 1; i < size; i++)
			if ((unsigned char)value[i] <= ' ' || value[i] == 0x7f)
				return ETAG_MALFORMED;
		size++;
		any = true;
		found = found
		        || (!(strong && weak) && size == strlen(tag)
		            && strncmp(value, tag, size) == 0);
		value += size;
		value += strspn(value, " \t");
		if (*value && *value != ',')
			return ETAG_MALFORMED;
	}
	if (!any)
		return ETAG_MALFORMED;
	return found ? ETAG_LISTED : ETAG_NOT_LISTED;
}

/* Returns the value with the tag in place of each @. */
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
	enum etag_match wanted;

	answer(owner, &reply, "GET", NULL, body);
	HOLDS(reply.status == NP_STATUS_OK && strcmp(reply.body.data, body) == 0);
	tag = reply_header(&reply, "ETag");
	HOLDS(tag && *tag == '"' && strlen(tag) > 2);

	value = with_tag(owner, value, tag);
	wanted = matches(value, tag, false);
	HOLDS(etag_match(value, tag, false) == wanted);
	HOLDS(etag_match(value, tag, true) == matches(value, tag, true));
	answer(owner, &reply, "GET", value, body);
	HOLDS(reply.status == NP_STATUS_OK || (reply.status == 304 && reply.body.size == 0));
	HOLDS((reply.status == 304) == (wanted == ETAG_LISTED || wanted == ETAG_ANY));
	/* Holds for malformed values too: no 304 without the tag or a star. */
	HOLDS(reply.status == NP_STATUS_OK || strstr(value, tag) || strchr(value, '*'));
	HOLDS(same_text(reply_header(&reply, "ETag"), tag));
	answer(owner, &reply, "POST", value, body);
	HOLDS(reply.status == NP_STATUS_OK && !reply_header(&reply, "ETag"));
	mem_free(owner);
	return 0;
}
