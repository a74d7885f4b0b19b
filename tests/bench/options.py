"""The options of `make bench`, all environment variables; README.md explains them."""
import os


def number(name, usual, quick, kind=int):
    return kind(os.environ.get(name) or (quick if QUICK else usual))


QUICK = os.environ.get("QUICK", "0") not in ("", "0")
ONLY = os.environ.get("ONLY", "")
ROWS = os.environ.get("ROWS", "")
FSYNC = os.environ.get("FSYNC", "0") not in ("", "0")
ROUNDS = number("ROUNDS", 15, 2)
REQUESTS = number("REQUESTS", 10000, 300)
PEER_ROUNDS = number("PEER_ROUNDS", 3, 1)
PEER_SECONDS = number("PEER_SECONDS", 2, 0.3, float)
WORKERS = number("WORKERS", 8, 8)
SECTIONS = ("pool", "peers")
