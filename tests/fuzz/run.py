"""make fuzz: runs each target for SECONDS, one after the other, at a low priority.

    run.py BUILD SECONDS [TARGET...]

A target's corpus in BUILD/corpus/<target> grows from its seeds. An input that violates a property is saved in
BUILD/found/<target>/. Fix the bug, then add the input as a seed (tests/fuzz/seeds/<target>/), which make test runs.
"""
import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
# libFuzzer's limits. 512 MiB for one allocation is far above anything that is intended.
LIMITS = ["-timeout=20", "-rss_limit_mb=2048", "-malloc_limit_mb=512", "-max_len=4096"]


def stat(log, name):
    found = re.findall(rf"^stat::{name}:\s+(\d+)", log, re.M)
    return int(found[-1]) if found else 0


def run(build, seconds, target):
    corpus, found = build / "corpus" / target, build / "found" / target
    corpus.mkdir(parents=True, exist_ok=True)
    found.mkdir(parents=True, exist_ok=True)
    dictionary = HERE / "dictionaries" / f"{target}.dict"
    command = [build / "tests" / "fuzz" / target, f"-max_total_time={seconds}", "-print_final_stats=1", *LIMITS,
               f"-artifact_prefix={found}/", *([f"-dict={dictionary}"] if dictionary.exists() else []), corpus, HERE / "seeds" / target]
    log_path = build / f"{target}.log"
    with open(log_path, "wb") as log:
        done = subprocess.run(command, stdout=log, stderr=log, preexec_fn=lambda: os.nice(10))
    text = log_path.read_text(errors="replace")
    runs, rate = stat(text, "number_of_executed_units"), stat(text, "average_exec_per_sec")
    files = len(list(corpus.iterdir()))
    ok = done.returncode == 0
    print(f"{'ok   ' if ok else 'FAIL '} {target:12} {runs:>10} inputs {rate:>8}/s {files:>6} in the corpus", flush=True)
    if not ok:
        paths = re.findall(r"Test unit written to (\S+)", text)
        lines = [line for line in text.splitlines() if re.search(r"does not hold|ERROR: |SUMMARY: |runtime error", line)]
        print("\n".join(f"      {line}" for line in lines[:6] + paths) or f"      exit code {done.returncode}: {log_path}", flush=True)
    return ok, runs


def main():
    build, seconds, wanted = pathlib.Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    targets = sorted(path.stem for path in HERE.glob("*.c") if path.stem != "replay")
    unknown = set(wanted) - set(targets)
    if unknown or seconds < 1:
        sys.exit(f"usage: make fuzz SECONDS=30 ONLY='{' '.join(targets)}'")
    results = [run(build, seconds, target) for target in wanted or targets]
    passed, total = sum(ok for ok, _ in results), sum(runs for _, runs in results)
    rate = total // (seconds * len(results))
    print(f"fuzz: {passed} passed, {len(results) - passed} failed, {total} inputs, {rate}/s")
    return 0 if passed == len(results) else 1


sys.exit(main())
