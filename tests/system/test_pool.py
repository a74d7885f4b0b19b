"""The process pool is the connection pool: it grows while connections wait, shrinks when none do, and loses no request."""
import concurrent.futures
import contextlib
import datetime
import os
import pathlib
import random
import re
import resource
import signal
import subprocess
import threading
import time
import uuid

import pytest

import fastcgi
from env.local.endpoint import Endpoint, run_dir_for
from env.local.process import wait_until
from conftest import BUILD, children, only_child, program, settled_children


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def settled(service, name, count):
    """Waits until an endpoint has `count` workers and its start-up check, a child too, is over. Returns the workers."""
    pid = service.endpoints[name].pid
    if name != "root" and count > 0:  # a program with a database that keeps workers
        wait_until("the start-up check", lambda: service.lines(endpoint=name, event="database connected"), 15)
    return settled_children(pid, count) if count else wait_until("no worker", lambda: not children(pid), 15)


def at_once(service, target, count, **more):
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda _: service.client.get(target, **more), range(count)))


@contextlib.contextmanager
def counted_workers(endpoint):
    """A list to which the number of workers is appended, over and over while the block runs."""
    seen, done = [0], threading.Event()

    def look():
        # The kernel lists one child after the other: one that ended and its successor may both be in a list. Those that
        # are in two lists in a row were there together.
        before = set()
        while not done.is_set():
            now = set(children(endpoint.pid))
            seen.append(len(before & now))
            before = now
            time.sleep(0.005)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield seen
    finally:
        done.set()
        watcher.join()


# --- growing and shrinking ---


def test_from_zero_to_the_most_and_back(serve):
    service = serve("probe", DATABASE_POOL_SIZE=0, DATABASE_MAX_OVERFLOW=6, WORKER_IDLE_TIMEOUT=1)
    settled(service, "probe", 0)
    assert service.client.get("/probe/session").status == 200
    with counted_workers(service.endpoints["probe"]) as seen:
        answers = at_once(service, "/probe/sleep?seconds=0.3", 40)
    assert [answer.status for answer in answers] == [200] * 40
    assert max(seen) == 6
    settled(service, "probe", 0)
    assert service.client.get("/probe/session").status == 200


@pytest.mark.long
def test_kept_workers_stay_and_the_overflow_leaves(serve):
    service = serve("probe", DATABASE_POOL_SIZE=2, DATABASE_MAX_OVERFLOW=3, WORKER_IDLE_TIMEOUT=1)
    kept = settled(service, "probe", 2)
    assert {answer.status for answer in at_once(service, "/probe/sleep?seconds=0.3", 10)} == {200}
    assert sorted(settled(service, "probe", 2)) == sorted(kept)


@pytest.mark.long
def test_who_waited_too_long_is_refused_with_retry_after(serve):
    service = serve("probe", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0, DATABASE_POOL_TIMEOUT=1)
    answers = at_once(service, "/probe/sleep?seconds=1.5", 3)
    assert sorted(answer.status for answer in answers) == [200, 503, 503]
    refused = next(answer for answer in answers if answer.status == 503)
    assert refused.problem()["detail"] == "All workers were busy for too long"
    assert int(refused.headers["retry-after"]) > 0
    assert "backend_pid" not in service.line_of(refused)


def test_a_full_queue_is_503_and_may_be_tried_again(serve):
    service = serve("probe", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0)
    worker = settled(service, "probe", 1)[0]
    os.kill(worker, signal.SIGSTOP)
    socket_ = service.endpoints["probe"].listener
    socket_.listen(0)
    with fastcgi.connect(service.run_dir / "probe.sock"):  # takes the only place in the queue
        answer = service.client.get("/probe/session")
        os.kill(worker, signal.SIGCONT)
    socket_.listen(511)
    assert answer.status == 503 and answer.problem()
    assert int(answer.headers["retry-after"]) > 0
    assert service.client.get("/probe/session").status == 200


