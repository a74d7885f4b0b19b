#include "db/head.h"

#include <inttypes.h>

#include "base/buf.h"

#define TIME_TEXT_BYTES 24
#define NAME_TEXT_BYTES 192 /* of which Postgres keeps 63 */

/* set_config() does what SET LOCAL does, without a warning outside of BEGIN and with values beside the text. jit: a
 * short statement that the planner overestimates would be compiled for 100 ms. datestyle: dates are read by us. */
#define SETTINGS                                                                           \
	"set_config('statement_timeout', $1, true), set_config('lock_timeout', $2, true)," \
	" set_config('idle_in_transaction_session_timeout', $3, true),"                    \
	" set_config('application_name', $4, true), set_config('jit', 'off', true),"       \
	" set_config('datestyle', 'ISO', true)"

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
	char statement[TIME_TEXT_BYTES], lock[TIME_TEXT_BYTES], idle[TIME_TEXT_BYTES];
};

static void
write_ms(char text[TIME_TEXT_BYTES], int64_t ms)
{
	(void)snprintf(text, TIME_TEXT_BYTES, "%" PRId64, ms);
}

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
	write_ms(limits->statement, statement_ms);
	write_ms(limits->lock, statement_ms / 2);
	write_ms(limits->idle, left_ms + HEAD_GRACE_MS);
}

void
head_begin(const struct head *head, struct flight *flight)
{
	(void)flight_add(flight, begins[head->isolation][head->read_only], NP_NO_VALUES);
}

void
head_settings(const struct head *head, struct flight *flight)
{
	char name[NAME_TEXT_BYTES];
	struct limits limits;

	limits_of(head, &limits);
	(void)snprintf(name, sizeof(name), "nullpool/%s %s", head->endpoint, head->request_id);
	(void)flight_add(
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
