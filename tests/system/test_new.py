"""make new: it writes four files, and the new endpoint builds, migrates, passes its tests and answers."""
import os
import re
import shutil
import subprocess

import pytest

from conftest import ROOT, VARIANT
from copy_of_tree import Copy
from env.new import fields
from env.new.new import field_words, fill

pytestmark = pytest.mark.long


# None is notes, the README's example: these tests must also pass in a tree that has it. The second without its s is a
# keyword of C, and the last has the maximum length. Of the fields, class is a word of C++, index and log are functions of C,
# and after and schema are names of the handler.
FIELDS = {
    "proof_sheets": "",
    "cases": "title:string body:text? done:bool due:date? class:int index:float? log:json at:datetime who:uuid? mail:email"
             " after:int? schema:json?",
    "an_endpoint_of_24_letter": " ".join(f"field_{number}_of_30_characters_xxxxx"[:30] + ":string?" for number in range(30)),
}
NAMES = list(FIELDS)


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
        done = make(copy, "new", f"NAME={name}", f"FIELDS={FIELDS[name]}")
        assert done.returncode == 0, done.stderr
        came[name] = done.stdout, listing(copy) - before
    return came


def test_it_writes_four_files_and_nothing_else(made):
    head = int(max(path.name for path in (ROOT / "migrations" / "versions").glob("*.py"))[:4])
    for number, name in enumerate(NAMES, head + 1):
        said, files = made[name]
        assert files == {f"handlers/{name}.c", f"handlers/{name}.sql", f"migrations/versions/{number:04d}_{name}.py", f"tests/system/test_{name}.py"}
        assert all(file in said for file in files)


def test_the_readme_shows_what_its_command_writes():
    readme = (ROOT / "README.md").read_text()
    text, = re.findall(r'make new NAME=notes FIELDS="(.*)"', readme)
    words = {"NAME": "notes", "SCHEMA": "Notes", **field_words("notes", fields.read(text))}
    written, statements = (fill(template, words) for template in ("handler.c.in", "statements.sql.in"))
    blocks = re.findall(r"```c\n(.*?)```", readme, re.S)
    assert len(blocks) == 3
    for block in blocks:
        assert re.sub(r"\s+", " ", block).strip() in re.sub(r"\s+", " ", written)
    statement, = re.findall(r"```sql\n(.*?)```", readme, re.S)
    assert statement in statements


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


@pytest.mark.parametrize("compiler, why", [
    ("ccache gcc", None), (" ", None), ("gcc '", "CC is no command: No closing quotation"),
    ("no-such-compiler -v", "the compiler cannot be run: No such file or directory: no-such-compiler")])
def test_the_compiler_may_be_several_words_and_has_to_be_there(site, compiler, why):
    if compiler == "ccache gcc" and not shutil.which("ccache"):
        compiler = "env cc"
    copy = Copy(site.folder("compiler"))
    before = listing(copy)
    done = make(copy, "new", "NAME=proofs", "FIELDS=index:int", f"CC={compiler}")
    assert (done.returncode == 0) == (why is None) and (why or "") in done.stderr and "Traceback" not in done.stderr, done
    assert bool(listing(copy) - before) == (why is None)


def test_the_check_of_their_sql_finds_nothing(copy, made):
    done = make(copy, "check")
    assert done.returncode == 0, done.stderr


def test_they_answer_under_make_run(copy, made):
    with copy.running():
        for name in NAMES:
            assert copy.client.get(f"/{name}").json() == {"items": [], "next": None}
            assert f"/{name}" in copy.client.get("/openapi.json").json()["paths"]


def test_their_tests_and_those_of_the_schema_pass(copy, made):
    assert make(copy, "programs", VARIANT).returncode == 0
    tests = [*(f"tests/system/test_{name}.py" for name in NAMES), "tests/system/test_migrations.py::test_up_down_and_up_again",
             "tests/system/test_statements.py"]
    done = subprocess.run(["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests],
                          cwd=copy.folder, capture_output=True, text=True, timeout=600, check=False,
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


@pytest.mark.parametrize("text, why", [
    ("title", "title is no field: write name:type"), ("title:", "title: is no field"), ("title:varchar", "title:varchar is no field"),
    ("title:string!", "title:string! is no field"), (":string", "the field  must have"), ("Title:string", "the field Title must have"),
    ("a__b:string", "the field a__b must have"), ("a_:string", "the field a_ must have"), ("größe:int", "the field größe must have"),
    (f"{'a' * 31}:int", "must have at most 30"), ("it's:string", "the field it's must have"), ("$(id):int", "must have at most 30"),
    ("id:uuid", "each table has a column id already"), ("deleted_at:datetime", "each table has a column deleted_at already"),
    ("xmin:int", "each table has a column xmin already"), ("np:int?", "it is a reserved word"),
    ("order:int", "it is a reserved word"), ("np_x:int", "it is a reserved word"),
    ("a:int a:text", "two fields of FIELDS need the name a"), ("due:date? due_given:bool", "two fields of FIELDS need the name due_given"),
    (" ".join(f"f{number}:int" for number in range(31)), "FIELDS has 31 fields; there may be 1 to 30"),
])
def test_wrong_fields_are_refused_and_nothing_is_written(copy, made, text, why):
    before = listing(copy)
    done = make(copy, "new", "NAME=more", "FIELDS=" + text.replace("$", "$$"))
    assert done.returncode != 0 and why in done.stderr and "Traceback" not in done.stderr, done.stderr
    assert listing(copy) == before


def test_it_knows_every_keyword_that_cannot_name_a_table_or_a_column(site):
    reserved = site.query("SELECT word FROM pg_get_keywords() WHERE catcode IN ('R', 'T')")
    assert {word for (word,) in reserved} <= fields.SQL_WORDS
