"""Sandboxed workers resolve the database's name with a real name server. The unit test of base/resolve.c covers the rest."""
import contextlib
import json
import random
import re
import socket
import struct
import subprocess
import threading
import time

import pytest

import fastcgi
from env.local.endpoint import run_dir_for
from env.local.process import wait_until
from conftest import AHEAD, may_mount, program

pytestmark = pytest.mark.skipif(not may_mount(), reason="only root can have another /etc/resolv.conf, by unshare")
LOOPBACK = socket.inet_aton("127.0.0.1")


class NameServer:
    """Answers every query with 127.0.0.1. Over UDP the answer for a name that begins with "long" is truncated."""

    def __init__(self, silent=False):
        self.address = "127." + ".".join(str(random.randint(1, 254)) for _ in range(3))
        self.silent, self.received, self.asked = silent, [], []
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((self.address, 53))
        self.tcp = socket.create_server((self.address, 53))
        for serve in (self.serve_udp, self.serve_tcp):
            threading.Thread(target=serve, daemon=True).start()

    def answer(self, question, way):
        name = b".".join(re.findall(rb"[\x01-\x3f]([a-z-]+)", question[12:])).decode()
        kind, = struct.unpack("!H", question[question.index(b"\0", 12) + 1:][:2])
        self.asked.append((name, way))
        short = way == "udp" and name.startswith("long")
        end = question.index(b"\0", 12) + 5
        records = [b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + LOOPBACK] if kind == 1 and not short else []
        return question[:2] + struct.pack("!HHHHH", 0x8180 | (0x200 if short else 0), 1, len(records), 0, 0) + question[12:end] + b"".join(records)

    def serve_udp(self):
        with contextlib.suppress(OSError):
            while True:
                question, whom = self.udp.recvfrom(4096)
                if not question:  # closed
                    return
                self.received.append(question)
                if not self.silent:
                    self.udp.sendto(self.answer(question, "udp"), whom)

    def serve_tcp(self):
        with contextlib.suppress(OSError):
            while True:
                link, _ = self.tcp.accept()
                with link:
                    while head := link.recv(2, socket.MSG_WAITALL):
                        answer = self.answer(link.recv(struct.unpack("!H", head)[0], socket.MSG_WAITALL), "tcp")
                        link.sendall(struct.pack("!H", len(answer)) + answer)

    def close(self):
        for one in (self.udp, self.tcp):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


@pytest.fixture
def name_server():
    servers = []

    def start(**how):
        servers.append(NameServer(**how))
        return servers[-1]
    yield start
    for one in servers:
        one.close()


@contextlib.contextmanager
def endpoint(site, servers, host, **settings):
    """Starts a master with these name servers and a sandbox that kills. Yields ask(), which returns the response, and the log."""
    folder = site.folder("names")
    (folder / "resolv.conf").write_text("".join(f"nameserver {one.address}\n" for one in servers))
    path = run_dir_for(folder / "run") / "probe.sock"
    environment = site.environment(DATABASE_URL=site.url().replace("127.0.0.1", host), WORKER_SANDBOX="kill",
                                   HOME=None, **{"DATABASE_POOL_SIZE": 1, "DATABASE_MAX_OVERFLOW": 0, **settings})
    log_path = folder / "programs.log"
    with socket.socket(socket.AF_UNIX) as listener, open(log_path, "ab") as log:
        listener.bind(str(path))
        listener.listen(5)
        master = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"', folder / "resolv.conf",
             program("probe").absolute()], stdin=listener, stderr=log, env=environment)

        def ask(uri="/probe/session", leave_after=None):
            """Returns the response. With leave_after, which waits for something, the client leaves instead."""
            if not leave_after:
                return fastcgi.ask(path, fastcgi.request("GET", uri))[0]
            with fastcgi.connect(path) as link:
                link.sendall(fastcgi.request("GET", uri))
                return leave_after()
        try:
            yield ask, lambda **wanted: [line for line in map(json.loads, log_path.read_text().splitlines())
                                         if all(line.get(name) == value for name, value in wanted.items())]
        finally:
            master.terminate()
            assert master.wait(30) == 0


@pytest.mark.parametrize("mode", ["null", AHEAD, "persistent"])
def test_resolving_needs_no_system_call_that_the_sandbox_refuses(site, name_server, mode):
    server = name_server()
    with endpoint(site, [server], "long.database.test", DATABASE_CONNECTION=mode) as (ask, lines):
        for _ in range(2):
            assert ask().startswith(b"Status: 200"), lines()
        wait_until("both requests in the log", lambda: len(lines(event="request")) == 2, 10)
        assert len({line["pid"] for line in lines(event="request")}) == 1
        assert not lines(event="system call refused") and not lines(event="worker died")
    assert {("long.database.test", "udp"), ("long.database.test", "tcp")} <= set(server.asked)


def test_a_silent_first_name_server_leaves_time_for_the_request(site, name_server):
    silent, server = name_server(silent=True), name_server()
    with endpoint(site, [silent, server], "database.test", REQUEST_TIMEOUT=4) as (ask, lines):
        assert ask().startswith(b"Status: 200"), lines()
    assert server.asked


def test_ahead_polls_the_descriptor_of_a_late_dns_answer(site, name_server):
    """The next connection is opened when the DNS answer arrives, and not when the worker wakes up for another reason."""
    server = name_server()
    with endpoint(site, [server], "database.test", DATABASE_CONNECTION="ahead", DATABASE_AHEAD_TTL=1) as (ask, lines):
        assert ask().startswith(b"Status: 200"), lines()
        wait_until("a connection that was opened ahead", lambda: len(site.backends()) > 0, 10)


def test_without_a_name_server_the_deadline_gives_503_with_the_reason(site, name_server):
    start = time.monotonic()
    with endpoint(site, [name_server(silent=True)], "database.test", REQUEST_TIMEOUT=1) as (ask, lines):
        assert re.match(rb"Status: 50[34]", ask()), lines()
        wait_until("the request's line", lambda: lines(event="request"), 10)
        (line,) = lines(event="request")
    assert 'could not resolve "database.test": no answer within the time allowed' in line["detail"]
    assert time.monotonic() - start < 30


def test_a_client_that_leaves_during_resolution_holds_no_worker(site, name_server):
    server = name_server(silent=True)
    with endpoint(site, [server], "database.test", REQUEST_TIMEOUT=40, DATABASE_POOL_SIZE=0, DATABASE_MAX_OVERFLOW=1) as (ask, lines):
        ask(leave_after=lambda: wait_until("the worker's query", lambda: server.received, 10))
        wait_until("the request's line", lambda: lines(event="request", status=499), 10)
