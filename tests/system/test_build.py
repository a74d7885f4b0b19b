"""The flags of a release, as far as the compiler accepts them, and two builds at once."""
import os
import platform
import subprocess

import pytest

from conftest import BUILD, ROOT, VARIANT
from copy_of_tree import Copy

pytestmark = pytest.mark.long

SHADOW_STACK = {"x86_64": "-fcf-protection=full", "aarch64": "-mbranch-protection=standard"}


def command(compiler):
    """The command with which make would compile a file of the release."""
    return subprocess.run(["make", "-n", "-B", "VARIANT=release", f"CC={compiler}", "build/obj/common/base/text.o"], cwd=ROOT,
                          env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, timeout=60, check=True).stdout


def takes(compiler, flag, text=""):
    return subprocess.run([compiler, "-x", "c", "-O2", "-Werror", "-include", "features.h", flag, "-S", "-o", "/dev/null", "-"],
                          input=text, text=True, capture_output=True, timeout=60).returncode == 0


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_a_release_is_hardened_as_far_as_the_compiler_can(compiler):
    if subprocess.run(["sh", "-c", f"command -v {compiler}"], capture_output=True).returncode != 0:
        pytest.skip(f"there is no {compiler}")
    told = command(compiler).split()
    assert ("-D_FORTIFY_SOURCE=3" in told) == takes(compiler, "-D_FORTIFY_SOURCE=3", '_Static_assert(__USE_FORTIFY_LEVEL == 3, "");\n')
    assert len([flag for flag in told if flag.startswith("-D_FORTIFY_SOURCE=")]) == 1
    flag = SHADOW_STACK.get(platform.machine())
    assert flag is None or (flag in told) == takes(compiler, flag)


@pytest.mark.skipif(platform.machine() != "x86_64" or BUILD != ROOT / "build", reason="is only seen in a release for x86")
def test_the_objects_are_marked():
    notes = subprocess.run(["readelf", "-n", BUILD / "obj/common/base/text.o"], capture_output=True, text=True, check=True).stdout
    assert "IBT, SHSTK" in notes


def test_several_may_make_the_description_at_once(site):
    """As make run and make doctor do."""
    copy = Copy(site.folder("at-once"))
    target = copy.folder / copy.build / "openapi.json"
    before = target.read_bytes()
    environment = {name: value for name, value in os.environ.items() if name != "MAKEFLAGS"}
    makes = [subprocess.Popen(["make", "-s", VARIANT, str(copy.build / "openapi.json")], cwd=copy.folder, env=environment,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for _ in range(8)]
    assert [(make.communicate(timeout=120)[0], make.returncode) for make in makes] == [("", 0)] * len(makes)
    assert target.read_bytes() == before and list(target.parent.glob("openapi.json?*")) == []
