"""The messages of make run."""
import contextlib
import os
import sys


def say(text):
    try:
        print(text, flush=True)
    except OSError:  # the terminal or the pipe is gone; the stack still has to be stopped
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def complain(text):
    with contextlib.suppress(OSError):
        print(f"make run: {text}", file=sys.stderr, flush=True)
