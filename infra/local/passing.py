"""Letting time pass on the local run: what is scheduled in between happens at its own time.

A jump over a campaign's start would make it late, and what is more than two hours late is paused
instead of sent. So the clock stops at each moment at which something is due, until it was seen to.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from chalicelib.ports.workflow import DUE_SHARDS, CampaignIndexes
from infra.local.clock import FARTHEST, OffsetClock

PATIENCE_SECONDS = 5.0
"""How long the clock stands still, in the machine's seconds, until the handlers have seen to what is due."""
STOPS = 50
"""More stops than this in one advance would keep the person waiting: the rest is jumped over."""
LOOK_SECONDS = 0.05


def advance(
    clock: OffsetClock, indexes: CampaignIndexes, by: timedelta, *, patience: float = PATIENCE_SECONDS,
    wait: Callable[[float], object] | None = None,
) -> datetime:
    """Go forward by ``by`` and stop on the way wherever a campaign is due; raises ValueError like the clock."""
    if by < timedelta() or clock.offset + by > FARTHEST:
        return clock.advance(by)
    wait = wait or threading.Event().wait
    target = clock.now() + by
    for _ in range(STOPS):
        at = min((moment for moment in _due(indexes, target) if moment > clock.now()), default=None)
        if at is None:
            break
        clock.advance(at - clock.now())
        looks = int(patience / LOOK_SECONDS)
        while looks and _due(indexes, at):
            wait(LOOK_SECONDS)
            looks -= 1
    return clock.advance(max(timedelta(), target - clock.now()))


def _due(indexes: CampaignIndexes, until: datetime) -> list[datetime]:
    """The moments up to ``until`` at which a campaign is due and nobody has seen to it."""
    return [line.at for shard in range(DUE_SHARDS) for line in indexes.due(shard, until)]
