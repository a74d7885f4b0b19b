"""Guessing a password: slowed down by account and network, in the database, without a way to lock anybody out."""
import concurrent.futures
import re
import uuid

import pytest

from env.local.process import wait_until
from client import Client
from test_auth import PASSWORD, assert_no_token, sign_in, someone

FREE = 5  # tries from one network
HOLD_S = 60


@pytest.fixture
def ada(null):
    wanted = someone()
    assert null.client.post("/auth/register", wanted).status == 201
    return wanted


def register_k(service):
    who = someone(email=f"k-{uuid.uuid4()}@example.com")
    assert service.client.post("/auth/register", who).status == 201
    return who


def come_from(service, host):
    """Somebody elsewhere."""
    return Client(service.nginx.port, source=f"127.0.0.{host}")


def ask(client, who, password=PASSWORD):
    return client.post("/auth/token", {"username": who["email"], "password": password})


def guess(client, who, count=FREE):
    for _ in range(count):
        assert_no_token(ask(client, who, "wrong password"))


def assert_has_to_wait(answer, most_s):
    assert_no_token(answer, "temporarily_unavailable", 429)
    assert 1 <= int(answer.headers["retry-after"]) <= most_s, answer
    return answer.body


def pass_time(service, seconds):
    """For all that was counted."""
    service.site.query("UPDATE sign_in_attempts SET last_at = last_at - %s * interval '1 second'", seconds)


def hold_time(service):
    """As if what makes somebody wait came HOLD_S later: no wait is over before the test has looked, however slow the machine
    is."""
    service.site.query("UPDATE sign_in_attempts SET last_at = last_at + %s * interval '1 second'"
                       " WHERE sign_in_wait(network, failures) > interval '0'", HOLD_S)


@pytest.mark.long
def test_after_five_wrong_ones_also_the_right_one_has_to_wait(service):
    wanted = someone()
    service.client.post("/auth/register", wanted)
    guess(service.client, wanted)
    hold_time(service)
    assert_has_to_wait(sign_in(service, wanted), HOLD_S + 1)
    pass_time(service, HOLD_S + 1)
    assert sign_in(service, wanted).status == 200
    guess(service.client, wanted)  # it counts anew
    hold_time(service)
    assert_has_to_wait(sign_in(service, wanted), HOLD_S + 1)


@pytest.mark.long
def test_the_wait_doubles_up_to_a_quarter_of_an_hour(null, ada):
    null.site.query("DELETE FROM sign_in_attempts")
    guess(null.client, ada)
    for wait_s in (1, 2, 4, 8):
        assert null.site.query("SELECT extract(epoch FROM sign_in_wait(network, failures))::int FROM sign_in_attempts"
                               " WHERE network <> ''") == [(wait_s,)]
        hold_time(null)
        assert_has_to_wait(ask(null.client, ada), HOLD_S + wait_s)
        pass_time(null, HOLD_S + wait_s - 20)
        assert_has_to_wait(ask(null.client, ada), 20)
        pass_time(null, 20)
        guess(null.client, ada, 1)
    waits = null.site.query("SELECT extract(epoch FROM sign_in_wait('x', n))::int FROM unnest(ARRAY[0, 4, 5, 14, 15, 1000000]) AS n")
    assert [wait for (wait,) in waits] == [0, 0, 1, 512, 900, 900]
    waits = null.site.query("SELECT extract(epoch FROM sign_in_wait('', n))::int FROM unnest(ARRAY[0, 99, 100, 105, 106, 1000000]) AS n")
    assert [wait for (wait,) in waits] == [0, 0, 1, 32, 60, 60]


@pytest.mark.long
def test_who_comes_while_it_lasts_does_not_make_it_longer(null, ada):
    guess(null.client, ada)
    for waited_s in (1, 2, 4):
        pass_time(null, waited_s)
        guess(null.client, ada, 1)
    hold_time(null)
    for _ in range(10):
        assert_has_to_wait(ask(null.client, ada), HOLD_S + 8)
    pass_time(null, HOLD_S + 8)
    assert ask(null.client, ada).status == 200


@pytest.mark.long
def test_of_many_at_once_none_slips_through(null, ada):
    guess(null.client, ada, 1)
    null.site.query("UPDATE sign_in_attempts SET failures = 14, last_at = last_at - interval '1 hour' WHERE network <> ''")  # one more, then 15 minutes
    with concurrent.futures.ThreadPoolExecutor(30) as pool:
        answers = list(pool.map(lambda i: ask(null.client, ada, f"guess {i}"), range(30)))
    assert sorted(answer.status for answer in answers) == [400] + [429] * 29


@pytest.mark.long
def test_an_account_that_there_is_none_of_is_not_told_from_others(null, ada):
    texts = set()
    for who in (ada, someone()):
        guess(null.client, who)
        hold_time(null)
        texts.add(re.sub(rb"in \d+ s", b"in a while", assert_has_to_wait(ask(null.client, who), HOLD_S + 1)))
    assert len(texts) == 1


@pytest.mark.long
def test_an_address_is_one_account_however_it_is_written(null, ada):
    for i in range(FREE):
        email = "".join(letter.upper() if (place + i) % 3 else letter for place, letter in enumerate(ada["email"]))
        guess(null.client, {"email": email}, 1)
    hold_time(null)
    assert_has_to_wait(ask(null.client, ada), HOLD_S + 1)
    # In SQL the Kelvin sign's lower case is a k, in ours there is no account of it.
    kelvin = someone(email=f"kkkkk-{uuid.uuid4()}@example.com")
    null.client.post("/auth/register", kelvin)
    statuses = [ask(null.client, {"email": kelvin["email"].replace("k", "\u212a", i + 1)}, "wrong password").status for i in range(FREE)]
    hold_time(null)
    statuses.append(ask(null.client, {"email": kelvin["email"].replace("k", "\u212a", 2)}, "wrong password").status)
    assert statuses[-1] == 429 and set(statuses) <= {400, 429}


