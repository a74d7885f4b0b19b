#include "db/session_settings.h"

#include "base/text.h"

/* The server reports changes of these parameters, including those that a function makes. */
static bool
has_reported_values(const PGconn *pg)
{
	static const struct {
		const char *name, *value;
	} reported[] = {
		{ "TimeZone", "UTC" },
		{ "DateStyle", "ISO" },
		{ "IntervalStyle", "postgres" },
		{ "standard_conforming_strings", "on" },
	};

	for (size_t i = 0; i < COUNT_OF(reported); i++) {
		const char *value = PQparameterStatus(pg, reported[i].name);

		/* DateStyle may be "ISO, MDY". "postgres_verbose" is another IntervalStyle. */
		if (value && (!text_starts(value, reported[i].value) || strchr(value, '_')))
			return false;
	}
	return true;
}

enum preamble_session
session_settings_need(struct connection *connection)
{
	if (connection->settings == SETTINGS_UNKNOWN)
		return PREAMBLE_FIRST;
	if (!connection->prepared || !prepared_is_allowed(connection->prepared))
		return connection->settings == SETTINGS_USUAL ? PREAMBLE_USUAL : PREAMBLE_UNUSUAL;
	if (connection->settings == SETTINGS_COMMITTED && has_reported_values(connection->pg))
		return PREAMBLE_SET;
	connection->settings = SETTINGS_SENT;
	return PREAMBLE_OWN;
}

void
session_settings_learn(struct connection *connection, const PGresult *row)
{
	if (connection->prepared)
		prepared_learn(connection->prepared, connection->pg, row);
	connection->settings = preamble_is_usual(row) ? SETTINGS_USUAL : SETTINGS_UNUSUAL;
}

void
session_settings_commit(struct connection *connection)
{
	if (connection->settings == SETTINGS_SENT)
		connection->settings = SETTINGS_COMMITTED;
}

/* Returns true for SET, RESET, DISCARD, DO, CALL and every other command outside the list, and for
 * a statement that contains set_config. */
static bool
may_change_session(const char *sql, PGresult *result)
{
	static const char *const harmless[] = { "SELECT", "INSERT", "UPDATE", "DELETE", "MERGE" };
	const char *tag = PQcmdStatus(result);

	for (size_t i = 0; i < COUNT_OF(harmless); i++)
		if (text_starts(tag, harmless[i]))
			return strcasestr(sql, "set_config");
	return true;
}

void
session_settings_note(struct connection *connection, bool committed, const char *sql,
                      PGresult *result)
{
	if (committed)
		session_settings_commit(connection);
	if (may_change_session(sql, result))
		connection->settings = SETTINGS_UNUSUAL;
}

bool
session_settings_are_refused(struct connector *source, const PGresult *error)
{
	const char *text = PQresultErrorField(error, PG_DIAG_MESSAGE_PRIMARY);

	if (!text || !strstr(text, PREAMBLE_CHECK_NAME))
		return false;
	connector_disable_client_check(source);
	return true;
}
