"""The peers: other ways to write FastCGI and HTTP programs over Postgres, each as its own users write them."""
import json
import os
import pathlib
import shutil

from programs import BENCH, BUILD, Php, Program, php_fpm
from env.local.process import PYTHON, SERVER_ENVIRONMENT, Fault, run_command
from measure import Client

PEERS = BENCH / "peers"
BUILT = BUILD / "bench"
START_S = 20  # Python compiles what it imports
GO_PACKAGES = pathlib.Path("/usr/share/gocode")
DEBIAN_MODULES = pathlib.Path("/usr/share/nodejs")


class Absent(Exception):
    """A peer cannot be measured here; the message says why."""


def command_line(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


class Pdo(Php):
    peer = "PHP-PDO"
    prefix = "/pdo"


class Http(Program):
    """A program that speaks HTTP and creates its own socket."""

    prefix = "/http"
    count = os.cpu_count()  # serving processes

    def __init__(self, site, work, port=None):
        super().__init__(site, work, {
            **SERVER_ENVIRONMENT, "DATABASE_URL": site.database_url(port),
            "BENCH_CONNECTION": work.connection, "BENCH_WORKERS": str(self.count)})
        self.environment["BENCH_SOCKET"] = str(self.path)

    def socket_name(self, work):
        return "http"

    def start(self):
        self.path.unlink(missing_ok=True)
        self.launch(self.command(), environment=self.environment, cwd=self.site.home)

    def start_with(self, workers):
        self.start()
        with Client(self) as client:
            self.wait_until("an answer", lambda: len(self.workers()) >= workers
                            and client.ask(self.prefix + "/") is not None, START_S)

    def close(self):
        self.stop()
        self.path.unlink(missing_ok=True)


class FastApi(Http):
    peer = "FastAPI"

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.environment["PYTHONDONTWRITEBYTECODE"] = "1"

    def command(self):
        return [PYTHON, "-m", "uvicorn", "fastapi_app:app", "--app-dir", PEERS, "--workers", self.count,
                "--uds", self.path]

    def workers(self):
        """Its workers, without the resource tracker of multiprocessing."""
        if self.count == 1:
            return [self.pid]
        return [pid for pid in super().workers() if b"spawn_main" in command_line(pid)]

    @staticmethod
    def prepare():
        for module in ("fastapi", "uvicorn", "sqlalchemy", "asyncpg", "email_validator"):
            try:
                run_command(module, [PYTHON, "-c", f"import {module}"])
            except Fault:
                raise Absent(f"python3-{module.replace('_', '-')} is not installed") from None


class Go(Http):
    """One process with one thread for each core."""

    peer = "Go"
    count = 1

    def command(self):
        return [BUILT / "go" / "users"]

    def workers(self):
        return [self.pid]

    @staticmethod
    def prepare():
        go = shutil.which("go", path=SERVER_ENVIRONMENT["PATH"])
        if not go:
            raise Absent("golang-go is not installed")
        source = GO_PACKAGES / "src" / "github.com"
        versions = [version for version in (5, 4) if (source / "jackc" / "pgx" / f"v{version}").is_dir()]
        if not versions or not (source / "google" / "uuid").is_dir():
            raise Absent("golang-github-jackc-pgx-v4-dev or -v5-dev, or golang-github-google-uuid-dev, is not installed")
        folder = BUILT / "go"
        folder.mkdir(parents=True, exist_ok=True)
        run_command("go build", [go, "build", "-tags", f"pgx{versions[0]}", "-o", folder / "users", "."], cwd=PEERS / "go",
                    environment=dict(SERVER_ENVIRONMENT, GO111MODULE="off", GOPATH=str(GO_PACKAGES), GOFLAGS="",
                                     GOCACHE=str(folder / "cache"), HOME=str(folder)), timeout=600)


class Node(Http):
    """Uses Debian's packages, or npm's where Debian has none."""

    peer = "Node"
    modules = DEBIAN_MODULES

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.environment.update(NODE_ENV="production", NODE_PATH=str(self.modules))

    def command(self):
        return ["node", PEERS / "node" / "server.js"]

    @classmethod
    def prepare(cls):
        path = SERVER_ENVIRONMENT["PATH"]
        if not shutil.which("node", path=path):
            raise Absent("nodejs is not installed")
        if not cls.versions():
            if not shutil.which("npm", path=path):
                raise Absent("node-express or node-pg is not installed, and neither is npm")
            cls.npm_ci()

    @classmethod
    def versions(cls):
        found = []
        for module in ("express", "pg"):
            try:
                version = json.loads((cls.modules / module / "package.json").read_text())["version"]
            except FileNotFoundError:
                return ""
            found.append(f"{module} {version}")
        return f"{', '.join(found)}, from {'Debian' if cls.modules == DEBIAN_MODULES else 'npm'}"

    @classmethod
    def npm_ci(cls):
        folder = BUILT / "node"
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(PEERS / "node" / name, folder)
        try:  # with the caller's environment: npm's own settings may be in there
            run_command("npm ci", ["npm", "ci", "--no-audit", "--no-fund"], environment=dict(os.environ), cwd=folder,
                        timeout=120)
        except Fault as fault:
            raise Absent(f"node-express or node-pg is not installed, and {fault}") from None
        cls.modules = folder / "node_modules"


def prepare():
    """Builds the peers. Returns {name: reason} for those that are not available."""
    missing = {}
    if not php_fpm():
        missing[Pdo.peer] = "php-fpm is not installed"
    elif "pdo_pgsql" not in run_command("php-fpm -m", [php_fpm(), "-m"]).split():
        missing[Pdo.peer] = "php-pgsql is not installed"
    for peer in (FastApi, Go, Node):
        try:
            peer.prepare()
        except (Absent, Fault) as why:
            missing[peer.peer] = str(why)
    return missing
