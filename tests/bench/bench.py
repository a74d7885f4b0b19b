#!/usr/bin/python3
"""make bench: nullpool's pool compared with a naive FastCGI program and PHP-FPM, and two of its requests compared with
its peers. It measures and asserts nothing. README.md beside it explains each figure."""
import contextlib
import os
import pathlib
import shutil
import signal
import sys
import tempfile
from datetime import datetime

import programs  # first: it adds the tree to sys.path for env.local
import peer_programs
from env.local.process import Fault, Interrupted, ask_to_stop, run_command
from measure import machine, packages, progress
from options import FSYNC, ONLY, PEER_ROUNDS, QUICK, ROUNDS, SECTIONS
from peers_rows import PeersRows
from peers_tables import GROUPS
from plot import plot
from pool_rows import PoolRows
from programs import BUILD, ROOT

VERSIONS = ("nginx", "postgresql-[0-9]*", "libpq5", "libfcgi0*", "libssl3*", "wrk", "php[0-9]*-fpm")
PEER_VERSIONS = ("python3", "python3-fastapi", "python3-uvicorn", "python3-uvloop", "python3-sqlalchemy", "python3-asyncpg",
                 "golang-go", "golang-github-jackc-pgx-v*-dev", "nodejs")


def print_header(wanted, missing):
    now, here = f"{datetime.now().astimezone():%Y-%m-%d %H:%M %Z}", machine()
    version = run_command("nullpool --version", [BUILD / "handlers" / "root", "--version"]).strip().replace("root", "nullpool")
    with contextlib.suppress(Fault, OSError):
        version += f" ({run_command('git', ['git', '-C', ROOT, 'describe', '--always', '--dirty']).strip()})"
    print(f"{now} - {here}")
    print(f"{version}, {packages(*VERSIONS)}")
    if "peers" in wanted:
        print(f"peers: {packages(*PEER_VERSIONS)}, {peer_programs.Node.versions()}")
    rounds = [f"{count} ({what})" for what, count in (("pool", ROUNDS), ("peers", PEER_ROUNDS)) if what in wanted]
    print(f"interleaved rounds: {', '.join(rounds)}; medians; fsync {'on' if FSYNC else 'off'}"
          + ("; QUICK: a smoke test, its figures mean nothing" if QUICK else ""))
    for why in missing.values():
        print(why)
    return f"{now}, {here}, {version}" + (", QUICK" if QUICK else "")


def measure(site, wanted):
    missing = programs.absent()
    missing_peers = peer_programs.prepare() if "peers" in wanted else {}
    where = print_header(wanted, missing)
    site.start()
    if "pool" in wanted:
        PoolRows(site, missing).measure()
    if "peers" in wanted:
        peers = PeersRows(site, {**missing, **missing_peers}).measure()
        picture = BUILD / "bench" / "peers.svg"
        plot(picture, "GET one user: requests/s, and round trips to Postgres", where,
             {GROUPS[group]: rows for group, rows in peers.figures().items()})
        print(f"\nplot: {os.path.relpath(picture)}")


def main():
    if ONLY and ONLY not in SECTIONS:
        print(f"bench: ONLY must be {' or '.join(SECTIONS)}", file=sys.stderr)
        return 64
    for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sig, ask_to_stop)
    home = pathlib.Path(tempfile.mkdtemp(prefix="nullpool-bench-"))
    home.chmod(0o755)  # Postgres runs as another user when this runs as root
    site = programs.Site(home, FSYNC)
    try:
        measure(site, [ONLY] if ONLY else SECTIONS)
        progress("")
    except Interrupted:
        print("\nbench: interrupted", file=sys.stderr)
        return 130
    except Fault as fault:
        print(f"\nbench: {fault}\nbench: the logs of the servers and programs are in {home}", file=sys.stderr)
        home = None
        return 1
    finally:
        site.stop()
        if home:
            shutil.rmtree(home, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
