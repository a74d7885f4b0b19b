"""Soak: after very many requests over all routes and modes nothing has grown. Overload: throughput does not drop.

A client is a process that sends its requests over keep-alive connections (nginx closes one after 1,000 requests).
"""
import contextlib
import http.client
import json
import multiprocessing
import os
import pathlib
import random
import time
import uuid
from collections import Counter as Tally
from dataclasses import dataclass, field

import ground
from env.local.process import Fault, wait_until

import conftest
import tokens

# A worker may grow by this much after the warm-up. Its growth is twice the smaller growth of the two halves, because a leak with
# each request shows in both. Where each request opens a connection, the heap takes its last step late: in mode null, 64 KiB after
# 5,000 to 9,000 requests of a worker, and 4 KiB in the next 40,000.
GROWTH_KIB = 64
# Shares of all requests. The warm-up has the same number of each kind.
WARM_UP, HALF = 0.4, 0.3
JUDGED_FROM = 40000  # requests of a mode; fewer do not warm up every worker
PROGRAMS = ["root", "health", "metrics", "users", "onboarding", "auth", "ledger"]
CLIENTS = 4
# A worker for each client and none on demand, so that every worker is as old as the soak.
POOL = {"DATABASE_POOL_SIZE": 2, "DATABASE_MAX_OVERFLOW": 0, "DATABASE_POOL_TIMEOUT": 30}

# Each mode's share of the requests: one that opens a connection costs 20 times one on a persistent connection.
SHARES = {"persistent": 0.9, "ahead": 0.05, "null": 0.05}


class Asker:
    """A client that sends any kind of request, with what earlier responses returned."""

    def __init__(self, port, key, seed):
        self.port = port
        self.key = key
        self.dice = random.Random(seed)
        self.link = None
        self.user = None
        self.statuses = Tally()
        self.wrong = []

    def send(self, method, target, document=None, headers=None):
        body = None if document is None else json.dumps(document)
        headers = {**({"Content-Type": "application/json"} if body else {}), **(headers or {})}
        if not self.link:
            self.link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            self.link.request(method, target, body, headers)
            response = self.link.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException) as error:
            self.link.close()
            self.link = None
            return repr(error), b""
        self.statuses[response.status] += 1
        return response.status, text

    def ask(self, evenly):
        """Sends a request of a random kind."""
        kind = self.dice.choice(list(KINDS)) if evenly else self.dice.choices(list(KINDS), KINDS.values())[0]
        status, text = getattr(self, kind)()
        if status not in EXPECTED[kind] and len(self.wrong) < 10:
            self.wrong.append(f"{kind}: {status} {text[:200]!r}")

    def root(self):
        return self.send("GET", "/")

    def live(self):
        return self.send("GET", "/health/live")

    def health(self):
        return self.send("GET", "/health")

    def metrics(self):
        return self.send("GET", "/metrics")

    def users(self):
        return self.send("GET", "/users?limit=3&sort=-created_at")

    def new_user(self):
        key = {"Idempotency-Key": str(uuid.uuid4())} if self.dice.random() < 0.5 else {}
        status, text = self.send("POST", "/users", {"email": f"{uuid.uuid4()}@example.com", "name": "Ada"}, key)
        if status == 201:
            self.user = json.loads(text)["id"]
        return status, text

    def one_user(self):
        return self.send("GET", f"/users/{self.user or uuid.uuid4()}")

    def changed_user(self):
        user = self.user or str(uuid.uuid4())
        return self.send("PATCH", f"/users/{user}", {"name": "Grace"},
                         {"Authorization": f"Bearer {tokens.token(self.key, user, sid=user)}"})

    def onboarding(self):
        return self.send("POST", "/onboarding", {"user": {"email": f"{uuid.uuid4()}@example.com", "name": "Ada"},
                                                 "quiz": {"answers": {"a": [1, None, "x"]}}})

    def me(self):
        return self.send("GET", "/auth/me")

    def row(self):
        return self.send("POST", f"/ledger/two?number={time.time_ns()}")

    def kept(self):
        return self.send("GET", f"/ledger/{self.dice.randrange(50)}/cached")

    def invalid(self):
        return self.send("POST", "/users", {"email": "none", "more": [[[]]]})

    def not_found(self):
        return self.send("GET", "/users/there/is/none")


