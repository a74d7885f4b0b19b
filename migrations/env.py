"""How Alembic reaches the database: with the settings of the programs, as the owner, one migration at a time.

`build/conninfo --migration` reads the environment and NULLPOOL_ENV_FILE by the rules of the C programs and prints
libpq keywords, so there is one set of rules. A fault ends with a sentence and no traceback, which could carry a
password. Works with Alembic 1.8 and later, SQLAlchemy 1.4 and 2.
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

# pg_locks shows it as classid 1853189228 ("null"), objid 1886351212 ("pool"). Never change it: an old and a new
# version of this file must exclude each other.
MIGRATION_LOCK = 0x6E756C6C706F6F6C

# Each statement waits 2 s for its locks: while DDL waits, every reader that comes after it waits too. Its revision is then
# rolled back and tried again, after a pause in which the readers go on. A revision that may wait longer says
# SET LOCAL lock_timeout. A role's own statement_timeout is meant for requests, not for a migration that fills a
# column. Everything lives in public, whatever search_path the role has.
SESSION = "SET lock_timeout = '2s'; SET statement_timeout = 0; SET search_path = public"

# How long a migration tries in all; `alembic -x lock_wait=SECONDS` says otherwise. Pauses double up to the longest.
LOCK_WAIT_S = 300
PAUSE_S, LONGEST_PAUSE_S = 1, 10

# Which revision a database has is the owner's to say: a program that could write it could have a migration left out, or run
# twice. The owner's default privileges give the programs' role rights on each new table, so also on Alembic's own: they
# are taken away again, from whoever has them, whenever migrations are looked at. Reading stays, for --doctor.
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


def keywords():
    """The libpq keywords of the migration's database."""
    program = os.path.join(BUILD, "conninfo")
    try:
        done = subprocess.run([program, "--migration"], stdout=subprocess.PIPE, check=False)
    except OSError as fault:
        sys.exit(f'could not start "{program}": {fault.strerror}; run "make" first')
    if done.returncode != 0:
        sys.exit(done.returncode if done.returncode > 0 else 70)  # it said why on standard error
    return json.loads(done.stdout)


def said(fault, known):
    """What Postgres said, in one paragraph and without the password."""
    text = str(fault).strip()
    for name in ("password", "sslpassword"):
        if known.get(name):
            text = text.replace(known[name], "***")
    return text


def connect(known):
    """A session with the migration lock; it ends, and so does the lock, with the connection."""
    # What libpq would take from PG* is not among the settings of the programs either.
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]
    session = psycopg2.connect(**{"fallback_application_name": "nullpool migration", **known})
    session.autocommit = True
    with session.cursor() as cursor:
        # Asked again and again instead of pg_advisory_lock: that would wait inside a statement, whose snapshot
        # CREATE INDEX CONCURRENTLY of the other migration waits for (a deadlock), and Ctrl-C would not end it.
        for attempt in range(sys.maxsize):
            cursor.execute("SELECT pg_try_advisory_lock(%s)", (MIGRATION_LOCK,))
            if cursor.fetchone()[0]:
                break
            if attempt == 0:
                print("another migration is running, waiting", file=sys.stderr, flush=True)
            time.sleep(0.5)
        cursor.execute(SESSION)
    session.autocommit = False
    keep_to_owner(session)
    return session


def keep_to_owner(session):
    """Before, for what an older version left; after, since the first migration of a database makes the table."""
    session.rollback()
    with session.cursor() as cursor:
        cursor.execute(KEEP_TO_OWNER)
    session.commit()


# The revisions that this run has done.
done = []


def note_revision(step, **_):
    done.append(step)


def wait_for_readers_only(engine):
    """Nobody stands behind CREATE INDEX CONCURRENTLY, and what it leaves after a timeout is an invalid index: it waits as
    long as it has to."""
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


def may_try_again(fault, deadline):
    """Only a lock was in the way. A destination such as -2 is counted from where the database is, so it may not be asked
    for again once some of it is done."""
    if getattr(fault.orig, "pgcode", None) != LOCK_NOT_AVAILABLE or time.monotonic() > deadline:
        return False
    return not done or not str(context.get_revision_argument()).lstrip().startswith(("-", "+"))


def start_again(connection, session):
    """As at the beginning: no transaction, and the session's own settings."""
    transaction = connection.get_transaction()
    if transaction:
        transaction.rollback()
    session.rollback()
    with session.cursor() as cursor:
        cursor.execute(SESSION)
    session.commit()


def run_patiently(connection, session):
    """Until every lock could be had, or the time is over."""
    lock_wait_s = float(context.get_x_argument(as_dictionary=True).get("lock_wait", LOCK_WAIT_S))
    deadline, pause_s = time.monotonic() + lock_wait_s, PAUSE_S
    while True:
        try:
            return run(connection=connection)
        except DBAPIError as fault:
            if not may_try_again(fault, deadline):
                raise
        print("another transaction holds a lock, trying again", file=sys.stderr, flush=True)
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        start_again(connection, session)


def run(**options):
    """Each revision in a transaction of its own: what was done stays done when a later one fails."""
    context.configure(transaction_per_migration=True, version_table_schema="public", on_version_apply=note_revision, **options)
    if context.is_offline_mode():
        context.execute(SESSION)
    with context.begin_transaction():
        context.run_migrations()
    if context.is_offline_mode():
        context.execute(KEEP_TO_OWNER)


def failed(fault, known):
    """The sentence for a revision that Postgres refused."""
    if getattr(fault, "pgcode", None) == LOCK_NOT_AVAILABLE:
        return ("the migration gave up waiting for a lock that another transaction holds, try again later: "
                + said(fault, known))
    return f"the migration failed, `current` shows what is done: {said(fault, known)}"


def run_online():
    known = keywords()
    try:
        session = connect(known)
        engine = create_engine("postgresql+psycopg2://", creator=lambda: session, poolclass=NullPool)
        wait_for_readers_only(engine)
        with engine.connect() as connection:
            try:
                run_patiently(connection, session)
            except BaseException:
                with contextlib.suppress(psycopg2.Error):  # the session may be lost; what was first is said
                    keep_to_owner(session)
                raise
            keep_to_owner(session)
    except psycopg2.Error as fault:
        sys.exit(f"could not connect for the migration: {said(fault, known)}")
    except DBAPIError as fault:
        sys.exit(failed(fault.orig, known))
    except KeyboardInterrupt:
        sys.exit("interrupted; `current` shows what is done")


logging.basicConfig(format="%(message)s")
logging.getLogger("alembic.runtime.migration").setLevel(logging.INFO)

if context.is_offline_mode():
    # Without this paramstyle the printed SQL would say %% for %.
    run(dialect_name="postgresql", dialect_opts={"paramstyle": "named"})
else:
    run_online()
