"""The two connection modes, as the server sees them."""
import concurrent.futures

import pytest

from env.local.process import wait_until


def pids(service, count):
    return [service.client.get("/probe/session").json()["pid"] for _ in range(count)]


def test_null_gives_each_request_a_backend_of_its_own(null):
    assert len(set(pids(null, 5))) == 5


def test_persistent_uses_one_backend_again(persistent):
    assert len(set(pids(persistent, 5))) == 1


def test_null_leaves_no_connection_behind(serve, site):
    service = serve("probe", DATABASE_CONNECTION="null")
    mine = set(pids(service, 5))
    wait_until("the connections to be gone", lambda: not mine & set(site.backends()), 1)


@pytest.mark.long
def test_production_and_testing_are_null_and_development_is_persistent(serve):
    modes = {}
    for env in ("production", "testing", "development"):
        service = serve("health", ENV=env, HEALTH_DETAILS="true", DATABASE_CONNECTION=None, DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0)
        modes[env] = service.client.get("/health").json()["components"]["database"]["mode"]
    assert modes == {"production": "null", "testing": "null", "development": "persistent"}


def test_serverless_is_null_wherever_it_runs(serve):
    service = serve("health", ENV="development", SERVERLESS="true", DATABASE_CONNECTION=None)
    assert service.client.get("/health").json()["components"]["database"]["mode"] == "null"


def test_production_talks_tls(serve):
    service = serve("probe", ENV="production", DATABASE_CONNECTION=None)
    session = service.client.get("/probe/session").json()
    assert session["ssl"] is True and session["tls"].startswith("TLSv1.")


@pytest.mark.long
def test_a_connection_is_recycled_by_age(serve):
    service = serve("probe", DATABASE_CONNECTION="persistent", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0, DATABASE_POOL_RECYCLE=1)
    first = pids(service, 2)
    assert first[0] == first[1]
    wait_until("a new backend", lambda: pids(service, 1) != first[:1], 5)


def test_nothing_of_a_request_stays_in_a_kept_session(persistent):
    first = persistent.client.get("/probe/session").json()
    second = persistent.client.post("/probe/session").json()
    assert first["pid"] == second["pid"]
    assert (first["read_only"], second["read_only"]) == ("on", "off")
    assert first["application_name"] != second["application_name"]


def test_a_session_names_endpoint_and_request(service):
    answer = service.client.get("/probe/session")
    assert answer.json()["application_name"] == f"nullpool/probe {answer.headers['x-request-id']}"


def test_a_request_without_a_query_opens_no_connection(null):
    for target in ("/", "/health/live", "/health/ready"):
        answer = null.client.get(target)
        assert answer.status == 200
        assert "backend_pid" not in null.line_of(answer)


def test_invalid_input_opens_no_connection(null):
    answer = null.client.post("/users", {"email": "no", "name": "x"})
    assert answer.status == 422
    assert "backend_pid" not in null.line_of(answer)


@pytest.mark.long
def test_fifty_requests_at_once_all_succeed(service):
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        reads = list(pool.map(lambda _: service.client.get("/users?limit=1").status, range(50)))
        writes = list(pool.map(
            lambda i: service.client.post("/probe/rows?label=" + f"many-{id(service)}-{i}").status, range(50)))
    assert reads == [200] * 50
    assert writes == [201] * 50


def milliseconds(text):
    for unit, factor in (("ms", 1), ("min", 60000), ("s", 1000)):
        if text.endswith(unit):
            return int(text.removesuffix(unit)) * factor
    raise AssertionError(text)


def test_a_transaction_has_limits_within_its_request(service):
    for ask in (service.client.get, service.client.post):
        session = ask("/probe/session").json()
        statement, lock = (milliseconds(session[name]) for name in ("statement_timeout", "lock_timeout"))
        assert 15000 < statement <= 20000  # DATABASE_COMMAND_TIMEOUT of env/testing.env
        assert lock == statement // 2
        assert session["jit"] == "off"
        # A transaction of one flight is never idle.
        assert ask == service.client.get or statement < milliseconds(session["idle_timeout"]) <= 26000  # REQUEST_TIMEOUT and the grace
