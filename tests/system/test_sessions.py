"""Sessions: each transaction checks, without a round trip more, whether the session of an access token has ended."""
import concurrent.futures
import re
import uuid

import pytest

from env.local.process import wait_until
import tokens
from conftest import SECRET_CANARY
from test_auth import PASSWORD, WAITING, assert_refused, me, refresh, sign_in, someone


def as_bearer(token):
    return {"headers": {"Authorization": f"Bearer {token}"}}


def delete(service, path, token):
    return service.client.ask("DELETE", path, **as_bearer(token))


def change(service, token, old, new):
    return service.client.send("PUT", "/auth/password", {"password": old, "new_password": new}, **as_bearer(token))


@pytest.fixture
def ada(null):
    """A registered user."""
    wanted = someone()
    answer = null.client.post("/auth/register", wanted)
    assert answer.status == 201
    return {**answer.json(), **wanted}


def session(service, user, password=PASSWORD):
    answer = sign_in(service, user, password)
    assert answer.status == 200, answer
    return answer.json()


# --- the end of a session ---


def test_signing_out_ends_this_session_alone(service):
    wanted = someone()
    service.client.post("/auth/register", wanted)
    one, other = session(service, wanted), session(service, wanted)
    assert me(service, one["access_token"]).status == 200
    answer = delete(service, "/auth/session", one["access_token"])
    assert answer.status == 204 and not answer.body
    assert_refused(me(service, one["access_token"]))
    assert_refused(delete(service, "/auth/session", one["access_token"]))
    assert refresh(service, one["refresh_token"]).status == 400
    assert me(service, other["access_token"]).status == 200 and refresh(service, other["refresh_token"]).status == 200


@pytest.mark.long
def test_signing_out_everywhere_ends_all_sessions_of_that_user_only(null, ada):
    sessions = [session(null, ada) for _ in range(3)]
    sessions.append(refresh(null, sessions[0]["refresh_token"]).json())
    other = someone()
    null.client.post("/auth/register", other)
    others = session(null, other)
    assert delete(null, "/auth/sessions", sessions[1]["access_token"]).status == 204
    for one in sessions:
        assert_refused(me(null, one["access_token"]))
        assert refresh(null, one["refresh_token"]).status == 400
    assert me(null, others["access_token"]).status == 200
    assert me(null, session(null, ada)["access_token"]).status == 200


@pytest.mark.long
def test_a_refreshed_session_stays_the_same_and_its_tokens_end_with_it(null, ada):
    first = session(null, ada)
    second = refresh(null, first["refresh_token"]).json()
    assert me(null, first["access_token"]).status == me(null, second["access_token"]).status == 200
    assert refresh(null, first["refresh_token"]).status == 400  # used again: by a thief, or by the owner after a thief
    assert_refused(me(null, first["access_token"]))
    assert_refused(me(null, second["access_token"]))


def test_a_session_whose_refresh_tokens_have_expired_has_ended(null, ada):
    token = session(null, ada)["access_token"]
    null.site.query("UPDATE refresh_tokens SET expires_at = now() WHERE user_id = %s", ada["id"])
    assert_refused(me(null, token))


@pytest.mark.parametrize("gone", ["UPDATE users SET deleted_at = now() WHERE id = %s",
                                  "WITH a AS (DELETE FROM refresh_tokens WHERE user_id = %s) SELECT"])
def test_a_deleted_user_has_no_session(null, ada, gone):
    token = session(null, ada)["access_token"]
    assert me(null, token).status == 200
    null.site.query(gone, ada["id"])
    assert_refused(me(null, token))


@pytest.mark.long
def test_a_token_made_while_its_session_ends_ends_too(null, ada):
    """The refresh is not committed yet when the user signs out."""
    first = session(null, ada)
    with null.site.postgres.admin("app") as link, link.cursor() as cursor, concurrent.futures.ThreadPoolExecutor(2) as pool:
        link.autocommit = False
        cursor.execute("SELECT 1 FROM users WHERE id = %s FOR UPDATE", [ada["id"]])  # a new token refers to it
        second = pool.submit(refresh, null, first["refresh_token"])
        wait_until("the next to be made", lambda: null.site.query(WAITING), 5)
        out = pool.submit(delete, null, "/auth/session", first["access_token"])
        wait_until("the end to wait for it", lambda: len(null.site.query(WAITING)) == 2, 5)
        link.rollback()
        second, out = second.result(), out.result()
    assert (second.status, out.status) == (200, 204)
    assert_refused(me(null, second.json()["access_token"]))
    assert refresh(null, second.json()["refresh_token"]).status == 400