@pytest.mark.long
def test_a_wait_counts_against_the_requests_deadline(serve):
    service = serve("probe", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0, REQUEST_TIMEOUT=8)
    start = time.monotonic()
    answers = at_once(service, "/probe/sleep?seconds=4.5", 2)
    assert sorted(answer.status for answer in answers) == [200, 504]
    assert time.monotonic() - start < 20


@pytest.mark.long
def test_a_request_whose_client_has_gone_is_not_run(serve):
    service = serve("probe", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0)
    label = f"gone-{uuid.uuid4()}"
    path = service.run_dir / "probe.sock"
    with fastcgi.connect(path) as busy:
        busy.sendall(fastcgi.request("GET", "/probe/sleep?seconds=1"))
        running = "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep%%'"
        wait_until("the worker to be busy", lambda: service.site.query(running), 5)
        with fastcgi.connect(path) as gone:
            gone.sendall(fastcgi.request("POST", f"/probe/rows?label={label}"))
        assert fastcgi.read_all(busy)[0].startswith(b"Status: 200")
    assert service.client.get("/probe/session").status == 200
    assert service.lines(event="client gone before its turn")
    assert service.site.query("SELECT count(*) FROM probe_rows WHERE label = %s", label) == [(0,)]


def test_health_counts_the_overflow_and_the_busy(serve):
    service = serve("health", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=2)
    database = service.client.get("/health").json()["components"]["database"]
    assert (database["pool_size"], database["pool_overflow"], database["pool_checked_out"]) == (1, 0, 1)


def test_no_worker_at_all_is_a_wrong_setting(site):
    done = subprocess.run([program("users"), "--settings"], capture_output=True, text=True, check=False,
                          env=site.environment(DATABASE_POOL_SIZE=0, DATABASE_MAX_OVERFLOW=0))
    assert done.returncode == 78 and "DATABASE_MAX_OVERFLOW" in done.stderr


@pytest.mark.long
def test_the_master_leaves_when_nobody_comes(serve):
    # Nothing starts it again here, so the request has to come before it leaves.
    service = serve("root", DATABASE_POOL_SIZE=0, WORKER_IDLE_TIMEOUT=1, MASTER_IDLE_TIMEOUT=5)
    assert service.client.get("/").status == 200
    endpoint = service.endpoints["root"]
    wait_until("the master to end", lambda: not endpoint.running, 20)
    assert endpoint.returncode == 0


# --- what dies ---


def test_a_worker_killed_in_a_write_leaves_no_half_and_the_next_request_works(serve):
    service = serve("probe", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0).expect_deaths()
    label = f"slow-commit-{uuid.uuid4()}"
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(service.client.post, f"/probe/rows?label={label}")
        committing = "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query = 'COMMIT'"
        wait_until("the commit", lambda: service.site.query(committing), 5)
        os.kill(only_child(service.endpoints["probe"].pid), signal.SIGKILL)
        answer = waiting.result()
    assert answer.status == 502 and answer.problem()
    assert service.client.get("/probe/session").status == 200
    line = service.lines(event="worker died")[0]
    assert (line["signal"], line["route"]) == (9, "POST /probe/rows")
    count = service.site.query("SELECT count(*) FROM probe_rows WHERE label = %s", label)[0][0]
    assert count in (0, 1)  # the commit was not acknowledged, so either is right


@pytest.mark.long
def test_a_stopped_worker_is_killed_and_replaced(serve):
    service = serve("probe", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0, REQUEST_TIMEOUT=1)
    worker = settled(service, "probe", 1)[0]
    os.kill(worker, signal.SIGSTOP)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(service.client.get, "/probe/sleep?seconds=5")
        # A stopped worker cannot take the connection. It is stopped again after it has.
        os.kill(worker, signal.SIGCONT)
        running = "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep%%'"
        wait_until("the worker to be busy", lambda: service.site.query(running), 5)
        os.kill(worker, signal.SIGSTOP)
        start = time.monotonic()
        answer = waiting.result()
    assert answer.status in (502, 504) and answer.problem()
    assert time.monotonic() - start < 1 + 2.5 + 2
    assert service.client.get("/probe/session").status == 200
    line = service.lines(event="worker killed, past its deadline")[0]
    assert line["route"] == "GET /probe/sleep"


