"""Responses cached in Redis: a hit needs no database, a write is visible at once, and a request never fails because of Redis."""
import concurrent.futures
import hashlib
import json
import random
import re
import signal
import socket
import subprocess
import threading
import time
import uuid

import pytest

import faults
from env.local.process import free_port, wait_until
from env.local.redis import Redis
from conftest import REDIS_CANARY, SECRET_CANARY, may_mount, program
from servers import server

MINUTE = 60


@pytest.fixture
def users(serve):
    return serve("users", DATABASE_CONNECTION="persistent", REDIS_TIMEOUT_MS=1000)


def redis(service, *words):
    """Runs one command. Returns its reply as bytes without the type character, a string's contents, or None for nil."""
    words = [str(word).encode() if not isinstance(word, bytes) else word for word in words]
    with service.site.redis.connect() as link, link.makefile("rb") as reader:
        link.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words))
        line = reader.readline()[:-2]
        if line[:1] != b"$":
            return line[1:]
        return None if line == b"$-1" else reader.read(int(line[1:]))


def create_user(service):
    answer = service.client.post("/users", {"email": f"{uuid.uuid4()}@example.com", "name": "Ada"})
    assert answer.status == 201
    return answer.json()


def key(user):
    return f"nullpool:users:0.1.0:user:{user['id']}"


def cache_result(service, answer):
    return service.line_of(answer).get("cache")


def read(service, user):
    """Returns the status and the cache's result, after the request was logged."""
    answer = service.client.get(f"/users/{user['id']}")
    return answer.status, cache_result(service, answer)


def wait_until_cached(service, user):
    wait_until("the value to be cached", lambda: (redis(service, "GET", key(user)) or b"")[:1] == b"V", 5)


def test_a_hit_opens_no_connection_and_returns_the_same_response(users):
    user = create_user(users)
    first = users.client.get(f"/users/{user['id']}")
    assert cache_result(users, first) == "miss"
    wait_until_cached(users, user)
    second = users.client.get(f"/users/{user['id'].upper()}")
    line = users.line_of(second)
    assert line["cache"] == "hit" and "backend_pid" not in line and "trips" not in line
    assert (second.status, second.json()) == (first.status, first.json()) == (200, user)
    assert second.headers["etag"] == first.headers["etag"]
    assert 0 < int(redis(users, "PTTL", key(user))) <= MINUTE * 1000


def test_a_change_and_a_deletion_are_visible_at_once(users):
    user = create_user(users)
    for name in ("one", "two", "three"):
        assert users.client.get(f"/users/{user['id']}").status == 200
        wait_until_cached(users, user)
        assert users.client.of(user).send("PATCH", f"/users/{user['id']}", {"name": name}).status == 200
        assert users.client.get(f"/users/{user['id']}").json()["name"] == name
    assert users.client.of(user).ask("DELETE", f"/users/{user['id']}").status == 204
    assert read(users, user) == (404, "miss")


def test_a_404_is_not_cached(users):
    nobody = {"id": str(uuid.uuid4())}
    assert read(users, nobody) == read(users, nobody) == (404, "miss")
    wait_until("the lease to be released", lambda: redis(users, "EXISTS", key(nobody)) == b"0", 5)


def lock_table(service):
    """Locks the table: a query waits until the connection is closed."""
    link = service.site.owner()
    link.autocommit = False
    link.cursor().execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
    return link


def test_fifty_at_once_cost_one_query(users):
    user = create_user(users)
    link = lock_table(users)
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        answers = [pool.submit(users.client.get, f"/users/{user['id']}") for _ in range(50)]
        wait_until("the lease", lambda: redis(users, "EXISTS", key(user)) == b"1", 5)
        link.rollback()
        answers = [answer.result() for answer in answers]
    link.close()
    assert {(answer.status, answer.body) for answer in answers} == {(200, answers[0].body)}
    lines = [users.line_of(answer) for answer in answers]
    assert sum(line.get("queries", 0) for line in lines) == 1
    assert sorted({line["cache"] for line in lines}) == ["hit", "miss"]


