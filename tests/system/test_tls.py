"""CA certificates: a single root, a bundle, the system's, and a bundle that changes."""
import ctypes
import os
import pathlib
import signal
import subprocess

import psycopg2
import pytest

import faults
from env.local.authority import Authority
from env.local.process import free_port, wait_until
from conftest import CANARY, program

SYSTEM_BUNDLE = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
POOL = {"DATABASE_POOL_SIZE": 1, "DATABASE_MAX_OVERFLOW": 0}


def foreign_bundle(site):
    """CAs that do not sign for the server, in a file as large as those that people download: reading it is expensive."""
    folder = site.folder("foreign-cas")
    return "".join(Authority(folder / str(i)).root.read_text() for i in range(3)) * 12


@pytest.fixture
def bundle(site):
    path = site.folder("bundle") / "bundle.pem"
    path.write_text(foreign_bundle(site) + site.authority.root.read_text())
    assert path.stat().st_size > 16384
    return path


def serve_with(serve, site, root, **settings):
    return serve("probe", DATABASE_URL=site.url(query=f"?sslmode=verify-full&sslrootcert={root}"),
                 **{**POOL, **settings})


def hidden_files(pid):
    return [path for path in pathlib.Path(f"/proc/{pid}/fd").iterdir() if "memfd:nullpool" in os.readlink(path)]


@pytest.mark.long
@pytest.mark.parametrize("settings, status", [
    ({"PGSSLMODE": "verify-full"}, 503), ({"PGSSLMODE": "verify-ca"}, 200), ({}, 200), ({"PGCHANNELBINDING": "require"}, 503),
    ({"PGREQUIREAUTH": "md5"}, 503), ({"PGSSLROOTCERT": "system"}, 503)])
def test_libpqs_environment_variables_protect_a_connection(serve, site, settings, status):
    """As for psql. The certificate is valid except for the host name, and a proxy in front of the server terminates TLS."""
    if "PGREQUIREAUTH" in settings and ctypes.CDLL("libpq.so.5").PQlibVersion() < 160000:
        pytest.skip("this libpq does not know PGREQUIREAUTH")
    certificate = site.authority.certificate("elsewhere", sans=("DNS:elsewhere.example.com",))
    with faults.tls_line(site.postgres.port, certificate) as line:
        service = serve("probe", ENV="production", DATABASE_URL=None, DB_HOST="localhost", DB_PORT=line.entrance, DB_NAME="app",
                        DB_USER="app_user", DB_PASSWORD=CANARY, MIGRATION_DATABASE_URL=None, **POOL,
                        **{"PGSSLROOTCERT": site.authority.root, "PGCHANNELBINDING": "disable", **settings})
        for started in (1, 2):
            wait_until("the program, and after a reload its successor", lambda: len(service.lines(event="started")) == started, 10)
            answer = service.client.get("/probe/session")
            assert answer.status == status, service.line_of(answer)
            service.endpoints["probe"].send(signal.SIGHUP)


def test_only_the_root_that_signs_for_the_server_is_kept_of_a_bundle(serve, site, bundle):
    service = serve_with(serve, site, bundle)
    answers = [service.client.get("/probe/session") for _ in range(3)]
    assert [answer.status for answer in answers] == [200] * 3
    kept = hidden_files(service.line_of(answers[-1])["pid"])
    assert len(kept) == 1
    assert kept[0].read_text().split("-----")[2] == site.authority.root.read_text().split("-----")[2]


@pytest.mark.long
def test_outages_of_the_server_do_not_make_it_read_the_bundle_again(serve, site, bundle):
    with faults.line(site.postgres.port) as line:
        url = site.url(port=line.entrance, query=f"?sslmode=verify-full&sslrootcert={bundle}")
        service = serve("probe", DATABASE_URL=url, DATABASE_CONNECT_TIMEOUT=1, **POOL)
        for _ in range(6):
            assert service.client.get("/probe/session").status == 200
            port, line.port = line.port, free_port()
            line.fault = faults.cut
            assert service.client.get("/probe/session").status == 503
            line.port, line.fault = port, faults.passing
        answer = service.client.get("/probe/session")
        assert answer.status == 200 and len(hidden_files(service.line_of(answer)["pid"])) == 1


