"""--backends: which server process had each of some reads."""
import re
import subprocess

import pytest

from conftest import CANARY, program

LINE = re.compile(r" *(\d+)  backend (\d+) +(opened|reused) +(\d+) round trips +([\d.]+) ms")


def asked(site, option="--backends", **settings):
    return subprocess.run([program("users"), option], env=site.environment(**settings), capture_output=True, text=True, timeout=30)


@pytest.mark.parametrize("mode, reused", [("null", 0), ("ahead", 0), ("persistent", 4)])
def test_a_connection_is_reused_or_it_is_not(site, mode, reused):
    ran = asked(site, DATABASE_CONNECTION=mode)
    rows = [LINE.fullmatch(line).groups() for line in ran.stdout.splitlines()]
    assert ran.returncode == 0 and [row[0] for row in rows] == ["1", "2", "3", "4", "5"]
    assert len({row[1] for row in rows}) == 5 - reused
    assert [row[2] for row in rows] == ["opened"] + (["reused"] if reused else ["opened"]) * 4
    assert {row[3] for row in rows if row[2] == "reused"} <= {"1"}


def test_it_runs_the_number_of_reads_that_was_asked_for(site):
    assert len(asked(site, "--backends=12").stdout.splitlines()) == 12
    for wrong in ("--backends=", "--backends=0", "--backends=x", "--backends=1001"):
        assert asked(site, wrong).returncode == 64


def test_a_failed_read_ends_it(site):
    ran = asked(site, DATABASE_URL=site.url(password="wrong"))
    assert (ran.returncode, ran.stdout) == (1, "") and "password authentication failed" in ran.stderr
    assert CANARY not in ran.stderr
