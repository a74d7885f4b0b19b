"""If-Match and If-None-Match: a write is done only if GET still answers what the client has seen (RFC 9110 13)."""
import concurrent.futures
import itertools
import json
import uuid

import pytest

from conftest import Service, program

NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def papers(site):
    with site.owner() as link, link.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS paper_rows (id bigint PRIMARY KEY, title text NOT NULL)")
    service = Service(site, ["papers", "users"], DATABASE_CONNECTION="persistent", DATABASE_POOL_SIZE=3, DATABASE_MAX_OVERFLOW=0,
                      REDIS_TIMEOUT_MS=1000).start()
    yield service
    service.stop()


@pytest.fixture
def paper(papers):
    """The id of a new paper titled "old"."""
    number = next(NUMBERS)
    papers.site.query("INSERT INTO paper_rows (id, title) VALUES (%s, 'old')", number)
    return number


def title(service, number):
    rows = service.site.query("SELECT title FROM paper_rows WHERE id = %s", number)
    return rows[0][0] if rows else None


def tag_of(service, number, suffix="", client=None):
    answer = (client or service.client).get(f"/papers/{number}{suffix}")
    assert answer.status == 200, answer
    return answer.headers["etag"]


def send(service, number, suffix="", method="PATCH", to="new", client=None, **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return (client or service.client).send(method, f"/papers/{number}{suffix}", {"title": to}, headers=headers)


def refused(service, number, answer, status=412):
    assert answer.status == status, answer
    assert answer.problem()["title"] == {412: "Precondition Failed", 428: "Precondition Required"}[status]
    assert title(service, number) in ("old", None)
    return answer.problem()["detail"]


# --- one client ---

SUFFIXES = ["", "/slowly", "/serializable", "/once", "/manual", "/guarded", "/constant", "/cached"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_write_is_done_with_the_current_tag_only(papers, paper, suffix):
    tag = tag_of(papers, paper, suffix)
    assert "changed" in refused(papers, paper, send(papers, paper, suffix, If_Match='"00000000000000000000000000000000"'))
    answer = send(papers, paper, suffix, If_Match=tag)
    assert (answer.status, answer.json()) == (200, {"id": paper, "title": "new"})
    assert title(papers, paper) == "new"


# The header, its value, and whether the write is done. T stands for the current tag.
CASES = [
    ("If-Match", "T", True), ("If-Match", '"a", T', True), ("If-Match", '"a,b"  ,\t, T , "c"', True), ("If-Match", " * ", True),
    ("If-Match", '"a"', False), ("If-Match", '"a", "b"', False), ("If-Match", "W/T", False), ("If-Match", 'W/T, "a"', False),
    ("If-Match", "nonsense", False), ("If-Match", "", False), ("If-Match", ",", False), ("If-Match", "T x", False),
    ("If-Match", 'T, x', False), ("If-Match", "*, T", False), ("If-Match", "T, *", False), ("If-Match", '"unclosed', False),
    ("If-Match", "w/T", False), ("If-Match", '"a b", T', False), ("If-Match", "T\"a\"", False), ("If-Match", "W/ T", False),
    ("If-None-Match", '"a"', True), ("If-None-Match", '"a", W/"b"', True),
    ("If-None-Match", "T", False), ("If-None-Match", "W/T", False), ("If-None-Match", '"a", T', False), ("If-None-Match", "*", False),
    ("If-None-Match", "nonsense", False), ("If-None-Match", "", False), ("If-None-Match", '*, "a"', False),
]


@pytest.mark.parametrize("name, value, done", CASES)
def test_the_value_of_the_header(papers, paper, name, value, done):
    answer = send(papers, paper, **{name: value.replace("T", tag_of(papers, paper))})
    if done:
        assert answer.status == 200 and title(papers, paper) == "new", answer
    else:
        refused(papers, paper, answer)


def test_the_refusal_of_a_weak_tag_says_what_to_do(papers, paper):
    """nginx weakens the tag of a response that it compresses."""
    assert "without its W/" in refused(papers, paper, send(papers, paper, If_Match="W/" + tag_of(papers, paper)))


def test_both_headers_must_hold(papers, paper):
    tag = tag_of(papers, paper)
    refused(papers, paper, send(papers, paper, If_Match=tag, If_None_Match=tag))
    refused(papers, paper, send(papers, paper, If_Match='"a"', If_None_Match='"a"'))
    assert send(papers, paper, If_Match=tag, If_None_Match='"a"').status == 200


def test_a_missing_row_fails_if_match_and_passes_if_none_match(papers):
    for method in ("PATCH", "DELETE", "PUT", "POST"):
        for value in ("*", '"a"'):
            number = next(NUMBERS)
            refused(papers, number, send(papers, number, method=method, If_Match=value))
    for method, status in (("PUT", 200), ("POST", 201)):
        number = next(NUMBERS)
        assert send(papers, number, method=method, If_None_Match="*").status == status
        assert send(papers, number, method=method, If_None_Match="*", to="again").status == 412 and title(papers, number) == "new"
    assert send(papers, next(NUMBERS), method="DELETE", If_None_Match="*").status == 404  # the handler's own


def test_a_deletion_obeys_if_match(papers, paper):
    tag = tag_of(papers, paper)
    assert send(papers, paper, If_Match=tag, to="newer").status == 200
    assert send(papers, paper, method="DELETE", If_Match=tag).status == 412 and title(papers, paper) == "newer"
    assert send(papers, paper, method="DELETE", If_Match=tag_of(papers, paper)).status == 204
    assert send(papers, paper, method="DELETE", If_Match=tag).status == 412 and title(papers, paper) is None


def test_a_read_with_another_tag_is_a_412_too(papers, paper):
    tag = tag_of(papers, paper)
    for method in ("GET", "HEAD"):
        for value, status in ((tag, 200), ("*", 200), (f'"a", {tag}', 200), ('"a"', 412), (f"W/{tag}", 412), ("x", 412)):
            answer = papers.client.ask(method, f"/papers/{paper}", headers={"If-Match": value})
            assert answer.status == status, (method, value, answer)
    both = papers.client.get(f"/papers/{paper}", headers={"If-Match": tag, "If-None-Match": tag})
    assert both.status == 304
    assert papers.client.get(f"/papers/{next(NUMBERS)}", headers={"If-Match": "*"}).status == 404


def test_a_route_can_require_the_header(papers, paper):
    for headers in ({}, {"If_None_Match": '"a"'}):
        assert "If-Match is required" in refused(papers, paper, send(papers, paper, "/guarded", **headers), 428)
    refused(papers, paper, send(papers, paper, "/guarded", If_None_Match="*"))
    assert send(papers, paper, "/guarded", If_Match="*").status == 200


@pytest.mark.parametrize("suffix", ["/no-get", "/queried", "/half-signed-in"])
def test_a_write_without_a_comparable_get_is_not_done(papers, paper, suffix):
    for headers in ({"If_Match": "*"}, {"If_Match": '"a"'}, {"If_None_Match": "*"}, {"If_None_Match": '"a"'}):
        assert "no GET" in refused(papers, paper, send(papers, paper, suffix, **headers))
    assert send(papers, paper, suffix).status == 200


def test_a_get_that_fails_is_not_compared(papers, paper):
    for headers in ({"If_Match": "*"}, {"If_None_Match": '"a"'}):
        assert "GET of this path fails" in refused(papers, paper, send(papers, paper, "/forbidden", **headers))
    assert send(papers, paper, "/forbidden").status == 200


def test_a_weak_tag_of_the_handler_never_matches_if_match(papers, paper):
    assert tag_of(papers, paper, "/own-tag") == 'W/"own"'
    refused(papers, paper, send(papers, paper, "/own-tag", If_Match='W/"own"'))
    refused(papers, paper, send(papers, paper, "/own-tag", If_Match='"own"'))
    refused(papers, paper, send(papers, paper, "/own-tag", If_None_Match='"own"'))
    assert send(papers, paper, "/own-tag", If_Match="*").status == 200


def test_a_route_without_a_database_obeys_if_match(papers, paper):
    tag = tag_of(papers, paper, "/none")
    assert send(papers, paper, "/none", method="POST", If_Match=tag).status == 200
    refused(papers, paper, send(papers, paper, "/none", method="POST", If_Match='"a"'))


# --- the caller ---

def test_a_user_is_changed_only_under_the_current_tag(papers):
    users = papers.client
    user = users.post("/users", {"email": f"{uuid.uuid4()}@example.com", "name": "Ada"}).json()
    path, tag = f"/users/{user['id']}", users.get(f"/users/{user['id']}").headers["etag"]

    def change(client, name, tag):
        return client.send("PATCH", path, {"name": name}, headers={"If-Match": tag})

    assert change(users, "Eve", tag).status == 401
    assert change(users.of(str(uuid.uuid4())), "Eve", tag).status in (401, 403)
    assert change(users.of(user), "Grace", tag).json()["name"] == "Grace"
    assert change(users.of(user), "Late", tag).status == 412
    assert users.get(path).json()["name"] == "Grace"


def test_the_get_runs_for_the_same_caller(papers, paper):
    one, other = (papers.client.of(str(uuid.uuid4())) for _ in range(2))
    tag = tag_of(papers, paper, "/signed-in", one)
    refused(papers, paper, send(papers, paper, "/signed-in", client=other, If_Match=tag))
    assert send(papers, paper, "/signed-in", If_Match=tag).status == 401
    assert send(papers, paper, "/signed-in", client=one, If_Match=tag).status == 200


def test_a_cached_response_is_not_compared(papers, paper):
    old = tag_of(papers, paper, "/cached")
    papers.site.query("UPDATE paper_rows SET title = 'of another' WHERE id = %s", paper)
    assert send(papers, paper, "/cached", If_Match=old).status == 412
    assert title(papers, paper) == "of another"


# --- simultaneous requests ---

@pytest.mark.parametrize("suffix, others", [("/slowly", {412}), ("/serializable", {412}), ("/once", {409, 412}), ("/manual", {409, 412})])
def test_one_of_two_writes_with_one_tag_is_done(papers, suffix, others):
    for _ in range(5):
        number = next(NUMBERS)
        papers.site.query("INSERT INTO paper_rows (id, title) VALUES (%s, 'old')", number)
        tag = tag_of(papers, number, suffix)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(lambda to: send(papers, number, suffix, to=to, If_Match=tag), ("one", "two")))
        statuses = sorted(answer.status for answer in answers)
        assert statuses[0] == 200 and statuses[1] in others, answers
        assert title(papers, number) == next(answer.json()["title"] for answer in answers if answer.status == 200)


def test_one_of_many_writes_with_one_tag_is_done(papers):
    for _ in range(20):
        number = next(NUMBERS)
        papers.site.query("INSERT INTO paper_rows (id, title) VALUES (%s, 'old')", number)
        tag = tag_of(papers, number)
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            answers = list(pool.map(lambda n: send(papers, number, to=str(n), If_Match=tag), range(3)))
        assert sorted(answer.status for answer in answers) == [200, 412, 412], answers


def test_one_of_two_creations_is_done(papers):
    for _ in range(5):
        number = next(NUMBERS)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(lambda to: send(papers, number, "/slowly", "POST", to, If_None_Match="*"), ("one", "two")))
        assert sorted(answer.status for answer in answers) == [201, 412], answers


