"""--doctor: checks everything that a request needs, and names the cause of a failure."""
import json
import re
import ssl
import subprocess

import pytest

import faults
from env.local.authority import Authority
from env.local.postgres import Postgres
from env.local.process import free_port, run_command, wait_until
from conftest import CANARY, OWNER_CANARY, ROOT, program
from issuer import Key, Place, key_set
from pgbouncer import PgBouncer
from servers import SSL_REQUEST, Plaintext, server, silent
from test_tls import foreign_bundle

pytestmark = pytest.mark.long

WAY = ["settings", "resolve", "tcp", "tls", "login", "round trip", "trips", "server", "connections", "pooler", "migrations", "role",
       "clock", "redis", "nginx"]


@pytest.fixture(scope="module")
def place(site):
    """The working directory of the programs: it has the tree's migrations and nginx, but no .local of a make run."""
    place = site.folder("doctor")
    for name in ("migrations", "nginx"):
        (place / name).symlink_to(ROOT / name)
    return place


@pytest.fixture
def ask(site, place):
    return lambda **settings: Result(site, **{"cwd": place, **settings})


class Result:
    def __init__(self, site, cwd, handler="users", **settings):
        self.ran = subprocess.run([program(handler).absolute(), "--doctor=json"], env=site.environment(**settings),
                                  capture_output=True, text=True, timeout=60, cwd=cwd)
        found = json.loads(self.ran.stdout)
        self.first = found["first"]
        self.checks = {check["check"]: check for check in found["checks"] if check["check"] != "suggestion"}
        self.suggestions = [check for check in found["checks"] if check["check"] == "suggestion"]
        assert self.ran.returncode == (1 if self.first else 0)
        assert CANARY not in self.ran.stdout + self.ran.stderr

    def failed(self):
        return [name for name, check in self.checks.items() if not check["good"]]

    def figure(self, name):
        return self.checks[name]["figure"]

    def advice(self, name):
        return self.checks[name]["advice"]

    def gains(self, how):
        """Return the gain of each suggestion whose advice begins with `how`."""
        return [suggestion["figure"] for suggestion in self.suggestions if suggestion["advice"].startswith(how)]


def test_all_checks_pass(ask):
    found = ask(DATABASE_CONNECTION="null")
    assert (found.first, found.failed(), list(found.checks)) == (None, [], WAY)
    assert re.match(r"TLSv1\.3, TLS_\w+, group \S+ at the first try, [\d.]+ ms; certificate not verified, valid for \d+ days; "
                    r"localhost < nullpool local CA$", found.figure("tls"))
    assert "channel_binding=require" in found.advice("tls")
    assert re.match(r"scram-sha-256 with channel binding, [\d.]+ ms$", found.figure("login")) and not found.advice("login")
    # The first connection of a process asks for TLS, whatever the process learns later.
    assert found.figure("trips").startswith("6 to connect, 1 for a marked statement: 7 in a request of mode null")
    assert found.figure("server").startswith("PostgreSQL ") and found.figure("server").endswith("app as app_user, UTF8")
    assert found.figure("pooler") == "none, the server itself"
    assert found.figure("migrations").endswith(", the newest") and "owns 0 tables" in found.figure("role")


def test_people_get_a_line_for_each_check(site, place):
    ran = subprocess.run([program("users").absolute(), "--doctor"], env=site.environment(), capture_output=True, text=True, timeout=60,
                         cwd=place)
    lines = [line for line in ran.stdout.splitlines() if "->" not in line and " suggestion " not in line]
    assert ran.returncode == 0 and lines[-1] == "all checks passed"
    assert all(line.startswith("\u2713 ") for line in lines[:-1]) and len(lines) == len(WAY) + 1


@pytest.mark.parametrize("query", ["?sslmode=verify-full&sslrootcert={root}", "?sslmode=require&channel_binding=require"])
def test_an_authenticated_server_needs_no_advice(site, ask, query):
    found = ask(DATABASE_URL=site.url(query=query.format(root=site.authority.root)))
    assert found.first is None and found.advice("tls") is None
    assert ("certificate verified" in found.figure("tls")) == ("verify-full" in query)


