#include "http/cookie.h"

#include <inttypes.h>

#include "base/mem.h"
#include "base/text.h"

bool
cookie_is_name(const char *name)
{
	for (const char *c = name; *c; c++)
		if (!text_is_token(*c))
			return false;
	return *name;
}

static const char *
copy_value(void *owner, const char *value, size_t size)
{
	while (size > 0 && (value[size - 1] == ' ' || value[size - 1] == '\t'))
		size--;
	if (size >= 2 && value[0] == '"' && value[size - 1] == '"')
		return mem_strndup(owner, value + 1, size - 2);
	return mem_strndup(owner, value, size);
}

const char *
cookie_find(void *owner, const char *header, const char *name)
{
	size_t size = strlen(name);

	while (header && *header) {
		size_t pair;

		/* Not at a comma: browsers send values that have one, and what follows it must not
		 * be taken for a cookie that only this host can set. */
		header += strspn(header, "; \t");
		pair = strcspn(header, ";");
		if (pair > size && strncmp(header, name, size) == 0 && header[size] == '=')
			return copy_value(owner, header + size + 1, pair - size - 1);
		header += pair;
	}
	return NULL;
}

/* cookie-octet of RFC 6265 4.1.1 */
static bool
is_value(const char *value)
{
	for (; *value; value++)
		if (*value <= ' ' || *value > '~' || strchr("\",;\\", *value))
			return false;
	return true;
}

/* path-value and domain-value: any characters but controls and a semicolon. */
static bool
is_attribute(const char *value)
{
	for (; *value; value++)
		if (*value < ' ' || *value > '~' || *value == ';')
			return false;
	return true;
}

static const char *
cookie_fault(const struct np_cookie *cookie)
{
	bool at_root = !cookie->path || strcmp(cookie->path, "/") == 0;

	if (!cookie->name || !cookie_is_name(cookie->name))
		return "its name is no token";
	if (!cookie->value || !is_value(cookie->value))
		return "its value has a character that a cookie cannot have";
	if ((cookie->path && (cookie->path[0] != '/' || !is_attribute(cookie->path)))
	    || (cookie->domain && !is_attribute(cookie->domain)))
		return "its path or domain is none";
	/* Browsers ignore the case of a prefix. */
	if (strncasecmp(cookie->name, "__Host-", 7) == 0
	    && (!at_root || cookie->domain || cookie->over_http))
		return "a __Host- cookie has the path /, no domain, and Secure";
	if (cookie->over_http
	    && (strncasecmp(cookie->name, "__Secure-", 9) == 0
	        || cookie->same_site == NP_SAME_SITE_NONE))
		return "a __Secure- cookie, or one of NP_SAME_SITE_NONE, is not sent over http";
	return NULL;
}

const char *
cookie_write(struct buf *out, const struct np_cookie *cookie)
{
	static const char *const same_site[] = { [NP_SAME_SITE_LAX] = "Lax",
		                                 [NP_SAME_SITE_STRICT] = "Strict",
		                                 [NP_SAME_SITE_NONE] = "None" };
	const char *fault = cookie_fault(cookie);

	if (fault)
		return fault;
	if (cookie->same_site > NP_SAME_SITE_NONE)
		return "its same_site is none of enum np_same_site";
	buf_printf(out, "%s=%s; Path=%s", cookie->name, cookie->value,
	           cookie->path ? cookie->path : "/");
	if (cookie->domain)
		buf_printf(out, "; Domain=%s", cookie->domain);
	if (cookie->max_age_s != 0)
		buf_printf(out, "; Max-Age=%" PRId64,
		           cookie->max_age_s > 0 ? cookie->max_age_s : 0);
	buf_text(out, cookie->over_http ? "" : "; Secure");
	buf_text(out, cookie->script_may_read ? "" : "; HttpOnly");
	buf_printf(out, "; SameSite=%s", same_site[cookie->same_site]);
	return NULL;
}
