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

/* The last answers: a process has a database and perhaps a replica. */
#define KNOWN_MAX 2
static struct {
	char host[NI_MAXHOST]; /* "": free */
	int64_t since_us;
	struct addresses addresses;
} known[KNOWN_MAX];

static size_t
known_index(const char *host)
{
	size_t i = 0;

	while (i < KNOWN_MAX && strcmp(known[i].host, host) != 0)
		i++;
	return i;
}

static bool
recall(const char *host, struct addresses *addresses)
{
	size_t i = known_index(host);

	if (i == KNOWN_MAX || clock_now_us() - known[i].since_us > RESOLVE_KEPT_S * INT64_C(1000000))
		return false;
	*addresses = known[i].addresses;
	return true;
}

/* In its own place, in a free one, or in that of the oldest. */
static void
remember(const char *host, const struct addresses *addresses)
{
	size_t at = known_index(host);

	if (at == KNOWN_MAX) {
		at = 0;
		for (size_t i = 1; i < KNOWN_MAX; i++)
			if (known[i].since_us < known[at].since_us)
				at = i;
	}
	(void)snprintf(known[at].host, sizeof(known[at].host), "%s", host);
	known[at].since_us = clock_now_us();
	known[at].addresses = *addresses;
}

void
resolve_forget(const char *host)
{
	size_t i = known_index(host);

	if (i < KNOWN_MAX) {
		known[i].host[0] = '\0';
		known[i].since_us = 0;
	}
}

static void
drop_question(void)
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

void
resolve_wait(struct deadline deadline)
{
	const struct gaicb *const list[] = { &question.control };

	while (*question.host && gai_error(&question.control) == EAI_INPROGRESS
	       && !deadline_passed(deadline)) {
		int left_ms = deadline_left_ms(deadline);
		struct timespec timeout = { .tv_sec = left_ms / 1000, .tv_nsec = left_ms % 1000 * 1000000L };

		(void)gai_suspend(list, 1, &timeout);
	}
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

static enum resolve_outcome
fail(struct error *err, const char *host, const char *why)
{
	error_fill(err, NP_UNAVAILABLE, "The database is not available");
	error_fill_detail(err, "could not resolve \"%s\": %s", host, why);
	return RESOLVE_FAILED;
}

void
resolve_late(const char *host, struct error *err)
{
	(void)fail(err, host, "no answer within the time allowed");
}

/* The open question's answer, if it is there. */
static enum resolve_outcome
look(const char *host, struct addresses *addresses, struct error *err)
{
	int code = gai_error(&question.control);

	if (code == EAI_INPROGRESS)
		return RESOLVE_PENDING;
	if (code == 0)
		copy(addresses);
	drop_question();
	if (code != 0)
		return fail(err, host, gai_strerror(code));
	if (addresses->count == 0)
		return fail(err, host, "no address");
	remember(host, addresses);
	return RESOLVE_DONE;
}

enum resolve_outcome
resolve_start(const char *host, struct addresses *addresses, struct error *err)
{
	int code;

	if (strlen(host) >= sizeof(question.host))
		return fail(err, "…", "the name is too long");
	if (recall(host, addresses))
		return RESOLVE_DONE;
	if (*question.host && strcmp(question.host, host) != 0) {
		/* An earlier question that nobody waited for: its answer is thrown away. */
		if (gai_error(&question.control) == EAI_INPROGRESS)
			return RESOLVE_PENDING;
		drop_question();
	}
	if (!*question.host && (code = ask(host)) != 0) {
		drop_question();
		return fail(err, host, gai_strerror(code));
	}
	return look(host, addresses, err);
}
