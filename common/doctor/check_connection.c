#include "base/text.h"
#include "db/inspect.h"
#include "doctor/checks.h"
#include "doctor/suggestions.h"

#define ROUND_TRIPS      5
#define SLOW_PHASE_US    INT64_C(1000000)
#define CERTIFICATE_DAYS 14

/* --- advice --- */

static const char *const phase_advice[CONNECT_PHASE__MAX] = {
	[CONNECT_RESOLVE] =
	    "the host in DATABASE_URL has no address: check its spelling, and the name server",
	[CONNECT_TCP] =
	    "nothing answers at host and port: a firewall, an IP allow list, or the server is down",
	[CONNECT_TLS] = "TLS failed: sslmode and sslrootcert in DATABASE_URL must fit the server",
	[CONNECT_AUTH] =
	    "the server refused the login: check user, password and database in DATABASE_URL",
};

static const char *const certificate_advice[] = {
	[CERTIFICATE_EXPIRED] = "the server's certificate has expired: it must be renewed there",
	[CERTIFICATE_NOT_YET_VALID] = "check the server's certificate, and the clock here",
	[CERTIFICATE_UNTRUSTED] =
	    "sslrootcert does not have the CA that signed it: set it to that CA's file",
	[CERTIFICATE_OTHER_HOST] =
	    "the host in DATABASE_URL must be one of the certificate's names",
	[CERTIFICATE_OTHER] =
	    "look at it with: openssl s_client -starttls postgres -connect HOST:PORT",
};

/* By SQLSTATE, or by its class. */
static const struct {
	const char *sqlstate, *advice;
} server_advice[] = {
	{ "28P01", "user or password in DATABASE_URL are not those of the server" },
	{ "28000",
	  "its pg_hba.conf does not let this user in from here, or there is no such user" },
	{ "3D000", "there is no such database: check its name in DATABASE_URL" },
	{ "42501", "the user may not connect to this database: GRANT CONNECT" },
	{ "53", "the server has no free connection: use a pooler, or smaller pools" },
	{ "57P03", "the server is starting up or shutting down: try again in a moment" },
};

static const char late_advice[] =
    "something accepted the connection and then sent nothing: the server is asleep, overloaded or "
    "stopped, or it is not Postgres; a longer DATABASE_CONNECT_TIMEOUT gives it time to wake up";

static bool
is_certificate_refused(const struct doctor *doctor, enum connect_phase failed)
{
	return failed == CONNECT_TLS && doctor->handshake.server.verifies
	       && doctor->handshake.server.why;
}

static const char *
failure_advice(const struct doctor *doctor, const struct error *err, enum connect_phase failed)
{
	for (size_t i = 0; i < COUNT_OF(server_advice); i++)
		if (text_starts(err->sqlstate, server_advice[i].sqlstate))
			return server_advice[i].advice;
	if (failed >= CONNECT_TLS && connector_timed_out(doctor->app->connector))
		return late_advice;
	if (is_certificate_refused(doctor, failed))
		return certificate_advice[doctor->handshake.server.fault];
	if (failed == CONNECT_TLS && doctor->handshake.tls == HANDSHAKE_NO_TLS)
		return "the server has no TLS: turn it on there (ssl = on, with a certificate)";
	if (failed == CONNECT_TLS && doctor->handshake.tls == HANDSHAKE_NOT_POSTGRES)
		return "the server there is not Postgres: check host and port in DATABASE_URL";
	return phase_advice[failed];
}

/* --- phases of the connection --- */

/* TLS and login have checks of their own. Without a name to resolve, the time before TCP is
 * libpq's. */
static void
check_phase(struct doctor *doctor, enum connect_phase phase)
{
	const char *name = connect_phase_names[phase];
	int64_t us = doctor->cost.phases_us[phase];

	if (phase == CONNECT_RESOLVE && !conninfo_needs_resolving(&doctor->settings->database))
		(void)checklist_add(&doctor->checklist, true, "resolve", NULL,
		                    "there is no name to resolve");
	else if (phase == CONNECT_RESOLVE || phase == CONNECT_TCP)
		(void)checklist_add(&doctor->checklist, true, name, NULL, "%.1f ms", clock_ms(us));
	if (us >= SLOW_PHASE_US)
		(void)checklist_add(
		    &doctor->checklist, true, "waking",
		    "a database that sleeps when idle makes the first request wait: keep it awake, "
		    "or tell clients",
		    "%s took %.1f s: the server was asleep or overloaded", name,
		    clock_ms(us) / 1000);
}

