"""The C header of a .sql file: a constant for each statement, and a macro that takes as many values as it has parameters."""
import re

FORMAT = 1  # NP_SQL_FORMAT of common/nullpool.h
LITERAL_BYTES = 80  # of one line of a string
OVERLENGTH = 4095  # ISO C99 promises no longer strings, so -Wpedantic warns of them


def header(path, statements):
    """path: of the .sql file, as messages name it."""
    # a/b.sql and a_b.sql are two files.
    guard = f"NP_SQL_{re.sub('[^A-Za-z0-9]', lambda found: f'_{ord(found[0]):X}_', path)}H"
    parts = [f"/* Made by nullpool-sql from {_comment(path)}; a change belongs there. */",
             f"#ifndef {guard}", f"#define {guard}", "", '#include "nullpool.h"', "",
             f"#if NP_SQL_FORMAT != {FORMAT}", "#error nullpool-sql and nullpool.h are of different versions: make the header anew",
             "#endif", ""]
    is_long = any(len(text.encode()) > OVERLENGTH for statement in statements for text in (statement.text, statement.exact or "", statement.keep or ""))
    if is_long:
        parts += ["#pragma GCC diagnostic push", '#pragma GCC diagnostic ignored "-Woverlength-strings"', ""]
    for statement in statements:
        parts += [*_statement(path, statement), ""]
    if is_long:
        parts += ["#pragma GCC diagnostic pop", ""]
    return "\n".join([*parts, "#endif", ""])


def _statement(path, statement):
    """The lines of one statement. #line makes the compiler name the .sql file in what it says of the statement."""
    name, count = statement.name, len(statement.params)
    values = ", ".join(f"np_as_value({param})" for param in statement.params)
    call = f"NP_CALL(NP_STATEMENT({name}), {count}, {values})" if count else f"NP_CALL_WITHOUT_VALUES(NP_STATEMENT({name}))"
    members = {
        "name": _string(name),
        "sql": _string(statement.text),
        "kind": f"NP_KIND_{statement.kind.upper()}",
        "params": str(count),
        "file": _string(path),
        "line": str(statement.line),
        "columns": _string(",".join(statement.columns)) if statement.columns else "NULL",
        "inserts_one": "true" if statement.inserts_one else "false",
        "exact": _string(statement.exact) if statement.exact else "NULL",
        "keep": _string(statement.keep) if statement.keep else "NULL",
    }
    place = f"{path}:{statement.line}"
    return [
        f"/* {_comment(f'{place}: {statement.doc}' if statement.doc else place)} */",
        f"#ifdef {name}",
        f"#line {statement.line} {_string(path)}",
        f"#error {name} is already the name of a statement or a macro of this program",
        "#endif",
        f"#line {statement.line} {_string(path)}",
        f"static const struct np_statement np_sql_{name} = {{",
        *(f"\t.{member} = {value}," for member, value in members.items()),
        "};",
        f"#line {statement.line} {_string(path)}",
        f"#define {name}({', '.join(statement.params)}) {call}",
    ]


def _comment(text):
    """The text as a part of a comment of C."""
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    return text.replace("*/", "* /").replace("/*", "/ *")


def _string(text):
    """A string literal of C, in several lines if it is long. \\? keeps ??( from being a trigraph."""
    pieces, size = [""], 0
    for letter in re.findall(r"\s|\S", text):
        code = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "?": "\\?"}.get(letter)
        code = code or (letter if " " <= letter <= "~" else "".join(f"\\{byte:03o}" for byte in letter.encode()))
        if size >= LITERAL_BYTES and letter != " " and pieces[-1].endswith((" ", "\\n")):
            pieces.append("")
            size = 0
        pieces[-1] += code
        size += len(code)
    return "\n\t    ".join(f'"{piece}"' for piece in pieces)
