"""The tokens of SQL are those of Postgres' scanner."""
import pytest

from env.sql.lexer import COMMENT, HINT, NAMED, NUMBER, NUMBERED, OPERATOR, OTHER, QUOTED, SPACE, STRING, WORD, Fault, tokens

WHOLE = [  # each is one token
    (WORD, "id"), (WORD, "a$1"), (WORD, "_x9"), (WORD, "größe"), (WORD, "日本"), (WORD, "SELECT"),
    (QUOTED, '"a""b"'), (QUOTED, '"@id; --"'), (QUOTED, 'U&"d\\0061t"'), (QUOTED, '"a\nb"'),
    (STRING, "'it''s'"), (STRING, "''"), (STRING, "''''"), (STRING, "'\\'"), (STRING, "'a\n@b'"), (STRING, "'-- no'"),
    (STRING, "E'\\''"), (STRING, "e'a\\\\'"), (STRING, "E'a''b\\\n'"), (STRING, "U&'\\0041'"), (STRING, "B'01'"),
    (STRING, "x'1F'"), (STRING, "N'a'"),
    (STRING, "'a'\n'b'"), (STRING, "'a' -- c\n  -- d\n 'b'"), (STRING, "E'a\\''\n'b\\''"),
    (STRING, "$$a'b$$"), (STRING, "$q$ $$ $r$ @x $q$"), (STRING, "$ä$x$ä$"), (STRING, "$$$$"),
    (NUMBERED, "$1"), (NUMBERED, "$64"),
    (NAMED, "@id"), (NAMED, "@_a_1"),
    (NUMBER, "12"), (NUMBER, "1.5"), (NUMBER, ".5"), (NUMBER, "1."), (NUMBER, "1e-5"), (NUMBER, "1_000"), (NUMBER, "0xFF_FF"),
    (NUMBER, "0b01"), (NUMBER, "0o17"),
    (OPERATOR, "@>"), (OPERATOR, "<@"), (OPERATOR, "@@"), (OPERATOR, "@?"), (OPERATOR, "->>"), (OPERATOR, "<>"), (OPERATOR, "@-"),
    (OPERATOR, "?|"), (OPERATOR, "@"), (OPERATOR, "#>>"), (OPERATOR, "=>"),
    (OTHER, "::"), (OTHER, ":="), (OTHER, ".."), (OTHER, ":"), (OTHER, "["), (OTHER, ";"),
    (SPACE, " \t\r\n\f"), (COMMENT, "-- it's @id"), (COMMENT, "/* a /* ' */ b */"), (COMMENT, "/**/"),
    (HINT, "/*+ SeqScan(t) */"),
]

SEVERAL = [
    ("a@b", ["a", "@", "b"]),
    ("a @b", ["a", " ", "@b"]),
    ("a @ b", ["a", " ", "@", " ", "b"]),
    ("1@b", ["1", "@", "b"]),
    ("$1@b", ["$1", "@", "b"]),
    ("ä@b", ["ä", "@", "b"]),
    ("a$@b", ["a$", "@", "b"]),
    ("(@b)", ["(", "@b", ")"]),
    ("'a'@b", ["'a'", "@b"]),
    ("/* a */@b", ["/* a */", "@b"]),
    ("@a::int", ["@a", "::", "int"]),
    ("@a@b", ["@a", "@", "b"]),
    ("@a[1:@b]", ["@a", "[", "1", ":", "@b", "]"]),
    ("a @>b", ["a", " ", "@>", "b"]),
    ("a <@b", ["a", " ", "<@", "b"]),
    ("a @@b", ["a", " ", "@@", "b"]),
    ("a?@b", ["a", "?@", "b"]),
    ("@ -5", ["@", " ", "-", "5"]),
    ("@-5", ["@-", "5"]),
    ("a=-1", ["a", "=", "-", "1"]),
    ("a*-1", ["a", "*", "-", "1"]),
    ("a<>+-1", ["a", "<>", "+", "-", "1"]),
    ("a?-b", ["a", "?-", "b"]),
    ("a+--b", ["a", "+", "--b"]),
    ("a*/* c */b", ["a", "*", "/* c */", "b"]),
    ("--a\r\nb", ["--a", "\r\n", "b"]),
    ("1..10", ["1", "..", "10"]),
    ("a.b.c", ["a", ".", "b", ".", "c"]),
    ("t.5", ["t", ".5"]),
    ("se'x\\'", ["se", "'x\\'"]),
    ("'a' 'b'", ["'a'", " ", "'b'"]),
    ("$1$2", ["$1", "$2"]),
    ("a::b", ["a", "::", "b"]),
    ("a := 1", ["a", " ", ":=", " ", "1"]),
    ("a$$b", ["a$$b"]),
    ("SELECT'a'", ["SELECT", "'a'"]),
]

FAULTS = [
    ("a\n'b", 2, "the ' that begins here is not closed"),
    ("\n\nE'b\\'", 3, "the ' that begins here is not closed"),
    ("U&'b", 1, "the ' that begins here is not closed"),
    ('"b', 1, 'the " that begins here is not closed'),
    ("'it''s", 1, "the ' that begins here is not closed"),
    ("$a$ $b$", 1, "the $a$ that begins here is not closed"),
    ("$$", 1, "the $$ that begins here is not closed"),
    ("a /* /* */", 1, "the comment that begins here is not closed"),
    ("\\set a 1", 1, "a command of psql (\\) is no statement"),
    ("a {", 1, "unexpected {"),
    ("$", 1, "unexpected $"),
    ("a\r\nb\rc\0", 2, "Postgres takes no NUL"),
    ("@größe", 1, "the parameter größe may only have letters of ASCII, digits and _"),
    ("@ä", 1, "the parameter ä may only have letters of ASCII, digits and _"),
    ("@a$b", 1, "the parameter a$b may only have letters of ASCII, digits and _"),
    ("a =@id", 1, "=@id has the operator =@: write = @id for a parameter"),
    ("a>=@id", 1, ">=@id has the operator >=@: write >= @id for a parameter"),
    ("a ||@id", 1, "||@id has the operator ||@: write || @id for a parameter"),
    ("a -@id", 1, "-@id has the operator -@: write - @id for a parameter"),
]


@pytest.mark.parametrize("kind, text", WHOLE)
def test_a_token_is_whole(kind, text):
    assert [(token.kind, token.text) for token in tokens(text)] == [(kind, text)]


@pytest.mark.parametrize("text, pieces", SEVERAL)
def test_text_is_cut_where_postgres_cuts_it(text, pieces):
    assert [token.text for token in tokens(text)] == pieces


@pytest.mark.parametrize("text, line, words", FAULTS)
def test_a_fault_has_its_line(text, line, words):
    with pytest.raises(Fault) as raised:
        list(tokens(text))
    assert (raised.value.line, raised.value.words) == (line, words)


def test_a_token_knows_its_place():
    found = list(tokens("a\n'b\nc'\r\n  d"))
    assert [(token.text, token.at, token.line) for token in found if token.is_code] == [
        ("a", 0, 1), ("'b\nc'", 2, 2), ("d", 11, 4)]


def test_all_tokens_together_are_the_text():
    for text in [text for text, _ in SEVERAL] + ["".join(text + "\n" for _, text in WHOLE)]:
        assert "".join(token.text for token in tokens(text)) == text


def test_a_long_quote_that_is_not_closed_takes_no_long_time():
    with pytest.raises(Fault):
        list(tokens("'" + "a''" * 20_000))
