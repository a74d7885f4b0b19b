/* reply_text - responses that are cached in Redis, which others may write to: a response that is
 * read is complete, and can be sent
 *
 * Input: the text in Redis.
 */
#include "http/reply_text.h"

#include "fuzz.h"

static void
same_reply(const struct reply *a, const struct reply *b)
{
	HOLDS(a->status == b->status && a->header_count == b->header_count);
	for (size_t i = 0; i < a->header_count; i++)
		HOLDS(same_text(a->headers[i].name, b->headers[i].name)
		      && same_text(a->headers[i].value, b->headers[i].value));
	HOLDS(a->body.size == b->body.size
	      && memcmp(a->body.data, b->body.data, a->body.size) == 0);
}

/* The head has the expected number of lines: no header's value begins another header. */
static void
check_head(void *owner, const struct reply *reply)
{
	size_t line_feeds = 0, ends = 0;
	struct buf head;

	for (size_t i = 0; i < reply->header_count; i++)
		for (const char *c = reply->headers[i].value; *c; c++)
			HOLDS(*c == '\t' || ((unsigned char)*c >= 0x20 && *c != 0x7f));
	buf_init(&head, owner, REPLY_HEAD_MAX_BYTES);
	reply_write_head(reply, "Status:", &head);
	for (size_t i = 0; i < head.size; i++) {
		line_feeds += head.data[i] == '\n';
		ends += head.data[i] == '\n' && i > 0 && head.data[i - 1] == '\r';
	}
	HOLDS(line_feeds == ends);
	/* Content-Type and Content-Length, or the length of a redirect, which is 0 */
	HOLDS(ends
	      == 2 + reply->header_count + 2 * (size_t)reply_has_content(reply->status)
	             + (size_t)reply_is_redirect(reply->status));
	HOLDS(text_ends(head.data, "\r\n\r\n"));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *owner = mem_scope(NULL, "input");
	const char *text = input_copy(owner, data, size);
	struct reply reply, again;
	struct buf out;

	reply_init(&reply, owner);
	reply_init(&again, owner);
	if (reply_from_text(&reply, text, size)) {
		HOLDS((reply.status >= 200 && reply.status <= 299)
		      || reply_is_redirect(reply.status));
		HOLDS(reply.header_count <= REPLY_HEADERS_MAX - REPLY_HEADERS_LATE);
		check_head(owner, &reply);
		buf_init(&out, owner, size + 64);
		reply_to_text(&reply, &out);
		HOLDS(!out.overflow && reply_from_text(&again, out.data, out.size));
		same_reply(&reply, &again);
	} else {
		/* The reply is empty. */
		same_reply(&reply, &again);
	}
	mem_free(owner);
	return 0;
}
