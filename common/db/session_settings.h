/* session_settings.h - which settings a connection's session keeps from one transaction to the next
 *
 * Only a connection that has a server process of its own keeps any (see head.h). They were set in a
 * transaction, so they last once that is committed, and until a handler's statement changes the
 * session.
 */
#ifndef NULLPOOL_DB_SESSION_SETTINGS_H
#define NULLPOOL_DB_SESSION_SETTINGS_H

#include "base/attributes.h"
#include "db/connect.h"
#include "db/preamble.h"

/* What the next transaction has to set. PREAMBLE_OWN: the caller sends it. */
enum preamble_session session_settings_need(struct connection *connection);

/* From the row of PREAMBLE_FIRST. */
void session_settings_learn(struct connection *connection, const PGresult *row);

/* The transaction in which they were sent is committed. */
void session_settings_commit(struct connection *connection);

/* A handler's statement succeeded, which may have changed them, and which carried the commit or did
 * not. */
void session_settings_note(struct connection *connection, bool committed, const char *sql,
                           PGresult *result);

/* Whether the server refused to look whether its client is still there; it is not asked for it
 * again. */
bool session_settings_are_refused(struct connector *source, const PGresult *error);

#endif
