"""The units as systemd reads them, and how programs work with systemd: sd_notify(3), credentials, exit when idle."""
import fcntl
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest

import fastcgi
from env.local.endpoint import Endpoint, run_dir_for
from env.local.process import pause, wait_until
from conftest import BUILD, CANARY_ENCODED, program
from test_install import PROGRAMS, installed, make  # noqa: F401 (a fixture)

needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")


# --- the units ---


def analyze(*arguments):
    return subprocess.run(["systemd-analyze", "--no-pager", *map(str, arguments)], capture_output=True, text=True,
                          env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}, timeout=60, check=False)


@pytest.mark.long
@needs_systemd
def test_systemd_understands_the_units(installed):
    units = [installed.units / f"nullpool@{name}.{kind}" for name in PROGRAMS for kind in ("socket", "service")]
    done = analyze("verify", "--man=no", installed.units / "nullpool.target", *units)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.long
@needs_systemd
def test_the_service_is_sandboxed(installed):
    done = analyze("security", "--offline=true", installed.units / "nullpool@.service")
    level = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert level, done.stderr
    assert float(level[1]) <= 1.5, done.stdout


@pytest.mark.long
@needs_systemd
def test_each_remaining_exposure_has_a_reason(installed):
    """The comment in the service names every setting that systemd-analyze marks with a cross."""
    done = analyze("security", "--offline=true", installed.units / "nullpool@.service")
    text = (installed.units / "nullpool@.service").read_text()
    reasons = " ".join(line for line in text.splitlines() if line.startswith("#"))
    for name in re.findall(r"^✗ (\w+)", done.stdout, re.M):
        assert name in reasons, name


@pytest.mark.long
@pytest.mark.skipif(not shutil.which("systemd-sysusers") or os.geteuid() != 0,
                    reason="systemd-sysusers is not installed, or only root can create files of other users")
def test_the_run_directory_and_the_settings_have_the_right_owners(site):
    stage = site.folder("sysusers") / "stage"
    make("install", stage)
    # An empty root has no nginx user; Debian always has one.
    (stage / "usr/local/lib/sysusers.d/debian.conf").write_text("u www-data 33\ng adm 4\n")
    for command in (["systemd-sysusers"], ["systemd-tmpfiles", "--create"]):
        subprocess.run([*command, f"--root={stage}"], check=True, capture_output=True, timeout=60)
    passwd = dict(line.split(":")[0::2][:2] for line in (stage / "etc/passwd").read_text().splitlines())
    user = int(passwd["nullpool"])
    group = int(re.search(r"^nullpool:[^:]*:(\d+)", (stage / "etc/group").read_text(), re.M)[1])

    def about(path):
        found = (stage / path).stat()
        return oct(found.st_mode & 0o7777), found.st_uid, found.st_gid
    assert about("run/nullpool") == ("0o750", user, 33)
    assert about("etc/nullpool") == ("0o750", 0, group)
    assert about("etc/nullpool/nullpool.env") == ("0o640", 0, group)
    # nginx writes into an existing file. Everybody could read one that nginx creates.
    for name in ("nullpool.log", "nullpool-error.log"):
        assert about(f"var/log/nginx/{name}") == ("0o640", 33, 4)


# --- sd_notify ---


