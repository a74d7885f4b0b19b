"""The ledger: clients write numbered rows while everything that they need is broken on purpose.

Clients write through nginx, half of them with an Idempotency-Key, and record the answers. Meanwhile, at random and one after
the other, workers are killed, the database is stopped, killed and started, the pool is reloaded, connections are cut.
Afterwards, the table must have
    one row         for a write that was acknowledged,
    none            for one that was refused (4xx, 503 without "outcome": "unknown", 504),
    at most one     for one that is unknown: 503 with "outcome": "unknown", or 502, when the answer broke off. With a key, the
                    client repeats the write until it is acknowledged, so that there is one row.
"""
import contextlib
import http.client
import os
import random
import signal
import threading
import time
import uuid
from collections import Counter as Tally
from dataclasses import dataclass, field

import ground
from env.local.process import Fault, wait_until

import conftest
import faults

WAYS = ["/ledger", "/ledger/plain", "/ledger/two"]
CLIENTS = 6
SETTINGS = {"DATABASE_POOL_SIZE": 2, "DATABASE_MAX_OVERFLOW": 3, "REQUEST_TIMEOUT": 6, "DATABASE_CONNECT_TIMEOUT": 3,
            "DATABASE_COMMAND_TIMEOUT": 4}
RESOLVE_S = 60
FAULTS = ["kill worker", "kill worker", "stop database", "kill database", "reload", "cut lines", "cut lines", "cut answers"]


@dataclass
class Entry:
    number: int
    key: str | None
    path: str
    result: str = "nothing"  # acknowledged, refused, unknown
    repeats: int = 0
    answers: list = field(default_factory=list)


@dataclass
class Outcome:
    mode: str
    seed: int
    seconds: float = 0
    results: Tally = field(default_factory=Tally)
    faults: Tally = field(default_factory=Tally)
    statuses: Tally = field(default_factory=Tally)
    repeated: int = 0
    found: list = field(default_factory=list)


class Writer(threading.Thread):
    """A client that writes."""

    def __init__(self, ledger, seed):
        super().__init__(daemon=True)
        self.ledger = ledger
        self.dice = random.Random(seed)
        self.entries = []

    def run(self):
        while not self.ledger.ended.is_set():
            if self.one() == "refused":
                time.sleep(self.dice.random() * 0.05)

    def one(self):
        key = str(uuid.uuid4()) if self.dice.random() < 0.5 else None
        entry = Entry(self.ledger.numbers.next(), key, self.dice.choice(WAYS))
        self.entries.append(entry)
        self.write(entry)
        return entry.result

    def write(self, entry):
        deadline = time.monotonic() + RESOLVE_S
        while True:
            entry.result = self.once(entry)
            # A repeat that is refused does not settle an unknown write.
            unknown = entry.result == "unknown" or (entry.result == "refused" and entry.repeats > 0)
            if not entry.key or not unknown:
                return
            if time.monotonic() > deadline:
                entry.result = "unknown"
                return
            entry.repeats += 1
            time.sleep(self.dice.random() * 0.2)

    def once(self, entry):
        headers = {"Idempotency-Key": entry.key} if entry.key else {}
        try:
            answer = self.ledger.service.client.post(f"{entry.path}?number={entry.number}", headers=headers, timeout=30)
        except (OSError, http.client.HTTPException) as error:
            entry.answers.append(f"{error!r}")
            self.ledger.find(f"row {entry.number}: no answer from nginx: {error!r}")
            return "unknown"
        entry.answers.append(answer.status)
        return self.meaning(entry, answer)

    def meaning(self, entry, answer):
        if answer.status == 201:
            return "acknowledged"
        try:
            problem = answer.problem()
        except (AssertionError, KeyError, ValueError):
            self.ledger.find(f"row {entry.number}: no problem document: {answer}")
            return "unknown"
        if answer.status == 502 or problem.get("outcome") == "unknown":
            return "unknown"
        # nginx sends 504 by itself when a program exceeds its longest timeout.
        if answer.status not in (409, 503, 504):
            self.ledger.find(f"row {entry.number}: {answer}")
        return "refused"


