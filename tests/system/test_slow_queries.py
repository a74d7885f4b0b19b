"""What the log says of a slow statement, and the plan of one, which shows no value and leaves nothing behind."""
import concurrent.futures
import uuid

import pytest

from env.local.process import wait_until
from conftest import AHEAD, CANARY
from pgbouncer import PgBouncer
from trips import FarAway

TRIP_S = 0.01  # a statement takes that at least, so with SLOW_QUERY_MS=5 all are slow


@pytest.fixture
def slow(site, serve):
    """slow("null", SETTING=value): the probe before a far database, where each read is slow."""
    with FarAway(site.postgres.port, TRIP_S) as far:
        def start(mode, **settings):
            service = serve("probe", DATABASE_URL=site.url(port=far.port), DATABASE_CONNECTION=mode,
                            **{"SLOW_QUERY_MS": 5, "SLOW_QUERY_EXPLAIN": "true", **settings})
            service.far = far
            return service

        yield start


def line(service, **wanted):
    wait_until(f"a line with {wanted}", lambda: service.lines(**wanted), 10)
    return service.lines(**wanted)[0]


def names(service, target):
    answer = service.client.get(target)
    service.line_of(answer)
    return [(told["event"], told.get("statement"))
            for told in service.lines(request_id=answer.headers["x-request-id"]) if told["event"] != "request"]


def test_a_slow_statement_has_its_name(slow):
    service = slow("persistent", SLOW_QUERY_EXPLAIN="false")
    assert names(service, "/probe/rows?label=none") == [("slow query", "row_count")]
    assert names(service, "/probe/no-snapshot?label=x") == [("slow query", name) for name in ("row_count", "nap", "row_count")]
    assert service.lines(event="slow query plan") == []


def test_in_debug_each_statement_has_its_name(serve):
    service = serve("probe", "users", DEBUG="true", LOG_LEVEL="debug", SLOW_QUERY_MS=0)
    assert names(service, "/probe/rows?label=none") == [("statement", "row_count")]
    # One of several, chosen by an expression.
    answer = service.client.get("/users?limit=1")
    request_id = service.line_of(answer)["request_id"]
    assert [told["statement"] for told in service.lines(event="statement", request_id=request_id)] == ["oldest_first"]


def test_connecting_is_no_part_of_a_slow_statement(slow):
    service = slow("null", SLOW_QUERY_EXPLAIN="false")
    answer = service.client.get("/probe/rows?label=none")
    request = service.line_of(answer)
    told = line(service, event="slow query", request_id=request["request_id"])
    assert told["duration_ms"] <= request["duration_ms"] - request["connect_ms"] < request["duration_ms"]


@pytest.mark.parametrize("mode", ["null", AHEAD, "persistent"])
def test_a_slow_read_is_explained_after_its_reply_and_without_values(slow, mode):
    service, label = slow(mode), str(uuid.uuid4())
    answer = service.client.get(f"/probe/rows?label={label}")
    assert answer.json() == {"count": 0}
    plan = line(service, event="slow query plan")
    assert (plan["level"], plan["statement"], plan["sql"]) == (
        "warning", "row_count", "SELECT count(*) AS count FROM probe_rows WHERE label = $1")
    assert plan["request_id"] == answer.headers["x-request-id"]
    assert "Aggregate" in plan["plan"].splitlines()[0] and "(label = $1)" in plan["plan"] and "probe_rows" in plan["plan"]
    events = [told["event"] for told in service.lines(request_id=answer.headers["x-request-id"])]
    assert events == ["slow query", "request", "slow query plan"]
    assert label not in service.log_path.read_text()


def test_one_plan_a_minute_is_asked_for_by_all_workers_together(slow):
    service = slow("persistent", DATABASE_POOL_SIZE=3)
    pids = set()

    def asked_by_two():
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            for answer in pool.map(lambda _: service.client.get("/probe/session"), range(6)):
                pids.add(service.line_of(answer)["pid"])
        return len(pids) > 1

    wait_until("two workers to answer", asked_by_two, 20)
    assert len(service.lines(event="slow query")) >= 6
    line(service, event="slow query plan")
    assert len(service.lines(event="slow query plan")) == 1


def test_writes_are_not_explained(slow):
    service = slow("persistent")
    answer = service.client.post(f"/probe/marked?label={uuid.uuid4()}")
    line(service, event="slow query", request_id=service.line_of(answer)["request_id"])
    read = service.client.get("/probe/rows?label=none")
    assert line(service, event="slow query plan")["request_id"] == read.headers["x-request-id"]


