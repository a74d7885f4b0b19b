"""What becomes of the statements of a .sql file."""
import pytest

from env.sql.statements import KEEP_COLUMNS_MAX, Faults, statements

ONE = "-- name: it :one\n"


def one(sql, kind="one"):
    """The statement of that text."""
    made, = statements(f"-- name: it :{kind}\n{sql};\n")
    return made


def faults(text):
    with pytest.raises(Faults) as raised:
        statements(text)
    return [(fault.line, fault.words) for fault in raised.value.faults]


# --- names, kinds and comments ---


def test_a_file_has_statements():
    first, second = statements("""\
-- name: note_by_id :one
-- One note
-- that was not deleted.
SELECT id, title
  FROM notes -- all of them
 WHERE id = @id;

-- name: touch :exec
UPDATE notes SET seen = now() WHERE id = ANY(@ids) AND id <> @id;
""")
    assert (first.name, first.kind, first.line, first.params) == ("note_by_id", "one", 1, ["id"])
    assert first.doc == "One note that was not deleted."
    assert first.text == "SELECT id, title FROM notes WHERE id = $1"
    assert (second.name, second.kind, second.line, second.params) == ("touch", "exec", 8, ["ids", "id"])
    assert second.text == "UPDATE notes SET seen = now() WHERE id = ANY($1) AND id <> $2"
    assert second.doc == ""


@pytest.mark.parametrize("text, doc", [
    ("-- About a file.\n\n" + ONE + "SELECT 1;", ""),
    ("-- Before.\n" + ONE + "SELECT 1;", "Before."),
    ("-- About a file.\n\n-- Before.\n" + ONE + "-- Behind.\nSELECT 1;", "Before. Behind."),
    (ONE + "/* In a\n * block. */\n\n-- And more.\nSELECT 1;", "In a block. And more."),
    ("-- name: before :exec\nSELECT 1; -- of the first\n" + ONE + "SELECT 1;", ""),
    (ONE + "SELECT 1 -- of the list\n;", ""),
    (ONE + "--\n--   Two   words\nSELECT 1;", "Two words"),
])
def test_the_comments_around_a_name_are_the_statements(text, doc):
    assert statements(text)[-1].doc == doc


@pytest.mark.parametrize("line", ["-- name: it :one", "--name:it :one", "  --  name :  it   :one  ", "-- name: it :one\r"])
def test_a_name_may_be_written_with_other_blanks(line):
    made, = statements(f"{line}\nSELECT 1;")
    assert (made.name, made.kind) == ("it", "one")


def test_no_statement_is_no_fault():
    assert statements("") == statements("-- Nothing yet.\n") == []


def test_a_name_in_a_quote_or_behind_code_is_none():
    made, = statements(ONE + "SELECT $$\n-- name: other :one\n$$, 1 -- name: third :one\n;")
    assert made.name == "it"


def test_an_empty_statement_is_left_out():
    assert [made.name for made in statements(ONE + "SELECT 1;;\n;\n-- name: b :one\nSELECT 2;")] == ["it", "b"]


# --- the text ---


@pytest.mark.parametrize("sql, text", [
    ("SELECT\n\t1  AS  a", "SELECT 1 AS a"),
    ("/* a */ SELECT /* b */ 1 -- c\n", "SELECT 1"),
    ("SELECT 1/**/AS a", "SELECT 1 AS a"),
    ("SELECT 'a  b\n-- c' ", "SELECT 'a  b\n-- c'"),
    ("SELECT 'a'\n  'b'", "SELECT 'a'\n  'b'"),
    ("SELECT $f$ /* a */ $f$", "SELECT $f$ /* a */ $f$"),
    ('SELECT 1 AS "a  b"', 'SELECT 1 AS "a  b"'),
    ("/*+ SeqScan(t) */ SELECT 1", "/*+ SeqScan(t) */ SELECT 1"),
    ("SELECT a->>'b', -1, @ -5", "SELECT a->>'b', -1, @ -5"),
])
def test_the_text_has_one_line_and_no_comments(sql, text):
    assert one(sql).text == text


