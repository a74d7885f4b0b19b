"""A server with as much of Postgres' protocol (version 3) as wrong answers need."""
import struct
import time

READY_IDLE, READY_IN_TRANSACTION = b"I", b"T"


def message(kind, body=b""):
    return kind + struct.pack("!I", len(body) + 4) + body


def ready(state=READY_IDLE):
    return message(b"Z", state)


def done(tag):
    """The answer to a statement without rows."""
    return message(b"1") + message(b"2") + message(b"n") + message(b"C", tag + b"\0")


def row(**fields):
    """The answer to a statement: one row of texts."""
    head = b"".join(name.encode() + b"\0" + struct.pack("!IHIhIH", 0, 0, 25, -1, 0xFFFFFFFF, 0) for name in fields)
    data = b"".join(struct.pack("!I", len(value)) + value.encode() for value in fields.values())
    return (message(b"1") + message(b"2") + message(b"T", struct.pack("!H", len(fields)) + head)
            + message(b"D", struct.pack("!H", len(fields)) + data) + message(b"C", b"SELECT 1\0"))


def error(code, severity=b"ERROR", nonlocalized=True, words=b"words"):
    extra = b"V" + severity + b"\0" if nonlocalized else b""
    return message(b"E", b"S" + severity + b"\0" + extra + b"C" + code + b"\0M" + words + b"\0\0")


SETTINGS = row(set_config="x")
NOTICE = message(b"N", b"SNOTICE\0VNOTICE\0C00000\0Mhello\0\0")


def endless(link, piece):
    """Sends piece until the client closes."""
    while True:
        link.sendall(piece * 5000)


class FakePostgres:
    """For servers.server(): accepts every client without TLS or password, and answers each flight of a connection in turn.

    An answer is bytes, None to close the connection, or a function of the connection. The last answer is repeated.
    """

    def __init__(self, *answers, before_ready=lambda link: None):
        self.answers, self.before_ready = answers, before_ready
        self.flights = []

    def __call__(self, link):
        link.recv(4096)
        link.sendall(message(b"R", struct.pack("!I", 0)))
        self.before_ready(link)
        link.sendall(message(b"S", b"server_version\x0015.1\0") + ready())
        count = 0
        while flight := self.receive(link):
            self.flights.append(flight)
            answer = self.answers[min(count, len(self.answers) - 1)]
            count += 1
            if answer is None:
                break
            if callable(answer):
                answer(link)
            else:
                link.sendall(answer)
        link.close()

    @staticmethod
    def receive(link):
        """Reads up to a Sync. Returns b"" at the end of the connection or on Terminate."""
        data = b""
        while not data.endswith(message(b"S")):
            piece = link.recv(65536)
            if not piece or piece == message(b"X"):
                return b""
            data += piece
        return data


def late(seconds):
    return lambda link: time.sleep(seconds)
