/* name_server.h - a small DNS server in a thread of a test, over UDP and TCP on 127.0.0.1
 *
 * A table of the test has its answers. It knows A, AAAA and CNAME.
 */
#ifndef NULLPOOL_TESTS_NAME_SERVER_H
#define NULLPOOL_TESTS_NAME_SERVER_H

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

enum { TYPE_A = 1, TYPE_CNAME = 5, TYPE_AAAA = 28 };
enum { NO_ERROR = 0, SERVER_FAILURE = 2, NO_SUCH_NAME = 3, SILENCE = -1 };
#define PACKET_BYTES 4096
#define DELAYED_MAX  8

/* A name without a row does not exist. */
struct record {
	const char *name, *four, *six, *alias; /* NULL: there is none */
	int code_four, code_six;               /* response codes to send instead of addresses */
	int copies;     /* of each address, with different last bytes; 0: one */
	bool truncated; /* over UDP the answer is empty and truncated */
	int delay_ms;
};

struct name_server {
	const struct record *records;
	size_t count;
	uint16_t port;
	int udp, tcp, end[2];
	pthread_t thread;
	atomic_int asked, asked_by_tcp;
	struct delayed {
		int64_t at_us; /* 0: free */
		unsigned char bytes[PACKET_BYTES];
		size_t size;
		struct sockaddr_in to;
	} delayed[DELAYED_MAX];
};

static inline void
put16(unsigned char **at, unsigned number)
{
	*(*at)++ = (unsigned char)(number >> 8);
	*(*at)++ = (unsigned char)number;
}

static inline void
put_name(unsigned char **at, const char *name)
{
	while (*name) {
		size_t size = strcspn(name, ".");

		*(*at)++ = (unsigned char)size;
		memcpy(*at, name, size);
		*at += size;
		name += size + (name[size] == '.');
	}
	*(*at)++ = 0;
}

static inline unsigned char *
read_name(unsigned char *at, char *name)
{
	while (*at) {
		memcpy(name, at + 1, *at);
		name += *at;
		at += *at + 1;
		*name++ = *at ? '.' : '\0';
	}
	*name = '\0';
	return at + 1;
}

static inline const struct record *
find_record(const struct name_server *server, const char *name)
{
	for (size_t i = 0; i < server->count; i++)
		if (strcasecmp(server->records[i].name, name) == 0)
			return &server->records[i];
	return NULL;
}

static inline void
put_record(unsigned char **at, const char *owner, unsigned type, const void *data, unsigned size)
{
	put_name(at, owner);
	put16(at, type);
	put16(at, 1); /* IN */
	put16(at, 0);
	put16(at, 60); /* TTL */
	put16(at, size);
	memcpy(*at, data, size);
	*at += size;
}

static inline unsigned
put_addresses(unsigned char **at, const char *owner, const struct record *record, unsigned type)
{
	const char *text = type == TYPE_A ? record->four : type == TYPE_AAAA ? record->six : NULL;
	unsigned size = type == TYPE_A ? 4 : 16,
	         copies = record->copies ? (unsigned)record->copies : 1;
	unsigned char address[16];

	if (!text)
		return 0;
	(void)inet_pton(type == TYPE_A ? AF_INET : AF_INET6, text, address);
	for (unsigned i = 0; i < copies; i++, address[size - 1]++)
		put_record(at, owner, type, address, size);
	return copies;
}

/* Turns a query into its answer in place. Returns the size, or 0 for no answer. */
static inline size_t
answer_of(struct name_server *server, unsigned char *packet, bool tcp, int *delay_ms)
{
	char name[512];
	unsigned char *at = read_name(packet + 12, name), *count_at = packet + 6;
	unsigned type = (unsigned)at[0] << 8 | at[1], answers = 0;
	const struct record *record = find_record(server, name), *target = record;
	int code = !record ? NO_SUCH_NAME : type == TYPE_A ? record->code_four : record->code_six;
	bool truncated = record && record->truncated && !tcp;

	at += 4;
	*delay_ms = record ? record->delay_ms : 0;
	if (code == SILENCE)
		return 0;
	if (record && record->alias) {
		unsigned char text[256], *end = text;

		put_name(&end, record->alias);
		put_record(&at, name, TYPE_CNAME, text, (unsigned)(end - text));
		answers++;
		target = find_record(server, record->alias);
	}
	if (target && code == NO_ERROR && !truncated)
		answers += put_addresses(&at, target->name, target, type);
	packet[2] = (unsigned char)(0x84 | (truncated ? 2 : 0)
	                            | (packet[2] & 1)); /* an answer, authoritative */
	packet[3] = (unsigned char)(0x80 | code);
	put16(&count_at, answers);
	put16(&count_at, 0);
	put16(&count_at, 0); /* no EDNS in the answer */
	return (size_t)(at - packet);
}

