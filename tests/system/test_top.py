"""--top: the activity of all endpoints, a table each second."""
import fcntl
import os
import signal
import subprocess
import termios
import uuid

import pytest

from env.local.process import wait_until
from conftest import program

pytestmark = pytest.mark.long


def tables(service, count, between=lambda: None):
    """Return the first tables that --top writes to a pipe, each as {endpoint: columns}."""
    top = subprocess.Popen([program("root"), "--top", service.run_dir], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        found = []
        for _ in range(count):
            assert top.stdout.readline().split()[:3] == ["endpoint", "busy", "idle"]
            rows = {}
            while (line := top.stdout.readline()) != "\n":
                name, *columns = line.split()
                rows[name] = columns
            found.append(rows)
            between()
        top.stdout.close()  # it ends when its output is closed
        assert top.wait(5) == 0 and top.stderr.read() == ""
    finally:
        top.kill()
        top.wait()
        top.stderr.close()
    return found


def test_a_table_has_the_activity_of_each_endpoint(serve):
    service = serve("root", "probe", DATABASE_POOL_SIZE=2, DATABASE_MAX_OVERFLOW=3)
    wait_until("idle workers", lambda: tables(service, 1)[0]["probe"][1:4] == ["0", "2", "5"], 10)

    def work():
        for _ in range(20):
            assert service.client.get("/probe/rows?label=none").status == 200
        assert service.client.post(f"/probe/two-steps?label={uuid.uuid4()}").status == 201

    first, second = tables(service, 2, work)
    assert first["probe"] == ["up", "0", "2", "5", "-", "-", "-", "-", "-"]
    assert second["root"][4:] == ["0.0", "0.0", "-", "-", "-"]
    requests, errors, p50, p99, trips = map(float, second["probe"][4:])
    assert 0 < requests <= 21 and errors == 0  # those that were answered in that second
    assert 0 < p50 <= p99
    assert 1 <= trips <= 2  # a read takes one, a write two


def test_after_a_reload_it_counts_from_zero(serve):
    service = serve("root", DATABASE_POOL_SIZE=1)
    for _ in range(20):
        assert service.client.get("/").status == 200

    def reload():
        service.endpoints["root"].send(signal.SIGHUP)
        wait_until("the new program", lambda: len(service.lines(event="started")) == 2, 10)

    requests, errors = tables(service, 2, reload)[1]["root"][4:6]
    assert (requests, errors) == ("0.0", "0.0")


def test_on_a_terminal_each_table_replaces_the_one_before(serve, terminal):
    service = serve("root")
    leader, follower = terminal
    top = subprocess.Popen([program("root"), "--top", service.run_dir], stdout=follower)
    os.close(follower)
    text = b""
    while text.count(b"endpoint") < 2:
        text += os.read(leader, 65536)
    top.terminate()
    top.wait()
    assert text.count(b"\x1b[H\x1b[J") == 2


def test_an_endpoint_whose_master_was_killed_is_shown_as_down(serve):
    service = serve("probe").expect_deaths()
    endpoint = service.endpoints["probe"]
    os.kill(endpoint.pid, 9)
    endpoint.stop()
    assert tables(service, 1)[0]["probe"][0] == "DOWN"


def test_an_endpoint_whose_socket_was_removed_is_gone(serve):
    service = serve("probe", "root", "metrics").expect_deaths()
    endpoint = service.endpoints["probe"]
    os.kill(endpoint.pid, 9)
    endpoint.stop()
    assert 'nullpool_up{endpoint="probe"} 0' in service.client.get("/metrics").body.decode()
    endpoint.path.unlink()
    assert sorted(tables(service, 1)[0]) == ["metrics", "root"]
    assert 'endpoint="probe"' not in service.client.get("/metrics").body.decode()


@pytest.fixture
def on_terminal(serve, terminal):
    """--top in the foreground of a terminal, and that terminal."""
    leader, follower = terminal
    service = serve("root")

    def take_terminal():
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    before = termios.tcgetattr(follower)
    top = subprocess.Popen([program("root"), "--top", service.run_dir], stdin=follower, stdout=follower, preexec_fn=take_terminal)
    try:
        wait_until("keys to come at once", lambda: os.read(leader, 65536) and not termios.tcgetattr(follower)[3] & termios.ECHO)
        yield top, leader, follower, before
    finally:
        top.kill()
        top.wait()
        os.close(follower)


@pytest.mark.parametrize("keys, end", [(b"q", 0), (b"xQ", 0), (b"\x03", -signal.SIGINT), (signal.SIGTERM, -signal.SIGTERM)])
def test_a_key_ends_it_and_the_terminal_gets_its_modes_back(on_terminal, keys, end):
    top, leader, follower, before = on_terminal
    if isinstance(keys, bytes):
        os.write(leader, keys)
    else:
        top.send_signal(keys)
    assert top.wait(5) == end
    assert termios.tcgetattr(follower) == before


def test_while_it_is_stopped_the_terminal_has_its_own_modes(on_terminal):
    top, leader, follower, before = on_terminal
    top.send_signal(signal.SIGTSTP)
    wait_until("it to stop", lambda: os.waitid(os.P_PID, top.pid, os.WSTOPPED | os.WNOWAIT | os.WNOHANG))
    assert termios.tcgetattr(follower) == before
    top.send_signal(signal.SIGCONT)
    wait_until("keys to come at once", lambda: not termios.tcgetattr(follower)[3] & termios.ECHO)
    os.write(leader, b"q")
    assert top.wait(5) == 0


def test_a_missing_directory_is_named(tmp_path):
    result = subprocess.run([program("root"), "--top", tmp_path / "none"], capture_output=True, text=True, timeout=10)
    assert result.returncode == 64 and str(tmp_path / "none") in result.stderr
