"""The faults of test_matrix.py and test_matrix_links.py, on servers that only these tests use.

A fault is a function that takes a case. It is called before the request or, as `meanwhile`, while the request runs. It
registers with case.undo() how to remove the fault, which happens after the answer and before the request that must succeed.
"""
import concurrent.futures
import contextlib
import dataclasses
import os
import pathlib
import random
import resource
import select
import signal
import socket
import time
import uuid

import psycopg2
import pytest

import faults
from env.local.authority import Authority
from env.local.nginx import NGINX_ENVIRONMENT
from env.local.postgres import Postgres
from env.local.process import free_port, wait_until
from conftest import OWNER_CANARY, PROBE_TABLES, REDIS_CANARY, Service
from servers import Plaintext, server

# For services whose fault is not a delay, so that a busy machine does not look like one. A lock may take half of
# DATABASE_COMMAND_TIMEOUT.
PATIENT = {"DATABASE_CONNECT_TIMEOUT": 10, "DATABASE_COMMAND_TIMEOUT": 20, "REQUEST_TIMEOUT": 25, "REDIS_TIMEOUT_MS": 1500}
# For services whose fault is a delay.
SHORT = {"DATABASE_CONNECT_TIMEOUT": 3, "DATABASE_COMMAND_TIMEOUT": 3, "REQUEST_TIMEOUT": 6}
# The watchdog acts within 2 s after the deadline; the rest is for a busy machine.
GRACE_S = 2 + 8

AWAY = "The database is not available"
BUSY = "The database is busy"
TAKEN = "This label is taken"
SLOW = "The database took too long"

NULL = {"DATABASE_CONNECTION": "null"}
WRITE = "POST /probe/rows?label={label}"  # a COMMIT of its own
MARKED = "POST /probe/marked?label={label}"  # the statement carries the commit
UNAVAILABLE = {"status": 503, "detail": AWAY, "retry_after": True}

GATE, FIRST, SECOND = 1, 2, 3  # advisory locks

TABLES = PROBE_TABLES + f"""
-- Rows that wait in the middle of a transaction until the test lets them go on.
CREATE FUNCTION probe_gate() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_advisory_xact_lock_shared({GATE}); RETURN NEW; END $$;
CREATE TRIGGER probe_gate BEFORE INSERT ON probe_rows FOR EACH ROW WHEN (NEW.label LIKE 'gate-%')
    EXECUTE FUNCTION probe_gate();
-- Rows that cause a deadlock once the holder of the second lock waits for the first.
CREATE FUNCTION probe_deadlock() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    PERFORM pg_advisory_xact_lock({FIRST});
    WHILE NOT pg_try_advisory_xact_lock({SECOND}) LOOP
        PERFORM pg_sleep(0.01);
        IF EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = {FIRST} AND NOT granted) THEN
            PERFORM pg_advisory_xact_lock({SECOND});
        END IF;
    END LOOP;
    RETURN NEW;
END $$;
CREATE TRIGGER probe_deadlock BEFORE INSERT ON probe_rows FOR EACH ROW WHEN (NEW.label LIKE 'deadlock-%')
    EXECUTE FUNCTION probe_deadlock();
"""


@dataclasses.dataclass(frozen=True)
class Row:
    """One fault, and what the service promises while it lasts."""

    name: str
    ask: str = "GET /probe/session"  # {label} and {number} are new for each test
    body: str = None
    status: int = 200
    detail: str = None  # of the problem
    unknown: bool = False  # the problem says "outcome": "unknown"
    retry_after: bool = False
    # Members of the log line. A part of "detail" is enough, and None means that the member must be absent.
    log: dict = dataclasses.field(default_factory=dict)
    event: dict = None  # members of another log line that must be written
    replayed: bool = False
    rows: tuple = ()  # the allowed numbers of rows with the label
    before: object = None
    meanwhile: object = None
    after: object = None  # a further check, while the fault lasts
    through: str = "direct"  # how the service reaches the database: "direct", "line", "tls"; see World
    settings: dict = dataclasses.field(default_factory=dict)
    key: bool = False  # with an Idempotency-Key
    prefix: str = "label"  # of the label
    kills: bool = False  # the fault ends processes of the service, so the case gets its own
    long: bool = False  # only in make test-all, as is what waits for a timeout

    def param(self):
        waits = "REQUEST_TIMEOUT" in self.settings
        return pytest.param(self, id=self.name, marks=[pytest.mark.long] if self.long or waits else [])


