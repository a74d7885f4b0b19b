"""A database that is wrong, away or hung: what is not one request and its fault (those are in test_matrix.py)."""
import concurrent.futures
import contextlib
import time
import types
import uuid

import pytest

import faults
from env.local.process import wait_until
from conftest import CANARY_ENCODED, read_logs
from servers import server, silent


def assert_unavailable(answer):
    assert answer.status == 503, answer
    assert int(answer.headers["retry-after"]) > 0
    assert answer.problem()["detail"] == "The database is not available"


@pytest.mark.parametrize("wrong, sqlstate", [
    ({"password": "wrong-" + CANARY_ENCODED}, "28P01"),
    ({"database": "nothing"}, "3D000"),
    ({"user": "nobody"}, "28P01"),
])
def test_wrong_configuration_is_503_at_once_and_the_log_says_why(serve, site, wrong, sqlstate):
    service = serve("probe", DATABASE_URL=site.url(**wrong))
    answer = service.client.get("/probe/session")
    assert_unavailable(answer)
    assert service.line_of(answer)["sqlstate"] == sqlstate
    wait_until("the start-up check", lambda: service.lines(event="database not connected"), 10)
    assert service.lines(event="database not connected")[0]["sqlstate"] == sqlstate


def test_a_server_that_says_nothing_is_504_when_the_request_ends_first(serve, site):
    with server(silent) as port:
        service = serve("probe", DATABASE_URL=site.url(port=port), DATABASE_CONNECT_TIMEOUT=30, REQUEST_TIMEOUT=1)
        start = time.monotonic()
        answer = service.client.get("/probe/session")
        assert answer.status == 504 and answer.problem()
        assert time.monotonic() - start < 6


@pytest.mark.long
def test_a_program_that_starts_before_its_database_recovers_by_itself(serve, site):
    postgres = site.new_postgres("late")
    service = serve("probe", DATABASE_URL=site.url(password="app", port=postgres.port))
    assert_unavailable(service.client.get("/probe/session"))
    postgres.start()
    try:
        assert service.client.get("/probe/session").status == 200
    finally:
        postgres.stop("immediate")


def test_a_kept_connection_whose_backend_was_killed_is_replaced_unseen(serve, site):
    service = serve("probe", DATABASE_CONNECTION="persistent", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0)
    first = service.client.get("/probe/session").json()["pid"]
    site.query("SELECT pg_terminate_backend(%s, 5000)", first)
    answer = service.client.get("/probe/session")
    assert answer.status == 200 and answer.json()["pid"] != first
    assert "error" not in service.line_of(answer)


def test_it_is_replaced_also_without_the_look_before_use(serve, site):
    service = serve("probe", DATABASE_CONNECTION="persistent", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0, DATABASE_POOL_PRE_PING="false")
    first = service.client.get("/probe/session").json()["pid"]
    site.query("SELECT pg_terminate_backend(%s, 5000)", first)
    answer = service.client.get("/probe/session")
    assert answer.status == 200 and answer.json()["pid"] != first
    assert "error" not in service.line_of(answer)


def test_a_backend_killed_in_the_middle_of_a_write_is_503_with_a_known_outcome(service):
    label = f"killed-{uuid.uuid4()}"
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(service.client.post, f"/probe/insert-and-sleep?label={label}")
        find = ("SELECT pid FROM pg_stat_activity WHERE usename = 'app_user' AND state = 'active'"
                " AND query LIKE '%%pg_sleep%%'")
        wait_until("the statement to run", lambda: service.site.query(find), 5)
        service.site.query(f"SELECT pg_terminate_backend(pid) FROM ({find}) AS running")
        assert_unavailable(waiting.result())
    assert "outcome" not in waiting.result().problem()
    assert service.client.get(f"/probe/rows?label={label}").json() == {"count": 0}


