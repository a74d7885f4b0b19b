#include "db/probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <openssl/err.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/poll.h"
#include "base/resolve.h"
#include "base/stream.h"
#include "base/text.h"
#include "db/keywords.h"
#include "db/tls.h"

#define DEFAULT_PORT     "5432"
#define PACKET_MAX_BYTES 4096

const char *const probe_method_names[PROBE_METHOD__MAX] = {
	[PROBE_NOTHING] = "nothing is asked for (trust, peer or ident)",
	[PROBE_CERTIFICATE] = "certificate",
	[PROBE_PASSWORD] = "password",
	[PROBE_MD5] = "md5",
	[PROBE_SCRAM] = "scram-sha-256",
	[PROBE_GSS] = "gss",
	[PROBE_SASL_OTHER] = "another SASL mechanism than SCRAM",
};

struct talk {
	void *owner;
	const struct conninfo *info;
	struct keywords keywords;
	struct deadline deadline;
	struct probe *probe;
	int fd;
	struct stream *stream; /* on fd; NULL: not connected */
	SSL *tls;              /* the stream's; NULL: in the clear so far */
	int hellos;
	bool has_certificate, certificate_wanted; /* the client's */
};

/* --- bytes --- */

/* Reads exactly `size` bytes. */
static bool
receive_bytes(struct talk *talk, void *bytes, size_t size)
{
	char *at = bytes;

	for (size_t got; size > 0; at += got, size -= got)
		if (!stream_read(talk->stream, talk->deadline, at, size, &got))
			return false;
	return true;
}

static uint32_t
number_at(const void *bytes)
{
	uint32_t number;

	memcpy(&number, bytes, sizeof(number));
	return ntohl(number);
}

/* --- TCP --- */

static bool
dial_address(struct talk *talk, const struct sockaddr *address, socklen_t size)
{
	int error = 0;
	socklen_t error_size = sizeof(error);

	talk->fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (talk->fd < 0)
		return false;
	if (connect(talk->fd, address, size) == 0
	    || (errno == EINPROGRESS && poll_until(talk->fd, POLLOUT, talk->deadline) == POLL_READY
	        && getsockopt(talk->fd, SOL_SOCKET, SO_ERROR, &error, &error_size) == 0
	        && error == 0))
		return true;
	(void)close(talk->fd);
	talk->fd = -1;
	return false;
}

static bool
dial_text(struct talk *talk, const char *text, const char *port)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	struct sockaddr_in four = { .sin_family = AF_INET };
	int64_t number;

	if (!parse_int(port, &number))
		return false;
	six.sin6_port = four.sin_port = htons((uint16_t)number);
	if (inet_pton(AF_INET, text, &four.sin_addr) == 1)
		return dial_address(talk, (const struct sockaddr *)&four, sizeof(four));
	return inet_pton(AF_INET6, text, &six.sin6_addr) == 1
	       && dial_address(talk, (const struct sockaddr *)&six, sizeof(six));
}

/* As libpq names it; an abstract one begins with a NUL in the place of its @. */
static bool
dial_unix(struct talk *talk, const char *folder, const char *port)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct buf path;

	buf_init_fixed(&path, address.sun_path, sizeof(address.sun_path));
	buf_printf(&path, "%s/.s.PGSQL.%s", folder, port);
	if (path.overflow)
		return false;
	if (folder[0] == '@')
		address.sun_path[0] = '\0';
	return dial_address(
	    talk, (const struct sockaddr *)&address,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.size + (folder[0] != '@')));
}

static bool
dial_name(struct talk *talk, const char *host, const char *port)
{
	struct addresses addresses;
	const char *why;

	if (!resolve(host, talk->deadline, &addresses, &why))
		return false;
	for (size_t i = 0; i < addresses.count; i++)
		if (dial_text(talk, addresses.texts[i], port))
			return true;
	return false;
}

static bool
reach(struct talk *talk)
{
	const char *host = conninfo_get(talk->info, "host"),
	           *port = conninfo_get(talk->info, "port");
	const char *address = conninfo_get(talk->info, "hostaddr");

	if (!port)
		port = DEFAULT_PORT;
	if (!conninfo_is_network(talk->info))
		return dial_unix(talk, host, port);
	if (address)
		return dial_text(talk, address, port);
	return conninfo_is_address(talk->info) ? dial_text(talk, host, port)
	                                       : dial_name(talk, host, port);
}

/* --- TLS --- */

