#include "http/client.h"

#include <assert.h>
#include <dlfcn.h>

/* curl's type checks are macros with the names of its functions, which are members here. */
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

#include "base/mem.h"
#include "base/poll.h"
#include "base/resolve.h"
#include "base/text.h"

/* The ABI since 2006. */
#define LIBRARY "libcurl.so.4"
#define FDS_MAX 4

#define FUNCTIONS(_)                \
	_(curl_global_init)         \
	_(curl_easy_init)           \
	_(curl_easy_reset)          \
	_(curl_easy_setopt)         \
	_(curl_easy_getinfo)        \
	_(curl_easy_strerror)       \
	_(curl_slist_append)        \
	_(curl_url)                 \
	_(curl_url_set)             \
	_(curl_url_get)             \
	_(curl_url_cleanup)         \
	_(curl_free)                \
	_(curl_multi_init)          \
	_(curl_multi_add_handle)    \
	_(curl_multi_remove_handle) \
	_(curl_multi_perform)       \
	_(curl_multi_poll)          \
	_(curl_multi_info_read)     \
	_(curl_easy_cleanup)        \
	_(curl_multi_cleanup)       \
	_(curl_slist_free_all)      \
	_(curl_global_cleanup)

#undef curl_easy_setopt
#undef curl_easy_getinfo
/* NOLINTNEXTLINE(bugprone-macro-parentheses): it declares */
#define MEMBER(name) __typeof__(name) *name;
static struct {
	FUNCTIONS(MEMBER)
} lib;

struct http_client {
	CURL *easy;
	CURLM *multi;
	struct curl_slist *headers, *addresses; /* of the request */
	struct buf *response, *response_head;
	const int *client; /* see struct http_client_request */
	bool going, head_ended;
	char why[CURL_ERROR_SIZE];
};

static bool
load_library(struct error *err)
{
#define ROW(name) { #name, (void *)&lib.name },
	const struct {
		const char *name;
		void *at;
	} rows[] = { FUNCTIONS(ROW) };
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

	if (!library)
		return error_set(err, FAILURE_INTERNAL, "could not load %s: %s", LIBRARY,
		                 dlerror());
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		void *function = dlsym(library, rows[i].name);

		if (!function)
			return error_set(err, FAILURE_INTERNAL, "%s has no %s()", LIBRARY,
			                 rows[i].name);
		memcpy(rows[i].at, &function, sizeof(function));
	}
	return true;
}

/* A response that does not fit ends the request. */
static size_t
take_body(char *bytes, size_t size, size_t count, void *at)
{
	struct http_client *client = at;

	if (client->response)
		buf_add(client->response, bytes, size * count);
	return client->response && client->response->overflow ? 0 : size * count;
}

/* libcurl gives one line at a time: also those of a "100 Continue" before the response, and the
 * trailers after its body. */
static size_t
take_head(char *bytes, size_t size, size_t count, void *at)
{
	struct http_client *client = at;
	struct buf *head = client->response_head;

	if (size * count >= 5 && memcmp(bytes, "HTTP/", 5) == 0) {
		buf_reset(head);
		client->head_ended = false;
	}
	if (!client->head_ended)
		buf_add(head, bytes, size * count);
	client->head_ended = client->head_ended || *bytes == '\r' || *bytes == '\n';
	return head->overflow ? 0 : size * count;
}

/* --- opening and closing --- */

static void
free_lists(struct http_client *client)
{
	lib.curl_slist_free_all(client->headers);
	lib.curl_slist_free_all(client->addresses);
	client->headers = client->addresses = NULL;
}

static void
close_client(void *at)
{
	struct http_client *client = at;

	http_client_cancel(client);
	lib.curl_easy_cleanup(client->easy);
	(void)lib.curl_multi_cleanup(client->multi);
	free_lists(client);
	lib.curl_global_cleanup();
}

bool
http_client_open(void *owner, struct http_client **client, struct error *err)
{
	struct http_client *opened = mem_new(owner, struct http_client);

	if (!load_library(err))
		return false;
	if (lib.curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK
	    || !(opened->multi = lib.curl_multi_init()) || !(opened->easy = lib.curl_easy_init()))
		return error_set(err, FAILURE_INTERNAL, "could not start libcurl");
	mem_own(opened, opened, close_client);
	*client = opened;
	return true;
}

/* --- one request --- */

static struct curl_slist *
append(struct curl_slist *list, const char *text)
{
	list = lib.curl_slist_append(list, text);
	if (!list)
		mem_exhausted();
	return list;
}

static void
set_content_type(struct http_client *client, const char *type)
{
	void *scope = mem_scope(client, "type");

	client->headers = append(client->headers, mem_printf(scope, "Content-Type: %s",
	                                                     type ? type : "application/json"));
	mem_free(scope);
}

