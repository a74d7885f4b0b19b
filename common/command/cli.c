#include "command/cli.h"

#include <errno.h>

#include "app/exchange.h"
#include "base/exit_code.h"
#include "base/mem.h"
#include "serve/cgi.h"

/* A GET has none: a terminal would wait for it. */
static bool
has_body(const char *method)
{
	return strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0
	       && strcmp(method, "OPTIONS") != 0 && strcmp(method, "DELETE") != 0;
}

static bool
read_body(void *owner, size_t max, struct request *request, struct error *err)
{
	char *body = mem_resize(owner, NULL, max + 2);

	request->body_size = fread(body, 1, max + 1, stdin);
	if (ferror(stdin))
		return error_set(err, FAILURE_MALFORMED, "The body could not be read: %s",
		                 strerror(errno));
	if (request->body_size > max)
		return request_body_too_large(err, max);
	body[request->body_size] = '\0';
	request->body = body;
	return true;
}

int
cli_run(struct app *app, const char *method, const char *target)
{
	const char *type = getenv("CONTENT_TYPE");
	const struct request_header header = { "content-type",
		                               type && *type ? type : "application/json" };
	struct deadline deadline = deadline_in_ms(app->settings->request_timeout_s * 1000);
	void *scope = mem_scope(mem_process(), "cli");
	struct request request = { .method = method,
		                   .target = target,
		                   .headers = &header,
		                   .header_count = 1,
		                   .shows_break = true, /* by its exit code */
		                   .body = "" };
	struct np_ctx *ctx;
	struct error err;
	int code;

	request.id = cgi_new_id(scope);
	request.start_us = clock_now_us();
	if (has_body(method)
	    && !read_body(scope, route_table_body_max(app->routes), &request, &err))
		ctx = exchange_refuse(scope, app, &request, &err);
	else
		ctx = exchange_begin(scope, app, &request, deadline);
	code = cgi_print(scope, ctx, "HTTP/1.1", "\n") && exchange_reply(ctx)->status < 400
	           ? EXIT_DONE
	           : EXIT_FAILED;
	exchange_end(ctx);
	mem_free(scope);
	return code;
}
