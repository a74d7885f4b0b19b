"""Settings that a program declares itself: read, refused, printed and hidden as those of the library are."""
import os
import pathlib
import signal
import subprocess

import pytest

import conftest
from env.local.process import wait_until
from conftest import program

KEY = "own-canary-5f1c83a90d"


def run(site, *arguments, **settings):
    return subprocess.run([str(program("shop")), *arguments], env=site.environment(**{"PAYMENT_KEY": KEY, **settings}),
                          capture_output=True, text=True, timeout=60)


def rows(done):
    assert done.returncode == 0, done.stderr
    return {line.split()[0]: line.split(maxsplit=1)[1].rsplit("  (", 1) for line in done.stdout.splitlines()}


def test_defaults_and_values_reach_the_handler(serve):
    answer = serve("shop", PAYMENT_KEY=KEY).client.get("/shop").json()
    del answer["key"]
    assert answer == {"mode": "test", "index": 0, "items": 20, "rate": None, "open": True, "greeting": None}
    service = serve("shop", PAYMENT_KEY=KEY, PAYMENT_MODE="LIVE", MOST_ITEMS="1000", SHOP_RATE="0.25", SHOP_OPEN="No", GREETING="Grüße")
    answer = service.client.get("/shop").json()
    del answer["key"]
    assert answer == {"mode": "live", "index": 1, "items": 1000, "rate": 0.25, "open": False, "greeting": "Grüße"}
    undeclared = service.client.get("/shop/undeclared")
    assert undeclared.status == 500 and "UNDECLARED" in service.line_of(undeclared)["detail"]


def test_they_come_from_the_sources_of_all_settings(site):
    folder = site.folder("own-settings")
    file, credentials = folder / "own.env", folder / "credentials"
    file.write_text("GREETING='from the file'\nMOST_ITEMS=7\nPAYMENT_MODE=live\nSHOP_RATE=\n")
    credentials.mkdir()
    (credentials / "PAYMENT_KEY").write_text(f"{KEY}\n")
    (credentials / "GREETING").write_text("no secret, so not asked for\n")
    seen = rows(run(site, "--settings", NULLPOOL_ENV_FILE=file, PAYMENT_KEY=None, CREDENTIALS_DIRECTORY=credentials, MOST_ITEMS="8",
                    ENV="testing"))
    assert seen["GREETING"] == ["from the file", f"{file})"] and seen["MOST_ITEMS"] == ["8", "environment)"]
    assert seen["PAYMENT_KEY"] == ["***", "credential)"] and seen["SHOP_RATE"] == ["-", "default)"]
    assert seen["PAYMENT_MODE"][0] == "live" and seen["SHOP_OPEN"] == ["true", "default)"]
    assert "DATABASE_URL" in seen


def test_all_that_is_wrong_is_said_at_once_and_no_value_is(site):
    wrong = {"PAYMENT_KEY": "canary7", "PAYMENT_MODE": "moon", "MOST_ITEMS": "1001", "SHOP_RATE": "much", "SHOP_OPEN": "ajar",
             "DATABASE_POOL_SIZE": "many"}
    for option in "--settings", "--check":
        done = run(site, option, **wrong)
        assert done.returncode == 78
        for name, value in wrong.items():
            assert f"{name}: must" in done.stderr and value not in done.stderr
    assert "PAYMENT_MODE: must be one of: test, live" in done.stderr and "from 1 to 1000" in done.stderr
    assert "from 8 to 100 characters" in done.stderr
    for missing in None, "":
        done = run(site, "GET", "/shop", PAYMENT_KEY=missing)
        assert done.returncode == 78 and done.stderr.strip() == "PAYMENT_KEY: is required"
    report = run(site, "--doctor", PAYMENT_KEY=None)
    assert report.returncode == 1 and "PAYMENT_KEY: is required" in report.stdout
    assert run(site, "--openapi", PAYMENT_KEY=None).returncode == 0


def test_a_misspelling_is_a_warning(site):
    done = run(site, "--settings", PAYMENT_MODDE="live")
    assert "PAYMENT_MODDE: is not a setting of this program; did you mean PAYMENT_MODE? (environment)" in done.stderr
    assert rows(done)["PAYMENT_MODE"][0] == "test"


def test_a_secret_is_seen_nowhere(serve):
    service = serve("shop", PAYMENT_KEY=KEY, LOG_LEVEL="debug")
    answer = service.client.get("/shop/tell")
    assert answer.status == 500 and service.line_of(answer)["detail"] == "the key is ***"
    assert KEY not in service.log_path.read_text() and KEY.encode() not in answer.body
    master = service.endpoints["shop"].pid
    for pid in master, *conftest.children(master):
        assert KEY.encode() not in pathlib.Path(f"/proc/{pid}/environ").read_bytes()
    before = service.client.get("/shop").json()["key"]
    worker = conftest.children(master)
    os.kill(master, signal.SIGHUP)
    wait_until("other workers", lambda: not set(worker) & set(conftest.children(master)), 20)
    assert service.client.get("/shop").json()["key"] == before
    for pid in master, *conftest.children(master):
        assert KEY.encode() not in pathlib.Path(f"/proc/{pid}/environ").read_bytes()


def test_a_wrong_value_ends_no_program_that_serves(serve, site):
    file = site.folder("own-reload") / "own.env"
    file.write_text("GREETING=before\n")
    service = serve("shop", PAYMENT_KEY=KEY, NULLPOOL_ENV_FILE=file, ENV="testing")
    master = service.endpoints["shop"].pid
    file.write_text("GREETING=after\nMOST_ITEMS=none\n")
    os.kill(master, signal.SIGHUP)
    wait_until("the refusal", lambda: service.lines(event="not reloaded"), 20)
    assert service.client.get("/shop").json()["greeting"] == "before"
    file.write_text("GREETING=after\n")
    os.kill(master, signal.SIGHUP)
    wait_until("the new value", lambda: service.client.get("/shop").json()["greeting"] == "after", 20)