# --- the cause ---


@pytest.mark.parametrize("about, settings, first, figure, advice", [
    ("settings", {"DATABASE_POOL_SIZE": "many"}, "settings", "DATABASE_POOL_SIZE", "README"),
    ("name", {"DATABASE_URL": "postgresql://u:p@no-such-host.invalid/app?sslmode=require"}, "resolve", "no-such-host.invalid", "no address"),
    ("port", {"DATABASE_URL": "postgresql://u:p@127.0.0.1:1/app?sslmode=require"}, "tcp", "refused", "firewall"),
    ("password", {"password": "wrong"}, "auth", "the server asks for scram-sha-256 with channel binding", "password"),
    ("database", {"database": "nowhere"}, "auth", "does not exist", "no such database"),
    ("pool", {"DATABASE_POOL_SIZE": 90, "DATABASE_MAX_OVERFLOW": 90}, "connections", "180", "smaller DATABASE_POOL_SIZE"),
    ("timeout", {"REQUEST_TIMEOUT": 90}, "nginx", "REQUEST_TIMEOUT 90 s", "fastcgi_read_timeout"),
    ("redis", {"REDIS_URL": "redis://127.0.0.1:1/0"}, "redis", "connect: Connection refused", "REDIS_URL"),
])
def test_the_cause_is_named(site, ask, about, settings, first, figure, advice):
    where = {name: settings.pop(name) for name in ("password", "database") if name in settings}
    if where:
        settings["DATABASE_URL"] = site.url(**where)
    found = ask(DATABASE_CONNECT_TIMEOUT=3, **settings)
    assert (found.first, found.failed()[:1]) == (first, [first])
    assert figure in found.figure(first) and advice in found.advice(first)


@pytest.mark.parametrize("line, seconds", [
    ("fastcgi_read_timeout 2m;", 120), ("\tfastcgi_read_timeout\t 30000ms ;", 30), ("fastcgi_read_timeout 1m30s;", 90),
    ("fastcgi_read_timeout 61;", 61), ("fastcgi_read_timeout 1M;", 2592000), ("fastcgi_read_timeout 1x;", None),
    ("fastcgi_read_timeout $long;", None), ("fastcgi_read_timeouts 5;", None)])
def test_the_timeout_of_nginx_is_read_as_nginx_reads_it(site, ask, line, seconds):
    cwd = site.folder("doctor-nginx")
    (cwd / "nginx").mkdir()
    (cwd / "nginx" / "fastcgi.conf").write_text(f"# a comment\n{line}\n")
    found = ask(cwd=cwd, REQUEST_TIMEOUT=60)
    if seconds is None:
        assert "nginx" not in found.checks
    else:
        assert found.figure("nginx") == f"fastcgi_read_timeout {seconds} s, REQUEST_TIMEOUT 60 s"
        assert found.checks["nginx"]["good"] is (seconds > 60)


@pytest.mark.parametrize("connections, files, good", [
    (1062, 2000, True), (1061, 2000, False), (768, None, False), (2000, 1999, False), ("auto", None, None)])
def test_nginx_needs_connections_for_all_requests_that_wait(site, ask, connections, files, good):
    """It needs two connections for each of the 511 in the queue and the 20 workers."""
    cwd = site.folder("doctor-connections")
    (cwd / ".local" / "nginx").mkdir(parents=True)
    (cwd / ".local" / "nginx" / "nginx.conf").write_text(
        "".join([f"worker_rlimit_nofile {files};\n" if files else "", f"events {{\n\tworker_connections {connections};\n}}\n"]))
    found = ask(cwd=cwd, DATABASE_POOL_SIZE=5, DATABASE_MAX_OVERFLOW=15)
    check = found.checks.get("nginx connections")
    assert (check and check["good"]) is good
    if good is False:
        assert found.first == "nginx connections" and "worker_rlimit_nofile" in check["advice"]
    if good is not None:
        assert check["figure"] == f"{connections}, with {files or 0} files; waiting and running requests need 1062"