/* Of libpq's: the keyword, the environment, a file in the home folder. */
static const char *
file_of(struct talk *talk, const char *keyword, const char *variable, const char *name)
{
	const char *file = keywords_get(&talk->keywords, keyword), *home = getenv("HOME");

	if (!file && variable)
		file = getenv(variable);
	if (!file && home)
		file = mem_printf(talk->owner, "%s/.postgresql/%s", home, name);
	return file && (strcmp(file, "system") == 0 || access(file, R_OK) == 0) ? file : NULL;
}

static void
load_roots(struct talk *talk, SSL_CTX *context)
{
	const char *file = file_of(talk, "sslrootcert", "PGSSLROOTCERT", "root.crt");
	const char *crl = file_of(talk, "sslcrl", NULL, "root.crl");
	X509_STORE *store = SSL_CTX_get_cert_store(context);
	int64_t start_us = clock_now_us();

	if (!file)
		return;
	if (strcmp(file, "system") == 0)
		talk->probe->verifies = SSL_CTX_set_default_verify_paths(context) == 1;
	else
		talk->probe->verifies = SSL_CTX_load_verify_locations(context, file, NULL) == 1;
	talk->probe->roots_us = clock_now_us() - start_us;
	talk->probe->roots = sk_X509_OBJECT_num(X509_STORE_get0_objects(store));
	if (crl && X509_STORE_load_locations(store, crl, NULL) == 1)
		(void)X509_STORE_set_flags(store,
		                           X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
}

static int
password_of_key(char *text, int size, int writing, void *at)
{
	const struct talk *talk = at;
	const char *password = keywords_get(&talk->keywords, "sslpassword");

	(void)writing;
	(void)snprintf(text, (size_t)size, "%s", password ? password : "");
	return (int)strlen(text);
}

static void
load_certificate(struct talk *talk, SSL_CTX *context)
{
	const char *file = file_of(talk, "sslcert", "PGSSLCERT", "postgresql.crt");
	const char *key = file_of(talk, "sslkey", "PGSSLKEY", "postgresql.key");

	if (!file || !key)
		return;
	SSL_CTX_set_default_passwd_cb(context, password_of_key);
	SSL_CTX_set_default_passwd_cb_userdata(context, talk);
	talk->has_certificate = SSL_CTX_use_certificate_chain_file(context, file) == 1
	                        && SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1;
}

/* A server that wants another group says hello twice. */
static void
see_message(int sent, int version, int kind, const void *bytes, size_t size, SSL *tls, void *at)
{
	struct talk *talk = at;

	(void)version;
	(void)tls;
	if (sent || kind != SSL3_RT_HANDSHAKE || size == 0)
		return;
	talk->hellos += *(const unsigned char *)bytes == SSL3_MT_SERVER_HELLO;
	talk->certificate_wanted |= *(const unsigned char *)bytes == SSL3_MT_CERTIFICATE_REQUEST;
}

static SSL *
new_tls(struct talk *talk)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	SSL *tls;

	if (!context)
		return NULL;
	/* It is judged afterwards, so that more can be told than that it failed. */
	SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
	load_roots(talk, context);
	load_certificate(talk, context);
	tls = SSL_new(context);
	SSL_CTX_free(context);
	if (!tls)
		return NULL;
	SSL_set_msg_callback(tls, see_message);
	SSL_set_msg_callback_arg(tls, talk);
	if (!conninfo_is_address(talk->info))
		(void)SSL_set_tlsext_host_name(
		    tls, mem_strdup(talk->owner, conninfo_get(talk->info, "host")));
	return tls;
}

static bool
shake_hands(struct talk *talk)
{
	talk->tls = new_tls(talk);
	if (!talk->tls || !stream_start_tls(talk->stream, talk->tls, talk->deadline))
		return false;
	talk->probe->tls = PROBE_TLS;
	talk->probe->again = talk->hellos > 1;
	return true;
}

/* Whether it may be told who we are. */
static bool
judge(struct talk *talk)
{
	const char *mode = keywords_get(&talk->keywords, "sslmode");
	bool by_name = mode && strcmp(mode, "verify-full") == 0;
	struct probe *probe = talk->probe;

	if (!probe->verifies)
		return !mode || !text_starts(mode, "verify-");
	probe->fault = certificate_judge(
	    talk->owner, talk->tls, by_name ? conninfo_get(talk->info, "host") : NULL, &probe->why);
	if (probe->fault == CERTIFICATE_OK)
		probe->root = certificate_root(talk->owner, talk->tls);
	return probe->fault == CERTIFICATE_OK;
}

/* The server's word on whether it has TLS: S, N, or the E of an error. */
static bool
ask_for_tls(struct talk *talk)
{
	static const char request[8] = { 0, 0, 0, 8, 0x04, (char)0xd2, 0x16, 0x2f };
	char answer;

	if (!stream_write(talk->stream, talk->deadline, request, sizeof(request))
	    || !receive_bytes(talk, &answer, 1))
		return false;
	if (answer != 'S' && answer != 'E')
		talk->probe->tls = answer == 'N' ? PROBE_NO_TLS : PROBE_STRANGE;
	return answer == 'S';
}

