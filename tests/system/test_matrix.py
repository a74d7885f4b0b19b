"""The fault matrix: each fault, and what the service promises while it lasts. matrix.py has the tools. test_matrix_http.py
does the same for what HTTP clients send.

Each row is one request with its fault: the answer by its deadline, its line in the log, the rows that are in the table
afterwards. Once the fault is gone, the next request works at once. These tests are elsewhere:

    backend killed in each mode, unseen in a read              test_faults.py
    wrong password, database, role; an unknown host name       test_faults.py
    a write on a connection that was idle for long             test_transactions.py
    the server ends during a commit                            test_transactions.py, test_idempotency.py
    database killed again and again under load                 test_idempotency.py
    an invalid answer to a commit                              test_protocol_faults.py
    Redis down, hung, slow; another type; a forged value       test_cache.py
    Redis over TLS: wrong CA or host, expired, none            test_cache_tls.py
    worker killed, stopped, looping; crash loop; a full queue  test_pool.py
    a client that left the queue                               test_pool.py
    a log without a reader                                     test_log.py
    a replica away                                             test_replica.py
    invalid records                                            test_fastcgi.py
    migration: two at once, killed midway                      test_migrations.py
    settings: wrong, missing, unreadable, world-readable       test_programs.py
"""
import concurrent.futures
import contextlib
import json
import resource

import pytest

import faults
import matrix
from conftest import BUILD, may_mount
from matrix import (AWAY, BUSY, FAKETIME, SHORT, SLOW, TAKEN, Case, Row, World, after_redis_answered, certificate, fake_database,
                    fake_redis, fault_on)
from servers import silent

# The test has to find the statement while it runs, which is until its timeout.
LATE = {**SHORT, "DATABASE_COMMAND_TIMEOUT": 4, "REQUEST_TIMEOUT": 10}
NULL = {"DATABASE_CONNECTION": "null"}
WRITE = "POST /probe/rows?label={label}"  # a COMMIT of its own
MARKED = "POST /probe/marked?label={label}"  # the statement carries the commit
CACHED = "GET /probe/cached-wide?rows=9&size={number}"
LONG_WRITE = "POST /probe/insert-and-sleep?label={label}"
UNAVAILABLE = {"status": 503, "detail": AWAY, "retry_after": True}
NO_DESCRIPTOR = matrix.worker_limit(resource.RLIMIT_NOFILE, 0)
OUT_OF_MEMORY = matrix.worker_limit(resource.RLIMIT_AS, 1 << 20)
CUT_OFF = {"status": 502, "log": None}

