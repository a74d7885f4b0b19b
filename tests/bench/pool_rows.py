"""nullpool's pool compared with a naive FastCGI program and PHP-FPM: cold starts, the cost of a fork, requests/s, memory."""
import contextlib
import select
import subprocess
import time

import programs  # first: it adds the tree to sys.path for env.local
from options import QUICK, REQUESTS, ROUNDS
from programs import CONSTANT, PER_REQUEST, IDLE_S, PERSISTENT, WORKS, Naive, Nullpool, Php
from env.local.process import SERVER_ENVIRONMENT, Fault, wait_until
from measure import Client, Memory, Samples, go_on, median, number, progress, ratio, rotated, table, wrk

TURNS = range(ROUNDS + 1)  # the first is discarded: it reads files and opens persistent connections
RATE_ROUNDS = 1 if QUICK else 3
RATE_SECONDS = 0.3 if QUICK else 2
WARM_UP_SECONDS = 0 if QUICK else 0.2
WARM = 10  # warm requests after each first one
MOST = 4  # workers in the rows about starts
RATE_WORKERS = (1, 2, 4, 8)
CALM_POLL_S = 0.1  # reading all of /proc is work too
COLD_WAIT_S = 4  # idle workers end after 1 s, and PHP-FPM checks once a second


def warm_up(client, samples, target, status=200):
    samples.add(samples.warm, *(client.ask(target, status) for _ in range(WARM)))


def wait_for_calm(wanted):
    """Waits until each program has its idle number of workers. Returns {program: workers} of those that do not
    reach it."""
    time.sleep(IDLE_S)
    deadline = time.monotonic() + COLD_WAIT_S
    while True:
        go_on()
        there = programs.children()
        workers = {program: len(there.get(program.pid, [])) for program in wanted}
        restless = {program: count for program, count in workers.items() if count != wanted[program]}
        if not restless or time.monotonic() > deadline:
            return restless
        time.sleep(CALM_POLL_S)


