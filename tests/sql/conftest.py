"""The tests of env/sql: nullpool-sql, which makes a C header of a .sql file. They need no server."""
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
