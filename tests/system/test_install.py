"""make install and make uninstall, into a folder of the test's own."""
import os
import shutil
import stat
import subprocess

import pytest

import stack
from conftest import BUILD, OWNER_CANARY, ROOT, VARIANT

PROGRAMS = sorted(path.stem for path in (ROOT / "handlers").glob("*.c"))
MIGRATIONS = sorted(path.name for path in (ROOT / "migrations" / "versions").glob("*.py"))
SITE = BUILD / "site"
NGINX = sorted(path.name for path in (ROOT / "nginx").glob("*.conf"))
SETTINGS = {"etc/nginx/nullpool-site.conf": 0o644, "etc/nginx/nullpool-settings.conf": 0o644,
            "etc/nullpool/nullpool.env": 0o640}


def make(target, stage, prefix="/usr/local", check=True):
    """What a packager calls, under a umask that must not matter; of the make that runs the tests nothing is left."""
    return subprocess.run(["make", "-s", target, VARIANT, f"DESTDIR={stage}", f"PREFIX={prefix}"],
                          cwd=ROOT, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, timeout=120,
                          check=check, umask=0o077)


def install(programs, stage):
    """Only some of the programs: what make install does in a tree that has no others."""
    subprocess.run([ROOT / "env/install/run", "install", *(BUILD / "handlers" / name for name in programs)], check=True,
                   env={"PATH": os.environ["PATH"], "BUILD": str(BUILD), "DESTDIR": str(stage)}, timeout=60)


def files(stage):
    """{path: mode} of all files; a symlink has its target in place of a mode."""
    found = {}
    for path in sorted(stage.rglob("*")):
        name = str(path.relative_to(stage))
        if path.is_symlink():
            found[name] = os.readlink(path)
        elif path.is_file():
            found[name] = stat.S_IMODE(path.stat().st_mode)
    return found


class Installed:
    """Under a PREFIX of the test's own that leads into the stage: what names a place finds it there."""

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
        **{f"{share}/{name}.sample": 0o644 for name in ("nullpool.env", "nullpool-site.conf", "nullpool-settings.conf")},
        **{f"{share}/docs/{path.relative_to(SITE)}": 0o644 for path in SITE.rglob("*") if path.is_file()},
        "usr/local/lib/nullpool/conninfo": 0o755,
        "usr/local/lib/nullpool/manifest": 0o644,
        "usr/local/lib/sysusers.d/nullpool.conf": 0o644,
        "usr/local/lib/tmpfiles.d/nullpool.conf": 0o644,
        "usr/local/sbin/nullpool-migrate": 0o755,
        "usr/local/sbin/nullpool-nginx": 0o755,
        "usr/local/lib/nullpool/nginx-conf": 0o755,
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


def test_uninstall_keeps_edited_settings_and_what_others_have_there(stage):
    edited = stage / "etc/nullpool/nullpool.env"
    edited.write_text("ENV=production\n")
    foreign = stage / "etc/nginx/nullpool/mine.conf"
    foreign.write_text("# mine\n")
    done = make("uninstall", stage)
    assert set(files(stage)) == {"etc/nullpool/nullpool.env", "etc/nginx/nullpool/mine.conf"}
    assert f"kept: {edited}" in done.stdout


def test_uninstall_leaves_directories_that_were_there(site):
    stage = site.folder("uninstall") / "stage"
    (stage / "etc/nginx").mkdir(parents=True)
    make("install", stage)
    make("install", stage)  # by now all are there
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
    with open(program, "r+b") as old:  # as a process that runs it
        before = old.read()
        make("install", stage)
        assert os.fstat(old.fileno()).st_nlink == 0 and program.stat().st_ino != os.fstat(old.fileno()).st_ino
        assert program.read_bytes() == before
    assert not list(stage.rglob("*.new"))


def test_what_is_gone_from_the_tree_is_gone_after_the_next_install(stage):
    gone = stage / "usr/local/share/nullpool/migrations/versions/0009_gone.py"
    gone.write_text("# of an earlier version\n")
    manifest = stage / "usr/local/lib/nullpool/manifest"
    manifest.write_text(manifest.read_text() + f"/{gone.relative_to(stage)}\n")
    install(["root"], stage)
    left = {name: mode for name, mode in expected().items()
            if not any(name.endswith((f"/{other}", f"@{other}.socket")) for other in PROGRAMS if other != "root")}
    assert files(stage) == left


def nginx_test(stage, folder):
    """What `nginx -t` says of the files that were installed, on free ports and in a folder of its own."""
    shutil.copytree(stage / "etc/nginx", folder)
    site = folder / "nullpool-site.conf"
    site.write_text(site.read_text().replace("/var/log/nginx/", "").replace("listen 80 ", f"listen {stack.free_port()} ")
                    .replace("listen [::]:80 ", f"listen {stack.free_port()} "))
    (folder / "nginx.conf").write_text("""
        pid nginx.pid; error_log error.log; events {}
        http {
            client_body_temp_path temp; proxy_temp_path temp; fastcgi_temp_path temp; uwsgi_temp_path temp; scgi_temp_path temp;
            include nullpool/http.conf; include nullpool/server.conf;
        }""")
    return subprocess.run(["nginx", "-t", "-q", "-p", f"{folder}/", "-c", "nginx.conf", "-e", "error.log"],
                          env=stack.SERVER_ENVIRONMENT, capture_output=True, text=True, timeout=30, check=False)


def test_nginx_takes_what_was_installed(stage):
    done = nginx_test(stage, stage.parent / "nginx")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_link_from_nginx_to_a_tree_is_not_written_through(site):
    stage, tree = site.folder("link") / "stage", site.folder("tree")
    (stage / "etc/nginx").mkdir(parents=True)
    (stage / "etc/nginx/nullpool").symlink_to(tree)
    done = make("install", stage, check=False)
    assert done.returncode != 0 and "is a symlink" in done.stderr and list(tree.iterdir()) == []


def test_another_prefix_is_written_into_what_names_it(site):
    stage = site.folder("prefix") / "stage"
    make("install", stage, "/usr")
    units = stage / "usr/lib/systemd/system"
    assert "\nExecStart=/usr/lib/nullpool/handlers/%i\n" in (units / "nullpool@.service").read_text()
    for name, mode in files(stage).items():
        if isinstance(mode, int) and "/handlers/" not in name and not name.endswith(("/conninfo", "/nginx-conf", ".a")):
            assert "/usr/local" not in (stage / name).read_text(), name


@pytest.mark.parametrize("prefix", ["usr", "/opt/with space", "/opt/x'y", "/a|b"])
def test_a_prefix_that_scripts_could_not_name_is_refused(site, prefix):
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
    assert files(installed.stage) == before  # no __pycache__, which uninstall would not know


def test_the_migrations_find_the_owners_url_in_the_credential_store(installed, site):
    store = site.folder("credstore")
    (store / "nullpool.MIGRATION_DATABASE_URL").write_text(site.url("app_owner", OWNER_CANARY) + "\n")
    script = (installed.prefix / "sbin/nullpool-migrate").read_text().replace("/etc/credstore", str(store))
    done = subprocess.run(["sh", "-c", script, "sh", "current"], capture_output=True, text=True, timeout=60, check=False,
                          env=site.environment(MIGRATION_DATABASE_URL=None))
    assert done.returncode == 0 and "(head)" in done.stdout, done.stderr