class World:
    """A Postgres behind a line and behind a TLS proxy, a Redis behind a line, and services that use them."""

    def __init__(self, site, last):
        self.site, self.last = site, last
        self.services = {}
        self.postgres = site.new_postgres("matrix")
        self.postgres.start()
        last.callback(self.postgres.stop, "immediate")
        self.make_tables(self.postgres)
        # A deadlock is found before the lock timeout, which is 1 s here.
        query(self.postgres, "ALTER ROLE app_user SET deadlock_timeout = '50ms'")
        self.line = last.enter_context(faults.line(self.postgres.port))
        self.tls = last.enter_context(faults.tls_line(self.postgres.port, site.authority.certificate("matrix")))
        self.redis = last.enter_context(faults.line(site.redis.port))

    @staticmethod
    def make_tables(postgres):
        link = psycopg2.connect(host="127.0.0.1", port=postgres.port, dbname="app", user="app_owner", password=OWNER_CANARY,
                                sslmode="require")
        with link, link.cursor() as cursor:
            cursor.execute(TABLES)
        link.close()

    def url(self, port=None, query="?sslmode=require"):
        return self.site.url(password="app", port=port or self.postgres.port, query=query)

    def database_url(self, through):
        if through == "direct":
            return self.url()
        if through == "line":
            return self.url(self.line.entrance)
        return self.url(self.tls.entrance, "?sslmode=require&channel_binding=disable")

    def service(self, settings, own=False):
        """The service with these settings, started once and shared; own: started for the caller alone."""
        key = tuple(sorted(settings.items()))
        if own or key not in self.services:
            service = Service(self.site, ["probe"], **{
                **PATIENT, "DATABASE_POOL_SIZE": 1, "DATABASE_MAX_OVERFLOW": 0, "DATABASE_CONNECTION": "persistent",
                "REDIS_URL": f"redis://:{REDIS_CANARY}@127.0.0.1:{self.redis.entrance}/0", **settings})
            if own:
                service.expect_deaths()
            else:
                self.services[key] = service
            self.last.callback(service.stop)
            service.start()
            return service
        return self.services[key]


def query(postgres, sql, *values):
    with contextlib.closing(postgres.admin("app")) as link, link.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall() if cursor.description else None


class Case:
    """One row, while its test runs."""

    def __init__(self, world, row, last):
        self.world, self.row, self.last = world, row, last
        self.postgres, self.line, self.tls, self.redis = world.postgres, world.line, world.tls, world.redis
        self.undo = last.callback
        self.label, self.number = f"{row.prefix}-{uuid.uuid4()}", random.randrange(10000, 100000)
        settings = {"DATABASE_URL": world.database_url(row.through), **row.settings}
        self.service = world.service(settings, own=row.kills)
        self.worker = None

    def query(self, sql, *values):
        return query(self.postgres, sql, *values)

    def ask(self):
        method, target = self.row.ask.split(" ", 1)
        headers = {"Idempotency-Key": str(uuid.uuid4())} if self.row.key else {}
        start = time.monotonic()
        if self.row.body:
            headers["Content-Type"] = "application/json"
        answer = self.service.client.ask(method, self.target(target), self.row.body, headers)
        return answer, time.monotonic() - start

    def target(self, target):
        return target.format(label=self.label, number=self.number)

    def assert_works(self):
        """Sends a request that succeeds unless there is a fault."""
        answer = self.service.client.get("/probe/session")
        assert answer.status == 200, answer
        return answer

    def settle(self):
        """Waits until the start-up check is over and the only worker has its connection."""
        wait_until("the start-up check", lambda: self.service.lines(event="database connected"), 15)
        self.worker = self.service.line_of(self.assert_works())["pid"]

    def running_backend(self, words):
        """Waits until a statement with these words runs. Returns the pid of its backend."""
        return wait_until(f"a statement with {words}", lambda: self.query(
            "SELECT pid FROM pg_stat_activity WHERE usename = 'app_user' AND state = 'active'"
            " AND query LIKE '%%' || %s || '%%'", words), 10)[0][0]

    def server_setting(self, name, value, restart=False):
        usual = self.query(f"SHOW {name}")
        self.undo(self.apply_setting, restart, lambda: self.query(f"SHOW {name}") == usual)
        self.undo(self.query, f"ALTER SYSTEM RESET {name}")
        self.query(f"ALTER SYSTEM SET {name} = {value}")
        self.apply_setting(restart, lambda: self.query(f"SHOW {name}") != usual)

    def apply_setting(self, restart, done):
        """Applies the setting. Once a new session has it, the postmaster has signalled all open sessions."""
        if restart:
            self.postgres.stop()
            self.postgres.start()
        else:
            self.query("SELECT pg_reload_conf()")
        wait_until("the new setting", done, 20)

    def check(self, answer, took):
        row = self.row
        assert answer.status == row.status, (answer, self.service.lines()[-3:])
        assert took < {**PATIENT, **row.settings}["REQUEST_TIMEOUT"] + GRACE_S
        assert ("retry-after" in answer.headers) == row.retry_after, answer
        assert ("idempotency-replayed" in answer.headers) == row.replayed, answer
        if row.status >= 400:
            problem = answer.problem()
            assert row.detail is None or problem.get("detail") == row.detail, answer
            assert (problem.get("outcome") == "unknown") == row.unknown, answer
        if row.log is not None:
            self.check_line(self.service.line_of(answer))
        if row.event:
            wait_until(f"a line with {row.event}", lambda: self.service.lines(**row.event), 10)

    def check_line(self, line):
        assert line["status"] == self.row.status
        for name, wanted in self.row.log.items():
            assert wanted in line["detail"] if name == "detail" else line.get(name) == wanted, line

    def check_rows(self):
        if self.row.rows:
            found = self.query("SELECT count(*) FROM probe_rows WHERE label = %s", self.label)[0][0]
            assert found in self.row.rows, found


