#include "http/reply.h"

#include <assert.h>

#include "base/mem.h"
#include "base/text.h"

#define MEDIA_TYPE_MAX_BYTES 255

void
reply_init(struct reply *reply, void *owner)
{
	*reply = (struct reply){ .owner = owner,
		                 .status = NP_STATUS_OK,
		                 .content_type = REPLY_JSON };
	buf_init(&reply->body, owner, REPLY_BODY_MAX_BYTES);
}

void
reply_reset(struct reply *reply)
{
	bool without_body = reply->without_body;

	buf_release(&reply->body);
	reply_init(reply, reply->owner);
	reply->without_body = without_body;
}

bool
reply_is_media_type(const char *type)
{
	size_t before = strcspn(type, "/"), after = 0;

	if (type[before])
		after = strcspn(type + before + 1, "; ");
	for (const char *c = type; *c; c++)
		if (*c < ' ' || *c > '~')
			return false;
	return before > 0 && after > 0 && strlen(type) <= MEDIA_TYPE_MAX_BYTES;
}

void
reply_begin(struct reply *reply, const char *content_type)
{
	size_t count = 0;

	for (size_t i = 0; i < reply->header_count; i++)
		if (!reply->headers[i].is_ours)
			reply->headers[count++] = reply->headers[i];
	reply->header_count = count;
	reply->content_type = content_type;
	reply->goes_on = false;
	buf_reset(&reply->body);
}

static bool
is_header_name(const char *name)
{
	const char *at = name;

	while (text_is_alnum(*at) || *at == '-')
		at++;
	return at > name && !*at;
}

bool
reply_add_header(struct reply *reply, const char *name, const char *value, struct error *err)
{
	if (!is_header_name(name) || !text_is_header_value(value)) {
		return error_internal(
		    err, "response header \"%.64s\" has an invalid name or a control character",
		    name);
	}
	reply->header_bytes += strlen(name) + strlen(value) + sizeof(": \r\n");
	if (reply->header_count >= REPLY_HEADERS_MAX - REPLY_HEADERS_OURS
	    || reply->header_bytes > REPLY_HEADERS_MAX_BYTES) {
		return error_internal(
		    err, "more than %d response headers, or more than %d bytes of them",
		    REPLY_HEADERS_MAX - REPLY_HEADERS_OURS, REPLY_HEADERS_MAX_BYTES);
	}
	reply->headers[reply->header_count].name = mem_strdup(reply->owner, name);
	reply->headers[reply->header_count++].value = mem_strdup(reply->owner, value);
	return true;
}

void
reply_set_header(struct reply *reply, const char *name, const char *value)
{
	struct reply_header *header = reply->headers;

	while (header < reply->headers + reply->header_count
	       && !(header->is_ours && text_equal_nocase(header->name, name)))
		header++;
	if (header == reply->headers + reply->header_count)
		reply->header_count++;
	assert(is_header_name(name) && text_is_header_value(value)
	       && reply->header_count <= REPLY_HEADERS_MAX);
	*header = (struct reply_header){ name, value, true };
}

bool
reply_restore_header(struct reply *reply, const char *name, const char *value)
{
	if (!is_header_name(name) || !text_is_header_value(value)
	    || reply->header_count == REPLY_HEADERS_MAX - REPLY_HEADERS_LATE)
		return false;
	reply->headers[reply->header_count++] = (struct reply_header){
		mem_strdup(reply->owner, name), mem_strdup(reply->owner, value), false
	};
	return true;
}

bool
reply_is_own_header(const char *name)
{
	static const char *const own[] = { "Content-Type", "Content-Length", "Status",
		                           "Transfer-Encoding", "Connection" };

	for (size_t i = 0; i < COUNT_OF(own); i++)
		if (text_equal_nocase(own[i], name))
			return true;
	return false;
}

const char *
reply_header(const struct reply *reply, const char *name)
{
	for (size_t i = 0; i < reply->header_count; i++)
		if (text_equal_nocase(reply->headers[i].name, name))
			return reply->headers[i].value;
	return NULL;
}

bool
reply_is_redirect(int status)
{
	return status == NP_STATUS_FOUND || status == NP_STATUS_SEE_OTHER
	       || status == NP_STATUS_TEMPORARY_REDIRECT || status == NP_STATUS_PERMANENT_REDIRECT;
}

bool
reply_has_content(int status)
{
	return status != NP_STATUS_NO_CONTENT && status != REPLY_NOT_MODIFIED
	       && !reply_is_redirect(status);
}

static void
write_header(struct buf *out, const char *name, const char *value)
{
	buf_text(out, name);
	buf_text(out, ": ");
	buf_text(out, value);
	buf_text(out, "\r\n");
}

void
reply_write_head(const struct reply *reply, const char *first, struct buf *out)
{
	char length[INT_TEXT_BYTES];

	buf_text(out, first);
	buf_char(out, ' ');
	buf_int(out, reply->status);
	buf_char(out, ' ');
	buf_text(out, reply_reason(reply->status));
	buf_text(out, "\r\n");
	for (size_t i = 0; i < reply->header_count; i++)
		write_header(out, reply->headers[i].name, reply->headers[i].value);
	if (reply_has_content(reply->status)) {
		(void)text_of_int((int64_t)reply->body.size, length);
		write_header(out, "Content-Type", reply->content_type);
		if (!reply->goes_on)
			write_header(out, "Content-Length", length);
	} else if (reply_is_redirect(reply->status)) {
		write_header(out, "Content-Length", "0");
	}
	buf_text(out, "\r\n");
	assert(!out->overflow);
}

const char *
reply_reason(int status)
{
	static const struct {
		int status;
		const char *reason;
	} reasons[] = {
		{ 200, "OK" },
		{ 201, "Created" },
		{ 202, "Accepted" },
		{ 204, "No Content" },
		{ 302, "Found" },
		{ 303, "See Other" },
		{ 304, "Not Modified" },
		{ 307, "Temporary Redirect" },
		{ 308, "Permanent Redirect" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 402, "Payment Required" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 409, "Conflict" },
		{ 410, "Gone" },
		{ 412, "Precondition Failed" },
		{ 413, "Content Too Large" },
		{ 415, "Unsupported Media Type" },
		{ 422, "Unprocessable Content" },
		{ 423, "Locked" },
		{ 424, "Failed Dependency" },
		{ 425, "Too Early" },
		{ 428, "Precondition Required" },
		{ 429, "Too Many Requests" },
		{ 451, "Unavailable For Legal Reasons" },
		{ 499, "Client Closed Request" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 502, "Bad Gateway" },
		{ 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" },
		{ 505, "HTTP Version Not Supported" },
	};

	for (size_t i = 0; i < COUNT_OF(reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return status >= 400 && status < 500 ? "Client Error" : "";
}
