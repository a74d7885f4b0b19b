"""np_fetch(): HTTPS to other services, bounded, sent once, traced, and never into the program's own network."""
import json
import socket
import subprocess
import threading
import time
import urllib.parse
import uuid

import pytest

import conftest
import collector
from env.local.authority import Authority
from env.local.process import free_port, wait_until
from conftest import Service, program
from outside import Outside
from test_clients_gone import asking

POOL = {"DATABASE_POOL_SIZE": 2, "DATABASE_MAX_OVERFLOW": 0, "SLOW_REQUEST_MS": 0}


@pytest.fixture(scope="module")
def there(site):
    with Outside(site.authority.certificate()) as there:
        yield there


@pytest.fixture(scope="module")
def service(site, started):
    started.append(Service(site, ["fetches"], FETCH_PRIVATE="true", FETCH_CA_FILE=site.authority.root, REQUEST_TIMEOUT=8, **POOL).start())
    return started[-1]


def path_of(path, **query):
    return f"/fetches{path}?{urllib.parse.urlencode(query)}"


def fetch(service, url, path="", **query):
    return service.client.get(path_of(path, url=url, **query))


# --- what is sent, and what comes back ---


def test_a_get(service, there):
    answer = fetch(service, there.url + "/a?b=c", wanted="X-TWO")
    assert answer.json() == {"status": 200, "type": "application/json", "size": 15, "text": '{"hello": true}', "header": "a b"}
    asked = there.asked[-1]
    assert asked.method == "GET" and asked.path == "/a?b=c" and asked.headers["user-agent"].startswith("nullpool/")
    assert "content-type" not in asked.headers and "expect" not in asked.headers
    line = service.line_of(answer)
    assert line["fetches"] == 1 and line["fetches_ms"] > 0
    for wanted, value in ("x-empty", ""), ("x-none", None), ("x-tw", None), ("", None):
        assert fetch(service, there.url, wanted=wanted).json()["header"] == value


def test_a_body_and_its_type(service, there):
    assert fetch(service, there.url, body='{"a": "ü"}').status == 200
    assert there.asked[-1].method == "POST" and there.asked[-1].headers["content-type"] == "application/json"
    assert there.asked[-1].body == '{"a": "ü"}'.encode()
    fetch(service, there.url, body="a=b", type="application/x-www-form-urlencoded", name="Authorization", value="Bearer x")
    assert there.asked[-1].headers["content-type"] == "application/x-www-form-urlencoded" and there.asked[-1].headers["authorization"] == "Bearer x"


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
def test_each_method(service, there, method):
    answer = fetch(service, there.url, method=method)
    assert answer.json()["status"] == 200 and answer.json()["size"] == (0 if method == "HEAD" else 15)
    assert there.asked[-1].method == method


@pytest.mark.parametrize("status", [201, 204, 301, 307, 400, 404, 429, 500, 503])
def test_any_status_is_an_answer_and_no_redirect_is_followed(service, there, status):
    before = len(there.asked)
    answer = fetch(service, f"{there.url}/status/{status}", wanted="location")
    assert answer.status == 200 and answer.json()["status"] == status and len(there.asked) == before + 1
    assert answer.json()["header"] == f"{there.url}/elsewhere"


def test_an_empty_header_is_sent_and_a_null_is_not(service, there):
    fetch(service, there.url, name="X-Mine", value="")
    assert there.asked[-1].headers["x-mine"] == ""
    fetch(service, there.url, name="X-Mine")
    assert "x-mine" not in there.asked[-1].headers


# --- bounds ---


def test_the_size_of_a_response_is_bounded(service, there):
    for size, most, status in ((1 << 20), 0, 200), ((1 << 20) + 1, 0, 503), (100, 100, 200), (101, 100, 503), (3 << 20, 4 << 20, 200):
        answer = fetch(service, f"{there.url}/bytes/{size}", max=most)
        assert answer.status == status and (status == 503 or answer.json()["size"] == size)
    answer = fetch(service, there.url + "/endless")
    assert answer.status == 503 and "larger than" in service.line_of(answer)["detail"]
    assert fetch(service, there.url + "/headers/20").status == 200 and fetch(service, there.url + "/headers/40").status == 503


@pytest.mark.long
def test_time_is_bounded_by_the_call_and_by_the_request(service, there):
    begin = time.monotonic()
    answer = fetch(service, there.url + "/slow", timeout=500)
    assert answer.status == 503 and time.monotonic() - begin < 5
    answer = fetch(service, there.url + "/slow")
    assert answer.status == 504 and 7 < time.monotonic() - begin < 18
    assert fetch(service, there.url).status == 200


