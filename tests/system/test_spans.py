"""Spans go to a collector, and no request waits for it."""
import concurrent.futures
import os
import re
import signal
import socket
import subprocess
import time
import uuid

import pytest

import fastcgi
from env.local.process import wait_until
from collector import attributes, collector
from conftest import children, program

PARENT = "00f067aa0ba902b7"
INTERNAL, SERVER, CLIENT = 1, 2, 3


@pytest.fixture
def receiver():
    with collector() as made:
        yield made


@pytest.fixture
def traced(serve, receiver):
    """traced("probe", SETTING=value) starts programs that send spans to the receiver."""
    def start(*programs, **settings):
        return serve(*programs, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url, **settings)
    return start


def spans_of(receiver, answer):
    """Waits for the spans of an answer's request. Returns them by name."""
    trace = answer.headers["traceparent"].split("-")[1]
    wait_until("the spans", lambda: receiver.of(trace))
    return {span["name"]: span for span in receiver.of(trace)}


def server_span(receiver, answer):
    return next(span for span in spans_of(receiver, answer).values() if span["kind"] == SERVER)


def exporter_of(service, name):
    """The pid of the exporter: the child that has libcurl."""
    def find():
        for child in children(service.endpoints[name].pid):
            try:
                with open(f"/proc/{child}/maps") as maps:
                    if "libcurl" in maps.read():
                        return child
            except OSError:
                pass
        return None
    return wait_until("the exporter", find)


def counter(service, name):
    text = service.client.get("/metrics").body.decode()
    return sum(float(value) for value in re.findall(rf"^{name}{{[^}}]*}} (\S+)$", text, re.M))


def test_a_request_is_a_trace_of_what_it_did(traced, receiver, site):
    service = traced("users", DATABASE_CONNECTION="null")
    answer = service.client.get("/users?limit=1")
    spans = spans_of(receiver, answer)
    request = spans["GET /users"]
    assert "parentSpanId" not in request and request["kind"] == SERVER and "status" not in request
    about = attributes(request)
    assert about["http.request.method"] == "GET" and about["http.route"] == "/users"
    assert about["http.response.status_code"] == 200
    assert about["nullpool.request_id"] == answer.headers["x-request-id"]
    line = service.line_of(answer)
    assert (line["trace_id"], line["span_id"]) == (request["traceId"], request["spanId"])
    for name in ("connect", "SELECT oldest_first"):
        assert spans[name]["parentSpanId"] == request["spanId"] and spans[name]["kind"] == CLIENT
        assert int(request["startTimeUnixNano"]) <= int(spans[name]["startTimeUnixNano"])
        assert int(spans[name]["startTimeUnixNano"]) <= int(spans[name]["endTimeUnixNano"]) <= int(request["endTimeUnixNano"])
        assert attributes(spans[name])["server.port"] == site.postgres.port
    assert attributes(spans["connect"])["nullpool.connect.trips"] == line["connect_trips"]
    query = attributes(spans["SELECT oldest_first"])
    assert query["db.query.summary"] == "SELECT oldest_first"
    assert query["db.system.name"] == "postgresql" and "FROM users" in query["db.query.text"]
    assert query["db.response.returned_rows"] == line["rows"]
    assert len({span["spanId"] for span in spans.values()}) == len(spans)
    assert abs(int(request["startTimeUnixNano"]) / 1e9 - time.time()) < 60
    assert receiver.resources[0]["service.name"] == "nullpool"
    assert receiver.posts[0][0] == "/v1/traces" and receiver.posts[0][1]["Content-Type"] == "application/json"


def test_a_callers_trace_is_continued(traced, receiver):
    trace = uuid.uuid4().hex
    answer = traced("root").client.get("/", headers={"traceparent": f"00-{trace}-{PARENT}-01"})
    span = spans_of(receiver, answer)["GET /"]
    assert (span["traceId"], span["parentSpanId"]) == (trace, PARENT)
    assert answer.headers["traceparent"] == f"00-{trace}-{span['spanId']}-01"


def test_a_trace_that_the_caller_does_not_sample_is_not_sent(traced, receiver):
    service, trace = traced("root"), uuid.uuid4().hex
    assert trace in service.client.get("/", headers={"traceparent": f"00-{trace}-{PARENT}-00"}).headers["traceparent"]
    server_span(receiver, service.client.get("/"))
    assert not receiver.of(trace)


