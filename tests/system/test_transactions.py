"""Commit before the reply, roll back on failure, and nothing in between."""
import concurrent.futures
import contextlib
import time
import uuid

import pytest

import faults
from env.local.process import free_port, wait_until
from conftest import Service


@pytest.fixture
def label():
    return f"label-{uuid.uuid4()}"


IDLE_S = 10.5  # connection_is_unproven() in common/db/connect.c, and a little more


@contextlib.contextmanager
def used_connection(site):
    """A service whose only connection has been used. Yields a function that lets a router forget the connection, and returns
    the service."""
    with faults.line(site.postgres.port) as line, contextlib.ExitStack() as last:
        service = Service(site, ["probe"], DATABASE_URL=site.url(port=line.entrance), DATABASE_CONNECTION="persistent",
                          DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0)
        last.callback(service.stop)
        service.start()
        assert service.client.get("/probe/session").status == 200

        def forget():
            line.fault = faults.forgotten(line.pairs)
            return service

        yield forget


@pytest.fixture
def forgotten(site):
    with used_connection(site) as forget:
        yield forget


@pytest.fixture(scope="module", autouse=True)
def forgotten_idle(site):
    """The same after IDLE_S, which pass while the other tests of this file run."""
    with used_connection(site) as forget:
        since = time.monotonic()

        def wait_and_forget():
            time.sleep(max(0, since + IDLE_S - time.monotonic()))
            return forget()

        yield wait_and_forget


def rows(service, label):
    return service.site.query("SELECT count(*) FROM probe_rows WHERE label = %s", label)[0][0]


def test_a_write_is_committed_when_its_reply_arrives(service, label):
    assert service.client.post(f"/probe/rows?label={label}").status == 201
    assert rows(service, label) == 1


def test_a_failing_handler_leaves_no_row(service, label):
    answer = service.client.post(f"/probe/failing?label={label}")
    assert answer.status == 409 and answer.problem()["detail"] == "Changed my mind"
    assert rows(service, label) == 0


@pytest.mark.parametrize("path", ["/probe/rows", "/probe/marked"])  # a COMMIT of its own, and the statement's flight
def test_a_constraint_that_fails_at_commit_is_a_conflict_and_never_a_success(service, path, label):
    assert service.client.post(f"{path}?label={label}").status == 201
    answer = service.client.post(f"{path}?label={label}")
    assert answer.status == 409 and answer.problem()["detail"] == "This label is taken"
    assert rows(service, label) == 1


@pytest.mark.parametrize("path", ["rows", "marked"])
def test_a_constraint_that_fails_at_commit_costs_no_connection(persistent, path, label):
    answers = [persistent.client.post(f"/probe/{path}?label={label}") for _ in range(3)]
    assert [answer.status for answer in answers] == [201, 409, 409]
    assert len({persistent.line_of(answer)["backend_pid"] for answer in answers}) == 1


def test_the_marked_statement_is_committed_and_nothing_may_follow_it(service, label):
    assert service.client.post(f"/probe/after-last?label={label}").status == 500
    assert rows(service, label) == 1


def test_manual_commits_only_what_the_handler_commits(service, label):
    assert service.client.post(f"/probe/commit-first?label={label}").status == 201
    assert rows(service, label) == 1


def test_manual_rolls_back_where_the_handler_says_so(service, label):
    assert service.client.post(f"/probe/roll-back?label={label}").status == 201
    assert rows(service, label) == 0


def test_a_read_cannot_write(service, label):
    assert service.client.post(f"/probe/write-in-read?label={label}").status >= 500
    assert rows(service, label) == 0


def test_two_columns_of_one_name_are_our_fault(service):
    answer = service.client.get("/probe/twice")
    assert answer.status == 500 and 'two columns are named "a"' in service.line_of(answer)["detail"]


def test_a_query_in_a_route_without_database_is_our_fault(service):
    answer = service.client.get("/probe/no-database")
    assert answer.status == 500
    assert set(answer.problem()) == {"type", "title", "status", "request_id"}
    assert "NP_TX_NONE" in service.line_of(answer)["detail"]


def test_a_value_that_postgres_refuses_is_the_clients_fault_and_not_in_the_log(service):
    answer = service.client.get("/probe/date?label=not-a-date-7f3a")
    assert answer.status == 422
    line = service.line_of(answer)
    assert line["sqlstate"] == "22007"
    assert "7f3a" not in str(line)


def test_the_next_request_works_after_each_failure(service, label):
    for target in ("/probe/failing", "/probe/after-last", "/probe/commit-first"):
        service.client.post(f"{target}?label={label}")
        assert service.client.get("/probe/session").status == 200


def test_a_handler_that_swallows_a_failure_cannot_report_success(service, label):
    answer = service.client.post(f"/probe/swallow-error?label={label}")
    assert answer.status == 422 and rows(service, label) == 0


