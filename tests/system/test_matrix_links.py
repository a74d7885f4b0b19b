"""The fault matrix, continued: the connection to the database, TLS, Redis, the program itself. See test_matrix.py."""
import json
import resource

import pytest

import faults
import matrix
from conftest import BUILD
from matrix import (FAKETIME, MARKED, NULL, SHORT, SLOW, UNAVAILABLE, WRITE, Row, after_redis_answered, certificate, fake_database,
                    fake_redis, fault_on, run, world)  # noqa: F401
from servers import silent

CACHED = "GET /probe/cached-wide?rows=9&size={number}"
NO_DESCRIPTOR = matrix.worker_limit(resource.RLIMIT_NOFILE, 0)
OUT_OF_MEMORY = matrix.worker_limit(resource.RLIMIT_AS, 1 << 20)
CUT_OFF = {"status": 502, "log": None}

ROWS = [
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
    Row("Redis does not answer", CACHED, long=True, before=after_redis_answered(fake_redis(silent)), log={"cache": "away"}),
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
    Row("no descriptor for a request", long=True, kills=True, before=NO_DESCRIPTOR, event={"event": "worker killed, it took no connection"}),
    Row("the log on a full disk", long=True, kills=True, before=matrix.log_on_a_full_disk, log=None),
    Row("the clock an hour later", long=True, kills=True, before=matrix.settable_clock, meanwhile=matrix.clock_moved("+3600"),
        event={"event": "clock set"}),
    Row("the clock an hour earlier", long=True, kills=True, before=matrix.settable_clock, meanwhile=matrix.clock_moved("-3600"),
        event={"event": "clock set"}),
]


def reason_to_skip(row):
    """Returns why the test cannot run here, or None."""
    if BUILD.name == "asan" and row.before in (matrix.settable_clock, NO_DESCRIPTOR, OUT_OF_MEMORY):
        return "the sanitizer needs memory and descriptors, and has to be loaded first"
    return "no libfaketime here" if row.before is matrix.settable_clock and not FAKETIME else None


@pytest.mark.parametrize("row", map(Row.param, ROWS))
def test_a_fault(world, row):
    if reason_to_skip(row):
        pytest.skip(reason_to_skip(row))
    run(world, row)