def test_the_endpoint_for_traces_is_used_as_it_is_and_the_resource_is_sent(serve, receiver):
    service = serve("root", OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1", OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=receiver.url + "/mine",
                    OTEL_SERVICE_NAME="shop", OTEL_RESOURCE_ATTRIBUTES="service.name=other,team=a%2Cb")
    server_span(receiver, service.client.get("/"))
    assert receiver.posts[0][0] == "/mine"
    resource = receiver.resources[0]
    assert (resource["service.name"], resource["team"], resource["deployment.environment.name"]) == ("shop", "a,b", "testing")


def test_a_disabled_sdk_sends_nothing(traced):
    service = traced("root", OTEL_SDK_DISABLED="TRUE", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0)
    assert "traceparent" not in service.client.get("/").headers
    assert len(children(service.endpoints["root"].pid)) == 1


@pytest.mark.long
@pytest.mark.parametrize("sampler, argument, caller, sampled", [
    ("always_off", None, "01", False), ("always_on", None, "00", True), ("parentbased_always_off", None, "01", True),
    ("parentbased_always_off", None, None, False), ("traceidratio", "0", "01", False), ("parentbased_traceidratio", "0", None, False),
    ("unheard_of", None, None, True)])
def test_the_sampler_decides(traced, receiver, sampler, argument, caller, sampled):
    service = traced("root", OTEL_TRACES_SAMPLER=sampler, OTEL_TRACES_SAMPLER_ARG=argument)
    trace = uuid.uuid4().hex
    headers = {"traceparent": f"00-{trace}-{PARENT}-{caller}"} if caller else {}
    answer = service.client.get("/", headers=headers)
    _, told, _, flags = answer.headers["traceparent"].split("-")
    assert flags == ("01" if sampled else "00") and told == (trace if caller else told)
    if sampled:
        assert server_span(receiver, answer)
    else:
        service.endpoints["root"].stop()
        assert not receiver.of(told)
    assert [line["detail"].split(":")[0] for line in service.lines(event="setting ignored")] == (
        ["OTEL_TRACES_SAMPLER"] if sampler == "unheard_of" else [])


def test_a_write_has_a_span_for_each_query_and_the_commit(traced, receiver):
    service = traced("probe")
    answer = service.client.post(f"/probe/rows?label={uuid.uuid4()}")
    assert answer.status < 300, answer
    spans = spans_of(receiver, answer)
    assert {"connect", "INSERT new_row", "COMMIT"} <= set(spans)


@pytest.mark.long
def test_a_failure_has_the_statement_and_no_value(traced, receiver):
    service = traced("users")
    body = {"email": f"{uuid.uuid4().hex}@example.com", "name": "Twice"}
    assert service.client.post("/users", body).status == 201
    answer = service.client.post("/users", body)
    assert answer.status == 409
    spans = spans_of(receiver, answer)
    assert attributes(spans["INSERT new_user"])["db.response.status_code"] == "23505" and spans["INSERT new_user"]["status"] == {"code": 2}
    assert body["email"] not in str(receiver.posts) and "Twice" not in str(receiver.posts)


@pytest.mark.long
def test_the_cache_has_spans(traced, receiver):
    service = traced("users")
    user = service.client.post("/users", {"email": f"{uuid.uuid4().hex}@example.com", "name": "Kept"}).json()["id"]
    miss = spans_of(receiver, service.client.get(f"/users/{user}"))
    hit = spans_of(receiver, service.client.get(f"/users/{user}"))
    assert {"find", "fill", "connect"} <= set(miss)
    assert "find" in hit and "connect" not in hit and attributes(hit["find"])["db.system.name"] == "redis"


@pytest.mark.long
def test_a_wait_for_a_worker_is_a_span(traced, receiver):
    service = traced("probe", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0)
    service.client.get("/probe/session")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: service.client.get("/probe/sleep?seconds=0.5"), range(2)))
    waits = [spans_of(receiver, answer).get("wait for a worker") for answer in answers]
    longest = max(int(wait["endTimeUnixNano"]) - int(wait["startTimeUnixNano"]) for wait in waits if wait)
    assert longest >= 400e6


@pytest.mark.long
def test_headers_are_sent_and_not_logged(serve, receiver):
    service = serve("root", OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url + "/base/",
                    OTEL_EXPORTER_OTLP_HEADERS="api-key=a%20secret%2Cindeed, x-team=one")
    server_span(receiver, service.client.get("/"))
    path, headers, _ = receiver.posts[0]
    assert path == "/base/v1/traces"
    assert headers["api-key"] == "a secret,indeed" and headers["x-team"] == "one"
    assert "secret,indeed" not in service.log_path.read_text()


@pytest.mark.long
def test_a_post_that_may_succeed_later_is_repeated(traced, receiver):
    receiver.answers = [503, 429]
    service = traced("root", "metrics")
    server_span(receiver, service.client.get("/"))
    assert len(receiver.posts) >= 3
    wait_until("the log", lambda: service.lines(event="spans sent again"))
    assert len(service.lines(event="spans not sent")) == 1