def test_a_server_without_tls(site, ask):
    with server(Plaintext()) as port:
        found = ask(DATABASE_URL=site.url(port=port), DATABASE_CONNECT_TIMEOUT=3)
    assert found.first == "tls" and "SSL" in found.figure("tls") and "the server has no TLS" in found.advice("tls")


def test_a_server_that_is_not_postgres(site, ask):
    def web_server(link):
        link.recv(8)
        link.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        link.recv(1)

    with server(web_server) as port:
        found = ask(DATABASE_URL=site.url(port=port), DATABASE_CONNECT_TIMEOUT=3)
    assert found.first == "tls" and "not Postgres" in found.advice("tls")


def test_a_certificate_with_an_invalid_address(site, ask):
    """The address has five bytes: a server that is not authenticated yet may send anything."""
    odd = site.authority.certificate("odd", sans=("DER:30:0f:82:06:61:2e:74:65:73:74:87:05:01:02:03:04:05",))
    with faults.tls_line(site.postgres.port, odd) as line:
        found = ask(DATABASE_URL=site.url(port=line.entrance, query=f"?sslmode=verify-full&sslrootcert={site.authority.root}"))
    assert "certificate is not for 127.0.0.1" in found.figure("tls") and found.figure("tls").endswith(", for a.test")


@pytest.fixture(scope="module")
def expired(site):
    """A Postgres whose certificate expired yesterday."""
    postgres = site.new_postgres("ended")
    postgres.certificate = site.authority.certificate("postgres-ended", days=-1)
    try:
        postgres.start()
        yield postgres
    finally:
        postgres.stop("immediate")


def test_an_expired_certificate(site, ask, expired):
    url = {"password": "app", "port": expired.port}
    unproven = ask(DATABASE_URL=site.url(**url))
    proven = ask(DATABASE_URL=site.url(query=f"?sslmode=verify-full&sslrootcert={site.authority.root}", **url))
    assert unproven.first == "tls" and ", expired " in unproven.figure("tls") and "renewed" in unproven.advice("tls")
    assert re.match(r'certificate verify failed: certificate has expired: "postgres-ended" by "nullpool local CA", valid from '
                    r"[\d-]+ [\d:]+ UTC to [\d-]+ [\d:]+ UTC", proven.figure("tls")), proven.figure("tls")
    assert proven.first == "tls" and "renewed" in proven.advice("tls")


def test_a_certificate_of_another_ca(site, ask):
    other = Authority(site.folder("another-ca"), "another CA")
    found = ask(DATABASE_URL=site.url(query=f"?sslmode=verify-full&sslrootcert={other.root}"))
    assert found.first == "tls" and 'by "nullpool local CA"' in found.figure("tls") and "issuer" in found.figure("tls")
    assert "does not have the CA that signed it" in found.advice("tls")


def test_a_certificate_of_another_host(site, ask):
    url = site.url(query=f"?sslmode=verify-full&sslrootcert={site.authority.root}&hostaddr=127.0.0.1")
    found = ask(DATABASE_URL=url.replace("@127.0.0.1", "@db.example.com"))
    assert found.first == "tls" and "certificate is not for db.example.com" in found.figure("tls")
    assert found.figure("tls").endswith("for localhost, 127.0.0.1") and "one of the certificate's names" in found.advice("tls")


class Listens:
    """A server that sends nothing after its TLS handshake; `received` is what it received then."""

    def __init__(self, certificate, key):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        self.received = []

    def __call__(self, link):
        assert link.recv(8) == SSL_REQUEST
        link.sendall(b"S")
        with self.context.wrap_socket(link, server_side=True) as secure:
            self.received.append(secure.recv(4096))


