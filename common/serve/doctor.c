#include "serve/doctor.h"

#include <inttypes.h>
#include <stdarg.h>
#include <time.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "db/inspect.h"
#include "db/transaction.h"
#include "serve/migrations.h"

#define OUT_BYTES        (64 << 10)
#define LINE_BYTES       256
#define FIGURE_BYTES     512
#define NAME_WIDTH       12
#define ROUND_TRIPS      5
#define SLOW_PHASE_US    INT64_C(1000000)
#define CERTIFICATE_DAYS 14
#define CLOCK_OFF_S      2.0
#define SERVER_UTF8      "UTF8"

struct doctor {
	const struct doctor_options *options;
	const struct settings *settings;
	void *scope;
	struct buf out;
	size_t told;
	const char *first; /* thing to mend, or NULL */
	struct app *app;
	struct transaction *tx;
	struct connect_cost cost;
	int64_t trip_us; /* one, measured */
};

/* --- words --- */

static void
tell_json(struct doctor *doctor, bool good, const char *check, const char *figure, const char *advice)
{
	struct buf *out = &doctor->out;

	buf_text(out, doctor->told > 0 ? "," : "");
	buf_printf(out, "{\"check\":\"%s\",\"good\":%s,\"figure\":", check, good ? "true" : "false");
	buf_json_text(out, figure);
	buf_text(out, ",\"advice\":");
	if (advice)
		buf_json_text(out, advice);
	else
		buf_text(out, "null");
	buf_char(out, '}');
}

/* Returns `good`. The figure may quote the server; secrets are hidden as in the log. */
NP_PRINTF(5, 6)
static bool
tell(struct doctor *doctor, bool good, const char *check, const char *advice, const char *format, ...)
{
	char figure[FIGURE_BYTES];
	struct buf clean;
	va_list args;

	va_start(args, format);
	(void)vsnprintf(figure, sizeof(figure), format, args);
	va_end(args);
	buf_init(&clean, doctor->scope, (size_t)2 * FIGURE_BYTES);
	log_scrub(&clean, figure);
	/* What libpq says goes on in further lines. */
	clean.data[strcspn(clean.data, "\n")] = '\0';
	if (doctor->options->json) {
		tell_json(doctor, good, check, clean.data, advice);
	} else {
		buf_printf(&doctor->out, "%s %-*s %s\n", good ? "\u2713" : "\u2717", NAME_WIDTH, check,
		           clean.data);
		if (advice)
			buf_printf(&doctor->out, "  %-*s -> %s\n", NAME_WIDTH, "", advice);
	}
	doctor->told++;
	if (!good && !doctor->first)
		doctor->first = check;
	return good;
}

static double
ms(int64_t us)
{
	return (double)us / 1000;
}

/* --- settings --- */

static bool
check_settings(struct doctor *doctor)
{
	const struct settings *settings = doctor->settings;
	const char *faults = doctor->options->faults;

	if (faults)
		return tell(doctor, false, "settings",
		            "see README.md, Settings; --settings shows what is read", "%.*s",
		            (int)strcspn(faults, "\n"), faults);
	return tell(doctor, true, "settings", NULL, "ENV=%s, mode %s, %s", environment_names[settings->env],
	            connection_names[settings->database_connection], settings->database.redacted);
}

/* --- the way to the database --- */

static const char *const advice_of_phase[CONNECT_PHASE__MAX] = {
	[CONNECT_RESOLVE] = "the host of DATABASE_URL has no address: a typing error, or no name server",
	[CONNECT_TCP] =
	    "nobody answers at host and port: a firewall, an IP allow list, or the server is down",
	[CONNECT_TLS] =
	    "TLS failed: sslmode and sslrootcert of DATABASE_URL have to fit the server's certificate",
	[CONNECT_AUTH] = "the server refused the login: user, password and database of DATABASE_URL",
};

static void
tell_phase(struct doctor *doctor, enum connect_phase phase)
{
	int64_t us = doctor->cost.phases_us[phase];

	/* Of TLS and the login more is told. */
	if (phase == CONNECT_RESOLVE || phase == CONNECT_TCP)
		(void)tell(doctor, true, connect_phase_names[phase], NULL, "%.1f ms", ms(us));
	if (us >= SLOW_PHASE_US)
		(void)tell(
		    doctor, true, "waking",
		    "a database that sleeps when idle makes the first request wait; keep it awake, or tell "
		    "clients",
		    "%s took %.1f s: the server was asleep or overloaded", connect_phase_names[phase],
		    ms(us) / 1000);
}

