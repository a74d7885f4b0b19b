"""CRUD of notes, and their pages."""
import uuid

import pytest

from conftest import Service


@pytest.fixture(scope="module")
def client(site, started):
    started.append(Service(site, ["notes"]).start())
    return started[-1].client


def created(client, title="A title"):
    answer = client.post("/notes", {"title": title})
    assert answer.status == 201, answer
    return answer.json()


def test_what_was_created_is_read_by_its_location(client):
    answer = client.post("/notes", {"title": "First"})
    row = answer.json()
    assert answer.status == 201
    assert list(row) == ["id", "title", "created_at", "updated_at"] and row["title"] == "First"
    assert client.get(answer.headers["location"]).json() == row


@pytest.mark.parametrize("title", [None, "", "x" * 201, 1])
def test_a_wrong_title_is_refused_by_name(client, title):
    problem = client.post("/notes", {"title": title}).problem()
    assert problem["status"] == 422
    assert [(error["in"], error["name"]) for error in problem["errors"]] == [("body", "title")]


def test_a_change_moves_updated_at_and_nothing_else(client):
    row = created(client)
    changed = client.send("PATCH", f"/notes/{row['id']}", {"title": "Changed"}).json()
    assert changed["updated_at"] > row["updated_at"]
    assert {**changed, "updated_at": None} == {**row, "title": "Changed", "updated_at": None}
    assert client.send("PATCH", f"/notes/{row['id']}", {}).status == 422


def test_what_was_deleted_is_gone_but_kept_in_the_table(client, site):
    path = f"/notes/{created(client)['id']}"
    assert client.ask("DELETE", path).status == 204
    for again in (client.get(path), client.ask("DELETE", path), client.send("PATCH", path, {"title": "x"})):
        assert (again.status, again.problem()["detail"]) == (404, "Note not found")
    assert site.query("SELECT deleted_at IS NOT NULL FROM notes WHERE id = %s", path.split("/")[2]) == [(True,)]


def test_what_never_was_is_not_found(client):
    assert client.get(f"/notes/{uuid.uuid4()}").status == 404


def test_pages_have_every_row_once_oldest_first(client):
    rows = [created(client, f"Number {number}") for number in range(5)]
    got, after = [], ""
    while after is not None:
        page = client.get(f"/notes?limit=2{after and '&after=' + after}").json()
        got, after = got + page["items"], page["next"]
    assert [row for row in got if row in rows] == rows
    assert len({row["id"] for row in got}) == len(got)
