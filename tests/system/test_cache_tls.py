"""rediss://: Redis over TLS. The certificate is verified for the host."""
import uuid

import pytest

from env.local.process import free_port
from env.local.redis import Redis

PASSWORD = "canary-of-redis"


@pytest.fixture
def redis(site, request):
    """Starts a Redis with TLS and a certificate of our authority."""
    started = []

    def start(name="localhost", **certificate):
        server = Redis(site.folder("redis-tls"), free_port(), site.authority.certificate(name, **certificate))
        server.start()
        started.append(server)
        return server

    yield start
    for server in started:
        server.stop()


def url(redis, host="localhost", secret="", ca_file=None):
    return f"rediss://{secret}{host}:{redis.port}/0" + (f"?ssl_ca_certs={ca_file}" if ca_file else "")


def serve_users(serve, where, **settings):
    return serve("users", "health", REDIS_URL=where, REDIS_TIMEOUT_MS=2000, DATABASE_CONNECTION="persistent", DATABASE_POOL_SIZE=1,
                 DATABASE_MAX_OVERFLOW=0, **settings)


def cache_results(service, times):
    """Reads a new user several times, each time after the request before was logged. Returns the cache's result for each."""
    answer = service.client.post("/users", {"email": f"{uuid.uuid4()}@example.com", "name": "Ada"})
    path = answer.headers["location"]
    return [service.line_of(service.client.get(path)).get("cache") for _ in range(times)]


def info(redis, name):
    with redis.connect() as link:
        link.sendall(b"INFO stats\r\n")
        text = b""
        while not text.endswith(b"\r\n\r\n") and b"total_" not in text:
            text += link.recv(65536)
    return int(next(line.split(b":")[1] for line in text.split(b"\r\n") if line.startswith(name.encode())))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_responses_are_cached_over_tls_on_one_connection(serve, site, redis, host):
    server = redis()
    service = serve_users(serve, url(server, host, ca_file=site.authority.root))
    before = info(server, "total_connections_received")
    assert cache_results(service, 4) == ["miss", "hit", "hit", "hit"]
    # The worker's connection, and the one of info() itself.
    assert info(server, "total_connections_received") - before == 2


@pytest.mark.long
def test_health_sees_a_redis_over_tls(serve, site, redis):
    service = serve_users(serve, url(redis(), ca_file=site.authority.root))
    assert service.client.get("/health").json()["redis"] == "connected"


@pytest.mark.long
def test_a_large_value_goes_both_ways(serve, site, redis):
    """The value is larger than a TLS record (16 KiB) and than the socket's buffers."""
    service = serve("probe", REDIS_URL=url(redis(), ca_file=site.authority.root), REDIS_TIMEOUT_MS=2000,
                    DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0)
    path = "/probe/cached-wide?rows=100&size=2000"
    first, again = service.client.get(path), service.client.get(path)
    assert service.line_of(again)["cache"] == "hit" and again.body == first.body and len(again.body) > 200_000


def refusal(serve, where, **settings):
    service = serve_users(serve, where, **settings)
    assert cache_results(service, 2) == ["away", "away"]
    return service.lines(event="redis failed")[0]["detail"]


@pytest.mark.long
def test_a_certificate_of_an_unknown_authority_is_refused(serve, redis):
    assert "certificate" in refusal(serve, url(redis()))


@pytest.mark.long
def test_a_certificate_of_another_host_is_refused(serve, site, redis):
    server = redis("elsewhere", sans=("DNS:elsewhere.example",))
    assert "mismatch" in refusal(serve, url(server, ca_file=site.authority.root))
    assert "mismatch" in refusal(serve, url(server, "127.0.0.1", ca_file=site.authority.root))


@pytest.mark.long
def test_an_expired_certificate_is_refused(serve, site, redis):
    assert "expired" in refusal(serve, url(redis("redis-ended", days=-1), ca_file=site.authority.root))


@pytest.mark.long
def test_a_server_without_tls_gets_no_password(serve, site):
    why = refusal(serve, url(site.redis, secret=f":{PASSWORD}@", ca_file=site.authority.root))
    assert why.startswith("TLS: ") and PASSWORD not in why


@pytest.mark.long
def test_a_missing_ca_file_is_reported(serve, redis):
    assert "ssl_ca_certs cannot be used" in refusal(serve, url(redis(), ca_file="/nonexistent"))
