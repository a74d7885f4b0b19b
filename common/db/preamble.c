#include "db/preamble.h"

#include "base/buf.h"
#include "base/text.h"

#define NAME_TEXT_BYTES 192 /* of which Postgres keeps 63 */

/* What shapes the text of a value, or decides what a statement means, whatever the role's own
 * settings are. money is not among them: lc_monetary decides where its decimal point stands, so
 * another value would change the amount. Neither are transaction_read_only, which an operator sets
 * to stop writes, and search_path, which is the schema's. jit: a short statement that the planner
 * overestimates would be compiled for 100 ms. */
#define COMMON_SETTINGS(each)                                                  \
	each(datestyle, ISO) each(timezone, UTC) each(intervalstyle, postgres) \
	    each(extra_float_digits, 1) each(bytea_output, hex) each(jit, off)
/* Behind a pooler each of them costs the server 4 us a transaction, so these, which hardly anybody
 * changes, are only set where a look at them has shown another value. */
#define RARE_SETTINGS(each)                                                                    \
	each(xmlbinary, base64) each(xmloption, content) each(standard_conforming_strings, on) \
	    each(array_nulls, on) each(row_security, on) each(quote_all_identifiers, off)
#define LOCALLY(name, value)     " set_config('" #name "', '" #value "', true),"
#define FOR_SESSION(name, value) " set_config('" #name "', '" #value "', false),"
#define ITS_VALUE(name, value)   " || current_setting('" #name "')"
#define USUALLY(name, value)     #value

/* How often a busy server looks whether its client is still there; Postgres 14 and newer can, on
 * Linux. */
#define CHECK_INTERVAL       "1s"
#define CHECK_SERVER_VERSION 140000

#define SETTINGS_MAX_BYTES   2048

/* set_config() does what SET LOCAL does, without a warning outside of BEGIN and with values beside
 * the text. */
#define READ_ONLY " set_config('transaction_read_only', 'on', true),"
/* Nobody, until a caller's own statement says more (auth.c), whatever the role has or an earlier
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

/* The level is always said: a role may have another default. A deferrable read would wait for a
 * safe snapshot. */
static const char *const begins[NP_ISOLATION__MAX][2] = {
	[NP_READ_COMMITTED] = { "BEGIN ISOLATION LEVEL READ COMMITTED",
	                        "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY" },
	[NP_REPEATABLE_READ] = { "BEGIN ISOLATION LEVEL REPEATABLE READ",
	                         "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" },
	[NP_SERIALIZABLE] = { "BEGIN ISOLATION LEVEL SERIALIZABLE",
	                      "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY NOT DEFERRABLE" },
};

struct limits {
	char statement[INT_TEXT_BYTES], lock[INT_TEXT_BYTES], idle[INT_TEXT_BYTES];
};

/* A lock may be waited for half of the time, so that "busy" can be told from "slow". */
static void
limits_of(const struct preamble *head, struct limits *limits)
{
	int64_t left_ms = deadline_left_ms(head->deadline);
	int64_t command_ms = head->command_timeout_s * 1000;
	int64_t statement_ms = left_ms - PREAMBLE_RESERVE_MS < command_ms
	                           ? left_ms - PREAMBLE_RESERVE_MS
	                           : command_ms;

	/* 0 would be no limit at all. */
	if (statement_ms < 2)
		statement_ms = 2;
	(void)text_of_int(statement_ms, limits->statement);
	(void)text_of_int(statement_ms / 2, limits->lock);
	(void)text_of_int(left_ms + PREAMBLE_GRACE_MS, limits->idle);
}

struct deadline
preamble_flight_deadline(const struct preamble *head, bool commits)
{
	int64_t command_ms = head->command_timeout_s * 1000;

	return deadline_within_ms(head->deadline,
	                          (commits ? 2 : 1) * command_ms + PREAMBLE_GRACE_MS);
}

void
preamble_begin(const struct preamble *head, struct flight *flight)
{
	(void)flight_command(flight, begins[head->isolation][head->read_only]);
}

static bool
checks_client(const struct preamble *head, const struct flight *flight)
{
	return head->checks_client && PQserverVersion(flight->pg) >= CHECK_SERVER_VERSION;
}

/* For this transaction only. The first column is preamble_is_usual()'s, the last one
 * prepared_learn()'s. */
static void
write_shared(const struct preamble *head, const struct flight *flight, struct buf *sql)
{
	bool first = head->session == PREAMBLE_FIRST;

	buf_text(sql, first ? "SELECT ''" RARE_SETTINGS(ITS_VALUE) "," : "SELECT");
	buf_text(sql, head->read_only ? READ_ONLY NOBODY : NOBODY);
	buf_text(sql, COMMON_SETTINGS(LOCALLY));
	if (head->session != PREAMBLE_USUAL)
		buf_text(sql, RARE_SETTINGS(LOCALLY));
	if (checks_client(head, flight))
		buf_text(sql,
		         " set_config('" PREAMBLE_CHECK_NAME "', '" CHECK_INTERVAL "', true),");
	buf_text(sql, head->implicit ? LIMITS NAME : LIMITS NAME IDLE);
	buf_text(sql, first ? ", pg_backend_pid()" : "");
}

bool
preamble_is_usual(const PGresult *row)
{
	return PQntuples(row) == 1 && PQnfields(row) > 0
	       && strcmp(PQgetvalue(row, 0, 0), RARE_SETTINGS(USUALLY)) == 0;
}

size_t
preamble_settings(const struct preamble *head, struct flight *flight)
{
	char name[NAME_TEXT_BYTES], text[SETTINGS_MAX_BYTES];
	const char *sql = own_settings[head->implicit][head->read_only];
	struct limits limits;
	struct buf shared;

	limits_of(head, &limits);
	(void)snprintf(name, sizeof(name), "nullpool/%s %s", head->endpoint, head->id);
	if (head->session == PREAMBLE_OWN) {
		(void)flight_command(flight, checks_client(head, flight)
		                                 ? session_settings_with_check
		                                 : session_settings);
	} else if (head->session != PREAMBLE_SET) {
		buf_init_fixed(&shared, text, sizeof(text));
		write_shared(head, flight, &shared);
		sql = shared.data;
	}
	/* Within one flight there is no idle transaction. */
	return flight_add(flight, sql,
	                  (struct np_values){ (const struct np_value[]){
	                                          np_text(limits.statement), np_text(limits.lock),
	                                          np_text(name), np_text(limits.idle) },
	                                      head->implicit ? 3 : 4 });
}

void
preamble_renew(const struct preamble *head, struct flight *flight)
{
	struct limits limits;

	limits_of(head, &limits);
	(void)flight_add(flight, renewed_settings,
	                 NP_VALUES(np_text(limits.statement), np_text(limits.lock)));
}
