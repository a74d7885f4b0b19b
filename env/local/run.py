"""make run: the whole stack on this machine, in the foreground, under .local/. Ctrl-C stops all of it.

Meanwhile it rebuilds what is edited (watch.py) and reloads it (endpoints.py).

run.py --distclean removes .local/ and its files elsewhere.
"""
import contextlib
import fcntl
import http.client
import os
import pwd
import re
import secrets
import shutil
import signal
import sys
import time
from pathlib import Path
from urllib.parse import quote, urlencode

from env.local.authority import Authority
from env.local.endpoint import run_dir_for
from env.local.nginx import Nginx, nginx_bodies, nginx_settings
from env.local.postgres import Postgres, conninfo, migrate, postgres_refuge
from env.local.process import HOST, Fault, Interrupted, ask_to_stop, port_is_free, run_command, stop_was_asked, wait_until
from env.local.redis import Redis
from env.local.endpoints import Endpoints
from env.local.settings import CHOSEN
from env.local.terminal import complain, say
from env.local.watch import Watch

ROOT = Path(__file__).resolve().parents[2]
LOCAL = ROOT / ".local"
BUILD = ROOT / os.environ.get("BUILD", "build")
EXAMPLES = ("/", "/health", "/users")

# make run uses only its private Postgres and Redis. These variables name other servers, and a URL that is left in a shell
# must not get the migrations.
ELSEWHERE = re.compile(r"DATABASE_URL|NEON_DATABASE_URL|DATABASE_REPLICA_URL|MIGRATION_DATABASE_URL|REDIS_URL"
                       r"|DB_(HOST|PORT|NAME|USER|PASSWORD)|NULLPOOL_ENV_FILE|PG[A-Z]+")

PRODUCTION = """\
# A local stand-in for production, written by `ENV=production make run`: the private Postgres and Redis of this checkout,
# reached as hosted ones are. Not for a server: see env/production.env.example. If removed, it is written again.

ENV=production
DATABASE_URL={runtime}
MIGRATION_DATABASE_URL={owner}
{redis}SECRET_KEY={secret}
"""


# --- one at a time ---


