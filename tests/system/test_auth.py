"""Sign-in: passwords, access tokens, refresh tokens, and what the database knows about the caller."""
import base64
import concurrent.futures
import pathlib
import resource
import secrets
import statistics
import subprocess
import time
import types
import urllib.parse
import uuid

import pytest

import client
from env.local.process import wait_until
import tokens
from conftest import BUILD, SECRET_CANARY, program

PASSWORD = "correct horse battery"
WAITING = "SELECT pid FROM pg_stat_activity WHERE usename = 'app_user' AND wait_event_type = 'Lock'"


def someone(**fields):
    return {"email": f"{uuid.uuid4()}@example.com", "name": "Ada", "password": PASSWORD, **fields}


@pytest.fixture
def ada(service):
    """A registered user: the row, and under "wanted" what was sent."""
    wanted = someone()
    answer = service.client.post("/auth/register", wanted)
    assert answer.status == 201, answer
    return {**answer.json(), "wanted": wanted}


def sign_in(service, wanted, password=PASSWORD):
    return service.client.post("/auth/token", {"username": wanted["email"], "password": password})


def refresh(service, token):
    return service.client.post("/auth/token", {"grant_type": "refresh_token", "refresh_token": token})


def me(service, token):
    return service.client.get("/auth/me", headers={"Authorization": f"Bearer {token}"})


def assert_no_token(answer, error="invalid_grant", status=400):
    """The answer is an error of the token endpoint (RFC 6749 5.2); returns its description."""
    assert answer.status == status, answer
    assert answer.headers["content-type"] == "application/json" and answer.headers["cache-control"] == "no-store"
    assert "www-authenticate" not in answer.headers
    document = answer.json()
    assert document["error"] == error and set(document) <= {"error", "error_description"}, answer
    return document.get("error_description")


def assert_refused(answer, error='Bearer error="invalid_token"'):
    assert answer.status == 401, answer
    assert answer.headers["www-authenticate"] == error and answer.problem()


def test_a_registered_user_can_sign_in_and_is_that_user(service, ada):
    assert list(ada)[:5] == ["id", "email", "name", "created_at", "updated_at"]
    answer = sign_in(service, ada["wanted"])
    assert answer.status == 200 and answer.headers["cache-control"] == "no-store"
    given = answer.json()
    assert (given["token_type"], given["expires_in"]) == ("bearer", 1440 * 60)
    shown = me(service, given["access_token"])
    assert shown.status == 200 and shown.json()["id"] == ada["id"]
    assert service.client.get(f"/users/{ada['id']}").json()["email"] == ada["email"]