def test_it_is_sent_once(serve, site, there):
    """A library that keeps connections sends again what a kept one did not answer."""
    service = serve("fetches", FETCH_PRIVATE="true", FETCH_CA_FILE=site.authority.root, DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0)
    before = len(there.asked)
    fetch(service, there.url)
    before, opened = len(there.asked), there.connections
    for _ in range(3):
        answer = fetch(service, there.url + "/drop", body="x")
        assert answer.status == 503 and answer.problem()["detail"] == "Another service is not available"
    assert len(there.asked) == before + 3 and there.connections == opened + 3


def test_nobody_there(service):
    answer = fetch(service, f"https://127.0.0.1:{free_port()}/")
    assert answer.status == 503 and "Retry-After".lower() in answer.headers
    answer = fetch(service, f"https://127.0.0.1:{free_port()}/way?token=hidden#hidden")
    assert answer.status == 503 and "/way" in service.line_of(answer)["detail"]
    assert fetch(service, "https://user:hidden@localhost/").status == 422
    # Wherever there is no name server that answers.
    assert fetch(service, "https://nobody.invalid/?token=hidden", timeout=1000).status == 503
    assert "hidden" not in service.log_path.read_text()
    assert service.client.get(path_of("/on", url="https://nobody.invalid/", timeout=1000)).json() == {"ok": False}


@pytest.mark.parametrize("name, sans, days", [("expired", ("DNS:localhost",), -1), ("other", ("DNS:other.example",), 100)])
def test_a_certificate_is_verified(service, site, name, sans, days):
    with Outside(site.authority.certificate(f"fetch-{name}", sans, days)) as bad:
        answer = fetch(service, bad.url)
        assert answer.status == 503 and not bad.asked and "ertificate" in service.line_of(answer)["detail"]


def test_without_the_ca_it_is_not_trusted(serve, there):
    service = serve("fetches", FETCH_PRIVATE="true")
    answer = fetch(service, there.url)
    assert answer.status == 503 and "ertificate" in service.line_of(answer)["detail"]


# --- where it may go ---


@pytest.mark.parametrize("url", [
    "https://127.0.0.1:{port}/", "https://localhost:{port}/", "https://[::1]:{port}/", "https://10.0.0.1/", "https://169.254.169.254/latest/meta-data/",
    "https://192.168.0.1/", "https://172.31.255.255/", "https://100.64.0.1/", "https://0.0.0.0:{port}/", "https://2130706433:{port}/",
    "https://0x7f.1:{port}/", "https://017700000001:{port}/", "https://127.1:{port}/", "https://[::ffff:127.0.0.1]:{port}/", "https://[fd00::1]/",
    "https://[fe80::1]/", "https://[64:ff9b::7f00:1]/", "https://[2002:7f00:1::]/", "http://example.com/", "HTTP://127.0.0.1/", "ftp://example.com/",
    "file:///etc/passwd", "gopher://127.0.0.1:{port}/", "//example.com/", "example.com", "", "https://", "https:///", "https://a b/", "https://user:word@127.0.0.1:{port}/",
    "https://127.0.0.1:{port}#@example.com/", "https://127。0。0。1:{port}/", "https://bücher.example/",
    "https://-x.example:{port}/", "https://[2606:4700::1111%25eth0]/", "https://key@example.com/", "https://:word@example.com/"])
def test_private_places_are_refused(serve, site, there, url):
    service = strict_service(serve, site)
    before, opened = len(there.asked), there.connections
    answer = fetch(service, url.format(port=there.port))
    assert answer.status == 422, answer
    assert len(there.asked) == before and there.connections == opened


STRICT = []


def strict_service(serve, site):
    """One for all of them: it outlives the test that starts it, see the fixture below."""
    if not STRICT:
        STRICT.append(Service(site, ["fetches"], FETCH_CA_FILE=site.authority.root, **POOL).start())
    return STRICT[0]


@pytest.fixture(scope="module", autouse=True)
def end_strict_service():
    yield
    while STRICT:
        STRICT.pop().stop()


def test_http_goes_to_private_places_only_if_it_is_allowed(service, serve):
    with Outside() as plain:
        assert fetch(service, plain.url).json()["status"] == 200
        assert fetch(serve("fetches"), plain.url).status == 422
        assert len(plain.asked) == 1


# --- with the database ---


def test_before_a_query_and_after_one(service, there, site):
    label = str(uuid.uuid4())
    assert service.client.post(path_of("/first", url=there.url, label=label)).status == 200
    assert site.query("SELECT count(*) FROM probe_rows WHERE label = %s", label) == [(1,)]
    answer = fetch(service, there.url, "/read")
    assert answer.status == 200 and service.line_of(answer)["flights"] == 1


