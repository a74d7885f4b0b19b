"""The local stack: certificates, Postgres, Redis, endpoints and nginx, each private to one folder.

`make run` (run.py), the system tests, torture and bench bring up the same parts, one module each. A part that is a process
is made, start()ed, tend()ed and stop()ped; stop() may be called at any time, also twice. An error is a Fault: one sentence
for a person.
"""