@pytest.mark.long
def test_a_ca_removed_from_the_bundle_is_no_longer_trusted(serve, site, bundle):
    service = serve_with(serve, site, bundle)
    assert service.client.get("/probe/session").status == 200
    bundle.write_text(foreign_bundle(site))
    answer = service.client.get("/probe/session")
    assert answer.status == 503 and "certificate verify failed" in service.line_of(answer)["detail"]
    bundle.write_text(site.authority.root.read_text() + foreign_bundle(site))
    assert service.client.get("/probe/session").status == 200


@pytest.mark.long
def test_a_server_may_change_to_another_ca_of_the_bundle(serve, site):
    other = Authority(site.folder("other-ca"))
    path = site.folder("two") / "bundle.pem"
    path.write_text(site.authority.root.read_text() + foreign_bundle(site) + other.root.read_text())
    postgres = site.new_postgres("tls")
    postgres.start()
    try:
        url = site.url(password="app", port=postgres.port, query=f"?sslmode=verify-full&sslrootcert={path}")
        service = serve("probe", DATABASE_URL=url, **POOL)
        assert service.client.get("/probe/session").status == 200
        postgres.stop()
        postgres.authority = other
        postgres.start()
        answer = service.client.get("/probe/session")
        assert answer.status == 200, service.line_of(answer)
    finally:
        postgres.stop("immediate")


@pytest.mark.long
def test_sslrootcert_system_means_the_systems_cas(serve, site):
    if not SYSTEM_BUNDLE.exists():
        pytest.skip("no ca-certificates here")
    refused = serve_with(serve, site, "system")
    answer = refused.client.get("/probe/session")
    assert answer.status == 503 and "certificate verify failed" in refused.line_of(answer)["detail"]
    trusted = serve_with(serve, site, "system", SSL_CERT_FILE=site.authority.root)
    assert trusted.client.get("/probe/session").status == 200


def check(site, **settings):
    """Runs --check."""
    return subprocess.run([program("users"), "--check"], env=site.environment(**settings), capture_output=True, text=True,
                          timeout=20, check=False)


def test_scram_keys_are_a_clear_error_with_a_libpq_that_does_not_know_them(site):
    keys = {"DATABASE_SCRAM_CLIENT_KEY": "Y2xpZW50LWtleS1jYW5hcnk=", "DATABASE_SCRAM_SERVER_KEY": "c2VydmVyLWtleQ=="}
    alone = check(site, DATABASE_SCRAM_CLIENT_KEY=keys["DATABASE_SCRAM_CLIENT_KEY"])
    assert alone.returncode == 78 and "must be set together" in alone.stderr
    both = check(site, **keys)
    if psycopg2.extensions.libpq_version() >= 180000:
        assert both.returncode == 0
    else:
        assert both.returncode == 78 and "does not know scram_client_key" in both.stderr
    assert "Y2xpZW50" not in alone.stderr + both.stderr


def test_a_keyword_that_this_libpq_does_not_know_is_left_out_unless_it_protects(site):
    knows = psycopg2.extensions.libpq_version()
    direct = check(site, DATABASE_URL=site.url(query="?sslmode=require&sslnegotiation=postgres"))
    assert direct.returncode == 0
    assert ("does not know sslnegotiation" in direct.stderr) == (knows < 170000)
    protects = check(site, DATABASE_URL=site.url(query="?sslmode=require&require_auth=scram-sha-256"))
    assert protects.returncode == (0 if knows >= 160000 else 78)
    assert ("does not know require_auth" in protects.stderr) == (knows < 160000)


def test_channel_binding_is_required_where_the_url_says_so(serve, site):
    service = serve("probe", DATABASE_URL=site.url(query="?sslmode=require&channel_binding=require"))
    assert service.client.get("/probe/session").status == 200


@pytest.mark.parametrize("closes", [True, False])
def test_a_server_that_refuses_direct_tls_is_retried_in_the_same_request(serve, site, closes):
    if psycopg2.extensions.libpq_version() < 170000 or int(site.query("SHOW server_version_num")[0][0]) < 170000:
        pytest.skip("libpq or Postgres does not know direct TLS")
    refused = faults.DirectRefused(closes)
    with faults.line(site.postgres.port, refused) as line:
        service = serve("probe", DATABASE_URL=site.url(port=line.entrance), DATABASE_CONNECTION="null", **POOL)
        answers = [service.client.get("/probe/session") for _ in range(4)]
        assert [answer.status for answer in answers] == [200] * 4
        assert refused.count == 1  # the refusal is remembered
        assert len(service.lines(event="direct TLS refused")) == 1
