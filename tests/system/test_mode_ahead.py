"""Mode ahead: NullPool's promise, a fresh connection for each request, without its wait."""
import concurrent.futures
import time

import pytest

from env.local.process import pause, wait_until

pytestmark = pytest.mark.long

POOL = {"DATABASE_POOL_SIZE": 1, "DATABASE_MAX_OVERFLOW": 0}


@pytest.fixture(scope="module")
def own_postgres(site):
    postgres = site.new_postgres("ahead")
    postgres.start()
    yield postgres
    postgres.stop("immediate")


def own_service(serve, site, postgres, **settings):
    service = serve("probe", DATABASE_URL=site.url(password="app", port=postgres.port), DATABASE_CONNECTION="ahead",
                    **{**POOL, **settings})
    wait_until("the check", lambda: service.lines(event="database connected"), 10)
    wait_until("its end", lambda: not backends(postgres), 10)
    return service


def backends(postgres):
    link = postgres.admin("app")
    try:
        with link.cursor() as cursor:
            cursor.execute("SELECT pid FROM pg_stat_activity WHERE usename = 'app_user' AND application_name = ''")
            return [pid for (pid,) in cursor.fetchall()]
    finally:
        link.close()


def pid_of(service):
    answer = service.client.get("/probe/session")
    assert answer.status == 200, answer
    return answer.json()["pid"]


def wait_for_one(postgres, timeout=5):
    wait_until("one connection ahead", lambda: len(backends(postgres)) == 1, timeout)
    return backends(postgres)[0]


def test_each_request_uses_the_backend_that_was_opened_for_it_and_never_again(serve, site, own_postgres):
    service = own_service(serve, site, own_postgres)
    used = [pid_of(service)]
    for _ in range(5):
        ready = wait_for_one(own_postgres)
        assert ready not in used
        used.append(pid_of(service))
        assert used[-1] == ready
    assert len(set(used)) == 6


def test_requests_without_a_pause_have_backends_of_their_own_too(serve, site, own_postgres):
    service = own_service(serve, site, own_postgres, DATABASE_POOL_SIZE=4)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        pids = list(pool.map(lambda _: pid_of(service), range(80)))
    assert len(set(pids)) == 80


def test_it_is_thrown_away_unused_and_no_other_is_opened(serve, site, own_postgres):
    service = own_service(serve, site, own_postgres, DATABASE_AHEAD_TTL=1)
    pid_of(service)
    wait_for_one(own_postgres)
    wait_until("its end", lambda: not backends(own_postgres), 5)
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        assert not backends(own_postgres)
        pause()
    assert pid_of(service)


def test_a_request_that_needs_no_database_opens_none_after_one_that_did(serve, site, own_postgres):
    service = own_service(serve, site, own_postgres, DATABASE_AHEAD_TTL=1)
    pid_of(service)
    wait_for_one(own_postgres)
    wait_until("its end", lambda: not backends(own_postgres), 5)
    assert service.client.get("/probe/rows").status == 422
    end = time.monotonic() + 1
    while time.monotonic() < end:
        assert not backends(own_postgres)
        pause()


def test_an_endpoint_without_traffic_opens_nothing(serve, site, own_postgres):
    service = own_service(serve, site, own_postgres)
    assert service.client.get("/probe/no-database").status == 500  # it answers, without a query
    end = time.monotonic() + 1
    while time.monotonic() < end:
        assert not backends(own_postgres)
        pause()


def test_a_restart_of_the_database_between_requests_is_not_seen(serve, site, own_postgres):
    service = own_service(serve, site, own_postgres)
    for mode in ("fast", "immediate"):
        pid_of(service)
        wait_for_one(own_postgres)
        own_postgres.stop(mode)
        own_postgres.start()
        answer = service.client.get("/probe/session")
        assert answer.status == 200
        assert "error" not in service.line_of(answer)


def test_one_that_was_killed_is_replaced_in_the_same_request(serve, site, own_postgres):
    service = own_service(serve, site, own_postgres)
    pid_of(service)
    ready = wait_for_one(own_postgres)
    link = own_postgres.admin("app")
    link.autocommit = True
    with link.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", (ready,))
    link.close()
    assert pid_of(service) != ready


def test_a_failure_to_open_ahead_is_nobodys_and_backs_off(serve, site, own_postgres):
    service = own_service(serve, site, own_postgres)
    pid_of(service)
    wait_for_one(own_postgres)
    own_postgres.stop("fast")
    assert service.client.get("/probe/session").status == 503
    assert service.client.get("/probe/session").status == 503
    wait_until("the log line", lambda: service.lines(event="could not connect ahead"), 5)
    own_postgres.start()
    assert pid_of(service)
    assert len(service.lines(event="could not connect ahead")) < 4


def test_only_the_first_few_idle_workers_hold_one(serve, site, own_postgres):
    service = own_service(serve, site, own_postgres, DATABASE_POOL_SIZE=14)
    with concurrent.futures.ThreadPoolExecutor(14) as pool:
        answers = list(pool.map(lambda _: service.client.get("/probe/sleep?seconds=0.5").status, range(14)))
    assert answers == [200] * 14
    wait_until("connections ahead", lambda: len(backends(own_postgres)) == 8, 5)


def test_the_worker_whose_connection_is_ready_takes_the_request(serve, site, own_postgres):
    service = own_service(serve, site, own_postgres, DATABASE_POOL_SIZE=6)
    pid_of(service)
    for _ in range(12):
        ready = wait_for_one(own_postgres)
        assert pid_of(service) == ready


def test_a_worker_that_dies_with_a_ready_connection_holds_up_nobody(serve, site, own_postgres):
    import os
    import signal
    service = own_service(serve, site, own_postgres, DATABASE_POOL_SIZE=3).expect_deaths()
    answer = service.client.get("/probe/session")
    wait_for_one(own_postgres)
    os.kill(service.line_of(answer)["pid"], signal.SIGKILL)
    start = time.monotonic()
    assert pid_of(service)
    assert time.monotonic() - start < 3
