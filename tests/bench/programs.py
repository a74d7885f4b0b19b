"""The measured programs: nullpool, a naive FastCGI program and PHP-FPM, each behind the same nginx and Postgres.

Each program has a host name of its own, which is also its folder of sockets: several can serve the same URL at once, and
nullpool and the naive program use the same location of nginx. The other peers are in peer_programs.py.
"""
import contextlib
import itertools
import os
import pathlib
import secrets
import shutil
import sys
from collections import namedtuple

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from env.local.authority import Authority  # noqa: E402
from env.local.endpoint import Endpoint, run_dir_for  # noqa: E402
from env.local.nginx import Nginx  # noqa: E402
from env.local.postgres import Postgres, migrate  # noqa: E402
from env.local.process import HOST, SERVER_ENVIRONMENT, free_port, run_command  # noqa: E402

BUILD = ROOT / os.environ.get("NULLPOOL_BUILD", "build")
BENCH = ROOT / "tests" / "bench"
IDLE_S = 1  # the shortest that nullpool and PHP-FPM both accept

# connection: naive.c's word for it; socket: the name that nginx derives from the URL.
Work = namedtuple("Work", "title socket target connection")
CONSTANT = Work("GET /", "root", "/", "persistent")
PERSISTENT = Work("GET user, persistent connection", "users", "/users/{user}", "persistent")
PER_REQUEST = Work("GET user, connection per request", "users", "/users/{user}", "per-request")
AHEAD = Work("GET user, connection opened ahead", "users", "/users/{user}", "ahead")
WORKS = (CONSTANT, PERSISTENT, PER_REQUEST)

NO_DATABASE = "/users/x"  # `users` answers it without a query: the ID is invalid, which is 422

# PHP needs one more parameter. The last location is for peers that speak HTTP.
LOCATIONS = """
set $nullpool_hosts _; # host names choose the run directory
location /php/ {{
	include nullpool/fastcgi.conf;
	fastcgi_param SCRIPT_FILENAME {bench}/index.php;
	fastcgi_pass unix:{run_dir}/php.sock;
}}
location /pdo/ {{
	include nullpool/fastcgi.conf;
	fastcgi_param SCRIPT_FILENAME {bench}/peers/pdo.php;
	fastcgi_pass unix:{run_dir}/pdo.sock;
}}
location /http/ {{
	rewrite ^/http(/.*)$ $1 break;
	proxy_pass http://unix:{run_dir}/http.sock;
	proxy_set_header Host $http_host;
	proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
	proxy_set_header X-Forwarded-Proto $scheme;
}}
"""

PHP_CONF = """\
[global]
daemonize = no
error_log = {folder}/php-fpm.log
[bench]
{user}
listen = {path}
listen.mode = 0660
pm = {pm}
pm.start_servers = {workers}
pm.max_children = {workers}
pm.process_idle_timeout = {idle}s
catch_workers_output = yes
env[DATABASE_URL] = "{url}"
env[BENCH_CONNECTION] = {connection}
"""


def children():
    """{pid: [pids of its live children]} of the whole machine."""
    found = {}
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, parent = path.read_text().rpartition(")")[2].split()[:2]
            if state != "Z":
                found.setdefault(int(parent), []).append(int(path.parent.name))
    return found


class Site:
    """Postgres with one user in it, nginx, and the settings with which programs reach them."""

    def __init__(self, home, fsync):
        self.home = home
        self.run_dir = run_dir_for(home / "run")
        self.authority = Authority(home / "ca")
        self.postgres = Postgres(home / "postgres", free_port(), self.authority, fsync)
        self.nginx = Nginx(home / "nginx", free_port(), self.run_dir / "$host", ROOT / "nginx")
        self.nginx.more = LOCATIONS.format(bench=BENCH, run_dir=self.run_dir)
        self.app_password, self.owner_password = secrets.token_hex(16), secrets.token_hex(16)
        self.log_path = home / "programs.log"
        self.log = open(self.log_path, "ab")
        self.programs = []
        self.count = itertools.count(1)
        self.user = None

    def url(self, user, password, port=None):
        return f"postgresql://{user}:{password}@{HOST}:{port or self.postgres.port}/app?sslmode=require"

    def bundle(self):
        path = self.home / "bundle.pem"
        system = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
        path.write_text((system.read_text() if system.exists() else "") + self.authority.root.read_text())
        return path

    def database_url(self, port=None):
        """The DATABASE_URL of a program; port: of a proxy to Postgres, if one is used."""
        return self.url("app_user", self.app_password, port)

    def start(self):
        env_file = self.home / "empty.env"
        env_file.touch(mode=0o600)
        self.environment = dict(
            SERVER_ENVIRONMENT, ENV="production", NULLPOOL_ENV_FILE=str(env_file), NULLPOOL_BUILD=str(BUILD),
            DATABASE_URL=self.database_url(), SECRET_KEY=secrets.token_hex(32),
            MIGRATION_DATABASE_URL=self.url("app_owner", self.owner_password))
        self.postgres.create("app", "app_owner", self.owner_password, "app_user", self.app_password)
        self.postgres.start()
        migrate(ROOT, self.environment)
        self.one_user()
        self.nginx.start()

    def one_user(self):
        """Restores the table; no program may run."""
        with contextlib.closing(self.postgres.admin("app")) as link, link.cursor() as cursor:
            cursor.execute("TRUNCATE users CASCADE")
            cursor.execute("INSERT INTO users (id, email, name) VALUES (coalesce(%s, gen_random_uuid()), "
                           "'ada@example.com', 'Ada Lovelace') RETURNING id", [self.user])
            self.user = cursor.fetchone()[0]

    def backends(self):
        """The pids of the backends that programs are connected to."""
        with contextlib.closing(self.postgres.admin("app")) as link, link.cursor() as cursor:
            cursor.execute("SELECT pid FROM pg_stat_activity WHERE usename = 'app_user'")
            return {pid for (pid,) in cursor.fetchall()}

    def stop(self):
        """Stops everything, even if one of them fails."""
        with contextlib.ExitStack() as last:
            last.callback(self.log.close)
            last.callback(self.postgres.stop, "immediate")
            last.callback(self.nginx.stop)
            for program in self.programs:
                last.callback(program.close)

    def trim_logs(self):
        """Empties the logs: a million requests write a line each."""
        for path in (self.log_path, self.nginx.home / "access.log"):
            os.truncate(path, 0)


