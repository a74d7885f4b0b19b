"""A role's own settings change neither what an answer looks like nor what a statement means."""
import contextlib

import pytest

from conftest import AHEAD, CANARY, Service
from pgbouncer import PgBouncer

ODD = {
    "datestyle": "'German, DMY'", "timezone": "'Asia/Tokyo'", "intervalstyle": "iso_8601", "extra_float_digits": "0",
    "bytea_output": "escape", "xmlbinary": "hex", "xmloption": "document", "standard_conforming_strings": "off",
    "array_nulls": "off", "quote_all_identifiers": "on", "jit": "on", "default_transaction_isolation": "'repeatable read'",
    "default_transaction_deferrable": "on",
}
ROLE = "odd_user"


@pytest.fixture(scope="module")
def odd(site):
    """A role with all of them, and a pooler that knows it."""
    site.query(f"CREATE ROLE {ROLE} LOGIN PASSWORD %s IN ROLE app_user", CANARY)
    for name, value in ODD.items():
        site.query(f"ALTER ROLE {ROLE} SET {name} = {value}")
    pooler = PgBouncer(site.folder("pgbouncer-odd"), site.postgres, site.authority, {ROLE: CANARY}, 1)
    pooler.start()
    yield pooler
    pooler.stop()


@pytest.fixture(scope="module", params=["null", AHEAD, "persistent", "pooled"])
def shapes(request, site, odd, started):
    pooled = request.param == "pooled"
    service = Service(site, ["shapes"], DATABASE_CONNECTION="persistent" if pooled else request.param,
                      DATABASE_URL=site.url(ROLE, port=odd.port if pooled else None), DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0)
    service.start()
    yield service
    service.stop()


WANTED = {
    "at": "2026-07-01T12:00:00+00:00", "span": "1 year 2 days 03:04:05", "bytes": "\\x00ff", "sum": 0.30000000000000004,
    "backslash": "a\\tb", "items": ["1", None], "document": "<x>AP8=</x>", "quoted": '"quoted"', "relation": "pg_class",
    "zone": "UTC", "row_security": "on", "jit": "off", "check": "1s", "hour": "12", "no": False,
}


def all_right(service):
    """Several times: on a kept connection the first requests are not as those that come after."""
    return all(ask("/shapes/settings").json() == WANTED for ask in [service.client.get, service.client.post] * 2)


def test_no_setting_of_a_role_is_seen(shapes):
    for ask in [shapes.client.get, shapes.client.post] * 2:
        assert ask("/shapes/settings").json() == WANTED


def test_pages_by_a_float_key_end(shapes):
    seen, path = [], "/shapes/floats?limit=2"
    while path:
        page = shapes.client.get(path).json()
        seen += [item["value"] for item in page["items"]]
        path = page["next"] and f"/shapes/floats?limit=2&after={page['next']}"
        assert len(seen) <= 9
    assert len(seen) == len(set(seen)) == 9 and seen == sorted(seen)


def test_a_level_is_what_its_route_says(shapes):
    # Unmarked, so with a BEGIN of its own.
    assert shapes.client.get("/shapes/levels").json() == {"isolation": "read committed", "deferrable": "on"}
    assert shapes.client.get("/shapes/serializable").json() == {"isolation": "serializable", "deferrable": "off"}


def test_what_a_handler_sets_is_set_right_again(serve, site, odd):
    service = serve("shapes", DATABASE_CONNECTION="persistent", DATABASE_URL=site.url(ROLE), DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0)
    assert all_right(service)
    for path in ("zone", "digits", "reset"):
        assert service.client.post(f"/shapes/{path}").status == 204
        assert all_right(service), path
    # Undone with its transaction, whatever was sent in it for the session.
    for _ in range(2):
        assert service.client.post("/shapes/zone").status == 204
        assert service.client.post("/shapes/failing").status == 409
        assert all_right(service)


def test_a_kept_session_is_set_once_and_not_in_each_request(serve, site):
    service = serve("shapes", "probe", DATABASE_CONNECTION="persistent", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0)
    for _ in range(3):
        answer = service.client.get("/shapes/settings")
        assert answer.json() == WANTED and service.line_of(answer)["flights"] == 1
    heads = [service.client.get("/probe/prepared").json()["items"] for _ in range(4)][-1]
    assert [item["statement"] for item in heads if "set_config" in item["statement"] and "bytea_output" in item["statement"]] == []


def test_a_field_is_written_as_its_column_is(serve):
    service = serve("shapes")
    row, fields = (service.client.get(f"/shapes/{path}") for path in ("row", "fields"))
    assert row.body == fields.body and (row.json()["n"], row.json()["b"], row.json()["numbers"]) == (5, True, [1, None])


