/* session_settings.h - the settings that a session keeps from one transaction to the next
 *
 * Only a connection with a server process of its own keeps any (see preamble.h). They are set in a
 * transaction, so they last once it is committed, and until a handler's statement changes the
 * session.
 */
#ifndef NULLPOOL_DB_SESSION_SETTINGS_H
#define NULLPOOL_DB_SESSION_SETTINGS_H

#include "base/attributes.h"
#include "db/connect.h"
#include "db/preamble.h"

/* What the next transaction must set. After PREAMBLE_OWN the caller must send the settings. */
enum preamble_session session_settings_need(struct connection *connection);

/* Learns the session's own values from the row that PREAMBLE_FIRST returned. */
void session_settings_learn(struct connection *connection, const PGresult *row);

/* Tells that the transaction that sent them is committed. */
void session_settings_commit(struct connection *connection);

/* Tells that a handler's statement succeeded, which may have changed them. `committed`: it carried
 * the commit. */
void session_settings_note(struct connection *connection, bool committed, const char *sql,
                           PGresult *result);

/* Returns true if the server refused to check whether its client has left; it is not asked
 * again. */
bool session_settings_are_refused(struct connector *source, const PGresult *error);

#endif
