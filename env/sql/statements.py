"""The statements of a .sql file, in the notation that sqlc, aiosql and yesql share:

    -- name: note_by_id :one
    -- One note that was not deleted.
    SELECT id, title FROM notes WHERE id = @id AND deleted_at IS NULL;
"""
import bisect
import re
from dataclasses import dataclass, field

from . import result
from .lexer import COMMENT, HINT, NAMED, NUMBERED, OTHER, SPACE, Fault, tokens

KINDS = ("one", "many", "exec")
NAME_LINE = re.compile(r"--\s*name\s*:\s*(.*)")
NAME = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*_?")
NAME_BYTES = 63
PARAMETERS_MAX = 64  # FLIGHT_VALUES_MAX

# Words of C and C++, which a macro must not have as its name or as that of a parameter.
KEYWORDS = set("""
    alignas alignof and and_eq asm auto bitand bitor bool break case catch char class compl concept const consteval constexpr
    constinit const_cast continue co_await co_return co_yield decltype default defined delete do double dynamic_cast else enum
    explicit export extern false float for friend goto if inline int long main mutable namespace new noexcept not not_eq nullptr
    operator or or_eq private protected public register reinterpret_cast requires restrict return short signed sizeof static
    static_assert static_cast struct switch template this thread_local throw true try typedef typeid typename typeof
    typeof_unqual union unsigned using virtual void volatile wchar_t while xor xor_eq NULL
""".split())

# A statement whose commit travels with it must fail in the server, since the program learns the number of its rows only after that.
# Where several rows are one too many, Postgres says that LIMIT must not be negative (2201W), and OFFSET (2201X) where none is one
# too few. In $1 the program says whether none is; see common/app/answer.c.
ONE_ROW = ("LIMIT (SELECT CASE WHEN count(*) > 1 THEN -1 END FROM np_work)"
           " OFFSET (SELECT CASE WHEN count(*) = 0 AND {none} THEN -1 END FROM np_work)")
# It may have done something although it returns no row, so none is always one too few.
ANYWAY = "$1::bool IS NOT NULL"

# A statement that keeps its row also runs this. It stores the row of np_work as [name, type, value] for each column, and stores
# nothing of none: see common/app/idempotency.h. $1, $2, $3 follow the statement's own parameters: caller, key, fingerprint.
KEEP = ("INSERT INTO idempotency_keys (caller, key, fingerprint, results) SELECT $1, $2, $3, row.results FROM"
        " (SELECT (SELECT jsonb_build_object('columns', jsonb_build_array({columns})) FROM np_work) AS results) AS row"
        " WHERE row.results IS NOT NULL")
# coalesce() makes a domain its base type, as in a result; concat() gives the text that a result has, which a cast does not.
KEEP_COLUMN = ("jsonb_build_array({literal}, pg_typeof(coalesce({column}, NULL))::oid::bigint,"
               " CASE num_nulls({column}) WHEN 0 THEN concat({column}) END)")
KEEP_COLUMNS_MAX = 64  # COLUMNS_MAX of common/app/idempotency.c


class Faults(Exception):
    """All that is wrong in a file, each a Fault."""

    def __init__(self, faults):
        super().__init__("; ".join(map(str, faults)))
        self.faults = faults


@dataclass
class Statement:
    name: str
    kind: str  # one of KINDS
    line: int  # of its name
    doc: str = ""  # its comment, in one line
    params: list = field(default_factory=list)  # the names of $1, $2, …
    text: str = ""  # as Postgres gets it: one line, without comments
    columns: list = None  # of its result; None: the text does not show them all
    inserts_one: bool = False  # INSERT … VALUES of one row: there is no second one, and nothing is done without it
    exact: str = None  # the text of one that fails unless it has one row; None: it cannot
    keep: str = None  # the text of one that also stores its row; None: it cannot
    places: list = field(default_factory=list, repr=False)  # (characters of text, line) of each token

    def line_at(self, characters):
        """The line of the file that has what is behind so many characters of the text."""
        return self.places[max(0, bisect.bisect_right(self.places, (characters, float("inf"))) - 1)][1]


