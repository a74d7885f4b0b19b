"""Reads go to the replica while it is there, writes to the primary always."""
import uuid

import pytest

from conftest import AHEAD
from env.local.process import free_port, wait_until
from servers import server, silent


@pytest.fixture(scope="module")
def read_only(site):
    """A server that refuses writes. It has a row of its own, which shows where a read went."""
    postgres = site.new_postgres("replica")
    postgres.start()
    with postgres.admin("app") as link, link.cursor() as cursor:
        cursor.execute("INSERT INTO users (email, name) VALUES ('replica@example.com', 'Replica')")
        cursor.execute("ALTER ROLE app_user SET default_transaction_read_only = on")
    yield postgres
    postgres.stop("immediate")


@pytest.fixture
def replica(read_only):
    """Running, even if an earlier test stopped it."""
    if not read_only.running:
        read_only.start()
    return read_only


def url_of(site, postgres):
    return site.url(password="app", port=postgres.port)


def emails(service):
    answer = service.client.get("/users?limit=100&sort=-created_at")
    assert answer.status == 200, answer
    return [user["email"] for user in answer.json()["items"]]


@pytest.mark.long
@pytest.mark.parametrize("mode", ["null", AHEAD, "persistent"])
def test_reads_go_to_the_replica_and_to_the_primary_while_it_is_away(serve, site, replica, mode):
    service = serve("users", DATABASE_REPLICA_URL=url_of(site, replica), DATABASE_CONNECTION=mode, DATABASE_POOL_SIZE=1,
                    DATABASE_MAX_OVERFLOW=0, REDIS_URL=None)
    email = f"{uuid.uuid4()}@example.com"
    for _ in range(2):
        assert emails(service) == ["replica@example.com"]
    made = service.client.post("/users", {"email": email, "name": "Primary"})
    assert made.status == 201
    assert service.client.get(f"/users/{made.json()['id']}").status == 404  # the replica is never that late
    replica.stop()
    for _ in range(3):
        assert email in emails(service)
    assert len(service.lines(event="replica away, reads go to the primary")) == 1
    replica.start()
    wait_until("reads from the replica", lambda: emails(service) == ["replica@example.com"], 10)


def test_what_is_to_be_kept_in_redis_is_read_from_the_primary(serve, site, replica):
    service = serve("users", DATABASE_REPLICA_URL=url_of(site, replica))
    made = service.client.post("/users", {"email": f"{uuid.uuid4()}@example.com", "name": "Primary"}).json()
    for _ in range(2):
        assert service.client.get(f"/users/{made['id']}").json() == made


@pytest.mark.long
@pytest.mark.parametrize("seconds", [1, 2, 10])
def test_a_replica_that_says_nothing_leaves_time_for_the_primary(serve, site, seconds):
    with server(silent) as port:
        service = serve("probe", DATABASE_REPLICA_URL=site.url(port=port), REQUEST_TIMEOUT=seconds, DATABASE_POOL_SIZE=1,
                        DATABASE_MAX_OVERFLOW=0)
        for _ in range(3):
            assert service.client.get("/probe/session").status == 200
        assert len(service.lines(event="replica away, reads go to the primary")) == 1


def test_health_is_that_of_the_primary(serve, site, replica):
    service = serve("health", DATABASE_URL=site.url(port=free_port()), DATABASE_REPLICA_URL=url_of(site, replica))
    answer = service.client.get("/health")
    assert (answer.status, answer.json()["database"]) == (503, "disconnected")
    service = serve("health", DATABASE_REPLICA_URL=url_of(site, replica))
    replica.stop()
    assert service.client.get("/health").json()["database"] == "connected"