static void
tell_tls(struct doctor *doctor, const struct connection *connection)
{
	bool network = conninfo_is_network(&doctor->settings->database), good;
	struct tls_facts facts;
	const char *advice = NULL;

	if (!inspect_tls(connection, &facts)) {
		(void)tell(doctor, !network, "tls",
		           network ? "passwords and rows travel in the clear: sslmode=require or stronger"
		                   : NULL,
		           "none");
		return;
	}
	good = facts.days_left >= 0;
	if (facts.days_left < CERTIFICATE_DAYS)
		advice = "the server's certificate has to be renewed";
	else if (!facts.verified)
		advice =
		    "the server is not proven: sslmode=verify-full&sslrootcert=system (or its CA's file)";
	(void)tell(doctor, good, "tls", advice, "%s, %s, group %s, %.1f ms; certificate %s, %s %d days",
	           facts.version, facts.cipher, facts.group, ms(doctor->cost.phases_us[CONNECT_TLS]),
	           facts.verified ? "verified" : "not verified", good ? "good for" : "ended",
	           abs(facts.days_left));
}

static const char *
advice_for(const struct error *err, enum connect_phase failed)
{
	if (text_starts(err->sqlstate, "53"))
		return "the server has no connection left: a pooler, or smaller pools";
	/* OpenSSL's reason is not passed on by libpq. */
	if (strstr(err->detail, "certificate verify failed"))
		return "the server's certificate has ended, or is of another CA than sslrootcert's: see it by "
		       "openssl s_client -starttls postgres -connect HOST:PORT";
	return advice_of_phase[failed];
}

/* Connects as a request does, with its first statement. */
static bool
check_connection(struct doctor *doctor, struct np_rows **facts, const char *sql)
{
	const struct connection *connection;
	enum connect_phase failed;
	struct error err;
	bool there = transaction_query(doctor->tx, sql, NP_NO_VALUES, facts, &err);

	doctor->cost = transaction_counts(doctor->tx).connect;
	connection = transaction_connection(doctor->tx);
	failed = connection ? CONNECT_PHASE__MAX : connector_phase(doctor->app->connector);
	for (enum connect_phase phase = CONNECT_RESOLVE; phase < failed && phase < CONNECT_PHASE__MAX;
	     phase++)
		tell_phase(doctor, phase);
	if (!connection)
		return tell(doctor, false, connect_phase_names[failed], advice_for(&err, failed), "%s",
		            err.detail);
	tell_tls(doctor, connection);
	(void)tell(doctor, true, "login", NULL, "%s, %.1f ms",
	           inspect_used_password(connection) ? "with a password" : "without a password",
	           ms(doctor->cost.phases_us[CONNECT_AUTH]));
	return there
	       || tell(doctor, false, "query", "the server took the login and not the statement", "%s",
	               err.detail);
}

static const char one[] = "SELECT 1 AS one";

static bool
check_round_trip(struct doctor *doctor)
{
	struct error err = { .detail = "" };

	for (int i = 0; i < ROUND_TRIPS; i++) {
		int64_t before_us = transaction_counts(doctor->tx).flights_us, took_us;
		struct np_rows *row;

		if (!transaction_query(doctor->tx, one, NP_NO_VALUES, &row, &err))
			return tell(doctor, false, "round trip", "the connection does not last", "%s",
			            err.detail);
		took_us = transaction_counts(doctor->tx).flights_us - before_us;
		if (i == 0 || took_us < doctor->trip_us)
			doctor->trip_us = took_us;
	}
	return tell(doctor, true, "round trip", NULL, "%.2f ms, the best of %d", ms(doctor->trip_us),
	            ROUND_TRIPS);
}

static void
tell_trips(struct doctor *doctor)
{
	bool fresh = doctor->settings->database_connection == CONNECTION_NULL;
	int connect = doctor->cost.trips;

	(void)tell(doctor, true, "trips",
	           fresh ? "DATABASE_CONNECTION=ahead takes those of connecting out of the request" : NULL,
	           "%d to connect, 1 for a marked statement: %.1f ms of a request in mode %s are distance",
	           connect, ms(doctor->trip_us) * (fresh ? connect + 1 : 1),
	           connection_names[doctor->settings->database_connection]);
}

/* --- the server --- */

static const char facts_of_server[] =
    "SELECT current_setting('server_version') AS version, current_database() AS database, current_user AS role,"
    " current_setting('server_encoding') AS encoding, current_setting('max_connections') AS most,"
    " (SELECT count(*) FROM pg_stat_activity WHERE datid IS NOT NULL) AS used,"
    " (SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'p') AND pg_get_userbyid(relowner) = current_user)"
    " AS owned, (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS super,"
    " extract(epoch FROM clock_timestamp())::float8 AS clock, pg_backend_pid() AS pid,"
    " to_regclass('alembic_version') IS NOT NULL AS migrated";

static const char revision[] = "SELECT version_num FROM alembic_version";

