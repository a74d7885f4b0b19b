#include "base/resolve.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ares.h>

#include "base/poll.h"

/* A database, perhaps a replica, perhaps a Redis; and other services, whose names may be anybody's
 * choice, and never take the places of those. */
#define OWN_NAMES     3
#define OUTSIDE_NAMES 4
#define NAMES_MAX     (OWN_NAMES + OUTSIDE_NAMES)

/* The wait for a name server before the next one is asked; doubled after each round. A late answer
 * of an earlier server still counts. */
#define SERVER_TIMEOUT_MS 500
/* For each server: 7.5 s in all with one server, 15 s with two. */
#define SERVER_TRIES 4
/* Some name servers never answer for IPv6. After this time each family is queried by itself, and
 * the first answer counts. */
#define SPLIT_AFTER_US INT64_C(750000)
/* A failure is reported to a caller that waited for it within this time; later, the name is queried
 * again. */
#define FAILURE_US INT64_C(1000000)

#define EVENTS_MAX 8

static const char no_answer[] = "no answer within the time allowed";

/* A query may outlive the request that started it, so it belongs to no request. */
static struct name {
	char host[NI_MAXHOST]; /* "": free */
	ares_channel channel;  /* NULL: no query is open */
	int64_t start_us;
	int status;        /* of c-ares; ARES_SUCCESS: no failure is left to report */
	bool answered;     /* the channel has done its work */
	bool split;        /* each family is queried by itself */
	bool absolute;     /* queried without the search list */
	bool epoll_failed; /* a socket of the channel could not be added */
	int64_t since_us;  /* age of the addresses, or of the failure */
	struct addresses addresses;
} names[NAMES_MAX];

/* An epoll descriptor with the sockets of all open queries; -1: none is open. */
static int events = -1;

static struct {
	char *resolv_conf; /* NULL: /etc/resolv.conf */
	uint16_t port;
} config_override;

void
resolve_set_config(char *resolv_conf, uint16_t port)
{
	config_override.resolv_conf = resolv_conf;
	config_override.port = port;
}

/* --- one query --- */

static bool
is_open(const struct name *name)
{
	return name->channel != NULL;
}

/* The user data of an event: the query and the descriptor, because the descriptor may belong to
 * another query by the time the event is processed. */
static uint64_t
event_data(const struct name *name, int fd)
{
	return (uint64_t)(name - names) << 32 | (uint32_t)fd;
}

/* Called by c-ares when it opens or closes a socket or waits for another event. */
static void
watch_socket(void *at, ares_socket_t fd, int readable, int writable)
{
	struct name *name = at;
	struct epoll_event event = { .events = (readable ? (uint32_t)EPOLLIN : 0)
		                               | (writable ? (uint32_t)EPOLLOUT : 0),
		                     .data.u64 = event_data(name, fd) };

	if (event.events == 0)
		(void)epoll_ctl(events, EPOLL_CTL_DEL, fd, NULL);
	else if (epoll_ctl(events, EPOLL_CTL_MOD, fd, &event) != 0
	         && epoll_ctl(events, EPOLL_CTL_ADD, fd, &event) != 0)
		name->epoll_failed = true;
}

static const void *
address_of(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return &((const struct sockaddr_in *)(const void *)address)->sin_addr;
	return &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
}

static void
copy_addresses(const struct ares_addrinfo_node *from, struct addresses *to)
{
	to->count = 0;
	for (; from && to->count < RESOLVE_MAX; from = from->ai_next)
		if (inet_ntop(from->ai_family, address_of(from->ai_addr), to->texts[to->count],
		              sizeof(to->texts[0])))
			to->count++;
}

static void
store_addresses(struct name *name, const struct ares_addrinfo *answer)
{
	copy_addresses(answer->nodes, &name->addresses);
	name->status = name->addresses.count > 0 ? ARES_SUCCESS : ARES_ENODATA;
}

