"""--pool: which server process had each of some reads."""
import re
import subprocess

import pytest

from conftest import CANARY, program

LINE = re.compile(r" *(\d+)  backend (\d+) +(opened|kept) +(\d+) round trips +([\d.]+) ms")


def asked(site, option="--pool", **settings):
    return subprocess.run([program("users"), option], env=site.environment(**settings), capture_output=True, text=True, timeout=30)


@pytest.mark.parametrize("mode, kept", [("null", 0), ("ahead", 0), ("persistent", 4)])
def test_a_connection_is_kept_or_it_is_not(site, mode, kept):
    ran = asked(site, DATABASE_CONNECTION=mode)
    rows = [LINE.fullmatch(line).groups() for line in ran.stdout.splitlines()]
    assert ran.returncode == 0 and [row[0] for row in rows] == ["1", "2", "3", "4", "5"]
    assert len({row[1] for row in rows}) == 5 - kept
    assert [row[2] for row in rows] == ["opened"] + (["kept"] if kept else ["opened"]) * 4
    assert {row[3] for row in rows if row[2] == "kept"} <= {"1"}


def test_as_many_as_are_asked_for(site):
    assert len(asked(site, "--pool=12").stdout.splitlines()) == 12
    for wrong in ("--pool=", "--pool=0", "--pool=x", "--pool=1001"):
        assert asked(site, wrong).returncode == 64


def test_one_that_fails_is_the_end(site):
    ran = asked(site, DATABASE_URL=site.url(password="wrong"))
    assert (ran.returncode, ran.stdout) == (1, "") and "password authentication failed" in ran.stderr
    assert CANARY not in ran.stderr
