"""A client that leaves while the database works: its query is cancelled, here and in the server. A commit goes through."""
import contextlib
import pathlib
import re
import socket
import uuid

import pytest

import servers
from env.local.process import wait_until
from conftest import CANARY, Service
from pgbouncer import PgBouncer

LONG_S = 40  # longer than any wait below: a query that ends sooner was cancelled
# A slow machine does not make a warning of a line.
SETTINGS = {"DATABASE_MAX_OVERFLOW": 0, "DATABASE_COMMAND_TIMEOUT": 60, "REQUEST_TIMEOUT": 60, "SLOW_REQUEST_MS": 0}


@contextlib.contextmanager
def asking(service, method, target, **headers):
    """A client that has sent a request; it leaves at the end of the block."""
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    with socket.create_connection(("127.0.0.1", service.nginx.port), 10) as link:
        link.sendall(f"{method} {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n{head}\r\n".encode())
        yield link


def working(site, text):
    """The runtime role's backends that are executing a statement with this text."""
    return [pid for (pid,) in site.query("SELECT pid FROM pg_stat_activity WHERE usename = 'app_user' AND state = 'active'"
                                         " AND query LIKE %s", f"%{text}%")]


def wait_for_backends(site, text, count=1):
    wait_until(f"{count} backend(s) executing {text}", lambda: len(working(site, text)) == count, 10)


def wait_for_end(site, text):
    wait_until(f"the server to stop {text}", lambda: not working(site, text), 10)


def line_of(service, route, **wanted):
    """The log line of a route's last request."""
    wait_until(f"the log line of {route}", lambda: service.lines(event="request", route=route, **wanted), 10)
    return service.lines(event="request", route=route, **wanted)[-1]


def metrics(service):
    return service.client.get("/metrics").body.decode()


def clients_gone(service):
    return sum(int(line.split()[-1]) for line in metrics(service).splitlines()
               if line.startswith("nullpool_clients_gone_total") and 'endpoint="probe"' in line)


def count_of(site, label):
    return site.query("SELECT count(*) FROM probe_rows WHERE label = %s", label)[0][0]


@pytest.fixture(scope="module")
def service(site, started):
    """Three workers."""
    started.append(Service(site, ["probe", "metrics"], **SETTINGS, DATABASE_POOL_SIZE=3).start())
    return started[-1]


@pytest.mark.long
def test_readers_that_leave_hold_no_worker(service, site):
    before = clients_gone(service)
    with contextlib.ExitStack() as leaving:
        for _ in range(10):
            leaving.enter_context(asking(service, "GET", f"/probe/sleep?seconds={LONG_S}"))
        wait_for_backends(site, "pg_sleep", 3)
    assert service.client.get("/probe/rows?label=none").status == 200
    wait_for_end(site, "pg_sleep")
    wait_until("all ten to be counted", lambda: clients_gone(service) == before + 10, 10)
    lines = service.lines(event="request", route="/probe/sleep")
    assert {(line["status"], line["level"], line["error"]) for line in lines} == {(499, "info", "The client left before the answer")}
    assert len(lines) == 3 and len(service.lines(event="client gone before its turn")) == 7
    assert not service.lines(event="reply not sent")
    (counted,) = [line for line in metrics(service).splitlines() if "nullpool_requests_total" in line and '"499"' in line]
    assert 'route="/probe/sleep"' in counted and counted.endswith(" 3")


@pytest.mark.long
def test_a_persistent_connection_is_not_reused(serve, site):
    service = serve("probe", **SETTINGS, DATABASE_CONNECTION="persistent", DATABASE_POOL_SIZE=1)
    with asking(service, "GET", f"/probe/sleep?seconds={LONG_S}"):
        wait_for_backends(site, "pg_sleep")
        (busy,) = working(site, "pg_sleep")
    assert service.line_of(service.client.get("/probe/session"))["backend_pid"] != busy
    wait_for_end(site, "pg_sleep")


def test_a_write_without_a_key_is_rolled_back(service, site):
    label = str(uuid.uuid4())
    with asking(service, "POST", f"/probe/insert-and-sleep?label={label}"):
        wait_for_backends(site, "pg_sleep")
    assert line_of(service, "/probe/insert-and-sleep", status=499)["outcome"] == "rolled_back"
    wait_for_end(site, "pg_sleep")
    assert count_of(site, label) == 0


def test_a_request_that_waits_for_a_lock_leaves_the_queue(service, site):
    with contextlib.closing(site.owner()) as owner, owner.cursor() as cursor:
        owner.autocommit = False
        cursor.execute("LOCK TABLE probe_rows IN ACCESS EXCLUSIVE MODE")
        with asking(service, "POST", f"/probe/two-steps?label={uuid.uuid4()}"):
            wait_for_backends(site, "probe_rows")
        assert line_of(service, "/probe/two-steps")["status"] == 499
        wait_for_end(site, "probe_rows")
        owner.rollback()