@pytest.mark.parametrize("user, sid", [
    (tokens.USER, str(uuid.uuid4())),  # a session that does not exist
    (str(uuid.uuid4()), tokens.SESSION),  # of another user
    (tokens.SESSION, tokens.USER)], ids=["no session", "another user's", "a user's id"])
def test_a_token_without_a_session_of_its_user_is_refused(null, user, sid):
    assert_refused(me(null, tokens.token(SECRET_CANARY, user, sid=sid)))
    null.site.begin_session(user)
    assert_refused(me(null, tokens.token(SECRET_CANARY, user, sid=sid)))


# --- the check in each transaction ---


@pytest.mark.long
def test_each_kind_of_transaction_checks_the_session_and_then_does_nothing(service):
    user = str(uuid.uuid4())
    client = service.client.of(user)
    key = {"Idempotency-Key": str(uuid.uuid4())}
    answered = client.post("/probe/claims", headers=key)
    assert answered.status == 200 and client.get("/probe/claims").status == 200
    assert client.post("/probe/claims", headers=key).headers["idempotency-replayed"] == "true"
    assert client.get(f"/users/{user}/quiz-responses").status == 200
    service.site.query("UPDATE refresh_tokens SET revoked_at = now() WHERE user_id = %s", user)
    for answer in (client.get("/probe/claims"), client.post("/probe/claims"), client.post("/probe/claims", headers=key),
                   client.get("/probe/responses"), client.get(f"/users/{user}/quiz-responses"),
                   client.send("PATCH", f"/users/{user}", {"name": "Changed"}), client.ask("DELETE", f"/users/{user}"),
                   change(service, client.token, PASSWORD, "another long password")):
        assert_refused(answer)
        assert answer.problem()["detail"] == "The session has ended, or its user is gone"
    line = service.line_of(answer)
    assert (line["sqlstate"], line["outcome"]) == ("NP004", "rolled_back")
    assert service.site.query("SELECT name, deleted_at FROM users WHERE id = %s", user) == [("Somebody", None)]


def test_the_check_costs_no_round_trip(null):
    user = null.client.post("/users", {"email": f"{uuid.uuid4()}@example.com", "name": "Ada"}).json()
    client = null.client.of(user)
    for answer in (client.get("/auth/me"), client.send("PATCH", f"/users/{user['id']}", {"name": "Grace"}),
                   client.ask("DELETE", f"/users/{user['id']}")):
        assert answer.status < 300 and null.line_of(answer)["flights"] == 1


def test_policies_and_privileges_of_the_role_do_not_decide_who_is_signed_in(null, ada):
    token = session(null, ada)["access_token"]
    null.site.query("ALTER TABLE users ENABLE ROW LEVEL SECURITY; ALTER TABLE users FORCE ROW LEVEL SECURITY;"
                    "CREATE POLICY own_row ON users USING (id = request_user());"
                    "ALTER TABLE refresh_tokens ENABLE ROW LEVEL SECURITY; REVOKE ALL ON refresh_tokens FROM app_user")
    try:
        assert me(null, token).status == 200
        null.site.query("UPDATE refresh_tokens SET revoked_at = now() WHERE user_id = %s", ada["id"])
        assert_refused(me(null, token))
    finally:
        null.site.query("GRANT SELECT, INSERT, UPDATE, DELETE ON refresh_tokens TO app_user;"
                        "ALTER TABLE refresh_tokens DISABLE ROW LEVEL SECURITY; DROP POLICY own_row ON users;"
                        "ALTER TABLE users NO FORCE ROW LEVEL SECURITY; ALTER TABLE users DISABLE ROW LEVEL SECURITY")


def test_an_old_session_is_looked_up_by_indexes(null, ada):
    """The session was refreshed 5,000 times."""
    family = str(uuid.uuid4())
    null.site.query("INSERT INTO refresh_tokens (token_hash, family, user_id, expires_at, used_at)"
                    " SELECT gen_random_uuid(), %s, %s, now() - interval '1 day', now() FROM generate_series(1, 5000)", family, ada["id"])
    try:
        null.site.query("INSERT INTO refresh_tokens (token_hash, family, user_id, expires_at)"
                        " VALUES (%s, %s, %s, now() + interval '1 day')", family, family, ada["id"])
        null.site.query("ANALYZE refresh_tokens")
        for part in ("user_id = %s AND expires_at > now()", "%s IS NOT NULL AND revoked_at IS NOT NULL"):
            plan = "\n".join(line for (line,) in null.site.query(
                f"EXPLAIN (ANALYZE, COSTS off) SELECT FROM refresh_tokens WHERE family = %s AND {part} LIMIT 1", family, ada["id"]))
            removed = sum(map(int, re.findall(r"Rows Removed by Filter: (\d+)", plan)))
            assert "Index" in plan and removed < 1000, plan
        assert me(null, tokens.token(SECRET_CANARY, ada["id"], sid=family)).status == 200
    finally:
        null.site.query("DELETE FROM refresh_tokens WHERE family = %s", family)


