"""Access tokens of another issuer: JWT_JWKS as a file and as a URL, and what a token must not be able to do."""
import itertools
import json
import os
import signal
import subprocess
import threading
import time

import pytest

import tokens
from conftest import SECRET_CANARY, Service, only_child, program
from env.local.process import wait_until
from issuer import AUDIENCE, ISSUER, Key, Place, key_set

KEYS = {alg: Key(alg, f"{alg}-1") for alg in ("RS256", "ES256", "EdDSA")}
STRANGER = {alg: Key(alg, f"{alg}-1") for alg in KEYS}  # the same kids
SUBJECT = "auth0|5f7c8ec7c33c6c004bbafe82"
RULES = {"JWT_ISSUER": ISSUER, "JWT_AUDIENCE": AUDIENCE}


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture(scope="module")
def place():
    made = Place(key_set(*KEYS.values()))
    yield made
    made.close()


@pytest.fixture(scope="module", params=["file", "url"])
def service(request, site, started, place):
    """A program of the tests that takes tokens of both issuers."""
    where = place.url
    if request.param == "file":
        path = site.folder("keys") / "jwks.json"
        path.write_text(key_set(*KEYS.values()))
        where = str(path)
    started.append(Service(site, ["callers"], DATABASE_CONNECTION="persistent", JWT_JWKS=where, **RULES).start())
    return started[-1]


def ask(service, token, path="/callers/anybody"):
    return service.client.get(path, headers=bearer(token))


def assert_refused(service, token, about=None):
    answer = ask(service, token)
    assert answer.status == 401 and answer.json()["detail"] == "The token is invalid or expired", (about, answer)
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


# --- tokens ---


@pytest.mark.parametrize("alg", KEYS)
def test_a_token_of_the_issuer_lets_in(service, alg):
    for subject in SUBJECT, tokens.USER, "Ünï", "7", "x" * 255:
        answer = ask(service, KEYS[alg].token(subject))
        assert answer.status == 200 and answer.json() == {"caller": subject, "admin": False, "scope": None}
    admin = KEYS[alg].token(SUBJECT, scope="read admin")
    assert ask(service, admin).json() == {"caller": SUBJECT, "admin": True, "scope": "read admin"}
    assert ask(service, admin, "/callers/admin?number=1").status == 200
    assert ask(service, KEYS[alg].token(SUBJECT, scope="read"), "/callers/admin?number=1").status == 403


def test_our_own_tokens_still_do(service):
    assert ask(service, tokens.token(SECRET_CANARY, tokens.USER)).json()["caller"] == tokens.USER
    assert_refused(service, tokens.token("another key that is long enough", tokens.USER))


def test_there_is_no_session_to_check(service):
    """The session of ours does not exist."""
    answer = ask(service, KEYS["ES256"].token(tokens.USER, sid="00000000-0000-4000-8000-0000000000ff"))
    assert answer.json()["caller"] == tokens.USER


@pytest.mark.parametrize("alg", KEYS)
def test_a_signature_of_somebody_else_is_refused(service, alg):
    assert_refused(service, STRANGER[alg].token(SUBJECT))
    head, claims, signature = KEYS[alg].token(SUBJECT).split(".")
    changed = tokens.encoded({**tokens.read(f".{claims}."), "scope": "admin"})
    for text in (f"{head}.{changed}.{signature}", f"{head}.{claims}.", f"{head}.{claims}.{signature[:-4]}",
                 f"{head}.{claims}.{signature}AAAA", f"{head}.{claims}", f"{head}.{claims}.{signature}.{signature}",
                 f"{head}.{claims}.{signature}=", f"{head}.{claims}.{'A' * len(signature)}", f".{claims}.{signature}"):
        assert_refused(service, text, text)


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
@pytest.mark.parametrize("alg", ["none", "None", "", "HS256", "RS256", "ES256", "EdDSA", "PS256", "RS512", "ES256K", "ES384", 7, None])
def test_the_algorithm_is_that_of_the_key(service, key, alg):
    """With a valid signature of the key's own algorithm, so that only the word differs."""
    if alg == key.alg:
        return
    assert_refused(service, key.token(SUBJECT, header={"alg": alg}))