KINDS = {"root": 6, "live": 3, "health": 1, "metrics": 1, "users": 8, "new_user": 4, "one_user": 10, "changed_user": 2,
         "onboarding": 2, "me": 3, "row": 4, "kept": 8, "invalid": 4, "not_found": 3}
EXPECTED = {kind: (200,) for kind in KINDS} | {
    "new_user": (201,), "one_user": (200, 404), "changed_user": (200, 401), "onboarding": (201,), "me": (401,),
    "row": (201,), "invalid": (422,), "not_found": (404,)}


def client(port, key, seed, requests, evenly, answers):
    os.nice(1)
    asker = Asker(port, key, seed)
    for _ in range(requests):
        asker.ask(evenly)
    answers.put((asker.statuses, asker.wrong))


def ask_many(service, requests, seed, evenly=False):
    """Sends the requests from CLIENTS processes. Returns (statuses, what was wrong)."""
    answers = multiprocessing.Queue()
    share = max(1, requests // CLIENTS)
    asking = [multiprocessing.Process(target=client, daemon=True,
                                      args=(service.nginx.port, service.environment["SECRET_KEY"], f"{seed}-{i}", share, evenly,
                                            answers))
              for i in range(CLIENTS)]
    for one in asking:
        one.start()
    statuses, wrong = Tally(), []
    try:
        for _ in asking:
            some, more = answers.get()
            statuses.update(some)
            wrong += more
    finally:
        for one in asking:
            one.join(10)
            one.kill()
    return statuses, wrong


@dataclass
class Holding:
    """A process's memory and descriptors."""
    anonymous_kib: int
    pss_kib: int
    descriptors: int


def holding(pid):
    sizes = {}
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        name, _, rest = line.partition(":")
        if rest.endswith("kB"):
            sizes[name] = int(rest.split()[0])
    return Holding(sizes["Anonymous"], sizes["Pss"], len(os.listdir(f"/proc/{pid}/fd")))


def holdings(service):
    """Returns {(endpoint, pid): Holding} of masters and workers."""
    held = {}
    for name, endpoint in service.endpoints.items():
        for pid in [endpoint.pid, *conftest.children(endpoint.pid)]:
            held[name, pid] = holding(pid)
    return held


@dataclass
class Soaked:
    mode: str
    requests: int = 0
    seconds: float = 0
    statuses: Tally = field(default_factory=Tally)
    growth_kib: dict = field(default_factory=dict)  # the maximum of each program's workers
    connections: tuple = (0, 0)
    found: list = field(default_factory=list)


def connections(site):
    return site.query("SELECT count(*) FROM pg_stat_activity WHERE usename = %s", ground.ROLE)[0][0]


# A client is signed in as a user as soon as it has created one: the session's id is the user's.
SESSIONS = """
CREATE OR REPLACE FUNCTION soak_session() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO refresh_tokens (token_hash, family, user_id, expires_at)
    VALUES (NEW.id, NEW.id, NEW.id, now() + interval '30 days');
    RETURN NEW;
END $$;
DROP TRIGGER IF EXISTS soak_session ON users;
CREATE TRIGGER soak_session AFTER INSERT ON users FOR EACH ROW EXECUTE FUNCTION soak_session();
"""


def soak(site, mode, requests, seed):
    """Runs a mode's share. Compares the private memory of processes (Anonymous): PSS depends on how many processes share a
    page."""
    result = Soaked(mode)
    service = conftest.Service(site, PROGRAMS, DATABASE_CONNECTION=mode, DATABASE_URL=ground.url(site), **POOL)
    started = time.monotonic()
    site.query(SESSIONS)
    try:
        service.start()
        held = []
        for part, share in enumerate((WARM_UP, HALF, HALF)):
            statuses, wrong = ask_many(service, int(requests * share), f"{seed}-{mode}-{part}", evenly=part == 0)
            result.statuses.update(statuses)
            result.requests += sum(statuses.values())
            result.found += [f"soak {mode}: {what}" for what in wrong]
            held.append((holdings(service), connections(site)))
        compare(result, *held)
    finally:
        service.stop()
        site.query("DROP TRIGGER soak_session ON users")
    result.seconds = time.monotonic() - started
    return result


def compare(result, before, middle, after):
    result.connections = before[1], after[1]
    if result.mode == "null" and after[1]:
        result.found.append(f"soak null: {after[1]} connections remain")
    if after[1] > len(PROGRAMS) * POOL["DATABASE_POOL_SIZE"]:
        result.found.append(f"soak {result.mode}: {after[1]} connections")
    for who, then in before[0].items():
        half, now = middle[0].get(who), after[0].get(who)
        if half is None or now is None:
            result.found.append(f"soak {result.mode}: {who} has ended")
            continue
        grown = 2 * max(0, min(half.anonymous_kib - then.anonymous_kib, now.anonymous_kib - half.anonymous_kib))
        result.growth_kib[who[0]] = max(grown, result.growth_kib.get(who[0], 0))
        if grown > GROWTH_KIB and result.requests >= JUDGED_FROM:
            result.found.append(f"soak {result.mode}: {who} grew by {grown} KiB, from {then} to {now}")
        # Redis, and a persistent database connection, may be open or not; all other descriptors existed before.
        if now.descriptors > then.descriptors + 2:
            result.found.append(f"soak {result.mode}: {who} went from {then.descriptors} to {now.descriptors} descriptors")


# --- overload ---


@dataclass
class Overload:
    peak: float = 0  # responses with status 200 a second, with as many clients as workers
    under: float = 0
    refused: int = 0
    served: int = 0
    slowest_refusal_ms: float = 0
    recovery_ms: float = 0
    found: list = field(default_factory=list)

    @property
    def is_met(self):
        return self.under >= 0.9 * self.peak and self.slowest_refusal_ms < 50


WORKERS = 4
NAP_S = 0.1  # in the database, so that the pool is the bottleneck and not the machine that clients and programs share


def load_client(port, until, answers, pause_s):
    """A client of the overload: sends requests in a loop, and pauses after a 503."""
    served, refused, other = 0, 0, Tally()
    while time.time() < until:
        link = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            link.request("GET", f"/probe/sleep?seconds={NAP_S}")
            status = link.getresponse().status
        except OSError as error:
            status = repr(error)
        finally:
            link.close()
        if status == 200:
            served += 1
        elif status == 503:
            refused += 1
            time.sleep(pause_s)
        else:
            other[status] += 1
    answers.put((served, refused, other))


def send_load(service, clients, seconds):
    """Returns (served a second, served, refused, others)."""
    answers = multiprocessing.Queue()
    until = time.time() + seconds
    asking = [multiprocessing.Process(target=load_client, args=(service.nginx.port, until, answers, 0.2), daemon=True)
              for _ in range(clients)]
    for one in asking:
        one.start()
    served, refused, others = 0, 0, Tally()
    try:
        for _ in asking:
            some, late, other = answers.get()
            served += some
            refused += late
            others.update(other)
    finally:
        for one in asking:
            one.join(10)
            one.kill()
    return served / seconds, served, refused, others


def overload(site, seconds=10):
    """As many clients as workers, then ten times as many, most of whom find the socket's queue full."""
    result = Overload()
    service = conftest.Service(site, ["probe"], DATABASE_CONNECTION="persistent", DATABASE_POOL_SIZE=WORKERS,
                               DATABASE_MAX_OVERFLOW=0, DATABASE_URL=ground.url(site))
    try:
        service.start()
        endpoint = service.endpoints["probe"]
        endpoint.listener.listen(WORKERS)  # a queue of as many requests as are served within one nap
        send_load(service, WORKERS, 1)
        result.peak, _, _, others = send_load(service, WORKERS, seconds)
        more = send_load(service, 10 * WORKERS, seconds)
        result.under, result.served, result.refused = more[:3]
        # As nginx measured it, since a client on the same machine waits for a processor too.
        result.slowest_refusal_ms = max((float(line["request_time"]) * 1000 for line in service.access_lines()
                                         if line["status"] == 503), default=0)
        started = time.monotonic()
        with contextlib.suppress(Fault):
            wait_until("a 200", lambda: service.client.get("/probe/sleep?seconds=0").status == 200, 30)
        result.recovery_ms = (time.monotonic() - started) * 1000
        if others + more[3]:
            result.found.append(f"overload: unexpected answers: {dict(others + more[3])}")
        if not result.refused:
            result.found.append("overload: no request was refused")
        if result.recovery_ms > 10000:
            result.found.append(f"overload: the next 200 came after {result.recovery_ms:.0f} ms")
    finally:
        service.stop()
    return result
