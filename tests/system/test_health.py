"""/health, which asks the database and Redis, and the probes that touch neither."""
import pytest

from env.local.process import free_port
from env.local.redis import Redis
from servers import server, silent


def test_everything_is_healthy(service):
    answer = service.client.get("/health")
    health = answer.json()
    assert answer.status == 200
    assert {name: health[name] for name in ("status", "service", "environment", "api", "database", "redis")} == {
        "status": "healthy", "service": "nullpool", "environment": "testing", "api": "operational",
        "database": "connected", "redis": "connected"}
    database = health["components"]["database"]
    assert database["status"] == "healthy" and database["latency_ms"] > 0 and database["tls"].startswith("TLSv1.")
    assert database["pool_checked_out"] == 1  # the worker that answers
    assert database["pool_size"] == service.lines(event="started", endpoint="health")[0]["pool_size"]


def test_production_hides_the_components(serve):
    service = serve("health", ENV="production", HEALTH_DETAILS=None)
    assert "components" not in service.client.get("/health").json()


def test_without_redis_it_is_disabled_and_healthy(serve):
    health = serve("health", REDIS_URL=None).client.get("/health").json()
    assert (health["status"], health["redis"]) == ("healthy", "disabled")


@pytest.mark.parametrize("port", ["closed", "silent"])
def test_redis_away_is_unhealthy_but_nothing_else_fails(serve, port):
    with server(silent) as silent_port:
        target = silent_port if port == "silent" else free_port()
        service = serve("health", "users", REDIS_URL=f"redis://127.0.0.1:{target}/0")
        answer = service.client.get("/health")
        assert answer.status == 503
        assert (answer.json()["status"], answer.json()["redis"]) == ("unhealthy", "disconnected")
        assert answer.json()["database"] == "connected"
        assert service.client.get("/users").status == 200


def test_a_redis_that_restarts_is_found_again(serve, site):
    redis = Redis(site.folder("redis"), free_port())
    redis.start()
    try:
        service = serve("health", REDIS_URL=f"redis://127.0.0.1:{redis.port}/0", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0)
        assert service.client.get("/health").json()["redis"] == "connected"
        redis.stop()
        assert service.client.get("/health").json()["redis"] == "disconnected"
        redis.start()
        assert service.client.get("/health").json()["redis"] == "connected"
    finally:
        redis.stop()


def test_a_database_away_is_unhealthy_and_the_probes_are_not(serve, site):
    service = serve("health", DATABASE_URL=site.url(port=free_port()))
    answer = service.client.get("/health")
    assert answer.status == 503
    assert (answer.json()["status"], answer.json()["database"]) == ("unhealthy", "disconnected")
    assert service.client.get("/health/live").status == 200
    assert service.client.get("/health/ready").status == 200
