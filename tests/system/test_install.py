"""make install, make uninstall and make purge, in a folder that belongs to the test."""
import http.client
import json
import os
import re
import shutil
import socket
import ssl
import stat
import subprocess

import pytest

from env.local.nginx import NGINX_CONF, Nginx
from env.local.process import SERVER_ENVIRONMENT, free_port
from client import Client
from conftest import BUILD, OWNER_CANARY, ROOT, VARIANT

pytestmark = pytest.mark.long

PROGRAMS = sorted(path.stem for path in (ROOT / "handlers").glob("*.c"))
MIGRATIONS = sorted(path.name for path in (ROOT / "migrations" / "versions").glob("*.py"))
SITE = BUILD / "site"
NGINX = sorted(path.name for path in (ROOT / "nginx").glob("*.conf"))
SETTINGS = {"etc/nginx/nullpool-site.conf": 0o644, "etc/nginx/nullpool-settings.conf": 0o644,
            "etc/nginx/nullpool-bodies.conf": 0o644, "etc/nginx/nullpool-https.conf": 0o644, "etc/nullpool/nullpool.env": 0o640}


def make(target, stage, prefix="/usr/local", check=True):
    """Runs make as a packager does. The umask must not matter, and nothing of the make that runs the tests is inherited."""
    return subprocess.run(["make", "-s", target, VARIANT, f"DESTDIR={stage}", f"PREFIX={prefix}"],
                          cwd=ROOT, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, timeout=120,
                          check=check, umask=0o077)


def install(programs, stage):
    """Installs only these programs, as make install does in a tree without the others."""
    subprocess.run([ROOT / "env/install/run", "install", *(BUILD / "handlers" / name for name in programs)], check=True,
                   env={"PATH": os.environ["PATH"], "BUILD": str(BUILD), "DESTDIR": str(stage)}, timeout=60)


def files(stage):
    """{path: mode} of all files; for a symlink, its target instead of the mode."""
    found = {}
    for path in sorted(stage.rglob("*")):
        name = str(path.relative_to(stage))
        if path.is_symlink():
            found[name] = os.readlink(path)
        elif path.is_file():
            found[name] = stat.S_IMODE(path.stat().st_mode)
    return found


class Installed:
    """An installation whose PREFIX is a symlink into the stage, so that paths in the installed files are valid."""

    def __init__(self, folder):
        self.prefix, self.stage = folder / "prefix", folder / "stage"
        self.units = self.stage / "usr/local/lib/systemd/system"
        make("install", self.stage, self.prefix)
        self.prefix.symlink_to(self.stage / self.prefix.relative_to("/"))


@pytest.fixture(scope="module")
def installed(site):
    return Installed(site.folder("installed"))


@pytest.fixture
def stage(site):
    path = site.folder("install with a space") / "stage"
    make("install", path)
    return path


def expected():
    units = "usr/local/lib/systemd/system"
    share = "usr/local/share/nullpool"
    return {
        **SETTINGS,
        **{f"etc/nginx/nullpool/{name}": 0o644 for name in NGINX},
        **{f"usr/local/lib/nullpool/handlers/{name}": 0o755 for name in PROGRAMS},
        **{f"{units}/nullpool.target.wants/nullpool@{name}.socket": "../nullpool@.socket" for name in PROGRAMS},
        **{f"{units}/nullpool{name}": 0o644 for name in (".target", "@.service", "@.socket")},
        **{f"{share}/migrations/versions/{name}": 0o644 for name in MIGRATIONS},
        **{f"{share}/migrations/{name}": 0o644 for name in ("alembic.ini", "env.py")},
        **{f"{share}/{name}.sample": 0o644 for name in ("nullpool.env", "nullpool-site.conf", "nullpool-settings.conf", "nullpool-bodies.conf", "nullpool-https.conf")},
        **{f"{share}/docs/{path.relative_to(SITE)}": 0o644 for path in SITE.rglob("*") if path.is_file()},
        "usr/local/lib/nullpool/conninfo": 0o755,
        "usr/local/lib/nullpool/manifest": 0o644,
        "usr/local/lib/sysusers.d/nullpool.conf": 0o644,
        "usr/local/lib/tmpfiles.d/nullpool.conf": 0o644,
        "usr/local/sbin/nullpool-migrate": 0o755,
        "usr/local/sbin/nullpool-nginx": 0o755,
        "usr/local/lib/nullpool/nginx-conf": 0o755,
        **{f"usr/local/lib/nullpool/sql/{path.name}": 0o644 for path in (ROOT / "env" / "sql").glob("*.py")},
        "usr/local/bin/nullpool-sql": 0o755,
        "usr/local/include/nullpool.h": 0o644,
        "usr/local/lib/libnullpool.a": 0o644,
        "usr/local/lib/pkgconfig/nullpool.pc": 0o644,
    }


