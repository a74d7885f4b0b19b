"""WORKER_SANDBOX: what a worker may not ask of the kernel, what happens to one that does, and that all else works."""
import ctypes
import ctypes.util
import errno
import pathlib
import platform
import re
import signal
import socket
import subprocess

import pytest

import fastcgi
from env.local.endpoint import run_dir_for
from env.local.process import wait_until
from conftest import ROOT, only_child, program

# What the culprit tries, its system call, and whether the call is logged if it fails with EPERM.
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


PARENT = "parent"  # the master's pid
STREAM, DATAGRAM, SEQPACKET, RAW = socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET, socket.SOCK_RAW
THREAD = 0x3d0f00  # CLONE_ flags of pthread_create()

# More ways out: bare calls whose arguments do no harm if the call is allowed. Most are about descriptor -1.
CALLS = [
    # signals to other processes, sent by a descriptor
    ("the owner of a descriptor", "fcntl", (-1, 8, PARENT), True),  # F_SETOWN
    ("the owner, the newer way", "fcntl", (-1, 15, 0), True),  # F_SETOWN_EX
    ("which signal it sends", "fcntl", (-1, 10, signal.SIGKILL), True),  # F_SETSIG
    ("that it sends signals", "fcntl", (-1, 4, 0o20000), True),  # F_SETFL, O_ASYNC
    ("that it sends signals, among others", "fcntl", (-1, 4, 0o20000 | 0o4000 | 2), True),
    ("that it sends signals, by ioctl", "ioctl", (-1, 0x5452, 0), True),  # FIOASYNC
    ("the owner of a socket, by ioctl", "ioctl", (-1, 0x8902, 0), False),  # SIOCSPGRP
    ("the owner of a socket, the other way", "ioctl", (-1, 0x8901, 0), False),  # FIOSETOWN
    ("a lease", "fcntl", (-1, 1024, 0), False),
    ("news of a directory", "fcntl", (-1, 1026, 1), False),
    ("signals to the master", "kill", (PARENT, signal.SIGWINCH), True),
    ("signals to all", "kill", (-1, signal.SIGWINCH), True),
    ("a signal to the master's thread", "tgkill", (PARENT, PARENT, 0), False),
    ("a signal to a thread", "tkill", (PARENT, 0), False),
    ("a queued signal", "rt_sigqueueinfo", (PARENT, 0, 0), False),
    ("a queued signal to a thread", "rt_tgsigqueueinfo", (PARENT, PARENT, 0, 0), False),
    ("a timer that sends signals", "timer_create", (0, 0, 0), False),
    ("a message queue that sends signals", "mq_notify", (-1, 0), False),
    ("a process's descriptor", "pidfd_open", (PARENT, 0), True),
    ("a signal by a process's descriptor", "pidfd_send_signal", (-1, 0, 0, 0), True),
    # what descriptors share with other processes
    ("flags that are about files", "fcntl", (-1, 4, 0o2000), False),  # F_SETFL, O_APPEND
    ("the size of a pipe", "fcntl", (-1, 1031, 1 << 20), False),
    ("a lock", "fcntl", (-1, 6, 0), False),
    ("a lock of a description", "fcntl", (-1, 37, 0), False),
    ("seals", "fcntl", (-1, 1033, 1), False),
    ("a command of fcntl that is yet to come", "fcntl", (-1, 4096, 0), False),
    ("typing into a terminal", "ioctl", (-1, 0x5412, 0), False),  # TIOCSTI
    ("a controlling terminal", "ioctl", (-1, 0x540e, 0), False),  # TIOCSCTTY
    ("flock", "flock", (-1, 1), False),
    ("splice", "splice", (-1, 0, -1, 0, 0, 0), False),
    ("vmsplice", "vmsplice", (-1, 0, 0, 0), False),
    ("tee", "tee", (-1, -1, 0, 0), False),
    ("sendfile", "sendfile", (-1, -1, 0, 0), False),
    # sockets
    ("multipath TCP", "socket", (socket.AF_INET, STREAM, 262), False),
    ("SCTP", "socket", (socket.AF_INET, STREAM, 132), False),
    ("SMC", "socket", (socket.AF_INET6, STREAM, 256), False),
    ("SCTP in packets", "socket", (socket.AF_INET, SEQPACKET, 132), False),
    ("UDP-Lite", "socket", (socket.AF_INET, DATAGRAM, 136), False),
    ("UDP-Lite over IPv6", "socket", (socket.AF_INET6, DATAGRAM, 136), False),
    ("a ping", "socket", (socket.AF_INET, DATAGRAM, 1), False),
    ("a ping over IPv6", "socket", (socket.AF_INET6, DATAGRAM, 58), False),
    ("L2TP", "socket", (socket.AF_INET, DATAGRAM, 115), False),
    ("UDP as a stream", "socket", (socket.AF_INET, STREAM, 17), False),
    ("raw over IPv6", "socket", (socket.AF_INET6, RAW, 58), False),
    ("raw, close on exec", "socket", (socket.AF_INET, RAW | socket.SOCK_CLOEXEC, 1), False),
    ("DCCP", "socket", (socket.AF_INET, 6, 33), False),
    ("unix datagrams", "socket", (socket.AF_UNIX, DATAGRAM, 0), False),
    ("unix packets", "socket", (socket.AF_UNIX, SEQPACKET, 0), False),
    ("a unix protocol", "socket", (socket.AF_UNIX, STREAM, 2), False),
    ("routes", "socket", (socket.AF_NETLINK, RAW, 0), False),
    ("audit", "socket", (socket.AF_NETLINK, RAW, 9), False),
    ("nftables", "socket", (socket.AF_NETLINK, RAW, 12), False),
    ("Bluetooth", "socket", (31, STREAM, 0), False),
    ("TIPC", "socket", (30, STREAM, 0), False),
    ("CAN", "socket", (29, RAW, 1), False),
    ("XDP", "socket", (44, RAW, 0), False),
    ("other machines of the host", "socket", (40, STREAM, 0), True),
    ("the kernel's ciphers", "socket", (38, SEQPACKET, 0), True),
    ("a pair of datagrams, which may be sent elsewhere", "socketpair", (socket.AF_UNIX, DATAGRAM, 0, 0), False),
    ("a pair of TIPC", "socketpair", (30, STREAM, 0, 0), False),
    ("an address of a netlink's size", "bind", (-1, 0, 12), False),
    ("a filter on a socket", "setsockopt", (-1, 1, 26, 0, 0), True),
    ("a program on a socket", "setsockopt", (-1, 1, 50, 0, 0), True),
    ("a device", "setsockopt", (-1, 1, 25, 0, 0), False),
    ("a mark", "setsockopt", (-1, 1, 36, 0, 0), False),
    ("IP options", "setsockopt", (-1, 0, 4, 0, 0), False),
    ("a multicast group", "setsockopt", (-1, 0, 35, 0, 0), False),
    ("a protocol on top of TCP", "setsockopt", (-1, 6, 31, 0, 0), False),
    ("TCP's repair", "setsockopt", (-1, 6, 19, 0, 0), False),
    ("a firewall's table", "setsockopt", (-1, 0, 64, 0, 0), False),
    # programs and processes
    ("a program without a name", "execveat", (-1, 0, 0, 0, 0x1000), True),
    ("vfork", "vfork", (), False),
    ("a process that shares memory", "clone", (0x100 | signal.SIGCHLD, 0, 0, 0, 0), False),
    ("a thread in another mount namespace", "clone", (THREAD | 0x20000, 0, 0, 0, 0), False),
    ("a thread in another network namespace", "clone", (THREAD | 0x40000000, 0, 0, 0, 0), False),
    ("a thread in another user namespace", "clone", (THREAD | 0x10000000, 0, 0, 0, 0), False),
    ("another's memory, to read", "process_vm_readv", (PARENT, 0, 0, 0, 0, 0), True),
    ("another's memory, to write", "process_vm_writev", (PARENT, 0, 0, 0, 0, 0), True),
    ("another's descriptors", "pidfd_getfd", (-1, 0, 0), True),
    ("another's limits", "prlimit64", (PARENT, 7, 8), False),
    ("another's priority", "setpriority", (0, PARENT, 0), False),
    ("another's processors", "sched_setaffinity", (PARENT, 0, 0), False),
    ("another's schedule", "sched_setscheduler", (PARENT, 0, 0), False),
    ("another's process group", "setpgid", (PARENT, 0), False),
    ("a session of its own", "setsid", (), False),
    ("what two processes share", "kcmp", (PARENT, PARENT, 0, 0, 0), False),
    ("advice about another's memory", "process_madvise", (-1, 0, 0, 21, 0), False),
    # memory
    ("executable memory by a key", "pkey_mprotect", (0, 0, 4, 0), False),
    ("executable by reading", "personality", (0x400000,), False),
    ("shared memory of System V", "shmget", (0, 4096, 0o1600), False),
    ("executable shared memory", "shmat", (-1, 0, 0o100000), False),
    ("other pages in a file's place", "remap_file_pages", (0, 0, 0, 0, 0), False),
    ("page faults", "userfaultfd", (0,), True),
    ("locked memory", "mlockall", (0,), False),
    # its user and its limits
    ("being traced by others", "prctl", (4, 1, 0, 0, 0), False),  # PR_SET_DUMPABLE
    ("a tracer", "prctl", (0x59616d61, PARENT, 0, 0, 0), False),
    ("a signal when the parent dies", "prctl", (1, 0, 0, 0, 0), False),
    ("orphans", "prctl", (36, 0, 0, 0, 0), False),
    ("capabilities", "prctl", (47, 2, 0, 0, 0), False),
    ("a filter of its own", "seccomp", (1, 0, 0), False),
    ("a filter, the older way", "prctl", (22, 2, 0, 0, 0), False),
    ("a group", "setresgid", (-1, -1, -1), True),
    ("another root", "chroot", (0,), True),
    ("another folder", "chdir", (0,), False),
    # files
    ("a file to write, the newer way", "openat2", (-100, 0, 0, 0), False),
    ("a file to create", "creat", (0, 0), True),
    ("a file to write, the older way", "open", (0, 1, 0), True),
    ("a file without a name", "openat", (-100, 0, 0o20200000 | 2, 0o600), True),
    ("cutting the log", "ftruncate", (-1, 0), False),
    ("a hole in the log", "fallocate", (-1, 3, 0, 1), False),
    ("another place of the log", "pwrite64", (-1, 0, 0, 0), False),
    ("another name", "renameat2", (-1, 0, -1, 0, 0), True),
    ("a second name", "linkat", (-1, 0, -1, 0, 0), True),
    ("a link", "symlinkat", (0, -1, 0), True),
    ("a folder", "mkdirat", (-1, 0, 0), True),
    ("a device", "mknodat", (-1, 0, 0, 0), False),
    ("a mode", "fchmod", (-1, 0), True),
    ("an owner", "fchown", (-1, -1, -1), True),
    ("an attribute", "fsetxattr", (-1, 0, 0, 0, 0), False),
    ("times", "utimensat", (-1, 0, 0, 0), False),
    ("a handle", "open_by_handle_at", (-1, 0, 0), True),
    ("news of files", "inotify_init1", (0,), False),
    ("news of all files", "fanotify_init", (0, 0), False),
    # the kernel
    ("asynchronous files", "io_setup", (1, 0), False),
    ("a ring that is there", "io_uring_enter", (-1, 0, 0, 0, 0, 0), False),
    ("performance counters", "perf_event_open", (0, 0, -1, -1, 0), True),
    ("a module", "finit_module", (-1, 0, 0), True),
    ("another kernel", "kexec_load", (0, 0, 0, 0), True),
    ("ports", "iopl", (3,), False),
    ("the kernel's log", "syslog", (3, 0, 0), False),
    ("the clock", "clock_settime", (0, 0), False),
    ("the clock's pace", "adjtimex", (0,), False),
    ("swap", "swapon", (0, 0), False),
    ("quotas", "quotactl", (0, 0, 0, 0), False),
    ("the machine's name", "sethostname", (0, 0), False),
    ("semaphores", "semget", (0, 1, 0o1600), False),
    ("messages", "msgget", (0, 0o1600), False),
    ("a message queue", "mq_open", (0, 0o100, 0, 0), False),
    ("a call that is yet to come", "4095", (), False),
]


