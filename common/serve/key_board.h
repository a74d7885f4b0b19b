/* key_board.h - the issuer's key set, in memory that all workers of a program read
 *
 * One process fetches it (key_fetcher.h), and the master publishes what that process stored.
 * Workers cannot write here: one that was taken over cannot give its own keys to the others. They
 * ask for a new set with an eventfd.
 */
#ifndef NULLPOOL_SERVE_KEY_BOARD_H
#define NULLPOOL_SERVE_KEY_BOARD_H

#include "app/signing_keys.h"

/* Unknown keys make the set be read again at most this often. */
#define KEY_BOARD_ASK_PAUSE_MS INT64_C(60000)

/* --- for the master --- */

/* Makes the memory, before the first fork. Returns false (errno) if it could not. */
NP_MUST_CHECK bool key_board_create(void);

/* Call these when a process that fetches begins and ends. `asked`: a worker has asked for it, and
 * will not be heard again for a minute. */
void key_board_begin_attempt(bool asked);
void key_board_end_attempt(bool succeeded);

bool key_board_has_keys(void);
bool key_board_is_failing(void); /* the last attempt failed */

/* --- for the process that has fetched a set --- */

/* Stores it, of at most JWKS_MAX_BYTES. It is published when this process has ended well. */
void key_board_store(const struct buf *text);

/* --- for a worker --- */

/* Gives up the right to write. The eventfd wakes the master. */
void key_board_enter(int ask_event);

signing_keys_source key_board_read;

#endif
