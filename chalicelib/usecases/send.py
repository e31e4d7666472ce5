"""The send worker: one message is one turn of one slice, after which the slice is counted and continued.

What a turn does, and in which order, stands in :mod:`usecases.send_turn`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from chalicelib import observe
from chalicelib.domain import ledger as rules
from chalicelib.domain import sending
from chalicelib.domain.campaign import Campaign, HoldReason
from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.ids import CampaignId, PartnerId
from chalicelib.domain.manifest import Run, SliceKey
from chalicelib.domain.record import dataclass
from chalicelib.domain.scope import Zone
from chalicelib.domain.totals import tally
from chalicelib.ports.system import QueueName
from chalicelib.usecases import approved, control
from chalicelib.usecases.batch import Envelope
from chalicelib.usecases.freeze import freeze
from chalicelib.usecases.plan import send_message
from chalicelib.usecases.send_turn import Turn, current, hold
from chalicelib.usecases.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A send message: one turn of one slice, good in one epoch."""

    partner: PartnerId
    key: SliceKey
    epoch: int
    turn: int = 0
    hop: int = 0


def work_of(message: Mapping[str, object]) -> Work:
    """Read a send message; raises KeyError, TypeError or ValueError for one that is not ours."""
    def number(name: str, default: int | None = None) -> int:
        value = message.get(name, default)
        if not isinstance(value, int):
            raise TypeError(name)
        return value

    run = Run(CampaignId(str(message["campaign"])), number("mailing", 1), number("variant", 1))
    return Work(
        partner=PartnerId(str(message["partner"])), key=SliceKey(run, number("slice")), epoch=number("epoch"),
        turn=number("turn", 0), hop=number("hop", 0),
    )


def send(world: World, work: Work, *, stop_at: datetime) -> None:
    """Do one turn of a slice and queue its continuation; drops what is stale.

    ``stop_at`` is when this process ends for certain (the function's hard timeout).
    """
    session = world.sessions.open(work.partner, Zone.PARTNER)
    try:
        campaign = world.campaigns.get(session, work.key.run.campaign)
    except NotFound:
        return
    if not current(campaign, work.epoch):
        return
    state = world.ledger.slice(session, work.key)
    if state.turn != work.turn or state.done:
        return
    try:
        mail = approved.load(world, session, campaign)
    except approved.Altered:
        hold(world, session, campaign.id, HoldReason.DIGEST)
        return
    manifest = world.ledger.manifest(session, work.key) or freeze(world, session, campaign, work.key, mail)
    envelope = Envelope(world, session, campaign.id, mail, world.partners.home(session).partner.market)
    turn = Turn(envelope, manifest, state, epoch=work.epoch, stop_at=stop_at)
    try:
        turn.run()
    finally:
        observe.count(**turn.told)
    _close(world, campaign, work, turn)


def _close(world: World, campaign: Campaign, work: Work, turn: Turn) -> None:
    """Count the slice, move it on if nobody else did, and have it continued."""
    now = world.clock.now()
    key, manifest = turn.manifest.key, turn.manifest
    attempts = world.ledger.attempts(turn.session, key, 0, manifest.batches)
    world.ledger.count(turn.session, key, tally(manifest, attempts), now)
    if turn.stale:
        # The slice may be in the hands of the next epoch already: leave it alone.
        return
    done = not turn.stopped and rules.settled(manifest, attempts, now)
    cursor = turn.cursor
    if cursor >= manifest.batches and not done:
        # Another worker's batch was throttled, or is still on its way: begin there again.
        cursor = rules.first_open(manifest, attempts)
        turn.delay = max(turn.delay, 1 if cursor < manifest.batches else sending.MAX_BACKOFF // 2)
    after = replace(
        turn.state, turn=turn.state.turn + 1, epoch=work.epoch, cursor=cursor, done=done,
        unknown_run=turn.unknown_run, touched_at=now,
    )
    try:
        world.ledger.advance(turn.session, turn.state, after)
    except Conflict:
        return
    if done:
        control.look_soon(world, campaign)
    elif not turn.stopped and work.hop < sending.HOP_LIMIT:
        message = send_message(campaign, after, hop=work.hop + 1)
        world.queue.put(QueueName.SEND, message, delay=min(turn.delay, sending.MAX_DELAY))