class Notified:
    """A program as systemd runs it. Its NOTIFY_SOCKET belongs to the test."""

    def __init__(self, site, name="root", path=None, address=None, **settings):
        self.folder = site.folder(f"notify-{name}")
        self.run_dir = run_dir_for(self.folder / "run")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        address = address or str(self.run_dir / "notify")
        self.socket.bind(address.replace("@", "\0", 1))
        self.messages = []
        self.log_path = self.folder / "programs.log"
        self.log = open(self.log_path, "ab")
        self.endpoint = Endpoint(name, path or program(name), self.run_dir,
                                 site.environment(NOTIFY_SOCKET=address, **settings), self.log)

    def read(self):
        """Returns all messages so far, each as a dictionary of its lines."""
        try:
            while True:
                text = self.socket.recv(4096).decode()
                self.messages.append(dict(line.split("=", 1) for line in text.splitlines()))
        except BlockingIOError:
            return self.messages

    def states(self):
        """The states that were sent, without the watchdog's messages: ["READY", "RELOADING", "READY", "STOPPING"]."""
        return [name for message in self.read() for name in ("READY", "RELOADING", "STOPPING")
                if message.get(name) == "1"]

    def wait(self, *states, timeout=15):
        wait_until(f"{states} in {self.log_path}", lambda: self.states() == list(states), timeout)

    def ask(self, uri="/"):
        out, ended = fastcgi.ask(self.endpoint.path, fastcgi.request("GET", uri))
        assert ended
        return out

    def close(self):
        self.endpoint.close()
        self.socket.close()
        self.log.close()


@pytest.fixture
def notified(site):
    made = []

    def start(*arguments, **settings):
        made.append(Notified(site, *arguments, **settings))
        made[-1].endpoint.start()
        return made[-1]
    yield start
    for one in made:
        one.close()


def test_ready_is_sent_once_with_a_status(notified):
    one = notified()
    one.wait("READY")
    assert one.messages[0]["STATUS"]
    assert one.ask().startswith(b"Status: 200")
    assert one.states() == ["READY"]


def test_the_notify_socket_may_be_abstract(notified):
    notified(address=f"@nullpool-test-{os.getpid()}").wait("READY")


def test_a_notify_socket_without_a_listener_does_no_harm(notified):
    one = notified()
    one.wait("READY")
    one.socket.close()
    one.endpoint.send(signal.SIGHUP)
    assert one.ask().startswith(b"Status: 200")
    one.endpoint.stop()
    assert one.endpoint.returncode == 0
    one.socket = socket.socket()  # for close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_sends_stopping_when_it_ends(notified, number):
    one = notified()
    one.wait("READY")
    one.endpoint.send(number)
    one.wait("READY", "STOPPING")
    wait_until("the end of the program", lambda: not one.endpoint.running, 15)
    assert one.endpoint.returncode == 0