def test_a_form_signs_in_as_swagger_and_oauth2_clients_send_it(service, ada):
    form = urllib.parse.urlencode({"grant_type": "password", "username": ada["email"], "password": PASSWORD, "scope": "",
                                   "client_id": "", "client_secret": ""})
    answer = service.client.ask("POST", "/auth/token", form, {"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status == 200 and answer.json()["access_token"]


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize("form, error, word", [
    ("username=a&username=b&password=x", "invalid_request", "username is given twice"),
    ("grant_type=password&grant_type=password&username=a&password=x", "invalid_request", "grant_type is given twice"),
    ("user=a&password=x", "invalid_request", "username"), ("grant_type=password&username=a", "invalid_request", "password"),
    ("grant_type=password&username=a&password=", "invalid_request", "password"),
    ("grant_type=refresh_token", "invalid_request", "refresh_token"), ("", "invalid_request", "username"),
    ("grant_type=authorization_code&code=x", "unsupported_grant_type", "grant_type"),
    ("grant_type=client_credentials", "unsupported_grant_type", "grant_type"),
    ("grant_type=password&username=a&password=%ff", "invalid_request", ""), ("grant_type=%zz", "invalid_request", ""),
    ("grant_type=refresh_token&refresh_token=none", "invalid_grant", "refresh token"),
    ("grant_type=password&username=nobody&password=x&resource=a&resource=b&foo=bar", "invalid_grant", "password")])
def test_a_refusal_of_a_token_is_an_oauth2_error(null, form, error, word):
    assert word in assert_no_token(null.client.ask("POST", "/auth/token", form, FORM), error)


@pytest.mark.parametrize("document, error", [
    ("{", "invalid_request"), ("[]", "invalid_request"), ('{"grant_type": 5}', "invalid_request"),
    ('{"username": "a", "username": "b"}', "invalid_request"), ({"grant_type": "implicit"}, "unsupported_grant_type"),
    ({"username": "a", "password": "b", "more": [1]}, "invalid_grant"),
    ({"username": "a", "password": 'x', "grant_type": 'a"\\\u00e9'}, "unsupported_grant_type")])
def test_an_invalid_json_body_is_an_oauth2_error(null, document, error):
    assert_no_token(null.client.send("POST", "/auth/token", document), error)


def test_a_fault_of_the_whole_request_is_an_oauth2_error(null):
    assert_no_token(null.client.ask("POST", "/auth/token", "x", {"Content-Type": "text/plain"}), "invalid_request")
    assert_no_token(null.client.ask("POST", "/auth/token?a=b", "username=a&password=b", FORM))
    assert null.client.get("/auth/token").problem()["status"] == 405


@pytest.mark.parametrize("how", ["in the header", "in the body", "not at all"])
def test_a_client_of_oauthlib_gets_and_refreshes_tokens(null, how):
    """The password flow of requests-oauthlib, with the credentials of the client in each place where it may send them."""
    oauth2 = pytest.importorskip("oauthlib.oauth2")
    wanted = someone()
    user = null.client.post("/auth/register", wanted).json()
    client = oauth2.LegacyApplicationClient(client_id="an-app")

    def ask(body):
        basic = base64.b64encode(b"an-app:a-secret").decode()
        answer = null.client.ask("POST", "/auth/token", body, {**FORM, **({"Authorization": f"Basic {basic}"} if how == "in the header" else {})})
        return client.parse_request_body_response(answer.body)

    more = {"client_secret": "a-secret"} if how == "in the body" else {}
    given = ask(client.prepare_request_body(username=wanted["email"], password=PASSWORD, include_client_id=how != "not at all", **more))
    assert me(null, given["access_token"]).json()["id"] == user["id"] and given["token_type"].lower() == "bearer"
    again = ask(client.prepare_refresh_body(refresh_token=given["refresh_token"], **more))
    assert me(null, again["access_token"]).status == 200
    with pytest.raises(oauth2.InvalidGrantError):
        ask(client.prepare_request_body(username=wanted["email"], password="wrong password"))


@pytest.mark.parametrize("body", ["username=%zz", "username=a%00b&password=x", "a\0b"])
def test_a_broken_form_is_malformed(null, body):
    assert_no_token(null.client.ask("POST", "/auth/token", body, FORM), "invalid_request")


def test_only_routes_with_form_accept_a_form(null):
    answer = null.client.ask("POST", "/auth/register", "email=a", {"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status == 415


def test_passwords_and_tokens_are_stored_as_hashes_only(null):
    wanted = someone(password="canary of a password")
    user = null.client.post("/auth/register", wanted).json()
    given = sign_in(null, wanted, wanted["password"]).json()
    [(hashed,)] = null.site.query("SELECT password_hash FROM credentials WHERE user_id = %s", user["id"])
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    kept = null.site.query("SELECT token_hash FROM refresh_tokens WHERE user_id = %s", user["id"])
    assert len(kept) == 1 and given["refresh_token"] not in str(kept)
    log = null.log_path.read_text()
    for secret in (wanted["password"], given["access_token"], given["refresh_token"], hashed):
        assert secret not in log


def test_an_email_can_be_registered_once(null):
    wanted = someone()
    assert null.client.post("/auth/register", wanted).status == 201
    answer = null.client.post("/auth/register", {**wanted, "email": wanted["email"].upper()})
    assert answer.status == 409 and answer.problem()["detail"] == "A user with this email exists already"


def test_a_short_password_is_refused(null):
    assert null.client.post("/auth/register", someone(password="short")).status == 422


@pytest.mark.long
def test_a_wrong_password_and_an_unknown_user_get_the_same_answer_in_the_same_time(persistent):
    wanted = someone()
    persistent.client.post("/auth/register", wanted)
    persistent.client.post("/users", {"email": (without := someone())["email"], "name": "No password"})
    cases = {"wrong": (wanted, "not the password"), "unknown": (someone(), PASSWORD), "without": (without, PASSWORD)}
    times, texts = {name: [] for name in cases}, set()
    for i in range(15):
        # Each round comes from another address, since an address that goes on guessing has to wait.
        elsewhere = types.SimpleNamespace(client=client.Client(persistent.nginx.port, source=f"127.0.1.{i + 1}"))
        for name, case in cases.items():
            start = time.perf_counter()
            answer = sign_in(elsewhere, *case)
            times[name].append(time.perf_counter() - start)
            texts.add(assert_no_token(answer))
    assert texts == {"Wrong email address or password"}
    medians = [statistics.median(values) for values in times.values()]
    # This does not measure speed: a case that skips the hash is about 10 times as fast.
    assert max(medians) < 2 * min(medians), times


@pytest.mark.long
@pytest.mark.skipif(BUILD.name == "asan", reason="the sanitizer limits memory in its own way")
def test_a_password_is_not_called_wrong_if_there_is_no_memory_to_check_it(serve):
    """Argon2id needs 19 MiB."""
    service = serve("auth", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0).expect_deaths()
    wanted = someone()
    assert service.client.post("/auth/register", wanted).status == 201
    worker = service.line_of(sign_in(service, wanted))["pid"]
    pages = int(pathlib.Path(f"/proc/{worker}/statm").read_text().split()[0])
    resource.prlimit(worker, resource.RLIMIT_AS, (pages * resource.getpagesize() + (2 << 20), resource.RLIM_INFINITY))
    assert sign_in(service, wanted).status == 502
    wait_until("its death in the log", lambda: service.lines(event="worker died", exit_code=70), 10)
    assert sign_in(service, wanted).status == 200


def test_a_deleted_user_cannot_sign_in_nor_stay_signed_in(service, ada):
    given = sign_in(service, ada["wanted"]).json()
    assert service.client.of(ada).ask("DELETE", f"/users/{ada['id']}").status == 204
    assert_no_token(sign_in(service, ada["wanted"]))
    assert_no_token(refresh(service, given["refresh_token"]))
    assert_refused(me(service, given["access_token"]))


# --- refresh tokens ---


def test_a_refresh_token_is_valid_once_and_its_reuse_ends_the_family(service, ada):
    first = sign_in(service, ada["wanted"]).json()["refresh_token"]
    other = sign_in(service, ada["wanted"]).json()["refresh_token"]
    second = refresh(service, first)
    assert second.status == 200 and me(service, second.json()["access_token"]).status == 200
    assert second.json()["refresh_token"] not in (first, other)
    assert_no_token(refresh(service, first))
    assert_no_token(refresh(service, second.json()["refresh_token"]))
    assert refresh(service, other).status == 200  # another sign-in is another family


@pytest.mark.long
def test_a_token_made_while_its_family_ends_ends_too(null):
    """The next token is not committed yet when an earlier one is used again."""
    wanted = someone()
    null.client.post("/auth/register", wanted)
    first = sign_in(null, wanted).json()["refresh_token"]
    second = refresh(null, first).json()["refresh_token"]
    with null.site.postgres.admin("app") as link, link.cursor() as cursor, concurrent.futures.ThreadPoolExecutor(2) as pool:
        link.autocommit = False
        cursor.execute("SELECT 1 FROM users WHERE email = %s FOR UPDATE", [wanted["email"]])  # a new token refers to it
        third = pool.submit(refresh, null, second)
        wait_until("the next to be made", lambda: null.site.query(WAITING), 5)
        again = pool.submit(refresh, null, first)
        wait_until("the reuse to wait for it", lambda: len(null.site.query(WAITING)) == 2, 5)
        link.rollback()
        third, again = third.result(), again.result()
    assert third.status == 200 and again.status == 400
    assert_no_token(refresh(null, third.json()["refresh_token"]))
    # It stays so after the tokens before it have expired.
    null.site.query("UPDATE refresh_tokens SET expires_at = now() - interval '1 second' WHERE revoked_at IS NOT NULL")
    for _ in range(3):
        assert sign_in(null, wanted).status == 200
    assert_no_token(refresh(null, third.json()["refresh_token"]))


def test_a_refresh_that_waited_for_the_end_of_its_family_is_refused(null):
    wanted = someone()
    null.client.post("/auth/register", wanted)
    token = sign_in(null, wanted).json()["refresh_token"]
    with null.site.postgres.admin("app") as link, link.cursor() as cursor, concurrent.futures.ThreadPoolExecutor(1) as pool:
        link.autocommit = False
        cursor.execute("UPDATE refresh_tokens SET revoked_at = now() WHERE user_id = (SELECT id FROM users WHERE email = %s)",
                       [wanted["email"]])
        late = pool.submit(refresh, null, token)
        wait_until("it to wait", lambda: null.site.query(WAITING), 5)
        link.commit()
        assert_no_token(late.result())


def test_one_of_many_simultaneous_refreshes_succeeds_and_the_family_ends(null):
    wanted = someone()
    null.client.post("/auth/register", wanted)
    token = sign_in(null, wanted).json()["refresh_token"]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        statuses = sorted(answer.status for answer in pool.map(lambda _: refresh(null, token), range(8)))
    assert statuses == [200] + [400] * 7
    assert null.site.query("SELECT count(*) FROM refresh_tokens t JOIN users u ON u.id = t.user_id WHERE u.email = %s"
                           " AND t.revoked_at IS NULL", wanted["email"]) == [(0,)]


def test_expired_tokens_are_deleted(null):
    wanted = someone()
    null.client.post("/auth/register", wanted)
    old = sign_in(null, wanted).json()["refresh_token"]
    mine = "FROM refresh_tokens WHERE user_id = (SELECT id FROM users WHERE email = %s)"
    null.site.query(f"UPDATE refresh_tokens SET expires_at = now() - interval '1000 days' WHERE token_hash IN (SELECT token_hash {mine})",
                    wanted["email"])
    new = sign_in(null, wanted).json()["refresh_token"]
    assert refresh(null, new).status == 200
    assert null.site.query(f"SELECT count(*) {mine} AND expires_at < now()", wanted["email"]) == [(0,)]
    assert_no_token(refresh(null, old))


def test_a_refresh_token_expires(null):
    wanted = someone()
    null.client.post("/auth/register", wanted)
    token = sign_in(null, wanted).json()["refresh_token"]
    null.site.query("UPDATE refresh_tokens SET expires_at = now() WHERE user_id = (SELECT id FROM users WHERE email = %s)",
                    wanted["email"])
    assert_no_token(refresh(null, token))
    assert_no_token(refresh(null, "x" * 43))


def test_sign_in_refuses_an_idempotency_key(null):
    """Its response would be stored, and contains secrets."""
    answer = null.client.post("/auth/token", {"username": "a", "password": "b"}, headers={"Idempotency-Key": "x"})
    assert_no_token(answer, "invalid_request")


# --- access tokens ---

USER = tokens.USER
NONE = {"alg": "none", "typ": "at+jwt"}


@pytest.mark.parametrize("what, changed", [
    ("expired", {"exp": lambda now: now - 1}), ("not yet", {"nbf": lambda now: now + 3600}), ("without an end", {"exp": None}),
    ("without a beginning", {"nbf": None}), ("another issuer", {"iss": "other"}), ("without issuer", {"iss": None}),
    ("another audience", {"aud": "other"}), ("several audiences", {"aud": ["nullpool", "other"]}), ("without audience", {"aud": None}),
    ("a subject that is no UUID", {"sub": "42"}), ("a subject with more behind it", {"sub": USER + "'"}),
    ("without session", {"sid": None}), ("an empty session", {"sid": ""}), ("a number as session", {"sid": 42}),
    ("a session that is no UUID", {"sid": "x' OR true --"}), ("without subject", {"sub": None}), ("an empty subject", {"sub": ""}), ("a number as subject", {"sub": 42}),
    ("an end in words", {"exp": "never"}), ("an end with decimals", {"exp": lambda now: now + 3600.5}),
    ("another algorithm", {"header": {"alg": "HS512", "typ": "at+jwt"}}), ("no algorithm", {"header": NONE}),
    ("another type", {"header": {"alg": "HS256", "typ": "JWT"}}), ("more in its header", {"header": {**tokens.HEADER, "kid": "1"}}),
])
def test_a_token_that_is_not_ours_or_not_valid_now_is_refused(null, what, changed):
    assert_refused(me(null, tokens.token(SECRET_CANARY, USER, **changed)))


TWICE = b'{"sub":"a","iss":"nullpool","aud":"nullpool","nbf":0,"exp":9999999999,"sub":"%s"}' % USER.encode()
# Made of the parts of a valid token when the test runs: one that expired would be refused for that.
FORGED = {
    "another key": lambda header, claims, mac: tokens.token("another key", USER),
    "no signature": lambda header, claims, mac: f"{header}.{claims}.",
    "half a signature": lambda header, claims, mac: f"{header}.{claims}.{mac[:20]}",
    "a longer signature": lambda header, claims, mac: f"{header}.{claims}.{mac}AAAA",
    "other claims": lambda header, claims, mac: f"{header}.{tokens.encoded(tokens.claims_of(str(uuid.uuid4())))}.{mac}",
    "alg none without signature": lambda header, claims, mac: f"{tokens.encoded(NONE)}.{claims}.",
    "two parts": lambda header, claims, mac: f"{header}.{claims}",
    "four parts": lambda header, claims, mac: f"{header}.{claims}.{mac}.{mac}",
    "only the header": lambda header, claims, mac: f"{header}.",
    "nothing": lambda header, claims, mac: "",
    "padding": lambda header, claims, mac: f"{header}.{claims}.{mac}=",
    "no JSON": lambda header, claims, mac: tokens.signed(SECRET_CANARY, f"{header}.{tokens.base64url(b'not json')}"),
    "a list": lambda header, claims, mac: tokens.signed(SECRET_CANARY, f"{header}.{tokens.base64url(b'[]')}"),
    "a claim twice": lambda header, claims, mac: tokens.signed(SECRET_CANARY, f"{header}.{tokens.base64url(TWICE)}"),
}


@pytest.mark.parametrize("what", FORGED)
def test_a_forged_token_is_refused(null, what):
    parts = tokens.token(SECRET_CANARY, USER).split(".")
    assert me(null, ".".join(parts)).status == 200
    assert_refused(me(null, FORGED[what](*parts)))


@pytest.mark.long
def test_the_previous_key_still_verifies_and_does_not_sign(serve):
    before, now = SECRET_CANARY, secrets.token_hex(32)
    one = serve("auth", SECRET_KEY=before)
    wanted = someone()
    assert one.client.post("/auth/register", wanted).status == 201
    old = sign_in(one, wanted).json()["access_token"]
    two = serve("auth", SECRET_KEY=now, SECRET_KEY_PREVIOUS=before)
    assert me(two, old).status == 200
    new = sign_in(two, wanted).json()["access_token"]
    assert me(two, new).status == 200
    assert_refused(me(one, new))
    assert_refused(me(serve("auth", SECRET_KEY=now), old))


@pytest.mark.parametrize("header", [None, "Basic YTpi", "Bearer", "Token x"])
def test_without_a_token_there_is_a_challenge_without_a_reason(null, header):
    answer = null.client.get("/auth/me", headers={"Authorization": header} if header else {})
    assert_refused(answer, 'Bearer error="invalid_token"' if header else "Bearer")


def test_a_refused_token_opens_no_connection_and_is_reported_before_other_faults(null):
    answer = null.client.send("PATCH", f"/users/{USER}", "{not json", headers={"Authorization": "Bearer x"})
    assert_refused(answer)
    assert "backend_pid" not in null.line_of(answer)


def test_a_user_changes_and_deletes_only_themselves(service, ada):
    other = service.client.post("/users", {"email": f"{uuid.uuid4()}@example.com", "name": "Other"}).json()
    for method, body in (("PATCH", {"name": "Taken over"}), ("DELETE", None)):
        path = f"/users/{other['id']}"
        assert service.client.ask(method, path).status == 401
        answer = service.client.of(ada).send(method, path, body or {})
        assert answer.status == 403 and answer.problem()["detail"] == "This belongs to another user"
    assert service.client.get(f"/users/{other['id']}").json()["name"] == "Other"


def test_a_key_belongs_to_its_caller(null):
    """The requests of two users with the same Idempotency-Key are different requests."""
    one, two = (null.client.of(str(uuid.uuid4())) for _ in range(2))
    key = {"Idempotency-Key": str(uuid.uuid4())}
    answers = [client.post("/probe/claims", headers=key) for client in (one, two, one)]
    assert [answer.status for answer in answers] == [200] * 3
    assert answers[0].body == answers[2].body != answers[1].body
    assert answers[2].headers["idempotency-replayed"] == "true" and "idempotency-replayed" not in answers[1].headers


# --- what the database knows ---


def test_the_transaction_carries_the_claims_and_the_next_one_does_not(service, ada):
    for method in ("GET", "POST"):
        claims = service.client.of(ada).ask(method, "/probe/claims").json()["claims"]
        assert claims["sub"] == ada["id"] and claims["iss"] == "nullpool"
        assert service.client.get("/probe/claims-of-nobody").json() == {"claims": {}}


@pytest.mark.parametrize("mode", ["null", "persistent"])
def test_without_a_caller_there_are_no_claims_whatever_the_role_sets(serve, site, mode):
    service = serve("probe", DATABASE_CONNECTION=mode, DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0)
    site.query("ALTER ROLE app_user SET request.jwt.claims = '{\"sub\": \"%s\"}'" % tokens.USER)
    try:
        for _ in range(2):
            assert service.client.get("/probe/claims-of-nobody").json() == {"claims": {}}
            assert service.client.get("/probe/responses-of-nobody").json()["items"] == []
            assert service.client.of(tokens.USER).get("/probe/claims").json()["claims"]["iss"] == "nullpool"
    finally:
        site.query("ALTER ROLE app_user RESET request.jwt.claims")


def test_without_a_caller_there_are_no_claims_whatever_a_function_left_in_the_session(serve, site):
    service = serve("probe", DATABASE_CONNECTION="persistent", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0)
    site.query("CREATE FUNCTION probe_leave_claims() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
               " PERFORM set_config('request.jwt.claims', '{\"sub\": \"%s\"}', false); RETURN NEW; END $$;"
               " CREATE TRIGGER probe_leave_claims BEFORE INSERT ON probe_rows FOR EACH ROW WHEN (NEW.label LIKE 'claims-%%%%')"
               " EXECUTE FUNCTION probe_leave_claims()" % tokens.USER)
    try:
        for _ in range(3):
            assert service.client.post(f"/probe/marked?label=claims-{uuid.uuid4()}").status == 201
            assert service.client.get("/probe/claims-of-nobody").json() == {"claims": {}}
    finally:
        site.query("DROP TRIGGER probe_leave_claims ON probe_rows; DROP FUNCTION probe_leave_claims()")


def test_a_user_sees_their_own_quiz_responses_even_where_a_handler_forgets_the_where(service):
    def onboarded(colour):
        answer = service.client.post("/onboarding", {
            "user": {"email": f"{uuid.uuid4()}@example.com", "name": "Ada"}, "quiz": {"answers": {"colour": colour}}})
        assert answer.status == 201, answer
        return answer.json()["user_id"]

    one, two = onboarded("blue"), onboarded("red")
    for user, colour in ((one, "blue"), (two, "red")):
        items = service.client.of(user).get("/probe/responses").json()["items"]
        assert items == [{"user_id": user, "answers": {"colour": colour}}]
        assert service.client.of(user).get(f"/users/{user}/quiz-responses").json()["items"][0]["answers"] == {"colour": colour}
    assert service.client.of(two).get(f"/users/{one}/quiz-responses").status == 403
    assert service.client.get("/probe/responses-of-nobody").json()["items"] == []
    assert service.client.get(f"/users/{one}/quiz-responses").status == 401


def test_without_a_secret_key_a_program_that_needs_one_does_not_start(site):
    done = subprocess.run([program("auth"), "--check"], env=site.environment(SECRET_KEY=None, NULLPOOL_ENV_FILE="/dev/null"),
                          capture_output=True, text=True)
    assert done.returncode == 78 and "SECRET_KEY: is required" in done.stderr
    done = subprocess.run([program("health"), "--check"], env=site.environment(SECRET_KEY=None, NULLPOOL_ENV_FILE="/dev/null"),
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
