"""`make run` in a copy of the tree: it starts, serves, stops, starts again, and says why it cannot.

The tests down to the one that stops it share one `make run`.
"""
import os
import pathlib
import re
import signal
import socket
import subprocess

import psycopg2
import pytest

from env.local.process import wait_until
from copy_of_tree import Copy


pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def copy(site):
    return Copy(site.folder("a copy of 'mine'"))  # paths have spaces, and worse


@pytest.fixture(scope="module")
def running(copy):
    with copy.running() as copy.child:
        yield copy


def listening_sockets(pid):
    """The addresses of a process's listening TCP sockets."""
    mine = {os.readlink(path) for path in pathlib.Path(f"/proc/{pid}/fd").iterdir()}
    rows = [line.split() for name in ("tcp", "tcp6") for line in pathlib.Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:]]
    return [row[1] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in mine]


def test_it_serves(running):
    assert running.client.get("/").json()["status"] == "running"
    assert running.client.get("/health").json()["components"]["database"]["mode"] == "persistent"
    assert running.client.get("/health").json()["redis"] == "connected"
    assert (running.folder / ".local" / "redis" / "redis.sock").is_socket()
    (redis,) = [pid for pid, command in running.processes() if command.startswith(b"redis-server")]
    assert listening_sockets(redis) == []
    assert running.client.get("/", headers={"Host": "evil.example.com"}).status == 421  # DNS rebinding
    assert running.client.get("/", headers={"Host": f"localhost:{running.port}"}).status == 200


def test_a_second_one_says_that_the_first_runs(running):
    log = subprocess.run(["/usr/bin/python3", "-m", "env.local.run"], cwd=running.folder, capture_output=True, text=True,
                         env={**os.environ, "BUILD": str(running.build)}, timeout=30, check=False)
    assert log.returncode == 1 and re.search(r"make run already runs in this folder \(pid \d+\)", log.stderr)
    assert running.client.get("/").status == 200


def test_the_roles_have_only_the_rights_that_they_need(running):
    link = psycopg2.connect(host="127.0.0.1", port=running.postgres, dbname="nullpool", user="nullpool_app",
                            password="development-app", sslmode="require")
    with link.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relowner = current_user::regrole")
        assert cursor.fetchone() == (0,)
        cursor.execute("SELECT rolsuper OR rolcreatedb OR rolcreaterole FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (False,)
    link.close()
    with pytest.raises(psycopg2.OperationalError, match="no encryption|SSL off"):
        psycopg2.connect(host="127.0.0.1", port=running.postgres, dbname="nullpool", user="nullpool_app",
                         password="development-app", sslmode="disable")


def test_ctrl_c_stops_it_and_the_next_run_finds_its_data(running):
    copy = running
    assert copy.client.post("/users", {"email": "kept@example.com", "name": "Kept"}).status == 201
    os.killpg(copy.child.pid, signal.SIGINT)  # as a terminal's Ctrl-C: to make and all processes below it
    copy.child.wait(30)
    assert copy.said().endswith("stopped\n") or "\nstopped\n" in copy.said()
    assert copy.processes() == []
    with copy.running(APP_NAME="My Shop"):
        assert copy.client.get("/openapi.json").json()["info"]["title"] == "My Shop"
        assert ("/docs\n" in copy.said()) == (copy.client.get("/docs").status == 200)
        assert [user["name"] for user in copy.client.get("/users").json()["items"]] == ["Kept"]
    assert copy.processes() == []


def test_production_opens_a_connection_for_each_request_and_ignores_a_foreign_url(copy):
    elsewhere = "postgresql://somebody@db.example.com/theirs"
    with copy.running(ENV="production", HEALTH_DETAILS="true", DATABASE_URL=elsewhere):
        health = copy.client.get("/health").json()
        assert (health["environment"], health["components"]["database"]["mode"]) == ("production", "null")
        assert health["components"]["database"]["tls"].startswith("TLSv1.")
        assert "ignoring DATABASE_URL" in copy.said() and "/docs" not in copy.said()
    assert (copy.folder / ".local" / "production.env").stat().st_mode & 0o077 == 0


def test_a_busy_port_is_a_sentence(copy):
    with socket.create_server(("127.0.0.1", copy.port)):
        assert f"port {copy.port} for nginx is taken by another program" in copy.refused()
    assert copy.processes() == []


def test_killed_it_leaves_nothing_and_starts_again(copy):
    with copy.running():
        pid = int((copy.folder / ".local" / "run.lock").read_text())
        os.kill(pid, signal.SIGKILL)
        wait_until("its processes to end", lambda: not copy.processes(), 20)
    with copy.running():
        assert copy.client.get("/users").status == 200


def test_a_redis_elsewhere_is_not_touched(copy):
    file = copy.folder / "env" / "development.env"
    text = file.read_text()
    file.write_text(text.replace("unix://./.local/redis/redis.sock", "redis://127.0.0.1:6379/0"))
    try:
        assert "env/development.env: REDIS_URL must be that of the private Redis: unix://./.local/redis/redis.sock\n" in copy.refused()
    finally:
        file.write_text(text)


def test_distclean_removes_its_data(copy):
    done = subprocess.run(["make", "distclean"], cwd=copy.folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert not (copy.folder / ".local").exists()
