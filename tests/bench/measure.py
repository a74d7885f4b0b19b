"""How it is measured: a client that adds little, wrk, the memory of a process, and a table."""
import contextlib
import os
import pathlib
import platform
import re
import socket
import statistics
import sys
import time

import stack

WRK_CLIENTS = 16
ANSWER_TIMEOUT_S = 5


class Client:
    """One connection to nginx, kept: what is timed begins with the request."""

    def __init__(self, program):
        self.program = program
        self.link = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def connect(self):
        if not self.link:
            self.link = socket.create_connection((stack.HOST, self.program.site.nginx.port), timeout=ANSWER_TIMEOUT_S)
            self.link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self):
        if self.link:
            self.link.close()
        self.link = None

    def send(self, target):
        self.link.sendall(f"GET {target} HTTP/1.1\r\nHost: {self.program.host}\r\n\r\n".encode())

    def receive(self):
        """The status of the answer, or None when there is none in time."""
        data = b""
        try:
            while b"\r\n\r\n" not in data:
                data += self._more()
            head, _, body = data.partition(b"\r\n\r\n")
            size = int(re.search(rb"\r\ncontent-length: *(\d+)", head, re.I)[1])
            while len(body) < size:
                body += self._more()
        except (OSError, TypeError):
            self.close()
            return None
        if re.search(rb"\r\nconnection: *close", head, re.I):
            self.close()
        return int(head.split()[1])

    def _more(self):
        got = self.link.recv(65536)
        if not got:
            raise ConnectionError
        return got

    def ask(self, target, status=200):
        """How many ms an answer took, or None when it was another one."""
        self.connect()
        begin = time.monotonic()
        self.send(target)
        right = self.receive() == status
        return (time.monotonic() - begin) * 1000 if right else None


class Samples:
    """What one row is made of. None is an error."""

    def __init__(self):
        self.first = []
        self.warm = []
        self.errors = 0

    def add(self, into, *values):
        self.errors += values.count(None)
        into.extend(value for value in values if value is not None)


def median(values):
    return statistics.median(values) if values else None


def wrk(program, seconds):
    """(requests/s, errors). It is interrupted, because its own seconds are whole ones."""
    text = stack.run("wrk", ["timeout", "--preserve-status", "--signal=INT", seconds, "wrk", "-t1", f"-c{WRK_CLIENTS}",
                             "-d60", "-H", f"Host: {program.host}",
                             f"http://{stack.HOST}:{program.site.nginx.port}{program.target}"])
    errors = sum(int(count) for line in re.findall(r"(?:Non-2xx or 3xx responses|Socket errors): *(.*)", text)
                 for count in re.findall(r"\d+", line))
    return float(re.search(r"Requests/sec: *([\d.]+)", text)[1]), errors


class Memory:
    """Of a process, in KiB: PSS counts a page that n processes share as 1/n; private is what it alone has."""

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
    """name version, of Debian packages that are installed."""
    found = []
    for pattern in patterns:
        with contextlib.suppress(stack.Fault):
            text = stack.run("dpkg-query", ["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package} ${Version}\n",
                                            pattern])
            found += [line.removeprefix("installed ") for line in text.splitlines() if line.startswith("installed ")]
    return ", ".join(found)