def statements(text):
    """The statements of the text of a file. Raises Faults."""
    reader = _Reader()
    try:
        reader.read(tokens(text))
    except Fault as fault:
        reader.faults.append(fault)
    if reader.faults:
        raise Faults(sorted(reader.faults, key=lambda fault: fault.line))
    return reader.statements


class _Reader:
    """Collects what belongs to one statement."""

    def __init__(self):
        self.statements = []
        self.faults = []
        self.lines = {}  # of the names
        self.name = None  # the token of a name whose statement has not ended
        self.before = []  # comments, perhaps of the name that follows
        self.doc = []  # comments of the name
        self.body = []  # the tokens of a statement

    def read(self, found):
        blank = True  # there is nothing before the token in its line
        for token in found:
            begins_line, blank = blank, token.kind == SPACE and (blank or "\n" in token.text)
            if token.kind == COMMENT and begins_line and NAME_LINE.match(token.text):
                self._begin(token)
            elif token.is_other(";"):
                self._end()
            elif self.body or token.kind not in (SPACE, COMMENT):
                self.body.append(token)
            elif token.kind == COMMENT and begins_line:
                (self.doc if self.name else self.before).append(token)
            elif token.text.count("\n") > 1:  # a comment above a blank line is the file's
                self.before = []
        self._check_ended()

    def _begin(self, name):
        self._check_ended()
        self.name, self.doc, self.before, self.body = name, self.before, [], []

    def _check_ended(self):
        if any(token.is_code for token in self.body):
            self.faults.append(Fault(self.body[0].line, "the statement does not end with ;"))
        elif self.name:
            self.faults.append(Fault(self.name.line, "no statement follows the name"))

    def _end(self):
        body, self.body = self.body, []
        try:
            if not any(token.is_code for token in body):
                return
            if not self.name:
                raise Fault(body[0].line, f"a second statement of the name {self.statements[-1].name}" if self.statements else
                            'the statement has no name: write "-- name: NAME :one" above it, or :many, or :exec')
            self._add(_statement(self.name, self.doc, body))
        except Fault as fault:
            self.faults.append(fault)
        self.name, self.before, self.doc = None, [], []

    def _add(self, statement):
        if statement.name in self.lines:
            raise Fault(statement.line, f"line {self.lines[statement.name]} has the name {statement.name} too")
        self.lines[statement.name] = statement.line
        self.statements.append(statement)


def _statement(name, doc, body):
    made = Statement(*_name_and_kind(name), name.line, _doc(doc))
    _check_brackets(body)
    made.params = _params(body)
    code = _set_text(made, body)
    tokens_of_code = [token for token, _ in code]
    if made.kind != "exec" and result.returns_rows(tokens_of_code) is False:
        raise Fault(name.line, f"{made.name} is :{made.kind} but returns no rows: add RETURNING, or make it :exec")
    made.columns = result.columns(tokens_of_code)
    if made.kind != "exec":
        _check_columns(made)
    main = result.main_place(tokens_of_code)
    if made.kind == "one" and main is not None:
        _add_other_texts(made, code, main)
    return made


def _check_columns(made):
    """An object of JSON cannot have two members of one name."""
    for name in made.columns or ():
        if made.columns.count(name) > 1:
            raise Fault(made.line, f"{made.name} returns two columns named {name}: give one another name, with AS")


def _name_and_kind(token):
    words = NAME_LINE.match(token.text)[1].split()
    if len(words) != 2 or not words[1].startswith(":"):
        raise Fault(token.line, 'a name is written as "-- name: note_by_id :one", with :one, :many or :exec')
    name, kind = words[0], words[1][1:]
    if kind not in KINDS:
        raise Fault(token.line, f"{name} has the unknown kind :{kind}: there are :one, :many and :exec")
    _check_name(token.line, "statement", name)
    return name, kind


def _check_name(line, what, name):
    if not NAME.fullmatch(name) or len(name) > NAME_BYTES:
        raise Fault(line, f"{name} cannot name a {what}: use letters, digits and single _, at most {NAME_BYTES}, first a letter")
    if name in KEYWORDS:
        raise Fault(line, f"{name} cannot name a {what}: it is a word of C or C++")
    if name.lower().startswith("np_"):
        raise Fault(line, f"{name} cannot name a {what}: names that begin with np_ are nullpool's")


