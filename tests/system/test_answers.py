"""np_answer() of a statement that does not return exactly one row, and of a handler that goes on after it: nothing is committed
that the client is told was not done, and a repeat gets what the first request got."""
import uuid

import pytest

from conftest import EITHER, Service


@pytest.fixture(scope="module", params=EITHER)
def service(request, site, started):
    started.append(Service(site, ["answers"], DATABASE_CONNECTION=request.param, DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0).start())
    return started[-1]


def post(service, path, label, key=None):
    return service.client.post(f"/answers/{path}?label={label}", headers={"Idempotency-Key": key} if key else {})


def labels(service, label):
    return [found for (found,) in service.site.query("SELECT label FROM probe_rows WHERE starts_with(label, %s)", label)]


def shown(answer):
    return answer.status, answer.headers.get("location"), answer.body


@pytest.fixture
def label():
    return uuid.uuid4().hex


@pytest.mark.parametrize("keyed", [False, True], ids=["", "key"])
@pytest.mark.parametrize("path, status", [("hidden", 404), ("missing", 404), ("insert-and-missing", 404), ("two", 500)])
def test_nothing_is_committed_without_its_one_row(service, label, path, status, keyed):
    key = label if keyed else None
    for _ in range(2):
        answer = post(service, path, label, key)
        assert answer.status == status and answer.problem()
        line = service.line_of(answer)
        assert labels(service, label) == [] and line["outcome"] != ("committed" if path != "missing" else "unknown")
        assert path != "two" or "answers_two_rows is :one and returned several rows (tests/system/handlers/answers.sql:" in line["detail"]


def test_several_rows_that_are_changed_stay_as_they_are(service, label):
    for number in "12":
        assert post(service, "one", label + number).status == 201
    assert post(service, "all", label).status == 500
    assert sorted(labels(service, label)) == [label + "1", label + "2"]
    assert post(service, "all", label + "1").status == 201
    assert sorted(labels(service, label)) == [label + "1!", label + "2"]


@pytest.mark.parametrize("path", ["one", "two", "all", "hidden", "missing"])
def test_it_takes_one_round_trip(service, label, path):
    post(service, "one", label)
    answer = post(service, path, label + "x" if path == "one" else label)
    line = service.line_of(answer)
    assert line["flights"] == 1, line


def test_a_column_that_is_left_out_has_to_be_there(service, label):
    assert post(service, "star", label + "1").json() == {"label": label + "1"}
    answer = post(service, "star-misspelt", label + "2")
    assert answer.status == 500 and '.omit names the column "ident"' in service.line_of(answer)["detail"]
    assert labels(service, label) == [label + "1"]


@pytest.mark.parametrize("path", ["types", "types-last"])
def test_a_repeat_in_a_new_process_writes_types_of_ones_own_as_the_first_did(serve, site, label, path):
    answers = []
    for _ in range(2):
        service = serve("answers", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0)
        if path == "types-last":
            site.query("DELETE FROM probe_rows WHERE label = 'first of two'")
        answers.append(post(service, path, label, label))
        # The worker has not given up to learn types.
        other = post(service, "types", label + service.folder.name)
        assert other.json() == {"labels": [label + service.folder.name]}
        service.stop()
    assert answers[0].json() == {"labels": [label]} and shown(answers[0]) == shown(answers[1])
    assert answers[1].headers["idempotency-replayed"] == "true"


def test_a_response_with_all_its_headers_is_repeated(service, label):
    first, again = (post(service, "headers", label, label) for _ in range(2))
    assert first.status == 201 and shown(first) == shown(again) and again.headers["idempotency-replayed"] == "true"


@pytest.mark.parametrize("path, says", [
    ("before-header", "np_header() after np_answer()"), ("before-reply", "a second reply, after np_answer()"),
    ("before-failure", "np_fail() after np_answer()")])
def test_what_comes_after_an_answer_is_a_misuse(service, label, path, says):
    answer = post(service, path, label)
    assert answer.status == 500 and says in service.line_of(answer)["detail"]
    again = post(service, path, label + "2", label)
    assert again.status == 500 and says in service.line_of(again)["detail"]


def test_a_repeat_gets_the_answer_whatever_the_handler_says_of_a_failure(service, label):
    first, again = (post(service, "in-other-words", label, label) for _ in range(2))
    assert first.status == 201 and shown(first) == shown(again) and again.headers["idempotency-replayed"] == "true"
    answer = post(service, "failing", label)
    assert answer.status == 422 and answer.problem()["detail"] == "in other words"
