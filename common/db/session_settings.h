/* session_settings.h - the settings that a session keeps from one transaction to the next
 *
 * Only a connection with its own server process keeps any (see preamble.h). A transaction sets
 * them, so they take effect for later transactions once it commits. They last until a handler's
 * statement changes the session.
 */
#ifndef NULLPOOL_DB_SESSION_SETTINGS_H
#define NULLPOOL_DB_SESSION_SETTINGS_H

#include "base/attributes.h"
#include "db/connect.h"
#include "db/preamble.h"

/* Returns what the next transaction must set. The caller must send the settings after
 * PREAMBLE_OWN. */
enum preamble_session session_settings_need(struct connection *connection);

/* Learns the session's own values from the row that PREAMBLE_FIRST returned. */
void session_settings_learn(struct connection *connection, const PGresult *row);

/* Call this when the transaction that sent the settings has committed. */
void session_settings_commit(struct connection *connection);

/* Call this when a handler's statement has succeeded; it may have changed the settings.
 * `committed`: it carried the commit. */
void session_settings_note(struct connection *connection, bool committed, const char *sql,
                           PGresult *result);

/* Returns true if the server refused to check whether its client has left. Later connections do not
 * ask it to. */
bool session_settings_are_refused(struct connector *source, const PGresult *error);

#endif