def test_each_place_of_the_text_has_its_line():
    made, = statements("\n\n-- name: it :one\nSELECT a,\n -- comment\n  'b\nc', @number,\n  d\nFROM e;")
    assert made.text == "SELECT a, 'b\nc', $1, d FROM e"
    for piece, line in [("SELECT", 4), ("a", 4), ("'b", 6), ("$1", 7), ("d", 8), ("FROM", 9), ("e", 9)]:
        assert made.line_at(made.text.index(piece) if piece != "e" else len(made.text) - 1) == line
    assert made.line_at(10_000) == 9


# --- parameters ---


@pytest.mark.parametrize("sql, params, text", [
    ("SELECT @b, @a, @b", ["b", "a"], "SELECT $1, $2, $1"),
    ("SELECT $1, $2, $1", ["p1", "p2"], "SELECT $1, $2, $1"),
    ("SELECT $2::int, $1", ["p1", "p2"], "SELECT $2::int, $1"),
    ("SELECT 1", [], "SELECT 1"),
    ("SELECT @id::uuid", ["id"], "SELECT $1::uuid"),
    ("SELECT x WHERE tags @> @tags AND @tags <@ y AND z @@ @words", ["tags", "words"],
     "SELECT x WHERE tags @> $1 AND $1 <@ y AND z @@ $2"),
    ("SELECT j @? @path, j @@ '$.a'", ["path"], "SELECT j @? $1, j @@ '$.a'"),
    ("SELECT a @ b, c@d, @ -5", [], "SELECT a @ b, c@d, @ -5"),
    ("SELECT '@a', \"@b\", $$@c$$, E'\\'@d', $x$ @e $x$ -- @f\n /* @g /* @h */ @i */", [],
     "SELECT '@a', \"@b\", $$@c$$, E'\\'@d', $x$ @e $x$"),
    ("SELECT '$1', $$ $2 $$ -- $3\n", [], "SELECT '$1', $$ $2 $$"),
    ("SELECT f(@a,@b)", ["a", "b"], "SELECT f($1,$2)"),
    ("SELECT a[@i:@j]", ["i", "j"], "SELECT a[$1:$2]"),
    ("SELECT @Id, @id", ["Id", "id"], "SELECT $1, $2"),
])
def test_parameters_are_numbered_by_their_first_use(sql, params, text):
    made = one(sql)
    assert (made.params, made.text) == (params, text)


# --- columns ---


