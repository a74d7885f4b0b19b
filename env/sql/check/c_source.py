"""A program in C, as far as `make check` has to understand it: its tables, and the calls in its functions.

What is written in a way that is not known here is None, and then nothing is said about it.
"""
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from .c_tokens import MARK, STRING, WORD, Reader, Token, end_of_group, is_mark, is_word, split

TABLES = ("np_param", "np_schema", "np_route")


@dataclass
class Param:
    """A struct np_param: a parameter of a route or a member of a schema."""
    place: Token
    name: str
    type: str  # such as NP_TYPE_UUID
    is_list: bool
    is_nullable: bool
    is_optional: bool


@dataclass
class Schema:
    name: str
    members: list  # of the names of its objects in C


@dataclass
class Route:
    place: Token
    name: str  # GET /notes/{id}
    handler: str
    params: list  # of the names of its objects in C
    schema: str  # of .returns
    is_empty: bool  # .answer.empty
    omit: list
    location: str


@dataclass
class Function:
    name: str
    params: list  # their names
    body: list = field(repr=False)


class Call(NamedTuple):
    place: Token  # its name
    arguments: list  # the tokens of each
    begin: int  # in the tokens in which it was found
    end: int

    @property
    def name(self):
        return self.place.text


class Source:
    """A program or a helper: a .c file with what it includes."""

    def __init__(self, root, path, folders):
        reader = Reader(root, folders)
        reader.read(path)
        self.path = path
        self.shared = set()  # the names of its tables that are not static
        self.tokens = reader.tokens
        self.sql = reader.sql
        self.functions, self.params, self.schemas, self.routes = {}, {}, {}, []
        self.top = []  # the tokens outside of functions
        self._read()

    def tables(self):
        """(params, schemas) that other files may use, by name, with the members of these schemas. A member that is static has
        a name with the path: another file may have one that is called so too."""
        params = {name: self.params[name] for name in self.shared & self.params.keys()}
        schemas = {name: self.schemas[name] for name in self.shared & self.schemas.keys()}
        for name, schema in schemas.items():
            own = {member: f"{self.path}: {member}" for member in schema.members or ()
                   if member in self.params and member not in self.shared}
            params |= {called: self.params[member] for member, called in own.items()}
            schemas[name] = replace(schema, members=schema.members and [own.get(member, member) for member in schema.members])
        return params, schemas

    def link(self, params, schemas):
        """Adds the tables of other files. The functions of a helper are checked where they are, and not in each program."""
        self.params = params | self.params
        self.schemas = schemas | self.schemas

    def _read(self):
        """What is at the top level: definitions of functions, and declarations."""
        at = 0
        while at < len(self.tokens):
            end = at
            while end < len(self.tokens) and not is_mark(self.tokens, end, ";") and not is_mark(self.tokens, end, "{"):
                end = end_of_group(self.tokens, end)
            head = self.tokens[at:end]
            if is_mark(self.tokens, end, "{") and head and is_mark(head, len(head) - 1, ")"):
                end = self._add_function(head, end)
            else:
                while end < len(self.tokens) and not is_mark(self.tokens, end, ";"):
                    end = end_of_group(self.tokens, end)
                self.top += self.tokens[at:end]
                self._add_table(self.tokens[at:end])
            at = end + 1 if is_mark(self.tokens, end, ";") else end

    def _add_function(self, head, opening):
        """Returns the place behind the function."""
        end = end_of_group(self.tokens, opening)
        found = next((call for call in calls(head) if call.end == len(head)), None)
        if found:
            params = [next((token.text for token in reversed(param) if token.kind == WORD), None) for param in found.arguments]
            self.functions[found.name] = Function(found.name, params, self.tokens[opening + 1:end - 1])
        return end

    def _add_table(self, tokens):
        kind = next((at for at in range(len(tokens)) if is_word(tokens, at, "struct") and is_word(tokens, at + 1, *TABLES)), None)
        if kind is None:
            return
        for declarator in split(tokens[kind + 2:]):
            equal = next((at for at in range(len(declarator)) if is_mark(declarator, at, "=")), None)
            name = next((token for token in declarator[:equal] if token.kind == WORD and token.text != "const"), None)
            if equal is None or name is None or not is_mark(declarator, equal + 1, "{"):
                continue
            value = declarator[equal + 1:]
            if not any(is_word(tokens, at, "static") for at in range(kind)):
                self.shared.add(name.text)
            if tokens[kind + 1].text == "np_route":
                rows = split(value[1:-1]) if any(is_mark(declarator, at, "[") for at in range(equal)) else [value]
                self.routes += [_route(row) for row in rows if is_mark(row, 0, "{")]
            elif tokens[kind + 1].text == "np_param":
                self.params[name.text] = _param(name, _members(value))
            else:
                found = _members(value)
                self.schemas[name.text] = Schema(text(found.get("name")) or name.text, _objects(found.get("members")))

    def reached(self, handler):
        """The functions of the program that the handler calls, itself included, and those that these call."""
        found, pending = {}, [handler]
        while pending:
            name = pending.pop()
            if name in self.functions and name not in found:
                found[name] = self.functions[name]
                pending += _mentioned(found[name])
        return list(found.values())


