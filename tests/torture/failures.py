"""The calls that may fail, the switch that controls fail.c, and the requests that a program gets meanwhile."""
import ctypes
import errno
import json
import mmap
import os
import re
import select
import time
import uuid
from collections import Counter as Tally
from dataclasses import dataclass

from ground import BUILD

import fastcgi

HAS_MEMORY = BUILD.name != "asan"  # ASan has an allocator of its own
SHORT = -1  # as in fail.c: a call that transfers one byte
LIBRARY = BUILD / "tests" / "fail.so"

# The errors that each kind of call may return.
ERRORS = {
    "memory": ["ENOMEM"],
    "read": ["EINTR", "EIO", "ECONNRESET", "EAGAIN", "SHORT"],
    "write": ["EINTR", "EPIPE", "ENOSPC", "EAGAIN", "SHORT"],
    "recv": ["EINTR", "ECONNRESET", "ETIMEDOUT", "EAGAIN", "SHORT"],
    "peek": ["EINTR", "ECONNRESET", "ETIMEDOUT", "EAGAIN", "SHORT"],
    "send": ["EINTR", "EPIPE", "ECONNRESET", "EAGAIN", "SHORT"],
    "connect": ["EINTR", "ECONNREFUSED", "ENETUNREACH", "EADDRNOTAVAIL"],
    "poll": ["EINTR", "ENOMEM"],
    "epoll_wait": ["EINTR"],
    "epoll_ctl": ["ENOMEM", "ENOSPC"],
    "epoll_create": ["EMFILE", "ENOMEM"],
    "accept": ["EINTR", "EMFILE", "ENFILE", "ECONNABORTED", "EAGAIN"],
    "fork": ["EAGAIN", "ENOMEM"],
    "open": ["EMFILE", "ENFILE", "EACCES", "EINTR"],
    "socket": ["EMFILE", "ENOBUFS"],
    "eventfd": ["EMFILE"],
    "signalfd": ["EMFILE"],
    "mmap": ["ENOMEM"],
    "ftruncate": ["ENOSPC", "EINTR"],
    "fcntl": ["ENOMEM"],
    "setsockopt": ["ENOBUFS"],
    "getsockname": ["ENOBUFS"],
    "waitpid": ["EINTR"],
    "exec": ["ENOENT", "ENOMEM"],
    "getrandom": ["EINTR"],
    "getaddrinfo": ["ENOMEM"],
    "stdio": ["ENOSPC"],
    "stat": ["EACCES"],
}

SETTINGS = {"DATABASE_POOL_SIZE": 1, "DATABASE_MAX_OVERFLOW": 1, "REQUEST_TIMEOUT": 3, "DATABASE_CONNECT_TIMEOUT": 2,
            "DATABASE_COMMAND_TIMEOUT": 2}
# REQUEST_TIMEOUT, the watchdog's grace, and an allowance for a busy machine.
ANSWER_S = 3 + 2 + 15
SETTLE_S = 20
EXIT_INTERNAL, EXIT_SETTINGS = 70, 78


class Shared(ctypes.Structure):
    """struct fail in fail.c."""
    _fields_ = [("kind", ctypes.c_int), ("code", ctypes.c_int), ("nth", ctypes.c_int64), ("calls", ctypes.c_int64 * 64),
                ("pid", ctypes.c_int), ("fd", ctypes.c_int), ("where", ctypes.c_char * 2048)]


@dataclass
class Fault:
    kind: str
    code: str
    nth: int

    def __str__(self):
        return f"{self.kind} {self.nth} {self.code}"


