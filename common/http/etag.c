#include "http/etag.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/text.h"

/* RFC 9110 8.8.3: no space, no quote and no control character. */
static bool
is_tag_byte(char byte)
{
	unsigned char value = (unsigned char)byte;

	return value == 0x21 || (value >= 0x23 && value != 0x7f);
}

/* Returns what follows the tag, which is a text in quotes, or NULL if there is none. */
static const char *
skip_tag(const char *at)
{
	if (*at != '"')
		return NULL;
	do {
		at++;
	} while (is_tag_byte(*at));
	return *at == '"' ? at + 1 : NULL;
}

static bool
is_star(const char *list)
{
	list += strspn(list, " \t");
	return *list == '*' && !list[1 + strspn(list + 1, " \t")];
}

/* Returns the tag without W/. */
static const char *
opaque_tag(const char *tag)
{
	return text_starts(tag, "W/") ? tag + 2 : tag;
}

static bool
is_same_tag(const char *at, const char *end, const char *tag, bool strong)
{
	size_t size;

	if (!tag || (strong && (text_starts(at, "W/") || text_starts(tag, "W/"))))
		return false;
	at = opaque_tag(at);
	tag = opaque_tag(tag);
	size = (size_t)(end - at);
	return strlen(tag) == size && strncmp(at, tag, size) == 0;
}

enum etag_match
etag_match(const char *list, const char *tag, bool strong)
{
	bool found = false, same = false;

	if (is_star(list))
		return ETAG_ANY;
	for (;;) {
		const char *end;

		list += strspn(list, " \t,");
		if (!*list)
			break;
		end = skip_tag(opaque_tag(list));
		if (!end)
			return ETAG_MALFORMED;
		found = true;
		same = same || is_same_tag(list, end, tag, strong);
		list = end + strspn(end, " \t");
		if (*list && *list != ',')
			return ETAG_MALFORMED;
	}
	if (!found)
		return ETAG_MALFORMED;
	return same ? ETAG_LISTED : ETAG_NOT_LISTED;
}

static bool
is_get_or_head(const struct request *request)
{
	return strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
}

/* Returns true if the reply gets a tag of ours unless its handler has set one. */
static bool
has_default_tag(const struct reply *reply)
{
	return reply->status == NP_STATUS_OK && !reply_header(reply, "Cache-Control");
}

static const char *
hash_tag(const struct reply *reply)
{
	char hash[HASH_TEXT_BYTES];

	hash_text(reply->body.data, reply->body.size, hash);
	return mem_printf(reply->owner, "\"%s\"", hash);
}

const char *
etag_of(const struct reply *reply)
{
	const char *own = reply->status == NP_STATUS_OK ? reply_header(reply, "ETag") : NULL;

	if (own)
		return own;
	return has_default_tag(reply) && !reply->goes_on ? hash_tag(reply) : NULL;
}

bool
etag_if_match_fails(const struct reply *reply, const struct request *request)
{
	const char *wanted = request_header(request, "if-match");
	enum etag_match match;

	if (!wanted || !is_get_or_head(request) || reply->status != NP_STATUS_OK)
		return false;
	match = etag_match(wanted, etag_of(reply), true);
	return match != ETAG_ANY && match != ETAG_LISTED;
}

void
etag_apply(struct reply *reply, const struct request *request)
{
	const char *known = request_header(request, "if-none-match");
	const char *tag;
	enum etag_match match;

	if (!is_get_or_head(request) || !has_default_tag(reply))
		return;
	tag = etag_of(reply);
	reply_set_header(reply, "Cache-Control", "private, no-cache");
	if (!tag)
		return;
	if (!reply_header(reply, "ETag"))
		reply_set_header(reply, "ETag", tag);
	match = known ? etag_match(known, tag, false) : ETAG_NOT_LISTED;
	if (match != ETAG_ANY && match != ETAG_LISTED)
		return;
	reply->status = REPLY_NOT_MODIFIED;
	reply->goes_on = false;
	buf_reset(&reply->body);
}