static bool
url_has(const struct doctor *doctor, const char *keyword, const char *wanted)
{
	const char *value = conninfo_get(&doctor->settings->database, keyword);

	return value && strcmp(value, wanted) == 0;
}

static const char *
tls_advice(const struct doctor *doctor, const struct tls_facts *facts)
{
	if (facts->days_left < CERTIFICATE_DAYS)
		return "the server's certificate must be renewed";
	if (facts->verified || url_has(doctor, "channel_binding", "require"))
		return NULL;
	if (doctor->handshake.channel_binding)
		return "the server is not authenticated: channel_binding=require in DATABASE_URL "
		       "does that by the password exchange, without a CA";
	return "the server is not authenticated: use sslmode=verify-full&sslrootcert=system (or "
	       "its CA's file)";
}

static void
check_tls(struct doctor *doctor, const struct connection *connection)
{
	static const char *const tries[] = { "", " at the first try", " at the second try" };
	bool network = conninfo_is_network(&doctor->settings->database), valid;
	const struct handshake *handshake = &doctor->handshake;
	size_t try = handshake->tls != HANDSHAKE_TLS ? 0 : handshake->server.retried ? 2 : 1;
	struct tls_facts facts;

	if (!inspect_tls(doctor->scope, connection, &facts)) {
		(void)checklist_add(&doctor->checklist, !network, "tls",
		                    network ? "passwords and rows travel in the clear: use "
		                              "sslmode=require or stronger"
		                            : NULL,
		                    "none");
		return;
	}
	valid = facts.days_left >= 0;
	(void)checklist_add(
	    &doctor->checklist, valid, "tls", tls_advice(doctor, &facts),
	    "%s, %s, group %s%s, %.1f ms; certificate %s, %s %d days%s; %s", facts.version,
	    facts.cipher, facts.group, tries[try], clock_ms(doctor->cost.phases_us[CONNECT_TLS]),
	    facts.verified ? "verified" : "not verified", valid ? "valid for" : "expired",
	    abs(facts.days_left), valid ? "" : " ago", facts.chain);
}

static const char *
login_advice(const struct doctor *doctor)
{
	switch (doctor->handshake.method) {
	case METHOD_NONE:
		return conninfo_is_network(&doctor->settings->database)
		           ? "whoever reaches the server gets in: use scram-sha-256 in its "
		             "pg_hba.conf"
		           : NULL;
	case METHOD_PASSWORD:
		return "the server receives the password itself; with scram-sha-256 it would not";
	case METHOD_MD5:
		return "md5 is weak and deprecated: set password_encryption = 'scram-sha-256' "
		       "there, and then the password again";
	default:
		return NULL;
	}
}

/* libpq binds SCRAM to TLS if the server offers it and the URL does not forbid it. */
static const char *
method_name(const struct doctor *doctor, bool used_password)
{
	const struct handshake *handshake = &doctor->handshake;
	const char *name = handshake_method_names[handshake->method];

	if (!name)
		return used_password ? "with a password" : "without a password";
	if (handshake->method != METHOD_SCRAM)
		return name;
	return handshake->channel_binding && handshake->tls == HANDSHAKE_TLS
	               && !url_has(doctor, "channel_binding", "disable")
	           ? "scram-sha-256 with channel binding"
	           : "scram-sha-256 without channel binding";
}

/* --- connecting --- */

/* Adds the failed phase. Returns false. */
static bool
add_failure(struct doctor *doctor, const struct error *err, enum connect_phase failed)
{
	const char *advice = failure_advice(doctor, err, failed);
	const char *name = connect_phase_names[failed];

	if (is_certificate_refused(doctor, failed))
		return checklist_add(&doctor->checklist, false, name, advice,
		                     "certificate verify failed: %s", doctor->handshake.server.why);
	if (failed == CONNECT_AUTH && doctor->handshake.method != METHOD_UNKNOWN)
		return checklist_add(
		    &doctor->checklist, false, name, advice, "%.*s (the server asks for %s)",
		    (int)strcspn(err->detail, "\n"), err->detail, method_name(doctor, true));
	return checklist_add(&doctor->checklist, false, name, advice, "%s", err->detail);
}