def test_a_public_key_is_no_secret_key(service):
    """The classic: HS256 keyed with what everybody can read."""
    for public in (key_set(*KEYS.values()), json.dumps(KEYS["RS256"].public()), KEYS["RS256"].public()["n"], ""):
        for header in {"alg": "HS256", "typ": "at+jwt"}, {"alg": "HS256", "kid": "RS256-1"}, {"alg": "RS256", "kid": "RS256-1"}:
            assert_refused(service, tokens.token(public, SUBJECT, header=header, iss=ISSUER, aud=AUDIENCE))


@pytest.mark.parametrize("header", [
    {"crit": ["exp"]}, {"crit": []}, {"b64": False, "crit": ["b64"]}, {"typ": "logout+jwt"}, {"typ": "dpop+jwt"}, {"typ": 7},
    {"typ": ""}, {"kid": "another"}, {"kid": ""}, {"kid": 7}, {"kid": "EdDSA-1"}])
def test_a_header_that_means_something_else_is_refused(service, header):
    assert_refused(service, KEYS["RS256"].token(SUBJECT, header=header), header)


@pytest.mark.parametrize("header", [{"typ": None}, {"typ": "at+jwt"}, {"typ": "jwt"}, {"typ": "application/at+jwt"}, {"kid": None},
                                    {"jku": "https://evil.example.com/"}, {"jwk": STRANGER["RS256"].public()}, {"x5u": "x"}])
def test_a_header_may_lack_or_have_what_nobody_needs(service, header):
    assert ask(service, KEYS["RS256"].token(SUBJECT, header=header)).status == 200
    assert_refused(service, STRANGER["RS256"].token(SUBJECT, header=header), header)


def test_eddsa_has_a_new_name(service):
    assert ask(service, KEYS["EdDSA"].token(SUBJECT, header={"alg": "Ed25519"})).status == 200


@pytest.mark.parametrize("changed", [
    {"iss": None}, {"iss": "https://issuer.example.com"}, {"iss": [ISSUER]}, {"iss": "nullpool"}, {"aud": None}, {"aud": ""},
    {"aud": []}, {"aud": [7]}, {"aud": {"x": AUDIENCE}}, {"aud": AUDIENCE + "/"}, {"aud": "https"}, {"exp": None}, {"exp": 0},
    {"exp": lambda now: now - 1}, {"exp": lambda now: str(now + 60)}, {"exp": lambda now: now - 0.5}, {"exp": -1e300}, {"exp": 1e300},
    {"exp": True}, {"nbf": lambda now: now + 600}, {"nbf": lambda now: str(now)}, {"nbf": 1e300}, {"nbf": lambda now: [now]}, {"sub": None},
    {"sub": ""}, {"sub": 7}, {"sub": ["x"]},
    {"sub": "x" * 256}])
def test_claims_that_are_not_valid_are_refused(service, changed):
    for key in KEYS.values():
        assert_refused(service, key.token(SUBJECT, **changed), changed)


@pytest.mark.parametrize("changed", [
    {"aud": [AUDIENCE]}, {"aud": ["other", AUDIENCE]}, {"nbf": None}, {"nbf": -9223372036854775808},
    {"nbf": lambda now: now - 0.5}, {"iat": None}, {"exp": lambda now: now + 600.75}, {"exp": 1e12}, {"exp": 9223372036854775807}, {"sid": 7}, {"nested": {"a": [1, {"b": None}]}}])
def test_claims_may_have_each_form_that_they_are_allowed(service, changed):
    assert ask(service, KEYS["ES256"].token(SUBJECT, **changed)).status == 200, changed


def test_the_claims_reach_the_database_as_they_were_signed(service):
    answer = ask(service, KEYS["EdDSA"].token("o'b\"r\\ien", scope="a 'b' \"c\" admin"))
    assert answer.json() == {"caller": "o'b\"r\\ien", "admin": True, "scope": "a 'b' \"c\" admin"}


