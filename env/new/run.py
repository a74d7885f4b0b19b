"""make new NAME=notes: a handler, a migration and a system test, to start from; nothing else is touched.

The files beside this one are what is written, with "notes" and "note" replaced by the name and its singular. A name
that cannot become a program, a URL and a table is refused before anything is written.
"""
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory

ROOT = Path(__file__).resolve().parents[2]
VERSIONS = ROOT / "migrations" / "versions"

# A program, its socket and URL (nginx/http.conf: a dash would do there), an SQL and a C name. The socket's whole path
# has 107 bytes, of which env/local/stack.py leaves 32 to the name.
NAME = re.compile(r"[a-z][a-z0-9_]{0,23}")

# Names of the service's own: what / is called, and what is or will be served there.
SERVED = {"docs", "health", "metrics", "openapi", "redoc", "root"}

# Postgres' keywords that cannot name a table without quotes (tests/system/test_new.py asks Postgres).
KEYWORDS = set("""
all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation column
concurrently constraint create cross current_catalog current_date current_role current_schema current_time
current_timestamp current_user default deferrable desc distinct do else end except false fetch for foreign freeze from
full grant group having ilike in initially inner intersect into is isnull join lateral leading left like limit localtime
localtimestamp natural not notnull null offset on only or order outer overlaps placing primary references returning
right select session_user similar some symmetric system_user table tablesample then to trailing true union unique user
using variadic verbose when where window with
""".split())


def tables():
    """{table: the revision that makes it}"""
    made = {"alembic_version": "Alembic"}
    for path in sorted(VERSIONS.glob("*.py")):
        for name in re.findall(r"CREATE TABLE (?:IF NOT EXISTS )?(\w+)", path.read_text(encoding="utf-8")):
            made[name] = path.name
    return made


def fault(name):
    """Why a name cannot be had; None when it can."""
    if not NAME.fullmatch(name):
        return "up to 24 lower-case letters, digits and underscores, a letter first"
    if name in KEYWORDS:
        return "SQL has that word for itself"
    if name in SERVED:
        return f"/{name} is the service's own" if name != "root" else "root is the program that answers /"
    if name.startswith("pg_"):
        return "what begins with pg_ is Postgres' own"
    if name in tables():
        return f"{tables()[name]} makes a table of that name"
    if (ROOT / "tests" / "system" / "handlers" / f"{name}.c").exists():
        return "the system tests have a program of that name"
    return None


def singular(name):
    """As it mostly is in English; it only names functions, and is said in messages."""
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("shes", "sh"),
                            ("ss", "ss"), ("us", "us"), ("is", "is"), ("s", "")):
        if name.endswith(ending) and len(name) > len(ending):
            return name[:-len(ending)] + instead
    return name


def revisions():
    """(the next number, the revision it follows)"""
    script = ScriptDirectory.from_config(Config(ROOT / "migrations" / "alembic.ini"))
    heads = script.get_heads()
    if len(heads) != 1:
        sys.exit(f"new: the migrations have {len(heads)} heads, merge them first: {', '.join(heads)}")
    numbers = [int(one.revision) for one in script.walk_revisions() if one.revision.isdigit()]
    return f"{max(numbers, default=0) + 1:04d}", heads[0]


def files(name):
    """{path: text}"""
    number, head = revisions()
    words = {"notes": name, "note": singular(name), "NEXT": number, "HEAD": head}
    words.update({word.capitalize(): words[word].capitalize().replace("_", " ") for word in ("notes", "note")})

    def text_of(template):
        text = (Path(__file__).parent / template).read_text(encoding="utf-8")
        return re.sub("notes?|Notes?|NEXT|HEAD", lambda found: words[found[0]], text)

    return {
        ROOT / "handlers" / f"{name}.c": text_of("handler.c"),
        VERSIONS / f"{number}_{name}.py": text_of("migration.py"),
        ROOT / "tests" / "system" / f"test_{name}.py": text_of("test.py"),
    }


def write(texts):
    """All or none."""
    written = []
    try:
        for path, text in texts.items():
            with open(path, "x", encoding="utf-8") as file:
                written.append(path)
                file.write(text)
    except OSError as error:
        for path in written:
            path.unlink()
        sys.exit(f"new: could not write {path.relative_to(ROOT)}: {error.strerror}")


def lay_out(path):
    """A longer name makes longer lines; `make lint` has the tool, which nobody else needs."""
    if shutil.which("clang-format"):
        subprocess.run(["clang-format", "-i", path], check=True)


def main():
    name = os.environ.get("NAME", "")
    if not name:
        sys.exit("new: which endpoint? make new NAME=notes")
    texts = files(name) if NAME.fullmatch(name) else {}
    for path in texts:
        if path.exists():
            sys.exit(f"new: {path.relative_to(ROOT)} is there already")
    why = fault(name)
    if why:
        sys.exit(f'new: "{name}" cannot be an endpoint: {why}')
    write(texts)
    lay_out(ROOT / "handlers" / f"{name}.c")
    for path in texts:
        print(f"new: {path.relative_to(ROOT)}")
    print(f"new: make run serves it at /{name}, and make system ARGS='-k {name}' tests it")


main()
