"""What the clock does to one campaign: start it, look after it, finish it, let it lapse.

Every message may come twice, late, or for a campaign that has moved on: the campaign is read anew
and moved by conditional writes only. Whatever was lost on the way (a message, a worker) is queued
again from here, because every campaign that is not over is looked at again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from chalicelib import observe
from chalicelib.domain.audience import bracket
from chalicelib.domain.campaign import Action, Actor, Campaign, HoldReason, State
from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.frequency import Started
from chalicelib.domain.ids import CampaignId, PartnerId
from chalicelib.domain.manifest import MAX_SLICES, Run, SliceKey, slices_for
from chalicelib.domain.programme import MessageClass
from chalicelib.domain.schedule import local_day
from chalicelib.domain.scope import Zone
from chalicelib.domain.sending import MAX_DELAY, PATIENCE, STALE, due_at, too_late
from chalicelib.domain.step import next_look, take
from chalicelib.domain.totals import SliceState, Totals, tally
from chalicelib.ports.system import PartnerSession, QueueName
from chalicelib.ports.workflow import Change
from chalicelib.usecases import approved, assets, control, outbox
from chalicelib.usecases.ended import version_ended
from chalicelib.usecases.lapse import lapse
from chalicelib.usecases.world import World

_SAMPLE = (0, 64, 128, 192)
PER_SLICE = 4_000
"""About how many contacts a slice has: a manifest of 64 KB, far below DynamoDB's 400 KB an item."""


def look(world: World, partner: PartnerId, campaign_id: CampaignId, *, per_slice: int = PER_SLICE) -> None:
    """Do what is due for one campaign; does nothing for what is gone, resting or over."""
    session = world.sessions.open(partner, Zone.PARTNER)
    try:
        campaign = world.campaigns.get(session, campaign_id)
    except NotFound:
        return
    outbox.ring(world, campaign)
    try:
        _look(world, session, campaign, per_slice)
    except Conflict:
        # Somebody else moved the campaign meanwhile, or is about to; its next look stands in the index.
        return


def _look(world: World, session: PartnerSession, campaign: Campaign, per_slice: int) -> None:
    if campaign.state is State.APPROVED:
        _start(world, session, campaign, per_slice)
    elif campaign.state is State.SENDING:
        _look_after(world, session, campaign)
    elif campaign.state is State.IN_REVIEW:
        lapse(world, session, campaign)
    elif campaign.state is State.HELD:
        _look_later(world, session, campaign)


def _start(world: World, session: PartnerSession, campaign: Campaign, per_slice: int) -> None:
    now = world.clock.now()
    due = due_at(campaign)
    if now < due:
        wait = math.ceil((due - now).total_seconds())
        if wait <= MAX_DELAY:
            world.queue.put(QueueName.PLAN, control.plan_message(campaign), delay=wait)
        return
    mail = _cleared(world, session, campaign, now)
    if isinstance(mail, HoldReason):
        _must_stand(world, session, campaign)
        control.hold(world, session, campaign.id, mail, actor=Actor.GUARD, by="clock")
        return
    slices = slices_for(_estimate(world, session), per_slice=per_slice)
    if mail.revision.message_class == MessageClass.MARKETING:
        # Before the campaign starts: who starts later must find it on the list and leave it its customers.
        # It is cut as the list says: that may be the entry of a plan that died a moment ago.
        slices = world.ledger.enter(session, Started(run=Run(campaign.id), at=now, slices=slices)).slices
    after, entry = take(
        campaign, Action.START, Actor.CLOCK, now=now, by="clock", started_at=now, hold_reason=None, slices=slices,
    )
    world.campaigns.commit(session, Change(before=campaign, after=after, audit=entry))
    # A campaign that somebody had paused starts when a person says so: that is not late.
    if campaign.hold_reason is None:
        observe.count(lag=(now - due).total_seconds())
    _queue_slices(world, session, after, ())


def _cleared(
    world: World, session: PartnerSession, campaign: Campaign, now: datetime,
) -> approved.Approved | HoldReason:
    """What was approved, or why a campaign that is due must not start."""
    if world.programmes.stopped():
        return HoldReason.HQ
    if too_late(campaign, now):
        return HoldReason.LATE
    if not world.programmes.get(campaign.programme).open_at(now):
        return HoldReason.WINDOW
    try:
        mail = approved.load(world, session, campaign)
    except approved.Altered:
        return HoldReason.DIGEST
    if version_ended(world, session, mail.revision, now):
        return HoldReason.TEMPLATE
    if assets.over(world, session, mail.revision.assets, local_day(now, mail.revision.start.zone)):
        return HoldReason.PICTURE
    return mail if world.mailer.sender_verified(mail.revision.sender_address) else HoldReason.SENDER


def _must_stand(world: World, session: PartnerSession, campaign: Campaign) -> None:
    """Raise Conflict if the campaign is not any more what was judged.

    What a campaign is held for was read at several moments; a release, say, gave it a new frame between them.
    """
    if world.campaigns.get(session, campaign.id).version != campaign.version:
        raise Conflict("campaign.changed")


