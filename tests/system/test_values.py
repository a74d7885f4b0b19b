"""Postgres accepts what passes our checks, with the same meaning: the seeds of the fuzz targets, and inputs with which `make fuzz`
found new paths, are sent through to the server."""
import json
import math
import os
import pathlib
import random
import urllib.parse

import pytest
from conftest import Service

ROOT = pathlib.Path(__file__).resolve().parents[2]
SEEDS = ROOT / "tests" / "fuzz" / "seeds"
CORPUS = ROOT / "build" / "fuzz" / "corpus"
CORPUS_MAX = int(os.environ.get("CORPUS_MAX", "400"))  # how many of its files are used; there may be thousands


def inputs(target):
    found = sorted((CORPUS / target).glob("*"))
    random.Random(7).shuffle(found)
    return [path.read_bytes() for path in sorted((SEEDS / target).glob("*")) + found[:CORPUS_MAX]]


@pytest.fixture(scope="module")
def values(site):
    service = Service(site, ["values"], DATABASE_CONNECTION="persistent").start()
    yield service.client
    service.stop()


def send_value(values, text):
    return values.send("POST", "/values", b'{"value": ' + text + b"}")


def same(sent, got):
    """jsonb keeps numbers as decimals: 1e2 comes back as 100, and -0 as 0."""
    if isinstance(sent, dict):
        return isinstance(got, dict) and sent.keys() == got.keys() and all(same(sent[key], got[key]) for key in sent)
    if isinstance(sent, list):
        return isinstance(got, list) and len(sent) == len(got) and all(map(same, sent, got))
    if isinstance(sent, (int, float)) and not isinstance(sent, bool):
        as_sent = type(sent)  # 1.5e300 comes back as an integer, with all its digits
        return isinstance(got, (int, float)) and not isinstance(got, bool) and sent == as_sent(got)
    return type(sent) is type(got) and sent == got


def check(values, text):
    """Returns True if the text passed and means the same in Postgres, False if it was refused before it reached Postgres."""
    answer = send_value(values, text)
    if answer.status == 400:
        assert answer.problem()["detail"].startswith("The body is not valid JSON: "), (text, answer)
        return False
    assert answer.status == 200, (text, answer)
    assert same(json.loads(text), answer.json()["value"]), (text, answer)
    return True


def test_json_that_passes_the_gate_means_the_same_as_jsonb(values):
    passed = [check(values, text) for text in inputs("json")]
    assert any(passed) and not all(passed)


# The extremes of a double and of Postgres' numeric.
NUMBERS = ["0e-20000", "0e20000", "0.0e-16384", "0e-9999", "0e0000000000000000000001", "1e-16384", "5e-324", "1.7976931348623157e308",
           "-0.0", "0." + "0" * 58 + "1", "9" * 19 + "e" + "9", "1e-" + "0" * 50 + "3"]


@pytest.mark.parametrize("number", NUMBERS)
def test_an_extreme_number_is_refused_at_once_or_accepted(values, number):
    check(values, b"[" + number.encode() + b"]")


def some_value(source, depth=0):
    kind = source.randrange(8 if depth < 5 else 6)
    if kind == 0:
        return source.choice([None, True, False])
    if kind == 1:
        return source.randrange(-2**63, 2**63)
    if kind == 2:
        return source.uniform(-1, 1) * 10.0 ** source.randrange(-300, 300)
    if kind == 3:
        return float(source.randrange(-100, 100))
    if kind < 6:
        points = (source.choice([source.randrange(1, 0x80), source.randrange(1, 0xd800), source.randrange(0xe000, 0x110000)])
                  for _ in range(source.randrange(8)))
        return "".join(map(chr, points))
    if kind == 6:
        return [some_value(source, depth + 1) for _ in range(source.randrange(5))]
    return {str(some_value(source, 9)): some_value(source, depth + 1) for _ in range(source.randrange(5))}


def test_random_values_are_the_same_in_postgres(values):
    source = random.Random(7)
    for _ in range(300):
        value = some_value(source)
        assert check(values, json.dumps(value, ensure_ascii=source.random() < 0.5).encode()), value


# --- parameters ---

# The rows of tests/fuzz/param.c that the query of this program has.
PARAM_ROWS = {0: "string", 4: "uuid", 5: "email", 6: "int", 9: "float", 10: "bool", 11: "date", 12: "datetime", 17: "strings",
              18: "ints"}
PARAM_COUNT = 19

