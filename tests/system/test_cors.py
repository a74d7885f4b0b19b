"""CORS: pages of CORS_ORIGINS may use the API, those of others get nothing that would let them."""
import http.server
import threading
import uuid

import pytest

import browser as chromium
from env.local.process import wait_until
from conftest import Service

MINE, OTHER = "https://app.example.com", "https://evil.example.com"


@pytest.fixture(scope="module")
def api(site, started):
    started.append(Service(site, ["users", "health"], CORS_ORIGINS=f"{MINE}, http://localhost:5173").start())
    return started[-1]


def headers_of(answer):
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


def preflight(service, origin, path="/users", method="POST"):
    return service.client.ask("OPTIONS", path, headers={
        "Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": "content-type"})


def vary(answer):
    return [value for name, value in answer.header_list if name == "vary"]


def test_an_allowed_origin_may_read_the_answer(api):
    answer = api.client.get("/users", headers={"Origin": MINE})
    headers = headers_of(answer)
    assert (headers["access-control-allow-origin"], headers["access-control-allow-credentials"]) == (MINE, "true")
    assert {"ETag", "Location", "Link", "Retry-After", "X-Request-Id", "Idempotency-Replayed"} <= set(
        headers["access-control-expose-headers"].split(", "))
    assert "access-control-allow-methods" not in headers
    assert vary(answer) == ["Origin"]


@pytest.mark.parametrize("origin", [OTHER, MINE + ".evil.example.com", MINE.upper(), MINE + ":443", "null", "https://", MINE + "/",
                                    "http://app.example.com", "xhttps://app.example.com"])
def test_another_origin_gets_nothing(api, origin):
    for answer in (api.client.get("/users", headers={"Origin": origin}), preflight(api, origin)):
        assert headers_of(answer) == {} and vary(answer) == ["Origin"], answer


def test_without_an_origin_the_answer_still_varies(api):
    answer = api.client.get("/users")
    assert headers_of(answer) == {} and vary(answer) == ["Origin"]


@pytest.mark.parametrize("asked, allowed", [
    ("content-type, if-match", "content-type, if-match"), ("x_y", "x_y"), (None, "Authorization"), ("a\tb", "Authorization"),
    ("x" * 501, "Authorization")])
def test_a_preflight_allows_the_headers_it_asks_for(api, asked, allowed):
    headers = {"Origin": MINE, "Access-Control-Request-Method": "PUT", **({"Access-Control-Request-Headers": asked} if asked else {})}
    answer = api.client.ask("OPTIONS", "/users", headers=headers)
    assert headers_of(answer)["access-control-allow-headers"].startswith(allowed)
    answer = api.client.ask("OPTIONS", "/users", headers={**headers, "Origin": OTHER})
    assert headers_of(answer) == {}


def test_a_preflight_that_asks_for_no_header_is_told_those_of_the_manual(api):
    answer = api.client.ask("OPTIONS", "/users", headers={"Origin": MINE, "Access-Control-Request-Method": "PATCH"})
    assert {"If-Match", "If-None-Match", "Idempotency-Key", "Authorization", "Content-Type"} <= set(
        headers_of(answer)["access-control-allow-headers"].split(", "))


@pytest.mark.parametrize("path", ["/users", "/users/anything", "/no-such-endpoint"])
def test_a_preflight_is_answered_without_a_program(api, path):
    answer = preflight(api, MINE, path)
    assert (answer.status, answer.body) == (204, b"")
    headers = headers_of(answer)
    assert headers["access-control-allow-origin"] == MINE and headers["access-control-allow-credentials"] == "true"
    assert {"POST", "PATCH", "DELETE"} <= set(headers["access-control-allow-methods"].split(", "))
    assert headers["access-control-allow-headers"] == "content-type"
    assert int(headers["access-control-max-age"]) > 0
    mine = wait_until("the access log", lambda: [
        line for line in api.access_lines() if line["request_id"] == answer.headers["x-request-id"]], 5)
    assert mine[0]["upstream_status"] == "" and api.lines(request_id=mine[0]["request_id"]) == []