class Program(Endpoint):
    """One program for one kind of work. Its socket is held here, so requests wait while the program is down."""

    peer = ""
    prefix = ""  # of its URLs, where nginx needs one
    elastic = False  # whether its workers come and go
    cheap = ("/", 200)  # target and status of a request that needs no database

    def __init__(self, site, work, environment):
        self.host = f"{self.peer}-{next(site.count)}".lower()
        folder = site.run_dir / self.host
        folder.mkdir()
        super().__init__(self.socket_name(work), "unused", folder, environment, site.log)
        self.site = site
        self.work = work
        self.target = self.prefix + work.target.format(user=site.user)
        site.programs.append(self)

    def socket_name(self, work):
        return work.socket

    def command(self):
        raise NotImplementedError

    def listen(self):
        self._listen()
        return self.listener

    def start(self):
        self.launch(self.command(), environment=self.environment, stdin=self.listen())

    def start_with(self, workers):
        """Starts and waits for this number of workers, which also means that the start-up check is over."""
        self.start()
        self.wait_until(f"{workers} worker(s)", lambda: len(self.workers()) == workers, 10)

    def workers(self):
        """The pids of its children."""
        return children().get(self.pid, [])

    def processes(self):
        """The pids of the program and all its descendants."""
        there, found = children(), [self.pid]
        for pid in found:
            found += there.get(pid, [])
        return found


class Nullpool(Program):
    peer = "nullpool"
    cheap = (NO_DATABASE, 422)

    def __init__(self, site, work, workers, overflow=0, port=None):
        mode = "null" if work.connection == "per-request" else work.connection
        settings = {"DATABASE_CONNECTION": mode,
                    "DATABASE_URL": site.database_url(port), "DATABASE_POOL_SIZE": str(workers), "DATABASE_MAX_OVERFLOW": str(overflow),
                    "WORKER_IDLE_TIMEOUT": str(IDLE_S)}
        super().__init__(site, work, {**site.environment, **settings})
        self.elastic = overflow > 0

    def command(self):
        return [BUILD / "handlers" / self.work.socket]


class Verified(Nullpool):
    """nullpool, checking the server's certificate against a bundle of CAs as people download it."""

    def __init__(self, site, work, workers, port=None):
        super().__init__(site, work, workers, port=port)
        url = self.environment["DATABASE_URL"].replace("sslmode=require", f"sslmode=verify-full&sslrootcert={site.bundle()}")
        self.environment = {**self.environment, "DATABASE_URL": url}


class Naive(Program):
    peer = "naive"

    def __init__(self, site, work, workers, form="bare", port=None):
        super().__init__(site, work, {**SERVER_ENVIRONMENT, "DATABASE_URL": site.database_url(port)})
        self.count = workers
        self.form = form

    def command(self):
        return [BUILD / "bench" / "naive", self.count, self.work.connection, self.form]


class Php(Program):
    peer = "PHP-FPM"
    prefix = "/php"
    cheap = ("/php/", 200)

    def __init__(self, site, work, workers, pm="static", port=None):
        super().__init__(site, work, {})
        self.elastic = pm == "ondemand"
        self.conf = site.home / f"{self.host}.conf"
        self.conf.touch(mode=0o600)
        self.conf.write_text(PHP_CONF.format(
            folder=site.home, path=self.path, pm=pm, workers=workers, idle=IDLE_S, url=site.database_url(port),
            connection=work.connection, user="user = root\ngroup = root" if os.geteuid() == 0 else ""))
        # PHP-FPM takes descriptor 9 instead of creating the socket. By this variable it passes sockets to its successor.
        self.environment = {**SERVER_ENVIRONMENT, "FPM_SOCKETS": f"{self.path}=9"}

    def socket_name(self, work):
        return self.prefix[1:]

    def command(self):
        as_root = ["-R"] if os.geteuid() == 0 else []
        return ["/bin/sh", "-c", 'exec "$@" 9<&0 </dev/null', "sh", php_fpm(), "-F", *as_root, "-y", self.conf]


def php_fpm():
    """The newest php-fpm (on Debian, its name contains the version), or None."""
    found = sorted(pathlib.Path("/usr/sbin").glob("php-fpm*"), key=lambda path: [int(part) for part in
                   path.name.removeprefix("php-fpm").split(".") if part.isdigit()])
    return found[-1] if found else None


def absent():
    """{name: reason} for programs that cannot be measured here."""
    missing = {}
    if not shutil.which("wrk", path=SERVER_ENVIRONMENT["PATH"]):
        missing["wrk"] = "wrk is not installed: no requests/s"
    if not php_fpm():
        missing["PHP-FPM"] = "PHP-FPM left out: php-fpm is not installed"
    elif "pgsql" not in run_command("php-fpm -m", [php_fpm(), "-m"]).split():
        missing["PHP-FPM"] = "PHP-FPM left out: php-pgsql is not installed"
    return missing