@pytest.fixture
def numbers(serve):
    return serve("cached", DATABASE_CONNECTION="persistent", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0, REDIS_TIMEOUT_MS=1000)


def count_of(service, number):
    answer = service.client.get(f"/cached/{number}")
    return answer.json()["count"], cache_result(service, answer)


def cache_count(service, number):
    """Caches the count of a number that has no rows yet."""
    assert count_of(service, number) == (0, "miss")
    wait_until("it to be cached", lambda: count_of(service, number) == (0, "hit"), 5)


def test_a_number_is_one_key_however_it_is_written(numbers):
    number = random.randrange(10 ** 9)
    cache_count(numbers, f"00{number}")
    assert numbers.client.post(f"/cached/{number}").status == 201
    assert count_of(numbers, f"0{number}") == (1, "miss")
    wait_until("it to be cached", lambda: count_of(numbers, number) == (1, "hit"), 5)
    assert count_of(numbers, f"000{number}") == (1, "hit")


def test_a_commit_invalidates_even_if_the_handler_fails_after_it(numbers):
    number = random.randrange(10 ** 9)
    cache_count(numbers, number)
    answer = numbers.client.post(f"/cached/{number}/failing")
    assert answer.status == 500 and numbers.line_of(answer)["outcome"] == "committed"
    assert count_of(numbers, number) == (1, "miss")


@pytest.mark.long
@pytest.mark.parametrize("warm", [True, False], ids=["a connection to Redis", "none yet"])
def test_a_commit_without_an_answer_invalidates_at_its_deadline(serve, site, warm):
    number = random.randrange(10 ** 9)
    with faults.line(site.postgres.port) as line:
        service = serve("cached", DATABASE_URL=site.url(port=line.entrance), DATABASE_CONNECTION="persistent", DATABASE_POOL_SIZE=1,
                        DATABASE_MAX_OVERFLOW=0, REDIS_TIMEOUT_MS=500, REQUEST_TIMEOUT=2)
        cache_count(service, number)
        if not warm:
            service.endpoints["cached"].stop()
            service.endpoints["cached"].start()
            assert service.client.post(f"/cached/{random.randrange(10 ** 9)}/once").status == 201
        line.fault = faults.answers_dropped
        answer = service.client.post(f"/cached/{number}")
        line.fault = faults.passing
        assert (answer.status, answer.problem().get("outcome")) == (503, "unknown")
        assert not service.lines(event="cached response not invalidated") and not service.lines(event="redis failed")
        assert count_of(service, number) == (1, "miss")


def test_a_value_read_before_a_write_is_not_cached_after_it(users):
    user = create_user(users)
    link = lock_table(users)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(users.client.get, f"/users/{user['id']}")
        wait_until("the lease", lambda: redis(users, "EXISTS", key(user)) == b"1", 5)
        redis(users, "DEL", key(user))  # as a write in another worker does
        link.rollback()
        answer = answer.result()
    link.close()
    assert (answer.status, cache_result(users, answer)) == (200, "miss")
    assert redis(users, "EXISTS", key(user)) == b"0"


@pytest.mark.parametrize("lie", [b"", b"{}", b"Vnot its fingerprint" + b"x" * 40, b"L" + b"0" * 3, b"\0\xff"])
def test_a_foreign_value_is_replaced(users, lie):
    user = create_user(users)
    redis(users, "SET", key(user), lie)
    assert read(users, user) == (200, "miss")
    wait_until_cached(users, user)
    assert read(users, user) == (200, "hit")