def test_a_swallowed_loss_of_the_connection_is_a_failure_with_a_known_outcome(service, label):
    answer = service.client.post(f"/probe/swallow-loss?label={label}")
    assert answer.status == 503 and "outcome" not in answer.problem()
    assert rows(service, label) == 0


def test_a_swallowed_failure_to_connect_is_no_success(serve, site, label):
    service = serve("probe", DATABASE_URL=site.url(port=free_port()))
    assert service.client.post(f"/probe/swallow-error?label={label}").status == 503


@pytest.mark.long
def test_a_commit_that_comes_too_late_is_not_sent(serve, label):
    service = serve("probe", REQUEST_TIMEOUT=2)
    answer = service.client.post(f"/probe/dawdle?label={label}")
    assert answer.status == 504 and "outcome" not in answer.problem()
    assert rows(service, label) == 0


def test_a_commit_that_was_sent_and_not_answered_has_an_unknown_outcome(service, label):
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(service.client.post, f"/probe/rows?label=slow-commit-{label}")
        find = ("SELECT pid FROM pg_stat_activity WHERE usename = 'app_user' AND state = 'active' AND query = 'COMMIT'")
        wait_until("the commit to run", lambda: service.site.query(find), 5)
        service.site.query(f"SELECT pg_terminate_backend(pid) FROM ({find}) AS running")
        answer = waiting.result()
    assert answer.status == 503 and answer.problem()["outcome"] == "unknown"
    assert "retry-after" not in answer.headers
    assert service.client.get("/probe/session").status == 200


def test_a_rollback_by_the_handler_does_not_shorten_its_request(service, label):
    assert service.client.post(f"/probe/roll-back-and-sleep?label={label}").status == 200
    assert rows(service, label) == 0


def test_a_failure_in_the_flight_of_the_commit_leaves_no_open_transaction(persistent, label):
    for _ in range(2):  # the second time the deferred constraint fails, beside an explicit BEGIN
        persistent.client.post(f"/probe/two-steps?label={label}")
    assert persistent.client.get("/probe/session").status == 200
    assert persistent.site.query("SELECT count(*) FROM pg_stat_activity WHERE usename = 'app_user'"
                                 " AND state LIKE 'idle in transaction%%'") == [(0,)]
    assert rows(persistent, label) == 1


def both(service, target):
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda _: service.client.post(target), range(2)))


def test_a_serialization_failure_runs_the_handler_again(ahead, null, label):
    for service in (ahead, null):
        mine = f"{label}-{id(service)}"
        answers = both(service, f"/probe/serializable?label={mine}")
        # Of two with the same label one has to wait for the other, and then finds it taken: 409, after a rerun.
        assert sorted(answer.status for answer in answers) == [201, 409]
        assert sorted(service.line_of(answer).get("reruns", 0) for answer in answers) == [0, 1]
        assert rows(service, mine) == 1


def test_a_handler_that_says_so_is_not_run_again(null, label):
    answers = both(null, f"/probe/serializable-once?label={label}")
    assert sorted(answer.status for answer in answers) == [201, 409]
    line = null.line_of(next(answer for answer in answers if answer.status == 409))
    assert line["sqlstate"] == "40001" and "reruns" not in line


def test_an_isolation_level_is_one_snapshot_of_all_queries(null, label):
    for target, count in (("snapshot", 0), ("no-snapshot", 1)):
        mine = f"{label}-{target}"
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            reading = pool.submit(null.client.get, f"/probe/{target}?label={mine}")
            wait_until("the second query", lambda: null.site.query(
                "SELECT 1 FROM pg_stat_activity WHERE usename = 'app_user' AND state = 'active'"
                " AND query LIKE '%%pg_sleep%%'"), 5)
            assert null.client.post(f"/probe/marked?label={mine}").status == 201
            assert reading.result().json() == {"count": count}


def test_a_write_on_a_fresh_connection_that_is_dead_is_not_sent_again(forgotten, label):
    """A connection that a router has forgotten. Nobody can tell whether the write was done."""
    service = forgotten()
    assert service.client.post(f"/probe/marked?label={label}").status == 503
    assert rows(service, label) == 0


def test_a_write_on_a_connection_that_was_idle_for_long_is_sent_again_when_it_is_dead(forgotten_idle, label):
    service = forgotten_idle()
    assert service.client.post(f"/probe/marked?label={label}").status == 201
    assert rows(service, label) == 1


def test_a_write_on_a_server_that_became_read_only_finds_the_new_one(serve, site, label):
    """After a failover: the connection that is kept is to the old primary, and alive."""
    service = serve("probe", DATABASE_CONNECTION="persistent", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0)
    site.query("ALTER ROLE app_user SET default_transaction_read_only = on")
    try:
        old = service.line_of(service.client.get("/probe/session"))["backend_pid"]
    finally:
        site.query("ALTER ROLE app_user RESET default_transaction_read_only")
    line = service.line_of(service.client.post(f"/probe/marked?label={label}"))
    assert (line["status"], line["retries"]) == (201, 1) and line["backend_pid"] != old
    assert rows(service, label) == 1
