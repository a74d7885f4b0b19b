#include "db/head.h"

#include "base/text.h"

#define NAME_TEXT_BYTES 192 /* of which Postgres keeps 63 */

/* set_config() does what SET LOCAL does, without a warning outside of BEGIN and with values beside the text. jit: a
 * short statement that the planner overestimates would be compiled for 100 ms. datestyle: dates are read by us. The last
 * column: see prepared.h. */
#define SETTINGS                                                                           \
	"set_config('statement_timeout', $1, true), set_config('lock_timeout', $2, true)," \
	" set_config('idle_in_transaction_session_timeout', $3, true),"                    \
	" set_config('application_name', $4, true), set_config('jit', 'off', true),"       \
	" set_config('datestyle', 'ISO', true), pg_backend_pid()"

static const char settings_of_write[] = "SELECT " SETTINGS;
static const char settings_of_read[] = "SELECT set_config('transaction_read_only', 'on', true), " SETTINGS;
static const char renewed_settings[] =
    "SELECT set_config('statement_timeout', $1, true), set_config('lock_timeout', $2, true)";

static const char *const begins[NP_ISOLATION__MAX][2] = {
	[NP_READ_COMMITTED] = { "BEGIN", "BEGIN READ ONLY" },
	[NP_REPEATABLE_READ] = { "BEGIN ISOLATION LEVEL REPEATABLE READ",
	                         "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" },
	[NP_SERIALIZABLE] = { "BEGIN ISOLATION LEVEL SERIALIZABLE",
	                      "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY" },
};

struct limits {
	char statement[INT_TEXT_BYTES], lock[INT_TEXT_BYTES], idle[INT_TEXT_BYTES];
};

/* A lock may be waited for half of the time, so that "busy" can be told from "slow". */
static void
limits_of(const struct head *head, struct limits *limits)
{
	int64_t left_ms = deadline_left_ms(head->deadline);
	int64_t command_ms = head->command_timeout_s * 1000;
	int64_t statement_ms = left_ms - HEAD_RESERVE_MS < command_ms ? left_ms - HEAD_RESERVE_MS
	                                                              : command_ms;

	/* 0 would be no limit at all. */
	if (statement_ms < 2)
		statement_ms = 2;
	(void)text_of_int(statement_ms, limits->statement);
	(void)text_of_int(statement_ms / 2, limits->lock);
	(void)text_of_int(left_ms + HEAD_GRACE_MS, limits->idle);
}

void
head_begin(const struct head *head, struct flight *flight)
{
	(void)flight_command(flight, begins[head->isolation][head->read_only]);
}

size_t
head_settings(const struct head *head, struct flight *flight)
{
	char name[NAME_TEXT_BYTES];
	struct limits limits;

	limits_of(head, &limits);
	(void)snprintf(name, sizeof(name), "nullpool/%s %s", head->endpoint, head->id);
	return flight_add(
	    flight, head->read_only ? settings_of_read : settings_of_write,
	    NP_VALUES(np_text(limits.statement), np_text(limits.lock), np_text(limits.idle), np_text(name)));
}

void
head_renew(const struct head *head, struct flight *flight)
{
	struct limits limits;

	limits_of(head, &limits);
	(void)flight_add(flight, renewed_settings,
	                 NP_VALUES(np_text(limits.statement), np_text(limits.lock)));
}
