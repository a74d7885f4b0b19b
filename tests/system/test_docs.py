"""The API description: one document for all programs that matches their behaviour, and the pages that show it."""
import json
import os
import re
import shutil
import subprocess
import uuid

import pytest

import browser as chromium
from conftest import BUILD, ROOT, program

PACKAGES = ROOT / "build" / "docs" / "node_modules"
NO_PAGES = None if (BUILD / "site" / "docs.html").exists() else "npm could not install the pages' packages"


@pytest.fixture(scope="module")
def document():
    return json.loads((BUILD / "openapi.json").read_text())


def operations(document):
    return {(method.upper(), path): operation for path, methods in document["paths"].items()
            for method, operation in methods.items()}


def test_it_is_served_as_it_was_built(null, document):
    answer = null.client.get("/openapi.json")
    assert answer.headers["content-type"] == "application/json" and answer.json() == document


def test_it_has_the_routes_of_all_programs(document):
    assert {("GET", "/"), ("GET", "/health"), ("POST", "/users"), ("DELETE", "/users/{id}"), ("POST", "/onboarding"),
            ("POST", "/auth/token"), ("GET", "/auth/me")} <= set(operations(document))
    assert {tag["name"] for tag in document["tags"]} == {path.stem for path in ROOT.glob("handlers/*.c")}
    ids = [operation["operationId"] for operation in operations(document).values()]
    assert len(ids) == len(set(ids)) and all(re.fullmatch(r"[a-z][A-Za-z]+", name) for name in ids)


def test_it_lists_what_each_operation_needs_and_how_it_fails(document):
    change = document["paths"]["/users/{id}"]["patch"]
    assert change["security"] == [{"bearer": []}, {"password": []}]
    assert {"200", "400", "401", "403", "404", "409", "412", "413", "415", "422", "429", "500", "503", "504"} == set(change["responses"])
    assert change["responses"]["404"]["description"] == "User not found"
    assert document["paths"]["/users"]["post"]["security"] == []
    assert any(parameter["name"] == "Idempotency-Key" for parameter in document["paths"]["/users"]["post"]["parameters"])
    assert set(document["paths"]["/auth/token"]["post"]["requestBody"]["content"]) == {
        "application/json", "application/x-www-form-urlencoded"}


