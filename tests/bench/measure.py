"""The measuring tools: a client with little overhead, wrk, memory and CPU time of processes, and the tables."""
import contextlib
import json
import os
import pathlib
import platform
import re
import socket
import statistics
import sys
import time
from collections import namedtuple

from env.local.process import HOST, SERVER_ENVIRONMENT, Fault, Interrupted, run_command, stop_was_asked

WRK_CLIENTS = 16
WRK_SCRIPT = pathlib.Path(__file__).with_name("wrk.lua")
ANSWER_TIMEOUT_S = 5


def go_on():
    if stop_was_asked():
        raise Interrupted


def rotated(things, by):
    """Rotates the items, so that none always follows the same other one."""
    by %= len(things)
    return things[by:] + things[:by]


class Client:
    """A persistent connection to nginx: timing begins with the request."""

    def __init__(self, program):
        self.program = program
        self.link = None
        self.body = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def connect(self):
        if not self.link:
            self.link = socket.create_connection((HOST, self.program.site.nginx.port), timeout=ANSWER_TIMEOUT_S)
            self.link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self):
        if self.link:
            self.link.close()
        self.link = None

    def send(self, target, body=None):
        """Sends a GET, or a POST of this body as JSON."""
        self.body = b""
        head = f"{'GET' if body is None else 'POST'} {target} HTTP/1.1\r\nHost: {self.program.host}\r\n"
        data = b""
        if body is not None:
            data = json.dumps(body).encode()
            head += f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n"
        self.link.sendall(head.encode() + b"\r\n" + data)

    def receive(self):
        """Returns the status of the answer and stores its body in self.body. None if no answer came in time."""
        data = b""
        try:
            while b"\r\n\r\n" not in data:
                data += self._more()
            head, _, body = data.partition(b"\r\n\r\n")
            if re.search(rb"\r\ntransfer-encoding: *chunked", head, re.I):
                body = self._chunks(body)
            else:
                size = int(re.search(rb"\r\ncontent-length: *(\d+)", head, re.I)[1])
                while len(body) < size:
                    body += self._more()
        except (OSError, TypeError):
            self.close()
            return None
        if re.search(rb"\r\nconnection: *close", head, re.I):
            self.close()
        self.body = body
        return int(head.split()[1])

    def _chunks(self, rest):
        """Reads a chunked body, which PHP and some frameworks send."""
        whole = b""
        while True:
            while b"\r\n" not in rest:
                rest += self._more()
            size, _, rest = rest.partition(b"\r\n")
            size = int(size.split(b";")[0], 16)
            while len(rest) < size + 2:
                rest += self._more()
            if not size:
                return whole
            whole, rest = whole + rest[:size], rest[size + 2:]

    def _more(self):
        got = self.link.recv(65536)
        if not got:
            raise ConnectionError
        return got

    def ask(self, target, status=200, body=None):
        """Returns the time of an answer in ms; None if its status was not the expected one."""
        self.connect()
        begin = time.monotonic()
        self.send(target, body)
        right = self.receive() == status
        return (time.monotonic() - begin) * 1000 if right else None


class Samples:
    """The samples of one row; None stands for an error."""

    def __init__(self):
        self.first = []
        self.warm = []
        self.errors = 0

    def add(self, into, *values):
        self.errors += values.count(None)
        into.extend(value for value in values if value is not None)


def median(values):
    return statistics.median(values) if values else None


Load = namedtuple("Load", "rate errors requests p50_ms p99_ms")


def wrk(program, seconds, clients=WRK_CLIENTS, target=None, new_users=None):
    """Sends GETs, or POSTs of new users with this prefix. wrk's own limit is in whole seconds, so it is interrupted."""
    environment = dict(SERVER_ENVIRONMENT, **({"BENCH_NEW_USERS": new_users} if new_users else {}))
    text = run_command("wrk", ["timeout", "--preserve-status", "--signal=INT", seconds, "wrk", "-t1", f"-c{clients}",
                               "-d60", "-s", WRK_SCRIPT, "-H", f"Host: {program.host}",
                               f"http://{HOST}:{program.site.nginx.port}{target or program.target}"],
                       environment=environment)
    return Load(**json.loads(text.splitlines()[-1]))


def cpu_seconds(pid):
    """User and system time of a process and its descendants, including those that ended and were waited for."""
    parents, spent = {}, {}
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            parents.setdefault(int(fields[1]), []).append(int(path.parent.name))
            spent[int(path.parent.name)] = sum(map(int, fields[11:15]))
    found = [pid]
    for each in found:
        found += parents.get(each, [])
    return sum(spent.get(each, 0) for each in found) / os.sysconf("SC_CLK_TCK")


class Memory:
    """(PSS, private memory) of a process in KiB. PSS counts a page that n processes share as 1/n."""

    def __init__(self, pid):
        text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
        sizes = {name: int(size) for name, size in re.findall(r"^(\w+): +(\d+) kB", text, re.M)}
        self.pss = sizes["Pss"]
        self.private = sizes["Private_Clean"] + sizes["Private_Dirty"]

    def __str__(self):
        return f"{self.pss:,} ({self.private:,})"


# --- the table ---


def ratio(value, base, digits=2):
    return f"{value / base:.{digits}f}" if value is not None and base else "-"


def number(value, digits=2):
    return f"{value:,.{digits}f}" if value is not None else "-"


def table(title, head, rows, notes=()):
    print(f"\n{title}\n")
    widths = [max(len(str(row[i])) for row in [head, *rows]) for i in range(len(head))]
    for row in [head, ["-" * width for width in widths], *rows]:
        cells = [str(cell).ljust(width) if i == 0 else str(cell).rjust(width)
                 for i, (cell, width) in enumerate(zip(row, widths))]
        print("  " + "  ".join(cells).rstrip())
    for note in notes:
        print(f"  * {note}")
    sys.stdout.flush()


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


# --- the machine ---


def machine():
    cpu = re.search(r"^model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    memory = re.search(r"MemTotal: +(\d+)", pathlib.Path("/proc/meminfo").read_text())
    return (f"{os.cpu_count()} x {cpu[1] if cpu else platform.machine()}, {int(memory[1]) / (1 << 20):.0f} GiB, "
            f"Linux {platform.release()}, load {os.getloadavg()[0]:.2f} before")


def packages(*patterns):
    """"name version" of installed Debian packages."""
    found = []
    for pattern in patterns:
        with contextlib.suppress(Fault):
            text = run_command("dpkg-query", ["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package} ${Version}\n",
                                              pattern])
            found += [line.removeprefix("installed ") for line in text.splitlines() if line.startswith("installed ")]
    return ", ".join(found)
