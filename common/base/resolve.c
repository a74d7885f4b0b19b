#include "base/resolve.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ares.h>

#include "base/poll.h"

/* A database, perhaps a replica, perhaps a Redis. */
#define NAMES_MAX 3

/* A name server that does not answer costs this before the next one is asked; doubled when all
 * have been. A late answer of the first one still counts. */
#define SERVER_TIMEOUT_MS 500
/* Of each server: 7.5 s with one, 15 s with two. */
#define SERVER_TRIES 4
/* Some name servers never answer for IPv6: after so long each family is asked for by itself, and
 * the first answer counts. */
#define BOTH_FAMILIES_US INT64_C(750000)
/* A failure is told to those who waited for it, so long at most; then it is asked anew. */
#define FAILURE_US INT64_C(1000000)

#define EVENTS_MAX 8

static const char no_answer[] = "no answer within the time allowed";

/* A question may outlive the request that asked, so it belongs to none. */
static struct name {
	char host[NI_MAXHOST]; /* "": free */
	ares_channel channel;  /* NULL: no question is open */
	int64_t asked_us;
	int status;       /* of c-ares; ARES_SUCCESS: no failure is left to tell */
	bool answered;    /* the channel has done its work */
	bool apart;       /* each family is asked for by itself */
	bool as_it_is;    /* it is asked for without the search list */
	bool unwatched;   /* a socket of the channel could not be watched */
	int64_t since_us; /* of the addresses, or of the failure */
	struct addresses addresses;
} names[NAMES_MAX];

/* An epoll descriptor with the sockets of all open questions; -1: none is open. */
static int events = -1;

static struct {
	char *resolv_conf; /* NULL: /etc/resolv.conf */
	uint16_t port;
} instead;

void
resolve_set_config(char *resolv_conf, uint16_t port)
{
	instead.resolv_conf = resolv_conf;
	instead.port = port;
}

/* --- one question --- */

static bool
is_open(const struct name *name)
{
	return name->channel != NULL;
}

/* What an event carries: a descriptor may be another question's by the time that its event is
 * looked at. */
static uint64_t
event_data(const struct name *name, int fd)
{
	return (uint64_t)(name - names) << 32 | (uint32_t)fd;
}

/* c-ares opens and closes sockets as it goes. */
static void
watch(void *at, ares_socket_t fd, int readable, int writable)
{
	struct name *name = at;
	struct epoll_event event = { .events = (readable ? (uint32_t)EPOLLIN : 0)
		                               | (writable ? (uint32_t)EPOLLOUT : 0),
		                     .data.u64 = event_data(name, fd) };

	if (event.events == 0)
		(void)epoll_ctl(events, EPOLL_CTL_DEL, fd, NULL);
	else if (epoll_ctl(events, EPOLL_CTL_MOD, fd, &event) != 0
	         && epoll_ctl(events, EPOLL_CTL_ADD, fd, &event) != 0)
		name->unwatched = true;
}

static const void *
address_of(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return &((const struct sockaddr_in *)(const void *)address)->sin_addr;
	return &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
}

static void
copy(const struct ares_addrinfo_node *from, struct addresses *to)
{
	to->count = 0;
	for (; from && to->count < RESOLVE_MAX; from = from->ai_next)
		if (inet_ntop(from->ai_family, address_of(from->ai_addr), to->texts[to->count],
		              sizeof(to->texts[0])))
			to->count++;
}

static void
take_addresses(struct name *name, const struct ares_addrinfo *answer)
{
	copy(answer->nodes, &name->addresses);
	name->status = name->addresses.count > 0 ? ARES_SUCCESS : ARES_ENODATA;
}

/* Called by c-ares in the middle of its work, also when a channel is closed before its answer.
 * The channel is closed later, by settle(). */
static void
take_answer(void *at, int status, int timeouts, struct ares_addrinfo *answer)
{
	struct name *name = at;

	(void)timeouts;
	if (!name->answered && status != ARES_EDESTRUCTION) {
		name->answered = true;
		name->status = status;
		if (status == ARES_SUCCESS)
			take_addresses(name, answer);
	}
	if (answer)
		ares_freeaddrinfo(answer);
}

