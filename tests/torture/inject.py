"""Failure injection: the Nth call of one kind fails (fail.c), for each N, and the program must survive it.

After each fault: every answer is complete and documented, or its worker exited with 70 and was replaced; nothing exceeds its
deadline; each write did what its answer said; the next request succeeds; no descriptor and no server connection leaks; the log
has nothing but JSON; the program ends on SIGTERM.
"""
import contextlib
import json
import os
import signal
import subprocess
import time
import uuid
from dataclasses import dataclass, field

import ground
from failures import (ANSWER_S, ERRORS, EXIT_INTERNAL, EXIT_SETTINGS, HAS_MEMORY, READ, SESSION, SETTINGS, SETTLE_S, Answer, Ended,
                      Fault, Request, Switch, ask, descriptors)
from env.local.endpoint import Endpoint, run_dir_for
from env.local.process import Fault as StackFault, wait_until

import conftest


@dataclass
class Result:
    """The result of one stage."""
    name: str
    runs: int = 0
    reached: int = 0
    died_in_library: int = 0
    most: dict = field(default_factory=dict)  # the largest N of each kind that was reached
    found: list = field(default_factory=list)
    seconds: float = 0

    def add(self, other):
        self.runs += other.runs
        self.reached += other.reached
        self.died_in_library += other.died_in_library
        self.most = {kind: max(result.most.get(kind, 0) for result in (self, other)) for kind in {**self.most, **other.most}}
        self.found += other.found
        self.seconds += other.seconds


