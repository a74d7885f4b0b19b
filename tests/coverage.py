"""Part of make coverage: which lines and branches of common/ were executed, as a table, and a page for each file in BUILD.

    coverage.py BUILD unit|system

After the unit tests it fails if a parser of external bytes has a line or a branch that neither they nor the fuzz seeds reach.
After the system tests it reports all of common/, and the lines that are not reached. The branches of an assert() are not
counted, nor is the default of a switch that names all values of its type (clang counts one).

The counters are exact except where a process forks or is killed: clang derives one side of a branch from the other side and
the total, and a child of fork() has counted only one of these.
"""
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
PARSERS = ["base/base64url.c", "base/text.c", "config/conninfo.c", "config/dotenv.c", "config/redis_url.c", "config/url.c",
           "http/cursor.c", "http/date.c", "http/etag.c", "http/json_check.c", "http/json_lex.c", "http/jwt.c", "http/param_list.c", "http/param_check.c",
           "http/reply_text.c", "http/target.c", "http/trace.c"]
SWITCH = re.compile(r"\bswitch \(")
GOES_ON = re.compile(r'[,"]$')


class File:
    """The counts of one source file."""

    def __init__(self, path):
        self.source = path.read_text().splitlines()
        self.lines = {}  # line: executions
        self.branches = {}  # (line, column, True or False): executions

    def add_line(self, number, times):
        """Ignores lines inside of arguments: for those of a macro clang counts what follows the statement."""
        if not GOES_ON.search(self.source[number - 2]):
            self.lines[number] = times

    def add_branch(self, line, column, *times):
        """Adds to a branch: a test that includes the file, with another setting, has counts of its own."""
        if not SWITCH.search(self.source[line - 1]):
            for way, count in zip((True, False), times):
                self.branches[line, column, way] = self.branches.get((line, column, way), 0) + count

    def taken(self):
        return (sum(count > 0 for count in self.lines.values()), len(self.lines),
                sum(count > 0 for count in self.branches.values()), len(self.branches))

    def missing(self):
        """The lines that were not executed, or have a branch that was not taken."""
        return sorted({number for number, count in self.lines.items() if count == 0}
                      | {line for (line, _, _), count in self.branches.items() if count == 0})


def llvm_cov(build, command, *options):
    """The output of llvm-cov for the library's objects, and for the tests that include one of its files. Objects and not the
    archive: llvm-cov reads only members of an archive that happen to be aligned."""
    tests = [path for path in ROOT.glob("tests/[fu]*/*.c") if re.search(r'#include ".*\.c"', path.read_text())]
    binaries = sorted([*build.glob("obj/common/*/*.o"), *(build / path.relative_to(ROOT).with_suffix("") for path in tests)])
    done = subprocess.run(["llvm-cov", command, *options, "-instr-profile", build / "counts.profdata",
                           *(word for binary in binaries for word in ("-object", binary))],
                          capture_output=True, text=True, check=False)
    # On success it may still warn that each program has its own main().
    if done.returncode != 0:
        sys.exit(f"coverage: llvm-cov {command}: {done.stderr}")
    return done.stdout


def count(build):
    """{"common/base/buf.c": File}"""
    subprocess.run(["llvm-profdata", "merge", "-o", build / "counts.profdata", *sorted((build / "counts").glob("*.profraw"))],
                   check=True)
    files = {path: File(path) for path in sorted(ROOT.glob("common/*/*.[ch]"))}
    file = None
    for record, _, text in (line.partition(":") for line in llvm_cov(build, "export", "-format=lcov").splitlines()):
        if record == "SF":
            file = files.get(pathlib.Path(text))
        elif record == "DA" and file:
            file.add_line(*map(int, text.split(",")))
    for one in json.loads(llvm_cov(build, "export", "-format=text"))["data"][0]["files"]:
        file = files.get(pathlib.Path(one["filename"]))
        for line, column, _, _, true, false, *_ in one["branches"] if file else []:
            file.add_branch(line, column, true, false)
    return {str(path.relative_to(ROOT)): file for path, file in files.items() if file.lines}


def percent(part, whole):
    return f"{100 * part / whole:6.1f}" if whole else "     -"


def row(name, numbers):
    lines, all_lines, branches, all_branches = numbers
    return f"{name:32} {lines:6} of {all_lines:6} {percent(lines, all_lines)} %   {branches:6} of {all_branches:6} {percent(branches, all_branches)} %"


def table(files):
    yield f"{'':32} {'lines':>25}   {'branches':>25}"
    for name, file in sorted(files.items()):
        yield row(name, file.taken())
    yield row("all of common/", [sum(column) for column in zip(*(file.taken() for file in files.values()))])


def unreached(files):
    """Reports these lines without failing: there are hundreds."""
    for name, file in sorted(files.items()):
        for number in file.missing():
            yield f"{name}:{number}: {file.source[number - 1].strip()}"


def judge(files):
    left = {name: file.missing() for name in PARSERS for file in [files[f"common/{name}"]]}
    for name, numbers in left.items():
        if numbers:
            print(f"common/{name}: no test took line {', '.join(map(str, numbers))}, or a branch of it")
    failed = sum(bool(numbers) for numbers in left.values())
    print(f"coverage: parsers with all lines and branches: {len(left) - failed} passed, {failed} failed")
    return 1 if failed else 0


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    files = count(build)
    if sys.argv[2] == "unit":
        return judge(files)
    llvm_cov(build, "show", "-format=html", "-show-branches=count", "-output-dir", build / "pages")
    lines = list(table(files))
    (build / "coverage.txt").write_text("\n".join([*lines, "", "A line or a branch of it that no test took:", *unreached(files)]) + "\n")
    print("\n".join(lines))
    return 0


sys.exit(main())
