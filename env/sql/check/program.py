"""The checks of one program: its calls against its tables, and against what Postgres says of its statements."""
from typing import NamedTuple

from . import value_types
from .c_source import calls, names, text
from .c_tokens import is_mark, is_word
from .flow import Flow, statements_named
from .value_types import Value

ARGUMENTS = ("np_arg", "np_given", "np_cursor_key", "np_file", "np_files_count")


class Finding(NamedTuple):
    file: str
    line: int
    words: str
    subject: str = ""  # of several about the same in the same line, one is enough

    @property
    def key(self):
        return self.file, self.line, self.subject or self.words

    def __str__(self):
        return f"{self.file}:{self.line}: {self.words}"


class Known(NamedTuple):
    """A statement."""
    path: str
    statement: object  # as statements.py reads it
    described: object  # a describe.Description; None: Postgres refused it

    @property
    def where(self):
        return f"{self.statement.name} ({self.path}:{self.statement.line})"

    @property
    def columns(self):
        """By name."""
        return {column.name: column for column in self.described.columns}


class Program:
    def __init__(self, source, known):
        """known: {name of a statement: Known}, of those that the program includes."""
        self.source = source
        self.known = known
        self.findings = []

    def check(self):
        """Returns what is wrong in its functions, and between these and the routes' parameters."""
        flow = Flow(self.source, self.known, list(self.source.functions.values()))
        for function in flow.functions:
            for sent in flow.sent(function, function.body):
                self._check_values(sent)
            self._check_fields(flow, function)
            self._check_keys(flow, function)
        for route in self.source.routes:
            self._check_arguments(route)
        return self.findings

    def used(self):
        """The names of the statements that the program calls."""
        tokens = self.source.tokens
        return {*(call.name for call in calls(tokens)), *statements_named(tokens),
                *(token.text.removeprefix("np_sql_") for token in tokens if token.text.startswith("np_sql_"))}

    def value(self, tokens):
        """The Value of an expression, and its name for people, if it is one call of a function of nullpool.h."""
        call = next(calls(tokens), None)
        if call and call.begin == 0 and call.end == len(tokens):
            param = self.source.params.get(self._object(call))
            if call.name == "np_arg" and param:
                return Value(param.type, param.is_list), f'the argument "{param.name}"'
            if call.name in value_types.FUNCTIONS:
                return Value(value_types.FUNCTIONS[call.name], False), f"{call.name}()"
        return None, None

    def rows(self, flow, function, call, place):
        """The statements whose rows a call has as its argument `place`: Known, of which the columns are known."""
        argument = call.arguments[place] if place < len(call.arguments) else []
        if len(argument) != 1 or not is_word(argument, 0):
            return []
        found = [self.known[sent.statement] for sent in flow.rows(function, argument[0].text, call.begin)]
        return [known for known in found if known.described]

    def _add(self, place, words, subject=""):
        self.findings.append(Finding(place.file, place.line, words, subject))

    def _object(self, call):
        """The name in C of the np_param of f(ctx, &title, …)."""
        argument = call.arguments[1] if len(call.arguments) > 1 else []
        name = argument[1].text if len(argument) == 2 and is_mark(argument, 0, "&") else None
        return name if name in self.source.params else None

    def _check_arguments(self, route):
        if route.params is None:
            return
        for function in self.source.reached(route.handler):
            for call in calls(function.body, *ARGUMENTS):
                name = self._object(call)
                if name and name not in route.params:
                    shown = self.source.params[name].name
                    self._add(call.place, f'{call.name}() asks for "{shown}", which {route.name} does not have:'
                              f" add &{name} to its .params")

    def _check_values(self, sent):
        known = self.known[sent.statement]
        wanted = known.statement.params
        if len(sent.values) != len(wanted):
            values = "1 value" if len(wanted) == 1 else f"{len(wanted)} values"
            self._add(sent.place, f"{sent.statement} takes {values}, and {len(sent.values)} are given")
            return
        self._check_order(sent, wanted)
        for name, tokens, wanted_type in zip(wanted, sent.values, known.described.params if known.described else ()):
            value, shown = self.value(tokens)
            if value and not value_types.may_give(value, wanted_type):
                self._add(tokens[0], f"{shown} ({value}) does not fit {name} of {sent.statement} ({wanted_type.shown}):"
                          " change one of them, or cast the parameter in the statement")

    def _check_order(self, sent, wanted):
        """Arguments that have the names of each other's parameters."""
        given = {}
        for name, tokens in zip(wanted, sent.values):
            call = next(calls(tokens, "np_arg"), None)
            param = self.source.params.get(self._object(call)) if call else None
            given[name] = param.name.split(".")[-1] if param and param.name else None
        for name, tokens in zip(wanted, sent.values):
            other = given[name]
            if other != name and given.get(other) not in (None, other):
                self._add(tokens[0], f'the argument "{other}" is given to {name} of {sent.statement}, which has a parameter'
                          f" {other}: the order is {', '.join(wanted)}")

    def _check_fields(self, flow, function):
        for call in calls(function.body, "np_field"):
            name = text(call.arguments[2]) if len(call.arguments) == 3 else None
            for known in self.rows(flow, function, call, 0) if name else ():
                if name not in known.columns:
                    self._add(call.place, f'np_field() asks for the column "{name}", which {known.where} does not return', name)

    def _check_keys(self, flow, function):
        for call in calls(function.body, "np_reply_page"):
            keys = names(call.arguments[3]) if len(call.arguments) == 4 else None
            for known in self.rows(flow, function, call, 1) if keys else ():
                for key in keys:
                    if key not in known.columns:
                        self._add(call.place, f'the page\'s key "{key}" is no column of {known.where}', key)
                    elif known.columns[key].is_nullable:
                        self._add(call.place, f'the page\'s key "{key}" of {known.where} may be NULL: order by a column that is'
                                  " NOT NULL", key)
