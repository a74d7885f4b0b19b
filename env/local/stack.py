"""The parts of a local stack: certificates, Postgres, Redis, endpoints and nginx, each private to one folder.

`make run` (run.py) and the system tests bring up the same parts. What is a process is made, start()ed, tend()ed and
stop()ped; stop() may be called at any time, also twice. What goes wrong is a Fault: a sentence for a person.
"""
import contextlib
import hashlib
import json
import os
import pwd
import random
import re
import resource
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

HOST = "127.0.0.1"
PYTHON = "/usr/bin/python3"  # another python3 on PATH does not have Debian's Alembic and psycopg2
POLL_S = 0.02

# Servers get this and nothing of the caller's: a PG... variable or a locale of his would reach into them. The
# folders are named because a user's PATH on Debian lacks those with nginx.
SERVER_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}

# Set by a signal handler: every wait in here then ends with Interrupted. A handler that raises by itself could do
# so between the fork of a child and the line that remembers it.
stop_asked = False


class Fault(Exception):
    """A sentence for a person: what could not be done, and why."""


class Interrupted(Exception):
    """Somebody asked to stop while something was waited for."""


# --- waiting, ports, commands ---


def pause():
    if stop_asked:
        raise Interrupted
    time.sleep(POLL_S)


def wait_until(what, predicate, timeout=30):
    """Return what predicate() returned as soon as that is true; Fault when it is not in time."""
    deadline = time.monotonic() + timeout
    while not (value := predicate()):
        if time.monotonic() > deadline:
            raise Fault(f"waited {timeout} s in vain for {what}")
        pause()
    return value


