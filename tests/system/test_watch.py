"""`make run` while somebody edits the sources: it builds, reloads the programs that changed, and loses no request."""
import collections
import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import threading
import time
import uuid

import psycopg2
import pytest

from env.local.process import wait_until
from conftest import VARIANT
from copy_of_tree import Copy

pytestmark = pytest.mark.long

POOL = {"DATABASE_POOL_SIZE": "2", "DATABASE_MAX_OVERFLOW": "0"}

# It waits while cc.wait exists, so that a test can interrupt a build. With -x, make only asks which flags it accepts.
COMPILER = f"""\
#!/bin/sh
while [ -e "$0.wait" ] && [ "$1" != -x ]; do sleep 0.05; done
exec {os.environ.get("CC", "cc")} "$@"
"""

HELLO = """\
#include "nullpool.h"
static bool
hello(struct np_ctx *ctx)
{
	return np_reply_object(ctx, NP_STATUS_OK, NP_OBJECT({ "hello", np_text("world") }));
}
static const struct np_route routes[] = { { .method = "GET", .path = "/hello", .handle = hello } };
int
main(int argc, char **argv)
{
	return np_main(argc, argv, "hello", routes);
}
"""

MIGRATION = """\
revision = "9999"
down_revision = "{}"
from alembic import op
def upgrade():
    op.execute("CREATE TABLE later (id int)")
def downgrade():
    op.execute("DROP TABLE later")
"""

WORD = """\
#include "word.h"

const char status_word[] = "helped";
"""

MOMENT = "-- name: moment :one\nSELECT {} AS moment;\n"
USE_OF_MOMENT = """\
#include "moment.sql.h"
static const struct np_statement *const used[] __attribute__((unused)) = { NP_STATEMENT(moment) };
"""

Process = collections.namedtuple("Process", "pid started")
Master = collections.namedtuple("Master", "pid started workers")


class EditedCopy(Copy):
    """A copy of the tree that is edited while make run serves it."""

    def edit(self, name, old, new):
        text = (self.folder / name).read_text()
        assert old in text
        return self.save(name, text.replace(old, new))

    def write_status(self, value):
        """Makes GET / answer with this C expression as its status."""
        text = (self.folder / "handlers" / "root.c").read_text()
        return self.save("handlers/root.c", re.sub(r'("status", np_text\().*?\)', rf"\1{value})", text))

    def save(self, name, text):
        """Writes a new file and renames it over the old one, as editors do. Returns the length of make run's output before."""
        said = len(self.said())
        part = self.folder / "saved"
        part.write_text(text)
        part.rename(self.folder / name)
        return said

    def remove(self, name):
        said = len(self.said())
        (self.folder / name).unlink()
        return said

    def wait_for_output(self, *lines, after):
        """Waits until make run has printed these lines after this position."""
        for line in lines:
            # A build of the whole library, on a busy machine.
            wait_until(f'"{line}" in {self.said()[after:]!r}', lambda: line in self.said()[after:], 300)

    def wait_for_status(self, value):
        wait_until(f"the status {value}", lambda: self.client.get("/").json()["status"] == value, 90)

    def masters(self):
        """Returns {name: Master} once each master has its workers and no other child, such as the start-up check."""
        run = int((self.folder / ".local" / "run.lock").read_text())

        def look():
            family = processes_by_parent()
            found = {program_of(process.pid).name: Master(*process, frozenset(family[process.pid]))
                     for process in family[run] if program_of(process.pid).parent.name == "handlers"}
            return found if all(len(master.workers) == 2 for master in found.values()) else None

        return wait_until("settled masters", look, 90)


def processes_by_parent():
    """Reads all of /proc: the kernel's list of a process's children may be incomplete while some of them end."""
    family = collections.defaultdict(list)
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            family[int(fields[1])].append(Process(int(path.parent.name), int(fields[19])))
    return family


def program_of(pid):
    """Returns the program's path; an empty one if the process has ended."""
    with contextlib.suppress(OSError):
        return pathlib.Path(pathlib.Path(f"/proc/{pid}/cmdline").read_text().partition("\0")[0])
    return pathlib.Path()


@pytest.fixture(scope="module")
def copy(site):
    """A copy that make run serves. A program in build/ that has no source is not an endpoint."""
    copy = EditedCopy(site.folder("worked"))
    programs = copy.folder / copy.build / "handlers"
    shutil.copy2(programs / "root", programs / "leftover")
    compiler = copy.folder / "cc"
    compiler.write_text(COMPILER)
    compiler.chmod(0o755)
    with copy.running(CC=str(compiler), **POOL) as copy.child:
        yield copy
    assert copy.processes() == []