def _mentioned(function):
    """The words of a function that may be functions: no members, and no variables of its own."""
    body, words, own = function.body, set(), set(function.params)
    for at in (at for at in range(len(body)) if is_word(body, at)):
        before = at - 2 if is_mark(body, at - 1, "*") else at - 1
        if is_word(body, before) and not is_word(body, before, "return", "else", "case"):
            own.add(body[at].text)
        elif not is_mark(body, at - 1, ".") and not is_mark(body, at - 1, "->"):
            words.add(body[at].text)
    return words - own


def calls(tokens, *names):
    """Yields each name( … ) of these names, or of all; the outer ones first."""
    for at in range(len(tokens)):
        if is_word(tokens, at, *names) and is_mark(tokens, at + 1, "("):
            end = end_of_group(tokens, at + 1)
            yield Call(tokens[at], split(tokens[at + 2:end - 1]), at, end)


def assigned(tokens, name):
    """The expressions that a variable of that name, or an array, gets in these tokens."""
    found = []
    for at in range(len(tokens)):
        if is_word(tokens, at, name) and not is_mark(tokens, at - 1, ".") and not is_mark(tokens, at - 1, "->"):
            after = at + 1
            while is_mark(tokens, after, "["):
                after = end_of_group(tokens, after)
            if is_mark(tokens, after, "="):
                found.append(_expression(tokens, after + 1))
    return found


def _expression(tokens, at):
    """The tokens up to a comma, a semicolon or a bracket that closes what is around them."""
    end = at
    while end < len(tokens) and not (tokens[end].kind == MARK and tokens[end].text in ",;)]}"):
        end = end_of_group(tokens, end)
    return tokens[at:end]


def text(tokens):
    """The text of a string, or of several that follow each other; None for anything else."""
    return "".join(token.text for token in tokens) if tokens and all(token.kind == STRING for token in tokens) else None


def names(tokens):
    """The texts of all NP_NAMES( … ) in an expression; None if one is not a constant."""
    found = [text(argument) for call in calls(tokens or [], "NP_NAMES") for argument in call.arguments]
    return None if None in found or (tokens and not found) else found


# --- initializers ---

def _members(tokens):
    """{name: tokens} of the designated members of { … }; those of an inner one are "outer.inner"."""
    found = {}
    for item in split(tokens[1:-1]):
        equal = next((at for at in range(len(item)) if is_mark(item, at, "=")), 0)
        if not is_mark(item, 0, ".") or not equal:
            continue
        name, value = "".join(token.text for token in item[1:equal]), item[equal + 1:]
        found[name] = value
        if is_mark(value, 0, "{"):
            found.update({f"{name}.{inner}": tokens for inner, tokens in _members(value).items()})
    return found


def _word(tokens):
    """The only word of an expression, which may have an & before it."""
    words = [token.text for token in tokens or [] if not is_mark([token], 0, "&")]
    return words[0] if len(words) == 1 and tokens[-1].kind == WORD else None


def _is_true(tokens):
    return bool(tokens) and not (len(tokens) == 1 and tokens[0].text in ("false", "0"))


def _objects(tokens):
    """The names in NP_PARAMS(&id, &title)."""
    if not tokens or _word(tokens) == "NULL":
        return []
    found = list(calls(tokens, "NP_PARAMS"))
    objects = [_word(argument) if is_mark(argument, 0, "&") else None for argument in found[0].arguments] if found else [None]
    return None if None in objects else objects


def _param(name, found):
    is_list = _is_true(found.get("max_items")) and "members" not in found  # a list of objects is one jsonb
    return Param(name, text(found.get("name")), _word(found.get("type")) or "NP_TYPE_STRING", is_list,
                 _is_true(found.get("nullable")), _is_true(found.get("optional")))


def _route(row):
    found = _members(row)
    return Route(row[0], f"{text(found.get('method'))} {text(found.get('path'))}", _word(found.get("handle")),
                 _objects(found.get("params")), _word(found.get("returns")), _is_true(found.get("answer.empty")),
                 names(found.get("answer.omit")), text(found.get("answer.location")))
