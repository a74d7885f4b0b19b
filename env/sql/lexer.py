"""The tokens of SQL, as PostgreSQL's scanner has them (src/backend/parser/scan.l), and @name.

A string has no backslash escapes unless it is an E'…': standard_conforming_strings is on.
"""
import re
from typing import NamedTuple

# Kinds of tokens.
SPACE, COMMENT, HINT = "space", "comment", "hint"  # a hint is /*+ … */
WORD = "word"  # an identifier or a keyword
QUOTED = "quoted"  # "…", U&"…"
STRING = "string"  # '…', E'…', $$…$$, and what continues them on the next line
NUMBER = "number"
NUMBERED = "numbered"  # $1
NAMED = "named"  # @name
OPERATOR = "operator"
OTHER = "other"  # ( ) [ ] , ; . .. : :: :=

START, PART = r"A-Za-z_\x80-\U0010ffff", r"A-Za-z0-9_\x80-\U0010ffff"
CONTINUATION = r"(?:[ \t\f\v]|--[^\n\r]*)*[\n\r](?:[ \t\n\r\f\v]|--[^\n\r]*[\n\r])*"
PLAIN, ESCAPED = r"'(?:[^']|'')*'(?!')", r"'(?:[^'\\]|\\.|'')*'(?!')"

# The first one that matches is the token.
TOKENS = [(kind, re.compile(pattern, re.S)) for kind, pattern in (
    (SPACE, r"[ \t\n\r\f\v]+"),
    (COMMENT, r"--[^\n\r]*"),
    (STRING, rf"[eE]{ESCAPED}(?:{CONTINUATION}{ESCAPED})*"),
    (STRING, rf"(?:[bBxXnN]|[uU]&)?{PLAIN}(?:{CONTINUATION}{PLAIN})*"),
    (QUOTED, r'(?:[uU]&)?"(?:[^"]|"")*"(?!")'),
    (STRING, rf"(\$(?:[{START}][{PART}]*)?\$).*?\1"),
    (NUMBERED, r"\$[0-9]+"),
    (NUMBER, r"0[xX](?:_?[0-9A-Fa-f])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+"),
    (NUMBER, r"(?:[0-9](?:_?[0-9])*(?:\.(?!\.)(?:[0-9](?:_?[0-9])*)?)?|\.[0-9](?:_?[0-9])*)(?:[eE][+-]?[0-9](?:_?[0-9])*)?"),
    (OTHER, r"::|:=|\.\.|[()\[\],;.:]"),
)]
# After the strings, whose prefix may be a letter.
NAME = re.compile(rf"[{START}][{PART}$]*")
OPERATORS = re.compile(r"(?:(?!--|/\*)[-~!@#^&|`?+*/%<>=])+")
OPENING = re.compile(rf"(?:[eE]|[bBxXnN]|[uU]&)?(?P<what>['\"])|(?P<tag>\$(?:[{START}][{PART}]*)?\$)")
PARAMETER = re.compile(r"@([A-Za-z_][A-Za-z0-9_]*)")
# The operators that end with @, of Postgres and of its extensions; a column may follow directly.
ENDING_WITH_AT = {"<@", "@@", "@@@", "?@", "^<@", "?<@", "^?@"}


class Fault(Exception):
    """What is wrong in a .sql file, and in which line."""

    def __init__(self, line, words):
        super().__init__(f"line {line}: {words}")
        self.line = line
        self.words = words


class Token(NamedTuple):
    kind: str
    text: str
    at: int  # characters before it
    line: int  # from 1

    def is_word(self, *words):
        """words are in upper case."""
        return self.kind == WORD and self.text.upper() in words

    def is_other(self, text):
        return self.kind == OTHER and self.text == text

    @property
    def is_code(self):
        return self.kind not in (SPACE, COMMENT, HINT)


def tokens(text):
    """Yields all tokens of text; together they are the text."""
    if "\0" in text:
        raise Fault(text[:text.index("\0")].count("\n") + 1, "Postgres takes no NUL")
    at, line = 0, 1
    while at < len(text):
        kind, end = _token(text, at, line)
        yield Token(kind, text[at:end], at, line)
        line += len(re.findall(r"\r\n|\n|\r", text[at:end]))
        at = end


def _token(text, at, line):
    """The kind of the token at that place, and where it ends."""
    if text.startswith("/*", at):
        return HINT if text.startswith("/*+", at) else COMMENT, _end_of_comment(text, at, line)
    for kind, pattern in TOKENS:
        if found := pattern.match(text, at):
            return kind, found.end()
    if found := OPENING.match(text, at):
        raise Fault(line, f"the {found['what'] or found['tag']} that begins here is not closed")
    if found := NAME.match(text, at):
        return WORD, found.end()
    if found := OPERATORS.match(text, at):
        return _operator(text, at, line, found[0])
    raise Fault(line, "a command of psql (\\) is no statement" if text[at] == "\\" else f"unexpected {text[at]}")


def _end_of_comment(text, at, line):
    """Comments nest."""
    depth = 0
    for found in re.compile(r"/\*|\*/").finditer(text, at):
        depth += 1 if found[0] == "/*" else -1
        if depth == 0:
            return found.end()
    raise Fault(line, "the comment that begins here is not closed")


def _operator(text, at, line, operator):
    # The scanner leaves a sign at the end to the number behind it, unless the operator could not be one of standard SQL.
    while len(operator) > 1 and operator[-1] in "+-" and not re.search(r"[~!@#^&|`?%]", operator[:-1]):
        operator = operator[:-1]
    end = at + len(operator)
    if not operator.endswith("@") or not re.match(rf"[{START}]", text[end:end + 1]):
        return OPERATOR, end
    if operator == "@" and not re.match(rf"[{PART}$]", text[at - 1:at]):
        name = PARAMETER.match(text, at)
        if not name or re.match(rf"[{PART}$]", text[name.end():name.end() + 1]):
            raise Fault(line, f"the parameter {NAME.match(text, end)[0]} may only have letters of ASCII, digits and _")
        return NAMED, name.end()
    if operator != "@" and operator not in ENDING_WITH_AT:
        name = NAME.match(text, end)[0]
        raise Fault(line, f"{operator}{name} has the operator {operator}: write {operator[:-1]} @{name} for a parameter")
    return OPERATOR, end