def test_these_files_are_installed(stage):
    assert files(stage) == expected()
    closed = [path for path in stage.rglob("*") if path.is_dir() and stat.S_IMODE(path.stat().st_mode) != 0o755]
    assert closed == [stage / "etc/nullpool"] and stat.S_IMODE(closed[0].stat().st_mode) == 0o750


def test_uninstall_leaves_nothing(stage):
    make("uninstall", stage)
    assert list(stage.rglob("*")) == []


def test_uninstall_keeps_edited_settings_and_files_of_others(stage):
    edited = stage / "etc/nullpool/nullpool.env"
    edited.write_text("ENV=production\n")
    foreign = stage / "etc/nginx/nullpool/mine.conf"
    foreign.write_text("# mine\n")
    done = make("uninstall", stage)
    assert set(files(stage)) == {"etc/nullpool/nullpool.env", "etc/nginx/nullpool/mine.conf"}
    assert f"kept: {edited.parent}" in done.stdout


INCLUDES = "include nullpool/http.conf;\ninclude nullpool/server.conf;\n"


def test_uninstall_removes_its_include_from_nginx(stage):
    enabled = stage / "etc/nginx/sites-enabled"
    enabled.mkdir()
    (enabled / "nullpool").write_text(INCLUDES)
    (enabled / "mine").write_text("server { listen 81; } # not nullpool/server.conf\n")
    make("uninstall", stage)
    assert [path.name for path in enabled.iterdir()] == ["mine"]


@pytest.mark.parametrize("name, text", [("sites-enabled/nullpool", INCLUDES + "server {}\n"), ("conf.d/all.conf", INCLUDES + "#\n"),
                                        ("nginx.conf", "http {\n\tinclude /etc/nginx/nullpool/server.conf;\n}\n")])
def test_uninstall_removes_nothing_if_nginx_includes_it_in_another_way(stage, name, text):
    """Without an included file nginx would not start, so none of its sites would be served."""
    path = stage / "etc/nginx" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    before = files(stage)
    done = make("uninstall", stage, check=False)
    assert done.returncode != 0 and str(path) in done.stderr and files(stage) == before


def test_purge_leaves_nothing_at_all(stage):
    for name, text in (("etc/nullpool/nullpool.env", "ENV=production\n"), ("etc/credstore/nullpool.SECRET_KEY", "x\n"),
                       ("etc/nginx/nullpool-metrics-all.conf", "allow all;\n"), ("var/log/nginx/nullpool.log.1", "{}\n"),
                       ("etc/nginx/nullpool/mine.conf", "# mine\n"), ("run/nullpool/users.board", "")):
        (stage / name).parent.mkdir(parents=True, exist_ok=True)
        (stage / name).write_text(text)
    kept = make("uninstall", stage).stdout
    assert set(files(stage)) == {"etc/nullpool/nullpool.env", "etc/credstore/nullpool.SECRET_KEY", "etc/nginx/nullpool-metrics-all.conf",
                                 "etc/nginx/nullpool/mine.conf", "var/log/nginx/nullpool.log.1"}
    for name in ("etc/nullpool", "etc/credstore/nullpool.SECRET_KEY", "var/log/nginx/nullpool.log.1"):
        assert f"kept: {stage / name}\n" in kept
    make("purge", stage)
    assert files(stage) == {}


@pytest.mark.parametrize("user, ours", [("nullpool:x:998:998:nullpool endpoints:/:/usr/sbin/nologin", True),
                                        ("nullpool:x:1000:1000:Nora Pool,,,:/home/nullpool:/bin/bash", False), ("", False)])
