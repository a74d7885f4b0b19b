"""nullpool-sql FILE.sql - writes FILE.sql.h, the C header of the file's statements."""
import argparse
import contextlib
import os
import sys
import tempfile

from .header import header
from .lexer import Fault
from .statements import Faults, statements


def read(path):
    with open(path, "rb") as file:
        content = file.read()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Faults([Fault(content[:error.start].count(b"\n") + 1, "the file is not UTF-8")]) from None


def write(path, text):
    """Replaces the file if its text differs: make compiles again what includes a newer one."""
    with contextlib.suppress(OSError, Faults):
        if read(path) == text:
            return
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=os.path.dirname(path) or ".", delete=False) as file:
        file.write(text)
        os.fchmod(file.fileno(), 0o644)
    os.replace(file.name, path)


def main():
    parser = argparse.ArgumentParser(prog="nullpool-sql", description="Writes the C header of the statements of a .sql file.")
    parser.add_argument("file", metavar="FILE.sql")
    parser.add_argument("-o", metavar="HEADER", help="where to write it; by default to FILE.sql.h")
    arguments = parser.parse_args()
    try:
        write(arguments.o or f"{arguments.file}.h", header(arguments.file, statements(read(arguments.file))))
    except Faults as error:
        sys.exit("\n".join(f"{arguments.file}:{fault.line}: {fault.words}" for fault in error.faults))
    except OSError as error:
        sys.exit(f"nullpool-sql: could not use {error.filename}: {error.strerror}")


if __name__ == "__main__":
    main()
