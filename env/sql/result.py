"""What the code of a statement shows of it: its main statement, whether that returns rows, and the names of its columns.

What is not certain from the text is None: Postgres knows it, and so does whoever prepares the statement.
"""
from .lexer import NUMBER, OTHER, QUOTED, WORD

WRITING = ("INSERT", "UPDATE", "DELETE", "MERGE")
MAIN = ("SELECT", "VALUES", *WRITING)
# What ends the list of a SELECT.
AFTER_LIST = ("FROM", "INTO", "WHERE", "GROUP", "HAVING", "WINDOW", "UNION", "INTERSECT", "EXCEPT", "ORDER", "LIMIT", "OFFSET",
              "FETCH", "FOR")
# Words that may follow an operand without AS, and then are not its name.
NOT_A_LABEL = {"AND", "AT", "BETWEEN", "COLLATE", "FILTER", "ILIKE", "IN", "IS", "ISNULL", "LIKE", "NOT", "NOTNULL", "OPERATOR",
               "OR", "OVER", "OVERLAPS", "SIMILAR", "WITHIN", "PRECISION", "VARYING"}
# Their column has another name than theirs, or their form is not that of a function.
NOT_A_FUNCTION = {"ALL", "ANY", "ARRAY", "BIT", "CAST", "CHAR", "CHARACTER", "DEC", "DECIMAL", "EXISTS", "EXTRACT", "FLOAT", "IN",
                  "INTERVAL", "NCHAR", "NOT", "NUMERIC", "ROW", "SOME", "SYSTEM_USER", "TIME", "TIMESTAMP", "TREAT", "TRIM", "VARCHAR"}
# Words that are expressions by themselves, or begin one.
NOT_A_COLUMN = {"ARRAY", "CASE", "COLLATION", "DEFAULT", "FALSE", "NOT", "NULL", "TRUE"}
NAME_BYTES = 63  # Postgres cuts a longer one


def walk(code):
    """Yields (place, token, depth in brackets) of each token."""
    depth = 0
    for place, token in enumerate(code):
        if token.kind == OTHER and token.text in ")]":
            depth -= 1
        yield place, token, depth
        if token.kind == OTHER and token.text in "([":
            depth += 1


def main_place(code):
    """The place of the main statement's first word: 0, or behind a WITH; None if it is not one of MAIN."""
    place = 0
    if code[0].is_word("WITH"):
        place = _end_of_with(code)
    return place if place < len(code) and code[place].is_word(*MAIN) else None


def _end_of_with(code):
    """The place behind the queries of a WITH; the end of the code where they are written in a way that is not known here."""
    place = 1
    if _is_at(code, 1, "RECURSIVE") and not _is_at(code, 2, "AS", "("):
        place = 2
    while True:
        place += 1  # the name of the query
        if _is_at(code, place, "("):
            place = _end_of_group(code, place)
        if not _is_at(code, place, "AS"):
            return len(code)
        place += 1
        while _is_at(code, place, "NOT", "MATERIALIZED"):
            place += 1
        if not _is_at(code, place, "("):
            return len(code)
        place = _end_of_group(code, place)
        while _is_at(code, place, "SEARCH", "CYCLE"):
            while place < len(code) and not _is_at(code, place, "SET"):
                place += 1
            while place < len(code) and not _is_at(code, place, ",", "SEARCH", "CYCLE", *MAIN):
                place += 1
        if not _is_at(code, place, ","):
            return place
        place += 1


def _is_at(code, place, *texts):
    return place < len(code) and code[place].kind in (WORD, OTHER) and code[place].text.upper() in texts


def returning_place(code, main):
    """The place of the first token behind RETURNING, or None."""
    for place, token, depth in walk(code):
        if place > main and depth == 0 and token.is_word("RETURNING") and not _is_label(code, place):
            return place + 1
    return None


def _is_label(code, place):
    return place > 0 and (code[place - 1].is_word("AS") or code[place - 1].is_other("."))


def may_work_without_row(code, main):
    """Whether the statement may do something although it returns no row: in its WITH, or in a function that it calls."""
    return not code[main].is_word(*WRITING) or any(token.is_word(*WRITING) for token in code[:main])


