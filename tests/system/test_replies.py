"""Replies that are not one row as an object: other JSON, other media types, redirects, failures of one's own, cookies."""
import csv
import io
import json
import uuid

import pytest

from conftest import EITHER, Service


@pytest.fixture(scope="module", params=EITHER)
def service(request, site, started):
    started.append(Service(site, ["replies"], DATABASE_CONNECTION=request.param).start())
    return started[-1]


def get(service, path, **more):
    return service.client.get(f"/replies/{path}", **more)


def fresh():
    return {"label": str(uuid.uuid4())}


def count(site, label):
    return site.query("SELECT count(*) FROM probe_rows WHERE label = %s", label)[0][0]


# --- JSON ---


def test_json_is_any_value(service):
    assert get(service, "json").json() == {"b": [1, {"c": None}]}
    for text in '[1, "a"]', "null", "7", '"x"', "{}", "true":
        answer = service.client.get("/replies/json/text?text=" + text.replace(" ", "%20").replace('"', "%22"))
        assert answer.status == 202 and answer.json() == json.loads(text)
    assert get(service, "json/text").json() is None
    assert get(service, "json/text?text={").status == 500


def test_json_is_made_of_json(service):
    answer = get(service, "json/nested?text=%22%5C%0Aü".encode().decode().replace("ü", "%C3%BC"))
    assert answer.json() == {"inner": {"text": '"\\\nü', "list": [1, None, True, "x"], "none": []}, "empty": {}}


def test_rows_are_a_list_without_some_columns(service):
    rows = get(service, "rows?count=3").json()
    assert [row["n"] for row in rows] == [1, 2, 3] and list(rows[0]) == ["n", "label", "third", "even", "nothing", "list"]
    assert rows[1] == {"n": 2, "label": "row 2", "third": rows[1]["third"], "even": True, "nothing": None, "list": [2, 3]}
    assert get(service, "rows?count=0").json() == []
    assert list(get(service, "row").json()) == ["label", "third", "even", "nothing", "doc", "list"]
    assert get(service, "rows?count=100000").status == 500  # above 8 MiB


# --- other media types ---


def test_rows_as_csv(service):
    answer = get(service, "csv?count=3&file=Zahlen%20%22%C3%BC%22.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"Zahlen _____.csv\"; filename*=UTF-8''Zahlen%20%22%C3%BC%22.csv".replace("_____", "____"))
    rows = list(csv.reader(io.StringIO(answer.body.decode(), newline="")))
    assert rows[0] == ["n", "label", "third", "even", "nothing", "doc", "list", "secret"] and len(rows) == 4
    assert rows[2][:2] == ["2", "row 2"] and rows[2][3:] == ["t", "", '{"a": [1]}', "{2,3}", "ss"]
    assert answer.body.endswith(b"\r\n") and answer.body.count(b"\r\n") == 4
    assert get(service, "csv?count=0").body.decode().splitlines() == ["n,label,third,even,nothing,doc,list,secret"]
    assert "content-disposition" not in get(service, "csv").headers


@pytest.mark.parametrize("text, cell", [
    ("plain", "plain"), ("", '""'), ("a,b", '"a,b"'), ('say "hi"', '"say ""hi"""'), ("two\nlines", '"two\nlines"'), ("a\r\nb", '"a\r\nb"'),
    (" spaces ", '" spaces "'), ("=1+1", "'=1+1"), ("+49 228", "'+49 228"), ("-2", "'-2"), ("@SUM(A1)", "'@SUM(A1)"),
    ("\t=1", "'\t=1"), ('=HYPERLINK("x","y")', '"\'=HYPERLINK(""x"",""y"")"'), ("\r=1", '"\'\r=1"'), ("a=1", "a=1"), ("ü;|", "ü;|")])
def test_a_cell_is_what_it_was_and_no_formula(service, text, cell):
    from urllib.parse import quote
    answer = service.client.get("/replies/csv/cells?v=" + quote(text))
    assert answer.body.decode() == f"value,number,whole,formula\r\n{cell},-1.5,-7,'=1+1\r\n"


