"""An OpenTelemetry collector for OTLP/HTTP JSON: it keeps the spans that it accepts."""
import contextlib
import http.server
import json
import threading


class Collector:
    """`answers` are the statuses of the next POSTs; later ones get 200. POSTs that come while `held` is set wait for `freed`."""

    def __init__(self):
        self.posts = []  # (path, headers, document), including those that were refused
        self.spans = []
        self.resources = []
        self.answers = []
        self.held = threading.Event()
        self.freed = threading.Event()

    def take(self, path, headers, document):
        self.posts.append((path, headers, document))
        if self.held.is_set():
            self.freed.wait()
        status = self.answers.pop(0) if self.answers else 200
        if status == 200:
            for resource in document["resourceSpans"]:
                self.resources.append(attributes(resource["resource"]))
                for scope in resource["scopeSpans"]:
                    self.spans += scope["spans"]
        return status

    def of(self, trace):
        return [span for span in self.spans if span["traceId"] == trace]


def attributes(thing):
    values = {}
    for one in thing["attributes"]:
        (kind, value), = one["value"].items()
        values[one["key"]] = int(value) if kind == "intValue" else value
    return values


@contextlib.contextmanager
def collector(port=0):
    made = Collector()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = made.take(self.path, dict(self.headers), json.loads(body))
            with contextlib.suppress(OSError):
                self.send_response(status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    made.port = server.server_address[1]
    made.url = f"http://127.0.0.1:{made.port}"
    try:
        yield made
    finally:
        made.freed.set()
        server.shutdown()
        server.server_close()
        thread.join()
