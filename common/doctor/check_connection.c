#include "base/text.h"
#include "db/inspect.h"
#include "doctor/checks.h"
#include "doctor/suggestions.h"

#define ROUND_TRIPS      5
#define SLOW_PHASE_US    INT64_C(1000000)
#define CERTIFICATE_DAYS 14

static double
ms(int64_t us)
{
	return (double)us / 1000;
}

/* --- what to do --- */

static const char *const advice_of_phase[CONNECT_PHASE__MAX] = {
	[CONNECT_RESOLVE] =
	    "the host of DATABASE_URL has no address: a typing error, or no name server",
	[CONNECT_TCP] =
	    "nobody answers at host and port: a firewall, an IP allow list, or the server is down",
	[CONNECT_TLS] =
	    "TLS failed: sslmode and sslrootcert of DATABASE_URL have to fit the server",
	[CONNECT_AUTH] =
	    "the server refused the login: user, password and database of DATABASE_URL",
};

static const char *const advice_of_fault[] = {
	[CERTIFICATE_EXPIRED] = "the server's certificate has ended: it has to be renewed there",
	[CERTIFICATE_NOT_YET_VALID] =
	    "its time has not begun: the server's certificate, or the clock here",
	[CERTIFICATE_UNTRUSTED] =
	    "sslrootcert has not the CA that signed it, whose file has to be named there",
	[CERTIFICATE_OTHER_HOST] =
	    "the host of DATABASE_URL has to be one of the certificate's names",
	[CERTIFICATE_OTHER] = "see it by openssl s_client -starttls postgres -connect HOST:PORT",
};

static const struct {
	const char *sqlstate, *advice; /* or its class */
} advice_of_server[] = {
	{ "28P01", "the password or the user of DATABASE_URL is another one there" },
	{ "28000",
	  "the server's pg_hba.conf does not let this user in from here, or there is no such user" },
	{ "3D000", "there is no such database: its name in DATABASE_URL" },
	{ "42501", "the user may not CONNECT to this database: GRANT it" },
	{ "53", "the server has no connection left: a pooler, or smaller pools" },
	{ "57P03", "the server is starting or shutting down: again in a moment" },
};

static bool
is_refused(const struct checks *checks, enum connect_phase failed)
{
	return failed == CONNECT_TLS && checks->probe.verifies && checks->probe.why;
}

static const char *
advice_for(const struct checks *checks, const struct error *err, enum connect_phase failed)
{
	for (size_t i = 0; i < COUNT_OF(advice_of_server); i++)
		if (text_starts(err->sqlstate, advice_of_server[i].sqlstate))
			return advice_of_server[i].advice;
	if (failed >= CONNECT_TLS && strstr(err->detail, DIAL_LATE))
		return "something took the connection and then said nothing: the server is asleep, overloaded or "
		       "stopped, or it is no Postgres; a longer DATABASE_CONNECT_TIMEOUT gives it time to wake up";
	if (is_refused(checks, failed))
		return advice_of_fault[checks->probe.fault];
	if (failed == CONNECT_TLS && checks->probe.tls == PROBE_NO_TLS)
		return "the server has no TLS: it has to be turned on there (ssl = on, with a certificate)";
	if (failed == CONNECT_TLS && checks->probe.tls == PROBE_STRANGE)
		return "what answers there is no Postgres: host and port of DATABASE_URL";
	return advice_of_phase[failed];
}

/* --- its steps --- */

static void
tell_phase(struct checks *checks, enum connect_phase phase)
{
	int64_t us = checks->cost.phases_us[phase];

	/* Of TLS and the login more is told. What is spent before TCP without a name to resolve is
	 * libpq's own beginning. */
	if (phase == CONNECT_RESOLVE && !conninfo_needs_resolving(&checks->settings->database))
		(void)checklist_tell(&checks->found, true, "resolve", NULL,
		                     "there is no name to resolve");
	else if (phase == CONNECT_RESOLVE || phase == CONNECT_TCP)
		(void)checklist_tell(&checks->found, true, connect_phase_names[phase], NULL,
		                     "%.1f ms", ms(us));
	if (us >= SLOW_PHASE_US)
		(void)checklist_tell(
		    &checks->found, true, "waking",
		    "a database that sleeps when idle makes the first request wait; keep it awake, or tell "
		    "clients",
		    "%s took %.1f s: the server was asleep or overloaded",
		    connect_phase_names[phase], ms(us) / 1000);
}