def test_purge_removes_no_user_that_somebody_else_created(user, ours):
    """Runs only one function of the script: without DESTDIR the rest would change this machine."""
    function = re.search(r"^has_user\(\) \{$.*?^\}$", (ROOT / "env/install/run").read_text(), re.M | re.S)[0]
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", f"getent() {{ echo '{user}'; }}; DESTDIR=; {function}\nif has_user; then echo yes; fi"],
                          cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("yes\n" if ours else "", "")


def test_uninstall_leaves_directories_that_existed_before(site):
    stage = site.folder("uninstall") / "stage"
    (stage / "etc/nginx").mkdir(parents=True)
    make("install", stage)
    make("install", stage)  # this time all directories exist
    make("uninstall", stage)
    assert [str(path.relative_to(stage)) for path in stage.rglob("*")] == ["etc", "etc/nginx"]


def test_uninstall_of_nothing_says_so(site):
    done = make("uninstall", site.folder("nothing"), check=False)
    assert done.returncode != 0 and "nothing is installed" in done.stderr


def test_a_second_install_keeps_settings(stage):
    for name in SETTINGS:
        (stage / name).write_text("edited\n")
        (stage / name).chmod(0o600)
    make("install", stage)
    for name in SETTINGS:
        assert (stage / name).read_text() == "edited\n"
    assert files(stage) == {**expected(), **{name: 0o600 for name in SETTINGS}}


def test_a_program_is_replaced_and_not_written_in_place(stage):
    program = stage / "usr/local/lib/nullpool/handlers/root"
    with open(program, "r+b") as old:  # like a process that runs it
        before = old.read()
        make("install", stage)
        assert os.fstat(old.fileno()).st_nlink == 0 and program.stat().st_ino != os.fstat(old.fileno()).st_ino
        assert program.read_bytes() == before
    assert not list(stage.rglob("*.new"))


def test_install_removes_what_the_tree_no_longer_has(stage):
    gone = stage / "usr/local/share/nullpool/migrations/versions/0009_gone.py"
    gone.write_text("# of an earlier version\n")
    manifest = stage / "usr/local/lib/nullpool/manifest"
    manifest.write_text(manifest.read_text() + f"/{gone.relative_to(stage)}\n")
    (stage / "run/nullpool").mkdir(parents=True)
    for name in ("root.sock", "users.sock", "users.board"):
        (stage / "run/nullpool" / name).write_text("")
    install(["root"], stage)
    # nginx answers 404 for an endpoint without a socket.
    assert [path.name for path in (stage / "run/nullpool").iterdir()] == ["root.sock"]
    (stage / "run/nullpool/root.sock").unlink()
    left = {name: mode for name, mode in expected().items()
            if not any(name.endswith((f"/{other}", f"@{other}.socket")) for other in PROGRAMS if other != "root")}
    assert files(stage) == left


class Production(Nginx):
    """nginx with the installed files, on free ports and in its own folder. With a certificate, the lines for TLS are on."""

    def __init__(self, stage, folder, certificate=None):
        super().__init__(folder, free_port(), folder / "run", folder / "nullpool", "as installed")
        self.https = free_port() if certificate else None
        shutil.copytree(stage / "etc/nginx", folder)
        (folder / "run").mkdir()
        self.site = folder / "nullpool-site.conf"
        text = (self.site.read_text().replace("/var/log/nginx/", "").replace("/run/nullpool", str(folder / "run"))
                .replace("listen 80 ", f"listen {self.port} ").replace("listen [::]:80 ", f"listen {free_port()} "))
        if certificate:
            for path in certificate:
                text = re.sub(rf"^#(ssl_certificate\S*) .*{'key' if path.suffix == '.key' else 'fullchain'}.pem;", rf"\1 {path};", text, flags=re.M)
            text = text.replace("#include nullpool-https.conf;", "include nullpool-https.conf;")
        self.site.write_text(text)

    def _configure(self):
        https = self.home / "nullpool-https.conf"
        https.write_text(https.read_text().replace("*:443", f"127.0.0.1:{self.https}").replace("[::]:443", f"127.0.0.2:{self.https}"))
        (self.home / "temp").mkdir()
        user = "user root;" if os.geteuid() == 0 else ""
        (self.home / "nginx.conf").write_text(NGINX_CONF.format(user=user, connections=64, files=256))

    def check(self):
        self._configure()
        return subprocess.run(["nginx", "-t", "-q", "-p", f"{self.home}/", "-c", "nginx.conf", "-e", "error.log"],
                              env=SERVER_ENVIRONMENT, capture_output=True, text=True, timeout=30, check=False)


