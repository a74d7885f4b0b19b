"""A proxy to a server on this machine that adds the latency of a distant one and counts round trips.

A connection's `trips` is how often its client had to wait for the server: once for TCP itself, and then each time the
server's bytes reach a client that has sent something since the last ones did. The delay is long beside the time that a
process takes between two writes, so what is sent in one go counts as one flight.
"""
import heapq
import itertools
import selectors
import socket
import threading
import time
from dataclasses import dataclass, field


@dataclass(eq=False)
class Connection:
    """The counts of one client's connection; they are complete once its request is answered."""

    trips: int = 1
    waiting: bool = False  # the client sent something and has received no answer yet
    closed: bool = False
    ends: list = field(default_factory=list)
    due: dict = field(default_factory=dict)  # end -> when the last bytes to it arrive: none overtake others


class FarAway:
    """with FarAway(port, trip_s) as far: clients connect to far.port. trip_s is the time of a round trip."""

    PIECE_BYTES = 65536

    def __init__(self, port, trip_s):
        self.server_port = port
        self.trip_s = trip_s
        self.lock = threading.Lock()
        self.connections = []
        self._wakers = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._arrivals = []  # (when, order, connection, end, bytes)
        self._order = itertools.count()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self._listener.getsockname()[1]

    def __enter__(self):
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._selector.register(self._wakers[0], selectors.EVENT_READ, None)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._wakers[1].close()
        self._thread.join()
        self._selector.close()
        for end in [self._listener, self._wakers[0], *(end for seen in self.connections for end in seen.ends)]:
            end.close()

    def forget(self):
        """Resets the counts. Open connections are counted from here on, without their TCP trip."""
        with self.lock:
            self.connections = [seen for seen in self.connections if not seen.closed]
            for seen in self.connections:
                seen.trips = 0

    @property
    def trips(self):
        """The round trips of all connections since the last forget()."""
        with self.lock:
            return sum(seen.trips for seen in self.connections)

    @property
    def open(self):
        """The number of open connections."""
        with self.lock:
            return sum(not seen.closed for seen in self.connections)

    @property
    def unread(self):
        """True if a client has not read all bytes that were sent to it."""
        with open("/proc/net/tcp") as table:
            rows = [row.split() for row in table][1:]
        return any(int(row[2].split(":")[1], 16) == self.port and int(row[4].split(":")[1], 16) > 0 for row in rows)

    def _run(self):
        while True:
            wait = max(0, self._arrivals[0][0] - time.monotonic()) if self._arrivals else None
            for key, _ in self._selector.select(wait):
                if key.data is None:
                    return
                key.data()
            while self._arrivals and self._arrivals[0][0] <= time.monotonic():
                self._deliver(*heapq.heappop(self._arrivals)[2:])

    def _accept(self):
        near, _ = self._listener.accept()
        far = socket.create_connection(("127.0.0.1", self.server_port))
        seen = Connection(ends=[near, far])
        # The kernel completes the client's TCP handshake at once, so the first bytes are delayed for it.
        seen.due = {far: time.monotonic() + 1.5 * self.trip_s, near: 0}
        for end in seen.ends:
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self.lock:
            self.connections.append(seen)
        self._selector.register(near, selectors.EVENT_READ, lambda: self._pass_on(seen, near, far))
        self._selector.register(far, selectors.EVENT_READ, lambda: self._pass_on(seen, far, near))

    def _pass_on(self, seen, source, target):
        try:
            data = source.recv(self.PIECE_BYTES)
        except OSError:
            data = b""
        if not data:
            self._selector.unregister(source)
        elif source is seen.ends[0]:
            seen.waiting = True
        seen.due[target] = max(time.monotonic() + self.trip_s / 2, seen.due[target])
        heapq.heappush(self._arrivals, (seen.due[target], next(self._order), seen, target, data))

    def _deliver(self, seen, target, data):
        if target is seen.ends[0] and data:
            with self.lock:
                seen.trips += seen.waiting
            seen.waiting = False
        try:
            if data:
                target.sendall(data)
                return
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        if seen.closed:  # by the other end already
            for end in seen.ends:
                end.close()
        seen.closed = True
