"""On a connection that is kept, each statement is parsed and planned once; what undoes that is not seen by a client."""
import uuid

import pytest


@pytest.fixture
def kept(serve):
    return serve("probe", "users", DATABASE_CONNECTION="persistent", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0)


@pytest.fixture
def other_type(site):
    """A migration by which a statement returns something else. No type changes under a trigger that looks at it."""
    [(trigger,)] = site.query("SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgname = 'probe_slow_commit'")
    link = site.owner()
    with link.cursor() as cursor:
        cursor.execute("DROP TRIGGER probe_slow_commit ON probe_rows")
        yield lambda: cursor.execute("ALTER TABLE probe_rows ALTER label TYPE varchar(300)")
        cursor.execute(f"ALTER TABLE probe_rows ALTER label TYPE text; {trigger}")
    link.close()


def statements(service):
    return [item["statement"] for item in service.client.get("/probe/prepared").json()["items"]]


def write(service, path="/probe/marked"):
    label = str(uuid.uuid4())
    answer = service.client.post(f"{path}?label={label}")
    return answer.status, service.site.query("SELECT count(*) FROM probe_rows WHERE label = %s", label), service.line_of(answer)


def test_statements_get_names_from_the_second_request_on_and_keep_them(kept):
    assert statements(kept) == []
    assert len(statements(kept)) == 2  # the head, and the one that asks
    assert write(kept)[0] == 201
    known = statements(kept)
    assert len(known) == len(set(known)) == 4
    for _ in range(3):
        answer = kept.client.get("/probe/prepared")
        assert len(answer.json()["items"]) == 4
        assert kept.line_of(answer)["trips"] == 1


def test_a_connection_for_each_request_has_none(null):
    assert statements(null) == statements(null) == []


def test_a_statement_that_fails_is_no_reason_to_forget_the_others(kept):
    assert write(kept)[0] == write(kept)[0] == 201
    label = uuid.uuid4()
    assert [kept.client.post(f"/probe/rows?label={label}").status for _ in range(3)] == [201, 409, 409]
    assert kept.client.get("/probe/date?label=none").status == 422
    assert kept.client.get("/probe/date?label=2026-01-31").status == 200
    assert len(statements(kept)) == 6  # three heads, insert, cast, and the one that asks
    assert len({kept.client.get("/probe/session").json()["pid"] for _ in range(3)}) == 1


@pytest.mark.long
@pytest.mark.parametrize("path", ["/probe/rows", "/probe/marked", "/probe/two-steps"])
def test_a_migration_under_way_is_not_seen_and_nothing_is_done_twice(kept, other_type, path):
    assert write(kept, path)[:2] == write(kept, path)[:2] == (201, [(1,)])
    other_type()
    status, rows, line = write(kept, path)
    assert (status, rows) == (201, [(1,)])
    assert line.get("retries", 0) + line.get("reruns", 0) == 1
    status, rows, line = write(kept, path)
    assert (status, rows) == (201, [(1,)]) and "retries" not in line and "reruns" not in line


def test_names_that_somebody_took_away_are_not_used_again(kept):
    assert write(kept)[0] == write(kept)[0] == 201
    assert kept.client.ask("DELETE", "/probe/prepared").status == 204
    status, rows, line = write(kept)
    assert (status, rows, line["retries"]) == (201, [(1,)], 1)
    assert write(kept)[0] == write(kept)[0] == 201
    assert statements(kept) == []


# --- a parameter that gets another type ---


@pytest.fixture
def typed(serve, site):
    """A program over a table of its own, and the owner's cursor to change it."""
    link = site.owner()
    with link.cursor() as cursor:
        cursor.execute("CREATE TABLE typed_rows (value integer); GRANT SELECT, INSERT ON typed_rows TO app_user")
        yield serve("typed", DATABASE_CONNECTION="persistent", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0), cursor
        cursor.execute("DROP TABLE typed_rows; DROP TYPE IF EXISTS typed_mood")
    link.close()


WRITES = ["/typed", "/typed/last", "/typed/second"]


def post(service, path, value):
    answer = service.client.post(f"{path}?value={value}")
    return answer.status, service.line_of(answer)


@pytest.mark.parametrize("path", WRITES)
def test_a_parameter_that_grew_takes_what_it_now_can(typed, path):
    service, owner = typed
    assert [post(service, path, 7)[0] for _ in range(3)] == [201] * 3
    owner.execute("ALTER TABLE typed_rows ALTER value TYPE bigint")
    assert post(service, path, 3000000000)[0] == 201
    for _ in range(2):  # on a new connection, which is kept again
        status, line = post(service, path, 3000000000)
        assert status == 201 and "retries" not in line and "reruns" not in line
    assert service.client.get("/typed?value=3000000000").json() == {"count": 3}


@pytest.mark.long
@pytest.mark.parametrize("path", ["/typed/once", "/typed/manual"])
def test_where_nothing_may_run_again_the_next_request_takes_it(typed, path):
    service, owner = typed
    assert [post(service, path, 7)[0] for _ in range(3)] == [201] * 3
    owner.execute("ALTER TABLE typed_rows ALTER value TYPE bigint")
    assert [post(service, path, 3000000000)[0] for _ in range(3)] == [422, 201, 201]


@pytest.mark.long
@pytest.mark.parametrize("path", WRITES)
def test_a_type_that_is_another_ones_by_now_is_no_error(typed, path):
    service, owner = typed
    owner.execute("CREATE TYPE typed_mood AS ENUM ('sad'); ALTER TABLE typed_rows ALTER value TYPE typed_mood USING 'sad'")
    for _ in range(2):
        assert post(service, path, "sad")[0] == 201 and service.client.get("/typed?value=sad").status == 200
    owner.execute("ALTER TYPE typed_mood RENAME TO old_mood; CREATE TYPE typed_mood AS ENUM ('sad', 'happy');"
                  "ALTER TABLE typed_rows ALTER value TYPE typed_mood USING value::text::typed_mood; DROP TYPE old_mood")
    assert post(service, path, "happy")[0] == 201
    assert [service.client.get(f"/typed?value={value}").json()["count"] for value in ("sad", "happy")] == [2, 1]


@pytest.mark.parametrize("path", WRITES)
def test_a_value_that_is_bad_costs_no_connection_and_writes_nothing(typed, path):
    service, owner = typed
    assert service.client.get("/typed?value=7").status == 200  # from the next on statements have names
    first = post(service, path, "none")[1]
    assert "reruns" not in first and first["flights"] == (2 if path == "/typed/second" else 1)  # parsed just then, and of now
    pids = {post(service, path, 7)[1]["backend_pid"] for _ in range(3)} | {first["backend_pid"]}
    for _ in range(3):
        status, line = post(service, path, "none")
        assert status == 422 and line["outcome"] == "rolled_back" and "retries" not in line
        pids.add(line["backend_pid"])
    assert len(pids) == 1
    owner.execute("SELECT count(*) FROM typed_rows")
    assert owner.fetchall() == [(3,)]