class PoolRows:
    def __init__(self, site, missing):
        self.site = site
        self.php = "PHP-FPM" not in missing
        self.load = "wrk" not in missing
        self.pool = {}  # (program, work): the Samples of section 1, which section 2 uses
        self.waker = Naive(site, CONSTANT, 1)
        self.waker.start_with(1)

    def wake(self):
        """Wakes nginx and this client with a program that is not measured, because they were idle too."""
        with Client(self.waker) as client:
            for _ in range(WARM):
                client.ask(self.waker.target)

    def measure(self):
        self.first_requests()
        self.first_starts()
        self.forks()
        if self.load:
            self.rates()
        self.memory()
        self.waker.close()

    # --- 1: cold starts ---

    def first_requests(self):
        """One sample: the time of each program's first request after a pause."""
        kinds = []
        for work in WORKS:
            kinds += [("nullpool, pool 0", Nullpool(self.site, work, 0, MOST), 0),
                      ("nullpool, pool 1 (no fork)", Nullpool(self.site, work, 1), 1),
                      ("naive (no fork)", Naive(self.site, work, 1), 1)]
            if self.php:
                kinds += [("PHP-FPM, ondemand", Php(self.site, work, MOST, "ondemand"), 0),
                          ("PHP-FPM, static (no fork)", Php(self.site, work, 1), 1)]
        samples = {program: Samples() for _, program, _ in kinds}
        notes, wanted = [], {program: idle for _, program, idle in kinds if program.elastic}
        for _, program, idle in kinds:
            program.start() if program.elastic else program.start_with(idle)
        for turn in TURNS:
            progress(f"first requests, round {turn} of {ROUNDS}")
            for program, workers in wait_for_calm(wanted).items():
                notes.append(f"{program.peer}, {program.work.title}: left out, still {workers} worker(s) after "
                             f"{IDLE_S + COLD_WAIT_S} s with pool size 0")
                del wanted[program]
            self.wake()
            for _, program, _ in rotated(kinds, turn):
                if not program.elastic or program in wanted:
                    self.first_request(program, samples[program] if turn else Samples())
        for _, program, _ in kinds:
            program.close()
        self.pool = {(name, program.work): samples[program] for name, program, _ in kinds}
        self.print_firsts("1a. Cold pool: the first request after a pause of a second or two", self.pool, notes)

    @staticmethod
    def first_request(program, samples):
        with Client(program) as client:
            samples.add(samples.first, client.ask(program.target))
            warm_up(client, samples, program.target)

    def first_starts(self):
        """Like first_requests(), but without a running master."""
        kinds = []
        for work in WORKS:
            kinds += [("nullpool, pool 0", Nullpool(self.site, work, 0, MOST)), ("naive", Naive(self.site, work, MOST))]
            if self.php:
                kinds += [("PHP-FPM, ondemand", Php(self.site, work, MOST, "ondemand"))]
        samples = {program: Samples() for _, program in kinds}
        floor = []
        for turn in TURNS:
            progress(f"first starts, round {turn} of {ROUNDS}")
            floor.append(floor_ms())
            for _, program in rotated(kinds, turn):
                go_on()
                self.first_start(program, samples[program] if turn else Samples())
        rows = {(name, program.work): samples[program] for name, program in kinds}
        self.print_firsts("1b. Cold master: the program starts when the first request waits in its socket", rows,
                          [f"this includes the time to start any program from here (setpriv, /bin/true): {median(floor):.2f} ms"])

    @staticmethod
    def first_start(program, samples):
        listener = program.listen()
        with Client(program) as client:
            client.connect()
            begin = time.monotonic()
            client.send(program.target)
            if not select.select([listener], [], [], 5)[0]:
                raise Fault(f"no request for {program.host} came through nginx")
            program.start()
            right = client.receive() == 200
            samples.add(samples.first, (time.monotonic() - begin) * 1000 if right else None)
            warm_up(client, samples, program.target)
        program.close()

    @staticmethod
    def print_firsts(title, kinds, notes):
        rows = []
        for (name, work), samples in sorted(kinds.items(), key=lambda item: WORKS.index(item[0][1])):
            first, warm = median(samples.first), median(samples.warm)
            rows.append([f"{work.title}: {name}", ratio(first, warm, 1), number(first), number(warm),
                         number(max(samples.first, default=None)), samples.errors])
        table(title, ["", "first/warm", "first ms", "warm ms", "worst first", "errors"], rows, notes)

    # --- 2: what a fork adds ---

    def forks(self):
        rows, notes = [], []
        for name, calm in [("nullpool, pool 0", "nullpool, pool 1 (no fork)"),
                           ("PHP-FPM, ondemand", "PHP-FPM, static (no fork)")]:
            if (name, CONSTANT) in self.pool:
                rows.append(self.fork_row(f"0 -> 1: {name}", self.pool[name, CONSTANT], self.pool[calm, CONSTANT]))
        kinds = [("nullpool", Nullpool(self.site, PERSISTENT, 1, 1), 1, Nullpool(self.site, PERSISTENT, 2), 2)]
        if self.php:
            kinds += [("PHP-FPM", Php(self.site, PERSISTENT, 2, "ondemand"), 0, Php(self.site, PERSISTENT, 2), 2)]
        samples = {program: Samples() for kind in kinds for program in (kind[1], kind[3])}
        wanted = {kind[1]: kind[2] for kind in kinds}
        for _, program, _, calm, calm_workers in kinds:
            program.start()
            calm.start_with(calm_workers)
        gone = set()
        with contextlib.closing(self.site.postgres.admin("app")) as lock, \
                contextlib.closing(self.site.postgres.admin("app")) as look:
            for turn in TURNS:
                progress(f"forks, round {turn} of {ROUNDS}")
                restless = wait_for_calm(wanted)
                self.wake()
                for program in rotated(list(samples), turn):
                    if program in gone or program in restless:
                        continue
                    if not self.busy_request(program, samples[program] if turn else Samples(), lock, look):
                        gone.add(program)
                        wanted.pop(program, None)
                        notes.append(f"{program.peer}: no second worker started while the first was busy")
        for name, program, _, calm, _ in kinds:
            rows.append(self.fork_row(f"1 busy -> 2: {name}", samples[program], samples[calm]))
        for program in samples:
            program.close()
        notes.append("the naive program has all its workers from the start")
        table("2. What a fork adds to a request without a database",
              ["", "fork/warm", "more than warm, ms", "more than no fork, ms", "fork ms", "no fork ms",
               "warm ms", "errors"], rows, notes)

    @staticmethod
    def fork_row(name, forked, calm):
        first, still, warm = median(forked.first), median(calm.first), median(forked.warm)
        def difference(base):
            return number(first - base) if first is not None and base is not None else "-"
        return [name, ratio(first, warm, 1), difference(warm), difference(still), number(first), number(still),
                number(warm), forked.errors + calm.errors]

    @staticmethod
    def busy_request(program, samples, lock, look):
        """Sends a second request while a worker waits for a locked table. Returns False if it was not answered meanwhile."""
        with Client(program) as busy, Client(program) as client, lock.cursor() as locks, look.cursor() as looks:
            def is_busy():
                looks.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
                return looks.fetchone()[0] == 1
            locks.execute("BEGIN")
            try:
                locks.execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
                busy.connect()
                busy.send(program.target)
                wait_until("a worker that waits for the table", is_busy, 10)
                took = client.ask(*program.cheap)
            finally:
                locks.execute("ROLLBACK")
            samples.add(samples.first, took)
            if busy.receive() != 200:
                samples.errors += 1
            warm_up(client, samples, *program.cheap)
            return took is not None

    # --- 3: requests/s ---

    def rates(self):
        makers = {"nullpool": Nullpool, "naive": Naive}
        if self.php:
            makers["PHP-FPM"] = Php
        kinds = [(name, work, workers) for work in WORKS for workers in RATE_WORKERS for name in makers]
        running = {kind: makers[kind[0]](self.site, *kind[1:]) for kind in kinds}
        rates, errors = {kind: [] for kind in kinds}, dict.fromkeys(kinds, 0)
        for turn in range(RATE_ROUNDS):
            for done, kind in enumerate(rotated(kinds, turn)):
                progress(f"requests/s, round {turn + 1} of {RATE_ROUNDS}, {done + 1} of {len(kinds)}")
                go_on()
                load = self.rate(running[kind], kind[2])
                rates[kind].append(load.rate)
                errors[kind] += load.errors
        rows = []
        for work in WORKS:
            for workers in RATE_WORKERS:
                row = {name: median(rates[name, work, workers]) for name in makers}
                rows.append([f"{work.title}, {workers} worker(s)",
                             ratio(row["nullpool"], median(rates["nullpool", work, 1])),
                             ratio(row["nullpool"], row["naive"]), ratio(row["nullpool"], row.get("PHP-FPM")),
                             *(number(row.get(name), 0) for name in ("nullpool", "naive", "PHP-FPM")),
                             " ".join(str(errors[name, work, workers]) for name in makers)])
        table(f"3. Requests/s (wrk, 16 clients, median of {RATE_ROUNDS} x {RATE_SECONDS} s)",
              ["", "nullpool/1 worker", "nullpool/naive", "nullpool/PHP", "nullpool", "naive", "PHP-FPM", "errors"],
              rows)

    def rate(self, program, workers):
        program.start_with(workers)
        with Client(program) as client:
            warm = [client.ask(program.target) for _ in range(WARM)]
        if None in warm:
            raise Fault(f"{program.host} did not answer GET {program.target}")
        if WARM_UP_SECONDS:
            wrk(program, WARM_UP_SECONDS)
        result = wrk(program, RATE_SECONDS)
        program.close()
        self.site.trim_logs()
        return result

    # --- 4: memory ---

    def memory(self):
        makers = {"nullpool": (Nullpool, {"overflow": 1}), "naive": (Naive, {})}
        if self.php:
            makers["PHP-FPM"] = (Php, {"pm": "ondemand"})
        columns, notes = {}, []
        for name, (make, elastic) in makers.items():
            progress(f"memory: {name}")
            columns[name] = cells = {"master, no worker": None}
            if elastic:
                self.lone_master(make, elastic, cells, notes)
            self.one_worker(make, cells)
        titles = list(dict.fromkeys(title for cells in columns.values() for title in cells))
        rows = []
        for title in titles:
            cells = {name: columns.get(name, {}).get(title) for name in ("nullpool", "naive", "PHP-FPM")}
            pss = {name: cell and cell.pss for name, cell in cells.items()}
            rows.append([title, ratio(pss["nullpool"], pss["naive"]), ratio(pss["nullpool"], pss["PHP-FPM"]),
                         *(cell or "-" for cell in cells.values())])
        table("4. Memory in KiB: PSS, in brackets private memory",
              ["", "nullpool/naive", "nullpool/PHP", "nullpool", "naive", "PHP-FPM"], rows, notes)

    def lone_master(self, make, elastic, cells, notes):
        program = make(self.site, PERSISTENT, 0 if make is Nullpool else 1, **elastic)
        program.start()
        restless = wait_for_calm({program: 0})
        if restless:
            notes.append(f"{program.peer}: no master alone, still {restless[program]} worker(s) with pool size 0")
        else:
            cells["master, no worker"] = Memory(program.pid)
        program.close()

    def one_worker(self, make, cells):
        program = make(self.site, PERSISTENT, 1)
        program.start_with(1)
        time.sleep(0.2)
        worker = program.workers()[0]
        cells["master, one worker"] = Memory(program.pid)
        cells["worker, no request yet"] = Memory(worker)
        self.ask_often(program, 1)
        cells["worker, a connection"] = Memory(worker)
        self.ask_often(program, REQUESTS)
        cells[f"worker, a connection, {REQUESTS:,} requests"] = Memory(worker)
        self.still(program, worker)
        program.close()
        program = make(self.site, PER_REQUEST, 1)
        program.start_with(1)
        worker = program.workers()[0]
        self.ask_often(program, 1)
        cells["worker, connection per request, 1 request"] = Memory(worker)
        self.ask_often(program, REQUESTS // 10)
        cells[f"worker, connection per request, {REQUESTS // 10:,} requests"] = Memory(worker)
        self.still(program, worker)
        program.close()

    @staticmethod
    def ask_often(program, times):
        with Client(program) as client:
            for count in range(times):
                if client.ask(program.target) is None:
                    raise Fault(f"{program.host}: request {count + 1} of {times} failed")
                go_on()

    @staticmethod
    def still(program, worker):
        if program.workers() != [worker]:
            raise Fault(f"{program.host}: its worker was replaced while it was measured")


def floor_ms():
    begin = time.monotonic()
    subprocess.run(["/usr/bin/setpriv", "--pdeathsig", "TERM", "--", "/bin/true"], stdin=subprocess.DEVNULL,
                   env=SERVER_ENVIRONMENT, start_new_session=True, check=True)
    return (time.monotonic() - begin) * 1000
