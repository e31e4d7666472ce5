"""After the local AWS lost its last writes, nothing that may have been sent goes on by itself."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chalicelib.domain.campaign import HoldReason, State
from chalicelib.usecases.control import hold_restored
from tests.sending.stage import CAMPAIGN, PARTNER, START, Stage


@pytest.mark.parametrize(("after_start", "held"), [(timedelta(minutes=1), 1), (timedelta(minutes=-1), 0)])
def test_a_campaign_whose_start_may_be_forgotten_is_held(after_start: timedelta, held: int) -> None:
    """One that stands as approved and due may have been sent already; one of tomorrow can't have been."""
    stage = Stage()
    stage.fakes.clock.set(START + after_start)
    assert hold_restored(stage.fakes) == held
    campaign = stage.fakes.campaigns.controls[PARTNER, CAMPAIGN]
    assert campaign.state is (State.HELD if held else State.APPROVED)
    assert campaign.hold_reason is (HoldReason.RESTORED if held else None)
