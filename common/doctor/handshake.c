#include "doctor/handshake.h"

#include <arpa/inet.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "db/keywords.h"
#include "db/tls.h"

#define PACKET_MAX_BYTES 4096

const char *const handshake_method_names[METHOD__MAX] = {
	[METHOD_NONE] = "nothing is asked for (trust, peer or ident)",
	[METHOD_CERTIFICATE] = "certificate",
	[METHOD_PASSWORD] = "password",
	[METHOD_MD5] = "md5",
	[METHOD_SCRAM] = "scram-sha-256",
	[METHOD_GSS] = "gss",
	[METHOD_OTHER_SASL] = "another SASL mechanism than SCRAM",
};

/* --- TLS --- */

/* Sends an SSLRequest. Returns true if the server answers S, and not N or the E of an error. */
static bool
request_tls(struct server_stream *stream, struct handshake *handshake)
{
	static const char request[8] = { 0, 0, 0, 8, 0x04, (char)0xd2, 0x16, 0x2f };
	char answer;

	if (!server_stream_send(stream, request, sizeof(request))
	    || !server_stream_receive(stream, &answer, 1))
		return false;
	if (answer != 'S' && answer != 'E')
		handshake->tls = answer == 'N' ? HANDSHAKE_NO_TLS : HANDSHAKE_NOT_POSTGRES;
	return answer == 'S';
}

/* Returns true if the server may learn the user's name. */
static bool
is_trusted(const struct server_tls *server, const char *mode)
{
	if (server->verifies)
		return server->fault == CERTIFICATE_OK;
	return !mode || !text_starts(mode, "verify-");
}

/* Returns true if the login may begin. */
static bool
start_tls(struct server_stream *stream, const struct conninfo *info,
          const struct keywords *keywords, struct handshake *handshake)
{
	const char *mode = keywords_get(keywords, "sslmode");

	if (!conninfo_is_network(info) || (mode && strcmp(mode, "disable") == 0))
		return true;
	if (!request_tls(stream, handshake))
		return handshake->tls == HANDSHAKE_NO_TLS && !conninfo_needs_tls(info);
	if (!server_stream_start_tls(stream, &handshake->server))
		return false;
	handshake->tls = HANDSHAKE_TLS;
	return is_trusted(&handshake->server, mode);
}

/* --- authentication --- */

static uint32_t
uint32_at(const void *bytes)
{
	uint32_t number;

	memcpy(&number, bytes, sizeof(number));
	return ntohl(number);
}

static void
add_parameter(struct buf *packet, const char *name, const char *value)
{
	if (!value)
		return;
	buf_add(packet, name, strlen(name) + 1);
	buf_add(packet, value, strlen(value) + 1);
}

static bool
send_startup(struct server_stream *stream, const struct conninfo *info)
{
	static const char version[4] = { 0, 3, 0, 0 };
	char storage[PACKET_MAX_BYTES];
	struct buf packet;
	uint32_t size;

	buf_init_fixed(&packet, storage, sizeof(storage));
	buf_add(&packet, version, sizeof(version)); /* in the place of the size */
	buf_add(&packet, version, sizeof(version));
	add_parameter(&packet, "user", conninfo_get(info, "user"));
	add_parameter(&packet, "database", conninfo_get(info, "dbname"));
	add_parameter(&packet, "options", conninfo_get(info, "options"));
	buf_char(&packet, '\0');
	size = htonl((uint32_t)packet.size);
	memcpy(storage, &size, sizeof(size));
	return !packet.overflow && server_stream_send(stream, storage, packet.size);
}

/* AuthenticationSASL lists the names of mechanisms; the last one is empty. */
static enum handshake_method
sasl_method(struct handshake *handshake, const char *at, size_t size)
{
	enum handshake_method method = METHOD_OTHER_SASL;

	for (size_t length; size > 0 && (length = strnlen(at, size)) > 0 && length < size;
	     size -= length + 1) {
		if (text_starts(at, "SCRAM-SHA-256"))
			method = METHOD_SCRAM;
		handshake->channel_binding |= strcmp(at, "SCRAM-SHA-256-PLUS") == 0;
		at += length + 1;
	}
	return method;
}

static enum handshake_method
read_method(struct handshake *handshake, const char *body, size_t size)
{
	switch (uint32_at(body)) {
	case 0:
		return handshake->server.authenticates ? METHOD_CERTIFICATE : METHOD_NONE;
	case 3:
		return METHOD_PASSWORD;
	case 5:
		return METHOD_MD5;
	case 7:
	case 9:
		return METHOD_GSS;
	case 10:
		return sasl_method(handshake, body + 4, size - 4);
	default:
		return METHOD_UNKNOWN;
	}
}

static void
ask_for_method(struct server_stream *stream, const struct conninfo *info,
               struct handshake *handshake)
{
	static const char terminate[5] = { 'X', 0, 0, 0, 4 };
	char head[5], body[PACKET_MAX_BYTES];
	uint32_t size;

	if (!send_startup(stream, info) || !server_stream_receive(stream, head, sizeof(head))
	    || head[0] != 'R')
		return;
	size = uint32_at(head + 1) - 4;
	if (size < 4 || size > sizeof(body) || !server_stream_receive(stream, body, size))
		return;
	handshake->method = read_method(handshake, body, size);
	(void)!server_stream_send(stream, terminate, sizeof(terminate));
}

/* --- all of it --- */

void
handshake_try(void *owner, const struct conninfo *info, struct deadline deadline,
              struct handshake *handshake)
{
	struct keywords keywords;
	struct server_stream *stream;
	struct tls_root root;
	struct error err;

	*handshake = (struct handshake){ .tls = HANDSHAKE_UNKNOWN };
	if (!keywords_init(&keywords, info, &err))
		return;
	handshake->knows_direct = keywords.knows_sslnegotiation;
	tls_prefer_p256();
	tls_root_init(&root, &keywords);
	handshake->bundle = root.bundle != NULL;
	stream = server_stream_open(owner, info, &keywords, deadline);
	if (!stream)
		return;
	if (start_tls(stream, info, &keywords, handshake))
		ask_for_method(stream, info, handshake);
	mem_free(stream);
}
