"""A client that has the answer already gets a 304; whose answer changed gets the new one."""
import uuid

import pytest


@pytest.fixture
def user(null):
    return null.client.post("/users", {"email": f"{uuid.uuid4()}@example.com", "name": "Ada"}).json()


def ask(service, user, tags, method="GET"):
    return service.client.ask(method, f"/users/{user['id']}", headers={"If-None-Match": tags})


def test_the_same_answer_is_not_sent_twice(null, user):
    whole = null.client.get(f"/users/{user['id']}")
    tag = whole.headers["etag"]
    assert whole.headers["cache-control"] == "private, no-cache"
    for tags in (tag, f"W/{tag}", f'"other", {tag}', f'"a,b" ,W/"c",{tag}', "*"):
        for method in ("GET", "HEAD"):
            answer = ask(null, user, tags, method)
            assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", tag), (tags, method)
            assert "content-type" not in answer.headers
            assert answer.headers["x-request-id"]


@pytest.mark.parametrize("tags", ['"other"', '*, "other"', '"other", *', "**", "", ",", "nonsense", '"', "W/", '"unclosed', '"00000000000000000000000000000000"'])
def test_another_tag_gets_the_whole_answer(null, user, tags):
    answer = ask(null, user, tags)
    assert answer.status == 200 and answer.json() == user


def test_a_change_changes_the_tag(null, user):
    tag = null.client.get(f"/users/{user['id']}").headers["etag"]
    assert null.client.of(user).send("PATCH", f"/users/{user['id']}", {"name": "Grace"}).status == 200
    answer = ask(null, user, tag)
    assert answer.status == 200 and answer.json()["name"] == "Grace" and answer.headers["etag"] != tag


def test_health_and_failures_have_no_tag(null):
    for path in ("/health", f"/users/{uuid.uuid4()}", "/users?limit=0"):
        answer = null.client.get(path)
        assert "etag" not in answer.headers and answer.headers["cache-control"] == "no-store"


def test_a_page_has_a_tag_too(null, user):
    tag = null.client.get("/users?limit=1").headers["etag"]
    assert null.client.get("/users?limit=1", headers={"If-None-Match": tag}).status == 304
