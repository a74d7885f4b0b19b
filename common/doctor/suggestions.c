#include "doctor/suggestions.h"

#include <inttypes.h>

/* The version of Postgres that takes TLS without being asked. */
#define DIRECT_VERSION 170000

static double
ms(int64_t us)
{
	return (double)us / 1000;
}

static const char *
in_url(const struct suggestions_facts *facts, const char *keyword)
{
	const char *value = conninfo_get(&facts->settings->database, keyword);

	return value ? value : "";
}

/* Each row: does it apply, and then what it brings and how it is had. */

static bool
find_ahead(const struct suggestions_facts *facts, struct suggestion *suggestion)
{
	const struct settings *settings = facts->settings;

	if (settings->database_connection != CONNECTION_NULL || settings->serverless)
		return false;
	(void)snprintf(suggestion->gain, sizeof(suggestion->gain),
	               "%d trips, %.1f ms of each request", facts->cost.round_trips,
	               ms(facts->cost.total_us));
	(void)snprintf(
	    suggestion->how, sizeof(suggestion->how),
	    "DATABASE_CONNECTION=ahead: a connection is opened while its worker is idle");
	return true;
}

static bool
find_persistent(const struct suggestions_facts *facts, struct suggestion *suggestion)
{
	const struct settings *settings = facts->settings;
	bool ahead = settings->database_connection == CONNECTION_AHEAD;

	if (settings->database_connection == CONNECTION_PERSISTENT || settings->serverless)
		return false;
	if (ahead)
		(void)snprintf(
		    suggestion->gain, sizeof(suggestion->gain),
		    "a login of each request, on both sides; it is no trip of a request");
	else
		(void)snprintf(
		    suggestion->gain, sizeof(suggestion->gain),
		    "%d trips, %.1f ms of each request, and the server's work for a login",
		    facts->cost.round_trips, ms(facts->cost.total_us));
	(void)snprintf(
	    suggestion->how, sizeof(suggestion->how),
	    "DATABASE_CONNECTION=persistent: each worker keeps its connection, up to %" PRId64
	    " of this program",
	    settings->database_pool_size + settings->database_max_overflow);
	return true;
}

static bool
takes_direct(const struct suggestions_facts *facts)
{
	return conninfo_is_neon(&facts->settings->database)
	       || (!facts->pooled && facts->server_version >= DIRECT_VERSION);
}

/* By the URL or the setting; by itself it is at once for Neon, and elsewhere from a worker's second
 * connection on. */
static bool
find_direct(const struct suggestions_facts *facts, struct suggestion *suggestion)
{
	const struct settings *settings = facts->settings;
	const char *word = in_url(facts, "sslnegotiation");
	bool by_itself = !*word && settings->database_sslnegotiation == NEGOTIATION_AUTO;

	if (!facts->probe->knows_direct || facts->probe->tls != PROBE_TLS || !takes_direct(facts)
	    || !conninfo_needs_tls(&settings->database) || strcmp(word, "direct") == 0
	    || (!*word && settings->database_sslnegotiation == NEGOTIATION_DIRECT)
	    || (by_itself && conninfo_is_neon(&settings->database)))
		return false;
	(void)snprintf(suggestion->gain, sizeof(suggestion->gain), "1 trip, %.1f ms of %s",
	               ms(facts->trip_us),
	               by_itself ? "each worker's first connection" : "each connection");
	(void)snprintf(suggestion->how, sizeof(suggestion->how),
	               *word
	                   ? "sslnegotiation=direct in DATABASE_URL: TLS begins without a question"
	                   : "DATABASE_SSLNEGOTIATION=direct: TLS begins without a question");
	return true;
}

static bool
find_group(const struct suggestions_facts *facts, struct suggestion *suggestion)
{
	if (!facts->probe->again)
		return false;
	(void)snprintf(suggestion->gain, sizeof(suggestion->gain),
	               "1 trip, %.1f ms of each connection", ms(facts->trip_us));
	(void)snprintf(
	    suggestion->how, sizeof(suggestion->how),
	    "the server refuses the group that OpenSSL offers first: no OPENSSL_CONF, or Groups = "
	    "P-256:X25519 in it");
	return true;
}

static bool
find_bundle(const struct suggestions_facts *facts, struct suggestion *suggestion)
{
	const struct probe *probe = facts->probe;

	if (!probe->bundle || !probe->root)
		return false;
	(void)snprintf(suggestion->gain, sizeof(suggestion->gain),
	               "%.1f ms of CPU of each worker's first connection: %d CAs are read",
	               ms(probe->roots_us), probe->roots);
	(void)snprintf(suggestion->how, sizeof(suggestion->how),
	               "sslrootcert with \"%.100s\" alone", probe->root);
	return true;
}

static bool
find_binding(const struct suggestions_facts *facts, struct suggestion *suggestion)
{
	const struct probe *probe = facts->probe;

	if (!probe->binding || !probe->root
	    || strcmp(in_url(facts, "channel_binding"), "disable") == 0)
		return false;
	(void)snprintf(
	    suggestion->gain, sizeof(suggestion->gain),
	    "reading CAs (%.1f ms at a worker's first connection) and checking the chain",
	    ms(probe->roots_us));
	(void)snprintf(
	    suggestion->how, sizeof(suggestion->how),
	    "sslmode=require&channel_binding=require: the password exchange proves the server, "
	    "without sslrootcert");
	return true;
}

size_t
suggestions_find(const struct suggestions_facts *facts, struct suggestion found[SUGGESTIONS_MAX])
{
	static bool (*const rows[])(const struct suggestions_facts *, struct suggestion *) = {
		find_ahead, find_persistent, find_direct, find_group, find_bundle, find_binding,
	};
	size_t count = 0;

	_Static_assert(COUNT_OF(rows) <= SUGGESTIONS_MAX, "each may apply");
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		count += rows[i](facts, &found[count]);
	return count;
}
