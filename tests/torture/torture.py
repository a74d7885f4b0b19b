#!/usr/bin/python3
"""make torture: failure injection, ledger and soak, at length, and a report of what was run and found.

ONLY=inject,ledger,soak,overload     some of it
STRIDE=1                             every so manieth N of the injection
MINUTES=10                           of the ledger, over its three modes
REQUESTS=1000000                     of the soak
SEED=                                repeats what is by chance
"""
import os
import secrets
import sys
import time

import ground
import inject
import ledger
import soak

import conftest

PARTS = ["inject", "ledger", "soak", "overload"]


class Report:
    """Markdown, as it comes; and how many of its rows were well."""

    def __init__(self):
        self.passed = self.failed = 0
        self.found = []

    @staticmethod
    def say(text=""):
        print(text, flush=True)

    def table(self, title, *columns):
        self.say(f"\n## {title}\n\n| {' | '.join(columns)} | |\n|{'---|' * (len(columns) + 1)}")

    def fail(self, found):
        self.failed += 1
        self.found += found

    def row(self, found, *cells):
        if found:
            self.fail(found)
        else:
            self.passed += 1
        self.say(f"| {' | '.join(str(cell) for cell in cells)} | {f'{len(found)} found' if found else 'ok'} |")

    def end(self):
        if self.found:
            self.say("\n## Found\n")
        for what in self.found:
            self.say(f"- {what}")
        self.say(f"\ntorture: {self.passed} passed, {self.failed} failed")
        return 1 if self.failed else 0


def tell(what):
    """At once, since the report takes hours."""
    print(what, file=sys.stderr, flush=True)


def counted(tally):
    return ", ".join(f"{count:,} {name}" for name, count in sorted(tally.items(), key=lambda item: str(item[0])))


def run_inject(report, site, options):
    report.table(f"Failure injection, N = 1, 1 + {options.stride}, …", "stage", "sessions", "with a fault", "N went to",
                 "died in a library", "s")
    for stage, kinds in inject.stages(site):
        result = inject.torture(stage, kinds, options.stride, tell)
        report.row(result.found, stage.name, f"{result.runs:,}", f"{result.reached:,}", counted(result.most),
                   result.died_in_library, f"{result.seconds:.0f}")


def run_ledger(report, site, options):
    report.table("Ledger", "mode", "rows", "asked again", "answers", "faults", "s")
    postgres = ground.durable_postgres(site)
    try:
        for mode in ground.MODES:
            outcome = ledger.Ledger(site, postgres, mode, options.seed).run(options.minutes * 60 / len(ground.MODES))
            report.row(outcome.found, mode, counted(outcome.told), outcome.repeated, counted(outcome.statuses),
                       counted(outcome.faults), f"{outcome.seconds:.0f}")
    finally:
        postgres.stop("immediate")


def run_soak(report, site, options):
    report.table("Soak", "mode", "requests", "answers", "a worker grew by at most, KiB", "server connections", "s")
    for mode, share in soak.SHARES.items():
        result = soak.soak(site, mode, int(options.requests * share), options.seed)
        report.row(result.found, mode, f"{result.requests:,}", counted(result.statuses), counted(result.growth_kib),
                   "{} then {}".format(*result.connections), f"{result.seconds:.0f}")


def run_overload(report, site, options):
    report.table("Overload, ten times as many clients as workers", "200/s at capacity", "under overload", "refused (503)",
                 "slowest refusal, ms", "next good answer after, ms", "90 % and 50 ms")
    result = soak.overload(site)
    found = result.found + ([] if result.is_met else [f"overload: not met: {result}"])
    report.row(found, f"{result.peak:.1f}", f"{result.under:.1f}", result.refused, f"{result.slowest_refusal_ms:.0f}",
               f"{result.recovery_ms:.0f}", "met" if result.is_met else "not met")


class Options:
    def __init__(self):
        self.parts = os.environ.get("ONLY", ",".join(PARTS)).split(",")
        self.stride = int(os.environ.get("STRIDE", 1))
        self.minutes = float(os.environ.get("MINUTES", 10))
        self.requests = int(os.environ.get("REQUESTS", 1000000))
        self.seed = int(os.environ.get("SEED") or secrets.randbelow(1 << 32))
        if not set(self.parts) <= set(PARTS):
            sys.exit(f"torture: ONLY is one or more of {','.join(PARTS)}")


def main():
    options = Options()
    report = Report()
    report.say(f"# Torture: {', '.join(options.parts)}; SEED={options.seed}; {time.strftime('%F %T')}")
    for part in options.parts:
        # Servers of its own: none hides what another one left behind.
        with ground.own_site() as site:
            failed = report.failed
            globals()[f"run_{part}"](report, site, options)
            read_logs(report, part, site)
            site.keep = report.failed > failed
    return report.end()


def read_logs(report, part, site):
    try:
        conftest.read_logs(site)
    except AssertionError as error:
        report.fail([f"{part}: {error} (in {site.home})"])


if __name__ == "__main__":
    sys.exit(main())
