"""A user and a quiz response: both or neither, in one round trip."""
import concurrent.futures
import uuid


def someone(**answers):
    return {"user": {"email": f"{uuid.uuid4()}@example.com", "name": "Ada"}, "quiz": {"answers": answers}}


def rows(service, email):
    return service.site.query("SELECT u.id::text, q.answers FROM users u LEFT JOIN quiz_responses q ON q.user_id = u.id"
                              " WHERE u.email = %s", email)


def test_both_rows_are_created_in_one_flight(service):
    wanted = someone(colour="blue", tags=[1, None, "x"], nested={"deep": True})
    # The first write on a connection that was idle for 10 s needs two flights.
    assert service.client.post("/onboarding", someone()).status == 201
    answer = service.client.post("/onboarding", wanted)
    assert answer.status == 201, answer
    ids = answer.json()
    assert list(ids) == ["user_id", "quiz_id"]
    assert answer.headers["location"] == f"/users/{ids['user_id']}"
    assert rows(service, wanted["user"]["email"]) == [(ids["user_id"], wanted["quiz"]["answers"])]
    assert service.line_of(answer)["flights"] == 1
    page = service.client.of(ids["user_id"]).get(f"/users/{ids['user_id']}/quiz-responses").json()
    assert [(item["id"], item["answers"]) for item in page["items"]] == [(ids["quiz_id"], wanted["quiz"]["answers"])]
    assert page["next"] is None


def test_a_taken_email_leaves_no_quiz_response(service):
    wanted = someone(a=1)
    assert service.client.post("/onboarding", wanted).status == 201
    before = service.site.query("SELECT count(*) FROM quiz_responses")
    again = service.client.post("/onboarding", wanted)
    assert again.status == 409 and again.problem()["detail"] == "A user with this email exists already"
    assert service.site.query("SELECT count(*) FROM quiz_responses") == before


def test_one_of_many_simultaneous_requests_with_one_email_succeeds(null):
    wanted = someone(a=1)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(lambda _: null.client.post("/onboarding", wanted).status, range(8)))
    assert statuses == [201] + [409] * 7
    assert len(rows(null, wanted["user"]["email"])) == 1


def test_every_fault_is_named_with_its_path(service):
    answer = service.client.post("/onboarding", {"user": {"email": "no", "admin": True}, "quiz": {"answers": [1]}, "x": 1})
    assert answer.status == 422
    assert sorted(fault["name"] for fault in answer.problem()["errors"]) == [
        "quiz.answers", "user.admin", "user.email", "user.name", "x"]
    assert "backend_pid" not in service.line_of(answer)


def test_quiz_responses_come_in_pages(null):
    user = null.client.post("/onboarding", someone(n=0)).json()["user_id"]
    for i in range(1, 5):
        null.site.query("INSERT INTO quiz_responses (user_id, answers) VALUES (%s, jsonb_build_object('n', %s::int))", user, i)
    seen, after = [], ""
    while after is not None:
        page = null.client.of(user).get(f"/users/{user}/quiz-responses?limit=2" + (f"&after={after}" if after else "")).json()
        seen += [item["answers"]["n"] for item in page["items"]]
        after = page["next"]
    assert seen == [0, 1, 2, 3, 4]
