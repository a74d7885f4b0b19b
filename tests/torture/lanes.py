"""Runs the parts of the failure injection in parallel lanes.

Each lane is a process with servers of its own, because a stage counts the connections there. A session waits more than it
computes, so there may be more lanes than processors.
"""
import concurrent.futures
import contextlib
import ctypes
import multiprocessing
import os
import signal
import sys

import ground
import inject

FORK = multiprocessing.get_context("fork")
PR_SET_PDEATHSIG = 1  # linux/prctl.h
turn = None  # the number of the next part, shared by all lanes


def run(parts, count, progress):
    """Returns a Result for each stage, and what must not be in the logs. Calls progress(text) for each fault that is found and
    for each part that is done."""
    global turn
    turn = FORK.Value("i", 0)
    results, in_logs = {}, []
    # A lane that is killed raises an exception here; with a Pool it would never return.
    with concurrent.futures.ProcessPoolExecutor(count, FORK) as pool:
        for future in concurrent.futures.as_completed([pool.submit(lane, parts, progress, os.getpid()) for _ in range(count)]):
            done, found = future.result()
            in_logs += found
            for result in done:
                results.setdefault(result.name, inject.Result(result.name)).add(result)
    return [results[name] for name in dict.fromkeys(part.stage for part in parts)], in_logs


def end_with_parent(parent):
    """From now on this process stops its servers and ends when its parent does, however that ends."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit(1)


def lane(parts, progress, parent):
    end_with_parent(parent)
    try:
        return run_parts(parts, progress)
    except SystemExit as end:
        os._exit(end.code)  # a pool keeps its process for the next task


def run_parts(parts, progress):
    results = []
    with contextlib.ExitStack() as until_the_end:
        # Lanes start their servers one after the other, so that no two take the same port.
        with turn.get_lock():
            site = until_the_end.enter_context(ground.own_site())
        while (number := next_number()) < len(parts):
            part = parts[number]
            result = inject.torture(site, part, progress)
            results.append(result)
            progress(f"{part}: {result.reached:,} in {result.seconds:.0f} s, {len(result.found)} found")
        site.keep = any(result.found for result in results)
    return results, site.in_logs


def next_number():
    with turn.get_lock():
        turn.value += 1
        return turn.value - 1
