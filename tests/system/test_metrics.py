"""GET /metrics: the counters of all endpoints for Prometheus, also while they are busy."""
import concurrent.futures
import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.parse
import urllib.request
import uuid

import pytest

import fastcgi
from env.local.process import Process, free_port, wait_until
from conftest import ROOT
from servers import server
from trips import FarAway

SAMPLE = re.compile(r'^(\w+)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
MONITORING = ROOT / "env" / "monitoring"


def samples(text):
    """{(name, labels): value}; labels are a frozenset of pairs."""
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, labels, value = SAMPLE.match(line).groups()
            found[name, frozenset(LABEL.findall(labels or ""))] = float(value)
    return found


def scrape(service, **headers):
    answer = service.client.get("/metrics", headers=headers)
    assert answer.status == 200, answer
    return answer.body.decode()


def value(service, name, **labels):
    """Return the sum of a metric's samples that have these labels."""
    return sum(number for (sample, its), number in samples(scrape(service)).items()
               if sample == name and set(labels.items()) <= its)


def settled(service, name, number, **labels):
    """Wait for the value: a request is counted after its response."""
    wait_until(f"{name} {labels} to be {number}", lambda: value(service, name, **labels) == number, 5)


def promtool(*arguments, text=None):
    return subprocess.run(["promtool", *map(str, arguments)], input=text, text=True, capture_output=True, timeout=30)


@pytest.fixture
def watched(serve):
    return serve("metrics", "probe", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=1)


def test_requests_are_counted_by_route_and_status(watched):
    for _ in range(3):
        assert watched.client.get("/probe/rows?label=none").status == 200
    assert watched.client.get("/probe/rows").status == 422
    for path in ("/probe/a", "/probe/b"):
        assert watched.client.get(path).status == 404
    route = {"endpoint": "probe", "method": "GET", "route": "/probe/rows"}
    settled(watched, "nullpool_requests_total", 3, code="200", **route)
    settled(watched, "nullpool_requests_total", 1, code="422", **route)
    settled(watched, "nullpool_requests_total", 2, endpoint="probe", route="-", code="404")
    settled(watched, "nullpool_request_duration_seconds_count", 4, **route)
    assert value(watched, "nullpool_request_duration_seconds_bucket", le="+Inf", **route) == 4
    assert 0 < value(watched, "nullpool_request_duration_seconds_sum", **route) < 4


@pytest.mark.long
def test_names_do_not_grow_with_what_clients_send(watched):
    watched.client.get("/probe/rows?label=none")
    settled(watched, "nullpool_requests_total", 1, endpoint="probe", route="/probe/rows")
    before = samples(scrape(watched)).keys()
    for _ in range(20):
        watched.client.get(f"/probe/{uuid.uuid4()}")
        watched.client.get(f"/probe/rows?label={uuid.uuid4()}")
    settled(watched, "nullpool_requests_total", 20, endpoint="probe", route="-", code="404")
    new = {name for name, labels in samples(scrape(watched)).keys() - before if not {("route", "-"), ("route", "/metrics")} & labels}
    assert new == set()


def test_the_database_is_counted(serve):
    service = serve("metrics", "probe", DATABASE_CONNECTION="null", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0)
    for method, target in (("POST", "/probe/rows"), ("POST", "/probe/marked"), ("GET", "/probe/rows"), ("POST", "/probe/failing")):
        service.client.ask(method, f"{target}?label={uuid.uuid4()}")
    settled(service, "nullpool_transactions_total", 2, endpoint="probe", outcome="committed")
    settled(service, "nullpool_transactions_total", 1, endpoint="probe", outcome="rolled_back")
    # A worker adds its own counters once a second, also without another request.
    settled(service, "nullpool_connections_opened_total", 4, endpoint="probe")
    assert value(service, "nullpool_connects_total", endpoint="probe") == 4
    assert value(service, "nullpool_flights_total", endpoint="probe") >= 5
    for phase in ("tcp", "tls", "auth"):
        assert value(service, "nullpool_connect_seconds_total", endpoint="probe", phase=phase) > 0


@pytest.mark.long
def test_connections_ahead_are_used_or_wasted(serve, site):
    with FarAway(site.postgres.port, 0.001) as proxy:
        service = serve("metrics", "probe", DATABASE_URL=site.url(port=proxy.port), DATABASE_CONNECTION="ahead", DATABASE_AHEAD_TTL=1,
                        DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0)

        def used():
            """Ask again when the next connection is open: on a busy machine that takes longer than a request."""
            start_s = time.time()
            answer = service.client.get("/probe/rows?label=none")
            assert answer.status == 200
            wait_until("the next one", lambda: site.query(
                "SELECT 1 FROM pg_stat_activity WHERE usename = 'app_user' AND state = 'idle' AND pid <> %s"
                " AND backend_start > to_timestamp(%s)", service.line_of(answer)["backend_pid"], start_s), 20)
            return value(service, "nullpool_ahead_hits_total", endpoint="probe") > 0

        wait_until("one to be used", used)
        wait_until("the next one to be too old", lambda: proxy.open == 0, 10)
        # No request makes the worker tell it.
        wait_until("it to be told", lambda: value(service, "nullpool_ahead_wasted_total", endpoint="probe") >= 1, 5)


@pytest.mark.long
def test_a_connection_that_a_worker_wastes_by_ending_is_counted(serve):
    service = serve("metrics", "probe", DATABASE_CONNECTION="ahead", DATABASE_AHEAD_TTL=3600, DATABASE_POOL_SIZE=0, DATABASE_MAX_OVERFLOW=1,
                    WORKER_IDLE_TIMEOUT=1)
    service.client.get("/probe/rows?label=none")
    settled(service, "nullpool_ahead_wasted_total", 1, endpoint="probe")
    settled(service, "nullpool_connections_opened_total", 2, endpoint="probe")


@pytest.mark.parametrize("target", ["/probe/marked", "/probe/rows"])  # one keeps its rows for a repeat, the other its response
def test_a_repeat_is_counted_as_replayed_and_not_as_committed(serve, target):
    service = serve("metrics", "probe", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0)
    target, key = f"{target}?label={uuid.uuid4()}", str(uuid.uuid4())
    answers = [service.client.post(target, headers={"Idempotency-Key": key}) for _ in range(3)]
    assert [answer.status for answer in answers] == [201] * 3
    settled(service, "nullpool_transactions_total", 2, endpoint="probe", outcome="replayed")
    assert value(service, "nullpool_transactions_total", endpoint="probe", outcome="committed") == 1
    assert [service.line_of(answer)["outcome"] for answer in answers] == ["committed", "replayed", "replayed"]


@pytest.mark.long
def test_log_lines_lost_to_a_full_disk_are_counted_and_block_no_request(serve):
    service = serve("metrics", "probe", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0)
    endpoint = service.endpoints["probe"]
    endpoint.stop()
    with open("/dev/full", "wb") as full:
        endpoint.log = full
        endpoint.start()
        assert {service.client.get("/probe/rows?label=none").status for _ in range(5)} == {200}
        endpoint.log = service.log
        # One line for each request, and those of the start, which the master or its check of the database lost.
        wait_until("all to be told", lambda: value(service, "nullpool_log_lines_dropped_total", endpoint="probe") >= 6, 5)
        endpoint.stop()


def test_a_client_that_leaves_before_its_turn_is_counted(serve):
    service = serve("metrics", "probe", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0)
    path = service.run_dir / "probe.sock"
    with fastcgi.connect(path) as busy:
        busy.sendall(fastcgi.request("GET", "/probe/sleep?seconds=1"))
        wait_until("the worker to be busy", lambda: value(service, "nullpool_pool_checked_out", endpoint="probe") == 1, 5)
        with fastcgi.connect(path) as gone:
            gone.sendall(fastcgi.request("GET", "/probe/rows?label=none"))
        assert fastcgi.read_all(busy)[0].startswith(b"Status: 200")
    settled(service, "nullpool_clients_gone_total", 1, endpoint="probe")


@pytest.mark.parametrize("reason, password, port", [("authentication", "wrong", None), ("network", None, "free")])
def test_failed_connections_are_counted_by_reason(serve, site, reason, password, port):
    where = {name: number for name, number in (("password", password), ("port", free_port() if port else None)) if number}
    url = site.url(**where)
    service = serve("metrics", "probe", DATABASE_URL=url, DATABASE_CONNECTION="null", DATABASE_CONNECT_TIMEOUT=2)
    assert service.client.get("/probe/rows?label=none").status == 503
    settled(service, "nullpool_connection_failures_total", 1, endpoint="probe", reason=reason)
    assert value(service, "nullpool_connection_failures_total", endpoint="probe") == 1


def test_the_cache_is_counted(serve):
    service = serve("metrics", "users", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0)
    path = service.client.post("/users", {"email": f"{uuid.uuid4()}@example.com", "name": "Ada"}).headers["location"]
    for _ in range(3):
        assert service.client.get(path).status == 200
    settled(service, "nullpool_cache_requests_total", 1, endpoint="users", result="miss")
    settled(service, "nullpool_cache_requests_total", 2, endpoint="users", result="hit")


@pytest.mark.long
def test_it_answers_while_all_other_workers_are_busy(watched):
    watched.client.get("/probe/session")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(watched.client.get, "/probe/sleep?seconds=2") for _ in range(4)]
        wait_until("a full pool", lambda: value(watched, "nullpool_pool_checked_out", endpoint="probe") == 2, 5)
        assert value(watched, "nullpool_workers", endpoint="probe", state="busy") == 2
        assert value(watched, "nullpool_pool_overflow", endpoint="probe") == 1
        assert not any(answer.done() for answer in waiting)
        assert {answer.result().status for answer in waiting} == {200}
    settled(watched, "nullpool_queue_wait_seconds_count", 5, endpoint="probe")