def test_a_changed_handler_is_reloaded_and_no_other(copy):
    before = copy.masters()
    assert sorted(before) == ["auth", "health", "metrics", "onboarding", "root", "users"]
    said = copy.write_status('"changed"')
    copy.wait_for_output("reloaded: /\n", after=said)
    copy.wait_for_status("changed")
    wait_until("new workers", lambda: not copy.masters()["root"].workers & before["root"].workers)
    after = copy.masters()
    assert after["root"][:2] == before["root"][:2]
    assert [after[name] for name in ("health", "onboarding", "users")] == [
        before[name] for name in ("health", "onboarding", "users")]


def test_a_change_that_makes_no_difference_reloads_nothing(copy):
    # Debug information contains the folder, so only a program that was built here is the same after the next build.
    said = copy.write_status('"same"')
    copy.wait_for_output("reloaded: /\n", after=said)
    copy.wait_for_status("same")
    before = copy.masters()
    os.utime(copy.folder / "handlers" / "root.c")
    said = copy.edit("handlers/users.c", '"One user"', '"The one user"')
    copy.wait_for_output("reloaded: /users\n", after=said)  # the last line of a build
    after = copy.masters()
    assert "reloaded: /\n" not in copy.said()[said:]
    assert [after[name] for name in ("health", "root")] == [before[name] for name in ("health", "root")]


def test_a_changed_statement_reloads_the_programs_that_include_it(copy):
    user = copy.client.post("/users", {"email": f"{uuid.uuid4()}@example.com", "name": "Shown"}).headers["location"]
    before = copy.masters()
    said = copy.edit("handlers/user.sql", "SELECT id, email, name,", "SELECT id, email, upper(name) AS name,")
    copy.wait_for_output("reloaded: /auth\n", "reloaded: /users\n", after=said)
    wait_until("the new statement", lambda: copy.client.get(user).json()["name"] == "SHOWN")
    assert [copy.masters()[name] for name in ("health", "root")] == [before[name] for name in ("health", "root")]
    said = copy.edit("handlers/user.sql", "WHERE id = @id", "WHERE id =@id")
    copy.wait_for_output("handlers/user.sql:4: =@id has the operator =@: write = @id for a parameter\n",
                         "the build failed; the old programs continue to serve\n", after=said)
    assert copy.client.get(user).json()["name"] == "SHOWN"
    said = copy.edit("handlers/user.sql", "WHERE id =@id", "WHERE id = @id")
    copy.wait_for_output("the build succeeds again\n", after=said)


def test_a_change_with_an_old_time_is_built(copy):
    copy.write_status('"dated"')
    os.utime(copy.folder / "handlers" / "root.c", (0, 0))
    copy.wait_for_status("dated")


class Load:
    """Steady requests. A third of them are writes, whose rows are counted at the end."""

    def __init__(self, copy, clients=6):
        self.client = copy.client
        self.emails, self.bad = [], []
        self.answered = 0
        self._done = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(i,)) for i in range(clients)]

    def _run(self, i):
        while not self._done.is_set():
            try:
                answer = self._ask(i % 3)
                if answer.status not in (200, 201):
                    self.bad.append(answer)
            except OSError as error:
                self.bad.append(error)
            self.answered += 1
            time.sleep(0.02)  # the build needs a processor too

    def _ask(self, kind):
        if kind < 2:
            return self.client.get(("/", "/users?limit=1")[kind])
        self.emails.append(f"{uuid.uuid4()}@example.com")
        return self.client.post("/users", {"email": self.emails[-1], "name": "Steady"})

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        for thread in self._threads:
            thread.join()

    def more(self):
        answered = self.answered
        wait_until("more answers", lambda: self.answered > answered + 30, 15)


def emails_of(copy):
    link = psycopg2.connect(host="127.0.0.1", port=copy.postgres, dbname="nullpool", user="nullpool_app",
                            password="development-app", sslmode="require")
    with link.cursor() as cursor:
        cursor.execute("SELECT email FROM users WHERE name = 'Steady'")
        emails = [email for (email,) in cursor.fetchall()]
    link.close()
    return emails


