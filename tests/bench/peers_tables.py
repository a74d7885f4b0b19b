"""The results of the floors, nullpool and its peers, as tables and for the plot."""
from options import FSYNC, PEER_ROUNDS, PEER_SECONDS
from measure import median, number, table

GROUPS = {"per-request": "connection per request", "persistent": "persistent connections"}
FLOOR = "floor, pipelined"  # the base of the ratios
KINDS = ("GET", "POST")
CLIENTS = (1, 8)
MANY = max(CLIENTS)
LOADS = {(kind, clients): f"{kind}, {clients} client{'s' * (clients > 1)}" for kind in KINDS for clients in CLIENTS}
TRIP_S = 0.05


class Seen:
    """The samples of one row; the tables have the median of each list."""

    def __init__(self):
        self.rates, self.p50, self.p99 = {}, {}, {}  # (kind, clients): [of each round]
        self.cpu, self.postgres_cpu = {}, {}  # kind: [ms for 1,000 requests]
        self.worker_kib, self.total_kib = [], []
        self.waited, self.counted, self.steady = {}, {}, {}  # kind: [round trips]
        self.errors = 0

    @staticmethod
    def add(into, key, value):
        into.setdefault(key, []).append(value)


class PeersTables:
    def __init__(self, seen):
        self.seen = seen  # {row of peers_rows: Seen}

    def of(self, group):
        return [(row, seen) for row, seen in self.seen.items() if row.group == group]

    def floor(self, group):
        return next((seen for row, seen in self.of(group) if row.name == FLOOR), Seen())

    def print(self):
        how = f"median of {PEER_ROUNDS} x {PEER_SECONDS:g} s, fsync {'on' if FSYNC else 'off'}"
        for group, title in GROUPS.items():
            if any(seen.rates for _, seen in self.of(group)):
                self.print_rates(group, f"5. Peers, {title}: requests/s, in brackets as a fraction of the pipelined "
                                        f"floor ({how})")
                self.print_latency(group, f"6. Peers, {title}: latency in ms, median / 99th percentile")
                self.print_cost(group, f"7. Peers, {title}: CPU in ms per 1,000 requests with {MANY} clients, PSS in MiB")
            self.print_trips(group, f"8. Peers, {title}: round trips to a server {TRIP_S * 1000:.0f} ms away")

    def print_rates(self, group, title):
        floor = self.floor(group)

        def cell(seen, column):
            rate, base = median(seen.rates.get(column)), median(floor.rates.get(column))
            return number(rate, 0) + (f" ({rate / base:.2f})" if rate is not None and base else "")
        table(title, ["", *LOADS.values(), "errors"],
              [[row.name, *(cell(seen, column) for column in LOADS), seen.errors] for row, seen in self.of(group)])

    def print_latency(self, group, title):
        table(title, ["", *LOADS.values()],
              [[row.name, *(f"{number(median(seen.p50.get(column)))} / {number(median(seen.p99.get(column)))}"
                            for column in LOADS)] for row, seen in self.of(group)])

    def print_cost(self, group, title):
        table(title, ["", "GET", "POST", "GET, Postgres", "POST, Postgres", "workers", "MiB per worker", "MiB in total"],
              [[row.name, *(number(median(cpu.get(kind)), 0) for cpu in (seen.cpu, seen.postgres_cpu) for kind in KINDS),
                row.workers, *(number(median(kib) and median(kib) / 1024, 1) for kib in (seen.worker_kib, seen.total_kib))]
               for row, seen in self.of(group)])

    def print_trips(self, group, title):
        columns = {"waited": "waited for", "counted": "counted", "steady": f"{MANY} clients"}
        table(title, ["", *(f"{kind}, {column}" for kind in KINDS for column in columns.values())],
              [[row.name, *(number(median(getattr(seen, column).get(kind)), 1) for kind in KINDS for column in columns)]
               for row, seen in self.of(group)])

    def figures(self):
        """For the plot: {group: [{name, rate, trips}]}; a value that was not measured is None."""
        return {group: [{"name": row.name, "rate": median(seen.rates.get(("GET", MANY))),
                         "trips": median(seen.waited.get("GET"))} for row, seen in self.of(group)] for group in GROUPS}