class Breaker:
    """Breaks the servers, in an order that the seed determines. Runs in the main thread, which starts processes."""

    def __init__(self, ledger, seed):
        self.ledger = ledger
        self.dice = random.Random(seed)

    def run(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(self.dice.uniform(0.05, 0.8))
            fault = self.dice.choice(FAULTS)
            getattr(self, fault.replace(" ", "_"))()
            self.ledger.outcome.faults[fault] += 1

    def kill_worker(self):
        workers = conftest.children(self.ledger.endpoint.pid)
        if workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.dice.choice(workers), signal.SIGKILL)

    def stop_database(self):
        self.ledger.postgres.stop("fast")
        time.sleep(self.dice.uniform(0, 0.5))
        self.ledger.postgres.start()

    def kill_database(self):
        self.ledger.postgres.stop("immediate")
        time.sleep(self.dice.uniform(0, 0.5))
        self.ledger.postgres.start()

    def reload(self):
        self.ledger.endpoint.send(signal.SIGHUP)

    def cut_lines(self):
        self.ledger.line.end_open_ones(self.dice.random() < 0.5)

    def cut_answers(self):
        """The server's answers are lost for a moment, then the connection is cut."""
        self.ledger.line.fault = faults.answers_dropped
        time.sleep(self.dice.uniform(0, 0.1))
        self.ledger.line.end_open_ones(True)
        self.ledger.line.fault = faults.passing


class Ledger:
    """Tests one connection mode for a given time."""

    def __init__(self, site, postgres, mode, seed):
        self.outcome = Outcome(mode, seed)
        self.postgres = postgres
        self.line = None
        self.numbers = ground.Counter(time.time_ns())
        self.ended = threading.Event()
        self.site = site
        self.mode = mode

    def find(self, what):
        self.outcome.found.append(f"ledger {self.mode}: {what}")

    def run(self, seconds):
        begun = time.monotonic()
        with faults.line(self.postgres.port) as self.line:
            self.service = conftest.Service(self.site, ["ledger"], DATABASE_CONNECTION=self.mode,
                                            DATABASE_URL=ground.url(self.site, self.line.entrance), **SETTINGS).expect_deaths()
            self.endpoint = self.service.endpoints["ledger"]
            try:
                self.service.start()
                writers = self.write(seconds)
            finally:
                self.service.stop()
        self.check([entry for writer in writers for entry in writer.entries])
        self.outcome.seconds = time.monotonic() - begun
        return self.outcome

    def write(self, seconds):
        writers = [Writer(self, f"{self.outcome.seed}-{self.mode}-{i}") for i in range(CLIENTS)]
        for writer in writers:
            writer.start()
        try:
            Breaker(self, f"{self.outcome.seed}-{self.mode}").run(seconds)
        finally:
            self.ended.set()
            for writer in writers:
                writer.join(2 * RESOLVE_S)
        if any(writer.is_alive() for writer in writers):
            self.find("a client is still waiting")
        last = Writer(self, "last")
        with contextlib.suppress(Fault):
            wait_until("a write to be acknowledged", lambda: last.one() == "acknowledged", RESOLVE_S)
        if not last.entries or last.entries[-1].result != "acknowledged":
            self.find(f"afterwards: {last.entries[-1:]}")
        return [*writers, last]

    # --- afterwards ---

    def rows(self):
        with contextlib.closing(self.postgres.admin("app")) as link, link.cursor() as cursor:
            cursor.execute("SELECT number, count(*) FROM ledger_rows GROUP BY number")
            return dict(cursor.fetchall())

    def check(self, entries):
        rows = self.rows()
        for entry in entries:
            present = rows.get(entry.number, 0)
            allowed = {"acknowledged": (1,), "refused": (0,), "unknown": (0, 1)}[entry.result]
            if entry.key and entry.result == "unknown":
                self.find(f"row {entry.number} with a key remained unknown: {entry.answers}")
            if present not in allowed:
                self.find(f"row {entry.number} ({entry.path}, key {bool(entry.key)}): {entry.answers}, "
                          f"so it is {entry.result}, but the table has it {present} times")
            self.outcome.results[entry.result] += 1
            self.outcome.statuses.update(entry.answers)
            self.outcome.repeated += entry.repeats > 0
