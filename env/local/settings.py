"""settings.py COMMAND... - runs a command with the settings of make run, unless other settings are given.

Other settings are NULLPOOL_ENV_FILE or a database in the environment, or .env in the working directory. make run writes the
name of its settings file to .local/settings.
"""
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CHOSEN = ROOT / ".local" / "settings"
OTHERS = ("NULLPOOL_ENV_FILE", "DATABASE_URL", "NEON_DATABASE_URL", "MIGRATION_DATABASE_URL", "DB_HOST")


def of_make_run():
    """Returns the settings file of make run, or None if there is none or other settings are given."""
    if any(os.environ.get(name) for name in OTHERS) or Path(".env").exists():
        return None
    try:
        file = Path(CHOSEN.read_text().strip())
    except OSError:
        return None
    return file if file.exists() else None


def main():
    file = of_make_run()
    if file:
        print(f"using the settings of make run: {os.path.relpath(file)}", file=sys.stderr, flush=True)
        os.environ["NULLPOOL_ENV_FILE"] = str(file)
    try:
        os.execvp(sys.argv[1], sys.argv[1:])
    except OSError as fault:
        sys.exit(f'could not start "{sys.argv[1]}": {fault.strerror}')


if __name__ == "__main__":
    main()
