#include "http/openapi_responses.h"

#include "base/mem.h"
#include "base/text.h"
#include "http/oauth2_error.h"
#include "http/openapi_schema.h"
#include "http/param.h"
#include "http/param_row.h"
#include "http/problem.h"
#include "http/route.h"
#include "http/router.h"

#define PROBLEM_REF       "{\"$ref\":\"#/components/schemas/Problem\"}"
#define EXAMPLE_ID        "0d4f3a86b1c9e27f5a60c3d81b94e7f2"
#define TARGET_MAX_BYTES  4096
#define TOO_MANY_REQUESTS 429

static const struct {
	const char *name, *schema, *description;
} headers[] = {
	{ "Location", "{\"type\":\"string\",\"format\":\"uri-reference\"}",
	  "The URL of the new resource, or where to go on" },
	{ "Link", "{\"type\":\"string\"}", "The next page, rel=\"next\"; absent on the last one" },
	{ "ETag", "{\"type\":\"string\"}",
	  "A strong tag of the response, for If-Match and If-None-Match" },
	{ "Retry-After", "{\"type\":\"integer\"}", "Seconds to wait before the next try" },
	{ "WWW-Authenticate", "{\"type\":\"string\"}",
	  "Bearer; with invalid_token if the request had a token" },
	{ "Idempotency-Replayed", "{\"type\":\"string\",\"enum\":[\"true\"]}",
	  "This Idempotency-Key was used before; this is the response it got" },
};

/* --- headers --- */

void
openapi_headers(struct buf *out)
{
	buf_text(out, "\"headers\":{");
	for (size_t i = 0; i < COUNT_OF(headers); i++) {
		buf_printf(out, "%s\"%s\":{\"schema\":%s,\"description\":", i > 0 ? "," : "",
		           headers[i].name, headers[i].schema);
		buf_json_text(out, headers[i].description);
		buf_char(out, '}');
	}
	buf_char(out, '}');
}

static void
write_headers(struct buf *out, const char *const *names)
{
	const char *before = ",\"headers\":{";

	for (; *names; names++) {
		buf_printf(out, "%s\"%s\":{\"$ref\":\"#/components/headers/%s\"}", before, *names,
		           *names);
		before = ",";
	}
	if (strcmp(before, ",") == 0)
		buf_char(out, '}');
}

/* --- examples --- */

/* Writes a path in which each {name} has a value that only a string may have, and for a 422 an
 * unknown query parameter. */
static void
write_target(struct buf *out, const struct np_route *route, int status)
{
	for (const char *c = route->path; *c; c++) {
		if (*c == '{') {
			buf_text(out, "none");
			c += strcspn(c, "}");
		} else {
			buf_char(out, *c);
		}
	}
	buf_text(out, status == 422 ? "?surprise=1" : "");
}

/* A body of the route's kind: one without members, and one that is malformed. */
static const struct {
	struct request_header type;
	const char *empty, *malformed;
} bodies[] = {
	[NP_BODY_MEMBERS] = { { "content-type", "application/json" }, "{}", "{" },
	[NP_BODY_MULTIPART] = { { "content-type", "multipart/form-data; boundary=b" },
	                        "--b--",
	                        "--b" },
	[NP_BODY_JSON] = { { "content-type", "application/json" }, "{}", "{" },
	[NP_BODY_RAW] = { { "content-type", "text/plain" }, "", "" },
};

/* Returns true if a body can be malformed, or of the wrong type. */
static bool
reads_body(const struct np_route *route)
{
	return route->body == NP_BODY_JSON
	       || (route->body != NP_BODY_RAW && route_has_param_in(route, NP_IN_BODY));
}

/* Decodes a request that is answered with this status, to get the detail and the faults. */
static void
make_faults(void *scope, const struct np_route *route, int status, struct param_faults *faults,
            struct error *err)
{
	struct request request = { .method = route->method,
		                   .headers = &bodies[route->body].type,
		                   .header_count = 1,
		                   .body = bodies[route->body].empty };
	struct argument *arguments;
	struct target target;
	struct buf text;

	buf_init(&text, scope, TARGET_MAX_BYTES);
	write_target(&text, route, status);
	if (status == 400 && !reads_body(route))
		buf_text(&text, "?x=%");
	else if (status == 400)
		request.body = bodies[route->body].malformed;
	request.header_count = status == 415 ? 0 : 1;
	request.body_size = strlen(request.body);
	/* A valid request has no detail. */
	if (target_parse(scope, text.data, &target, err)
	    && param_decode(scope, route, &request, &target, &arguments, faults, err))
		*err = (struct error){ .message = "" };
}