# Postgres accepts each leap second that datetime_valid() accepts. One that datetime_valid() refuses does not exist, or
# Postgres refuses it too.
LEAPS = [("2016-12-31T23:59:60Z", True), ("2016-12-31T23:59:60.000Z", True), ("2016-12-31T23:59:60.5Z", False),
         ("1998-12-31T15:59:60-08:00", True), ("1998-12-31T15:59:60.999999999-08:00", True), ("2017-01-01T05:29:60.5+05:30", True),
         ("1998-12-31T23:59:60-08:00", False), ("2016-12-31T22:59:60Z", False)]


@pytest.mark.parametrize("text, accepted", LEAPS)
def test_a_leap_second_ends_a_utc_day(values, text, accepted):
    assert check_parameter(values, "datetime", [text]) == accepted


EDGES = [
    ("float", "1e-400"), ("float", "4.9e-324"), ("float", "2e-324"), ("float", "1.7976931348623158e308"), ("float", "-0"),
    ("int", "-0"), ("int", "007"), ("int", "-9223372036854775808"),
    ("date", "0001-01-01"), ("date", "9999-12-31"), ("date", "2000-02-29"),
    ("datetime", "0001-01-01T00:00:00+15:59"), ("datetime", "9999-12-31T23:59:60-15:59"), ("datetime", "2024-06-30T23:59:60.999999999Z"),
    ("datetime", "2024-06-30T23:59:60.000Z"), ("datetime", "2024-06-30T23:59:59.9999999Z"), ("datetime", "2024-01-01t00:00:00z"), ("datetime", "2024-01-01T12:59:60.5+00:00"), ("datetime", "2024-01-01T00:00:00.000000001Z"),
    ("uuid", "0000AAAA-bbbb-CCCC-dddd-ffffffffffff"), ("string", ""), ("string", "\U0010ffff\x01\x7f"), ("strings", "{}"),
    ("strings", "NULL"), ("strings", 'a,"\\'), ("strings", ""),
]


def ask(values, name, texts):
    """A refusal names the parameter; it never comes from the database in general words."""
    query = urllib.parse.urlencode([(name, text) for text in texts])
    answer = values.get(f"/values?{query}")
    if answer.status == 422:
        assert [fault["name"] for fault in answer.problem()["errors"]], (texts, answer)
        return None
    assert answer.status == 200, (name, texts, answer)
    return answer.json()[name]


def check_parameter(values, name, texts):
    got = ask(values, name, texts)
    if got is None:
        return False
    if name in ("strings", "string", "email"):
        assert got == (texts if name == "strings" else texts[0])
    if name in ("int", "float"):
        assert got == float(texts[0]) if name == "float" else got == int(texts[0])
        assert math.isfinite(got)
    if name == "ints":
        assert got == [int(text) for text in texts]
    return True


@pytest.mark.parametrize("name, text", EDGES)
def test_a_value_at_the_edge_is_refused_at_once_or_accepted(values, name, text):
    check_parameter(values, name, [text])


def test_parameters_that_pass_mean_the_same_in_postgres(values):
    seen = set()
    for data in inputs("param"):
        name = PARAM_ROWS.get(data[0] % PARAM_COUNT) if data else None
        text = data[1:].split(b"\0")[0]
        if not name or len(text) > 1000:
            continue
        try:
            text = text.decode()
        except UnicodeDecodeError:
            continue
        texts = text.removesuffix("\n").split("\n") if name in ("strings", "ints") else [text]
        if check_parameter(values, name, texts):
            seen.add(name)
    assert seen == set(PARAM_ROWS.values())


# --- values that a handler makes ---

@pytest.mark.parametrize("number", ["0", "7", "-9223372036854775808", "9223372036854775807"])
def test_an_integer_that_a_handler_makes_is_the_same_in_postgres(values, number):
    assert values.get(f"/values/made?int={number}").json()["int"] == int(number)


@pytest.mark.parametrize("number", ["0.1", "-0.30000000000000004", "1e23", "1.7976931348623157e308", "2.2250738585072014e-308", "5e-324"])
def test_a_float_that_a_handler_makes_is_the_same_in_postgres(values, number):
    made = values.get(f"/values/made?float={number}").json()
    assert made["float"] == float(number) == float(made["float_text"])


def test_made_values_of_the_other_types(values):
    made = values.get("/values/made?bool=true").json()
    assert made == {"int": 0, "float": None, "float_text": "NaN", "bool": True, "json": [1, None], "text": "a", "nothing": True}
    assert values.get("/values/made?bool=false").json()["bool"] is False
