"""The ledger, the quick form: each mode for a few seconds; `make torture ONLY=ledger MINUTES=…` takes longer."""
import secrets
import sys

import pytest

from conftest import ROOT

pytestmark = pytest.mark.long

sys.path.insert(0, str(ROOT / "tests" / "torture"))

import ground  # noqa: E402
import ledger  # noqa: E402


@pytest.fixture(scope="module")
def postgres(site):
    made = ground.durable_postgres(site)
    yield made
    made.stop("immediate")


@pytest.mark.parametrize("mode", ground.MODES)
def test_what_was_acknowledged_is_there_once_and_what_was_refused_is_not(site, postgres, mode):
    seed = secrets.randbelow(1 << 32)
    outcome = ledger.Ledger(site, postgres, mode, seed).run(3)
    assert outcome.found == [], f"with seed {seed}"
    assert sum(outcome.faults.values()) > 0
