"""Idempotency-Key: which request is the same as the first one, and what of its answer lies in the database."""
import hashlib
import json
import secrets
import uuid

import pytest

from conftest import SECRET_CANARY

OF_ANOTHER = "This Idempotency-Key was used for another request"


@pytest.fixture(scope="module")
def repeat(site):
    service = serve_repeat(site)
    yield service
    service.stop()


def serve_repeat(site, **settings):
    from conftest import Service
    return Service(site, ["repeat"], DATABASE_CONNECTION="persistent", DATABASE_POOL_SIZE=1, DATABASE_MAX_OVERFLOW=0,
                   **settings).start()


def send(service, key, body, path="/repeat", **headers):
    """The body word by word."""
    return service.client.ask("POST", path, body, {
        "Content-Type": "application/json", "Idempotency-Key": key,
        **{name.replace("_", "-"): value for name, value in headers.items()}})


def count(service, label):
    return service.site.query("SELECT count(*) FROM probe_rows WHERE label = 'repeat-' || %s", label)[0][0]


def is_repeat(first, again):
    assert first.status == 201, first
    assert (again.status, again.body) == (201, first.body)
    assert again.headers["idempotency-replayed"] == "true"
    return True


SAME = [
    ('{"label": "L", "note": "a"}', '\n{"note":"a" ,\t"label":"L"}'),
    ('{"label":"L","note":"\\u0041/"}', '{"label":"L","note":"A\\/"}'),
    ('{"label":"L","number":1500}', '{"label":"L","number":1.50E3}'),
    ('{"label":"L","numbers":[1,2]}', '{"label":"L","numbers":[ 1, 2 ]}'),
    ('{"label":"L","rates":[1,2.50]}', '{"label":"L","rates":[1.0, 25e-1]}'),
    ('{"label":"L","data":{"a":[1,{"b":2,"c":null}],"d":"x"}}', '{"data": {"d": "x", "a": [1.0, {"c": null, "b": 2}]}, "label": "L"}'),
]


@pytest.mark.parametrize("one, other", SAME)
def test_the_same_values_written_otherwise_are_the_same_request(repeat, one, other):
    key, label = str(uuid.uuid4()), str(uuid.uuid4())
    first, again = (send(repeat, key, body.replace('"L"', f'"{label}"')) for body in (one, other))
    assert is_repeat(first, again) and count(repeat, label) == 1


BASE = '{"label":"L","note":"a","data":{"a":1}}'
OTHERS = [
    ("an absent one", '{"label":"L","data":{"a":1}}'),
    ("null", '{"label":"L","note":null,"data":{"a":1}}'),
    ("an empty one", '{"label":"L","note":"","data":{"a":1}}'),
    ("the word null", '{"label":"L","note":"null","data":{"a":1}}'),
    ("JSON of another type", '{"label":"L","note":"a","data":{"a":"1"}}'),
    ("JSON's null", '{"label":"L","note":"a","data":null}'),
    ("one more", '{"label":"L","note":"a","data":{"a":1},"number":0}'),
    ("a list without values", '{"label":"L","note":"a","data":{"a":1},"numbers":[]}'),
]


def test_other_values_are_another_request(repeat):
    label = str(uuid.uuid4())
    bodies = [body.replace('"L"', f'"{label}"') for body in [BASE] + [other for _, other in OTHERS]]
    key = str(uuid.uuid4())
    assert send(repeat, key, bodies[0]).status == 201
    for body in bodies[1:]:
        answer = send(repeat, key, body)
        assert (answer.status, answer.problem()["detail"]) == (422, OF_ANOTHER), body
        assert repeat.line_of(answer)["outcome"] == "rolled_back"
    assert count(repeat, label) == 1
    # Nor are any two of the others.
    null, empty = str(uuid.uuid4()), str(uuid.uuid4())
    for key, body in ((null, bodies[2]), (empty, bodies[3])):
        assert send(repeat, key, body.replace(label, key)).status == 201
    assert send(repeat, null, bodies[3].replace(label, null)).status == 422
    assert send(repeat, empty, bodies[1].replace(label, empty)).status == 422


def test_what_a_string_has_in_it_is_not_taken_for_its_end(repeat):
    key, label = str(uuid.uuid4()), str(uuid.uuid4())
    two, one = (json.dumps({"label": label, "data": data}) for data in (["a", "b"], ['a\n"b']))
    assert send(repeat, key, two).status == 201
    assert send(repeat, key, one).status == 422


