"""Writes a new endpoint: handlers/NAME.c, its statements, its migration and its test, from the templates of this folder.

`make new NAME=notes FIELDS="title:string due:date?"` calls it with these in the environment.
"""
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory

from env.sql.statements import KEYWORDS

from . import fields

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = Path(__file__).resolve().parent

# A name must be valid for nginx, C and SQL alike. These are taken by URLs of this project.
TAKEN = {"alembic_version", "docs", "redoc", "openapi", "metrics", "root", "_problem"}
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
    for path in sorted((ROOT / "handlers").rglob("*.[ch]")):
        if re.search(rf'struct np_schema \w+ = {{\s*\.name = "{schema}"', path.read_text()):
            return f"{path.relative_to(ROOT)} has"
    return None


def field_words(name, all_fields):
    """What the templates have in place of the words for fields."""
    width = max(len(field.name) for field in all_fields)
    values = [(field.name, field.type.samples[1]) for field in all_fields]
    nulls = [(field.name, None) for field in all_fields if field.nullable]
    faults = [(field.name, field.type.wrong) for field in all_fields]
    return {
        "FIELD_PARAMS": "\n".join(field.param() for field in all_fields),
        "FIELD_ADDRESSES": ", ".join(f"&{field.id}" for field in all_fields),
        "FIELD_ARGS": ", ".join(field.arg() for field in all_fields),
        "CHANGED_ARGS": ", ".join(arg for field in all_fields for arg in field.changed_args()),
        "FIELD_NAMES": ", ".join(field.name for field in all_fields),
        "FIELD_PARAMETERS": ", ".join(f"@{field.id}" for field in all_fields),
        "FIELD_CHANGES": ",\n       ".join(field.changed() for field in all_fields),
        "ID_COLUMN": f"{'id'.ljust(width)} uuid PRIMARY KEY DEFAULT gen_random_uuid()",
        "FIELD_COLUMNS": ",\n            ".join(field.column(name, width) for field in all_fields),
        "FIELD_SAMPLES": ",\n    ".join(f"{python(field.name)}: {python(field.type.samples[0])}" for field in all_fields),
        "FIELD_VALUES": ",\n    ".join(map(python, values + nulls)),
        "FIELD_FAULTS": ",\n    ".join(map(python, faults)),
    }


def python(value):
    """The value as Python has it. None of the samples has a quote."""
    return repr(value).replace("'", '"')


def fill(template, words):
    return re.sub(rf"\b({'|'.join(words)})(?=\b|_)", lambda found: words[found[1]], (TEMPLATES / template).read_text())


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
    if name in TAKEN | fields.SQL_WORDS | KEYWORDS or name.startswith("pg_"):
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
    try:
        words |= field_words(name, fields.read(os.environ.get("FIELDS") or "title:string"))
    except fields.Wrong as wrong:
        fail(wrong)
    write({path: fill(template, words) for template, path in files.items()})
    for path in files.values():
        print(path.relative_to(ROOT))
    # The layout depends on the length of the name. Without the tool, `make lint` reports it.
    if shutil.which("clang-format"):
        subprocess.run(["clang-format", "-i", files["handler.c.in"]], check=True)
    print(f"make run serves it at /{name}; make system ARGS='-k test_{name}.py' tests it")


if __name__ == "__main__":
    main()