def test_a_read_of_several_statements_has_the_plan_of_its_slowest(slow):
    service = slow("persistent")
    answer = service.client.get("/probe/snapshot?label=none")
    assert answer.status == 200
    plan = line(service, event="slow query plan")
    assert (plan["statement"], "0.5" in str(plan["plan"])) == ("nap", False)


def test_the_callers_claims_are_in_force_and_not_in_the_plan(slow, site):
    """A policy that cannot even be planned without them."""
    user = str(uuid.uuid4())
    site.query("CREATE FUNCTION probe_claimed() RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN"
               " IF coalesce(current_setting('request.jwt.claims', true), '') = '' THEN RAISE 'no claims'; END IF; RETURN true; END $$")
    site.query("CREATE POLICY probe_claimed ON quiz_responses AS RESTRICTIVE FOR SELECT USING (probe_claimed())")
    try:
        service = slow("persistent")
        assert service.client.of(user).get("/probe/responses").status == 200
        plan = line(service, event="slow query plan")["plan"]
    finally:
        site.query("DROP POLICY probe_claimed ON quiz_responses")
        site.query("DROP FUNCTION probe_claimed()")
    assert "Seq Scan on quiz_responses" in plan and user not in service.log_path.read_text()


FAILING = [("/probe/divide", "division_by_zero", "22012"), ("/probe/version", "version", "42601")]


def leaves_nothing(service, target, statement, sqlstate):
    answer = service.client.get(target)
    failure = line(service, event="slow query not explained")
    assert (failure["level"], failure["statement"], failure["sqlstate"]) == ("warning", statement, sqlstate)
    assert failure["request_id"] == answer.headers["x-request-id"]
    assert service.lines(event="slow query plan") == []
    prepared = service.client.get("/probe/prepared")
    assert prepared.status == 200
    assert [row for row in prepared.json()["items"] if row["name"] == "np_explain"] == []
    return service.line_of(answer).get("backend_pid"), service.line_of(prepared).get("backend_pid")


@pytest.mark.parametrize("target, statement, sqlstate", FAILING)
def test_a_failure_leaves_nothing_on_a_connection_that_is_kept(slow, target, statement, sqlstate):
    service = slow("persistent", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0)
    before, after = leaves_nothing(service, target, statement, sqlstate)
    assert before is not None and before == after


@pytest.mark.long
@pytest.mark.parametrize("mode", ["null", "persistent"])
@pytest.mark.parametrize("target, statement, sqlstate", [*FAILING, ("/probe/rows?label=none", "row_count", None)])
def test_behind_a_pooler_it_leaves_nothing_on_the_servers_connection(serve, site, mode, target, statement, sqlstate):
    """Of which there is one, so that the next request would meet what was left."""
    pooler = PgBouncer(site.folder("pgbouncer"), site.postgres, site.authority, {"app_user": CANARY}, size=1)
    pooler.start()
    try:
        with FarAway(pooler.port, TRIP_S) as far:
            service = serve("probe", DATABASE_URL=site.url(port=far.port), DATABASE_CONNECTION=mode, SLOW_QUERY_MS=5,
                            SLOW_QUERY_EXPLAIN="true", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0)
            if sqlstate:
                leaves_nothing(service, target, statement, sqlstate)
            else:
                assert service.client.get(target).status == 200
                assert "$1" in line(service, event="slow query plan")["plan"]
                prepared = service.client.get("/probe/prepared").json()["items"]
                assert [row for row in prepared if row["name"] == "np_explain"] == []
            assert site.query("SELECT count(*) FROM pg_stat_activity WHERE usename = 'app_user'"
                              " AND state LIKE 'idle in transaction%%'") == [(0,)]
    finally:
        pooler.stop()


@pytest.mark.long
def test_a_plan_that_takes_too_long_is_given_up_and_nobody_notices(slow):
    service = slow("persistent", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0, SLOW_QUERY_MS=1000)
    first = service.line_of(service.client.get("/probe/session"))
    service.far.trip_s = 1.2
    answer = service.client.get("/probe/session")
    assert answer.status == 200
    failure = line(service, event="slow query not explained")
    service.far.trip_s = TRIP_S
    assert failure["detail"] == "no answer within a second" and failure["request_id"] == answer.headers["x-request-id"]
    # Nobody knows what the session is left with: the next request has another.
    after = service.client.get("/probe/session")
    assert after.status == 200 and service.line_of(after)["backend_pid"] != first["backend_pid"]