def test_it_has_no_connection_to_the_database(serve, site):
    came = []
    with server(came.append) as port:
        service = serve("metrics", DATABASE_URL=site.url(port=port))
        assert scrape(service)
        assert came == [] and service.lines(event="connection budget") == []
        assert service.lines(event="database connected") == service.lines(event="database not connected") == []


def test_an_endpoint_whose_master_was_killed_is_down(watched):
    settled(watched, "nullpool_up", 1, endpoint="probe")
    endpoint = watched.expect_deaths().endpoints["probe"]
    os.kill(endpoint.pid, signal.SIGKILL)
    endpoint.stop()  # a zombie would still count as alive
    wait_until("it to be seen", lambda: value(watched, "nullpool_up", endpoint="probe") == 0, 5)
    assert value(watched, "nullpool_up", endpoint="metrics") == 1


def test_an_endpoint_that_ended_regularly_is_left_out(watched):
    settled(watched, "nullpool_up", 1, endpoint="probe")
    watched.endpoints["probe"].stop()
    assert 'endpoint="probe"' not in scrape(watched)


@pytest.mark.long
def test_promtool_finds_no_fault(watched):
    watched.client.post(f"/probe/rows?label={uuid.uuid4()}")
    result = promtool("check", "metrics", text=scrape(watched))
    assert (result.returncode, result.stdout + result.stderr) == (0, "")


