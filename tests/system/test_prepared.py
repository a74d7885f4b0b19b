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
    assert len(statements(kept)) == 5  # two heads, insert, cast, and the one that asks
    assert len({kept.client.get("/probe/session").json()["pid"] for _ in range(3)}) == 1


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
