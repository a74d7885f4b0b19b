"""A handler that asks for something that does not exist: a 500, and the log names it and the route. The worker goes on."""
import re
import subprocess

import pytest

from conftest import BUILD, ROOT, program


@pytest.fixture(scope="module")
def service(site, started):
    from conftest import Service
    started.append(Service(site, ["misuse", "health"], SECRET_KEY=None, NULLPOOL_ENV_FILE="/dev/null", DATABASE_POOL_SIZE=1,
                           DATABASE_MAX_OVERFLOW=0).start())
    return started[-1]


@pytest.mark.parametrize("path, says", [
    ("argument", 'np_arg() of parameter "stranger", which the route does not have'), ("given", 'np_given() of parameter "stranger", which the route does not have'),
    ("key", 'np_cursor_key() of key 9 of parameter "after"'), ("no-cursor", 'np_cursor_key() of key 0 of parameter "what"'),
    ("column", 'np_field() of column "tow", which the result does not have'), ("row", "np_field() of row 1, and there are 1"),
    ("token", "np_access_token() of a user or session that is null"), ("json", 'np_reply_object(): the text of "value" is not JSON'),
    ("page", "np_reply_page() of at most 0 rows"), ("commit", "np_commit() in a route that is not NP_TX_MANUAL"),
    ("rollback", "np_rollback() in a route that is not NP_TX_MANUAL"),
    ("far-key", 'np_cursor_key() of key 18446744073709551615 of parameter "after"'), ("null-rows", "np_field() of rows that is NULL"),
    ("no-rows", "np_reply_row() of no rows"), ("header", "np_header() of content-length, which the library writes"),
    ("status", "a reply with a status that is no np_status"), ("nameless", "np_reply_object() with a member without a name"),
    ("no-error", "an error that there is not"), ("other-error", "an error that there is not"), ("numbers", "all were taken"),
    ("secret-hash", "np_keyed_hash() without a SECRET_KEY"), ("secret-token", "np_access_token() without a SECRET_KEY"),
    ("none/last", "np_query_last() in a route that is neither NP_TX_READ nor NP_TX_WRITE"),
])
def test_the_log_says_what_was_not_there(service, path, says):
    answer = service.client.get(f"/misuse/{path}")
    assert answer.status == 500 and answer.problem() and "np_" not in answer.body.decode()
    line = service.line_of(answer)
    assert says in line["detail"] and line["route"] == ("/misuse/none/{what}" if "/" in path else "/misuse/{what}")


@pytest.mark.parametrize("what, says", [
    ("few", "a call of two_values with 1 values in place of 2"), ("many", "a call of one_row with 2 values in place of 1"),
    ("one", "np_query_one() of two_values, which is :many"), ("exec", "np_query() of nothing, which is :exec"),
    ("two", "one_of_two_rows is :one and returned several rows"),
])
def test_a_call_that_does_not_fit_its_statement_is_named_with_its_line(service, what, says):
    sql = (ROOT / "tests/system/handlers/misuse.sql").read_text()
    name = re.search(r"two_values|one_row|nothing|one_of_two_rows", says)[0]
    number = sql[:sql.index(f"-- name: {name} :")].count("\n") + 1
    answer = service.client.get(f"/misuse/call/{what}")
    assert answer.status == 500 and answer.problem() and name not in answer.body.decode()
    line = service.line_of(answer)
    assert f"{says} (tests/system/handlers/misuse.sql:{number})" in line["detail"] and line["route"] == "/misuse/call/{what}"
    assert line.get("queries", 0) == (1 if what == "two" else 0)


def rows(site):
    return site.query("SELECT count(*) FROM probe_rows WHERE label = 'misuse'")[0][0]


@pytest.mark.parametrize("what, outcome, written", [("argument", None, 0), ("plain", "rolled_back", 0), ("marked", "committed", 1)])
def test_nothing_is_committed_that_can_still_be_held_back(service, site, what, outcome, written):
    before = rows(site)
    answer = service.client.ask("PUT", f"/misuse/{what}")
    assert answer.status == 500
    line = service.line_of(answer)
    assert ('"stranger"' if what == "argument" else '"lable"') in line["detail"] and "PUT /misuse/{what}" in line["detail"]
    assert rows(site) - before == written and line.get("outcome") in (outcome, "none" if outcome is None else outcome)


