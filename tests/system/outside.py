"""Another service: an HTTPS server on this machine that notes what it is asked, and answers as a test wants."""
import contextlib
import http.server
import ssl
import threading
import time
from dataclasses import dataclass, field


@dataclass
class Asked:
    method: str
    path: str
    headers: dict
    body: bytes


@dataclass
class Outside:
    """with Outside(certificate) as there: ask there.url. /status/N, /bytes/N, /slow, /drop, /endless and others are below."""

    certificate: tuple = None  # None: http
    host: str = "127.0.0.1"
    asked: list = field(default_factory=list)
    connections: int = 0

    def __enter__(self):
        there = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                there.connections += 1
                super().setup()

            def answer(self):
                size = int(self.headers.get("Content-Length", 0))
                there.asked.append(Asked(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, self.rfile.read(size)))
                with contextlib.suppress(OSError):
                    getattr(there, "do_" + self.path.split("/")[1].split("?")[0], there.do_hello)(self)

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = answer

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass

        self.server = Server((self.host, 0), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://{self.host}:{self.port}"
        if self.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
            self.url = f"https://localhost:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    @staticmethod
    def send(handler, status, body, headers=()):
        handler.send_response(status)
        for name, value in headers:
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(body)

    def do_hello(self, handler):
        self.send(handler, 200, b'{"hello": true}', [("Content-Type", "application/json"), ("X-Two", " a b "), ("x-two", "second"), ("X-Empty", "")])

    def do_status(self, handler):
        self.send(handler, int(handler.path.split("/")[2]), b"so", [("Location", f"{self.url}/elsewhere")])

    def do_bytes(self, handler):
        self.send(handler, 200, b"x" * int(handler.path.split("/")[2]))

    def do_endless(self, handler):
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        while True:
            handler.wfile.write(b"1000\r\n" + b"y" * 4096 + b"\r\n")

    def do_headers(self, handler):
        self.send(handler, 200, b"", [(f"X-{i}", "z" * 1000) for i in range(int(handler.path.split("/")[2]))])

    def do_wait(self, handler):
        time.sleep(int(handler.path.split("/")[2]))
        self.do_hello(handler)

    def do_trailers(self, handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Before: yes\r\nTransfer-Encoding: chunked\r\nTrailer: X-After\r\n\r\n"
                            b"3\r\nabc\r\n0\r\nX-After: no\r\n\r\n")

    def do_early(self, handler):
        handler.wfile.write(b"HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n")
        self.do_hello(handler)

    def do_latin(self, handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Latin: \xfc\r\nContent-Length: 0\r\n\r\n")

    def do_slow(self, handler):
        time.sleep(20)
        self.do_hello(handler)

    def do_drop(self, handler):
        handler.close_connection = True
        handler.connection.close()