def test_nginx_accepts_the_installed_files(installed, site):
    done = Production(installed.stage, site.folder("nginx") / "nginx").check()
    assert (done.returncode, done.stderr) == (0, "")


def nullpool_nginx(site, installed, folder, version=None, **settings):
    """Returns what the installed script prints; it writes into folder. With a version, it finds an nginx of that version."""
    script = (installed.prefix / "sbin/nullpool-nginx").read_text()
    script = script.replace("/etc/nginx", str(folder)).replace("/etc/credstore", str(folder))
    tools = site.folder("tools")
    if version:
        (tools / "nginx").write_text(f"#!/bin/sh\necho 'nginx version: nginx/{version}' >&2\n")
        (tools / "nginx").chmod(0o755)
    environment = site.environment(DATABASE_POOL_SIZE=5, DATABASE_MAX_OVERFLOW=15, **settings)
    environment["PATH"] = f"{tools}:/usr/sbin:{environment['PATH']}"
    return subprocess.run(["sh", "-c", script], env=environment, capture_output=True, text=True, timeout=30, check=True).stdout


@pytest.mark.parametrize("version, new", [("1.22.1", False), ("1.25.0", False), ("1.25.1", True), ("1.26.3", True), ("1.30.0 (Ubuntu)", True),
                                          ("2.0.0", True), ("unknown", False)])
def test_http2_is_enabled_in_the_syntax_of_this_nginx(installed, site, version, new):
    folder = site.folder("http2")
    said = nullpool_nginx(site, installed, folder, version)
    text = (folder / "nullpool-https.conf").read_text()
    assert ("http2 on;" in text) is new and ("ssl http2 default_server" in text) is not new
    assert "include nullpool/tls.conf;" in text and "map $http_origin" in (folder / "nullpool-settings.conf").read_text()
    assert f"at least worker_connections {len(PROGRAMS) * 1062 + 512} in " in said


def test_the_api_description_gets_its_title_from_the_settings(installed, site):
    description = installed.stage / installed.prefix.relative_to("/") / "share/nullpool/docs/openapi.json"
    before = json.loads(description.read_text())
    nullpool_nginx(site, installed, site.folder("http2"), "1.22.1", APP_NAME="Käse & Co")
    after = json.loads(description.read_text())
    assert after["info"].pop("title") == "Käse & Co" and before["info"].pop("title") == "nullpool"
    assert after == before and stat.S_IMODE(description.stat().st_mode) == 0o644


def test_the_example_for_tls_is_what_is_written_for_an_old_nginx(installed, site):
    folder = site.folder("http2")
    nullpool_nginx(site, installed, folder, "1.22.1")
    assert (folder / "nullpool-https.conf").read_text() == (ROOT / "nginx" / "nullpool-https.conf.example").read_text()


def handshake(port, *, version=None, ciphers=None, protocols=("h2", "http/1.1")):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(protocols)
    if version:
        context.minimum_version = context.maximum_version = version
    if ciphers:
        context.set_ciphers(ciphers)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as link, context.wrap_socket(link) as tls:
        return tls.selected_alpn_protocol(), tls.cipher()[0]


