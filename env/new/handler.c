/* notes - list, create, read, change, soft-delete; a row that has deleted_at is not there */
#include "nullpool.h"

#define COLUMNS "id, title, created_at, updated_at"

static const char notes_page[] =
    "SELECT " COLUMNS " FROM notes"
    " WHERE deleted_at IS NULL AND ($2::timestamptz IS NULL OR (created_at, id) > ($2, $3::uuid))"
    " ORDER BY created_at, id LIMIT $1::bigint + 1";

static const char note_by_id[] = "SELECT " COLUMNS " FROM notes WHERE id = $1 AND deleted_at IS NULL";

static const char new_note[] = "INSERT INTO notes (title) VALUES ($1) RETURNING " COLUMNS;

static const char changed_note[] = "UPDATE notes SET title = coalesce($2, title)"
                                   " WHERE id = $1 AND deleted_at IS NULL RETURNING " COLUMNS;

static const char deleted_note[] =
    "UPDATE notes SET deleted_at = now() WHERE id = $1 AND deleted_at IS NULL RETURNING id";

enum { LIMIT, AFTER };
static const struct np_param page[] = {
	[LIMIT] = { .name = "limit", .in = NP_QUERY, .type = NP_INT, .min = 1, .max = 100, .fallback = "20" },
	[AFTER] = { .name = "after", .in = NP_QUERY, .type = NP_CURSOR, .description = "\"next\" of a page" },
	NP_PARAMS_END,
};

static bool
list_notes(struct np_ctx *ctx)
{
	struct np_rows *rows;

	return np_query(
	           ctx, &rows, notes_page,
	           NP_VALUES(np_arg(ctx, LIMIT), np_cursor_key(ctx, AFTER, 0), np_cursor_key(ctx, AFTER, 1)))
	       && np_reply_page(ctx, rows, np_arg(ctx, LIMIT).integer, NP_KEYS("created_at", "id"));
}

/* The same in POST, where it is required, and in PATCH, where it is not. */
#define TITLE_FIELD .name = "title", .in = NP_BODY, .type = NP_STRING, .min = 1, .max = 200

enum { TITLE, CHANGED_ID };
static const struct np_param new_fields[] = {
	[TITLE] = { TITLE_FIELD, .required = true },
	NP_PARAMS_END,
};

static bool
create_note(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(np_last(ctx), &row, new_note, NP_VALUES(np_arg(ctx, TITLE)))
	       && np_header(ctx, "Location", "/notes/%s", np_field(row, 0, "id").text)
	       && np_reply_row(ctx, NP_CREATED, row);
}

enum { ID };
static const struct np_param by_id[] = {
	[ID] = { .name = "id", .in = NP_PATH, .type = NP_UUID },
	NP_PARAMS_END,
};

static bool
show_note(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, note_by_id, NP_VALUES(np_arg(ctx, ID)))
	       && np_reply_row(ctx, NP_OK, row);
}

static const struct np_param changed_fields[] = {
	[TITLE] = { TITLE_FIELD },
	[CHANGED_ID] = { .name = "id", .in = NP_PATH, .type = NP_UUID },
	NP_PARAMS_END,
};

static bool
change_note(struct np_ctx *ctx)
{
	struct np_rows *row;

	if (!np_given(ctx, TITLE))
		return np_fail(ctx, NP_INVALID, "Nothing to change: give title");
	return np_query_one(np_last(ctx), &row, changed_note,
	                    NP_VALUES(np_arg(ctx, CHANGED_ID), np_arg(ctx, TITLE)))
	       && np_reply_row(ctx, NP_OK, row);
}

static bool
delete_note(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(np_last(ctx), &row, deleted_note, NP_VALUES(np_arg(ctx, ID)))
	       && np_reply_empty(ctx);
}

#define MISSING .missing = "Note not found"

static const struct np_route routes[] = {
	{ "GET", "/notes", list_notes, NP_TX_READ, page, .summary = "Notes, oldest first" },
	{ "POST", "/notes", create_note, NP_TX_WRITE, new_fields, .summary = "One new note" },
	{ "GET", "/notes/{id}", show_note, NP_TX_READ, by_id, .summary = "One note", MISSING },
	{ "PATCH", "/notes/{id}", change_note, NP_TX_WRITE, changed_fields, .summary = "Change one",
	  MISSING },
	{ "DELETE", "/notes/{id}", delete_note, NP_TX_WRITE, by_id, .summary = "Delete one", MISSING },
	NP_ROUTES_END,
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "notes", routes);
}
