"""nginx: which requests are local, the keys that limits count by, the hosts that are served, and what is logged."""
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time

import pytest

from env.local.nginx import Nginx, nginx_settings
from env.local.process import HOST, free_port, wait_until
from client import Client
from conftest import BUILD, ROOT, Service, children

KEY = """
location = /key { default_type text/plain; return 200 "$nullpool_local|$nullpool_client"; }
listen [::1]:%(port)d;
listen unix:%(socket)s;
"""
TRUST = "".join(f"set_real_ip_from {peer};\n" for peer in ("127.0.0.1", "127.0.0.9", "::1", "unix:"))


def _binds(address):
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


PEERS = ["127.0.0.1", "unix:", *(["::1"] if _binds("::1") else [])]
FORWARDING = ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via", "CF-Connecting-IP", "True-Client-IP", "X-Forwarded-Host",
              "X-Forwarded-Proto", "X-Client-IP", "CDN-Loop", "X-Forwarded", "Fly-Client-IP", "X-Cluster-Client-IP"]


class Edge:
    """An nginx in front of a service's programs. It listens on 127.0.0.1, ::1 and a Unix socket."""

    def __init__(self, service, name, more=""):
        self.nginx = Nginx(service.folder / name, free_port(), service.run_dir, ROOT / "nginx",
                           nginx_settings(BUILD / "nginx-conf", service.environment))
        self.socket = service.run_dir / f"{name}.listen"
        listens = KEY % {"port": self.nginx.port, "socket": self.socket}
        if "::1" not in PEERS:
            listens = listens.replace(f"listen [::1]:{self.nginx.port};\n", "")
        self.nginx.more = listens + more

    def connect(self, peer):
        if peer == "unix:":
            link = socket.socket(socket.AF_UNIX)
            link.settimeout(10)
            link.connect(str(self.socket))
            return link
        if ":" in peer:
            return socket.create_connection(("::1", self.nginx.port), timeout=10)
        return socket.create_connection(("127.0.0.1", self.nginx.port), timeout=10, source_address=(peer, 0))

    def raw(self, peer, target, *headers, host="localhost", line=None):
        lines = [line or f"GET {target} HTTP/1.1", *([f"Host: {host}"] if host else []), "Connection: close", *headers]
        with self.connect(peer) as link:
            link.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
            return link.makefile("rb").read()

    def statuses(self, count, peer, target, *headers):
        """Pipelines requests on one connection, so that nginx gets them all at once. Returns their statuses."""
        request = "\r\n".join([f"GET {target} HTTP/1.1", "Host: localhost", *headers]) + "\r\n"
        with self.connect(peer) as link:
            link.sendall(((request + "\r\n") * (count - 1) + request + "Connection: close\r\n\r\n").encode())
            return [int(status) for status in re.findall(rb"^HTTP/1\.1 (\d+)", link.makefile("rb").read(), re.M)]

    def status(self, *arguments, **more):
        return int(self.raw(*arguments, **more).split()[1])

    def key(self, peer, *headers):
        """(whether it is local, the key by which the limits count it)"""
        local, key = self.raw(peer, "/key", *headers).partition(b"\r\n\r\n")[2].split(b"|", 1)
        return local == b"1", key

    def access(self):
        return [json.loads(line) for line in (self.nginx.home / "access.log").read_text().splitlines()]


@pytest.fixture(scope="module")
def programs(site):
    made = Service(site, ["metrics", "root", "auth"], DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=1)
    made.start()
    yield made
    made.stop()


def edge(name, more=""):
    @pytest.fixture(scope="module", name=name)
    def made(programs):
        one = Edge(programs, name, more)
        one.nginx.home.mkdir()
        (one.nginx.home / "nullpool-metrics-test.conf").write_text("allow 127.0.0.4;\n")
        one.nginx.start()
        yield one
        one.nginx.stop()
    return made


plain = edge("plain")


