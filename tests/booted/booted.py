"""make booted: runs the commands of the README's production section on a Debian that boots with its own systemd.

It needs root, debootstrap, systemd-nspawn and cgroup2; without one of them it says so and does nothing. The root file system
is made once and stored as a tar in BOOTED_CACHE (default: a folder in the temporary one). The booted system has no network:
all packages are installed before it boots.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

TREE = pathlib.Path(__file__).resolve().parents[2]
SUITE = os.environ.get("SUITE", "trixie")
CACHE = pathlib.Path(os.environ.get("BOOTED_CACHE", pathlib.Path(tempfile.gettempdir()) / "nullpool-booted"))
MACHINE = "nullpool-booted"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENVIRONMENT = {"PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive", "SYSTEMD_PAGER": ""}
HOST = "api.example.com"

# Only cgroup2, in a mount namespace of its own: this machine may have cgroup1 too.
BOOT = r"""
mount --make-rprivate /
mkdir -p /run/systemd/nspawn && mount -t tmpfs tmpfs /run/systemd/nspawn
if [ "$(stat -fc %T /sys/fs/cgroup)" != cgroup2fs ]; then
	umount -R /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup && echo $$ >/sys/fs/cgroup/cgroup.procs
fi
export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
exec systemd-nspawn -D "$0" --boot --register=no --keep-unit --private-network --machine="$1" --console=read-only \
	--resolv-conf=off --timezone=off
"""


def run(*command, check=True, **more):
    return subprocess.run([str(word) for word in command], check=check, text=True, **more)


def obstacle():
    """Returns why this machine cannot run the test, or None."""
    if os.geteuid() != 0:
        return "only root can boot a system"
    for program in ("debootstrap", "systemd-nspawn", "nsenter", "unshare"):
        if not shutil.which(program):
            return f"{program} is not installed"
    mount = ("unshare", "-m", "sh", "-c", "mount --make-rprivate / && mount -t cgroup2 cgroup2 /mnt")
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        return "cgroup2 cannot be mounted"
    if not mirror():
        return "apt's sources name no mirror"
    return None


def mirror():
    """The mirror of this machine's own packages; None if its sources name none."""
    sources = pathlib.Path("/etc/apt/sources.list.d/debian.sources"), pathlib.Path("/etc/apt/sources.list")
    text = "".join(path.read_text() for path in sources if path.exists())
    found = re.search(r"^(?:URIs:|deb(?: \[[^]]*\])?) *(\S+)", text, re.M)
    return found[1] if found else None


def packages():
    """The packages of env/setup run."""
    text = re.search(r"^groups='$(.*?)^'$", (TREE / "env" / "setup").read_text(), re.M | re.S)[1]
    return [name for line in re.findall(r"^run +(.*)", text, re.M) for name in line.split()]


