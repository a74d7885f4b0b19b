"""Who may call a route: NP_AUTH_OPTIONAL, NP_AUTH_KEY, scopes with .require, another scheme's word, a program's own guard."""
import subprocess
import uuid

import pytest

import tokens
from conftest import EITHER, SECRET_CANARY, Service, program

AUTHORIZATION = "Authorization"


def bearer(scheme="Bearer", user=tokens.USER, **changed):
    return {AUTHORIZATION: f"{scheme} {tokens.token(SECRET_CANARY, user, **changed)}"}


@pytest.fixture(scope="module", params=EITHER)
def service(request, site, started):
    started.append(Service(site, ["callers", "auth"], DATABASE_CONNECTION=request.param).start())
    return started[-1]


@pytest.mark.parametrize("path", ["anybody", "anybody/without-query"])
def test_an_optional_caller_may_be_missing_and_may_not_be_wrong(service, path):
    ask = service.client.get
    assert ask(f"/callers/{path}").json()["caller"] is None
    assert ask(f"/callers/{path}", headers=bearer()).json()["caller"] == tokens.USER
    for header in (bearer(exp=1)[AUTHORIZATION], "Bearer x", "Bearer", "Basic YTpi", ""):
        answer = ask(f"/callers/{path}", headers={AUTHORIZATION: header})
        assert answer.status == 401 and answer.headers["www-authenticate"].startswith("Bearer"), (header, answer)


def test_an_optional_callers_session_is_live(service):
    answer = service.client.get("/callers/anybody", headers=bearer(sid="00000000-0000-4000-8000-0000000000ff"))
    assert answer.status == 401 and answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


@pytest.mark.parametrize("scope", ["admin", "a admin b", " admin", "admin ", "  x  admin"])
def test_a_required_scope_is_one_of_the_words_of_the_token(service, scope):
    answer = service.client.get("/callers/admin?number=1", headers=bearer(scope=scope))
    assert answer.status == 200 and answer.json() == {"caller": tokens.USER, "admin": True, "scope": scope}


@pytest.mark.parametrize("scope", [None, "", "Admin", "administrator", "sysadmin", "admin,b", "a b", ["admin"], {"admin": True}, 7])
def test_without_the_scope_it_is_a_403_that_names_it(service, scope):
    answer = service.client.get("/callers/admin?number=none", headers=bearer(scope=scope))  # before what is wrong with the input
    assert answer.status == 403 and answer.json()["detail"] == 'The token does not grant the scope "admin"'
    assert answer.headers["www-authenticate"] == 'Bearer error="insufficient_scope", scope="admin"'
    assert service.client.get("/callers/anybody", headers=bearer(scope=scope)).json()["admin"] is False


def test_without_a_token_a_required_scope_is_a_401(service):
    answer = service.client.get("/callers/admin?number=1")
    assert answer.status == 401 and answer.headers["www-authenticate"] == "Bearer"


def test_a_write_is_not_compared_with_what_its_caller_may_not_see(service):
    for headers in {}, bearer(), bearer(scope="user"):
        assert service.client.ask("PUT", "/callers/paper", headers={**headers, "If-Match": "*"}).status == 412
    assert service.client.ask("PUT", "/callers/paper", headers={**bearer(scope="admin"), "If-Match": "*"}).status == 200
    assert service.client.ask("PUT", "/callers/paper").status == 200


def test_a_sign_in_grants_the_scopes_of_the_user_and_a_refresh_those_of_now(service, site):
    wanted = {"email": f"admin-{id(service)}@example.com", "name": "Ada", "password": "correct horse battery"}
    user = service.client.post("/auth/register", wanted).json()["id"]
    site.query("UPDATE users SET scopes = 'admin notes:write' WHERE id = %s", user)
    signed_in = service.client.post("/auth/token", {"username": wanted["email"], "password": wanted["password"]}).json()
    assert tokens.read(signed_in["access_token"])["scope"] == "admin notes:write"
    admin = {AUTHORIZATION: f"Bearer {signed_in['access_token']}"}
    assert service.client.get("/callers/admin?number=1", headers=admin).json()["admin"] is True
    site.query("UPDATE users SET scopes = '' WHERE id = %s", user)
    refreshed = service.client.post("/auth/token", {"grant_type": "refresh_token", "refresh_token": signed_in["refresh_token"]}).json()
    assert "scope" not in tokens.read(refreshed["access_token"])
    assert service.client.get("/callers/admin?number=1", headers={AUTHORIZATION: f"Bearer {refreshed['access_token']}"}).status == 403


