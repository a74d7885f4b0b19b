#include "db/preamble.h"

#include "base/buf.h"

#define NAME_TEXT_BYTES 192 /* of which Postgres keeps 63 */

/* Settings that shape the text of a value or the meaning of a statement. Three are left out:
 * lc_monetary, because it decides where the decimal point of a money value stands, so that another
 * value would change the amount; transaction_read_only, which an operator sets to stop writes; and
 * search_path, which belongs to the schema. jit is off because a short statement that the planner
 * overestimates would be compiled for 100 ms. */
#define COMMON_SETTINGS(each)                                                  \
	each(datestyle, ISO) each(timezone, UTC) each(intervalstyle, postgres) \
	    each(extra_float_digits, 1) each(bytea_output, hex) each(jit, off)
/* Each setting costs the server 4 us a transaction behind a pooler. These are rarely changed, so
 * they are only set if the first transaction has read another value. */
#define RARE_SETTINGS(each)                                                                    \
	each(xmlbinary, base64) each(xmloption, content) each(standard_conforming_strings, on) \
	    each(array_nulls, on) each(row_security, on) each(quote_all_identifiers, off)
#define LOCALLY(name, value)     " set_config('" #name "', '" #value "', true),"
#define FOR_SESSION(name, value) " set_config('" #name "', '" #value "', false),"
#define ITS_VALUE(name, value)   " || current_setting('" #name "')"
#define USUALLY(name, value)     #value

/* How often a busy server checks that its client is still there (Postgres 14, on Linux). */
#define CHECK_INTERVAL       "1s"
#define CHECK_SERVER_VERSION 140000

#define SETTINGS_MAX_BYTES   2048

/* set_config() does what SET LOCAL does, without a warning outside of BEGIN and with values beside
 * the text. */
#define READ_ONLY " set_config('transaction_read_only', 'on', true),"
/* No caller, until the statement of auth.c names one, whatever the role has or an earlier
 * transaction left in the session. */
#define NOBODY " set_config('request.jwt.claims', '', true),"
#define LIMITS " set_config('statement_timeout', $1, true), set_config('lock_timeout', $2, true)"
#define NAME   ", set_config('application_name', $3, true)"
#define IDLE   ", set_config('idle_in_transaction_session_timeout', $4, true)"

/* By "implicit" and "read only". */
static const char *const own_settings[2][2] = {
	{ "SELECT" NOBODY LIMITS NAME IDLE, "SELECT" READ_ONLY NOBODY LIMITS NAME IDLE },
	{ "SELECT" NOBODY LIMITS NAME, "SELECT" READ_ONLY NOBODY LIMITS NAME },
};
static const char session_settings[] = "SELECT" COMMON_SETTINGS(FOR_SESSION)
    RARE_SETTINGS(FOR_SESSION) " true";
static const char session_settings_with_check[] = "SELECT" COMMON_SETTINGS(FOR_SESSION)
    RARE_SETTINGS(FOR_SESSION) " set_config('" PREAMBLE_CHECK_NAME "', '" CHECK_INTERVAL
                               "', false)";
static const char renewed_settings[] = "SELECT" LIMITS;

/* The level is always named, since a role may have another default. A deferrable read would wait
 * for a safe snapshot. */
static const char *const begins[ISOLATION_COUNT][2] = {
	[NP_ISOLATION_READ_COMMITTED] = { "BEGIN ISOLATION LEVEL READ COMMITTED",
	                                  "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY" },
	[NP_ISOLATION_REPEATABLE_READ] = { "BEGIN ISOLATION LEVEL REPEATABLE READ",
	                                   "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" },
	[NP_ISOLATION_SERIALIZABLE] = { "BEGIN ISOLATION LEVEL SERIALIZABLE",
	                                "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY"
	                                " NOT DEFERRABLE" },
};

struct limits {
	struct np_value statement_ms, lock_ms, idle_ms;
};