def functions(frames):
    """The names of the functions in the program's own frames, by its debugging information."""
    offsets = re.findall(r"probe\+(0x[0-9a-f]+)", frames)
    named = subprocess.run(["addr2line", "-f", "-i", "-e", program("probe"), *offsets], capture_output=True, text=True, check=True)
    return named.stdout.splitlines()[::2]


def test_a_loop_in_a_handler_is_ended_and_says_where_it_was(serve):
    service = serve("probe", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0, REQUEST_TIMEOUT=1)
    answer = service.client.get("/probe/loop")
    assert answer.status in (502, 504)
    wait_until("the backtrace", lambda: service.lines(event="backtrace"), 5)
    line = service.lines(event="backtrace")[0]
    killed = service.lines(event="worker killed, past its deadline")[0]
    assert (line["level"], line["pid"]) == ("error", killed["worker_pid"])
    assert (line["route"], line["request_id"]) == (killed["route"], killed["request_id"]) == ("GET /probe/loop", answer.headers["x-request-id"])
    names = functions(line["frames"])
    assert names.index("loop_forever") < names.index("worker_run") < names.index("np_main_versioned"), line
    assert service.client.get("/probe/session").status == 200
    assert service.lines(event="worker died") == []  # the master killed it


@pytest.mark.long
def test_a_loop_in_the_heap_says_where_it_was_too(serve):
    """SIGABRT finds it in malloc() or free(), with the lock of the heap: the handler needs no heap."""
    service = serve("probe", DATABASE_POOL_SIZE=2, DATABASE_MAX_OVERFLOW=0, REQUEST_TIMEOUT=1)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: service.client.get("/probe/churn"), range(2)))
    assert {answer.status for answer in answers} <= {502, 504}
    wait_until("each backtrace", lambda: len(service.lines(event="backtrace")) == 2, 5)
    assert all("churn_heap" in functions(line["frames"]) for line in service.lines(event="backtrace"))
    assert service.client.get("/probe/session").status == 200


def test_an_abort_of_a_worker_is_told_with_its_place(serve):
    service = serve("probe", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0).expect_deaths()
    assert service.client.get("/probe/abort").status == 502
    wait_until("its death", lambda: service.lines(event="worker died"), 5)
    assert "abort_process" in functions(service.lines(event="backtrace")[0]["frames"])
    died = service.lines(event="worker died")[0]
    assert (died["signal"], died["route"]) == (signal.SIGABRT, "GET /probe/abort")


@pytest.mark.long
def test_a_crash_loop_is_quiet_and_heals_without_help(serve):
    """Workers have too few descriptors to start: the pauses between them grow, and the first that can start serves."""
    service = serve("root", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0).expect_deaths()
    master = service.endpoints["root"].pid
    worker = settled(service, "root", 1)[0]
    limits = resource.prlimit(master, resource.RLIMIT_NOFILE)
    resource.prlimit(master, resource.RLIMIT_NOFILE, (6, limits[1]))
    os.kill(worker, signal.SIGKILL)
    wait_until("five deaths", lambda: len(service.lines(event="worker died", exit_code=70)) >= 5, 15)
    times = [datetime.datetime.fromisoformat(line["time"].replace("Z", "+00:00"))
             for line in service.lines(event="worker died", exit_code=70)]
    pauses = [(later - sooner).total_seconds() for sooner, later in zip(times, times[1:])]
    assert pauses == sorted(pauses) and pauses[3] > 3 * pauses[0]
    assert service.endpoints["root"].running
    resource.prlimit(master, resource.RLIMIT_NOFILE, limits)
    assert service.client.get("/").status == 200


@pytest.mark.long
def test_a_worker_that_hangs_while_idle_is_found_and_replaced(serve):
    service = serve("root", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=1)
    worker = settled(service, "root", 1)[0]
    os.kill(worker, signal.SIGSTOP)
    assert service.client.get("/").status == 200
    assert service.lines(event="worker killed, it took no connection")