def test_a_token_may_be_large_and_not_too_large(service):
    key = KEYS["ES256"]
    assert ask(service, key.token(SUBJECT, groups=["x" * 40] * 130)).status == 200  # 7.7 KB: nginx takes 8
    environment = {**service.environment, "GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": "GET", "SCRIPT_NAME": "/callers/anybody"}
    for count, status in (200, "200"), (400, "401"):
        done = subprocess.run([program("callers")], capture_output=True, text=True, timeout=30, check=False,
                              env={**environment, "HTTP_AUTHORIZATION": f"Bearer {key.token(SUBJECT, groups=['x' * 40] * count)}"})
        assert done.stdout.startswith(f"Status: {status}"), done


def test_a_lost_token_is_not_in_the_log(service):
    for token in KEYS["RS256"].token(SUBJECT), STRANGER["RS256"].token(SUBJECT):
        answer = ask(service, token)
        service.line_of(answer)
        assert token.split(".")[2] not in service.log_path.read_text()


def test_what_is_for_our_own_users_is_a_403(serve, site):
    path = site.folder("keys") / "jwks.json"
    path.write_text(key_set(*KEYS.values()))
    service = serve("auth", JWT_JWKS=str(path), **RULES)
    for subject in SUBJECT, tokens.USER:
        answer = ask(service, KEYS["ES256"].token(subject), "/auth/me")
        assert answer.status == 403 and answer.json()["detail"] == "This is for users who signed in here"
    assert ask(service, tokens.token(SECRET_CANARY, tokens.USER), "/auth/me").status == 200


def test_row_level_security_knows_no_such_user(site):
    assert site.query("SELECT set_config('request.jwt.claims', %s, false), request_user()", json.dumps({"sub": SUBJECT}))[0][1] is None
    found = site.query("SELECT set_config('request.jwt.claims', %s, false), request_user()", json.dumps({"sub": tokens.USER.upper()}))
    assert str(found[0][1]) == tokens.USER
    site.query("SELECT set_config('request.jwt.claims', '', false)")


# --- rules by setting ---


@pytest.fixture
def with_file(site, serve):
    """with_file(key set, SETTING=value): a service that reads it."""
    def start(text, **settings):
        path = site.folder("keys") / "jwks.json"
        path.write_text(text)
        service = serve("callers", JWT_JWKS=str(path), **{**RULES, **settings})
        service.keys = path
        return service
    return start


class Cgi:
    """A program as CGI, a process for each request: it needs no server where only a setting differs."""

    def __init__(self, site, text, **settings):
        path = site.folder("keys") / "jwks.json"
        path.write_text(text)
        self.environment = site.environment(**{**RULES, "JWT_JWKS": path, "GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": "GET",
                                               "SCRIPT_NAME": "/callers/anybody", **settings})

    def ask(self, token):
        """(status, document)"""
        done = subprocess.run([program("callers")], capture_output=True, text=True, timeout=30, check=True,
                              env={**self.environment, "HTTP_AUTHORIZATION": f"Bearer {token}"})
        head, _, body = done.stdout.partition("\n\n")  # text: a line ends with \n
        return int(head.split()[1]), json.loads(body)


def test_without_an_audience_a_token_has_none(with_file):
    """Clerk's session tokens have no aud. RFC 7519 4.1.3 refuses one that is for somebody."""
    service = with_file(key_set(*KEYS.values()), JWT_AUDIENCE="")
    assert ask(service, KEYS["RS256"].token(SUBJECT, aud=None)).status == 200
    for audience in AUDIENCE, "", [], [AUDIENCE]:
        assert_refused(service, KEYS["RS256"].token(SUBJECT, aud=audience))


def test_there_may_be_several_audiences(with_file):
    service = with_file(key_set(*KEYS.values()), JWT_AUDIENCE="web, ios,android")
    for audience in "web", "ios", ["android"], ["x", "web"]:
        assert ask(service, KEYS["RS256"].token(SUBJECT, aud=audience)).status == 200
    for audience in "we", "web, ios", ",", "", "ios,android", "webb":
        assert_refused(service, KEYS["RS256"].token(SUBJECT, aud=audience))