def test_a_changed_or_moved_value_is_rejected(users):
    user, other = create_user(users), create_user(users)
    for one in (user, other):
        assert read(users, one) == (200, "miss")
        wait_until_cached(users, one)
    value = redis(users, "GET", key(user))
    longer = value[:33] + b"%016x" % (int(value[33:49], 16) + 1) + value[49:]
    for lie in (value.replace(b"Ada", b"Eve"), longer, value[:-1], redis(users, "GET", key(other))):
        redis(users, "SET", key(user), lie)
        answer = users.client.get(f"/users/{user['id']}")
        assert (answer.json(), cache_result(users, answer)) == (user, "miss")
        wait_until_cached(users, user)
    assert len(users.lines(event="redis value rejected")) == 1  # once a minute, by the one process that found it


def hash_of(secret, *parts):
    """Computes hash_parts() of base/hash.h: BLAKE2b with a derived key, over each part after its length."""
    short = hashlib.blake2b(secret.encode(), digest_size=32).digest()
    derived = hashlib.blake2b(b"nullpool: values in Redis, 1", key=short, digest_size=32).digest()
    text = b"".join(len(part).to_bytes(8, "little") + part for part in parts)
    return hashlib.blake2b(text, key=derived, digest_size=16).hexdigest().encode()


def value_of(user, text, secret=SECRET_CANARY, seconds=60):
    end = b"%016x" % int(time.time() + seconds)
    return b"V" + hash_of(secret, key(user).encode(), end, text) + end + text


def test_whoever_writes_to_redis_cannot_forge_a_response(users):
    user, headers = create_user(users), b"Set-Cookie: session=theirs\nLocation: https://example.com/\n"
    lie = b"200\n" + headers + b'\n{"name":"Eve"}'
    for value in (value_of(user, lie, secret="another-secret-key-0123456789-0123456789"),
                  b"V" + hashlib.blake2b(lie, digest_size=16).hexdigest().encode() + lie):
        redis(users, "SET", key(user), value)
        answer = users.client.get(f"/users/{user['id']}")
        assert (answer.status, answer.json()) == (200, user)
        assert "set-cookie" not in answer.headers and "location" not in answer.headers


@pytest.mark.parametrize("text, wanted", [
    (b'200\nLink: <x>; rel="next"\n\n{"name":"kept"}', "hit"),
    (b'200\nSet-Cookie: a=b\n\n{"name":"kept"}', "away"),
    (b'200\nLocation: /x\n\n{"name":"kept"}', "away"),
    (b'200\nX-Accel-Redirect: /x\n\n{"name":"kept"}', "away"),
    (b'204\n\n', "away"),
])
def test_only_a_success_with_listed_headers_is_used(users, text, wanted):
    """Even a value written with this SECRET_KEY is not used if it has another header."""
    user = create_user(users)
    redis(users, "SET", key(user), value_of(user, text))
    answer = users.client.get(f"/users/{user['id']}")
    assert (answer.status, cache_result(users, answer)) == (200, wanted)
    assert answer.json()["name"] == ("kept" if wanted == "hit" else "Ada")
    assert ("link" in answer.headers) == (wanted == "hit")


def test_a_restored_value_expires(users):
    user, text = create_user(users), b'200\n\n{"name":"kept"}'
    for seconds, wanted in ((-20, "hit"), (-40, "miss")):  # two clocks may differ by 30 s
        redis(users, "SET", key(user), value_of(user, text, seconds=seconds))
        assert read(users, user) == (200, wanted)


def test_without_a_secret_key_nothing_can_be_cached(site):
    def check(**settings):
        return subprocess.run([program("cached"), "--check"], capture_output=True, text=True,
                              env=site.environment(SECRET_KEY=None, NULLPOOL_ENV_FILE="/dev/null", **settings))

    done = check()
    assert done.returncode == 78 and "SECRET_KEY: is required because responses are cached in Redis" in done.stderr
    assert check(REDIS_URL=None).returncode == 0


@pytest.mark.long
def test_a_lease_that_nobody_fills_is_waited_for_until_it_expires(users):
    user = create_user(users)
    redis(users, "SET", key(user), "L" + "0" * 32, "PX", 2000)
    answer = users.client.get(f"/users/{user['id']}")
    assert (answer.status, cache_result(users, answer)) == (200, "miss")
    assert 1000 < users.line_of(answer)["cache_ms"] < 3500


