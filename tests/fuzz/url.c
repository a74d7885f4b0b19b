/* url - scheme://user:password@host:port/path?name=value: a URL that is parsed can be written and
 * parsed again */
#include "config/url.h"
#include "fuzz.h"

static void
check_part(const char *part)
{
	HOLDS(!part || (utf8_valid(part, strlen(part), NULL) && !has_control(part)));
}

static void
check_parts(const struct url *url)
{
	const char *const parts[] = { url->user, url->password, url->host, url->port, url->path };
	int64_t port;

	for (size_t i = 0; i < COUNT_OF(parts); i++)
		check_part(parts[i]);
	HOLDS(!url->port || (parse_int(url->port, &port) && port >= 1 && port <= 65535));
	HOLDS(url->param_count <= URL_PARAMS_MAX);
	for (size_t i = 0; i < url->param_count; i++) {
		check_part(url->params[i].name);
		check_part(url->params[i].value);
		HOLDS(url->params[i].name[0]);
	}
}

static void
write_url(struct buf *text, const struct url *url)
{
	buf_printf(text, "%s://", url->scheme);
	if (url->user)
		buf_percent(text, url->user, "");
	if (url->password) {
		buf_char(text, ':');
		buf_percent(text, url->password, "");
	}
	if (url->user || url->password)
		buf_char(text, '@');
	if (url->host) {
		buf_char(text, '[');
		buf_percent(text, url->host, "");
		buf_char(text, ']');
	}
	if (url->port)
		buf_printf(text, ":%s", url->port);
	buf_char(text, '/');
	if (url->path)
		buf_percent(text, url->path, "");
	for (size_t i = 0; i < url->param_count; i++) {
		buf_char(text, i == 0 ? '?' : '&');
		buf_percent(text, url->params[i].name, "");
		buf_char(text, '=');
		buf_percent(text, url->params[i].value, "");
	}
}

static void
same_url(const struct url *a, const struct url *b)
{
	HOLDS(same_text(a->scheme, b->scheme));
	HOLDS(same_text(a->user, b->user));
	HOLDS(same_text(a->password, b->password));
	HOLDS(same_text(a->host, b->host));
	HOLDS(same_text(a->port, b->port));
	HOLDS(same_text(a->path, b->path));
	HOLDS(a->param_count == b->param_count);
	for (size_t i = 0; i < a->param_count; i++) {
		HOLDS(same_text(a->params[i].name, b->params[i].name));
		HOLDS(same_text(a->params[i].value, b->params[i].value));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *owner = mem_scope(NULL, "input");
	struct input in = { data, size };
	const char *text = input_rest(owner, &in);
	struct url url, again;
	struct error err;
	struct buf whole;

	if (url_parse(owner, text, &url, &err)) {
		/* At most one raw @, and no #: otherwise the end of a password is ambiguous. */
		HOLDS(strchr(text, '@') == strrchr(text, '@') && !strchr(text, '#'));
		check_parts(&url);
		buf_init(&whole, owner, 1 << 20);
		write_url(&whole, &url);
		/* Encoded, it may exceed the limit. */
		if (whole.size <= URL_MAX_BYTES) {
			HOLDS(url_parse(owner, whole.data, &again, &err));
			same_url(&url, &again);
		}
	} else {
		check_error(&err, FAILURE_INVALID);
	}
	mem_free(owner);
	return 0;
}