def test_an_open_transaction_is_a_misuse_unless_it_is_meant(service, there, site):
    before = len(there.asked)
    for path, ask in ("/then", service.client.post), ("/snapshot", service.client.get):
        answer = ask(path_of(path, url=there.url, label=str(uuid.uuid4())))
        assert answer.status == 500 and "while a transaction is open" in service.line_of(answer)["detail"]
        assert len(there.asked) == before
    label = str(uuid.uuid4())
    assert service.client.post(path_of("/then", url=there.url, label=label, meant="true")).status == 200
    assert site.query("SELECT count(*) FROM probe_rows WHERE label = %s", label) == [(1,)]


def test_what_may_run_again_may_not_send(service, there):
    before = len(there.asked)
    answer = service.client.post(path_of("/first", url=there.url, body="x"))
    assert answer.status == 500 and ".no_rerun" in service.line_of(answer)["detail"] and len(there.asked) == before
    assert service.client.post(path_of("/once", url=there.url, body="x", label=str(uuid.uuid4()))).status == 200
    assert len(there.asked) == before + 1


def test_a_guard_may_ask(service, there):
    assert service.client.get(path_of("/guarded", url=there.url), headers={"X-Who": there.url}).status == 200
    answer = service.client.get(path_of("/guarded", url=there.url), headers={"X-Who": there.url + "/status/401"})
    assert answer.status == 403 and there.asked[-1].method == "POST"
    assert service.client.get("/fetches/guarded?nonsense=1", headers={"X-Who": there.url + "/status/401"}).status == 403


@pytest.mark.parametrize("query, words", [
    ({"method": "TRACE"}, "the method"), ({"method": "get"}, "the method"), ({"method": "GET", "body": "x"}, "with a body"),
    ({"max": (64 << 20) + 1}, "64 MiB"), ({"name": "Host", "value": "x"}, '"Host"'), ({"name": "content-length", "value": "1"}, "cannot send"),
    ({"name": "a b", "value": "x"}, "cannot send"), ({"name": "", "value": "x"}, "cannot send"), ({"name": "X", "value": "a\r\nb: c"}, "cannot send"),
    ({"body": "x", "type": "a/b\r\nX: y"}, "content type")])
def test_a_misuse(service, there, query, words):
    before = len(there.asked)
    answer = fetch(service, there.url, **query)
    assert answer.status == 500 and words in service.line_of(answer)["detail"] and len(there.asked) == before


def test_a_route_that_does_not_say_so_may_not(service, there):
    answer = fetch(service, there.url, "/undeclared")
    assert answer.status == 500 and ".fetches" in service.line_of(answer)["detail"]


def test_a_key_sends_once_and_a_client_that_leaves_stops_nothing(service, there, site):
    label, key = str(uuid.uuid4()), str(uuid.uuid4())
    before = len(there.asked)
    path = path_of("/once", url=there.url, body="x", label=label, name="X-Key", value=key)
    answers = [service.client.post(path, headers={"Idempotency-Key": key}) for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 200] and answers[0].body == answers[1].body
    assert answers[1].headers["idempotency-replayed"] == "true" and len(there.asked) == before + 1
    assert service.line_of(answers[0])["flights"] == 3
    assert site.query("SELECT count(*) FROM probe_rows WHERE label = %s", label) == [(1,)]


def test_nothing_is_sent_for_somebody_whom_the_database_does_not_know(service, there, site):
    before = len(there.asked)
    for path, headers in ("/key", {"X-API-Key": "npk_none"}), ("/key", {"X-API-Key": "npk_none", "Idempotency-Key": "k"}):
        for body in "x", None:
            query = {"url": there.url, **({"body": body} if body else {})}
            assert service.client.post(path_of(path, **query), headers=headers).status == 401
    user, session = str(uuid.uuid4()), str(uuid.uuid4())
    site.begin_session(user, session)
    caller = service.client.of(user)
    label = str(uuid.uuid4())
    assert caller.post(path_of("/user", url=there.url, body="x", label=label)).status == 200 and len(there.asked) == before + 1
    site.query("UPDATE refresh_tokens SET revoked_at = now() WHERE family = %s", session)
    assert caller.post(path_of("/user", url=there.url, body="x", label=label)).status == 401 and len(there.asked) == before + 1


