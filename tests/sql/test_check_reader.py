"""How make check reads C: tokens, macros, tables, functions, and where the rows of a variable come from."""
import pytest

from env.sql.check.c_source import Source, assigned, calls, names, text
from env.sql.check.c_tokens import Reader
from env.sql.check.flow import Flow
from env.sql.check.value_types import Type, Value, may_give, may_return


def read(folder, code):
    (folder / "one.c").write_text(code)
    reader = Reader(folder, ["."])
    reader.read("one.c")
    return reader


def source(folder, code):
    (folder / "one.c").write_text(code)
    return Source(folder, "one.c", ["."])


def spelled(tokens):
    return " ".join(token.text for token in tokens)


@pytest.mark.parametrize("code, wanted", [
    ("a /* b */ c // d\ne", "a c e"),
    ("a->b == c ... 1.5e+3 0xffu", "a -> b == c ... 1.5e+3 0xffu"),
    ("'\"' '\\'' x", "'\"' '\\'' x"),
    ("#define ONE 1\nONE one", "1 one"),
    ("#define PAIR 1, \\\n  2 /* more\n */, 3\n{ PAIR }", "{ 1 , 2 , 3 }"),
    ("#define A B\n#define B 2\nA", "2"),
    ("#define A A + B\n#define B A\nA", "A + A"),
    ("#define F(x) { x, x }\nF(1) F", "{ 1 , 1 } F"),
    ("#define F(x, y) y x\nF((a, b), G(c, d))", "G ( c , d ) ( a , b )"),
    ("#define F(x, ...) g(x, __VA_ARGS__)\nF(1, 2, 3)", "g ( 1 , 2 , 3 )"),
    ("#define F(x) F(x)\n#define G(x) F(x)\nG(1)", "F ( 1 )"),
    ("#define F(x) #x\n#define G(x) a##x\nF(1) G(1)", "F ( 1 ) G ( 1 )"),
    ("#define A 1\n#undef A\nA", "A"),
    ("#define A 1\nA\n#undef A\n#define A 2\nA", "1 2"),
    ("#if ONE\na\n#else\nb\n#endif\nc", "a b c"),
    ("  #  define A 1\nA", "1"),
    ("#define URL \"http://x/*\"\nURL a", "http://x/* a"),
    ("f(", "f ("),
])
def test_tokens(tmp_path, code, wanted):
    assert spelled(read(tmp_path, code).tokens) == wanted


def test_a_string_is_what_is_between_its_quotes_and_several_are_one(tmp_path):
    tokens = read(tmp_path, '"a\\"b\\n" "c"  u8"d\\\ne"').tokens
    assert text(tokens) == 'a"b\ncde'
    assert text(read(tmp_path, '"a" b').tokens) is None and text([]) is None


def test_a_token_has_its_line_and_that_of_a_macro_is_the_line_of_its_use(tmp_path):
    tokens = read(tmp_path, "#define A x \\\n y\n/*\n*/ \"b\\\nc\" d\nA").tokens
    assert [(token.text, token.line) for token in tokens] == [("bc", 4), ("d", 5), ("x", 6), ("y", 6)]


def test_local_headers_are_read_once_and_those_of_other_folders_for_their_constants(tmp_path):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "lib.h").write_text("#define LIMIT 1\n#define LIST(x) x\nint hidden;\n")
    (tmp_path / "one.c").write_text('#include "two.h"\n#include <lib.h>\n#include <stdio.h>\nLIMIT LIST(2)')
    (tmp_path / "two.h").write_text('#include "one.c"\n#include "three.sql.h"\nint two;')
    reader = Reader(tmp_path, ["lib"])
    reader.read("one.c")
    assert spelled(reader.tokens) == "int two ; 1 LIST ( 2 )"
    assert reader.files == ["one.c", "two.h", "lib/lib.h"]
    assert [(path, token.file, token.line) for path, token in reader.sql.items()] == [("three.sql", "two.h", 2)]


def test_functions_have_their_parameters_and_bodies(tmp_path):
    functions = source(tmp_path, """
        int declared(int a);
        static bool __attribute__((unused)) first(struct np_ctx *ctx, const char *names[], bool (*test)(int)) { return { 1 }; }
        struct shape { int side; } square = { 1 };
        void second(void) {}
    """).functions
    assert list(functions) == ["first", "second"]
    assert functions["first"].params[:1] == ["ctx"] and "names" in functions["first"].params
    assert spelled(functions["first"].body) == "return { 1 } ;"


