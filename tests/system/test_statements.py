"""Every statement of the tree is understood by the real schema, and has the parameters and columns that its header says."""
import os
import re
import shlex
import shutil
import subprocess

import pytest
from psycopg import pq

from conftest import ROOT
from env.sql.statements import statements

HANDLERS = sorted(ROOT.glob("handlers/**/*.sql"))
LIBRARY = sorted(ROOT.glob("common/*/*.c"))
CONSTANT = re.compile(r'(?:const char (\w+)\[\] =|(\w+) = {\s*\.sql =)\s*((?:"(?:[^"\\]|\\.)*"\s*)+)')
SQL = re.compile(r'"(?:SELECT|INSERT|UPDATE|DELETE|WITH|MERGE)\b|_SQL\b')  # of a file that may have one
STATEMENT = re.compile(r"(?:SELECT|INSERT|UPDATE|DELETE|WITH|MERGE)\b")


def constants(path):
    """{name: text} of the library's own statements, after the preprocessor: some are put together from macros."""
    flags = shlex.split(subprocess.run(["pkg-config", "--cflags", "libpq"], capture_output=True, text=True, check=True).stdout)
    text = subprocess.run([*shlex.split(os.environ.get("CC", "cc")), "-E", "-P", "-D_GNU_SOURCE", f"-I{ROOT / 'common'}", *flags, path],
                          capture_output=True, text=True, check=True).stdout
    return {array or member: "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', pieces)).replace('\\"', '"').replace("\\n", "\n")
            for array, member, pieces in CONSTANT.findall(text)}


class Server:
    """Says what a statement takes and returns, and does not run it."""

    def __init__(self, url):
        self.link = pq.PGconn.connect(url.encode())

    def described(self, text, what=None):
        """(number of parameters, names of the columns)"""
        made = self.link.prepare(b"", text.encode())
        assert made.status == pq.ExecStatus.COMMAND_OK, f"{what or text}: {made.error_message.decode()}"
        told = self.link.describe_prepared(b"")
        return told.nparams, [told.fname(i).decode() for i in range(told.nfields)]


@pytest.fixture(scope="module")
def server(site):
    server = Server(site.url())
    yield server
    server.link.finish()


def test_each_statement_of_the_library_is_understood_by_the_schema_for_the_runtime_role(server):
    found = {(path.name, name): text for path in LIBRARY if SQL.search(path.read_text())
             for name, text in constants(path).items() if STATEMENT.match(text)}
    assert {"preamble.c", "health.c", "idempotency.c"} <= {file for file, _ in found}
    for key, text in found.items():
        server.described(text, key)


@pytest.mark.parametrize("path", HANDLERS, ids=lambda path: path.name)
def test_each_statement_of_a_handler_is_understood_and_has_the_parameters_and_columns_of_its_header(server, path):
    found = statements(path.read_text())
    assert found
    for statement in found:
        where = f"{path.name}:{statement.line}"
        params, columns = server.described(statement.text, where)
        assert params == len(statement.params), where
        assert statement.columns in (columns, None) or statement.kind == "exec", where
        if statement.exact:
            assert server.described(statement.exact, where) == (params + 1, columns), where
        if statement.keep:
            assert server.described(statement.keep, where) == (params + 4, columns), where


@pytest.mark.parametrize("items", [
    'id, u.email, id AS "Some id", id "Other id", id other', "ID, Email AS Address", "count(*), max(id::text), now() AS at",
    "pg_catalog.lower(email), coalesce(email, name), nullif(email, name), greatest(1, 2), least(1, 2)",
    "current_date, current_user, session_user, localtimestamp, current_timestamp(3)",
    "id::text, lower(email)::varchar(5), created_at::date, coalesce(email, '')::bytea, string_to_array(email, ',')::text[]",
    "substring(email from 1 for 2), position('a' in email), overlay(email placing 'a' from 1)",
    "row_number() OVER () AS n, email IS DISTINCT FROM name AS differs, 1 AS from", "xmlforest(1 AS a)::text",
    "percentile_cont(0.5) WITHIN GROUP (ORDER BY length(email)) AS middle, array_agg(id) FILTER (WHERE true) AS ids",
    "(SELECT 1) AS one, ARRAY[1] AS two",
])
def test_the_names_of_columns_that_a_text_shows_are_those_of_postgres(server, items):
    statement, = statements(f"-- name: one :many\nSELECT {items} FROM users u{' GROUP BY u.id' if 'id' in items else ''};")
    assert statement.columns == server.described(statement.text)[1]


def test_no_handler_has_sql_of_its_own():
    for path in ROOT.glob("handlers/**/*.[ch]"):
        assert not re.search(r'"\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM|WITH|MERGE INTO)\s', path.read_text()), path.name


@pytest.mark.skipif(not shutil.which("psql"), reason="there is no psql")
def test_psql_runs_a_file_whose_statements_have_no_parameters(site, tmp_path):
    file = tmp_path / "several.sql"
    file.write_text("""\
-- About the file.

-- name: one_row :one
-- Has a comment; and a quote's.
SELECT 'it''s; @none' AS text, $$ -- $$ AS dollars, '{1,2}'::int[] @> '{1}' AS holds;

-- name: several_rows :many
SELECT i /* of : many */ FROM generate_series(1, 2) AS i;

-- name: effect :exec
SET timezone = 'UTC';
""")
    assert [made.params for made in statements(file.read_text())] == [[], [], []]
    done = subprocess.run(["psql", "-XAt", "-v", "ON_ERROR_STOP=1", site.url(), "-f", file], capture_output=True, text=True,
                          timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "it's; @none| -- |t\n1\n2\nSET\n", "")