def test_a_certificate_that_is_not_valid_yet(site, ask):
    with server(Listens(*site.authority.certificate("early", begins=1))) as port:
        found = ask(DATABASE_URL=site.url(port=port, query=f"?sslmode=verify-full&sslrootcert={site.authority.root}"))
    # OpenSSL 3.6 adds "or the system clock is incorrect".
    assert found.first == "tls" and re.search(r'certificate is not yet valid[^:]*: "early"', found.figure("tls"))
    assert "the clock here" in found.advice("tls")


def test_a_self_signed_certificate(site, ask):
    """The server's certificate is the root of an authority."""
    root = Authority(site.folder("itself"), "itself").root
    with server(Listens(root, root.with_suffix(".key"))) as port:
        found = ask(DATABASE_URL=site.url(port=port, query=f"?sslmode=verify-ca&sslrootcert={site.authority.root}"))
    assert found.first == "tls" and 'self' in found.figure("tls") and '"itself" by "itself"' in found.figure("tls")
    assert "does not have the CA that signed it" in found.advice("tls")


def test_a_server_that_is_not_authenticated_does_not_get_the_users_name(site, ask):
    """Neither libpq nor the probe sends it."""
    other, listens = Authority(site.folder("yet-another-ca"), "another CA"), Listens(*site.authority.certificate())
    with server(listens) as port:
        found = ask(DATABASE_URL=site.url(port=port, query=f"?sslmode=verify-full&sslrootcert={other.root}"))
        assert found.first == "tls" and not any(listens.received)
        ask(DATABASE_URL=site.url(port=port))
        assert any(b"app_user" in said for said in listens.received)


def test_a_server_that_has_to_wake_up(site, ask):
    with server(faults.Line(site.postgres.port), asleep_s=3) as port:
        found = ask(DATABASE_URL=site.url(port=port), DATABASE_CONNECT_TIMEOUT=20)
    assert found.first is None and re.match(r"tls took \d[\d.]+ s: the server was asleep", found.figure("waking"))
    assert "first request wait" in found.advice("waking")


def test_a_server_that_does_not_wake_up_in_time(site, ask):
    with server(silent, asleep_s=60) as port:
        found = ask(DATABASE_URL=site.url(port=port), DATABASE_CONNECT_TIMEOUT=2)
    assert found.first == "tls" and "no answer while connecting" in found.figure("tls")
    assert "asleep" in found.advice("tls") and "DATABASE_CONNECT_TIMEOUT" in found.advice("tls")


def test_a_redis_that_does_not_answer_and_one_that_refuses(site, ask):
    with server(silent) as port:
        found = ask(REDIS_URL=f"redis://127.0.0.1:{port}/0", REDIS_TIMEOUT_MS=200)
    assert found.first == "redis" and found.figure("redis").startswith("PING: no answer within the time allowed")
    found = ask(REDIS_URL=f"redis://:a-password@127.0.0.1:{site.redis.port}/0")
    assert found.first == "redis" and found.figure("redis").startswith("AUTH: ")


def test_a_missing_migration(site, ask):
    last = site.query("SELECT version_num FROM alembic_version")[0][0]
    site.query("UPDATE alembic_version SET version_num = '0001'")
    try:
        found = ask()
    finally:
        site.query("UPDATE alembic_version SET version_num = %s", last)
    assert found.first == "migrations" and found.figure("migrations") == f"at 0001, but the newest is {last}"


def test_without_the_folder_the_revision_is_shown(ask, tmp_path):
    found = ask(cwd=tmp_path)
    assert found.first is None and "no folder to compare" in found.figure("migrations") and "nginx" not in found.checks


def test_the_owner_is_not_a_role_for_programs(site, ask):
    found = ask(DATABASE_URL=site.url("app_owner", OWNER_CANARY))
    assert found.first == "role" and "MIGRATION_DATABASE_URL" in found.advice("role")


# --- a pooler ---


@pytest.fixture
def pooler(site):
    pooler = PgBouncer(site.folder("pgbouncer"), site.postgres, site.authority, {"app_user": CANARY})
    try:
        pooler.start()
        yield pooler
    finally:
        pooler.stop()


