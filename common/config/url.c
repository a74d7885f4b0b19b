#include "config/url.h"
#include "base/mem.h"
#include "base/text.h"

static bool
decode_part(void *owner, const char *text, size_t size, const char **decoded, struct error *err)
{
	char *out = mem_resize(owner, NULL, size + 1);
	size_t length;

	switch (percent_decode(text, size, false, out, &length)) {
	case PERCENT_NUL:
		return error_set(err, FAILURE_INVALID, "contains %%00");
	case PERCENT_BROKEN:
		return error_set(err, FAILURE_INVALID,
		                 "has a %% that is not followed by two hexadecimal digits"
		                 " (write a %% in a password as %%25)");
	case PERCENT_OK:
		break;
	}
	if (!utf8_valid(out, length, NULL))
		return error_set(err, FAILURE_INVALID, "is not UTF-8");
	for (size_t i = 0; i < length; i++)
		if (text_is_control(out[i]))
			return error_set(err, FAILURE_INVALID, "contains a control character");
	*decoded = out;
	return true;
}

static bool
parse_port(struct url *url, struct error *err)
{
	if (!parse_int(url->port, &url->port_number) || url->port_number < 1
	    || url->port_number > 65535)
		return error_set(err, FAILURE_INVALID,
		                 "needs a port from 1 to 65535 after the host"
		                 " (a password with : / ? # or @ must be percent-encoded)");
	return true;
}

static bool
parse_user(void *owner, const char *text, size_t size, struct url *url, struct error *err)
{
	const char *colon = memchr(text, ':', size);
	size_t user = colon ? (size_t)(colon - text) : size;

	if (memchr(text, '@', size))
		return error_set(err, FAILURE_INVALID,
		                 "has more than one @ (write one in a password as %%40)");
	if (colon && !decode_part(owner, colon + 1, size - user - 1, &url->password, err))
		return false;
	return user == 0 || decode_part(owner, text, user, &url->user, err);
}

static bool
parse_host(void *owner, const char *text, size_t size, struct url *url, struct error *err)
{
	const char *end = text + size, *port = memchr(text, ':', size);

	/* libpq accepts host1:port1,host2:port2. */
	if (memchr(text, ',', size))
		return error_set(err, FAILURE_INVALID,
		                 "names several hosts, but only one is supported");
	if (size > 0 && *text == '[') {
		const char *close = memchr(text, ']', size);

		if (!close)
			return error_set(err, FAILURE_INVALID,
			                 "has a [ without a ] around its address");
		if (close + 1 < end && close[1] != ':')
			return error_set(err, FAILURE_INVALID,
			                 "has text after the ] of its address");
		port = close + 1 < end ? close + 1 : NULL;
		if (!decode_part(owner, text + 1, (size_t)(close - text - 1), &url->host, err))
			return false;
	} else if (port != text && size > 0) {
		if (!decode_part(owner, text, (size_t)((port ? port : end) - text), &url->host,
		                 err))
			return false;
	}
	if (!port || port + 1 == end)
		return true;
	return decode_part(owner, port + 1, (size_t)(end - port - 1), &url->port, err)
	       && parse_port(url, err);
}

/* Returns true for a parameter such as user=me?password=…, whose ? was meant as a &. It would make
 * the password part of a value that is shown. */
static bool
hides_password(const char *text, size_t size)
{
	static const char name[] = "password=";
	const char *end = text + size, *at = memchr(text, '?', size);

	return at && memmem(at, (size_t)(end - at), name, sizeof(name) - 1);
}

static bool
parse_params(void *owner, const char *text, struct url *url, struct error *err)
{
	while (*text) {
		size_t size = strcspn(text, "&"), name = strcspn(text, "=&");
		struct url_param *param = &url->params[url->param_count];

		if (name == 0 || name == size)
			return error_set(err, FAILURE_INVALID,
			                 "has a parameter that is not name=value");
		if (hides_password(text, size))
			return error_set(
			    err, FAILURE_INVALID,
			    "has ? instead of & before password= (write a ? in a value as %%3F)");
		if (url->param_count == URL_PARAMS_MAX)
			return error_set(err, FAILURE_INVALID, "has more than %d parameters",
			                 URL_PARAMS_MAX);
		if (!decode_part(owner, text, name, &param->name, err)
		    || !decode_part(owner, text + name + 1, size - name - 1, &param->value, err))
			return false;
		url->param_count++;
		text += size + (text[size] == '&');
	}
	return true;
}

static bool
parse_authority(void *owner, const char *text, size_t size, struct url *url, struct error *err)
{
	const char *at = text + size;

	while (at > text && at[-1] != '@')
		at--;
	if (at > text && !parse_user(owner, text, (size_t)(at - text - 1), url, err))
		return false;
	return parse_host(owner, at, (size_t)(text + size - at), url, err);
}

/* Checks a scheme (RFC 3986 3.1), but lets it begin with any of its characters. */
static bool
is_scheme(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (!text_is_alnum(text[i]) && !strchr("+-.", text[i]))
			return false;
	return size > 0;
}

bool
url_parse(void *owner, const char *text, struct url *url, struct error *err)
{
	const char *rest = strstr(text, "://");
	size_t authority, path;

	*url = (struct url){ .param_count = 0 };
	if (strlen(text) > URL_MAX_BYTES)
		return error_set(err, FAILURE_INVALID, "is longer than %d bytes", URL_MAX_BYTES);
	if (!rest || !is_scheme(text, (size_t)(rest - text)))
		return error_set(err, FAILURE_INVALID,
		                 "is not of the form scheme://user:password@host:port/name");
	url->scheme = mem_strndup(owner, text, (size_t)(rest - text));
	rest += 3;
	authority = strcspn(rest, "/?#");
	/* An @ after the host means that the password has a raw / ? or #; parsing on would put the
	 * rest of the password elsewhere. */
	if (strchr(rest + authority, '@') || strchr(rest, '#'))
		return error_set(
		    err, FAILURE_INVALID,
		    "has an unencoded / ? # or @ (in a password write %%2F %%3F %%23 %%40)");
	if (!parse_authority(owner, rest, authority, url, err))
		return false;
	rest += authority;
	if (*rest == '/') {
		path = strcspn(++rest, "?");
		if (path > 0 && !decode_part(owner, rest, path, &url->path, err))
			return false;
		rest += path;
	}
	return *rest != '?' || parse_params(owner, rest + 1, url, err);
}

bool
url_is_service(const char *text)
{
	size_t scheme = text_starts(text, "http://") ? 7 : text_starts(text, "https://") ? 8 : 0;

	return scheme > 0 && text[scheme] && text[scheme] != '/' && !strpbrk(text, "@# \t\r\n");
}
