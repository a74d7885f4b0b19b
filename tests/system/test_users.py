"""CRUD of users, in each connection mode."""
import re
import uuid

import pytest

RFC3339 = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$")


def someone(**fields):
    return {"email": f"{uuid.uuid4()}@example.com", "name": "Ada Lovelace", **fields}


def created(service, **fields):
    answer = service.client.post("/users", someone(**fields))
    assert answer.status == 201, answer
    return answer.json()


def test_a_created_user_is_returned_with_its_location(service):
    wanted = someone()
    answer = service.client.post("/users", wanted)
    row = answer.json()
    assert answer.status == 201
    assert list(row) == ["id", "email", "name", "created_at", "updated_at"]
    assert (row["email"], row["name"]) == (wanted["email"], wanted["name"])
    assert answer.headers["location"] == f"/users/{row['id']}"
    assert RFC3339.match(row["created_at"]) and RFC3339.match(row["updated_at"])
    assert answer.headers["content-type"] == "application/json"


def test_a_user_is_read_by_its_location(service):
    row = created(service)
    assert service.client.get(f"/users/{row['id']}").json() == row


def test_a_name_keeps_every_character(service):
    name = "Zoë \U0001f600 \"quoted\" \\ back\tslash <b>"
    row = created(service, name=name)
    assert service.client.get(f"/users/{row['id']}").json()["name"] == name


def test_a_taken_email_is_a_conflict_whatever_its_case(service):
    row = created(service)
    answer = service.client.post("/users", someone(email=row["email"].upper()))
    assert answer.status == 409
    assert answer.problem()["detail"] == "A user with this email exists already"


def test_a_change_moves_updated_at_and_nothing_else(service):
    row = created(service)
    answer = service.client.of(row).send("PATCH", f"/users/{row['id']}", {"name": "Grace"})
    changed = answer.json()
    assert answer.status == 200
    assert changed["updated_at"] > row["updated_at"]
    assert {**changed, "updated_at": None} == {**row, "name": "Grace", "updated_at": None}


def test_a_change_to_a_taken_email_is_a_conflict(service):
    one, other = created(service), created(service)
    assert service.client.of(one).send("PATCH", f"/users/{one['id']}", {"email": other["email"]}).status == 409


def test_an_empty_change_is_refused(service):
    row = created(service)
    assert service.client.of(row).send("PATCH", f"/users/{row['id']}", {}).status == 422


def test_a_deleted_user_is_gone_but_stays_in_the_table(service):
    row = created(service)
    answer = service.client.of(row).ask("DELETE", f"/users/{row['id']}")
    assert (answer.status, answer.body) == (204, b"")
    again = service.client.get(f"/users/{row['id']}")
    assert again.status == 404 and again.problem()["detail"] == "User not found"
    for again in (service.client.of(row).ask("DELETE", f"/users/{row['id']}"),
                  service.client.of(row).send("PATCH", f"/users/{row['id']}", {"name": "x"})):
        assert again.status == 401, again  # deleting a user ends all their sessions
    assert service.site.query("SELECT deleted_at IS NOT NULL FROM users WHERE id = %s", row["id"]) == [(True,)]


def test_the_email_of_a_deleted_user_can_be_used_again(service):
    row = created(service)
    service.client.of(row).ask("DELETE", f"/users/{row['id']}")
    assert created(service, email=row["email"])["id"] != row["id"]


def test_an_unknown_user_is_not_found(service):
    answer = service.client.get(f"/users/{uuid.uuid4()}")
    assert answer.status == 404
    assert answer.problem()["detail"] == "User not found"


def pages(service, limit):
    target, items = f"/users?limit={limit}", []
    while target:
        page = service.client.get(target).json()
        assert len(page["items"]) <= limit
        items += page["items"]
        target = page["next"] and f"/users?limit={limit}&after={page['next']}"
    return items


def test_pages_have_every_user_once_oldest_first_without_the_deleted_ones(service):
    rows = [created(service) for _ in range(7)]
    service.client.of(rows[3]).ask("DELETE", f"/users/{rows[3]['id']}")
    got = pages(service, 3)
    assert [item["id"] for item in got if item in rows] == [row["id"] for i, row in enumerate(rows) if i != 3]
    keys = [(item["created_at"], item["id"]) for item in got]
    assert len(set(keys)) == len(keys)


def test_a_page_stays_where_it_was_when_rows_come_and_go(service):
    rows = [created(service) for _ in range(4)]
    everything = pages(service, 100)
    before = len(everything) - 2
    page = service.client.get(f"/users?limit={before}").json() if before <= 100 else None
    if page:
        service.client.of(page['items'][-1]).ask("DELETE", f"/users/{page['items'][-1]['id']}")
        following = service.client.get(f"/users?limit=2&after={page['next']}").json()["items"]
        assert [item["id"] for item in following] == [rows[2]["id"], rows[3]["id"]]


@pytest.mark.parametrize("query, parameter", [
    ("limit=0", "limit"), ("limit=101", "limit"), ("limit=ten", "limit"), ("limit=", "limit"), ("limit=1e1", "limit"),
    ("after=nonsense!", "after"), ("after=", "after"), ("limti=5", "limti"), ("limit=1&limit=2", "limit"),
])
def test_an_invalid_query_names_its_parameter(null, query, parameter):
    problem = null.client.get(f"/users?{query}").problem()
    assert problem["status"] == 422
    assert [(error["in"], error["name"]) for error in problem["errors"]] == [("query", parameter)]


def test_a_forged_cursor_is_refused_and_not_a_server_error(null):
    # base64url of "soon\x1fnobody": two keys that no column accepts.
    assert null.client.get("/users?after=c29vbh9ub2JvZHk").status == 422


def test_the_default_limit_is_20(null):
    for _ in range(21):
        created(null)
    assert len(null.client.get("/users").json()["items"]) == 20