class Stage:
    """One program, used in one way, to be tortured."""

    def __init__(self, site, name, program, requests, good=READ, **settings):
        self.site = site
        self.name = name
        self.requests = requests
        self.good = good
        self.program = conftest.program(program)
        self.folder = site.folder(name)
        self.switch = Switch(self.folder / "switch")
        self.log_path = self.folder / "programs.log"
        site.logs_of_deaths.add(self.log_path)
        self.log_read = 0
        self.numbers = ground.Counter(time.time_ns())
        settings = {**SETTINGS, "DATABASE_URL": ground.url(site), **settings}
        self.settings = settings
        self.link = site.postgres.admin("app")
        self.endpoint = Endpoint(
            program, self.program, run_dir_for(self.folder / "run"),
            {**site.environment(**settings), **self.switch.environment(self.program.name), **sanitizers()}, self.log_path)
        self.writes = []  # (request, number, key, answer)
        self.wrong = []
        self.broken = []  # requests whose answer broke off
        self.fault_kind = None
        self.died_in_library = 0

    def close(self):
        self.switch.disarm()
        self.endpoint.close()
        self.link.close()

    # --- findings ---

    def find(self, what):
        self.wrong.append(what)

    def count(self, number):
        with self.link.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM ledger_rows WHERE number = %s", [number])
            return cursor.fetchone()[0]

    def connections(self):
        with self.link.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE usename = %s", [ground.ROLE])
            return cursor.fetchone()[0]

    def new_lines(self):
        text = self.log_path.read_bytes()[self.log_read:] if self.log_path.exists() else b""
        text = text[:text.rfind(b"\n") + 1]  # the last line may be incomplete
        self.log_read += len(text)
        lines = []
        for line in text.decode(errors="replace").splitlines():
            try:
                lines.append(json.loads(line))
            except ValueError:
                if not self.may_appear(line):
                    self.find(f"not JSON in the log: {line[:300]}")
        return lines

    def may_appear(self, line):
        """Returns True for a line that the fault itself tore, and for the assertions of libraries that get no memory."""
        if not self.switch.reached:
            return False
        if self.switch.shared.fd == 2:
            return True
        return self.is_of_library() and ("Assertion" in line or "libseccomp" in self.switch.where(1)[0])

    def is_of_library(self):
        """Returns True if a library failed for want of memory. Some crash then: libfcgi and glibc's NSS assert, libpq 15 does not
        check BIO_set_data(), libseccomp corrupts the heap while it builds the filter. That is no worse than being killed, and
        cannot be fixed here."""
        where = self.switch.where(1)
        return self.fault_kind == "memory" and bool(where) and not where[0].startswith(self.program.name + "+")

    # --- one request ---

    def ask(self, request, key=None, number=None):
        number = number or self.numbers.next()
        key = key or (str(uuid.uuid4()) if request.key else None)
        answer = ask(self.endpoint, request, number, key)
        if answer is None:
            self.find(f"{request.method} {request.target}: no answer in {ANSWER_S} s")
            answer = Answer(b"", False)
        elif answer.status is None:
            self.broken.append(request)
        elif answer.status != request.status:
            self.check_failure(request, answer)
        if request.is_write:
            self.writes.append((request, number, key, answer))
        return answer

    def check_failure(self, request, answer):
        allowed = (500, 503, 504) + ((400,) if self.switch.is_in("libfcgi") else ())
        if answer.status not in allowed or not (answer.problem() or answer.is_unhealthy()):
            self.find(f"{request.method} {request.target}: {answer}")

    def check_write(self, request, number, key, answer):
        if answer.is_unknown and key:
            answer = self.until_known(request, number, key)
        rows = self.count(number)
        right = rows <= 1 if answer.is_unknown else rows == (1 if answer.status == 201 else 0)
        if not right:
            self.find(f"{request.method} {request.target}: {answer}, but {rows} rows")

    def until_known(self, request, number, key):
        deadline = time.monotonic() + SETTLE_S
        while time.monotonic() < deadline:
            answer = ask(self.endpoint, request, number, key)
            if answer and answer.status == 201:
                return answer
            time.sleep(0.02)
        self.find(f"{request.method} {request.target}: its repeats ended with {answer}")
        return answer or Answer(b"", False)

    def check_good(self):
        """After the fault the next request succeeds. The pool may pause first, after workers that died at once."""
        deadline = time.monotonic() + SETTLE_S
        last = None
        while time.monotonic() < deadline:
            last = ask(self.endpoint, self.good, self.numbers.next())
            if last and last.status == self.good.status:
                return
            time.sleep(0.02)
        self.find(f"afterwards: {last}")

    # --- what the program holds ---

    def holdings(self):
        master = self.endpoint.pid
        workers = [descriptors(pid) for pid in conftest.children(master)]
        return descriptors(master), workers, self.connections()

    def learn(self):
        """Records what the program holds without a fault, at its maximum."""
        master, workers, connections = self.holdings()
        self.master_most = sum(master.values())
        self.worker_most = max(sum(worker.values()) for worker in workers)
        self.connections_most = {"null": 0}.get(self.settings.get("DATABASE_CONNECTION", "null"), 2)

    def is_settled(self):
        master, workers, connections = self.holdings()
        return (workers and sum(master.values()) <= self.master_most and connections <= self.connections_most
                and all(sum(worker.values()) <= self.worker_most for worker in workers))

    def check_holdings(self):
        try:
            wait_until("it to hold no more than before", self.is_settled, SETTLE_S)
        except StackFault:
            master, workers, connections = self.holdings()
            self.find(f"it holds: master {dict(master)}, at most {self.master_most}; workers "
                      f"{[dict(worker) for worker in workers]}, at most {self.worker_most}; {connections} connections")

    def lines_until_a_death(self):
        """Waits for the death in the log, since the answer may break off before the master notices it."""
        lines = self.new_lines()

        def died():
            lines.extend(self.new_lines())
            return any(line["event"] == "worker died" for line in lines)
        with contextlib.suppress(StackFault):
            wait_until("a worker's death in the log", died, SETTLE_S)
        return lines

    def check_log(self):
        # The request's own connection failed, so there cannot be an answer.
        lost = self.fault_kind == "peek" or self.switch.is_in("libfcgi") or self.switch.is_in("libasan")
        wants_death = self.broken and not lost
        lines = self.lines_until_a_death() if wants_death else self.new_lines()
        died = [line for line in lines if line["event"] == "worker died"]
        for line in died:
            if "signal" in line and self.is_of_library():
                self.died_in_library += 1
            elif line.get("exit_code") != EXIT_INTERNAL:
                self.find(f"worker died: {line}")
        for line in lines:
            if line["event"].startswith("worker killed") or line["event"] == "workers killed that did not end":
                self.find(f"{line}")
        if wants_death and not died:
            self.find(f"answers broke off, but no worker died: {self.broken}")

    def stop(self):
        self.endpoint.send(signal.SIGTERM)
        if self.endpoint.stop(timeout=SETTLE_S):
            self.find(f"did not end within {SETTLE_S} s")
        return self.endpoint.returncode

    # --- one fault ---

    def begin(self, fault=None):
        self.wrong, self.writes, self.broken = [], [], []
        self.fault_kind = fault and fault.kind
        if fault:
            self.switch.arm(fault)

    def torment(self, fault):
        """Returns what went wrong, and where the failed call was."""
        self.begin(fault)
        try:
            self.run()
        finally:
            self.switch.disarm()
        return [f"{self.name}: {fault}: {what}; in {' < '.join(self.switch.where())}" for what in self.wrong]

    def rehearse(self):
        """Runs without a fault, when everything has to be correct. Returns the number of calls of each kind."""
        self.begin()
        self.switch.forget()
        self.prepare()
        if self.wrong:
            raise StackFault(f"{self.name}, without a fault: {self.wrong}")
        return self.usual_calls()

    def usual_calls(self):
        return self.switch.calls()


