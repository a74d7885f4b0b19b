"""nginx, Postgres with TLS and Redis, private to this run: in a folder of their own, on free ports, stopped at the end.

All tests of a worker share `site`. A test that needs programs of its own (other settings, another database) calls `serve`.
After the last test all logs are read: every line is JSON, and none has a sanitizer's report, an alert of nginx or a secret.
"""
import fcntl
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from env.local.authority import Authority  # noqa: E402
from env.local.endpoint import Endpoint, run_dir_for  # noqa: E402
from env.local.nginx import Nginx, nginx_bodies, nginx_settings  # noqa: E402
from env.local.postgres import Postgres, migrate  # noqa: E402
from env.local.process import free_port, wait_until  # noqa: E402
from env.local.redis import Redis  # noqa: E402
import tokens  # noqa: E402
from canaries import (CANARIES, CANARY, CANARY_ENCODED, OWNER_CANARY, REDIS_CANARY, SECRET_CANARY,  # noqa: E402, F401
                      assert_none_in)
from client import Client  # noqa: E402

BUILD = ROOT / os.environ.get("NULLPOOL_BUILD", "build")
VARIANT = f"VARIANT={'release' if BUILD == ROOT / 'build' else BUILD.name}"  # make's, of what is tested

# The tables of tests/system/handlers/probe.c.
PROBE_TABLES = """
CREATE TABLE probe_rows (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, label text NOT NULL,
    CONSTRAINT probe_label UNIQUE (label) DEFERRABLE INITIALLY DEFERRED);
-- A commit that takes long enough to be disturbed.
CREATE FUNCTION probe_slow_commit() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_sleep(1.5); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER probe_slow_commit AFTER INSERT ON probe_rows DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.label LIKE 'slow-commit%') EXECUTE FUNCTION probe_slow_commit();
"""


LONGEST = ["test_matrix.py", "test_matrix_links.py"]

# Only make test-all tries each mode.
AHEAD = pytest.param("ahead", marks=pytest.mark.long)
# Where a test is not about connections, make test tries it on connections that stay open: to open one takes longer than the rest
# of a test.
EITHER = [pytest.param("null", marks=pytest.mark.long), "persistent"]

TEMPLATE = "NULLPOOL_TEST_TEMPLATE"  # the folder of the cluster that all workers of a run copy


def pytest_configure(config):
    config.addinivalue_line("markers", "long: takes seconds, tests the tooling, or repeats something; only in make test-all")
    if not hasattr(config, "workerinput"):  # xdist's workers inherit the environment
        os.environ[TEMPLATE] = folder = tempfile.mkdtemp(prefix="nullpool-template-")
        config.add_cleanup(lambda: shutil.rmtree(folder))


def pytest_collection():
    tokens.is_collecting = True


def pytest_collection_finish():
    tokens.is_collecting = False


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Begins with the files that take longest, so that pytest-xdist's processes end at about the same time."""
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


