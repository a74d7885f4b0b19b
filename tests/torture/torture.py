#!/usr/bin/python3
"""make torture: the long runs of failure injection, ledger, soak and overload, and a report of what they found.

ONLY=inject,ledger,soak,overload     runs only these
STAGES=start-null,shell              runs only these stages of the injection
KINDS=memory,poll                    makes only these kinds of calls fail there
STRIDE=1, JOBS=6                     the injection's step from one N to the next, and its sessions in parallel
MINUTES=10                           the ledger's time, over its three modes
REQUESTS=1000000                     the soak's requests
SEED=                                repeats a run's random choices
"""
import os
import secrets
import sys
import time

import ground
import inject
import lanes
import ledger
import soak


class Report:
    """Prints Markdown and counts the rows that passed and failed."""

    def __init__(self):
        self.passed = self.failed = 0
        self.found = []

    @staticmethod
    def write(text=""):
        print(text, flush=True)

    def table(self, title, *columns):
        self.write(f"\n## {title}\n\n| {' | '.join(columns)} | |\n|{'---|' * (len(columns) + 1)}")

    def fail_if(self, found):
        self.failed += bool(found)
        self.found += found

    def row(self, found, *cells):
        self.passed += not found
        self.fail_if(found)
        self.write(f"| {' | '.join(str(cell) for cell in cells)} | {f'{len(found)} found' if found else 'ok'} |")

    def end(self):
        if self.found:
            self.write("\n## Found\n")
        for what in self.found:
            self.write(f"- {what}")
        self.write(f"\ntorture: {self.passed} passed, {self.failed} failed")
        return 1 if self.failed else 0


def show_progress(what):
    """Prints progress at once, on standard error; the report is complete only at the end."""
    print(what, file=sys.stderr, flush=True)


def counted(tally):
    return ", ".join(f"{count:,} {name}" for name, count in sorted(tally.items(), key=lambda item: str(item[0])))


def run_inject(report, options):
    report.table(f"Failure injection, N = 1, 1 + {options.stride}, …", "stage", "sessions", "with a fault", "largest N",
                 "died in a library", f"s, {options.jobs} in parallel")
    results, in_logs = lanes.run(inject.parts(options.stages, options.kinds, options.stride), options.jobs, show_progress)
    for result in results:
        report.row(result.found, result.name, f"{result.runs:,}", f"{result.reached:,}", counted(result.most),
                   result.died_in_library, f"{result.seconds:.0f}")
    report.fail_if(in_logs)


def on_one_site(run):
    """Runs with servers of its own, so that no run hides what another one left behind."""
    def run_there(report, options):
        failed = report.failed
        with ground.own_site() as site:
            run(report, site, options)
            site.keep = report.failed > failed
        report.fail_if(site.in_logs)
    return run_there


@on_one_site
def run_ledger(report, site, options):
    report.table("Ledger", "mode", "rows", "repeated", "answers", "faults", "s")
    postgres = ground.durable_postgres(site)
    try:
        for mode in ground.MODES:
            outcome = ledger.Ledger(site, postgres, mode, options.seed).run(options.minutes * 60 / len(ground.MODES))
            report.row(outcome.found, mode, counted(outcome.results), outcome.repeated, counted(outcome.statuses),
                       counted(outcome.faults), f"{outcome.seconds:.0f}")
    finally:
        postgres.stop("immediate")


@on_one_site
def run_soak(report, site, options):
    report.table("Soak", "mode", "requests", "answers", "largest growth of a worker, KiB", "server connections", "s")
    for mode, share in soak.SHARES.items():
        result = soak.soak(site, mode, int(options.requests * share), options.seed)
        report.row(result.found, mode, f"{result.requests:,}", counted(result.statuses), counted(result.growth_kib),
                   "{} then {}".format(*result.connections), f"{result.seconds:.0f}")


@on_one_site
def run_overload(report, site, options):
    report.table("Overload, ten times as many clients as workers", "200/s at capacity", "under overload", "refused (503)",
                 "slowest refusal, ms", "next 200 after, ms", "90 % and 50 ms")
    result = soak.overload(site)
    found = result.found + ([] if result.is_met else [f"overload: not met: {result}"])
    report.row(found, f"{result.peak:.1f}", f"{result.under:.1f}", result.refused, f"{result.slowest_refusal_ms:.0f}",
               f"{result.recovery_ms:.0f}", "met" if result.is_met else "not met")


RUNS = {"inject": run_inject, "ledger": run_ledger, "soak": run_soak, "overload": run_overload}


def some_of(name, known):
    """Returns the names that the variable lists, in the order of `known`, or all."""
    chosen = os.environ.get(name)
    if chosen and not set(chosen.split(",")) <= set(known):
        sys.exit(f"torture: {name} must be one or more of {','.join(known)}")
    return [one for one in known if not chosen or one in chosen.split(",")]


class Options:
    def __init__(self):
        self.parts = some_of("ONLY", list(RUNS))
        self.stages = some_of("STAGES", [row[2] for row in inject.plan()])
        self.kinds = some_of("KINDS", list(inject.ERRORS))
        self.jobs = int(os.environ.get("JOBS", 6))
        self.stride = int(os.environ.get("STRIDE", 1))
        self.minutes = float(os.environ.get("MINUTES", 10))
        self.requests = int(os.environ.get("REQUESTS", 1000000))
        self.seed = int(os.environ.get("SEED") or secrets.randbelow(1 << 32))


def main():
    options = Options()
    report = Report()
    report.write(f"# Torture: {', '.join(options.parts)}; SEED={options.seed}; {time.strftime('%F %T')}")
    for part in options.parts:
        RUNS[part](report, options)
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