def test_another_word_may_stand_before_the_token(serve):
    service = serve("callers", AUTH_SCHEME="Token")
    for scheme in "Token", "token", "Bearer", "TOKEN ":
        assert service.client.get("/callers/anybody", headers=bearer(scheme)).json()["caller"] == tokens.USER
    for scheme in "Tok", "Tokens", "Basic":
        assert service.client.get("/callers/anybody", headers=bearer(scheme)).status == 401


# --- API keys ---


def new_key(site, wanted, **settings):
    return subprocess.run([program("users"), f"--new-api-key={wanted}"], env=site.environment(**settings), capture_output=True,
                          text=True, timeout=30, check=False)


@pytest.fixture(scope="module")
def key(site):
    """key("billing a b"): a new key of this name with these scopes."""
    def make(wanted):
        done = new_key(site, wanted)
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout.strip()
    return make


def with_key(key, **more):
    return {"X-API-Key": key, **more}


@pytest.mark.long
def test_a_key_is_told_once_and_stored_as_a_hash(site, key):
    made = key("billing notes:read notes:write")
    assert made.startswith("npk_") and len(made) > 40
    rows = site.query("SELECT name, scopes, user_id, key_hash FROM api_keys WHERE name = 'billing'")
    assert [row[:3] for row in rows] == [("billing", "notes:read notes:write", None)] and made not in str(rows)
    assert key("other") != key("other")
    for wrong in "", " a b":
        assert new_key(site, wrong).returncode == 64
    refused = new_key(site, "none", DATABASE_URL="postgres://app@127.0.0.1:1/app")
    assert refused.returncode == 1 and refused.stdout == "" and "could not store the key" in refused.stderr


def test_a_key_lets_in(service, key):
    ask, made = service.client.get, key("plain")
    assert ask("/callers/key?number=1", headers=with_key(made)).json() == {"caller": None, "admin": False, "scope": ""}
    admin = key("root admin x")
    assert ask("/callers/key?number=1", headers=with_key(admin)).json() == {"caller": None, "admin": True, "scope": "admin x"}
    answer = ask("/callers/key/admin", headers=with_key(admin))
    assert answer.json() == {"caller": None, "claims": {"sub": None, "scope": "admin x", "key": "root"}}


def test_a_value_that_the_first_statement_does_not_take_is_no_401(service, key):
    made = key("divider")
    assert service.client.get("/callers/key/part?number=5", headers=with_key(made)).json() == {"part": 2}
    for _ in range(2):
        assert service.client.get("/callers/key/part?number=0", headers=with_key(made)).status == 422
    assert service.client.get("/callers/key/part?number=0", headers=with_key("npk_none")).status == 401


def test_the_user_of_a_key_is_the_caller(service, site, key):
    made = key(f"of-a-user-{id(service)} admin")
    site.query("UPDATE api_keys SET user_id = %s WHERE name = %s", tokens.USER, f"of-a-user-{id(service)}")
    assert service.client.get("/callers/key?number=1", headers=with_key(made)).json()["caller"] == tokens.USER
    assert service.client.get("/callers/key/admin", headers=with_key(made)).json()["caller"] == tokens.USER


