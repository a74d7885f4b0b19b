"""Servers that misbehave, on 127.0.0.1, each in a thread that ends with its `with` block. faults.py misbehaves on the way."""
import contextlib
import socket
import threading

SSL_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"


@contextlib.contextmanager
def server(talk, asleep_s=0):
    """Calls talk(connection) for each connection; yields the port. Connections that talk leaves open are closed at the end.
    For the first asleep_s seconds the kernel accepts connections and nothing serves them."""
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
            threading.Thread(target=talk_safely, args=(talk, link), daemon=True).start()

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
                link.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for it
            link.close()
        thread.join()


def talk_safely(talk, link):
    try:
        talk(link)
    except OSError:
        pass
    except ValueError:  # select() of a socket that was closed at the end
        if link.fileno() >= 0:
            raise


def silent(link):
    """Accepts and sends nothing."""
    link.recv(1)


class Plaintext:
    """A Postgres without TLS, up to its refusal of TLS. Stores what the client sends after that."""

    def __init__(self):
        self.received = b""

    def __call__(self, link):
        if link.recv(8) != SSL_REQUEST:  # TLS at once
            link.close()
            return
        link.sendall(b"N")
        while piece := link.recv(4096):
            self.received += piece
        link.close()