@pytest.mark.long
def test_a_sign_in_of_ones_own_does_not_start_the_count_of_another_account_anew(null):
    """In SQL the Kelvin sign's lower case is a k, and all that is not ASCII is counted as one account."""
    victim, own = ({**who, "email": who["email"].replace("k", "\u212a")} for who in (register_k(null), register_k(null)))
    null.site.query("DELETE FROM sign_in_attempts")
    guess(null.client, victim, FREE - 1)
    assert_no_token(ask(null.client, own))
    hold_time(null)
    assert_has_to_wait(ask(null.client, victim), HOLD_S + 1)


@pytest.mark.long
def test_a_stranger_does_not_lock_the_owner_out(null, ada):
    home, stranger, travelling = come_from(null, 11), come_from(null, 12), come_from(null, 13)
    null.site.query("DELETE FROM sign_in_attempts")
    assert ask(home, ada).status == 200
    guess(stranger, ada)
    hold_time(null)
    assert_has_to_wait(ask(stranger, ada), HOLD_S + 1)
    assert ask(home, ada).status == ask(travelling, ada).status == 200
    # Of very many strangers: as if it had been 110 networks.
    null.site.query("UPDATE sign_in_attempts SET failures = 110, last_at = now() WHERE network = '' AND account ="
                    " (SELECT account FROM sign_in_attempts WHERE network <> '' ORDER BY last_at DESC LIMIT 1)")
    assert_has_to_wait(ask(come_from(null, 14), ada), 60)
    assert ask(home, ada).status == ask(travelling, ada).status == 200
    pass_time(null, 60)
    assert ask(come_from(null, 14), ada).status == 200


def test_many_strangers_together_get_slow(null, ada):
    null.site.query("DELETE FROM sign_in_attempts")
    guess(come_from(null, 15), ada, 1)
    null.site.query("UPDATE sign_in_attempts SET failures = 99 WHERE network = ''")
    guess(come_from(null, 16), ada, 1)
    hold_time(null)
    assert_has_to_wait(ask(come_from(null, 17), ada, "wrong password"), HOLD_S + 1)


@pytest.mark.long
def test_a_right_one_is_not_counted(null, ada):
    for _ in range(3):
        guess(null.client, ada, FREE - 1)
        assert ask(null.client, ada).status == 200


@pytest.mark.long
def test_what_is_counted_names_nobody_and_goes_by_itself(null, ada):
    null.site.query("DELETE FROM sign_in_attempts")
    guess(null.client, ada)
    rows = null.site.query("SELECT * FROM sign_in_attempts")
    assert len(rows) == 2
    assert ada["email"] not in str(rows) and "127.0.0.1" not in str(rows)
    pass_time(null, 86400)
    null.site.query("UPDATE sign_in_attempts SET forget_at = now() - interval '1 second'")
    guess(null.client, someone(), 1)
    assert not set(null.site.query("SELECT account FROM sign_in_attempts")) & {(row[0],) for row in rows}


def test_two_tries_that_forget_each_others_account_do_not_wait_for_ever(null):
    """The one waits for a row of its own when the other begins."""
    def attempt(account):
        with null.site.postgres.admin("app") as link, link.cursor() as cursor:
            cursor.execute("SELECT sign_in_attempt(%s, 'n')", (account,))
            return cursor.fetchall()

    waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'SELECT sign_in_attempt(%%'"
    null.site.query("DELETE FROM sign_in_attempts")
    for minutes, (account, network) in enumerate([("one", "n"), ("one", ""), *[("old", str(i)) for i in range(3)],
                                                  ("other", ""), ("other", "n")]):
        null.site.query("INSERT INTO sign_in_attempts (account, network, last_at, forget_at) VALUES"
                        " (%s, %s, now() - interval '2 days', now() + (%s - 60) * interval '1 minute')", account, network, minutes)
    with null.site.postgres.admin("app") as link, link.cursor() as cursor, concurrent.futures.ThreadPoolExecutor(2) as pool:
        link.autocommit = False
        cursor.execute("SELECT FROM sign_in_attempts WHERE account = 'other' AND network = 'n' FOR UPDATE")
        other = pool.submit(attempt, "other")
        wait_until("the other to wait", lambda: null.site.query(waiting), 5)
        one = pool.submit(attempt, "one")
        wait_until("the one to end or to wait", lambda: one.done() or len(null.site.query(waiting)) == 2, 5)
        link.rollback()
        assert one.result() == other.result() == [(0,)]


@pytest.mark.long
def test_the_old_password_is_not_to_be_guessed_either(null, ada):
    token = ask(null.client, ada).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}

    def change(old):
        return null.client.send("PUT", "/auth/password", {"password": old, "new_password": "another long password"}, headers=headers)

    for _ in range(FREE):
        assert change("wrong password").status == 403
    hold_time(null)
    answer = change(PASSWORD)
    wait_s = answer.headers["retry-after"]
    assert answer.status == 429 and answer.problem()["detail"] == f"Too many attempts: the next one is possible in {wait_s} s"
    assert 1 <= int(wait_s) <= HOLD_S + 1
    pass_time(null, HOLD_S + 1)
    assert change(PASSWORD).status == 204
