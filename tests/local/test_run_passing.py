"""Advancing the local clock stops where a campaign is due."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from chalicelib.domain.ids import CampaignId, PartnerId, ProgrammeId
from chalicelib.ports.workflow import CampaignCard, Due
from infra.local import passing
from infra.local.clock import FARTHEST, OffsetClock
from tests.local.test_run_clock import START, Standing


class Desk:
    """A due index whose lines are seen to whenever the clock was advanced past them, unless nobody works."""

    def __init__(self, *hours: int, works: bool = True) -> None:
        self.lines = [Due(PartnerId("prt"), CampaignId("cmp"), START + timedelta(hours=h)) for h in hours]
        self.works = works
        self.seen: list[datetime] = []

    def cards(self, programme: ProgrammeId, *, limit: int = 100) -> Sequence[CampaignCard]:
        """Not asked here."""
        return []

    def due(self, shard: int, until: datetime, *, limit: int = 200) -> Sequence[Due]:
        """All in the first shard."""
        return [line for line in self.lines if line.at <= until] if shard == 0 else []

    def tick(self, now: datetime) -> None:
        """See to what is due."""
        self.seen.append(now)
        if self.works:
            self.lines = [line for line in self.lines if line.at > now]


def clock_of(desk: Desk) -> OffsetClock:
    """A clock that stands still but for advances, of which the desk hears."""
    clock = OffsetClock(machine=Standing())
    clock.on_advance(lambda: desk.tick(clock.now()))
    return clock


def test_each_campaign_is_seen_to_at_its_own_time() -> None:
    """A jump of days stops at every due moment in between, in order, and ends where it was meant to."""
    desk = Desk(120, 26, 26, 300)
    clock = clock_of(desk)
    end = passing.advance(clock, desk, timedelta(days=6))
    assert [(at - START) // timedelta(hours=1) for at in desk.seen] == [26, 120, 144]
    assert end == clock.now() == START + timedelta(days=6)


def test_what_nobody_sees_to_holds_the_clock_for_a_while_only() -> None:
    """A handler that fails does not keep the person waiting for ever."""
    desk, waits = Desk(1, works=False), list[float]()
    passing.advance(clock_of(desk), desk, timedelta(hours=3), patience=1.0, wait=waits.append)
    assert waits == [passing.LOOK_SECONDS] * 20


@pytest.mark.parametrize("by", [timedelta(seconds=-1), FARTHEST + timedelta(seconds=1)])
def test_a_step_that_is_refused_moves_nothing(by: timedelta) -> None:
    """Backwards and too far are refused before the first stop."""
    desk = Desk(1)
    clock = clock_of(desk)
    with pytest.raises(ValueError, match="clock goes"):
        passing.advance(clock, desk, by)
    assert clock.now() == START and desk.seen == []
