"""Lines between a program and a server, on 127.0.0.1, with the faults of a network. They need no root.

    with faults.line(postgres.port) as line:
        service = serve("probe", DATABASE_URL=site.url(port=line.entrance))
        line.fault = faults.held

A fault is a function of a pipe (one direction of one connection) and the bytes that its source sent: the target receives
what the fault sends on. A line's fault may be replaced while it runs, and then applies to open connections too.
"""
import contextlib
import select
import socket
import ssl
import struct
import time

from fake_postgres import error
from servers import SSL_REQUEST, server

PIECE_BYTES = 65536
LOOK_S = 0.02


class Pipe:
    """One direction of a connection; `upward` is towards the server."""

    def __init__(self, line, source, target, upward):
        self.line, self.source, self.target, self.upward = line, source, target, upward
        self.passed = 0
        self.unread = b""  # the begin of an incomplete message
        self.back = None  # the other direction

    def send(self, data):
        self.target.sendall(data)
        self.passed += len(data)

    def cut(self):
        """Closes both ends as the end of a process does: without a TLS close."""
        for end in (self.source, self.target):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(end, socket.SHUT_RDWR)
        raise ConnectionAbortedError

    def reset(self):
        """Sends a RST to both ends: they lose what they have not read."""
        for end in (self.source, self.target):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            end.close()
        raise ConnectionResetError


class Line:
    """For servers.server(): passes bytes to a port and back through its fault, and does not interpret them."""

    def __init__(self, port, fault=None):
        self.port, self.fault = port, fault or passing
        self.entrance = None
        self.pairs = []  # (upward, downward) pipes of each open connection

    def __call__(self, link):
        with contextlib.ExitStack() as ends:
            ends.callback(link.close)  # also if the server is down
            near, far = self.meet(link)
            ends.callback(near.close)
            ends.callback(far.close)
            up, down = Pipe(self, near, far, True), Pipe(self, far, near, False)
            up.back, down.back = down, up
            self.pairs.append((up, down))
            ends.callback(self.pairs.remove, (up, down))
            self.run([up, down])

    def meet(self, link):
        return link, socket.create_connection(("127.0.0.1", self.port))

    def run(self, pipes):
        """One thread for both directions: a socket can be reset only while no other thread waits for it."""
        while pipes:
            ready, _, _ = select.select([pipe.source for pipe in pipes], [], [])
            for pipe in [pipe for pipe in pipes if pipe.source in ready]:
                data = self.receive(pipe.source)
                if data:
                    self.fault(pipe, data)
                else:
                    pipes.remove(pipe)
                    socket.socket.shutdown(pipe.target, socket.SHUT_WR)

    @staticmethod
    def receive(source):
        return source.recv(PIECE_BYTES)

    def end_open_ones(self, hard):
        """Closes all open connections while nothing is in flight; hard: with a RST."""
        for up, _ in list(self.pairs):
            with contextlib.suppress(OSError):
                for end in (up.source, up.target):
                    if hard:
                        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    end.shutdown(socket.SHUT_RDWR)


class TlsLine(Line):
    """Terminates TLS in front of a Postgres, as the providers' proxies do: its faults see plain messages. It collects what
    arrives within a moment and sends records of 16 KiB, so that records are as long as they can be.

    Channel binding does not work through it: use channel_binding=disable. certificate: (certificate, key) of any authority.
    """

    RECORD_BYTES = 16384

    def __init__(self, port, fault, certificate):
        super().__init__(port, fault)
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.server.load_cert_chain(*certificate)
        self.client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.client.check_hostname = False
        self.client.verify_mode = ssl.CERT_NONE

    def meet(self, link):
        if link.recv(8) != SSL_REQUEST:  # direct TLS, which it does not take
            link.close()
            raise ConnectionAbortedError
        link.sendall(b"S")
        near = self.server.wrap_socket(link, server_side=True)
        raw = socket.create_connection(("127.0.0.1", self.port))
        raw.sendall(SSL_REQUEST)
        assert raw.recv(1) == b"S"
        return near, self.client.wrap_socket(raw)

    @staticmethod
    def receive(source):
        data = source.recv(PIECE_BYTES)
        while data and (source.pending() or select.select([source], [], [], LOOK_S)[0]):
            piece = source.recv(PIECE_BYTES)
            if not piece:
                break
            data += piece
        return data