def test_a_change_in_the_library_loses_or_repeats_no_request(copy):
    with Load(copy) as load:
        load.more()
        said = copy.edit("common/command/main.c", '"usage: %s METHOD', '"usage:  %s METHOD')
        copy.wait_for_output("reloaded: /\n", "reloaded: /health\n", "reloaded: /users\n", after=said)
        load.more()
    assert load.bad == []
    assert sorted(emails_of(copy)) == sorted(load.emails)


def test_after_a_failed_build_the_old_program_serves_until_the_source_is_fixed(copy):
    copy.write_status('"well"')
    copy.wait_for_status("well")
    before = copy.masters()
    said = copy.write_status("nonsense")
    copy.wait_for_output("error: ", "the build failed; the old programs continue to serve\n", after=said)
    copy.wait_for_status("well")
    assert copy.masters() == before
    said = copy.write_status('"mended"')
    copy.wait_for_output("the build succeeds again\n", "reloaded: /\n", after=said)
    copy.wait_for_status("mended")


def test_a_statement_that_is_wrong_is_told_and_the_old_program_serves_until_it_is_right(copy):
    copy.save("handlers/moment.sql", MOMENT.format("now()"))
    said = copy.edit("handlers/root.c", '#include "nullpool.h"\n', '#include "nullpool.h"\n' + USE_OF_MOMENT)
    copy.wait_for_output("reloaded: /\n", after=said)
    copy.write_status('"right"')
    copy.wait_for_status("right")
    before = copy.masters()
    copy.save("handlers/moment.sql", MOMENT.format("nau()"))
    said = copy.write_status('"later"')
    copy.wait_for_output("handlers/moment.sql:2: function nau() does not exist",
                         "the check failed; the old programs continue to serve\n", after=said)
    assert copy.client.get("/").json()["status"] == "right" and copy.masters() == before
    said = copy.save("handlers/moment.sql", MOMENT.format("clock_timestamp()"))
    copy.wait_for_output("the check succeeds again\n", "reloaded: /\n", after=said)
    copy.wait_for_status("later")


def test_a_statement_that_needs_a_migration_is_right_when_make_migrate_has_applied_it(copy):
    copy.save("handlers/moment.sql", MOMENT.format("at FROM moments"))
    copy.write_status('"migrated"')
    last = max(path.name for path in (copy.folder / "migrations" / "versions").glob("*.py"))[:4]
    said = copy.save("migrations/versions/9998_moments.py", MIGRATION.format(last).replace("9999", "9998").replace(
        "later (id int)", "moments (at timestamptz)").replace("TABLE later", "TABLE moments"))
    copy.wait_for_output('relation "moments" does not exist', "the check failed; the old programs continue to serve\n",
                         after=said)
    said = len(copy.said())
    assert make(copy, "migrate").returncode == 0
    copy.wait_for_output("the check succeeds again\n", "reloaded: /\n", after=said)
    copy.wait_for_status("migrated")
    said = len(copy.said())
    assert make(copy, "migrate-down").returncode == 0
    copy.wait_for_output("the check failed; the old programs continue to serve\n", after=said)
    copy.remove("migrations/versions/9998_moments.py")
    said = copy.save("handlers/moment.sql", MOMENT.format("now()"))
    copy.wait_for_output("the check succeeds again\n", after=said)


def test_a_helper_is_part_of_the_programs_that_use_it(copy):
    (copy.folder / "handlers" / "lib").mkdir()
    copy.save("handlers/lib/word.h", "extern const char status_word[];\n")
    copy.save("handlers/lib/word.c", WORD)
    said = copy.edit("handlers/root.c", '#include "nullpool.h"\n', '#include "nullpool.h"\n#include "lib/word.h"\n')
    copy.write_status("status_word")
    copy.wait_for_output("reloaded: /\n", after=said)
    copy.wait_for_status("helped")
    # The others are linked with the archive too; what they are made of has not changed.
    before = copy.masters()
    said = copy.edit("handlers/lib/word.c", "helped", "changed")
    copy.wait_for_output("reloaded: /\n", after=said)
    copy.wait_for_status("changed")
    assert {name for name, master in copy.masters().items() if master.workers != before[name].workers} == {"root"}
    said = copy.remove("handlers/lib/word.c")
    copy.wait_for_output("undefined reference to `status_word'", "the build failed; the old programs continue to serve\n", after=said)
    assert copy.client.get("/").json()["status"] == "changed"
    said = copy.save("handlers/lib/other.c", WORD.replace("helped", "moved"))
    copy.wait_for_output("the build succeeds again\n", "reloaded: /\n", after=said)
    copy.wait_for_status("moved")
    said = copy.edit("handlers/root.c", '#include "lib/word.h"\n', "")
    copy.write_status('"well"')
    copy.wait_for_output("reloaded: /\n", after=said)
    copy.wait_for_status("well")
    shutil.rmtree(copy.folder / "handlers" / "lib")