@pytest.fixture(scope="module")
def world(site):
    with contextlib.ExitStack() as last:
        yield World(site, last)


def run(world, row):
    with contextlib.ExitStack() as last:
        case = Case(world, row, last)
        case.settle()
        if row.before:
            row.before(case)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            asked = pool.submit(case.ask)
            if row.meanwhile:
                row.meanwhile(case)
            answer, took = asked.result()
        case.check(answer, took)
        if row.after:
            row.after(case)
    case.check_rows()
    case.assert_works()


# --- the database ---


def database_down(case):
    case.postgres.stop()
    case.undo(case.postgres.start)


def database_shuts_down(case):
    case.running_backend("pg_sleep")
    database_down(case)


def database_crashes(case):
    case.running_backend("pg_sleep")
    case.postgres.stop("immediate")
    case.undo(case.postgres.start)


def backend_killed(case):
    """Postgres takes the signal for corrupted memory: it ends all sessions and recovers."""
    pid = case.running_backend("pg_sleep")
    case.undo(wait_until, "the recovery", lambda: answers(case.postgres), 30)
    os.kill(pid, signal.SIGKILL)
    wait_until("the end of the backend", lambda: not os.path.exists(f"/proc/{pid}"), 10)


def answers(postgres):
    with contextlib.suppress(psycopg2.OperationalError):
        postgres.admin("app").close()
        return True
    return False


def backend_stopped(words):
    def fault(case):
        pid = case.running_backend(words)
        os.kill(pid, signal.SIGSTOP)
        case.undo(os.kill, pid, signal.SIGCONT)
    return fault


def connections_exhausted(case):
    """Opens all connections that max_connections allows, except those reserved for superusers."""
    case.server_setting("max_connections", 12, restart=True)
    case.service.client.get("/probe/session")  # the restart ended the worker's connection, so it reconnects
    links = []
    case.undo(lambda: [link.close() for link in links])
    with contextlib.suppress(psycopg2.OperationalError):
        while True:
            links.append(psycopg2.connect(case.world.url()))
    assert len(links) >= 5


def no_statement_runs(case):
    assert case.query("SELECT count(*) FROM pg_stat_activity WHERE usename = 'app_user' AND state = 'active'"
                      " AND query LIKE '%%pg_sleep%%'") == [(0,)]


def table_locked(case):
    link = case.postgres.admin("app")
    case.undo(link.close)
    link.autocommit = False
    with link.cursor() as cursor:
        cursor.execute("LOCK TABLE probe_rows IN ACCESS EXCLUSIVE MODE")


def gate_closed(case):
    case.gate = case.postgres.admin("app")
    case.undo(case.gate.close)
    with case.gate.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [GATE])