static bool
says(const struct checks *checks, const char *keyword, const char *wanted)
{
	const char *value = conninfo_get(&checks->settings->database, keyword);

	return value && strcmp(value, wanted) == 0;
}

static const char *
advice_on_tls(const struct checks *checks, const struct tls_facts *facts)
{
	if (facts->days_left < CERTIFICATE_DAYS)
		return "the server's certificate has to be renewed";
	if (facts->verified || says(checks, "channel_binding", "require"))
		return NULL;
	if (checks->probe.binding)
		return "the server is not proven: channel_binding=require in DATABASE_URL does it by the "
		       "password exchange, without a CA";
	return "the server is not proven: sslmode=verify-full&sslrootcert=system (or its CA's file)";
}

static void
tell_tls(struct checks *checks, const struct connection *connection)
{
	static const char *const tries[] = { "", " at the first try", " at the second try" };
	bool network = conninfo_is_network(&checks->settings->database), good;
	const struct probe *probe = &checks->probe;
	size_t try = probe->tls != PROBE_TLS ? 0 : probe->again ? 2 : 1;
	struct tls_facts facts;

	if (!inspect_tls(checks->scope, connection, &facts)) {
		(void)checklist_tell(
		    &checks->found, !network, "tls",
		    network ? "passwords and rows travel in the clear: sslmode=require or stronger"
		            : NULL,
		    "none");
		return;
	}
	good = facts.days_left >= 0;
	(void)checklist_tell(&checks->found, good, "tls", advice_on_tls(checks, &facts),
	                     "%s, %s, group %s%s, %.1f ms; certificate %s, %s %d days; %s",
	                     facts.version, facts.cipher, facts.group, tries[try],
	                     ms(checks->cost.phases_us[CONNECT_TLS]),
	                     facts.verified ? "verified" : "not verified",
	                     good ? "good for" : "ended", abs(facts.days_left), facts.chain);
}

static const char *
advice_on_login(const struct checks *checks)
{
	switch (checks->probe.method) {
	case PROBE_NOTHING:
		return conninfo_is_network(&checks->settings->database)
		           ? "whoever reaches the server gets in: scram-sha-256 in its pg_hba.conf"
		           : NULL;
	case PROBE_PASSWORD:
		return "the server hears the password itself; with scram-sha-256 it would not";
	case PROBE_MD5:
		return "md5 is weak and on its way out: password_encryption = 'scram-sha-256' there, and the "
		       "password set anew";
	default:
		return NULL;
	}
}

/* SCRAM is bound to TLS by libpq wherever the server offers it and nobody forbids it. */
static const char *
method_text(const struct checks *checks, bool used_password)
{
	const struct probe *probe = &checks->probe;
	const char *name = probe_method_names[probe->method];

	if (!name)
		return used_password ? "with a password" : "without a password";
	if (probe->method != PROBE_SCRAM)
		return name;
	return probe->binding && probe->tls == PROBE_TLS
	               && !says(checks, "channel_binding", "disable")
	           ? "scram-sha-256 with channel binding"
	           : "scram-sha-256 without channel binding";
}

static bool
tell_failure(struct checks *checks, const struct error *err, enum connect_phase failed)
{
	const char *advice = advice_for(checks, err, failed);
	const char *check = connect_phase_names[failed];

	if (is_refused(checks, failed))
		return checklist_tell(&checks->found, false, check, advice,
		                      "certificate verify failed: %s", checks->probe.why);
	if (failed == CONNECT_AUTH && checks->probe.method != PROBE_UNKNOWN)
		return checklist_tell(&checks->found, false, check, advice, "%.*s (it asks for %s)",
		                      (int)strcspn(err->detail, "\n"), err->detail,
		                      method_text(checks, true));
	return checklist_tell(&checks->found, false, check, advice, "%s", err->detail);
}

