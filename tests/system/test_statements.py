"""Every SQL constant of the tree is understood by the real schema, and handlers send nothing else."""
import os
import re
import shlex
import subprocess

import psycopg2
import pytest

from conftest import ROOT

SOURCES = sorted([*ROOT.glob("handlers/*.c"), *ROOT.glob("common/*/*.c")])
CONSTANT = re.compile(r'static const char (\w+)\[\] =\s*((?:"(?:[^"\\]|\\.)*"\s*)+);')
CHOICE = re.compile(r"static const char \*const (\w+)\[\] = \{(.*?)\};", re.S)
STATEMENT = re.compile(r"(?:SELECT|INSERT|UPDATE|DELETE|WITH|MERGE)\b")
CALL = re.compile(r"np_query(?:_one)?\((.*?)\)\s*(?:&&|;|\))", re.S)


def constants(path):
    """{name: text}, after the preprocessor: some are put together from macros."""
    flags = shlex.split(subprocess.run(["pkg-config", "--cflags", "libpq", "json-c"], capture_output=True, text=True,
                                       check=True).stdout)
    text = subprocess.run([os.environ.get("CC", "cc"), "-E", "-P", "-D_GNU_SOURCE", f"-I{ROOT / 'common'}", *flags, path],
                          capture_output=True, text=True, check=True).stdout
    found = {}
    for name, pieces in CONSTANT.findall(text):
        found[name] = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', pieces)).replace('\\"', '"').replace("\\n", "\n")
    return found


@pytest.fixture(scope="module")
def statements():
    return {(path.relative_to(ROOT).as_posix(), name): text for path in SOURCES
            for name, text in constants(path).items() if STATEMENT.match(text)}


def test_each_statement_is_understood_by_the_schema_for_the_runtime_role(statements, site):
    assert {"handlers/users.c", "common/db/preamble.c", "common/app/health.c"} <= {file for file, _ in statements}
    link = psycopg2.connect(site.url())
    with link.cursor() as cursor:
        for key, text in statements.items():
            if text.endswith("FROM np_work"):  # see db/wrap.h
                text = f"WITH np_work AS (SELECT 1 AS id) {text}"
            try:
                cursor.execute(f"PREPARE one AS {text}")
                cursor.execute("DEALLOCATE one")
            except psycopg2.Error as error:
                pytest.fail(f"{key}: {error}")
    link.close()


def test_handlers_send_their_constants_and_nothing_else(statements):
    calls = 0
    for path in [*ROOT.glob("handlers/*.c"), *ROOT.glob("common/app/health.c")]:
        known = {name for file, name in statements if file == path.relative_to(ROOT).as_posix()}
        text = path.read_text()
        # One of several constants is one too: pages[…].
        choices = {name for name, members in CHOICE.findall(text)
                   if {member.strip() for member in members.split(",")} <= known}
        for arguments in CALL.findall(text):
            sql = [part.strip() for part in arguments.split(",")][2]
            assert sql in known or sql.split("[")[0] in choices, f"{path.name}: {sql} is no constant"
            calls += 1
    assert calls >= 6
