"""The endpoints of make run: one for each handlers/*.c, each with the program of the last build."""
import re
import signal
from pathlib import Path

from env.local.endpoint import Endpoint
from env.local.process import Fault, run_command
from env.local.terminal import complain, say

CHECK_S = 10  # the time that a master gives its own check


class Endpoints:
    """A part of the stack, used as a Process is: start(), tend(), stop()."""

    name = "an endpoint"

    def __init__(self, sources, programs, run_dir, environment):
        self.sources = Path(sources)
        self.programs = Path(programs)
        self.run_dir = Path(run_dir)
        self.environment = environment
        self._all = {}  # name: Endpoint

    def start(self):
        if not self._wanted():
            raise Fault(f"there are no programs in {self.programs}: make builds them")
        self._clear()
        for name in self._wanted():
            self._start(name)

    def _clear(self):
        """Removes files that programs left when they were removed or killed."""
        for path in [*self.run_dir.glob("*.sock"), *self.run_dir.glob("*.board")]:
            path.unlink()

    def tend(self):
        """Drops endpoints that have exited: a program that is being edited may do that, and the others continue."""
        for name, endpoint in list(self._all.items()):
            if not endpoint.running:
                complain(f"{endpoint.name} exited ({endpoint.how_it_ended()}), {endpoint.where_to_look()}; "
                         "it starts again after the next change")
                self._all.pop(name).close()

    def follow(self):
        """After a build: starts new endpoints, reloads outdated ones, and stops those without a source."""
        wanted = self._wanted()
        for name in sorted(self._all.keys() - wanted):
            self._all.pop(name).close()
            say(f"endpoint removed: {url_of(name)}")
        for name in wanted:
            try:
                self._follow(name)
            except Fault as fault:
                complain(f"{url_of(name)}: {fault}")

    def stop(self):
        for endpoint in self._all.values():
            endpoint.send(signal.SIGTERM)
        return any([endpoint.close() for endpoint in self._all.values()])

    def _wanted(self):
        """The names of sources that have a program. build/ may also have programs of removed sources, and a source may not
        be built yet."""
        names = sorted(path.stem for path in self.sources.glob("[!.]*.c"))
        return [name for name in names if (self.programs / name).exists()]

    def _follow(self, name):
        if name not in self._all:
            self._start(name)
            say(f"new endpoint: {url_of(name)}")
        elif not is_current(self._all[name]):
            self._reload(self._all[name])
            say(f"reloaded: {url_of(name)}")

    def _start(self, name):
        endpoint = Endpoint(name, self.programs / name, self.run_dir, self.environment)
        check(endpoint)
        endpoint.start()
        self._all[name] = endpoint

    @staticmethod
    def _reload(endpoint):
        # The master checks too, but reports a failure only in its log.
        check(endpoint)
        endpoint.wait_until("signals are blocked", lambda: blocks(endpoint.pid, signal.SIGHUP))
        endpoint.send(signal.SIGHUP)
        endpoint.wait_until("running the new program", lambda: is_current(endpoint), CHECK_S + 2)


def url_of(name):
    return "/" if name == "root" else f"/{name}"


def check(endpoint):
    run_command(f"{endpoint.name} --check", [endpoint.program, "--check"], environment=endpoint.environment,
                timeout=CHECK_S)


def is_current(endpoint):
    """Returns True if the running program is the same as the file: a build that changed nothing reloads nothing."""
    try:
        return Path(f"/proc/{endpoint.pid}/exe").read_bytes() == endpoint.program.read_bytes()
    except OSError:  # it has just ended
        return False


def blocks(pid, sig):
    """Returns True if a process blocks sig. A master blocks its signals first and then reads them; before that they end it."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^SigBlk:\s*(\w+)", status, re.M)[1], 16) >> (sig - 1) & 1