static inline void
send_later(struct name_server *server, const unsigned char *bytes, size_t size,
           struct sockaddr_in to, int delay_ms)
{
	for (size_t i = 0; i < DELAYED_MAX; i++)
		if (server->delayed[i].at_us == 0) {
			server->delayed[i] = (struct delayed){
				clock_now_us() + delay_ms * INT64_C(1000), .size = size, .to = to
			};
			memcpy(server->delayed[i].bytes, bytes, size);
			return;
		}
}

static inline void
send_due(struct name_server *server)
{
	for (size_t i = 0; i < DELAYED_MAX; i++) {
		struct delayed *delayed = &server->delayed[i];

		if (delayed->at_us == 0 || delayed->at_us > clock_now_us())
			continue;
		(void)sendto(server->udp, delayed->bytes, delayed->size, 0,
		             (const struct sockaddr *)&delayed->to, sizeof(delayed->to));
		delayed->at_us = 0;
	}
}

static inline void
answer_udp(struct name_server *server)
{
	unsigned char packet[PACKET_BYTES];
	struct sockaddr_in from;
	socklen_t from_size = sizeof(from);
	int delay_ms;
	ssize_t got = recvfrom(server->udp, packet, sizeof(packet), 0, (struct sockaddr *)&from,
	                       &from_size);
	size_t size;

	if (got < 12)
		return;
	atomic_fetch_add(&server->asked, 1);
	size = answer_of(server, packet, false, &delay_ms);
	if (size > 0 && delay_ms > 0)
		send_later(server, packet, size, from, delay_ms);
	else if (size > 0)
		(void)sendto(server->udp, packet, size, 0, (const struct sockaddr *)&from,
		             from_size);
}

/* Serves one connection at a time, its queries one after the other. */
static inline void
answer_tcp(struct name_server *server)
{
	const struct timeval timeout = { .tv_usec = 200000 };
	int fd = accept(server->tcp, NULL, NULL), delay_ms;
	unsigned char packet[2 + PACKET_BYTES];

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	while (recv(fd, packet, 2, MSG_WAITALL) == 2) {
		size_t size = (size_t)packet[0] << 8 | packet[1];
		unsigned char *at = packet;

		if (size > PACKET_BYTES || recv(fd, packet + 2, size, MSG_WAITALL) != (ssize_t)size)
			break;
		atomic_fetch_add(&server->asked_by_tcp, 1);
		size = answer_of(server, packet + 2, true, &delay_ms);
		put16(&at, (unsigned)size);
		(void)!send(fd, packet, size + 2, MSG_NOSIGNAL);
	}
	(void)close(fd);
}

static inline void *
serve_names(void *at)
{
	struct name_server *server = at;
	struct pollfd fds[] = { { server->udp, POLLIN, 0 },
		                { server->tcp, POLLIN, 0 },
		                { server->end[0], POLLIN, 0 } };

	while (poll(fds, 3, 10) >= 0 && !fds[2].revents) {
		if (fds[0].revents)
			answer_udp(server);
		if (fds[1].revents)
			answer_tcp(server);
		send_due(server);
	}
	return NULL;
}

/* Takes a port that is free for UDP and TCP. Returns true if it serves. */
static inline bool
name_server_start(struct name_server *server, const struct record *records, size_t count)
{
	for (int i = 0; i < 50; i++) {
		struct sockaddr_in here = { .sin_family = AF_INET,
			                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
		socklen_t size = sizeof(here);

		*server = (struct name_server){ .records = records, .count = count };
		server->udp = socket(AF_INET, SOCK_DGRAM, 0);
		server->tcp = socket(AF_INET, SOCK_STREAM, 0);
		if (bind(server->udp, (struct sockaddr *)&here, size) == 0
		    && getsockname(server->udp, (struct sockaddr *)&here, &size) == 0
		    && bind(server->tcp, (struct sockaddr *)&here, size) == 0
		    && listen(server->tcp, 8) == 0) {
			server->port = ntohs(here.sin_port);
			return pipe(server->end) == 0
			       && pthread_create(&server->thread, NULL, serve_names, server) == 0;
		}
		(void)close(server->udp);
		(void)close(server->tcp);
	}
	return false;
}

static inline void
name_server_stop(struct name_server *server)
{
	(void)!write(server->end[1], "", 1);
	(void)pthread_join(server->thread, NULL);
	(void)close(server->end[0]);
	(void)close(server->end[1]);
	(void)close(server->udp);
	(void)close(server->tcp);
}

#endif
