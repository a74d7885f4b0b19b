"""Idempotency-Key: a POST that is repeated is done once, and each time answered as it was."""
import concurrent.futures
import random
import threading
import time
import uuid

import pytest

import faults
from env.local.process import free_port, wait_until

POOL = {"DATABASE_CONNECTION": "persistent", "DATABASE_POOL_SIZE": 1, "DATABASE_MAX_OVERFLOW": 0}


def wait_for_the_check(service, line):
    """The check at the start has a connection too, which a fault could meet first."""
    wait_until("the check", lambda: service.lines(event="database connected") and len(line.pairs) == 1, 10)


def post(service, path, document=None, key=None):
    return service.client.post(path, document, headers={"Idempotency-Key": key or str(uuid.uuid4())})


def someone():
    return {"email": f"{uuid.uuid4()}@example.com", "name": "Ada"}


def until_answered(service, path, document, key, timeout=60):
    """As a client does that wants it done: again while nobody can say, or somebody is at it."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        answer = post(service, path, document, key)
        busy = answer.status == 409 and "is being worked on" in answer.problem()["detail"]
        if not busy and answer.status not in (502, 503, 504):
            return answer
        time.sleep(0.02)
    raise AssertionError("no answer")


def count(site, label):
    return site.query("SELECT count(*) FROM probe_rows WHERE label = %s", label)[0][0]


def test_a_repeat_gets_the_first_answer_and_does_nothing(service):
    key, wanted = str(uuid.uuid4()), someone()
    first = post(service, "/users", wanted, key)
    assert first.status == 201 and "idempotency-replayed" not in first.headers
    for _ in range(3):
        again = post(service, "/users", wanted, key)
        assert (again.status, again.body, again.headers["location"]) == (201, first.body, first.headers["location"])
        assert again.headers["idempotency-replayed"] == "true"
    assert service.site.query("SELECT count(*) FROM users WHERE email = %s", wanted["email"]) == [(1,)]


@pytest.mark.parametrize("path", ["/probe/types", "/probe/token", "/probe/rows", "/probe/two-steps"])
def test_a_repeat_is_equal_in_every_byte(service, path):
    key, target = str(uuid.uuid4()), f"{path}?label={uuid.uuid4()}"
    first, again = post(service, target, None, key), post(service, target, None, key)
    assert first.status == 201, first
    assert again.headers["idempotency-replayed"] == "true"
    assert (again.status, again.body) == (201, first.body)
    for name in ("x-count", "x-text"):
        assert again.headers.get(name) == first.headers.get(name)


@pytest.mark.parametrize("results", ['[["(1)"]]', "[]", "{}", '{"columns": 5}', '{"columns": [[1, 2, 3]]}', '{"columns": [["a", "b", "c"]]}',
                                     '{"rows": []}', '{"columns": [["a", 25]]}', '{"columns": [], "more": 1}'])
def test_a_row_in_another_form_is_no_answer_and_nothing_is_done(null, results):
    """What a program up to 0.1.0 stored, or nobody."""
    key, label = str(uuid.uuid4()), str(uuid.uuid4())
    assert post(null, f"/probe/two-steps?label={label}", None, key).status == 201
    null.site.query("UPDATE idempotency_keys SET results = %s::jsonb WHERE key = %s", results, key)
    answer = post(null, f"/probe/two-steps?label={label}", None, key)
    assert answer.status == 409 and "its answer was not stored" in answer.problem()["detail"]
    assert count(null.site, label) == 1


def test_what_a_handler_says_before_its_statement_is_said_once(serve):
    service, key, path = serve("cached"), str(uuid.uuid4()), f"/cached/{random.randrange(10 ** 9)}"
    first, again = post(service, path, None, key), post(service, path, None, key)
    assert (first.status, again.status) == (201, 201) and again.headers["idempotency-replayed"] == "true"
    for answer in (first, again):
        assert [value for name, value in answer.header_list if name == "x-early"] == ["yes"]


def test_what_is_done_once_is_not_done_again_for_a_repeat(serve):
    service, key = serve("cached", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0), str(uuid.uuid4())
    path = f"/cached/{random.randrange(10 ** 9)}/once"
    answers = [post(service, path, None, key) for _ in range(3)]
    assert [(answer.status, answer.headers["x-calls"]) for answer in answers] == [(201, "1")] * 3
    assert [answer.headers.get("idempotency-replayed") for answer in answers] == [None, "true", "true"]
    assert post(service, f"/cached/{random.randrange(10 ** 9)}/once").headers["x-calls"] == "2"  # of this process


def test_a_row_that_was_not_found_is_looked_for_again(serve):
    """The first request did nothing, so there is nothing to store."""
    service, key, path = serve("cached"), str(uuid.uuid4()), f"/cached/{random.randrange(10 ** 9)}/nothing"
    first, again = post(service, path, None, key), post(service, path, None, key)
    assert (first.status, again.status) == (404, 404)
    assert [answer.headers.get("idempotency-replayed") for answer in (first, again)] == [None, None]


def test_a_failure_after_the_last_statement_is_rolled_back_with_its_key(serve, site):
    """With a key the commit waits for the response; without one it has travelled with the statement."""
    service, number, key = serve("cached"), random.randrange(10 ** 9), str(uuid.uuid4())
    for _ in range(2):
        answer = post(service, f"/cached/{number}/failing", None, key)
        assert answer.status == 500 and "idempotency-replayed" not in answer.headers
        assert service.line_of(answer)["outcome"] == "rolled_back"
    assert count(site, f"cached-{number}") == 0
    assert service.line_of(service.client.post(f"/cached/{number}/failing"))["outcome"] == "committed"
    assert count(site, f"cached-{number}") == 1


def test_a_quoted_key_is_the_same_key(null):
    key, wanted = str(uuid.uuid4()), someone()
    assert post(null, "/users", wanted, key).status == 201
    assert post(null, "/users", wanted, f'"{key}"').headers["idempotency-replayed"] == "true"


@pytest.mark.parametrize("text", ["two words", r'\"in\" \\ side', " ", "~,;=?"])
def test_a_key_may_be_any_string_of_rfc_9651(null, text):
    key, wanted = f'"{text}{uuid.uuid4()}"', someone()
    assert post(null, "/users", wanted, key).status == 201
    assert post(null, "/users", wanted, f"\t{key} ").headers["idempotency-replayed"] == "true"
    kept = key[1:-1].replace(r'\"', '"').replace(r"\\", "\\")
    assert null.site.query("SELECT count(*) FROM idempotency_keys WHERE key = %s", kept) == [(1,)]


def test_without_a_key_nothing_is_kept(null):
    before = null.site.query("SELECT count(*) FROM idempotency_keys")
    assert null.client.post("/users", someone()).status == 201
    assert null.site.query("SELECT count(*) FROM idempotency_keys") == before


@pytest.mark.parametrize("path, document", [("/users", None), ("/onboarding", {"user": someone(), "quiz": {"answers": {}}}),
                                            ("/probe/rows?label=of-another", None)])
def test_the_key_of_another_request_is_refused(null, path, document):
    key = str(uuid.uuid4())
    assert post(null, "/users", someone(), key).status == 201
    answer = post(null, path, document or someone(), key)
    assert answer.status == 422
    assert answer.problem()["detail"] == "This Idempotency-Key was used for another request"


@pytest.mark.parametrize("key", ["", '""', "two words", "x" * 256, 'in"side', "back\\slash", "\x7f", "ö", '"', '"a', '"a"b"', r'"\a"', r'"a\"',
                                 '"ö"', '"a";b=1', '"a", "b"', '"' + "x" * 256 + '"'])
def test_what_is_no_key_is_refused_and_nothing_done(null, key):
    wanted = someone()
    answer = null.client.post("/users", wanted, headers={"Idempotency-Key": key.encode("latin-1")})
    assert answer.status == 400 and answer.problem()["detail"].startswith("Idempotency-Key must have")
    assert null.site.query("SELECT count(*) FROM users WHERE email = %s", wanted["email"]) == [(0,)]


def test_a_route_that_commits_by_itself_takes_no_key(null):
    label = str(uuid.uuid4())
    assert post(null, f"/probe/commit-first?label={label}").status == 422
    assert count(null.site, label) == 0


def test_a_failure_is_not_kept(null):
    key, wanted = str(uuid.uuid4()), someone()
    other = null.client.post("/users", wanted).json()
    assert post(null, "/users", wanted, key).problem()["detail"] == "A user with this email exists already"
    null.client.of(other).ask("DELETE", f"/users/{other['id']}")
    assert post(null, "/users", wanted, key).status == 201


def test_a_repeat_while_the_first_runs_is_a_conflict(service):
    key, label = str(uuid.uuid4()), str(uuid.uuid4())
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        first = pool.submit(post, service, f"/probe/insert-and-sleep?label={label}", None, key)
        wait_until("it to sleep", lambda: service.site.query(
            "SELECT 1 FROM pg_stat_activity WHERE usename = 'app_user' AND query LIKE '%%pg_sleep%%'"), 5)
        again = None if service.environment.get("DATABASE_POOL_SIZE") == "1" else post(
            service, f"/probe/insert-and-sleep?label={label}", None, key)
        status = first.result().status
    if again:
        assert again.status == 409 and again.headers["retry-after"] == "1"
        assert again.problem()["detail"] == "A request with this Idempotency-Key is being worked on"
    last = post(service, f"/probe/insert-and-sleep?label={label}", None, key)
    assert last.status == status == 201 and last.headers["idempotency-replayed"] == "true"


@pytest.mark.long
def test_fifty_at_once_are_one_row_and_fifty_equal_answers(service):
    key, wanted = str(uuid.uuid4()), someone()
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: until_answered(service, "/users", wanted, key), range(50)))
    assert {(answer.status, answer.body) for answer in answers} == {(201, answers[0].body)}
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
    assert service.site.query("SELECT count(*) FROM users WHERE email = %s", wanted["email"]) == [(1,)]


@pytest.mark.long
def test_many_with_one_key_and_a_strict_isolation_are_one_row(null):
    key, label = str(uuid.uuid4()), str(uuid.uuid4())
    path = f"/probe/serializable?label={label}"
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: until_answered(null, path, None, key), range(8)))
    assert {answer.status for answer in answers} == {201}
    assert count(null.site, label) == 1


def test_a_key_ends_after_a_day_and_old_ones_are_cleaned_in_passing(null):
    key, wanted = str(uuid.uuid4()), someone()
    first = post(null, "/users", wanted, key)
    null.client.of(first.json()).ask("DELETE", first.headers["location"])
    null.site.query("INSERT INTO idempotency_keys (caller, key, fingerprint, response, created_at) SELECT '', 'old-' || i, '', '',"
                    " now() - interval '25 hours' FROM generate_series(1, 15) AS i")
    null.site.query("UPDATE idempotency_keys SET created_at = now() - interval '24 hours 1 second' WHERE key = %s", key)
    again = post(null, "/users", wanted, key)
    assert again.status == 201 and again.body != first.body and "idempotency-replayed" not in again.headers
    assert null.site.query("SELECT count(*) FROM idempotency_keys WHERE key LIKE 'old-%%'") == [(5,)]
    assert post(null, "/users", someone()).status == 201
    assert null.site.query("SELECT count(*) FROM idempotency_keys WHERE key LIKE 'old-%%'") == [(0,)]


def test_a_commit_that_was_broken_off_is_done_by_ourselves(service):
    label = f"slow-commit-{uuid.uuid4()}"
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(post, service, f"/probe/rows?label={label}")
        find = "SELECT pid FROM pg_stat_activity WHERE usename = 'app_user' AND state = 'active' AND query = 'COMMIT'"
        wait_until("the commit to run", lambda: service.site.query(find), 5)
        service.site.query(f"SELECT pg_terminate_backend(pid) FROM ({find}) AS running")
        answer = waiting.result()
    assert answer.status == 201, answer
    assert count(service.site, label) == 1
    assert service.line_of(answer)["reruns"] >= 1


@pytest.mark.long
def test_what_stays_unknown_is_said_at_the_deadline(serve, site):
    """The commit takes a while; meanwhile its answer is doomed, and the database does not come back: nobody can tell."""
    with faults.line(site.postgres.port) as line:
        service = serve("probe", DATABASE_URL=site.url(port=line.entrance), REQUEST_TIMEOUT=4, **POOL)
        assert service.client.get("/probe/session").status == 200
        wait_for_the_check(service, line)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(post, service, f"/probe/rows?label=slow-commit-{uuid.uuid4()}")
            wait_until("the commit to run", lambda: service.site.query(
                "SELECT pid FROM pg_stat_activity WHERE usename = 'app_user' AND state = 'active' AND query = 'COMMIT'"), 5)
            line.port = free_port()  # from the next connection on
            line.fault = faults.next_answer(faults.cut)
            answer = waiting.result()
    assert answer.status == 503 and answer.problem()["outcome"] == "unknown"


class CutsAtFlight:
    """Passes everything; once armed, it cuts when the client has sent so many flights. for_good: and nobody is there from
    the next connection on."""

    def __init__(self, for_good=False):
        self.for_good, self.left = for_good, None

    def __call__(self, pipe, data):
        if self.left is not None and pipe.upward:
            self.left -= 1
            if self.left == 0:
                self.left = None
                if self.for_good:
                    pipe.line.port = free_port()
                pipe.cut()
        pipe.send(data)


# A repeat is one flight: the lookup finds the answer, and the claim is refused. Where that flight carries a commit, the work may
# be the repeat's own.
@pytest.mark.parametrize("path, outcome", [("/probe/rows", "replayed"), ("/probe/two-steps", "replayed"), ("/probe/marked", "committed")])
def test_a_repeat_whose_connection_is_lost_gets_its_answer_all_the_same(serve, site, path, outcome):
    gate = CutsAtFlight()
    with faults.line(site.postgres.port, gate) as line:
        service = serve("probe", DATABASE_URL=site.url(port=line.entrance), **POOL)
        wait_until("the check", lambda: service.lines(event="connection budget"), 10)
        key, target = str(uuid.uuid4()), f"{path}?label={uuid.uuid4()}"
        first = post(service, target, None, key)
        assert first.status == 201
        gate.left = 1
        again = post(service, target, None, key)
        assert service.line_of(again)["outcome"] == outcome
    assert gate.left is None, "it was not cut"
    assert (again.status, again.body) == (201, first.body) and again.headers["idempotency-replayed"] == "true"
    assert count(site, target.partition("=")[2]) == 1


@pytest.mark.long
def test_a_repeat_that_cannot_be_answered_is_not_told_that_nothing_was_done(serve, site):
    gate = CutsAtFlight(for_good=True)
    with faults.line(site.postgres.port, gate) as line:
        service = serve("probe", DATABASE_URL=site.url(port=line.entrance), REQUEST_TIMEOUT=3, **POOL)
        wait_until("the check", lambda: service.lines(event="connection budget"), 10)
        key, target = str(uuid.uuid4()), f"/probe/marked?label={uuid.uuid4()}"
        assert post(service, target, None, key).status == 201
        gate.left = 1
        again = post(service, target, None, key)
    assert gate.left is None, "it was not cut"
    assert again.status == 503 and again.problem()["outcome"] == "unknown"


@pytest.fixture
def own_postgres(site):
    """A database that may be killed: one that writes before it says so (fsync=False would not wait)."""
    postgres = site.new_postgres("killed", fsync=True)
    postgres.start()
    yield postgres
    postgres.stop("immediate")


def killed_again_and_again(postgres, ended):
    while not ended.wait(random.uniform(0.2, 0.8)):
        postgres.stop("immediate")
        postgres.start()


@pytest.mark.long
def test_five_hundred_while_the_database_is_killed_are_done_once_each(serve, site, own_postgres):
    service = serve("onboarding", DATABASE_URL=site.url(password="app", port=own_postgres.port), DATABASE_CONNECTION="null",
                    REDIS_URL=None)
    wanted = [{"user": someone(), "quiz": {"answers": {"n": n}}} for n in range(500)]
    ended = threading.Event()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(until_answered, service, "/onboarding", one, str(uuid.uuid4())) for one in wanted]
        watching = threading.Thread(target=lambda: (concurrent.futures.wait(answers), ended.set()))
        watching.start()
        killed_again_and_again(own_postgres, ended)  # in the main thread: what it starts ends with the thread
        watching.join()
        answers = [answer.result() for answer in answers]
    assert [answer for answer in answers if answer.status != 201] == []
    link = own_postgres.admin("app")
    with link.cursor() as cursor:
        cursor.execute("SELECT u.email, u.id::text, q.id::text, q.answers->>'n' FROM users u"
                       " JOIN quiz_responses q ON q.user_id = u.id")
        rows = cursor.fetchall()
    link.close()
    assert len(rows) == 500
    assert sorted(rows) == sorted((one["user"]["email"], answer.json()["user_id"], answer.json()["quiz_id"], str(n))
                                  for n, (one, answer) in enumerate(zip(wanted, answers)))
