#include "http/request.h"

const char *
request_header(const struct request *request, const char *name)
{
	for (size_t i = 0; i < request->header_count; i++)
		if (strcmp(request->headers[i].name, name) == 0)
			return request->headers[i].value;
	return NULL;
}

bool
request_is_coded(const struct request *request)
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
