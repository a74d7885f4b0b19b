"""make check: what is wrong in a .sql file, or between it and a program's tables, is told with its file and line."""
import contextlib
import os
import re
import subprocess

import psycopg2
import pytest

from check_examples import FILES, SCHEMA
from conftest import OWNER_CANARY, ROOT, VARIANT
from copy_of_tree import Copy
from env.sql.check.describe import Database
from env.sql.check.folder import check

NOTES_SQL, NOTE_H, NOTES_C = FILES


def run(server, sql):
    with contextlib.closing(psycopg2.connect(**server)) as link, link, link.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else None


@pytest.fixture(scope="module")
def examples(site):
    """A database with SCHEMA, as the keywords of the runtime role and of its owner."""
    site.query("CREATE DATABASE check_examples OWNER app_owner")
    server = {"host": "127.0.0.1", "port": site.postgres.port, "dbname": "check_examples", "sslmode": "require",
              "user": "app_owner", "password": OWNER_CANARY}
    run(server, SCHEMA)
    return server


@pytest.fixture(scope="module")
def database(examples):
    link = Database(examples)
    yield link
    link.close()


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "common").mkdir()
    (tmp_path / "common" / "nullpool.h").write_text((ROOT / "common" / "nullpool.h").read_text())
    (tmp_path / "handlers").mkdir()
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def edit(tree, name, old, new):
    text = (tree / name).read_text()
    assert old in text
    (tree / name).write_text(text.replace(old, new, 1))


def found(tree, database):
    return [str(finding) for finding in check(tree, "handlers", database).findings]


def found_after(tree, server, change, undo):
    """What is found with another schema."""
    run(server, change)
    with contextlib.closing(Database(server)) as database:
        said = found(tree, database)
    run(server, undo)
    return said


def place_of(tree, name, text):
    """file:line of the first line that has the text."""
    lines = (tree / name).read_text().splitlines()
    return f"{name}:{next(number for number, line in enumerate(lines, 1) if text in line)}"


def test_what_is_right_is_counted(tree, database):
    assert str(check(tree, "handlers", database)) == "check: 6 statements, 1 programs: ok"


