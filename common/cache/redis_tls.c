#include "cache/redis_tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/mem.h"

/* Of this connection only. Returns NULL if the CAs cannot be loaded. */
static SSL_CTX *
new_context(const char *ca_file)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());

	if (!context)
		return NULL;
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION)
	    && (ca_file ? SSL_CTX_load_verify_locations(context, ca_file, NULL)
	                : SSL_CTX_set_default_verify_paths(context)))
		return context;
	SSL_CTX_free(context);
	return NULL;
}

/* A certificate holds an address as an address; a server is never asked for one by SNI
 * (RFC 6066 3). */
static bool
expect_host(SSL *tls, char *host)
{
	if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls), host))
		return true;
	return SSL_set1_host(tls, host) && SSL_set_tlsext_host_name(tls, host);
}

SSL *
redis_tls_new(const char *host, const char *ca_file, const char **why)
{
	SSL_CTX *context = new_context(ca_file);
	SSL *tls = context ? SSL_new(context) : NULL;
	char *name = mem_strdup(NULL, host);

	SSL_CTX_free(context); /* `tls` holds a reference */
	if (tls && !expect_host(tls, name)) {
		SSL_free(tls);
		tls = NULL;
	}
	mem_free(name);
	*why = ca_file ? "the file of ssl_ca_certs cannot be used" : "TLS cannot be used";
	ERR_clear_error();
	return tls;
}
