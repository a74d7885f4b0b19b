"""WORKER_SANDBOX: what a worker may not ask of the kernel, what becomes of one that does, and that all else goes on."""
import ctypes
import ctypes.util
import errno
import pathlib
import re
import signal
import socket
import subprocess

import pytest

import fastcgi
import stack
from conftest import ROOT, children, program

# What the culprit tries, the system call that it is, and whether that is logged where it fails with EPERM.
ATTEMPTS = [
    ("execve", "execve", True),
    ("spawn", "clone", False),
    ("fork", "clone", False),
    ("packets", "socket", True),
    ("raw", "socket", False),
    ("bind", "bind", False),
    ("listen", "listen", True),
    ("ptrace", "ptrace", True),
    ("write", "openat", True),
    ("truncate", "openat", False),
    ("unlink", "unlink", True),
    ("mprotect", "mprotect", False),
    ("mmap", "mmap", False),
    ("kill", "kill", True),
    ("setuid", "setuid", True),
    ("mount", "mount", True),
    ("io_uring", "io_uring_setup", True),
    ("bpf", "bpf", True),
    ("keyctl", "keyctl", True),
    ("unshare", "unshare", True),
]


def status_of(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return dict(re.findall(r"^(\w+):\s+(\S+)", text, re.M))


def started_line(service):
    stack.wait_until("the start", lambda: service.lines(event="started"), 15)
    return service.lines(event="started")[-1]


@pytest.fixture
def culprit(serve):
    def start(mode, **settings):
        service = serve("culprit", WORKER_SANDBOX=mode, DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0, **settings)
        said = started_line(service)["sandbox"]
        if said != mode:
            pytest.skip(f"the sandbox is {said}")
        return service
    return start


@pytest.mark.parametrize("what, call, _", ATTEMPTS, ids=[row[0] for row in ATTEMPTS])
def test_kill_ends_the_worker_says_why_and_the_next_request_works(culprit, site, what, call, _):
    service, path = culprit("kill").expect_deaths(), site.folder("culprit") / "file"
    path.write_text("here")
    answer = service.client.get(f"/culprit/{what}?path={path}")
    assert answer.status == 502
    stack.wait_until("the death in the log", lambda: service.lines(event="worker died"), 15)
    died = service.lines(event="worker died")[0]
    assert died["signal"] == signal.SIGSYS and "WORKER_SANDBOX" in died["detail"]
    # Who starts a program has signals blocked meanwhile, and glibc 2.41 also who forks: then the kernel ends it at once.
    refused = service.lines(event="system call refused")
    assert len(refused) == 1 or (not refused and what in ("spawn", "fork"))
    for line in refused:
        assert line["system_call"].startswith(call)  # unlinkat on machines that have no unlink
        assert (line["sandbox"], line["route"]) == ("kill", "GET /culprit/{what}")
        assert line["pid"] == died["worker_pid"] and line["request_id"] == died["request_id"]
    assert path.read_text() == "here"
    assert service.client.get(f"/culprit/read?path={path}").json()["error"] == 0


def test_errno_refuses_and_the_worker_goes_on(culprit, site):
    service, path = culprit("errno"), site.folder("culprit") / "file"
    path.write_text("here")
    workers = set()
    for what, call, logged in ATTEMPTS:
        before = len(service.lines(event="system call refused"))
        answer = service.client.get(f"/culprit/{what}?path={path}")
        assert answer.status == 200 and answer.json()["error"] == errno.EPERM, what
        workers.add(answer.json()["worker"])
        lines = service.lines(event="system call refused")[before:]
        assert len(lines) == logged and all(line["system_call"].startswith(call) for line in lines), what
        assert all(line["sandbox"] == "errno" and line["request_id"] == answer.headers["x-request-id"] for line in lines)
    assert len(workers) == 1 and not service.lines(event="worker died")
    assert path.read_text() == "here"


def test_off_lets_a_handler_do_what_it_must(culprit, site):
    service, path = culprit("off"), site.folder("culprit") / "file"
    for what in ("write", "read", "truncate", "mprotect", "fork", "listen", "unlink"):
        assert service.client.get(f"/culprit/{what}?path={path}").json()["error"] == 0, what
    (worker,) = children(service.endpoints["culprit"].pid)
    assert status_of(worker)["Seccomp"] == "0"


def test_a_worker_may_still_abort(culprit):
    service = culprit("kill").expect_deaths()
    assert service.client.get("/culprit/abort").status == 502
    stack.wait_until("the death in the log", lambda: service.lines(event="worker died"), 15)
    assert service.lines(event="worker died")[0]["signal"] == signal.SIGABRT


@pytest.mark.parametrize("settings, mode", [
    ({}, "kill"), ({"ENV": "production"}, "errno"), ({"ENV": "development"}, "errno"),
    ({"ENV": "production", "WORKER_SANDBOX": "off"}, "off")])
def test_the_environment_decides_and_the_start_says_it(serve, settings, mode):
    service = serve("culprit", **settings)
    said = started_line(service)["sandbox"]
    assert said == mode or said.startswith("off, the program has a sanitizer")
    assert said == mode or service.lines(event="workers without a sandbox", level="warning")


def test_workers_are_bound_and_their_master_is_not(culprit):
    service = culprit("kill")
    master = service.endpoints["culprit"].pid
    service.client.get("/culprit/read")
    (worker,) = children(master)
    assert (status_of(worker)["Seccomp"], status_of(worker)["NoNewPrivs"]) == ("2", "1")
    assert (status_of(master)["Seccomp"], status_of(master)["NoNewPrivs"]) == ("0", "0")


def test_a_reload_executes_and_forks_as_before(culprit):
    service = culprit("kill").expect_deaths()
    first = service.client.get("/culprit/read").json()["worker"]
    service.endpoints["culprit"].send(signal.SIGHUP)
    stack.wait_until("a new worker", lambda: service.client.get("/culprit/read").json()["worker"] != first, 15)
    assert service.client.get("/culprit/execve").status == 502


# --- inside of another filter ---


class Filter:
    """An allow list by libseccomp, as systemd makes one of SystemCallFilter=: others are refused with EPERM."""

    def __init__(self, names):
        self.seccomp = ctypes.CDLL(ctypes.util.find_library("seccomp"), use_errno=True)
        self.seccomp.seccomp_init.restype = ctypes.c_void_p
        self.context = ctypes.c_void_p(self.seccomp.seccomp_init(0x00050000 | errno.EPERM))
        for name in names:
            number = self.seccomp.seccomp_syscall_resolve_name(name.encode())
            if number >= 0:
                assert self.seccomp.seccomp_rule_add(self.context, 0x7fff0000, number, 0) == 0, name

    def load(self):
        assert self.seccomp.seccomp_load(self.context) == 0


def calls_of(unit):
    """What the unit's SystemCallFilter= lines come to, by systemd's own groups."""
    def group(name):
        if not name.startswith("@"):
            return {name}
        listed = subprocess.run(["systemd-analyze", "--no-pager", "syscall-filter", name], capture_output=True, text=True,
                                timeout=60, check=True).stdout.split("\n")
        words = [line.strip() for line in listed[1:] if line.startswith("    ") and "#" not in line]
        return set().union(*map(group, words))

    allowed = set()
    for line in re.findall(r"^SystemCallFilter=(.*)$", unit.read_text(), re.M):
        names = set().union(*(group(name) for name in line.lstrip("~").split()))
        allowed = allowed - names if line.startswith("~") else allowed | names | group("@default")
    return allowed


@pytest.mark.skipif(not pathlib.Path("/usr/bin/systemd-analyze").exists(), reason="systemd-analyze is not installed")
@pytest.mark.parametrize("without", [set(), {"seccomp"}], ids=["as it is", "an older one"])
def test_it_works_inside_of_the_units_own_filter(site, without):
    """An older one lets no seccomp() through, only prctl()."""
    around = Filter(calls_of(ROOT / "env/systemd/nullpool@.service") - without)
    folder = site.folder("unit-filter")
    site.logs_of_deaths.add(folder / "programs.log")
    path = stack.run_dir_for(folder / "run") / "culprit.sock"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(5)
    with open(folder / "programs.log", "ab") as log, listener:
        master = subprocess.Popen([program("culprit")], stdin=listener, stderr=log, preexec_fn=around.load,
                                  env=site.environment(DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0,
                                                       ASAN_OPTIONS="detect_leaks=0"))  # it traces
        try:
            out, _ = fastcgi.ask(path, fastcgi.request("GET", "/culprit/read"))
            assert out.startswith(b"Status: 200"), out
            text = (folder / "programs.log").read_text()
            if '"sandbox":"off' in text:
                pytest.skip("the program has no sandbox: " + text)
            (worker,) = children(master.pid)
            assert "without a sandbox" not in text and status_of(worker)["Seccomp_filters"] == "2"
            fastcgi.ask(path, fastcgi.request("GET", "/culprit/execve"))
            stack.wait_until("the refusal", lambda: '"system_call":"execve"' in (folder / "programs.log").read_text(), 15)
            out, _ = fastcgi.ask(path, fastcgi.request("GET", "/culprit/read"))
            assert out.startswith(b"Status: 200"), out
        finally:
            master.terminate()
            assert master.wait(30) == 0
