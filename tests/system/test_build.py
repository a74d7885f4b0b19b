"""What the compiler is told, as far as it takes it."""
import platform
import subprocess

import pytest

from conftest import BUILD, ROOT

SHADOW_STACK = {"x86_64": "-fcf-protection=full", "aarch64": "-mbranch-protection=standard"}


def command(compiler):
    """How make would compile a file of the release."""
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