@pytest.mark.parametrize("item", ["1", '{"a":1}', '"a"', "[[]]", "true", "1e1"])
def test_a_long_list_is_compared_in_time(repeat, item):
    """A worker that looks at all of it for each item is killed."""
    key, label = str(uuid.uuid4()), str(uuid.uuid4())
    items = ",".join([item] * (1000000 // (len(item) + 1)))
    first, again = (send(repeat, key, f'{{"label":"{label}","data":[{items}]}}') for _ in range(2))
    assert is_repeat(first, again)


def test_a_header_that_is_a_parameter_is_of_the_request_and_others_are_not(repeat):
    key, label = str(uuid.uuid4()), str(uuid.uuid4())
    body = json.dumps({"label": label})
    first = send(repeat, key, body, X_Tenant="one", X_Other="a")
    assert first.json()["tenant"] == "one"
    assert is_repeat(first, send(repeat, key, body, X_Tenant="one", X_Other="b"))
    for headers in ({"X_Tenant": "two"}, {"X_Tenant": ""}, {}):
        answer = send(repeat, key, body, **headers)
        assert (answer.status, answer.problem()["detail"]) == (422, OF_ANOTHER), headers
    assert count(repeat, label) == 1


def test_a_query_is_of_the_request_and_its_spelling_is_not(repeat):
    key, label = str(uuid.uuid4()), str(uuid.uuid4())
    body = json.dumps({"label": label})
    first = send(repeat, key, body, "/repeat?mark=a%20b")
    assert is_repeat(first, send(repeat, key, body, "/repeat?mark=a+b"))
    for query in ("", "?mark=none", "?mark="):
        assert send(repeat, key, body, f"/repeat{query}").status == 422
    assert count(repeat, label) == 1


# --- what is kept ---

def responses(service, key):
    return service.site.query("SELECT response FROM idempotency_keys WHERE key = %s", key)


@pytest.mark.parametrize("path", ["/repeat/secret", "/repeat/unmarked"])
def test_a_kept_answer_is_not_in_the_clear_and_is_told_again(repeat, path):
    key = str(uuid.uuid4())
    body = json.dumps({"label": key})
    first = send(repeat, key, body, path)
    [(text,)] = responses(repeat, key)
    assert text.startswith("sealed:")
    assert not any(str(value) in text for value in first.json().values() if len(str(value)) > 8)
    assert is_repeat(first, send(repeat, key, body, path))


def test_a_kept_answer_does_not_open_under_another_key(repeat):
    keys = [str(uuid.uuid4()), str(uuid.uuid4())]
    for key in keys:
        assert send(repeat, key, json.dumps({"label": key}), "/repeat/secret").status == 201
    [(other,)] = responses(repeat, keys[1])
    for lie in (other, "sealed:", "sealed:AAAA", other[:-4]):
        repeat.site.query("UPDATE idempotency_keys SET response = %s WHERE key = %s", lie, keys[0])
        answer = send(repeat, keys[0], json.dumps({"label": keys[0]}), "/repeat/secret")
        assert answer.status == 500 and repeat.line_of(answer)["outcome"] == "replayed"


def test_without_a_secret_key_a_secret_is_not_kept_and_a_repeat_is_told_so(site):
    service = serve_repeat(site, SECRET_KEY=None, REDIS_URL=None, NULLPOOL_ENV_FILE="/dev/null", ENV="testing")
    try:
        for path, status in (("/repeat/secret", 409), ("/repeat/unmarked", 201)):
            key = str(uuid.uuid4())
            answers = [send(service, key, json.dumps({"label": key}), path) for _ in range(2)]
            assert [answer.status for answer in answers] == [201, status]
            assert count(service, key) == 1
            if status == 409:
                assert answers[1].problem()["detail"] == "The request with this Idempotency-Key was done; its answer was not stored"
                assert service.line_of(answers[1])["outcome"] == "replayed"
    finally:
        service.stop()


NEW_KEY = secrets.token_urlsafe(32)


def test_a_repeat_after_a_rotation_of_the_secret_key_gets_its_answer(site, repeat):
    kept = [(path, str(uuid.uuid4())) for path in ("/repeat", "/repeat/secret")]
    bodies = [json.dumps({"label": key}) for _, key in kept]
    first = [send(repeat, key, body, path) for (path, key), body in zip(kept, bodies)]
    rotated = serve_repeat(site, SECRET_KEY=NEW_KEY, SECRET_KEY_PREVIOUS=SECRET_CANARY)
    try:
        for (path, key), body, answer in zip(kept, bodies, first):
            assert is_repeat(answer, send(rotated, key, body, path))
            assert send(rotated, key, body.replace(key, "other"), path).status == 422
            assert count(rotated, key) == 1
    finally:
        rotated.stop()


# --- rows of before ---

def fingerprint_before(secret, path, body):
    """Of programs up to 0.1.0: of the bytes, and of no header."""
    short = hashlib.blake2b(secret.encode(), digest_size=32).digest()
    return hashlib.blake2b(f"POST {path}\n{body}".encode(), key=short, digest_size=16).hexdigest()


def test_what_a_program_of_before_kept_is_found(repeat):
    key = str(uuid.uuid4())
    body = json.dumps({"label": key})
    insert = "INSERT INTO idempotency_keys (caller, key, fingerprint, response, results) VALUES ('', %s, %s, %s, %s::jsonb)"
    repeat.site.query(insert, key, fingerprint_before(SECRET_CANARY, "/repeat/unmarked", body), '201\nX-Old: yes\n\n{"id":1}', None)
    answer = send(repeat, key, body, "/repeat/unmarked")
    assert (answer.status, answer.json(), answer.headers["x-old"]) == (201, {"id": 1}, "yes")
    assert answer.headers["idempotency-replayed"] == "true" and repeat.line_of(answer)["outcome"] == "replayed"
    assert send(repeat, key, body.replace(" ", ""), "/repeat/unmarked").status == 422  # of the bytes, as it was
    assert count(repeat, key) == 0
    # Nobody knows which tenant's it was.
    key = str(uuid.uuid4())
    body = json.dumps({"label": key})
    repeat.site.query(insert, key, fingerprint_before(SECRET_CANARY, "/repeat", body), None, '[["(1)"]]')
    assert send(repeat, key, body).status == 422 and count(repeat, key) == 0