/* Called by c-ares during its work, and when a channel is closed before its answer. It must not
 * close the channel: close_if_done() does that later. */
static void
on_answer(void *at, int status, int timeouts, struct ares_addrinfo *answer)
{
	struct name *name = at;

	(void)timeouts;
	if (!name->answered && status != ARES_EDESTRUCTION) {
		name->answered = true;
		name->status = status;
		if (status == ARES_SUCCESS)
			store_addresses(name, answer);
	}
	if (answer)
		ares_freeaddrinfo(answer);
}

/* Ignores failures: the query for both families decides whether the name exists. */
static void
on_family_answer(void *at, int status, int timeouts, struct ares_addrinfo *answer)
{
	on_answer(at, status == ARES_SUCCESS ? status : ARES_EDESTRUCTION, timeouts, answer);
}

/* Closes the descriptor after the last query, so that a process that forks does not share it. */
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
close_query(struct name *name, int status)
{
	ares_channel channel = name->channel;

	ares_destroy(channel);
	name->channel = NULL;
	name->status = status;
	name->since_us = clock_now_us();
	close_events();
}

static void
send_query(struct name *name, int family, ares_addrinfo_callback callback)
{
	const struct ares_addrinfo_hints hints = { .ai_family = family,
		                                   .ai_socktype = SOCK_STREAM };
	char host[sizeof(name->host) + 1];

	(void)snprintf(host, sizeof(host), "%s%s", name->host, name->absolute ? "." : "");
	ares_getaddrinfo(name->channel, host, NULL, &hints, callback, name);
}

/* c-ares gives up when the name server of a domain in the search list is broken, and reports that
 * it could not reach it, or its error. glibc goes on, and finally queries the name as it is. */
static bool
may_query_absolute(const struct name *name)
{
	bool broken = name->status == ARES_ECONNREFUSED || name->status == ARES_ESERVFAIL
	              || name->status == ARES_EREFUSED || name->status == ARES_ENOTIMP;

	return name->answered && broken && !name->absolute && strchr(name->host, '.')
	       && name->host[strlen(name->host) - 1] != '.';
}

static void
close_if_done(struct name *name)
{
	if (may_query_absolute(name)) {
		name->absolute = true;
		name->answered = false;
		send_query(name, AF_UNSPEC, on_answer);
	}
	if (name->answered)
		close_query(name, name->status);
	else if (name->epoll_failed)
		close_query(name, ARES_ENOMEM);
	else if (clock_now_us() - name->start_us > RESOLVE_CACHE_S * INT64_C(1000000))
		/* Its answer would be too old to use. */
		close_query(name, ARES_SUCCESS);
}

/* Opens a channel for this query only, which reads the current resolv.conf. Returns a status of
 * c-ares. */