def _estimate(world: World, session: PartnerSession) -> int:
    """About how many customers there are: a sample, because ids are spread evenly."""
    counted = sum(1 for byte in _SAMPLE for _ in world.contacts.ids(session, byte))
    return counted * MAX_SLICES // len(_SAMPLE)


def _look_after(world: World, session: PartnerSession, campaign: Campaign) -> None:
    if world.programmes.stopped():
        control.hold(world, session, campaign.id, HoldReason.HQ, actor=Actor.HQ, by="switch")
        return
    known = {state.key.number: state for state in world.ledger.slices(session, Run(campaign.id))}
    states = [known.get(n) or SliceState(key=SliceKey(Run(campaign.id), n)) for n in range(campaign.slices)]
    if all(state.done for state in states):
        states = [_counted(world, session, state) for state in states]
        if _finish(world, session, campaign, states):
            return
    _queue_slices(world, session, campaign, states)
    _look_later(world, session, campaign)


def _counted(world: World, session: PartnerSession, state: SliceState) -> SliceState:
    """A slice that is done, with totals that can be relied on; open again where somebody is left to be mailed.

    A worker that died may have left its last count out; one that was taken for dead, because clocks differ,
    may yet have told that SES was busy.
    """
    manifest = world.ledger.manifest(session, state.key) if state.totals.pending else None
    if manifest is None:
        return state
    totals = tally(manifest, world.ledger.attempts(session, state.key, 0, manifest.batches))
    world.ledger.count(session, state.key, totals, world.clock.now())
    after = replace(state, totals=totals, done=not totals.pending)
    if not after.done:
        # Before it is queued: a worker that finds it done leaves it.
        with suppress(Conflict):
            world.ledger.advance(session, state, after)
    return after


def _queue_slices(
    world: World, session: PartnerSession, campaign: Campaign, states: Sequence[SliceState],
) -> None:
    """Queue every slice that nobody is at work on; none given means none was touched yet."""
    now, run = world.clock.now(), Run(campaign.id)
    waiting = [
        state for state in states or [SliceState(key=SliceKey(run, n)) for n in range(campaign.slices)]
        if not state.done and _is_idle(state, campaign, now)
    ]
    if not waiting:
        return
    world.queue.put_many(QueueName.SEND, [send_message(campaign, state, hop=0) for state in waiting])
    for state in waiting:
        # Noted after it was queued: a crash in between queues a slice twice, which its turn and
        # its claims bear. A new epoch starts with a clean run of unknown batches.
        unknown_run = state.unknown_run if state.epoch == campaign.epoch else 0
        after = replace(state, touched_at=now, epoch=campaign.epoch, unknown_run=unknown_run)
        try:
            world.ledger.advance(session, state, after)
        except Conflict:
            continue


def _is_idle(state: SliceState, campaign: Campaign, now: datetime) -> bool:
    return state.touched_at is None or state.epoch != campaign.epoch or now - state.touched_at >= STALE


def send_message(campaign: Campaign, state: SliceState, *, hop: int) -> dict[str, object]:
    """The message that has a slice worked on: good for one turn of it, in one epoch."""
    run, number = state.key
    return {
        "v": 1, "kind": "send", "partner": campaign.partner, "campaign": campaign.id, "mailing": run.mailing,
        "variant": run.variant, "slice": number, "epoch": campaign.epoch, "turn": state.turn, "hop": hop,
    }


def _finish(
    world: World, session: PartnerSession, campaign: Campaign, states: Sequence[SliceState],
) -> bool:
    """Finish a campaign whose slices are done; False while news of unknown recipients may come."""
    now = world.clock.now()
    totals = sum((state.totals for state in states), Totals())
    last = max((state.touched_at for state in states if state.touched_at), default=now)
    if totals.pending or not totals.conserved or (totals.unknown and now < last + PATIENCE):
        return False
    after, entry = take(
        campaign, Action.FINISH, Actor.CLOCK, now=now, by="clock", notices=("sent",),
        # The trail is HQ's to read: the size is told as a bracket there, like everywhere at HQ.
        details={"audience": bracket(totals.audience), "sent": bracket(totals.sent)},
    )
    world.campaigns.commit(session, Change(before=campaign, after=after, audit=entry))
    outbox.ring(world, after)
    # A crash before this line costs later campaigns one read more; nothing else depends on it.
    world.ledger.end(session, Run(campaign.id), now, totals.audience - totals.left_out)
    return True


def _look_later(world: World, session: PartnerSession, campaign: Campaign) -> None:
    """Move the next look on, if it is due; this write is none of the audit trail's business."""
    now = world.clock.now()
    if campaign.next_at is not None and campaign.next_at > now:
        return
    after = replace(campaign, version=campaign.version + 1, next_at=next_look(campaign, now))
    world.campaigns.commit(session, Change(before=campaign, after=after))
