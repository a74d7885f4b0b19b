"""SECRET_KEY: production takes none that stands in this repository, and all that a generator makes; one that is rotated out."""
import base64
import os
import re
import secrets
import subprocess

import pytest

from conftest import ROOT, program

# NAME=value, NAME: value, "NAME": "value", #define NAME "value"
ASSIGNED = re.compile(r"""\b(?:[A-Z0-9_]*_)?KEY(?:_PREVIOUS)?["']?(?:\s*[=:]\s*|\s+)["']?([A-Za-z0-9+/=_.,:%@$!-]{12,})""")
LOOK_IN = ("env", "tests", "handlers", "nginx", ".ci")
TEXTS = {".c", ".h", ".py", ".env", ".example", ".md", ".in", ".conf", ".service", ".yml", ""}


def published_keys():
    """Whatever the tree calls a key, and is long enough for one."""
    files = [path for folder in LOOK_IN for path in (ROOT / folder).rglob("*") if path.is_file() and path.suffix in TEXTS
             and "node_modules" not in path.parts and "__pycache__" not in path.parts and "seeds" not in path.parts]
    for path in [ROOT / "README.md", ROOT / "Makefile", *files]:
        for key in ASSIGNED.findall(path.read_text(errors="replace")):
            yield key, str(path.relative_to(ROOT))


def faults_of(site, **settings):
    done = subprocess.run([program("users"), "--check"], capture_output=True, text=True, timeout=60, check=False,
                          env=site.environment(ENV="production", NULLPOOL_ENV_FILE="/dev/null", **settings))
    return [line for line in done.stderr.splitlines() if "SECRET_KEY" in line]


@pytest.mark.long
def test_what_the_repository_contains_is_refused_in_production(site):
    found = dict(published_keys())
    for file in ("env/development.env", "env/testing.env"):
        (key,) = re.findall(r"^SECRET_KEY=(.+)$", (ROOT / file).read_text(), re.M)
        assert found[key], key
    assert len(found) > 5
    for key, where in found.items():
        assert faults_of(site, SECRET_KEY=key), (key, where)
    new = secrets.token_hex(32)
    for file in ("env/development.env", "env/testing.env"):
        (key,) = re.findall(r"^SECRET_KEY=(.+)$", (ROOT / file).read_text(), re.M)
        assert any("SECRET_KEY_PREVIOUS" in line for line in faults_of(site, SECRET_KEY=new, SECRET_KEY_PREVIOUS=key)), file


@pytest.mark.parametrize("make", [
    lambda: secrets.token_hex(32), lambda: secrets.token_urlsafe(32), lambda: base64.b64encode(os.urandom(32)).decode(),
    lambda: subprocess.run(["openssl", "rand", "-hex", "32"], capture_output=True, text=True, check=True).stdout.strip()])
def test_what_generators_make_is_taken(site, make):
    assert faults_of(site, SECRET_KEY=make(), SECRET_KEY_PREVIOUS=make()) == []
