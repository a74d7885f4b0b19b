"""Alembic, up, down and up again, as the owner, one at a time, never through a pooler."""
import os
import subprocess
import threading

import psycopg2
import pytest

from env.local.process import wait_until
from conftest import CANARIES, OWNER_CANARY, ROOT, VARIANT

pytestmark = pytest.mark.long

LOCK = 0x6E756C6C706F6F6C
HEAD = max(path.name[:4] for path in (ROOT / "migrations" / "versions").glob("[0-9]*.py"))


@pytest.fixture(scope="module")
def database(site):
    """An empty database of the owner's."""
    site.query("CREATE DATABASE migrations OWNER app_owner")
    return {"MIGRATION_DATABASE_URL": site.url("app_owner", OWNER_CANARY, database="migrations")}


def alembic(site, *arguments, **settings):
    done = subprocess.run(["/usr/bin/python3", "-m", "alembic", "-c", "migrations/alembic.ini", *arguments], cwd=ROOT,
                          env=site.environment(**settings), capture_output=True, text=True, timeout=60, check=False)
    for canary in CANARIES:
        assert canary not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def owner(site):
    return psycopg2.connect(host="127.0.0.1", port=site.postgres.port, dbname="migrations", user="app_owner",
                            password=OWNER_CANARY, sslmode="require")


def tables(site):
    with owner(site) as link, link.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return {name for (name,) in cursor.fetchall()}


def test_up_down_and_up_again(site, database):
    for command, current, has_users in (("upgrade head", f"{HEAD} (head)", True), ("downgrade 0001", "0001", False),
                                        ("upgrade head", f"{HEAD} (head)", True), ("downgrade base", "", False),
                                        ("upgrade head", f"{HEAD} (head)", True)):
        done = alembic(site, *command.split(), **database)
        assert done.returncode == 0, done.stderr
        assert alembic(site, "current", **database).stdout.strip() == current
        assert ("users" in tables(site)) == has_users


def test_the_url_may_be_in_sqlalchemys_form(site, database):
    url = database["MIGRATION_DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://").replace("sslmode", "ssl")
    assert alembic(site, "current", MIGRATION_DATABASE_URL=url).returncode == 0


def test_the_second_of_two_waits_for_the_lock(site, database):
    done = []
    with owner(site) as link, link.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        second = threading.Thread(target=lambda: done.append(alembic(site, "upgrade", "head", **database)))
        second.start()
        # 'idle', because an active one may not have tried the lock yet, and would get it.
        refused = ("SELECT 1 FROM pg_stat_activity WHERE datname = 'migrations' AND query LIKE '%%pg_try_advisory_lock%%'"
                   " AND state = 'idle' AND pid <> pg_backend_pid()")
        wait_until("the migration to be refused the lock", lambda: site.query(refused), 20)
        assert second.is_alive()
        cursor.execute("SELECT pg_advisory_unlock(%s)", (LOCK,))
    second.join(30)
    assert done and done[0].returncode == 0, done
    assert "another migration is running; waiting" in done[0].stderr