@pytest.mark.parametrize("sql, columns", [
    ("SELECT id, title FROM notes", ["id", "title"]),
    ("SELECT n.id, public.notes.title, \"Ab\", \"a\"\"b\" FROM notes n", ["id", "title", "Ab", 'a"b']),
    ("SELECT ID, Title AS Heading FROM notes", ["id", "heading"]),
    ("SELECT a + b AS sum, (c).d AS d, 'x' AS \"Text\"", ["sum", "d", "Text"]),
    ("SELECT count(*), sum(a) total, now() AS at, pg_catalog.lower(b)", ["count", "total", "at", "lower"]),
    ("SELECT a b, t.c d FROM t", ["b", "d"]),
    ("SELECT id::text, f(a, b)::int[], d::numeric(10, 2)", ["id", "f", "d"]),
    ("SELECT coalesce(a, b), nullif(c, d), current_date", ["coalesce", "nullif", "current_date"]),
    ("SELECT DISTINCT a, b FROM t", ["a", "b"]),
    ("SELECT DISTINCT ON (x, y) a, b FROM t", ["a", "b"]),
    ("SELECT ALL a FROM t", ["a"]),
    ("SELECT a UNION SELECT b", ["a"]),
    ("SELECT a ORDER BY b LIMIT 1", ["a"]),
    ("SELECT (SELECT x, y FROM z) AS a, ARRAY[1, 2] AS b FROM t", ["a", "b"]),
    ("SELECT a IS DISTINCT FROM b AS c, d FROM t", ["c", "d"]),
    ("SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY x) AS middle, y FROM t", ["middle", "y"]),
    ("SELECT a AS from, t.order AS by FROM t", ["from", "by"]),
    ("SELECT @id AS id", ["id"]),
    ("SELECT " + "a" * 70, ["a" * 63]),
    ("SELECT GRÖSSE", ["grÖsse"]),
    ("INSERT INTO t VALUES (1) RETURNING id, b AS c", ["id", "c"]),
    ("INSERT INTO t SELECT a AS returning, b FROM u RETURNING id", ["id"]),
    ("UPDATE t SET a = b.returning FROM b RETURNING t.a", ["a"]),
    ("UPDATE t SET a = 1 RETURNING WITH (OLD AS o, NEW AS n) o.a AS before, n.a", ["before", "a"]),
    ("DELETE FROM t RETURNING f(id)", ["f"]),
    ("MERGE INTO t USING u ON true WHEN MATCHED THEN DELETE RETURNING t.id", ["id"]),
    ("WITH a AS (SELECT x FROM y) SELECT z FROM a", ["z"]),
    ("WITH a AS (INSERT INTO t VALUES (1) RETURNING x) UPDATE u SET y = 1 FROM a RETURNING y", ["y"]),
    # What the text does not show, or not for sure.
    ("SELECT *", None),
    ("SELECT a, t.* FROM t", None),
    ("SELECT 1", None),
    ("SELECT a + b", None),
    ("SELECT 'a'::text", None),
    ("SELECT a::text COLLATE \"C\"", None),
    ("SELECT a::double precision", None),
    ("SELECT a::timestamp with time zone", None),
    ("SELECT date '2026-01-01'", None),
    ("SELECT a IS NULL", None),
    ("SELECT a ISNULL", None),
    ("SELECT a AT TIME ZONE 'UTC'", None),
    ("SELECT CASE WHEN a THEN b END", None),
    ("SELECT NOT a", None),
    ("SELECT ARRAY[1]", None),
    ("SELECT EXISTS (SELECT 1)", None),
    ("SELECT trim(a)", None),
    ("SELECT cast(a AS int)", None),
    ("SELECT (a).b", None),
    ("SELECT a[1]", None),
    ("SELECT f(a).b", None),
    ("SELECT f(a) OVER w", None),
    ("SELECT f(a) FILTER (WHERE b)", None),
    ("SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY x), y", None),
    ("SELECT a IS DISTINCT FROM b", None),
    ("SELECT collation for (a)", None),
    ("SELECT @id", None),
    ("SELECT true", None),
    ("SELECT a AS \"b,c\"", None),
    ("SELECT a AS U&\"b\"", None),
    ("SELECT FROM t", None),
    ("VALUES (1)", None),
    ("(SELECT a)", None),
    ("TABLE t", None),
    ("SHOW all", None),
    ("RETURNING a", None),
    ("SELECT a AS distinct FROM b", ["distinct"]), ("SELECT extract(year FROM a)", None), ("SELECT row, a", ["row", "a"]),
    ("SELECT ROW(1, 2)", None), ("SELECT a IS DISTINCT FROM b AS c FROM d", ["c"]),
])
def test_the_names_of_the_columns(sql, columns):
    assert one(sql).columns == columns


# --- one row, and storing it ---


def one_row(number, anyway):
    """The end of a text that fails unless it returns one row. anyway: also if nothing was done before it."""
    none = f"${number}::bool" + (" IS NOT NULL" if anyway else "")
    return (" LIMIT (SELECT CASE WHEN count(*) > 1 THEN -1 END FROM np_work)"
            f" OFFSET (SELECT CASE WHEN count(*) = 0 AND {none} THEN -1 END FROM np_work)")


def kept(values, *columns, anyway=False):
    """What follows np_work in a statement with so many values and these columns, that stores its row."""
    pairs = ", ".join(f"""jsonb_build_array('{name}', pg_typeof(coalesce(np_work."{name}", NULL))::oid::bigint,"""
                      f""" CASE num_nulls(np_work."{name}") WHEN 0 THEN concat(np_work."{name}") END)""" for name in columns)
    return (f"), np_stored AS (INSERT INTO idempotency_keys (caller, key, fingerprint, results) SELECT ${values + 1}, ${values + 2},"
            f" ${values + 3}, row.results FROM (SELECT (SELECT jsonb_build_object('columns', jsonb_build_array({pairs}))"
            " FROM np_work) AS results) AS row WHERE row.results IS NOT NULL) SELECT * FROM np_work"
            + one_row(values + 4, anyway))


def test_the_values_of_other_texts_follow_the_statements():
    made = one("INSERT INTO a VALUES (@x, @y, @x) RETURNING id, b")
    assert made.exact == ("WITH np_work AS (INSERT INTO a VALUES ($1, $2, $1) RETURNING id, b) SELECT * FROM np_work"
                          + one_row(3, False))
    assert one("INSERT INTO a VALUES (@x, @y, @x) RETURNING id, b").keep == (
        "WITH np_work AS (INSERT INTO a VALUES ($1, $2, $1) RETURNING id, b" + kept(2, "id", "b"))


