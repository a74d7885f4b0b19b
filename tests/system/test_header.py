"""The header alone: what compilers say about it, and about a program that is written wrong."""
import itertools
import re
import shutil
import subprocess

import pytest

from conftest import ROOT

COMMON = ROOT / "common"
HEADER = (COMMON / "nullpool.h").read_text()
# What CC and CXX may be; those that are installed are used.
STANDARDS = {"c": ("c11", "c17", "c2x", "c23"), "c++": ("c++11", "c++14", "c++17", "c++20")}
COMPILERS = {"c": ("gcc", "clang"), "c++": ("g++", "clang++")}
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic"]

ROW = """\
#include "nullpool.h"
bool answer(struct np_ctx *ctx);
const struct np_param x = { .name = "x", .in = NP_IN_QUERY };
const struct np_route rows[] = { %s };
"""


def compiled(compiler, language, standard, source, *flags):
    return subprocess.run([compiler, "-x", language, f"-std={standard}", *WARNINGS, *flags, "-I", COMMON, "-fsyntax-only", "-"],
                          input=source, capture_output=True, text=True, check=False, timeout=60)


def installed(language):
    return filter(shutil.which, COMPILERS[language])


def combinations():
    for language, standards in STANDARDS.items():
        for compiler, standard in itertools.product(installed(language), standards):
            if compiled(compiler, language, standard, "").returncode == 0:
                yield compiler, language, standard


KNOWN = list(combinations())
IN_C = [(compiler, "c", "c11") for compiler in installed("c")]


def test_the_compilers_of_this_machine_know_the_standards():
    assert {("c", "c11"), ("c", "c17"), ("c++", "c++17")} <= {known[1:] for known in KNOWN}


@pytest.mark.parametrize("compiler, language, standard", KNOWN)
def test_it_compiles_without_a_warning(compiler, language, standard):
    done = compiled(compiler, language, standard, '#include "nullpool.h"\n', "-Werror")
    assert done.returncode == 0, done.stderr


def test_a_table_compiles_without_a_warning():
    row = """{ .method = "GET", .path = "/x", .handle = answer, .tx = NP_TX_READ, .params = NP_PARAMS(&x),
        .errors = { .conflicts = NP_CONFLICTS({ "a", "b" }) }, .cache = { .invalidates = NP_NAMES("a", "b") } }"""
    for compiler, language, standard in KNOWN:
        if language == "c":
            done = compiled(compiler, language, standard, ROW % f"{row}, NP_HEALTH_ROUTES, NP_METRICS_ROUTE", "-Werror")
            assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("compiler, language, standard", IN_C)
def test_a_row_by_position_does_not_compile(compiler, language, standard):
    done = compiled(compiler, language, standard, ROW % '{ "GET", "/x", answer }')
    assert done.returncode != 0 and "float" in done.stderr
    assert compiled(compiler, language, standard, ROW % '{ .method = "GET", .path = "/x", .handle = answer }').returncode == 0


@pytest.mark.parametrize("compiler, language, standard", IN_C)
def test_an_index_or_a_name_is_no_parameter(compiler, language, standard):
    for argument in "3", '"x"', "&rows[0]":
        source = ROW % '{ .method = "GET" }' + f"bool answer(struct np_ctx *ctx) {{ return np_given(ctx, {argument}); }}\n"
        assert compiled(compiler, language, standard, source, "-Werror").returncode != 0


def constants():
    """{enum: its first constant}, of all enums that a program writes in a table or a call."""
    return {name: body.split("=")[0].split(",")[0].strip()
            for name, body in re.findall(r"^enum (np_\w+) \{\s*([^}]*)\}", re.sub(r"/\*.*?\*/", "", HEADER, flags=re.S), re.M)}


@pytest.mark.parametrize("compiler, language, standard", IN_C)
def test_a_constant_of_another_enum_is_a_warning(compiler, language, standard):
    enums = constants()
    assert {"np_type", "np_in", "np_status", "np_error", "np_error_format", "np_tx", "np_auth", "np_isolation"} <= enums.keys()
    pairs = list(itertools.permutations(enums, 2))
    lines = ['#include "nullpool.h"', *(f"extern enum {wanted} v{at}; enum {wanted} v{at} = {enums[given]};"
                                        for at, (wanted, given) in enumerate(pairs))]
    told = compiled(compiler, language, standard, "\n".join(lines) + "\n").stderr
    for line, (wanted, given) in enumerate(pairs, 2):
        assert re.search(rf"^<stdin>:{line}:\d+: warning: .*-Wenum-conversion", told, re.M), f"{given} as {wanted}\n{told[:500]}"


@pytest.mark.parametrize("compiler, language, standard", IN_C)
def test_a_table_that_is_a_pointer_is_a_warning(compiler, language, standard):
    source = ROW % '{ .method = "GET" }' + """\
int main(int argc, char **argv)
{
	const struct np_route *pointer = rows;
	return np_main(argc, argv, "x", pointer);
}
"""
    assert "sizeof-pointer-div" in compiled(compiler, language, standard, source).stderr
    assert compiled(compiler, language, standard, source.replace('"x", pointer', '"x", rows').replace("\tconst struct np_route *pointer = rows;\n", ""),
                    "-Werror").returncode == 0


def test_the_number_of_the_version_is_its_text():
    text = re.search(r'#define NP_VERSION +"(.*)"', HEADER)[1]
    major, minor, patch = map(int, text.split("."))
    assert f"NP_VERSION_NUMBER {10000 * major + 100 * minor + patch} " in re.sub(" +", " ", HEADER)
