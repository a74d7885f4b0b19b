/* savings.h - which round trips and which work of a request could still be saved, with this server and this libpq */
#ifndef NULLPOOL_SERVE_SAVINGS_H
#define NULLPOOL_SERVE_SAVINGS_H

#include "base/attributes.h"
#include "config/settings.h"
#include "db/dial.h"
#include "db/probe.h"

struct savings_facts {
	const struct settings *settings;
	const struct probe *probe;
	struct connect_cost cost; /* of a connection like those of requests */
	int64_t trip_us;
	bool pooled;        /* the server is behind a pooler */
	int server_version; /* 170002 is 17.2 */
};

struct saving {
	char gain[160];
	char how[256];
};

#define SAVINGS_MAX 8

/* Those that apply, the largest first; returns how many. What is in force already is none. */
size_t savings_find(const struct savings_facts *facts, struct saving found[SAVINGS_MAX]);

#endif
