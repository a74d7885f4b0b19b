#include "http/jwks_fetch.h"

#include "base/mem.h"
#include "base/resolve.h"

static const char user_agent[] = "nullpool/" NP_VERSION;

static bool
find_host(void *owner, const char *url, struct deadline deadline, struct addresses *addresses,
          struct error *err)
{
	const char *host = http_client_host(owner, url), *why;

	if (!host)
		return error_set(err, FAILURE_UNAVAILABLE, "it is no URL");
	return resolve_outside(host, deadline, addresses, &why)
	       || error_set(err, FAILURE_UNAVAILABLE, "could not resolve \"%s\": %s", host, why);
}

bool
jwks_fetch(void *owner, struct http_client *client, const char *url, bool resolves,
           struct deadline deadline, struct buf *text, struct error *err)
{
	static const char *const headers[] = { "Accept: application/jwk-set+json, application/json",
		                               NULL };
	struct addresses addresses;
	struct http_client_request request = {
		.url = url, .headers = headers, .user_agent = user_agent, .response = text
	};
	struct jwks set;
	long status = 0;

	if (resolves && !find_host(owner, url, deadline, &addresses, err))
		return false;
	if (resolves)
		request.addresses = &addresses;
	/* libcurl takes 0 for no limit. */
	request.timeout_ms = deadline_left_ms(deadline);
	if (request.timeout_ms == 0)
		return error_set(err, FAILURE_UNAVAILABLE, "no answer within the time allowed");
	if (!http_client_run(client, &request, deadline, &status, err))
		return false;
	if (status != 200)
		return error_set(err, FAILURE_UNAVAILABLE, "it answered with %ld", status);
	return jwks_read(owner, text->data, text->size, &set, err);
}