def test_a_pooler_in_between(site, ask, pooler):
    """It may have more clients than the server accepts. It does not offer channel binding."""
    found = ask(DATABASE_URL=site.url(port=pooler.port), DATABASE_POOL_SIZE=90, DATABASE_MAX_OVERFLOW=90)
    assert found.first is None and found.figure("pooler").startswith("one is in between")
    assert found.figure("login").startswith("scram-sha-256 without channel binding")
    assert "verify-full" in found.advice("tls")


# --- methods of authentication ---

HBA = """\
local all by_trust trust
hostssl all by_trust 127.0.0.1/32 trust
hostssl all by_password 127.0.0.1/32 password
hostssl all by_md5 127.0.0.1/32 md5
hostssl all by_certificate 127.0.0.1/32 cert
hostssl all all 127.0.0.1/32 scram-sha-256
"""
METHODS = {
    "by_trust": ("nothing is asked for", "whoever reaches the server"),
    "by_password": ("password,", "receives the password"),
    "by_md5": ("md5,", "deprecated"),
    "by_certificate": ("certificate,", None),
}


class ManyMethods(Postgres):
    """Each role of METHODS logs in by the method in its name; the CA for clients is the client's own certificate."""

    def _configure(self):
        super()._configure()
        run_command("a client's certificate", ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                                               "-subj", "/CN=by_certificate", "-keyout", self.client.with_suffix(".key"), "-out", self.client])
        self.client.with_suffix(".key").chmod(0o600)
        self._write_file(self.data / "clients.crt", self.client.read_text())
        with open(self.data / "nullpool.conf", "a", encoding="ascii") as conf:
            conf.write(f"ssl_ca_file = 'clients.crt'\nunix_socket_directories = '{self.data.resolve()}'\n")
        self._write_file(self.data / "pg_hba.conf", HBA)

    def make_roles(self):
        with self.admin("app") as link, link.cursor() as cursor:
            for name in METHODS:
                cursor.execute(f"SET password_encryption = '{'md5' if name == 'by_md5' else 'scram-sha-256'}'")
                cursor.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'open'; GRANT CONNECT ON DATABASE app TO {name}")
        link.close()


@pytest.fixture(scope="module")
def many_methods(site):
    postgres = ManyMethods(site.folder("many"), free_port(), site.authority, fsync=False)
    postgres.client = site.folder("client") / "client.crt"
    postgres.create("app", "app_owner", "owner", "app_user", "app")
    try:
        postgres.start()
        postgres.make_roles()
        yield postgres
    finally:
        postgres.stop("immediate")


@pytest.mark.parametrize("role", METHODS)
def test_the_method_of_authentication_is_named(site, ask, many_methods, role):
    client = many_methods.client
    query = f"?sslmode=require&sslcert={client}&sslkey={client.with_suffix('.key')}" if role == "by_certificate" else "?sslmode=require"
    found = ask(DATABASE_URL=site.url(role, "open", many_methods.port, query=query))
    figure, advice = METHODS[role]
    assert found.first == "migrations" and found.figure("login").startswith(figure)
    assert advice in found.advice("login") if advice else found.advice("login") is None


def test_trust_over_a_unix_socket_is_accepted(ask, many_methods):
    found = ask(DATABASE_URL=None, DB_HOST=many_methods.data.resolve(), DB_PORT=many_methods.port, DB_NAME="app", DB_USER="by_trust",
                DB_PASSWORD="open")
    assert found.figure("login").startswith("nothing is asked for") and found.advice("login") is None
    assert found.checks["tls"]["good"] and found.figure("tls") == "none"


# --- suggestions ---


def test_a_mode_without_a_connection_for_each_request_is_suggested(ask):
    found = ask(DATABASE_CONNECTION="null")
    assert [figure.split(" ms")[0].split(",")[0] for figure in found.gains("DATABASE_CONNECTION=ahead")] == ["6 round trips"]
    assert len(found.gains("DATABASE_CONNECTION=persistent")) == 1
    found = ask(DATABASE_CONNECTION="ahead")
    assert not found.gains("DATABASE_CONNECTION=ahead") and len(found.gains("DATABASE_CONNECTION=persistent")) == 1
    for settings in ({"DATABASE_CONNECTION": "persistent"}, {"SERVERLESS": "true"}):
        assert not ask(**settings).gains("DATABASE_CONNECTION"), settings