class Site:
    """One Postgres, one Redis, and a way to start programs in front of them."""

    def __init__(self, home):
        self.home = home
        self.authority = Authority(home / "ca")
        self.postgres = Postgres(home / "postgres", free_port(), self.authority, fsync=False)
        self.redis = Redis(home / "redis", free_port(), password=REDIS_CANARY)
        # A copy, since production refuses a file that others can read.
        self.env_file = home / "testing.env"
        self.env_file.write_text((ROOT / "env" / "testing.env").read_text())
        self.env_file.chmod(0o600)
        self.services = []
        self.bad_ends = []  # of masters
        self.logs_of_deaths = set()  # of programs outside of a Service that a test kills
        self.count = 0
        self.admin = None  # the connection of query()
        self.sessions = {}  # user: the session that begin_session() made

    def start(self):
        self.postgres.template = self._template()
        self.postgres.create("app", "app_owner", OWNER_CANARY, "app_user", CANARY)
        self.postgres.start()
        self.redis.start()
        with self.owner() as link, link.cursor() as cursor:
            cursor.execute(PROBE_TABLES)
        self.begin_session(tokens.USER, tokens.SESSION)

    def stop(self):
        self.redis.stop()
        if self.admin:
            self.admin.close()
        self.postgres.stop("immediate")

    def _template(self):
        """The home of a migrated cluster that does not run. The first site of a run makes it, in seconds."""
        folder = pathlib.Path(os.environ.get(TEMPLATE) or self.folder("template"))
        folder.chmod(0o755)
        home, complete = folder / "postgres", folder / "complete"
        with open(folder / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not complete.exists():
                postgres = Postgres(home, free_port(), self.authority, fsync=False)
                postgres.create("app", "app_owner", OWNER_CANARY, "app_user", CANARY)
                postgres.start()
                migrate(ROOT, self.environment(
                    DATABASE_URL=self.url(port=postgres.port),
                    MIGRATION_DATABASE_URL=self.url("app_owner", OWNER_CANARY, postgres.port)))
                postgres.stop()
                complete.touch()
        return home

    def new_postgres(self, name, fsync=False):
        """Another one with the schema, for the test to start and stop. The password of app_user is "app"."""
        postgres = Postgres(self.folder(f"postgres-{name}"), free_port(), self.authority, fsync)
        postgres.template = self.postgres.template
        postgres.create("app", "app_owner", OWNER_CANARY, "app_user", "app")
        return postgres

    def url(self, user="app_user", password=CANARY_ENCODED, port=None, database="app", query="?sslmode=require"):
        return f"postgresql://{user}:{password}@127.0.0.1:{port or self.postgres.port}/{database}{query}"

    def environment(self, **settings):
        """The environment of a program: env/testing.env, this run's servers, then the settings of the test. None removes one."""
        base = {name: value for name, value in os.environ.items()
                if name in ("PATH", "HOME", "LANG", "TMPDIR", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS")}
        base.update(
            NULLPOOL_ENV_FILE=str(self.env_file),
            NULLPOOL_BUILD=str(BUILD),
            DATABASE_URL=self.url(),
            MIGRATION_DATABASE_URL=self.url("app_owner", OWNER_CANARY),
            REDIS_URL=f"redis://:{REDIS_CANARY}@127.0.0.1:{self.redis.port}/0",
            SECRET_KEY=SECRET_CANARY,
        )
        base.update(settings)
        return {name: str(value) for name, value in base.items() if value is not None}

    def owner(self):
        import psycopg2
        link = psycopg2.connect(host="127.0.0.1", port=self.postgres.port, dbname="app", user="app_owner",
                                password=OWNER_CANARY, sslmode="require")
        link.autocommit = True
        return link

    def query(self, sql, *values):
        """Runs a statement as the superuser, on one connection for all: tests poll with it."""
        if self.admin is None or self.admin.closed:
            self.admin = self.postgres.admin("app")
        with self.admin.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchall() if cursor.description else None

    def begin_session(self, user, session=None):
        """The session of a user, made as a sign-in does. Makes the user if there is none."""
        if session or user not in self.sessions:
            self.sessions[user] = session = session or str(uuid.uuid4())
            self.query("INSERT INTO users (id, email, name) VALUES (%s, %s, 'Somebody') ON CONFLICT DO NOTHING",
                       user, f"{user}@example.com")
            self.query("INSERT INTO refresh_tokens (token_hash, family, user_id, expires_at)"
                       " VALUES (%s, %s, %s, now() + interval '1 day')", session, session, user)
        return self.sessions[user]

    def backends(self):
        """The pids of the runtime role's connections."""
        return [pid for (pid,) in self.query("SELECT pid FROM pg_stat_activity WHERE usename = 'app_user'")]

    def folder(self, name):
        self.count += 1
        path = self.home / f"{self.count:02d}-{name}"
        path.mkdir()
        path.chmod(0o755)
        return path


class Service:
    """Programs and an nginx in front of them."""

    def __init__(self, site, programs, **settings):
        programs = [program(name) for name in programs]
        self.site = site
        self.folder = site.folder("-".join(path.name for path in programs))
        self.run_dir = run_dir_for(self.folder / "run")
        self.log_path = self.folder / "programs.log"
        self.log = open(self.log_path, "ab")
        self.environment = site.environment(**settings)
        self.endpoints = {
            path.name: Endpoint(path.name, path, self.run_dir, self.environment, self.log) for path in programs}
        self.nginx = Nginx(self.folder / "nginx", free_port(), self.run_dir, ROOT / "nginx",
                           nginx_settings(BUILD / "nginx-conf", self.environment), BUILD / "site")
        # A script around a program knows no options.
        prefix = {name: value for name, value in self.environment.items() if name == "API_PREFIX"}
        self.nginx.bodies = nginx_bodies({**prefix, "NULLPOOL_ENV_FILE": "/dev/null"},
                                         *(path for path in programs if path.is_relative_to(BUILD)))
        self.client = Client(self.nginx.port, key=self.environment.get("SECRET_KEY"), begin_session=site.begin_session)
        self.may_die, self.last_words = False, None
        self.parsed, self.parsed_bytes, self.parsing = [], 0, threading.Lock()  # of the log, see lines()
        site.services.append(self)

    def expect_deaths(self, last_words=None):
        """The test kills processes of this service, or makes them crash; lines with last_words in them are then expected.
        In any other service a death is a failure of the run."""
        self.may_die, self.last_words = True, last_words
        return self

    def start(self):
        for endpoint in self.endpoints.values():
            endpoint.start()
        self.nginx.start()
        for name, endpoint in self.endpoints.items():
            # Only then it takes signals, and has no child but its workers and the check of the database: another tried out
            # the sandbox. One with wrong settings ends instead.
            wait_until(f"{name} to start", lambda: self.lines(event="started", endpoint=name) or not endpoint.running, 30)
        return self

    def stop(self):
        self.nginx.stop()
        for endpoint in self.endpoints.values():  # so that they end at the same time
            endpoint.send(signal.SIGTERM)
        for endpoint in self.endpoints.values():
            late = endpoint.close()
            if endpoint.returncode not in (0, None) and not (late or self.may_die):
                self.site.bad_ends.append(f"{endpoint.name} ended with {endpoint.how_it_ended()}, see {self.log_path}")
        self.log.close()

    def lines(self, **wanted):
        """The lines of the log that have these members. Tests poll with it, so each line is parsed once."""
        with self.parsing:
            with open(self.log_path, "rb") as log:
                log.seek(self.parsed_bytes)
                new = log.read()
            new = new[:new.rfind(b"\n") + 1]
            self.parsed += map(json.loads, sane_lines(new.decode(errors="replace"), self.last_words))
            self.parsed_bytes += len(new)
            return [line for line in self.parsed if all(line.get(name) == value for name, value in wanted.items())]

    def line_of(self, answer):
        """The program's line for an answer."""
        request_id = answer.headers["x-request-id"]
        wait_until(f"a log line for {request_id}", lambda: self.lines(event="request", request_id=request_id), 5)
        return self.lines(event="request", request_id=request_id)[0]

    def access_lines(self):
        return [json.loads(line) for line in whole_lines(self.folder / "nginx" / "access.log").splitlines()]


# The events of processes that ended by themselves.
DEATH = re.compile(r'"event":"(worker|database check|span exporter|key fetcher) died"')


def whole_lines(path):
    """The text of a log without a line that is still being written."""
    text = path.read_text(errors="replace")
    return text[:text.rfind("\n") + 1]


def sane_lines(text, last_words=None):
    """All lines except those with last_words, and except those in which LeakSanitizer says that its process was killed
    meanwhile. A report of it stays: it is not JSON, and so a failure."""
    killed = re.compile(r"==\d+==(Unable to get registers from thread|Can't open /proc/)")
    return [line for line in text.splitlines() if not killed.match(line) and not (last_words and last_words in line)]


def children(pid):
    """The pids of a process's children."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as listing:
            return [int(child) for child in listing.read().split()]
    except OSError:
        return []


def settled_children(pid, count):
    """Waits until there are so many, and no more that come and go, such as the check of the database at the start. The kernel's
    list may lack one while another ends, so it is read twice."""
    def seen():
        first = children(pid)
        time.sleep(0.02)
        return first if len(first) == count and children(pid) == first else None
    return wait_until(f"{count} children", seen, 30)


def only_child(pid):
    return settled_children(pid, 1)[0]


def may_mount():
    return os.geteuid() == 0 and subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode == 0


def program(name):
    """The path of a program of this build; a path is returned unchanged."""
    if isinstance(name, pathlib.Path):
        return name
    mine = BUILD / "tests" / "handlers" / name
    return mine if mine.exists() else BUILD / "handlers" / name


@pytest.fixture
def terminal():
    """(leader, follower) of a pseudo-terminal; the test closes the follower."""
    try:
        leader, follower = os.openpty()
    except OSError as error:
        pytest.skip(f"no pseudo-terminals here: {error}")
    yield leader, follower
    os.close(leader)


@pytest.fixture(scope="session")
def site():
    home = pathlib.Path(tempfile.mkdtemp(prefix="nullpool-test-"))
    home.chmod(0o755)  # Postgres runs as another user when the tests run as root
    made = Site(home)
    try:
        made.start()
        yield made
    finally:
        made.stop()
    read_logs(made)
    shutil.rmtree(home)


def read_logs(site):
    """Fails if a program printed anything but log lines, died without a test that kills it, or if a secret is anywhere."""
    assert site.bad_ends == []
    for service in site.services:
        for line in sane_lines(service.log_path.read_text(errors="replace"), service.last_words):
            try:
                assert isinstance(json.loads(line), dict)
            except ValueError:
                raise AssertionError(f"not a JSON line in {service.log_path}: {line[:2000]}") from None
            assert service.may_die or not DEATH.search(line), f"in {service.log_path}: {line}"
        errors = (service.folder / "nginx" / "error.log")
        for line in errors.read_text().splitlines() if errors.exists() else []:
            assert not any(f"[{level}]" in line for level in ("emerg", "alert", "crit")), line
    known = {service.log_path for service in site.services} | site.logs_of_deaths
    for path in site.home.rglob("*"):
        if path.is_file() and path.suffix == ".log":
            assert_none_in(path.read_bytes(), path)
            assert path in known or not DEATH.search(path.read_text(errors="replace")), path
    # All files of nginx and the programs: configuration, scoreboards, buffered bodies.
    for service in site.services:
        for path in service.folder.rglob("*"):
            if path.is_file():
                assert_none_in(path.read_bytes(), path)


@pytest.fixture(scope="session")
def started(site):
    """Services to stop at the end, also after a failure."""
    services = []
    yield services
    for service in services:
        service.stop()


PROGRAMS = ["root", "health", "metrics", "users", "onboarding", "auth", "probe"]


@pytest.fixture(scope="session")
def null(site, started):
    """All programs in mode null, as in production and tests: a connection for each request. Two workers are there for what two
    do at once."""
    started.append(Service(site, PROGRAMS, DATABASE_CONNECTION="null", DATABASE_POOL_SIZE=2).start())
    return started[-1]


@pytest.fixture(scope="session")
def persistent(site, started):
    """All programs in mode persistent, as in development: a connection for each process. One worker shows its reuse."""
    started.append(Service(site, PROGRAMS, DATABASE_CONNECTION="persistent", DATABASE_POOL_SIZE=1,
                           DATABASE_MAX_OVERFLOW=0).start())
    return started[-1]


@pytest.fixture(scope="session")
def ahead(site, started):
    """All programs in mode ahead: a worker opens its next connection while it is idle."""
    started.append(Service(site, PROGRAMS, DATABASE_CONNECTION="ahead", DATABASE_POOL_SIZE=2).start())
    return started[-1]


@pytest.fixture(params=[*EITHER, AHEAD])
def service(request):
    """Each mode in turn."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def serve(site):
    """serve("users", SETTING=value) starts programs for one test."""
    services = []

    def start(*programs, **settings):
        services.append(Service(site, list(programs), **settings))
        return services[-1].start()

    yield start
    for one in services:
        one.stop()