@contextlib.contextmanager
def lock(but_root_may=False):
    """Holds the lock that allows one make run at a time. The kernel releases it with the process, so it is never stale."""
    LOCAL.mkdir(exist_ok=True)
    if os.geteuid() != LOCAL.stat().st_uid and not (but_root_may and os.geteuid() == 0):
        raise Fault(f"{LOCAL} belongs to {owner_of(LOCAL)}: run as that user, or remove it (make distclean)")
    with open(LOCAL / "run.lock", "a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise Fault(f"make run already runs in this folder (pid {file.read().strip() or 'unknown'})") from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def owner_of(path):
    uid = path.stat().st_uid
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


# --- settings ---


def clean_environment():
    """Returns the environment without variables of other servers. Removes them from os.environ too, for libpq in this process."""
    ignored = sorted(name for name in os.environ if ELSEWHERE.fullmatch(name))
    if ignored:
        say(f"make run: ignoring {', '.join(ignored)} in the environment: make run uses only the private servers in .local/")
    for name in ignored:
        del os.environ[name]
    return dict(os.environ)


def settings_of(kind, environment, authority):
    """The environment of programs, with the settings file of this kind."""
    if kind == "production":
        file = LOCAL / "production.env"
        if not file.exists():
            make_production_file(file, settings_of("development", environment, authority), authority)
    else:
        file = ROOT / "env" / f"{kind}.env"
    if kind not in ("development", "testing", "production") or not file.exists():
        raise Fault(f"ENV={kind} is unknown: use development, testing or production")
    if not (value_in(file, "DATABASE_URL") or value_in(file, "DB_HOST")):
        raise Fault(f"ENV={kind}: {shown(file)} has no database; add a DATABASE_URL on {HOST}, as in "
                    "env/development.env")
    settings = {name: value for name, value in environment.items() if name != "APP_ENV"}
    return settings | {"ENV": kind, "NULLPOOL_ENV_FILE": str(file), "NULLPOOL_BUILD": str(BUILD)}


def value_in(file, name):
    """Returns the value of a setting in one of our own files, which use only simple dotenv syntax."""
    values = re.findall(rf"^{name}=(.*)$", file.read_text(), re.MULTILINE)
    return values[-1].strip().strip("'\"") if values else None


def shown(path):
    return path.relative_to(ROOT)


def make_production_file(file, development, authority):
    def url(role):
        check = urlencode({"sslmode": "verify-full", "sslrootcert": authority.root}, quote_via=quote, safe="/")
        user, password, database = (quote(role[key], safe="") for key in ("user", "password", "dbname"))
        return f"postgresql://{user}:{password}@{role['host']}:{role['port']}/{database}?{check}"

    redis = value_in(Path(development["NULLPOOL_ENV_FILE"]), "REDIS_URL")
    text = PRODUCTION.format(runtime=url(conninfo(BUILD, development)),
                             owner=url(conninfo(BUILD, development, migration=True)),
                             redis=f"REDIS_URL={redis}\n" if redis else "", secret=secrets.token_hex(32))
    part = file.with_suffix(".part")
    part.unlink(missing_ok=True)
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        out.write(text)
    part.rename(file)


def roles_of(settings):
    """(runtime, owner) as conninfo() returns them; raises Fault unless both are of the private Postgres."""
    file = shown(Path(settings["NULLPOOL_ENV_FILE"]))
    runtime, owner = (conninfo(BUILD, settings, migration) for migration in (False, True))
    for role in (runtime, owner):
        if role.get("host") not in (HOST, "localhost"):
            raise Fault(f"{file} names the database host {role.get('host')}: make run has its own Postgres on "
                        f"{HOST} and uses no other")
        if not role.get("user") or not role.get("password"):
            raise Fault(f"{file}: the database URLs need a user and a password")
        root = role.get("sslrootcert", "system")
        if root != "system" and not Path(root).exists():
            raise Fault(f"{file} names the CA {root}, which does not exist (was the project moved?): remove {file} and "
                        "run again")
    if any(runtime.get(key) != owner.get(key) for key in ("port", "dbname")):
        raise Fault(f"{file}: DATABASE_URL and MIGRATION_DATABASE_URL name different ports or databases")
    return runtime, owner


def has_redis(settings):
    """True if the settings have a Redis. It must be the private one, which listens on no port."""
    file = Path(settings["NULLPOOL_ENV_FILE"])
    text = value_in(file, "REDIS_URL")
    url = f"unix://./{shown(LOCAL)}/redis/redis.sock"
    if text and text.partition("?")[0] != url:
        remedy = f"; remove {shown(file)} to have it written again" if LOCAL in file.parents else ""
        raise Fault(f"{shown(file)}: REDIS_URL must be that of the private Redis: {url}{remedy}")
    return bool(text)


def http_port():
    text = os.environ.get("PORT") or "8080"
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise Fault(f"PORT={text} is not a port (1 to 65535)")
    return int(text)


# --- up ---


def check_port(port, program, remedy):
    # An earlier run that was killed may still be ending.
    try:
        wait_until("the port", lambda: port_is_free(port), timeout=2)
    except Fault:
        raise Fault(f"port {port} for {program} is taken by another program: {remedy}") from None


def parts(settings, authority):
    """Yields all parts in the order in which they start; down() stops them in reverse."""
    port, redis, run_dir = http_port(), has_redis(settings), run_dir_for(LOCAL / "run")
    runtime, owner = roles_of(settings)
    file = shown(Path(settings["NULLPOOL_ENV_FILE"]))
    check_port(port, "nginx", f"choose another with PORT={port % 65535 + 1} make run")
    check_port(int(runtime["port"]), "Postgres", f"choose another in the database URLs of {file}")

    postgres = Postgres(LOCAL / "postgres", int(runtime["port"]), authority)
    postgres.create(runtime["dbname"], owner["user"], owner["password"], runtime["user"], runtime["password"])
    yield postgres
    if redis:
        yield Redis(LOCAL / "redis")
    migrate(ROOT, settings)
    endpoints = Endpoints(ROOT / "handlers", BUILD / "handlers", run_dir, settings)
    yield endpoints
    nginx = Nginx(LOCAL / "nginx", port, run_dir, ROOT / "nginx", nginx_settings(BUILD / "nginx-conf", settings),
                  BUILD / "site")
    nginx.bodies = nginx_bodies(settings, *(BUILD / "handlers" / path.stem for path in sorted((ROOT / "handlers").glob("*.c"))))
    nginx.endpoints = max(nginx.endpoints, 2 * len(list((ROOT / "handlers").glob("*.c"))))  # more may be added while it runs
    yield nginx
    wait_until("an answer through nginx", lambda: answers(port), timeout=10)
    yield Watch(ROOT, endpoints, {name: settings[name] for name in ("ENV", "NULLPOOL_ENV_FILE", "NULLPOOL_BUILD")})


def answers(port, path="/health/live"):
    link = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        link.request("GET", path)
        return link.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        link.close()


def tend(started):
    for part in started:
        part.tend()


def up(started):
    environment = clean_environment()
    kind = environment.get("ENV") or environment.get("APP_ENV") or "development"
    authority = Authority(LOCAL / "authority")
    settings = settings_of(kind, environment, authority)
    CHOSEN.write_text(settings["NULLPOOL_ENV_FILE"] + "\n")
    for log in LOCAL.glob("*/*.log"):  # each run has its own logs
        log.unlink()
    for part in parts(settings, authority):
        started.append(part)  # before it starts, so that a part that is half started is stopped too
        part.start()
        tend(started)
    address = f"http://{HOST}:{http_port()}"
    # There are no pages without npm, and in production.
    docs = ("/docs",) if answers(http_port(), "/docs") == 200 else ()
    examples = tuple(path if path == "/health" else prefix_of(settings) + path for path in EXAMPLES)
    say("\n".join([f"ready: {address}", *(f"  {address}{path}" for path in examples + docs)]))
    while not stop_was_asked():
        tend(started)
        time.sleep(0.1)


def prefix_of(settings):
    """API_PREFIX, as the programs read it."""
    printed = run_command("--settings", [BUILD / "handlers" / "root", "--settings"], environment=settings)
    return re.search(r"^API_PREFIX +([^ ]+)", printed, re.M)[1].removeprefix("-")


def down(started):
    for part in reversed(started):
        try:
            if part.stop():
                complain(f"{part.name} did not stop in time and was killed")
        except Exception as error:  # pylint: disable=broad-except  # the other parts still have to be stopped
            complain(f"could not stop {part.name}: {error}")


def main():
    for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sig, ask_to_stop)
    os.chdir(ROOT)  # the path of Redis' socket is relative
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # if a parent ignored it, no child could be waited for
    started = []
    code = 0
    with lock():
        try:
            up(started)
        except Interrupted:
            pass
        except (Fault, OSError) as error:
            complain(error)
            code = 1
        finally:
            down(started)
    if code == 0:
        say("stopped")
    return code


def distclean():
    elsewhere = [postgres_refuge(LOCAL / "postgres"), run_dir_for(LOCAL / "run")]
    for path in [path for path in elsewhere if path and path.exists()]:
        shutil.rmtree(path)
    shutil.rmtree(LOCAL)


if __name__ == "__main__":
    try:
        if sys.argv[1:] == ["--distclean"]:
            with lock(but_root_may=True):
                distclean()
            sys.exit(0)
        sys.exit(main())
    except (Fault, OSError) as error:
        complain(error)
        sys.exit(1)