def test_tables_are_read_with_inner_members_in_both_forms(tmp_path):
    found = source(tmp_path, """
        static const struct np_param a = { .name = "a" "b", .type = NP_TYPE_INT, .max_items = 3 },
                                     b = { .name = "b", .nullable = true };
        const struct np_schema s = { .name = "S", .members = NP_PARAMS(&a, &b) };
        static const struct np_route one = { .method = "GET", .path = "/a", .handle = &get, .answer.omit = NP_NAMES("x", "y") };
        static const struct np_route routes[2] = {
            { .method = "PUT", .path = "/b", .handle = put, .params = NP_PARAMS(&a), .returns = &s,
              .answer = { .location = "/b/{a}", .empty = true } },
            [1] = { .method = "GET" },
        };
    """)
    assert {name: (param.name, param.type, param.is_list, param.is_nullable) for name, param in found.params.items()} == {
        "a": ("ab", "NP_TYPE_INT", True, False), "b": ("b", "NP_TYPE_STRING", False, True)}
    assert (found.schemas["s"].name, found.schemas["s"].members) == ("S", ["a", "b"])
    assert [(route.name, route.handler, route.params, route.schema, route.is_empty, route.omit, route.location)
            for route in found.routes] == [
        ("GET /a", "get", [], None, False, ["x", "y"], None), ("PUT /b", "put", ["a"], "s", True, [], "/b/{a}")]


def test_what_is_not_known_is_none(tmp_path):
    found = source(tmp_path, "struct np_route r = { .params = shared, .answer = { .omit = some } };")
    assert found.routes[0].params is None and found.routes[0].omit is None
    tokens = read(tmp_path, 'x ? NP_NAMES("a") : NP_NAMES("b", "c")').tokens
    assert names(tokens) == ["a", "b", "c"] and names(tokens[:1]) is None and names([]) == []


def test_a_handler_reaches_what_its_functions_call(tmp_path):
    found = source(tmp_path, "void c(void) { b(); } void b(void) { c(); } void a(void) { run(&b); } void d(void) { a(); }")
    assert sorted(function.name for function in found.reached("a")) == ["a", "b", "c"]
    assert found.reached("none") == []


@pytest.mark.parametrize("body, is_reached", [
    ("return b(1);", True), ("x = y ? b : 0; x();", True), ("if (x) return 1; else b();", True),
    ("bool b = true; use(b);", False), ("struct rows *b; use(&b);", False), ("use(x.b, y->b);", False),
])
def test_a_variable_or_a_member_with_the_name_of_a_function_is_no_call_of_it(tmp_path, body, is_reached):
    found = source(tmp_path, f"void a(void) {{ {body} }} void b(void) {{}}")
    assert ("b" in [function.name for function in found.reached("a")]) == is_reached


def test_calls_and_assigned_values(tmp_path):
    tokens = read(tmp_path, "if (f(g(1, 2), { 3, 4 },)) x = y ? 1 : 2, z.x = 3; x[i][2] = { 4, 5 }; x == 6;").tokens
    assert [(call.name, [spelled(argument) for argument in call.arguments]) for call in calls(tokens, "f", "g")] == [
        ("f", ["g ( 1 , 2 )", "{ 3 , 4 }"]), ("g", ["1", "2"])]
    assert [spelled(value) for value in assigned(tokens, "x")] == ["y ? 1 : 2", "{ 4 , 5 }"]


