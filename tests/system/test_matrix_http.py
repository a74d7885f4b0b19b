"""The fault matrix, part two: what clients should not send. Each row is one request, byte by byte, and its status. The answer
is a problem document, nothing is done, and the next request works at once. These tests are elsewhere:

    paths: dots, slashes, %00, %0d%0a, overlong UTF-8         test_http.py
    bodies: deep JSON, NaN, 1e400, duplicate keys, \\u0000     test_http.py, tests/unit/test_json.c
    unknown and read-only fields; every fault at once         test_http.py
    a body over the limit; a header made from a value         test_http.py
    foreign origins                                           test_cors.py
    tokens: none, algorithm, expired, not yet valid, audience, key   test_auth.py
    forged cursors; values that break a rule                  test_users.py
"""
import contextlib
import http.client
import io
import json
import select
import shutil
import socket
import uuid

import pytest

import fastcgi
from env.local.process import wait_until
import tokens
from client import Answer
from conftest import ROOT, SECRET_CANARY

JSON = b"Content-Type: application/json"
BODY = b'{"word":"x"}'
LENGTH = b"Content-Length: 12"
GET = b"GET /probe/session HTTP/1.1"
POST = b"POST /probe/echo HTTP/1.1"
OTHER_TOKEN = b"Authorization: Bearer x"


def valid_token():
    """Made when it is sent: the rows are made when a run begins."""
    return b"Authorization: Bearer " + tokens.token(SECRET_CANARY, tokens.USER).encode()


def chunked(*sizes):
    return b"".join(size + b"\r\n" + BODY + b"\r\n" for size in sizes) + b"0\r\n\r\n"


WIDE = b'{"word":"x"' + b"".join(b',"%d":0' % i for i in range(1000)) + b"}"

# (what, request line, headers, body, status)
ROWS = [
    ("two lengths", POST, [JSON, LENGTH, b"Content-Length: 13"], BODY, 400),
    ("one length twice", POST, [JSON, LENGTH, LENGTH], BODY, 400),
    ("a list of lengths", POST, [JSON, b"Content-Length: 12, 12"], BODY, 400),
    ("a length with a sign", POST, [JSON, b"Content-Length: +12"], BODY, 400),
    ("a negative length", POST, [JSON, b"Content-Length: -1"], BODY, 400),
    ("a hexadecimal length", POST, [JSON, b"Content-Length: 0xc"], BODY, 400),
    ("a length and chunks", POST, [JSON, LENGTH, b"Transfer-Encoding: chunked"], chunked(b"c"), 400),
    ("a length and an odd chunked", POST, [JSON, LENGTH, b"Transfer-Encoding : chunked"], BODY, 400),
    ("an unknown coding", POST, [JSON, b"Transfer-Encoding: gzip"], BODY, 501),
    ("chunked twice", POST, [JSON, b"Transfer-Encoding: chunked, chunked"], chunked(b"c"), 501),
    ("an invalid chunk size", POST, [JSON, b"Transfer-Encoding: chunked"], chunked(b"zz"), 400),
    ("a chunk size over 64 bits", POST, [JSON, b"Transfer-Encoding: chunked"], chunked(b"f" * 17), 400),
    ("chunks over the limit", POST, [JSON, b"Transfer-Encoding: chunked"],
     b"".join(b"10000\r\n" + b" " * 65536 + b"\r\n" for _ in range(17)) + b"0\r\n\r\n", 413),
    ("a folded header", POST, [JSON, b" folded: x", LENGTH], BODY, 400),
    ("a NUL in a header", GET, [b"X-Header: a\0b"], b"", 400),
    ("two hosts", GET, [b"Host: y"], b"", 400),
    ("another version", b"GET /probe/session HTTP/3.7", [], b"", 505),
    ("a method in lower case", b"get /probe/session HTTP/1.1", [], b"", 400),
    ("CONNECT", b"CONNECT evil.example:443 HTTP/1.1", [], b"", (400, 405)),
    ("TRACE", b"TRACE /probe/session HTTP/1.1", [], b"", 405),
    ("bytes that no URI has", b"GET /probe/\xff HTTP/1.1", [], b"", (400, 404)),
    ("a URI of 9 kB", b"GET /probe/session?" + b"x" * 9000 + b" HTTP/1.1", [], b"", 414),
    ("a header of 9 kB", GET, [b"X-Long: " + b"x" * 9000], b"", 431),
    ("headers of 35 kB", GET, [b"X-%d: " % i + b"x" * 3500 for i in range(10)], b"", 431),
    ("two hundred headers", GET, [b"X-%d: x" % i for i in range(200)], b"", 400),
    ("a key given twice", b"POST /probe/rows?label=twice HTTP/1.1", [b"Idempotency-Key: a", b"Idempotency-Key: b"], b"", 400),
    ("a value given twice", b"GET /probe/session?a=1&a=2 HTTP/1.1", [], b"", 422),
    ("two types of body", POST, [b"Content-Type: text/plain", JSON, LENGTH], BODY, (400, 415)),
    ("a valid token and another", b"GET /probe/claims HTTP/1.1", [valid_token, OTHER_TOKEN], b"", (400, 401)),
    ("another token and a valid one", b"GET /probe/claims HTTP/1.1", [OTHER_TOKEN, valid_token], b"", (400, 401)),
    ("a valid token twice", b"GET /probe/claims HTTP/1.1", [valid_token, valid_token], b"", (400, 401)),
    ("wide JSON", POST, [JSON, b"Content-Length: %d" % len(WIDE)], WIDE, 400),
]