@pytest.mark.parametrize("claim, claims, admin", [
    ("permissions", {"permissions": ["read", "admin"]}, True),  # Auth0
    ("permissions", {"permissions": ["administrator", "not admin", 7, None, ["admin"]]}, False),
    ("permissions", {"scope": "admin"}, False),
    ("realm_access.roles", {"realm_access": {"roles": ["offline_access", "admin"]}}, True),  # Keycloak
    ("realm_access.roles", {"realm_access": ["admin"]}, False),
    ("realm_access.roles", {"realm_access": {"roles": {"admin": True}}}, False),
    ("https://example.com/roles", {"https://example.com/roles": ["admin"]}, True),
    ("https://example.com/roles", {"https://example": {"com/roles": "admin"}}, True),
    ("role", {"role": "admin"}, True),  # Supabase
    ("role", {"role": 7}, False),
    ("a.b.c", {"a": {"b": {"c": "x admin"}}}, True),
    ("a.b.c", {"a": {"b.c": "admin"}}, True),
    ("a.b.c", {"a": {"b": 7}}, False)])
def test_scopes_are_where_the_issuer_has_them(site, claim, claims, admin):
    cgi = Cgi(site, key_set(*KEYS.values()), JWT_SCOPE_CLAIM=claim)
    status, document = cgi.ask(KEYS["ES256"].token(SUBJECT, **claims))
    assert status == 200 and document["admin"] is admin


@pytest.mark.parametrize("about, keys", [
    ("for encryption", lambda key: [key.public(use="enc")]), ("for another use", lambda key: [key.public(use=7)]),
    ("to sign with", lambda key: [key.public(key_ops=["sign"])]), ("no list of uses", lambda key: [key.public(key_ops="verify")]),
    ("for another algorithm", lambda key: [key.public(alg="PS256")]), ("for no algorithm", lambda key: [key.public(alg=7)]),
    ("of another kind", lambda key: [key.public(kty="oct", k="AAAA")]), ("of no kind", lambda key: [key.public(kty=None)]),
    ("another kid", lambda key: [key.public(kid="x")]), ("no object", lambda key: [7, None, [], "x"])])
def test_a_key_that_is_not_for_this_is_not_used(site, about, keys):
    other = Key("EdDSA", "other")
    cgi = Cgi(site, key_set(*keys(KEYS["RS256"]), other))
    assert cgi.ask(KEYS["RS256"].token(SUBJECT))[0] == 401, about
    assert cgi.ask(other.token(SUBJECT))[0] == 200


def test_a_key_may_lack_what_it_need_not_have(site):
    cgi = Cgi(site, key_set(*(key.public(use=None, alg=None, kid=None, key_ops=["verify"], x5c=["MII"]) for key in KEYS.values())))
    for key in KEYS.values():
        assert cgi.ask(key.token(SUBJECT, header={"kid": None}))[0] == 200
        assert cgi.ask(key.token(SUBJECT))[0] == 401, "a kid that no key has"


def test_without_a_kid_there_is_one_key_or_none(site):
    second = Key("RS256", "RS256-2")
    cgi = Cgi(site, key_set(*KEYS.values(), second))
    assert cgi.ask(second.token(SUBJECT, header={"kid": None}))[0] == 401
    assert cgi.ask(second.token(SUBJECT))[0] == 200
    assert cgi.ask(KEYS["EdDSA"].token(SUBJECT, header={"kid": None}))[0] == 200


def test_one_kid_may_be_of_several_algorithms(site):
    one, two = Key("RS256", "same"), Key("ES256", "same")
    cgi = Cgi(site, key_set(one, two))
    for key in one, two:
        assert cgi.ask(key.token(SUBJECT))[0] == 200


def test_a_file_is_read_again_for_a_new_key_at_most_once_a_minute(with_file):
    service = with_file(key_set(KEYS["RS256"]), DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0)
    assert ask(service, KEYS["RS256"].token(SUBJECT)).status == 200
    first, second = Key("ES256", "new"), Key("ES256", "newer")
    service.keys.write_text(key_set(KEYS["RS256"], first))
    assert ask(service, first.token(SUBJECT)).status == 200
    service.keys.write_text(key_set(KEYS["RS256"], first, second))
    assert_refused(service, second.token(SUBJECT))
    service.endpoints["callers"].send(signal.SIGHUP)
    wait_until("the new program", lambda: ask(service, second.token(SUBJECT)).status == 200, 20)