@pytest.mark.parametrize("path", ["key?number=1", "key?number=none", "key/without-query", "key/admin"])
def test_without_a_valid_key_it_is_a_401_before_anything_else(service, site, key, path):
    name = str(uuid.uuid4())
    expired, revoked = key(f"{name}-expired admin"), key(f"{name}-revoked admin")
    site.query("UPDATE api_keys SET expires_at = now() WHERE name = %s", f"{name}-expired")
    site.query("UPDATE api_keys SET revoked_at = now() WHERE name = %s", f"{name}-revoked")
    for headers in {}, with_key(expired), with_key(revoked), with_key("npk_none"), with_key(""), bearer(scope="admin"):
        answer = service.client.get(f"/callers/{path}", headers=headers)
        assert answer.status == 401 and "errors" not in answer.problem(), (headers, answer)
        assert answer.headers["www-authenticate"] == 'ApiKey header="X-API-Key"'


@pytest.mark.parametrize("path, status, detail", [("user", 403, "This belongs to another user"), ("early", 422, "It is too early")])
def test_a_stranger_does_not_get_the_handlers_words(service, key, path, status, detail):
    answer = service.client.get(f"/callers/key/{path}", headers=with_key("npk_none"))
    assert answer.status == 401 and answer.problem()["detail"] == "The credentials are not valid"
    answer = service.client.get(f"/callers/key/{path}", headers=with_key(key("known")))
    assert answer.status == status and answer.problem()["detail"] == detail


def test_the_caller_stays_after_a_comparison(service, site, key):
    name = f"editor-{id(service)}"
    editor, writer = key(f"{name} read write"), key(f"{name}-2 write")
    site.query("UPDATE api_keys SET user_id = %s WHERE name LIKE %s", tokens.USER, f"{name}%")
    tag = service.client.get("/callers/key/paper", headers=with_key(editor)).headers["etag"]
    for match in "*", tag:
        answer = service.client.ask("PUT", "/callers/key/paper", headers=with_key(editor, **{"If-Match": match}))
        assert answer.status == 200 and answer.json()["caller"] == tokens.USER, answer
    answer = service.client.ask("PUT", "/callers/key/paper", headers=with_key(writer, **{"If-Match": "*"}))
    assert answer.status == 412 and answer.problem()["detail"] == "The caller may not GET this path"
    assert service.client.ask("PUT", "/callers/key/paper", headers=with_key(writer)).status == 200
    assert service.client.ask("PUT", "/callers/key/paper", headers=with_key("npk_none", **{"If-Match": "*"})).status == 401


def test_what_is_wrong_with_the_input_is_told_to_who_has_a_key(service, key):
    answer = service.client.get("/callers/key?number=none", headers=with_key(key("reader")))
    assert answer.status == 422 and answer.problem()["errors"][0]["name"] == "number"


def test_a_key_without_the_scope_does_nothing(service, site, key):
    label = str(uuid.uuid4())
    answer = service.client.ask("POST", f"/callers/key/work?label={label}", headers=with_key(key("weak read")))
    assert answer.status == 403 and answer.problem()["detail"] == 'The scope "write" is not granted'
    assert site.query("SELECT count(*) FROM probe_rows WHERE label = %s", label) == [(0,)]
    assert service.client.ask("POST", f"/callers/key/work?label={label}", headers=with_key(key("strong write"))).status == 201


def test_one_callers_answer_is_not_repeated_to_another(service, key):
    one, other, label = key("one write"), key("other write"), str(uuid.uuid4())
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    first = service.client.ask("POST", f"/callers/key/work?label={label}", headers=with_key(one, **headers))
    again = service.client.ask("POST", f"/callers/key/work?label={label}", headers=with_key(one, **headers))
    assert first.status == again.status == 201 and again.headers["idempotency-replayed"] == "true"
    assert service.client.ask("POST", f"/callers/key/work?label={label}", headers=with_key(other, **headers)).status == 409
    assert service.client.ask("POST", f"/callers/key/work?label={label}", headers=with_key("npk_none", **headers)).status == 401


