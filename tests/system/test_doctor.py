"""--doctor: each thing that a request needs, and the true cause of what is wrong."""
import json
import re
import subprocess
import time

import pytest

import stack
from conftest import CANARY, OWNER_CANARY, ROOT, program
from pgbouncer import PgBouncer
from servers import Gate, server

WAY = ["settings", "resolve", "tcp", "tls", "login", "round trip", "trips", "server", "connections", "pooler", "migrations", "role",
       "clock", "redis", "nginx"]


class Finding:
    def __init__(self, site, *options, cwd=ROOT, handler="users", **settings):
        self.ran = subprocess.run([program(handler).absolute(), "--doctor=json", *options], env=site.environment(**settings),
                                  capture_output=True, text=True, timeout=60, cwd=cwd)
        found = json.loads(self.ran.stdout)
        self.first, self.checks = found["first"], {check["check"]: check for check in found["checks"]}
        assert self.ran.returncode == (1 if self.first else 0)

    def crosses(self):
        return [name for name, check in self.checks.items() if not check["good"]]

    def figure(self, name):
        return self.checks[name]["figure"]


def test_all_is_well(site):
    found = Finding(site, DATABASE_CONNECTION="null")
    assert (found.first, found.crosses(), list(found.checks)) == (None, [], WAY)
    assert re.match(r"TLSv1\.3, TLS_\w+, group \S+, [\d.]+ ms; certificate not verified, good for \d+ days$", found.figure("tls"))
    assert "verify-full" in found.checks["tls"]["advice"]
    assert re.match(r"[56] to connect, 1 for a marked statement: ", found.figure("trips"))
    assert found.figure("server").startswith("PostgreSQL ") and found.figure("server").endswith("app as app_user, UTF8")
    assert found.figure("pooler") == "none, the server itself"
    assert found.figure("migrations").endswith(", the last one") and "owns 0 tables" in found.figure("role")
    assert CANARY not in found.ran.stdout + found.ran.stderr


def test_for_people_it_is_a_line_a_check(site):
    ran = subprocess.run([program("users").absolute(), "--doctor"], env=site.environment(), capture_output=True, text=True, timeout=60,
                         cwd=ROOT)
    lines = [line for line in ran.stdout.splitlines() if "->" not in line]
    assert ran.returncode == 0 and lines[-1] == "all is well"
    assert all(line.startswith("\u2713 ") for line in lines[:-1]) and len(lines) == len(WAY) + 1


def test_a_proven_server_needs_no_advice(site):
    found = Finding(site, DATABASE_URL=site.url(query=f"?sslmode=verify-full&sslrootcert={site.authority.root}"))
    assert "certificate verified" in found.figure("tls") and found.checks["tls"]["advice"] is None


@pytest.mark.parametrize("about, settings, first, figure", [
    ("settings", {"DATABASE_POOL_SIZE": "many"}, "settings", "DATABASE_POOL_SIZE"),
    ("name", {"DATABASE_URL": "postgresql://u:p@no-such-host.invalid/app?sslmode=require"}, "resolve", "no-such-host.invalid"),
    ("port", {"DATABASE_URL": "postgresql://u:p@127.0.0.1:1/app?sslmode=require"}, "tcp", "refused"),
    ("password", {"password": "wrong"}, "auth", "password authentication failed"),
    ("database", {"database": "nowhere"}, "auth", "does not exist"),
    ("pool", {"DATABASE_POOL_SIZE": 90, "DATABASE_MAX_OVERFLOW": 90}, "connections", "180"),
    ("timeout", {"REQUEST_TIMEOUT": 90}, "nginx", "REQUEST_TIMEOUT 90 s"),
    ("redis", {"REDIS_URL": "redis://127.0.0.1:1/0"}, "redis", "no answer"),
])
def test_the_cause_is_named(site, about, settings, first, figure):
    where = {name: settings.pop(name) for name in ("password", "database") if name in settings}
    if where:
        settings["DATABASE_URL"] = site.url(**where)
    found = Finding(site, DATABASE_CONNECT_TIMEOUT=3, **settings)
    assert (found.first, found.crosses()[:1]) == (first, [first])
    assert figure in found.figure(first) and found.checks[first]["advice"]
    assert CANARY not in found.ran.stdout + found.ran.stderr


def test_a_server_without_tls(site):
    def refuse(link):
        link.recv(8)
        link.sendall(b"N")
        link.recv(1)

    with server(refuse) as port:
        found = Finding(site, DATABASE_URL=site.url(port=port), DATABASE_CONNECT_TIMEOUT=3)
    assert found.first == "tls" and "SSL" in found.figure("tls")


def test_a_certificate_that_ended(site):
    postgres = stack.Postgres(site.folder("postgres-ended"), stack.free_port(), site.authority, fsync=False)
    postgres.create("app", "app_owner", "owner", "app_user", "app")
    postgres.certificate = site.authority.certificate("postgres-ended", days=-1)
    postgres.start()
    try:
        unproven = Finding(site, DATABASE_URL=site.url(password="app", port=postgres.port))
        proven = Finding(site, DATABASE_URL=site.url(password="app", port=postgres.port,
                                                     query=f"?sslmode=verify-full&sslrootcert={site.authority.root}"))
    finally:
        postgres.stop("immediate")
    assert unproven.first == "tls" and ", ended " in unproven.figure("tls")
    assert proven.first == "tls" and "certificate verify failed" in proven.figure("tls")
    assert "ended" in proven.checks["tls"]["advice"] and "s_client" in proven.checks["tls"]["advice"]


def test_a_server_that_has_to_wake_up(site):
    class Sleeps(Gate):
        def __call__(self, link):
            time.sleep(3)
            super().__call__(link)

    with server(Sleeps(site.postgres.port)) as port:
        found = Finding(site, DATABASE_URL=site.url(port=port), DATABASE_CONNECT_TIMEOUT=10)
    assert found.first is None and "asleep" in found.figure("waking")


def test_a_pooler_in_between(site):
    pooler = PgBouncer(site.folder("pgbouncer"), site.postgres, site.authority, {"app_user": CANARY})
    pooler.start()
    try:
        found = Finding(site, DATABASE_URL=site.url(port=pooler.port))
    finally:
        pooler.stop()
    assert found.first is None and found.figure("pooler").startswith("one is in between")


def test_a_missing_migration(site):
    last = site.query("SELECT version_num FROM alembic_version")[0][0]
    site.query("UPDATE alembic_version SET version_num = '0001'")
    try:
        found = Finding(site)
    finally:
        site.query("UPDATE alembic_version SET version_num = %s", last)
    assert found.first == "migrations" and found.figure("migrations") == f"at 0001, and the last one is {last}"


def test_without_the_folder_the_revision_is_told(site, tmp_path):
    found = Finding(site, cwd=tmp_path)
    assert found.first is None and "no folder to compare" in found.figure("migrations") and "nginx" not in found.checks


def test_the_owner_is_no_role_for_programs(site):
    found = Finding(site, DATABASE_URL=site.url("app_owner", OWNER_CANARY))
    assert found.first == "role" and "MIGRATION_DATABASE_URL" in found.checks["role"]["advice"]
