"""Pause, resume and cancel a campaign; HQ's switch for all of them.

A pause raises the epoch: work that was queued before is dropped, and every worker reads the
control item before each batch, so that at most one batch goes out after the button was pressed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

from chalicelib import observe
from chalicelib.domain.audit import AuditEntry
from chalicelib.domain.campaign import Action, Actor, Campaign, HoldReason, State
from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.ids import CampaignId, PersonId
from chalicelib.domain.scope import Zone
from chalicelib.domain.step import take
from chalicelib.ports.system import PartnerSession, QueueName
from chalicelib.ports.workflow import DUE_SHARDS, Change
from chalicelib.usecases import outbox
from chalicelib.usecases.world import World

TRIES = 5
log = logging.getLogger("countersign.control")
_Decision = Callable[[Campaign], tuple[Campaign, AuditEntry]]


def hold(
    world: World, session: PartnerSession, campaign_id: CampaignId, reason: HoldReason, *, actor: Actor, by: str,
) -> Campaign:
    """Pause an approved or sending campaign; raises Conflict ``campaign.not_now`` in another state."""
    def decide(before: Campaign) -> tuple[Campaign, AuditEntry]:
        return take(
            before, Action.HOLD, actor, now=world.clock.now(), by=by, notices=("held",),
            details={"reason": reason.value}, held_from=before.state, hold_reason=reason, epoch=before.epoch + 1,
        )

    campaign = _write(world, session, campaign_id, decide)
    if actor is Actor.GUARD:
        log.warning("campaign %s of %s was paused: %s", campaign_id, session.partner, reason.value)
        observe.count(held=1)
    return campaign


def resume(
    world: World, session: PartnerSession, campaign_id: CampaignId, *, actor: Actor, by: str,
) -> Campaign:
    """Go on from where the campaign was paused, and have the clock's part look at it at once.

    The reason stays on the campaign as what a person has looked at: lateness, bounces and
    complaints do not hold it a second time, a closed window or a wrong digest do.
    """
    def decide(before: Campaign) -> tuple[Campaign, AuditEntry]:
        return take(
            before, Action.RESUME, actor, now=world.clock.now(), by=by, to=before.held_from,
            details={"reason": str(before.hold_reason or "")}, held_from=None, epoch=before.epoch + 1,
        )

    campaign = _write(world, session, campaign_id, decide)
    look_soon(world, campaign)
    return campaign


def cancel(
    world: World, session: PartnerSession, campaign_id: CampaignId, *, actor: Actor, by: str,
) -> Campaign:
    """End a paused campaign for good; whoever was not attempted stays so."""
    def decide(before: Campaign) -> tuple[Campaign, AuditEntry]:
        return take(before, Action.CANCEL, actor, now=world.clock.now(), by=by, epoch=before.epoch + 1)

    return _write(world, session, campaign_id, decide)


def switch_all(world: World, *, stopped: bool, person: PersonId) -> None:
    """HQ's switch for all sends: workers read it before each batch, plans before each start.

    Campaigns that meet it are held, and are resumed one by one after it was lifted.
    """
    world.programmes.stop(stopped, person, world.clock.now())


def hold_restored(world: World) -> int:
    """Hold whatever is sending or should have started, after the ledger may have lost its last writes.

    A restored ledger would send again what it forgot; where even the start was forgotten, the
    campaign stands as approved and due. Returns how many campaigns were held.
    """
    held = 0
    now = world.clock.now()
    until = now + timedelta(days=3650)
    for shard in range(DUE_SHARDS):
        for due in world.indexes.due(shard, until, limit=10_000):
            session = world.sessions.open(due.partner, Zone.PARTNER)
            try:
                campaign = world.campaigns.get(session, due.campaign)
                overdue = campaign.state is State.APPROVED and campaign.start and campaign.start.at <= now
                if overdue or campaign.state is State.SENDING:
                    hold(world, session, due.campaign, HoldReason.RESTORED, actor=Actor.GUARD, by="restore")
                    held += 1
            except (Conflict, NotFound):
                continue
    return held


def look_soon(world: World, campaign: Campaign) -> None:
    """Have the campaign looked at now instead of at the next tick."""
    world.queue.put(QueueName.PLAN, plan_message(campaign))


def plan_message(campaign: Campaign) -> dict[str, object]:
    """The message that has a campaign looked at; twice does no harm."""
    return {
        "v": 1, "kind": "plan", "partner": campaign.partner, "campaign": campaign.id, "epoch": campaign.epoch,
    }


def _write(world: World, session: PartnerSession, campaign_id: CampaignId, decide: _Decision) -> Campaign:
    """Load, decide, write; again from the start where somebody else wrote in between."""
    for attempt in range(TRIES):
        before = world.campaigns.get(session, campaign_id)
        after, entry = decide(before)
        try:
            world.campaigns.commit(session, Change(before=before, after=after, audit=entry))
        except Conflict:
            if attempt == TRIES - 1:
                raise
            continue
        outbox.ring(world, after)
        return after
    raise Conflict("campaign.changed")
