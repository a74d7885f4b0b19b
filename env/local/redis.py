"""A Redis server in a folder of its own. Import it as env.local.redis: the name redis stays free for the client library."""
import os
import socket
import ssl
from pathlib import Path

from env.local.process import HOST, Fault, Process, port_is_free


class Redis(Process):
    """A cache: it writes nothing to disk and evicts the least recently used keys at 64 MB. With a (certificate, key) it takes
    TLS only. A password is passed in a file and not in the command line. Without a port it only listens on redis.sock in
    its home."""

    def __init__(self, home, port=None, certificate=None, password=None):
        self.home = Path(home).absolute()
        super().__init__("Redis", self.home / "redis.log")
        self.port = port
        self.certificate = certificate
        self.password = password

    def start(self):
        self.home.mkdir(parents=True, exist_ok=True)
        settings = self.home / "redis.conf"
        settings.touch(mode=0o600)
        settings.write_text(f"requirepass {self.password}\n" if self.password else "")
        if self.port and not port_is_free(self.port):
            raise Fault(f"port {self.port} for Redis is taken by another program")
        self.launch(["redis-server", settings, "--bind", HOST, *self._listening(), "--dir", self.home, "--save", "",
                     "--appendonly", "no", "--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru"])
        self.wait_until("an answer to PING", self._answers)

    def _listening(self):
        if not self.port:  # relative to --dir: a socket's path has at most 107 bytes
            return ["--port", 0, "--unixsocket", "redis.sock", "--unixsocketperm", 700]
        if not self.certificate:
            return ["--port", self.port]
        certificate, key = self.certificate
        return ["--port", 0, "--tls-port", self.port, "--tls-cert-file", certificate, "--tls-key-file", key,
                "--tls-auth-clients", "no"]

    def connect(self):
        if self.port:
            link = socket.create_connection((HOST, self.port), timeout=10)
        else:
            link = socket.socket(socket.AF_UNIX)
            link.settimeout(10)
            link.connect(os.path.relpath(self.home / "redis.sock"))
        if self.certificate:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # tests use bad certificates
            link = context.wrap_socket(link)
        if self.password:
            link.sendall(f"AUTH {self.password}\r\n".encode())
            if link.recv(16) != b"+OK\r\n":
                raise OSError("Redis refused the password")
        return link

    def _answers(self):
        try:
            with self.connect() as link:
                link.sendall(b"PING\r\n")
                return link.recv(16).startswith(b"+PONG")
        except OSError:
            return False
