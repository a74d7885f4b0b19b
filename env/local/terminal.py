"""What make run says to the person in front of it."""
import contextlib
import os
import sys


def say(text):
    try:
        print(text, flush=True)
    except OSError:  # the terminal or the pipe is gone; there is still a stack to stop
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def complain(text):
    with contextlib.suppress(OSError):
        print(f"make run: {text}", file=sys.stderr, flush=True)
