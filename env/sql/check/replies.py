"""The checks of a route's replies: .returns and .answer against the columns of the statements that it replies with."""
import re

from . import value_types
from .c_source import calls, text
from .c_tokens import split
from .flow import Flow
from .program import Finding
from .value_types import Type, Value

# What a member of np_reply_object() is, as a type of Postgres.
AS_COLUMN = {
    "NP_TYPE_STRING": "text", "NP_TYPE_EMAIL": "text", "NP_TYPE_ENUM": "text", "NP_TYPE_UUID": "uuid", "NP_TYPE_INT": "int8",
    "NP_TYPE_FLOAT": "float8", "NP_TYPE_BOOL": "bool", "NP_TYPE_DATE": "date", "NP_TYPE_DATETIME": "timestamptz",
    "NP_TYPE_JSON": "jsonb", "NP_TYPE_OBJECT": "jsonb",
}


class Replies:
    def __init__(self, program, route):
        self.program = program
        self.source = program.source
        self.route = route
        self.functions = self.source.reached(route.handler)
        self.flow = Flow(self.source, program.known, self.functions)
        self.findings = []

    def check(self):
        """Returns what is wrong."""
        answers = list(self._answers())
        for call, known in answers:
            self._check_answer(call, known)
        self.schema = self.source.schemas.get(self.route.schema)
        if self.schema and self.schema.members is not None and all(name in self.source.params for name in self.schema.members):
            params = [self.source.params[name] for name in self.schema.members]
            self.members = {param.name.split(".")[0]: param for param in params if param.name}
            self._check_rows(answers)
            self._check_objects()
        return self.findings

    def _add(self, place, words, subject=""):
        self.findings.append(Finding(place.file, place.line, words, subject))

    def _add_to(self, known, words):
        self.findings.append(Finding(known.path, known.statement.line, words))

    def _answers(self):
        """Yields (call, Known) of each np_answer() of the route."""
        for function in self.functions:
            for call in calls(function.body, "np_answer"):
                for sent in self.flow.sent(function, call.arguments[1]) if len(call.arguments) == 2 else ():
                    yield call, self.program.known[sent.statement]

    def _check_answer(self, call, known):
        route = self.route
        if known.statement.kind == "many":
            self._add(call.place, f"np_answer() replies with one row: make {known.where} a :one")
        if not known.described:
            return
        for name in route.omit or ():
            if name not in known.columns:
                self._add(route.place, f'.answer.omit of {route.name} names "{name}", which {known.where} does not return')
        params = {self.source.params[name].name for name in route.params or () if name in self.source.params}
        for name in re.findall(r"\{(\w+)\}", route.location or ""):
            if name not in known.columns and name not in params and route.params is not None:
                self._add(route.place, f'.answer.location of {route.name} has "{name}", which is neither a column of'
                          f" {known.where} nor a parameter")

    def _check_rows(self, answers):
        for _, known in answers:
            if known.described and known.statement.kind == "one" and not self.route.is_empty and self.route.omit is not None:
                self._compare(known, self.route.omit)
        for function in self.functions:
            for call in calls(function.body, "np_reply_row", "np_reply_page"):
                for known in self.program.rows(self.flow, function, call, 2 if call.name == "np_reply_row" else 1):
                    self._compare(known, ())

    def _compare(self, known, omit):
        statement, schema, route = known.statement, self.schema.name, self.route.name
        listed = [column.name for column in known.described.columns]
        for name in known.columns:
            if listed.count(name) > 1:
                self._add_to(known, f'{statement.name} returns "{name}" twice')
            if name not in self.members and name not in omit:
                self._add_to(known, f'{statement.name} returns "{name}", which {schema} of {route} does not have:'
                             " add a member, or leave it out")
        for name, param in self.members.items():
            column = known.columns.get(name) if name not in omit else None
            if column:
                self._compare_member(name, param, column, known.where)
            elif not param.is_optional:
                self._add(param.place, f'"{name}" of {schema} is missing in {known.where}, with which {route} replies', name)

    def _compare_member(self, name, param, column, where):
        schema = self.schema.name
        is_inside = "." in param.name
        declared = Value("NP_TYPE_OBJECT", False) if is_inside else Value(param.type, param.is_list)
        if not value_types.may_return(declared, column.type, column.is_expression):
            self._add(param.place, f'"{name}" of {schema} is {declared}, and {column.type.shown} in {where}:'
                      " change its type, or cast the column in the statement", name)
        elif column.is_nullable and not param.is_nullable and declared.type != "NP_TYPE_JSON":
            self._add(param.place, f'"{name}" of {schema} may be NULL in {where}:'
                      " make it .nullable, use coalesce(), or make the column NOT NULL", name)

    def _check_objects(self):
        """np_reply_object(ctx, status, NP_OBJECT({ "name", value }, …))"""
        for call in (call for function in self.functions for call in calls(function.body, "np_reply_object")):
            found = next(calls(call.arguments[2], "NP_OBJECT"), None) if len(call.arguments) == 3 else None
            pairs = [split(item[1:-1]) for item in found.arguments] if found else []
            given = {text(pair[0]): self.program.value(pair[1])[0] for pair in pairs if len(pair) == 2}
            if given and None not in given and len(given) == len(pairs):
                self._compare_object(call, given)

    def _compare_object(self, call, given):
        """given: {name: Value, or None if it is not known}"""
        schema, route = self.schema.name, self.route.name
        for name, value in given.items():
            member = self.members.get(name)
            if not member:
                self._add(call.place, f'{route} replies with "{name}", which {schema} does not have')
            elif value and not _fits(Value(member.type, member.is_list), value):
                self._add(call.place, f'{route} replies with "{name}" as {value}, and it is {member.type} in {schema}')
        for name, member in self.members.items():
            if name not in given and not member.is_optional:
                self._add(call.place, f'{route} replies without "{name}" of {schema}')


def _fits(declared, value):
    return value.type not in AS_COLUMN or value_types.may_return(declared, Type("", AS_COLUMN[value.type], value.is_list), True)
