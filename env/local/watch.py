"""Follows the sources for make run: when they change, it runs make and checks the statements, and the endpoints reload."""
import collections
import contextlib
import os
import time

from env.local.process import PYTHON, Process
from env.local.terminal import complain, say

MIGRATIONS = "migrations/versions/*.py"
MIGRATED = ".local/migrated"  # make migrate touches it
SOURCES = ("Makefile", "handlers/*.[ch]", "handlers/lib/*.[ch]", "handlers/*.sql", "handlers/lib/*.sql", "common/**/*.[ch]", MIGRATIONS, MIGRATED)
LOOK_S = 0.3

State = collections.namedtuple("State", "mtime_ns inode size")


class Watch(Process):
    """The make that runs whenever a source has changed, and the check of the statements that follows it."""

    def __init__(self, root, endpoints, settings):
        """settings: the environment variables that the API's description is made with, and those of the database."""
        super().__init__("the build")
        self.root = root
        self.endpoints = endpoints
        self.settings = settings
        self._migrations = migrations_of(root)  # applied, or announced
        self._seen = {}  # the sources at the last look
        self._begun = {}  # the sources as the last build found them
        self._ended_ns = 0
        self._doubtful = set()
        self._next_step = None  # the method to call when the process has ended
        self._failed = None  # "build" or "check": the last one that failed
        self._next_look = 0

    def start(self):
        """The first build is for changes since make started this."""
        self._build(sources_of(self.root))

    def tend(self):
        if self.running:
            return
        if self._next_step:
            step, self._next_step = self._next_step, None
            step()
        elif time.monotonic() >= self._next_look:
            self._look()

    def _look(self):
        """Builds when two looks see the same: the editor, or git, has finished writing."""
        now = sources_of(self.root)
        settled, self._seen = now == self._seen, now
        self._next_look = time.monotonic() + LOOK_S
        if settled and now != self._begun:
            self._build(now)
        self._look_at_migrations()

    def _look_at_migrations(self):
        """Announces new migrations and applies none: one may be half written, and an applied one is not read again."""
        now = migrations_of(self.root)
        for path in sorted(now - self._migrations):
            say(f"new migration: {path}; make migrate applies it")
        self._migrations = now

    def _build(self, now):
        # make compares times. It misses a change whose time is before the end of the last build: one during the build, or
        # a file that came with an old time.
        self._doubtful |= {path for path, state in now.items()
                           if state != self._begun.get(path) and state.mtime_ns <= self._ended_ns}
        self._begun = now
        self.launch(["make", "-s", "--no-print-directory", f"-j{os.cpu_count()}",
                     *(f"-W{path}" for path in sorted(self._doubtful & now.keys())), "all", "docs"],
                    environment=environment() | self.settings, cwd=self.root)
        self._next_step = self._end_build

    def _end_build(self):
        self._ended_ns = time.time_ns()
        self.stop()
        if self.returncode != 0:
            self._fail("build")
            return
        self._doubtful.clear()
        self.launch([PYTHON, "-B", "-m", "env.sql.check", "--quiet"], environment=environment() | self.settings, cwd=self.root)
        self._next_step = self._end_check

    def _end_check(self):
        """A check that could not run has printed the reason, and does not stop the reload."""
        self.stop()
        if self.returncode == os.EX_DATAERR:
            self._fail("check")
            return
        if self._failed:
            say(f"the {self._failed} succeeds again")
        self._failed = None
        self.endpoints.follow()

    def _fail(self, what):
        self._failed = what
        complain(f"the {what} failed; the old programs continue to serve")


def sources_of(root):
    """The state of each source, by its path as the Makefile names it."""
    found = {}
    for pattern in SOURCES:
        with contextlib.suppress(FileNotFoundError):  # of a folder that is being removed
            for path in root.glob(pattern):
                with contextlib.suppress(FileNotFoundError):
                    stat = path.stat()
                    found[str(path.relative_to(root))] = State(stat.st_mtime_ns, stat.st_ino, stat.st_size)
    return found


def migrations_of(root):
    return {str(path.relative_to(root)) for path in root.glob(MIGRATIONS)}


def environment():
    """The environment, with the variables that make was given and without its options: its jobserver ends with it."""
    _, mark, variables = os.environ.get("MAKEFLAGS", "").partition(" -- ")
    return os.environ | {"MAKEFLAGS": mark + variables}
