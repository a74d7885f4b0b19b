"""Connects Alembic to the database: with the settings of the programs, as the owner, one migration
at a time.

`build/conninfo --migration` reads the environment and NULLPOOL_ENV_FILE by the rules of the C
programs and prints libpq keywords, so there is one set of rules. An error ends with a sentence and
not with a traceback, which could contain a password. Works with Alembic 1.8 and later, and
SQLAlchemy 1.4 and 2.
"""

import contextlib
import json
import logging
import os
import subprocess
import sys
import time

import psycopg2
from alembic import context
from sqlalchemy import create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, os.environ.get("NULLPOOL_BUILD", "build"))

# pg_locks shows it as classid 1853189228 ("null"), objid 1886351212 ("pool"). Never change it: old
# and new versions of this file must exclude each other.
MIGRATION_LOCK = 0x6E756C6C706F6F6C

# Each statement waits 2 s for its locks, because every reader that comes after a waiting DDL
# statement waits too. The revision is then rolled back and tried again, after a pause in which
# readers proceed. A revision that may wait longer says SET LOCAL lock_timeout. The role's
# statement_timeout is meant for requests, not for a migration that fills a column. Everything is
# created in public, whatever the role's search_path is.
SESSION = "SET lock_timeout = '2s'; SET statement_timeout = 0; SET search_path = public"

# How long a migration tries in all, unless `alembic -x lock_wait=SECONDS` says otherwise. Each
# pause is twice as long as the one before, up to the longest.
LOCK_WAIT_S = 300
PAUSE_S, LONGEST_PAUSE_S = 1, 10

# Only the owner may change which revision a database has: a program that could write it could make
# a migration be skipped, or run twice. The owner's default privileges give the role of the programs
# rights on each new table, Alembic's own included. Every run revokes these rights, whoever has
# them, but keeps SELECT for --doctor.
KEEP_TO_OWNER = """
DO $$
DECLARE
    other record;
BEGIN
    FOR other IN
        SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END AS name,
               bool_or(a.privilege_type = 'SELECT') AS reads
        FROM pg_class c, aclexplode(c.relacl) a
        WHERE c.oid = to_regclass('public.alembic_version') AND a.grantee <> c.relowner
        GROUP BY a.grantee HAVING bool_or(a.privilege_type <> 'SELECT')
    LOOP
        EXECUTE 'REVOKE ALL ON public.alembic_version FROM ' || other.name;
        IF other.reads THEN
            EXECUTE 'GRANT SELECT ON public.alembic_version TO ' || other.name;
        END IF;
    END LOOP;
END
$$
"""

LOCK_NOT_AVAILABLE = "55P03"


def read_keywords():
    """Returns the libpq keywords of the migration's database."""
    program = os.path.join(BUILD, "conninfo")
    try:
        done = subprocess.run([program, "--migration"], stdout=subprocess.PIPE, check=False)
    except OSError as error:
        sys.exit(f'could not start "{program}": {error.strerror}; run "make" first')
    if done.returncode != 0:
        sys.exit(done.returncode if done.returncode > 0 else 70)  # it has said why on standard error
    return json.loads(done.stdout)


def message_of(error, keywords):
    """Returns the message of Postgres or libpq, with *** for passwords."""
    text = str(error).strip()
    for name in ("password", "sslpassword"):
        if keywords.get(name):
            text = text.replace(keywords[name], "***")
    return text


def connect(keywords):
    """Returns a session that holds the migration lock. Closing it releases the lock."""
    # The programs do not read libpq's PG* variables as settings, so neither does this.
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]
    session = psycopg2.connect(**{"fallback_application_name": "nullpool migration", **keywords})
    session.autocommit = True
    with session.cursor() as cursor:
        # This polls, because pg_advisory_lock() would wait inside a statement. CREATE INDEX
        # CONCURRENTLY of the other migration waits for the snapshot of that statement (a deadlock),
        # and Ctrl-C would not end it.
        for attempt in range(sys.maxsize):
            cursor.execute("SELECT pg_try_advisory_lock(%s)", (MIGRATION_LOCK,))
            if cursor.fetchone()[0]:
                break
            if attempt == 0:
                print("another migration is running; waiting", file=sys.stderr, flush=True)
            time.sleep(0.5)
        cursor.execute(SESSION)
    session.autocommit = False
    keep_to_owner(session)
    return session


