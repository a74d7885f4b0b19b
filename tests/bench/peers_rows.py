"""Measures GET and POST of a user for the floors, nullpool and its peers; peers_tables.py prints the results."""
import json
import re
import secrets
import statistics
import sys
import threading
import time
from collections import namedtuple

from options import PEER_ROUNDS, PEER_SECONDS, QUICK, ROWS, WORKERS
from programs import AHEAD, PER_REQUEST, PERSISTENT, ROOT, Naive, Nullpool, Verified
from env.local.process import Fault, stop_was_asked
from measure import Client, Memory, cpu_seconds, go_on, progress, rotated, wrk
from peer_programs import FastApi, Go, Node, Pdo
from peers_tables import CLIENTS, FLOOR, KINDS, TRIP_S, PeersTables, Seen

sys.path.insert(0, str(ROOT / "tests" / "system"))

from trips import FarAway  # noqa: E402

FLOORS = {"bare": "floor, one statement", "steps": "floor, naive", "pipelined": FLOOR}
AHEAD_NAME = "nullpool ahead"
WARM_UP_SECONDS = 0.2 if QUICK else 1.5  # Node compiles code that runs often
WARM = 10
REST_S = 0.1  # for requests that wrk broke off to end

TRIP_SAMPLES = 1 if QUICK else 7
STEADY_SECONDS = 0.5 if QUICK else 3
CALM_S = 5 * TRIP_S  # no round trip for this long: nothing is in progress
CLOSE_S, AHEAD_S = 5 * TRIP_S, 20 * TRIP_S  # until a connection is closed, and the next one opened ahead

# make(port): makes a program of class peer that reaches Postgres at port; workers: its number of serving processes.
Row = namedtuple("Row", "group name peer make workers")


def all_rows(site):
    rows = []

    def add(work, name, peer, workers, *arguments):
        group = "persistent" if work is PERSISTENT else "per-request"
        rows.append(Row(group, name, peer, lambda port=None: peer(site, work, *arguments, port=port), workers))
    for work in (PER_REQUEST, PERSISTENT):
        each = work is PER_REQUEST
        for form, name in FLOORS.items():
            add(work, name, Naive, WORKERS, WORKERS, form)
        add(work, "nullpool null" if each else "nullpool persistent", Nullpool, WORKERS, WORKERS)
        if each:
            add(work, "nullpool null, verify-full", Verified, WORKERS, WORKERS)
            add(AHEAD, AHEAD_NAME, Nullpool, WORKERS, WORKERS)
        add(work, "FastAPI NullPool" if each else "FastAPI pool", FastApi, FastApi.count)
        add(work, "PHP-FPM PDO new" if each else "PHP-FPM PDO persistent", Pdo, WORKERS, WORKERS)
        add(work, "Go pgx new" if each else "Go pgxpool", Go, Go.count)
        add(work, "Node pg Client" if each else "Node pg Pool", Node, Node.count)
    return [row for row in rows if row.name == FLOOR or re.search(ROWS, row.name)]


def new_user(name="Ada Lovelace"):
    return {"email": f"{secrets.token_hex(8)}@example.com", "name": name}


