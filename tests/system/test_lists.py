"""Lists: orders, filters, and links from page to page."""
import base64
import re
import urllib.parse
import uuid

import pytest

from conftest import SECRET_CANARY


@pytest.fixture(scope="module")
def some(null):
    """Seven users whose addresses are not in the order in which the users were created."""
    tag = uuid.uuid4().hex[:8]
    return tag, [null.client.post("/users", {"email": f"{letter}-{tag}@example.com", "name": letter}).json()
                 for letter in "dbgacfe"]


def follow(service, target):
    """Returns all items and the number of pages, by the links alone; the "next" of each body must agree."""
    items, pages = [], 0
    while target:
        answer = service.client.get(target)
        assert answer.status == 200, answer
        items += answer.json()["items"]
        pages += 1
        link = re.fullmatch(r'<([^<>"\s]+)>; rel="next"', answer.headers.get("link", ""))
        assert bool(link) == bool(answer.json()["next"])
        target = link and link[1]
        assert not target or urllib.parse.parse_qs(urllib.parse.urlsplit(target).query)["after"] == [answer.json()["next"]]
    return items, pages


@pytest.mark.parametrize("sort, key, reverse", [("created_at", "created_at", False), ("-created_at", "created_at", True),
                                                ("email", "email", False), ("-email", "email", True)])
@pytest.mark.parametrize("limit", [1, 3, 100])
def test_links_lead_through_every_order(null, some, sort, key, reverse, limit):
    _, users = some
    since = urllib.parse.quote(users[0]["created_at"])
    items, pages = follow(null, f"/users?sort={sort}&limit={limit}&created_since={since}")
    mine = [item for item in items if item in users]
    assert mine == sorted(users, key=lambda user: user[key], reverse=reverse)
    assert pages == -(-len(items) // limit)


def test_each_order_has_its_index(null):
    for key in ("created_at", "email"):
        plan = null.site.query("SET LOCAL enable_sort = off; SET LOCAL enable_seqscan = off; EXPLAIN SELECT id FROM users"
                               f" WHERE deleted_at IS NULL ORDER BY {key}, id LIMIT 3")
        assert "Index" in str(plan) and "Sort" not in str(plan)


def test_an_email_is_found_whatever_its_case(null, some):
    tag, users = some
    for email in (f"g-{tag}@example.com", f"G-{tag.upper()}@EXAMPLE.com"):
        assert null.client.get(f"/users?email={email}").json() == {"items": [users[2]], "next": None}
    assert null.client.get(f"/users?email=nobody-{tag}@example.com").json()["items"] == []


def test_filters_hold_on_every_page(null, some):
    _, users = some
    since = urllib.parse.quote(users[4]["created_at"])
    items, _ = follow(null, f"/users?created_since={since}&limit=1")
    assert [item for item in items if item in users] == users[4:]


@pytest.mark.parametrize("changed", ["sort=email", "sort=-created_at", "created_since=2026-01-01T00:00:00Z",
                                     "email=a@example.com"])
def test_next_of_one_list_is_refused_by_another(null, some, changed):
    after = null.client.get("/users?limit=1").json()["next"]
    assert null.client.get(f"/users?limit=1&after={after}").status == 200
    assert null.client.get(f"/users?limit=50&after={after}").status == 200  # the limit may change
    assert null.client.get(f"/users?limit=1&sort=created_at&after={after}").status == 200  # the default
    problem = null.client.get(f"/users?limit=1&after={after}&{changed}").problem()
    assert problem["status"] == 422
    assert problem["errors"] == [{"in": "query", "name": "after",
                                  "message": 'must be the "next" of a page with the same other parameters'}]


@pytest.mark.parametrize("query", ["sort=name", "sort=", "sort=email&sort=email", "sort=EMAIL", "email=nobody",
                                   "created_since=yesterday", "sort=email%3B+DROP+TABLE+users"])
def test_an_invalid_order_or_filter_is_named(null, query):
    problem = null.client.get(f"/users?{query}").problem()
    assert problem["status"] == 422 and problem["errors"][0]["name"] == query.split("=")[0]


def test_a_link_cannot_end_its_header(null, some):
    """What was decoded is encoded again."""
    answer = null.client.get("/users?limit=1&created_since=2026-01-01T00%3A00%3A00%2B00%3A00")
    assert "created_since=2026-01-01T00%3A00%3A00%2B00%3A00" in answer.headers["link"]
    answer = null.client.get("/%75sers?limit=1")
    assert answer.status == 404 or answer.headers["link"].startswith("</users?")


ALTERED = [{"in": "query", "name": "after", "message": 'must be the "next" of a page with the same other parameters'}]


def altered(cursor):
    """The cursor with each of its bytes changed, and with other keys under the same seal."""
    data = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    for at in range(1, len(data)):
        yield data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]
    yield data + b"0"
    yield data.rpartition(b"\x1f")[0]
    yield data + b"\x1fmore"
    yield b"\x1f".join([*data.split(b"\x1f")[:2], b"soon", b"nobody"])
    yield b"\x1f".join([*data.split(b"\x1f")[:2], b"2026-01-01T00:00:00Z", b"00000000-0000-4000-8000-000000000000"])


def test_an_altered_cursor_is_refused_by_name_and_never_reaches_the_database(null, some):
    cursor = null.client.get("/users?limit=1").json()["next"]
    for data in altered(cursor):
        text = base64.urlsafe_b64encode(data).decode().rstrip("=")
        answer = null.client.get(f"/users?limit=1&after={text}")
        assert answer.status == 422, data
        errors = answer.problem()["errors"]
        assert errors == ALTERED or errors[0]["name"] == "after" and len(errors) == 1, data
    line = null.line_of(answer)
    assert line.get("trips", 0) == line.get("connect_trips", 0) == 0
    assert null.client.get(f"/users?limit=1&after={cursor}").status == 200


def test_a_cursor_is_valid_under_the_current_and_the_previous_key(null, some, serve):
    cursor = null.client.get("/users?limit=1").json()["next"]
    other = f"{SECRET_CANARY[:-5]}other"
    service = serve("users", SECRET_KEY=other, SECRET_KEY_PREVIOUS=SECRET_CANARY)
    mine = service.client.get(f"/users?limit=1&after={cursor}")
    assert mine.status == 200
    mine = service.client.get("/users?limit=1").json()["next"]
    assert service.client.get(f"/users?limit=1&after={mine}").status == 200
    assert null.client.get(f"/users?limit=1&after={mine}").problem()["errors"] == ALTERED