static void
set_headers(struct http_client *client, const struct http_client_request *request)
{
	const char *const *header = request->headers;

	/* Else libcurl would wait a second for "100 Continue". */
	client->headers = append(NULL, "Expect:");
	if (request->body)
		set_content_type(client, request->content_type);
	for (; header && *header; header++)
		client->headers = append(client->headers, *header);
	(void)lib.curl_easy_setopt(client->easy, CURLOPT_HTTPHEADER, client->headers);
}

static void
set_body(struct http_client *client, const struct http_client_request *request)
{
	if (!request->body)
		return;
	(void)lib.curl_easy_setopt(client->easy, CURLOPT_POSTFIELDSIZE_LARGE,
	                           (curl_off_t)request->size);
	(void)lib.curl_easy_setopt(client->easy, CURLOPT_POSTFIELDS, request->body);
}

static void
set_method(struct http_client *client, const struct http_client_request *request)
{
	if (!request->method)
		return;
	if (strcmp(request->method, "HEAD") == 0)
		(void)lib.curl_easy_setopt(client->easy, CURLOPT_NOBODY, 1L);
	else
		(void)lib.curl_easy_setopt(client->easy, CURLOPT_CUSTOMREQUEST, request->method);
}

static void
set_connection(struct http_client *client, const struct http_client_request *request)
{
	if (request->ca_file) {
		(void)lib.curl_easy_setopt(client->easy, CURLOPT_CAINFO, request->ca_file);
		/* Debian's libcurl would trust the system's folder too. */
		(void)lib.curl_easy_setopt(client->easy, CURLOPT_CAPATH, NULL);
	}
	if (!request->alone)
		return;
	(void)lib.curl_easy_setopt(client->easy, CURLOPT_FRESH_CONNECT, 1L);
	(void)lib.curl_easy_setopt(client->easy, CURLOPT_FORBID_REUSE, 1L);
	/* A ticket of one address is not for another of the same name. */
	(void)lib.curl_easy_setopt(client->easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	(void)lib.curl_easy_setopt(client->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
}

/* Returns a part of the URL as libcurl reads it, or NULL. */
static const char *
url_part(void *owner, const char *url, CURLUPart part)
{
	CURLU *parsed = lib.curl_url();
	const char *copy = NULL;
	char *text = NULL;

	if (!parsed)
		mem_exhausted();
	if (lib.curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK
	    && lib.curl_url_get(parsed, part, &text, CURLU_DEFAULT_PORT) == CURLUE_OK) {
		copy = mem_strdup(owner, text);
		lib.curl_free(text);
	}
	lib.curl_url_cleanup(parsed);
	return copy;
}

/* What libcurl would look up under another name than ours, or read as an option. */
static bool
is_plain_name(const char *host)
{
	size_t size = 0;

	while (text_is_alnum(host[size]) || host[size] == '.' || host[size] == '-'
	       || host[size] == '_')
		size++;
	return size > 0 && !host[size] && *host != '-';
}

const char *
http_client_host(void *owner, const char *url)
{
	const char *host = url_part(owner, url, CURLUPART_HOST);

	if (!host || url_part(owner, url, CURLUPART_ZONEID) || url_part(owner, url, CURLUPART_USER)
	    || url_part(owner, url, CURLUPART_PASSWORD))
		return NULL;
	/* The address in [2001:db8::1]. */
	if (*host == '[')
		return mem_strndup(owner, host + 1, strlen(host) - 2);
	return is_plain_name(host) ? host : NULL;
}

/* Tells libcurl "host:port:address,[address]". */
static void
set_addresses(struct http_client *client, const struct http_client_request *request)
{
	const struct addresses *addresses = request->addresses;
	void *scope;
	struct buf text;

	if (!addresses)
		return;
	(void)lib.curl_easy_setopt(client->easy, CURLOPT_PROXY, "");
	scope = mem_scope(client, "addresses");
	/* libcurl refuses an IPv6 address here as a host, and needs no resolver for it. */
	if (resolve_is_address(http_client_host(scope, request->url))) {
		mem_free(scope);
		return;
	}
	buf_init(&text, scope, 4096);
	/* With a plus it may be replaced, and does not stay for ever. */
	buf_printf(&text, "+%s:%s:", url_part(scope, request->url, CURLUPART_HOST),
	           url_part(scope, request->url, CURLUPART_PORT));
	for (size_t i = 0; i < addresses->count; i++)
		buf_printf(&text, strchr(addresses->texts[i], ':') ? "%s[%s]" : "%s%s",
		           i > 0 ? "," : "", addresses->texts[i]);
	client->addresses = append(NULL, text.data);
	mem_free(scope);
	(void)lib.curl_easy_setopt(client->easy, CURLOPT_RESOLVE, client->addresses);
}

static void
set_options(struct http_client *client, const struct http_client_request *request)
{
	(void)lib.curl_easy_setopt(client->easy, CURLOPT_URL, request->url);
	(void)lib.curl_easy_setopt(client->easy, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)lib.curl_easy_setopt(client->easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
	(void)lib.curl_easy_setopt(client->easy, CURLOPT_NOSIGNAL, 1L);
	/* Else a resolver that hangs is waited for, past the timeout. */
	(void)lib.curl_easy_setopt(client->easy, CURLOPT_QUICK_EXIT, 1L);
	(void)lib.curl_easy_setopt(client->easy, CURLOPT_WRITEFUNCTION, take_body);
	(void)lib.curl_easy_setopt(client->easy, CURLOPT_WRITEDATA, client);
	if (request->response_head) {
		(void)lib.curl_easy_setopt(client->easy, CURLOPT_HEADERFUNCTION, take_head);
		(void)lib.curl_easy_setopt(client->easy, CURLOPT_HEADERDATA, client);
	}
	(void)lib.curl_easy_setopt(client->easy, CURLOPT_ERRORBUFFER, client->why);
	(void)lib.curl_easy_setopt(client->easy, CURLOPT_USERAGENT, request->user_agent);
}

void
http_client_begin(struct http_client *client, const struct http_client_request *request)
{
	assert(!client->going);
	client->why[0] = '\0';
	client->response = request->response;
	client->response_head = request->response_head;
	client->head_ended = false;
	client->client = request->client;
	lib.curl_easy_reset(client->easy);
	free_lists(client);
	set_options(client, request);
	set_headers(client, request);
	set_body(client, request);
	set_method(client, request);
	set_connection(client, request);
	set_addresses(client, request);
	if (lib.curl_multi_add_handle(client->multi, client->easy) != CURLM_OK)
		mem_exhausted();
	client->going = true;
}

static enum http_client_state
end_request(struct http_client *client, CURLcode code, long *status, struct error *err)
{
	if (code == CURLE_OK) {
		(void)lib.curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, status);
		return HTTP_CLIENT_ANSWERED;
	}
	if (client->response_head && client->response_head->overflow)
		error_fill(err, FAILURE_UNAVAILABLE, "its headers are larger than %zu bytes",
		           client->response_head->max);
	else if (client->response && client->response->overflow)
		error_fill(err, FAILURE_UNAVAILABLE, "its response is larger than %zu bytes",
		           client->response->max);
	else
		error_fill(err, FAILURE_UNAVAILABLE, "%s",
		           client->why[0] ? client->why : lib.curl_easy_strerror(code));
	return HTTP_CLIENT_FAILED;
}

enum http_client_state
http_client_step(struct http_client *client, const int *fds, size_t count, int timeout_ms,
                 long *status, struct error *err)
{
	struct curl_waitfd extra[FDS_MAX];
	CURLMsg *message;
	int running, left;

	assert(count < FDS_MAX);
	for (size_t i = 0; i < count; i++)
		extra[i] = (struct curl_waitfd){ .fd = fds[i], .events = CURL_WAIT_POLLIN };
	/* That it hangs up is always an event. */
	if (client->going && client->client)
		extra[count++] = (struct curl_waitfd){ .fd = *client->client };
	(void)lib.curl_multi_perform(client->multi, &running);
	if (!client->going || running > 0) {
		(void)lib.curl_multi_poll(client->multi, extra, (unsigned)count, timeout_ms, NULL);
		(void)lib.curl_multi_perform(client->multi, &running);
	}
	if (!client->going)
		return HTTP_CLIENT_IDLE;
	message = lib.curl_multi_info_read(client->multi, &left);
	if (!message || message->msg != CURLMSG_DONE)
		return HTTP_CLIENT_GOING;
	(void)lib.curl_multi_remove_handle(client->multi, client->easy);
	client->going = false;
	return end_request(client, message->data.result, status, err);
}

void
http_client_cancel(struct http_client *client)
{
	if (client->going)
		(void)lib.curl_multi_remove_handle(client->multi, client->easy);
	client->going = false;
}

bool
http_client_run(struct http_client *client, const struct http_client_request *request,
                struct deadline deadline, long *status, struct error *err)
{
	enum http_client_state state;
	bool left = false;

	http_client_begin(client, request);
	do {
		state = http_client_step(client, NULL, 0, deadline_left_ms(deadline), status, err);
		left = request->client && poll_is_hung_up(*request->client);
	} while (state == HTTP_CLIENT_GOING && !left && !deadline_passed(deadline));
	if (state != HTTP_CLIENT_GOING)
		return state == HTTP_CLIENT_ANSWERED;
	http_client_cancel(client);
	if (left)
		return error_set(err, FAILURE_CLIENT_GONE, ERROR_CLIENT_GONE);
	return error_set(err, FAILURE_UNAVAILABLE, "no answer within the time allowed");
}