def test_a_key_of_another_type_is_replaced(users):
    user = create_user(users)
    redis(users, "RPUSH", key(user), "x")
    assert read(users, user) == (200, "miss")
    wait_until_cached(users, user)
    assert read(users, user) == (200, "hit")


@pytest.fixture
def own(site):
    """Starts a Redis that the test may break."""
    redis = Redis(site.folder("redis-own"), free_port())
    redis.start()
    yield redis
    redis.send(signal.SIGCONT)
    redis.stop()


def serve_with(serve, own, name, **settings):
    return serve(name, REDIS_URL=f"redis://127.0.0.1:{own.port}/0", DATABASE_CONNECTION="persistent", DATABASE_POOL_SIZE=1,
                 DATABASE_MAX_OVERFLOW=0, **settings)


def run_commands(own, *commands):
    with own.connect() as link:
        for command in commands:
            link.sendall(command + b"\r\n")
            assert link.recv(64) == b"+OK\r\n"


def test_an_error_for_one_key_does_not_affect_others(serve, own):
    """A Redis without free memory still returns the values that it has."""
    service = serve_with(serve, own, "users", REDIS_TIMEOUT_MS=1000)
    hot, cold = create_user(service), create_user(service)
    wait_until("the hot one to be cached", lambda: read(service, hot) == (200, "hit"), 5)
    run_commands(own, b"CONFIG SET maxmemory-policy noeviction", b"CONFIG SET maxmemory 1")
    lines = [service.line_of(service.client.get(f"/users/{user['id']}")) for user in (cold, hot, cold, hot)]
    assert [line["cache"] for line in lines] == ["away", "hit", "away", "hit"]
    assert all(line["cache_ms"] < 1000 for line in lines)  # no request waits for a lease
    assert [line["detail"][:8] for line in service.lines(event="redis failed")] == ["SET: OOM"]


def test_a_server_at_its_connection_limit_is_left_alone(serve, own):
    service = serve_with(serve, own, "users", REDIS_TIMEOUT_MS=1000)
    user = create_user(service)
    with own.connect() as link:
        link.sendall(b"CONFIG SET maxclients 1\r\n")
        assert link.recv(64) == b"+OK\r\n"
        begin = time.monotonic()
        assert [read(service, user)[1] for _ in range(10)] == ["away"] * 10
        link.sendall(b"INFO stats\r\n")
        rejected = int(re.search(rb"rejected_connections:(\d+)", link.recv(8192))[1])
    assert 1 <= rejected <= 2 + time.monotonic() - begin


def test_after_a_failover_the_connection_is_replaced(serve, own):
    """After a failover the name may belong to another server: it is resolved again for a new connection."""
    service = serve_with(serve, own, "cached", REDIS_TIMEOUT_MS=1000)
    number = random.randrange(10 ** 9)
    cache_count(service, number)
    run_commands(own, b"REPLICAOF 127.0.0.1 1")
    assert service.client.post(f"/cached/{number}").status == 201
    assert service.lines(event="cached response not invalidated")[0]["detail"].startswith("cached:{number}: DEL: READONLY")
    assert count_of(service, number)[1] == "away"


@pytest.mark.long
def test_redis_down_is_a_miss_and_is_logged_once(serve):
    service = serve("users", REDIS_URL=f"redis://127.0.0.1:{free_port()}/0", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0)
    user = create_user(service)
    for _ in range(5):
        assert read(service, user) == (200, "away")
        assert service.client.of(user).send("PATCH", f"/users/{user['id']}", {"name": "x"}).status == 200
    assert len(service.lines(event="redis failed")) == 1