static const char *
problem_detail(void *owner, const struct np_route *route, int status)
{
	switch (status) {
	case 401:
		if (route->auth == NP_AUTH_KEY)
			return PROBLEM_NO_KEY;
		return route->auth == NP_AUTH_NONE ? route->errors.unauthorized : PROBLEM_NO_TOKEN;
	case 403:
		if (route->require && (route->auth == NP_AUTH_KEY || route->guard))
			return mem_printf(owner, "The scope \"%s\" is not granted", route->require);
		return route->require ? mem_printf(owner, PROBLEM_NO_SCOPE, route->require)
		                      : PROBLEM_NOT_YOURS;
	case 404:
		return route->errors.not_found ? route->errors.not_found : PROBLEM_NOT_FOUND;
	case 409:
		return route->errors.conflict ? route->errors.conflict : PROBLEM_CONFLICT;
	case 412:
		return PROBLEM_CHANGED;
	case 428:
		return PROBLEM_NEEDS_IF_MATCH;
	/* nginx answers with these, in nginx/http.conf. */
	case 413:
		return "The body is larger than allowed";
	case TOO_MANY_REQUESTS:
		return "Too many requests from your address, slow down";
	case 503:
		return "The endpoint is not available";
	case 504:
		return "The endpoint did not answer in time; what the request did is not known";
	default:
		return NULL; /* a 500 tells the client no more */
	}
}

static void
write_example(struct buf *out, const struct np_route *route, int status)
{
	void *scope = mem_scope(out->owner, "example");
	struct param_faults *faults = mem_new(scope, struct param_faults);
	struct problem problem = { .status = status, .request_id = EXAMPLE_ID };
	struct error err = { .message = "" };
	struct reply reply;

	reply_init(&reply, scope);
	problem.detail = problem_detail(scope, route, status);
	if (status == 400 || status == 415 || status == 422) {
		make_faults(scope, route, status, faults, &err);
		problem.detail = err.message[0] ? err.message : NULL;
		problem.faults = status == 422 ? faults : NULL;
	}
	problem_write(&reply, &problem);
	buf_text(out, ",\"example\":");
	buf_add(out, reply.body.data, reply.body.size);
	mem_free(scope);
}

static void
write_problem_content(struct buf *out, const struct np_route *route, int status)
{
	buf_text(out, "\"application/problem+json\":{\"schema\":" PROBLEM_REF);
	write_example(out, route, status);
	buf_char(out, '}');
}

/* The form that oauth2_error.c writes. */
static void
write_oauth2_content(struct buf *out, const struct np_route *route, int status)
{
	void *scope = mem_scope(out->owner, "example");
	struct reply reply;

	reply_init(&reply, scope);
	buf_text(out,
	         "\"application/json\":{\"schema\":{\"type\":\"object\",\"properties\":{"
	         "\"error\":{\"type\":\"string\"},\"error_description\":{\"type\":\"string\"}},"
	         "\"required\":[\"error\"]}");
	if (status == 400) {
		oauth2_error_write(&reply, FAILURE_UNAUTHORIZED, status, route->errors.unauthorized,
		                   NULL);
		buf_text(out, ",\"example\":");
		buf_add(out, reply.body.data, reply.body.size);
	}
	buf_text(out, "},");
	mem_free(scope);
}

/* --- responses --- */

static void
write_json_content(struct buf *out, const struct np_route *route)
{
	const char *name = route->returns->name;

	buf_text(out, "\"application/json\":{\"schema\":");
	if (route->list)
		buf_printf(out,
		           "{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/%s\"}}",
		           name);
	else if (route->page)
		buf_printf(
		    out,
		    "{\"type\":\"object\",\"properties\":{\"items\":{\"type\":\"array\",\"items\":"
		    "{\"$ref\":\"#/components/schemas/%s\"}},"
		    "\"next\":{\"type\":[\"string\",\"null\"]}},"
		    "\"required\":[\"items\",\"next\"]}",
		    name);
	else
		buf_printf(out, "{\"$ref\":\"#/components/schemas/%s\"}", name);
	buf_char(out, '}');
}

