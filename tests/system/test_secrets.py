"""No secret leaves: not in what a process shows of itself, not in what it prints, keeps or installs.

Every answer that any test gets, and every log and file that a service leaves, is looked through too (client.py, fastcgi.py,
conftest.py). The secrets are canaries.py's.
"""
import os
import pathlib
import shutil
import signal
import socket
import stat
import subprocess

import pytest

import fastcgi
from env.local.endpoint import run_dir_for
from env.local.process import wait_until
from canaries import (CANARIES, CANARY, CANARY_ENCODED, OWNER_CANARY, REPLICA_CANARY, SCRAM_CLIENT_CANARY,
                      SCRAM_SERVER_CANARY, assert_none_in)
from conftest import ROOT, VARIANT, children, only_child, program

NOBODY = 65534
SECRETS = ["DATABASE_URL", "DATABASE_REPLICA_URL", "MIGRATION_DATABASE_URL", "REDIS_URL", "SECRET_KEY",
           "DATABASE_SCRAM_CLIENT_KEY", "DATABASE_SCRAM_SERVER_KEY", "DB_PASSWORD"]

needs_root = pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"),
                                reason="only root can be another user, by setpriv")


@pytest.fixture(scope="module")
def settings(site):
    """All secrets at once; the keys of SCRAM are for a libpq that knows them, and stand with a URL that has no password."""
    site.query(f"CREATE ROLE replica_reader LOGIN PASSWORD '{REPLICA_CANARY}' IN ROLE app_user")
    return {"DATABASE_REPLICA_URL": site.url("replica_reader", REPLICA_CANARY), "NEON_DATABASE_URL": site.url(),
            "DB_PASSWORD": CANARY, "APP_NAME": "seen", "SLOW_QUERY_MS": 1, "SLOW_REQUEST_MS": 1, "DEBUG": "true", "SERVER_TIMING": "true"}


@pytest.fixture(params=["testing", "production"])
def service(request, serve, settings):
    return serve("users", "health", "metrics", "probe", ENV=request.param, DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0,
                 HEALTH_DETAILS="true", **settings)


def ask_all(service):
    for target in ("/users?limit=1", "/users/nobody", "/health", "/metrics", "/nowhere", "/probe/session", "/probe/header?label=x",
                   "/probe/sleep?seconds=0.1", "/probe/date?label=no-date", "/probe/silent", "/probe/end-session"):
        service.client.get(target)  # which looks for canaries
    assert service.client.get("/users?limit=1").status == 200
    assert service.client.get("/health").json()["redis"] == "connected"


def processes(service):
    """The masters and a worker of each, when nothing else is left: no check of the database, no worker from before a reload."""
    masters = [endpoint.pid for endpoint in service.endpoints.values()]
    return masters + [only_child(master) for master in masters]


def proc(pid, name):
    return pathlib.Path(f"/proc/{pid}/{name}").read_bytes()


def test_answers_logs_and_scoreboards_have_none(service):
    ask_all(service)
    boards = list(service.run_dir.glob("*.board"))
    assert len(boards) == 4
    for path in [*boards, service.log_path]:
        assert_none_in(path.read_bytes(), path)
    assert service.lines(event="slow query", level="warning") and service.lines(event="statement")


@pytest.mark.long
def test_a_process_shows_none_of_itself_and_a_reload_has_them_all_the_same(service):
    ask_all(service)
    for _ in range(2):
        seen = processes(service)
        assert len(seen) == 8
        for pid in seen:
            environ = proc(pid, "environ")
            assert b"\0SECRET_KEY=xxx" in environ and b"APP_NAME=seen" in environ
            assert_none_in(environ, f"/proc/{pid}/environ")
            assert_none_in(proc(pid, "cmdline"), f"/proc/{pid}/cmdline")
        started = len(service.lines(event="started"))
        for endpoint in service.endpoints.values():
            endpoint.send(signal.SIGHUP)
        wait_until("the new programs", lambda: len(service.lines(event="started")) == started + 4, 30)
        workers = set(seen) - {endpoint.pid for endpoint in service.endpoints.values()}
        wait_until("the old workers' end", lambda: not workers & set(processes(service)), 30)
        ask_all(service)


def test_the_first_environment_was_full_of_them(settings, site):
    """Else the test above would find none in any case."""
    given = site.environment(**settings)
    for name in SECRETS[:5] + ["NEON_DATABASE_URL"]:
        assert any(canary in given[name] for canary in CANARIES), name


# --- other users ---


def as_nobody(*command):
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *map(str, command)]


@pytest.fixture
def of_nobody(site, settings):
    """A program of another user: its master's pid."""
    made = []

    def start(env):
        folder = site.folder(f"nobody-{env}")
        copy = folder / "root"
        shutil.copy(program("root"), copy)
        os.chown(folder, NOBODY, NOBODY)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(run_dir_for(folder / "run") / "root.sock"))
        listener.listen(5)
        log = open(folder / "programs.log", "ab")
        made.append((subprocess.Popen(as_nobody(copy), stdin=listener, stderr=log, cwd=folder, env=site.environment(
            ENV=env, NULLPOOL_ENV_FILE=None, DATABASE_POOL_SIZE=1, **settings)), listener, log))
        out, _ = fastcgi.ask(listener.getsockname(), fastcgi.request("GET", "/"))
        assert out.startswith(b"Status: 200"), out
        return made[-1][0].pid
    yield start
    for master, listener, log in made:
        master.terminate()
        assert master.wait(30) == 0
        listener.close()
        log.close()