/* Only an answer counts: whether there is none the question for both families will tell. */
static void
take_family(void *at, int status, int timeouts, struct ares_addrinfo *answer)
{
	take_answer(at, status == ARES_SUCCESS ? status : ARES_EDESTRUCTION, timeouts, answer);
}

/* The descriptor goes with the last question: a process that forks shares none. */
static void
close_events(void)
{
	for (size_t i = 0; i < NAMES_MAX; i++)
		if (is_open(&names[i]))
			return;
	(void)close(events);
	events = -1;
}

static void
close_question(struct name *name, int status)
{
	ares_channel channel = name->channel;

	ares_destroy(channel);
	name->channel = NULL;
	name->status = status;
	name->since_us = clock_now_us();
	close_events();
}

static void
ask_for(struct name *name, int family, ares_addrinfo_callback callback)
{
	const struct ares_addrinfo_hints hints = { .ai_family = family,
		                                   .ai_socktype = SOCK_STREAM };
	char host[sizeof(name->host) + 1];

	(void)snprintf(host, sizeof(host), "%s%s", name->host, name->as_it_is ? "." : "");
	ares_getaddrinfo(name->channel, host, NULL, &hints, callback, name);
}

/* A domain of the search list whose name server is broken is the end for c-ares, which says that it
 * could not reach it, or what it answered. glibc would go on, in the end with the name as it is. */
static bool
may_ask_as_it_is(const struct name *name)
{
	bool broken = name->status == ARES_ECONNREFUSED || name->status == ARES_ESERVFAIL
	              || name->status == ARES_EREFUSED || name->status == ARES_ENOTIMP;

	return name->answered && broken && !name->as_it_is && strchr(name->host, '.')
	       && name->host[strlen(name->host) - 1] != '.';
}

static void
settle(struct name *name)
{
	if (may_ask_as_it_is(name)) {
		name->as_it_is = true;
		name->answered = false;
		ask_for(name, AF_UNSPEC, take_answer);
	}
	if (name->answered)
		close_question(name, name->status);
	else if (name->unwatched)
		close_question(name, ARES_ENOMEM);
	else if (clock_now_us() - name->asked_us > RESOLVE_CACHE_S * INT64_C(1000000))
		/* Whatever its answer would be, it is too old to be believed. */
		close_question(name, ARES_SUCCESS);
}

/* A channel of its own for each question: it sees a resolv.conf that has changed. Returns a
 * status of c-ares. */
static int
open_question(struct name *name)
{
	struct ares_options options = { .timeout = SERVER_TIMEOUT_MS,
		                        .tries = SERVER_TRIES,
		                        .sock_state_cb = watch,
		                        .sock_state_cb_data = name };
	int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB, status;

	if (instead.resolv_conf) {
		options.resolvconf_path = instead.resolv_conf;
		options.udp_port = options.tcp_port = instead.port;
		mask |= ARES_OPT_RESOLVCONF | ARES_OPT_UDP_PORT | ARES_OPT_TCP_PORT;
	}
	if (events < 0)
		events = epoll_create1(EPOLL_CLOEXEC);
	if (events < 0)
		return ARES_ENOMEM;
	status = ares_init_options(&name->channel, &options, mask);
	if (status != ARES_SUCCESS) {
		name->channel = NULL;
		close_events();
	}
	return status;
}

static void
ask(struct name *name)
{
	name->asked_us = name->since_us = clock_now_us();
	name->answered = name->apart = name->as_it_is = name->unwatched = false;
	name->addresses.count = 0;
	name->status = open_question(name);
	if (name->status != ARES_SUCCESS)
		return;
	ask_for(name, AF_UNSPEC, take_answer);
	settle(name);
}

static int64_t
apart_after_us(const struct name *name)
{
	return name->asked_us + BOTH_FAMILIES_US;
}