def port_is_free(port):
    with socket.socket() as probe:
        # As the servers do it: connections of an earlier run in TIME_WAIT do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_port():
    """A port below the range of outgoing connections: none of those takes it while its server is restarted."""
    ceiling = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    ports = range(max(1024, ceiling // 2), ceiling) if ceiling > 2048 else range(1024, 65536)
    for port in random.sample(ports, min(200, len(ports))):
        if port_is_free(port):
            return port
    raise Fault("found no free port")


def accepts(port):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0


def run(what, command, *, environment=None, cwd=None, user=None, timeout=60):
    """Run a command to its end and return its standard output; Fault with what it said when it fails."""
    # Its own session, as in Process: Ctrl-C of a terminal is ours to handle.
    child = subprocess.Popen(_command(command, signal.SIGTERM, user), stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
                             env=environment or SERVER_ENVIRONMENT, cwd=cwd, start_new_session=True)
    deadline = time.monotonic() + timeout
    while True:
        try:
            output, errors = child.communicate(timeout=POLL_S)
            break
        except subprocess.TimeoutExpired:
            late = time.monotonic() > deadline
            if late or stop_asked:
                os.killpg(child.pid, signal.SIGKILL)
                child.communicate()
                raise Fault(f"{what} took longer than {timeout} s") if late else Interrupted from None
    if child.returncode != 0:
        raise Fault(f"{what} failed:\n{_last_lines(errors or output)}")
    return output


def _last_lines(text, count=12):
    return "\n".join("  " + line for line in text.strip().splitlines()[-count:]) or "  (it said nothing)"


def _command(command, death_signal, user):
    # The kernel sends death_signal when we die, even by SIGKILL: nothing is left behind. A change of user clears
    # that wish; setpriv makes it last.
    switch = [f"--reuid={user}", f"--regid={user}", "--init-groups"] if user else []
    return ["/usr/bin/setpriv", *switch, "--pdeathsig", death_signal.name[3:], "--", *map(str, command)]


# --- processes ---


class Process:
    """A child that ends when we do. Start it from the main thread: it ends with the thread that started it.

    It has its own session, so that a terminal's Ctrl-C reaches us alone and we choose the order of stopping.
    log is a path or an open file for its output and errors, or None: they go where ours go.
    """

    user = None
    death_signal = signal.SIGTERM

    def __init__(self, name, log=None):
        self.name = name
        self.log = log
        self._child = None
        self._log_start = 0

    def launch(self, command, *, environment=None, stdin=subprocess.DEVNULL, cwd=None):
        if self.running:
            raise Fault(f"{self.name} already runs")
        Process.stop(self)  # what is left of one that ended by itself
        with contextlib.ExitStack() as stack:
            log = self.log
            if isinstance(log, (str, Path)):
                log = stack.enter_context(open(log, "ab"))
                self._log_start = log.tell()
            self._child = subprocess.Popen(_command(command, self.death_signal, self.user), stdin=stdin, stdout=log,
                                           stderr=log, env=environment or SERVER_ENVIRONMENT, cwd=cwd,
                                           start_new_session=True)

    @property
    def pid(self):
        return self._child.pid if self._child else None

    @property
    def running(self):
        return self._child is not None and self.returncode is None

    @property
    def returncode(self):
        """How it ended (as Popen's), or None. This looks and does not reap: until stop() does, nobody else gets its
        pid, or its group, and what it left behind in there can be killed safely."""
        if self._child is None or self._child.returncode is not None:
            return self._child and self._child.returncode
        end = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        return end and (end.si_status if end.si_code == os.CLD_EXITED else -end.si_status)

    def how_it_ended(self):
        end = self.returncode
        return f"exit code {end}" if end >= 0 else signal.Signals(-end).name

    def where_to_look(self):
        return f"see {self.log}" if isinstance(self.log, (str, Path)) else "see its last lines above"

    def last_lines(self):
        """What it said since it was started."""
        if not isinstance(self.log, (str, Path)):
            return "  (its output is elsewhere)"
        with open(self.log, "rb") as log:
            log.seek(self._log_start)
            return _last_lines(log.read().decode(errors="replace"))

    def wait_until(self, what, predicate, timeout=30):
        """As the function; also a Fault, and at once, when the process ends meanwhile."""
        def settled():
            return predicate() or not self.running
        try:
            wait_until(f"{self.name}: {what}", settled, timeout)
        except Fault as fault:
            raise Fault(f"{fault}; it said:\n{self.last_lines()}") from None
        if not self.running:
            raise Fault(f"{self.name} ended at once ({self.how_it_ended()}); it said:\n{self.last_lines()}")

    def tend(self):
        """What a part needs while it runs. Fault: it ended by itself."""
        if not self.running:
            raise Fault(f"{self.name} ended by itself ({self.how_it_ended()}); {self.where_to_look()}")

    def send(self, sig):
        if self.running:
            os.kill(self.pid, sig)

    def stop(self, sig=signal.SIGTERM, timeout=10):
        """Ask it to end, and wait. True: it did not in time, and was killed. What it left behind is killed too."""
        self.send(sig)
        late = not self._ended(timeout)
        if self._child and self._child.returncode is None:
            os.killpg(self.pid, signal.SIGKILL)
            self._child.wait()
        return late

    def _ended(self, timeout):
        deadline = time.monotonic() + timeout
        while self.running and time.monotonic() < deadline:
            time.sleep(POLL_S / 4)
        return not self.running


# --- certificates ---

# Complete in itself, so that the machine's openssl.cnf does not matter.
OPENSSL_CONFIG = """\
[req]
distinguished_name = none
[none]
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[ca]
default_ca = here
[here]
database = index
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = name
x509_extensions = server
[name]
commonName = supplied
[server]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = {sans}
"""
# ECDSA: the server signs in 0.6 ms less than with RSA-2048, at every connection.
NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
LOCAL_SANS = ("DNS:localhost", f"IP:{HOST}")
TEN_YEARS = 3650


class Authority:
    """A certificate authority of our own. Its folder, root (ca.crt) and key are made when first asked for."""

    def __init__(self, home, name="nullpool local CA"):
        self.home = Path(home).absolute()
        self.name = name

    @property
    def root(self):
        """The certificate that clients trust (sslrootcert)."""
        root = self.home / "ca.crt"
        if not root.exists():
            self._make("ca", self.name, lambda folder: self._openssl(
                folder, "req", "-x509", *NEW_KEY, "-keyout", "ca.key", "-out", "ca.crt", "-subj", f"/CN={self.name}",
                "-extensions", "authority", "-days", str(TEN_YEARS)))
        return root

    def certificate(self, name="localhost", sans=LOCAL_SANS, days=TEN_YEARS, begins=-1):
        """(certificate, key) for a server; made once for each name. With days=-1 it ended yesterday, with begins=1 its time
        begins tomorrow."""
        root, certificate = self.root, self.home / f"{name}.crt"
        if not certificate.exists():
            self._make(name, ",".join(sans), lambda folder: self._issue(folder, name, root, days, begins))
        return certificate, certificate.with_suffix(".key")

    def _issue(self, folder, name, root, days, begins):
        now = datetime.now(timezone.utc)
        ends = now + timedelta(days=days)
        begins = min(now, ends) + timedelta(days=begins)
        (folder / "index").touch()
        self._openssl(folder, "req", "-new", *NEW_KEY, "-keyout", f"{name}.key", "-out", "request", "-subj",
                      f"/CN={name}")
        # ca and not x509: only ca can set both dates on OpenSSL 3.0.
        self._openssl(folder, "ca", "-batch", "-notext", "-in", "request", "-out", f"{name}.crt", "-cert", root,
                      "-keyfile", root.with_suffix(".key"), "-startdate", f"{begins:%Y%m%d%H%M%SZ}",
                      "-enddate", f"{ends:%Y%m%d%H%M%SZ}")

    def _make(self, name, sans, make):
        """The certificate is moved last: where it is, its key is too."""
        self.home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.home) as folder:
            folder = Path(folder)
            (folder / "openssl.cnf").write_text(OPENSSL_CONFIG.format(sans=sans if ":" in sans else "DNS:localhost"))
            make(folder)
            for suffix in (".key", ".crt"):
                (folder / name).with_suffix(suffix).rename(self.home / (name + suffix))

    @staticmethod
    def _openssl(folder, command, *arguments):
        run(f"openssl {command}", ["openssl", command, "-config", "openssl.cnf", *arguments], cwd=folder)


# --- Postgres ---

SUPERUSER = "postgres"

POSTGRES_SETTINGS = f"""\
# Written anew at every start.
listen_addresses = '{HOST}'
port = {{port}}
unix_socket_directories = ''    # their paths may be too long, and TLS is what we want to see
ssl = on
password_encryption = 'scram-sha-256'
max_connections = 100
lock_timeout = '10s'            # a forgotten COMMIT fails instead of hanging
timezone = 'UTC'
log_timezone = 'UTC'
log_connections = on
"""

# A test run throws its data away.
WITHOUT_FSYNC = """\
fsync = off
synchronous_commit = off
full_page_writes = off
"""

POSTGRES_HBA = f"hostssl all all {HOST}/32 scram-sha-256\n"


def postgres_refuge(home):
    """Where the data of `home` goes when user postgres cannot reach `home`, or None without such a user.

    His own home, and not /var/tmp: from Debian 13 on, files there that are 30 days old are removed.
    """
    try:
        base = pwd.getpwnam(SUPERUSER).pw_dir
    except KeyError:
        return None
    return Path(base) / f"nullpool-{_name_of(home)}"


def _name_of(path):
    return hashlib.sha256(os.fsencode(Path(path).absolute())).hexdigest()[:12]


class Postgres(Process):
    """A cluster of its own: TLS and SCRAM only, one database, an owner role and a runtime role that owns nothing.

    Postgres refuses to run as root: then its user is `postgres`, and if that one cannot reach home (a checkout below
    /root), home becomes a symlink to postgres_refuge(home).
    """

    death_signal = signal.SIGINT  # "fast shutdown"; SIGTERM would wait for the clients

    def __init__(self, home, port, authority, fsync=True):
        self.home = Path(home).absolute()
        super().__init__("Postgres", self.home / "postgres.log")
        self.port = port
        self.authority = authority
        self.certificate = None  # (certificate, key) from the next start() on; None: the authority's for localhost
        self.fsync = fsync
        self.user = SUPERUSER if os.geteuid() == 0 else None
        self.data = self.home / "data"
        self.accounts = None

    def create(self, database, owner, owner_password, app, app_password):
        """Make the cluster if there is none yet. start() makes the database and the roles if there are none yet,
        and gives the roles these passwords: somebody may have edited the settings."""
        if SUPERUSER in (owner, app):
            raise Fault(f"the role {SUPERUSER} is this Postgres's superuser: choose another name in the settings")
        self.accounts = (database, owner, owner_password, app, app_password)
        self.home.parent.mkdir(parents=True, exist_ok=True)
        place = self._place()
        if not (place / "data" / "PG_VERSION").exists():
            self._make_cluster(place)
        if place != self.home and not (self.home.is_symlink() and self.home.readlink() == place):
            if self.home.is_dir() and not self.home.is_symlink():
                raise Fault(f"user {SUPERUSER} can no longer reach {self.home}, which holds data: let it pass "
                            f"({self.home.parent} and above), or remove it to begin anew")
            self.home.unlink(missing_ok=True)
            self.home.symlink_to(place)
            print(f"user {SUPERUSER} cannot reach {self.home}: its data is in {place}", flush=True)

    def start(self):
        self._check_pid_file()
        if not port_is_free(self.port):
            raise Fault(f"port {self.port} for Postgres is taken by another program")
        self._configure()
        data = self.data.resolve()  # user postgres may not be able to follow the symlink, or to stay where we are
        self.launch([self._program("postgres"), "-D", data], cwd=data)
        self.wait_until("ready for connections", self._ready)
        if self.accounts:
            self._make_database(*self.accounts)

    def stop(self, mode="fast", timeout=30):
        return super().stop({"fast": signal.SIGINT, "immediate": signal.SIGQUIT}[mode], timeout)

    def admin(self, database=SUPERUSER):
        """A psycopg2 connection as superuser, autocommit."""
        import psycopg2  # here, since what is below this line is all that needs the package
        link = psycopg2.connect(host=HOST, port=self.port, user=SUPERUSER, dbname=database, connect_timeout=10,
                                password=(self.home / "superuser.password").read_text().strip(), sslmode="require",
                                # No root, also not ~/.postgresql/root.crt, which would be checked: tests give the
                                # server bad certificates.
                                sslrootcert=str(self.home / "none"))
        link.autocommit = True
        return link

    # where it is

    def _place(self):
        if not self.user:
            return self.home
        reach = subprocess.run(_command(["/usr/bin/test", "-x", self.home.parent], signal.SIGTERM, self.user),
                               env=SERVER_ENVIRONMENT, check=False)
        return self.home if reach.returncode == 0 else postgres_refuge(self.home)

    def _program(self, name):
        """Of the version that made the data, or else the newest."""
        version = self.data / "PG_VERSION"
        wanted = version.read_text().strip() if version.exists() else "*"
        found = sorted(Path("/usr/lib/postgresql").glob(f"{wanted}/bin/{name}"), key=lambda path: int(path.parts[4]))
        if not found:
            raise Fault(f"{self.home} was made by Postgres {wanted}, which is not installed: install "
                        f"postgresql-{wanted}, or begin anew with: make distclean" if wanted != "*" else
                        f"found no /usr/lib/postgresql/*/bin/{name}: is the package postgresql installed?")
        return found[-1]

    # how it is made: beside its place, and renamed when it is whole

    def _make_cluster(self, place):
        new = place.with_name(place.name + ".new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        self._give(new)
        self._write(new / "superuser.password", secrets.token_hex(32) + "\n")
        run("initdb", [self._program("initdb"), "-D", new / "data", "--username", SUPERUSER, "--auth=scram-sha-256",
                       "--pwfile", new / "superuser.password", "--locale=C.UTF-8", "--encoding=UTF8",
                       *([] if self.fsync else ["--no-sync"])], user=self.user, cwd=new)
        with open(new / "data" / "postgresql.conf", "a", encoding="ascii") as conf:
            conf.write("include = 'nullpool.conf'\n")
        new.rename(place)

    def _configure(self):
        settings = POSTGRES_SETTINGS.format(port=self.port) + ("" if self.fsync else WITHOUT_FSYNC)
        self._write(self.data / "nullpool.conf", settings)
        self._write(self.data / "pg_hba.conf", POSTGRES_HBA)
        for name, source in zip(("server.crt", "server.key"), self.certificate or self.authority.certificate()):
            self._write(self.data / name, source.read_text())

    def _write(self, path, text):
        path.unlink(missing_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(text)
        self._give(path)

    def _give(self, path):
        if self.user:
            shutil.chown(path, self.user, self.user)

    # whether it runs

    def _pid_file(self):
        try:
            return (self.data / "postmaster.pid").read_text().split("\n")
        except FileNotFoundError:
            return []

    def _ready(self):
        lines = self._pid_file()
        return len(lines) > 7 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def _check_pid_file(self):
        """Postgres overrides a pid file of the dead, but not one whose pid another process of its user has now."""
        lines = self._pid_file()
        process = Path("/proc") / (lines[0] if lines and lines[0].isdigit() else "none")
        if not process.exists() or process.stat().st_uid != self.data.stat().st_uid:
            return
        if process.joinpath("cwd").resolve() == self.data.resolve():
            raise Fault(f"Postgres (pid {lines[0]}) of an earlier run still runs in {self.data}: "
                        f"end it with: kill -INT {lines[0]}")
        raise Fault(f"{self.data / 'postmaster.pid'} is stale: its process {lines[0]} is not this Postgres but "
                    f"\"{process.joinpath('comm').read_text().strip()}\"; remove the file and start again")

    # what is in it

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
    # -I: no module of the caller's PYTHONPATH or home takes Alembic's place.
    run("the migration (alembic upgrade head)",
        [PYTHON, "-I", "-m", "alembic", "-c", Path(root) / "migrations" / "alembic.ini", "upgrade", "head"],
        environment=environment, cwd=root, timeout=300)


def conninfo(build_dir, environment, migration=False):
    """The database in the settings, as libpq's keywords: read by the same C code that the programs use."""
    command = [Path(build_dir).absolute() / "conninfo", *(["--migration"] if migration else [])]
    return json.loads(run("reading the settings", command, environment=environment, timeout=10))


# --- Redis ---


class Redis(Process):
    """A cache and no more: nothing is kept on disk, the oldest goes at 64 MB. With a (certificate, key) it speaks TLS only;
    with a password it wants that, which is in a file and not in the command line. Without a port it listens on redis.sock in
    its home alone."""

    def __init__(self, home, port=None, certificate=None, password=None):
        self.home = Path(home).absolute()
        super().__init__("Redis", self.home / "redis.log")
        self.port = port
        self.certificate = certificate
        self.password = password

    def start(self):
        self.home.mkdir(parents=True, exist_ok=True)
        settings = self.home / "redis.conf"
        settings.touch(mode=0o600)
        settings.write_text(f"requirepass {self.password}\n" if self.password else "")
        if self.port and not port_is_free(self.port):
            raise Fault(f"port {self.port} for Redis is taken by another program")
        self.launch(["redis-server", settings, "--bind", HOST, *self._listening(), "--dir", self.home, "--save", "",
                     "--appendonly", "no", "--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru"])
        self.wait_until("an answer to PING", self._answers)

    def _listening(self):
        if not self.port:  # relative to --dir: a socket's path may have 107 bytes only
            return ["--port", 0, "--unixsocket", "redis.sock", "--unixsocketperm", 700]
        if not self.certificate:
            return ["--port", self.port]
        certificate, key = self.certificate
        return ["--port", 0, "--tls-port", self.port, "--tls-cert-file", certificate, "--tls-key-file", key,
                "--tls-auth-clients", "no"]

    def connect(self):
        if self.port:
            link = socket.create_connection((HOST, self.port), timeout=10)
        else:
            link = socket.socket(socket.AF_UNIX)
            link.settimeout(10)
            link.connect(os.path.relpath(self.home / "redis.sock"))
        if self.certificate:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # it may be a bad one on purpose
            link = context.wrap_socket(link)
        if self.password:
            link.sendall(f"AUTH {self.password}\r\n".encode())
            if link.recv(16) != b"+OK\r\n":
                raise OSError("Redis refused the password")
        return link

    def _answers(self):
        try:
            with self.connect() as link:
                link.sendall(b"PING\r\n")
                return link.recv(16).startswith(b"+PONG")
        except OSError:
            return False


# --- endpoints ---

SOCKET_PATH_MAX = 107  # sun_path less its NUL
SOCKET_NAME_MAX = 32


def run_dir_for(path):
    """A folder for sockets: `path` itself, or a stand-in under /tmp when its sockets could not be named.

    The kernel takes 107 bytes for a socket's path, and nginx gives a meaning to some signs in `unix:PATH`.
    """
    path = Path(path).absolute()
    if len(os.fsencode(path)) > SOCKET_PATH_MAX - SOCKET_NAME_MAX or not re.fullmatch(r"[\w/.+-]+", str(path), re.ASCII):
        path = Path("/tmp") / f"nullpool-{os.geteuid()}-{_name_of(path)}"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.is_symlink() or path.stat().st_uid != os.geteuid():
        raise Fault(f"{path} belongs to somebody else: remove it")
    return path


class Endpoint(Process):
    """A FastCGI program behind a socket that we hold: while it restarts, requests wait in the backlog."""

    def __init__(self, name, program, run_dir, environment, log=None):
        super().__init__(name, log)
        self.program = Path(program).absolute()
        self.environment = environment
        self.path = Path(run_dir) / f"{name}.sock"
        self.listener = None

    def start(self):
        self._listen()
        self.launch([self.program], environment=self.environment, stdin=self.listener)

    def restart(self):
        self.stop()
        self.start()

    def close(self):
        """Stop for good: the socket goes too, and first, so that nobody comes any more. True: as stop()."""
        if self.listener:
            self.path.unlink(missing_ok=True)
        late = self.stop()
        if self.listener:
            self.listener.close()
            self.listener = None
        return late

    def _listen(self):
        if self.listener:
            return
        if len(os.fsencode(self.path)) > SOCKET_PATH_MAX:
            raise Fault(f"{self.path} is too long for a socket")
        self.path.unlink(missing_ok=True)
        self.listener = socket.socket(socket.AF_UNIX)
        # Who can connect can abort the program with a crafted length: never writable for others, not even before
        # a chmod.
        mask = os.umask(0o117)
        try:
            self.listener.bind(str(self.path))
        finally:
            os.umask(mask)
        self.listener.listen(511)


# --- nginx ---

NGINX_CONF = """\
# Written anew at every start. What is relative is relative to this folder.
{user}
worker_processes 1;
worker_rlimit_nofile {files};
daemon off;
pid nginx.pid;
error_log error.log warn;
events {{
	worker_connections {connections};
}}
http {{
	client_body_temp_path temp/body;
	fastcgi_temp_path temp/fastcgi;
	proxy_temp_path temp/proxy;
	scgi_temp_path temp/scgi;
	uwsgi_temp_path temp/uwsgi;
	include nullpool/http.conf;
	include nullpool/server.conf;
}}
"""

NGINX_SITE = """\
listen {host}:{port};
server_name localhost;
access_log access.log nullpool;
error_log error.log crit;
set $nullpool_run_dir {run_dir};
set $nullpool_docs_dir docs;
"""


NGINX_SPARE = 512  # connections of those who get 503 at once, of slow headers and of what is kept open


def nginx_settings(program, environment):
    return run("nginx-conf", [program], environment=environment)


class Nginx(Process):
    """The project's nginx/ folder as it is, with the little that differs from one machine to the next."""

    def __init__(self, home, port, run_dir, conf_dir, settings=None, docs_dir="none"):
        """settings: what build/nginx-conf printed, or as it is before anybody said; docs_dir: of the API's pages."""
        self.home = Path(home).absolute()
        # Until it has read error_log, nginx writes to its standard error too: what keeps it from starting is here.
        super().__init__("nginx", self.home / "start.log")
        self.port = port
        self.run_dir = Path(run_dir).absolute()
        self.conf_dir = Path(conf_dir).absolute()
        self.endpoints = 8  # at once
        self.settings = settings or (self.conf_dir / "nullpool-settings.conf.example").read_text()
        self.docs_dir = Path(docs_dir).absolute()
        self.more = ""  # of nullpool-site.conf, from the next start() on
        self.environment = None  # from the next start() on; None: as all servers

    def start(self):
        if not port_is_free(self.port):
            raise Fault(f"port {self.port} for nginx is taken by another program")
        self._configure()
        self.launch(["nginx", "-p", f"{self.home}/", "-c", "nginx.conf", "-e", "error.log"], environment=self.environment)
        self.wait_until(f"listening on {HOST}:{self.port}", lambda: accepts(self.port))

    def stop(self, timeout=5):
        self.send(signal.SIGQUIT)  # lets answers end; a client that is slow does not hold us for long
        self._ended(timeout)
        return super().stop(signal.SIGTERM, timeout)

    def where_to_look(self):
        return f"see {self.home / 'error.log'}"

    def _connections(self):
        """With less, nginx resets connections where 503 is promised."""
        of_one = re.match(r"# connections of an endpoint: (\d+)$", self.settings, re.MULTILINE)
        return self.endpoints * int(of_one[1]) + NGINX_SPARE if of_one else 1024

    def _configure(self):
        (self.home / "temp").mkdir(parents=True, exist_ok=True)
        # Links, since a path may have signs in it that mean something to nginx.
        for name, target in (("nullpool", self.conf_dir), ("docs", self.docs_dir)):
            link = self.home / name
            link.unlink(missing_ok=True)
            link.symlink_to(target)
        # The sockets are 0660 and ours: nginx's workers are the same user as everything else here.
        user = "user root;" if os.geteuid() == 0 else ""
        # A body or an answer that is kept aside is one file more.
        connections = self._connections()
        files = min(2 * connections, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        (self.home / "nginx.conf").write_text(NGINX_CONF.format(user=user, connections=connections, files=files))
        (self.home / "nullpool-site.conf").write_text(
            NGINX_SITE.format(host=HOST, port=self.port, run_dir=self.run_dir) + self.more)
        (self.home / "nullpool-settings.conf").write_text(self.settings)