def in_root(root, *command):
    """Runs a command in the root file system before it boots, with this machine's network."""
    script = f"""mount --make-rprivate / && mount --bind /proc '{root}/proc' && mount --bind /dev '{root}/dev' && exec chroot '{root}' "$@" """
    proxies = {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
    run("unshare", "-m", "sh", "-c", script, "sh", *command, env={**ENVIRONMENT, **proxies}, stdout=subprocess.DEVNULL)


def make_tar(tar):
    tar.parent.mkdir(parents=True, exist_ok=True)
    root = pathlib.Path(tempfile.mkdtemp(dir=tar.parent))
    try:
        root.chmod(0o755)
        run("debootstrap", "--variant=minbase", "--include=ca-certificates,make,git,systemd,systemd-sysv,dbus,sudo,curl", SUITE, root, mirror(),
            stdout=subprocess.DEVNULL)
        for name in ("etc/resolv.conf", "etc/ssl/certs/ca-certificates.crt"):
            shutil.copy(f"/{name}", root / name)
        shutil.copytree("/etc/apt/apt.conf.d", root / "etc/apt/apt.conf.d", dirs_exist_ok=True)
        policy = root / "usr/sbin/policy-rc.d"
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
        in_root(root, "apt-get", "update", "-qq")
        in_root(root, "apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages())
        policy.unlink()
        run("tar", "-C", root, "--one-file-system", "-cf", f"{tar}.part", ".")
        pathlib.Path(f"{tar}.part").rename(tar)
    finally:
        run("rm", "-rf", "--one-file-system", root)


class System:
    """A booted system. Commands run in it as root, in the tree."""

    def __init__(self, root):
        self.root, self.console, self.process = root, open(f"{root}.console", "w"), None

    def boot(self):
        self.process = subprocess.Popen(["unshare", "-m", "bash", "-c", BOOT, self.root, MACHINE], stdout=self.console,
                                        stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        wait_for("the system to have booted", lambda: self.sh("systemctl is-system-running", check=False).strip() in ("running", "degraded"), 120)

    def leader(self):
        """The pid of its init on this machine: the child of systemd-nspawn, which replaced the unshare."""
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return children[0] if children else None

    def sh(self, script, check=True):
        leader = self.leader()
        if not leader:
            return ""
        enter = ["nsenter", "-t", leader, "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w", "env", "-i",
                 *(f"{name}={value}" for name, value in ENVIRONMENT.items()), "bash", "-c", f"cd /srv/nullpool && {script}"]
        done = subprocess.run(enter, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"{script}\nended with {done.returncode}:\n{done.stdout}\n"
                                 + self.sh("journalctl -b --no-pager -n 60 2>&1", check=False))
        return done.stdout

    def stop(self):
        leader = self.leader() if self.process and self.process.poll() is None else None
        if leader:
            run("kill", "-s", "RTMIN+4", leader)  # poweroff
        if self.process:
            try:
                self.process.wait(90)
            except subprocess.TimeoutExpired:
                run("kill", "-KILL", leader, check=False)
                self.process.wait()


def wait_for(what, predicate, timeout=30):
    end = time.monotonic() + timeout
    while not predicate():
        if time.monotonic() > end:
            raise AssertionError(f"timed out after {timeout} s waiting for {what}")
        time.sleep(0.2)


# --- the README ---

SECTION = re.search(r"^## To production\n(.*?)^## ", (TREE / "README.md").read_text(), re.M | re.S)[1]


def block(beginning):
    """The indented lines from the one that begins with this text to the next empty line."""
    lines = [line.strip() for line in SECTION.splitlines()]
    first = next(i for i, line in enumerate(lines) if line.startswith(beginning) and f"    {line}" in SECTION)
    return "\n".join(lines[first:lines.index("", first)])


def span(beginning):
    """The text in backquotes that begins with this text."""
    return next(" ".join(text.split()) for text in re.findall(r"`([^`]+)`", SECTION) if " ".join(text.split()).startswith(beginning))


# --- what a user sees ---

def ask(system, target, *options):
    """(status, body) of a request to its nginx, as a proxy in front of it sends one."""
    words = " ".join(f"'{option}'" for option in options)
    out = system.sh(f"curl -s -o /tmp/body -w '%{{http_code}}' --resolve {HOST}:80:127.0.0.1 {words} 'http://{HOST}{target}'; echo; cat /tmp/body",
                    check=False)
    status, _, body = out.partition("\n")
    return int(status or 0), body


def serves(system, target="/users?limit=1"):
    return ask(system, target)[0] == 200


def edit(system, path, *changes):
    file = system.root / path.lstrip("/")
    text = file.read_text()
    for pattern, replacement in changes:
        text, count = re.subn(pattern, replacement, text, flags=re.M)
        if count == 0:
            text += f"{replacement}\n"
    file.write_text(text)


def status_of(system, name):
    return system.sh(f"systemctl show -p StatusText --value nullpool@{name}.service").strip()


# --- the steps ---

def make_database(system):
    system.sh("sed -i '1i local app all scram-sha-256' /etc/postgresql/*/main/pg_hba.conf; systemctl restart postgresql")
    wait_for("Postgres", lambda: "accepting" in system.sh("pg_isready", check=False))
    for statement in ("CREATE ROLE app_owner LOGIN PASSWORD 'owner'", "CREATE ROLE app LOGIN PASSWORD 'word'", "CREATE DATABASE app OWNER app_owner"):
        system.sh(f'sudo -u postgres psql -qc "{statement}"')


def check_install(system):
    system.sh(block("env/setup run && make"))
    store = "install -d -m 0700 /etc/credstore; umask 077; "
    system.sh(store + "echo 'postgresql://app:word@/app?host=/run/postgresql' >/etc/credstore/nullpool.DATABASE_URL")
    system.sh(store + "echo 'postgresql://app_owner:owner@/app?host=/run/postgresql' >/etc/credstore/nullpool.MIGRATION_DATABASE_URL")
    system.sh(store + "openssl rand -hex 32 >/etc/credstore/nullpool.SECRET_KEY")
    edit(system, "/etc/nullpool/nullpool.env", (r"^#?\s*DATABASE_URL=.*", "DATABASE_URL="), (r"^#?\s*SECRET_KEY=.*", "SECRET_KEY="),
         (r"^#?\s*REDIS_URL=.*", "REDIS_URL="), (r"^#?\s*APP_NAME=.*", "APP_NAME=first"), (r"^#?\s*DATABASE_POOL_SIZE=.*", "DATABASE_POOL_SIZE=2"))


def check_database(system):
    (system.root / "srv/grants.sql").write_text(block("ALTER DEFAULT PRIVILEGES"))
    system.sh("PGPASSWORD=owner psql -qv ON_ERROR_STOP=1 -h localhost -U app_owner app -f /srv/grants.sql")
    system.sh(span("sudo nullpool-migrate"))


def check_programs(system):
    system.sh(span("sudo systemctl enable --now nullpool.target"))


def check_nginx(system):
    edit(system, "/etc/nginx/nullpool-site.conf", (r"^set \$nullpool_http .*", "set $nullpool_http serve;"))
    system.sh(f"set -e; {block('rm /etc/nginx/sites-enabled/default')}")
    wait_for("an answer", lambda: serves(system))
    log = system.root / "var/log/nginx/nullpool.log"
    assert log.stat().st_mode & 0o777 == 0o640, "everybody can read nginx's log"


def check_journal(system):
    assert not system.sh("journalctl -b -u 'nullpool@*' --no-pager | grep -i credential || true").strip()
    text = system.sh("journalctl -b -t nullpool-users --no-pager -p warning..emerg -o cat || true")
    assert '"level":"info"' not in text


def check_reload(system):
    for number in range(4):
        edit(system, "/etc/nullpool/nullpool.env", (r"^APP_NAME=.*", f"APP_NAME=name-{number}"))
        assert ask(system, "/")[0] == 200
        before = system.sh("journalctl -b -t nullpool-root --no-pager | grep -c '\"event\":\"started\"' || true").strip()
        system.sh("systemctl reload 'nullpool@*.service'")
        wait_for("the new program", lambda: system.sh(
            "journalctl -b -t nullpool-root --no-pager | grep -c '\"event\":\"started\"' || true").strip() != before)
        wait_for("the end of the reload", lambda: status_of(system, "root") == "serving")
        for _ in range(10):
            assert f'"name-{number}"' in ask(system, "/")[1], "an old worker answered"


def check_failed_reload(system):
    edit(system, "/etc/nullpool/nullpool.env", (r"^DATABASE_POOL_SIZE=.*", "DATABASE_POOL_SIZE=many"))
    system.sh("systemctl reload nullpool@root.service")
    wait_for("the status of the failed reload", lambda: status_of(system, "root").startswith("not reloaded"))
    assert ask(system, "/")[0] == 200
    start = time.monotonic()
    system.sh("systemctl restart nullpool@root.service", check=False)
    assert time.monotonic() - start < 20, "a worker hung"
    status, body = ask(system, "/")
    assert status == 503 and '"status":503' in body, (status, body)
    edit(system, "/etc/nullpool/nullpool.env", (r"^DATABASE_POOL_SIZE=.*", "DATABASE_POOL_SIZE=2"))
    wait_for("the service to recover", lambda: ask(system, "/")[0] == 200)


def check_wrong_settings(system):
    """Requests during the outage get 503 and nothing else, and the service recovers by itself."""
    edit(system, "/etc/nullpool/nullpool.env", (r"^DATABASE_POOL_SIZE=.*", "DATABASE_POOL_SIZE=many"))
    system.sh("systemctl restart nullpool@root.service", check=False)
    end = time.monotonic() + 8
    while time.monotonic() < end:
        assert ask(system, "/")[0] == 503
    assert system.sh("systemctl is-active nullpool@root.socket", check=False).strip() == "active"
    edit(system, "/etc/nullpool/nullpool.env", (r"^DATABASE_POOL_SIZE=.*", "DATABASE_POOL_SIZE=2"))
    wait_for("the service to recover", lambda: ask(system, "/")[0] == 200)


def check_limit(system):
    """A program that does not start: its socket unit gives up, and nginx answers for it."""
    program = "/usr/local/lib/nullpool/handlers/root"
    system.sh(f"systemctl stop nullpool@root.service; mv {program} {program}.kept; printf '#!/bin/sh\nexit 78\n' >{program}; chmod 755 {program}")
    ask(system, "/", "-m", "20")  # this request waits until it is reset
    wait_for("the socket to give up", lambda: system.sh("systemctl is-failed nullpool@root.socket", check=False).strip() == "failed")
    assert ask(system, "/")[0] == 503
    system.sh(f"mv {program}.kept {program}")
    # If it is restarted too early, the socket gives up again.
    wait_for("the socket to recover", lambda: system.sh(f"{span('systemctl restart nullpool.target')}; sleep 2") == "" and ask(system, "/")[0] == 200)


def check_upgrade(system):
    shutil.copy(system.root / "srv/nullpool/handlers/root.c", system.root / "srv/nullpool/handlers/extra.c")
    edit(system, "/srv/nullpool/handlers/extra.c", (r'"root"', '"extra"'), (r'"/"', '"/extra"'))
    system.sh(span("make && sudo make install"))
    system.sh(span("sudo systemctl start nullpool.target"))
    wait_for("the new endpoint", lambda: ask(system, "/extra")[0] == 200)
    (system.root / "srv/nullpool/handlers/extra.c").unlink()
    system.sh(f"rm -f build/handlers/extra; {span('make && sudo make install')}")
    assert ask(system, "/extra")[0] == 404
    assert system.sh("systemctl is-active nullpool@extra.service nullpool@extra.socket", check=False).split() == ["inactive"] * 2
    assert serves(system)


def check_reboot(system):
    system.stop()
    system.boot()
    wait_for("an answer after a reboot", lambda: serves(system), 60)


def check_uninstall(system):
    (system.root / "etc/nginx/sites-enabled/other").write_text(
        "server { listen 81; access_log off; location / { return 200 other; } }\n")
    system.sh("nginx -t -q && systemctl reload nginx")
    kept = system.sh(span("sudo make uninstall"))
    assert "kept: /etc/nullpool" in kept and "kept: user nullpool" in kept, kept
    wait_for("the other site", lambda: system.sh("curl -s http://127.0.0.1:81/", check=False) == "other")
    system.sh("nginx -t -q && systemctl restart nginx")
    assert system.sh("ls -d /run/nullpool 2>/dev/null; find /proc -maxdepth 1 -user nullpool", check=False).strip() == ""
    system.sh(span("sudo make purge"))
    left = system.sh("find / -xdev -path /proc -prune -o -path /srv -prune -o -name '*nullpool*' -print | grep -v '^/tmp/\\|journal\\|deb-systemd' || true").split()
    assert left == [], left
    assert system.sh("getent passwd nullpool || true").strip() == ""


STEPS = (make_database, check_install, check_database, check_programs, check_nginx, check_journal, check_reload, check_failed_reload,
         check_wrong_settings, check_limit, check_upgrade, check_reboot, check_uninstall)


def copy_tree(root):
    target = root / "srv/nullpool"
    target.mkdir(parents=True)
    names = subprocess.run(["git", "ls-files", "-z"], cwd=TREE, check=True, capture_output=True).stdout
    run("tar", "-C", TREE, "--null", "-T", "-", "-cf", target / "tree.tar", input=names.decode())
    run("tar", "-C", target, "-xf", target / "tree.tar")
    (target / "tree.tar").unlink()


def main():
    why = obstacle()
    if why:
        print(f"booted: skipped: {why}")
        return 0
    tar = CACHE / f"{SUITE}.tar"
    if not tar.exists():
        print(f"booted: building a root file system of {SUITE}", flush=True)
        make_tar(tar)
    root = pathlib.Path(tempfile.mkdtemp(dir=CACHE))
    system = System(root)
    try:
        root.chmod(0o755)
        run("tar", "-C", root, "-xf", tar)
        copy_tree(root)
        system.boot()
        for step in STEPS:
            start = time.monotonic()
            step(system)
            print(f"booted: {step.__name__.removeprefix('check_')}, {time.monotonic() - start:.1f} s", flush=True)
    finally:
        system.stop()
        run("rm", "-rf", "--one-file-system", root, f"{root}.console")
    print("booted: all steps passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