static int
open_query(struct name *name)
{
	struct ares_options options = { .timeout = SERVER_TIMEOUT_MS,
		                        .tries = SERVER_TRIES,
		                        .sock_state_cb = watch_socket,
		                        .sock_state_cb_data = name };
	int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB, status;

	if (config_override.resolv_conf) {
		options.resolvconf_path = config_override.resolv_conf;
		options.udp_port = options.tcp_port = config_override.port;
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
start_query(struct name *name)
{
	name->start_us = name->since_us = clock_now_us();
	name->answered = name->split = name->absolute = name->epoll_failed = false;
	name->addresses.count = 0;
	name->status = open_query(name);
	if (name->status != ARES_SUCCESS)
		return;
	send_query(name, AF_UNSPEC, on_answer);
	close_if_done(name);
}

static int64_t
split_at_us(const struct name *name)
{
	return name->start_us + SPLIT_AFTER_US;
}

static void
continue_query(struct name *name)
{
	ares_process_fd(name->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	if (!name->answered && !name->split && clock_now_us() >= split_at_us(name)) {
		name->split = true;
		send_query(name, AF_INET, on_family_answer);
		send_query(name, AF_INET6, on_family_answer);
	}
	close_if_done(name);
}

/* --- all queries --- */

static void
process_events(void)
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

/* Reads the answers that have arrived, and asks the next server where none has. No channel is
 * closed before all events are processed. */
static void
continue_queries(void)
{
	if (events >= 0)
		process_events();
	for (size_t i = 0; i < NAMES_MAX; i++)
		if (is_open(&names[i]))
			continue_query(&names[i]);
}

/* The places from `first` on that are not `end`. */
struct places {
	size_t first, end;
};
static const struct places own = { 0, OWN_NAMES }, outside = { OWN_NAMES, NAMES_MAX };

static struct name *
find_name(const struct places *places, const char *host)
{
	for (size_t i = places->first; i < places->end; i++)
		if (strcmp(names[i].host, host) == 0)
			return &names[i];
	return NULL;
}

/* Returns a free place, or the oldest one without an open query, or NULL. */
static struct name *
new_name(const struct places *places, const char *host)
{
	struct name *place = NULL;

	for (size_t i = places->first; i < places->end; i++)
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
	struct name *name = find_name(&own, host), *other = find_name(&outside, host);

	if (name)
		name->addresses.count = 0;
	if (other)
		other->addresses.count = 0;
}

static bool
is_cached(const struct name *name)
{
	return name->addresses.count > 0
	       && clock_now_us() - name->since_us <= RESOLVE_CACHE_S * INT64_C(1000000);
}

/* Returns true if a recent failure was not reported yet. */
static bool
has_failure(const struct name *name)
{
	return name->status != ARES_SUCCESS && clock_now_us() - name->since_us <= FAILURE_US;
}

/* Returns the time until c-ares or we act without an event. */
static int
timeout_of(const struct name *name)
{
	struct deadline deadline = DEADLINE_NEVER;
	struct timeval left;

	if (ares_timeout(name->channel, NULL, &left))
		deadline.at_us = clock_now_us() + left.tv_sec * INT64_C(1000000) + left.tv_usec;
	if (!name->split && split_at_us(name) < deadline.at_us)
		deadline.at_us = split_at_us(name);
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
outcome_of(struct name *name, const char **why)
{
	if (is_cached(name))
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

static enum resolve_outcome
start_in(const struct places *places, const char *host, struct addresses *addresses,
         const char **why)
{
	enum resolve_outcome outcome;
	struct name *name;

	*why = *host ? "the name is too long" : "the name is empty";
	if (!*host || strlen(host) >= sizeof(name->host))
		return RESOLVE_FAILED;
	if (resolve_is_address(host)) {
		(void)snprintf(addresses->texts[0], sizeof(addresses->texts[0]), "%s", host);
		addresses->count = 1;
		return RESOLVE_DONE;
	}
	continue_queries();
	name = find_name(places, host);
	if (!name)
		name = new_name(places, host);
	*why = "other names are being resolved";
	if (!name)
		return RESOLVE_PENDING;
	if (!is_cached(name) && !is_open(name) && !has_failure(name))
		start_query(name);
	outcome = outcome_of(name, why);
	if (outcome == RESOLVE_DONE)
		*addresses = name->addresses;
	return outcome;
}

enum resolve_outcome
resolve_start(const char *host, struct addresses *addresses, const char **why)
{
	return start_in(&own, host, addresses, why);
}

bool
resolve_outside(const char *host, struct deadline deadline, struct addresses *addresses,
                const char **why)
{
	enum resolve_outcome outcome;
	struct name *name;

	while ((outcome = start_in(&outside, host, addresses, why)) == RESOLVE_PENDING
	       && !deadline_passed(deadline))
		resolve_wait(deadline);
	name = outcome == RESOLVE_PENDING ? find_name(&outside, host) : NULL;
	/* Nobody else waits for it. */
	if (name && is_open(name))
		close_query(name, ARES_SUCCESS);
	return outcome == RESOLVE_DONE;
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
