"""env.sql.check [--quiet] - compares the statements and the tables of the programs in handlers/ with the schema of the database.

Postgres describes each statement; nothing is run. What is wrong is printed as file:line: what. Exits with 65 if there is
anything, and with 69 if it could not be found out. --quiet: nothing is printed if all is well.
"""
import argparse
import contextlib
import os
import pathlib
import secrets
import sys
import tempfile

from env.local.authority import Authority
from env.local.postgres import Postgres, conninfo, migrate
from env.local.process import HOST, Fault, free_port
from env.local.settings import OTHERS, of_make_run

from .describe import Database, Unreachable
from .folder import check

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILD = os.environ.get("NULLPOOL_BUILD", "build")
EXIT_FAULTS, EXIT_UNAVAILABLE = os.EX_DATAERR, os.EX_UNAVAILABLE


@contextlib.contextmanager
def connected():
    """The database of the settings; without any, and if make run's does not run, one of a private server."""
    with contextlib.ExitStack() as stack:
        database = of_settings() or Database(stack.enter_context(private_server()))
        stack.callback(database.close)
        yield database


def of_settings():
    """None without settings, or if they are those of make run, which does not run."""
    file = of_make_run()
    if not (file or any(os.environ.get(name) for name in OTHERS) or pathlib.Path(".env").exists()):
        return None
    settings = dict(os.environ) | ({"NULLPOOL_ENV_FILE": str(file)} if file else {})
    try:
        return Database(conninfo(BUILD, settings))
    except Unreachable:
        if file:
            return None
        raise


@contextlib.contextmanager
def private_server():
    """Yields the keywords of a database that has the schema."""
    print("check: make run does not run here; a Postgres is started for this", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(prefix="nullpool-check-") as folder:
        home, password = pathlib.Path(folder), secrets.token_hex(16)
        home.chmod(0o755)  # Postgres runs as another user if this runs as root
        postgres = Postgres(home / "postgres", free_port(), Authority(home / "authority"), fsync=False)
        try:
            postgres.create("check", "check_owner", password, "check_app", password)
            postgres.start()
            url = f"postgresql://%s:{password}@{HOST}:{postgres.port}/check?sslmode=require"
            settings = {"NULLPOOL_ENV_FILE": os.devnull, "DATABASE_URL": url % "check_app",
                        "MIGRATION_DATABASE_URL": url % "check_owner"}
            migrate(ROOT, {"PATH": os.environ["PATH"], "NULLPOOL_BUILD": BUILD, **settings})
            yield conninfo(BUILD, settings)
        finally:
            postgres.stop("immediate")


def main():
    parser = argparse.ArgumentParser(prog="check")
    parser.add_argument("--quiet", action="store_true")
    is_quiet = parser.parse_args().quiet
    for name in [name for name in os.environ if name.startswith("PG")]:  # libpq's; the programs do not read them either
        del os.environ[name]
    os.chdir(ROOT)
    try:
        with connected() as database:
            report = check(ROOT, "handlers", database)
    except (Fault, OSError, Unreachable) as error:
        print(f"check: {error}", file=sys.stderr)
        return EXIT_UNAVAILABLE
    if report.findings or not is_quiet:
        print(report, file=sys.stderr if report.findings else sys.stdout)
    return EXIT_FAULTS if report.findings else 0


if __name__ == "__main__":
    sys.exit(main())