def test_a_second_try_of_tls_is_shown(ask, tmp_path):
    """Without groups in its configuration OpenSSL offers X25519, and Postgres accepts only P-256."""
    config = tmp_path / "openssl.cnf"
    config.write_text("")
    found = ask(OPENSSL_CONF=config)
    if "group x25519" in found.figure("tls").lower():  # OpenSSL 3.6 writes it in lower case
        pytest.skip("this Postgres takes what OpenSSL offers")
    assert " at the second try," in found.figure("tls")
    assert re.match(r"1 round trip, [\d.]+ ms of each connection", found.gains("the server refuses the group")[0])
    assert not ask().gains("the server refuses the group")


def test_one_ca_is_suggested_in_place_of_a_bundle(site, ask):
    bundle = site.folder("bundle") / "bundle.pem"
    bundle.write_text(foreign_bundle(site) + site.authority.root.read_text())
    found = ask(DATABASE_URL=site.url(query=f"?sslmode=verify-full&sslrootcert={bundle}"))
    assert re.match(r"[\d.]+ ms of CPU of each worker's first connection: 4 CAs", found.gains('sslrootcert with "nullpool local CA"')[0])
    assert found.gains("sslmode=require&channel_binding=require")
    found = ask(DATABASE_URL=site.url(query=f"?sslmode=verify-full&sslrootcert={site.authority.root}"))
    assert not found.gains("sslrootcert") and found.gains("sslmode=require&channel_binding=require")
    assert not ask().gains("sslmode")


# --- the connection budget ---


def test_the_connections_of_all_running_endpoints_are_added_up(serve, ask, place, tmp_path):
    """An endpoint without a database has none; those of this program follow from its settings."""
    service = serve("users", "probe", "metrics", DATABASE_POOL_SIZE=2, DATABASE_MAX_OVERFLOW=5)
    (tmp_path / ".local").mkdir()
    (tmp_path / ".local" / "run").symlink_to(service.run_dir)
    wait_until("scoreboards", lambda: len(list(service.run_dir.glob("*.board"))) == 3)
    few = ask(cwd=tmp_path, DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=1)
    assert few.figure("connections").endswith("97 of them for clients; all endpoints in .local/run may ask for 9: users 2, probe 7")
    assert few.checks["connections"]["good"]
    many = ask(cwd=tmp_path, DATABASE_POOL_SIZE=50, DATABASE_MAX_OVERFLOW=41)
    assert many.first == "connections" and "may ask for 98: users 91, probe 7" in many.figure("connections")
    alone = ask(DATABASE_POOL_SIZE=50, DATABASE_MAX_OVERFLOW=41)
    assert alone.first is None and "may ask for 91: users 91 (there is no run directory" in alone.figure("connections")


def test_the_keys_of_an_issuer_are_read(ask, place):
    issuer = Place(key_set(Key("ES256", "1"), Key("EdDSA", "2"), {"kty": "oct"}))
    settings = {"JWT_JWKS": issuer.url, "JWT_ISSUER": "https://issuer.example.com/"}
    try:
        found = ask(**settings)
        assert found.first is None and found.figure("issuer").startswith("2 keys for signatures, ")
        issuer.answer = (404, "")
        found = ask(**settings)
        assert found.failed() == ["issuer"] and found.figure("issuer") == "JWT_JWKS: it answered with 404"
        assert "check JWT_JWKS" in found.advice("issuer")
    finally:
        issuer.close()
    keys = place / "jwks.json"
    keys.write_text("{}")
    found = ask(**{**settings, "JWT_JWKS": str(keys)})
    assert found.failed() == ["issuer"] and found.figure("issuer").endswith('it has no list "keys"')
