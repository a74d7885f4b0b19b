#include <inttypes.h>

#include "base/text.h"
#include "doctor/checks.h"
#include "doctor/migrations.h"
#include "observe/connection_budget.h"
#include "observe/scoreboard.h"

#define CLOCK_OFF_S  2.0
#define SERVER_UTF8  "UTF8"
#define OTHERS_BYTES 512

const char check_server_facts[] =
    "SELECT current_setting('server_version') AS version, current_database() AS database, current_user AS role,"
    " current_setting('server_encoding') AS encoding, current_setting('max_connections') AS most,"
    " " CONNECTION_BUDGET_SERVER_SQL " AS clients,"
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
tell_server(struct checks *checks, const struct np_rows *facts)
{
	bool utf8 = strcmp(fact(facts, "encoding"), SERVER_UTF8) == 0;

	(void)checklist_tell(&checks->found, utf8, "server",
	                     utf8 ? NULL
	                          : "texts are UTF-8 here: make the database with ENCODING 'UTF8'",
	                     "PostgreSQL %s, database %s as %s, %s", fact(facts, "version"),
	                     fact(facts, "database"), fact(facts, "role"), fact(facts, "encoding"));
}

/* This program's by its settings, whether it runs or not; the others' by their scoreboards. Before
 * a pooler it is the pooler's clients that are counted, and its own limit is not known. */
static void
tell_connections(struct checks *checks, const struct np_rows *facts)
{
	const struct settings *settings = checks->settings;
	const char *directory = scoreboard_directory();
	int64_t own = 0, all, clients;
	struct buf others, left_out;
	bool enough;

	if (app_uses_database(checks->options->routes))
		own = settings->database_pool_size + settings->database_max_overflow;
	buf_init(&others, checks->scope, OTHERS_BYTES);
	buf_init(&left_out, checks->scope, OTHERS_BYTES);
	all = own
	      + (directory
	             ? connection_budget_sum(directory, checks->options->name, &others, &left_out)
	             : 0);
	enough = checks->pooled || !parse_int(fact(facts, "clients"), &clients) || all <= clients;
	(void)checklist_tell(
	    &checks->found, enough, "connections",
	    enough
	        ? NULL
	        : "smaller DATABASE_POOL_SIZE and DATABASE_MAX_OVERFLOW (of each program), or a pooler",
	    "%s of %s in use, %s of them for clients; all endpoints%s%s may ask for %" PRId64
	    ": %s %" PRId64 "%s%s%s%s",
	    fact(facts, "used"), fact(facts, "most"), fact(facts, "clients"),
	    directory ? " in " : "", directory ? directory : "", all, checks->options->name, own,
	    others.data, directory ? "" : " (there is no run directory to count others in)",
	    left_out.size > 0 ? "; left out" : "", left_out.data);
}

static void
tell_pooler(struct checks *checks)
{
	(void)checklist_tell(&checks->found, true, "pooler", NULL, "%s",
	                     checks->pooled ? "one is in between: statements are not prepared on it"
	                                    : "none, the server itself");
}

static void
tell_provider(struct checks *checks)
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
	const char *host = conninfo_get(&checks->settings->database, "host");

	for (size_t i = 0; host && i < COUNT_OF(known); i++)
		if (text_ends(host, known[i].suffix)) {
			(void)checklist_tell(&checks->found, true, "provider", known[i].advice,
			                     "%s", known[i].what);
			return;
		}
}

static void
tell_migrations(struct checks *checks, const struct np_rows *facts)
{
	const char *head = migrations_head(checks->scope),
	           *advice = "make migrate (or nullpool-migrate)";
	struct np_rows *row;
	struct error err;

	if (strcmp(fact(facts, "migrated"), "t") != 0) {
		(void)checklist_tell(&checks->found, false, "migrations", advice, "none was run");
		return;
	}
	if (!transaction_query(checks->tx, revision, NP_NO_VALUES, &row, &err)
	    || np_rows_count(row) != 1) {
		(void)checklist_tell(&checks->found, true, "migrations", NULL,
		                     "the role may not see which one the database is at");
		transaction_rollback(checks->tx);
		return;
	}
	if (!head)
		(void)checklist_tell(&checks->found, true, "migrations", NULL,
		                     "at %s; there is no folder to compare it with",
		                     fact(row, "version_num"));
	else if (strcmp(head, fact(row, "version_num")) == 0)
		(void)checklist_tell(&checks->found, true, "migrations", NULL,
		                     "at %s, the last one", head);
	else
		(void)checklist_tell(&checks->found, false, "migrations", advice,
		                     "at %s, and the last one is %s", fact(row, "version_num"),
		                     head);
}

static void
tell_role(struct checks *checks, const struct np_rows *facts)
{
	bool super = strcmp(fact(facts, "super"), "t") == 0,
	     owner = strcmp(fact(facts, "owned"), "0") != 0;

	(void)checklist_tell(
	    &checks->found, !super && !owner, "role",
	    super || owner
	        ? "the programs need a role of their own, that owns nothing: the owner's URL is "
	          "for MIGRATION_DATABASE_URL"
	        : NULL,
	    "%s%s, owns %s tables", fact(facts, "role"), super ? ", a superuser" : "",
	    fact(facts, "owned"));
}

static void
tell_clock(struct checks *checks, const struct np_rows *facts, double ours)
{
	double theirs, off;

	if (!parse_float(fact(facts, "clock"), &theirs))
		return;
	off = theirs > ours ? theirs - ours : ours - theirs;
	(void)checklist_tell(
	    &checks->found, off < CLOCK_OFF_S, "clock",
	    off < CLOCK_OFF_S ? NULL : "tokens and keys end by the clock: set one of them right",
	    "%.2f s off the server's", off);
}

void
check_server(struct checks *checks, const struct np_rows *facts, double clock_s)
{
	tell_server(checks, facts);
	tell_connections(checks, facts);
	tell_pooler(checks);
	tell_provider(checks);
	tell_migrations(checks, facts);
	tell_role(checks, facts);
	tell_clock(checks, facts, clock_s);
}
