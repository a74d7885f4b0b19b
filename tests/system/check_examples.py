"""A schema, and a program that make check finds nothing in, for the mistakes of test_check.py."""

SCHEMA = """
    CREATE TYPE note_state AS ENUM ('new', 'read');
    CREATE DOMAIN short_text AS text CHECK (length(value) < 300);
    CREATE TABLE notes (
        id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        title      short_text NOT NULL,
        state      note_state NOT NULL DEFAULT 'new',
        pages      integer NOT NULL DEFAULT 0,
        tags       text[] NOT NULL DEFAULT '{}',
        body       jsonb NOT NULL DEFAULT '{}',
        due        date,
        created_at timestamptz NOT NULL DEFAULT now(),
        deleted_at timestamptz);
    CREATE TABLE idempotency_keys (caller text, key text, fingerprint text, response jsonb, results jsonb);
"""

FILES = {
    "handlers/notes.sql": """\
-- name: note_by_id :one
-- One note.
SELECT id, title, state, pages, tags, body, due, created_at
FROM notes WHERE id = @id
  AND deleted_at IS NULL;

-- name: new_note :one
INSERT INTO notes (title, tags, due) VALUES (@title, @tags, @due)
RETURNING id, title, state, pages, tags, body, due, created_at;

-- name: oldest_first :many
SELECT id, title, state, pages, tags, body, due, created_at FROM notes
WHERE (@after::timestamptz IS NULL OR (created_at, id) > (@after, @after_id::uuid))
ORDER BY created_at, id LIMIT @size::bigint + 1;

-- name: newest_first :many
SELECT id, title, state, pages, tags, body, due, created_at FROM notes
WHERE (@after::timestamptz IS NULL OR (created_at, id) < (@after, @after_id::uuid))
ORDER BY created_at DESC, id DESC LIMIT @size::bigint + 1;

-- name: deleted_note :exec
UPDATE notes SET deleted_at = now() WHERE id = @id;

-- name: note_counts :one
SELECT count(*) AS notes, max(due) AS last_due FROM notes;
""",
    "handlers/note.h": """\
#include <nullpool.h>
#include "notes.sql.h"

static const struct np_param note_id = { .name = "id", .type = NP_TYPE_UUID };
static const struct np_param note_state = { .name = "state", .type = NP_TYPE_ENUM };
static const struct np_param note_pages = { .name = "pages", .type = NP_TYPE_INT };
static const struct np_param note_body = { .name = "body", .type = NP_TYPE_OBJECT };
static const struct np_param created_at = { .name = "created_at", .type = NP_TYPE_DATETIME };
""",
    "handlers/notes.c": """\
/* notes - the "example" of these tests */
#include "note.h"

#define ONE_NOTE    .returns = &note_schema, .errors = { .not_found = "No such note" }
#define IN_BODY(of) .name = of, .in = NP_IN_BODY

static const struct np_param id = { .name = "id", .in = NP_IN_PATH, .type = NP_TYPE_UUID };
static const struct np_param title = { IN_BODY("title"), .type = NP_TYPE_STRING, .max = 200 },
                             tags = { IN_BODY("tags"), .max_items = 5 };
static const struct np_param due = { IN_BODY("due"), .type = NP_TYPE_DATE, .nullable = true };
static const struct np_param order = { .name = "order", .in = NP_IN_QUERY, .type = NP_TYPE_ENUM,
	                               .choices = NP_NAMES("oldest", "newest") };
static const struct np_param size = { NP_PAGE_LIMIT };
static const struct np_param after = { NP_PAGE_AFTER };
static const struct np_schema note_schema = {
	.name = "Note",
	.members = NP_PARAMS(&note_id, &title, &note_state, &note_pages, &tags, &note_body, &due, &created_at),
};

static bool
is_allowed(struct np_ctx *ctx, struct np_value note)
{
	return np_require_caller(ctx, note) && np_given(ctx, &id);
}

static bool
show_note(struct np_ctx *ctx)
{
	struct np_rows *note;

	if (!np_query_one(ctx, &note, note_by_id(np_arg(ctx, &id))))
		return false;
	return np_header(ctx, "X-Title", "%s", np_field(note, 0, "title").text)
	       && np_reply_row(ctx, NP_STATUS_OK, note);
}

static bool
create_note(struct np_ctx *ctx)
{
	return np_answer(ctx, new_note(np_arg(ctx, &title), np_arg(ctx, &tags), np_arg(ctx, &due)));
}

static bool
reply_notes(struct np_ctx *ctx, const struct np_rows *notes, int64_t limit)
{
	return np_reply_page(ctx, notes, limit, NP_NAMES("created_at", "id"));
}

static bool
list_notes(struct np_ctx *ctx)
{
	static const struct np_statement *const pages[] = { NP_STATEMENT(oldest_first), NP_STATEMENT(newest_first) };
	struct np_value limit = np_arg(ctx, &size);
	struct np_rows *rows;

	return np_query(ctx, &rows, NP_CALL_ONE_OF(pages[np_arg(ctx, &order).integer], np_cursor_key(ctx, &after, 0),
	                                           np_cursor_key(ctx, &after, 1), np_arg(ctx, &size)))
	       && reply_notes(ctx, rows, limit.integer);
}

static bool
delete_note(struct np_ctx *ctx)
{
	struct np_call call = deleted_note(np_arg(ctx, &id));

	return is_allowed(ctx, np_arg(ctx, &id)) && np_answer(ctx, call);
}

static const struct np_param notes = { .name = "notes", .type = NP_TYPE_INT };
static const struct np_param last_due = { .name = "last_due", .type = NP_TYPE_DATE, .optional = true };
static const struct np_schema counts = { .name = "Counts", .members = NP_PARAMS(&notes, &last_due) };

static bool
count_notes(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, note_counts())
	       && np_reply_object(ctx, NP_STATUS_OK, NP_OBJECT({ "notes", np_field(row, 0, "notes") }, { "last_due", np_null() }));
}

static const struct np_route routes[] = {
	{ .method = "GET", .path = "/notes", .handle = list_notes, .tx = NP_TX_READ,
	  .params = NP_PARAMS(&size, &after, &order), .returns = &note_schema, .page = true },
	{ .method = "POST", .path = "/notes", .handle = create_note, .tx = NP_TX_WRITE,
	  .params = NP_PARAMS(&title, &tags, &due), .returns = &note_schema,
	  .answer = { .location = "/notes/{id}" } },
	{ .method = "GET", .path = "/notes/{id}", .handle = show_note, .tx = NP_TX_READ, .params = NP_PARAMS(&id), ONE_NOTE },
	{ .method = "DELETE", .path = "/notes/{id}", .handle = delete_note, .tx = NP_TX_WRITE,
	  .params = NP_PARAMS(&id), .answer.empty = true },
	{ .method = "GET", .path = "/notes/counts", .handle = count_notes, .tx = NP_TX_READ, .returns = &counts },
};

int
main(int argc, char **argv)
{
	return np_main(argc, argv, "notes", routes);
}
""",
}