def test_a_backend_killed_in_the_middle_of_a_read_is_not_seen(service):
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(service.client.get, "/probe/sleep?seconds=1.5")
        find = ("SELECT pid FROM pg_stat_activity WHERE usename = 'app_user' AND state = 'active'"
                " AND query LIKE '%%pg_sleep%%'")
        wait_until("the statement to run", lambda: service.site.query(find), 5)
        service.site.query(f"SELECT pg_terminate_backend(pid) FROM ({find}) AS running")
        answer = waiting.result()
    assert answer.status == 200
    assert service.line_of(answer)["retries"] == 1


def test_a_read_is_tried_again_once_only(service):
    answer = service.client.get("/probe/end-session")
    assert_unavailable(answer)
    assert service.line_of(answer)["retries"] == 1


def test_a_worker_that_dies_costs_its_own_request_only(serve):
    service = serve("probe", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0).expect_deaths()
    answer = service.client.get("/probe/die")
    assert answer.status == 502 and answer.problem()
    wait_until("the worker's death in the log", lambda: service.lines(event="worker died", exit_code=3), 5)
    assert service.client.get("/probe/session").status == 200


@pytest.mark.parametrize("asked", [True, False])
def test_a_death_that_no_test_asked_for_is_a_failure_of_the_run(tmp_path, asked):
    log = tmp_path / "programs.log"
    log.write_text('{"event":"started"}\n{"level":"error","event":"worker died","signal":6}\n')
    service = types.SimpleNamespace(log_path=log, folder=tmp_path, may_die=asked, last_words=None)
    run = types.SimpleNamespace(home=tmp_path, services=[service], bad_ends=[], logs_of_deaths=set())
    with contextlib.nullcontext() if asked else pytest.raises(AssertionError, match="worker died"):
        read_logs(run)


@pytest.mark.long
@pytest.mark.parametrize("rows, size", [(5, 6000), (5, 5900), (5, 6100), (7, 4300), (1, 100000)])
def test_long_tls_records_are_read_to_their_end(serve, site, rows, size):
    """OpenSSL holds what libpq did not take of a record, and poll() does not see it."""
    with faults.tls_line(site.postgres.port, site.authority.certificate()) as line:
        query = "?sslmode=require&channel_binding=disable"
        service = serve("probe", DATABASE_URL=site.url(port=line.entrance, query=query), REQUEST_TIMEOUT=5)
        answer = service.client.get(f"/probe/wide?rows={rows}&size={size}")
        assert answer.status == 200
        assert [len(item["text"]) for item in answer.json()["items"]] == [size] * rows


def test_a_name_is_resolved_and_its_addresses_tried_in_turn(serve, site):
    url = site.url().replace("127.0.0.1", "localhost")  # ::1 first, where nobody listens
    assert serve("probe", DATABASE_URL=url).client.get("/probe/session").status == 200


def test_a_name_that_does_not_resolve_is_503_and_the_log_says_so(serve, site):
    service = serve("probe", DATABASE_URL=site.url().replace("127.0.0.1", "no-such-host.invalid"))
    answer = service.client.get("/probe/session")
    assert_unavailable(answer)
    assert 'could not resolve "no-such-host.invalid"' in service.line_of(answer)["detail"]


def test_a_hung_redis_holds_health_no_longer_than_the_request(serve, site):
    with server(silent) as port:
        service = serve("health", REDIS_URL=f"redis://127.0.0.1:{port}/0", REDIS_TIMEOUT_MS=5000, REQUEST_TIMEOUT=1)
        start = time.monotonic()
        assert service.client.get("/health").json()["redis"] == "disconnected"
        assert time.monotonic() - start < 6


def test_a_hung_database_does_not_hold_up_the_end(serve, site):
    with server(silent) as port:
        service = serve("probe", DATABASE_URL=site.url(port=port), DATABASE_CONNECT_TIMEOUT=30)
        wait_until("the start", lambda: service.lines(event="started"), 5)
        start = time.monotonic()
        service.endpoints["probe"].stop()
        assert time.monotonic() - start < 6 and service.endpoints["probe"].returncode == 0
