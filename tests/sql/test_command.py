"""nullpool-sql itself: what it writes, when, and what it says of a file that is wrong."""
import os
import subprocess

import pytest

from conftest import ROOT


def run(folder, *arguments):
    return subprocess.run(["/usr/bin/python3", "-B", "-m", "env.sql", *arguments], cwd=folder, capture_output=True, text=True,
                          env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}, timeout=60)


@pytest.fixture
def notes(tmp_path):
    (tmp_path / "notes.sql").write_text("-- name: one_note :one\nSELECT 1 AS one;\n")
    return tmp_path


def test_the_header_is_beside_the_file(notes):
    assert run(notes, "notes.sql").returncode == 0
    assert "#define one_note() " in (notes / "notes.sql.h").read_text()
    assert (notes / "notes.sql.h").stat().st_mode & 0o777 == 0o644


def test_the_header_is_where_it_is_wanted(notes):
    assert run(notes, "notes.sql", "-o", "other.h").returncode == 0
    assert {path.name for path in notes.iterdir()} == {"notes.sql", "other.h"}


def test_a_header_that_is_the_same_keeps_its_time(notes):
    run(notes, "notes.sql")
    os.utime(notes / "notes.sql.h", (1, 1))
    assert run(notes, "notes.sql").returncode == 0
    assert (notes / "notes.sql.h").stat().st_mtime == 1
    (notes / "notes.sql").write_text("-- name: two_notes :many\nSELECT 1 AS one;\n")
    assert run(notes, "notes.sql").returncode == 0
    assert (notes / "notes.sql.h").stat().st_mtime > 1
    assert "two_notes" in (notes / "notes.sql.h").read_text()


def test_a_byte_order_mark_is_no_part_of_the_text(notes):
    (notes / "notes.sql").write_bytes(b"\xef\xbb\xbf-- name: one_note :one\r\nSELECT 1 AS one;\r\n")
    assert run(notes, "notes.sql").returncode == 0
    assert '.sql = "SELECT 1 AS one"' in (notes / "notes.sql.h").read_text()


def test_faults_are_told_as_a_compiler_does_and_nothing_is_written(notes):
    (notes / "notes.sql").write_text("-- name: a :one\nSELECT $2;\n\n-- name: a :two\nSELECT 1;\n")
    done = run(notes, "notes.sql")
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr == ("notes.sql:2: $2 without $1\n"
                           "notes.sql:4: a has the unknown kind :two: there are :one, :many and :exec\n")
    assert not (notes / "notes.sql.h").exists()


def test_bytes_that_are_no_text_are_told(notes):
    (notes / "notes.sql").write_bytes(b"-- name: a :one\nSELECT '\xff';\n")
    assert run(notes, "notes.sql").stderr == "notes.sql:2: the file is not UTF-8\n"


def test_a_file_that_is_missing_is_told(notes):
    done = run(notes, "other.sql")
    assert done.returncode == 1
    assert done.stderr == "nullpool-sql: could not use other.sql: No such file or directory\n"


@pytest.mark.parametrize("arguments", [(), ("a.sql", "b.sql"), ("--unknown",)])
def test_another_use_is_refused(notes, arguments):
    done = run(notes, *arguments)
    assert done.returncode != 0 and "usage: nullpool-sql" in done.stderr
