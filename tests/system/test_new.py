"""make new: three files, and an endpoint that builds, migrates, passes and answers."""
import os
import re
import subprocess

import pytest

from conftest import BUILD, ROOT
from copy_of_tree import Copy


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
    before = listing(copy)
    done = make(copy, "new", "NAME=notes")
    assert done.returncode == 0, done.stderr
    return done.stdout, listing(copy) - before


def test_it_writes_three_files_and_nothing_else(made):
    said, files = made
    revision = max(path.name for path in (ROOT / "migrations" / "versions").glob("*.py"))[:4]
    assert files == {"handlers/notes.c", f"migrations/versions/{int(revision) + 1:04d}_notes.py", "tests/system/test_notes.py"}
    assert all(name in said for name in files)


def test_the_readme_shows_what_it_writes(copy, made):
    readme = (ROOT / "README.md").read_text()
    written = re.sub(r"\s+", " ", (copy.folder / "handlers" / "notes.c").read_text())
    blocks = re.findall(r"```c\n(.*?)```", readme, re.S)
    assert len(blocks) == 2
    for block in blocks:
        assert re.sub(r"\s+", " ", block).strip() in written


def test_it_compiles_without_a_warning_and_is_laid_out(copy, made):
    flags = subprocess.run(["pkg-config", "--cflags", "libpq"], capture_output=True, text=True).stdout.split()
    for compiler in ("gcc", "clang"):
        if subprocess.run(["which", compiler], capture_output=True).returncode == 0:
            subprocess.run([compiler, "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror",
                            "-Wno-missing-field-initializers", "-Icommon", *flags, "-fsyntax-only", "handlers/notes.c"],
                           cwd=copy.folder, check=True)


def test_it_answers_under_make_run(copy, made):
    with copy.running():
        note = copy.client.post("/notes", {"title": "first"})
        assert note.status == 201
        assert copy.client.get(note.headers["location"]).json() == note.json()
        assert "/notes" in copy.client.get("/openapi.json").json()["paths"]


def test_its_own_test_passes(copy, made):
    variant = ["VARIANT=asan"] if BUILD.name == "asan" else []
    assert make(copy, "programs", *variant).returncode == 0
    done = subprocess.run(["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/system/test_notes.py"],
                          cwd=copy.folder, capture_output=True, text=True, timeout=120,
                          env={**os.environ, "NULLPOOL_BUILD": str(copy.build)})
    assert done.returncode == 0 and "3 passed" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("name, why", [
    ("", "give a name"), ("Notes", "give a name"), ("my-notes", "give a name"), ("1st", "give a name"), ("../x", "give a name"),
    ("x" * 41, "give a name"), ("order", "reserved"), ("int", "reserved"), ("docs", "reserved"), ("users", "there already"),
    ("credentials", "a table credentials already"), ("notes", "there already"),
])
def test_a_name_that_cannot_be_is_refused_and_nothing_written(copy, made, name, why):
    before = listing(copy)
    done = make(copy, "new", f"NAME={name}")
    assert done.returncode != 0 and why in done.stderr, done.stderr
    assert listing(copy) == before
