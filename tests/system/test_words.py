"""Log lines of a handler, memory of its request, and what it may ask about it."""
import subprocess
import urllib.parse

import pytest

import conftest
from conftest import Service, program

WORD = "open-sesame-4711"


@pytest.fixture(scope="module")
def service(site, started):
    started.append(Service(site, ["words"], SECRET_WORD=WORD, REQUEST_TIMEOUT=7).start())
    return started[-1]


def log(service, path, **query):
    answer = service.client.post(f"/words/{path}?{urllib.parse.urlencode(query, doseq=True)}")
    assert answer.status == 204, answer
    return service.line_of(answer)["request_id"]


def test_a_line_has_its_members_and_the_requests_id(service):
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    answer = service.client.post("/words/log?text=a%22b%0A&tag=x&tag=y", headers={"traceparent": trace})
    identity = service.line_of(answer)["request_id"]
    line, = service.lines(event="payment refused", request_id=identity)
    assert line["level"] == "info" and line["endpoint"] == "words" and line["trace_id"] == trace.split("-")[1]
    assert line["text"] == 'a"b\n' and line["number"] == -7 and line["part"] == 0.25 and line["endless"] == "Infinity"
    assert line["yes"] is True and "nothing" not in line and line["tags"] == '{"x","y"}' and line["doc"] == '{"a":1}'
    assert len(service.lines(event="alone", request_id=identity)) == 1


@pytest.mark.parametrize("level, name", enumerate(["debug", "info", "warning", "error"]))
def test_a_level_that_is_not_wanted_is_left_out(service, level, name):
    identity = log(service, "log", level=level)
    lines = service.lines(event="payment refused", request_id=identity)
    assert [line["level"] for line in lines] == ([] if name == "debug" else [name])


def test_a_secret_is_hidden_in_it(service):
    identity = log(service, "log", text=f"the word is {WORD}!")
    assert service.lines(event="payment refused", request_id=identity)[0]["text"] == "the word is ***!"
    identity = log(service, "event", text=f"said {WORD}")
    assert service.lines(event="said ***", request_id=identity)
    assert WORD not in service.log_path.read_text()


@pytest.mark.parametrize("text, event", [
    ("e" * 9000, "e" * 255), ("ü" * 200, "ü" * 127), ('"} {"event":"x"', '"} {"event":"x"'), ("a\nb\x7f", "a\nb\x7f")])
def test_an_event_of_any_text_is_one_line(service, text, event):
    if len(text) > 5000:  # nginx takes no longer line
        text = "e" * 5000
    identity = log(service, "event", text=text)
    assert [line["event"] for line in service.lines(request_id=identity) if line["event"] != "request"] == [event]


@pytest.mark.parametrize("name", ["", "a b", "a-b", "ü", "time", "level", "pid", "event", "endpoint", "request_id", "trace_id", "span_id", "cut", "n" * 49, None])
def test_a_name_that_is_none_is_a_misuse(service, name):
    answer = service.client.post("/words/name" + ("" if name is None else f"?{urllib.parse.urlencode({'name': name})}"))
    assert answer.status == 500 and "np_log() of a member" in service.line_of(answer)["detail"]


def test_a_long_name_is_one(service):
    identity = log(service, "name", name="n" * 48)
    assert service.lines(event="named", request_id=identity)[0]["n" * 48] == 1


def test_an_event_is_needed(service):
    for query in "", "?text=":
        answer = service.client.post(f"/words/event{query}")
        assert answer.status == 500 and "without an event" in service.line_of(answer)["detail"]


def test_what_it_may_ask(service):
    answer = service.client.get("/words", headers={"X-Forwarded-For": "203.0.113.9", "X-Real-IP": "203.0.113.9", "X-Request-Id": "mine"})
    seen = answer.json()
    assert seen["address"] == "127.0.0.1" and seen["id"] == answer.headers["x-request-id"] != "mine"
    assert 5000 < seen["remaining_ms"] <= 7000 and seen["printed"] == "ü-7"


def test_an_event_is_one_line_of_text_too(site):
    text = urllib.parse.quote("a\n2026-01-01T00:00:00.000Z error words[1] forged \x1b[31m")
    done = subprocess.run([program("words"), "POST", f"/words/event?text={text}"], capture_output=True, timeout=60, stdin=subprocess.DEVNULL,
                          env=site.environment(LOG_FORMAT="text", DEBUG="true"))
    lines = [line for line in done.stderr.splitlines() if b"forged" in line]
    assert len(lines) == 1 and b'"a\\n2026' in lines[0] and b"\x1b" not in lines[0]


def test_from_a_shell_there_is_no_address(site):
    done = subprocess.run([program("words"), "GET", "/words"], env=site.environment(), capture_output=True, timeout=60)
    assert done.returncode == 0 and b'"address":null' in done.stdout


def test_memory_is_zeroed_and_given_back(service):
    for size in 0, 1, 100, 10000000:
        assert service.client.get(f"/words/memory?size={size}").json() == {"set": 0, "aligned": True}
