"""What a compromised worker writes into the scoreboard: its master goes on, and no reader trusts it."""
import pathlib
import signal
import subprocess

import pytest

from env.local.process import wait_until
from conftest import program
from test_metrics import samples, scrape
from test_top import tables


@pytest.fixture
def bystander():
    """A process of the same user that does not belong to the program."""
    process = subprocess.Popen(["sleep", "600"])
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def service(serve):
    """Workers may be killed, since their slots cannot be trusted either."""
    return serve("metrics", "scribbler", DATABASE_POOL_SIZE=2, DATABASE_MAX_OVERFLOW=1).expect_deaths()


def refused(service):
    """Return {endpoint: reason} of the scoreboards that /metrics leaves out."""
    found = [dict(labels) for (name, labels), value in samples(scrape(service)).items()
             if name == "nullpool_scoreboard_refused" and value == 1]
    return {labels["endpoint"]: labels["reason"] for labels in found}


def serves(service):
    answer = service.client.get("/scribbler")
    return answer.status == 200


def reload(service):
    before = len(service.lines(event="started", endpoint="scribbler"))
    service.endpoints["scribbler"].send(signal.SIGHUP)
    wait_until("the new program", lambda: len(service.lines(event="started", endpoint="scribbler")) > before, 10)


@pytest.mark.long
def test_nonsense_in_any_field_harms_no_other(service, bystander):
    endpoint = service.endpoints["scribbler"]
    pid = endpoint.pid
    for value in (0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, 0, 1, 0x20202020, 0x01010101, bystander.pid):
        # Its master may kill the worker for what it wrote before it has answered.
        assert service.client.ask("PUT", f"/scribbler/words?value={value}").status in (204, 502)
        wait_until("an answer", lambda: serves(service), 10)
        if value != 0:  # a scoreboard of zeros says that its master has ended
            assert refused(service).keys() == {"scribbler"}
        assert not any(("endpoint", "scribbler") in labels for name, labels in samples(scrape(service))
                       if name != "nullpool_scoreboard_refused")
    assert tables(service, 1)[0]["scribbler"][:2] == ["left", "out:"]
    reload(service)
    assert endpoint.running and endpoint.pid == pid
    assert serves(service) and refused(service) == {}
    assert bystander.poll() is None


@pytest.mark.parametrize("whose", ["a bystander's", "all processes'", "its group's"])
def test_no_other_process_is_killed(service, bystander, whose):
    pid = {"a bystander's": bystander.pid, "all processes'": 0xFFFFFFFF, "its group's": 0}[whose]
    endpoint = service.endpoints["scribbler"]
    children = pathlib.Path(f"/proc/{endpoint.pid}/task/{endpoint.pid}/children")
    first = set(children.read_text().split())
    assert service.client.ask("PUT", f"/scribbler/workers?value={pid}").status in (204, 502)
    reload(service)
    wait_until("an answer", lambda: serves(service), 10)
    # The new program at once kills the old workers that are past their deadline; none of them is left then.
    wait_until("the old workers' end", lambda: not first & set(children.read_text().split()), 10)
    assert bystander.poll() is None and endpoint.running and serves(service)


def test_the_doctor_names_the_scoreboards_it_leaves_out(service, site):
    folder = site.folder("doctor-of-scribbles")
    (folder / ".local").mkdir()
    (folder / ".local" / "run").symlink_to(service.run_dir)
    assert service.client.ask("PUT", "/scribbler/words?value=4294967295").status in (204, 502)
    told = subprocess.run([program("users"), "--doctor"], cwd=folder, env=site.environment(), capture_output=True, text=True,
                          timeout=60, check=False).stdout
    connections = next(line for line in told.splitlines() if "connections" in line)
    assert connections.endswith("; left out, scribbler: it is not a scoreboard"), told