def watches_listener(pid):
    """True if one of the process's epolls watches its standard input, which is the socket."""
    for path in pathlib.Path(f"/proc/{pid}/fdinfo").iterdir():
        with contextlib.suppress(FileNotFoundError):  # it was closed meanwhile
            if re.search(r"^tfd: +0 ", path.read_text(), re.M):
                return True
    return False


@pytest.mark.long
def test_only_the_idle_worker_that_hangs_is_killed(serve):
    """It has a connection opened ahead. The others are idle and healthy, and leave the listener to it."""
    service = serve("probe", DATABASE_CONNECTION="ahead", DATABASE_AHEAD_TTL=60, DATABASE_POOL_SIZE=3, DATABASE_MAX_OVERFLOW=0)
    workers = settled(service, "probe", 3)
    assert service.client.get("/probe/session").status == 200
    wait_until("one of them to be ready", lambda: len(list(filter(watches_listener, workers))) == 1, 10)
    (hung,) = filter(watches_listener, workers)
    os.kill(hung, signal.SIGSTOP)
    assert service.client.get("/probe/session").status == 200
    assert [line["worker_pid"] for line in service.lines(event="worker killed, it took no connection")] == [hung]
    assert set(workers) - {hung} < set(settled(service, "probe", 3))


@pytest.mark.long
def test_a_process_for_each_request_stays_within_the_most(serve):
    service = serve("probe", DATABASE_POOL_SIZE=2, DATABASE_MAX_OVERFLOW=2, WORKER_MAX_REQUESTS=1)
    endpoint = service.endpoints["probe"]
    settled(service, "probe", 2)
    with counted_workers(endpoint) as seen:
        answers = at_once(service, "/probe/sleep?seconds=0.1", 30)
    assert {answer.status for answer in answers} == {200}
    assert max(seen) <= 4
    assert not endpoint.stop() and endpoint.returncode == 0


# --- signals ---


class Load:
    """A steady load of quick and slow requests from several clients, and the answers."""

    def __init__(self, service, clients=6):
        self.service = service
        self.done = threading.Event()
        self.bad = []
        self.labels = []
        self.threads = [threading.Thread(target=self.run, args=(i,)) for i in range(clients)]

    def run(self, i):
        while not self.done.is_set():
            try:
                if i % 3 == 0:
                    answer = self.service.client.get("/probe/sleep?seconds=0.05")
                    good = answer.status == 200
                else:
                    label = str(uuid.uuid4())
                    answer = self.service.client.post(f"/probe/rows?label={label}")
                    good = answer.status == 201
                    self.labels.append(label)
            except OSError as error:
                good, answer = False, error
            if not good:
                self.bad.append(answer)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        for thread in self.threads:
            thread.join()

    def check(self):
        assert self.bad == []
        rows = self.service.site.query(
            "SELECT count(*), count(DISTINCT label) FROM probe_rows WHERE label = ANY(%s)", self.labels)
        assert rows == [(len(self.labels), len(self.labels))]


@pytest.mark.long
@pytest.mark.parametrize("how", ["restart", "reload"])
def test_twenty_restarts_and_reloads_under_load_lose_and_double_nothing(serve, how):
    service = serve("probe", DATABASE_POOL_SIZE=2, DATABASE_MAX_OVERFLOW=4)
    endpoint = service.endpoints["probe"]
    with Load(service) as load:
        for _ in range(20):
            if how == "restart":
                endpoint.restart()
            else:
                before = len(service.lines(event="started"))
                endpoint.send(signal.SIGHUP)
                wait_until("the new program", lambda: len(service.lines(event="started")) > before, 15)
            answered = len(load.labels)
            wait_until("more answers", lambda: len(load.labels) > answered + 3, 15)
    load.check()
    assert len(load.labels) > 60
    assert not service.lines(event="worker died")