def test_a_page_has_its_type_and_its_policy(service):
    answer = get(service, "page")
    assert answer.headers["content-type"] == "text/html; charset=utf-8" and "Grüße" in answer.body.decode()
    assert answer.headers["content-security-policy"] == "default-src 'self'"
    assert get(service, "json").headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert answer.headers["x-content-type-options"] == "nosniff" and answer.headers["etag"]


def test_bytes_with_a_file_name(service):
    answer = get(service, "bytes?file=a.png")
    assert answer.body == b"\x89PNG\0\xff\r\n\0" and answer.headers["content-type"] == "image/png"
    assert answer.headers["content-disposition"] == "attachment; filename=\"a.png\"; filename*=UTF-8''a.png"
    head = service.client.ask("HEAD", "/replies/bytes")
    assert head.headers["content-type"] == "image/png" and head.headers["content-length"] == "9" and head.body == b""


@pytest.mark.parametrize("name", ["bytes", "plain?text=x", "csv", "page", "rows", "realworld/taken"])
def test_a_content_type_is_sent_once(service, name):
    raw = service.client.raw(f"GET /replies/{name} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    assert raw.lower().split(b"\r\n\r\n")[0].count(b"content-type:") == 1


def test_a_cached_reply_keeps_its_type(service):
    text = uuid.uuid4().hex
    answers = [get(service, f"plain/cached?text={text}") for _ in range(2)]
    assert [answer.headers["content-type"] for answer in answers] == ["text/plain; charset=utf-8"] * 2
    assert [answer.body for answer in answers] == [text.encode()] * 2
    assert service.line_of(answers[1])["cache"] == "hit"


def test_a_repeat_gets_the_same_bytes_and_type(service):
    key = {"Idempotency-Key": str(uuid.uuid4())}
    first, again = (service.client.send("POST", "/replies/bytes/kept?file=b.png", body, headers=key) for body in [fresh()] * 2)
    assert again.headers["idempotency-replayed"] == "true"
    for answer in first, again:
        assert answer.status == 200 and answer.body == b"\x89PNG\0\xff\r\n\0" and answer.headers["content-type"] == "image/png"
        assert "b.png" in answer.headers["content-disposition"]


def test_one_column_that_is_null_is_a_row(service):
    assert get(service, "csv/null").body == b'one\r\n""\r\n'


def test_a_file_name_is_cut_between_characters(service):
    from urllib.parse import quote
    answer = get(service, "bytes?file=" + quote("x" + "ü" * 300))
    assert answer.status == 200 and answer.headers["content-disposition"].endswith("x" + quote("ü") * 127)


def test_without_a_secret_key_bytes_are_not_stored(site, serve):
    service = serve("replies", SECRET_KEY=None, REDIS_URL=None, NULLPOOL_ENV_FILE="/dev/null", ENV="testing", JWT_JWKS=str(jwks(site)), JWT_ISSUER="https://i/")
    key = {"Idempotency-Key": str(uuid.uuid4())}
    first, again = (service.client.send("POST", "/replies/bytes/kept", body, headers=key) for body in [fresh()] * 2)
    assert first.status == 200 and again.status == 409 and "its answer was not stored" in again.json()["detail"]


def jwks(site):
    """What a program with .auth needs instead."""
    from issuer import Key, key_set
    path = site.folder("keys") / "jwks.json"
    path.write_text(key_set(Key("EdDSA", "1")))
    return path


def test_of_several_replies_the_last_is_sent(service):
    answer = get(service, "last?file=a.png")
    assert answer.status == 200 and answer.json() == {"last": True} and answer.headers["content-type"] == "application/json"
    assert not {"content-disposition", "location"} & set(answer.headers) and answer.headers["x-kept"] == "1"


# --- redirects ---


def test_a_redirect_has_a_location_and_no_content(service, site):
    body = fresh()
    answer = service.client.post("/replies/redirect", body)
    assert answer.status == 303 and answer.headers["location"].endswith("/replies/json") and answer.body == b""
    assert "content-type" not in answer.headers and count(site, body["label"]) == 1
    moved = get(service, "moved")
    assert moved.status == 308 and moved.headers["location"] == "https://example.com/new?x=1"


def test_an_answer_may_be_a_redirect_to_its_row(service, site):
    body, key = fresh(), {"Idempotency-Key": str(uuid.uuid4())}
    answers = [service.client.send("POST", "/replies/redirect/answer", body, headers=key) for _ in range(2)]
    for answer in answers:
        assert answer.status == 303 and answer.headers["location"].endswith(f"/replies/rows/{body['label']}")
    assert answers[1].headers["idempotency-replayed"] == "true" and count(site, body["label"]) == 1


def test_a_repeat_of_a_redirect_is_one(service):
    body, key = fresh(), {"Idempotency-Key": str(uuid.uuid4())}
    answers = [service.client.send("POST", "/replies/redirect?text=/x", body, headers=key) for _ in range(2)]
    assert [answer.status for answer in answers] == [303, 303] and answers[1].headers["location"].endswith("/x")


def test_an_answer_without_its_location_commits_nothing(service, site):
    label = "nowhere-" + str(uuid.uuid4())
    assert service.client.post("/replies/redirect/nowhere", {"label": label}).status == 500
    assert count(site, label) == 0


def test_a_404_of_ones_own_says_that_nothing_is_there(service):
    made = service.client.ask("PUT", "/replies/fail/missing", b"", {"If-None-Match": "*"})
    assert made.status == 204
    assert service.client.ask("PUT", "/replies/fail/missing", b"", {"If-Match": "*"}).status == 412


def test_a_failure_of_ones_own_has_the_headers_of_its_status(service):
    body = fresh()
    assert service.client.post("/replies/fail?status=401", body).headers["www-authenticate"] == "Bearer"
    for status in 429, 503:
        assert service.client.post(f"/replies/fail?status={status}", body).headers["retry-after"]


# --- failures ---


@pytest.mark.parametrize("status", [400, 402, 409, 418, 422, 451, 499, 500, 501, 502, 503, 599])
def test_a_failure_of_ones_own_commits_nothing(service, site, status):
    body = fresh()
    answer = service.client.post(f"/replies/fail?status={status}", body)
    assert answer.status == status and answer.json() == {"balance": -3} and answer.headers["content-type"] == "application/json"
    assert count(site, body["label"]) == 0
    line = service.line_of(answer)
    assert line["status"] == status and line["level"] == ("error" if status == 500 else "warning" if status > 500 else "info"), line


def test_a_stranger_does_not_get_the_words_of_a_failure(service, site):
    from test_callers import new_key
    made = new_key(site, f"replies-{uuid.uuid4()}").stdout.strip()
    assert get(service, "fail/key", headers={"X-API-Key": made}).json() == {"balance": -3}
    for headers in {}, {"X-API-Key": "npk_none"}:
        answer = get(service, "fail/key", headers=headers)
        assert answer.status == 401 and b"balance" not in answer.body and answer.problem()


@pytest.mark.parametrize("status", [200, 204, 304, 399, 600, 0, -1])
def test_a_status_that_is_no_failure_is_refused(service, site, status):
    body = fresh()
    assert service.client.post(f"/replies/fail?status={status}", body).status in (500, 422)
    assert count(site, body["label"]) == 0


def test_a_program_may_have_another_form_of_errors(service, site):
    answer = service.client.post("/replies/realworld?count=x", {"label": "x" * 51, "y": 1})
    errors = {"count": ["must be a whole number from 0 to 100000"], "label": ["must have 0 to 50 characters"],
              "y": ["is not a field that can be set here"]}
    assert answer.status == 422 and answer.json() == {"errors": errors, "status": 422, "id": answer.headers["x-request-id"]}
    assert answer.headers["content-type"] == "application/json"
    assert get(service, "realworld/taken").json()["errors"] == {"body": ['It is "taken"']}
    body = fresh()
    assert service.client.post("/replies/realworld", body).json() == {"balance": -3} and count(site, body["label"]) == 0


def test_what_is_not_for_the_client_stays_in_the_log_and_headers_stay(service):
    answer = get(service, "realworld/internal")
    assert answer.status == 500 and answer.json()["errors"] == {"body": [None]} and b"secret" not in answer.body
    answer = get(service, "realworld/user")
    assert answer.status == 401 and answer.headers["www-authenticate"] == "Bearer" and answer.json()["errors"]


def test_a_form_that_is_not_json_is_a_problem_document(service):
    answer = get(service, "realworld/nonsense")
    assert answer.status == 409 and answer.problem()["detail"] == 'It is "taken"'
    assert service.lines(event="errors.as failed")


# --- cookies ---


@pytest.mark.parametrize("sent, session", [
    ("session=abc; visits=1", "abc"), ("visits=1;session=abc", "abc"), ('session="abc"; visits=1', "abc"),
    ("visits=1", None), ("xsession=abc; visits=1", None), ("session=abc; session=def; visits=1", "abc"),
    ("a=b; ; session=abc ; visits=1;", "abc"), ("visits=1; SESSION=abc", None), ("session=a=b=; visits=1", "a=b="),
    ("=x; session; visits=1; session=abc", "abc"), ("a=x,session=evil; visits=1; session=abc", "abc"), ("session=a,b; visits=1", "a,b")])
def test_a_cookie_is_a_parameter(service, sent, session):
    answer = get(service, "cookies", headers={"Cookie": sent})
    assert answer.status == 200 and answer.json() == {"session": session, "visits": 1, "given": session is not None}


@pytest.mark.parametrize("sent, faults", [
    ("session=abc", [("visits", "is required")]), ("session=ab; visits=1", [("session", "must have 3 to 20 characters")]),
    ("visits=x", [("visits", "must be a whole number")]), ("session=a\xffbc; visits=1", [("session", "must be UTF-8")])])
def test_a_cookie_is_checked(service, sent, faults):
    answer = get(service, "cookies", headers={"Cookie": sent})
    assert answer.status == 422
    assert [(fault["in"], fault["name"], fault["message"]) for fault in answer.problem()["errors"]] == [("cookie", *fault) for fault in faults]


def test_a_cookie_is_safe_by_default(service):
    raw = service.client.raw(b"POST /replies/cookies HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").decode()
    cookies = [line[12:] for line in raw.split("\r\n") if line.lower().startswith("set-cookie: ")]
    assert cookies == ["__Host-session=abc; Path=/; Secure; HttpOnly; SameSite=Lax",
                       "theme=dark; Path=/replies; Domain=example.com; Max-Age=3600; SameSite=Strict",
                       "old=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=None"]


@pytest.mark.parametrize("value", ["a;b", "a b", 'a"b', "a,b", "a\\b", "a\x01b", "ü", "a\nb"])
def test_a_value_that_no_cookie_has_is_refused(service, value):
    from urllib.parse import quote
    answer = service.client.post(f"/replies/cookies?text={quote(value)}")
    assert answer.status == 500 and "set-cookie" not in answer.headers


def test_a_guard_may_look_at_a_cookie(service):
    assert get(service, "cookies/guarded", headers={"Cookie": "session=right"}).status == 204
    for sent in {}, {"Cookie": "session=wrong"}, {"Cookie": "xsession=right"}:
        assert get(service, "cookies/guarded", headers=sent).status == 401


# --- misuse ---


@pytest.mark.parametrize("what", ["json", "media", "newline", "redirect", "location", "cookie", "host", "status", "omit", "x", "type", "void", "policy", "double", "name", "empty", "quit"])
def test_a_reply_that_is_none_is_a_500(service, what):
    answer = get(service, f"misuse?text={what}")
    assert answer.status == 500 and answer.problem()["title"] == "Internal Server Error"
    assert not {"set-cookie", "location", "x"} & set(answer.headers) and service.line_of(answer)["detail"]


# --- the document ---


def test_the_document_describes_them(service):
    import subprocess
    from conftest import program
    document = json.loads(subprocess.run([program("replies"), "--openapi"], capture_output=True, text=True, check=True,
                                         env=service.environment).stdout)
    paths = document["paths"]
    assert paths["/replies/rows"]["get"]["responses"]["200"]["content"]["application/json"]["schema"] == {
        "type": "array", "items": {"$ref": "#/components/schemas/SomeRow"}}
    assert paths["/replies/csv"]["get"]["responses"]["200"]["content"] == {"text/csv": {"schema": {"type": "string"}}}
    assert paths["/replies/bytes"]["get"]["responses"]["200"]["content"] == {"image/png": {}}
    assert "content" not in paths["/replies/redirect"]["post"]["responses"]["303"]
    assert {"name": "visits", "in": "cookie", "required": True, "schema": {"type": "integer", "format": "int64"}} in paths[
        "/replies/cookies"]["get"]["parameters"]