def concurrent_write_commits_first(case):
    """Another serializable transaction reads and writes the same rows as the request, and commits first."""
    case.running_backend("INSERT INTO probe_rows")
    with contextlib.closing(case.postgres.admin("app")) as link:
        link.autocommit = False
        link.set_session(isolation_level="SERIALIZABLE")
        with link.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")  # no trigger, so no gate
            cursor.execute("SELECT count(*) FROM probe_rows WHERE label = %s", [case.label])
            cursor.execute("INSERT INTO probe_rows (label) VALUES (%s)", [case.label])
        link.commit()
    case.gate.close()


def second_lock_taken(case):
    case.other = case.postgres.admin("app")
    case.undo(case.other.close)
    case.other.autocommit = False
    with case.other.cursor() as cursor:
        cursor.execute("SET deadlock_timeout = '1min'")  # so that the request detects the deadlock and is the one that fails
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SECOND])


def deadlock_closed(case):
    case.running_backend("INSERT INTO probe_rows")
    with case.other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [FIRST])  # until the request's transaction was rolled back
    case.other.commit()


def label_taken(case):
    case.query("INSERT INTO probe_rows (label) VALUES (%s)", case.label)


def server_setting(name, value):
    return lambda case: case.server_setting(name, value)


class OnSmallDisk(Postgres):
    """Its tablespace "small" is a tmpfs of 1 MiB in the mount namespace of its processes, so it is gone when they end."""

    def launch(self, command, **more):
        self.small = self.home.with_name("small-disk")
        self.small.mkdir()
        user = f"--reuid={self.user} --regid={self.user} --init-groups --pdeathsig=INT"
        script = (f'mount -t tmpfs -o size=1m,uid=$(id -u {self.user}),mode=700 none "$0"'
                  f' && exec /usr/bin/setpriv {user} -- "$@"')
        self.user, usual = None, self.user
        super().launch(["/usr/bin/unshare", "--mount", "/bin/sh", "-c", script, self.small, *command], **more)
        self.user = usual


def disk_full(case):
    folder = case.world.site.folder("small")
    postgres = OnSmallDisk(folder / "postgres", free_port(), case.world.site.authority, fsync=False)
    case.undo(postgres.stop, "immediate")
    postgres.create("app", "app_owner", OWNER_CANARY, "app_user", "app")
    postgres.start()
    World.make_tables(postgres)
    query(postgres, f"CREATE TABLESPACE small LOCATION '{postgres.small}'")
    query(postgres, "ALTER TABLE probe_rows SET TABLESPACE small")
    for rows in (1000, 1):
        with contextlib.suppress(psycopg2.errors.DiskFull):
            while True:
                query(postgres, "INSERT INTO probe_rows (label) SELECT repeat(gen_random_uuid()::text, 5)"
                                " FROM generate_series(1, %s)", rows)
    case.undo(setattr, case, "postgres", case.postgres)
    case.postgres = postgres
    use_database_at(case, postgres.port)


def has_no_row(case):
    assert case.query("SELECT count(*) FROM probe_rows WHERE label = %s", case.label) == [(0,)]


# --- the connection to the database ---


def fault_on(name, fault):
    """Sets the fault on one of the world's lines. A fault with state is a class, and each case gets an instance."""
    def begin(case):
        line = getattr(case, name)
        line.fault = fault() if isinstance(fault, type) else fault
        case.undo(setattr, line, "fault", faults.passing)
    return begin