@contextlib.contextmanager
def line(port, fault=None, kind=Line, **more):
    """Yields the line; its clients connect to .entrance."""
    made = kind(port, fault, **more)
    with server(made) as made.entrance:
        try:
            yield made
        finally:
            made.fault = cut  # also for connections that are held


def tls_line(port, certificate, fault=None):
    return line(port, fault, TlsLine, certificate=certificate)


# --- faults of bytes ---


def passing(pipe, data):
    if isinstance(pipe.line, TlsLine):
        for start in range(0, len(data), TlsLine.RECORD_BYTES):
            pipe.send(data[start:start + TlsLine.RECORD_BYTES])
    else:
        pipe.send(data)


def held(pipe, data):
    """Holds both directions until the line has another fault, which then gets the bytes that waited."""
    while pipe.line.fault is held:
        time.sleep(LOOK_S)
    pipe.line.fault(pipe, data)


def answers_dropped(pipe, data):
    """Drops what the server sends."""
    if pipe.upward:
        pipe.send(data)


def cut(pipe, data):
    pipe.cut()


def reset(pipe, data):
    pipe.reset()


def delayed(seconds):
    def fault(pipe, data):
        time.sleep(seconds)
        pipe.send(data)
    return fault


def one_byte_at_a_time(pipe, data):
    pipe.source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    pipe.target.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in data:
        pipe.send(bytes([byte]))


def after(count, then, upward=False, once=False):
    """Applies `then` from byte `count` of a direction on; once: on one connection, after which the line passes all."""
    def fault(pipe, data):
        room = count - pipe.passed
        if pipe.upward is not upward or len(data) <= room:
            pipe.send(data)
            return
        if room > 0:
            pipe.send(data[:room])
        if once:
            pipe.line.fault = passing
        then(pipe, data[max(room, 0):])
    return fault


def next_answer(then):
    """Applies `then` to what the server sends next, after which the line passes all. The server has executed its input."""
    def fault(pipe, data):
        if pipe.upward:
            pipe.send(data)
        else:
            pipe.line.fault = passing
            then(pipe, data)
    return fault


def only(count, then):
    """Passes `count` bytes, then applies `then` to the rest."""
    def fault(pipe, data):
        pipe.send(data[:count])
        then(pipe, data[count:])
    return fault


def forgotten(pairs):
    """Resets these connections when their client sends, as a router does that has dropped them from its table."""
    pipes = [pipe for pair in pairs for pipe in pair]

    def fault(pipe, data):
        if pipe in pipes:
            pipe.reset()
        pipe.send(data)
    return fault


class LossOfCommit:
    """On a TlsLine: once, drops the answer to the Sync that ends a transaction, and cuts the connection. All else passes,
    also other answers of that transaction. `lost`: it has happened; `instead`: what the client receives in its place."""

    instead = b""

    def __init__(self):
        self.lost = False

    def __call__(self, pipe, data):
        if pipe.upward:
            pipe.send(data)
            return
        pipe.unread += data
        end, ready = whole_messages(pipe.unread)
        if ready == b"I":
            self.lost, pipe.line.fault = True, passing
            pipe.send(self.instead)
            pipe.cut()
        passed, pipe.unread = pipe.unread[:end], pipe.unread[end:]
        if passed:
            pipe.send(passed)


class PoolerLostCommit(LossOfCommit):
    """A pooler reports that it lost its server, as PgDog does: with one code for all its errors."""

    instead = error(b"58000")


def whole_messages(data):
    """Where the server's last complete message ends, and the state of the last ReadyForQuery before it (b"": none)."""
    at, state = 0, b""
    while len(data) - at >= 5:
        size = 1 + struct.unpack("!I", data[at + 1:at + 5])[0]
        if len(data) - at < size:
            break
        if data[at:at + 1] == b"Z":
            state = data[at + 5:at + 6]
        at += size
    return at, state


class DirectRefused:
    """Closes a connection that begins with direct TLS, or leaves it unanswered. Passes all others."""

    TLS_HANDSHAKE = b"\x16"

    def __init__(self, closes):
        self.closes, self.count = closes, 0

    def __call__(self, pipe, data):
        if not pipe.upward or pipe.passed > 0 or data[:1] != self.TLS_HANDSHAKE:
            pipe.send(data)
            return
        self.count += 1
        if self.closes:
            pipe.cut()
        pipe.source.recv(1)  # until the client leaves