def test_somebody_with_a_key_may_send(service, there, site):
    done = subprocess.run([program("users"), "--new-api-key=fetcher"], env=site.environment(), capture_output=True, check=True, timeout=60)
    before, label = len(there.asked), str(uuid.uuid4())
    answer = service.client.post(path_of("/key", url=there.url, body="x", label=label), headers={"X-API-Key": done.stdout.decode().strip()})
    assert answer.status == 200 and len(there.asked) == before + 1, answer
    assert site.query("SELECT count(*) FROM probe_rows WHERE label = %s", label) == [(1,)]


@pytest.mark.long
def test_a_client_that_leaves_does_not_end_what_was_sent(service, there, site):
    label, before = str(uuid.uuid4()), len(there.asked)
    with asking(service, "POST", path_of("/once", url=there.url + "/wait/2", body="x", label=label)):
        wait_until("it to be asked", lambda: len(there.asked) == before + 1, 10)
    wait_until("its line", lambda: [line for line in service.lines(event="request", route="/fetches/once") if line.get("fetches_ms", 0) > 1500], 10)


def test_a_precondition_may_fetch(service, there):
    tag = service.client.get(path_of("/paper", url=there.url)).headers["etag"]
    for headers, status in ({"If-Match": tag}, 204), ({"If-Match": '"other"'}, 412), ({}, 204):
        answer = service.client.ask("PUT", path_of("/paper", url=there.url), headers=headers)
        assert answer.status == status, answer


def test_headers_before_and_after_the_response(service, there):
    answer = fetch(service, there.url + "/trailers", wanted="X-Before")
    assert answer.json()["header"] == "yes" and answer.json()["type"] == "text/plain" and answer.json()["text"] == "abc"
    assert fetch(service, there.url + "/trailers", wanted="X-After").json()["header"] is None
    assert fetch(service, there.url + "/early", wanted="X-Two").json()["header"] == "a b"
    assert fetch(service, there.url + "/latin", wanted="X-Latin").json()["header"] is None


def test_the_ca_of_the_setting_is_the_only_one(serve, site, there):
    """Not even the system's: a folder of it that has ours, as libcurl's default would be."""
    other = Authority(site.folder("fetch-other-ca"), "another CA")
    service = serve("fetches", FETCH_PRIVATE="true", FETCH_CA_FILE=other.root)
    answer = fetch(service, there.url)
    assert answer.status == 503 and "ertificate" in service.line_of(answer)["detail"]


# --- what else ---


def test_a_client_that_leaves_ends_it(service, there):
    before = len(there.asked)
    with asking(service, "GET", path_of("", url=there.url + "/slow")):
        wait_until("it to be asked", lambda: len(there.asked) == before + 1, 10)
    wait_until("its line", lambda: service.lines(event="request", route="/fetches", status=499), 10)
    assert fetch(service, there.url).status == 200


@pytest.mark.long
def test_two_at_once_wait_for_nothing_but_their_own(service, there):
    answers = []
    before = len(there.asked)
    slow = threading.Thread(target=lambda: answers.append(fetch(service, there.url + "/slow", timeout=7000)), daemon=True)
    slow.start()
    wait_until("it to be asked", lambda: len(there.asked) == before + 1, 10)
    assert fetch(service, there.url).status == 200 and not answers
    slow.join()


@pytest.mark.long
def test_the_trace_goes_on(serve, site, there):
    with collector.collector() as spans:
        service = serve("fetches", FETCH_PRIVATE="true", FETCH_CA_FILE=site.authority.root, OTEL_EXPORTER_OTLP_ENDPOINT=spans.url)
        trace = "0af7651916cd43dd8448eb211c80319c"
        fetch_answer = service.client.get(path_of("", url=there.url + "/a?secret=1"), headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})
        assert fetch_answer.status == 200
        sent = there.asked[-1].headers["traceparent"].split("-")
        own = fetch_answer.headers["traceparent"].split("-")[2]
        assert sent[1] == trace and sent[2] != own
        wait_until("the span", lambda: [span for span in spans.of(trace) if span["spanId"] == sent[2]], 20)
        span, = [span for span in spans.of(trace) if span["spanId"] == sent[2]]
        assert span["parentSpanId"] == own and span["name"] == "GET" and span["kind"] == 3
        text = json.dumps(span)
        assert "/a" in text and "secret" not in text and '"http.response.status_code"' in text


def test_from_the_shell(site, there):
    done = subprocess.run([program("fetches"), "GET", path_of("", url=there.url)], capture_output=True, timeout=60,
                          env=site.environment(FETCH_PRIVATE="true", FETCH_CA_FILE=site.authority.root))
    assert done.returncode == 0 and b'"status":200' in done.stdout