static bool
begin_tls(struct talk *talk)
{
	const char *mode = keywords_get(&talk->keywords, "sslmode");

	if (!conninfo_is_network(talk->info) || (mode && strcmp(mode, "disable") == 0))
		return true;
	if (ask_for_tls(talk))
		return shake_hands(talk) && judge(talk);
	return talk->probe->tls == PROBE_NO_TLS && !conninfo_needs_tls(talk->info);
}

/* --- authentication --- */

static void
add_parameter(struct buf *packet, const char *name, const char *value)
{
	if (!value)
		return;
	buf_add(packet, name, strlen(name) + 1);
	buf_add(packet, value, strlen(value) + 1);
}

static bool
introduce(struct talk *talk)
{
	static const char version[4] = { 0, 3, 0, 0 };
	char storage[PACKET_MAX_BYTES];
	struct buf packet;
	uint32_t size;

	buf_init_fixed(&packet, storage, sizeof(storage));
	buf_add(&packet, version, sizeof(version)); /* in the place of the size */
	buf_add(&packet, version, sizeof(version));
	add_parameter(&packet, "user", conninfo_get(talk->info, "user"));
	add_parameter(&packet, "database", conninfo_get(talk->info, "dbname"));
	add_parameter(&packet, "options", conninfo_get(talk->info, "options"));
	buf_char(&packet, '\0');
	size = htonl((uint32_t)packet.size);
	memcpy(storage, &size, sizeof(size));
	return !packet.overflow && stream_write(talk->stream, talk->deadline, storage, packet.size);
}

/* Names one after the other, the last one empty. */
static enum probe_method
method_of_sasl(struct probe *probe, const char *at, size_t size)
{
	enum probe_method method = PROBE_SASL_OTHER;

	for (size_t length; size > 0 && (length = strnlen(at, size)) > 0 && length < size;
	     size -= length + 1) {
		if (text_starts(at, "SCRAM-SHA-256"))
			method = PROBE_SCRAM;
		probe->binding |= strcmp(at, "SCRAM-SHA-256-PLUS") == 0;
		at += length + 1;
	}
	return method;
}

static enum probe_method
method_of(struct talk *talk, const char *body, size_t size)
{
	switch (number_at(body)) {
	case 0:
		return talk->has_certificate && talk->certificate_wanted ? PROBE_CERTIFICATE
		                                                         : PROBE_NOTHING;
	case 3:
		return PROBE_PASSWORD;
	case 5:
		return PROBE_MD5;
	case 7:
	case 9:
		return PROBE_GSS;
	case 10:
		return method_of_sasl(talk->probe, body + 4, size - 4);
	default:
		return PROBE_UNKNOWN;
	}
}

static void
ask_for_method(struct talk *talk)
{
	static const char terminate[5] = { 'X', 0, 0, 0, 4 };
	char head[5], body[PACKET_MAX_BYTES];
	uint32_t size;

	if (!introduce(talk) || !receive_bytes(talk, head, sizeof(head)) || head[0] != 'R')
		return;
	size = number_at(head + 1) - 4;
	if (size < 4 || size > sizeof(body) || !receive_bytes(talk, body, size))
		return;
	talk->probe->method = method_of(talk, body, size);
	(void)!stream_write(talk->stream, talk->deadline, terminate, sizeof(terminate));
}

/* --- all of it --- */

static void
hang_up(struct talk *talk)
{
	if (talk->tls)
		(void)SSL_shutdown(talk->tls);
	mem_free(talk->stream);
	ERR_clear_error();
	if (talk->fd >= 0)
		(void)close(talk->fd);
}

void
probe_run(void *owner, const struct conninfo *info, struct deadline deadline, struct probe *probe)
{
	struct talk talk = {
		.owner = owner, .info = info, .deadline = deadline, .probe = probe, .fd = -1
	};
	struct tls_root root;
	struct error err;

	*probe = (struct probe){ .tls = PROBE_NOT_ASKED };
	if (!keywords_init(&talk.keywords, info, &err))
		return;
	probe->knows_direct = talk.keywords.knows_sslnegotiation;
	tls_prefer_p256();
	tls_root_init(&root, &talk.keywords);
	probe->bundle = root.bundle != NULL;
	if (reach(&talk)) {
		talk.stream = stream_new(owner, talk.fd);
		if (begin_tls(&talk))
			ask_for_method(&talk);
	}
	hang_up(&talk);
}