class SlowHeader(threading.Thread):
    """Begins a request and never ends its header. closed_s: the seconds until nginx closed the connection."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.closed_s = port, None
        self.start()

    def run(self):
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as link, contextlib.suppress(ConnectionResetError):
            begun = time.monotonic()
            link.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
            while link.recv(4096):
                pass
        self.closed_s = time.monotonic() - begun


@pytest.fixture(scope="module", autouse=True)
def slow_header(plain):
    """Starts before all tests of this file, so that only the last one waits for its end."""
    return SlowHeader(plain.nginx.port)


trusting = edge("trusting", TRUST + "real_ip_header X-Forwarded-For;\n")
public = edge("public", "set $nullpool_http redirect;\nset $nullpool_hosts 'api.example.com www.example.com';\n")
anywhere = edge("anywhere", "set $nullpool_hosts _;\n")


# --- which requests are local ---


@pytest.mark.parametrize("peer", PEERS)
def test_a_direct_local_request_is_local(plain, trusting, peer):
    for one in (plain, trusting):
        assert one.key(peer) == (True, b"")
        assert one.status(peer, "/metrics") == 200


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("name", FORWARDING)
def test_a_request_that_was_forwarded_is_not_local(plain, trusting, peer, name):
    for one in (plain, trusting):
        for value in ("127.0.0.1", "for=127.0.0.1", "::1", "nonsense"):
            local, key = one.key(peer, f"{name}: {value}")
            assert not local and key != b"", (name, value)
        assert one.status(peer, "/metrics", f"{name}: 127.0.0.1") == 403


def _joins_headers():
    version = subprocess.run(["nginx", "-v"], capture_output=True, text=True, timeout=60, check=True).stderr
    return tuple(map(int, re.search(r"/(\d+)\.(\d+)", version).groups())) >= (1, 23)


def test_an_empty_header_of_the_client_hides_no_proxy(plain):
    """Before 1.23 nginx sees only the first of two headers of the same name, except of X-Forwarded-For."""
    for name in FORWARDING if _joins_headers() else ["X-Forwarded-For"]:
        assert not plain.key("127.0.0.1", f"{name}:", f"{name}: 192.0.2.1")[0], name


@pytest.mark.parametrize("forged", ["127.0.0.1", "::1", "unix:", "", "127.0.0.1, 127.0.0.1"])
def test_a_stranger_is_not_local_whatever_the_headers_say(plain, trusting, forged):
    for one in (plain, trusting):
        headers = [f"X-Forwarded-For: {forged}", f"X-Real-IP: {forged}"]
        assert one.key("127.0.0.2", *headers) == (False, socket.inet_aton("127.0.0.2"))
        assert one.status("127.0.0.2", "/metrics", *headers) == 403


def test_an_untrusted_proxy_counts_as_one_client(plain):
    keys = {plain.key("127.0.0.9", f"X-Forwarded-For: 192.0.2.{i}") for i in range(3)}
    assert keys == {(False, socket.inet_aton("127.0.0.9"))}
    assert plain.key("unix:", "X-Forwarded-For: 192.0.2.1") == (False, b"unix:")


@pytest.mark.parametrize("peer", [*PEERS, "127.0.0.9"])
def test_clients_of_a_trusted_proxy_count_by_their_own_address(trusting, peer):
    def key(address):
        return trusting.key(peer, f"X-Forwarded-For: {address}")
    assert key("192.0.2.1") == (False, socket.inet_aton("192.0.2.1"))
    assert key("127.0.0.1, 192.0.2.1") == (False, socket.inet_aton("192.0.2.1"))
    assert key("2001:db8:1:2::1") == key("2001:db8:1:2:ffff::2") == (False, b"2001:db8:1:2:")
    assert key("2001:db8:1:3::1") == (False, b"2001:db8:1:3:")


PROXY = """
daemon off; pid nginx.pid; error_log error.log; events {{}} {user}
http {{
	access_log off; client_body_temp_path temp; proxy_temp_path temp; fastcgi_temp_path temp; uwsgi_temp_path temp;
	scgi_temp_path temp;
	proxy_set_header Host localhost;
	proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
	server {{
		listen {host}:{port};
		location /tcp/ {{ proxy_pass http://{host}:{upstream}/; }}
		location /elsewhere/ {{ proxy_bind 127.0.0.9; proxy_pass http://{host}:{upstream}/; }}
		location /unix/ {{ proxy_pass http://unix:{socket}:/; }}
	}}
}}
"""


class Proxy(Nginx):
    def __init__(self, home, upstream):
        super().__init__(home, free_port(), "none", ROOT / "nginx")
        self.upstream = upstream

    def _configure(self):
        super()._configure()
        (self.home / "nginx.conf").write_text(PROXY.format(
            host=HOST, port=self.port, upstream=self.upstream.nginx.port, socket=self.upstream.socket,
            user="user root;" if not os.geteuid() else ""))


@pytest.mark.parametrize("way", ["tcp", "elsewhere", "unix"])
def test_behind_a_real_proxy(plain, trusting, site, way):
    for one in (plain, trusting):
        proxy = Proxy(site.folder("proxy") / "nginx", one)
        proxy.start()
        try:
            there = Client(proxy.port, source="127.0.0.3")
            assert there.get(f"/{way}/metrics").status == 403
            assert there.get(f"/{way}/metrics", headers={"X-Forwarded-For": "127.0.0.1"}).status == 403
            key = there.get(f"/{way}/key", headers={"X-Forwarded-For": "127.0.0.1"}).body
            own = {"tcp": socket.inet_aton("127.0.0.1"), "elsewhere": socket.inet_aton("127.0.0.9"), "unix": b"unix:"}[way]
            assert key == b"|" + (own if one is plain else socket.inet_aton("127.0.0.3"))
        finally:
            proxy.stop()


@pytest.mark.parametrize("target", ["//metrics", "/metrics/", "/%6detrics", "/x/../metrics", "/metrics?x=1", "/./metrics", "/metrics/.",
                                    "/_metrics", "/_metrics/nginx", "/metrics/nginx", "/metrics//", "/metrics%2f", "/metrics;x"])
def test_no_other_spelling_gives_a_stranger_the_metrics(plain, target):
    assert plain.status("127.0.0.2", target) in (400, 403, 404)


def test_nginx_reports_its_own_connections(plain):
    got = plain.raw("127.0.0.1", "/metrics/nginx")
    assert b" 200 OK" in got and b"server accepts handled requests" in got


def test_an_address_that_may_read_the_metrics_is_not_local(plain):
    assert plain.status("127.0.0.4", "/metrics") == plain.status("127.0.0.4", "/metrics/nginx") == 200
    assert plain.status("127.0.0.5", "/metrics") == 403
    assert plain.key("127.0.0.4")[0] is False


# --- limits ---


def test_a_proxied_flood_is_limited(plain):
    statuses = plain.statuses(450, "127.0.0.1", "/nothing", "X-Forwarded-For: 127.0.0.1")
    assert len(statuses) == 450 and 429 in statuses
    assert plain.status("127.0.0.1", "/nothing") == 404


def test_guessing_passwords_is_limited_sooner(programs, trusting):
    there, here = Client(trusting.nginx.port, source="127.0.0.7"), Client(trusting.nginx.port)
    answers = [there.post("/auth/token", {"nonsense": 1}) for _ in range(30)]
    limited = [answer for answer in answers if answer.status == 429]
    assert {answer.status for answer in answers} == {400, 429} and len(limited) >= 5
    assert limited[0].problem() and int(limited[0].headers["retry-after"]) > 0
    # A change of the password takes the current one, so it is limited too.
    assert 429 in [there.send("PUT", "/auth/password", {"nonsense": 1}).status for _ in range(5)]
    # Other methods, other programs and other clients are not limited.
    assert there.get("/auth/me").status == 401
    assert there.get("/nothing").status == 404
    assert here.post("/auth/token", {"nonsense": 1}).status == 400
    other = Client(trusting.nginx.port, source="127.0.0.8")
    assert other.post("/auth/token", {"nonsense": 1}).status == 400


# --- hosts ---


@pytest.mark.parametrize("host, status", [
    ("localhost", 200), ("localhost:8080", 200), ("LOCALHOST.", 200), ("127.0.0.1", 200), ("127.0.0.1:9", 200), ("[::1]:8080", 200),
    ("evil.example.com", 421), ("localhost.evil.example.com", 421), ("127.0.0.2", 421), ("api.example.com", 421), ("_", 421),
    ("evil.example.com:8080", 421), ("x", 421), ("local", 421), ("$nullpool_hosts", 421)])
def test_only_known_hosts_are_served(plain, host, status):
    got = plain.raw("127.0.0.1", "/", host=host)
    assert int(got.split()[1]) == status
    assert status == 200 or b"application/problem+json" in got and b'"status":421' in got and b"X-Request-Id" in got


def test_a_host_in_the_request_line_counts(plain):
    assert plain.status("127.0.0.1", "", line="GET http://evil.example.com/ HTTP/1.1") == 421
    assert plain.status("127.0.0.1", "", line="GET http://localhost/ HTTP/1.1", host="evil.example.com") == 200
    assert plain.status("127.0.0.1", "", line="GET /%20evil.example.com%20%09 HTTP/1.1", host="evil.example.com") == 421
    assert plain.status("127.0.0.1", "", line="GET / HTTP/1.0", host=None) == 200


@pytest.mark.parametrize("line, host, seen", [
    ("/seen", "localhost:8080", b"localhost:8080"), ("/seen", "LocalHost.", b"LocalHost."), ("/seen", "[::1]:8080", b"[::1]:8080"),
    ("http://localhost/seen", "localhost:8080", b"localhost:8080"), ("http://localhost/seen", "evil.example.com", b"localhost"),
    ("http://localhost/seen", "localhost.evil.example.com", b"localhost"), ("http://127.0.0.1:80/seen", "127a0b0c1", b"127.0.0.1")])
def test_a_program_gets_the_host_that_was_checked(plain, programs, line, host, seen):
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as program:
        path = programs.run_dir / "seen.sock"
        program.bind(str(path))
        program.listen()
        program.settimeout(10)
        asking = threading.Thread(target=plain.raw, args=("127.0.0.1", ""), kwargs={"line": f"GET {line} HTTP/1.1", "host": host})
        asking.start()
        with program.accept()[0] as link:
            got = link.recv(65536)
        asking.join()
        path.unlink()
    assert re.findall(rb"\x09.HTTP_HOST", got, re.S) == [b"\x09" + bytes([len(seen)]) + b"HTTP_HOST"]
    assert b"HTTP_HOST" + seen in got


def test_an_unknown_host_does_not_change_an_error_of_nginx(plain):
    long = plain.raw("127.0.0.1", "/", "X-Long: " + "x" * 20000, host="evil.example.com")
    assert long.startswith(b"HTTP/1.1 431 ") and b"application/problem+json" in long


@pytest.mark.parametrize("method", ["POST", "OPTIONS", "DELETE"])
def test_an_unknown_host_gets_nothing_by_any_method(plain, method):
    assert plain.status("127.0.0.1", "", "Origin: http://localhost:5173", "Access-Control-Request-Method: POST", "Content-Length: 0",
                        line=f"{method} /users HTTP/1.1", host="evil.example.com") == 421


def test_the_sites_file_sets_the_hosts(public, anywhere):
    for host in ("api.example.com", "WWW.example.com:80", "localhost"):
        assert public.status("127.0.0.1", "/", host=host) == 200
    assert public.status("127.0.0.1", "/", host="example.com") == 421
    assert anywhere.status("127.0.0.1", "/", host="whatever.example.org") == 200


# --- without TLS ---


def test_without_tls_only_this_machine_is_served(public):
    got = public.raw("127.0.0.2", "/users?x=1", host="api.example.com")
    assert got.startswith(b"HTTP/1.1 308 ") and b"\r\nLocation: https://api.example.com/users?x=1\r\n" in got
    assert public.status("127.0.0.1", "/", "X-Forwarded-For: 127.0.0.1") == 308
    assert public.status("127.0.0.2", "/", host="evil.example.com") == 421
    assert public.status("127.0.0.1", "/") == 200


@pytest.mark.parametrize("line, header", [("POST /auth/token HTTP/1.1", "Content-Length: 0"), ("GET / HTTP/1.1", "Authorization: Bearer x"),
                                          ("GET / HTTP/1.1", "Cookie: a=b"), ("GET / HTTP/1.1", "X-API-Key: x")])
def test_writes_and_credentials_without_tls_are_refused(public, line, header):
    got = public.raw("127.0.0.2", "", header, line=line)
    assert got.startswith(b"HTTP/1.1 403 ") and b"https only" in got and b"application/problem+json" in got


def test_certificates_can_be_renewed(public):
    assert public.status("127.0.0.2", "/.well-known/acme-challenge/x") == 404


# --- logs ---


def test_no_query_string_and_no_nonsense_gets_into_a_log(plain):
    secret = "hunter2"
    plain.raw("127.0.0.1", f"/users?token={secret}")
    for line in (secret, f"{secret} /{secret} HTTP/1.1", f"GET {secret} HTTP/1.1", f"GET /\x01{secret} HTTP/1.1", f"GET / {secret}",
                 "BREW /a HTTP/1.1", f"GET /{'x' * 9000}{secret} HTTP/1.1"):
        plain.raw("127.0.0.1", "", line=line)
    lines = wait_until("the access log", lambda: len(plain.access()) >= 8 and plain.access(), 5)
    assert {"/users"} < {line["uri"] for line in lines} and "(malformed)" in {line["uri"] for line in lines}
    assert {line["method"] for line in lines} >= {"GET", "", "(other)"}
    for name in ("access.log", "error.log"):
        assert secret not in (plain.nginx.home / name).read_text().lower()


def test_an_upstream_that_fails_does_not_put_the_query_into_the_error_log(plain, programs):
    programs.endpoints["root"].stop()
    programs.endpoints["root"].listener.close()
    try:
        assert plain.status("127.0.0.1", "/?token=hunter2") in (502, 503)
    finally:
        programs.endpoints["root"].listener = None
        programs.endpoints["root"].start()
    assert "hunter2" not in (plain.nginx.home / "error.log").read_text()


# --- many requests at once ---


@pytest.fixture
def narrow(serve):
    """One worker: all requests but one wait."""
    return serve("probe", "metrics", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0)


def accepted_and_handled(service):
    told = service.client.get("/metrics/nginx").body.split()
    return [int(told[told.index(b"requests") + at]) for at in (1, 2)]


def answers_of_many(service, count):
    """Sends `count` requests while the workers are stopped. Returns the statuses; None: the connection was closed or reset."""
    workers, links = children(service.endpoints["probe"].pid), []

    def signal_workers(number):
        for pid in workers:
            with contextlib.suppress(ProcessLookupError):  # the child that only checked the database has ended
                os.kill(pid, number)

    try:
        signal_workers(signal.SIGSTOP)
        for _ in range(count):
            links.append(socket.create_connection(("127.0.0.1", service.nginx.port), timeout=30))
            links[-1].sendall(b"GET /probe/header?label=x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        wait_until("nginx to accept them all", lambda: accepted_and_handled(service)[0] >= count, 20)
        signal_workers(signal.SIGCONT)
        return [status_of(link) for link in links]
    finally:
        signal_workers(signal.SIGCONT)
        for link in links:
            link.close()


def status_of(link):
    try:
        words = link.recv(4096).split()
    except OSError:
        return None
    return int(words[1]) if words else None


def test_requests_beyond_the_queue_get_503_and_none_is_reset(narrow):
    assert narrow.client.get("/probe/header?label=x").status == 204
    statuses = answers_of_many(narrow, 650)
    counts = {status: statuses.count(status) for status in set(statuses)}
    assert set(counts) == {204, 503} and counts[204] >= 500, counts
    accepted, handled = accepted_and_handled(narrow)
    assert accepted == handled


def test_the_queue_has_the_same_size_everywhere():
    unit = (ROOT / "env" / "systemd" / "nullpool@.socket").read_text()
    queue = re.search(r"^#define QUEUE_MAX +(\d+)$", (ROOT / "common" / "config" / "queue.h").read_text(), re.M)[1]
    assert f"\nBacklog={queue}\n" in unit
    assert f"listen({queue})" in (ROOT / "env" / "local" / "endpoint.py").read_text()


def test_a_slow_header_times_out_before_a_slow_body_would(slow_header):
    slow_header.join(30)
    assert 4 < slow_header.closed_s < 9
