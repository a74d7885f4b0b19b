#include "observe/http_post.h"

#include <assert.h>
#include <dlfcn.h>

/* curl's type checks are macros with the names of its functions, which are members here. */
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

#include "base/mem.h"

/* The ABI since 2006. */
#define LIBRARY "libcurl.so.4"
#define FDS_MAX 4

#define FUNCTIONS(_)                \
	_(curl_global_init)         \
	_(curl_easy_init)           \
	_(curl_easy_setopt)         \
	_(curl_easy_getinfo)        \
	_(curl_easy_strerror)       \
	_(curl_slist_append)        \
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

struct http_post {
	CURL *easy;
	CURLM *multi;
	struct curl_slist *headers;
	bool going;
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

/* Nobody reads the response's body. */
static size_t
ignore_body(char *bytes, size_t size, size_t count, void *unused)
{
	(void)bytes;
	(void)unused;
	return size * count;
}

static struct curl_slist *
header_list(const char *const *headers)
{
	struct curl_slist *list = lib.curl_slist_append(NULL, "Content-Type: application/json");

	/* Else libcurl would wait a second for "100 Continue". */
	list = lib.curl_slist_append(list, "Expect:");
	for (; *headers; headers++)
		list = lib.curl_slist_append(list, *headers);
	return list;
}

static void
set_options(struct http_post *post, const struct http_post_options *options)
{
	post->headers = header_list(options->headers);
	(void)lib.curl_easy_setopt(post->easy, CURLOPT_URL, options->url);
	(void)lib.curl_easy_setopt(post->easy, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)lib.curl_easy_setopt(post->easy, CURLOPT_HTTPHEADER, post->headers);
	(void)lib.curl_easy_setopt(post->easy, CURLOPT_TIMEOUT_MS, (long)options->timeout_ms);
	(void)lib.curl_easy_setopt(post->easy, CURLOPT_NOSIGNAL, 1L);
	(void)lib.curl_easy_setopt(post->easy, CURLOPT_WRITEFUNCTION, ignore_body);
	(void)lib.curl_easy_setopt(post->easy, CURLOPT_ERRORBUFFER, post->why);
	(void)lib.curl_easy_setopt(post->easy, CURLOPT_USERAGENT,
	                           "OTel-OTLP-Exporter-nullpool/" NP_VERSION);
}

static void
close_post(void *at)
{
	struct http_post *post = at;

	if (post->going)
		(void)lib.curl_multi_remove_handle(post->multi, post->easy);
	lib.curl_easy_cleanup(post->easy);
	(void)lib.curl_multi_cleanup(post->multi);
	lib.curl_slist_free_all(post->headers);
	lib.curl_global_cleanup();
}

bool
http_post_open(void *owner, const struct http_post_options *options, struct http_post **post,
               struct error *err)
{
	struct http_post *opened = mem_new(owner, struct http_post);

	if (!load_library(err))
		return false;
	if (lib.curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK
	    || !(opened->multi = lib.curl_multi_init()) || !(opened->easy = lib.curl_easy_init()))
		return error_set(err, FAILURE_INTERNAL, "could not start libcurl");
	set_options(opened, options);
	mem_own(opened, opened, close_post);
	*post = opened;
	return true;
}

void
http_post_begin(struct http_post *post, const char *body, size_t size)
{
	assert(!post->going);
	post->why[0] = '\0';
	(void)lib.curl_easy_setopt(post->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)size);
	(void)lib.curl_easy_setopt(post->easy, CURLOPT_POSTFIELDS, body);
	(void)lib.curl_multi_add_handle(post->multi, post->easy);
	post->going = true;
}

/* These statuses are those of OTLP/HTTP: https://opentelemetry.io/docs/specs/otlp/#failures-1 */
static bool
may_succeed_later(long status)
{
	return status == 408 || status == 429 || status == 502 || status == 503 || status == 504;
}

static enum http_post_state
post_result(struct http_post *post, CURLcode code, struct error *err)
{
	long status = 0;

	if (code != CURLE_OK) {
		error_fill(err, FAILURE_UNAVAILABLE, "%s",
		           post->why[0] ? post->why : lib.curl_easy_strerror(code));
		return HTTP_POST_LATER;
	}
	(void)lib.curl_easy_getinfo(post->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status >= 200 && status < 300)
		return HTTP_POST_DONE;
	error_fill(err, FAILURE_UNAVAILABLE, "it answered with %ld", status);
	return may_succeed_later(status) ? HTTP_POST_LATER : HTTP_POST_REFUSED;
}

enum http_post_state
http_post_step(struct http_post *post, const int *fds, size_t count, int timeout_ms,
               struct error *err)
{
	struct curl_waitfd extra[FDS_MAX];
	CURLMsg *message;
	int running, left;

	assert(count <= FDS_MAX);
	for (size_t i = 0; i < count; i++)
		extra[i] = (struct curl_waitfd){ .fd = fds[i], .events = CURL_WAIT_POLLIN };
	(void)lib.curl_multi_perform(post->multi, &running);
	if (!post->going || running > 0) {
		(void)lib.curl_multi_poll(post->multi, extra, (unsigned)count, timeout_ms, NULL);
		(void)lib.curl_multi_perform(post->multi, &running);
	}
	if (!post->going)
		return HTTP_POST_IDLE;
	message = lib.curl_multi_info_read(post->multi, &left);
	if (!message || message->msg != CURLMSG_DONE)
		return HTTP_POST_GOING;
	(void)lib.curl_multi_remove_handle(post->multi, post->easy);
	post->going = false;
	return post_result(post, message->data.result, err);
}
