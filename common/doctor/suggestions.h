/* suggestions.h - which settings would save round trips or work of a request, with this server and
 * this libpq */
#ifndef NULLPOOL_DOCTOR_SUGGESTIONS_H
#define NULLPOOL_DOCTOR_SUGGESTIONS_H

#include "base/attributes.h"
#include "config/settings.h"
#include "db/dial.h"
#include "doctor/handshake.h"

struct suggestions_facts {
	const struct settings *settings;
	const struct handshake *handshake;
	struct connect_cost cost; /* of a connection like those of requests */
	int64_t round_trip_us;
	bool pooled;        /* a pooler stands between here and the server */
	int server_version; /* 170002 is 17.2 */
};

struct suggestion {
	char gain[160];
	char how[256];
};

#define SUGGESTIONS_MAX 8

/* Finds the suggestions that apply, largest gain first, and returns how many. Does not suggest what
 * is set already. */
size_t suggestions_find(const struct suggestions_facts *facts,
                        struct suggestion found[SUGGESTIONS_MAX]);

#endif
