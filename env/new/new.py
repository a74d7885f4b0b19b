#!/usr/bin/python3
"""NAME=… new.py - a new endpoint: handlers/NAME.c, its migration and its test, as a start. `make new NAME=notes` calls it."""
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

# What is a name for nginx, for C and for SQL alike. These have a meaning already: the first of this project's URLs, the others
# are reserved words of Postgres (https://www.postgresql.org/docs/current/sql-keywords-appendix.html) or of C.
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


# Its socket's whole path has 107 bytes, of which env/local/endpoint.py leaves 32 to the name.
NAME = re.compile(r"[a-z][a-z0-9_]{0,23}")


def fail(why):
    sys.exit(f"new: {why}")


def head():
    """The revision that no other one follows."""
    ends = ScriptDirectory.from_config(Config(ROOT / "migrations" / "alembic.ini")).get_heads()
    if len(ends) != 1 or not ends[0].isdecimal():
        fail(f"the migrations have no one numbered head: {', '.join(sorted(ends))}")
    return ends[0]


def taken(name):
    """Who has the name of a table or a program already, beside handlers/; None: nobody."""
    for path in sorted((ROOT / "migrations" / "versions").glob("*.py")):
        if re.search(rf"CREATE TABLE (?:IF NOT EXISTS )?{name}\b", path.read_text()):
            return f"migration {path.name} makes a table {name}"
    if (ROOT / "tests" / "system" / "handlers" / f"{name}.c").exists():
        return f"the system tests have a program {name}"
    return None


def schema_taken(schema):
    """Who has that name in the OpenAPI document; None: nobody."""
    if schema == "Problem":
        return "the document's errors have"
    for path in sorted((ROOT / "handlers").glob("*.[ch]")):
        if re.search(rf'struct np_schema \w+ = {{\s*"{schema}"', path.read_text()):
            return f"{path.relative_to(ROOT)} has"
    return None


def write(texts):
    """All or none."""
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
        fail("give a name of at most 24 small letters, digits and _, such as make new NAME=notes")
    if name in RESERVED or name.startswith("pg_"):
        fail(f"{name} is a reserved word, or an address that is taken")
    before = head()
    revision = f"{int(before) + 1:04d}"
    files = {
        "handler.c.in": ROOT / "handlers" / f"{name}.c",
        "migration.py.in": ROOT / "migrations" / "versions" / f"{revision}_{name}.py",
        "test.py.in": ROOT / "tests" / "system" / f"test_{name}.py",
    }
    for path in files.values():
        if path.exists():
            fail(f"{path.relative_to(ROOT)} is there already")
    if why := taken(name):
        fail(f"{why} already")
    schema = "".join(part.capitalize() for part in name.split("_"))
    if why := schema_taken(schema):
        fail(f"{why} a schema {schema} already")
    words = {"NAME": name, "REVISION": revision, "BEFORE": before, "SCHEMA": schema}
    write({path: re.sub(r"\b(NAME|REVISION|BEFORE|SCHEMA)(?=\b|_)", lambda found: words[found[1]],
                        (TEMPLATES / template).read_text()) for template, path in files.items()})
    for path in files.values():
        print(path.relative_to(ROOT))
    # Its layout depends on the length of the name; without the tool `make lint` will say so.
    if shutil.which("clang-format"):
        subprocess.run(["clang-format", "-i", files["handler.c.in"]], check=True)
    print(f"make run serves it at /{name}; make system ARGS='-k test_{name}.py' tests it")


main()