class Calls:
    """CALLS as requests to the culprit; calls that this machine does not have are left out."""

    def __init__(self):
        self.seccomp = ctypes.CDLL(ctypes.util.find_library("seccomp"))

    def number(self, name):
        return int(name) if name.isdigit() else self.seccomp.seccomp_syscall_resolve_name(name.encode())

    def rows(self, service):
        """(what, path, name of the call, whether it is logged)"""
        parent = service.endpoints["culprit"].pid
        for what, name, arguments, logged in CALLS:
            number = self.number(name)
            if number >= 0:
                words = [number, *(parent if word is PARENT else int(word) for word in arguments)]
                yield what, "/culprit/call?path=" + "+".join(map(str, words)), name, logged


def status_of(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return dict(re.findall(r"^(\w+):\s+(\S+)", text, re.M))


def started_line(service):
    wait_until("the start", lambda: service.lines(event="started"), 15)
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


def attempts(service, path):
    """A list of (what, path of the request, name of the call, whether it is logged)."""
    for what, call, logged in ATTEMPTS:
        yield what, f"/culprit/{what}?path={path}", call, logged
    yield from Calls().rows(service)


def test_kill_ends_the_worker_says_why_and_the_next_request_works(culprit, site):
    service, path = culprit("kill").expect_deaths(), site.folder("culprit") / "file"
    path.write_text("here")
    deaths = 0
    for what, uri, call, _ in attempts(service, path):
        before = len(service.lines(event="system call refused"))
        assert service.client.get(uri).status == 502, what
        deaths += 1
        wait_until(f"the death in the log: {what}", lambda: len(service.lines(event="worker died")) == deaths, 15)
        died = service.lines(event="worker died")[-1]
        assert died["signal"] == signal.SIGSYS and "WORKER_SANDBOX" in died["detail"], what
        # A process that starts a program has signals blocked meanwhile (with glibc 2.41 one that forks, too): the kernel ends it at once.
        refused = service.lines(event="system call refused")[before:]
        assert len(refused) == 1 or (not refused and what in ("spawn", "fork")), what
        for line in refused:
            assert call.isdigit() or line["system_call"].startswith(call), what  # unlinkat on machines without unlink
            assert (line["sandbox"], line["route"]) == ("kill", "GET /culprit/{what}")
            assert line["pid"] == died["worker_pid"] and line["request_id"] == died["request_id"]
    assert path.read_text() == "here"
    assert service.client.get(f"/culprit/read?path={path}").json()["error"] == 0


def test_errno_refuses_and_the_worker_goes_on(culprit, site):
    service, path = culprit("errno"), site.folder("culprit") / "file"
    path.write_text("here")
    workers, let_through, badly_logged = set(), [], []
    for what, uri, call, logged in attempts(service, path):
        before = len(service.lines(event="system call refused"))
        answer = service.client.get(uri)
        assert answer.status == 200, what
        if answer.json()["error"] != errno.EPERM:
            let_through.append((what, answer.json()["error"]))
            continue
        workers.add(answer.json()["worker"])
        lines = service.lines(event="system call refused")[before:]
        if len(lines) != logged or not all(line["system_call"].startswith(call) for line in lines):
            badly_logged.append((what, lines))
        assert all(line["sandbox"] == "errno" and line["request_id"] == answer.headers["x-request-id"] for line in lines)
    assert (let_through, badly_logged) == ([], [])
    assert len(workers) == 1 and not service.lines(event="worker died")
    assert path.read_text() == "here"


@pytest.mark.skipif(platform.machine() != "x86_64", reason="other machines have no second kind of calls")
@pytest.mark.parametrize("mode", ["kill", "errno"])
def test_calls_of_another_architecture_end_the_worker(culprit, mode):
    """The filter knows the call numbers of this one only. x32 has those of 64 bits, with one more bit set."""
    service = culprit(mode).expect_deaths()
    for uri in ("/culprit/32-bits", f"/culprit/call?path={0x40000000 + 39}"):
        before = service.client.get("/culprit/read").json()["worker"]
        assert service.client.get(uri).status == 502
        assert service.client.get("/culprit/read").json()["worker"] != before


def test_off_lets_a_handler_do_what_it_must(culprit, site):
    service, path = culprit("off"), site.folder("culprit") / "file"
    for what in ("write", "read", "truncate", "mprotect", "fork", "listen", "unlink"):
        assert service.client.get(f"/culprit/{what}?path={path}").json()["error"] == 0, what
    worker = only_child(service.endpoints["culprit"].pid)
    assert status_of(worker)["Seccomp"] == "0"


def test_a_worker_may_still_abort(culprit):
    service = culprit("kill").expect_deaths()
    assert service.client.get("/culprit/abort").status == 502
    wait_until("the death in the log", lambda: service.lines(event="worker died"), 15)
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
    worker = only_child(master)
    assert (status_of(worker)["Seccomp"], status_of(worker)["NoNewPrivs"]) == ("2", "1")
    assert (status_of(master)["Seccomp"], status_of(master)["NoNewPrivs"]) == ("0", "0")


def test_a_reload_executes_and_forks_as_before(culprit):
    service = culprit("kill").expect_deaths()
    first = service.client.get("/culprit/read").json()["worker"]
    service.endpoints["culprit"].send(signal.SIGHUP)
    wait_until("a new worker", lambda: service.client.get("/culprit/read").json()["worker"] != first, 15)
    assert service.client.get("/culprit/execve").status == 502


# --- inside of another filter ---


class Filter:
    """An allow list made with libseccomp, as systemd makes one of SystemCallFilter=: other calls fail with EPERM."""

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
    """The calls that the unit's SystemCallFilter= lines allow, by systemd's own groups."""
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


@pytest.mark.long
@pytest.mark.skipif(not pathlib.Path("/usr/bin/systemd-analyze").exists(), reason="systemd-analyze is not installed")
@pytest.mark.parametrize("without", [set(), {"seccomp"}], ids=["as it is", "an older one"])
def test_it_works_inside_of_the_units_own_filter(site, without):
    """An older systemd does not allow seccomp(), only prctl()."""
    around = Filter(calls_of(ROOT / "env/systemd/nullpool@.service") - without)
    folder = site.folder("unit-filter")
    site.logs_of_deaths.add(folder / "programs.log")
    path = run_dir_for(folder / "run") / "culprit.sock"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(5)
    with open(folder / "programs.log", "ab") as log, listener:
        master = subprocess.Popen([program("culprit")], stdin=listener, stderr=log, preexec_fn=around.load,
                                  env=site.environment(DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0,
                                                       ASAN_OPTIONS="detect_leaks=0"))  # a leak checker traces
        try:
            out, _ = fastcgi.ask(path, fastcgi.request("GET", "/culprit/read"))
            assert out.startswith(b"Status: 200"), out
            text = (folder / "programs.log").read_text()
            if '"sandbox":"off' in text:
                pytest.skip("the program has no sandbox: " + text)
            worker = only_child(master.pid)
            assert "without a sandbox" not in text and status_of(worker)["Seccomp_filters"] == "2"
            fastcgi.ask(path, fastcgi.request("GET", "/culprit/execve"))
            wait_until("the refusal", lambda: '"system_call":"execve"' in (folder / "programs.log").read_text(), 15)
            out, _ = fastcgi.ask(path, fastcgi.request("GET", "/culprit/read"))
            assert out.startswith(b"Status: 200"), out
        finally:
            master.terminate()
            assert master.wait(30) == 0
