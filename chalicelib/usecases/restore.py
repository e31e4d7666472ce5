"""After the tables were restored to an earlier moment: nothing goes on by itself, and what was lost is replayed.

1. Head office's switch stops all sending.
2. Every campaign that could send is paused in an epoch above all that there were, so that no message from
   before is believed.
3. The journal is replayed: starts, which the frequency cap goes by; suppressions; manifests; claims, whose
   recipients are then unknown, so that nobody is mailed again. A campaign that had started after the restored
   moment has lost its start and is cancelled: its mails have gone out, and a new start would cut its audience anew.

All of it may be run again.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.domain.campaign import Action, Actor, Campaign, HoldReason, State
from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.ids import CampaignId, PersonId
from chalicelib.domain.record import dataclass
from chalicelib.domain.scope import Zone
from chalicelib.domain.step import record, take
from chalicelib.domain.totals import tally
from chalicelib.ports.operation import Journal, Replay
from chalicelib.ports.system import PartnerSession
from chalicelib.ports.workflow import DUE_SHARDS, Change
from chalicelib.usecases.world import World

BY = "restore"
FAR = timedelta(days=3650)
MARGIN = timedelta(minutes=15)
"""The journal is read from a little before the restored moment: clocks differ, and replaying twice is harmless."""
_OVER = frozenset({State.SENT, State.CANCELLED, State.DECLINED, State.EXPIRED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was done, in numbers."""

    held: int = 0
    cancelled: int = 0
    suppressions: int = 0
    manifests: int = 0
    claims: int = 0

    def __add__(self, other: Restored) -> Restored:
        """Both together."""
        return Restored(
            held=self.held + other.held, cancelled=self.cancelled + other.cancelled,
            suppressions=self.suppressions + other.suppressions, manifests=self.manifests + other.manifests,
            claims=self.claims + other.claims,
        )


def restore(world: World, journal: Journal, moment: datetime, *, by: PersonId) -> Restored:
    """Hold everything, then replay what the journal kept since ``moment``, the time restored to."""
    world.programmes.stop(True, by, world.clock.now())
    done = Restored()
    for shard in range(DUE_SHARDS):
        for due in world.indexes.due(shard, world.clock.now() + FAR, limit=100_000):
            session = world.sessions.open(due.partner, Zone.PARTNER)
            with suppress(NotFound):
                done += Restored(held=_hold(world, session, world.campaigns.get(session, due.campaign)))
    for partner in journal.partners():
        done += _replay(world, journal.since(partner, moment - MARGIN))
    return done


def _hold(world: World, session: PartnerSession, before: Campaign) -> int:
    """Pause what could send; whoever was paused before gets the new epoch only."""
    now = world.clock.now()
    epoch = max(before.epoch + 1, int(now.timestamp()))
    if before.state in (State.APPROVED, State.SENDING):
        after, entry = take(
            before, Action.HOLD, Actor.GUARD, now=now, by=BY, notices=("held",),
            details={"reason": HoldReason.RESTORED.value}, held_from=before.state,
            hold_reason=HoldReason.RESTORED, epoch=epoch,
        )
    elif before.state is State.HELD and before.hold_reason is not HoldReason.RESTORED:
        after, entry = record(replace(before, epoch=epoch, updated_at=now), "restore", now=now, by=BY)
    else:
        return 0
    with suppress(Conflict):
        world.campaigns.commit(session, Change(before=before, after=after, audit=entry))
        return 1
    return 0


def _replay(world: World, kept: Replay) -> Restored:
    session = world.sessions.open(kept.partner, Zone.PARTNER)
    for start in kept.starts:
        world.ledger.enter(session, start)
    suppressed = sum(world.contacts.suppress(session, each) for each in kept.suppressions)
    manifests = 0
    for manifest in kept.manifests:
        if world.ledger.manifest(session, manifest.key) is None:
            world.ledger.freeze(session, manifest)
            manifests += 1
    claims = 0
    for attempt in kept.claims:
        with suppress(Conflict):
            world.ledger.claim(session, attempt)
            claims += 1
    for manifest in kept.manifests:
        attempts = world.ledger.attempts(session, manifest.key, 0, manifest.batches)
        world.ledger.count(session, manifest.key, tally(manifest, attempts), world.clock.now())
    slices = {start.run.campaign: start.slices for start in world.ledger.starts(session)}
    started = dict.fromkeys(m.key.run.campaign for m in kept.manifests)
    cancelled = sum(_cancel(world, session, campaign, slices.get(campaign, 0)) for campaign in started)
    return Restored(suppressions=suppressed, manifests=manifests, claims=claims, cancelled=cancelled)


def _cancel(world: World, session: PartnerSession, campaign: CampaignId, slices: int) -> int:
    """End a campaign of which the start was lost; one that stands as sending goes on from its manifests.

    It is given its ``slices`` again, so that its people are counted and shown as not confirmed.
    """
    try:
        before = world.campaigns.get(session, campaign)
    except NotFound:
        return 0
    if before.state in _OVER or State.SENDING in (before.state, before.held_from):
        return 0
    now = world.clock.now()
    after, entry = record(
        replace(before, state=State.CANCELLED, hold_reason=HoldReason.RESTORED, updated_at=now, slices=slices,
                epoch=max(before.epoch + 1, int(now.timestamp()))),
        "restore", now=now, by=BY, details={"from": before.state.value, "to": State.CANCELLED.value},
    )
    world.campaigns.commit(session, Change(before=before, after=after, audit=entry))
    return 1