def ask(service, line, headers, body=b""):
    """Sends these bytes. Returns the answer as http.client reads it."""
    headers = [header() if callable(header) else header for header in headers]
    text = b"\r\n".join([line, b"Host: localhost", b"Connection: close", *headers]) + b"\r\n\r\n" + body
    got = service.client.raw(text)

    class Source:
        def makefile(self, _):
            return io.BytesIO(got)

    response = http.client.HTTPResponse(Source())
    response.begin()
    return Answer(response.status, response.getheaders(), response.read())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_what_should_not_be_sent(null, row):
    _, line, headers, body, status = row
    answer = ask(null, line, headers, body)
    assert answer.status in (status if isinstance(status, tuple) else (status,)), answer
    assert answer.problem()
    assert null.client.get("/probe/session").status == 200


# --- slow clients ---


def send_half_a_body(link, line=POST):
    link.sendall(b"\r\n".join([line, b"Host: localhost", b"Connection: close", JSON, LENGTH]) + b"\r\n\r\n" + BODY[:6])


def test_slow_bodies_hold_no_worker(serve):
    """They wait in nginx, which needs the whole body before it connects to a worker. Once whole, they are answered."""
    service = serve("probe", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0)
    with contextlib.ExitStack() as last:
        links = [last.enter_context(socket.create_connection(("127.0.0.1", service.client.port), timeout=20)) for _ in range(20)]
        for link in links:
            send_half_a_body(link)
        assert service.client.get("/probe/session").status == 200
        assert not select.select(links, [], [], 0)[0]
        for link in links:
            link.sendall(BODY[6:])
        for link in links:
            assert link.recv(65536).startswith(b"HTTP/1.1 200")


@pytest.mark.long
def test_a_body_that_does_not_come_is_given_up(serve):
    """After client_body_timeout, which is 10 s in nginx/ and 1 s here."""
    service = serve("probe")
    service.nginx.stop()
    service.nginx.conf_dir = shutil.copytree(ROOT / "nginx", service.folder / "conf")
    limits = service.nginx.conf_dir / "limits.conf"
    usual, short = "client_body_timeout 10s;", "client_body_timeout 1s;"
    assert usual in limits.read_text()
    limits.write_text(limits.read_text().replace(usual, short))
    service.nginx.start()
    with socket.create_connection(("127.0.0.1", service.client.port), timeout=30) as link:
        send_half_a_body(link, b"POST /probe/half-a-body HTTP/1.1")
        with contextlib.suppress(ConnectionResetError):
            assert link.recv(65536)[:12] in (b"", b"HTTP/1.1 408")
    (line,) = wait_until("nginx's line", service.access_lines, 5)
    assert (line["uri"], line["upstream_status"]) == ("/probe/half-a-body", "")
    assert service.client.get("/probe/session").status == 200


# --- what reaches a program ---


@pytest.fixture
def spy(serve):
    """An endpoint that does not answer. Returns all that nginx sends to it for a request with these headers."""
    service = serve("root")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(service.run_dir / "spy.sock"))
    listener.listen()
    listener.settimeout(10)

    def received(*headers):
        with socket.create_connection(("127.0.0.1", service.client.port), timeout=10) as link:
            link.sendall(b"\r\n".join([b"GET /spy HTTP/1.1", b"Host: localhost", *headers]) + b"\r\n\r\n")
            with listener.accept()[0] as program:
                return program.recv(65536)

    yield received
    listener.close()


def test_a_proxy_header_reaches_no_program(spy):
    received = spy(b"Proxy: http://evil.example", b"X-Canary: here")
    assert b"HTTP_X_CANARY" in received and b"here" in received
    assert b"evil.example" not in received and b"HTTP_PROXY" not in received