@pytest.mark.parametrize("body, wanted", [
    ("np_query(ctx, &rows, a()); use(rows);", ["a"]),
    ("np_query(ctx, &other, a()); use(rows);", []),
    ("np_query(ctx, &rows, a()); np_query_one(ctx, &rows, b()); use(rows);", ["b"]),
    ("np_query(ctx, &rows, a()); use(rows); np_query_last(ctx, &rows, b());", ["a"]),
    ("if (x) np_query(ctx, &rows, a()); else np_query(ctx, &rows, b()); use(rows);", ["b", "a"]),
    ("x ? np_query(ctx, &rows, a()) : np_query(ctx, &rows, b()); use(rows);", ["b", "a"]),
    ("np_query(ctx, &rows, x ? a() : b()); use(rows);", ["a", "b"]),
    ("np_query(ctx, &rows, NP_CALL_ONE_OF(x ? NP_STATEMENT(a) : NP_STATEMENT(b), 1)); use(rows);", ["a", "b"]),
    ("const struct np_statement *s[] = { NP_STATEMENT(b) }; np_query(ctx, &rows, NP_CALL_ONE_OF(s[i], 1)); use(rows);", ["b"]),
    ("np_query(ctx, &rows, NP_CALL_ONE_OF(top[i], 1)); use(rows);", ["b", "a"]),
    ("struct np_call c = a(); np_query(ctx, &rows, c); use(rows);", ["a"]),
    ("helper(rows);", []),
])
def test_the_rows_of_a_variable_are_those_of_its_last_statement(tmp_path, body, wanted):
    found = source(tmp_path, "struct np_statement *top[] = { NP_STATEMENT(b), NP_STATEMENT(a) };\n"
                   f"void f(void) {{ {body} }}")
    function = found.functions["f"]
    use = next((call.begin for call in calls(function.body, "use")), len(function.body))
    flow = Flow(found, {"a", "b"}, list(found.functions.values()))
    assert [sent.statement for sent in flow.rows(function, "rows", use)] == wanted


def test_rows_and_statements_are_followed_through_parameters_also_of_functions_that_call_themselves(tmp_path):
    found = source(tmp_path, """
        void reply(struct np_ctx *ctx, struct np_rows *got) { reply(ctx, got); use(got); }
        void ask(struct np_ctx *ctx, struct np_call call) { np_query(ctx, &rows, call); ask(ctx, call); reply(ctx, rows); }
        void start(struct np_ctx *ctx) { ask(ctx, a()); ask(ctx, b(1)); }
    """)
    flow = Flow(found, {"a", "b"}, list(found.functions.values()))
    assert {sent.statement for sent in flow.rows(found.functions["reply"], "got", 100)} == {"a", "b"}


UUID, TEXT, JSONB, INT, INTS = (Type(name, name, is_array) for name, is_array in (
    ("uuid", False), ("text", False), ("jsonb", False), ("int8", False), ("int4", True)))


@pytest.mark.parametrize("kind, is_list, to, wanted", [
    ("NP_TYPE_UUID", False, UUID, True), ("NP_TYPE_STRING", False, UUID, False), ("NP_TYPE_UUID", False, TEXT, True),
    ("NP_TYPE_INT", True, INTS, True), ("NP_TYPE_INT", False, INTS, False), ("NP_TYPE_INT", True, INT, False),
    ("NP_TYPE_STRING", True, INTS, False), ("NP_TYPE_INT", True, TEXT, False), ("NP_TYPE_OBJECT", False, JSONB, True),
    ("NP_TYPE_STRING", False, JSONB, False), ("NP_TYPE_ENUM", False, Type("mood", "mood", False), True),
    ("NP_TYPE_DATE", False, Type("timestamptz", "timestamptz", False), True),
    ("NP_TYPE_DATETIME", False, Type("date", "date", False), False), ("NP_TYPE_CURSOR", False, UUID, True),
    ("NP_TYPE_INT", False, Type("anyelement", "anyelement", False), True),
])
def test_which_values_a_parameter_takes(kind, is_list, to, wanted):
    assert may_give(Value(kind, is_list), to) == wanted


@pytest.mark.parametrize("kind, is_list, column, is_expression, wanted", [
    ("NP_TYPE_UUID", False, UUID, False, True), ("NP_TYPE_UUID", False, TEXT, False, False),
    ("NP_TYPE_UUID", False, TEXT, True, True), ("NP_TYPE_STRING", False, UUID, False, True),
    ("NP_TYPE_STRING", False, INT, False, False), ("NP_TYPE_INT", False, TEXT, True, False),
    ("NP_TYPE_INT", False, JSONB, True, True), ("NP_TYPE_INT", False, JSONB, False, False),
    ("NP_TYPE_INT", True, INTS, False, True), ("NP_TYPE_INT", True, JSONB, False, True),
    ("NP_TYPE_INT", False, INTS, False, False), ("NP_TYPE_JSON", False, INTS, False, True),
    ("NP_TYPE_OBJECT", False, TEXT, True, False), ("NP_TYPE_FLOAT", False, INT, False, True),
    ("NP_TYPE_INT", False, Type("float8", "float8", False), False, False),
])
def test_which_columns_a_member_may_be(kind, is_list, column, is_expression, wanted):
    assert may_return(Value(kind, is_list), column, is_expression) == wanted
