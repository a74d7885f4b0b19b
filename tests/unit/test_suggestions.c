#include "unit.h"

#include "base/mem.h"
#include "doctor/suggestions.h"

#define SERVER_17 170002
#define SERVER_15 150018

static struct settings settings;
static struct handshake handshake;
static struct suggestions_facts facts;

/* libpq can start TLS at once, and the server, which is not a provider's, accepts that. No other
 * suggestion applies. */
static void
begin(const char *url)
{
	struct error err;

	settings = (struct settings){ .database_connection = CONNECTION_PERSISTENT };
	handshake = (struct handshake){ .tls = HANDSHAKE_TLS, .knows_direct = true };
	facts = (struct suggestions_facts){ .settings = &settings,
		                            .handshake = &handshake,
		                            .round_trip_us = 50000,
		                            .server_version = SERVER_17 };
	assert_true(conninfo_parse(mem_process(), url, &settings.database, &err));
}

static const char *
only_suggestion(void)
{
	static struct suggestion found[SUGGESTIONS_MAX];
	size_t count = suggestions_find(&facts, found);

	assert_true(count <= 1);
	return count == 0 ? NULL
	                  : mem_printf(mem_process(), "%s | %s", found[0].gain, found[0].how);
}

#define URL "postgresql://u:p@db.example.com/app?sslmode=require"

static void
direct_tls_saves_a_round_trip_of_the_first_connection_in_mode_auto(void **state)
{
	(void)state;
	begin(URL);
	assert_string_equal(only_suggestion(),
	                    "1 round trip, 50.0 ms of each worker's first connection | "
	                    "DATABASE_SSLNEGOTIATION=direct: TLS starts at once");
}

static void
direct_tls_saves_a_round_trip_of_each_connection_where_it_is_off(void **state)
{
	(void)state;
	begin(URL);
	settings.database_sslnegotiation = NEGOTIATION_POSTGRES;
	assert_non_null(
	    strstr(only_suggestion(), "of each connection | DATABASE_SSLNEGOTIATION=direct"));
	begin(URL "&sslnegotiation=postgres");
	assert_non_null(strstr(only_suggestion(),
	                       "of each connection | sslnegotiation=direct in DATABASE_URL"));
}

static void
nothing_is_suggested_that_is_set_already(void **state)
{
	(void)state;
	begin(URL);
	settings.database_sslnegotiation = NEGOTIATION_DIRECT;
	assert_null(only_suggestion());
	begin(URL "&sslnegotiation=direct");
	assert_null(only_suggestion());
	begin("postgresql://u:p@ep-x.eu-central-1.aws.neon.tech/app?sslmode=require");
	assert_null(only_suggestion());
}

static void
direct_tls_is_not_suggested_where_it_cannot_work(void **state)
{
	(void)state;
	begin(URL);
	handshake.knows_direct = false;
	assert_null(only_suggestion());
	begin(URL);
	facts.server_version = SERVER_15;
	assert_null(only_suggestion());
	begin(URL);
	facts.pooled = true;
	assert_null(only_suggestion());
	begin("postgresql://u:p@db.example.com/app?sslmode=prefer");
	assert_null(only_suggestion());
	begin("postgresql://u:p@db.example.com/app");
	handshake.tls = HANDSHAKE_NO_TLS;
	assert_null(only_suggestion());
}

static void
neon_accepts_direct_tls_with_any_version_and_its_pooler(void **state)
{
	(void)state;
	begin("postgresql://u:p@ep-x-pooler.eu-central-1.aws.neon.tech/app?sslmode=require");
	settings.database_sslnegotiation = NEGOTIATION_POSTGRES;
	facts.server_version = SERVER_15;
	facts.pooled = true;
	assert_non_null(strstr(only_suggestion(), "DATABASE_SSLNEGOTIATION=direct"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(direct_tls_saves_a_round_trip_of_the_first_connection_in_mode_auto),
		TEST(direct_tls_saves_a_round_trip_of_each_connection_where_it_is_off),
		TEST(nothing_is_suggested_that_is_set_already),
		TEST(direct_tls_is_not_suggested_where_it_cannot_work),
		TEST(neon_accepts_direct_tls_with_any_version_and_its_pooler),
	};

	return cmocka_run_group_tests_name("suggestions", tests, NULL, NULL);
}
