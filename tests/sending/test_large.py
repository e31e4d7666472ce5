"""C6 at the sizes at which a window is full, one over, or all there is; 100,000 by ``tests.sending.full``."""

from __future__ import annotations

import pytest

from tests.sending.large import Large


@pytest.mark.parametrize("size", [1, 50, 51, 1_000])
@pytest.mark.parametrize("seed", range(3))
def test_nobody_is_lost_or_mailed_twice_on_a_bad_day(size: int, seed: int) -> None:
    """Audience = sent + suppressed + failed + unknown, to the last recipient, and nobody has two mails."""
    Large(size, seed).run()
