"""API_PREFIX: nginx, the description, Location and Link follow, and no handler knows it."""
import json
import subprocess
import uuid

import pytest

from conftest import Service, program

PREFIX = "/api/v1.2"


@pytest.fixture(scope="module")
def service(site, started):
    started.append(Service(site, ["users", "auth", "root", "health", "metrics", "replies", "bodies", "cached"], API_PREFIX=PREFIX, DATABASE_POOL_SIZE=1).start())
    return started[-1]


def test_paths_have_it_and_no_others_are_served(service):
    assert service.client.get(f"{PREFIX}/users?limit=1").status == 200
    for path in "/users", "/users?limit=1", "/api/users", "/api/v1x2/users", "/api/v1.20/users", "/api/v1.2users", f"{PREFIX}{PREFIX}/users", "/", "/root":
        assert service.client.get(path).status == 404, path
    for path in "/%61pi/v1.2/users", f"{PREFIX}/../users", f"{PREFIX}/%2e%2e/users", f"/x/..{PREFIX}/users", f"/{PREFIX}/users":
        assert service.client.get(path).status in (400, 404), path
    for path in PREFIX, PREFIX + "/", PREFIX + "?a=b":
        assert service.client.get(path).status == service.client.get(PREFIX).status != 404
    assert service.line_of(service.client.get(f"{PREFIX}/users"))["route"] == "/users"


def test_what_machines_ask_has_none(service):
    assert service.client.get("/health").status == 200 and service.client.get("/health/live?ts=1").status == 200
    assert service.client.get("/metrics").status == 200 and service.client.get(f"{PREFIX}/health").status == 200
    for path in "/metrics", "/metrics/", "/metrics?a=b", "/metrics/nginx", "/%6detrics":
        assert service.client.get(PREFIX + path).status == 404, path  # they are not open to everybody


def test_location_and_link_lead_on(service):
    made = service.client.post(f"{PREFIX}/users", {"email": f"{uuid.uuid4()}@example.com", "name": "Somebody"})
    assert made.status == 201 and made.headers["location"].startswith(f"{PREFIX}/users/")
    there = service.client.of(made.json())
    assert there.get(made.headers["location"]).json()["id"] == made.json()["id"]
    service.client.post(f"{PREFIX}/users", {"email": f"{uuid.uuid4()}@example.com", "name": "Somebody"})
    page = service.client.get(f"{PREFIX}/users?limit=1")
    link = page.headers["link"].split(">")[0].removeprefix("<")
    assert link.startswith(f"{PREFIX}/users?") and service.client.get(link).json()["items"][0]["id"] != page.json()["items"][0]["id"]


def test_a_redirect_to_a_path_of_the_api_and_one_to_elsewhere(service):
    label = str(uuid.uuid4())
    answer = service.client.post(f"{PREFIX}/replies/redirect/answer", {"label": label})
    assert answer.status == 303 and answer.headers["location"] == f"{PREFIX}/replies/rows/{label}"
    for text, location in ("/replies/json", f"{PREFIX}/replies/json"), ("https://example.com/a", "https://example.com/a"), ("//example.com/a", "//example.com/a"):
        answer = service.client.post(f"{PREFIX}/replies/redirect", {"label": str(uuid.uuid4()), "text": text})
        if answer.status == 303:
            assert answer.headers["location"] == location
    assert service.client.get(f"{PREFIX}/replies/moved").status == 308


def test_a_precondition_compares_with_the_same_path(service):
    made = service.client.post(f"{PREFIX}/users", {"email": f"{uuid.uuid4()}@example.com", "name": "Somebody"})
    there, path = service.client.of(made.json()), made.headers["location"]
    tag = there.get(path).headers["etag"]
    assert there.send("PATCH", path, {"name": "Other"}, headers={"If-Match": '"x"'}).status == 412
    assert there.send("PATCH", path, {"name": "Other"}, headers={"If-Match": tag}).status == 200


def test_a_location_and_a_cookie_of_the_handler_have_it(service):
    answer = service.client.get(f"{PREFIX}/replies/placed")
    assert answer.headers["location"] == f"{PREFIX}/replies/json" and f"Path={PREFIX}/replies" in answer.headers["set-cookie"]
    assert answer.json() == PREFIX


def test_larger_bodies_are_told_to_nginx(service):
    answer = service.client.ask("POST", f"{PREFIX}/bodies/large", b"x" * (2 << 20), {"Content-Type": "x/y"})
    assert answer.status == 200, answer


def test_the_description_says_where_it_is(site):
    for prefix, server in (PREFIX, PREFIX), (PREFIX + "/", PREFIX), ("", "/"):
        done = subprocess.run([program("auth"), "--openapi"], env=site.environment(API_PREFIX=prefix), capture_output=True, check=True, timeout=60)
        document = json.loads(done.stdout)
        assert document["servers"] == [{"url": server}] and "/auth/token" in document["paths"]
        flow = document["components"]["securitySchemes"]["password"]["flows"]["password"]
        assert flow["tokenUrl"] == flow["refreshUrl"] == server.rstrip("/") + "/auth/token"


@pytest.mark.parametrize("prefix", ["api", "/api//v1", "//api", "/a b", "/api?x", "/api/{v}", "/health", "/metrics/x", "/docs", "/openapi.json", "/a/b/c/d/e", "/../api", "/.", "/a/..", "/ü", "/%61", "/" + "a" * 100, '/"'])
def test_a_prefix_that_cannot_be_one(site, prefix):
    done = subprocess.run([program("users"), "--check"], env=site.environment(API_PREFIX=prefix), capture_output=True, timeout=60)
    assert done.returncode == 78 and b"API_PREFIX: must be a path" in done.stderr


def test_a_shell_knows_both(site):
    for path in "/users?limit=1", f"{PREFIX}/users?limit=1":
        done = subprocess.run([program("users"), "GET", path], env=site.environment(API_PREFIX=PREFIX), capture_output=True, timeout=60)
        assert done.returncode == 0, done.stdout