@pytest.mark.long
def test_a_key_that_was_removed_from_the_file_is_not_trusted_for_long(with_file):
    service = with_file(key_set(*KEYS.values()), DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0)
    assert ask(service, KEYS["RS256"].token(SUBJECT)).status == 200
    service.keys.write_text(key_set(KEYS["ES256"]))
    wait_until("the file to be looked at", lambda: ask(service, KEYS["RS256"].token(SUBJECT)).status == 401, 90)
    assert ask(service, KEYS["ES256"].token(SUBJECT)).status == 200


def test_a_file_that_is_gone_leaves_the_keys_of_before(with_file):
    service = with_file(key_set(KEYS["RS256"]), DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0)
    assert ask(service, KEYS["RS256"].token(SUBJECT)).status == 200
    service.keys.write_text("{")
    answer = ask(service, Key("ES256", "new").token(SUBJECT))
    assert answer.status == 503 and answer.json()["detail"] == "The keys of the token's issuer are not available"
    assert ask(service, KEYS["RS256"].token(SUBJECT)).status == 200
    assert service.lines(event="signing keys not read", level="warning")


# --- wrong settings ---


WRONG = [
    ({"JWT_JWKS": "keys.json"}, "JWT_JWKS: must be an https:// URL without user and password, or the absolute path of a file"),
    ({"JWT_JWKS": "ftp://x/y"}, "JWT_JWKS: must be an https:// URL without user and password"),
    ({"JWT_JWKS": "https://user:pw-canary-7@x/y"}, "JWT_JWKS: must be an https:// URL without user and password"),
    ({"JWT_JWKS": "http://x/y", "ENV": "production"}, "JWT_JWKS: must be an https:// URL in production"),
    ({"JWT_JWKS": "/none/there.json"}, 'JWT_JWKS: could not read \\"/none/there.json\\": No such file or directory'),
    ({"JWT_JWKS": "/tmp"}, 'JWT_JWKS: could not read \\"/tmp\\": Is a directory'),
    ({"JWT_JWKS": "/dev/zero"}, 'JWT_JWKS: \\"/dev/zero\\" has more than 65536 bytes'),
    ({"JWT_JWKS": "/dev/null"}, "JWT_JWKS: "),
    ({"JWT_JWKS": "https://x/y", "JWT_ISSUER": ""}, "JWT_ISSUER: is required with JWT_JWKS"),
    ({"JWT_JWKS": ""}, "JWT_ISSUER: requires JWT_JWKS"), ({"JWT_JWKS": ""}, "JWT_AUDIENCE: requires JWT_JWKS")]


