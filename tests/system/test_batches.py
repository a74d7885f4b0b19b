"""Several statements in one round trip, one that may be refused, and many rows at once."""
import uuid

import pytest

import conftest
from conftest import EITHER, Service

CONFLICT = 5  # NP_ERROR_CONFLICT


def batches_tables(site):
    with site.owner().cursor() as owner:
        owner.execute("DO $$ BEGIN CREATE TYPE batches_mood AS ENUM ('sad'); EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
                      "CREATE TABLE IF NOT EXISTS batches_rows (id bigint GENERATED ALWAYS AS IDENTITY, label text CONSTRAINT batches_label UNIQUE);"
                      "GRANT SELECT, INSERT ON batches_rows TO app_user;"
                      "CREATE OR REPLACE FUNCTION batches_raise(code text) RETURNS int LANGUAGE plpgsql AS"
                      " $$ BEGIN RAISE EXCEPTION 'raised' USING ERRCODE = code; END $$")


@pytest.fixture(scope="module", params=EITHER)
def service(request, site, started):
    batches_tables(site)
    started.append(Service(site, ["batches"], DATABASE_CONNECTION=request.param, DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0).start())
    return started[-1]


def fresh(prefix="batch"):
    return f"{prefix}-{uuid.uuid4()}"


def post(service, path, label=None, headers=None, **more):
    return service.client.post(f"/batches/{path}", {"label": label or fresh(), **more}, headers=headers or {})


def there(service, *labels):
    return [service.site.query("SELECT count(*) FROM batches_rows WHERE label = %s", label)[0][0] for label in labels]


# --- several ---


def test_three_reads_are_one_round_trip(service):
    label = fresh()
    service.site.query("INSERT INTO batches_rows (label) VALUES (%s)", label)
    for path, flights in ("three", 1), ("three/snapshot", 2):
        answer = service.client.get(f"/batches/{path}?label={label}")
        seen = answer.json()
        assert seen["own"] == label and seen["total"] >= seen["like"] >= 1
        line = service.line_of(answer)
        assert line["flights"] == flights and line["queries"] == 3 and line["rows"] == 2 + seen["like"]


def test_one_that_has_no_row_is_a_404(service):
    answer = service.client.get(f"/batches/three?label={fresh()}")
    assert answer.status == 404 and service.line_of(answer)["flights"] == 1


def test_writes_are_one_round_trip_and_the_commit(service):
    label, other = fresh(), fresh()
    answer = post(service, "three", label, other=other)
    assert answer.status == 201 and answer.json()["label"] == label and there(service, label, other) == [1, 1]
    assert service.line_of(answer)["flights"] == 2


def test_if_one_is_refused_nothing_is_done(service):
    label, taken = fresh(), fresh()
    service.site.query("INSERT INTO batches_rows (label) VALUES (%s)", taken)
    answer = post(service, "three", label, other=taken)
    assert answer.status == 409 and there(service, label, taken) == [0, 1]
    line = service.line_of(answer)
    assert line["queries"] == 2 and line["outcome"] == "rolled_back"


def test_a_key_makes_them_once(service):
    label, other, key = fresh(), fresh(), str(uuid.uuid4())
    answers = [post(service, "three", label, other=other, headers={"Idempotency-Key": key}) for _ in range(2)]
    assert [answer.status for answer in answers] == [201, 201] and answers[0].body == answers[1].body
    assert there(service, label, other) == [1, 1]


@pytest.mark.parametrize("count, status", [(0, 500), (1, 200), (8, 200), (9, 500), (10, 500)])
def test_one_to_eight(service, count, status):
    for _ in range(2):
        answer = service.client.get(f"/batches/many?count={count}")
        assert answer.status == status
        if status == 200:
            assert answer.json() == {"sum": sum(range(count))} and service.line_of(answer)["flights"] == 1
        else:
            assert "1 to 8" in service.line_of(answer)["detail"]


def test_the_rows_of_an_exec_are_a_misuse(service):
    answer = post(service, "exec")
    assert answer.status == 500 and "np_queries() of add_row" in service.line_of(answer)["detail"]


def test_types_of_the_database_are_learned_once(site):
    batches_tables(site)
    service = Service(site, ["batches"], DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0)
    service.start()
    try:
        for flights in 2, 1:
            answer = service.client.get("/batches/moods")
            assert answer.json() == {"a": ["sad"], "b": ["sad"]} and service.line_of(answer)["flights"] == flights
    finally:
        service.stop()


def test_ten_thousand_rows_are_one_round_trip(service):
    prefix = fresh("bulk")
    answer = service.client.post("/batches/rows", {"rows": [{"label": f"{prefix}-{i}"} for i in range(10000)]})
    assert answer.status == 204 and service.line_of(answer)["flights"] == 1
    assert service.site.query("SELECT count(*) FROM batches_rows WHERE label LIKE %s", prefix + "-%") == [(10000,)]
    again = service.client.post("/batches/rows", {"rows": [{"label": f"{prefix}-{i}"} for i in (20000, 9999)]})
    assert again.status == 409 and there(service, f"{prefix}-20000") == [0]


def test_the_same_statement_twice_is_prepared_once(site):
    batches_tables(site)
    service = Service(site, ["batches"], DATABASE_CONNECTION="persistent", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0)
    service.start()
    try:
        for _ in range(3):
            label = fresh()
            answer = post(service, "twice", label)
            assert answer.status == 204 and there(service, *(f"{label}-{i}" for i in (1, 2, 3, 4))) == [1] * 4
            line = service.line_of(answer)
            assert line["flights"] == 3 and "retries" not in line and "reruns" not in line
    finally:
        service.stop()


