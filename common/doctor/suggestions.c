#include "doctor/suggestions.h"

#include <inttypes.h>

#include "base/clock.h"

/* The first version of Postgres that accepts TLS without an SSLRequest. */
#define DIRECT_TLS_VERSION 170000

static const char *
url_value(const struct suggestions_facts *facts, const char *keyword)
{
	const char *value = conninfo_get(&facts->settings->database, keyword);

	return value ? value : "";
}

/* Each function returns true if its suggestion applies, and then writes its gain and how to get it.
 */

static bool
suggest_ahead(const struct suggestions_facts *facts, struct suggestion *suggestion)
{
	const struct settings *settings = facts->settings;

	if (settings->database_connection != CONNECTION_NULL || settings->serverless)
		return false;
	(void)snprintf(suggestion->gain, sizeof(suggestion->gain),
	               "%d round trips, %.1f ms of each request", facts->cost.round_trips,
	               clock_ms(facts->cost.total_us));
	(void)snprintf(
	    suggestion->how, sizeof(suggestion->how),
	    "DATABASE_CONNECTION=ahead: a connection is opened while its worker is idle");
	return true;
}

static bool
suggest_persistent(const struct suggestions_facts *facts, struct suggestion *suggestion)
{
	const struct settings *settings = facts->settings;
	bool ahead = settings->database_connection == CONNECTION_AHEAD;

	if (settings->database_connection == CONNECTION_PERSISTENT || settings->serverless)
		return false;
	if (ahead)
		(void)snprintf(
		    suggestion->gain, sizeof(suggestion->gain),
		    "a login for each request, on both sides, though no request waits for it");
	else
		(void)snprintf(
		    suggestion->gain, sizeof(suggestion->gain),
		    "%d round trips, %.1f ms of each request, and the server's work for a login",
		    facts->cost.round_trips, clock_ms(facts->cost.total_us));
	(void)snprintf(
	    suggestion->how, sizeof(suggestion->how),
	    "DATABASE_CONNECTION=persistent: each worker keeps its connection, up to %" PRId64
	    " for this program",
	    settings->database_pool_size + settings->database_max_overflow);
	return true;
}

static bool
accepts_direct_tls(const struct suggestions_facts *facts)
{
	return conninfo_is_neon(&facts->settings->database)
	       || (!facts->pooled && facts->server_version >= DIRECT_TLS_VERSION);
}

/* Direct TLS is set by the URL or the setting. In mode auto, connections to Neon use it at once,
 * and others from a worker's second connection on. */
static bool
suggest_direct_tls(const struct suggestions_facts *facts, struct suggestion *suggestion)
{
	const struct settings *settings = facts->settings;
	const char *in_url = url_value(facts, "sslnegotiation");
	bool automatic = !*in_url && settings->database_sslnegotiation == NEGOTIATION_AUTO;

	if (!facts->handshake->knows_direct || facts->handshake->tls != HANDSHAKE_TLS
	    || !accepts_direct_tls(facts) || !conninfo_needs_tls(&settings->database)
	    || strcmp(in_url, "direct") == 0
	    || (!*in_url && settings->database_sslnegotiation == NEGOTIATION_DIRECT)
	    || (automatic && conninfo_is_neon(&settings->database)))
		return false;
	(void)snprintf(suggestion->gain, sizeof(suggestion->gain), "1 round trip, %.1f ms of %s",
	               clock_ms(facts->round_trip_us),
	               automatic ? "each worker's first connection" : "each connection");
	(void)snprintf(suggestion->how, sizeof(suggestion->how),
	               *in_url ? "sslnegotiation=direct in DATABASE_URL: TLS starts at once"
	                       : "DATABASE_SSLNEGOTIATION=direct: TLS starts at once");
	return true;
}

static bool
suggest_group(const struct suggestions_facts *facts, struct suggestion *suggestion)
{
	if (!facts->handshake->server.retried)
		return false;
	(void)snprintf(suggestion->gain, sizeof(suggestion->gain),
	               "1 round trip, %.1f ms of each connection", clock_ms(facts->round_trip_us));
	(void)snprintf(
	    suggestion->how, sizeof(suggestion->how),
	    "the server refuses the group that OpenSSL offers first: unset OPENSSL_CONF, or set "
	    "Groups = P-256:X25519 in it");
	return true;
}

static bool
suggest_one_ca(const struct suggestions_facts *facts, struct suggestion *suggestion)
{
	const struct handshake *handshake = facts->handshake;

	if (!handshake->bundle || !handshake->server.root)
		return false;
	(void)snprintf(suggestion->gain, sizeof(suggestion->gain),
	               "%.1f ms of CPU of each worker's first connection: %d CAs are read",
	               clock_ms(handshake->server.roots_us), handshake->server.roots);
	(void)snprintf(suggestion->how, sizeof(suggestion->how),
	               "sslrootcert with \"%.100s\" alone", handshake->server.root);
	return true;
}

static bool
suggest_channel_binding(const struct suggestions_facts *facts, struct suggestion *suggestion)
{
	const struct handshake *handshake = facts->handshake;

	if (!handshake->channel_binding || !handshake->server.root
	    || strcmp(url_value(facts, "channel_binding"), "disable") == 0)
		return false;
	(void)snprintf(
	    suggestion->gain, sizeof(suggestion->gain),
	    "reading CAs (%.1f ms at a worker's first connection) and checking the chain",
	    clock_ms(handshake->server.roots_us));
	(void)snprintf(
	    suggestion->how, sizeof(suggestion->how),
	    "sslmode=require&channel_binding=require: the password exchange authenticates the "
	    "server, without sslrootcert");
	return true;
}

size_t
suggestions_find(const struct suggestions_facts *facts, struct suggestion found[SUGGESTIONS_MAX])
{
	static bool (*const rows[])(const struct suggestions_facts *, struct suggestion *) = {
		suggest_ahead, suggest_persistent, suggest_direct_tls,
		suggest_group, suggest_one_ca,     suggest_channel_binding,
	};
	size_t count = 0;

	_Static_assert(COUNT_OF(rows) <= SUGGESTIONS_MAX, "all of them may apply");
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		count += rows[i](facts, &found[count]);
	return count;
}