# --- repeats ---

def test_a_repeat_gets_its_first_answer_whatever_the_row_is_now(papers):
    number, key = next(NUMBERS), str(uuid.uuid4())
    first, again = (send(papers, number, method="POST", If_None_Match="*", Idempotency_Key=key) for _ in range(2))
    assert first.status == 201 and (again.status, again.body) == (201, first.body)
    assert again.headers["idempotency-replayed"] == "true"
    tag, key = tag_of(papers, number), str(uuid.uuid4())
    assert send(papers, number, method="POST", If_Match='"a"', Idempotency_Key=key).status == 412
    assert send(papers, number, method="POST", If_Match=tag, Idempotency_Key=key).status == 409  # the 412 was not kept: this POST ran, and the row exists


def test_a_repeat_works_where_get_asks_no_database(papers, paper):
    key, tag = str(uuid.uuid4()), tag_of(papers, paper, "/constant")
    first = send(papers, paper, "/constant", "POST", If_Match=tag, Idempotency_Key=key)
    assert first.status == 200
    for value in (tag, '"a"'):
        again = send(papers, paper, "/constant", "POST", If_Match=value, Idempotency_Key=key)
        assert (again.status, again.body) == (200, first.body) and again.headers["idempotency-replayed"] == "true"


# --- cost and documentation ---

