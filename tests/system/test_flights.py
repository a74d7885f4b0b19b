"""How many round trips a request needs. The count is asserted, never the time; a change that adds one fails here."""
import time
import uuid

import psycopg2
import pytest

from env.local.process import wait_until
from test_batches import batches_tables
from trips import FarAway

TRIP_S = 0.05

LIBPQ_DIRECT = SERVER_DIRECT = 170000


def connect_trips(site):
    """TCP 1, asking for TLS 1 (not where both sides know better), TLS 1.3 1, startup and SCRAM 3."""
    direct = (psycopg2.extensions.libpq_version() >= LIBPQ_DIRECT
              and int(site.query("SHOW server_version_num")[0][0]) >= SERVER_DIRECT)
    return 5 if direct else 6

# What a request adds to that, as nullpool.h promises.
FLIGHTS = [
    ("GET", "/probe/rows", 1),
    ("GET", "/probe/no-snapshot", 3),
    ("GET", "/probe/snapshot", 3),
    ("POST", "/probe/marked", 1),
    ("POST", "/probe/rows", 2),
    ("POST", "/probe/two-steps", 2),
    ("GET", "/health", 1),
]


@pytest.fixture
def far(site):
    with FarAway(site.postgres.port, TRIP_S) as proxy:
        yield proxy


FIRST = {"probe": "/probe/rows?label=none", "health": "/health", "users": "/users?limit=1", "batches": "/batches/many",
         "streams": "/streams/lines"}


def serve_far(serve, site, far, mode, programs=("probe", "health", "users"), **settings):
    """One worker, its start-up check is over, and it knows its server."""
    service = serve(*programs, DATABASE_URL=site.url(port=far.port), DATABASE_CONNECTION=mode,
                    DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0, **settings)
    wait_until("the checks", lambda: len(service.lines(event="database connected")) == len(programs), 10)
    for program in programs:
        service.client.get(FIRST[program])
    if mode == "null":
        wait_until("their end", lambda: far.open == 0, 10)
    return service


def ask(service, method, target):
    if target.startswith("/probe"):
        target += f"?label=trips-{uuid.uuid4()}"
    answer = service.client.get(target) if method == "GET" else service.client.post(target)
    assert answer.status in (200, 201), answer
    return service.line_of(answer)


def counted(far, service, method, target):
    """(what the proxy saw until the answer, the request's log line)"""
    far.forget()
    line = ask(service, method, target)
    return far.trips, line


def test_a_connection_costs_six_trips_and_each_request_what_it_promises(serve, site, far):
    connect = connect_trips(site)
    service = serve_far(serve, site, far, "null")
    for method, target, flights in FLIGHTS:
        seen, line = counted(far, service, method, target)
        assert (seen, line["connect_trips"], line["flights"]) == (connect + flights, connect, flights), (target, line)
        wait_until("the connection's end", lambda: far.open == 0, 5)


@pytest.mark.long
def test_persistent_costs_the_flights_alone(serve, site, far):
    service = serve_far(serve, site, far, "persistent")
    for method, target, flights in FLIGHTS:
        seen, line = counted(far, service, method, target)
        assert (seen, line["trips"], line["flights"]) == (flights, flights, flights), (target, line)
        assert "connect_trips" not in line


def test_the_crud_of_users_is_one_flight_each(serve, site, far):
    service = serve_far(serve, site, far, "persistent")
    client = service.client
    user = client.post("/users", {"email": f"{uuid.uuid4()}@example.com", "name": "Trip"})
    path = f"/users/{user.json()['id']}"
    answers = [user, client.get(path), client.get("/users?limit=2"),
               client.of(user.json()).send("PATCH", path, {"name": "Trap"}), client.of(user.json()).ask("DELETE", path)]
    assert [service.line_of(answer)["flights"] for answer in answers] == [1] * 5


