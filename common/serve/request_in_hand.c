#include "serve/request_in_hand.h"

void
request_in_hand_log(struct log_line *line, const struct slot *slot)
{
	char route[SCOREBOARD_ROUTE_BYTES], id[SCOREBOARD_ID_BYTES];

	if (atomic_load(&slot->state) != SLOT_BUSY || !slot_read_texts(slot, route, id))
		return;
	log_string(line, "route", route);
	log_string(line, "request_id", id);
}
