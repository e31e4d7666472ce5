"""The minute's tick: hands what is due to the plan queue, and decides nothing.

A missed tick is made up by the next one, a doubled one queues a message twice; both are harmless,
because the plan reads the campaign itself and moves it by a conditional write.
"""

from __future__ import annotations

import math
from datetime import datetime

from chalicelib.domain.errors import Retryable
from chalicelib.domain.ids import CampaignId
from chalicelib.domain.sending import ACTIVE, LOOKAHEAD, REPEAT
from chalicelib.ports.sending import Share
from chalicelib.ports.system import QueueName
from chalicelib.ports.workflow import DUE_SHARDS, Due
from chalicelib.usecases.world import World

LIMIT = 1_000
"""Lines of the due index a tick reads in one shard; what is left waits for the next minute."""


def tick(world: World) -> int:
    """Queue what is due within 90 seconds, each to arrive at its second; returns how many were queued."""
    now = world.clock.now()
    lines = [line for shard in range(DUE_SHARDS) for line in world.indexes.due(shard, now + ACTIVE, limit=LIMIT)]
    _publish_share(world, lines)
    noted = {c: until for c, until in world.rate.queued().items() if until > now}
    fresh = [line for line in lines if line.at <= now + LOOKAHEAD and line.campaign not in noted]
    for line in fresh:
        world.queue.put(QueueName.PLAN, _message(line), delay=_delay(line, now))
    # Noted after they were queued: a crash in between queues them twice, never not at all.
    queued: dict[CampaignId, datetime] = {line.campaign: max(line.at, now) + REPEAT for line in fresh}
    if fresh:
        world.rate.remember({**noted, **queued})
    return len(fresh)


def _publish_share(world: World, lines: list[Due]) -> None:
    """Divide SES's rate among the partners that have work; without an answer the old share stands."""
    try:
        account = world.bulk_mailer.account()
    except Retryable:
        return
    partners = len({line.partner for line in lines})
    world.rate.publish(Share(rate=account.rate if account.enabled else 0.0, partners=max(1, partners)))


def _message(line: Due) -> dict[str, object]:
    return {"v": 1, "kind": "plan", "partner": line.partner, "campaign": line.campaign}


def _delay(line: Due, now: datetime) -> int:
    return max(0, math.ceil((line.at - now).total_seconds()))