/* A text has a schema; bytes have none (OpenAPI 3.1 4.8.14.2). */
static void
write_content(struct buf *out, const struct np_route *route)
{
	if (!route->produces) {
		write_json_content(out, route);
		return;
	}
	buf_json_text(out, route->produces);
	buf_printf(out, ":{%s}",
	           text_starts(route->produces, "text/") ? "\"schema\":{\"type\":\"string\"}" : "");
}

static void
write_success(struct buf *out, const struct np_route *route)
{
	enum np_status status = route_success(route);
	bool tagged = route_has_method(route, "GET") && !route->cache.no_store
	              && status == NP_STATUS_OK;
	const char *names[5] = { NULL };
	size_t count = 0;

	if (status == NP_STATUS_CREATED || reply_is_redirect((int)status))
		names[count++] = "Location";
	if (route->page)
		names[count++] = "Link";
	if (tagged)
		names[count++] = "ETag";
	if (route_takes_idempotency_key(route))
		names[count++] = "Idempotency-Replayed";
	buf_printf(out, "\"%d\":{\"description\":\"%s\"", (int)status, reply_reason((int)status));
	write_headers(out, names);
	if (reply_has_content((int)status) && (route->returns || route->produces)) {
		buf_text(out, ",\"content\":{");
		write_content(out, route);
		buf_char(out, '}');
	}
	buf_char(out, '}');
	if (!tagged)
		return;
	buf_text(out, ",\"304\":{\"description\":\"Not Modified\"");
	write_headers(out, (const char *const[]){ "ETag", NULL });
	buf_char(out, '}');
}

/* A 503 of a route with .no_store may also be its own response: a report of bad health. */
static void
write_problem(struct buf *out, const struct np_route *route, bool wanted, int status,
              const char *description)
{
	bool retry = status == TOO_MANY_REQUESTS || status == 503;

	if (!wanted)
		return;
	buf_printf(out, ",\"%d\":{\"description\":", status);
	buf_json_text(out, description ? description : reply_reason(status));
	if (retry || status == 401)
		write_headers(
		    out, (const char *const[]){ retry ? "Retry-After" : "WWW-Authenticate", NULL });
	buf_text(out, ",\"content\":{");
	if (status == 503 && route->cache.no_store && route->returns) {
		write_json_content(out, route);
		buf_char(out, ',');
	}
	/* nginx answers with problem documents all the same. */
	if (route->errors.as)
		buf_text(out, "\"application/json\":{},");
	if (route->errors.format == NP_ERROR_FORMAT_OAUTH2)
		write_oauth2_content(out, route, status);
	write_problem_content(out, route, status);
	buf_text(out, "}}");
}

void
openapi_responses(struct buf *out, const struct np_route *route, bool conditional)
{
	bool database = route->tx != NP_TX_NONE, writes = database && route->tx != NP_TX_READ;
	bool typed = reads_body(route), body = typed || route->body == NP_BODY_RAW,
	     auth = route->auth != NP_AUTH_NONE || route->guard;
	bool path = route_has_param_in(route, NP_IN_PATH), key = route_takes_idempotency_key(route);
	bool oauth2 = route->errors.format
	              == NP_ERROR_FORMAT_OAUTH2; /* an error of the request is then a 400 */

	buf_text(out, ",\"responses\":{");
	write_success(out, route);
	write_problem(out, route, true, 400, oauth2 ? route->errors.unauthorized : NULL);
	write_problem(out, route, !oauth2 && (auth || route->errors.unauthorized), 401,
	              route->errors.unauthorized);
	write_problem(out, route, auth, 403, NULL);
	write_problem(out, route, route->errors.not_found || path, 404, route->errors.not_found);
	write_problem(out, route, !oauth2 && writes, 409, route->errors.conflict);
	write_problem(out, route, conditional, 412, NULL);
	write_problem(out, route, body, 413, NULL);
	write_problem(out, route, !oauth2 && typed, 415, NULL);
	write_problem(out, route,
	              !oauth2 && (param_count(route->params) > 0 || key || !route->lenient), 422,
	              NULL);
	write_problem(out, route, route->precondition, 428, NULL);
	write_problem(out, route, true, TOO_MANY_REQUESTS, NULL);
	write_problem(out, route, true, 500, NULL);
	write_problem(out, route, true, 503, NULL);
	write_problem(out, route, database, 504, NULL);
	buf_char(out, '}');
}