static const char *
fact(const struct np_rows *facts, const char *name)
{
	const char *text = np_field(facts, 0, name).text;

	return text ? text : "";
}

static void
tell_server(struct doctor *doctor, const struct np_rows *facts)
{
	bool utf8 = strcmp(fact(facts, "encoding"), SERVER_UTF8) == 0;

	(void)tell(doctor, utf8, "server",
	           utf8 ? NULL : "texts are UTF-8 here: make the database with ENCODING 'UTF8'",
	           "PostgreSQL %s, database %s as %s, %s", fact(facts, "version"), fact(facts, "database"),
	           fact(facts, "role"), fact(facts, "encoding"));
}

static void
tell_connections(struct doctor *doctor, const struct np_rows *facts)
{
	int64_t own = doctor->settings->database_pool_size + doctor->settings->database_max_overflow, most;
	bool enough = !parse_int(fact(facts, "most"), &most) || own <= most;

	(void)tell(doctor, enough, "connections",
	           enough ? NULL : "smaller DATABASE_POOL_SIZE and DATABASE_MAX_OVERFLOW, or a pooler",
	           "%s of %s in use; this program may ask for %" PRId64, fact(facts, "used"),
	           fact(facts, "most"), own);
}

static void
tell_pooler(struct doctor *doctor, const struct np_rows *facts)
{
	bool direct = inspect_is_direct(transaction_connection(doctor->tx), fact(facts, "pid"));

	(void)tell(doctor, true, "pooler", NULL, "%s",
	           direct ? "none, the server itself"
	                  : "one is in between: statements are not prepared on it");
}

static void
tell_provider(struct doctor *doctor)
{
	static const struct {
		const char *suffix, *what, *advice;
	} known[] = {
		{ ".neon.tech", "Neon",
		  "it sleeps after 5 idle minutes; its -pooler host takes 10,000 clients" },
		{ ".pooler.supabase.com", "Supabase's pooler",
		  "port 6543 shares connections out by transaction, which is enough" },
		{ ".supabase.co", "Supabase",
		  "its direct host may speak IPv6 only; the pooler's speaks IPv4" },
		{ ".rds.amazonaws.com", "Amazon RDS",
		  "verify-full needs Amazon's bundle of CAs in sslrootcert" },
		{ ".postgres.database.azure.com", "Azure", NULL },
	};
	const char *host = conninfo_get(&doctor->settings->database, "host");

	for (size_t i = 0; host && i < COUNT_OF(known); i++)
		if (text_ends(host, known[i].suffix)) {
			(void)tell(doctor, true, "provider", known[i].advice, "%s", known[i].what);
			return;
		}
}

static void
tell_migrations(struct doctor *doctor, const struct np_rows *facts)
{
	const char *head = migrations_head(doctor->scope), *advice = "make migrate (or nullpool-migrate)";
	struct np_rows *row;
	struct error err;

	if (strcmp(fact(facts, "migrated"), "t") != 0) {
		(void)tell(doctor, false, "migrations", advice, "none was run");
		return;
	}
	if (!transaction_query(doctor->tx, revision, NP_NO_VALUES, &row, &err) || np_rows_count(row) != 1) {
		(void)tell(doctor, true, "migrations", NULL,
		           "the role may not see which one the database is at");
		transaction_rollback(doctor->tx);
		return;
	}
	if (!head)
		(void)tell(doctor, true, "migrations", NULL, "at %s; there is no folder to compare it with",
		           fact(row, "version_num"));
	else if (strcmp(head, fact(row, "version_num")) == 0)
		(void)tell(doctor, true, "migrations", NULL, "at %s, the last one", head);
	else
		(void)tell(doctor, false, "migrations", advice, "at %s, and the last one is %s",
		           fact(row, "version_num"), head);
}

static void
tell_role(struct doctor *doctor, const struct np_rows *facts)
{
	bool super = strcmp(fact(facts, "super"), "t") == 0, owner = strcmp(fact(facts, "owned"), "0") != 0;

	(void)tell(
	    doctor, !super && !owner, "role",
	    super || owner ? "the programs need a role of their own, that owns nothing: the owner's URL is "
	                     "for MIGRATION_DATABASE_URL"
	                   : NULL,
	    "%s%s, owns %s tables", fact(facts, "role"), super ? ", a superuser" : "", fact(facts, "owned"));
}

static void
tell_clock(struct doctor *doctor, const struct np_rows *facts, double ours)
{
	double theirs, off;

	if (!parse_float(fact(facts, "clock"), &theirs))
		return;
	off = theirs > ours ? theirs - ours : ours - theirs;
	(void)tell(doctor, off < CLOCK_OFF_S, "clock",
	           off < CLOCK_OFF_S ? NULL : "tokens and keys end by the clock: set one of them right",
	           "%.2f s off the server's", off);
}

