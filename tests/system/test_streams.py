"""Streams: rows that leave as they come, in bounded memory. A break in the middle is one to the client, and never a complete 200."""
import csv
import http.client
import io
import json
import os
import pathlib
import signal
import subprocess
import time
import uuid

import pytest

import conftest
from env.local.process import wait_until
from conftest import EITHER, Service
from test_clients_gone import asking, metrics, wait_for_backends, wait_for_end

MIB = 1 << 20
SETTINGS = {"DATABASE_POOL_SIZE": 1, "DATABASE_MAX_OVERFLOW": 0, "SLOW_REQUEST_MS": 0}


def serve_streams(site, mode):
    return Service(site, ["streams", "metrics"], DATABASE_CONNECTION=mode, DATABASE_COMMAND_TIMEOUT=100, REQUEST_TIMEOUT=120, **SETTINGS)


@pytest.fixture(scope="module", params=EITHER)
def service(request, site, started):
    started.append(serve_streams(site, request.param).start())
    return started[-1]


def get(service, path, **more):
    return service.client.get(f"/streams/{path}", **more)


def lines_of(answer):
    assert answer.body.endswith(b"\n") or not answer.body
    return [json.loads(line) for line in answer.body.splitlines()]


class Broken(Exception):
    """A reply that broke off; its argument is what came of the body."""


def read_stream(service, target, headers=None, timeout=60):
    """(status, body); raises Broken where a client that knows HTTP/1.1 sees a break."""
    link = http.client.HTTPConnection("127.0.0.1", service.nginx.port, timeout=timeout)
    try:
        link.request("GET", target, headers=headers or {})
        response = link.getresponse()
        return response.status, response.read()
    except http.client.IncompleteRead as broken:
        raise Broken(broken.partial) from None
    finally:
        link.close()


def last_line(service, **wanted):
    wait_until("the log line", lambda: service.lines(event="request", **wanted), 10)
    return service.lines(event="request", **wanted)[-1]


def figure(service, name):
    return sum(int(line.split()[-1]) for line in metrics(service).splitlines() if line.startswith(name) and 'endpoint="streams"' in line)


# --- what comes ---


