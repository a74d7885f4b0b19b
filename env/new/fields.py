"""The fields of `make new FIELDS="title:string body:text? done:bool due:date?"`, and what each is in C, SQL and a test.

? makes a field nullable: a POST may leave it out, and a PATCH may set it to null.
"""
import os
import re
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

from env.sql.statements import KEYWORDS

COMMON = Path(__file__).resolve().parents[2] / "common"

# With the name of a table, also of 24 characters, it is a part of a constraint's name, which has at most 63.
NAME = re.compile(r"(?=.{1,30}$)[a-z](?:_?[a-z0-9])*")
FIELDS_MAX = 30
COLUMNS = {"id", "created_at", "updated_at", "deleted_at"}
# Those that Postgres adds.
SYSTEM_COLUMNS = {"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"}
# These words cannot name a column (https://www.postgresql.org/docs/current/sql-keywords-appendix.html).
SQL_WORDS = set("""
    all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation column
    concurrently constraint create cross current_catalog current_date current_role current_schema current_time
    current_timestamp current_user default deferrable desc distinct do else end except false fetch for foreign freeze from full
    grant group having ilike in initially inner intersect into is isnull join lateral leading left like limit localtime
    localtimestamp natural not notnull null offset on only or order outer overlaps placing primary references returning right
    select session_user similar some symmetric system_user table tablesample then to trailing true union unique user using
    variadic verbose when where window with
""".split())
# Names of the handler that is written, in C and in SQL.
TAKEN = {"limit", "after", "after_id", "schema", "routes", "main", "argc", "argv", "ctx", "rows", "list_rows", "create_row",
         "show_row", "change_row", "delete_row", "page_of_rows", "new_row", "row_by_id", "changed_row", "deleted_row"}


@dataclass
class Type:
    np_type: str
    sql: str
    samples: tuple  # two values, as in JSON and as Postgres returns them
    wrong: object  # a value that is refused
    length: tuple = None  # the fewest and the most characters


TYPES = {
    "string": Type("STRING", "text", ("first", "second"), "", (1, 200)),
    "text": Type("STRING", "text", ("one\ntwo", ""), 1, (0, 10_000)),
    "email": Type("EMAIL", "text", ("ada@example.com", "grace@example.com"), "ada"),
    "int": Type("INT", "bigint", (1, -2), "one"),
    "float": Type("FLOAT", "double precision", (1.5, -0.25), "one"),
    "bool": Type("BOOL", "boolean", (False, True), "no"),
    "date": Type("DATE", "date", ("2026-01-31", "2028-02-29"), "2026-02-30"),
    "datetime": Type("DATETIME", "timestamptz", ("2026-01-31T12:00:00+00:00", "2026-01-31T12:00:00.5+00:00"), "2026-01-31"),
    "uuid": Type("UUID", "uuid", ("c4b1d1f0-0000-4000-8000-000000000001", "c4b1d1f0-0000-4000-8000-000000000002"), "1"),
    "json": Type("OBJECT", "jsonb", ({"a": [1, None]}, {}), []),
}


class Wrong(Exception):
    """What is wrong with FIELDS, in words for people."""


@dataclass
class Field:
    name: str
    type: Type
    nullable: bool

    def __post_init__(self):
        self.id = self.name if _is_free(self.name) else self.name + "_"  # its name as an object of C, and as a parameter of SQL
        self.given_id = f"{self.name}_given"

    # --- C ---

    def param(self):
        lines = [f'.name = "{self.name}"', ".in = NP_IN_BODY", f".type = NP_TYPE_{self.type.np_type}",
                 ".nullable = true" if self.nullable else ".required = true"]
        if self.type.length:
            low, high = self.type.length
            lines += [f".min = {low}"] * (low > 0) + [f".max = {high}"]
        return f"static const struct np_param {self.id} = {{ {', '.join(lines)} }};"

    def arg(self):
        return f"np_arg(ctx, &{self.id})"

    def changed_args(self):
        return [f"np_bool(np_given(ctx, &{self.id}))"] * self.nullable + [self.arg()]

    # --- SQL ---

    def column(self, table, width):
        words = [self.name.ljust(width), self.type.sql] + ["NOT NULL"] * (not self.nullable)
        if self.type.length:
            low, high = self.type.length
            words.append(f"CONSTRAINT {table}_{self.name}_length CHECK (char_length({self.name})"
                         + (f" BETWEEN {low} AND {high})" if low else f" <= {high})"))
        return " ".join(words)

    def changed(self):
        """NULL keeps a value that cannot be NULL; another one is kept unless it was given."""
        if self.nullable:
            return f"{self.name} = CASE WHEN @{self.given_id}::bool THEN @{self.id} ELSE {self.name} END"
        return f"{self.name} = coalesce(@{self.id}, {self.name})"


def read(text):
    """The fields of that text. Raises Wrong."""
    fields = [_read(word) for word in text.split()]
    if not fields or len(fields) > FIELDS_MAX:
        raise Wrong(f"FIELDS has {len(fields)} fields; there may be 1 to {FIELDS_MAX}")
    names = [name for field in fields for name in ([field.name, field.given_id] if field.nullable else [field.name])]
    for name in names:
        if names.count(name) > 1:
            raise Wrong(f"two fields of FIELDS need the name {name}")
    return fields


def _read(word):
    name, colon, kind = word.partition(":")
    nullable = kind.endswith("?")
    kind = kind.removesuffix("?")
    if not colon or kind not in TYPES:
        raise Wrong(f"{word} is no field: write name:type, or name:type? if it may be null. The types are {', '.join(TYPES)}")
    if not NAME.fullmatch(name):
        raise Wrong(f"the field {name} must have at most 30 lower-case letters, digits and single _, first a letter")
    if name in COLUMNS | SYSTEM_COLUMNS:
        raise Wrong(f"each table has a column {name} already")
    if name in SQL_WORDS or name == "np" or name.startswith("np_"):
        raise Wrong(f"the field {name} cannot have this name: it is a reserved word")
    return Field(name, TYPES[kind], nullable)


def _is_free(name):
    """Whether the handler may call an object so: index and log are functions that a compiler knows."""
    if name in KEYWORDS or name in TAKEN:
        return False
    source = f'#include "nullpool.h"\nextern const struct np_param {name};\n'
    try:
        compiler = shlex.split(os.environ.get("CC", "")) or ["cc"]  # it may be several words, as in CC="ccache gcc"
    except ValueError as error:
        raise Wrong(f"CC is no command: {error}") from None
    try:
        done = subprocess.run([*compiler, "-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wshadow", "-Werror", f"-I{COMMON}",
                               "-fsyntax-only", "-x", "c", "-"], input=source, text=True, stderr=subprocess.DEVNULL)
    except OSError as error:
        raise Wrong(f"the compiler cannot be run: {error.strerror}: {compiler[0]}") from None
    return done.returncode == 0
