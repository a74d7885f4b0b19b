#include "db/claim.h"

#include "base/mem.h"
#include "db/flight.h"
#include "db/keep_rows_sql.h"

void
claim_init(struct claim *claim, void *owner)
{
	buf_init(&claim->earlier, owner, CLAIM_ROWS_MAX_BYTES);
	buf_char(&claim->earlier, '[');
}

void
claim_reset(struct claim *claim)
{
	buf_reset(&claim->earlier);
	buf_char(&claim->earlier, '[');
}

void
claim_note(struct claim *claim, const struct np_rows *rows)
{
	if (claim->earlier.size > 1)
		buf_char(&claim->earlier, ',');
	rows_write_composites(rows, &claim->earlier);
}

bool
claim_wrap(struct claim *claim, void *owner, const char **sql, struct np_values *values)
{
	size_t count = values->count + claim->values.count + 1;
	struct np_value *all;
	struct buf wrapped;

	if (count > FLIGHT_VALUES_MAX || claim->earlier.overflow)
		return false;
	buf_init(&wrapped, owner, strlen(*sql) + strlen(claim->keep) + 256);
	if (!keep_rows_sql(&wrapped, *sql, values->count, claim->keep))
		return false;
	all = mem_array(owner, struct np_value, count);
	if (values->count > 0)
		memcpy(all, values->items, values->count * sizeof(*all));
	memcpy(all + values->count, claim->values.items, claim->values.count * sizeof(*all));
	all[count - 1] = np_text(mem_printf(owner, "%s]", claim->earlier.data));
	*sql = wrapped.data;
	*values = (struct np_values){ all, count };
	return true;
}