/* A lock wait gets half of the time, so that its timeout tells "locked" from "slow". */
static struct limits
limits_of(const struct preamble *preamble)
{
	int64_t left_ms = deadline_left_ms(preamble->deadline);
	int64_t command_ms = preamble->command_timeout_s * 1000;
	int64_t statement_ms = left_ms - PREAMBLE_RESERVE_MS < command_ms
	                           ? left_ms - PREAMBLE_RESERVE_MS
	                           : command_ms;

	/* 0 means no limit. */
	if (statement_ms < 2)
		statement_ms = 2;
	return (struct limits){ np_int(statement_ms), np_int(statement_ms / 2),
		                np_int(left_ms + PREAMBLE_GRACE_MS) };
}

struct deadline
preamble_flight_deadline(const struct preamble *preamble, size_t statements, bool commits)
{
	int64_t command_ms = preamble->command_timeout_s * 1000;
	int64_t limits = (statements > 0 ? (int64_t)statements : 1) + commits;

	return deadline_within_ms(preamble->deadline, limits * command_ms + PREAMBLE_GRACE_MS);
}

void
preamble_begin(const struct preamble *preamble, struct flight *flight)
{
	(void)flight_command(flight, begins[preamble->isolation][preamble->read_only]);
}

static bool
checks_client(const struct preamble *preamble, const struct flight *flight)
{
	return preamble->checks_client && PQserverVersion(flight->pg) >= CHECK_SERVER_VERSION;
}

/* Writes the settings for this transaction only, since the session may be shared. With
 * PREAMBLE_FIRST preamble_is_usual() reads the first column, and prepared_learn() the last. */
static void
write_local_settings(const struct preamble *preamble, const struct flight *flight, struct buf *sql)
{
	bool first = preamble->session == PREAMBLE_FIRST;

	buf_text(sql, first ? "SELECT ''" RARE_SETTINGS(ITS_VALUE) "," : "SELECT");
	buf_text(sql, preamble->read_only ? READ_ONLY NOBODY : NOBODY);
	buf_text(sql, COMMON_SETTINGS(LOCALLY));
	if (preamble->session != PREAMBLE_USUAL)
		buf_text(sql, RARE_SETTINGS(LOCALLY));
	if (checks_client(preamble, flight))
		buf_text(sql,
		         " set_config('" PREAMBLE_CHECK_NAME "', '" CHECK_INTERVAL "', true),");
	buf_text(sql, preamble->implicit ? LIMITS NAME : LIMITS NAME IDLE);
	buf_text(sql, first ? ", pg_backend_pid()" : "");
}

bool
preamble_is_usual(const PGresult *row)
{
	return PQntuples(row) == 1 && PQnfields(row) > 0
	       && strcmp(PQgetvalue(row, 0, 0), RARE_SETTINGS(USUALLY)) == 0;
}

size_t
preamble_settings(const struct preamble *preamble, struct flight *flight)
{
	char name[NAME_TEXT_BYTES], text[SETTINGS_MAX_BYTES];
	const char *sql = own_settings[preamble->implicit][preamble->read_only];
	const struct limits limits = limits_of(preamble);
	struct buf shared;

	(void)snprintf(name, sizeof(name), "nullpool/%s %s", preamble->endpoint, preamble->id);
	if (preamble->session == PREAMBLE_OWN) {
		(void)flight_command(flight, checks_client(preamble, flight)
		                                 ? session_settings_with_check
		                                 : session_settings);
	} else if (preamble->session != PREAMBLE_SET) {
		buf_init_fixed(&shared, text, sizeof(text));
		write_local_settings(preamble, flight, &shared);
		sql = shared.data;
	}
	/* An implicit transaction is never idle. */
	return flight_add(
	    flight, sql,
	    (struct values){ (const struct np_value[]){ limits.statement_ms, limits.lock_ms,
	                                                np_text(name), limits.idle_ms },
	                     preamble->implicit ? 3 : 4 });
}

void
preamble_renew(const struct preamble *preamble, struct flight *flight)
{
	const struct limits limits = limits_of(preamble);

	(void)flight_add(flight, renewed_settings, VALUES(limits.statement_ms, limits.lock_ms));
}