static double
now_s(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void
check_database(struct doctor *doctor)
{
	struct np_rows *facts;
	double ours;

	if (!check_connection(doctor, &facts, facts_of_server))
		return;
	ours = now_s(); /* the answer has just come */
	if (check_round_trip(doctor))
		tell_trips(doctor);
	tell_server(doctor, facts);
	tell_connections(doctor, facts);
	tell_pooler(doctor, facts);
	tell_provider(doctor);
	tell_migrations(doctor, facts);
	tell_role(doctor, facts);
	tell_clock(doctor, facts, ours);
}

/* --- beside it --- */

static void
check_redis(struct doctor *doctor)
{
	int64_t start_us = clock_now_us();
	bool there;

	if (!doctor->app->cache)
		return;
	there = cache_ping(doctor->app->cache, deadline_in_ms(doctor->settings->redis_timeout_ms));
	(void)tell(doctor, there, "redis",
	           there ? NULL : "answers are not kept until it is there: REDIS_URL, REDIS_TIMEOUT_MS",
	           "%s, %.1f ms", there ? "answers" : "no answer in time", ms(clock_now_us() - start_us));
}

/* Of a line "fastcgi_read_timeout 65s;"; 0: it is another one. */
static int64_t
timeout_of(char *line)
{
	static const char name[] = "fastcgi_read_timeout ";
	char *at = line + strspn(line, " \t");
	int64_t seconds;

	if (!text_starts(at, name))
		return 0;
	at += strlen(name);
	at[strspn(at, "0123456789")] = '\0';
	return parse_int(at, &seconds) ? seconds : 0;
}

static int64_t
timeout_in(const char *path)
{
	FILE *file = fopen(path, "re");
	char line[LINE_BYTES];
	int64_t seconds = 0;

	while (file && seconds == 0 && fgets(line, sizeof(line), file))
		seconds = timeout_of(line);
	if (file)
		(void)fclose(file);
	return seconds;
}

static void
check_nginx(struct doctor *doctor)
{
	int64_t theirs_s = timeout_in("/etc/nginx/nullpool/fastcgi.conf");
	int64_t ours_s = doctor->settings->request_timeout_s;
	const char
	    *advice = "a client gets nginx' 504 while the work goes on: a longer fastcgi_read_timeout, or a "
	              "shorter REQUEST_TIMEOUT";

	if (theirs_s == 0)
		theirs_s = timeout_in("nginx/fastcgi.conf");
	if (theirs_s > 0)
		(void)tell(doctor, theirs_s > ours_s, "nginx", theirs_s > ours_s ? NULL : advice,
		           "fastcgi_read_timeout %" PRId64 " s, REQUEST_TIMEOUT %" PRId64 " s", theirs_s,
		           ours_s);
}

static bool
prepare(struct doctor *doctor)
{
	const struct settings *settings = doctor->settings;
	struct transaction_options options = {
		.mode = NP_TX_READ,
		.deadline = deadline_in_ms(
		    (settings->database_connect_timeout_s + settings->request_timeout_s) * 1000),
		.command_timeout_s = settings->database_command_timeout_s,
		.endpoint = doctor->options->name,
		.request_id = "doctor",
	};
	struct error err;

	doctor->app = mem_new(doctor->scope, struct app);
	if (!app_init(doctor->scope, doctor->app, doctor->options->name, doctor->options->routes, settings,
	              &err))
		return tell(doctor, false, "program", "it does not start with these settings", "%s",
		            err.message);
	options.connector = doctor->app->connector;
	doctor->tx = transaction_new(doctor->scope, &options);
	return true;
}

static void
examine(struct doctor *doctor)
{
	if (!check_settings(doctor) || !prepare(doctor))
		return;
	check_database(doctor);
	transaction_close(doctor->tx);
	check_redis(doctor);
	check_nginx(doctor);
}

bool
doctor_run(const struct doctor_options *options)
{
	struct doctor doctor = { .options = options, .settings = options->settings };

	doctor.scope = mem_scope(mem_process(), "doctor");
	buf_init(&doctor.out, doctor.scope, OUT_BYTES);
	buf_text(&doctor.out, options->json ? "{\"checks\":[" : "");
	examine(&doctor);
	if (options->json)
		buf_printf(&doctor.out, "],\"first\":%s%s%s}\n", doctor.first ? "\"" : "",
		           doctor.first ? doctor.first : "null", doctor.first ? "\"" : "");
	else
		buf_printf(&doctor.out, "%s%s\n", doctor.first ? "to be mended first: " : "all is well",
		           doctor.first ? doctor.first : "");
	(void)fputs(doctor.out.data, stdout);
	mem_free(doctor.scope);
	return !doctor.first;
}