def test_the_worker_is_the_same_after_all(service):
    """No worker died: that would be in the log."""
    assert service.client.get("/misuse/fine").status == 200
    assert not service.lines(event="worker died")


@pytest.mark.parametrize("path", ["/health/live?ts=1", "/health?ts=1&ts=2", "/health/ready?_=x"])
def test_probes_may_add_what_they_like(service, path):
    assert service.client.get(path).status == 200


def linked(source, include=ROOT / "common"):
    """Builds the program with the flags of an endpoint outside the tree; returns its path."""
    libraries = subprocess.run(["pkg-config", "--libs", "libpq", "json-c", "hiredis", "talloc", "openssl", "libsodium", "libseccomp", "libcares"],
                               capture_output=True, text=True, check=True).stdout.split()
    sanitize = ["-fsanitize=address,undefined"] if b"__asan_init" in program("health").read_bytes() else []
    subprocess.run(["cc", *sanitize, "-I", include, source, BUILD / "libnullpool.a", "-o", source.with_suffix(""), *libraries, "-lfcgi"], check=True)
    return source.with_suffix("")


BROKEN = """\
#include "nullpool.h"
static bool
answer(struct np_ctx *ctx)
{
	return np_reply_empty(ctx);
}
static const struct np_param x = { .name = "x", .in = NP_IN_QUERY, .type = NP_TYPE_INT };
static const struct np_param other_x = { .name = "x", .in = NP_IN_QUERY, .type = NP_TYPE_UUID };
static const struct np_schema schema = { .name = "Broken", .members = NP_PARAMS(&x, &other_x) };
static const struct np_route routes[] = { { .method = "GET", .handle = answer, %s } };
int
main(int argc, char **argv)
{
	return np_main(argc, argv, "broken", routes);
}
"""


@pytest.mark.long
@pytest.mark.parametrize("row, says", [
    ('.path = "/broken", .params = NP_PARAMS(&x, &x)', b'GET /broken: parameter \\"x\\" is listed twice'),
    ('.path = "/broken", .params = NP_PARAMS(&x, &other_x)', b'GET /broken: parameter \\"x\\" has the name and the place of another'),
    ('.path = "/broken", .returns = &schema', b'GET /broken: member \\"x\\" of its schema is defined twice'),
    ('.path = "/broken", .params = NP_PARAMS(&x), .partial = true', b"GET /broken: it is .partial but has no parameters in the body"),
    ('.path = "/brokenly"', b"GET /brokenly: nginx sends it to another program: this one gets /broken and what is below it"),
])
def test_check_finds_a_broken_table(site, row, says):
    folder = site.folder("broken-table")
    (folder / "broken.c").write_text(BROKEN % row)
    done = subprocess.run([linked(folder / "broken.c"), "--check"], env=site.environment(), capture_output=True, check=False)
    assert done.returncode == 70 and says in done.stderr


@pytest.mark.long
@pytest.mark.parametrize("old, new, says", [
    (r"NP_VERSION_NUMBER +\d+", "NP_VERSION_NUMBER 90807", b"nullpool.h (9.8.7, "),
    (r"(struct np_route \{\n)", r"\1\tconst char *one_more;\n", b"compiled with another nullpool.h"),
])
def test_a_program_of_another_header_is_refused(site, old, new, says):
    folder = site.folder("other-header")
    header = (ROOT / "common" / "nullpool.h").read_text()
    changed = re.sub(old, new, header)
    assert changed != header
    (folder / "nullpool.h").write_text(changed)
    (folder / "broken.c").write_text(BROKEN % '.path = "/broken"')
    broken = linked(folder / "broken.c", folder)
    for arguments in ["--check"], ["GET", "/broken"], ["--version"]:
        done = subprocess.run([broken, *arguments], env=site.environment(), capture_output=True, check=False)
        assert done.returncode == 78 and says in done.stderr and b"compile it again" in done.stderr and not done.stdout


@pytest.mark.long
def test_the_library_knows_its_version(site):
    folder = site.folder("version")
    (folder / "version.c").write_text('#include <stdio.h>\n#include "nullpool.h"\nint main(void) { return puts(np_version()) < 0; }\n')
    version = re.search(r'#define NP_VERSION +"(.*)"', (ROOT / "common" / "nullpool.h").read_text())[1]
    assert subprocess.run([linked(folder / "version.c")], capture_output=True, text=True, check=True).stdout == f"{version}\n"