@pytest.mark.long
def test_a_sent_commit_and_a_write_with_a_key_go_on(service, site):
    """A commit that was sent goes on, alone or in its statement's flight. So does a write with a key, whatever was sent."""
    labels = {route: f"slow-commit-{uuid.uuid4()}" for route in ("/probe/rows", "/probe/marked")}
    label, key = str(uuid.uuid4()), f'"{uuid.uuid4()}"'
    with contextlib.ExitStack() as leaving:
        for route, slow in labels.items():
            leaving.enter_context(asking(service, "POST", f"{route}?label={slow}"))
        leaving.enter_context(asking(service, "POST", f"/probe/insert-and-sleep?label={label}", Idempotency_Key=key))
        for statement in ("COMMIT", "INSERT INTO probe_rows", "pg_sleep"):
            wait_for_backends(site, statement)
    for route in (*labels, "/probe/insert-and-sleep"):
        line = line_of(service, route, status=201)
        assert line["outcome"] == "committed", route
    assert [count_of(site, one) for one in (*labels.values(), label)] == [1, 1, 1]
    again = service.client.ask("POST", f"/probe/insert-and-sleep?label={label}", headers={"Idempotency-Key": key})
    assert (again.status, again.headers.get("idempotency-replayed")) == (201, "true")


@pytest.mark.long
def test_a_commit_is_not_sent_for_a_client_that_left_before(service, site):
    """The client leaves while the handler does something else: it sleeps for 2 s after its statement."""
    label = str(uuid.uuid4())
    with asking(service, "POST", f"/probe/dawdle?label={label}"):
        wait_until("the statement", lambda: site.query(
            "SELECT 1 FROM pg_stat_activity WHERE usename = 'app_user' AND state = 'idle in transaction'"), 10)
    line = line_of(service, "/probe/dawdle")
    assert (line["status"], line["outcome"]) == (499, "rolled_back")
    assert count_of(site, label) == 0


@pytest.mark.long
def test_behind_a_pooler_the_query_ends_in_the_server_too(serve, site):
    pooler = PgBouncer(site.folder("pgbouncer"), site.postgres, site.authority, {"app_user": CANARY}, size=2)
    pooler.start()
    try:
        service = serve("probe", DATABASE_URL=site.url(port=pooler.port), DATABASE_POOL_SIZE=1, **SETTINGS)
        with asking(service, "GET", f"/probe/sleep?seconds={LONG_S}"):
            wait_for_backends(site, "pg_sleep")
        assert line_of(service, "/probe/sleep")["status"] == 499
        assert service.client.get("/probe/rows?label=none").status == 200
        wait_for_end(site, "pg_sleep")
    finally:
        pooler.stop()


# --- while its connection is being opened ---

@contextlib.contextmanager
def full():
    """A port whose backlog is full: TCP connections are not established."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, contextlib.ExitStack() as waiting:
        for _ in range(2):
            link = waiting.enter_context(socket.socket())
            link.setblocking(False)
            link.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def mute():
    return servers.server(servers.silent)


def opened_to(port):
    """The number of sockets that are connected or connecting to that port and that their owner has not closed."""
    rows = [row.split() for row in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(int(row[2].split(":")[1], 16) == port and row[3] in ("01", "02") for row in rows)


@pytest.mark.parametrize("start, trips, mode, query", [
    (full, 0, "null", "?sslmode=require"),
    (mute, 1, "null", "?sslmode=require"),
    (mute, 1, "persistent", "?sslmode=disable"),
], ids=["tcp", "tls", "login"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_client_that_leaves_while_its_connection_is_opened_holds_no_worker(serve, site, start, trips, mode, query, method):
    """The only worker starts for the request, so nothing else connects."""
    with start() as port:
        others = opened_to(port)
        service = serve("probe", DATABASE_URL=site.url(port=port, query=query), **SETTINGS | {"DATABASE_MAX_OVERFLOW": 1},
                        DATABASE_POOL_SIZE=0, DATABASE_CONNECTION=mode, DATABASE_CONNECT_TIMEOUT=LONG_S)
        with asking(service, method, "/probe/rows?label=none"):
            wait_until("the worker to connect", lambda: opened_to(port) == others + 1, 10)
        line = line_of(service, "/probe/rows")
        assert (line["status"], line["level"], line["error"]) == (499, "info", "The client left before the answer")
        assert line["trips"] == trips
        wait_until("the connection to be closed", lambda: opened_to(port) == others, 10)


def test_a_client_that_leaves_while_one_is_opened_ahead_holds_no_worker(serve, site):
    """A worker opens its first connection ahead after its first request."""
    with mute() as port:
        service = serve("probe", "metrics", DATABASE_URL=site.url(port=port), DATABASE_CONNECTION="ahead", DATABASE_POOL_SIZE=1,
                        DATABASE_CONNECT_TIMEOUT=LONG_S, **SETTINGS)
        for left in (1, 2):
            with asking(service, "GET", "/probe/session"):
                wait_until("the worker to be busy", lambda: re.search(
                    r'^nullpool_pool_checked_out{endpoint="probe"} 1$', metrics(service), re.M), 10)
            wait_until("its log line", lambda: len(service.lines(event="request", status=499)) == left, 10)
            wait_until("the next connection, besides that of the start-up check", lambda: opened_to(port) == 2, 10)


def test_a_client_that_leaves_does_not_mark_the_replica_away(serve, site):
    """Nor is the primary asked for a client that has left."""
    with mute() as port:
        service = serve("probe", DATABASE_REPLICA_URL=site.url(port=port), DATABASE_POOL_SIZE=1, **SETTINGS)
        with asking(service, "GET", "/probe/session"):
            wait_until("the worker to connect", lambda: opened_to(port) == 1, 10)
        line = line_of(service, "/probe/session")
        assert line["status"] == 499 and not line.get("backend_pid")
        assert not service.lines(event="replica away, reads go to the primary")