@pytest.mark.parametrize("before, main", [
    ("", "SELECT x"),
    ("", "select x"),
    ("", "Update a SET b = 1 returning x"),
    ("", "DELETE FROM a RETURNING x"),
    ("", "MERGE INTO a USING b ON true WHEN MATCHED THEN DELETE RETURNING x"),
    ("WITH a AS (SELECT 1), b AS (SELECT 2)", "INSERT INTO c SELECT * FROM b RETURNING x"),
    ("WITH RECURSIVE a(n) AS NOT MATERIALIZED (SELECT ')')", "SELECT x FROM a"),
    ("WITH a AS MATERIALIZED (SELECT 1)", "SELECT 1 AS x"),
    ("WITH \"select\" AS (SELECT 1)", "SELECT x"),
    ("WITH \"a\"\"select\" AS (SELECT 1)", "SELECT x"),
    ("WITH a AS (SELECT 'it''s (')", "SELECT x"),
    ("WITH a AS (SELECT E'\\' (')", "SELECT x"),
    ("WITH a AS (SELECT e'\\\\')", "SELECT x"),
    ("WITH a AS (SELECT '\\')", "SELECT x"),
    ("WITH a AS (SELECT U&'\\0041(')", "SELECT x"),
    ("WITH a AS (SELECT $$($$, $x$ $$ ( $x$)", "SELECT x"),
    ("WITH a$1 AS (SELECT 1), selection AS (SELECT 1)", "SELECT x"),
    ("WITH ä AS (SELECT 1)", "SELECT x"),
    ("WITH update AS (SELECT 1), values AS (SELECT 2)", "SELECT x"),
    ("WITH recursive AS (SELECT 1)", "SELECT x"),
    ("WITH RECURSIVE a AS (SELECT 1 UNION SELECT 2) SEARCH DEPTH FIRST BY b, c SET d, e AS (SELECT 3)", "SELECT x"),
    ("WITH RECURSIVE a AS (SELECT 1) CYCLE b, c SET d TO 'y' DEFAULT 'n' USING e", "DELETE FROM x RETURNING x"),
    ("WITH RECURSIVE a AS (SELECT 1) SEARCH BREADTH FIRST BY b SET c CYCLE b SET d USING e", "SELECT x"),
])
def test_the_main_statement_is_found(before, main):
    made = one(f"{before} {main}")
    begin, anyway = f"{before}, np_work AS ({main}" if before else f"WITH np_work AS ({main}", main.lower().startswith("select")
    assert made.keep == begin + kept(0, "x", anyway=anyway)
    assert made.exact == f"{begin}) SELECT * FROM np_work{one_row(1, anyway)}"


@pytest.mark.parametrize("sql, anyway", [
    ("UPDATE a SET b = 1 RETURNING b", False), ("DELETE FROM a USING b RETURNING a.id", False),
    ("INSERT INTO a SELECT x FROM y RETURNING id", False), ("WITH x AS (SELECT 1) UPDATE a SET b = 1 RETURNING b", False),
    ("SELECT f($1)", True), ("VALUES (1)", True), ("WITH x AS (UPDATE a SET b = 1 RETURNING b) SELECT b FROM x", True),
    ("WITH x AS (DELETE FROM c) UPDATE a SET b = 1 RETURNING b", True),
    ("WITH x AS (SELECT 'delete' AS \"update\") UPDATE a SET b = 1 RETURNING b", False),
])
def test_without_a_row_it_may_have_done_something(sql, anyway):
    assert ("IS NOT NULL THEN -1" in one(sql).exact) is anyway


