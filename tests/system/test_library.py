"""The installed library: what a program outside the tree gets from it, and what stays internal."""
import os
import re
import shlex
import shutil
import subprocess

import pytest

from conftest import BUILD, ROOT
from test_install import Installed, make

pytestmark = pytest.mark.long

# GnuTLS looks this symbol up by name (common/command/gnutls.c).
NOT_OURS_TO_NAME = {"_gnutls_global_init_skip"}
# The prefix of the symbols that clang adds for make coverage.
COUNTERS = "__llvm_"


@pytest.fixture(scope="module")
def installed(site):
    return Installed(site.folder("library"))


def pkg_config(installed, *arguments):
    done = subprocess.run(["pkg-config", *arguments, "nullpool"], capture_output=True, text=True, check=True,
                          env={"PATH": os.environ["PATH"], "PKG_CONFIG_PATH": str(installed.prefix / "lib/pkgconfig")})
    return shlex.split(done.stdout)


def compiled(installed, folder, source):
    """Compiles the program with one command, as the README shows."""
    program = folder / source.stem
    subprocess.run([*shlex.split(os.environ.get("CC", "cc")), "-Wall", "-Wextra", "-Werror", source.name,
                    *pkg_config(installed, "--cflags", "--libs"), "-o", program], cwd=folder, check=True, timeout=60)
    return program


@pytest.fixture(scope="module")
def program(installed, site):
    folder = site.folder("elsewhere")
    for path in [ROOT / "handlers" / "users.c", *ROOT.glob("handlers/*.h"), *ROOT.glob("handlers/*.sql")]:  # it has no helpers
        shutil.copy(path, folder)
    for path in folder.glob("*.sql"):
        subprocess.run([installed.prefix / "bin/nullpool-sql", path.name], cwd=folder, check=True, timeout=60,
                       env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "tests")})
    return compiled(installed, folder, folder / "users.c")


def defined(path, which="-g"):
    listing = subprocess.run(["nm", which, "--defined-only", path], capture_output=True, text=True, check=True).stdout
    return {words[2] for words in map(str.split, listing.splitlines()) if len(words) == 3 and not words[2].startswith(COUNTERS)}


def test_a_handler_outside_the_tree_is_served(program, serve):
    service = serve(program)
    user = service.client.post("/users", {"email": "elsewhere@example.com", "name": "Elsewhere"})
    assert user.status == 201
    assert service.client.get(user.headers["location"]).json() == user.json()
    assert service.line_of(user)["status"] == 201


def test_it_answers_from_a_shell_too(program, site):
    done = subprocess.run([program, "GET", "/users?limit=1"], env=site.environment(), capture_output=True, timeout=30,
                          check=True)
    assert done.stdout.startswith(b"HTTP/1.1 200 OK\r\n")


def test_it_keeps_gnutls_quiet_as_the_trees_own_programs_do(program):
    assert NOT_OURS_TO_NAME <= defined(program, "-D")


def test_the_library_defines_the_headers_functions_and_no_other_name(installed):
    header = (installed.prefix / "include" / "nullpool.h").read_text()
    functions = re.findall(r"^(?:NP_MUST_CHECK )?(?:void|bool|int|int64_t|size_t|const char|struct np_\w+) \*?(np_\w+)\(", header, re.M)
    handlers = re.findall(r"^np_handler (np_\w+);", header, re.M)
    schemas = re.search(r"^extern const struct np_schema (.*);", header, re.M)[1].split(", ")
    assert len(functions) > 10 and len(handlers) == 4 and len(schemas) == 2
    assert defined(installed.prefix / "lib" / "libnullpool.a") == {*functions, *handlers, *schemas} | NOT_OURS_TO_NAME


def test_the_header_includes_no_other_header_of_the_tree(installed):
    header = (installed.prefix / "include" / "nullpool.h").read_text()
    assert re.findall(r"#include (.*)", header) == ["<stdbool.h>", "<stddef.h>", "<stdint.h>"]


def test_a_program_may_use_the_names_that_the_library_uses_inside(installed, site):
    folder = site.folder("names")
    source = folder / "names.c"
    source.write_text((ROOT / "handlers" / "root.c").read_text()
                      + "int error_set, buf_init, log_end, cursor_read;\nvoid mem_free(void);\nvoid mem_free(void) { }\n")
    program = compiled(installed, folder, source)
    done = subprocess.run([program, "GET", "/"], env=site.environment(), capture_output=True, timeout=30, check=True)
    assert b'"running"' in done.stdout


def test_the_installed_command_writes_nothing_beside_itself(installed, program):
    assert list((installed.prefix / "lib/nullpool/sql").glob("__pycache__")) == []


def test_its_version_is_that_of_the_header(installed):
    header = (installed.prefix / "include" / "nullpool.h").read_text()
    assert pkg_config(installed, "--modversion") == re.findall(r'#define NP_VERSION +"(.*)"', header)


def test_the_pkg_config_file_has_the_packagers_prefix(site):
    stage = site.folder("packager") / "stage"
    make("install", stage, "/usr")
    assert (stage / "usr/lib/pkgconfig/nullpool.pc").read_text().count("prefix=/usr\n") == 1
    assert str(BUILD) not in (stage / "usr/lib/pkgconfig/nullpool.pc").read_text()
