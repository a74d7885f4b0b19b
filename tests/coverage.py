"""The last part of make coverage: what gcov counted in common/, as a table, and a page for each file in BUILD.

    coverage.py BUILD

Fails where one of the parsers of bytes from outside has a line or a branch that no test took. Not counted as branches are what an
assert() does when it fails, and the way out of a switch that names all values of its type (gcc counts one; the ways in are lines).
"""
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
PARSERS = ["base/base64url.c", "base/text.c", "config/conninfo.c", "config/dotenv.c", "config/redis_url.c", "config/url.c",
           "http/cursor.c", "http/date.c", "http/etag.c", "http/json_gate.c", "http/jwt.c", "http/list.c", "http/param_check.c",
           "http/reply_text.c", "http/target.c", "http/trace.c", "db/wrap.c"]


def count(build):
    """gcovr's own numbers of each line: {"common/base/buf.c": [line, …]}."""
    out = build / "coverage.json"
    subprocess.run(["gcovr", "--gcov-ignore-parse-errors", "--root", ROOT, "--filter", "common/", "--json", out, "--html-details", build / "coverage.html",
                    "--exclude-branches-by-pattern", r".*\b(assert|switch) ?\(.*", build / "obj"], check=True)
    return {one["file"]: one["lines"] for one in json.loads(out.read_text())["files"]}


def taken(lines):
    counted = [line for line in lines if not line.get("gcovr/noncode")]
    branches = [branch for line in counted for branch in line["branches"]]
    return (sum(line["count"] > 0 for line in counted), len(counted),
            sum(branch["count"] > 0 for branch in branches), len(branches))


def percent(part, whole):
    return f"{100 * part / whole:6.1f}" if whole else "     -"


def row(name, numbers):
    lines, all_lines, branches, all_branches = numbers
    return f"{name:32} {lines:6} of {all_lines:6} {percent(lines, all_lines)} %   {branches:6} of {all_branches:6} {percent(branches, all_branches)} %"


def missing(lines):
    return [line["line_number"] for line in lines if not line.get("gcovr/noncode")
            and (line["count"] == 0 or any(branch["count"] == 0 for branch in line["branches"]))]


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    files = count(build)
    table = [f"{'':32} {'lines':>25}   {'branches':>25}"]
    table += [row(name, taken(lines)) for name, lines in sorted(files.items())]
    table.append(row("all of common/", [sum(column) for column in zip(*map(taken, files.values()))]))
    left = {name: missing(files[f"common/{name}"]) for name in PARSERS}
    for name, numbers in left.items():
        if numbers:
            table.append(f"common/{name}: no test took line {', '.join(map(str, numbers))}, or a branch of it")
    failed = sum(bool(numbers) for numbers in left.values())
    table.append(f"coverage: parsers with all lines and branches: {len(left) - failed} passed, {failed} failed")
    (build / "coverage.txt").write_text("\n".join(table) + "\n")
    print("\n".join(table))
    return 1 if failed else 0


sys.exit(main())