@pytest.mark.parametrize("sql, inserts_one", [
    ("INSERT INTO a (b) VALUES (1) RETURNING b", True), ("INSERT INTO a VALUES ((SELECT 1), (2)) ON CONFLICT DO NOTHING RETURNING b", True),
    ("INSERT INTO a DEFAULT VALUES RETURNING b", True), ("INSERT INTO a VALUES (1), (2) RETURNING b", False),
    ("INSERT INTO a SELECT 1 RETURNING b", False), ("INSERT INTO a TABLE b RETURNING b", False),
    ("INSERT INTO a WITH v AS (VALUES (1)) SELECT * FROM v RETURNING b", False), ("UPDATE a SET b = 1 RETURNING b", False),
    ("WITH x AS (SELECT 1) INSERT INTO a VALUES (1) RETURNING b", False), ("VALUES (1)", False), ("SELECT 1", False),
    ("INSERT INTO a (SELECT 1) RETURNING b", False),
])
def test_an_insert_of_one_row_that_is_written_out(sql, inserts_one):
    assert one(sql).inserts_one is inserts_one


def test_a_hint_stays_in_front():
    assert one("/*+ SeqScan(t) */ SELECT x").keep.startswith("/*+ SeqScan(t) */ WITH np_work AS (SELECT x), ")
    assert one("/*+ SeqScan(t) */ WITH a AS (SELECT 1) SELECT x").keep.startswith(
        "/*+ SeqScan(t) */ WITH a AS (SELECT 1), np_work AS (SELECT x), ")


def test_a_columns_name_is_quoted():
    made = one("""SELECT x AS "it's ""x\"""").keep
    assert """jsonb_build_array('it''s "x', pg_typeof(coalesce(np_work."it's ""x", NULL))""" in made


@pytest.mark.parametrize("columns, has_keep", [(KEEP_COLUMNS_MAX, True), (KEEP_COLUMNS_MAX + 1, False)])
def test_the_row_that_is_stored_has_so_many_columns(columns, has_keep):
    assert bool(one("SELECT " + ", ".join(f"c{place}" for place in range(columns))).keep) is has_keep


@pytest.mark.parametrize("sql", ["SELECT *", "SELECT 1", "VALUES (1)", "DELETE FROM a RETURNING *", "SELECT a + b"])
def test_a_row_whose_columns_the_text_does_not_name_is_not_stored(sql):
    assert one(sql).keep is None


@pytest.mark.parametrize("sql", [
    "TABLE a", "SHOW a", "CALL a()", "(SELECT 1)", "WITH a AS (SELECT 1) (SELECT 2) UNION SELECT 3",
    "WITH a AS (SELECT 1) TABLE a", "EXPLAIN SELECT 1", "WITH a", "WITH a AS", "WITH a SELECT 1", "WITH",
])
def test_other_statements_store_no_row(sql):
    assert one(sql).keep is one(sql).exact is None


@pytest.mark.parametrize("kind", ["many", "exec"])
def test_only_a_statement_of_one_row_has_other_texts(kind):
    assert one("SELECT x", kind).keep is one("SELECT x", kind).exact is None


# --- faults ---


@pytest.mark.parametrize("line, words", [
    ("-- name: it", 'a name is written as "-- name: note_by_id :one", with :one, :many or :exec'),
    ("-- name:", 'a name is written as "-- name: note_by_id :one", with :one, :many or :exec'),
    ("-- name: it one", 'a name is written as "-- name: note_by_id :one", with :one, :many or :exec'),
    ("-- name: it :one more", 'a name is written as "-- name: note_by_id :one", with :one, :many or :exec'),
    ("-- name: it :execrows", "it has the unknown kind :execrows: there are :one, :many and :exec"),
    ("-- name: it^ :one", "it^ cannot name a statement: use letters, digits and single _, at most 63, first a letter"),
    ("-- name: 1st :one", "1st cannot name a statement: use letters, digits and single _, at most 63, first a letter"),
    ("-- name: _it :one", "_it cannot name a statement: use letters, digits and single _, at most 63, first a letter"),
    ("-- name: a__b :one", "a__b cannot name a statement: use letters, digits and single _, at most 63, first a letter"),
    ("-- name: größe :one", "größe cannot name a statement: use letters, digits and single _, at most 63, first a letter"),
    (f"-- name: {'a' * 64} :one",
     f"{'a' * 64} cannot name a statement: use letters, digits and single _, at most 63, first a letter"),
    ("-- name: delete :one", "delete cannot name a statement: it is a word of C or C++"),
    ("-- name: while :one", "while cannot name a statement: it is a word of C or C++"),
    ("-- name: main :one", "main cannot name a statement: it is a word of C or C++"),
    ("-- name: np_note :one", "np_note cannot name a statement: names that begin with np_ are nullpool's"),
    ("-- name: NP_NOTE :one", "NP_NOTE cannot name a statement: names that begin with np_ are nullpool's"),
])
def test_a_wrong_name_is_a_fault(line, words):
    assert faults(f"\n{line}\nSELECT 1;") == [(2, words)]


