"""C2 in the default run: a few hundred seeds of everything at once."""

from __future__ import annotations

import pytest

from tests.sending.simulation import Simulation

SEEDS = 300


@pytest.mark.parametrize("first", range(0, SEEDS, 50))
def test_whatever_happens_at_once_nobody_is_mailed_twice_or_lost(first: int) -> None:
    """Workers, people, deaths, throttling and events in any order keep every promise."""
    for seed in range(first, first + 50):
        try:
            Simulation(seed).run()
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
