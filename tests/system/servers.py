"""Servers that behave badly, on 127.0.0.1, each in a thread, until its `with` ends. What is between is in faults.py."""
import contextlib
import socket
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
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)  # wakes who waits for it
            link.close()
        thread.join()


def safely(talk, link):
    try:
        talk(link)
    except OSError:
        pass
    except ValueError:  # what select() says of a socket that was closed at the end, under the hands of its thread
        if link.fileno() >= 0:
            raise


def silent(link):
    """Accepts and says nothing."""
    link.recv(1)


class Plaintext:
    """A Postgres without TLS, as far as a client that wants TLS gets; keeps what it was sent after that."""

    def __init__(self):
        self.heard = b""

    def __call__(self, link):
        if link.recv(8) != SSL_REQUEST:  # TLS at once
            link.close()
            return
        link.sendall(b"N")
        while piece := link.recv(4096):
            self.heard += piece
        link.close()
