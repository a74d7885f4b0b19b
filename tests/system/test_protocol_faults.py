"""What no server of Postgres' own says, but a broken pooler may: an answer that got lost is never a success."""
import struct
import time

import pytest

from fake_postgres import NOTICE, READY_IN_TRANSACTION, SETTINGS, FakePostgres, done, endless, error, late, message, ready, row
from servers import server

LABEL = row(label="x")
BEGUN = done(b"BEGIN") + SETTINGS + LABEL + ready(READY_IN_TRANSACTION)


@pytest.fixture
def behind(serve, site):
    """behind(fake) is a service whose database it is, while the test runs."""
    import contextlib
    with contextlib.ExitStack() as last:
        def start(fake, **settings):
            port = last.enter_context(server(fake))
            return serve("probe", ENV="development", DATABASE_CONNECTION="persistent", DATABASE_POOL_SIZE=0,
                         DATABASE_MAX_OVERFLOW=1, DATABASE_URL=site.url(port=port, query="?sslmode=disable"), **settings)
        yield start


def assert_unknown(answer):
    assert answer.status == 503 and answer.problem()["outcome"] == "unknown", answer


def test_a_lost_answer_to_a_read_is_no_empty_list(behind):
    service = behind(FakePostgres(SETTINGS + ready()))
    answer = service.client.get("/probe/wide?rows=1&size=1")
    assert answer.status == 503
    assert "do not fit" in service.line_of(answer)["detail"]


def test_a_lost_answer_to_a_write_has_an_unknown_outcome_and_it_is_not_sent_again(behind):
    fake = FakePostgres(SETTINGS + ready())
    assert_unknown(behind(fake).client.post("/probe/marked?label=x"))
    assert len(fake.flights) == 1


def test_a_lost_answer_to_a_commit_has_an_unknown_outcome(behind):
    assert_unknown(behind(FakePostgres(BEGUN, ready())).client.post("/probe/rows?label=x"))


def test_an_answer_too_many_has_an_unknown_outcome(behind):
    extra = SETTINGS + LABEL + message(b"C", b"SELECT 1\0") + ready()
    assert_unknown(behind(FakePostgres(extra)).client.post("/probe/marked?label=x"))


def test_a_commit_that_rolled_back_is_no_success(behind):
    answer = behind(FakePostgres(BEGUN, done(b"ROLLBACK") + ready())).client.post("/probe/rows?label=x")
    assert answer.status == 500


def test_an_error_without_its_untranslated_severity_is_the_same_error(behind):
    service = behind(FakePostgres(SETTINGS + error(b"23505", nonlocalized=False) + ready()))
    assert service.client.post("/probe/marked?label=x").status == 409


@pytest.mark.parametrize("severity, code", [(b"FATAL", b"23505"), (b"ERROR", b"08P01"), (b"ERROR", b"XX000")])
def test_an_error_that_may_come_after_the_commit_has_an_unknown_outcome(behind, severity, code):
    assert_unknown(behind(FakePostgres(SETTINGS + error(code, severity) + ready())).client.post("/probe/marked?label=x"))


@pytest.mark.long
def test_notices_without_end_do_not_outlast_the_request(behind):
    service = behind(FakePostgres(lambda link: endless(link, NOTICE)), REQUEST_TIMEOUT=1)
    start = time.monotonic()
    assert service.client.get("/probe/rows?label=x").status == 504
    assert time.monotonic() - start < 3


@pytest.mark.long
def test_parameters_without_end_do_not_outlast_connecting(behind):
    parameter = message(b"S", b"a_name\0value\0")
    service = behind(FakePostgres(b"", before_ready=lambda link: endless(link, parameter)), REQUEST_TIMEOUT=1)
    start = time.monotonic()
    assert service.client.get("/probe/rows?label=x").status == 504
    assert time.monotonic() - start < 3


@pytest.mark.long
def test_a_commit_is_not_sent_when_connecting_took_the_time(behind):
    fake = FakePostgres(SETTINGS + LABEL + ready(), before_ready=late(1.95))
    answer = behind(fake, REQUEST_TIMEOUT=2).client.post("/probe/marked?label=x")
    assert answer.status == 504 and "outcome" not in answer.problem()
    assert fake.flights == []


def test_the_end_of_a_read_transaction_has_no_unknown_outcome(behind):
    snapshot = done(b"BEGIN") + SETTINGS + row(count="0") + ready(READY_IN_TRANSACTION)
    service = behind(FakePostgres(snapshot, SETTINGS + row(slept="") + ready(READY_IN_TRANSACTION), None))
    answer = service.client.get("/probe/snapshot?label=x")
    assert answer.status == 503 and "outcome" not in answer.problem()


def test_a_server_that_cannot_look_for_its_client_is_not_told_to_again(behind):
    """Postgres 14 on Windows has the setting, and refuses each value but 0."""
    name = b"client_connection_check_interval"

    def answer(link):
        words = b'invalid value for parameter "' + name + b'": 1000'
        link.sendall((error(b"22023", words=words) if name in fake.flights[-1] else SETTINGS + LABEL) + ready())

    fake = FakePostgres(answer)
    service = behind(fake)
    for path in ("/probe/marked", "/probe/marked"):
        assert service.client.post(f"{path}?label=x").status == 201
    assert [name in flight for flight in fake.flights] == [True, False, False]


@pytest.mark.parametrize("pid, told", [(42, 42), (-42, None), (2**31 - 1, None), (4194305, None)])
def test_a_process_id_that_a_pooler_made_up_is_not_logged(behind, pid, told):
    """PgBouncer makes up 31 bits, before 1.21 it made up 32."""
    key = message(b"K", struct.pack("!iI", pid, 7))
    service = behind(FakePostgres(SETTINGS + LABEL + ready(), before_ready=lambda link: link.sendall(key)))
    assert service.line_of(service.client.post("/probe/marked?label=x")).get("backend_pid") == told
