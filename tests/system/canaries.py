"""The secrets of these tests. They must not appear in a response, a log, a file, or where others see a process."""

import secrets

# With characters that have to be percent-encoded in a URL.
CANARY = "canary:p@ss/w?rd#%41"
CANARY_ENCODED = "canary%3Ap%40ss%2Fw%3Frd%23%2541"
OWNER_CANARY = "owner-canary-5c1b9e"
REDIS_CANARY = "redis-canary-83e1f0"
REPLICA_CANARY = "replica-canary-0d77a2"
SECRET_CANARY = f"canary-{secrets.token_urlsafe(32)}"  # made for each run: production refuses keys that are in the repository
SCRAM_CLIENT_CANARY = "Y2xpZW50LWNhbmFyeS0wMTIzNDU2Nzg5YWJjZGVm"
SCRAM_SERVER_CANARY = "c2VydmVyLWNhbmFyeS0wMTIzNDU2Nzg5YWJjZGVm"
CANARIES = [CANARY, CANARY_ENCODED, OWNER_CANARY, REDIS_CANARY, REPLICA_CANARY, SECRET_CANARY, SCRAM_CLIENT_CANARY,
            SCRAM_SERVER_CANARY]


def assert_none_in(data, where):
    """data is text or bytes; the failure names the secret and the place."""
    data = data if isinstance(data, bytes) else data.encode(errors="replace")
    for canary in CANARIES:
        assert canary.encode() not in data, f"{canary} in {where}"
