"""Failure injection, the quick form: of all Nth calls that could fail a sample; `make torture` fails each in turn."""
import sys

import pytest

from env.local.process import wait_until
from conftest import ROOT, children
from servers import server

sys.path.insert(0, str(ROOT / "tests" / "torture"))

import ground  # noqa: E402
import inject  # noqa: E402

pytestmark = pytest.mark.long

# Sessions from start to end take longer than a request does; without a database they are short again.
SAMPLES = {"start-persistent": 15, "start-memory": 8, "start-metrics": 60}


@pytest.fixture(scope="module")
def prepared(site):
    ground.prepare(site.postgres)
    return site


@pytest.mark.parametrize("name", ["start-persistent", "start-metrics", *(["start-memory"] if inject.HAS_MEMORY else []), "read-null",
                                  "read-persistent", "write-1", "write-2", "write-3", "write-4"])
def test_a_call_that_fails_is_survived(prepared, name):
    stage, kinds = inject.stage(prepared, name)
    found = []
    result = inject.sample(stage, kinds, SAMPLES.get(name, 15), found.append)
    assert found == []
    assert result.reached > 5


def test_a_listener_that_cannot_be_watched_is_tried_again(prepared):
    """A worker that slept on it would be killed by the master, 3 s later and while somebody waits."""
    stage, _ = inject.stage(prepared, "start-persistent")
    found = []
    result = inject.sample(stage, ["epoll_ctl"], 1000, found.append)
    assert found == []
    assert result.reached > 10


class BreaksOff:
    """Accepts, lets TLS begin, and closes, until it is told to pass everything to another port."""

    def __init__(self):
        self.count = 0

    def __call__(self, link):
        self.count += 1
        link.recv(8)
        link.close()


def test_a_worker_that_never_got_a_connection_makes_room_for_a_fresh_one(site, serve):
    """What OpenSSL could not set up when memory lacked stays that way for a process's life."""
    with server(BreaksOff()) as port:
        service = serve("probe", DATABASE_URL=site.url(port=port), DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0)
        endpoint = service.endpoints["probe"]
        first = wait_until("a worker", lambda: children(endpoint.pid), 10)
        assert service.client.get("/probe/session").status == 503
        wait_until("another worker", lambda: not set(first) & set(children(endpoint.pid)), 10)
    assert service.lines(event="worker leaves")
    assert not service.lines(event="worker died")
