#include "db/certificate.h"

#include <arpa/inet.h>

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/buf.h"
#include "base/mem.h"

#define TEXT_BYTES 512
#define DATE_BYTES 32
#define NAMES_MAX  4
#define IPV4_BYTES 4
#define IPV6_BYTES 16

/* --- names --- */

static void
write_asn1(struct buf *out, const ASN1_STRING *text)
{
	unsigned char *utf8 = NULL;
	int size = ASN1_STRING_to_UTF8(&utf8, text);

	if (size > 0)
		buf_add(out, (const char *)utf8, (size_t)size);
	OPENSSL_free(utf8);
}

/* Writes the common name, or the last part of a name without one. */
static void
write_name(struct buf *out, const X509_NAME *name)
{
	int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);

	if (at < 0)
		at = X509_NAME_entry_count(name) - 1;
	if (at >= 0)
		write_asn1(out, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
	else
		buf_text(out, "-");
}

static bool
write_host(struct buf *out, const char *before, const GENERAL_NAME *name)
{
	char address[INET6_ADDRSTRLEN];
	const ASN1_STRING *value;
	int kind, size;

	value = GENERAL_NAME_get0_value(name, &kind);
	if (kind == GEN_DNS) {
		buf_text(out, before);
		write_asn1(out, value);
		return true;
	}
	if (kind != GEN_IPADD)
		return false;
	/* The certificate is not verified yet: its author may have written any length. */
	size = ASN1_STRING_length(value);
	if ((size != IPV4_BYTES && size != IPV6_BYTES)
	    || !inet_ntop(size == IPV4_BYTES ? AF_INET : AF_INET6, ASN1_STRING_get0_data(value),
	                  address, sizeof(address)))
		return false;
	buf_text(out, before);
	buf_text(out, address);
	return true;
}

static void
write_hosts(struct buf *out, const X509 *certificate)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	int count = names ? sk_GENERAL_NAME_num(names) : 0, shown = 0;

	for (int i = 0; i < count && shown < NAMES_MAX; i++)
		shown += write_host(out, shown > 0 ? ", " : ", for ",
		                    sk_GENERAL_NAME_value(names, i));
	if (count > NAMES_MAX)
		buf_printf(out, " and %d more", count - NAMES_MAX);
	GENERAL_NAMES_free(names);
}

/* --- dates --- */

static void
write_date(struct buf *out, const ASN1_TIME *time)
{
	char text[DATE_BYTES];
	struct tm parts;

	if (ASN1_TIME_to_tm(time, &parts)
	    && strftime(text, sizeof(text), "%Y-%m-%d %H:%M UTC", &parts) > 0)
		buf_text(out, text);
}

static int
days_left(const X509 *certificate)
{
	int days = 0, seconds = 0;

	(void)ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(certificate));
	return days < 0 || seconds < 0 ? days - 1 : days;
}

/* --- chains --- */

/* The chain as it was verified, with its root; else as the server sent it. */
static STACK_OF(X509) * chain_of(SSL *tls)
{
	STACK_OF(X509) *verified = SSL_get0_verified_chain(tls);

	return SSL_get_verify_result(tls) == X509_V_OK && sk_X509_num(verified) > 0
	           ? verified
	           : SSL_get_peer_cert_chain(tls);
}

int
certificate_days_left(SSL *tls)
{
	STACK_OF(X509) *chain = chain_of(tls);
	int least = sk_X509_num(chain) > 0 ? days_left(sk_X509_value(chain, 0)) : 0;

	for (int i = 1; i < sk_X509_num(chain); i++)
		if (days_left(sk_X509_value(chain, i)) < least)
			least = days_left(sk_X509_value(chain, i));
	return least;
}

static bool
signs_itself(X509 *certificate)
{
	return X509_NAME_cmp(X509_get_subject_name(certificate), X509_get_issuer_name(certificate))
	       == 0;
}

const char *
certificate_chain(void *owner, SSL *tls)
{
	STACK_OF(X509) *chain = chain_of(tls);
	int count = sk_X509_num(chain);
	struct buf out;

	buf_init(&out, owner, TEXT_BYTES);
	for (int i = 0; i < count; i++) {
		buf_text(&out, i > 0 ? " < " : "");
		write_name(&out, X509_get_subject_name(sk_X509_value(chain, i)));
	}
	if (count > 0 && !signs_itself(sk_X509_value(chain, count - 1))) {
		buf_text(&out, " < ");
		write_name(&out, X509_get_issuer_name(sk_X509_value(chain, count - 1)));
	} else if (count == 1) {
		buf_text(&out, ", signed by itself");
	}
	return out.data;
}

const char *
certificate_root(void *owner, SSL *tls)
{
	STACK_OF(X509) *chain = chain_of(tls);
	struct buf out;

	buf_init(&out, owner, TEXT_BYTES);
	if (sk_X509_num(chain) > 0)
		write_name(&out,
		           X509_get_issuer_name(sk_X509_value(chain, sk_X509_num(chain) - 1)));
	return out.data;
}

/* --- faults --- */

static const char *
fault_text(void *owner, const char *reason, const X509 *certificate)
{
	struct buf out;

	buf_init(&out, owner, TEXT_BYTES);
	buf_printf(&out, "%s: \"", reason);
	write_name(&out, X509_get_subject_name(certificate));
	buf_text(&out, "\" by \"");
	write_name(&out, X509_get_issuer_name(certificate));
	buf_text(&out, "\", valid from ");
	write_date(&out, X509_get0_notBefore(certificate));
	buf_text(&out, " to ");
	write_date(&out, X509_get0_notAfter(certificate));
	write_hosts(&out, certificate);
	return out.data;
}

static enum certificate_fault
fault_of(long code)
{
	switch (code) {
	case X509_V_OK:
		return CERTIFICATE_OK;
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return CERTIFICATE_EXPIRED;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return CERTIFICATE_NOT_YET_VALID;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
		return CERTIFICATE_UNTRUSTED;
	default:
		return CERTIFICATE_OTHER;
	}
}

/* An address may stand among the names too: libpq accepts it if a certificate has no address. */
static bool
is_for(X509 *certificate, const char *host)
{
	return X509_check_host(certificate, host, 0, 0, NULL) == 1
	       || X509_check_ip_asc(certificate, host, 0) == 1;
}

enum certificate_fault
certificate_judge(void *owner, SSL *tls, const char *host, const char **why)
{
	long code = SSL_get_verify_result(tls);
	enum certificate_fault fault = fault_of(code);
	X509 *certificate = SSL_get1_peer_certificate(tls);

	*why = NULL;
	if (!certificate)
		return CERTIFICATE_OTHER;
	if (fault != CERTIFICATE_OK) {
		*why = fault_text(owner, X509_verify_cert_error_string(code), certificate);
	} else if (host && !is_for(certificate, host)) {
		fault = CERTIFICATE_OTHER_HOST;
		*why = fault_text(owner, mem_printf(owner, "certificate is not for %s", host),
		                  certificate);
	}
	X509_free(certificate);
	return fault;
}
