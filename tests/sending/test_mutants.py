"""The mutation gate: a campaign that does not notice a missing guard proves nothing."""

from __future__ import annotations

import pytest

from tests.sending.mutants import MUTANTS, Mutant, build
from tests.sending.simulation import Simulation

SEEDS = 200


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.guard)
def test_the_simulation_notices_when_a_guard_is_gone(mutant: Mutant) -> None:
    """Each guard of the sending path, taken out alone, makes a seed fail."""
    built = build(mutant)
    for seed in range(SEEDS):
        try:
            Simulation(seed, handler=built.handler, resend=built.resend, ledger=mutant.ledger).run()
        except AssertionError:
            return
    raise AssertionError(f"nobody misses the guard {mutant.guard!r}")
