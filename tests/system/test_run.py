"""`make run`, in a copy of the tree: up, answers, down, up again, and what it says when it cannot."""
import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess

import psycopg2
import pytest

import stack
from client import Client
from conftest import BUILD, ROOT


class Copy:
    """The tree as somebody has it who cloned it, with free ports in env/development.env."""

    def __init__(self, folder):
        self.folder = folder
        files = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True,
                               text=True, check=True).stdout.split()
        for name in files:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
        # With what is built: the times are kept, so nothing is compiled again.
        self.build = BUILD.relative_to(ROOT)
        for part in ("obj", "handlers", "conninfo", "libnullpool.a"):
            place = folder / self.build / part
            place.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if (BUILD / part).is_dir() else shutil.copy2)(BUILD / part, place)
        self.port, self.postgres, self.redis = (stack.free_port() for _ in range(3))
        settings = folder / "env" / "development.env"
        settings.write_text(settings.read_text().replace("14329", str(self.postgres)).replace("16329", str(self.redis)))
        self.client = Client(self.port)

    @contextlib.contextmanager
    def running(self, **more):
        """make run until it is ready; it is stopped in the end if it still runs."""
        child = self.start(**more)
        try:
            stack.wait_until("the ready line", lambda: "ready: " in self.said() or child.poll() is not None, 60)
            assert f"ready: http://127.0.0.1:{self.port}\n" in self.said(), self.said()
            yield child
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGTERM)
            child.wait(30)

    def start(self, **more):
        variant = ["VARIANT=asan"] if BUILD.name == "asan" else []
        environment = {**os.environ, "PORT": str(self.port), **more}
        environment.pop("MAKEFLAGS", None)
        with open(self.folder / "run.log", "wb") as log:
            return subprocess.Popen(["make", "run", *variant], cwd=self.folder, stdout=log,
                                    stderr=log, stdin=subprocess.DEVNULL, env=environment, start_new_session=True)

    def refused(self, **more):
        child = self.start(**more)
        assert child.wait(60) != 0
        return self.said()

    def said(self):
        return (self.folder / "run.log").read_text()

    def processes(self):
        """Those that have anything to do with this copy."""
        found = []
        for path in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                texts = [(path / "cmdline").read_bytes(), (path / "environ").read_bytes(), os.fsencode(os.readlink(path / "cwd"))]
                if any(os.fsencode(self.folder) in text for text in texts) and int(path.name) != os.getpid():
                    found.append((path.name, texts[0]))
        return found


@pytest.fixture(scope="module")
def copy(site):
    return Copy(site.folder("copy"))


def test_it_serves_stops_and_finds_its_data_again(copy):
    with copy.running() as child:
        assert copy.client.get("/").json()["status"] == "running"
        assert copy.client.get("/health").json()["components"]["database"]["mode"] == "persistent"
        assert copy.client.post("/users", {"email": "kept@example.com", "name": "Kept"}).status == 201
        os.killpg(child.pid, signal.SIGINT)  # as Ctrl-C of a terminal: to make and all below it
        child.wait(30)
        assert copy.said().endswith("stopped\n") or "\nstopped\n" in copy.said()
    assert copy.processes() == []
    with copy.running():
        assert [user["name"] for user in copy.client.get("/users").json()["items"]] == ["Kept"]
    assert copy.processes() == []


def test_production_opens_a_connection_for_each_request_and_ignores_a_foreign_url(copy):
    elsewhere = "postgresql://somebody@db.example.com/theirs"
    with copy.running(ENV="production", HEALTH_DETAILS="true", DATABASE_URL=elsewhere):
        health = copy.client.get("/health").json()
        assert (health["environment"], health["components"]["database"]["mode"]) == ("production", "null")
        assert health["components"]["database"]["tls"].startswith("TLSv1.")
        assert "ignoring DATABASE_URL" in copy.said()
    assert (copy.folder / ".local" / "production.env").stat().st_mode & 0o077 == 0


def test_a_second_one_says_that_the_first_runs(copy):
    with copy.running():
        log = subprocess.run(["/usr/bin/python3", "env/local/run.py"], cwd=copy.folder, capture_output=True, text=True,
                             env={**os.environ, "BUILD": str(copy.build)}, timeout=30, check=False)
        assert log.returncode == 1 and re.search(r"already running here \(pid \d+\)", log.stderr)
        assert copy.client.get("/").status == 200


def test_a_busy_port_is_a_sentence(copy):
    with socket.create_server(("127.0.0.1", copy.port)):
        assert f"port {copy.port}, which nginx wants, is taken by another program" in copy.refused()
    assert copy.processes() == []


def test_killed_it_leaves_nothing_and_starts_again(copy):
    with copy.running():
        pid = int((copy.folder / ".local" / "run.lock").read_text())
        os.kill(pid, signal.SIGKILL)
        stack.wait_until("its processes to end", lambda: not copy.processes(), 20)
    with copy.running():
        assert copy.client.get("/users").status == 200


def test_the_roles_are_as_little_as_they_need(copy):
    with copy.running():
        link = psycopg2.connect(host="127.0.0.1", port=copy.postgres, dbname="nullpool", user="nullpool_app",
                                password="development-app", sslmode="require")
        with link.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_class WHERE relowner = current_user::regrole")
            assert cursor.fetchone() == (0,)
            cursor.execute("SELECT rolsuper OR rolcreatedb OR rolcreaterole FROM pg_roles WHERE rolname = current_user")
            assert cursor.fetchone() == (False,)
        link.close()
        with pytest.raises(psycopg2.OperationalError, match="no encryption|SSL off"):
            psycopg2.connect(host="127.0.0.1", port=copy.postgres, dbname="nullpool", user="nullpool_app",
                             password="development-app", sslmode="disable")


def test_the_readmes_endpoint_builds_migrates_and_answers(copy):
    """As its reader would: two new files, make run, nothing else."""
    readme = (ROOT / "README.md").read_text()
    blocks = re.findall(r"`([\w/.]+)`\n\n   ```\w+\n(.*?)   ```\n", readme, re.S)
    assert [name for name, _ in blocks] == ["migrations/versions/0003_notes.py", "handlers/notes.c"]
    for name, text in blocks:
        (copy.folder / name).write_text(re.sub(r"^   ", "", text, flags=re.M))
    with copy.running():
        note = copy.client.post("/notes", {"title": "first"})
        assert note.status == 201
        assert copy.client.get(f"/notes/{note.json()['id']}").json() == note.json()
        assert copy.client.get(f"/notes/{copy.port:08d}-0000-4000-8000-000000000000").problem()["detail"] == "Note not found"


def test_distclean_removes_its_data(copy):
    done = subprocess.run(["make", "distclean"], cwd=copy.folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert not (copy.folder / ".local").exists()
