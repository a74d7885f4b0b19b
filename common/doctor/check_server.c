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
    "SELECT current_setting('server_version') AS version, current_database() AS database,"
    " current_user AS role,"
    " current_setting('server_encoding') AS encoding, current_setting('max_connections') AS most,"
    " " CONNECTION_BUDGET_SERVER_SQL " AS clients,"
    " (SELECT count(*) FROM pg_stat_activity WHERE datid IS NOT NULL) AS used,"
    " (SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'p')"
    " AND pg_get_userbyid(relowner) = current_user) AS owned,"
    " (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS super,"
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
check_version(struct doctor *doctor, const struct np_rows *facts)
{
	bool utf8 = strcmp(fact(facts, "encoding"), SERVER_UTF8) == 0;

	(void)checklist_add(&doctor->checklist, utf8, "server",
	                    utf8 ? NULL
	                         : "nullpool sends UTF-8: create the database with ENCODING 'UTF8'",
	                    "PostgreSQL %s, database %s as %s, %s", fact(facts, "version"),
	                    fact(facts, "database"), fact(facts, "role"), fact(facts, "encoding"));
}

/* Adds up this program's connections by its settings, whether it runs or not, and those of the
 * other endpoints by their scoreboards. With a pooler they are the pooler's clients, whose limit is
 * not known. */
static void
check_connections(struct doctor *doctor, const struct np_rows *facts)
{
	const struct settings *settings = doctor->settings;
	const char *directory = scoreboard_directory();
	int64_t own = 0, sum, clients;
	struct buf others, left_out;
	bool enough;

	if (app_uses_database(doctor->options->routes))
		own = settings->database_pool_size + settings->database_max_overflow;
	buf_init(&others, doctor->scope, OTHERS_BYTES);
	buf_init(&left_out, doctor->scope, OTHERS_BYTES);
	sum = own
	      + (directory
	             ? connection_budget_sum(directory, doctor->options->name, &others, &left_out)
	             : 0);
	enough = doctor->pooled || !parse_int(fact(facts, "clients"), &clients) || sum <= clients;
	(void)checklist_add(
	    &doctor->checklist, enough, "connections",
	    enough ? NULL
	           : "use smaller DATABASE_POOL_SIZE and DATABASE_MAX_OVERFLOW (of each program), "
	             "or a pooler",
	    "%s of %s in use, %s of them for clients; all endpoints%s%s may ask for %" PRId64
	    ": %s %" PRId64 "%s%s%s%s",
	    fact(facts, "used"), fact(facts, "most"), fact(facts, "clients"),
	    directory ? " in " : "", directory ? directory : "", sum, doctor->options->name, own,
	    others.data, directory ? "" : " (there is no run directory to count others in)",
	    left_out.size > 0 ? "; left out" : "", left_out.data);
}

static void
check_pooler(struct doctor *doctor)
{
	(void)checklist_add(&doctor->checklist, true, "pooler", NULL, "%s",
	                    doctor->pooled ? "one is in between: statements are not prepared"
	                                   : "none, the server itself");
}

static void
check_provider(struct doctor *doctor)
{
	static const struct {
		const char *suffix, *what, *advice;
	} known[] = {
		{ ".neon.tech", "Neon",
		  "it suspends after 5 idle minutes; its -pooler host accepts 10,000 clients" },
		{ ".pooler.supabase.com", "Supabase's pooler",
		  "port 6543 pools by transaction, which is enough" },
		{ ".supabase.co", "Supabase",
		  "its direct host may have IPv6 only; its pooler has IPv4" },
		{ ".rds.amazonaws.com", "Amazon RDS",
		  "verify-full needs Amazon's CA bundle in sslrootcert" },
		{ ".postgres.database.azure.com", "Azure", NULL },
	};
	const char *host = conninfo_get(&doctor->settings->database, "host");

	for (size_t i = 0; host && i < COUNT_OF(known); i++)
		if (text_ends(host, known[i].suffix)) {
			(void)checklist_add(&doctor->checklist, true, "provider", known[i].advice,
			                    "%s", known[i].what);
			return;
		}
}

static void
check_migrations(struct doctor *doctor, const struct np_rows *facts)
{
	const char *head = migrations_head(doctor->scope),
	           *advice = "make migrate (or nullpool-migrate)";
	struct np_rows *row;
	struct error err;

	if (strcmp(fact(facts, "migrated"), "t") != 0) {
		(void)checklist_add(&doctor->checklist, false, "migrations", advice,
		                    "no migration was run");
		return;
	}
	if (!transaction_query(doctor->tx, revision, NO_VALUES, &row, &err)
	    || np_rows_count(row) != 1) {
		(void)checklist_add(&doctor->checklist, true, "migrations", NULL,
		                    "the role may not read which revision the database has");
		transaction_rollback(doctor->tx);
		return;
	}
	if (!head)
		(void)checklist_add(&doctor->checklist, true, "migrations", NULL,
		                    "at %s; there is no folder to compare it with",
		                    fact(row, "version_num"));
	else if (strcmp(head, fact(row, "version_num")) == 0)
		(void)checklist_add(&doctor->checklist, true, "migrations", NULL,
		                    "at %s, the newest", head);
	else
		(void)checklist_add(&doctor->checklist, false, "migrations", advice,
		                    "at %s, but the newest is %s", fact(row, "version_num"), head);
}

static void
check_role(struct doctor *doctor, const struct np_rows *facts)
{
	bool superuser = strcmp(fact(facts, "super"), "t") == 0,
	     owner = strcmp(fact(facts, "owned"), "0") != 0;

	(void)checklist_add(&doctor->checklist, !superuser && !owner, "role",
	                    superuser || owner
	                        ? "the programs need a role of their own that owns nothing: set "
	                          "MIGRATION_DATABASE_URL to the owner's URL"
	                        : NULL,
	                    "%s%s, owns %s tables", fact(facts, "role"),
	                    superuser ? ", a superuser" : "", fact(facts, "owned"));
}

static void
check_clock(struct doctor *doctor, const struct np_rows *facts, double here_s)
{
	double server_s, off;

	if (!parse_float(fact(facts, "clock"), &server_s))
		return;
	off = server_s > here_s ? server_s - here_s : here_s - server_s;
	(void)checklist_add(&doctor->checklist, off < CLOCK_OFF_S, "clock",
	                    off < CLOCK_OFF_S
	                        ? NULL
	                        : "tokens and keys expire by the clock: set the wrong clock right",
	                    "%.2f s off the server's", off);
}

void
check_server(struct doctor *doctor, const struct np_rows *facts, double clock_s)
{
	check_version(doctor, facts);
	check_connections(doctor, facts);
	check_pooler(doctor);
	check_provider(doctor);
	check_migrations(doctor, facts);
	check_role(doctor, facts);
	check_clock(doctor, facts, clock_s);
}
