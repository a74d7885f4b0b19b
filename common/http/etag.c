#include "http/etag.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"

#define STATUS_NOT_MODIFIED 304

/* A list of tags, or *. The comparison is the weak one: W/ does not matter. */
static bool
has_tag(const char *list, const char *tag)
{
	size_t size = strlen(tag);

	for (;;) {
		list += strspn(list, " \t,");
		if (*list == '*' || !*list)
			return *list == '*';
		if (text_starts(list, "W/"))
			list += 2;
		if (strncmp(list, tag, size) == 0)
			return true;
		/* Behind a tag in quotes; what is none ends at the comma. */
		if (*list == '"')
			list += 1 + strcspn(list + 1, "\"");
		list += strcspn(list, ",");
	}
}

static bool
wants_tag(const struct reply *reply, const struct request *request)
{
	return reply->status == NP_OK
	       && (strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0)
	       && !reply_header(reply, "Cache-Control");
}

void
etag_apply(struct reply *reply, const struct request *request)
{
	const char *known = request_header(request, "if-none-match");
	char hash[HASH_TEXT_BYTES];
	const char *tag;

	if (!wants_tag(reply, request))
		return;
	hash_text(reply->body.data, reply->body.size, hash);
	tag = mem_printf(reply->owner, "\"%s\"", hash);
	reply_set_header(reply, "ETag", tag);
	reply_set_header(reply, "Cache-Control", "private, no-cache");
	if (!known || !has_tag(known, tag))
		return;
	reply->status = STATUS_NOT_MODIFIED;
	buf_reset(&reply->body);
}