/* Skips a server that did not answer in time: it would not answer this time either. */
static void
try_handshake(struct doctor *doctor, enum connect_phase failed)
{
	const struct settings *settings = doctor->settings;

	if (failed >= CONNECT_TLS && !connector_timed_out(doctor->app->connector))
		handshake_try(doctor->scope, &settings->database,
		              deadline_in_ms(settings->database_connect_timeout_s * 1000),
		              &doctor->handshake);
}

/* Connects as a request does, by the first statement. */
static bool
connect_and_query(struct doctor *doctor, struct np_rows **facts)
{
	const struct connection *connection;
	struct error err = { .detail = "" };
	enum connect_phase failed; /* CONNECT_PHASE__MAX: none */
	bool ok = transaction_query(doctor->tx, check_server_facts, NO_VALUES, facts, &err);

	doctor->cost = transaction_counts(doctor->tx).connect;
	connection = transaction_connection(doctor->tx);
	failed = connection ? CONNECT_PHASE__MAX : connector_phase(doctor->app->connector);
	try_handshake(doctor, failed);
	for (enum connect_phase phase = CONNECT_RESOLVE;
	     phase < failed && phase < CONNECT_PHASE__MAX; phase++)
		check_phase(doctor, phase);
	if (!connection)
		return add_failure(doctor, &err, failed);
	check_tls(doctor, connection);
	(void)checklist_add(&doctor->checklist, true, "login", login_advice(doctor), "%s, %.1f ms",
	                    method_name(doctor, inspect_used_password(connection)),
	                    clock_ms(doctor->cost.phases_us[CONNECT_AUTH]));
	return ok
	       || checklist_add(&doctor->checklist, false, "query",
	                        "the server accepted the login but not the statement", "%s",
	                        err.detail);
}

/* --- round trips --- */

static const char one[] = "SELECT 1 AS one";

static bool
check_round_trip(struct doctor *doctor)
{
	struct error err = { .detail = "" };

	for (int i = 0; i < ROUND_TRIPS; i++) {
		int64_t before_us = transaction_counts(doctor->tx).flights_us, took_us;
		struct np_rows *row;

		if (!transaction_query(doctor->tx, one, NO_VALUES, &row, &err))
			return checklist_add(&doctor->checklist, false, "round trip",
			                     "the connection was lost after its first statement",
			                     "%s", err.detail);
		took_us = transaction_counts(doctor->tx).flights_us - before_us;
		if (i == 0 || took_us < doctor->round_trip_us)
			doctor->round_trip_us = took_us;
	}
	return checklist_add(&doctor->checklist, true, "round trip", NULL,
	                     "%.2f ms, the best of %d", clock_ms(doctor->round_trip_us),
	                     ROUND_TRIPS);
}

/* Adds how many round trips a request takes, and suggestions that save some. */
static void
add_suggestions(struct doctor *doctor, int server_version)
{
	const struct settings *settings = doctor->settings;
	struct suggestion suggestions[SUGGESTIONS_MAX];
	struct suggestions_facts facts = {
		.settings = settings,
		.handshake = &doctor->handshake,
		.cost = doctor->cost,
		.round_trip_us = doctor->round_trip_us,
		.pooled = doctor->pooled,
		.server_version = server_version,
	};
	int round_trips = settings->database_connection == CONNECTION_NULL
	                      ? doctor->cost.round_trips + 1
	                      : 1;
	size_t count = suggestions_find(&facts, suggestions);

	(void)checklist_add(
	    &doctor->checklist, true, "trips", NULL,
	    "%d to connect, 1 for a marked statement: %d in a request of mode %s, %.1f ms",
	    doctor->cost.round_trips, round_trips, connection_names[settings->database_connection],
	    clock_ms(doctor->round_trip_us) * round_trips);
	for (size_t i = 0; i < count; i++)
		(void)checklist_add(&doctor->checklist, true, "suggestion", suggestions[i].how,
		                    "%s", suggestions[i].gain);
}

void
check_connection(struct doctor *doctor)
{
	const struct connection *connection;
	struct np_rows *facts;
	double clock_s;

	if (!connect_and_query(doctor, &facts))
		return;
	clock_s = (double)clock_wall_us() / 1e6; /* the answer has just come */
	connection = transaction_connection(doctor->tx);
	doctor->pooled = !inspect_is_direct(connection, np_field(facts, 0, "pid").text);
	if (check_round_trip(doctor))
		add_suggestions(doctor, inspect_server_version(connection));
	check_server(doctor, facts, clock_s);
}