def with_a_file(serve, text):
    """Returns a service with one program that reads its settings from a file, the program, and the file."""
    service = serve("root", DATABASE_POOL_SIZE=1)
    env_file = service.folder / "settings.env"
    env_file.write_text(text)
    env_file.chmod(0o600)
    endpoint = service.endpoints["root"]
    endpoint.stop()
    endpoint.environment["NULLPOOL_ENV_FILE"] = str(env_file)
    endpoint.start()
    return service, endpoint, env_file


def test_a_reload_keeps_the_pid_and_takes_new_settings(serve):
    service, endpoint, env_file = with_a_file(serve, "APP_NAME=before\n")
    assert service.client.get("/").json()["message"] == "before"
    pid = endpoint.pid
    env_file.write_text("APP_NAME=after\n")
    endpoint.send(signal.SIGHUP)
    wait_until("the new settings", lambda: service.client.get("/").json()["message"] == "after", 10)
    assert endpoint.running and endpoint.pid == pid
    endpoint.stop()
    assert endpoint.returncode == 0


def test_many_reloads_at_once_end_with_the_last_settings(serve):
    service, endpoint, env_file = with_a_file(serve, "APP_NAME=first\n")
    assert service.client.get("/").status == 200
    for i in range(20):
        env_file.write_text(f"APP_NAME=number {i}\n")
        endpoint.send(signal.SIGHUP)
    wait_until("the last settings", lambda: service.client.get("/").json()["message"] == "number 19", 10)


def test_a_reload_with_wrong_settings_leaves_the_old_one_serving_and_says_why(serve):
    service, endpoint, env_file = with_a_file(serve, "APP_NAME=before\n")
    assert service.client.get("/").status == 200
    env_file.write_text("DATABASE_POOL_TIMEOUT=never\n")
    endpoint.send(signal.SIGHUP)
    wait_until("the refusal", lambda: service.lines(event="not reloaded"), 10)
    assert service.lines(event="wrong setting")[0]["detail"].startswith("DATABASE_POOL_TIMEOUT: ")
    assert service.client.get("/").json()["message"] == "before"


def test_a_reload_lets_what_runs_end(serve):
    service = serve("probe", DATABASE_POOL_SIZE=1)
    endpoint = service.endpoints["probe"]
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(service.client.get, "/probe/sleep?seconds=1.5")
        running = "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep%%'"
        wait_until("the worker to be busy", lambda: service.site.query(running), 5)
        endpoint.send(signal.SIGHUP)
        wait_until("the new program", lambda: len(service.lines(event="started")) == 2, 10)
        assert service.client.get("/probe/session").status == 200
        endpoint.stop()
        assert endpoint.returncode == 0
        assert waiting.result().status == 200


@pytest.mark.long
def test_a_stopped_worker_of_an_earlier_program_is_no_orphan(serve):
    service = serve("probe", DATABASE_POOL_SIZE=1, REQUEST_TIMEOUT=1)
    endpoint = service.endpoints["probe"]
    worker = settled(service, "probe", 1)[0]
    os.kill(worker, signal.SIGSTOP)
    for count in (2, 3):
        endpoint.send(signal.SIGHUP)
        wait_until("the new program", lambda: len(service.lines(event="started")) == count, 10)
    assert service.client.get("/probe/session").status == 200
    endpoint.stop()
    assert endpoint.returncode == 0 and not alive(worker)


@pytest.mark.long
def test_a_worker_of_an_earlier_program_that_crashes_is_seen(serve):
    service = serve("probe", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=1).expect_deaths()
    endpoint = service.endpoints["probe"]
    worker = settled(service, "probe", 1)[0]
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(service.client.get, "/probe/sleep?seconds=4")
        running = "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep%%'"
        wait_until("the worker to be busy", lambda: service.site.query(running), 5)
        endpoint.send(signal.SIGHUP)
        wait_until("the new program", lambda: len(service.lines(event="started")) == 2, 10)
        os.kill(worker, signal.SIGABRT)
        assert waiting.result().status == 502
    wait_until("its death in the log", lambda: service.lines(event="worker died", worker_pid=worker, signal=signal.SIGABRT), 10)
    assert service.client.get("/probe/session").status == 200