@pytest.mark.long
@needs_root
def test_another_user_sees_the_name_and_nothing_else(service):
    for pid in processes(service):
        for name in ("environ", "mem", "maps"):
            read = subprocess.run(as_nobody("head", "-c", "1", f"/proc/{pid}/{name}"), capture_output=True, check=False)
            assert read.returncode == 1 and read.stdout == b"" and b"denied" in read.stderr, (name, read)
        read = subprocess.run(as_nobody("cat", f"/proc/{pid}/cmdline"), capture_output=True, check=True)
        assert_none_in(read.stdout, f"/proc/{pid}/cmdline")


@needs_root
@pytest.mark.parametrize("env, owner", [("production", 0), ("testing", NOBODY)])
def test_in_production_not_even_its_own_user_does_and_there_is_no_core_dump(of_nobody, env, owner):
    """Files in /proc are root's where a process is not dumpable, which also means that no core is written."""
    master = of_nobody(env)
    for pid in [master, *children(master)]:
        assert os.stat(f"/proc/{pid}/environ").st_uid == owner
        read = subprocess.run(as_nobody("cat", f"/proc/{pid}/environ"), capture_output=True, check=False)
        assert (read.returncode == 0) == (env != "production")
        assert_none_in(read.stdout, f"/proc/{pid}/environ")


# --- what is printed ---


@pytest.mark.parametrize("arguments", [
    ["--settings"], ["--openapi"], ["--check"], ["--doctor"], ["--doctor=json"], ["--backends=2"], ["--version"], ["--help"],
    ["GET", "/users?limit=1"], ["GET", "/users/nobody"], ["--nonsense"]], ids=lambda a: " ".join(a))
@pytest.mark.parametrize("more", [
    {}, {"DATABASE_URL": None, "NEON_DATABASE_URL": None, "DB_HOST": "127.0.0.1", "DB_USER": "app_user", "DB_NAME": "app"},
    {"DATABASE_SCRAM_CLIENT_KEY": SCRAM_CLIENT_CANARY, "DATABASE_SCRAM_SERVER_KEY": SCRAM_SERVER_CANARY},
    {"DATABASE_URL": f"postgresql://app_user:{CANARY_ENCODED}@127.0.0.1:1/app?sslmode=require"},
    {"DATABASE_URL": f"postgresql://app_user:{CANARY_ENCODED}@127.0.0.1:x/app?sslmode={OWNER_CANARY}"},
    {"REDIS_URL": f"http://:{CANARY_ENCODED}@127.0.0.1:x/0", "SECRET_KEY": OWNER_CANARY, "ENV": "production"},
], ids=["all good", "in parts", "SCRAM keys", "away", "a wrong URL", "a wrong key"])
def test_what_a_program_prints_has_none(site, settings, arguments, more):
    if "DB_HOST" in more:
        more = {**more, "DB_PORT": site.postgres.port}
    ran = subprocess.run([program("users"), *arguments], capture_output=True, timeout=60, check=False,
                         env=site.environment(**{**settings, "DATABASE_CONNECT_TIMEOUT": 2, **more}))
    assert ran.stdout + ran.stderr or arguments == ["--check"]
    assert_none_in(ran.stdout + ran.stderr, " ".join(arguments))


def test_settings_name_each_secret_and_show_none(site, settings):
    given = site.environment(**settings, DATABASE_SCRAM_CLIENT_KEY=SCRAM_CLIENT_CANARY,
                             DATABASE_SCRAM_SERVER_KEY=SCRAM_SERVER_CANARY)
    ran = subprocess.run([program("users"), "--settings"], env=given, capture_output=True, text=True, timeout=60, check=True)
    rows = {line.split()[0]: line.split()[1] for line in ran.stdout.splitlines()}
    assert {name: rows[name] for name in SECRETS} == dict.fromkeys(SECRETS, "***")
    assert not any(canary in ran.stdout for canary in CANARIES)


def test_no_program_takes_one_as_an_argument(site):
    """Where each user of the machine could read it."""
    for argument in (f"--database-url={CANARY_ENCODED}", f"DATABASE_URL={CANARY_ENCODED}", CANARY_ENCODED):
        ran = subprocess.run([program("users"), argument], env=site.environment(), capture_output=True, timeout=60, check=False)
        assert ran.returncode == 64
        assert_none_in(ran.stdout + ran.stderr, "the answer to it")


# --- what is installed ---


@pytest.mark.long
def test_installed_files_have_none_and_are_nobody_elses_to_write(site, settings):
    stage = site.folder("installed-secrets") / "stage"
    subprocess.run(["make", "-s", "install", VARIANT, f"DESTDIR={stage}"], cwd=ROOT, check=True, timeout=120,
                   capture_output=True, env=site.environment(**settings))
    found = [path for path in stage.rglob("*") if path.is_file() and not path.is_symlink()]
    assert len(found) > 40
    for path in found:
        assert_none_in(path.read_bytes(), path)
        mode = stat.S_IMODE(path.stat().st_mode)
        assert not mode & 0o022 and not mode & 0o7000, path
    assert stat.S_IMODE((stage / "etc/nullpool/nullpool.env").stat().st_mode) == 0o640