def test_an_argument_is_written_by_its_type(serve):
    service = serve("shapes")
    values = {"strings": ["a", "NULL", "", ',}"\\'], "ints": [1, -2], "floats": [1.5, 2.0], "bools": [True, False],
              "dates": ["2026-01-31"], "json": [1, None, "x"], "object": {"a": {}}, "int": 7, "float": 0.5}
    assert service.client.post("/shapes/values", values).json() == values
    empty = {name: [] if name.endswith("s") else None for name in values}
    assert service.client.post("/shapes/values", {name: [] for name in values if name.endswith("s")}).json() == empty


# --- types of the database's own ---

OWN = {
    "moods": ["sad", "happy"], "mood": "sad", "grid": [["sad"], [None]], "positives": [1, 2], "positive": 3, "list": [4, 5],
    "lists": [[6, 7]], "pairs": ['(1,"a b")'], "ranges": ["[1,5)"], "none": [], "boxes": ["(1,1),(0,0)"], "words": ["A"],
    "brace": "{x", "stores": ['"a"=>"1"'], "bounded": ["sad", "happy"],
}


@pytest.fixture(scope="module")
def own(site):
    site.query("CREATE EXTENSION IF NOT EXISTS citext; CREATE EXTENSION IF NOT EXISTS hstore;"
               "CREATE TYPE shape_mood AS ENUM ('sad', 'happy'); CREATE DOMAIN shape_positive AS int CHECK (VALUE > 0);"
               "CREATE DOMAIN shape_list AS int[]; CREATE TYPE shape_pair AS (a int, b text); CREATE TABLE shape_rows (moods shape_mood[]);"
               "GRANT SELECT, INSERT ON shape_rows TO app_user")


@pytest.mark.parametrize("mode", ["null", "persistent"])
@pytest.mark.parametrize("path", ["own", "own-snapshot"])
def test_arrays_of_own_types_are_arrays(own, serve, mode, path):
    service = serve("shapes", DATABASE_CONNECTION=mode, DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0)
    flights = []
    for _ in range(2):
        answer = service.client.get(f"/shapes/{path}")
        assert answer.json() == OWN
        flights.append(service.line_of(answer)["flights"])
    assert flights[0] == flights[1] + 1  # asked once


def test_a_question_about_a_type_is_no_part_of_a_write(own, serve, site):
    for path in ("own", "own-last"):
        service = serve("shapes", DATABASE_CONNECTION="persistent", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0)
        for _ in range(2):
            assert service.client.post(f"/shapes/{path}").json() == {"moods": ["sad"]}
    assert site.query("SELECT count(*) FROM shape_rows") == [(4,)]


def test_a_repeat_in_another_process_is_the_same_answer(own, serve, site):
    answers = [serve("shapes").client.post("/shapes/own-last", headers={"Idempotency-Key": '"moods"'}) for _ in range(2)]
    assert answers[1].headers.get("idempotency-replayed") == "true"
    assert answers[0].body == answers[1].body and answers[0].json() == {"moods": ["sad"]}
    site.query("DELETE FROM shape_rows WHERE ctid = (SELECT max(ctid) FROM shape_rows)")


def test_where_types_may_not_be_asked_for_they_are_strings(own, serve, site):
    site.query("REVOKE SELECT ON pg_catalog.pg_type FROM PUBLIC")
    try:
        service = serve("shapes", DATABASE_CONNECTION="persistent", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0)
        for path in ("own", "own-last"):
            for _ in range(2):
                assert service.client.post(f"/shapes/{path}").json() == {"moods": "{sad}"}
    finally:
        site.query("GRANT SELECT ON pg_catalog.pg_type TO PUBLIC")
    assert site.query("SELECT count(*) FROM shape_rows") == [(8,)]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_server_that_is_too_slow_to_ask_is_asked_again(own, serve, site, method):
    service = serve("shapes", DATABASE_CONNECTION="persistent", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0)
    before = site.query("SELECT count(*) FROM shape_rows")
    for _ in range(2):
        assert service.client.ask(method, "/shapes/some").json() == {"moods": None}
    with contextlib.closing(site.postgres.admin("app")) as admin, admin.cursor() as cursor:
        cursor.execute("BEGIN; LOCK TABLE pg_catalog.pg_type IN ACCESS EXCLUSIVE MODE")
        answer = service.client.ask(method, "/shapes/some?some=true")
    if method == "GET":
        assert answer.json() == {"moods": "{sad}"}
    else:  # what was open is lost with the connection, and that is known
        assert (answer.status, service.line_of(answer)["outcome"]) == (504, "rolled_back")
        assert site.query("SELECT count(*) - 2 FROM shape_rows") == before
    assert service.client.ask(method, "/shapes/some?some=true").json() == {"moods": ["sad"]}
    site.query("DELETE FROM shape_rows WHERE ctid IN (SELECT ctid FROM shape_rows ORDER BY ctid DESC LIMIT %s)", 3 if method == "POST" else 0)
