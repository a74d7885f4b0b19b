"""Which statement's rows a variable of a program has, and which statement a struct np_call is."""
from typing import NamedTuple

from .c_source import assigned, calls
from .c_tokens import WORD, Token, is_mark, is_word

QUERIES = ("np_query", "np_query_one", "np_query_last")
DEPTH_MAX = 8  # of calls that are followed to where a variable comes from


class Sent(NamedTuple):
    """A statement with the values that a call gives it."""
    place: Token
    statement: str
    values: list  # the tokens of each


class Flow:
    def __init__(self, source, statements, functions):
        """statements: names; functions: those that may call each other."""
        self.top = source.top
        self.statements = statements
        self.functions = functions

    def sent(self, function, tokens, depth=0):
        """The statements that an expression, a struct np_call, may be."""
        found = []
        for call in calls(tokens, "NP_CALL_ONE_OF", *self.statements):
            if call.name in self.statements:
                found.append(Sent(call.place, call.name, call.arguments))
            else:
                found += [Sent(call.place, name, call.arguments[1:]) for name in self._chosen(function, call.arguments[0], depth)]
        if found or len(tokens) != 1 or depth > DEPTH_MAX:
            return found
        for expression in assigned(function.body, tokens[0].text):
            found += self.sent(function, expression, depth + 1)
        for caller, argument, _ in self._given(function, tokens[0].text):
            found += self.sent(caller, argument, depth + 1)
        return found

    def _chosen(self, function, tokens, depth):
        """The names of the statements of which one is chosen: pages[i], or a pointer."""
        found = self._named(tokens)
        if found or not is_word(tokens, 0) or depth > DEPTH_MAX:
            return found
        name = tokens[0].text
        for expression in assigned(function.body, name) or assigned(self.top, name):
            found += self._named(expression)
        for caller, argument, _ in self._given(function, name):
            found += self._chosen(caller, argument, depth + 1)
        return found

    def _named(self, tokens):
        return [name for name in statements_named(tokens) if name in self.statements]

    def rows(self, function, name, before, depth=0):
        """The statements whose rows the variable has at that place of the function."""
        fills = [call for call in calls(function.body, *QUERIES) if call.begin < before and len(call.arguments) == 3
                 and [token.text for token in call.arguments[1]] == ["&", name]]
        found = []
        for number in reversed(range(len(fills))):
            found += self.sent(function, fills[number].arguments[2])
            if number and not _is_alternative(function.body[fills[number - 1].end:fills[number].begin]):
                break
        if not fills and depth < DEPTH_MAX:
            for caller, argument, at in self._given(function, name):
                if len(argument) == 1 and argument[0].kind == WORD:
                    found += self.rows(caller, argument[0].text, at, depth + 1)
        return found

    def _given(self, function, name):
        """Yields (caller, the tokens of the argument, its place) of each call that gives the function's parameter `name`."""
        if name not in function.params:
            return
        place = function.params.index(name)
        for caller in self.functions:
            for call in calls(caller.body, function.name):
                if place < len(call.arguments):
                    yield caller, call.arguments[place], call.begin


def statements_named(tokens):
    """The names in NP_STATEMENT( … )."""
    return [call.arguments[0][0].text for call in calls(tokens, "NP_STATEMENT") if call.arguments]


def _is_alternative(between):
    """What is behind these tokens runs in place of what is before them, and not after it."""
    return any(is_word(between, at, "else", "case", "default") or is_mark(between, at, ":") for at in range(len(between)))