/* Not where the probe would only wait in vain once more. */
static void
probe(struct checks *checks, const struct error *err, enum connect_phase failed)
{
	const struct settings *settings = checks->settings;

	if (failed >= CONNECT_TLS && !strstr(err->detail, DIAL_LATE))
		probe_run(checks->scope, &settings->database,
		          deadline_in_ms(settings->database_connect_timeout_s * 1000),
		          &checks->probe);
}

/* Connects as a request does, with its first statement. */
static bool
connect_and_ask(struct checks *checks, struct np_rows **facts)
{
	const struct connection *connection;
	struct error err = { .detail = "" };
	enum connect_phase failed;
	bool there = transaction_query(checks->tx, check_server_facts, NP_NO_VALUES, facts, &err);

	checks->cost = transaction_counts(checks->tx).connect;
	connection = transaction_connection(checks->tx);
	failed = connection ? CONNECT_PHASE__MAX : connector_phase(checks->app->connector);
	probe(checks, &err, failed);
	for (enum connect_phase phase = CONNECT_RESOLVE;
	     phase < failed && phase < CONNECT_PHASE__MAX; phase++)
		tell_phase(checks, phase);
	if (!connection)
		return tell_failure(checks, &err, failed);
	tell_tls(checks, connection);
	(void)checklist_tell(&checks->found, true, "login", advice_on_login(checks), "%s, %.1f ms",
	                     method_text(checks, inspect_used_password(connection)),
	                     ms(checks->cost.phases_us[CONNECT_AUTH]));
	return there
	       || checklist_tell(&checks->found, false, "query",
	                         "the server took the login and not the statement", "%s",
	                         err.detail);
}

/* --- round trips --- */

static const char one[] = "SELECT 1 AS one";

static bool
check_round_trip(struct checks *checks)
{
	struct error err = { .detail = "" };

	for (int i = 0; i < ROUND_TRIPS; i++) {
		int64_t before_us = transaction_counts(checks->tx).flights_us, took_us;
		struct np_rows *row;

		if (!transaction_query(checks->tx, one, NP_NO_VALUES, &row, &err))
			return checklist_tell(&checks->found, false, "round trip",
			                      "the connection does not last", "%s", err.detail);
		took_us = transaction_counts(checks->tx).flights_us - before_us;
		if (i == 0 || took_us < checks->trip_us)
			checks->trip_us = took_us;
	}
	return checklist_tell(&checks->found, true, "round trip", NULL, "%.2f ms, the best of %d",
	                      ms(checks->trip_us), ROUND_TRIPS);
}

static void
tell_trips(struct checks *checks, int server_version)
{
	const struct settings *settings = checks->settings;
	struct suggestion suggestions[SUGGESTIONS_MAX];
	struct suggestions_facts facts = {
		.settings = settings,
		.probe = &checks->probe,
		.cost = checks->cost,
		.trip_us = checks->trip_us,
		.pooled = checks->pooled,
		.server_version = server_version,
	};
	int trips = settings->database_connection == CONNECTION_NULL ? checks->cost.round_trips + 1
	                                                             : 1;
	size_t count = suggestions_find(&facts, suggestions);

	(void)checklist_tell(
	    &checks->found, true, "trips", NULL,
	    "%d to connect, 1 for a marked statement: %d in a request of mode %s, %.1f ms",
	    checks->cost.round_trips, trips, connection_names[settings->database_connection],
	    ms(checks->trip_us) * trips);
	for (size_t i = 0; i < count; i++)
		(void)checklist_tell(&checks->found, true, "suggestion", suggestions[i].how, "%s",
		                     suggestions[i].gain);
}

void
check_connection(struct checks *checks)
{
	const struct connection *connection;
	struct np_rows *facts;
	double clock_s;

	if (!connect_and_ask(checks, &facts))
		return;
	clock_s = (double)clock_wall_us() / 1e6; /* the answer has just come */
	connection = transaction_connection(checks->tx);
	checks->pooled = !inspect_is_direct(connection, np_field(facts, 0, "pid").text);
	if (check_round_trip(checks))
		tell_trips(checks, inspect_server_version(connection));
	check_server(checks, facts, clock_s);
}
