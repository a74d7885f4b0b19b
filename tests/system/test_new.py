"""`make new NAME=…`, in a copy of the tree: three files that build, migrate, pass their own test and answer."""
import os
import re
import shutil
import subprocess

import pytest

from conftest import BUILD, ROOT
from copy_of_tree import Copy

# One whose singular is a keyword of C, one of two words, one without a plural, the longest that there may be.
NAMES = ["cases", "line_items", "media", "an_endpoint_of_24_letter"]

VARIANT = ["VARIANT=asan"] if BUILD.name == "asan" else []


def make(folder, *arguments):
    environment = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "NAME")}
    return subprocess.run(["make", "-s", *VARIANT, *arguments], cwd=folder, capture_output=True, text=True, timeout=300,
                          check=False, env=environment)


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for top in ("handlers", "migrations", "tests", "env", "nginx")
            for path in (folder / top).rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def copy(site):
    return Copy(site.folder("new"))


@pytest.fixture(scope="module")
def made(copy):
    """{name: the files that came}, one endpoint after the other."""
    came = {}
    for name in NAMES:
        before = files(copy.folder)
        done = make(copy.folder, "new", f"NAME={name}")
        assert done.returncode == 0, done.stderr
        after = files(copy.folder)
        assert before.items() <= after.items()
        came[name] = sorted(after.keys() - before.keys())
    done = make(copy.folder, "WERROR=-Werror", "all")
    assert (done.returncode, done.stderr) == (0, "")
    return came


def test_it_writes_three_files_and_nothing_else(made):
    first = max(int(path.name[:4]) for path in (ROOT / "migrations" / "versions").glob("[0-9]*.py")) + 1
    for number, name in enumerate(NAMES, first):
        assert made[name] == [f"handlers/{name}.c", f"migrations/versions/{number:04d}_{name}.py",
                              f"tests/system/test_{name}.py"]


def test_what_the_readme_shows_of_it_is_in_it():
    readme = (ROOT / "README.md").read_text()
    shown = re.findall(r"^```c\n(.*?)^```$", readme, re.S | re.M)
    handler = (ROOT / "env" / "new" / "handler.c").read_text()
    assert shown and all(text in handler for text in shown)


def test_each_migration_follows_the_one_before(copy, made):
    for before, after in zip(NAMES, NAMES[1:]):
        number = made[before][1].split("/")[2][:4]
        assert f'\ndown_revision = "{number}"\n' in (copy.folder / made[after][1]).read_text()


def test_the_programs_are_laid_out_as_the_others(copy, made):
    if not shutil.which("clang-format"):
        pytest.skip("there is no clang-format")
    subprocess.run(["clang-format", "--dry-run", "--Werror", *(made[name][0] for name in NAMES)], cwd=copy.folder,
                   check=True)


def test_the_tests_that_came_with_them_pass(copy, made):
    done = subprocess.run(["/usr/bin/python3", "-m", "pytest", "-p", "no:cacheprovider", "-q", "-n0",
                           *(made[name][2] for name in NAMES), "tests/system/test_statements.py"],
                          cwd=copy.folder, env={**os.environ, "NULLPOOL_BUILD": str(copy.build)}, capture_output=True,
                          text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout
    assert re.search(r"^\d\d+ passed", done.stdout.splitlines()[-1]), done.stdout


def test_make_run_serves_them(copy, made):
    with copy.running():
        for name in made:
            row = copy.client.post(f"/{name}", {"title": "First"})
            assert row.status == 201, row
            assert copy.client.get(f"/{name}").json() == {"items": [row.json()], "next": None}


@pytest.mark.parametrize("name, reason", [
    ("", "which endpoint"), ("Notes", "lower-case"), ("no-dash", "lower-case"), ("2nd", "lower-case"),
    ("a_name_of_25_letters_long", "lower-case"), ("it's", "lower-case"), ("../up", "lower-case"), ("a b", "lower-case"),
    ("order", "SQL"), ("user", "SQL"), ("docs", "service's own"), ("metrics", "service's own"), ("openapi", "service's own"),
    ("redoc", "service's own"), ("root", "is there already"), ("users", "handlers/users.c is there already"),
    ("health", "is there already"), ("install", "tests/system/test_install.py is there already"),
    ("quiz_responses", "0003_quiz_responses.py makes a table"), ("pg_notes", "Postgres"), ("probe", "tests have a program"),
])
def test_a_name_that_cannot_be_is_refused_and_nothing_written(copy, name, reason):
    before = files(copy.folder)
    done = make(copy.folder, "new", f"NAME={name}")
    assert done.returncode != 0 and reason in done.stderr and "Traceback" not in done.stderr, done.stderr
    assert files(copy.folder) == before


def test_two_heads_of_migrations_are_a_sentence(copy, made):
    second = copy.folder / "migrations" / "versions" / "9999_second.py"
    second.write_text('revision, down_revision = "9999", "0003"\n')
    done = make(copy.folder, "new", "NAME=notes")
    second.unlink()
    assert done.returncode != 0 and "have 2 heads" in done.stderr
    assert not (copy.folder / "handlers" / "notes.c").exists()


def test_it_knows_every_keyword_that_cannot_name_a_table(site):
    listed = re.search(r'KEYWORDS = set\("""(.*?)"""', (ROOT / "env/new/run.py").read_text(), re.S)[1].split()
    reserved = site.query("SELECT word FROM pg_get_keywords() WHERE catcode IN ('R', 'T')")
    assert {word for (word,) in reserved} <= set(listed)
