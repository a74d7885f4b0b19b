#include "http/reply_text.h"

#include "base/mem.h"
#include "base/text.h"

static const char type_line[] = "Content-Type: ";

void
reply_to_text(const struct reply *reply, struct buf *out)
{
	buf_int(out, reply->status);
	buf_char(out, '\n');
	if (strcmp(reply->content_type, REPLY_JSON) != 0)
		buf_printf(out, "%s%s\n", type_line, reply->content_type);
	for (size_t i = 0; i < reply->header_count; i++) {
		buf_text(out, reply->headers[i].name);
		buf_text(out, ": ");
		buf_text(out, reply->headers[i].value);
		buf_char(out, '\n');
	}
	buf_char(out, '\n');
	buf_add(out, reply->body.data, reply->body.size);
}

/* Returns the next line, and moves *at behind it; NULL if there is no complete line. */
static char *
next_line(char **at)
{
	char *line = *at, *end = strchr(line, '\n');

	if (!end)
		return NULL;
	*end = '\0';
	*at = end + 1;
	return line;
}

static bool
read_status(struct reply *reply, const char *line)
{
	int64_t status;

	if (!line || !parse_int(line, &status) || status < 200
	    || (status > 299 && !reply_is_redirect((int)status)))
		return false;
	reply->status = (int)status;
	return true;
}

static bool
read_header(struct reply *reply, char *line)
{
	char *colon = strstr(line, ": ");

	if (text_starts(line, type_line)) {
		reply->content_type = mem_strdup(reply->owner, line + strlen(type_line));
		return true;
	}

	if (!colon)
		return false;
	*colon = '\0';
	return reply_restore_header(reply, line, colon + 2);
}

static bool
read_reply(struct reply *reply, const char *text, size_t size)
{
	char *copy = mem_strndup(reply->owner, text, size), *at = copy, *line;

	if (!read_status(reply, next_line(&at)))
		return false;
	while ((line = next_line(&at)) && *line)
		if (!read_header(reply, line))
			return false;
	if (!line)
		return false;
	buf_add(&reply->body, text + (at - copy), size - (size_t)(at - copy));
	return !reply->body.overflow;
}

bool
reply_from_text(struct reply *reply, const char *text, size_t size)
{
	reply_reset(reply);
	if (read_reply(reply, text, size))
		return true;
	reply_reset(reply);
	return false;
}
