"""The accept path, past nginx: what a worker does with records that are cut, wrong or late.

These also watch the libfcgi fields that serve/fcgi.c relies on: when one test here hangs, they have changed.
"""
import signal
import time

import pytest

import fastcgi
import stack


@pytest.fixture(scope="module")
def probe(site):
    from conftest import Service
    service = Service(site, ["probe"], DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0).start()
    yield service
    service.stop()


def socket_of(service):
    return service.run_dir / "probe.sock"


def assert_serves(service):
    out, ended = fastcgi.ask(socket_of(service), fastcgi.request("GET", "/probe/header?label=x"))
    assert out.startswith(b"Status: 204") and ended


def test_a_request_as_it_should_be(probe):
    assert_serves(probe)


@pytest.mark.parametrize("start", [
    b"", b"\x01", b"\x01\x01\x00", fastcgi.begin()[:12], fastcgi.begin(), fastcgi.begin() + b"\x01\x04\x00\x01\x00\x10",
], ids=["nothing", "one byte", "half a header", "half a record", "only a begin", "half of params"])
def test_a_silent_peer_does_not_hold_the_worker(probe, start):
    with fastcgi.connect(socket_of(probe)) as silent:
        silent.sendall(start)
        begin = time.monotonic()
        assert_serves(probe)
        assert time.monotonic() - begin < 5


@pytest.mark.parametrize("data", [
    b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 64, fastcgi.record(fastcgi.BEGIN, b"\0\1\0\0\0\0\0\0", version=9),
    fastcgi.begin(role=77), fastcgi.params(REQUEST_METHOD="GET"), fastcgi.record(99, b"x" * 8),
], ids=["http", "ones", "version", "role", "params first", "unknown type"])
def test_nonsense_is_dropped_and_the_next_request_served(probe, data):
    with fastcgi.connect(socket_of(probe)) as link:
        link.sendall(data)
        assert_serves(probe)


def test_a_peer_that_leaves_costs_nothing(probe):
    for data in (b"", fastcgi.begin(), fastcgi.request("GET", "/probe/session")):
        with fastcgi.connect(socket_of(probe)) as link:
            link.sendall(data)
    assert_serves(probe)


def test_a_body_shorter_than_its_length_is_400(probe):
    data = fastcgi.request("POST", "/probe/echo", b'{"word": "x"}', CONTENT_LENGTH="100")
    out, ended = fastcgi.ask(socket_of(probe), data)
    assert out.startswith(b"Status: 400") and b"shorter" in out and ended


@pytest.mark.parametrize("length, status", [("-1", b"400"), ("x", b"400"), ("1 ", b"400"), ("99999999999", b"413"),
                                            ("99999999999999999999", b"400")])
def test_a_wrong_length_is_refused(probe, length, status):
    data = fastcgi.request("POST", "/probe/echo", b'{"word": "x"}', CONTENT_LENGTH=length)
    out, _ = fastcgi.ask(socket_of(probe), data)
    assert out.startswith(b"Status: " + status)


def test_a_request_without_a_method_is_400(probe):
    data = fastcgi.begin() + fastcgi.params(REQUEST_URI="/") + fastcgi.record(fastcgi.STDIN)
    out, _ = fastcgi.ask(socket_of(probe), data)
    assert out.startswith(b"Status: 400")


def test_an_id_that_is_not_harmless_is_replaced(probe):
    for wrong in ("", "a b", "x'; DROP TABLE users; --", "a" * 65, "a\nb"):
        out, _ = fastcgi.ask(socket_of(probe), fastcgi.request("GET", "/probe/nothing", REQUEST_ID=wrong))
        assert out.startswith(b"Status: 404")
        assert b'"request_id":"' in out and (not wrong or wrong.encode() not in out)


def test_a_path_without_request_uri_is_put_together(probe):
    data = fastcgi.begin() + fastcgi.params(REQUEST_METHOD="GET", SCRIPT_NAME="/probe", PATH_INFO="/header",
                                            QUERY_STRING="label=a%20b") + fastcgi.record(fastcgi.STDIN)
    out, _ = fastcgi.ask(socket_of(probe), data)
    assert b"X-Label: a b\r\n" in out


def test_sigterm_lets_a_running_request_end(serve):
    service = serve("probe", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0)
    endpoint = service.endpoints["probe"]
    with fastcgi.connect(socket_of(service)) as link:
        link.sendall(fastcgi.request("GET", "/probe/sleep?seconds=1"))
        find = "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%%pg_sleep($1%%'"
        stack.wait_until("the statement to run", lambda: service.site.query(find), 5)
        endpoint.stop(signal.SIGTERM)
        out, ended = fastcgi.read_all(link)
    assert out.startswith(b"Status: 200") and ended
    assert endpoint.returncode == 0


def test_more_headers_than_we_keep_are_refused(probe):
    for count, status in ((99, b"204"), (101, b"400")):
        headers = {f"HTTP_X_{i}": "x" for i in range(count)}
        out, _ = fastcgi.ask(socket_of(probe), fastcgi.request("GET", "/probe/header?label=x", **headers))
        assert out.startswith(b"Status: " + status)
