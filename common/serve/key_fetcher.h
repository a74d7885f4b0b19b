/* key_fetcher.h - the master's side of JWT_JWKS as a URL: when the issuer's keys are fetched, and
 * the process that does it
 *
 * A process is forked for each attempt, enters the sandbox, fetches the set and ends. So no worker
 * has libcurl, and a program with many workers asks the issuer once.
 */
#ifndef NULLPOOL_SERVE_KEY_FETCHER_H
#define NULLPOOL_SERVE_KEY_FETCHER_H

#include "base/clock.h"
#include "serve/child.h"

/* All zeros before key_fetcher_open(). */
struct key_fetcher {
	pid_t pid;                /* 0: none runs */
	bool asked;               /* by a worker, since the last attempt ended */
	struct deadline ask_from; /* earlier, no worker is heard */
	struct deadline due;      /* of the next attempt that nobody asks for */
};

/* Makes the key board and master->keys_event, if keys are fetched. */
NP_MUST_CHECK bool key_fetcher_open(struct inheritance *master, struct error *err);

/* Returns when key_fetcher_start() is due. */
struct deadline key_fetcher_due(const struct key_fetcher *fetcher,
                                const struct inheritance *master);
void key_fetcher_start(struct key_fetcher *fetcher, const struct inheritance *master);

/* Takes the wish of a worker, which may have been taken over: not more than one in a minute. */
void key_fetcher_ask(struct key_fetcher *fetcher);

/* Returns true if the child that ended was the fetcher. */
bool key_fetcher_on_child_exit(struct key_fetcher *fetcher, pid_t pid, int status);

/* Ends it, for a master that is about to end. */
void key_fetcher_stop(const struct key_fetcher *fetcher);

#endif
