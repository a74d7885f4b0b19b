#include "db/server_stream.h"

#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/mem.h"
#include "base/stream.h"
#include "db/dial.h"
#include "db/tls.h"

struct server_stream {
	void *owner;
	const struct conninfo *info;
	const struct keywords *keywords;
	struct deadline deadline;
	int fd;
	struct stream *stream;
	SSL *tls; /* the stream's; NULL: it is plain */
	int server_hellos;
	bool certificate_requested;
};

/* --- opened and closed --- */

static void
close_stream(void *at)
{
	struct server_stream *server = at;

	if (server->tls)
		(void)SSL_shutdown(server->tls);
	mem_free(server->stream);
	ERR_clear_error();
	(void)close(server->fd);
}

static int
open_socket(const struct conninfo *info, const struct keywords *keywords, struct deadline deadline)
{
	const char *host = conninfo_needs_resolving(info) ? conninfo_get(info, "host") : NULL;
	struct dial dial;
	int fd = -1;

	dial_start(&dial, keywords, host, deadline);
	dial_limit_to_tcp(&dial);
	if (dial_finish(&dial, deadline, NULL) && dial.state == DIAL_DONE)
		fd = dial_take_socket(&dial);
	dial_stop(&dial);
	return fd;
}

struct server_stream *
server_stream_open(void *owner, const struct conninfo *info, const struct keywords *keywords,
                   struct deadline deadline)
{
	int fd = open_socket(info, keywords, deadline);
	struct server_stream *server;

	if (fd < 0)
		return NULL;
	server = mem_new(owner, struct server_stream);
	server->owner = owner;
	server->info = info;
	server->keywords = keywords;
	server->deadline = deadline;
	server->fd = fd;
	server->stream = stream_new(server, fd);
	mem_own(server, server, close_stream);
	return server;
}

bool
server_stream_send(struct server_stream *server, const void *bytes, size_t size)
{
	return stream_write(server->stream, server->deadline, bytes, size);
}

bool
server_stream_receive(struct server_stream *server, void *bytes, size_t size)
{
	char *at = bytes;

	for (size_t got; size > 0; at += got, size -= got)
		if (!stream_read(server->stream, server->deadline, at, size, &got))
			return false;
	return true;
}

/* --- what libpq would load --- */

/* Where libpq takes a file from: the keyword, the environment, the home directory. */
static const char *
find_file(struct server_stream *server, const char *keyword, const char *variable, const char *name)
{
	const char *file = keywords_get(server->keywords, keyword), *home = getenv("HOME");

	if (!file && variable)
		file = getenv(variable);
	if (!file && home)
		file = mem_printf(server->owner, "%s/.postgresql/%s", home, name);
	return file && (strcmp(file, "system") == 0 || access(file, R_OK) == 0) ? file : NULL;
}

static void
load_roots(struct server_stream *server, SSL_CTX *context, struct server_tls *facts)
{
	const char *file = find_file(server, "sslrootcert", "PGSSLROOTCERT", "root.crt");
	const char *crl = find_file(server, "sslcrl", NULL, "root.crl");
	X509_STORE *store = SSL_CTX_get_cert_store(context);
	int64_t start_us = clock_now_us();

	if (!file)
		return;
	if (strcmp(file, "system") == 0)
		facts->verifies = SSL_CTX_set_default_verify_paths(context) == 1;
	else
		facts->verifies = SSL_CTX_load_verify_locations(context, file, NULL) == 1;
	facts->roots_us = clock_now_us() - start_us;
	facts->roots = sk_X509_OBJECT_num(X509_STORE_get0_objects(store));
	if (crl && X509_STORE_load_locations(store, crl, NULL) == 1)
		(void)X509_STORE_set_flags(store,
		                           X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
}

static int
copy_key_password(char *text, int size, int writing, void *at)
{
	const struct server_stream *server = at;
	const char *password = keywords_get(server->keywords, "sslpassword");

	(void)writing;
	(void)snprintf(text, (size_t)size, "%s", password ? password : "");
	return (int)strlen(text);
}

static void
load_client_certificate(struct server_stream *server, SSL_CTX *context)
{
	const char *file = find_file(server, "sslcert", "PGSSLCERT", "postgresql.crt");
	const char *key = find_file(server, "sslkey", "PGSSLKEY", "postgresql.key");

	if (!file || !key)
		return;
	SSL_CTX_set_default_passwd_cb(context, copy_key_password);
	SSL_CTX_set_default_passwd_cb_userdata(context, server);
	if (SSL_CTX_use_certificate_chain_file(context, file) == 1)
		(void)SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM);
}

/* --- TLS --- */

/* A server that wants another group says hello twice. */
static void
see_message(int sent, int version, int kind, const void *bytes, size_t size, SSL *tls, void *at)
{
	struct server_stream *server = at;

	(void)version;
	(void)tls;
	if (sent || kind != SSL3_RT_HANDSHAKE || size == 0)
		return;
	server->server_hellos += *(const unsigned char *)bytes == SSL3_MT_SERVER_HELLO;
	server->certificate_requested |= *(const unsigned char *)bytes
	                                 == SSL3_MT_CERTIFICATE_REQUEST;
}

static SSL *
new_tls(struct server_stream *server, struct server_tls *facts)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	SSL *tls;

	if (!context)
		return NULL;
	SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
	load_roots(server, context, facts);
	load_client_certificate(server, context);
	tls = SSL_new(context);
	SSL_CTX_free(context); /* tls has it too */
	if (!tls)
		return NULL;
	SSL_set_msg_callback(tls, see_message);
	SSL_set_msg_callback_arg(tls, server);
	if (!conninfo_is_address(server->info))
		(void)SSL_set_tlsext_host_name(
		    tls, mem_strdup(server->owner, conninfo_get(server->info, "host")));
	return tls;
}

static void
judge_certificate(struct server_stream *server, struct server_tls *facts)
{
	const char *mode = keywords_get(server->keywords, "sslmode");
	bool by_name = mode && strcmp(mode, "verify-full") == 0;

	facts->fault = certificate_judge(server->owner, server->tls,
	                                 by_name ? conninfo_get(server->info, "host") : NULL,
	                                 &facts->why);
	if (facts->fault == CERTIFICATE_OK)
		facts->root = certificate_root(server->owner, server->tls);
}

bool
server_stream_start_tls(struct server_stream *server, struct server_tls *facts)
{
	*facts = (struct server_tls){ .fault = CERTIFICATE_OK };
	server->tls = new_tls(server, facts);
	if (!server->tls || !stream_start_tls(server->stream, server->tls, server->deadline))
		return false;
	facts->retried = server->server_hellos > 1;
	facts->authenticates = server->certificate_requested && SSL_get_privatekey(server->tls);
	if (facts->verifies)
		judge_certificate(server, facts);
	return true;
}
