"""Child processes that end with their parent: starting, stopping and waiting for them, within deadlines."""
import contextlib
import hashlib
import os
import random
import signal
import socket
import subprocess
import time
from pathlib import Path

HOST = "127.0.0.1"
PYTHON = "/usr/bin/python3"  # another python3 on PATH does not have Debian's Alembic and psycopg2
POLL_S = 0.02

# The whole environment of a server: a PG... variable or a locale of the caller would change how it behaves. The folders are
# named because a user's PATH on Debian lacks the ones with nginx.
SERVER_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}

# Set by ask_to_stop(): every wait in this module then ends with Interrupted.
_stop_asked = False


class Fault(Exception):
    """A message of one sentence for people: what could not be done, and why."""


class Interrupted(Exception):
    """ask_to_stop() was called during a wait."""


def ask_to_stop(*_):
    """A signal handler. It only sets a flag: a handler that raised could do so between the fork of a child and the line
    that remembers it."""
    global _stop_asked
    _stop_asked = True


def stop_was_asked():
    return _stop_asked


def pause():
    if _stop_asked:
        raise Interrupted
    time.sleep(POLL_S)


def wait_until(what, predicate, timeout=30):
    """Returns the first true value of predicate(); raises Fault after timeout seconds without one."""
    deadline = time.monotonic() + timeout
    while not (value := predicate()):
        if time.monotonic() > deadline:
            raise Fault(f"timed out after {timeout} s, waiting for {what}")
        pause()
    return value


def port_is_free(port):
    with socket.socket() as probe:
        # The servers set it too: connections of an earlier run in TIME_WAIT do not block the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_port():
    """A port below the ephemeral range: no outgoing connection takes it while its server restarts."""
    ceiling = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    ports = range(max(1024, ceiling // 2), ceiling) if ceiling > 2048 else range(1024, 65536)
    for port in random.sample(ports, min(200, len(ports))):
        if port_is_free(port):
            return port
    raise Fault("found no free port")


def port_accepts(port):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0


def run_command(what, command, *, environment=None, cwd=None, user=None, timeout=60):
    """Runs a command and returns its standard output; raises Fault with its last lines if it fails."""
    # A session of its own, as in Process: this process handles the terminal's Ctrl-C.
    child = subprocess.Popen(child_command(command, signal.SIGTERM, user), stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
                             env=environment or SERVER_ENVIRONMENT, cwd=cwd, start_new_session=True)
    deadline = time.monotonic() + timeout
    while True:
        try:
            output, errors = child.communicate(timeout=POLL_S)
            break
        except subprocess.TimeoutExpired:
            late = time.monotonic() > deadline
            if late or _stop_asked:
                os.killpg(child.pid, signal.SIGKILL)
                child.communicate()
                raise Fault(f"{what} took longer than {timeout} s") if late else Interrupted from None
    if child.returncode != 0:
        raise Fault(f"{what} failed:\n{_last_lines(errors or output)}")
    return output


def _last_lines(text, count=12):
    return "\n".join("  " + line for line in text.strip().splitlines()[-count:]) or "  (no output)"


def path_digest(path):
    """Returns a name for a file elsewhere that belongs to `path`."""
    return hashlib.sha256(os.fsencode(Path(path).absolute())).hexdigest()[:12]


def child_command(command, death_signal, user):
    """The command, changed so that the kernel sends it death_signal when this process dies, even by SIGKILL. A change of
    user clears that setting, so setpriv makes it after the change."""
    switch = [f"--reuid={user}", f"--regid={user}", "--init-groups"] if user else []
    return ["/usr/bin/setpriv", *switch, "--pdeathsig", death_signal.name[3:], "--", *map(str, command)]


# --- processes ---

class Process:
    """A child that ends with this process. Start it from the main thread: it ends with the thread that started it.

    It has a session of its own: the terminal's Ctrl-C reaches only this process, which chooses the order of stopping.
    log is a path or an open file for standard output and error; None: the child inherits both.
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
            raise Fault(f"{self.name} is already running")
        Process.stop(self)  # reaps a child that has exited
        with contextlib.ExitStack() as stack:
            log = self.log
            if isinstance(log, (str, Path)):
                log = stack.enter_context(open(log, "ab"))
                self._log_start = log.tell()
            self._child = subprocess.Popen(child_command(command, self.death_signal, self.user), stdin=stdin, stdout=log,
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
        """As Popen.returncode. Does not reap the child: until stop() does, its pid and process group cannot be reused, so
        processes that it left in the group can be killed safely."""
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
        """The end of its output since it was started."""
        if not isinstance(self.log, (str, Path)):
            return "  (its output is not in a file)"
        with open(self.log, "rb") as log:
            log.seek(self._log_start)
            return _last_lines(log.read().decode(errors="replace"))

    def wait_until(self, what, predicate, timeout=30):
        """As wait_until() of this module; raises Fault at once if the process ends meanwhile."""
        def settled():
            return predicate() or not self.running
        try:
            wait_until(f"{self.name}: {what}", settled, timeout)
        except Fault as fault:
            raise Fault(f"{fault}; its last lines:\n{self.last_lines()}") from None
        if not self.running:
            raise Fault(f"{self.name} exited during its start ({self.how_it_ended()}); its last lines:\n{self.last_lines()}")

    def tend(self):
        """Called while the part runs; raises Fault if it has exited."""
        if not self.running:
            raise Fault(f"{self.name} exited unexpectedly ({self.how_it_ended()}); {self.where_to_look()}")

    def send(self, sig):
        if self.running:
            os.kill(self.pid, sig)

    def stop(self, sig=signal.SIGTERM, timeout=10):
        """Sends sig and waits. Returns True if the process did not end in time and was killed. Processes that it left in its
        group are killed too."""
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