def keep_to_owner(session):
    """Called before a migration, for rights that an older version left, and after it, because
    the first migration of a database creates the table."""
    session.rollback()
    with session.cursor() as cursor:
        cursor.execute(KEEP_TO_OWNER)
    session.commit()


# The revisions that this run has applied.
applied = []


def note_revision(step, **_):
    applied.append(step)


def lift_timeout_of_concurrent_indexes(engine):
    """CREATE INDEX CONCURRENTLY blocks nobody, and leaves an invalid index after a timeout, so
    it waits as long as it has to."""
    def set_timeout(cursor, statement, timeout):
        if "CONCURRENTLY" in statement.upper():
            with cursor.connection.cursor() as own:
                own.execute(f"SET lock_timeout = '{timeout}'")

    @event.listens_for(engine, "before_cursor_execute")
    def before(_connection, cursor, statement, *_):
        set_timeout(cursor, statement, "0")

    @event.listens_for(engine, "after_cursor_execute")
    def after(_connection, cursor, statement, *_):
        set_timeout(cursor, statement, "2s")


def may_try_again(error, deadline):
    """Returns True if only a lock was not available. A destination such as -2 is relative to the
    current revision, so it is not repeated once a part of it is applied."""
    if getattr(error.orig, "pgcode", None) != LOCK_NOT_AVAILABLE or time.monotonic() > deadline:
        return False
    return not applied or not str(context.get_revision_argument()).lstrip().startswith(("-", "+"))


def reset(connection, session):
    """Restores the initial state: no transaction, and the settings of SESSION."""
    transaction = connection.get_transaction()
    if transaction:
        transaction.rollback()
    session.rollback()
    with session.cursor() as cursor:
        cursor.execute(SESSION)
    session.commit()


def run_with_retries(connection, session):
    """Runs the migrations until each lock was granted, or the time is up."""
    lock_wait_s = float(context.get_x_argument(as_dictionary=True).get("lock_wait", LOCK_WAIT_S))
    deadline, pause_s = time.monotonic() + lock_wait_s, PAUSE_S
    while True:
        try:
            return run(connection=connection)
        except DBAPIError as error:
            if not may_try_again(error, deadline):
                raise
        print("another transaction holds a lock; trying again", file=sys.stderr, flush=True)
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        reset(connection, session)


def run(**options):
    """Runs each revision in its own transaction, so that it stays applied if a later one fails."""
    context.configure(transaction_per_migration=True, version_table_schema="public", on_version_apply=note_revision,
                      **options)
    if context.is_offline_mode():
        context.execute(SESSION)
    with context.begin_transaction():
        context.run_migrations()
    if context.is_offline_mode():
        context.execute(KEEP_TO_OWNER)


def describe_failure(error, keywords):
    """Returns the message for a revision that Postgres refused."""
    if getattr(error, "pgcode", None) == LOCK_NOT_AVAILABLE:
        return ("the migration gave up waiting for a lock that another transaction holds; try again later: "
                + message_of(error, keywords))
    return f"the migration failed; `current` shows what is applied: {message_of(error, keywords)}"


def run_online():
    keywords = read_keywords()
    try:
        session = connect(keywords)
        engine = create_engine("postgresql+psycopg2://", creator=lambda: session, poolclass=NullPool)
        lift_timeout_of_concurrent_indexes(engine)
        with engine.connect() as connection:
            try:
                run_with_retries(connection, session)
            except BaseException:
                with contextlib.suppress(psycopg2.Error):  # the session may be lost; the first error is reported
                    keep_to_owner(session)
                raise
            keep_to_owner(session)
    except psycopg2.Error as error:
        sys.exit(f"could not connect for the migration: {message_of(error, keywords)}")
    except DBAPIError as error:
        sys.exit(describe_failure(error.orig, keywords))
    except KeyboardInterrupt:
        sys.exit("interrupted; `current` shows what is applied")


logging.basicConfig(format="%(message)s")
logging.getLogger("alembic.runtime.migration").setLevel(logging.INFO)

if context.is_offline_mode():
    # With the default paramstyle the printed SQL would have %% for %.
    run(dialect_name="postgresql", dialect_opts={"paramstyle": "named"})
else:
    run_online()
