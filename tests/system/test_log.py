"""A request's log line, warnings about slow requests and queries, traces; and a log that nobody reads."""
import concurrent.futures
import os
import subprocess
import time
import uuid

import pytest

from env.local.process import wait_until
from conftest import program
from servers import server

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


def traced(trace=TRACE):
    return {"traceparent": f"00-{trace}-{PARENT}-01"}


def test_a_trace_is_continued_in_both_logs_the_answer_and_the_database(serve):
    service = serve("probe")
    answer = service.client.get("/probe/session", headers=traced())
    version, trace, span, flags = answer.headers["traceparent"].split("-")
    assert (version, trace, flags) == ("00", TRACE, "01") and span != PARENT
    line = service.line_of(answer)
    assert (line["trace_id"], line["span_id"]) == (TRACE, span)
    assert answer.json()["application_name"] == f"nullpool/probe {TRACE}"
    wait_until("nginx's line", lambda: [line for line in service.access_lines() if line["trace_id"] == TRACE])


@pytest.mark.long
def test_a_traced_request_is_seen_in_pg_stat_activity_while_it_runs(serve, site):
    service, trace = serve("probe"), uuid.uuid4().hex
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        asked = pool.submit(service.client.get, "/probe/sleep?seconds=3", headers=traced(trace))
        wait_until("the trace", lambda: site.query(
            "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND application_name = %s", f"nullpool/probe {trace}"), 5)
        assert asked.result().status == 200


@pytest.mark.parametrize("header", ["", "x", f"00-{'0' * 32}-{PARENT}-01", f"00-{TRACE}-{PARENT}-01-more"])
def test_an_invalid_traceparent_is_ignored(serve, header):
    service = serve("probe")
    answer = service.client.get("/probe/session", headers={"traceparent": header})
    assert answer.status == 200 and "traceparent" not in answer.headers
    assert "trace_id" not in service.line_of(answer)
    assert answer.json()["application_name"] == f"nullpool/probe {answer.headers['x-request-id']}"


def test_a_failure_has_its_trace_too(serve):
    answer = serve("probe").client.get("/probe/nowhere", headers=traced())
    assert answer.status == 404 and TRACE in answer.headers["traceparent"]


@pytest.mark.parametrize("method, target, outcome", [
    ("POST", "/probe/marked?label={}", "committed"),
    ("POST", "/probe/rows?label={}", "committed"),
    ("POST", "/probe/failing?label={}", "rolled_back"),
    ("POST", "/probe/commit-first?label={}", "committed"),
    ("GET", "/probe/rows?label={}", None),
])
def test_a_line_has_the_transactions_outcome(serve, method, target, outcome):
    service = serve("probe")
    line = service.line_of(service.client.ask(method, target.format(uuid.uuid4())))
    assert line.get("outcome") == outcome


@pytest.mark.long
def test_the_wait_for_a_worker_is_not_part_of_the_duration(serve):
    service = serve("probe", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0)
    service.client.get("/probe/session")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: service.client.get("/probe/sleep?seconds=0.5"), range(2)))
    lines = sorted((service.line_of(answer) for answer in answers), key=lambda line: line["queue_ms"])
    assert lines[0]["queue_ms"] < lines[1]["queue_ms"] and lines[1]["queue_ms"] >= 400
    assert all(line["duration_ms"] >= 500 for line in lines)
    assert lines[1]["duration_ms"] < lines[1]["queue_ms"] + 500  # the duration excludes the wait


def test_a_slow_statement_is_a_warning_with_its_text_and_no_value(serve):
    service = serve("probe", SLOW_QUERY_MS=100)
    assert service.client.get("/probe/rows?label=none").status == 200
    answer = service.client.get("/probe/sleep?seconds=0.125")
    line = service.line_of(answer)
    slow = service.lines(event="slow query")
    assert len(slow) == 1 and slow[0]["level"] == "warning"
    assert (slow[0]["sql"], slow[0]["request_id"]) == ("SELECT pg_sleep($1)::text AS slept", line["request_id"])
    assert 125 <= slow[0]["duration_ms"] <= line["duration_ms"]
    assert "0.125" not in "".join(map(str, (slow, line)))


@pytest.mark.long
def test_a_slow_request_is_a_warning_that_says_where_the_time_went(serve):
    service = serve("probe", DATABASE_CONNECTION="null", SLOW_REQUEST_MS=1000, SLOW_QUERY_MS=0)
    quick = service.line_of(service.client.get("/probe/rows?label=none"))
    slow = service.line_of(service.client.get("/probe/sleep?seconds=1.1"))
    assert quick["level"] == "info" and "slow" not in quick
    assert slow["level"] == "warning" and slow["slow"] is True
    assert {"queue_ms", "connect_ms", "resolve_ms", "tcp_ms", "tls_ms", "auth_ms", "flights_ms"} <= slow.keys()
    assert slow["flights_ms"] >= 1100
    assert service.lines(event="slow query") == []


