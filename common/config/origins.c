/* origins.c - CORS_ORIGINS, written as browsers write an Origin header
 *
 * nginx compares the header byte by byte, so each origin is brought into the one form that browsers
 * send, and one that no browser can send is refused.
 */
#include <arpa/inet.h>

#include "base/mem.h"
#include "base/text.h"
#include "config/settings_check.h"

#define ORIGIN_MAX_BYTES  300
#define ORIGINS_MAX_BYTES 65536
#define HOST_MAX_BYTES    253

static const char not_exact[] =
    "must be a comma-separated list of exact origins such as https://app.example.com,"
    " without a path and without *";
static const char not_ascii[] =
    "has a non-ASCII host: write its xn-- form (Punycode), which browsers send";
static const char is_null[] =
    "has null, which every sandboxed page and local file sends: it cannot be allowed";
static const char no_pages[] = "has a scheme whose pages do not send an origin of their own";
static const char bad_port[] = "has a port that is not a number from 1 to 65535";
static const char bad_address[] = "has an IP address in a form that browsers do not send";

static void
make_lower(char *text)
{
	for (; *text; text++)
		*text = text_lower(*text);
}

/* Checks a scheme in lower case (RFC 3986 3.1). Returns what is wrong with it, or NULL. */
static const char *
scheme_fault(const char *scheme)
{
	static const char *const without_origin[] = { "about", "blob",       "data", "file",
		                                      "ftp",   "javascript", "ws",   "wss" };

	if (!text_is_alpha(*scheme))
		return not_exact;
	for (const char *c = scheme; *c; c++)
		if (!text_is_alnum(*c) && !strchr("+-.", *c))
			return not_exact;
	for (size_t i = 0; i < COUNT_OF(without_origin); i++)
		if (strcmp(scheme, without_origin[i]) == 0)
			return no_pages;
	return NULL;
}

/* The write_ functions append their part to `out`. Each returns what is wrong with it, or NULL. */

/* Writes [::1] in its shortest form (RFC 5952). An address that ends in IPv4 notation is refused:
 * browsers write it differently. */
static const char *
write_ipv6(const char *host, struct buf *out)
{
	char inside[INET6_ADDRSTRLEN], shortest[INET6_ADDRSTRLEN];
	unsigned char address[16];
	size_t size = strlen(host);

	if (host[size - 1] != ']' || size - 2 >= sizeof(inside))
		return not_exact;
	memcpy(inside, host + 1, size - 2);
	inside[size - 2] = '\0';
	if (inet_pton(AF_INET6, inside, address) != 1)
		return bad_address;
	(void)inet_ntop(AF_INET6, address, shortest, sizeof(shortest));
	if (strchr(shortest, '.'))
		return bad_address;
	buf_printf(out, "[%s]", shortest);
	return NULL;
}

/* Browsers take a host whose last label begins with a digit for an IPv4 address: 127.1 is
 * 127.0.0.1. */
static const char *
write_name(const char *host, struct buf *out)
{
	const char *label = strrchr(host, '.');
	unsigned char address[4];

	for (const char *c = host; *c; c++)
		if (!text_is_alnum(*c) && !strchr("-._", *c))
			return (unsigned char)*c > 127 ? not_ascii : not_exact;
	if (!*host || *host == '.' || strlen(host) > HOST_MAX_BYTES || strstr(host, ".."))
		return not_exact;
	if (text_is_digit(*(label ? label + 1 : host)) && inet_pton(AF_INET, host, address) != 1)
		return bad_address;
	buf_text(out, host);
	return NULL;
}

/* The host of an application's own scheme (capacitor://localhost, app://.) is opaque, and is kept
 * as it is. */
static const char *
write_opaque(const char *host, struct buf *out)
{
	for (const char *c = host; *c; c++)
		if (!text_is_alnum(*c) && !strchr("-._", *c))
			return not_exact;
	if (!*host)
		return not_exact;
	buf_text(out, host);
	return NULL;
}

static const char *
write_port(const char *port, int64_t default_port, struct buf *out)
{
	int64_t number;

	if (!port)
		return NULL;
	if (!text_is_digit(*port) || !parse_int(port, &number) || number < 1 || number > 65535)
		return bad_port;
	if (number != default_port)
		buf_printf(out, ":%d", (int)number);
	return NULL;
}

/* Splits `text` in place. */
static const char *
write_origin(char *text, struct buf *out)
{
	char *host = strstr(text, "://"), *port;
	const char *fault;
	bool http, https;

	if (strcmp(text, "null") == 0)
		return is_null;
	if (!host)
		return not_exact;
	*host = '\0';
	host += 3;
	make_lower(text);
	fault = scheme_fault(text);
	port = strrchr(host, ':');
	if (port && !strchr(port, ']'))
		*port++ = '\0';
	else
		port = NULL;
	http = strcmp(text, "http") == 0;
	https = strcmp(text, "https") == 0;
	buf_printf(out, "%s://", text);
	if (http || https)
		make_lower(host);
	if (!fault)
		fault = http || https ? *host == '[' ? write_ipv6(host, out) : write_name(host, out)
		                      : write_opaque(host, out);
	return fault ? fault : write_port(port, http ? 80 : https ? 443 : 0, out);
}

void
settings_check_origins(void *owner, struct settings *settings, struct buf *faults)
{
	const char *at = settings->cors_origins, *fault = NULL;
	struct buf out;
	size_t size;

	if (!at)
		return;
	buf_init(&out, owner, ORIGINS_MAX_BYTES);
	for (; !fault && (size = text_next_item(&at)) > 0; at += size) {
		if (out.size > 0)
			buf_char(&out, ',');
		fault = size > ORIGIN_MAX_BYTES ? not_exact
		                                : write_origin(mem_strndup(owner, at, size), &out);
	}
	if (!fault && out.overflow)
		fault = "is too long";
	if (fault)
		buf_printf(faults, "CORS_ORIGINS: %s\n", fault);
	else
		settings->cors_origins = out.data;
}