def syn_lost(case):
    """Uses a listener whose queue is full: the kernel drops each SYN, as if the network had lost it."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=0)
    case.undo(listener.close)
    for _ in range(3):
        link = socket.socket()
        case.undo(link.close)
        link.setblocking(False)
        link.connect_ex(listener.getsockname())
    use_database_at(case, listener.getsockname()[1])


def use_database_at(case, port, query="?sslmode=require", **settings):
    """Sends the request to a service whose database is at this port."""
    usual = case.service
    case.undo(setattr, case, "service", usual)
    case.service = case.world.service({
        **case.row.settings, "DATABASE_URL": case.world.url(port, query), "DATABASE_CONNECTION": "null", **settings}, own=True)
    case.service.may_die = False


def fake_database(talk):
    """The database is a server that only runs `talk`."""
    def fault(case):
        use_database_at(case, case.last.enter_context(server(talk)))
    return fault


def tls_refused(case):
    """The URL does not name an sslmode: production requires TLS anyway."""
    case.plaintext = Plaintext()
    use_database_at(case, case.last.enter_context(server(case.plaintext)), "", ENV="production")


def received_no_password(case):
    assert case.plaintext.received == b""


def certificate(name="foreign", foreign=False, **more):
    """The server presents this certificate. The client verifies that the tests' authority signed it for the server's address."""
    def fault(case):
        authority = Authority(case.world.site.folder("authority")) if foreign else case.world.site.authority
        line = case.last.enter_context(faults.tls_line(case.postgres.port, authority.certificate(name, **more)))
        use_database_at(case, line.entrance, f"?sslmode=verify-full&sslrootcert={case.world.site.authority.root}")
    return fault


# --- Redis ---


def after_redis_answered(then):
    """Waits until Redis has answered the worker: after an earlier fault the worker does not ask for a second."""
    def fault(case):
        wait_until("an answer from Redis", lambda: case.service.line_of(case.service.client.get(
            case.target("/probe/cached-wide?rows=8&size={number}"))).get("cache") in ("miss", "hit"), 10)
        then(case)
    return fault


def fake_redis(talk):
    """Replaces Redis with a server that runs `talk`, and closes open connections so that the worker connects to it."""
    def fault(case):
        case.undo(setattr, case.redis, "port", case.redis.port)
        case.redis.port = case.last.enter_context(server(talk))
        case.redis.end_open_ones(hard=True)
    return fault


def endless_string(link):
    """Sends a string that is longer than a reply may be."""
    link.recv(4096)
    link.sendall(b"$1073741824\r\n")
    while True:
        link.sendall(b"x" * 65536)


# --- the program ---


def worker_limit(what, amount):
    """Limits a resource of the worker to what it uses now plus `amount`."""
    def fault(case):
        used = {resource.RLIMIT_AS: address_space, resource.RLIMIT_NOFILE: descriptors}[what](case.worker)
        resource.prlimit(case.worker, what, (used + amount, resource.prlimit(case.worker, what)[1]))
        # For a worker that survives.
        case.undo(restore_limit, case.worker, what)
    return fault


def restore_limit(pid, what):
    with contextlib.suppress(ProcessLookupError):
        resource.prlimit(pid, what, (resource.prlimit(pid, what)[1],) * 2)


def address_space(pid):
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[0]) * resource.getpagesize()


def descriptors(pid):
    """The lowest free descriptor: the limit applies to numbers, not to a count."""
    used = {int(path.name) for path in pathlib.Path(f"/proc/{pid}/fd").iterdir()}
    return min(set(range(len(used) + 1)) - used)


def log_on_a_full_disk(case):
    endpoint = case.service.endpoints["probe"]
    endpoint.stop()
    full = open("/dev/full", "wb")
    case.undo(full.close)
    case.undo(endpoint.start)
    case.undo(setattr, endpoint, "log", endpoint.log)
    case.undo(endpoint.stop)
    endpoint.log = full
    endpoint.start()


# --- the clock ---


FAKETIME = next(iter(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1")), None)


def settable_clock(case):
    """nginx and the program read the wall clock from a file, and the only worker is busy. The monotonic clock cannot be set,
    so it stays the real one."""
    case.clock = case.service.folder / "faketime"
    set_clock(case, "+0")
    fake = {"LD_PRELOAD": str(FAKETIME), "FAKETIME_TIMESTAMP_FILE": str(case.clock), "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}
    endpoint, nginx = case.service.endpoints["probe"], case.service.nginx
    for process, environment in ((endpoint, endpoint.environment), (nginx, NGINX_ENVIRONMENT)):
        process.stop()
        process.environment = {**environment, **fake}
        process.start()
    case.assert_works()
    pool = case.last.enter_context(concurrent.futures.ThreadPoolExecutor(1))
    pool.submit(case.service.client.get, "/probe/sleep?seconds=3")
    case.running_backend("pg_sleep")


def set_clock(case, offset):
    new = case.clock.with_suffix(".new")
    new.write_text(f"{offset}\n")
    new.replace(case.clock)


def clock_moved(offset):
    """Sets the clock while the request is queued: nginx has sent the old time, and the worker sees the new one."""
    def fault(case):
        listener = case.service.endpoints["probe"].listener
        wait_until("the request in the queue", lambda: select.select([listener], [], [], 0)[0], 10)
        set_clock(case, offset)
    return fault