def test_a_parent_that_ignores_the_end_of_children_makes_no_difference(site, serve):
    ignoring = site.folder("ignoring") / "probe"
    ignoring.write_text(f"#!/bin/sh\nexec env --ignore-signal=CHLD {program('probe').absolute()}\n")
    ignoring.chmod(0o755)
    service = serve(ignoring, DATABASE_POOL_SIZE=1).expect_deaths()
    worker = settled(service, "probe", 1)[0]
    os.kill(worker, signal.SIGABRT)
    wait_until("its death in the log", lambda: service.lines(event="worker died", worker_pid=worker), 10)
    assert service.client.get("/probe/session").status == 200


@pytest.mark.long
def test_signals_at_random_moments_always_end_it_with_0_and_leave_no_orphan(site):
    folder = site.folder("signals")
    path = run_dir_for(folder / "run")
    environment = site.environment(DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=2)
    dice = random.Random(4711)
    with open(folder / "programs.log", "ab") as log:
        endpoint = Endpoint("root", program("root"), path, environment, log)
        for i in range(500):
            endpoint.start()
            if i % 2:  # a client asks, and does not wait for the answer
                with fastcgi.connect(endpoint.path) as link:
                    link.sendall(fastcgi.request("GET", "/"))
            # Any moment from before main() to after the first request.
            time.sleep(dice.random() * 0.04 if i % 10 else 0)
            wait_until("its own signal handling", lambda: blocks_term(endpoint.pid), 5)
            workers = children(endpoint.pid)
            endpoint.stop(dice.choice([signal.SIGTERM, signal.SIGINT]))
            assert endpoint.returncode == 0
            assert not any(alive(pid) for pid in workers)
        endpoint.close()


def blocks_term(pid):
    """True if the process blocks SIGTERM; before, the kernel ends it with that signal. The process has to block SIGTERM alone:
    glibc blocks all signals for a moment when it starts."""
    with open(f"/proc/{pid}/status") as status:
        blocked = next(line.split()[1] for line in status if line.startswith("SigBlk:"))
    term, other = (int(blocked, 16) >> (number - 1) & 1 for number in (signal.SIGTERM, signal.SIGUSR1))
    return term and not other


# --- the scoreboard and the budget ---


def test_the_scoreboard_is_a_file_beside_the_socket(serve):
    service = serve("root")
    board = service.run_dir / "root.board"
    assert board.stat().st_mode & 0o777 == 0o640
    assert b"root\0" in board.read_bytes()[:200]


def test_the_budget_of_all_endpoints_is_held_against_the_server(serve):
    service = serve("root", "health", "users", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=79)  # root uses no database
    wait_until("both budgets", lambda: len(service.lines(event="connection budget")) == 2, 30)
    last = service.lines(event="connection budget")[-1]
    assert (last["endpoint_connections"], last["all_endpoints_connections"]) == (80, 160)
    assert last["server_connections"] == 97 and last["level"] == "warning"


def file_kib(pid):
    """The size of the process's pages that are unchanged from their files."""
    with open(f"/proc/{pid}/smaps_rollup") as rollup:
        sizes = {line.split(":")[0]: int(line.split()[1]) for line in rollup if line.endswith("kB\n")}
    return sizes["Rss"] - sizes["Anonymous"]


@pytest.mark.skipif(BUILD.name == "asan", reason="a sanitizer has pages of its own")
def test_a_quiet_master_gives_back_what_only_its_start_needed(serve):
    """Loading and relocating touch most of the libraries: 6 MiB or more."""
    service = serve("probe", DATABASE_POOL_SIZE=0, DATABASE_MAX_OVERFLOW=1)
    pid = service.endpoints["probe"].pid
    wait_until("the pages to go", lambda: file_kib(pid) < 2048, 5)
    assert service.client.get("/probe/session").status == 200
    assert service.client.get("/probe/session").status == 200