def test_one_that_is_killed_half_way_leaves_whole_revisions_and_is_finished_by_the_next(site, database):
    assert alembic(site, "downgrade", "0002", **database).returncode == 0
    with owner(site) as link, link.cursor() as cursor:
        # The name of an index that 0004 makes after its table: it waits for us in the middle.
        cursor.execute("CREATE TABLE other (id int); CREATE INDEX idempotency_keys_created_at_idx ON other (id)")
        running = subprocess.Popen(["/usr/bin/python3", "-m", "alembic", "-c", "migrations/alembic.ini", "upgrade", "head"], cwd=ROOT,
                                   env=site.environment(**database), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until("0004 to wait", lambda: site.query(
                "SELECT 1 FROM pg_stat_activity WHERE datname = 'migrations' AND wait_event_type = 'Lock'"), 20)
        finally:
            running.kill()
            running.wait()
        link.rollback()
    wait_until("its session to end", lambda: not site.query(
        "SELECT 1 FROM pg_stat_activity WHERE datname = 'migrations' AND application_name = 'nullpool migration'"), 20)
    assert alembic(site, "current", **database).stdout.strip() == "0003"
    assert "quiz_responses" in tables(site) and "idempotency_keys" not in tables(site)
    assert alembic(site, "upgrade", "head", **database).returncode == 0
    assert alembic(site, "current", **database).stdout.strip() == f"{HEAD} (head)"


@pytest.mark.parametrize("host", ["ep-x-1-pooler.eu-central-1.aws.neon.tech/main", "db.example.com:6543/postgres"])
def test_a_pooler_is_refused_with_a_sentence(site, host):
    done = alembic(site, "upgrade", "head", MIGRATION_DATABASE_URL=f"postgresql://owner:pw@{host}?sslmode=require")
    assert done.returncode == 78
    assert "the migrations' host is a pooler" in done.stderr


def test_a_wrong_password_is_a_sentence(site):
    wrong = site.url("app_owner", "wrong-password", database="migrations")
    done = alembic(site, "upgrade", "head", MIGRATION_DATABASE_URL=wrong)
    assert done.returncode != 0 and "password authentication failed" in done.stderr
    assert "wrong-password" not in done.stderr


def test_the_runtime_role_owns_nothing_and_cannot_change_the_schema(site):
    assert site.query("SELECT count(*) FROM pg_class WHERE relowner = 'app_user'::regrole") == [(0,)]
    link = psycopg2.connect(host="127.0.0.1", port=site.postgres.port, dbname="app", user="app_user",
                            password=CANARIES[0], sslmode="require")
    with link.cursor() as cursor, pytest.raises(psycopg2.errors.InsufficientPrivilege):
        cursor.execute("CREATE TABLE mine (id int)")
    link.close()


def refused(site, statement, database="migrations"):
    """Whether the programs' role is refused it."""
    link = psycopg2.connect(host="127.0.0.1", port=site.postgres.port, dbname=database, user="app_user",
                            password=CANARIES[0], sslmode="require")
    try:
        with link.cursor() as cursor:
            cursor.execute(statement)
    except psycopg2.errors.InsufficientPrivilege:
        return True
    finally:
        link.close()
    return False


WRITES = ("UPDATE alembic_version SET version_num = '0001'", "DELETE FROM alembic_version",
          "INSERT INTO alembic_version VALUES ('0001')", "TRUNCATE alembic_version", "LOCK alembic_version IN EXCLUSIVE MODE")


def test_only_the_owner_writes_which_revision_a_database_has(site, database):
    """As the README has the owner give rights: to each table that there will be."""
    with owner(site) as link, link.cursor() as cursor:
        cursor.execute("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO app_user, PUBLIC")
    # A new one.
    assert alembic(site, "downgrade", "base", **database).returncode == 0
    with owner(site) as link, link.cursor() as cursor:
        cursor.execute("DROP TABLE alembic_version")
    assert alembic(site, "upgrade", "head", **database).returncode == 0
    assert [refused(site, statement) for statement in WRITES] == [True] * len(WRITES)
    assert not refused(site, "SELECT version_num FROM alembic_version") and not refused(site, "DELETE FROM quiz_responses")
    # One of before, where nothing is left to migrate, and one whose migration fails.
    for command, status in (("upgrade head", 0), ("upgrade no-such-revision", 255), ("downgrade 0005", 1)):
        with owner(site) as link, link.cursor() as cursor:
            cursor.execute("GRANT ALL ON alembic_version TO app_user, PUBLIC")
            if status == 1:
                cursor.execute("CREATE VIEW in_the_way AS SELECT results FROM idempotency_keys")
        assert not refused(site, WRITES[0])
        done = alembic(site, *command.split(), **database)
        assert (done.returncode != 0) == (status != 0), done.stderr
        assert [refused(site, statement) for statement in WRITES] == [True] * len(WRITES), command
    with owner(site) as link, link.cursor() as cursor:
        cursor.execute("DROP VIEW in_the_way")
    assert "REVOKE ALL ON public.alembic_version" in alembic(site, "upgrade", "head", "--sql", **database).stdout


def test_make_wraps_them(site, database):
    environment = {**site.environment(**database), "MAKEFLAGS": ""}
    for target in ("migrate", "migrate-down", "migrate"):
        done = subprocess.run(["make", "-s", target, VARIANT], cwd=ROOT, env={**os.environ, **environment},
                              capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr


def hold(site, table):
    """A long reader's transaction: DDL on the table waits for its end."""
    link = owner(site)
    with link.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
    return link


def test_readers_never_stand_behind_a_migration_that_waits(site, database):
    assert alembic(site, "upgrade", "head", **database).returncode == 0
    long_reader, done = hold(site, "users"), []
    down = threading.Thread(target=lambda: done.append(alembic(site, "downgrade", "0001", **database)))
    down.start()
    try:
        waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = 'migrations' AND wait_event_type = 'Lock'"
        wait_until("the migration to wait for the lock", lambda: site.query(waiting), 20)
        with owner(site) as link, link.cursor() as cursor:
            cursor.execute("SET statement_timeout = '5s'")  # it waits for 2 s at most
            cursor.execute("SELECT count(*) FROM users")
        wait_until("it to let go", lambda: not site.query(waiting), 5)
        assert down.is_alive()
    finally:
        long_reader.close()
        down.join(30)
    assert done and done[0].returncode == 0, done
    assert "another transaction holds a lock; trying again" in done[0].stderr
    assert alembic(site, "current", **database).stdout.strip() == "0001"
    assert alembic(site, "upgrade", "head", **database).returncode == 0


def test_a_lock_that_is_never_let_go_is_a_sentence(site, database):
    assert alembic(site, "upgrade", "head", **database).returncode == 0
    long_reader = hold(site, "users")
    done = alembic(site, "-x", "lock_wait=0", "downgrade", "0001", **database)
    long_reader.close()
    assert done.returncode != 0 and "gave up waiting for a lock" in done.stderr
    assert alembic(site, "upgrade", "head", **database).returncode == 0
