#include "base/resolve.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>

/* A database, perhaps a replica, perhaps a Redis. */
#define NAMES_MAX 3

/* A question is what glibc's thread works on. It may outlive the request that asked, and at exit all else, so it is
 * allocated nowhere. */
static struct name {
	char host[NI_MAXHOST]; /* "": free */
	struct gaicb question;
	struct addrinfo hints;
	bool asked;       /* the question is open, or its answer not yet looked at */
	int64_t since_us; /* of the addresses */
	struct addresses addresses;
} names[NAMES_MAX];

static bool
is_open(struct name *name)
{
	return name->asked && gai_error(&name->question) == EAI_INPROGRESS;
}

static struct name *
name_of(const char *host)
{
	for (size_t i = 0; i < NAMES_MAX; i++)
		if (strcmp(names[i].host, host) == 0)
			return &names[i];
	return NULL;
}

static void
drop_answer(struct name *name)
{
	if (name->asked && name->question.ar_result)
		freeaddrinfo(name->question.ar_result);
	name->question.ar_result = NULL;
	name->asked = false;
}

/* A free place, or that of the oldest whose question is not open; NULL: there is none. */
static struct name *
new_name(const char *host)
{
	struct name *place = NULL;

	for (size_t i = 0; i < NAMES_MAX; i++)
		if (!is_open(&names[i]) && (!place || names[i].since_us < place->since_us))
			place = &names[i];
	if (!place)
		return NULL;
	drop_answer(place);
	(void)snprintf(place->host, sizeof(place->host), "%s", host);
	place->since_us = 0;
	place->addresses.count = 0;
	return place;
}

void
resolve_forget(const char *host)
{
	struct name *name = name_of(host);

	if (name)
		name->addresses.count = 0;
}

static bool
is_known(const struct name *name)
{
	return name->addresses.count > 0
	       && clock_now_us() - name->since_us <= RESOLVE_KEPT_S * INT64_C(1000000);
}

/* 0, or why not. */
static int
ask(struct name *name)
{
	struct gaicb *list[] = { &name->question };
	int code;

	name->hints = (struct addrinfo){ .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	name->question = (struct gaicb){ .ar_name = name->host, .ar_request = &name->hints };
	code = getaddrinfo_a(GAI_NOWAIT, list, 1, NULL);
	name->asked = code == 0;
	return code;
}

void
resolve_wait(struct deadline deadline)
{
	const struct gaicb *open[NAMES_MAX];
	int left_ms = deadline_left_ms(deadline), count = 0;
	struct timespec timeout = { .tv_sec = left_ms / 1000, .tv_nsec = left_ms % 1000 * 1000000L };

	for (size_t i = 0; i < NAMES_MAX; i++)
		if (is_open(&names[i]))
			open[count++] = &names[i].question;
	if (count > 0)
		(void)gai_suspend(open, count, &timeout);
}

static void
copy(const struct addrinfo *from, struct addresses *to)
{
	to->count = 0;
	for (; from && to->count < RESOLVE_MAX; from = from->ai_next)
		if (getnameinfo(from->ai_addr, from->ai_addrlen, to->texts[to->count], sizeof(to->texts[0]),
		                NULL, 0, NI_NUMERICHOST)
		    == 0)
			to->count++;
}

static enum resolve_outcome
look(struct name *name, const char **why)
{
	int code = gai_error(&name->question);

	*why = "no answer within the time allowed";
	if (code == EAI_INPROGRESS)
		return RESOLVE_PENDING;
	if (code == 0)
		copy(name->question.ar_result, &name->addresses);
	drop_answer(name);
	*why = code != 0 ? gai_strerror(code) : "no address";
	if (code != 0 || name->addresses.count == 0)
		return RESOLVE_FAILED;
	name->since_us = clock_now_us();
	return RESOLVE_DONE;
}

bool
resolve_is_address(const char *host)
{
	unsigned char address[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

enum resolve_outcome
resolve_start(const char *host, struct addresses *addresses, const char **why)
{
	enum resolve_outcome outcome = RESOLVE_DONE;
	struct name *name = name_of(host);
	int code;

	*why = *host ? "the name is too long" : "there is no name";
	if (!*host || strlen(host) >= sizeof(name->host))
		return RESOLVE_FAILED;
	if (resolve_is_address(host)) {
		(void)snprintf(addresses->texts[0], sizeof(addresses->texts[0]), "%s", host);
		addresses->count = 1;
		return RESOLVE_DONE;
	}
	if (!name)
		name = new_name(host);
	*why = "other names are being asked for";
	if (!name)
		return RESOLVE_PENDING;
	if (!is_known(name)) {
		if (!name->asked && (code = ask(name)) != 0) {
			*why = gai_strerror(code);
			return RESOLVE_FAILED;
		}
		outcome = look(name, why);
	}
	if (outcome == RESOLVE_DONE)
		*addresses = name->addresses;
	return outcome;
}

bool
resolve(const char *host, struct deadline deadline, struct addresses *addresses, const char **why)
{
	enum resolve_outcome outcome;

	while ((outcome = resolve_start(host, addresses, why)) == RESOLVE_PENDING
	       && !deadline_passed(deadline))
		resolve_wait(deadline);
	return outcome == RESOLVE_DONE;
}