def test_a_key_costs_no_round_trip_but_for_its_user(service, key):
    made = key("quick admin write")
    line = service.line_of(service.client.get("/callers/key/admin", headers=with_key(made)))
    assert line["flights"] == 1
    line = service.line_of(service.client.ask("POST", f"/callers/key/work?label={uuid.uuid4()}", headers=with_key(made)))
    assert line["flights"] == 1
    assert service.line_of(service.client.get("/callers/key?number=1", headers=with_key(made)))["flights"] == 2


# --- a guard ---


@pytest.fixture(scope="module")
def partners(site):
    with site.owner() as link, link.cursor() as cursor:
        cursor.execute("CREATE TABLE probe_partners (id int PRIMARY KEY, key text UNIQUE, name text, scopes text)")
        cursor.execute("INSERT INTO probe_partners VALUES (1, 'a', 'Acme', 'write'), (2, 'b', '42', NULL), (3, 'c', %s, 'read')",
                       [tokens.USER])


def test_a_guard_finds_the_caller(service, partners):
    for key, caller in ("a", "Acme"), ("b", "42"), ("c", tokens.USER):
        answer = service.client.get("/callers/partner?number=1", headers={"X-Partner": key})
        assert answer.status == 200 and answer.json()["caller"] == caller, answer


def test_who_a_guard_does_not_find_learns_nothing(service, site, partners):
    for number in "1", "none":
        assert service.client.get(f"/callers/partner?number={number}").problem()["detail"] == "Send X-Partner"
        answer = service.client.get(f"/callers/partner?number={number}", headers={"X-Partner": "x"})
        assert answer.status == 401 and answer.problem()["detail"] == "The credentials are not valid" and "errors" not in answer.problem()
    assert service.client.get("/callers/partner?number=none", headers={"X-Partner": "a"}).status == 422
    label = str(uuid.uuid4())
    for key, status in (("x", 401), ("b", 403), ("c", 403), ("a", 201)):
        assert service.client.ask("POST", f"/callers/partner/work?label={label}", headers={"X-Partner": key}).status == status
    assert site.query("SELECT count(*) FROM probe_rows WHERE label = %s", label) == [(1,)]


def test_a_guard_may_decide_without_the_database(service):
    assert service.client.get("/callers/guarded?number=1").status == 204
    for number in "1", "none":
        answer = service.client.get(f"/callers/guarded?number={number}", headers={"X-Origin": "!"})
        assert answer.status == 403 and answer.problem()["detail"] == "Not from there"


@pytest.mark.parametrize("what, says", [
    ("a", "np_arg() in a guard, which has no arguments"), ("q", "np_query() in a guard, which has no transaction"),
    ("r", "a guard made a reply"), ("f", "a guard failed without saying why"), ("k", "np_cursor_key() of key 0"),
    ("u", 'np_header_of() of "X-Upper": write it in lower case'), ("o", "np_commit() in a route that is not NP_TX_MANUAL"),
    ("i", "np_has_scope() in a guard, which has no transaction")])
def test_a_misuse_of_a_guard_is_a_500_with_its_name(service, what, says):
    answer = service.client.get("/callers/misuse", headers={"X-Misuse": what})
    assert answer.status == 500 and says in service.line_of(answer)["detail"]
    assert service.client.get("/callers/misuse").status == 204


def test_a_guard_that_fails_and_goes_on_lets_nobody_in(service):
    answer = service.client.get("/callers/misuse", headers={"X-Misuse": "e"})
    assert answer.status == 403 and answer.problem()["detail"] == "It says so, and goes on"


def test_a_credential_of_another_form_finds_nobody(service, partners):
    for number, status in (("1", 204), ("9", 401), ("one", 401), ("99999999999", 401), ("", 401), ("\u00ff", 401)):
        for _ in range(2):
            assert service.client.get("/callers/partner/number", headers={"X-Number": number}).status == status, number
    assert service.client.get("/callers/partner?number=1", headers={"X-Partner": "\u00ff"}).problem()["detail"] == "Send X-Partner"


def test_only_a_guard_identifies(service):
    answer = service.client.get("/callers/misuse/identify")
    assert answer.status == 500 and "np_identify() outside of a guard" in service.line_of(answer)["detail"]
