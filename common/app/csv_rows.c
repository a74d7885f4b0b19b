#include "app/csv_rows.h"

#include "app/value_json.h"
#include "http/csv.h"

static bool
is_number(struct np_value value)
{
	return !value.is_list
	       && (value.type == NP_TYPE_INT || value.type == NP_TYPE_FLOAT
	           || value.column_type == NUMERIC_COLUMN_TYPE);
}

void
csv_names(struct buf *out, const struct np_rows *rows)
{
	for (size_t i = 0; i < rows_columns(rows); i++) {
		buf_text(out, i > 0 ? "," : "");
		csv_field(out, rows_column_name(rows, i), false);
	}
	buf_text(out, "\r\n");
}

void
csv_row(struct buf *out, const struct np_rows *rows, size_t row)
{
	size_t columns = rows_columns(rows);

	for (size_t i = 0; i < columns; i++) {
		struct np_value value = rows_value(rows, row, i);

		buf_text(out, i > 0 ? "," : "");
		/* An empty line is no row to many readers. */
		csv_field(out, !value.text && columns == 1 ? "" : value.text, is_number(value));
	}
	buf_text(out, "\r\n");
}
