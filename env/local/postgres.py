"""A Postgres cluster in a folder of its own, its migrations, and how the settings name its database."""
import contextlib
import json
import os
import pwd
import secrets
import shutil
import signal
import subprocess
from pathlib import Path

from env.local.process import (HOST, PYTHON, SERVER_ENVIRONMENT, Fault, Process, child_command, path_digest, port_is_free,
                               run_command)

SUPERUSER = "postgres"

POSTGRES_SETTINGS = f"""\
# Rewritten at every start.
listen_addresses = '{HOST}'
port = {{port}}
unix_socket_directories = ''    # their paths may be too long, and clients have to use TLS
ssl = on
password_encryption = 'scram-sha-256'
max_connections = 100
lock_timeout = '10s'            # a forgotten COMMIT fails instead of hanging
timezone = 'UTC'
log_timezone = 'UTC'
log_connections = on
"""

# Only for data that is thrown away, as in tests.
WITHOUT_FSYNC = """\
fsync = off
synchronous_commit = off
full_page_writes = off
"""

POSTGRES_HBA = f"hostssl all all {HOST}/32 scram-sha-256\n"


def postgres_refuge(home):
    """The folder for the data of `home` if user postgres cannot reach `home`. None without such a user.

    It is in the home of user postgres. Debian 13 and later remove files in /var/tmp after 30 days.
    """
    try:
        base = pwd.getpwnam(SUPERUSER).pw_dir
    except KeyError:
        return None
    return Path(base) / f"nullpool-{path_digest(home)}"


