"""The fault matrix: each fault, and what the service promises while it lasts. matrix.py has the tools. test_matrix_links.py
has the faults between the service and its database, of Redis and of the program, test_matrix_http.py those of HTTP clients.

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
import pytest

import faults
import matrix
from conftest import may_mount
from matrix import AWAY, BUSY, MARKED, NULL, SHORT, SLOW, TAKEN, UNAVAILABLE, WRITE, Row, fault_on, run, world  # noqa: F401

# The test has to find the statement while it runs, which is until its timeout.
LATE = {**SHORT, "DATABASE_COMMAND_TIMEOUT": 4, "REQUEST_TIMEOUT": 10}
LONG_WRITE = "POST /probe/insert-and-sleep?label={label}"

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
    Row("max_connections reached", long=True, before=matrix.connections_exhausted, settings=NULL, log={"sqlstate": "53300"}, **UNAVAILABLE),
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
    Row("a full disk", WRITE, long=True, before=matrix.disk_full, after=matrix.has_no_row, status=503, detail=BUSY, retry_after=True,
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
]


def reason_to_skip(row):
    """Returns why the test cannot run here, or None."""
    if row.before is matrix.disk_full and not may_mount():
        return "a small disk cannot be mounted: that needs root, and a / that is a mount point"
    return None


@pytest.mark.parametrize("row", map(Row.param, ROWS))
def test_a_fault(world, row):
    if reason_to_skip(row):
        pytest.skip(reason_to_skip(row))
    run(world, row)
