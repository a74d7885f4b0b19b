"""What a request may cost in memory: 10 times its bytes and 2 MiB at its peak; a second later it is given back.

Its bytes are those it sends and those it is answered with. Each shape is one that some parser or writer has made much of.
"""
import pathlib
import random
import re
import time
import uuid

import pytest

import conftest
import fastcgi
from client import Answer

pytestmark = pytest.mark.skipif(conftest.BUILD.name == "asan", reason="the sanitizer has its own idea of memory")

BODY = 1 << 20  # REQUEST_BODY_MAX_BYTES
KIB = 1024
FACTOR, EXTRA_KIB, LEFT_KIB = 10, 2048, 1024


def filled(before, item, after, glue=","):
    """A body of as many items as fit."""
    count = (BODY - len(before) - len(after) + len(glue)) // (len(item) + len(glue))
    return before + glue.join([item] * count) + after


def distinct(form, size=BODY):
    """As many members with names of their own as fit."""
    return "{" + ",".join(form % i for i in range(size // (len(form % 0) + 5))) + "}"


def level(depth):
    return '{"a":' * depth + "1" + "}" * depth


UUID = '"018F4E4E-7F3A-7000-8000-0123456789AB"'

# name: (body, status)
BODIES = {
    "empty objects where a string belongs": (filled('{"email":[', "{}", "]}"), 422),
    "empty arrays": (filled('{"anything":[', "[]", "]}"), 200),
    "empty objects": (filled('{"anything":[', "{}", "]}"), 200),
    "digits": (filled('{"anything":[', "1", "]}"), 200),
    "empty strings": (filled('{"anything":[', '""', "]}"), 200),
    "objects with a member": (filled('{"anything":[', '{"a":1}', "]}"), 200),
    "objects ten levels deep": (filled('{"anything":[', level(10), "]}"), 200),
    "arrays ten levels deep": (filled('{"anything":[', "[" * 10 + "]" * 10, "]}"), 200),
    "members of objects of their own": ('{"object":{' + ",".join(
        f'"k{i}":' + distinct('"m%d":0', 1000) for i in range(900)) + "}}", 200),
    "a long string": (filled('{"text":"', "a", '"}', ""), 200),
    "escapes": (filled('{"text":"', "\\n", '"}', ""), 200),
    "escapes of Unicode": (filled('{"text":"', "\\ud83d\\ude00", '"}', ""), 200),
    "DEL, which an answer escapes": (filled('{"', "\x7f", '":1}', ""), 422),
    "white space": (filled('{"anything":[', " ", "1]}", " "), 200),
    "unknown members": (distinct('"unknown_member_%d":{}', 20000), 422),
    "an unknown object": (filled('{"outer":{"unknown":[', "{}", "]}}"), 422),
    "a list of numbers": (filled('{"numbers":[', "12345678", "]}"), 200),
    "a list of digits": (filled('{"numbers":[', "1", "]}"), 200),
    "a list of quotes": (filled('{"texts":["', '\\"', '"]}', ""), 200),
    "a list of strings": (filled('{"texts":[', '"abcdefgh"', "]}"), 200),
    "a list of UUIDs in capitals": (filled('{"ids":[', UUID, "]}"), 200),
    "a list of wrong values": (filled('{"ids":[', '""', "]}"), 422),
    "a list of objects": (filled('{"texts":[', "{}", "]}"), 422),
    # Their default values make more of them than is allowed.
    "empty objects of a table": (filled('{"lines":[', "{}", "]}"), 422),
    "objects of a table": (filled('{"lines":[', '{"sku":"a"}', "]}"), 200),
    "DEL in an object of a table": (filled('{"lines":[{"sku":"', "\x7f", '"}]}', ""), 422),
    "objects of a table that are wrong": (filled('{"lines":[', '{"x":1}', "]}"), 422),
    "an object of a table with many members": ('{"lines":[' + distinct('"m%d":{}', 9000) + "]}", 422),
    "broken at its end": (filled('{"anything":[', "{}", ""), 400),
}
DATABASE_BODIES = {
    "document": filled('{"anything":[', '{"a":[]}', "]}"),
    "items": filled('{"numbers":[', "12345678", "]}"),
}
FORMS = {
    "pairs": ("a=1&" * (BODY // 4), 400),
    "empty pairs": ("&" * BODY, 200),
    "a long value": ("first=" + "a" * (BODY - 6), 200),
    "a value of percents": ("first=" + "%41" * ((BODY - 6) // 3), 200),
    "an unknown name": ("a" * BODY, 422),
    "a value that is no number": ("second=" + "1" * (BODY - 7), 422),
}
PART = '--b\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n'
# name: (path, Content-Type, body, status)
OTHERS = {
    "bytes": ("raw", "x/y", "\0" * BODY, 200),
    "any JSON": ("json", "application/json", filled("[", "{}", "]"), 200),
    "a file": ("files", "multipart/form-data; boundary=b", PART % ("file", '; filename="a"') + "x" * (BODY - 200) + "\r\n--b--", 200),
    "a field": ("files", "multipart/form-data; boundary=b", PART % ("first", "") + "x" * (BODY - 200) + "\r\n--b--", 200),
    "parts": ("files", "multipart/form-data; boundary=b", (PART % ("x", "") + "\r\n") * (BODY // 60) + "--b--", 422),
    "parameters of a part": ("files", "multipart/form-data; boundary=b", (
        '--b\r\nContent-Disposition: form-data;name=file;filename=' + ";a=" * 2500 + "\r\n\r\n\r\n") * (BODY // 7600) + "--b--", 200),
    "empty files": ("files", "multipart/form-data; boundary=b", (PART % ("file", ";filename=") + "\r\n") * (BODY // 75) + "--b--", 200),
    "files without end": ("files", "multipart/form-data; boundary=b", (PART % ("file", '; filename=""') + "\r\n") * (BODY // 75), 400),
    "almost boundaries": ("files", "multipart/form-data; boundary=b", PART % ("first", "") + "\r\n--bx" * (BODY // 8) + "\r\n--b--", 200),
}
QUERIES = {
    "pairs": ("?" + "a=1&" * 900, 400),
    "a list": ("?" + "&".join(["tag=" + "x" * 45] * 64), 200),
    "unknown names": ("?" + "&".join(f"name_{i}=1" for i in range(60)), 422),
}
ANSWERS = {"many small rows": (100000, 30), "few large rows": (7, 1000000), "one row": (1, 7500000)}


class Worker:
    """The only one of a service."""

    def __init__(self, service):
        self.client = service.client
        self.socket = service.run_dir / "bulk.sock"
        self.pid = conftest.only_child(service.endpoints["bulk"].pid)

    def figure(self, file, name):
        for line in pathlib.Path(f"/proc/{self.pid}/{file}").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1])
        raise AssertionError(f"no {name} in {file}")

    def resident_kib(self):
        return self.figure("smaps_rollup", "Rss")

    def settles(self, limit_kib):
        """Whether it comes down to that: in a second, and what a busy machine may add."""
        end = time.monotonic() + 4
        while self.resident_kib() > limit_kib and time.monotonic() < end:
            time.sleep(0.05)
        return self.resident_kib() <= limit_kib

    def within(self, ask, sent):
        """What ask() returns, if the rule holds for a request of that many bytes; it is answered with what has a `body`."""
        before = self.resident_kib()
        pathlib.Path(f"/proc/{self.pid}/clear_refs").write_text("5")
        answer = ask()
        peak, limit = self.figure("status", "VmHWM"), before + FACTOR * (sent + len(answer.body)) // KIB + EXTRA_KIB
        settled = self.settles(before + LEFT_KIB)
        figures = f"{before} KiB before, {peak} at the peak, at most {limit}, {self.resident_kib()} after"
        assert peak <= limit and settled, figures
        return answer

    def asks(self, method, path, body="", content_type="application/json"):
        headers = {"Content-Type": content_type} if body else {}
        return self.within(lambda: self.client.ask(method, path, body, headers), len(path) + len(body)).status


@pytest.fixture(scope="module")
def worker_of(site):
    """worker_of("null"): the worker of that mode."""
    services, workers = [], {}

    def start(mode):
        service = conftest.Service(site, ["bulk"], DATABASE_CONNECTION=mode, DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0)
        services.append(service)
        service.start()
        # What all requests need is there before any is measured.
        for path, body in ("body", {"text": "a"}), ("document", {"anything": [1]}), ("items", {"numbers": [1]}):
            assert service.client.post(f"/bulk/{path}", body).status == 200
        assert service.client.get("/bulk/rows").status == 200
        return Worker(service)

    yield lambda mode: workers.get(mode) or workers.setdefault(mode, start(mode))
    for one in services:
        one.stop()


@pytest.mark.parametrize("shape", BODIES)
def test_a_body(worker_of, shape):
    body, status = BODIES[shape]
    assert len(body) <= BODY
    assert worker_of("null").asks("POST", "/bulk/body", body) == status


@pytest.mark.parametrize("shape", FORMS)
def test_a_form(worker_of, shape):
    body, status = FORMS[shape]
    assert worker_of("null").asks("POST", "/bulk/form", body, "application/x-www-form-urlencoded") == status


@pytest.mark.parametrize("shape", OTHERS)
def test_another_body(worker_of, shape):
    path, media_type, body, status = OTHERS[shape]
    assert worker_of("null").asks("POST", f"/bulk/{path}", body, media_type) == status


@pytest.mark.parametrize("shape", QUERIES)
def test_a_query(worker_of, shape):
    query, status = QUERIES[shape]
    assert worker_of("null").asks("GET", "/bulk/rows" + query) == status


def test_headers_of_one_name(worker_of):
    """Before nginx 1.23 each of them comes by itself."""
    worker = worker_of("null")
    names = fastcgi.pair(b"REQUEST_METHOD", b"GET") + fastcgi.pair(b"REQUEST_URI", b"/bulk/rows") + fastcgi.pair(b"HTTP_A", b"b") * 5000
    request = fastcgi.begin() + fastcgi.stream(fastcgi.PARAMS, names) + fastcgi.stream(fastcgi.STDIN, b"")
    answer = worker.within(lambda: Answer(0, [], fastcgi.ask(worker.socket, request)[0]), len(request))
    assert answer.body.startswith(b"Status: 200 ")


@pytest.mark.long
def test_a_write_with_a_key_and_its_repeat(worker_of):
    """Its arguments are compared, and its answer is kept: encrypted, in the database."""
    worker, body = worker_of("null"), DATABASE_BODIES["document"]
    headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
    answers = [worker.within(lambda: worker.client.ask("POST", "/bulk/write", body, headers), len(body)) for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 200] and answers[0].body == answers[1].body
    assert answers[1].headers["idempotency-replayed"] == "true"


@pytest.mark.long
def test_an_answer_kept_in_redis(worker_of):
    worker, path = worker_of("null"), f"/bulk/cached?rows={random.randrange(90, 100)}&size=60000"
    statuses = [worker.asks("GET", path) for _ in range(2)]
    assert statuses == [200, 200]


def test_the_units_memory_holds_a_full_pool(worker_of):
    """Of as many workers as the README's table has by default, each at the peak of its largest request."""
    workers = sum(map(int, re.search(r"`DATABASE_POOL_SIZE`, `DATABASE_MAX_OVERFLOW` \| (\d+), (\d+)",
                                     (conftest.ROOT / "README.md").read_text()).groups()))
    unit = (conftest.ROOT / "env" / "systemd" / "nullpool@.service").read_text()
    limit_mib = int(re.search(r"^MemoryMax=(\d+)G$", unit, re.M)[1]) * 1024
    assert workers * (worker_of("null").resident_kib() // KIB + FACTOR * BODY // (1 << 20) + EXTRA_KIB // KIB) < limit_mib


MODES = "null", "persistent"


@pytest.mark.long
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("path", DATABASE_BODIES)
def test_a_body_for_postgres(worker_of, path, mode):
    assert worker_of(mode).asks("POST", f"/bulk/{path}", DATABASE_BODIES[path]) == 200


@pytest.mark.long
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shape", ANSWERS)
def test_a_large_answer(worker_of, shape, mode):
    rows, size = ANSWERS[shape]
    assert worker_of(mode).asks("GET", f"/bulk/rows?rows={rows}&size={size}") == 200