def test_the_comparison_costs_one_round_trip_and_nothing_without_the_header(papers, paper):
    for _ in range(2):
        plain = papers.line_of(send(papers, paper))
        guarded = papers.line_of(send(papers, paper, If_Match=tag_of(papers, paper)))
        late = papers.line_of(send(papers, paper, If_Match='"a"'))
    assert (plain["flights"], plain["queries"], plain["outcome"]) == (1, 1, "committed")
    assert (guarded["flights"], guarded["queries"], guarded["outcome"]) == (2, 2, "committed")
    assert (late["flights"], late["queries"], late["outcome"]) == (1, 1, "rolled_back")


def test_the_document_has_the_header_and_its_responses(papers):
    import subprocess
    done = subprocess.run([program("papers"), "--openapi"], env=papers.environment, capture_output=True, text=True)
    paths = json.loads(done.stdout)["paths"]

    def header(path, method):
        return [one for one in paths[path][method].get("parameters", []) if one["name"] == "If-Match"]

    for method in ("patch", "put", "delete"):
        assert header("/papers/{id}", method)[0]["required"] is False
        assert "412" in paths["/papers/{id}"][method]["responses"] and "428" not in paths["/papers/{id}"][method]["responses"]
    assert header("/papers/{id}/guarded", "patch")[0]["required"] is True
    assert {"412", "428"} <= set(paths["/papers/{id}/guarded"]["patch"]["responses"])
    for path, method in (("/papers/{id}", "get"), ("/papers/{id}", "post"), ("/papers/{id}/no-get", "patch")):
        assert not header(path, method) and "412" not in paths[path][method]["responses"]
