#include "db/inspect.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/text.h"

static int
days_left(SSL *tls)
{
	X509 *certificate = SSL_get1_peer_certificate(tls);
	int days = 0, seconds = 0;

	if (certificate)
		(void)ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(certificate));
	X509_free(certificate);
	return days < 0 || seconds < 0 ? days - 1 : days;
}

bool
inspect_tls(const struct connection *connection, struct tls_facts *facts)
{
	SSL *tls = PQsslStruct(connection->pg, "OpenSSL");
	const char *group;

	if (!tls)
		return false;
	group = SSL_group_to_name(tls, (int)SSL_get_negotiated_group(tls));
	*facts = (struct tls_facts){
		.version = SSL_get_version(tls),
		.cipher = SSL_get_cipher_name(tls),
		.group = group ? group : "-",
		.days_left = days_left(tls),
		.verified = SSL_get_verify_result(tls) == X509_V_OK
		            && SSL_get_verify_mode(tls) != SSL_VERIFY_NONE,
	};
	return true;
}

bool
inspect_used_password(const struct connection *connection)
{
	return PQconnectionUsedPassword(connection->pg);
}

bool
inspect_is_direct(const struct connection *connection, const char *backend_pid)
{
	int64_t pid;

	return parse_int(backend_pid, &pid) && pid == PQbackendPID(connection->pg);
}
