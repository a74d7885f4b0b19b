"""Requests that clients should not send, and what they may expect of every answer."""
import gzip
import itertools
import json
import re
import urllib.request

import pytest

from env.local.endpoint import Endpoint
from env.local.nginx import Nginx
from env.local.process import HOST, free_port, wait_until
from conftest import ROOT, program


@pytest.mark.parametrize("target, status", [
    ("/users/%zz", 400), ("/users/%4", 400), ("/users/%", 400),
    ("/users/%00", 400), ("/users?limit=%00", 400),
    ("/users/a%0d%0aX-Evil:%201", 400), ("/users/%ff", 400), ("/users/%c0%af", 400), ("/users/%ed%a0%80", 400),
    ("/users/..", 404), ("/users/../health", 404), ("/users/%2e%2e/health", 404), ("/../etc/passwd", 400),
    ("/users/.", 404), ("/users/%2e", 404),
    ("/nothing", 404), ("/users/1/2", 404), ("/users/", 404), ("//users", 404), ("/Users", 404), ("/users.sock", 404),
    ("/probe/nothing", 404), ("/%2e%2e%2f%2e%2e%2fetc/passwd", 400),
    ("/users/%252e%252e", 422), ("/users/a%2fb", 422), ("/users/42", 422),
])
def test_a_malformed_or_unknown_path_has_its_status(null, target, status):
    answer = null.client.get(target)
    assert answer.status == status, answer
    answer.problem()
    assert "x-evil" not in answer.headers


@pytest.mark.parametrize("body, status", [
    ("", 400), ("{", 400), ('{"word": "x"} x', 400), ('{"word": "x",}', 400), ("{'word': 'x'}", 400), ("\ufeff{}", 400),
    ('{"word": "a", "word": "b"}', 400), ('{"word": "a", "w\\u006frd": "b"}', 400),
    ('{"word": "a\\u0000b"}', 400), ('{"word": "\\ud800"}', 400), (b'{"word": "\xff"}', 400), (b'{"word": "\xc0\xaf"}', 400),
    ('{"number": NaN}', 400), ('{"number": 1e400}', 400), ('{"number": 9223372036854775808}', 400),
    ('{"number": 01}', 400), ("[" * 17 + "]" * 17, 400), ('{"word": "tab\tinside"}', 400),
    ("[]", 422), ('"text"', 422), ("null", 422), ("[" * 16 + "]" * 16, 422),
])
def test_a_malformed_body_has_its_status(null, body, status):
    body = body if isinstance(body, bytes) else body.encode()
    answer = null.client.send("POST", "/probe/echo", body)
    assert answer.status == status, answer
    answer.problem()


@pytest.mark.parametrize("fields, message", [
    ({"word": 1}, "must be a string"), ({"word": None}, "must be a string"), ({"word": ["x"]}, "must be a string"),
    ({}, "is required"),
    ({"word": "x", "number": "1"}, "must be a whole number"), ({"word": "x", "number": 1.5}, "must be a whole number"),
    ({"word": "x", "number": 6}, "must be a whole number from -5 to 5"),
    ({"word": "x", "number": True}, "must be a whole number"),
    ({"word": "x", "flag": "true"}, "must be true or false"), ({"word": "x", "flag": 1}, "must be true or false"),
    ({"word": "x", "id": 1}, "is not a field that can be set here"),
])
def test_a_field_that_breaks_its_rule_is_named(null, fields, message):
    problem = null.client.post("/probe/echo", fields).problem()
    assert problem["status"] == 422
    assert [error["message"] for error in problem["errors"]] == [message]


def test_every_fault_is_reported_at_once(null):
    problem = null.client.post("/users?x=1", {"email": "no", "name": "", "id": "1"}).problem()
    assert {(error["in"], error["name"]) for error in problem["errors"]} == {
        ("query", "x"), ("body", "email"), ("body", "name"), ("body", "id")}


def test_values_arrive_as_they_were_sent(null):
    answer = null.client.post("/probe/echo", {"word": "\u20ac\u2028\"\\\n", "number": -5, "nothing": None},
                              headers={"X-Token": "abc"})
    assert answer.json() == {"word": "\u20ac\u2028\"\\\n", "number": -5, "flag": True, "nothing": None,
                             "nothing_given": True, "token": "abc"}


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""])
def test_another_media_type_is_415(null, kind):
    answer = null.client.ask("POST", "/probe/echo", '{"word": "x"}', {"Content-Type": kind} if kind else {})
    assert answer.status == 415 and answer.problem()


@pytest.mark.parametrize("coding", ["gzip", "br", "x-unknown", "GZIP", "identity, gzip", "deflate,identity"])
def test_an_encoded_body_is_415_with_the_encoding_that_is_accepted(null, coding):
    """Also if only the header says so."""
    for body in (b'{"word": "x"}', gzip.compress(b'{"word": "x"}')):
        answer = null.client.ask("POST", "/probe/echo", body, {"Content-Type": "application/json", "Content-Encoding": coding})
        assert answer.status == 415 and "Content-Encoding" in answer.problem()["detail"]
        assert answer.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("coding", ["identity", "Identity", "", "identity, identity"])