def test_it_describes_health_reports_and_tokens(document):
    health = document["paths"]["/health"]["get"]["responses"]
    assert "304" not in health and set(health["503"]["content"]) == {"application/json", "application/problem+json"}
    assert set(document["paths"]["/users/{id}"]["get"]["responses"]["503"]["content"]) == {"application/problem+json"}
    register, token = (document["paths"][f"/auth/{name}"]["post"]["responses"] for name in ("register", "token"))
    assert register["201"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/User"}
    assert set(document["components"]["schemas"]["Token"]["properties"]) == {"access_token", "token_type", "expires_in", "refresh_token"}
    assert "200" in token


@pytest.mark.skipif(not (PACKAGES / "@seriousme").exists(), reason="npm could not install the validator")
def test_a_validator_accepts_it():
    script = ("import {Validator} from '@seriousme/openapi-schema-validator';"
              "const result = await new Validator().validate(process.argv[1]);"
              "console.log(JSON.stringify(result)); process.exit(result.valid ? 0 : 1)")
    done = subprocess.run(["node", "--input-type=module", "-e", script, str(BUILD / "openapi.json")], cwd=PACKAGES.parent,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


LINT = ROOT / "build" / "openapi-lint"
NO_LINT = None if (LINT / "installed-lock.json").exists() else "npm could not install the linters"


@pytest.mark.long
@pytest.mark.skipif(NO_LINT is not None, reason=str(NO_LINT))
@pytest.mark.parametrize("command", [
    ("redocly", "lint", "--extends=recommended", "--format=stylish"), ("spectral", "lint", "--ruleset=spectral.yaml", "--fail-severity=error")])
def test_a_linter_finds_no_error(command):
    done = subprocess.run([f"node_modules/.bin/{command[0]}", *command[1:], str(BUILD / "openapi.json")], cwd=LINT, capture_output=True,
                          text=True, timeout=120, env=os.environ | {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"})
    assert done.returncode == 0, done.stdout + done.stderr


def test_its_title_is_the_applications_name(site):
    for name, title in (("Shop", "Shop"), (None, "nullpool")):
        done = subprocess.run([program("users"), "--openapi"], env=site.environment(APP_NAME=name), capture_output=True, check=True)
        assert json.loads(done.stdout)["info"]["title"] == title
    done = subprocess.run([program("users"), "--openapi"], env={"NULLPOOL_ENV_FILE": "/dev/null"}, capture_output=True, check=True)
    assert json.loads(done.stdout)["info"]["title"] == "nullpool"


def test_a_path_that_another_program_would_get_is_refused(site):
    """The file's name differs from the name that np_main() gets."""
    folder = site.folder("renamed")
    shutil.copy2(program("users"), folder / "people")
    done = subprocess.run(["/usr/bin/python3", ROOT / "env" / "openapi.py", folder / "people"], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stderr.startswith("openapi: path /users of ")


# --- against reality ---


def test_examples_of_problems_match_the_answers(null, document):
    """Each example has the same detail as the answer to a request that causes it."""
    user = null.client.post("/users", {"email": f"{uuid.uuid4()}@example.com", "name": "Ada"}).json()
    nobody = str(uuid.uuid4())
    for status, path, method, ask in (
            (400, "/users", "post", lambda: null.client.send("POST", "/users", "{")),
            (400, "/users", "get", lambda: null.client.get("/users?x=%")),
            (401, "/users/{id}", "patch", lambda: null.client.send("PATCH", f"/users/{user['id']}", {"name": "x"})),
            (403, "/users/{id}", "delete", lambda: null.client.of(user).ask("DELETE", f"/users/{nobody}")),
            (404, "/users/{id}", "get", lambda: null.client.get(f"/users/{nobody}")),
            (409, "/users", "post", lambda: null.client.post("/users", {"email": user["email"], "name": "Ada"})),
            (412, "/users/{id}", "patch", lambda: null.client.of(user).send(
                "PATCH", f"/users/{user['id']}", {"name": "x"}, headers={"If-Match": '"another"'})),
            (413, "/users", "post", lambda: null.client.ask("POST", "/users", b"x" * (2 << 20), {"Content-Type": "application/json"})),
            (415, "/users", "post", lambda: null.client.ask("POST", "/users", b"{}", {"Content-Type": "text/plain"})),
            (422, "/users", "post", lambda: null.client.send("POST", "/users?surprise=1", {})),
            (422, "/users/{id}", "get", lambda: null.client.get("/users/none?surprise=1"))):
        example = document["paths"][path][method]["responses"][str(status)]["content"]["application/problem+json"]["example"]
        answer = ask()
        assert answer.status == status
        assert {**answer.json(), "request_id": example["request_id"]} == example
    texts = dict(re.findall(r'^\t(\d{3}) "(.*)";$', (ROOT / "nginx" / "http.conf").read_text().partition("$nullpool_detail {")[2], re.M))
    for status in ("413", "429", "503", "504"):
        answers = [operation["responses"].get(status) for operation in operations(document).values()]
        assert {answer["content"]["application/problem+json"]["example"]["detail"] for answer in answers if answer} == {texts[status]}


def test_headers_are_described_where_they_are_sent(null, document):
    answer = null.client.post("/users", {"email": f"{uuid.uuid4()}@example.com", "name": "Ada"})
    created = document["paths"]["/users"]["post"]["responses"]["201"]["headers"]
    assert set(created) == {"Location", "Idempotency-Replayed"} and answer.headers["location"]
    listed = document["paths"]["/users"]["get"]["responses"]["200"]["headers"]
    answer = null.client.get("/users?limit=1")
    assert {name for name in ("ETag", "Link") if name.lower() in answer.headers} <= set(listed) == {"ETag", "Link"}


def matches(value, schema, document):
    """Returns True if the value matches the schema. Supports the part of JSON Schema that the document uses."""
    if "$ref" in schema:
        return matches(value, document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]], document)
    kinds = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float),
             "null": type(None)}
    wanted = schema.get("type")
    wanted = [wanted] if isinstance(wanted, str) else wanted
    if wanted and not any(isinstance(value, kinds[kind]) and (kind == "boolean" or not isinstance(value, bool)) for kind in wanted):
        return False
    if isinstance(value, dict):
        members = schema.get("properties", {})
        return set(schema.get("required", [])) <= set(value) and all(
            matches(value[name], members[name], document) for name in value if name in members) and (
            not members or set(value) <= set(members))
    return not isinstance(value, list) or all(matches(item, schema.get("items", {}), document) for item in value)


def assert_described(answer, operation, document):
    assert str(answer.status) in operation["responses"], (answer, operation["operationId"])
    content = operation["responses"][str(answer.status)].get("content")
    if not content:
        assert answer.body == b"" or answer.status < 300
        return
    assert answer.headers["content-type"] in content, answer
    assert matches(answer.json(), content[answer.headers["content-type"]].get("schema", {}), document), answer


def body_of(operation):
    """Makes a body from the operation's examples, with a new email address each time."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")

    def value(schema):
        if schema.get("format") == "email":
            return f"{uuid.uuid4()}@example.com"
        if "properties" in schema:
            return {name: value(schema["properties"][name]) for name in schema["required"]}
        return schema.get("example", {} if schema.get("type") == "object" else "x")
    return content and value(content["schema"])


def path_of(path, user):
    return path.replace("{id}", user["id"])


@pytest.mark.long
def test_each_route_called_as_described_answers_as_described(null, document):
    """With and without a token, for an unknown or invalid ID, with a malformed body: every answer is described."""
    succeeded = set()
    for (method, path), operation in sorted(operations(document).items(), key=lambda item: item[0][0] == "DELETE"):
        user = null.client.post("/users", {"email": f"{uuid.uuid4()}@example.com", "name": "Ada"}).json()
        for client in (null.client, null.client.of(user)):
            for target in (path_of(path, user), path_of(path, {"id": str(uuid.uuid4())}), path_of(path, {"id": "none"})):
                for body in (body_of(operation), "{", {"surprise": 1}):
                    answer = client.ask(method, target) if body is None or method in ("GET", "DELETE") else client.send(
                        method, target, body)
                    assert_described(answer, operation, document)
                    if answer.status < 300:
                        succeeded.add((method, path))
    # These need more than their examples to succeed.
    assert set(operations(document)) - succeeded == {("POST", "/auth/token"), ("PUT", "/auth/password"), ("PATCH", "/users/{id}")}


# --- the pages ---

needs_pages = pytest.mark.skipif(NO_PAGES is not None, reason=str(NO_PAGES))
needs_browser = pytest.mark.skipif(bool(NO_PAGES or chromium.missing()), reason=str(NO_PAGES or chromium.missing()))


@needs_pages
def test_pages_and_their_files_are_served_with_a_policy_of_their_own(null):
    for path, kind in (("/docs", "text/html"), ("/redoc", "text/html"), ("/docs/start.js", "text/javascript"),
                       ("/docs/swagger-ui.css", "text/css")):
        answer = null.client.get(path)
        assert answer.status == 200 and answer.headers["content-type"] == kind, answer
        assert "script-src 'self'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/docs/", "/docs/nothing.js", "/docs.html", "/docs/package.json", "/docs/../docs.html"])
def test_no_other_path_in_the_folder_is_served(null, path):
    assert null.client.get(path).status == 404


def test_production_serves_no_pages_unless_docs_is_set(serve):
    for env, docs, status in (("production", None, 404), ("production", "true", 200), ("testing", "false", 404)):
        client = serve("health", ENV=env, DOCS=docs).client
        assert client.get("/openapi.json").status == status
        assert status == 200 or client.get("/docs").problem()["status"] == 404


@pytest.fixture(scope="module")
def page(site):
    with chromium.browser(site.folder("browser")) as opened:
        yield opened


TRY = """
const block = document.querySelector('#operations-' + arguments[0]);
const button = block && block.querySelector('button.execute');
if (!button) { (block ? block.querySelector('.opblock-summary-control') : document.body).click(); return false; }
button.click();
return true;
"""
ANSWER = """
const block = document.querySelector('#operations-' + arguments[0]);
const status = block && block.querySelector('.live-responses-table tr.response .response-col_status');
const body = block && block.querySelector('.live-responses-table .highlight-code code, .live-responses-table .microlight');
return status && body ? [status.innerText, body.innerText] : null;
"""


@pytest.mark.long
@needs_browser
def test_swagger_ui_lists_every_route_and_tries_them_out(page, null, document):
    page.go(f"http://127.0.0.1:{null.nginx.port}/docs")
    listed = page.wait("the operations", """
        const found = [...document.querySelectorAll('.opblock-summary')].map(row =>
          row.querySelector('.opblock-summary-method').innerText + ' ' +
          row.querySelector('.opblock-summary-path').getAttribute('data-path'));
        return found.length ? found : null;""")
    assert sorted(listed) == sorted(f"{method} {path}" for method, path in operations(document))
    for operation, status in (("health-getHealth", "200"), ("users-createUser", "201")):
        page.wait("the button", TRY, operation)
        got, body = page.wait("an answer", ANSWER, operation)
        assert got.split()[0] == status, body
        assert ('"healthy"' if status == "200" else '"ada@example.com"') in body
    assert page.complaints() == []


@pytest.mark.long
@needs_browser
def test_redoc_shows_the_routes(page, null):
    page.go(f"http://127.0.0.1:{null.nginx.port}/redoc")
    text = page.wait("the document", "const text = document.body.innerText; return text.includes('/onboarding') ? text : null;")
    assert "A new user and their quiz response" in text
    assert page.complaints() == []