def sanitizers():
    """Disables leak detection: libraries leak on errors, and that is not tested here."""
    if HAS_MEMORY:
        return {}
    return {"ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0:" + os.environ.get("ASAN_OPTIONS", "")}


class Whole(Stage):
    """From the start of the program to its end; starts a new program for each fault."""

    def prepare(self):
        self.endpoint.start()
        for request in self.requests:
            if self.ask(request).status != request.status:
                self.find(f"failed without a fault: {request}")
        self.learn()
        if self.stop() != 0:
            self.find(f"without a fault it ended with {self.endpoint.returncode}")
        self.check_log()

    def run(self):
        self.endpoint.start()
        try:
            for request in self.requests:
                self.ask(request)
            if self.switch.reached:
                self.check_good()
                for write in self.writes:
                    self.check_write(*write)
                self.check_holdings()
            code = self.stop()
            self.check_end(code)
        except Ended:
            self.check_end(self.endpoint.returncode)
        self.switch.disarm()
        self.endpoint.stop()
        self.check_log()

    def check_end(self, code):
        """The program may refuse to start, or end for want of memory: systemd restarts it."""
        if code < 0 and self.is_of_library():
            self.died_in_library += 1
        elif code not in (0, EXIT_INTERNAL, EXIT_SETTINGS) or (code != 0 and not self.switch.reached):
            self.find(f"it ended with {code}")


class Each(Stage):
    """A program that runs already; the fault comes in one of its requests."""

    def prepare(self):
        self.endpoint.start()
        for request in self.requests:
            if self.ask(request).status != request.status:
                self.find(f"failed without a fault: {request}")
        self.check_good()
        self.learn()
        self.check_log()

    def usual_calls(self):
        """Returns the fewest of several runs: a worker's first request makes thousands of calls to connect."""
        found = []
        for _ in range(5):
            self.switch.forget()
            for request in self.requests:
                self.ask(request)
            found.append(self.switch.calls())
        return min(found, key=lambda calls: sum(calls.values()))

    def run(self):
        try:
            for request in self.requests:
                self.ask(request)
            self.switch.disarm()
            if self.switch.reached:
                self.check_good()
                for write in self.writes:
                    self.check_write(*write)
                self.check_holdings()
        except Ended:
            self.switch.disarm()
            code = self.endpoint.returncode
            if code != EXIT_INTERNAL or self.fault_kind != "memory":
                self.find(f"the program ended with {code}")
            self.endpoint.stop()
            self.endpoint.start()
            self.check_good()
        self.check_log()


class Reload(Each):
    """SIGHUP: afterwards the new program runs, or the old one, or it ended and logged it."""

    def run(self):
        lines, old = [], set(conftest.children(self.endpoint.pid))
        self.endpoint.send(signal.SIGHUP)

        def done():
            lines.extend(self.new_lines())
            # The line "started" may be missing, because of a fault in the log.
            new = set(conftest.children(self.endpoint.pid))
            return not self.endpoint.running or (new and not new & old) or any(
                line["event"] in ("not reloaded", "could not reload", "could not fork") for line in lines)
        try:
            wait_until("the reload", done, SETTLE_S)
        except StackFault:
            self.find("SIGHUP had no effect")
        try:
            self.ask(self.good)
            self.switch.disarm()
            self.check_good()
            self.check_holdings()
        except Ended:
            self.switch.disarm()
            # The new program cannot go back to the old one: systemd restarts it.
            if self.endpoint.returncode not in (EXIT_INTERNAL, EXIT_SETTINGS):
                self.find(f"the program ended with {self.endpoint.returncode}")
            self.endpoint.stop()
            self.endpoint.start()
            self.check_good()
        self.check_log()


class Shell(Stage):
    """A program that is called from the shell for one request."""

    def prepare(self):
        done = self.call()
        if done.returncode != 0:
            raise StackFault(f"{self.name}: {done}")

    def call(self):
        request = self.requests[0]
        return subprocess.run([self.program.absolute(), request.method, request.target.format(1)], check=False,
                              env=self.endpoint.environment, capture_output=True, timeout=ANSWER_S)

    def run(self):
        try:
            done = self.call()
        except subprocess.TimeoutExpired:
            self.find(f"did not end in {ANSWER_S} s")
        else:
            self.check(done)

    def check(self, done):
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        status = int(head.split()[1]) if head.startswith(b"HTTP/1.1 ") else None
        if done.returncode in (EXIT_INTERNAL, EXIT_SETTINGS) and done.stderr:
            return
        if done.returncode == 0 and status == self.requests[0].status and json.loads(body):
            return
        # Output that could not be written cannot be checked; the exit code reports it.
        if done.returncode == 1 and (self.is_failure(status, body) or self.fault_kind == "stdio"):
            return
        if done.returncode < 0 and self.is_of_library():
            self.died_in_library += 1
            return
        self.find(f"exit code {done.returncode}, {done.stdout[:200]}, {done.stderr[:300]}")

    @staticmethod
    def is_failure(status, body):
        try:
            return status in (500, 503, 504) and json.loads(body)["status"] == status
        except ValueError:
            return False