def test_the_wait_for_redis_is_logged(serve):
    service = serve("users", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0, SERVER_TIMING="true", SLOW_REQUEST_MS=1)
    made = service.client.post("/users", {"email": f"{uuid.uuid4()}@example.com", "name": "Ada"})
    assert not {"cache", "cache_calls", "cache_ms"} & service.line_of(made).keys()
    path = made.headers["location"]
    miss = service.line_of(service.client.get(path))
    # GET and the lease. The response is cached after the request, so that no client waits for it.
    assert (miss["cache"], miss["cache_calls"]) == ("miss", 2) and 0 < miss["cache_ms"] < miss["duration_ms"]
    answer = service.client.get(path)
    hit = service.line_of(answer)
    assert (hit["cache"], hit["cache_calls"]) == ("hit", 1) and 0 < hit["cache_ms"] <= hit["duration_ms"]
    assert "cache;dur=" in answer.headers["server-timing"]
    deleted = service.line_of(service.client.of(made.json()["id"]).ask("DELETE", path))
    assert ("cache" in deleted, deleted["status"], deleted["cache_calls"]) == (False, 204, 1)  # the invalidation
    refused = service.client.get("/users/none")
    assert "cache_ms" not in service.line_of(refused) and "cache" not in refused.headers["server-timing"]


@pytest.mark.long
def test_all_of_a_slow_request_is_accounted_for(serve, site):
    """The line has the time for a worker, each phase of connecting, flights and Redis; the rest is the handler's."""
    def slow_redis(link):
        with link.makefile("rb") as reader:
            while reader.readline():
                if reader.readline():
                    time.sleep(0.1)
                    link.sendall(b"$-1\r\n")

    with server(slow_redis) as port:
        service = serve("users", DATABASE_CONNECTION="null", REDIS_URL=f"redis://127.0.0.1:{port}/0", REDIS_TIMEOUT_MS=1000,
                        SLOW_REQUEST_MS=100)
        line = service.line_of(service.client.get(f"/users/{uuid.uuid4()}"))
    assert line["slow"] is True and line["cache_ms"] >= 100
    known = line["connect_ms"] + line["flights_ms"] + line["cache_ms"]
    assert line["connect_ms"] >= sum(line[f"{phase}_ms"] for phase in ("resolve", "tcp", "tls", "auth")) - 0.01
    assert known <= line["duration_ms"]


def test_the_wait_for_a_lease_counts_as_redis(serve):
    service = serve("probe", DATABASE_POOL_SIZE=2, DATABASE_MAX_OVERFLOW=0)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: service.client.get("/probe/cached-nap?seconds=0.5"), range(2)))
    lines = sorted((service.line_of(answer) for answer in answers), key=lambda line: line["cache"])
    assert [line["cache"] for line in lines] == ["hit", "miss"]
    assert lines[0]["cache_ms"] > lines[1]["cache_ms"] and lines[0]["cache_calls"] > 2


def command_line(site, *arguments, stderr, **settings):
    return subprocess.run([program("probe"), *arguments], env=site.environment(**settings), stdout=subprocess.PIPE, stderr=stderr,
                          timeout=20)


def test_at_a_terminal_the_log_is_for_people(site, terminal):
    leader, follower = terminal
    command_line(site, "GET", "/probe/rows?label=x", stderr=follower, DEBUG="true")
    text = os.read(leader, 65536).decode()
    os.close(follower)
    line = next(line for line in text.splitlines() if " request " in line)
    assert " info probe[" in line and " method=GET route=/probe/rows status=200 " in line and "{\"" not in text


def test_the_format_can_be_named(site):
    result = command_line(site, "GET", "/probe/rows?label=x", stderr=subprocess.PIPE, DEBUG="true", LOG_FORMAT="text")
    assert b" route=/probe/rows " in result.stderr


def test_a_full_disk_drops_lines_and_no_request(site):
    with open("/dev/full", "wb") as full:
        result = command_line(site, "GET", "/probe/rows?label=x", stderr=full, DEBUG="true")
    assert result.returncode == 0 and b'"count":0' in result.stdout


@pytest.mark.long
def test_a_log_that_nobody_reads_stops_no_request(serve, site):
    """The programs' standard error is a pipe that is never read, and full after some hundred lines."""
    reader, writer = os.pipe()
    service = serve("probe", LOG_LEVEL="debug", DATABASE_CONNECTION="persistent")
    endpoint = service.endpoints["probe"]
    endpoint.stop()
    with open(writer, "wb") as pipe:
        endpoint.log = pipe
        endpoint.start()
        start = time.monotonic()
        statuses = {service.client.get("/probe/rows?label=none").status for _ in range(400)}
        took = time.monotonic() - start
        endpoint.stop()
        endpoint.log = service.log
    os.set_blocking(reader, False)
    kept = os.read(reader, 1 << 20)
    os.close(reader)
    assert statuses == {200} and took < 20
    assert 32768 < len(kept) <= 65536  # the pipe was full, so most lines were dropped