def test_what_is_short_is_an_ordinary_reply(service):
    answer = get(service, "lines?count=3&file=a.jsonl")
    assert answer.headers["content-type"] == "application/jsonl" and answer.headers["content-length"] == str(len(answer.body))
    assert answer.headers["content-disposition"].startswith('attachment; filename="a.jsonl"')
    rows = lines_of(answer)
    assert [row["n"] for row in rows] == [1, 2, 3]
    assert rows[1] == {"n": 2, "label": "row 2", "even": True, "nothing": None, "list": [2, 3], "formula": "=1+1", "filler": "x" * 10}
    again = get(service, "lines?count=3&file=a.jsonl", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status == 304 and not again.body
    assert get(service, "lines?count=0").body == b""


def test_csv_has_its_names_also_without_rows(service):
    header = b"n,label,even,nothing,list,formula,filler\r\n"
    assert get(service, "csv?count=0").body == header
    answer = get(service, "csv?count=20000&file=rows.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present" and answer.body.startswith(header)
    assert "content-length" not in answer.headers and answer.headers["transfer-encoding"] == "chunked"
    assert 'filename="rows.csv"' in answer.headers["content-disposition"]
    rows = list(csv.reader(io.StringIO(answer.body.decode(), newline="")))
    assert len(rows) == 20001 and rows[20000] == ["20000", "row 20000", "t", "", "{20000,20001}", "'=1+1", "x" * 10]


@pytest.mark.long
def test_what_is_long_comes_in_parts_and_whole(service):
    answer = get(service, "lines?count=50000&size=100")
    assert answer.status == 200 and "content-length" not in answer.headers and "etag" not in answer.headers
    assert answer.headers["cache-control"] == "private, no-cache"
    rows = lines_of(answer)
    assert [row["n"] for row in rows] == list(range(1, 50001))
    line = service.line_of(answer)
    assert line["bytes"] == len(answer.body) and line["rows"] == 50000 and line["flights"] == 1 and line["queries"] == 1
    assert "broken_off" not in line and "error" not in line


@pytest.mark.parametrize("size", [1, 31000, 32 * 1024 + 1, 300000, 7 * MIB])
def test_rows_of_any_size(service, size):
    answer = get(service, f"lines?count=7&size={size}")
    assert answer.status == 200 and [len(row["filler"]) for row in lines_of(answer)] == [size] * 7


def test_after_another_statement_and_in_one_snapshot(service):
    service.site.query("INSERT INTO probe_rows (label) SELECT 'stream-' || gen_random_uuid() FROM generate_series(1, 100)")
    for path, flights in ("second", 2), ("second/snapshot", 2), ("serializable", 1):
        answer = get(service, f"{path}?size=1000&count=100")
        assert answer.status == 200 and "content-length" not in answer.headers, answer
        assert service.line_of(answer)["flights"] == flights
        assert len(lines_of(answer)) == int(answer.headers.get("x-total-count", 100)) >= 100


def test_a_connection_serves_on_after_a_stream(service):
    backends = [service.line_of(get(service, "lines?count=20000"))["backend_pid"] for _ in range(3)]
    assert len(set(backends)) == (1 if service.environment["DATABASE_CONNECTION"] == "persistent" else 3)


def test_head_sends_no_rows(service):
    for path in "lines?count=3", "lines?count=1000000&size=1000", "csv?count=1000000":
        head = service.client.raw(f"HEAD /streams/{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        assert head.startswith(b"HTTP/1.1 200 ") and head.endswith(b"\r\n\r\n") and head.count(b"\r\n\r\n") == 1
        assert (b"Content-Length" in head) == (path == "lines?count=3")
    wait_until("the lines", lambda: len(service.lines(event="request", method="HEAD")) >= 3, 10)
    assert not service.lines(event="request", method="HEAD", broken_off=True)
    assert len(lines_of(get(service, "lines?count=2"))) == 2


@pytest.mark.long
def test_types_of_the_database_are_learned_before_the_first_row(site):
    with site.owner().cursor() as owner:
        owner.execute("DROP TYPE IF EXISTS stream_mood; CREATE TYPE stream_mood AS ENUM ('sad', 'happy')")
    for mode in "null", "persistent":
        for path in "moods", "moods/snapshot":
            service = serve_streams(site, mode)
            service.start()
            try:
                for turn in range(2):
                    answer = get(service, path)
                    rows = lines_of(answer)
                    usual = 1 if path == "moods" else 2
                    flights = service.line_of(answer)["flights"]
                    assert flights == usual if turn == 1 else flights > usual
                    assert rows[0] == {"n": 1, "moods": None, "mood": "sad"} and len(rows) == 20000
                    assert rows[19999] == {"n": 20000, "moods": ["sad", "happy"], "mood": "sad"}
            finally:
                service.stop()


def test_many_types_are_learned_too(site):
    with site.owner().cursor() as owner:
        owner.execute("DROP TYPE IF EXISTS stream_mood, stream_amount; CREATE TYPE stream_mood AS ENUM ('sad', 'happy');"
                      "CREATE TYPE stream_amount AS ENUM ('much')")
    service = serve_streams(site, "null")
    service.start()
    try:
        for _ in range(2):
            row, = lines_of(get(service, "many-types"))
            assert row["amounts"] == ["much"] and row["ranges"] == ["[1,5)"] and row["points"] == ["(1,2)"] and row["m17"] == "sad"
    finally:
        service.stop()


@pytest.mark.long
def test_a_tag_of_the_handler_is_compared(service):
    for count in 3, 50000:
        answer = get(service, f"tagged?count={count}")
        assert answer.headers["etag"] == '"own"' and len(lines_of(answer)) == count
        again = get(service, f"tagged?count={count}", headers={"If-None-Match": '"own"'})
        assert again.status == 304 and not again.body and "broken_off" not in service.line_of(again)
        assert get(service, f"tagged?count={count}", headers={"If-Match": '"other"'}).status == 412


def test_a_caller_who_is_refused_costs_no_connection(service, site):
    user, session = str(uuid.uuid4()), str(uuid.uuid4())
    site.begin_session(user, session)
    client = service.client.of(user)
    first = service.line_of(client.get("/streams/user?count=3"))
    site.query("UPDATE refresh_tokens SET revoked_at = now() WHERE family = %s", session)
    refused = [client.get("/streams/user?count=3") for _ in range(2)]
    assert first["status"] == 200 and [answer.status for answer in refused] == [401, 401]
    if service.environment["DATABASE_CONNECTION"] == "persistent":
        after = service.line_of(get(service, "lines"))
        assert {service.line_of(answer)["backend_pid"] for answer in refused} == {first["backend_pid"]} == {after["backend_pid"]}


def kib(pid, name):
    return next(int(line.split()[1]) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith(name + ":"))


@pytest.mark.long
@pytest.mark.skipif(conftest.BUILD.name == "asan", reason="the sanitizer has its own idea of memory")
@pytest.mark.parametrize("path", ["lines", "csv"])
def test_a_million_rows_in_eight_mib_of_worker(service, path):
    pid = conftest.only_child(service.endpoints["streams"].pid)
    assert get(service, f"{path}?count=3").status == 200
    before = kib(pid, "VmRSS")
    pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")
    status, body = read_stream(service, f"/streams/{path}?count=1000000", timeout=120)
    peak = kib(pid, "VmHWM")
    assert status == 200 and body.count(b"\n") == 1000000 + (path == "csv") and len(body) > 50 * MIB
    print(f"{before} KiB before, {peak} at the peak")
    assert peak - before < 1024, f"{before} KiB before, {peak} at the peak"
    assert conftest.only_child(service.endpoints["streams"].pid) == pid


# --- what fails ---


def test_what_fails_before_the_first_part_is_an_ordinary_failure(service):
    answer = get(service, "failing?at=1&count=10")
    assert answer.status == 422 and answer.problem()
    assert get(service, "failing?at=100&count=200").status == 422
    assert get(service, "twins").status == 500
    assert get(service, "user?count=3").status == 401
    assert get(service, "lines?count=1&size=9000000").status == 500


def test_a_failure_in_the_middle_is_a_break(service):
    before = figure(service, "nullpool_replies_broken_off_total")
    with pytest.raises(Broken) as broken:
        read_stream(service, "/streams/failing?at=90000&count=100000&size=100")
    assert len(broken.value.args[0]) > MIB
    line = last_line(service, route="/streams/failing", broken_off=True)
    assert line["status"] == 200 and line["level"] == "warning" and line["sqlstate"] == "22012" and "error" in line
    assert 0 <= line["bytes"] - len(broken.value.args[0]) < 65536 and 80000 < line["rows"] < 90000 and line["queries"] == 1
    wait_until("it to be counted", lambda: figure(service, "nullpool_replies_broken_off_total") == before + 1, 10)
    assert len(lines_of(get(service, "lines?count=2"))) == 2


def test_a_row_that_is_too_large_in_the_middle_is_a_break(service):
    with pytest.raises(Broken) as broken:
        read_stream(service, "/streams/growing?size=9000000")
    assert broken.value.args[0].startswith(b'{"n":1,') and broken.value.args[0].count(b"\n") < 10000
    assert "REPLY_BODY_MAX_BYTES" in last_line(service, route="/streams/growing")["detail"]


@pytest.fixture
def fresh(site):
    """A service of its own, whose worker may die."""
    services = []

    def start(**settings):
        services.append(Service(site, ["streams"], **{**SETTINGS, **settings}).expect_deaths())
        return services[-1].start()

    yield start
    for one in services:
        one.stop()


SLOW = "/streams/slow?count=100000&size=20000"


def break_in_the_middle(service, act):
    """Reads a stream that would take minutes. act() comes once a part of it has been read."""
    link = http.client.HTTPConnection("127.0.0.1", service.nginx.port, timeout=60)
    try:
        link.request("GET", SLOW)
        response = link.getresponse()
        assert response.status == 200
        part = response.read(100000)
        act()
        response.read()
        pytest.fail(f"complete after {len(part)} bytes and more")
    except http.client.IncompleteRead:
        pass
    finally:
        link.close()


@pytest.mark.parametrize("mode", ["null", "persistent"])
def test_a_worker_that_dies_in_the_middle_is_a_break(fresh, mode):
    service = fresh(DATABASE_CONNECTION=mode)
    # The sanitizer would print a report of its own.
    for number in (signal.SIGKILL,) if conftest.BUILD.name == "asan" else (signal.SIGKILL, signal.SIGSEGV):
        break_in_the_middle(service, lambda: os.kill(conftest.only_child(service.endpoints["streams"].pid), number))
        conftest.settled_children(service.endpoints["streams"].pid, 1)


@pytest.mark.parametrize("mode", ["null", "persistent"])
def test_a_connection_that_is_lost_in_the_middle_is_a_break(fresh, site, mode):
    service = fresh(DATABASE_CONNECTION=mode)
    break_in_the_middle(service, lambda: site.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app_user' AND state = 'active' AND query LIKE %s", "%pg_sleep%"))
    assert last_line(service, route="/streams/slow")["broken_off"]
    assert get(service, "lines").status == 200


@pytest.mark.long
def test_a_deadline_in_the_middle_is_a_break(fresh):
    service = fresh(REQUEST_TIMEOUT=4)
    break_in_the_middle(service, lambda: None)
    assert last_line(service, route="/streams/slow")["broken_off"]
    assert get(service, "lines").status == 200


@pytest.mark.long
def test_a_stop_lets_a_stream_end(fresh):
    service = fresh()
    link = http.client.HTTPConnection("127.0.0.1", service.nginx.port, timeout=60)
    link.request("GET", "/streams/slow?count=300&size=1000")
    response = link.getresponse()
    os.kill(service.endpoints["streams"].pid, signal.SIGTERM)
    assert len(response.read().splitlines()) == 300
    link.close()


def test_a_client_that_leaves_ends_it(service, site):
    gone = figure(service, "nullpool_clients_gone_total")
    with asking(service, "GET", SLOW) as link:
        assert link.recv(10000)
        wait_for_backends(site, "pg_sleep")
    wait_for_end(site, "pg_sleep")
    line = last_line(service, route="/streams/slow", broken_off=True)
    assert line["level"] == "info" and line["error"] == "The client left before the answer" and line["queries"] == 1 and line["rows"] > 0
    wait_until("it to be counted", lambda: figure(service, "nullpool_clients_gone_total") == gone + 1, 10)


@pytest.mark.long
def test_a_client_that_reads_slowly_gets_all_of_it(service):
    """nginx takes what the client does not read yet."""
    link = http.client.HTTPConnection("127.0.0.1", service.nginx.port, timeout=60)
    link.request("GET", "/streams/lines?count=100000&size=300")
    response = link.getresponse()
    body = response.read(65536)
    time.sleep(2)
    body += response.read()
    link.close()
    assert body.count(b'"n":') == 100000 and len(body) > 30 * MIB


# --- who cannot see a break ---


def old_client(service, target):
    head, _, body = service.client.raw(f"GET {target} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode(), timeout=60).partition(b"\r\n\r\n")
    return int(head.split()[1]), head.lower(), body


def test_http_1_0_gets_up_to_eight_mib(service):
    status, head, body = old_client(service, "/streams/lines?count=7&size=1000000")
    assert status == 200 and f"content-length: {len(body)}".encode() in head and body.count(b"\n") == 7
    status, head, body = old_client(service, "/streams/lines?count=9&size=1000000")
    assert status == 505 and json.loads(body)["detail"] == "This response needs HTTP/1.1"
    assert old_client(service, "/streams/failing?at=9000&count=9001&size=500")[0] == 422
    old = service.client.raw(b"GET /streams/lines?count=9&size=1000000\r\n", timeout=60)  # HTTP/0.9
    assert b"This response needs HTTP/1.1" in old or b" 400 " in old or b" 505 " in old


def test_without_keep_conn_it_is_not_begun(site, started):
    """As with the configuration of an older nullpool."""
    service = Service(site, ["streams"], **SETTINGS)
    own = service.folder / "nginx-own"
    subprocess.run(["cp", "-r", str(conftest.ROOT / "nginx"), str(own)], check=True)
    text = (own / "fastcgi.conf").read_text()
    assert text.count("fastcgi_keep_conn on;") == 1
    (own / "fastcgi.conf").write_text(text.replace("fastcgi_keep_conn on;", "fastcgi_keep_conn off;"))
    service.nginx.conf_dir = own
    started.append(service.start())
    assert len(lines_of(get(service, "lines?count=10000"))) == 10000
    assert get(service, "lines?count=9&size=1000000").status == 500
    assert "fastcgi_keep_conn" in last_line(service, status=500)["detail"]


def shell(site, target, **settings):
    return subprocess.run([str(conftest.program("streams")), "GET", target], env=site.environment(**settings), capture_output=True, timeout=120)


@pytest.mark.long
def test_the_shell_prints_all_of_it_and_says_if_it_broke_off(site):
    done = shell(site, "/streams/lines?count=50000")
    assert done.returncode == 0 and done.stdout.count(b'"n":') == 50000
    broken = shell(site, "/streams/failing?at=90000&count=100000&size=100")
    assert broken.returncode == 1 and b"HTTP/1.1 200" in broken.stdout and b"broken_off" in broken.stderr


# --- misuse ---


@pytest.mark.parametrize("path, word", [
    ("misuse/query", "stream"), ("misuse/ignored", "stream"), ("misuse/exec", ":exec"), ("misuse/cached", ".cache.key"), ("misuse/write", "NP_TX_READ")])
def test_a_misuse_is_a_500_that_says_so(service, path, word):
    for count in 3, 20000:
        answer = get(service, f"{path}?count={count}") if path != "misuse/write" else service.client.post("/streams/misuse/write")
        assert answer.status == 500 and word in service.line_of(answer)["detail"], answer


def test_a_failure_after_the_stream_has_begun_is_still_one(service):
    for count in 3, 20000:
        assert get(service, f"misuse/fail?count={count}").status == 409
    assert get(service, "lines").status == 200


def test_a_write_in_a_stream_is_refused(service):
    assert get(service, "misuse/write").status == 500


def test_a_precondition_is_not_compared_with_a_stream(service):
    for tag in '"x"', "*":
        answer = service.client.ask("PUT", "/streams/lines?label=stream-put", headers={"If-Match": tag})
        assert answer.status == 412, answer
    assert service.client.ask("PUT", f"/streams/lines?label={uuid.uuid4()}").status == 204