def test_the_encoding_identity_is_accepted(null, coding):
    headers = {"Content-Type": "application/json", "Content-Encoding": coding}
    assert null.client.ask("POST", "/probe/echo", '{"word": "x"}', headers).status == 200


def test_a_415_for_the_media_type_has_no_accept_encoding(null):
    assert "accept-encoding" not in null.client.ask("POST", "/probe/echo", '{"word": "x"}', {"Content-Type": "text/plain"}).headers


def test_tabs_and_spaces_around_a_header_value_are_stripped(null):
    """RFC 9110 5.5; nginx strips only the spaces."""
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    headers = {"Content-Type": "\tapplication/json\t", "X-Token": " \t abc\t ", "Traceparent": f"\t{trace} \t"}
    answer = null.client.ask("POST", "/probe/echo", '{"word": "x"}', headers)
    assert answer.status == 200 and answer.json()["token"] == "abc"
    assert answer.headers["traceparent"].startswith(trace[:36])
    tag = null.client.get("/").headers["etag"]
    assert null.client.get("/", headers={"If-None-Match": f"\t{tag}\t"}).status == 304
    details = [null.client.get("/probe/responses", headers=headers).problem().get("detail") for headers in (
        {"Authorization": "Bearer x.y.z"}, {"Authorization": "\tBearer x.y.z\t"}, {})]
    assert details[0] == details[1] != details[2]


def test_reserved_flags_of_a_trace_are_not_passed_on(null):
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-"
    assert null.client.get("/", headers={"Traceparent": trace + "ff"}).headers["traceparent"].endswith("-01")
    assert null.client.get("/", headers={"Traceparent": trace + "02"}).headers["traceparent"].endswith("-00")


@pytest.mark.parametrize("number, whole", [("1.0", 1), ("-5e0", -5), ("20E-1", 2), ("0.0", 0)])
def test_a_number_without_a_fraction_is_an_integer(null, number, whole):
    answer = null.client.send("POST", "/probe/echo", '{"word": "x", "number": %s}' % number)
    assert answer.status == 200 and answer.json()["number"] == whole


def test_json_with_a_charset_is_json(null):
    answer = null.client.ask("POST", "/probe/echo", '{"word": "x"}', {"Content-Type": "Application/JSON; charset=utf-8"})
    assert answer.status == 200


def test_a_body_over_the_limit_is_413(null):
    answer = null.client.send("POST", "/probe/echo", json.dumps({"word": "x" * (1 << 20)}))
    assert answer.status == 413 and answer.problem()


def test_a_body_of_the_limit_is_read(null):
    text = json.dumps({"word": "x" * ((1 << 20) - len('{"word": ""}'))})
    assert len(text) == 1 << 20
    answer = null.client.send("POST", "/probe/echo", text)
    assert answer.status == 200 and len(answer.json()["word"]) == len(text) - len('{"word": ""}')


def test_a_chunked_body_is_read(null):
    got = null.client.raw(b"POST /probe/echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                          b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
                          b"8\r\n{\"word\":\r\n4\r\n\"x\"}\r\n0\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 200 ") and b'"word":"x"' in got


def test_an_unknown_method_is_405_with_allow(null):
    for method, target, allow in (("PUT", "/users", "GET, HEAD, POST, OPTIONS"), ("POST", "/health", "GET, HEAD, OPTIONS"),
                                  ("BREW", "/users/1", "GET, HEAD, PATCH, DELETE, OPTIONS")):
        answer = null.client.ask(method, target)
        assert (answer.status, answer.headers["allow"]) == (405, allow)
        answer.problem()


@pytest.mark.parametrize("method", ["POST", "OPTIONS", "DELETE"])
def test_pages_of_the_docs_answer_405_with_allow(null, method):
    for target in ("/openapi.json", "/docs", "/redoc?x=1"):
        if null.client.get(target).status == 404:  # without npm there are no pages
            assert target != "/openapi.json"
            continue
        answer = null.client.ask(method, target)
        assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


class Counted(Nginx):
    """Answers with the key by which the limits count the address in X-Address."""

    def _configure(self):
        super()._configure()
        text = (ROOT / "nginx" / "http.conf").read_text()
        (clients,) = re.findall(r"^map \$remote_addr \$nullpool_addr \{.*?^\}", text, re.M | re.S)
        (self.home / "nginx.conf").write_text(f"""
            daemon off; pid nginx.pid; error_log error.log; events {{}}
            http {{
                access_log off; client_body_temp_path temp; proxy_temp_path temp; fastcgi_temp_path temp; uwsgi_temp_path temp;
                scgi_temp_path temp;
                set_real_ip_from {HOST}; real_ip_header X-Address;
                {clients}
                server {{ listen {HOST}:{self.port}; location / {{ return 200 "$nullpool_addr"; }} }}
            }}""")