ROWS = [
    # --- the database ---
    Row("down", before=matrix.database_down, settings=NULL, log={"detail": "refused"}, **UNAVAILABLE),
    Row("down, with a persistent connection", MARKED, before=matrix.database_down, rows=(0,), log={"detail": "refused"},
        **UNAVAILABLE),
    Row("shut down in a transaction", LONG_WRITE, meanwhile=matrix.database_shuts_down, rows=(0,), log={"sqlstate": "57P01"},
        **UNAVAILABLE),
    Row("crashed in a transaction", LONG_WRITE, meanwhile=matrix.database_crashes, rows=(0,), **UNAVAILABLE),
    Row("backend killed", LONG_WRITE, meanwhile=matrix.backend_killed, rows=(0,), **UNAVAILABLE),
    Row("backend stopped", LONG_WRITE, meanwhile=matrix.backend_stopped("pg_sleep"), rows=(0,), status=504, detail=SLOW,
        settings=LATE),
    Row("backend stopped at the commit", WRITE, prefix="slow-commit", meanwhile=matrix.backend_stopped("COMMIT"), rows=(0, 1),
        status=503, unknown=True, settings=SHORT),
    Row("a slow query", "GET /probe/sleep?seconds=8", settings=SHORT, status=504, detail=SLOW, after=matrix.no_statement_runs,
        log={"sqlstate": "57014"}),
    Row("a lock timeout", WRITE, settings=SHORT, before=matrix.table_locked, rows=(0,), status=503, detail=BUSY,
        retry_after=True, log={"sqlstate": "55P03"}),
    Row("max_connections reached", before=matrix.connections_exhausted, settings=NULL, log={"sqlstate": "53300"}, **UNAVAILABLE),
    Row("deadlock", WRITE, prefix="deadlock", before=matrix.second_lock_taken, meanwhile=matrix.deadlock_closed, rows=(1,),
        status=201, log={"reruns": 1}),
    Row("serialization failure", "POST /probe/serializable?label={label}", prefix="gate", before=matrix.gate_closed,
        meanwhile=matrix.concurrent_write_commits_first, rows=(1,), status=409, log={"reruns": 1, "sqlstate": "23505"}),
    Row("a deferred constraint at the commit", WRITE, before=matrix.label_taken, rows=(1,), status=409, detail=TAKEN,
        log={"sqlstate": "23505"}),
    Row("read-only", WRITE, before=matrix.server_setting("default_transaction_read_only", "on"), rows=(0,),
        log={"sqlstate": "25006"}, **UNAVAILABLE),
    Row("no room for temporary files", "GET /probe/wide?rows=70&size=100000",
        before=matrix.server_setting("temp_file_limit", "'64kB'"), status=503, detail=BUSY, retry_after=True,
        log={"sqlstate": "53400"}),
    Row("a full disk", WRITE, before=matrix.disk_full, after=matrix.has_no_row, status=503, detail=BUSY, retry_after=True,
        log={"sqlstate": "53100"}),
    # --- the answer to its commit ---
    Row("the commit's answer lost", WRITE, through="tls", before=fault_on("tls", faults.LossOfCommit), rows=(1,), status=503,
        unknown=True),
    Row("the marked statement's answer lost", MARKED, through="tls", before=fault_on("tls", faults.LossOfCommit), rows=(1,),
        status=503, unknown=True),
    Row("the commit's answer lost, with a key", WRITE, through="tls", before=fault_on("tls", faults.LossOfCommit), key=True,
        rows=(1,), status=201, replayed=True, log={"outcome": "committed"}),
    Row("the marked statement's answer lost, with a key", MARKED, through="tls", before=fault_on("tls", faults.LossOfCommit),
        key=True, rows=(1,), status=201, replayed=True, log={"outcome": "committed"}),
    Row("the answer of two steps lost, with a key", "POST /probe/two-steps?label={label}", through="tls",
        before=fault_on("tls", faults.LossOfCommit), key=True, rows=(1,), status=201, replayed=True,
        log={"outcome": "committed"}),
    Row("a pooler that lost the commit's answer", WRITE, through="tls", before=fault_on("tls", faults.PoolerLostCommit),
        rows=(1,), status=503, unknown=True, log={"sqlstate": "58000"}),
    Row("a pooler that lost the marked statement's answer", MARKED, through="tls",
        before=fault_on("tls", faults.PoolerLostCommit), rows=(1,), status=503, unknown=True, log={"sqlstate": "58000"}),
    Row("a pooler that lost the marked statement's answer, with a key", MARKED, through="tls",
        before=fault_on("tls", faults.PoolerLostCommit), key=True, rows=(1,), status=201, replayed=True,
        log={"outcome": "committed"}),
    # --- the connection to it ---
    Row("SYN lost", settings=SHORT, before=matrix.syn_lost, log={"detail": "no answer while connecting"}, **UNAVAILABLE),
    Row("a server that does not answer", settings=SHORT, before=fake_database(silent), **UNAVAILABLE),
    Row("an open connection without answers", WRITE, through="line", settings=SHORT, before=fault_on("line", faults.held),
        rows=(0,), status=504, detail=SLOW),
    Row("an open connection without answers, at the marked statement", MARKED, through="line", settings=SHORT,
        before=fault_on("line", faults.held), rows=(0, 1), status=503, unknown=True),
    Row("reset before a read", through="line", before=fault_on("line", faults.after(0, faults.reset, upward=True, once=True)),
        log={"retries": 1}),
    Row("reset before a write", WRITE, through="line",
        before=fault_on("line", faults.after(0, faults.reset, upward=True, once=True)), rows=(1,), status=201,
        log={"retries": 1}),
    Row("reset before a marked write", MARKED, through="line",
        before=fault_on("line", faults.after(0, faults.reset, upward=True, once=True)), rows=(0,), status=503, unknown=True),
    Row("an answer cut after 3 bytes", through="line", before=fault_on("line", faults.next_answer(faults.only(3, faults.cut))),
        log={"retries": 1}),
    Row("TLS closed without notice in an answer", "GET /probe/wide?rows=9&size=10000", through="line",
        before=fault_on("line", faults.next_answer(faults.only(9000, faults.cut))), log={"retries": 1}),
    Row("every connection cut in its TLS", through="line", before=fault_on("line", faults.after(900, faults.cut)), settings=NULL,
        **UNAVAILABLE),
    *[Row(f"{then.__name__} after {count} bytes {'up' if upward else 'down'}", through="line", settings=NULL,
          before=fault_on("line", faults.after(count, then, upward, once=True)))
      for then in (faults.cut, faults.reset) for upward in (True, False) for count in (0, 1, 400, 900)],
    Row("one byte at a time", "GET /probe/wide?rows=9&size=100", through="line",
        before=fault_on("line", faults.one_byte_at_a_time), settings=NULL),
    Row("a distant server", WRITE, through="line", before=fault_on("line", faults.delayed(0.02)), settings=NULL, status=201,
        rows=(1,)),
    # --- TLS ---
    Row("TLS refused", before=matrix.tls_refused, after=matrix.received_no_password, log={"detail": "does not support SSL"},
        **UNAVAILABLE),
    Row("a certificate of a foreign CA", before=certificate(foreign=True), log={"detail": "certificate verify failed"},
        **UNAVAILABLE),
    Row("a certificate of another host", before=certificate("elsewhere", sans=("DNS:elsewhere.example",)),
        log={"detail": "does not match host name"}, **UNAVAILABLE),
    Row("an expired certificate", before=certificate("ended", days=-1), log={"detail": "certificate"}, **UNAVAILABLE),
    # --- Redis: a fault is never a reason to fail ---
    Row("a huge reply from Redis", CACHED, before=after_redis_answered(fake_redis(matrix.endless_string)), log={"cache": "away"}),
    Row("Redis does not answer", CACHED, before=after_redis_answered(fake_redis(silent)), log={"cache": "away"}),
    Row("Redis resets", CACHED, before=after_redis_answered(fault_on("redis", faults.reset)), log={"cache": "away"}),
    Row("Redis cuts its answer", CACHED,
        before=after_redis_answered(fault_on("redis", faults.next_answer(faults.only(1, faults.cut)))), log={"cache": "away"}),
    Row("Redis sends one byte at a time", CACHED, before=after_redis_answered(fault_on("redis", faults.one_byte_at_a_time)),
        log={"cache": "miss"}),
    # --- the program ---
    Row("out of memory", "POST /probe/echo", body=json.dumps({"word": "x" * 1000000}), kills=True, before=OUT_OF_MEMORY,
        event={"event": "worker died", "exit_code": 70}, **CUT_OFF),
    Row("out of memory for the database's rows", "GET /probe/wide?rows=70&size=100000", kills=True, before=OUT_OF_MEMORY,
        log={"detail": "out of memory"}, **UNAVAILABLE),
    Row("no descriptor for the database", kills=True, settings=NULL, before=matrix.worker_limit(resource.RLIMIT_NOFILE, 1),
        **UNAVAILABLE),
    Row("no descriptor for a request", kills=True, before=NO_DESCRIPTOR, event={"event": "worker killed, it took no connection"}),
    Row("the log on a full disk", kills=True, before=matrix.log_on_a_full_disk, log=None),
    Row("the clock an hour later", kills=True, before=matrix.settable_clock, meanwhile=matrix.clock_moved("+3600"),
        event={"event": "clock set"}),
    Row("the clock an hour earlier", kills=True, before=matrix.settable_clock, meanwhile=matrix.clock_moved("-3600"),
        event={"event": "clock set"}),
]


def reason_to_skip(row):
    """Returns why the test cannot run here, or None."""
    if BUILD.name == "asan" and row.before in (matrix.settable_clock, NO_DESCRIPTOR, OUT_OF_MEMORY):
        return "the sanitizer needs memory and descriptors, and has to be loaded first"
    if row.before is matrix.disk_full and not may_mount():
        return "a small disk cannot be mounted: that needs root, and a / that is a mount point"
    return "no libfaketime here" if row.before is matrix.settable_clock and not FAKETIME else None


@pytest.fixture(scope="module")
def world(site):
    with contextlib.ExitStack() as last:
        yield World(site, last)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_fault(world, row):
    if reason_to_skip(row):
        pytest.skip(reason_to_skip(row))
    with contextlib.ExitStack() as last:
        case = Case(world, row, last)
        case.settle()
        if row.before:
            row.before(case)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            asked = pool.submit(case.ask)
            if row.meanwhile:
                row.meanwhile(case)
            answer, took = asked.result()
        case.check(answer, took)
        if row.after:
            row.after(case)
    case.check_rows()
    case.assert_works()