def test_a_client_that_accepts_openmetrics_gets_it(watched):
    answer = watched.client.get("/metrics", headers={"Accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    text = answer.body.decode()
    assert text.endswith("\n# EOF\n") and "# TYPE nullpool_requests counter\n" in text
    assert watched.client.get("/metrics").headers["content-type"].startswith("text/plain; version=0.0.4")


def from_address(service, address):
    with socket.create_connection(("127.0.0.1", service.nginx.port), timeout=10, source_address=(address, 0)) as link:
        link.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return link.makefile("rb").read()


def test_only_this_machine_may_scrape(watched):
    assert from_address(watched, "127.0.0.1").startswith(b"HTTP/1.1 200")
    refused = from_address(watched, "127.0.0.2")
    assert refused.startswith(b"HTTP/1.1 403") and b"application/problem+json" in refused and b"nullpool_" not in refused


def test_other_addresses_may_be_allowed(watched):
    watched.nginx.stop()
    (watched.folder / "nginx" / "nullpool-metrics-prometheus.conf").write_text("allow 127.0.0.2;\n")
    watched.nginx.start()
    assert from_address(watched, "127.0.0.2").startswith(b"HTTP/1.1 200")
    assert from_address(watched, "127.0.0.3").startswith(b"HTTP/1.1 403")


# --- Prometheus itself ---


class Prometheus(Process):
    def __init__(self, home, target):
        super().__init__("Prometheus", home / "prometheus.log")
        self.home, self.port = home, free_port()
        (home / "prometheus.yml").write_text(json.dumps({
            "global": {"scrape_interval": "200ms"}, "rule_files": [str(MONITORING / "alerts.yml")],
            "scrape_configs": [{"job_name": "nullpool", "static_configs": [{"targets": [f"127.0.0.1:{target}"]}]}]}))

    def start(self):
        self.launch(["prometheus", f"--config.file={self.home}/prometheus.yml", f"--storage.tsdb.path={self.home}/data",
                     f"--web.listen-address=127.0.0.1:{self.port}"])
        self.wait_until("an answer", lambda: self.query("1"))

    def query(self, expression):
        """Return the samples of the result, or None if Prometheus does not answer."""
        where = f"http://127.0.0.1:{self.port}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"
        try:
            with urllib.request.urlopen(where, timeout=5) as answer:
                return json.load(answer)["data"]["result"]
        except (OSError, ValueError):
            return None


@pytest.fixture
def prometheus(watched, site):
    made = Prometheus(site.folder("prometheus"), watched.nginx.port)
    made.start()
    yield made
    made.stop()


def expressions():
    board = json.loads((MONITORING / "dashboard.json").read_text())
    return [target["expr"].replace("$__rate_interval", "1m") for panel in board["panels"] for target in panel["targets"]]


@pytest.mark.long
def test_prometheus_scrapes_it_and_the_dashboard_shows_it(watched, prometheus):
    def asked():
        watched.client.post(f"/probe/rows?label={uuid.uuid4()}")
        return prometheus.query('nullpool_requests_total{endpoint="probe",code="201"} > 2')

    wait_until("three requests to be scraped", asked, 30)
    assert [sample["value"][1] for sample in prometheus.query("up")] == ["1"]
    known = {sample["metric"]["__name__"] for sample in prometheus.query('{__name__=~"nullpool_.*"}')}
    for expression in expressions():
        assert prometheus.query(expression) is not None, expression
        assert set(re.findall(r"nullpool_\w+", expression)) <= known, expression
    wait_until("a rate", lambda: prometheus.query(expressions()[0]), 30)


@pytest.mark.long
def test_the_alert_rules_are_valid_and_name_existing_metrics(watched):
    result = promtool("check", "rules", MONITORING / "alerts.yml")
    assert result.returncode == 0, result.stdout + result.stderr
    watched.client.get("/probe/rows?label=none")
    settled(watched, "nullpool_requests_total", 1, endpoint="probe")
    known = {name for name, _ in samples(scrape(watched))}
    named = set(re.findall(r"nullpool_\w+", (MONITORING / "alerts.yml").read_text()))
    assert named and named <= known


@pytest.mark.long
@pytest.mark.parametrize("gone, alerts", [("0+1x30", []), ("0+20x30", [{"exp_labels": {"endpoint": "users", "severity": "warning"}}])])
def test_the_alert_for_leaving_clients_needs_many_of_them(site, gone, alerts):
    """100 requests a minute. A few clients always leave, since those who leave while the database works are counted too."""
    folder = site.folder(f"rules-{len(alerts)}")
    (folder / "test.yml").write_text(json.dumps({
        "rule_files": [str(MONITORING / "alerts.yml")],
        "tests": [{"interval": "1m",
                   "input_series": [{"series": 'nullpool_clients_gone_total{endpoint="users"}', "values": gone},
                                    {"series": 'nullpool_requests_total{endpoint="users",code="200"}', "values": "0+100x30"}],
                   "alert_rule_test": [{"eval_time": "20m", "alertname": "NullpoolClientsGone", "exp_alerts": [
                       {**alert, "exp_annotations": {"summary": "more than 5 % of the clients of users disconnect before the response"}}
                       for alert in alerts]}]}]}))
    result = promtool("test", "rules", folder / "test.yml")
    assert result.returncode == 0, result.stdout + result.stderr