def test_a_new_handler_is_served_and_a_removed_one_is_gone(copy):
    assert [copy.client.get(url).status for url in ("/leftover", "/hello")] == [404, 404]
    said = copy.save("handlers/hello.c", HELLO)
    copy.wait_for_output("new endpoint: /hello\n", after=said)
    assert copy.client.get("/hello").json() == {"hello": "world"}
    assert "/hello" in copy.client.get("/openapi.json").json()["paths"]
    said = copy.remove("handlers/hello.c")
    copy.wait_for_output("endpoint removed: /hello\n", after=said)
    assert copy.client.get("/hello").status == 404
    assert "/hello" not in copy.client.get("/openapi.json").json()["paths"]
    assert sorted(copy.masters()) == ["auth", "health", "metrics", "onboarding", "root", "users"]


@pytest.mark.parametrize("body, complaint", [
    ("return 78;", "/hello: hello --check failed"),
    ("return argc == 1;", "hello exited (exit code 1)")])
def test_a_program_that_does_not_start_stops_no_other_and_is_retried(copy, body, complaint):
    before = copy.masters()
    said = copy.save("handlers/hello.c", f"int\nmain(int argc, char **argv)\n{{\n\t(void)argv;\n\t{body}\n}}\n")
    copy.wait_for_output(complaint, after=said)
    assert copy.client.get("/hello").status == 404 and copy.masters() == before
    said = copy.save("handlers/hello.c", HELLO)
    copy.wait_for_output("new endpoint: /hello\n", after=said)
    assert copy.client.get("/hello").status == 200
    said = copy.remove("handlers/hello.c")
    copy.wait_for_output("endpoint removed: /hello\n", after=said)


def make(copy, *words, **more):
    environment = {name: value for name, value in os.environ.items() if name != "MAKEFLAGS"}
    return subprocess.run(["make", "-s", *words, VARIANT], cwd=copy.folder, env=environment | more, capture_output=True, text=True,
                          timeout=120, check=False)


def test_a_new_migration_is_announced_and_make_migrate_applies_it(copy):
    last = max(path.name for path in (copy.folder / "migrations" / "versions").glob("*.py"))[:4]
    said = copy.save("migrations/versions/9999_later.py", MIGRATION.format(last))
    copy.wait_for_output("new migration: migrations/versions/9999_later.py; make migrate applies it\n", after=said)
    done = make(copy, "migrate")
    assert done.returncode == 0 and "using the settings of make run: env/development.env\n" in done.stderr, done
    link = psycopg2.connect(host="127.0.0.1", port=copy.postgres, dbname="nullpool", user="nullpool_app",
                            password="development-app", sslmode="require")
    with link.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM later")
    link.close()
    assert make(copy, "migrate-down").returncode == 0


def test_make_doctor_uses_the_settings_of_make_run_unless_others_are_set(copy):
    done = make(copy, "doctor")
    assert f"127.0.0.1:{copy.postgres}/nullpool" in done.stdout and "using the settings of make run" in done.stderr
    for more in ({"DATABASE_URL": "postgres://u:p@other.example.com/d"}, {"NULLPOOL_ENV_FILE": "/dev/null"}):
        done = make(copy, "doctor", **more)
        assert str(copy.postgres) not in done.stdout and "using the settings" not in done.stderr
    (copy.folder / ".env").write_text("DATABASE_URL=postgres://u:p@other.example.com/d\n")
    done = make(copy, "doctor")
    (copy.folder / ".env").unlink()
    assert "other.example.com" in done.stdout and "using the settings" not in done.stderr


def test_an_interrupt_during_a_build_leaves_no_process(copy):
    (copy.folder / "cc.wait").touch()
    copy.write_status('"late"')
    wait_until("the compiler", lambda: [name for _, name in copy.processes() if b"handlers/root.c" in name], 90)
    os.killpg(copy.child.pid, signal.SIGINT)
    copy.child.wait(30)
    assert copy.processes() == []
