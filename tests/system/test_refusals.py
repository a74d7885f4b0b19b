"""What the database refuses: whose fault it is, what the client is told of it, and the statement's name in the log."""
import urllib.parse

import pytest

from conftest import Service
from fake_postgres import SETTINGS, FakePostgres, error, ready
from servers import server

TABLES = """
CREATE TABLE refusal_texts (text text); CREATE INDEX ON refusal_texts (text);
CREATE FUNCTION refusal_raise(code text, words text, hint text) RETURNS void LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION USING ERRCODE = code, MESSAGE = words, HINT = hint, DETAIL = 'not for the client'; END $$;
CREATE TABLE refusal_policies (id int); ALTER TABLE refusal_policies ENABLE ROW LEVEL SECURITY;
CREATE TABLE refusal_rights (id int); REVOKE ALL ON refusal_rights FROM app_user;
CREATE TABLE refusal_pairs (a int CONSTRAINT refusal_pairs_a UNIQUE, b int CONSTRAINT refusal_pairs_b UNIQUE,
    CONSTRAINT refusal_pairs_small CHECK (a < 100), CONSTRAINT refusal_pairs_even CHECK (b < 100));
CREATE TABLE refusal_parents (id int PRIMARY KEY); INSERT INTO refusal_parents VALUES (1);
CREATE TABLE refusal_children (id int REFERENCES refusal_parents ON DELETE RESTRICT); INSERT INTO refusal_children VALUES (1);
GRANT SELECT, INSERT, DELETE ON refusal_texts, refusal_policies, refusal_pairs, refusal_parents, refusal_children TO app_user;
INSERT INTO refusal_pairs VALUES (1, 1);
"""


@pytest.fixture(scope="module")
def refusals(site):
    with site.owner() as link, link.cursor() as cursor:
        cursor.execute(TABLES)
    service = Service(site, ["refusals"], DATABASE_CONNECTION="persistent").start()
    yield service
    service.stop()


def failed(service, answer):
    """The line that names the statement."""
    service.line_of(answer)
    return service.lines(event="statement failed", request_id=answer.headers["x-request-id"])[0]


@pytest.mark.parametrize("path, status, statement", [
    ("divide", 500, "division_by_zero"), ("divide-by-own", 500, "quotient"), ("divide-with-parameters?a=0", 500, "division_by_zero"),
    ("divide-by?a=0", 422, "quotient"), ("divide-by?a=3000000000", 422, "quotient"),
    ("divide-by", 500, "quotient"),  # the default value is not the client's
])
def test_a_bad_value_is_the_clients_only_where_it_gave_one(refusals, path, status, statement):
    for _ in range(3):  # the third by its name
        answer = refusals.client.get(f"/refusals/{path}")
        assert answer.status == status, answer
        assert "detail" in answer.problem() or status == 500
        line = failed(refusals, answer)
        assert (line["level"], line["statement"]) == ("info" if status == 422 else "error", statement)


def test_what_is_too_large_is_the_clients_where_it_sent_it(refusals):
    import random
    text = "".join(random.Random(7).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=20000))
    assert refusals.client.post("/refusals/texts", {"text": "short"}).status == 200
    answer = refusals.client.post("/refusals/texts", {"text": text})
    assert answer.status == 422 and "too large" in answer.problem()["detail"]
    assert refusals.client.post("/refusals/own-texts").status == 500


def raise_(refusals, ask, **what):
    return ask(f"/refusals/raise?{urllib.parse.urlencode(what)}")


@pytest.mark.parametrize("code, status", [
    ("P0001", 422), ("PT400", 400), ("PT401", 401), ("PT402", 402), ("PT403", 403), ("PT404", 404), ("PT409", 409), ("PT410", 410),
    ("PT412", 412), ("PT418", 418), ("PT422", 422), ("PT428", 428), ("PT429", 429), ("PT499", 499)])
def test_a_function_chooses_a_status_and_its_words(refusals, code, status):
    for ask in (refusals.client.get, refusals.client.post):
        answer = raise_(refusals, ask, code=code, words="Not on a \"Sunday\"")
        assert answer.status == answer.problem()["status"] == status and answer.problem()["title"]
        assert answer.problem()["detail"] == "Not on a \"Sunday\"" and "not for the client" not in answer.body.decode()
        assert ("www-authenticate" in answer.headers) == (status == 401)
        assert (failed(refusals, answer)["statement"], failed(refusals, answer)["sqlstate"]) == ("raised_error", code)


@pytest.mark.parametrize("code", ["PT200", "PT500", "PT503", "PT3AA", "P0002", "P0004", "ZZ999"])
def test_no_other_status_is_for_a_function_to_choose(refusals, code):
    answer = raise_(refusals, refusals.client.post, code=code, words="secret words")
    assert answer.status == 500 and "secret words" not in answer.body.decode()
    assert failed(refusals, answer)["level"] == "error"


def test_a_hint_that_is_a_number_is_when_to_come_again(refusals):
    answer = raise_(refusals, refusals.client.get, code="PT429", words="Slower", hint="17")
    assert (answer.status, answer.headers["retry-after"]) == (429, "17")
    for hint in ("soon", "-1", "0"):
        assert "retry-after" not in raise_(refusals, refusals.client.get, code="PT429", words="Slower", hint=hint).headers


def test_who_may_not_is_403_and_401_without_a_caller(refusals, site):
    answer = refusals.client.post("/refusals/policy")
    assert answer.status == 401 and answer.headers["www-authenticate"].startswith("Bearer")
    assert "policy" not in answer.problem()["detail"]
    line = failed(refusals, answer)
    assert (line["level"], line["statement"]) == ("warning", "row_against_policy") and "row-level security" in line["detail"]
    answer = refusals.client.get("/refusals/right")
    assert answer.status == 401 and "permission denied" in failed(refusals, answer)["detail"]
    assert refusals.client.of({"id": "00000000-0000-0000-0000-00000000002a"}).post("/refusals/policy-of-caller").status == 403


def test_two_constraints_of_a_table_have_a_detail_each(refusals):
    def told(a, b):
        answer = refusals.client.post(f"/refusals/pairs?a={a}&b={b}")
        return answer.status, answer.problem()["detail"]
    assert told(1, 2) == (409, "This a is taken")
    assert told(2, 1) == (409, "This pair is taken")
    assert told(100, 2) == (422, "a and b must be small")
    assert told(2, 100) == (422, "The database cannot accept one of the values")


def test_a_row_that_is_needed_is_a_conflict(refusals):
    """23503, and 23001 from Postgres 18 on."""
    assert refusals.client.ask("DELETE", "/refusals/parents").status == 409


@pytest.mark.parametrize("code", [b"08P01", b"XX000"])
def test_what_a_pooler_says_of_its_own_is_503(serve, site, code):
    with server(FakePostgres(SETTINGS + error(code) + ready())) as port:
        service = serve("refusals", ENV="development", DATABASE_CONNECTION="persistent", DATABASE_URL=site.url(port=port, query="?sslmode=disable"))
        assert service.client.get("/refusals/divide").status == 503