def test_the_example_for_tls_has_http2_and_modern_ciphers(installed, site):
    nginx = Production(installed.stage, site.folder("https") / "nginx", site.authority.certificate())
    nullpool_nginx(site, installed, nginx.home)
    nginx.start()
    try:
        assert (nginx.home / "start.log").read_text() == ""  # no directive is deprecated
        assert handshake(nginx.https)[0] == "h2"
        assert handshake(nginx.https, protocols=("http/1.1",))[0] == "http/1.1"
        assert "GCM" in handshake(nginx.https, version=ssl.TLSVersion.TLSv1_2)[1]
        with pytest.raises(OSError):
            handshake(nginx.https, version=ssl.TLSVersion.TLSv1_2, ciphers="ECDHE-ECDSA-AES128-SHA@SECLEVEL=0")
        answer = Client(nginx.port, source="127.0.0.2").get("/users?x=1", headers={"Host": "api.example.com"})
        assert (answer.status, answer.headers["location"]) == (308, "https://api.example.com/users?x=1")
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        link = http.client.HTTPSConnection("127.0.0.1", nginx.https, timeout=10, context=context, source_address=("127.0.0.2", 0))
        link.request("GET", "/nothing", headers={"Host": "api.example.com"})
        answer = link.getresponse()
        assert answer.status == 404 and "max-age" in answer.headers["Strict-Transport-Security"]
        link.close()
    finally:
        nginx.stop()


def test_a_link_from_nginx_to_a_tree_is_not_written_through(site):
    stage, tree = site.folder("link") / "stage", site.folder("tree")
    (stage / "etc/nginx").mkdir(parents=True)
    (stage / "etc/nginx/nullpool").symlink_to(tree)
    done = make("install", stage, check=False)
    assert done.returncode != 0 and "is a symlink" in done.stderr and list(tree.iterdir()) == []


def test_another_prefix_is_written_into_all_files_that_contain_it(site):
    stage = site.folder("prefix") / "stage"
    make("install", stage, "/usr")
    units = stage / "usr/lib/systemd/system"
    assert "\nExecStart=/usr/lib/nullpool/handlers/%i\n" in (units / "nullpool@.service").read_text()
    for name, mode in files(stage).items():
        if isinstance(mode, int) and "/handlers/" not in name and not name.endswith(("/conninfo", "/nginx-conf", ".a")):
            assert "/usr/local" not in (stage / name).read_text(), name


@pytest.mark.parametrize("prefix", ["usr", "/opt/with space", "/opt/x'y", "/a|b"])
def test_a_prefix_that_scripts_could_not_use_is_refused(site, prefix):
    stage = site.folder("refused") / "stage"
    done = subprocess.run([ROOT / "env/install/run", "install"], capture_output=True, check=False,
                          env={"PATH": os.environ["PATH"], "DESTDIR": str(stage), "PREFIX": prefix})
    assert done.returncode == 1 and b"PREFIX" in done.stderr and not stage.exists()


def test_installed_programs_run(installed):
    for name in PROGRAMS:
        done = subprocess.run([installed.prefix / "lib/nullpool/handlers" / name, "--version"], env={}, check=True,
                              capture_output=True, text=True)
        assert done.stdout.startswith(f"{name} ")


def test_installed_migrations_work(installed, site):
    link = site.postgres.admin("app")
    link.autocommit = True
    with link.cursor() as cursor:
        cursor.execute("CREATE DATABASE installed OWNER app_owner")
    link.close()
    environment = site.environment(MIGRATION_DATABASE_URL=site.url("app_owner", OWNER_CANARY, database="installed"))
    del environment["NULLPOOL_BUILD"]

    def migrate(*arguments):
        done = subprocess.run([installed.prefix / "sbin/nullpool-migrate", *arguments], env=environment, cwd="/",
                              capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    before = files(installed.stage)
    migrate()
    assert migrate("current").startswith(MIGRATIONS[-1].split("_")[0] + " (head)")
    migrate("downgrade", "base")
    assert migrate("current") == ""
    assert files(installed.stage) == before  # no __pycache__, which uninstall would leave behind


def test_the_migrations_find_the_owners_url_in_the_credential_store(installed, site):
    store = site.folder("credstore")
    (store / "nullpool.MIGRATION_DATABASE_URL").write_text(site.url("app_owner", OWNER_CANARY) + "\n")
    script = (installed.prefix / "sbin/nullpool-migrate").read_text().replace("/etc/credstore", str(store))
    done = subprocess.run(["sh", "-c", script, "sh", "current"], capture_output=True, text=True, timeout=60, check=False,
                          env=site.environment(MIGRATION_DATABASE_URL=None))
    assert done.returncode == 0 and "(head)" in done.stdout, done.stderr