@pytest.mark.parametrize("sql, line, words", [
    ("SELECT @int", 2, "int cannot name a parameter: it is a word of C or C++"),
    ("SELECT 1,\n@a__b", 3, "a__b cannot name a parameter: use letters, digits and single _, at most 63, first a letter"),
    ("SELECT @np_a", 2, "np_a cannot name a parameter: names that begin with np_ are nullpool's"),
    ("SELECT @a,\n$1", 3, "@a and $1 are in one statement: use one form"),
    ("SELECT $2", 2, "$2 without $1"),
    ("SELECT $1,\n$3", 3, "$3 without $2"),
    ("SELECT $0", 2, "the first parameter is $1"),
    ("SELECT " + ", ".join(f"@p{i}" for i in range(65)), 2, "the statement has 65 parameters; there may be 64"),
    ("SELECT (1,\n(2)", 2, "( is not closed"),
    ("SELECT 1)", 2, ") closes nothing"),
    ("SELECT (1]", 2, "] closes nothing"),
    ("SELECT (1; 2)", 2, "( is not closed"),
    ("SELECT 'a", 2, "the ' that begins here is not closed"),
    ("SELECT a =@b", 2, "=@b has the operator =@: write = @b for a parameter"),
])
def test_a_wrong_statement_is_a_fault(sql, line, words):
    assert faults(f"{ONE}{sql};")[0] == (line, words)


@pytest.mark.parametrize("sql", ["INSERT INTO a VALUES (1)", "INSERT INTO a VALUES ('RETURNING')", "UPDATE a SET b = 1",
                                 "INSERT INTO a SELECT (SELECT 1 AS returning)", "DELETE FROM a", "SELECT 1 INTO a",
                                 "MERGE INTO a USING b ON true WHEN MATCHED THEN DELETE",
                                 "WITH a AS (INSERT INTO b VALUES (1) RETURNING 1) INSERT INTO c SELECT * FROM a"])
@pytest.mark.parametrize("kind", ["one", "many"])
def test_a_statement_that_returns_no_rows_is_exec(sql, kind):
    assert faults(f"-- name: it :{kind}\n{sql};") == [
        (1, f"it is :{kind} but returns no rows: add RETURNING, or make it :exec")]
    assert one(sql, "exec").kind == "exec"


@pytest.mark.parametrize("kind", ["one", "many"])
@pytest.mark.parametrize("sql", ["SELECT id, id", "SELECT a.id, b.x AS id", "INSERT INTO a VALUES (1) RETURNING id, b, Id",
                                 f"SELECT {'a' * 70}, {'a' * 80}"])
def test_two_columns_of_one_name_are_a_fault(sql, kind):
    assert "returns two columns named" in faults(f"-- name: it :{kind}\n{sql};")[0][1]
    assert one(sql, "exec").kind == "exec"


@pytest.mark.parametrize("text, expected", [
    ("SELECT 1;", [(1, 'the statement has no name: write "-- name: NAME :one" above it, or :many, or :exec')]),
    ("-- name : it\n", [(1, "no statement follows the name")]),
    (ONE, [(1, "no statement follows the name")]),
    (ONE + "-- name: b :one\nSELECT 1;", [(1, "no statement follows the name")]),
    (ONE + ";\n", [(1, "no statement follows the name")]),
    (ONE + "SELECT 1", [(2, "the statement does not end with ;")]),
    (ONE + "\nSELECT 1\n-- name: b :one\nSELECT 2;", [(3, "the statement does not end with ;")]),
    (ONE + "SELECT 1;\n\nSELECT 2;", [(4, "a second statement of the name it")]),
    (ONE + "SELECT 1;\n" + ONE + "SELECT 2;", [(3, "line 1 has the name it too")]),
])
def test_what_belongs_to_no_statement_is_a_fault(text, expected):
    assert faults(text) == expected


def test_all_faults_are_told_at_once():
    assert [line for line, _ in faults("-- name: a :two\nSELECT 1;\n-- name: b :one\nSELECT $2;\n-- name: c :one\nSELECT '")] == [
        1, 4, 6]
