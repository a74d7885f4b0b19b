"""The checks of a folder of programs and .sql files."""
import os
import pathlib
from typing import NamedTuple

from .c_source import Source
from .describe import Refused
from .program import Finding, Known, Program
from .replies import Replies
from ..statements import Faults, statements

FOREIGN = ("common",)  # where nullpool.h is


class Report(NamedTuple):
    findings: list  # each once, by file and line
    statements: int
    programs: int

    def __str__(self):
        count = len(self.findings)
        end = f"{count} fault{'s' if count > 1 else ''}" if count else "ok"
        return "\n".join([*map(str, self.findings), f"check: {self.statements} statements, {self.programs} programs: {end}"])


def check(root, folder, database):
    """Paths are relative to root; folder has the programs, and its lib/ what they share. database: a describe.Database."""
    return _Folder(root, folder, database).check()


class _Folder:
    def __init__(self, root, folder, database):
        self.root = root
        self.database = database
        self.findings = {}  # by their keys
        programs, helpers = ([Source(root, path, FOREIGN) for path in self._listed(folder, pattern)] for pattern in ("*.c", "lib/*.c"))
        self.programs = len(programs)
        self.sources = programs + helpers
        for params, schemas in [helper.tables() for helper in helpers]:
            for source in self.sources:
                source.link(params, schemas)
        self.includes = {path: include for source in self.sources for path, include in source.sql.items()}
        self.paths = {*self._listed(folder, "*.sql"), *self._listed(folder, "lib/*.sql"), *self.includes}
        self.known = {}  # path of a .sql file: its statements, each a Known

    def check(self):
        for path in sorted(self.paths):
            self.known[path] = self._statements(path)
        used = {path: set() for path in self.paths}
        for source in self.sources:
            program = Program(source, self._of_program(source))
            self._add_all(program.check())
            for route in source.routes:
                self._add_all(Replies(program, route).check())
            for path in source.sql:
                used[path] |= program.used()
        for path in self.paths:
            self._check_used(path, used[path])
        return Report(sorted(self.findings.values()), sum(map(len, self.known.values())), self.programs)

    def _listed(self, folder, pattern):
        return [os.path.relpath(path, self.root) for path in sorted(pathlib.Path(self.root, folder).glob(pattern))]

    def _add(self, path, line, words):
        self._add_all([Finding(path, line, words)])

    def _add_all(self, findings):
        for finding in findings:
            self.findings.setdefault(finding.key, finding)

    def _statements(self, path):
        try:
            read = statements(pathlib.Path(self.root, path).read_text(encoding="utf-8-sig"))
        except Faults as error:
            for fault in error.faults:
                self._add(path, fault.line, fault.words)
            return []
        except UnicodeDecodeError:
            self._add(path, 1, "the file is not UTF-8")
            return []
        except FileNotFoundError:
            self._add(self.includes[path].file, self.includes[path].line, f"there is no {path}")
            return []
        return [Known(path, statement, self._described(path, statement)) for statement in read]

    def _described(self, path, statement):
        """What Postgres says; None if it refuses the statement."""
        try:
            described = self.database.describe(statement.text)
        except Refused as error:
            self._add(path, statement.line if error.position is None else statement.line_at(error.position), str(error))
            return None
        for text, words in ((statement.exact, "cannot be the last one of a write"),
                            (statement.keep, "cannot store its row for a repeat")):
            try:
                if text:
                    self.database.describe(text)
            except Refused as error:
                self._add(path, statement.line, f"{statement.name} {words}: {error}")
        return described

    def _of_program(self, source):
        """{name: Known} of the statements that a program includes."""
        mine = {}
        for known in (known for path in source.sql for known in self.known[path]):
            name, line = known.statement.name, known.statement.line
            other = mine.setdefault(name, known)
            if other is not known:
                self._add(known.path, line, f"{other.path}:{other.statement.line} has the name {name} too,"
                          f" and {source.path} includes both files")
        return mine

    def _check_used(self, path, used):
        known = self.known[path]
        if known and path not in self.includes:
            self._add(path, known[0].statement.line, f"no program includes {os.path.basename(path)}.h")
            return
        for one in known:
            if one.statement.name not in used:
                self._add(path, one.statement.line, f"no program calls {one.statement.name}: remove it")
