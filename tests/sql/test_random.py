"""What holds for any text, tried with texts that are put together at random from pieces of SQL."""
import random

import pytest

from env.sql.lexer import Fault, tokens
from env.sql.statements import Faults, statements

PIECES = ["'", "''", '"', "$$", "$a$", "--", "\n", "\r\n", "/*", "*/", "@", "a", "@id", "$1", "$2", "::", ";", "(", ")", "[", "]",
          "E'", "e", "\\", " ", "1", ".5", ".", "U&'", "AS", "WITH", "SELECT", "RETURNING", ",", "INSERT", "x", "=", "+", "-", "<@",
          "ä", "/*+", "FROM", "RECURSIVE", "-- name: b :one\n", "-- name: c :exec\n", "*", "DISTINCT", "ON", "SEARCH", "SET", ":"]


def text_of(seed):
    chosen = random.Random(seed)
    return "".join(chosen.choices(PIECES, k=chosen.randint(1, 25)))


def read(text):
    try:
        return statements(text)
    except Faults as told:
        assert all(fault.words and 0 < fault.line <= text.count("\n") + 1 for fault in told.faults)
        return None


@pytest.mark.parametrize("start", range(0, 8_000, 2_000))
def test_any_text_is_read_or_refused(start):
    whole = refused = 0
    for seed in range(start, start + 2_000):
        text = text_of(seed)
        try:
            assert "".join(token.text for token in tokens(text)) == text
            whole += 1
        except Fault:
            refused += 1
        read(text)
    assert whole > 200 and refused > 200


def test_a_statement_that_is_read_again_is_the_same():
    again = 0
    for seed in range(12_000):
        text = text_of(seed)
        if not (found := read(f"-- name: a :many\nSELECT {text};")):
            continue
        for made in found:
            if not made.text.isascii() or "/*+" in made.text:
                continue
            second, = statements(f"-- name: {made.name} :{made.kind}\n{made.text}\n;")
            assert (second.text, second.columns, second.keep) == (made.text, made.columns, made.keep)
            assert len(second.params) == len(made.params)
            assert [token.text for token in tokens(made.text)] == [token.text for token in tokens(second.text)]
            again += 1
    assert again > 200