def test_several_statements_and_a_stream_are_one_flight_and_a_refusal_is_one_more(serve, site, far):
    batches_tables(site)
    service = serve_far(serve, site, far, "persistent", ["batches", "streams"])
    taken = f"trips-{uuid.uuid4()}"
    service.client.post("/batches/try/first", {"label": taken})
    for method, target, body, flights in [
        ("GET", "/batches/many?count=8", None, 1), ("POST", "/batches/try/first", {"label": f"trips-{uuid.uuid4()}"}, 2),
        ("POST", "/batches/try/first", {"label": taken, "other": f"trips-{uuid.uuid4()}"}, 4),
        ("POST", "/batches/rows", {"rows": [{"label": f"trips-{uuid.uuid4()}"} for _ in range(1000)]}, 1),
        ("GET", "/streams/lines?count=1000", None, 1), ("GET", "/streams/csv?count=30000", None, 1)]:
        far.forget()
        answer = service.client.get(target) if method == "GET" else service.client.post(target, body)
        assert answer.status in (200, 204), answer
        assert (far.trips, service.line_of(answer)["flights"]) == (flights, flights), target


def test_a_key_costs_no_flight(serve, site, far):
    """... beside what the request costs without one, first and repeated."""
    service = serve_far(serve, site, far, "persistent")
    for method, target, flights in FLIGHTS:
        if method != "POST":
            continue
        key, target = str(uuid.uuid4()), f"{target}?label=keyed-{uuid.uuid4()}"
        far.forget()
        answer = service.client.post(target, headers={"Idempotency-Key": key})
        assert answer.status == 201 and (far.trips, service.line_of(answer)["flights"]) == (flights, flights), target
        again = service.client.post(target, headers={"Idempotency-Key": key})
        assert again.headers["idempotency-replayed"] == "true" and again.body == answer.body
        assert service.line_of(again)["flights"] == 1
        service.client.get(FIRST["probe"])  # what it opened is rolled back after its reply


@pytest.mark.long
def test_what_was_opened_ahead_costs_the_flights_alone(serve, site, far):
    service = serve_far(serve, site, far, "ahead", ["probe"])
    for method, target, flights in FLIGHTS:
        if not target.startswith("/probe"):
            continue
        before = list(far.connections)
        ask(service, "GET", "/probe/rows")
        wait_until("the next connection", lambda: is_ready(site, far, before), 10)
        time.sleep(TRIP_S)  # the greeting is on its way
        wait_until("the worker to read it", lambda: not far.unread, 10)
        line = ask(service, method, target)
        assert (line["trips"], line["flights"]) == (flights, flights), (target, line)


def is_ready(site, far, before):
    """Postgres has greeted one that was not there before, and nobody has used it."""
    for one in [one for one in list(far.connections) if one not in before]:
        try:
            port = one.ends[1].getsockname()[1]
        except OSError:
            continue
        if site.query("SELECT 1 FROM pg_stat_activity WHERE client_port = %s AND state = 'idle' AND query = ''", port):
            return True
    return False


@pytest.mark.long
def test_a_request_that_comes_early_waits_only_for_the_rest(serve, site, far):
    connect = connect_trips(site)
    service = serve_far(serve, site, far, "ahead", ["probe"])
    ask(service, "GET", "/probe/rows")
    wait_until("half of a connection", lambda: 2 <= far.connections[-1].trips < connect, 5)
    line = ask(service, "GET", "/probe/rows")
    assert 0 < line["connect_trips"] < connect, line


@pytest.mark.long
def test_a_server_timing_header_says_the_same(serve, site, far):
    connect = connect_trips(site)
    service = serve_far(serve, site, far, "null", SERVER_TIMING="true")
    answer = service.client.get("/probe/rows?label=none")
    header = answer.headers["server-timing"]
    assert f'desc="{connect} round trips"' in header and 'desc="1 round trip"' in header
    phases = {part.split(";")[0]: float(part.split("dur=")[1].split(";")[0]) for part in header.split(", ")}
    assert list(phases) == ["total", "connect", "resolve", "tcp", "tls", "auth", "db"]
    assert phases["auth"] > phases["tcp"] > 0
    assert "server-timing" not in serve("probe").client.get("/probe/rows?label=none").headers


@pytest.mark.long
def test_without_p256_first_it_would_be_one_more(serve, site, far):
    """... where the server takes P-256 only, as Postgres up to 17; and OPENSSL_CONF is the person's own."""
    if site.query("SELECT count(*) FROM pg_settings WHERE name = 'ssl_groups'") != [(0,)]:
        pytest.skip("this server takes X25519")
    empty = site.folder("openssl") / "openssl.cnf"
    empty.write_text("")
    service = serve_far(serve, site, far, "null", OPENSSL_CONF=empty)
    assert ask(service, "GET", "/probe/rows")["connect_trips"] == connect_trips(site) + 1