class PeersRows:
    def __init__(self, site, missing):
        self.site = site
        self.missing = missing
        self.seen = {}  # row: Seen

    def measure(self):
        rows = all_rows(self.site)
        for done, row in enumerate(rows):
            progress(f"round trips, {done + 1} of {len(rows)}: {row.name}")
            self.first_look(row)
        for turn in range(0 if "wrk" in self.missing else PEER_ROUNDS):
            for done, row in enumerate(rotated(list(self.seen), turn)):
                progress(f"peers, round {turn + 1} of {PEER_ROUNDS}, {done + 1} of {len(self.seen)}: {row.name}")
                self.rate(row)
        progress("")
        tables = PeersTables(self.seen)
        tables.print()
        return tables

    # --- round trips, and which rows are measured ---

    def first_look(self, row):
        """Measures a row's round trips if it answers correctly; otherwise prints why it is left out."""
        go_on()
        why, seen = self.missing.get(row.peer.peer), Seen()
        if not why:
            with FarAway(self.site.postgres.port, TRIP_S) as far:
                program = row.make(far.port)
                why = self.trips(row, program, far, seen)
                program.close()
            self.site.one_user()
        if why:
            progress("")
            print(f"{row.name} left out: {why}")
        else:
            self.seen[row] = seen

    def trips(self, row, program, far, seen):
        """Returns why the row is left out, or None."""
        try:
            program.start_with(row.workers)
        except Fault as fault:
            return str(fault)
        why = self.find_fault(row, program)
        for kind in () if why else KINDS:
            self.steady(program, kind, STEADY_SECONDS / 2)  # opens persistent connections in every worker
            seen.steady[kind], wrong = self.steady(program, kind, STEADY_SECONDS)
            seen.errors += wrong
            self.single(program, seen, kind, far)
        return why

    def find_fault(self, row, program):
        """Returns what is wrong with a row's answers, or None."""
        users, fields = program.prefix + "/users", {"id", "email", "name", "created_at", "updated_at"}
        user = new_user("Zoë \"Z\"")
        with Client(program) as client:
            for what, status, target, body in (
                    ("a user", 200, program.target, None), ("no user", 404, f"{users}/{'0' * 8}-0000-4000-8000-{'0' * 12}", None),
                    ("a new user", 201, users, user), ("the same user", 409, users, user)):
                if client.ask(target, status, body) is None:
                    return f"{what}: expected {status}, got {client.body.decode(errors='replace')[:200]!r}"
                shown = json.loads(client.body)
                if status < 300 and (set(shown) != fields or (body and {key: shown[key] for key in body} != body)):
                    return f"{what}: {client.body.decode(errors='replace')[:200]!r}"
            return self.wrong_connections(row, client)

    def wrong_connections(self, row, client):
        """Returns what is wrong with the connections before and after a request, or None. A request leaves
        no connection, with `persistent` the same ones, and with `ahead` others, because it has used one."""
        seen = []
        for _ in range(2):
            client.ask(client.program.target)
            time.sleep(AHEAD_S if row.name == AHEAD_NAME else CLOSE_S)
            seen.append(self.site.backends())
        before, after = seen
        right = (before and not before <= after if row.name == AHEAD_NAME else before and before <= after
                 if row.group == "persistent" else not before and not after)
        return None if right else (f"of {len(before)} connections before a request, {len(before & after)} were still open "
                                   f"after it, besides {len(after - before)} new ones")

    @staticmethod
    def ask(client, kind):
        """Returns the time of a request in round trips, or None."""
        program = client.program
        took = client.ask(program.target) if kind == "GET" else client.ask(program.prefix + "/users", 201, new_user())
        return took and took / 1000 / TRIP_S

    def steady(self, program, kind, seconds):
        """Returns ([round trips], errors) of requests while each of 8 clients always has one running."""
        took, end = [], time.monotonic() + seconds

        def ask_on():
            with Client(program) as client:
                while time.monotonic() < end and not stop_was_asked():
                    took.append(self.ask(client, kind))
        threads = [threading.Thread(target=ask_on) for _ in range(max(CLIENTS))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        go_on()
        return [trips for trips in took if trips is not None], took.count(None)

    def single(self, program, seen, kind, far):
        with Client(program) as client:
            self.wait_for_calm(far)
            for _ in range(TRIP_SAMPLES):
                go_on()
                far.forget()
                trips = self.ask(client, kind)
                self.wait_for_calm(far)
                if trips is None:
                    seen.errors += 1
                else:
                    seen.add(seen.waited, kind, trips)
                    seen.add(seen.counted, kind, far.trips)

    @staticmethod
    def wait_for_calm(far):
        """Waits until nothing is in progress, including connections that are opened ahead."""
        trips = None
        while trips != far.trips:
            go_on()
            trips = far.trips
            time.sleep(CALM_S)

    # --- requests/s, latency, CPU, memory ---

    def rate(self, row):
        go_on()
        program, seen = row.make(), self.seen[row]
        program.start_with(row.workers)
        with Client(program) as client:
            if None in [client.ask(program.target) for _ in range(WARM)]:
                raise Fault(f"{row.name} did not answer GET {program.target}")
        for kind in KINDS:
            self.run_wrk(program, kind, max(CLIENTS), WARM_UP_SECONDS)
        for clients in CLIENTS:
            for kind in KINDS:
                self.one_load(program, seen, kind, clients)
        workers = [Memory(pid).pss for pid in program.workers()]
        seen.worker_kib.append(statistics.median(workers))
        seen.total_kib.append(sum(Memory(pid).pss for pid in program.processes()))
        program.close()
        self.site.one_user()
        self.site.trim_logs()

    @staticmethod
    def run_wrk(program, kind, clients, seconds):
        target, prefix = (program.target, None) if kind == "GET" else (program.prefix + "/users", secrets.token_hex(8))
        return wrk(program, seconds, clients, target, prefix)

    def one_load(self, program, seen, kind, clients):
        pids = (program.pid, self.site.postgres.pid)
        time.sleep(REST_S)
        before = [cpu_seconds(pid) for pid in pids]
        load = self.run_wrk(program, kind, clients, PEER_SECONDS)
        time.sleep(REST_S)
        spent = [cpu_seconds(pid) - start for pid, start in zip(pids, before)]
        seen.errors += load.errors
        seen.add(seen.rates, (kind, clients), load.rate)
        seen.add(seen.p50, (kind, clients), load.p50_ms)
        seen.add(seen.p99, (kind, clients), load.p99_ms)
        if clients == max(CLIENTS) and load.requests:
            # 1 s for n requests is 1,000,000 / n ms for 1,000 requests.
            seen.add(seen.cpu, kind, spent[0] * 1e6 / load.requests)
            seen.add(seen.postgres_cpu, kind, spent[1] * 1e6 / load.requests)