def test_names_with_an_underscore_do_not_pass_for_others(spy):
    received = spy(b"X_Canary: forged", b"X-Canary: here", b"Content_Length: 5", b"Request_Id: forged")
    assert received.count(b"HTTP_X_CANARY") == 1 and b"forged" not in received


# --- values that are more than values ---

SQL = ["'; DROP TABLE probe_rows; --", "' OR '1'='1", "1; SELECT pg_sleep(9)", "$1", "%s", "\\'; --", "x' UNION SELECT 1 --",
       "'||pg_sleep(9)||'"]


@pytest.mark.parametrize("text", SQL)
def test_sql_is_a_value_like_any_other(null, text):
    """In every place where a value can stand: refused by its type, or kept as it is."""
    label, client = f"{uuid.uuid4()} {text}", null.client
    quoted = "".join(f"%{byte:02X}" for byte in label.encode())
    assert client.post(f"/probe/rows?label={quoted}").json() == {"label": label}
    assert client.get(f"/probe/rows?label={quoted}").json() == {"count": 1}
    only = "".join(f"%{byte:02X}" for byte in text.encode())
    for target in (f"/users/{only}", f"/users?limit={only}", f"/users?after={only}", f"/users?sort={only}", f"/users?{only}=1"):
        assert client.get(target).status == 422, target
    assert client.post("/users", {"email": f"{text} @example.com", "name": "x"}).status == 422
    assert client.post("/users", {"email": "x@example.com", "name": "x", text: text}).status == 422
    name = client.post("/users", {"email": f"{uuid.uuid4()}@example.com", "name": text}).json()["name"]
    assert name == text
    assert client.post("/probe/echo", {"word": text}, headers={"X-Token": text}).json()["token"] == text
    assert client.get("/auth/me", headers={"Authorization": f"Bearer {text}"}).status == 401
    traced = client.get("/probe/session", headers={"traceparent": text, "X-Request-Id": text})
    assert traced.json()["application_name"] == f"nullpool/probe {traced.headers['x-request-id']}"
    key = text.replace(" ", "").replace("\\", "")  # none of a key's
    kept = client.post(f"/probe/token?label={uuid.uuid4()}", headers={"Idempotency-Key": key})
    assert kept.status == 201
    assert null.site.query("SELECT count(*) FROM probe_rows WHERE label = %s", label) == [(1,)]


FORGED = '{"event":"forged","level":"error"}'


def test_no_value_makes_a_line_of_the_log(null):
    """Line ends, quotes and escapes of terminals, where a value can reach a log."""
    ends = [f"%0a{FORGED}%0a", f"%0d%0a{FORGED}", "%1b[2J", '%22,%22event%22:%22forged%22', "%e2%80%a8" + FORGED]
    for text in ends:
        text = text.replace('"', "%22").replace("{", "%7b").replace("}", "%7d")
        for target in (f"/probe/{text}", f"/probe/rows?label={text}", f"/probe/date?label={text}", f"/probe/rows?{text}=1"):
            answer = null.client.get(target)
            line = null.line_of(answer)
            assert line["status"] == answer.status and len(null.lines(event="request", request_id=line["request_id"])) == 1
    for header in (b"User-Agent", b"Referer", b"traceparent", b"X-Request-Id", b"Authorization"):
        for value in (b'","event":"forged","x":"', b"\x1b[2J\x7f", b"\\n" + FORGED.encode(), b"\xff\xfe"):
            answer = ask(null, b"GET /probe/claims HTTP/1.1", [header + b": " + value])
            assert answer.status in (400, 401)
    assert null.lines(event="forged") == []
    for path in (null.log_path, null.folder / "nginx" / "access.log"):
        assert all(json.loads(line).get("event") != "forged" for line in path.read_text(errors="strict").splitlines())
        assert "\x1b" not in path.read_text()


def test_the_same_past_nginx(null):
    """What a web server in front may pass raw."""
    path = null.run_dir / "probe.sock"
    for name, value in (("REQUEST_METHOD", f"GET\n{FORGED}"), ("REQUEST_URI", f"/probe/session\n{FORGED}\n"),
                        ("REQUEST_ID", f"x\n{FORGED}"), ("HTTP_TRACEPARENT", f"\n{FORGED}\n"), ("CONTENT_LENGTH", f"\n{FORGED}")):
        pairs = {"REQUEST_METHOD": "GET", "REQUEST_URI": "/probe/header?label=x", name: value}
        out, ended = fastcgi.ask(path, fastcgi.begin() + fastcgi.params(**pairs) + fastcgi.stream(fastcgi.STDIN, b""))
        assert out.startswith(b"Status: ") and ended
    assert wait_until("the lines", lambda: len(null.lines(event="request")) > 5, 10)
    assert null.lines(event="forged") == []
