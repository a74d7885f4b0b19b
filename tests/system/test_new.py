"""make new: it writes three files, and the new endpoint builds, migrates, passes its tests and answers."""
import os
import re
import shutil
import subprocess

import pytest

from conftest import ROOT, VARIANT
from copy_of_tree import Copy

pytestmark = pytest.mark.long


# None is notes, the README's example: these tests must also pass in a tree that has it. The second without its s is a
# keyword of C, and the last has the maximum length.
NAMES = ["proof_sheets", "cases", "an_endpoint_of_24_letter"]


def make(copy, *arguments):
    return subprocess.run(["make", "-s", *arguments], cwd=copy.folder, capture_output=True, text=True, timeout=300,
                          env={name: value for name, value in os.environ.items() if name != "MAKEFLAGS"})


def listing(copy):
    return {str(path.relative_to(copy.folder)) for part in ("handlers", "migrations", "tests", "env", "nginx", "common")
            for path in (copy.folder / part).rglob("*") if path.is_file() and "__pycache__" not in str(path)}


@pytest.fixture(scope="module")
def copy(site):
    return Copy(site.folder("tree"))


@pytest.fixture(scope="module")
def made(copy):
    """{name: (output, new files)} of the endpoints, which are made one after the other."""
    came = {}
    for name in NAMES:
        before = listing(copy)
        done = make(copy, "new", f"NAME={name}")
        assert done.returncode == 0, done.stderr
        came[name] = done.stdout, listing(copy) - before
    return came


def test_it_writes_four_files_and_nothing_else(made):
    head = int(max(path.name for path in (ROOT / "migrations" / "versions").glob("*.py"))[:4])
    for number, name in enumerate(NAMES, head + 1):
        said, files = made[name]
        assert files == {f"handlers/{name}.c", f"handlers/{name}.sql", f"migrations/versions/{number:04d}_{name}.py", f"tests/system/test_{name}.py"}
        assert all(file in said for file in files)


def test_the_readme_shows_what_it_writes():
    readme = (ROOT / "README.md").read_text()
    written = (ROOT / "env" / "new" / "handler.c.in").read_text().replace("NAME", "notes").replace("SCHEMA", "Notes")
    blocks = re.findall(r"```c\n(.*?)```", readme, re.S)
    assert len(blocks) == 3
    for block in blocks:
        assert re.sub(r"\s+", " ", block).strip() in re.sub(r"\s+", " ", written)
    statement, = re.findall(r"```sql\n(.*?)```", readme, re.S)
    assert statement in (ROOT / "env" / "new" / "statements.sql.in").read_text().replace("NAME", "notes")


def test_it_compiles_without_a_warning_and_is_formatted(copy, made):
    flags = subprocess.run(["pkg-config", "--cflags", "libpq"], capture_output=True, text=True, check=True).stdout.split()
    for name in NAMES:
        assert make(copy, VARIANT, f"{copy.build}/sql/handlers/{name}.sql.h").returncode == 0
        for compiler in filter(shutil.which, ("gcc", "clang")):
            subprocess.run([compiler, "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror",
                            "-Wno-missing-field-initializers", "-Icommon", f"-I{copy.build}/sql/handlers", *flags, "-fsyntax-only",
                            f"handlers/{name}.c"],
                           cwd=copy.folder, check=True)
        if shutil.which("clang-format"):
            subprocess.run(["clang-format", "--dry-run", "--Werror", f"handlers/{name}.c"], cwd=copy.folder, check=True)


def test_they_answer_under_make_run(copy, made):
    with copy.running():
        for name in NAMES:
            row = copy.client.post(f"/{name}", {"title": "first"})
            assert row.status == 201
            assert copy.client.get(row.headers["location"]).json() == row.json()
            assert f"/{name}" in copy.client.get("/openapi.json").json()["paths"]


def test_their_tests_and_those_of_the_schema_pass(copy, made):
    assert make(copy, "programs", VARIANT).returncode == 0
    done = subprocess.run(["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/system/test_statements.py",
                           "tests/system/test_migrations.py", "-k", "not make_wraps",
                           *(f"tests/system/test_{name}.py" for name in NAMES)],
                          cwd=copy.folder, capture_output=True, text=True, timeout=300, check=False,
                          env={**os.environ, "NULLPOOL_BUILD": str(copy.build)})
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name, why", [
    ("", "NAME must have"), ("Notes", "NAME must have"), ("my-notes", "NAME must have"), ("1st", "NAME must have"), ("../x", "NAME must have"),
    ("x" * 25, "NAME must have"), ("it's", "NAME must have"), ("a b", "NAME must have"), ("order", "reserved"), ("int", "reserved"), ("docs", "reserved"), ("users", "already exists"),
    ("credentials", "a table credentials already"), ("problem", "a schema Problem already"), ("quiz_response", "a schema QuizResponse already"), ("cases", "already exists"),
    ("pg_class", "reserved"), ("alembic_version", "reserved"), ("probe", "have a program"), ("http", "test_http.py already exists"),
])
def test_an_invalid_name_is_refused_and_nothing_is_written(copy, made, name, why):
    before = listing(copy)
    done = make(copy, "new", f"NAME={name}")
    assert done.returncode != 0 and why in done.stderr and "Traceback" not in done.stderr, done.stderr
    assert listing(copy) == before


def test_it_knows_every_keyword_that_cannot_name_a_table(site):
    listed = re.search(r'RESERVED = set\("""(.*?)"""', (ROOT / "env/new/new.py").read_text(), re.S)[1].split()
    reserved = site.query("SELECT word FROM pg_get_keywords() WHERE catcode IN ('R', 'T')")
    assert {word for (word,) in reserved} <= set(listed)
