"""What make compiles again when a .sql file has changed."""
import os
import subprocess

import pytest

from conftest import ROOT

PROGRAM = """\
#include "own.sql.h"
#include "shared.sql.h"
struct np_call own(void);
struct np_call shared(struct np_value value);
struct np_call
own(void)
{
	return own_row();
}
struct np_call
shared(struct np_value value)
{
	return shared_row(value);
}
"""
OWN = "-- name: own_row :one\nSELECT 1 AS one;\n"
SHARED = "-- name: shared_row :one\nSELECT @id AS id;\n"


class Tree:
    """A tree with the Makefile and the library's header, and with two programs, of which one has statements."""

    def __init__(self, folder):
        self.folder = folder
        self.objects = ["other", "program"]
        for name in ("Makefile", "common", "env"):
            (folder / name).symlink_to(ROOT / name)
        (folder / "handlers").mkdir()
        self.write("handlers/other.c", '#include "nullpool.h"\n')
        self.write("handlers/program.c", PROGRAM)
        self.write("handlers/own.sql", OWN)
        self.write("handlers/shared.sql", SHARED)

    def write(self, name, text):
        (self.folder / name).write_text(text)

    def make(self, *targets):
        """Makes the objects, or these targets."""
        targets = targets or [f"build/obj/handlers/{name}.o" for name in self.objects]
        return subprocess.run(["make", "-s", "-j2", "CFLAGS=-O0 -Werror -U_FORTIFY_SOURCE", "HARDENING=", *targets], cwd=self.folder,
                              capture_output=True, text=True, timeout=120,
                              env={"PATH": os.environ["PATH"], "LC_ALL": "C", "CC": os.environ.get("CC", "cc")})

    def times(self):
        return {name: (self.folder / f"build/obj/handlers/{name}.o").stat().st_mtime_ns for name in self.objects}

    def compiled(self):
        """Which objects make makes now."""
        before = self.times()
        done = self.make()
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        return {name for name, time in self.times().items() if time != before[name]}


@pytest.fixture
def tree(tmp_path):
    tree = Tree(tmp_path)
    done = tree.make()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return tree


def test_only_what_includes_a_changed_statement_is_compiled(tree):
    assert tree.compiled() == set()
    tree.write("handlers/shared.sql", SHARED.replace("AS id", "AS name"))
    assert tree.compiled() == {"program"}
    assert tree.compiled() == set()


def test_a_file_whose_statements_are_the_same_makes_nothing_anew(tree):
    header = tree.folder / "build/sql/handlers/own.sql.h"
    before = header.stat().st_mtime_ns
    tree.write("handlers/own.sql", OWN.replace(" 1 ", "\n  1  -- a comment\n "))
    assert tree.compiled() == set()
    assert header.stat().st_mtime_ns == before
    made = (tree.folder / "build/sql/handlers/own.sql.made").stat().st_mtime_ns
    assert tree.compiled() == set()
    assert (tree.folder / "build/sql/handlers/own.sql.made").stat().st_mtime_ns == made


def test_a_header_that_is_gone_is_made_again(tree):
    (tree.folder / "build/sql/handlers/own.sql.h").unlink()
    tree.write("handlers/program.c", PROGRAM)
    assert tree.compiled() == {"program"}


def test_a_fault_ends_the_build_with_its_line(tree):
    tree.write("handlers/own.sql", OWN + "-- name: wrong :one\nSELECT $2;\n")
    done = tree.make()
    assert done.returncode != 0
    assert "handlers/own.sql:4: $2 without $1\n" in done.stderr
    tree.write("handlers/own.sql", OWN)
    assert tree.compiled() == set()


def test_a_wrong_number_of_values_ends_the_build(tree):
    tree.write("handlers/shared.sql", "-- name: shared_row :one\nSELECT @id AS id, @name AS name;\n")
    done = tree.make()
    assert done.returncode != 0
    assert "handlers/program.c:13:" in done.stderr and "shared_row" in done.stderr


def test_two_statements_of_one_name_in_two_files_of_a_program_end_the_build(tree):
    tree.write("handlers/shared.sql", SHARED + "\n" + OWN)
    done = tree.make()
    assert done.returncode != 0
    assert "handlers/shared.sql:4:" in done.stderr
    assert "own_row is already the name of a statement or a macro of this program" in done.stderr


def test_a_file_that_was_removed_is_not_included_any_more(tree):
    (tree.folder / "handlers/own.sql").unlink()
    for _ in range(2):
        done = tree.make()
        assert done.returncode != 0 and "#error handlers/own.sql was removed" in done.stderr
    tree.write("handlers/own.sql", OWN)
    assert tree.compiled() == {"program"}
    (tree.folder / "handlers/own.sql").unlink()
    tree.write("handlers/program.c", PROGRAM.replace('#include "own.sql.h"\n', "").replace("own_row()", "shared_row(np_text(0))"))
    assert tree.compiled() == {"program"}


HELPER = """\
#include "own.sql.h"
#include "lent.sql.h"
struct np_call lent(void);
struct np_call
lent(void)
{
	return lent_row();
}
"""
LENT = "-- name: lent_row :one\nSELECT 2 AS two;\n"


@pytest.fixture
def helped(tree):
    """A helper with statements of its own, which includes those of the folder above too."""
    (tree.folder / "handlers/lib").mkdir()
    tree.write("handlers/lib/helper.c", HELPER)
    tree.write("handlers/lib/lent.sql", LENT)
    tree.objects.append("lib/helper")
    assert tree.make().returncode == 0
    return tree


def members(tree):
    done = tree.make("build/obj/handlers/lib.a")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return subprocess.run(["ar", "t", tree.folder / "build/obj/handlers/lib.a"], capture_output=True, text=True, check=True).stdout.split()


def test_a_helper_is_compiled_with_its_statements(helped):
    assert helped.compiled() == set()
    helped.write("handlers/lib/lent.sql", LENT.replace("two", "three"))
    assert helped.compiled() == {"lib/helper"}
    helped.write("handlers/own.sql", OWN.replace("one;", "uno;"))
    assert helped.compiled() == {"program", "lib/helper"}


def test_the_archive_has_what_the_folder_has(helped):
    assert members(helped) == ["helper.o"]
    helped.write("handlers/lib/other.c", "extern int other;\nint other;\n")
    assert members(helped) == ["helper.o", "other.o"]
    before = (helped.folder / "build/obj/handlers/lib.a").stat().st_mtime_ns
    assert members(helped) and (helped.folder / "build/obj/handlers/lib.a").stat().st_mtime_ns == before
    (helped.folder / "handlers/lib/other.c").unlink()
    assert members(helped) == ["helper.o"]
    (helped.folder / "handlers/lib/helper.c").unlink()
    assert members(helped) == []


def test_statements_of_a_helper_that_were_removed_are_not_included_any_more(helped):
    (helped.folder / "handlers/lib/lent.sql").unlink()
    for _ in range(2):
        done = helped.make()
        assert done.returncode != 0 and "#error handlers/lib/lent.sql was removed" in done.stderr
    helped.write("handlers/lent.sql", LENT)  # moved
    assert helped.compiled() == {"lib/helper"}
    (helped.folder / "handlers/lent.sql").unlink()
    helped.write("handlers/lib/lent.sql", LENT)  # and back
    assert helped.compiled() == {"lib/helper"}


def test_two_files_of_one_name_are_refused(helped):
    helped.write("handlers/lent.sql", LENT)
    done = helped.make()
    assert done.returncode != 0 and "handlers/lent.sql: lib/ has a file of this name too" in done.stderr