@pytest.mark.long
def test_a_hung_redis_costs_its_timeout_and_then_nothing(serve, own):
    service = serve_with(serve, own, "users", REDIS_TIMEOUT_MS=300)
    user = create_user(service)
    assert read(service, user)[0] == 200
    own.send(signal.SIGSTOP)
    start = time.monotonic()
    assert [read(service, user) for _ in range(3)] == [(200, "away")] * 3
    assert 0.3 <= time.monotonic() - start < 1.5  # one of them waited for the timeout
    own.send(signal.SIGCONT)
    wait_until("Redis to be tried again", lambda: read(service, user)[1] != "away", 5)


def test_redis_by_its_name(serve, site):
    url = f"redis://:{REDIS_CANARY}@localhost:{site.redis.port}/0"  # ::1 comes first, where nothing listens
    service = serve("users", REDIS_URL=url, REDIS_TIMEOUT_MS=1000)
    user = create_user(service)
    assert [read(service, user) for _ in range(2)] == [(200, "miss"), (200, "hit")]


def test_a_name_that_does_not_resolve_is_a_miss_and_is_logged(serve):
    service = serve("users", REDIS_URL="redis://no-such-host.invalid/0", REDIS_TIMEOUT_MS=5000)
    user = create_user(service)
    assert read(service, user) == (200, "away")
    assert 'could not resolve "no-such-host.invalid"' in service.lines(event="redis failed")[0]["detail"]


@pytest.mark.skipif(not may_mount(), reason="only root can have another /etc/resolv.conf, by unshare")
def test_a_silent_name_server_costs_the_timeout(serve, site):
    """The resolver alone would wait for 20 s. The database's name, which is resolved meanwhile, is in /etc/hosts."""
    user = create_user(serve("users"))
    resolv_conf = site.folder("resolver") / "resolv.conf"
    address = "127." + ".".join(str(random.randint(1, 254)) for _ in range(3))  # since the resolver has only one port
    resolv_conf.write_text(f"nameserver {address}\noptions timeout:10\n")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind((address, 53))
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"', resolv_conf,
             program("users").absolute(), "GET", f"/users/{user['id']}"],
            env=site.environment(REDIS_URL="redis://cache.example.com/0", REDIS_TIMEOUT_MS=300,
                                 DATABASE_URL=site.url().replace("127.0.0.1", "localhost")),
            capture_output=True, text=True, timeout=15)
        silent.settimeout(5)
        assert b"\x05cache\x07example\x03com" in silent.recv(512)
    assert f'"id":"{user["id"]}"' in done.stdout, done
    details = [line["detail"] for line in map(json.loads, done.stderr.splitlines()) if line["event"] == "redis failed"]
    assert details == ['connect: could not resolve "cache.example.com": no answer within the time allowed']


def test_a_redis_that_trickles_is_not_waited_for(serve):
    gone = threading.Event()

    def trickle(link):
        link.recv(4096)
        for byte in b"$1000\r\n" + b"x" * 1000:
            if gone.wait(0.05):
                break
            link.sendall(bytes([byte]))

    with server(trickle) as port:
        service = serve("users", REDIS_URL=f"redis://127.0.0.1:{port}/0", REDIS_TIMEOUT_MS=300)
        user = {"id": uuid.uuid4()}
        start = time.monotonic()
        assert service.client.get(f"/users/{user['id']}").status == 404
        assert time.monotonic() - start < 2
        gone.set()


def test_a_process_with_a_connection_to_redis_ends_cleanly(serve, site):
    service = serve("users", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0)
    user = create_user(service)
    assert read(service, user) == (200, "miss")
    command = [program("users"), "GET", f"/users/{user['id']}"]
    assert subprocess.run(command, env=site.environment(), capture_output=True, timeout=20).returncode == 0
    service.endpoints["users"].stop()
    assert service.lines(event="worker died") == []


def test_without_redis_nothing_is_cached(serve):
    service = serve("users", REDIS_URL=None)
    user = create_user(service)
    assert read(service, user) == (200, None)
