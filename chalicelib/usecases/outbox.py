"""Notices that were decided are kept in the campaign's outbox until they are handed over.

The write that decides also writes the outbox, so that a crash before the queue loses nothing:
the clock finds the campaign by its ``next_at`` and rings again.
"""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain.campaign import Campaign
from chalicelib.domain.errors import Conflict
from chalicelib.domain.ids import CampaignId
from chalicelib.domain.step import next_look
from chalicelib.ports.system import PartnerSession, QueueName
from chalicelib.ports.workflow import Change
from chalicelib.usecases.world import World


def ring(world: World, campaign: Campaign) -> None:
    """Tell the notices handler that a campaign's outbox is not empty; twice does no harm."""
    if campaign.outbox:
        world.queue.put(QueueName.NOTICES, {
            "v": 1, "kind": "outbox", "partner": campaign.partner, "campaign": campaign.id,
        })


def delivered(world: World, session: PartnerSession, campaign_id: CampaignId, notice: str) -> None:
    """Take a notice out of the outbox, however often somebody else writes in between."""
    for _ in range(5):
        before = world.campaigns.get(session, campaign_id)
        if notice not in before.outbox:
            return
        after = replace(
            before, outbox=tuple(n for n in before.outbox if n != notice), version=before.version + 1,
        )
        after = replace(after, next_at=next_look(after, world.clock.now()))
        try:
            world.campaigns.commit(session, Change(before=before, after=after))
            return
        except Conflict:
            continue
    # The notice stays in the outbox and is sent once more: late and twice beats never.