@pytest.mark.parametrize("settings, message", WRONG)
def test_a_wrong_setting_is_refused_with_a_sentence(site, settings, message):
    done = subprocess.run([program("callers"), "GET", "/callers/anybody"], env=site.environment(**{**RULES, **settings}),
                          capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 78 and message in done.stderr and "pw-canary-7" not in done.stderr, done


@pytest.mark.parametrize("text, message", [
    ("{}", 'it has no list \\"keys\\"'), ('{"keys":{}}', 'it has no list \\"keys\\"'), ('{"keys":[]}', "none of its keys"),
    ('{"keys":[{"kty":"oct","k":"AA"}]}', "none of its keys"), ("[]", "JWT_JWKS: "), ('{"keys":[],"keys":[]}', "JWT_JWKS: "),
    (key_set(KEYS["RS256"].public(n="AQAB")), "none of its keys"), (key_set(KEYS["RS256"].public(e="AQ")), "none of its keys"),
    (key_set(KEYS["ES256"].public(y=KEYS["ES256"].public()["x"])), "none of its keys"),
    (key_set(KEYS["EdDSA"].public(x="AAAA")), "none of its keys"), (key_set(KEYS["ES256"].public(crv="P-384")), "none of its keys"),
    (key_set(Key("RS256", "short", bits=1024)), "none of its keys")], ids=itertools.count())
def test_a_file_without_a_usable_key_is_refused_with_a_sentence(site, text, message):
    path = site.folder("keys") / "jwks.json"
    path.write_text(text)
    done = subprocess.run([program("callers"), "GET", "/callers/anybody"], env=site.environment(JWT_JWKS=str(path), **RULES),
                          capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 78 and "JWT_JWKS: " in done.stderr and message in done.stderr, done


def test_with_an_issuer_nobody_needs_a_secret_key(site):
    path = site.folder("keys") / "jwks.json"
    path.write_text(key_set(*KEYS.values()))
    environment = site.environment(SECRET_KEY=None, NULLPOOL_ENV_FILE="/dev/null", ENV="testing", JWT_JWKS=str(path), REDIS_URL=None,
                                   GATEWAY_INTERFACE="CGI/1.1", REQUEST_METHOD="GET", SCRIPT_NAME="/callers/anybody", **RULES)
    for token, status in (KEYS["RS256"].token(SUBJECT), "200"), (tokens.token("", tokens.USER), "401"):
        done = subprocess.run([program("callers")], env={**environment, "HTTP_AUTHORIZATION": f"Bearer {token}"},
                              capture_output=True, text=True, timeout=30, check=False)
        assert done.stdout.startswith(f"Status: {status}"), done


# --- keys by URL ---


@pytest.fixture
def own_place():
    made = Place(key_set(KEYS["RS256"]))
    yield made
    made.close()


@pytest.mark.parametrize("host", ["localhost", "::1"])
def test_the_place_may_be_a_name_or_an_ipv6_address(serve, host):
    try:
        place = Place(key_set(KEYS["RS256"]), host=host)
    except OSError as error:
        pytest.skip(f"no {host} here: {error}")
    try:
        assert ask(serve("callers", JWT_JWKS=place.url, **RULES), KEYS["RS256"].token(SUBJECT)).status == 200
    finally:
        place.close()


@pytest.mark.long
def test_all_workers_of_a_program_ask_the_issuer_once(serve, own_place):
    service = serve("callers", JWT_JWKS=own_place.url, DATABASE_POOL_SIZE=4, **RULES)
    token = KEYS["RS256"].token(SUBJECT)
    statuses = []
    many = [threading.Thread(target=lambda: statuses.append(ask(service, token).status)) for _ in range(16)]
    for one in many:
        one.start()
    for one in many:
        one.join()
    assert statuses == [200] * 16 and own_place.asked == 1


def test_an_unknown_key_makes_the_keys_be_read_again_at_most_once_a_minute(serve, own_place):
    service = serve("callers", JWT_JWKS=own_place.url, DATABASE_POOL_SIZE=2, **RULES)
    assert ask(service, KEYS["RS256"].token(SUBJECT)).status == 200
    rotated = Key("ES256", "rotated")
    own_place.answer = (200, key_set(rotated))
    assert ask(service, rotated.token(SUBJECT)).status == 200
    assert own_place.asked == 2
    assert_refused(service, KEYS["RS256"].token(SUBJECT), "a key that was withdrawn")
    for count in range(20):
        assert_refused(service, Key("EdDSA", f"unknown-{count}").token(SUBJECT))
    assert own_place.asked == 2


def test_only_a_token_that_could_be_valid_makes_them_be_read_again(serve, own_place):
    service = serve("callers", JWT_JWKS=own_place.url, **RULES)
    assert ask(service, KEYS["RS256"].token(SUBJECT)).status == 200
    unknown = Key("ES256", "unknown")
    for changed in {"exp": 1}, {"iss": "x"}, {"aud": "x"}, {"sub": ""}:
        assert_refused(service, unknown.token(SUBJECT, **changed))
    assert own_place.asked == 1


@pytest.mark.long
@pytest.mark.parametrize("answer", [(500, "{}"), (404, ""), (200, "{"), (200, '{"keys":[]}'), (301, ""),
                                    (200, json.dumps({"keys": [{"x": "y" * 70000}]}))])
def test_an_issuer_that_fails_is_a_503_and_what_it_said_before_holds(serve, own_place, answer):
    service = serve("callers", JWT_JWKS=own_place.url, **RULES)
    assert ask(service, KEYS["RS256"].token(SUBJECT)).status == 200
    own_place.answer = answer
    failed = ask(service, Key("ES256", "new").token(SUBJECT))
    assert failed.status == 503 and failed.headers["retry-after"] and own_place.asked == 2
    assert ask(service, KEYS["RS256"].token(SUBJECT)).status == 200
    assert len(service.lines(event="signing keys not read", level="warning")) == 1


@pytest.mark.long
def test_without_any_keys_it_is_a_503_until_there_are(serve, own_place):
    own_place.answer = (503, "")
    service = serve("callers", JWT_JWKS=own_place.url, **RULES)
    assert ask(service, KEYS["RS256"].token(SUBJECT)).status == 503
    assert ask(service, tokens.token(SECRET_CANARY, tokens.USER)).status == 200
    assert service.client.get("/callers/anybody").status == 200
    own_place.answer = (200, key_set(KEYS["RS256"]))
    wait_until("keys", lambda: ask(service, KEYS["RS256"].token(SUBJECT)).status == 200, 20)
    assert len(service.lines(event="signing keys not read")) == 1 and service.lines(event="signing keys read")


@pytest.mark.long
def test_an_issuer_that_hangs_does_not_hold_a_request_for_long(serve, own_place):
    own_place.gate.clear()
    service = serve("callers", JWT_JWKS=own_place.url, REQUEST_TIMEOUT=1, **RULES)
    assert ask(service, KEYS["RS256"].token(SUBJECT)).status == 503
    assert service.client.get("/callers/anybody").status == 200
    own_place.gate.set()
    wait_until("keys", lambda: ask(service, KEYS["RS256"].token(SUBJECT)).status == 200, 20)


def test_a_certificate_that_nobody_vouches_for_is_refused(site, serve):
    place = Place(key_set(KEYS["RS256"]), site.authority.certificate())
    try:
        service = serve("callers", JWT_JWKS=place.url, **RULES)
        assert ask(service, KEYS["RS256"].token(SUBJECT)).status == 503
        line, = service.lines(event="signing keys not read")
        assert "certificate" in line["detail"] and place.asked == 0
    finally:
        place.close()


def test_as_cgi_each_process_asks_by_itself(site, own_place):
    environment = site.environment(JWT_JWKS=own_place.url, GATEWAY_INTERFACE="CGI/1.1", REQUEST_METHOD="GET",
                                   SCRIPT_NAME="/callers/anybody", HTTP_AUTHORIZATION=f"Bearer {KEYS['RS256'].token(SUBJECT)}", **RULES)

    def status():
        done = subprocess.run([program("callers")], env=environment, capture_output=True, text=True, timeout=30, check=False)
        return done.stdout[:11]
    assert status() == "Status: 200"
    own_place.answer = (500, "")
    assert status() == "Status: 503"
    assert own_place.asked == 2


def test_workers_cannot_write_what_they_read(serve, own_place):
    service = serve("callers", JWT_JWKS=own_place.url, DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0, **RULES)
    assert ask(service, KEYS["RS256"].token(SUBJECT)).status == 200
    master = service.endpoints["callers"].pid
    worker = only_child(master)

    def rights(pid):
        with open(f"/proc/{pid}/maps") as maps:
            return [line.split()[1] for line in maps if "memfd:signing keys" in line]
    assert rights(master) == ["rw-s"] and rights(worker) == ["r--s"]
    assert not [fd for fd in os.listdir(f"/proc/{worker}/fd") if "signing" in os.readlink(f"/proc/{worker}/fd/{fd}")]


def test_a_stop_does_not_wait_for_the_issuer(serve, own_place):
    own_place.gate.clear()
    service = serve("callers", JWT_JWKS=own_place.url, **RULES)
    wait_until("the fetch", lambda: own_place.asked, 10)
    begun = time.monotonic()
    service.endpoints["callers"].stop()
    assert service.endpoints["callers"].returncode == 0 and time.monotonic() - begun < 4
