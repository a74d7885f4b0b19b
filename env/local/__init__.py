"""The local stack: certificates, Postgres, Redis, endpoints and nginx, each private to one folder.

`make run` (run.py), the system tests, torture and bench use the same parts, one module each. A part that is a process has
start(), tend() and stop(); stop() may be called at any time, also twice. An error is a Fault: one sentence for people.
"""
