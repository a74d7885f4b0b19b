"""Who may call a route: NP_AUTH_OPTIONAL, scopes with .require, another scheme's word."""
import pytest

import tokens
from conftest import SECRET_CANARY, Service

AUTHORIZATION = "Authorization"


def bearer(scheme="Bearer", user=tokens.USER, **changed):
    return {AUTHORIZATION: f"{scheme} {tokens.token(SECRET_CANARY, user, **changed)}"}


@pytest.fixture(scope="module", params=["null", "persistent"])
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
