"""What Postgres says of a statement without running it: the types of its parameters and of its columns."""
from dataclasses import dataclass
from typing import NamedTuple

from psycopg import conninfo, pq

from .value_types import Type

TYPES = """
    SELECT t.oid, format_type(t.oid, NULL), t.typname, CASE t.typcategory WHEN 'A' THEN t.typelem ELSE 0 END, t.typbasetype
    FROM pg_type t
"""
# Of the columns of tables; what a view has is not known.
NOT_NULL = """
    SELECT a.attrelid, a.attnum, a.attnotnull OR t.typnotnull
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_type t ON t.oid = a.atttypid
    WHERE c.relkind IN ('r', 'p') AND c.oid >= 16384 AND a.attnum > 0
"""
# Nothing can be changed, and a migration that runs is not waited for.
SESSION = """
    SET client_encoding = 'UTF8'; SET default_transaction_read_only = on; SET lock_timeout = '5s'; SET statement_timeout = '10s'
"""


class Unreachable(Exception):
    """There is no connection; the text says why."""


class Refused(Exception):
    """Postgres does not understand the statement."""

    def __init__(self, result):
        field = {name: (result.error_field(getattr(pq.DiagnosticField, name)) or b"").decode(errors="replace")
                 for name in ("MESSAGE_PRIMARY", "MESSAGE_HINT", "STATEMENT_POSITION")}
        super().__init__(field["MESSAGE_PRIMARY"] + (f" (hint: {field['MESSAGE_HINT']})" if field["MESSAGE_HINT"] else ""))
        # Characters before the place; None if Postgres names none.
        self.position = int(field["STATEMENT_POSITION"]) - 1 if field["STATEMENT_POSITION"] else None


class Column(NamedTuple):
    name: str
    type: Type
    is_nullable: bool  # None: it is not known
    is_expression: bool  # not a column of a table


@dataclass
class Description:
    params: list  # Types
    columns: list


class Database:
    """A connection to a database that has the schema."""

    def __init__(self, keywords):
        """keywords: of libpq, as build/conninfo prints them."""
        self.link = pq.PGconn.connect(conninfo.make_conninfo(**{"connect_timeout": 10, **keywords}).encode())
        if self.link.status != pq.ConnStatus.OK:
            raise Unreachable(self.link.error_message.decode(errors="replace").strip())
        self._run(SESSION)
        self.types = {int(oid): row for oid, *row in self._rows(TYPES)}
        self.not_null = {(int(table), int(number)): is_not_null == "t" for table, number, is_not_null in self._rows(NOT_NULL)}

    def close(self):
        self.link.finish()

    def describe(self, sql):
        """Raises Refused."""
        self._checked(self.link.prepare(b"", sql.encode()))
        found = self._checked(self.link.describe_prepared(b""))
        return Description([self._type(found.param_type(number)) for number in range(found.nparams)],
                           [self._column(found, number) for number in range(found.nfields)])

    def _column(self, found, number):
        oid, table, place = found.ftype(number), found.ftable(number), found.ftablecol(number)
        not_null = self.not_null.get((table, place)) if table else None
        return Column(found.fname(number).decode(), self._type(oid), None if not_null is None else not not_null, not table)

    def _type(self, oid):
        shown, name, element, base = self.types.get(oid, ("an unknown type", "", 0, 0))
        if int(base):
            return self._type(int(base))._replace(shown=shown)
        if int(element):
            return Type(shown, self._type(int(element)).name, True)
        return Type(shown, name, False)

    def _rows(self, sql):
        found = self._run(sql)
        return [[found.get_value(row, column).decode() for column in range(found.nfields)] for row in range(found.ntuples)]

    def _run(self, sql):
        return self._checked(self.link.exec_(sql.encode()))

    @staticmethod
    def _checked(result):
        if result.status not in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK):
            raise Refused(result)
        return result