class Postgres(Process):
    """A cluster that takes TLS and SCRAM only, with one database, an owner role and a runtime role that owns nothing.

    Postgres refuses to run as root: then it runs as user `postgres`. If that user cannot reach home (a checkout below
    /root), home becomes a symlink to postgres_refuge(home).
    """

    death_signal = signal.SIGINT  # fast shutdown; SIGTERM would wait for the clients

    def __init__(self, home, port, authority, fsync=True):
        self.home = Path(home).absolute()
        super().__init__("Postgres", self.home / "postgres.log")
        self.port = port
        self.authority = authority
        self.certificate = None  # (certificate, key), read by start(); None: the authority's for localhost
        self.template = None  # the home of a stopped cluster, which create() copies; None: create() runs initdb
        self.fsync = fsync
        self.user = SUPERUSER if os.geteuid() == 0 else None
        self.data = self.home / "data"
        self.accounts = None

    def create(self, database, owner, owner_password, app, app_password):
        """Creates the cluster if it does not exist. start() creates the database and the roles if they do not exist, and sets
        these passwords: the settings may have been edited."""
        if SUPERUSER in (owner, app):
            raise Fault(f"the role {SUPERUSER} is this Postgres's superuser: choose another name in the settings")
        self.accounts = (database, owner, owner_password, app, app_password)
        self.home.parent.mkdir(parents=True, exist_ok=True)
        place = self._place()
        if not (place / "data" / "PG_VERSION").exists():
            self._make_cluster(place)
        if place != self.home and not (self.home.is_symlink() and self.home.readlink() == place):
            if self.home.is_dir() and not self.home.is_symlink():
                raise Fault(f"user {SUPERUSER} can no longer reach {self.home}, which holds data: give it access to "
                            f"{self.home.parent} and the folders above, or remove the data to start over")
            self.home.unlink(missing_ok=True)
            self.home.symlink_to(place)
            print(f"user {SUPERUSER} cannot reach {self.home}: its data is in {place}", flush=True)

    def start(self):
        self._check_pid_file()
        if not port_is_free(self.port):
            raise Fault(f"port {self.port} for Postgres is taken by another program")
        self._configure()
        data = self.data.resolve()  # user postgres may not reach the symlink, or the working directory
        self.launch([self._program("postgres"), "-D", data], cwd=data)
        self.wait_until("ready for connections", self._ready)
        if self.accounts:
            self._make_database(*self.accounts)

    def stop(self, mode="fast", timeout=30):
        return super().stop({"fast": signal.SIGINT, "immediate": signal.SIGQUIT}[mode], timeout)

    def admin(self, database=SUPERUSER):
        """A psycopg2 connection as superuser, autocommit."""
        import psycopg2  # here, so that the other parts work without the package
        link = psycopg2.connect(host=HOST, port=self.port, user=SUPERUSER, dbname=database, connect_timeout=10,
                                password=(self.home / "superuser.password").read_text().strip(), sslmode="require",
                                # Checks no certificate, also not against ~/.postgresql/root.crt: tests give the server
                                # bad ones.
                                sslrootcert=str(self.home / "none"))
        link.autocommit = True
        return link

    # place

    def _place(self):
        if not self.user:
            return self.home
        reach = subprocess.run(child_command(["/usr/bin/test", "-x", self.home.parent], signal.SIGTERM, self.user),
                               env=SERVER_ENVIRONMENT, check=False)
        return self.home if reach.returncode == 0 else postgres_refuge(self.home)

    def _program(self, name):
        """The program of the version that made the data; without data, of the newest version."""
        version = self.data / "PG_VERSION"
        wanted = version.read_text().strip() if version.exists() else "*"
        found = sorted(Path("/usr/lib/postgresql").glob(f"{wanted}/bin/{name}"), key=lambda path: int(path.parts[4]))
        if not found:
            raise Fault(f"{self.home} was made by Postgres {wanted}, which is not installed: install "
                        f"postgresql-{wanted}, or start over with: make distclean" if wanted != "*" else
                        f"could not find /usr/lib/postgresql/*/bin/{name}: is the package postgresql installed?")
        return found[-1]

    # creation: in a folder beside its place, which is renamed when it is complete

    def _make_cluster(self, place):
        new = place.with_name(place.name + ".new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        self._give_to_user(new)
        if self.template:
            run_command("copying a cluster", ["cp", "--archive", "--reflink=auto", self.template / "data",
                                              self.template / "superuser.password", new])
        else:
            self._run_initdb(new)
        new.rename(place)

    def _run_initdb(self, new):
        self._write_file(new / "superuser.password", secrets.token_hex(32) + "\n")
        run_command("initdb", [self._program("initdb"), "-D", new / "data", "--username", SUPERUSER,
                               "--auth=scram-sha-256", "--pwfile", new / "superuser.password", "--locale=C.UTF-8",
                               "--encoding=UTF8", *([] if self.fsync else ["--no-sync"])], user=self.user, cwd=new)
        with open(new / "data" / "postgresql.conf", "a", encoding="ascii") as conf:
            conf.write("include = 'nullpool.conf'\n")

    def _configure(self):
        settings = POSTGRES_SETTINGS.format(port=self.port) + ("" if self.fsync else WITHOUT_FSYNC)
        self._write_file(self.data / "nullpool.conf", settings)
        self._write_file(self.data / "pg_hba.conf", POSTGRES_HBA)
        for name, source in zip(("server.crt", "server.key"), self.certificate or self.authority.certificate()):
            self._write_file(self.data / name, source.read_text())

    def _write_file(self, path, text):
        path.unlink(missing_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(text)
        self._give_to_user(path)

    def _give_to_user(self, path):
        if self.user:
            shutil.chown(path, self.user, self.user)

    # readiness

    def _pid_file(self):
        try:
            return (self.data / "postmaster.pid").read_text().split("\n")
        except FileNotFoundError:
            return []

    def _ready(self):
        lines = self._pid_file()
        return len(lines) > 7 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def _check_pid_file(self):
        """Postgres replaces a stale pid file, unless another process of its user now has that pid."""
        lines = self._pid_file()
        process = Path("/proc") / (lines[0] if lines and lines[0].isdigit() else "none")
        if not process.exists() or process.stat().st_uid != self.data.stat().st_uid:
            return
        if process.joinpath("cwd").resolve() == self.data.resolve():
            raise Fault(f"Postgres (pid {lines[0]}) of an earlier run is still running in {self.data}: "
                        f"stop it with: kill -INT {lines[0]}")
        raise Fault(f"{self.data / 'postmaster.pid'} is stale: its process {lines[0]} is not this Postgres but "
                    f"\"{process.joinpath('comm').read_text().strip()}\"; remove the file and start again")

    # database and roles

    def _make_database(self, database, owner, owner_password, app, app_password):
        from psycopg2 import sql
        names = {"database": sql.Identifier(database), "owner": sql.Identifier(owner), "app": sql.Identifier(app)}

        def execute(cursor, text, *values):
            cursor.execute(sql.SQL(text).format(**names), values)

        with contextlib.closing(self.admin()) as link, link.cursor() as cursor:
            cursor.execute("SELECT rolname FROM pg_roles")
            roles = {name for (name,) in cursor.fetchall()}
            for key, name, password in (("owner", owner, owner_password), ("app", app, app_password)):
                if name not in roles:
                    execute(cursor, f"CREATE ROLE {{{key}}}")
                    roles.add(name)
                execute(cursor, f"ALTER ROLE {{{key}}} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD %s", password)
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database])
            if not cursor.fetchone():
                execute(cursor, "CREATE DATABASE {database} OWNER {owner}")
            execute(cursor, "ALTER DATABASE {database} OWNER TO {owner}")
            execute(cursor, "REVOKE ALL ON DATABASE {database} FROM PUBLIC")
            execute(cursor, "GRANT CONNECT ON DATABASE {database} TO {app}")
        with contextlib.closing(self.admin(database)) as link, link.cursor() as cursor:
            execute(cursor, "ALTER SCHEMA public OWNER TO {owner}")
            execute(cursor, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
            execute(cursor, "GRANT USAGE ON SCHEMA public TO {app}")
            for right in ("SELECT, INSERT, UPDATE, DELETE ON TABLES", "USAGE, SELECT ON SEQUENCES",
                          "EXECUTE ON FUNCTIONS"):
                execute(cursor, "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public GRANT " + right + " TO {app}")


def migrate(root, environment):
    """alembic upgrade head, with the settings in environment."""
    # -I: no module of the caller's PYTHONPATH or home replaces one of Alembic's.
    run_command("the migration (alembic upgrade head)",
                [PYTHON, "-I", "-m", "alembic", "-c", Path(root) / "migrations" / "alembic.ini", "upgrade", "head"],
                environment=environment, cwd=root, timeout=300)


def conninfo(build_dir, environment, migration=False):
    """The database of the settings as a dict of libpq's keywords, read by the C code that the programs use."""
    command = [Path(build_dir).absolute() / "conninfo", *(["--migration"] if migration else [])]
    return json.loads(run_command("reading the settings", command, environment=environment, timeout=10))