class Switch:
    """The file that fail.c reads."""

    def __init__(self, path):
        self.path = path
        path.write_bytes(bytes(ctypes.sizeof(Shared)))
        with open(path, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), ctypes.sizeof(Shared))
        self.shared = Shared.from_buffer(self.map)
        self.names = ctypes.CDLL(str(LIBRARY.absolute()))

    def environment(self, program):
        return {"LD_PRELOAD": str(LIBRARY.absolute()), "FAIL_FILE": str(self.path), "FAIL_PROGRAM": program}

    def arm(self, fault):
        shared = self.shared
        self.forget()
        shared.nth = fault.nth
        shared.code = SHORT if fault.code == "SHORT" else getattr(errno, fault.code)
        shared.kind = self.names.fail_kind(fault.kind.encode())
        assert shared.kind, f"fail.c does not know {fault.kind}"

    def disarm(self):
        self.shared.kind = 0

    def forget(self):
        self.shared.kind = self.shared.pid = 0
        self.shared.where = b""
        ctypes.memset(ctypes.addressof(self.shared) + Shared.calls.offset, 0, Shared.calls.size)

    @property
    def reached(self):
        return self.shared.pid != 0

    def calls(self):
        """Returns {kind: number of calls}."""
        return {kind: self.shared.calls[self.names.fail_kind(kind.encode())] for kind in ERRORS}

    def where(self, most=12):
        """Returns file+offset(name) of the callers outside of libc."""
        lines = [line for line in self.shared.where.decode(errors="replace").splitlines() if "/libc.so" not in line]
        return [re.sub(r"^\S*/", "", line) for line in lines[:most]]

    def is_in(self, name):
        return any(name in line for line in self.shared.where.decode(errors="replace").splitlines())


@dataclass
class Request:
    method: str
    target: str  # {} stands for a new number
    status: int
    key: bool = False

    @property
    def is_write(self):
        return self.method == "POST" and self.status < 400


READ = Request("GET", "/ledger/{}", 200)
SESSION = [
    READ,
    Request("POST", "/ledger?number={}", 201),
    Request("POST", "/ledger?number={}", 201, key=True),
    Request("POST", "/ledger/plain?number={}", 201, key=True),
    Request("POST", "/ledger/two?number={}", 201),
    Request("POST", "/ledger?number=one", 422),
    Request("GET", "/ledger/7/cached", 200),
    Request("GET", "/ledger/7/cached", 200),
    Request("GET", "/nothing", 404),
]


class Answer:
    """A program's response over its socket; status is None if it broke off."""

    def __init__(self, out, ended):
        head, blank, self.body = out.partition(b"\r\n\r\n")
        self.headers = dict(line.lower().split(": ", 1) for line in head.decode("latin-1").split("\r\n") if ": " in line)
        whole = ended and blank and self.headers.get("content-length", "0") == str(len(self.body))
        self.status = int(self.headers["status"].split()[0]) if whole else None

    def problem(self):
        """Returns the problem document, or None if there is no complete one."""
        try:
            document = json.loads(self.body)
        except ValueError:
            return None
        valid = (self.headers.get("content-type") == "application/problem+json" and document.get("status") == self.status
                and document.get("request_id") and document.get("title"))
        return document if valid else None

    def is_unhealthy(self):
        """Returns True for the 503 of /health when a service did not answer."""
        return self.status == 503 and self.body.startswith(b'{"status":"unhealthy",')

    @property
    def is_unknown(self):
        return self.status is None or bool(self.status == 503 and (self.problem() or {}).get("outcome") == "unknown")

    def __str__(self):
        return f"{self.status} {self.body[:160]!r}" if self.status else "broken off"


class Ended(Exception):
    """The program has ended."""


def ask(endpoint, request, number, key=None, timeout=ANSWER_S):
    """Returns None if there was no answer in time."""
    more = {"REQUEST_ID": uuid.uuid4().hex}
    if key:
        more["HTTP_IDEMPOTENCY_KEY"] = key
    data = fastcgi.request(request.method, request.target.format(number), **more)
    deadline = time.monotonic() + timeout
    got = b""
    with fastcgi.connect(endpoint.path) as link:
        try:
            link.sendall(data)
            while True:
                if select.select([link], [], [], 0.2)[0]:
                    piece = link.recv(65536)
                    if not piece:
                        break
                    got += piece
                elif not endpoint.running:
                    raise Ended
                elif time.monotonic() > deadline:
                    return None
        except (ConnectionError, TimeoutError):
            pass
    return Answer(*parse_records(got))


def parse_records(data):
    out, ended = b"", False
    while len(data) >= 8:
        kind, size, padding = data[1], int.from_bytes(data[4:6], "big"), data[6]
        if kind == fastcgi.STDOUT:
            out += data[8:8 + size]
        ended = ended or kind == fastcgi.END
        data = data[8 + size + padding:]
    return out, ended


def descriptors(pid):
    """Counts a process's open descriptors by kind."""
    kinds = Tally()
    try:
        for name in os.listdir(f"/proc/{pid}/fd"):
            try:
                kinds[re.sub(r":\[\d+\]$", "", os.readlink(f"/proc/{pid}/fd/{name}"))] += 1
            except OSError:
                pass
    except OSError:
        pass
    return kinds