def inserts_one(code, main):
    """Whether the statement is an INSERT of one row that is written out, and nothing else."""
    if main != 0 or not code[0].is_word("INSERT"):
        return False
    for place, token, depth in walk(code):
        if depth == 0 and token.is_word("VALUES"):
            return not _is_at(code, _end_of_group(code, place + 1), ",")
        if depth == 0 and token.is_word("SELECT", "TABLE", "WITH"):
            return False
    return False


def returns_rows(code):
    """Whether the statement returns rows; None if that is not known."""
    main = main_place(code)
    if main is None:
        return None
    if code[main].is_word(*WRITING):
        return returning_place(code, main) is not None
    return not any(depth == 0 and token.is_word("INTO") and place > main and not _is_label(code, place)
                   for place, token, depth in walk(code))


def columns(code):
    """The names of the result's columns, or None."""
    items = _items(code)
    if items is None:
        return None
    names = [_name(item) for item in items]
    return None if any(not name or "," in name for name in names) else names


def _items(code):
    """The code of each item of the list of what is returned, or None."""
    main = main_place(code)
    if main is None or not returns_rows(code) or code[main].is_word("VALUES"):
        return None
    place = main + 1 if code[main].is_word("SELECT") else returning_place(code, main)
    if _is_at(code, place, "WITH"):  # RETURNING WITH (OLD AS …)
        place = _end_of_group(code, place + 1)
    elif _is_at(code, place, "ALL", "DISTINCT"):
        place += 1
        if _is_at(code, place, "ON"):
            place = _end_of_group(code, place + 1)
    items = [[]]
    for at, token, depth in walk(code):
        if at < place:
            continue
        if depth == 0 and code[main].is_word("SELECT") and _ends_list(code, at):
            break
        if depth == 0 and token.is_other(","):
            items.append([])
        else:
            items[-1].append(token)
    return items


def _ends_list(code, place):
    return (code[place].is_word(*AFTER_LIST) and not _is_label(code, place)
            and not (code[place].is_word("FROM") and _is_at(code, place - 1, "DISTINCT")
                     and not _is_label(code, place - 1))  # IS DISTINCT FROM
            and not (code[place].is_word("GROUP") and code[place - 1].is_word("WITHIN")))


def _end_of_group(code, opening):
    """The place behind the group in brackets that opens there."""
    for place, _, depth in walk(code[opening:]):
        if place > 0 and depth == 0:
            return opening + place + 1
    return len(code)


def _name(item):
    """The name of an item's column, or None."""
    if len(item) > 2 and item[-2].is_word("AS"):
        return _identifier(item[-1])
    rest = _operand(item)
    if rest is None:
        return None
    name, rest = rest
    if len(rest) == 1 and rest[0].kind in (WORD, QUOTED) and rest[0].text.upper() not in NOT_A_LABEL:
        return _identifier(rest[0])
    if rest and rest[0].is_other("::"):  # a cast keeps the name of a column and of a function
        return name if _is_type(rest[1:]) else None
    return None if rest else name


def _operand(item):
    """(name, what follows it) of a column or a call of a function at the item's begin, or None."""
    if not item or item[0].kind not in (WORD, QUOTED) or item[0].text.upper() in NOT_A_COLUMN:
        return None
    place = 1
    while place + 1 < len(item) and item[place].is_other(".") and item[place + 1].kind in (WORD, QUOTED):
        place += 2
    last = item[place - 1]
    if place < len(item) and item[place].is_other("("):
        if place == 1 and last.text.upper() in NOT_A_FUNCTION:
            return None
        place = _end_of_group(item, place)
    name = _identifier(last)
    return (name, item[place:]) if name else None


def _is_type(code):
    """A type as it is written behind ::, and nothing behind it that could be a name."""
    words = [token for token in code if token.kind in (WORD, QUOTED)]
    return len(words) == 1 and words[0] is code[0] and all(
        token.kind in (WORD, QUOTED, NUMBER) or (token.kind == OTHER and token.text in "()[],") for token in code)


def _identifier(token):
    """The name that Postgres makes of it, or None."""
    if token.kind == WORD:
        name = "".join(letter.lower() if letter.isascii() else letter for letter in token.text)
    elif token.kind == QUOTED and token.text.startswith('"'):
        name = token.text[1:-1].replace('""', '"')
    else:
        return None
    return name.encode()[:NAME_BYTES].decode(errors="ignore")