@pytest.mark.long
def test_a_post_that_was_refused_is_not_repeated(traced, receiver):
    receiver.answers = [400]
    service = traced("root", "metrics")
    service.client.get("/")
    wait_until("the refusal", lambda: service.lines(event="spans not sent"))
    assert "400" in service.lines(event="spans not sent")[0]["detail"]
    wait_until("the count", lambda: counter(service, "nullpool_spans_failed_total") >= 1)


@pytest.mark.long
def test_no_request_waits_for_a_collector_that_hangs(traced, receiver):
    receiver.held.set()
    service = traced("root", "metrics")

    def dropped():
        for _ in range(200):  # past nginx: it takes some 2,000
            assert fastcgi.ask(service.run_dir / "root.sock", fastcgi.request("GET", "/"))[0].startswith(b"Status: 200")
        return counter(service, "nullpool_traces_dropped_total") > 0
    wait_until("spans to be dropped", dropped, 60)
    assert all(line["duration_ms"] < 5000 for line in service.lines(event="request"))
    receiver.held.clear()
    receiver.freed.set()

    asked_later = []

    def sent_again():
        asked_later.append(service.client.get("/").headers["traceparent"].split("-")[1])
        return any(receiver.of(trace) for trace in asked_later)
    wait_until("spans to come again", sent_again)


@pytest.mark.long
def test_a_missing_collector_does_not_harm_a_request(serve):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    service = serve("root", OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{port}")
    assert service.client.get("/").status == 200
    wait_until("the log", lambda: service.lines(event="spans not sent"))
    with collector(port) as late:
        server_span(late, service.client.get("/"))


def test_the_last_spans_are_sent_before_the_end(traced, receiver):
    service = traced("root")
    answer = service.client.get("/")
    exporter = exporter_of(service, "root")
    service.endpoints["root"].stop()
    assert receiver.of(answer.headers["traceparent"].split("-")[1])
    assert not os.path.exists(f"/proc/{exporter}")


@pytest.mark.long
def test_an_exporter_that_died_is_replaced(traced, receiver):
    service = traced("root").expect_deaths()
    exporter = exporter_of(service, "root")
    os.kill(exporter, signal.SIGKILL)
    wait_until("another one", lambda: exporter_of(service, "root") != exporter)
    server_span(receiver, service.client.get("/"))
    assert service.lines(event="span exporter died")


@pytest.mark.long
def test_a_reload_starts_another_exporter_and_loses_no_span(traced, receiver):
    service = traced("root")
    before, old = service.client.get("/"), exporter_of(service, "root")
    os.kill(service.endpoints["root"].pid, signal.SIGHUP)
    wait_until("the old exporter to end", lambda: not os.path.exists(f"/proc/{old}"))
    server_span(receiver, before)
    server_span(receiver, service.client.get("/"))


@pytest.mark.long
def test_a_killed_master_leaves_no_exporter(traced, receiver):
    service = traced("root", REQUEST_TIMEOUT=1).expect_deaths()
    exporter = exporter_of(service, "root")
    os.kill(service.endpoints["root"].pid, signal.SIGKILL)
    wait_until("its end", lambda: not os.path.exists(f"/proc/{exporter}"))


@pytest.mark.long
def test_an_idle_endpoint_ends_without_waiting_for_its_exporter(traced):
    """The master has an exporter and no worker, so no end of a worker would wake it."""
    service = traced("root", DATABASE_POOL_SIZE=0, WORKER_IDLE_TIMEOUT=1, MASTER_IDLE_TIMEOUT=1, REQUEST_TIMEOUT=60)
    assert service.client.get("/").status == 200
    wait_until("its end", lambda: service.lines(event="stopped"), 20)


def test_without_a_collector_there_is_no_exporter_and_no_trace(serve):
    service = serve("root", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0)
    answer = service.client.get("/")
    assert "traceparent" not in answer.headers and "trace_id" not in service.line_of(answer)
    assert len(children(service.endpoints["root"].pid)) == 1


@pytest.mark.parametrize("name, value", [
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:hidden-pass@localhost"),
    ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://user:hidden-pass@localhost/v1/traces"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "hidden-pass"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "name=hidden-pass%0d%0aother: one"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "na me=hidden-pass"),
])
def test_wrong_settings_are_named(site, name, value):
    ended = subprocess.run([program("root"), "--settings"], env=site.environment(**{name: value}), capture_output=True, text=True)
    assert ended.returncode == 78 and ended.stderr.startswith(name) and "hidden-pass" not in ended.stderr
