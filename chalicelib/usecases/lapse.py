"""What time does to a campaign that nobody decided: it expires, or goes on to the next slot."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.domain import digest, schedule
from chalicelib.domain.campaign import Action, Actor, Campaign, OnLapse, State
from chalicelib.domain.errors import Refused
from chalicelib.domain.frame import open_one
from chalicelib.domain.programme import Programme
from chalicelib.domain.schedule import SendTime
from chalicelib.domain.step import take
from chalicelib.ports.system import PartnerSession
from chalicelib.ports.workflow import Change
from chalicelib.usecases import assets, outbox
from chalicelib.usecases.ended import version_ended
from chalicelib.usecases.review import review_notice
from chalicelib.usecases.world import World


def lapse(world: World, session: PartnerSession, campaign: Campaign) -> None:
    """Do what the partner chose for a start that passed without a decision.

    Either the campaign expires, or it stays in review for the same local time on the next day
    that the run window allows, as a new revision: the time is part of what is approved. Raises Conflict
    ``campaign.changed`` where somebody was faster, ``release.busy`` where a release is about to bring it on.
    """
    if campaign.state is not State.IN_REVIEW or campaign.start is None or campaign.start.at > world.clock.now():
        return
    programme = world.programmes.get(campaign.programme)
    slot = _next_slot(world, campaign.start, programme) if campaign.on_lapse is OnLapse.NEXT_SLOT else None
    change = _expire(world, campaign) if slot is None else _move(world, session, campaign, slot)
    world.campaigns.commit(session, change)
    outbox.ring(world, change.after)


def _expire(world: World, campaign: Campaign) -> Change:
    after, entry = take(
        campaign, Action.LAPSE, Actor.CLOCK, now=world.clock.now(), by="clock", to=State.EXPIRED,
        notices=("expired",),
    )
    return Change(before=campaign, after=after, audit=entry)


def _move(world: World, session: PartnerSession, campaign: Campaign, slot: SendTime) -> Change:
    now = world.clock.now()
    history = world.campaigns.history(session, campaign.id)
    old = next(r for r in history.revisions if r.number == campaign.revision)
    over = assets.over(world, session, old.assets, slot.local[:10])
    if over or version_ended(world, session, old, slot.at):
        return _expire(world, campaign)
    revision = digest.bound(replace(old, number=old.number + 1, start=slot))
    asks = tuple(
        replace(a, revision=revision.number, stage=0, asked_at=now, verdict=None, reason="", answered_at=None)
        for a in history.asks if a.revision == old.number and a.stage == 0
    )
    after, entry = take(
        campaign, Action.LAPSE, Actor.CLOCK, now=now, by="clock", to=State.IN_REVIEW,
        notices=(review_notice(revision.number, 0), "moved"), revision=revision.number, digests=revision.digests,
        start=slot, stage=0, details={"start": slot.local, "zone": slot.zone},
    )
    asked = open_one(history.proposals, old.number, old.template_version)
    # The text is the same: head office's question about it stays open.
    question = replace(asked, revision=revision.number) if asked else None
    return Change(before=campaign, after=after, audit=entry, revision=revision, asks=asks, proposal=question)


def _next_slot(world: World, start: SendTime, programme: Programme) -> SendTime | None:
    """The same local time on the first later day that exists and lies in the run window."""
    earliest = world.clock.now() + schedule.GRACE
    day = datetime.strptime(start.local, schedule.LOCAL_FORMAT)
    for _ in range(400):
        day += timedelta(days=1)
        try:
            slot = schedule.resolve(day.strftime(schedule.LOCAL_FORMAT), start.zone, "0")
        except Refused:
            continue
        if slot.at >= programme.closes_at:
            return None
        if slot.at >= earliest and programme.open_at(slot.at):
            return slot
    return None