@pytest.fixture(scope="module")
def late(site):
    """A replica that has the schema, and only the rows that a test inserts: it lags for ever."""
    postgres = site.new_postgres("lagging")
    postgres.start()
    yield postgres, site.url(password="app", port=postgres.port)
    postgres.stop("immediate")


@pytest.mark.long
@pytest.mark.parametrize("mode", ["null", "persistent"])
def test_the_primary_is_asked_for_a_session_that_a_replica_does_not_know_yet(serve, late, mode):
    postgres, url = late
    service = serve("auth", DATABASE_REPLICA_URL=url, DATABASE_CONNECTION=mode, DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0)
    wanted = someone()
    user = service.client.post("/auth/register", wanted).json()
    given = session(service, wanted)
    for _ in range(2):
        assert me(service, given["access_token"]).json()["id"] == user["id"]
    with postgres.admin("app") as link, link.cursor() as cursor:
        cursor.execute("INSERT INTO users (id, email, name) VALUES (%s, %s, 'On the replica')", (user["id"], wanted["email"]))
        cursor.execute("INSERT INTO refresh_tokens (token_hash, family, user_id, expires_at) VALUES ('x' || %s, %s, %s, now() + interval '1 day')",
                       (user["id"], tokens.read(given["access_token"])["sid"], user["id"]))
    assert me(service, given["access_token"]).json()["name"] == "On the replica"
    assert delete(service, "/auth/session", given["access_token"]).status == 204
    assert me(service, given["access_token"]).status == 200  # it lags
    with postgres.admin("app") as link, link.cursor() as cursor:
        cursor.execute("UPDATE refresh_tokens SET revoked_at = now()")
    assert_refused(me(service, given["access_token"]))


# --- change of password ---

NEW_PASSWORD = "a horse that was replaced"


@pytest.mark.long
def test_a_new_password_ends_the_other_sessions_and_not_this_one(service):
    wanted = someone()
    service.client.post("/auth/register", wanted)
    mine, other = session(service, wanted), session(service, wanted)
    answer = change(service, mine["access_token"], PASSWORD, NEW_PASSWORD)
    assert answer.status == 204 and not answer.body, answer
    assert me(service, mine["access_token"]).status == 200 and refresh(service, mine["refresh_token"]).status == 200
    assert_refused(me(service, other["access_token"]))
    assert refresh(service, other["refresh_token"]).status == 400
    assert sign_in(service, wanted).status == 400 and sign_in(service, wanted, NEW_PASSWORD).status == 200
    text = service.log_path.read_text()
    assert NEW_PASSWORD not in text


@pytest.mark.long
def test_a_new_password_needs_the_old_one_and_must_be_valid(null, ada):
    token, other = session(null, ada)["access_token"], session(null, ada)
    answer = change(null, token, "not the password", NEW_PASSWORD)
    assert answer.status == 403 and answer.problem()["detail"] == "Wrong password"
    for old, new, name in ((PASSWORD, "short", "new_password"), (PASSWORD, "x" * 201, "new_password")):
        answer = change(null, token, old, new)
        assert answer.status == 422 and [error["name"] for error in answer.problem()["errors"]] == [name]
    assert null.client.send("PUT", "/auth/password", {"password": PASSWORD, "new_password": NEW_PASSWORD}).status == 401
    assert me(null, other["access_token"]).status == 200 and sign_in(null, ada).status == 200


def test_a_user_without_a_password_cannot_set_one(null):
    user = null.client.post("/users", {"email": f"{uuid.uuid4()}@example.com", "name": "Ada"}).json()
    assert change(null, null.client.of(user).token, PASSWORD, NEW_PASSWORD).status == 403


def test_a_sign_in_with_a_password_that_is_changed_meanwhile_begins_no_session(null, ada):
    """The password is still right when it is checked, and the change is not committed when the session begins."""
    token = session(null, ada)["access_token"]
    with null.site.postgres.admin("app") as link, link.cursor() as cursor, concurrent.futures.ThreadPoolExecutor(1) as pool:
        link.autocommit = False
        cursor.execute("UPDATE credentials SET password_hash = 'x' WHERE user_id = %s", [ada["id"]])
        late = pool.submit(sign_in, null, ada)
        wait_until("the sign-in to wait", lambda: null.site.query(WAITING), 5)
        link.commit()
        assert late.result().status == 400
    assert me(null, token).status == 200
    assert null.site.query("SELECT count(DISTINCT family) FROM refresh_tokens WHERE user_id = %s", ada["id"]) == [(1,)]
