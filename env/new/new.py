#!/usr/bin/python3
"""NAME=… new.py - writes a new endpoint: handlers/NAME.c, its statements, its migration and its test. `make new NAME=notes` calls it."""
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = Path(__file__).resolve().parent

# A name must be valid for nginx, C and SQL alike. These names are taken: the first ones by URLs of
# this project, the others by Postgres
# (https://www.postgresql.org/docs/current/sql-keywords-appendix.html) or C as reserved words.
RESERVED = set("""
    alembic_version docs redoc openapi metrics root _problem
    all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation column
    concurrently constraint create cross current_catalog current_date current_role current_schema current_time
    current_timestamp current_user default deferrable desc distinct do else end except false fetch for foreign freeze from full
    grant group having ilike in initially inner intersect into is isnull join lateral leading left like limit localtime
    localtimestamp natural not notnull null offset on only or order outer overlaps placing primary references returning right
    select session_user similar some symmetric system_user table tablesample then to trailing true union unique user using
    variadic verbose when where window with
    auto break char const continue double enum extern float goto if inline int long main register restrict return short signed
    sizeof static struct switch typedef unsigned void volatile while
""".split())


# The path of a socket is limited to 107 bytes, of which env/local/endpoint.py leaves 32 to the
# file's name.
NAME = re.compile(r"[a-z][a-z0-9_]{0,23}")


def fail(why):
    sys.exit(f"new: {why}")


def head():
    """Returns the latest revision."""
    ends = ScriptDirectory.from_config(Config(ROOT / "migrations" / "alembic.ini")).get_heads()
    if len(ends) != 1 or not ends[0].isdecimal():
        fail(f"the migrations do not have a single numbered head: {', '.join(sorted(ends))}")
    return ends[0]


def owner_of_name(name):
    """Returns who uses the name for a table or a program, outside handlers/; None if nobody does."""
    for path in sorted((ROOT / "migrations" / "versions").glob("*.py")):
        if re.search(rf"CREATE TABLE (?:IF NOT EXISTS )?{name}\b", path.read_text()):
            return f"migration {path.name} creates a table {name}"
    if (ROOT / "tests" / "system" / "handlers" / f"{name}.c").exists():
        return f"the system tests have a program {name}"
    return None


def owner_of_schema(schema):
    """Returns who uses the name of a schema in the OpenAPI document; None if nobody does."""
    if schema == "Problem":
        return "the document's errors have"
    for path in sorted((ROOT / "handlers").glob("*.[ch]")):
        if re.search(rf'struct np_schema \w+ = {{\s*\.name = "{schema}"', path.read_text()):
            return f"{path.relative_to(ROOT)} has"
    return None


def write(texts):
    """Writes all files or none."""
    written = []
    try:
        for path, text in texts.items():
            with open(path, "x", encoding="utf-8") as file:
                written.append(path)
                file.write(text)
    except OSError as error:
        for done in written:
            done.unlink()
        fail(f"could not write {path.relative_to(ROOT)}: {error.strerror}")


def main():
    name = os.environ.get("NAME", "")
    if not NAME.fullmatch(name):
        fail("NAME must have at most 24 lower-case letters, digits and _, as in: make new NAME=notes")
    if name in RESERVED or name.startswith("pg_"):
        fail(f"{name} is a reserved word or a URL that is taken")
    before = head()
    revision = f"{int(before) + 1:04d}"
    files = {
        "handler.c.in": ROOT / "handlers" / f"{name}.c",
        "statements.sql.in": ROOT / "handlers" / f"{name}.sql",
        "migration.py.in": ROOT / "migrations" / "versions" / f"{revision}_{name}.py",
        "test.py.in": ROOT / "tests" / "system" / f"test_{name}.py",
    }
    for path in files.values():
        if path.exists():
            fail(f"{path.relative_to(ROOT)} already exists")
    if why := owner_of_name(name):
        fail(f"{why} already")
    schema = "".join(part.capitalize() for part in name.split("_"))
    if why := owner_of_schema(schema):
        fail(f"{why} a schema {schema} already")
    words = {"NAME": name, "REVISION": revision, "BEFORE": before, "SCHEMA": schema}
    write({path: re.sub(r"\b(NAME|REVISION|BEFORE|SCHEMA)(?=\b|_)", lambda found: words[found[1]],
                        (TEMPLATES / template).read_text()) for template, path in files.items()})
    for path in files.values():
        print(path.relative_to(ROOT))
    # The layout depends on the length of the name. Without the tool, `make lint` reports it.
    if shutil.which("clang-format"):
        subprocess.run(["clang-format", "-i", files["handler.c.in"]], check=True)
    print(f"make run serves it at /{name}; make system ARGS='-k test_{name}.py' tests it")


main()
