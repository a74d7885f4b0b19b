"""Access tokens, valid ones and invalid ones."""
import base64
import hashlib
import hmac
import json
import time

# A user of every site, and a live session of theirs: Site.begin_session() of conftest makes them.
USER = "00000000-0000-4000-8000-00000000002a"
SESSION = "00000000-0000-4000-8000-00000000002b"
HEADER = {"alg": "HS256", "typ": "at+jwt"}

is_collecting = False  # pytest imports the tests


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def encoded(document):
    return base64url(document if isinstance(document, bytes) else json.dumps(document, separators=(",", ":")).encode())


def signed(key, text):
    return f"{text}.{base64url(hmac.new(key.encode(), text.encode(), hashlib.sha256).digest())}"


def claims_of(user, **changed):
    """The claims of a token; one that is None is left out, one that is a function is called with now. `sid` is the session.

    A time is given as a function: a list of cases is made when a run begins, and a token of then may have expired.
    """
    assert not is_collecting, "a token is made in a test, and not when the tests are collected: it would expire"
    now = int(time.time())
    claims = {"iss": "nullpool", "aud": "nullpool", "sub": user, "sid": SESSION, "iat": now, "nbf": now, "exp": now + 60, **changed}
    claims = {name: value(now) if callable(value) else value for name, value in claims.items()}
    return {name: value for name, value in claims.items() if value is not None}


def token(key, user, header=None, **changed):
    return signed(key, f"{encoded(header or HEADER)}.{encoded(claims_of(user, **changed))}")


def read(token):
    """The claims of a token."""
    claims = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
