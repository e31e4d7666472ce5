"""An approved campaign from its due second to the end, without faults."""

from __future__ import annotations

from datetime import timedelta

from chalicelib.domain.campaign import State
from tests.sending.stage import NOON, START, Runner, Stage, judge


def test_a_campaign_is_sent_at_its_second_to_everybody_who_may_be_mailed() -> None:
    """Each contact is mailed once or has a reason, and the totals say so."""
    stage = Stage()
    runner = Runner(stage)
    runner.run(NOON + timedelta(hours=3))
    totals = judge(stage)
    assert stage.campaign.state is State.SENT
    assert stage.campaign.started_at == START
    assert stage.campaign.slices == 2
    assert totals.sent == 8
    assert totals.suppressed == {"unsubscribed": 1, "no_consent": 1}
