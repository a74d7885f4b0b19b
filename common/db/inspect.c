#include "db/inspect.h"

#include <openssl/ssl.h>

#include "base/text.h"
#include "db/certificate.h"

bool
inspect_tls(void *owner, const struct connection *connection, struct tls_facts *facts)
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
		.chain = certificate_chain(owner, tls),
		.days_left = certificate_days_left(tls),
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

int
inspect_server_version(const struct connection *connection)
{
	return PQserverVersion(connection->pg);
}
