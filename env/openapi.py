#!/usr/bin/python3
"""openapi.py PROGRAM... - prints the programs' OpenAPI documents as one.

Fails if two programs define the same path, operationId or schema differently: the document would be wrong for one of them.
Leaves out a program that does not print its document: somebody is working on it, and the others are served.
"""
import json
import os
import subprocess
import sys


def merge(into, more, what, program):
    for name, value in more.items():
        if into.setdefault(name, value) != value:
            sys.exit(f"openapi: {what} {name} of {program} differs from that of another program")


def is_reached(path, program):
    """Returns True if nginx sends the path to the program: its file, which names the socket, has the name of the first segment."""
    name = os.path.basename(program)
    return (path == "/" and name == "root") or f"{path}/".startswith(f"/{name}/")


def merged(programs):
    whole = {"openapi": "3.1.0", "info": {}, "servers": [{"url": "/"}], "tags": [], "paths": {}, "components": {}}
    operations = {}
    for program in programs:
        try:
            one = json.loads(subprocess.run([program, "--openapi"], stdout=subprocess.PIPE, timeout=10, check=True).stdout)
        except (OSError, ValueError, subprocess.SubprocessError) as fault:
            print(f"openapi: {program} is left out: {fault}", file=sys.stderr)
            continue
        whole["info"] = one["info"]
        whole["servers"] = one["servers"]
        whole["tags"] += one["tags"]
        for path, methods in one["paths"].items():
            if not is_reached(path, program):
                sys.exit(f"openapi: path {path} of {program} cannot be reached: nginx sends it to another program; give "
                         "np_main() the name of the file")
            if path in whole["paths"]:
                sys.exit(f"openapi: path {path} of {program} is defined by another program too")
            whole["paths"][path] = methods
            merge(operations, {operation["operationId"]: path for operation in methods.values()}, "operationId", program)
        for kind, components in one["components"].items():
            merge(whole["components"].setdefault(kind, {}), components, kind, program)
    return whole


if __name__ == "__main__":
    json.dump(merged(sys.argv[1:]), sys.stdout, indent=1, ensure_ascii=False)
    print()
