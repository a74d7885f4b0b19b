"""The tokens of a C program: of a file and of the local headers that it includes, with their macros expanded.

It is a small reader and no compiler: all branches of an #if are read, and a macro that uses # or ## is left as it is, as are
those of nullpool.h that take arguments (NP_PARAMS and others).
"""
import os
import re
from typing import NamedTuple

# Kinds of tokens.
WORD, STRING, NUMBER, MARK = "word", "string", "number", "mark"

TOKEN = re.compile(r"""
      (?P<space>(?:\s|\\\n)+)
    | (?P<comment>//[^\n]*|/\*.*?\*/)
    | (?P<string>(?:u8|[uUL])?"(?:[^"\\\n]|\\.)*")
    | (?P<number>\.?[0-9](?:[eEpP][+-]|[\w.])*|'(?:[^'\\\n]|\\.)*')
    | (?P<word>[A-Za-z_]\w*)
    | (?P<mark>->|\+\+|--|\#\#|[<>=!]=|&&|\|\||\.\.\.|.)
""", re.S | re.X)
# A directive ends with its line; a comment or a backslash continues it.
DIRECTIVE = re.compile(r'#(?:"(?:[^"\\\n]|\\.)*"|/\*.*?\*/|\\.|[^\n\\])*', re.S)
DEFINE = re.compile(r"#\s*define\s+(\w+)(\(([^)]*)\))?(.*)", re.S)
UNDEFINE = re.compile(r"#\s*undef\s+(\w+)")
INCLUDE = re.compile(r'#\s*include\s*[<"]([^>"]+)[>"]')
ESCAPES = {"n": "\n", "t": "\t"}


class Token(NamedTuple):
    kind: str
    text: str  # of a string, what is between its quotes
    file: str
    line: int


COMMA = Token(MARK, ",", "", 0)


class Macro(NamedTuple):
    params: list  # None: it takes no arguments
    body: list


class Reader:
    """Reads a file with what it includes, once each, into `tokens`."""

    def __init__(self, root, folders):
        """folders: those of foreign headers, of which only the constants are read. All paths are relative to root."""
        self.root = root
        self.folders = folders
        self.tokens = []
        self.macros = {}
        self.files = []  # those that were read
        self.sql = {}  # path of a .sql file: the #include of its header, as a token

    def read(self, path, is_foreign=False):
        if path in self.files:
            return
        self.files.append(path)
        with open(os.path.join(self.root, path), encoding="utf-8", errors="replace") as file:
            text = file.read()
        pending = []
        for token in _tokens(text, path):
            if token.kind != MARK or not token.text.startswith("#") or len(token.text) < 3:
                pending.append(token)
                continue
            if not is_foreign:
                self.tokens += expand(pending, self.macros)
            pending = []
            self._follow(token, is_foreign)
        if not is_foreign:
            self.tokens += expand(pending, self.macros)

    def _follow(self, directive, is_foreign):
        if found := DEFINE.match(directive.text):
            name, _, params, body = found.groups()
            body = [token._replace(line=directive.line) for token in _tokens(body, directive.file, begins_line=False)]
            if not any(token.text in ("#", "##") for token in body) and (params is None or not is_foreign):
                self.macros[name] = Macro(params and re.findall(r"\w+|\.\.\.", params), body)
        elif found := UNDEFINE.match(directive.text):
            self.macros.pop(found[1], None)
        elif found := INCLUDE.match(directive.text):
            self._include(directive, found[1], is_foreign)

    def _include(self, directive, name, is_foreign):
        beside = os.path.normpath(os.path.join(os.path.dirname(directive.file), name))
        if name.endswith(".sql.h"):
            self.sql.setdefault(self._sql_of(beside.removesuffix(".h")), directive)
            self._include(directive, "nullpool.h", is_foreign)  # as each of them does
        elif os.path.exists(os.path.join(self.root, beside)):
            self.read(beside, is_foreign)
        else:
            for folder in self.folders:
                if os.path.exists(os.path.join(self.root, folder, name)):
                    self.read(os.path.join(folder, name), is_foreign=True)
                    break

    def _sql_of(self, path):
        """The file itself, or for a file of lib/ the one of that name in the folder above, as the compiler finds the header."""
        folder, name = os.path.split(path)
        above = os.path.normpath(os.path.join(folder, "..", name))
        is_above = os.path.basename(folder) == "lib" and not os.path.exists(os.path.join(self.root, path)) \
            and os.path.exists(os.path.join(self.root, above))
        return above if is_above else path


def _tokens(text, path, begins_line=True):
    """Yields the tokens of a file. A directive is one MARK, with all of its text."""
    at, line = 0, 1
    while at < len(text):
        directive = begins_line and DIRECTIVE.match(text, at)
        found = directive or TOKEN.match(text, at)
        kind = MARK if directive else found.lastgroup
        if kind == "space":
            begins_line = begins_line or "\n" in found[0].replace("\\\n", "")
        elif kind != "comment":
            value = _content(found[0]) if kind == STRING else found[0]
            yield Token(kind, value, path, line)
            begins_line = False
        line += found[0].count("\n")
        at = found.end()


def _content(literal):
    content = literal[literal.index('"') + 1:-1]
    return re.sub(r"\\(.)", lambda found: ESCAPES.get(found[1], found[1]), content.replace("\\\n", ""), flags=re.S)


# --- macros ---

def expand(tokens, macros, hidden=frozenset()):
    """The tokens with the macros replaced; what is replaced has the place of the macro's use."""
    expanded, at = [], 0
    while at < len(tokens):
        token = tokens[at]
        at += 1
        macro = macros.get(token.text) if token.kind == WORD and token.text not in hidden else None
        if not macro or (macro.params is not None and not is_mark(tokens, at, "(")):
            expanded.append(token)
            continue
        body = [part._replace(file=token.file, line=token.line) for part in macro.body]
        if macro.params is not None:
            end = end_of_group(tokens, at)
            body = _substituted(body, macro.params, split(tokens[at + 1:end - 1]))
            at = end
        expanded += expand(body, macros, hidden | {token.text})
    return expanded


def _substituted(body, params, arguments):
    values = dict(zip(params, arguments))
    if params and params[-1] == "...":
        rest = []
        for argument in arguments[len(params) - 1:]:
            rest += ([COMMA] if rest else []) + argument
        values["__VA_ARGS__"] = rest
    return [part for token in body for part in (values.get(token.text, [token]) if token.kind == WORD else [token])]


# --- groups ---

def is_mark(tokens, at, text):
    return 0 <= at < len(tokens) and tokens[at].kind == MARK and tokens[at].text == text


def is_word(tokens, at, *texts):
    return 0 <= at < len(tokens) and tokens[at].kind == WORD and (not texts or tokens[at].text in texts)


def end_of_group(tokens, opening):
    """The place behind the bracket that closes the one at `opening`; the end if none does."""
    depth = 0
    for at in range(opening, len(tokens)):
        if tokens[at].kind == MARK:
            depth += (tokens[at].text in "([{") - (tokens[at].text in ")]}")
        if depth == 0:
            return at + 1
    return len(tokens)


def split(tokens, separator=","):
    """The parts between the separators that are in no brackets. A comma at the end begins no part."""
    parts, depth = [[]], 0
    for token in tokens:
        if token.kind == MARK:
            depth += (token.text in "([{") - (token.text in ")]}")
            if depth == 0 and token.text == separator:
                parts.append([])
                continue
        parts[-1].append(token)
    return parts if parts[-1] else parts[:-1]
