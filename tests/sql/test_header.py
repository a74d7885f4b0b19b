"""The header that nullpool-sql makes: a wrong number of values does not compile, and the compiler says of which statement."""
import re
import shutil
import subprocess

import pytest

from conftest import ROOT
from env.sql.header import header
from env.sql.statements import statements

WARNINGS = re.search(r"^WARNINGS := ((?:.*\\\n)*.*)", (ROOT / "Makefile").read_text(), re.M)[1].replace("\\\n", "").split()
COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)]

SQL = """\
-- name: note_by_id :one
-- One note, which was not */ deleted /* ever.
SELECT id, title FROM notes WHERE id = @id;

-- name: all_notes :many
SELECT * FROM notes;

-- name: changed_note :one
UPDATE notes SET title = $2 WHERE id = $1 RETURNING id;
"""

USE = """\
#include "notes.sql.h"
%s
struct np_call use(const char *text);

struct np_call
use(const char *text)
{
	struct np_value value = np_text(text);
	struct np_call calls[] = { %s };

	(void)value;
	return calls[0];
}
"""


def checked(compiler, folder, calls, before="", standard="c11"):
    """What the compiler says of a program with these calls; it fails if that is an error or a warning."""
    (folder / "notes.sql.h").write_text(header("handlers/notes.sql", statements(SQL)))
    (folder / "use.c").write_text(USE % (before, calls))
    return subprocess.run([compiler, f"-std={standard}", *WARNINGS, "-Werror", f"-I{ROOT / 'common'}", "-fsyntax-only", "use.c"],
                          cwd=folder, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"})


@pytest.fixture(params=COMPILERS)
def compiler(request):
    return request.param


@pytest.mark.parametrize("standard", ["c11", "gnu17", "c2x"])
def test_the_right_number_of_values_compiles_without_a_warning(compiler, tmp_path, standard):
    calls = ["note_by_id(value)", "note_by_id(np_text(text))", "all_notes()", "changed_note(value, value)",
             "note_by_id(((struct np_value){ .text = text, .is_list = true }))",
             "NP_CALL_ONE_OF(chosen[0], value, value)", "NP_CALL_WITHOUT_VALUES(chosen[1])"]
    done = checked(compiler, tmp_path, ", ".join(calls), "static const struct np_statement *const chosen[] = "
                   "{ NP_STATEMENT(changed_note), NP_STATEMENT(all_notes) };", standard)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("call, name", [
    ("note_by_id()", "note_by_id"),
    ("note_by_id(value, value)", "note_by_id"),
    ("all_notes(value)", "all_notes"),
    ("changed_note(value)", "changed_note"),
    ("changed_note(value, value, value)", "changed_note"),
    ("changed_note(value, )", "changed_note"),
    ("changed_note(, value)", "changed_note"),
    # Not a struct np_value.
    ("note_by_id(text)", "note_by_id"),
    ('note_by_id("5")', "note_by_id"),
    ("note_by_id(5)", "note_by_id"),
    ("changed_note(value, &value)", "changed_note"),
])
def test_another_call_does_not_compile_and_the_statement_is_named(compiler, tmp_path, call, name):
    done = checked(compiler, tmp_path, call)
    assert done.returncode == 1 and " error: " in done.stderr
    assert re.search(r"use\.c:9:\d+: (error|note): ", done.stderr), done.stderr
    assert re.search(rf" macro ['\"]{name}['\"]", done.stderr), done.stderr


def test_the_compiler_shows_where_the_statement_is(compiler, tmp_path):
    done = checked(compiler, tmp_path, "changed_note(value)")
    assert re.search(r"^handlers/notes\.sql:8:.* note: macro ['\"]changed_note['\"] defined here$", done.stderr,
                     re.M), done.stderr


def test_a_name_that_is_taken_is_told_with_its_line(compiler, tmp_path):
    (tmp_path / "other.sql.h").write_text(header("handlers/other.sql", statements("\n-- name: note_by_id :one\nSELECT 1;")))
    done = checked(compiler, tmp_path, "note_by_id(value)", '#include "other.sql.h"')
    assert done.returncode == 1
    assert re.search(r"handlers/other\.sql:2:2: error: (#error )?note_by_id is already the name of a statement or a macro",
                     done.stderr), done.stderr


def test_a_header_may_be_included_twice_and_unused(compiler, tmp_path):
    done = checked(compiler, tmp_path, "NP_CALL_WITHOUT_VALUES(NP_STATEMENT(all_notes))", '#include "notes.sql.h"')
    assert (done.returncode, done.stderr) == (0, "")


TEXTS = [
    "SELECT 'a\\b', \"c\"\"d\", E'\\n', '\t\x01\x7f'",
    "SELECT 'two\nlines\r\n'",
    "SELECT j ?| k, '??(', '??/', '???/'",
    "SELECT 'größe \U0001f600 \u202e', '%s', '\u00a0'",
    "SELECT '\x018', '\x01f'",
    "SELECT '" + "a b " * 60 + "x" * 300 + " \n ' AS a",
    "SELECT '" + "long " * 2000 + "'",
    "SELECT '" + "?" * 5000 + "'",
]


def test_the_program_has_the_texts_of_the_file(compiler, tmp_path):
    sql = "".join(f"-- name: t{i} :one\n{text};\n" for i, text in enumerate(TEXTS))
    sql += '-- name: columns :many\nSELECT id, 1 AS "Größe", 2 AS "?" FROM t;'
    shown = ", ".join([*(f"np_sql_t{i}.sql" for i in range(len(TEXTS))), "np_sql_columns.columns", "np_sql_t1.name",
                       "np_sql_t1.file"])
    (tmp_path / "it.sql.h").write_text(header('a "b"/it.sql', statements(sql)))
    (tmp_path / "it.c").write_text('#include <stdio.h>\n#include <string.h>\n#include "it.sql.h"\nint\nmain(void)\n{\n'
                                   f"\tconst char *texts[] = {{ {shown} }};\n"
                                   "\tfor (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)\n"
                                   "\t\tfwrite(texts[i], 1, strlen(texts[i]) + 1, stdout);\n\treturn 0;\n}\n")
    done = subprocess.run([compiler, "-std=c11", *WARNINGS, "-Werror", f"-I{ROOT / 'common'}", "it.c", "-o", "it"], cwd=tmp_path,
                          capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    said = subprocess.run([tmp_path / "it"], capture_output=True, check=True).stdout.decode()
    assert said.split("\0")[:-1] == [*TEXTS, "id,Größe,?", "t1", 'a "b"/it.sql']


def test_a_header_shows_each_member(tmp_path):
    text = header("handlers/notes.sql", statements(SQL))
    assert "/* handlers/notes.sql:1: One note, which was not * / deleted / * ever. */" in text
    for members in [
        ('"note_by_id"', '"SELECT id, title FROM notes WHERE id = $1"', "NP_KIND_ONE", "1", '"handlers/notes.sql"', "1",
         '"id,title"'),
        ('"all_notes"', '"SELECT * FROM notes"', "NP_KIND_MANY", "0", '"handlers/notes.sql"', "5", "NULL", "false", "NULL", "NULL"),
    ]:
        names = ("name", "sql", "kind", "params", "file", "line", "columns", "inserts_one", "exact", "keep")
        assert "".join(f"\t.{name} = {value},\n" for name, value in zip(names, members)) in text
    assert '\t.keep = "WITH np_work AS (UPDATE notes SET title = $2 WHERE id = $1 RETURNING id), ' in text