def test_an_options_that_is_no_preflight_goes_to_the_program(api):
    for headers in ({}, {"Origin": MINE}, {"Access-Control-Request-Method": "POST"}):
        answer = api.client.ask("OPTIONS", "/users", headers=headers)
        assert answer.headers["allow"] == "GET, HEAD, POST, OPTIONS"


@pytest.mark.parametrize("status, ask", [
    (404, lambda client: client.get("/nothing", headers={"Origin": MINE})),
    (404, lambda client: client.get(f"/users/{uuid.uuid4()}", headers={"Origin": MINE})),
    (422, lambda client: client.get("/users?limit=0", headers={"Origin": MINE})),
    (401, lambda client: client.ask("DELETE", f"/users/{uuid.uuid4()}", headers={"Origin": MINE})),
    (413, lambda client: client.ask("POST", "/users", b"x" * (2 << 20), {"Origin": MINE, "Content-Type": "application/json"})),
])
def test_failures_can_be_read_too(api, status, ask):
    answer = ask(api.client)
    assert answer.status == status and answer.problem()
    assert answer.headers["access-control-allow-origin"] == MINE and vary(answer) == ["Origin"]


def test_without_a_program_a_failure_can_be_read_too(serve):
    service = serve("health", CORS_ORIGINS=MINE)
    service.endpoints["health"].stop()
    service.endpoints["health"].listener.close()
    answer = service.client.get("/health", headers={"Origin": MINE})
    assert answer.status in (502, 503) and answer.headers["access-control-allow-origin"] == MINE


def test_an_origin_is_allowed_as_browsers_send_it(serve):
    service = serve("health", CORS_ORIGINS="HTTPS://App.Example.com:443, Capacitor://localhost, web+app://x")
    for origin in (MINE, "capacitor://localhost", "web+app://x"):
        answer = service.client.get("/health", headers={"Origin": origin})
        assert headers_of(answer)["access-control-allow-origin"] == origin
    for origin in ("HTTPS://App.Example.com:443", "webbapp://x"):
        assert headers_of(service.client.get("/health", headers={"Origin": origin})) == {}


def test_no_origins_means_nobody(serve):
    service = serve("health", CORS_ORIGINS="")
    answer = service.client.get("/health", headers={"Origin": "http://localhost:5173"})
    assert headers_of(answer) == {}


PAGE = b"<!doctype html><title>a page elsewhere</title>"
SCRIPT = """
return fetch(arguments[0] + '/users', {method: 'POST', credentials: 'include',
  headers: {'Content-Type': 'application/json', 'Idempotency-Key': crypto.randomUUID()},
  body: JSON.stringify({email: crypto.randomUUID() + '@example.com', name: 'Browser'})})
  .then(answer => answer.json().then(user => [answer.status, answer.headers.get('location'), user.name]),
        failure => 'refused');
"""


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_):
        pass


@pytest.fixture
def pages():
    """Two origins of the same page, on ports of their own."""
    servers = [http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) for _ in range(2)]
    threads = [threading.Thread(target=server.serve_forever, daemon=True) for server in servers]
    for thread in threads:
        thread.start()
    yield [f"http://127.0.0.1:{server.server_port}" for server in servers]
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.long
@pytest.mark.skipif(chromium.missing() is not None, reason=str(chromium.missing()))
def test_a_browsers_page_of_an_allowed_origin_can_post_and_one_of_another_cannot(serve, site, pages):
    mine, other = pages
    service = serve("users", CORS_ORIGINS=mine)
    api = f"http://127.0.0.1:{service.nginx.port}"
    with chromium.browser(site.folder("browser")) as page:
        page.go(mine)
        status, location, name = page.run(SCRIPT, api)
        assert (status, name) == (201, "Browser") and location.startswith("/users/")
        page.go(other)
        assert page.run(SCRIPT, api) == "refused"