def test_a_reload_sends_reloading_with_its_time_and_then_ready(notified):
    one = notified()
    one.wait("READY")
    pid, before = one.endpoint.pid, time.monotonic_ns() // 1000
    one.endpoint.send(signal.SIGHUP)
    one.wait("READY", "RELOADING", "READY")
    message = next(message for message in one.messages if "RELOADING" in message)
    assert before <= int(message["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000
    assert one.endpoint.running and one.endpoint.pid == pid
    assert one.ask().startswith(b"Status: 200")
    one.endpoint.send(signal.SIGTERM)
    one.wait("READY", "RELOADING", "READY", "STOPPING")


def test_a_reload_with_wrong_settings_leaves_it_ready(notified, site):
    env_file = site.folder("notify-settings") / "testing.env"
    env_file.write_text("ENV=testing\nAPP_NAME=before\n")
    one = notified(NULLPOOL_ENV_FILE=env_file)
    one.wait("READY")
    env_file.write_text("ENV=testing\nAPP_NAME=after\nDATABASE_POOL_SIZE=many\n")
    one.endpoint.send(signal.SIGHUP)
    wait_until("the reason in the log", lambda: "DATABASE_POOL_SIZE" in one.log_path.read_text(), 15)
    wait_until("the failed reload's status", lambda: "exit code 78" in one.read()[-1].get("STATUS", ""), 5)
    assert one.messages[-1]["STATUS"].startswith("not reloaded: ")
    assert b'"before"' in one.ask()
    assert one.endpoint.running and one.states()[-1] == "READY"
    env_file.write_text("ENV=testing\nAPP_NAME=after\n")
    one.endpoint.send(signal.SIGHUP)
    wait_until("the new settings", lambda: b'"after"' in one.ask(), 15)
    wait_until("the status", lambda: one.read()[-1].get("STATUS") == "serving", 5)


def test_a_stop_during_a_reload_is_no_error(notified):
    one = notified()
    one.wait("READY")
    one.endpoint.send(signal.SIGSTOP)  # so that both signals are pending when it continues
    one.endpoint.send(signal.SIGHUP)
    one.endpoint.send(signal.SIGTERM)
    one.endpoint.send(signal.SIGCONT)
    one.wait("READY", "STOPPING")
    wait_until("the end of the program", lambda: not one.endpoint.running, 15)
    assert one.endpoint.returncode == 0
    assert "not reloaded" not in one.log_path.read_text() + "".join(message.get("STATUS", "") for message in one.read())


@pytest.mark.long
def test_after_a_reload_no_worker_answers_with_the_old_settings(notified, site):
    env_file = site.folder("notify-names") / "testing.env"
    env_file.write_text("ENV=testing\nAPP_NAME=name-0\n")
    one = notified(NULLPOOL_ENV_FILE=env_file, DATABASE_POOL_SIZE=8)
    one.wait("READY")
    for number in range(1, 6):
        env_file.write_text(f"ENV=testing\nAPP_NAME=name-{number}\n")
        one.endpoint.send(signal.SIGHUP)
        wait_until("the reload", lambda: one.states().count("READY") == number + 1, 15)
        assert all(f'"name-{number}"'.encode() in one.ask() for _ in range(8))


def test_a_listener_that_becomes_blocking_holds_no_worker(notified):
    """systemd clears O_NONBLOCK for a command whose standard input is the socket, and so for all that share it."""
    one = notified(DATABASE_POOL_SIZE=4)
    one.wait("READY")
    assert one.ask().startswith(b"Status: 200")
    fcntl.fcntl(one.endpoint.listener, fcntl.F_SETFL, fcntl.fcntl(one.endpoint.listener, fcntl.F_GETFL) & ~os.O_NONBLOCK)
    children = pathlib.Path(f"/proc/{one.endpoint.pid}/task/{one.endpoint.pid}/children")
    first = children.read_text().split()
    os.kill(int(first[0]), signal.SIGTERM)  # the others try to accept a connection, and there is none
    wait_until("its successor", lambda: first[0] not in children.read_text() and len(children.read_text().split()) == 4, 5)
    one.endpoint.send(signal.SIGHUP)
    one.wait("READY", "RELOADING", "READY")
    wait_until("the old workers' end", lambda: not set(first) & set(children.read_text().split()), 5)
    assert fcntl.fcntl(one.endpoint.listener, fcntl.F_GETFL) & os.O_NONBLOCK
    assert one.ask().startswith(b"Status: 200")


def test_systemd_may_pass_the_socket(notified, tmp_path):
    """The socket is descriptor 3, named by LISTEN_PID and LISTEN_FDS. A reload keeps it."""
    script = tmp_path / "passed"
    script.write_text(f"#!/bin/sh\nexec 3<&0 </dev/null\nLISTEN_PID=$$ LISTEN_FDS=1 exec {program('root')}\n")
    script.chmod(0o755)
    one = notified("root", script)
    one.wait("READY")
    assert one.ask().startswith(b"Status: 200")
    one.endpoint.send(signal.SIGHUP)
    one.wait("READY", "RELOADING", "READY")
    assert one.ask().startswith(b"Status: 200")
    assert os.readlink(f"/proc/{one.endpoint.pid}/fd/0") == "/dev/null"


@pytest.mark.long
def test_requests_that_wait_for_a_program_with_wrong_settings_get_503(notified, site):
    one = notified()
    one.wait("READY")
    one.endpoint.stop()
    one.endpoint.environment = {**one.endpoint.environment, "DATABASE_URL": "nonsense"}
    with fastcgi.connect(one.endpoint.path) as first, fastcgi.connect(one.endpoint.path) as second:
        first.sendall(fastcgi.request("GET", "/", REQUEST_ID="waits"))
        second.sendall(fastcgi.request("HEAD", "/"))
        one.endpoint.start()
        answers = [fastcgi.read_all(link) for link in (first, second)]
    wait_until("the end of the program", lambda: not one.endpoint.running, 15)
    assert one.endpoint.returncode == 78
    for out, ended in answers:
        assert out.startswith(b"Status: 503") and b"\r\nRetry-After: 30\r\n" in out and ended
    assert b'"request_id":"waits"' in answers[0][0] and answers[1][0].endswith(b"\r\n\r\n")


def test_a_program_that_only_answers_503_ends_on_sigterm(notified):
    """A client that comes later waits for the next program, whose settings may be right."""
    one = notified()
    one.wait("READY")
    one.endpoint.stop()
    good, one.endpoint.environment = one.endpoint.environment, {**one.endpoint.environment, "DATABASE_URL": "nonsense"}
    with fastcgi.connect(one.endpoint.path) as first:
        first.sendall(fastcgi.request("GET", "/"))
        one.endpoint.start()
        assert fastcgi.read_all(first)[0].startswith(b"Status: 503")
    one.endpoint.send(signal.SIGTERM)
    with fastcgi.connect(one.endpoint.path) as second:
        second.sendall(fastcgi.request("GET", "/"))
        wait_until("the end of the program", lambda: not one.endpoint.running, 15)
        one.endpoint.environment = good
        one.endpoint.start()
        assert fastcgi.read_all(second)[0].startswith(b"Status: 200")


def test_a_line_for_the_journal_begins_with_its_priority(site):
    def lines(stream_of):
        with open(site.folder("journal") / "stderr", "wb+") as stderr:
            about = os.fstat(stderr.fileno())
            environment = site.environment(DATABASE_POOL_SIZE="many", JOURNAL_STREAM=stream_of(about))
            done = subprocess.run([program("root"), "--check"], env=environment, stderr=stderr, timeout=60, check=False)
            assert done.returncode == 78
            stderr.seek(0)
            return stderr.read().splitlines()
    told = lines(lambda about: f"{about.st_dev}:{about.st_ino}")
    assert told and all(line.startswith(b'<3>{"time"') for line in told)
    assert all(line.startswith(b'{"time"') for line in lines(lambda about: f"{about.st_dev}:{about.st_ino + 1}"))


def test_with_wrong_settings_it_exits_with_78_and_sends_no_ready(notified):
    one = notified(DATABASE_URL="nonsense")
    wait_until("the end of the program", lambda: not one.endpoint.running, 15)
    assert one.endpoint.returncode == 78 and "READY" not in one.states()


@pytest.mark.long
def test_it_notifies_the_watchdog_at_least_twice_an_interval(notified):
    one = notified(WATCHDOG_USEC=1_000_000)
    one.wait("READY")
    times = []
    count = 0
    while len(times) < 6:
        heard = sum(message.get("WATCHDOG") == "1" for message in one.read())
        times += [time.monotonic()] * (heard - count)
        count = heard
        assert not times or time.monotonic() - times[-1] < 1, "systemd would have killed it"
        pause()
    assert times[-1] - times[0] > 1, "two messages an interval are enough, and each wakes an idle machine"


def test_it_notifies_the_watchdog_after_a_reload_too(notified):
    one = notified(WATCHDOG_USEC=1_000_000)
    one.wait("READY")
    one.endpoint.send(signal.SIGHUP)
    one.wait("READY", "RELOADING", "READY")
    heard = len(one.messages)
    wait_until("WATCHDOG=1", lambda: any("WATCHDOG" in message for message in one.read()[heard:]), 2)


def test_without_a_watchdog_it_sends_no_watchdog_messages(notified):
    one = notified()
    one.wait("READY")
    time.sleep(1)
    assert not any("WATCHDOG" in message for message in one.read())


def test_an_idle_endpoint_ends_all_its_processes(notified):
    """The socket stays. The next request makes systemd start the program again."""
    one = notified(DATABASE_POOL_SIZE=0, WORKER_IDLE_TIMEOUT=1, MASTER_IDLE_TIMEOUT=1)
    one.wait("READY")
    assert one.ask().startswith(b"Status: 200")
    wait_until("the end of the program", lambda: not one.endpoint.running, 15)
    assert one.endpoint.returncode == 0 and one.states() == ["READY", "STOPPING"]
    with fastcgi.connect(one.endpoint.path) as waiting:
        waiting.sendall(fastcgi.request("GET", "/"))
        one.endpoint.start()
        out, ended = fastcgi.read_all(waiting)
    assert out.startswith(b"Status: 200") and ended


@pytest.mark.long
def test_an_upgrade_is_install_and_reload(notified, installed):
    one = notified("root", path=installed.prefix / "lib/nullpool/handlers/root")
    one.wait("READY")
    built = BUILD / "openapi.json"
    before = built.read_bytes()
    make("install", installed.stage, installed.prefix)
    # The installed pages have the title of the installed settings; those of the tree do not change.
    pages = installed.stage / installed.prefix.relative_to("/") / "share/nullpool/docs/openapi.json"
    assert json.loads(pages.read_text())["info"]["title"] == "my-api" and built.read_bytes() == before
    one.endpoint.send(signal.SIGHUP)
    one.wait("READY", "RELOADING", "READY")
    running = pathlib.Path(f"/proc/{one.endpoint.pid}/exe").resolve()
    assert running.samefile(installed.prefix / "lib/nullpool/handlers/root")
    assert one.ask().startswith(b"Status: 200")


# --- credentials ---


def settings_of(site, **settings):
    done = subprocess.run([program("users"), "--settings"], env=site.environment(**settings), capture_output=True,
                          text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return {line.split()[0]: line for line in done.stdout.splitlines()}


@pytest.fixture
def credentials(site):
    folder = site.folder("credentials")
    (folder / "APP_NAME").write_text("not a secret\n")
    (folder / "DATABASE_URL").write_text(site.url() + "\n")
    return folder


def test_a_secret_may_come_as_a_credential(site, credentials):
    rows = settings_of(site, CREDENTIALS_DIRECTORY=credentials, DATABASE_URL=None)
    assert "***" in rows["DATABASE_URL"] and "environment" not in rows["DATABASE_URL"]
    assert "not a secret" not in rows["APP_NAME"]


def test_a_newline_at_the_end_of_a_credential_is_not_part_of_it(site, credentials):
    done = subprocess.run([program("users"), "GET", "/users?limit=1"], capture_output=True, timeout=60, check=False,
                          env=site.environment(CREDENTIALS_DIRECTORY=credentials, DATABASE_URL=None))
    assert done.returncode == 0, done.stderr


def test_the_environment_wins_over_a_credential_and_a_credential_over_the_file(site, credentials):
    env_file = site.folder("credentials-file") / "testing.env"
    env_file.write_text(f"ENV=testing\nDATABASE_URL=postgresql://app_user:{CANARY_ENCODED}@wrong:1/wrong\n")
    env_file.chmod(0o600)
    settings = {"CREDENTIALS_DIRECTORY": credentials, "NULLPOOL_ENV_FILE": env_file}
    assert "environment" in settings_of(site, **settings)["DATABASE_URL"]
    assert str(env_file) not in settings_of(site, **settings, DATABASE_URL=None)["DATABASE_URL"]
    (credentials / "DATABASE_URL").unlink()
    assert str(env_file) in settings_of(site, **settings, DATABASE_URL=None)["DATABASE_URL"]