static void
go_on_with(struct name *name)
{
	ares_process_fd(name->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	if (!name->answered && !name->apart && clock_now_us() >= apart_after_us(name)) {
		name->apart = true;
		ask_for(name, AF_INET, take_family);
		ask_for(name, AF_INET6, take_family);
	}
	settle(name);
}

/* --- all questions --- */

static void
take_events(void)
{
	struct epoll_event ready[EVENTS_MAX];
	int count = epoll_wait(events, ready, EVENTS_MAX, 0);

	for (int i = 0; i < count; i++) {
		ares_socket_t fd = (ares_socket_t)(uint32_t)ready[i].data.u64;
		bool failed = ready[i].events & (EPOLLERR | EPOLLHUP);

		ares_process_fd(names[ready[i].data.u64 >> 32].channel,
		                failed || (ready[i].events & EPOLLIN) ? fd : ARES_SOCKET_BAD,
		                failed || (ready[i].events & EPOLLOUT) ? fd : ARES_SOCKET_BAD);
	}
}

/* Reads what has come, and asks the next server where none has. No channel is closed before all
 * events are taken. */
static void
go_on(void)
{
	if (events >= 0)
		take_events();
	for (size_t i = 0; i < NAMES_MAX; i++)
		if (is_open(&names[i]))
			go_on_with(&names[i]);
}

static struct name *
name_of(const char *host)
{
	for (size_t i = 0; i < NAMES_MAX; i++)
		if (strcmp(names[i].host, host) == 0)
			return &names[i];
	return NULL;
}

/* A free place, or the oldest one without an open question; NULL: there is none. */
static struct name *
new_name(const char *host)
{
	struct name *place = NULL;

	for (size_t i = 0; i < NAMES_MAX; i++)
		if (!is_open(&names[i]) && (!place || names[i].since_us < place->since_us))
			place = &names[i];
	if (!place)
		return NULL;
	*place = (struct name){ .status = ARES_SUCCESS };
	(void)snprintf(place->host, sizeof(place->host), "%s", host);
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
	       && clock_now_us() - name->since_us <= RESOLVE_CACHE_S * INT64_C(1000000);
}

/* And nobody has been told. */
static bool
has_failed(const struct name *name)
{
	return name->status != ARES_SUCCESS && clock_now_us() - name->since_us <= FAILURE_US;
}

/* When c-ares or we have something to do without an event. */
static int
timeout_of(const struct name *name)
{
	struct deadline deadline = DEADLINE_NEVER;
	struct timeval left;

	if (ares_timeout(name->channel, NULL, &left))
		deadline.at_us = clock_now_us() + left.tv_sec * INT64_C(1000000) + left.tv_usec;
	if (!name->apart && apart_after_us(name) < deadline.at_us)
		deadline.at_us = apart_after_us(name);
	return deadline_left_ms(deadline);
}

struct resolve_need
resolve_need(void)
{
	struct resolve_need need = { events, events < 0 ? 0 : -1 };

	for (size_t i = 0; i < NAMES_MAX; i++) {
		int timeout_ms = is_open(&names[i]) ? timeout_of(&names[i]) : -1;

		if (timeout_ms >= 0 && (need.timeout_ms < 0 || timeout_ms < need.timeout_ms))
			need.timeout_ms = timeout_ms;
	}
	return need;
}

void
resolve_wait(struct deadline deadline)
{
	struct resolve_need need = resolve_need();

	if (need.timeout_ms >= 0)
		deadline = deadline_within_ms(deadline, need.timeout_ms);
	(void)poll_until(need.fd, POLLIN, deadline);
}

static enum resolve_outcome
look(struct name *name, const char **why)
{
	if (is_known(name))
		return RESOLVE_DONE;
	*why = no_answer;
	if (is_open(name))
		return RESOLVE_PENDING;
	*why = ares_strerror(name->status);
	name->status = ARES_SUCCESS;
	return RESOLVE_FAILED;
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
	enum resolve_outcome outcome;
	struct name *name;

	*why = *host ? "the name is too long" : "there is no name";
	if (!*host || strlen(host) >= sizeof(name->host))
		return RESOLVE_FAILED;
	if (resolve_is_address(host)) {
		(void)snprintf(addresses->texts[0], sizeof(addresses->texts[0]), "%s", host);
		addresses->count = 1;
		return RESOLVE_DONE;
	}
	go_on();
	name = name_of(host);
	if (!name)
		name = new_name(host);
	*why = "other names are being asked for";
	if (!name)
		return RESOLVE_PENDING;
	if (!is_known(name) && !is_open(name) && !has_failed(name))
		ask(name);
	outcome = look(name, why);
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
