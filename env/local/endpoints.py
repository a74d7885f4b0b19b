"""The endpoints of make run: one for each handlers/*.c, and each runs the program that was built last."""
import re
import signal
from pathlib import Path

from env.local.endpoint import Endpoint
from env.local.process import Fault, run_command
from env.local.terminal import complain, say

CHECK_S = 10  # as long as a master gives the check that it makes itself


class Endpoints:
    """A part of the stack, as a Process is: start()ed, tend()ed, stop()ped."""

    name = "an endpoint"

    def __init__(self, sources, programs, run_dir, environment):
        self.sources = Path(sources)
        self.programs = Path(programs)
        self.run_dir = Path(run_dir)
        self.environment = environment
        self._all = {}  # by name

    def start(self):
        if not self._wanted():
            raise Fault(f"there are no programs in {self.programs}: make builds them")
        self._clear()
        for name in self._wanted():
            self._start(name)

    def _clear(self):
        """What programs that are gone, or a run that was killed, have left behind."""
        for path in [*self.run_dir.glob("*.sock"), *self.run_dir.glob("*.board")]:
            path.unlink()

    def tend(self):
        """Give up those that ended by themselves. A program that somebody is working on may do that; the others serve."""
        for name, endpoint in list(self._all.items()):
            if not endpoint.running:
                complain(f"{endpoint.name} ended by itself ({endpoint.how_it_ended()}), {endpoint.where_to_look()}; "
                         "it is started again after the next change")
                self._all.pop(name).close()

    def follow(self):
        """After a build: start what is new, reload what is outdated, end what has no source any more."""
        wanted = self._wanted()
        for name in sorted(self._all.keys() - wanted):
            self._all.pop(name).close()
            say(f"endpoint gone: {url_of(name)}")
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
        """The source decides: build/ may have programs of sources that are gone. A source without a program has only
        just been written, and its build will come."""
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
        # The master checks too, but says why it went no further in its log alone.
        check(endpoint)
        endpoint.wait_until("able to take a signal", lambda: blocks(endpoint.pid, signal.SIGHUP))
        endpoint.send(signal.SIGHUP)
        endpoint.wait_until("the new program", lambda: is_current(endpoint), CHECK_S + 2)


def url_of(name):
    return "/" if name == "root" else f"/{name}"


def check(endpoint):
    run_command(f"{endpoint.name} --check", [endpoint.program, "--check"], environment=endpoint.environment,
                timeout=CHECK_S)


def is_current(endpoint):
    """What runs has the contents of the program's file: a build that changed nothing reloads nothing."""
    try:
        return Path(f"/proc/{endpoint.pid}/exe").read_bytes() == endpoint.program.read_bytes()
    except OSError:  # it has just ended
        return False


def blocks(pid, sig):
    """A master blocks its signals first of all, and then reads them; before that they would end it."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^SigBlk:\s*(\w+)", status, re.M)[1], 16) >> (sig - 1) & 1
