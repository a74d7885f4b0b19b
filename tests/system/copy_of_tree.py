"""A copy of the tree, as a clone would be, to call make in."""
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess

from env.local.process import free_port, wait_until
from client import Client
from conftest import BUILD, ROOT, VARIANT


class Copy:
    """A copy with the build of the tree, and with free ports in env/development.env."""

    def __init__(self, folder):
        self.folder = folder
        files = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True,
                               text=True, check=True).stdout.split()
        for name in files:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
        # copy2 keeps the times, so make compiles nothing again.
        self.build = BUILD.relative_to(ROOT)
        for part in ("obj", "sql", "handlers", "conninfo", "nginx-conf", "openapi.json", "site", "lib", "libnullpool.a"):
            place = folder / self.build / part
            place.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if (BUILD / part).is_dir() else shutil.copy2)(BUILD / part, place)
        # npm's packages are shared by all variants; without them each copy would install its own.
        packages = folder / "build" / "docs"
        if not packages.exists() and (ROOT / "build" / "docs").exists():
            packages.symlink_to(ROOT / "build" / "docs")
        self.port, self.postgres = (free_port() for _ in range(2))
        settings = folder / "env" / "development.env"
        settings.write_text(settings.read_text().replace("14329", str(self.postgres)))
        self.client = Client(self.port)

    @contextlib.contextmanager
    def running(self, **more):
        """Starts make run and waits until it is ready; stops it at the end if it still runs."""
        child = self.start(**more)
        try:
            wait_until("the ready line", lambda: "ready: " in self.said() or child.poll() is not None, 60)
            assert f"ready: http://127.0.0.1:{self.port}\n" in self.said(), self.said()
            yield child
        finally:
            if child.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGTERM)
            child.wait(30)

    def start(self, **more):
        environment = {**os.environ, "PORT": str(self.port), **more}
        environment.pop("MAKEFLAGS", None)
        with open(self.folder / "run.log", "wb") as log:
            return subprocess.Popen(["make", "run", VARIANT], cwd=self.folder, stdout=log,
                                    stderr=log, stdin=subprocess.DEVNULL, env=environment, start_new_session=True)

    def refused(self, **more):
        child = self.start(**more)
        assert child.wait(60) != 0
        return self.said()

    def said(self):
        return (self.folder / "run.log").read_text()

    def processes(self):
        """(pid, command line) of each process that mentions this copy."""
        found = []
        for path in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                texts = [(path / "cmdline").read_bytes(), (path / "environ").read_bytes(), os.fsencode(os.readlink(path / "cwd"))]
                if any(os.fsencode(self.folder) in text for text in texts) and int(path.name) != os.getpid():
                    found.append((path.name, texts[0]))
        return found