def test_a_one_has_a_row_also_if_it_is_not_wanted(service):
    label = fresh()
    assert post(service, "touch", label).status == 404
    service.site.query("INSERT INTO batches_rows (label) VALUES (%s)", label)
    assert post(service, "touch", label).status == 204


@pytest.mark.long
def test_each_statement_has_the_time_of_a_statement(serve):
    service = serve("batches", DATABASE_COMMAND_TIMEOUT=4, SLOW_QUERY_MS=1)
    answer = service.client.get("/batches/slept")
    assert answer.status == 200, answer
    slow = service.lines(event="slow query")
    assert len(slow) == 3 and all(line["shared"] for line in slow)


# --- one that may be refused ---


@pytest.mark.parametrize("path", ["cast", "cast/manual", "cast/once"])
def test_a_value_that_its_type_does_not_take_is_a_refusal(service, path):
    """Also of a statement that is prepared already, whose types may have changed."""
    for turn in range(3):
        for other, refused in ("none", True), ("7", False):
            label = fresh()
            answer = post(service, path, label, other=other)
            assert answer.status == 200 and answer.json()["refused"] is refused, (turn, answer)
            assert there(service, label, f"{label}-after") == [1, 1]
            assert "reruns" not in service.line_of(answer)
            assert not refused or (answer.json()["error"], answer.json()["status"]) == (9, 422)


def test_it_need_not_be_a_value_of_the_request(service):
    for _ in range(2):
        assert service.client.get("/batches/cast").json()["refused"] is True


def test_what_came_before_and_after_a_refused_statement_stays(service):
    taken, other = fresh(), fresh()
    service.site.query("INSERT INTO batches_rows (label) VALUES (%s)", taken)
    answer = post(service, "try", taken, other=other)
    assert answer.json() == {"refused": True, "error": CONFLICT, "status": 409, "constraint": "batches_label", "message": answer.json()["message"]}
    assert answer.json()["message"]
    assert there(service, other, f"{other}-after", taken) == [1, 1, 1]
    assert service.line_of(answer)["flights"] == 5 and service.line_of(answer)["outcome"] == "committed"


def test_what_is_not_refused_costs_one_round_trip(service):
    label, other = fresh(), fresh()
    answer = post(service, "try", label, other=other)
    assert answer.json() == {"refused": False, "error": 0, "status": 0, "constraint": None, "message": None}
    assert there(service, label, other, f"{other}-after") == [1, 1, 1] and service.line_of(answer)["flights"] == 4


def test_it_may_be_the_first_statement(service):
    taken, other = fresh(), fresh()
    answer = post(service, "try/first", taken, other=other)
    assert answer.json()["refused"] is False and service.line_of(answer)["flights"] == 2
    answer = post(service, "try/first", taken, other=other)
    assert answer.json()["refused"] is True and there(service, taken, other) == [1, 1]
    assert service.line_of(answer)["flights"] == 4


def test_a_repeat_with_the_same_key_gets_the_same_answer(service):
    taken, other, key = fresh(), fresh(), str(uuid.uuid4())
    service.site.query("INSERT INTO batches_rows (label) VALUES (%s)", taken)
    answers = [post(service, "try/first", taken, other=other, headers={"Idempotency-Key": key}) for _ in range(2)]
    assert answers[0].json().get("refused") is True and answers[0].body == answers[1].body
    assert answers[1].headers["idempotency-replayed"] == "true" and there(service, taken, other) == [1, 1]


def test_a_handler_that_fails_after_it_has_done_nothing(service):
    label = fresh()
    answer = post(service, "try/fail", label)
    assert answer.status == 409 and answer.problem()["detail"] == "refused: 1" and there(service, label) == [0]


def test_in_a_transaction_of_the_handler(service):
    label, other = fresh(), fresh()
    answer = post(service, "try/manual", label, other=other)
    assert answer.json()["refused"] is True and there(service, label, other) == [1, 1]


@pytest.mark.parametrize("path", ["division", "division/snapshot"])
def test_in_a_read(service, path):
    answer = service.client.get(f"/batches/{path}?by=0")
    assert answer.status == 200 and answer.json()["refused"] is True
    # A prepared statement whose value is refused is sent once more, as text: its types may have changed.
    again = service.environment["DATABASE_CONNECTION"] == "persistent"
    assert service.line_of(answer)["flights"] - (2 if path == "division" else 4) in (0, again)
    assert service.client.get(f"/batches/{path}?by=5").json()["refused"] is False


@pytest.mark.parametrize("code, refused, status", [
    ("P0001", True, 200), ("PT404", True, 200), ("PT405", True, 200), ("PT402", True, 200), ("23505", True, 200), ("23514", True, 200), ("42501", True, 200), ("22012", True, 200),
    ("40001", False, 409), ("40P01", False, 409), ("57014", False, 504), ("53200", False, 503), ("57P01", False, 503), ("XX000", False, 500),
    ("42P01", False, 500)])
def test_what_lies_elsewhere_is_no_refusal(service, code, refused, status):
    label = fresh()
    answer = post(service, "try/raise", label, code=code)
    assert answer.status == status, answer
    assert there(service, label) == [1 if refused else 0]
    if refused:
        assert answer.json()["refused"] is True and answer.json()["status"] == {"PT404": 404, "PT405": 405, "PT402": 402, "23505": 409, "42501": 403}.get(code, 422)
    assert service.client.get("/batches/many").status == 200
