#include "http/request.h"

#include <arpa/inet.h>

#include "base/mem.h"

#define NETWORK_BYTES 8 /* of an IPv6 address: a /64 */

const char *
request_header(const struct request *request, const char *name)
{
	for (size_t i = 0; i < request->header_count; i++)
		if (strcmp(request->headers[i].name, name) == 0)
			return request->headers[i].value;
	return NULL;
}

bool
request_is_encoded(const struct request *request)
{
	static const char identity[] = "identity";
	const char *codings = request_header(request, "content-encoding");

	if (!codings)
		return false;
	for (codings += strspn(codings, " \t,"); *codings; codings += strspn(codings, " \t,")) {
		size_t size = strcspn(codings, " \t,");

		if (size != sizeof(identity) - 1 || strncasecmp(codings, identity, size) != 0)
			return true;
		codings += size;
	}
	return false;
}

const char *
request_network(void *owner, const char *address)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr six;
	struct in_addr four;

	if (inet_pton(AF_INET, address, &four) == 1)
		return mem_strdup(owner, inet_ntop(AF_INET, &four, text, sizeof(text)));
	if (inet_pton(AF_INET6, address, &six) != 1)
		return NULL;
	if (IN6_IS_ADDR_V4MAPPED(&six))
		return mem_strdup(owner, inet_ntop(AF_INET, &six.s6_addr[12], text, sizeof(text)));
	memset(six.s6_addr + NETWORK_BYTES, 0, sizeof(six.s6_addr) - NETWORK_BYTES);
	return mem_printf(owner, "%s/64", inet_ntop(AF_INET6, &six, text, sizeof(text)));
}

bool
request_body_too_large(struct error *err, size_t max)
{
	return error_set(err, FAILURE_TOO_LARGE, "The body is larger than %zu bytes", max);
}
