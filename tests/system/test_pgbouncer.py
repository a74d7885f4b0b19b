"""Behind a pooler in transaction mode everything works unchanged: sessions are not ours, so nothing may need one."""
import concurrent.futures
import uuid

import psycopg2
import pytest

from conftest import AHEAD, CANARY
from pgbouncer import PgBouncer
from tokens import USER

SIZE = 3


@pytest.fixture(scope="module")
def pooler(site):
    pooler = PgBouncer(site.folder("pgbouncer"), site.postgres, site.authority, {"app_user": CANARY}, SIZE)
    pooler.start()
    yield pooler
    pooler.stop()


@pytest.fixture(params=["null", AHEAD, "persistent"])
def pooled(request, serve, site, pooler):
    return serve("users", "probe", "health", DATABASE_URL=site.url(port=pooler.port), DATABASE_CONNECTION=request.param)


def test_users_can_be_made_read_changed_and_deleted(pooled):
    client = pooled.client
    email = f"{uuid.uuid4()}@example.com"
    user = client.post("/users", {"email": email, "name": "Pooled"})
    assert user.status == 201
    path = f"/users/{user.json()['id']}"
    assert client.get(path).json()["email"] == email
    assert client.post("/users", {"email": email, "name": "Twice"}).status == 409
    owner = client.of(user.json())
    assert owner.send("PATCH", path, {"name": "Changed"}).json()["name"] == "Changed"
    assert owner.ask("DELETE", path).status == 204
    assert client.get(path).status == 404
    assert client.get("/health").status == 200


def test_transactions_are_whole_and_their_settings_end_with_them(pooled):
    client, label = pooled.client, f"pooled-{uuid.uuid4()}"
    assert client.post(f"/probe/two-steps?label={label}").status == 201
    assert client.post(f"/probe/marked?label={label}").status == 409
    assert client.post(f"/probe/failing?label=x-{label}").status == 409
    assert client.post(f"/probe/serializable?label=s-{label}").status == 201
    assert client.get(f"/probe/rows?label={label}").json() == {"count": 1}
    assert client.get("/probe/session").json()["read_only"] == "on"
    assert client.post("/probe/session").json()["read_only"] == "off"
    answer = client.get("/probe/session")
    assert answer.json()["application_name"] == f"nullpool/probe {answer.headers['x-request-id']}"


def test_what_another_program_left_in_a_session_is_nobodys_claim(pooled, site, pooler):
    links = [psycopg2.connect(host="127.0.0.1", port=pooler.port, dbname="app", user="app_user", password=CANARY, sslmode="require")
             for _ in range(SIZE)]
    claims = '{"sub": "%s"}' % USER
    try:
        for statement in ("SELECT 1", f"SET request.jwt.claims = '{claims}'; COMMIT"):
            for link in links:  # each has a session of the pooler's, until its transaction ends
                link.cursor().execute(statement)
        for _ in range(2 * SIZE):
            assert pooled.client.get("/probe/claims-of-nobody").json() == {"claims": {}}
            assert pooled.client.of(USER).get("/probe/claims").json()["claims"]["sub"] == USER
    finally:
        for statement in ("ROLLBACK", "SELECT 1", "RESET request.jwt.claims; COMMIT"):
            for link in links:
                link.cursor().execute(statement)
        for link in links:
            link.close()


@pytest.mark.long
def test_many_clients_share_few_sessions_and_none_stays_in_a_transaction(pooled, site):
    label = f"many-{uuid.uuid4()}"

    def one(i):
        if i % 2:
            return pooled.client.post(f"/probe/marked?label={label}-{i}").status
        return pooled.client.get("/users?limit=1").status

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        assert sorted(pool.map(one, range(60))) == [200] * 30 + [201] * 30
    # The other services of this run have sessions of their own; of the pooler's none is in a transaction.
    assert site.query("SELECT count(*) FROM pg_stat_activity WHERE usename = 'app_user'"
                      " AND state LIKE 'idle in transaction%%'") == [(0,)]
    assert site.query("SELECT count(*) FROM probe_rows WHERE label LIKE %s", label + "%") == [(30,)]


def test_no_statement_gets_a_name_in_a_session_that_others_use(pooled):
    for _ in range(3 * SIZE):
        assert pooled.client.get("/probe/prepared").json()["items"] == []


def test_a_wrong_password_is_503_and_not_tried_again(serve, site, pooler):
    service = serve("probe", DATABASE_URL=site.url(port=pooler.port, password="wrong"))
    answer = service.client.get("/probe/session")
    assert answer.status == 503
    assert "authentication failed" in service.line_of(answer)["detail"]