def test_an_ipv6_address_is_counted_by_its_64_bit_prefix(site):
    nginx = Counted(site.folder("counted") / "nginx", free_port(), "none", ROOT / "nginx")

    def key(address):
        with urllib.request.urlopen(urllib.request.Request(f"http://{HOST}:{nginx.port}/", headers={"X-Address": address})) as got:
            return got.read()

    nginx.start()
    try:
        nets = [":".join(groups) for groups in itertools.product(("2600", "fd00"), *[("0", "5")] * 3)]
        for net in nets:
            hosts = [":".join(groups) for groups in itertools.product(("0", "1"), repeat=4)]
            assert {key(f"{net}:{host}") for host in hosts} == {f"{net}:".encode()}
        assert key("192.0.2.1") != key("192.0.2.2")
    finally:
        nginx.stop()


def test_trace_is_405(null):
    answer = null.client.ask("TRACE", "/users")
    assert answer.status == 405 and answer.problem()


def test_options_answers_from_the_route_table(null):
    answer = null.client.ask("OPTIONS", "/users")
    assert (answer.status, answer.headers["allow"], answer.body) == (204, "GET, HEAD, POST, OPTIONS", b"")


def test_head_is_get_without_the_body(null):
    get, head = null.client.get("/"), null.client.ask("HEAD", "/")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == str(len(get.body))
    assert head.headers["content-type"] == get.headers["content-type"]


def test_a_value_cannot_inject_a_header(null):
    for value in ("a%0d%0aSet-Cookie:x=1", "a%0aSet-Cookie:x=1"):
        answer = null.client.get(f"/probe/header?label={value}")
        assert answer.status == 500 and answer.problem()
        assert "set-cookie" not in answer.headers
    assert null.client.get("/probe/header?label=plain").headers["x-label"] == "plain"


def test_a_program_cannot_control_nginx(null):
    answer = null.client.get("/probe/steer")
    assert (answer.status, answer.json()) == (200, {})


@pytest.mark.parametrize("target", ["/", "/users", "/nothing", "/users/%zz", "/probe/no-database"])
def test_every_answer_has_the_security_headers_once(null, target):
    answer = null.client.get(target)
    names = [name for name, _ in answer.header_list]
    for name in ("x-request-id", "x-content-type-options", "referrer-policy", "content-security-policy", "cache-control"):
        assert names.count(name) == 1, (name, answer)
    assert "nginx/" not in answer.headers["server"]


def test_the_request_id_is_the_same_in_answer_and_both_logs(null):
    answer = null.client.get("/users?limit=1")
    request_id = answer.headers["x-request-id"]
    assert null.line_of(answer)["route"] == "/users"
    # nginx writes its line after it has answered.
    wait_until("nginx's line", lambda: [line for line in null.access_lines() if line["request_id"] == request_id], 5)
    assert [line["status"] for line in null.access_lines() if line["request_id"] == request_id] == [200]


def test_raw_nonsense_is_a_400_problem(null):
    for text in (b"NONSENSE\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"GET /\x01 HTTP/1.1\r\n\r\n"):
        got = null.client.raw(text)
        assert got.startswith(b"HTTP/1.1 400 ") and b"application/problem+json" in got, got


def test_a_long_address_and_long_headers_are_refused(null):
    assert null.client.get("/users?limit=" + "1" * 9000).status == 414
    assert null.client.get("/users", headers={"X-Long": "x" * 20000}).status == 431


def test_many_requests_of_one_address_are_limited(null):
    from client import Client
    other = Client(null.client.port, source="127.0.0.2")
    answers = [other.get("/nothing") for _ in range(450)]
    limited = [answer for answer in answers if answer.status == 429]
    assert limited and limited[0].problem()
    assert int(limited[0].headers["retry-after"]) > 0
    assert null.client.get("/").status == 200


def test_a_new_program_needs_no_change_of_nginx(serve):
    service = serve("probe")
    assert service.client.get("/users").status == 404
    late = Endpoint("users", program("users"), service.run_dir, service.environment, service.log)
    late.start()
    service.endpoints["users"] = late
    assert service.client.get("/users?limit=1").status == 200


def test_a_response_header_that_is_too_long_is_a_500_problem(null):
    answer = null.client.get("/probe/long-header")
    assert answer.status == 500 and answer.problem()


def test_a_thousand_long_keys_are_read(null):
    keys = {f"{'k' * 900}{i}": 1 for i in range(999)}
    problem = null.client.post("/probe/echo", {"word": "x", **keys}).problem()
    assert problem["status"] == 422 and len(problem["errors"]) == 32
