"""Servers that behave badly, on 127.0.0.1, each in a thread, until its `with` ends."""
import contextlib
import select
import socket
import ssl
import threading

SSL_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"


@contextlib.contextmanager
def server(talk, asleep_s=0):
    """Calls talk(connection) for each connection; yields the port. What talk leaves open is closed at the end. While it is
    asleep the kernel takes connections, and nobody else does."""
    listener = socket.create_server(("127.0.0.1", 0))
    links, ended = [], threading.Event()

    def run():
        ended.wait(asleep_s)
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


class TlsProxy:
    """Ends TLS before a Postgres, as the providers' proxies do, and passes its answers on in records of 16 KiB."""

    RECORD = 16384

    def __init__(self, port, certificate, key):
        self.port = port
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.server.load_cert_chain(certificate, key)
        self.client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.client.check_hostname = False
        self.client.verify_mode = ssl.CERT_NONE

    def __call__(self, link):
        assert link.recv(8) == SSL_REQUEST
        link.sendall(b"S")
        with socket.create_connection(("127.0.0.1", self.port)) as raw:
            raw.sendall(SSL_REQUEST)
            assert raw.recv(1) == b"S"
            near = self.server.wrap_socket(link, server_side=True)
            far = self.client.wrap_socket(raw)
            while True:
                ready, _, _ = select.select([near, far], [], [])
                for source in ready:
                    data = self.read_whole(source)
                    if not data:
                        return
                    target = far if source is near else near
                    for start in range(0, len(data), self.RECORD):
                        target.sendall(data[start:start + self.RECORD])

    @staticmethod
    def read_whole(source):
        """What is there, and what follows within a moment: so that records are as long as they can be."""
        data = source.recv(65536)
        while data and (source.pending() or select.select([source], [], [], 0.02)[0]):
            piece = source.recv(65536)
            if not piece:
                break
            data += piece
        return data