# --- all of them ---


def plan():
    """Returns [(kinds, class, name, program, requests, settings)]. After a fault the first request must succeed."""
    calls = [kind for kind in ERRORS if kind != "memory"]
    memory = ["memory"] if HAS_MEMORY else []
    every = memory + calls
    health, metrics = Request("GET", "/health", 200), Request("GET", "/metrics", 200)
    rows = [
        *((calls, Whole, f"start-{mode}", "ledger", SESSION, mode) for mode in ground.MODES),
        (calls, Whole, "start-health", "health", [health], "null"),
        (every, Whole, "start-metrics", "metrics", [metrics, metrics], "null"),
        (every, Each, "metrics", "metrics", [metrics], "null"),
        *((every, Each, f"read-{mode}", "ledger", [READ], mode) for mode in ("null", "persistent")),
        *((every, Each, f"write-{number}", "ledger", [SESSION[number]], "persistent") for number in (1, 2, 3, 4)),
        (calls, Each, "write-null", "ledger", [SESSION[2]], "null"),
        (every, Each, "invalid", "ledger", [SESSION[5]], "persistent"),
        (calls, Reload, "reload", "ledger", [READ], "persistent"),
        (every, Shell, "shell", "users", [Request("GET", "/users", 200)], "null"),
    ]
    rows = [(*row[:-1], {"DATABASE_CONNECTION": row[-1]}) for row in rows]
    # OpenSSL makes 6,000 allocations while it initializes, so only one process does here, without the start-up check.
    rows.append((memory, Whole, "start-memory", "ledger", [READ, SESSION[2]],
                 {"DATABASE_CONNECTION": "persistent", "DATABASE_POOL_SIZE": 0, "DATABASE_MAX_OVERFLOW": 1}))
    return [row for row in rows if row[0]]


def stage(site, wanted):
    """Returns (stage, kinds) for a row of the plan."""
    kinds, make, name, program, requests, settings = next(row for row in plan() if row[2] == wanted)
    return make(site, name, program, requests, READ if program == "ledger" else requests[0], **settings), kinds


@dataclass
class Part:
    """One kind of a stage, with N = first, first + step, …: what a lane runs at a time."""
    stage: str
    kind: str
    first: int
    step: int

    def __str__(self):
        return f"{self.stage}, {self.kind} {self.first}, {self.first + self.step}, …"


# There are thousands of allocations, and each needs a session of its own.
SLICES = 8


def parts(wanted, some_kinds, stride):
    """Returns the parts of these stages and kinds, the longest first."""
    every = [Part(name, kind, 1 + stride * number, stride * count)
             for kinds, _, name, *_ in plan() if name in wanted for kind in kinds if kind in some_kinds
             for count in [SLICES if kind == "memory" else 1] for number in range(count)]
    return sorted(every, key=lambda part: part.kind != "memory")


def torture(site, part, on_found=print):
    """Injects each error of the part's kind until N exceeds the number of calls."""
    tortured, _ = stage(site, part.stage)
    result = Result(tortured.name)
    started = time.monotonic()
    try:
        tortured.rehearse()
        for code in ERRORS[part.kind]:
            nth = part.first
            while torment(tortured, Fault(part.kind, code, nth), result, on_found):
                nth += part.step
    finally:
        finish(tortured, result, started)
    return result


def sample(tortured, kinds, count, on_found=print):
    """Injects about `count` of all possible faults, at a fixed stride."""
    result = Result(tortured.name)
    started = time.monotonic()
    try:
        calls = tortured.rehearse()
        faults = [Fault(kind, code, nth) for kind in kinds for code in ERRORS[kind] for nth in range(1, calls[kind] + 1)]
        for fault in faults[::max(1, len(faults) // count)]:
            torment(tortured, fault, result, on_found)
    finally:
        finish(tortured, result, started)
    return result


def torment(tortured, fault, result, on_found):
    for what in tortured.torment(fault):
        result.found.append(what)
        on_found(what)
    result.runs += 1
    if tortured.switch.reached:
        result.reached += 1
        result.most[fault.kind] = max(fault.nth, result.most.get(fault.kind, 0))
    return tortured.switch.reached


def finish(tortured, result, started):
    tortured.close()
    result.seconds = time.monotonic() - started
    result.died_in_library = tortured.died_in_library