def _doc(comments):
    words = []
    for comment in comments:
        text = comment.text[2:] if comment.text.startswith("--") else comment.text[2:-2]
        for line in text.splitlines():
            words += line.strip().lstrip("*").split()
    return " ".join(words)


def _check_brackets(body):
    closing, open_ones = {"(": ")", "[": "]"}, []
    for token in body:
        if token.kind == OTHER and token.text in closing:
            open_ones.append(token)
        elif token.kind == OTHER and token.text in ")]":
            if not open_ones or closing[open_ones.pop().text] != token.text:
                raise Fault(token.line, f"{token.text} closes nothing")
    if open_ones:
        raise Fault(open_ones[-1].line, f"{open_ones[-1].text} is not closed")


def _params(body):
    """The names of the parameters, in order: those of @name, or p1, p2, … of $1, $2, …"""
    named = [token for token in body if token.kind == NAMED]
    numbered = [token for token in body if token.kind == NUMBERED]
    if named and numbered:
        raise Fault(max(named[0].line, numbered[0].line),
                    f"{named[0].text} and {numbered[0].text} are in one statement: use one form")
    numbers = {int(token.text[1:]): token for token in reversed(numbered)}
    for number, token in numbers.items():
        if number == 0 or (number > 1 and number - 1 not in numbers):
            raise Fault(token.line, f"${number} without ${number - 1}" if number else "the first parameter is $1")
    names = list(dict.fromkeys(token.text[1:] for token in named))
    for name in names:
        _check_name(next(token.line for token in named if token.text[1:] == name), "parameter", name)
    names = names or [f"p{number}" for number in sorted(numbers)]
    if len(names) > PARAMETERS_MAX:
        raise Fault(body[0].line, f"the statement has {len(names)} parameters; there may be {PARAMETERS_MAX}")
    return names


def _set_text(made, body):
    """Returns (token, characters before it in the text) of the code."""
    code, pieces, size, gap = [], [], 0, False
    for token in body:
        if token.kind in (SPACE, COMMENT):
            gap = True
            continue
        if gap and pieces:
            pieces.append(" ")
            size += 1
        made.places.append((size, token.line))
        if token.kind != HINT:
            code.append((token, size))
        pieces.append(f"${made.params.index(token.text[1:]) + 1}" if token.kind == NAMED else token.text)
        size += len(pieces[-1])
        gap = False
    made.text = "".join(pieces)
    return code


def _add_other_texts(made, code, main):
    """Adds the texts that are not the author's: `exact` and `keep`."""
    tokens_of_code = [token for token, _ in code]
    head, work = made.text[:code[main][1]], made.text[code[main][1]:]
    begin = f"{head.rstrip()}, np_work" if tokens_of_code[0].is_word("WITH") else f"{head}WITH np_work"
    none = ANYWAY if result.may_work_without_row(tokens_of_code, main) else "$1::bool"
    one_row = ONE_ROW.format(none=none)
    count = len(made.params)
    made.inserts_one = result.inserts_one(tokens_of_code, main)
    made.exact = f"{begin} AS ({work}) SELECT * FROM np_work {_shifted(one_row, count)}"
    if made.columns and len(made.columns) <= KEEP_COLUMNS_MAX:
        keep = _shifted(KEEP, count).format(columns=", ".join(map(_keep_column, made.columns)))
        made.keep = f"{begin} AS ({work}), np_stored AS ({keep}) SELECT * FROM np_work {_shifted(one_row, count + 3)}"


def _shifted(text, count):
    """The text with its parameters behind so many others."""
    return re.sub(r"\$(\d)", lambda found: f"${count + int(found[1])}", text)


def _keep_column(name):
    column = 'np_work."' + name.replace('"', '""') + '"'
    literal = "'" + name.replace("'", "''") + "'"
    return KEEP_COLUMN.format(column=column, literal=literal)