# What is replaced in a file, and by what; the file and a text of the line that is named then; what is said.
MISTAKES = {
    # statements
    "a column misspelt": (
        NOTES_SQL, "FROM notes WHERE id = @id", "FROM notes WHERE idd = @id", NOTES_SQL, "WHERE idd",
        'column "idd" does not exist (hint: Perhaps you meant to reference the column "notes.id".)'),
    "a table misspelt": (
        NOTES_SQL, "SELECT count(*) AS notes, max(due) AS last_due FROM notes", "SELECT 1\nFROM note", NOTES_SQL, "FROM note;",
        'relation "note" does not exist'),
    "a syntax error": (
        NOTES_SQL, "AND deleted_at IS NULL", "AND deleted_at IS IS NULL", NOTES_SQL, "IS IS", 'syntax error at or near "IS"'),
    "a function with arguments of other types": (
        NOTES_SQL, "count(*)", "lower(1)", NOTES_SQL, "lower(1)",
        "function lower(integer) does not exist (hint: No function matches the given name and argument types."),
    "a type that cannot be known": (
        NOTES_SQL, "count(*) AS notes", "count(*) AS notes,\n  @one IS NULL", NOTES_SQL, "note_counts",
        "could not determine data type of parameter $1"),
    "no name": (
        NOTES_SQL, "-- name: deleted_note :exec\n", "", NOTES_SQL, "deleted_at = now()",
        "a second statement of the name newest_first"),
    "a statement that nobody calls": (
        NOTES_SQL, "-- name: deleted_note", "-- name: lost :one\nSELECT 1;\n-- name: deleted_note", NOTES_SQL, "lost",
        "no program calls lost: remove it"),
    "two statements of one name": (
        NOTES_SQL, "note_counts :one", "note_by_id  :one", NOTES_SQL, "note_by_id  :one", "line 1 has the name note_by_id too"),
    "a file that is not there": (
        NOTE_H, '#include "notes.sql.h"', '#include "notes.sql.h"\n#include "user.sql.h"', NOTE_H, "user.sql",
        "there is no handlers/user.sql"),

    # arguments and values
    "an argument of another route": (
        NOTES_C, "note_by_id(np_arg(ctx, &id))", "note_by_id(np_arg(ctx, &note_id))", NOTES_C, "note_by_id(",
        'np_arg() asks for "id", which GET /notes/{id} does not have: add &note_id to its .params'),
    "an argument of another route in a function that it calls": (
        NOTES_C, "np_given(ctx, &id)", "np_given(ctx, &title)", NOTES_C, "np_given",
        'np_given() asks for "title", which DELETE /notes/{id} does not have: add &title to its .params'),
    "a part of a cursor of another route": (
        NOTES_C, "&size, &after, &order", "&size, &order", NOTES_C, "&after, 0",
        'np_cursor_key() asks for "after", which GET /notes does not have'),
    "a value too few": (
        NOTES_C, "np_arg(ctx, &tags), np_arg(ctx, &due)", "np_arg(ctx, &due)", NOTES_C, "new_note(",
        "new_note takes 3 values, and 2 are given"),
    "a value too many for one of several": (
        NOTES_C, "&after, 1), np_arg(ctx, &size)", "&after, 1), np_arg(ctx, &size), np_null()", NOTES_C, "NP_CALL_ONE_OF",
        "newest_first takes 3 values, and 4 are given"),
    "a value of another type": (
        NOTES_C, "note_by_id(np_arg(ctx, &id))", "note_by_id(np_int(1))", NOTES_C, "note_by_id(",
        "np_int() (NP_TYPE_INT) does not fit id of note_by_id (uuid): change one of them"),
    "an argument of another type": (
        NOTES_C, "np_arg(ctx, &due)", "np_arg(ctx, &title)", NOTES_C, "new_note(",
        'the argument "title" (NP_TYPE_STRING) does not fit due of new_note (date): change one of them'),
    "one value for a list": (
        NOTES_C, "np_arg(ctx, &tags)", "np_arg(ctx, &title)", NOTES_C, "new_note(",
        'the argument "title" (NP_TYPE_STRING) does not fit tags of new_note (text[])'),
    "a list for one value": (
        NOTES_C, "np_arg(ctx, &title)", "np_arg(ctx, &tags)", NOTES_C, "new_note(",
        'the argument "tags" (a list of NP_TYPE_STRING) does not fit title of new_note (short_text)'),

    # columns
    "a field that is no column": (
        NOTES_C, 'np_field(note, 0, "title")', 'np_field(note, 0, "tilte")', NOTES_C, "tilte",
        'np_field() asks for the column "tilte", which note_by_id (handlers/notes.sql:1) does not return'),
    "a key that is no column": (
        NOTES_C, '"created_at", "id")', '"created", "id")', NOTES_C, '"created"',
        'the page\'s key "created" is no column of oldest_first (handlers/notes.sql:11)'),
    "a key that may be NULL": (
        NOTES_C, '"created_at", "id")', '"due", "id")', NOTES_C, '"due", "id"',
        'the page\'s key "due" of oldest_first (handlers/notes.sql:11) may be NULL: order by a column that is NOT NULL'),
    "a location that is no column": (
        NOTES_C, '"/notes/{id}" }', '"/notes/{ident}" }', NOTES_C, '"POST"',
        '.answer.location of POST /notes has "ident", which is neither a column of new_note (handlers/notes.sql:7) nor a param'),
    "an omitted column that is none": (
        NOTES_C, '"/notes/{id}" }', '"/notes/{id}", .omit = NP_NAMES("secret") }', NOTES_C, '"POST"',
        '.answer.omit of POST /notes names "secret", which new_note (handlers/notes.sql:7) does not return'),
    "an answer of many rows": (
        NOTES_SQL, "new_note :one", "new_note :many", NOTES_C, "np_answer(",
        "np_answer() replies with one row: make new_note (handlers/notes.sql:7) a :one"),

    # responses
    "a column that the schema does not have": (
        NOTES_SQL, "RETURNING id, title", "RETURNING id, due AS day, title", NOTES_SQL, "new_note",
        'new_note returns "day", which Note of POST /notes does not have: add a member, or leave it out'),
    "a column twice": (
        NOTES_SQL, "SELECT id, title", "SELECT id, id, title", NOTES_SQL, "note_by_id", "note_by_id returns two columns named id"),
    "a member misspelt": (
        NOTE_H, '.name = "pages"', '.name = "page"', NOTE_H, '"page"',
        '"page" of Note is missing in oldest_first (handlers/notes.sql:11), with which GET /notes replies'),
    "a member of another type": (
        NOTE_H, '"pages", .type = NP_TYPE_INT', '"pages", .type = NP_TYPE_BOOL', NOTE_H, '"pages"',
        '"pages" of Note is NP_TYPE_BOOL, and integer in oldest_first (handlers/notes.sql:11): change its type'),
    "a member that is no list": (
        NOTES_C, '.max_items = 5', '.max = 5', NOTES_C, '"tags"',
        '"tags" of Note is NP_TYPE_STRING, and text[] in oldest_first (handlers/notes.sql:11)'),
    "a member that may be NULL": (
        NOTES_C, "NP_TYPE_DATE, .nullable = true", "NP_TYPE_DATE", NOTES_C, '"due"',
        '"due" of Note may be NULL in oldest_first (handlers/notes.sql:11): make it .nullable, use coalesce(), or make'),
    "an object with a member that the schema does not have": (
        NOTES_C, '{ "notes", np_field', '{ "note", np_field', NOTES_C, "np_reply_object",
        'GET /notes/counts replies with "note", which Counts does not have'),
    "an object without a member of the schema": (
        NOTES_C, '{ "notes", np_field(row, 0, "notes") }, ', "", NOTES_C, "np_reply_object",
        'GET /notes/counts replies without "notes" of Counts'),
    "an object with a value of another type": (
        NOTES_C, 'np_field(row, 0, "notes")', 'np_text("none")', NOTES_C, "np_reply_object",
        'GET /notes/counts replies with "notes" as NP_TYPE_STRING, and it is NP_TYPE_INT in Counts'),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_with_its_line(tree, database, mistake):
    name, old, new, file, line, words = MISTAKES[mistake]
    edit(tree, name, old, new)
    said = found(tree, database)
    assert [each for each in said if each.startswith(f"{place_of(tree, file, line)}: {words}")], said


# What is replaced in a file, and by what: nothing is said of it.
RIGHT = {
    "a text that an expression makes": (NOTES_SQL, "SELECT id, title", "SELECT id::text, title"),
    "a value of a jsonb": (NOTES_SQL, "pages, tags", "body->'pages' AS pages, tags"),
    "a list of a jsonb": (NOTES_SQL, "pages, tags", "pages, to_jsonb(tags) AS tags"),
    "an optional member that is missing": (NOTES_C, ', { "last_due", np_null() }', ""),
    "a member that is not for everybody": (NOTE_H, '"pages", .type', '"pages", .nullable = true, .type'),
    "a column that is left out": (NOTES_SQL, "RETURNING id, title", "RETURNING id, id AS secret, title"),
    "a text parameter": (NOTES_SQL, "WHERE id = @id\n", "WHERE id::text = @id\n"),
    "a value that is not known": (NOTES_C, "note_by_id(np_arg(ctx, &id))", "note_by_id(found)"),
    "rows that are replaced": (
        NOTES_C, "\tif (!np_query_one(ctx, &note, note_by_id",
        "\tif (!np_query_one(ctx, &note, note_counts()))\n\t\treturn false;\n\tif (!np_query_one(ctx, &note, note_by_id"),
    "a branch for another compiler": (
        NOTES_C, "static bool\nis_allowed", "#ifdef OTHER\nnp_arg(ctx, &none)\n#endif\nstatic bool\nis_allowed"),
    "a comment": (NOTES_C, "\tstruct np_rows *note;\n", "\tstruct np_rows *note; /* not np_arg(ctx, &title) */ // lost()\n"),
}


@pytest.mark.parametrize("right", RIGHT)
def test_nothing_is_said_of_what_may_be(tree, database, right):
    edit(tree, *RIGHT[right])
    if right == "a column that is left out":
        edit(tree, NOTES_C, '"/notes/{id}" }', '"/notes/{id}", .omit = NP_NAMES("secret") }')
    assert found(tree, database) == []


def test_a_reply_from_one_of_two_statements_is_compared_with_both(tree, database):
    edit(tree, NOTES_C, "if (!np_query_one(ctx, &note, note_by_id",
         "if (np_given(ctx, &id) ? !np_query_one(ctx, &note, note_counts()) : !np_query_one(ctx, &note, note_by_id")
    said = found(tree, database)
    assert [line for line in said if 'note_counts returns "notes", which Note of GET /notes/{id} does not have' in line], said


def test_a_statement_through_a_function_and_a_variable_is_followed(tree, database):
    edit(tree, NOTES_C, "static bool\nshow_note(struct np_ctx *ctx)", """static bool
reply_one(struct np_ctx *ctx, struct np_call which)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, which) && np_reply_row(ctx, NP_STATUS_OK, row);
}

static bool
show_note(struct np_ctx *ctx)""")
    edit(tree, NOTES_C, "if (!np_query_one(ctx, &note, note_by_id(np_arg(ctx, &id))))\n\t\treturn false;",
         "struct np_call one = note_by_id(np_arg(ctx, &id));\n\tif (!reply_one(ctx, one))\n\t\treturn false;")
    edit(tree, NOTES_SQL, "SELECT id, title", "SELECT id, 1 AS one, title")
    assert [line.partition(":")[2] for line in found(tree, database)] == [
        '1: note_by_id returns "one", which Note of GET /notes/{id} does not have: add a member, or leave it out']


def test_arguments_in_another_order_than_their_parameters_are_told(tree, database):
    edit(tree, NOTES_SQL, "AND deleted_at IS NULL", "AND title = @title AND state::text = @state AND deleted_at IS NULL")
    edit(tree, NOTES_C, "by_id(np_arg(ctx, &id)", "by_id(np_arg(ctx, &id), np_arg(ctx, &note_state), np_arg(ctx, &title)")
    edit(tree, NOTES_C, "NP_PARAMS(&id), ONE_NOTE", "NP_PARAMS(&id, &note_state, &title), ONE_NOTE")
    assert [line.partition(": ")[2] for line in found(tree, database)] == [
        f'the argument "{one}" is given to {other} of note_by_id, which has a parameter {one}: the order is id, title, state'
        for one, other in (("state", "title"), ("title", "state"))]
    edit(tree, NOTES_C, "np_arg(ctx, &note_state), np_arg(ctx, &title)", "np_arg(ctx, &title), np_arg(ctx, &note_state)")
    assert found(tree, database) == []


def test_a_column_that_a_migration_takes_away_is_told(tree, examples):
    said = found_after(tree, examples, "ALTER TABLE notes RENAME pages TO sheets", "ALTER TABLE notes RENAME sheets TO pages")
    assert [line.partition(" (hint")[0] for line in said] == [
        f'handlers/notes.sql:{line}: column "pages" does not exist' for line in (3, 9, 12, 17)]


def test_a_shared_file_serves_two_programs_and_its_names_are_theirs(tree, database):
    counts = "-- name: note_counts :one\nSELECT count(*) AS notes, max(due) AS last_due FROM notes;\n"
    edit(tree, NOTES_SQL, counts, "")
    (tree / "handlers" / "shared.sql").write_text(counts)
    edit(tree, NOTES_C, '#include "note.h"', '#include "note.h"\n#include "shared.sql.h"')
    (tree / "handlers" / "other.c").write_text('#include "shared.sql.h"\nint main(void) { return 0; }\n')
    assert str(check(tree, "handlers", database)) == "check: 6 statements, 2 programs: ok"
    (tree / "handlers" / "other.sql").write_text("-- name: other :exec\nSELECT 1;\n-- name: note_counts :one\nSELECT 1;\n")
    assert found(tree, database) == ["handlers/other.sql:1: no program includes other.sql.h"]
    (tree / "handlers" / "other.c").write_text('#include "shared.sql.h"\n#include "other.sql.h"\n'
                                               "struct np_call a = other(), b = note_counts();\n")
    assert found(tree, database) == [
        "handlers/other.sql:3: handlers/shared.sql:1 has the name note_counts too, and handlers/other.c includes both files"]


def test_a_statement_that_cannot_store_its_row_is_told(tree, examples):
    said = found_after(tree, examples, "ALTER TABLE idempotency_keys RENAME TO k", "ALTER TABLE k RENAME TO idempotency_keys")
    assert 'handlers/notes.sql:7: new_note cannot store its row for a repeat: relation "idempotency_keys" does not exist' in said


HELPER = {
    "handlers/lib/tag.h": """\
#include <nullpool.h>

extern const struct np_param tag;
extern const struct np_schema tag_schema;
bool reply_tag(struct np_ctx *ctx);
""",
    "handlers/lib/tag.sql": "-- name: tag_count :one\nSELECT @tag::text AS tag, count(*) AS id FROM notes WHERE @tag = ANY (tags);\n",
    "handlers/lib/tag.c": """\
#include "tag.h"

#include "tag.sql.h"
#include "notes.sql.h"

const struct np_param tag = { .name = "tag", .in = NP_IN_QUERY, .type = NP_TYPE_STRING, .max = 20 };
static const struct np_param id = { .name = "id", .type = NP_TYPE_INT };
const struct np_schema tag_schema = { .name = "Tag", .members = NP_PARAMS(&tag, &id) };

bool
reply_tag(struct np_ctx *ctx)
{
	struct np_rows *row, *counts;

	return np_query_one(ctx, &row, tag_count(np_arg(ctx, &tag))) && np_query_one(ctx, &counts, note_counts());
}
""",
    "handlers/tags.c": """\
#include "lib/tag.h"

#include "lib/tag.sql.h"

static const struct np_param id = { .name = "id", .in = NP_IN_QUERY, .type = NP_TYPE_UUID };

static bool
show_tag(struct np_ctx *ctx)
{
	struct np_rows *row;

	return np_query_one(ctx, &row, tag_count(np_arg(ctx, &tag))) && np_reply_row(ctx, NP_STATUS_OK, row);
}

static const struct np_route routes[] = {
	{ .method = "GET", .path = "/tags", .handle = show_tag, .tx = NP_TX_READ, .params = NP_PARAMS(&tag), .returns = &tag_schema },
};
""",
}


@pytest.fixture
def shared(tree):
    (tree / "handlers" / "lib").mkdir()
    for name, text in HELPER.items():
        (tree / name).write_text(text)
    return tree


def test_helpers_are_no_programs_and_their_statements_are_checked(shared, database):
    assert str(check(shared, "handlers", database)) == "check: 7 statements, 2 programs: ok"


@pytest.mark.parametrize("name, old, new, told", [
    ("handlers/lib/tag.sql", "FROM notes", "FROM nots", 'handlers/lib/tag.sql:2: relation "nots" does not exist'),
    ("handlers/lib/tag.sql", "AS id", "AS number", 'handlers/lib/tag.sql:1: tag_count returns "number", which Tag of GET /tags'),
    ("handlers/lib/tag.sql", "tag_count", "tags_counted", "handlers/lib/tag.sql:1: no program calls tags_counted: remove it"),
    ("handlers/lib/tag.c", '.name = "id", .type = NP_TYPE_INT', '.name = "id", .type = NP_TYPE_UUID', '"id" of Tag is NP_TYPE_UUID'),
    ("handlers/lib/tag.c", ".type = NP_TYPE_STRING", ".type = NP_TYPE_INT", '"tag" of Tag is NP_TYPE_INT, and text in tag_count'),
    ("handlers/lib/tag.c", "tag_count(np_arg(ctx, &tag))", "tag_count()", "tag_count takes 1 value, and 0 are given"),
    ("handlers/tags.c", "NP_PARAMS(&tag)", "NP_PARAMS()", 'np_arg() asks for "tag", which GET /tags does not have'),
], ids=["a table", "a column", "an unused one", "a member", "a type", "a value", "a parameter"])
def test_a_mistake_in_or_about_a_helper_is_told(shared, database, name, old, new, told):
    edit(shared, name, old, new)
    assert any(told in words for words in found(shared, database)), found(shared, database)


def test_helpers_may_include_each_other(shared, database):
    includes = "".join(f'#include "more{number}.h"\n' for number in range(8))
    for number in range(8):
        (shared / f"handlers/lib/more{number}.h").write_text('#include "tag.h"\n#include "more.h"\n')
        (shared / f"handlers/lib/more{number}.c").write_text('#include "more.h"\n')
    (shared / "handlers/lib/more.h").write_text(f'#include "tag.h"\n{includes}')
    edit(shared, "handlers/lib/tag.c", '#include "tag.h"', '#include "tag.h"\n#include "more.h"')
    edit(shared, "handlers/tags.c", '"lib/tag.h"', '"lib/more.h"')
    assert found(shared, database) == []


def test_the_statements_are_described_and_not_run(tree, database, examples):
    edit(tree, NOTES_SQL, "INSERT INTO notes", "INSERT INTO public.notes")
    assert found(tree, database) == []
    assert run(examples, "SELECT count(*) FROM notes") == [(0,)]


def run_check(site, *options, **settings):
    return subprocess.run(["/usr/bin/python3", "-B", "-m", "env.sql.check", *options], cwd=ROOT, env=site.environment(**settings),
                          capture_output=True, text=True, timeout=60, check=False)


def test_the_programs_of_the_tree_are_right(site):
    done = run_check(site)
    programs = len(list(ROOT.glob("handlers/*.c")))
    assert done.returncode == 0 and re.fullmatch(rf"check: \d+ statements, {programs} programs: ok\n", done.stdout), done
    done = run_check(site, "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_database_that_cannot_be_reached_is_no_fault_of_a_statement(site):
    done = run_check(site, DATABASE_URL=site.url(password="wrong"))
    assert done.returncode == 69 and "password authentication failed" in done.stderr and "Traceback" not in done.stderr, done


@pytest.mark.long
def test_without_make_run_it_starts_a_server_of_its_own_and_ends_it(site):
    copy = Copy(site.folder("checked"))
    environment = {name: value for name, value in os.environ.items() if name != "MAKEFLAGS"}

    def make():
        return subprocess.run(["make", "-s", "check", VARIANT], cwd=copy.folder, env=environment, capture_output=True, text=True,
                              timeout=300, check=False)

    done = make()
    assert done.returncode == 0 and done.stdout.endswith("programs: ok\n"), done
    assert "a Postgres is started for this" in done.stderr
    (copy.folder / "handlers" / "lost.sql").write_text("-- name: lost :one\nSELECT lost;\n")
    done = make()
    assert done.returncode != 0, done
    assert "handlers/lost.sql:1: no program includes lost.sql.h\n" in done.stderr
    assert 'handlers/lost.sql:2: column "lost" does not exist\n' in done.stderr
    assert "programs: 2 faults\n" in done.stderr
    assert copy.processes() == []
