"""What the torture tests share: the system tests' servers, a database role of their own, a table that allows duplicate rows."""
import base64
import contextlib
import hashlib
import hmac
import pathlib
import shutil
import sys
import tempfile
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
for folder in (".", "tests/system", "tests/torture"):
    if str(ROOT / folder) not in sys.path:
        sys.path.insert(0, str(ROOT / folder))

from conftest import BUILD, Site, read_logs  # noqa: E402

ROLE, PASSWORD = "torture", "torture-0b51"  # identifies our connections among all others of the site
MODES = ("null", "ahead", "persistent")

LEDGER = """
    CREATE TABLE IF NOT EXISTS ledger_rows (number bigint NOT NULL);
    CREATE INDEX IF NOT EXISTS ledger_number ON ledger_rows (number);
    DO $$ BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
            CREATE ROLE {role} LOGIN PASSWORD '{password}' IN ROLE app_user;
        END IF;
    END $$;
    GRANT SELECT, INSERT ON ledger_rows TO app_user;
"""


def verifier(password, salt=b"0123456789abcdef", iterations=1):
    """Returns a password verifier as Postgres stores it. libpq allocates memory in each of SCRAM's iterations; 4,096 of them
    would be 4,096 equal faults."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    client = hmac.digest(salted, b"Client Key", "sha256")
    keys = hashlib.sha256(client).digest(), hmac.digest(salted, b"Server Key", "sha256")
    salt, stored, server = (base64.b64encode(part).decode() for part in (salt, *keys))
    return f"SCRAM-SHA-256${iterations}:{salt}${stored}:{server}"


def prepare(postgres):
    """Creates the table and the role."""
    with contextlib.closing(postgres.admin("app")) as link, link.cursor() as cursor:
        cursor.execute(LEDGER.format(role=ROLE, password=verifier(PASSWORD)))


def url(site, port=None):
    return site.url(ROLE, PASSWORD, port)


def durable_postgres(site):
    """Starts a Postgres that may be killed: everything it acknowledged is on disk. The caller stops it."""
    postgres = site.new_postgres("durable", fsync=True)
    postgres.start()
    prepare(postgres)
    return postgres


@contextlib.contextmanager
def own_site():
    """Like the system tests' fixture. Afterwards, site.in_logs has what must not be in its logs. The folder is deleted only if
    that is empty and site.keep was set to False; otherwise it is left for inspection."""
    home = pathlib.Path(tempfile.mkdtemp(prefix="nullpool-torture-"))
    home.chmod(0o755)
    site = Site(home)
    site.keep, site.in_logs = True, []
    try:
        site.start()
        prepare(site.postgres)
        yield site
    finally:
        site.stop()
    try:
        read_logs(site)
    except AssertionError as error:
        site.in_logs.append(f"{error} (in {home})")
    if not site.keep and not site.in_logs:
        shutil.rmtree(home)


class Counter:
    """Unique numbers, for several threads."""

    def __init__(self, start):
        self.last = start
        self.lock = threading.Lock()

    def next(self):
        with self.lock:
            self.last += 1
            return self.last


__all__ = ["BUILD", "MODES", "ROOT", "Counter", "durable_postgres", "own_site", "prepare", "url"]
