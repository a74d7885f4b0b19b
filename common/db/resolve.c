#include "db/resolve.h"

#include <netdb.h>
#include <sys/socket.h>

/* The question that glibc's thread works on. It may outlive the request that asked, and at exit all else, so it is
 * allocated nowhere. */
static struct {
	struct gaicb control;
	struct addrinfo hints;
	char host[NI_MAXHOST]; /* "": there is none */
} question;

static void
forget(void)
{
	if (question.control.ar_result)
		freeaddrinfo(question.control.ar_result);
	question.control.ar_result = NULL;
	question.host[0] = '\0';
}

static int
ask(const char *host)
{
	struct gaicb *list[] = { &question.control };

	(void)snprintf(question.host, sizeof(question.host), "%s", host);
	question.hints = (struct addrinfo){ .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	question.control = (struct gaicb){ .ar_name = question.host, .ar_request = &question.hints };
	return getaddrinfo_a(GAI_NOWAIT, list, 1, NULL);
}

static int
wait_answer(struct deadline deadline)
{
	const struct gaicb *const list[] = { &question.control };
	int code;

	while ((code = gai_error(&question.control)) == EAI_INPROGRESS && !deadline_passed(deadline)) {
		int left_ms = deadline_left_ms(deadline);
		struct timespec timeout = { .tv_sec = left_ms / 1000, .tv_nsec = left_ms % 1000 * 1000000L };

		(void)gai_suspend(list, 1, &timeout);
	}
	return code;
}

static void
copy(struct addresses *addresses)
{
	addresses->count = 0;
	for (const struct addrinfo *at = question.control.ar_result; at; at = at->ai_next)
		if (addresses->count < RESOLVE_MAX
		    && getnameinfo(at->ai_addr, at->ai_addrlen, addresses->texts[addresses->count],
		                   sizeof(addresses->texts[0]), NULL, 0, NI_NUMERICHOST)
		           == 0)
			addresses->count++;
}

static bool
fail(struct error *err, const char *host, const char *why)
{
	error_fill(err, NP_UNAVAILABLE, "The database is not available");
	return error_detail(err, "could not resolve \"%s\": %s", host, why);
}

bool
resolve(const char *host, struct deadline deadline, struct addresses *addresses, struct error *err)
{
	int code = 0;

	if (strlen(host) >= sizeof(question.host))
		return fail(err, "…", "the name is too long");
	/* An earlier question that nobody waited for: its answer is thrown away, unless it is the same. */
	if (*question.host && strcmp(question.host, host) != 0) {
		if (wait_answer(deadline) == EAI_INPROGRESS)
			return fail(err, host, "the resolver still works on another name");
		forget();
	}
	if (!*question.host)
		code = ask(host);
	if (code == 0)
		code = wait_answer(deadline);
	if (code == EAI_INPROGRESS)
		return fail(err, host, "no answer within the time allowed");
	if (code == 0)
		copy(addresses);
	forget();
	if (code != 0)
		return fail(err, host, gai_strerror(code));
	return addresses->count > 0 || fail(err, host, "no address");
}
