"""Servers that behave badly, on 127.0.0.1, each in a thread, until its `with` ends."""
import contextlib
import socket
import threading

SSL_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"


@contextlib.contextmanager
def server(talk):
    """Calls talk(connection) for each connection; yields the port. What talk leaves open is closed at the end."""
    listener = socket.create_server(("127.0.0.1", 0))
    links, ended = [], threading.Event()

    def run():
        while not ended.is_set():
            try:
                link, _ = listener.accept()
            except OSError:
                return
            links.append(link)
            threading.Thread(target=safely, args=(talk, link), daemon=True).start()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        ended.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for link in links:
            link.close()
        thread.join()


def safely(talk, link):
    with contextlib.suppress(OSError):
        talk(link)


def silent(link):
    """Accepts and says nothing."""
    link.recv(1)


class Plaintext:
    """A Postgres without TLS, as far as a client that wants TLS gets; keeps what it was sent after that."""

    def __init__(self):
        self.heard = b""

    def __call__(self, link):
        assert link.recv(8) == SSL_REQUEST
        link.sendall(b"N")
        while piece := link.recv(4096):
            self.heard += piece
        link.close()


class Gate:
    """Passes bytes to a port and back, until it is told to stop: then connections stay open and nothing moves."""

    def __init__(self, port):
        self.port = port
        self.open = threading.Event()
        self.open.set()

    def __call__(self, link):
        with socket.create_connection(("127.0.0.1", self.port)) as far:
            back = threading.Thread(target=safely, args=(lambda source: self.pump(source, link), far), daemon=True)
            back.start()
            self.pump(link, far)
            far.shutdown(socket.SHUT_WR)
            back.join()

    def pump(self, source, target):
        while piece := source.recv(65536):
            self.open.wait()
            target.sendall(piece)
