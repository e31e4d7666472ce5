"""The send worker: one message is one turn of one slice, and a turn is a bounded number of batches.

The order of a batch's steps is what keeps the promise "never twice, never silently lost":
reserve the rate, read contacts and suppressions, read the control item, claim, look at the
deadline, send once, record the answer. A process may die between any two of them: before the
claim nothing was sent, after it the batch's recipients are unknown until SES's events tell, and
nobody but a person may have them mailed again.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from chalicelib import observe
from chalicelib.domain import ledger as rules
from chalicelib.domain import sending
from chalicelib.domain.campaign import Actor, Campaign, HoldReason, State
from chalicelib.domain.errors import Conflict, NotFound, Retryable
from chalicelib.domain.ids import CampaignId, PartnerId
from chalicelib.domain.ledger import Attempt, Mark, Result
from chalicelib.domain.manifest import BatchKey, Manifest, Run, SliceKey
from chalicelib.domain.record import dataclass
from chalicelib.domain.scope import Zone
from chalicelib.domain.totals import SliceState, tally
from chalicelib.ports.sending import Reservation
from chalicelib.ports.system import PartnerSession, QueueName
from chalicelib.ports.trust import ContactRecord
from chalicelib.usecases import approved, control
from chalicelib.usecases.batch import Envelope
from chalicelib.usecases.freeze import freeze
from chalicelib.usecases.plan import send_message
from chalicelib.usecases.world import World

_METRIC = {
    Result.SENT: "sent", Result.FAILED: "failed", Result.UNKNOWN: "unknown", Result.UNSENT: "unsent",
}


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
    if not _current(campaign, work):
        return
    state = world.ledger.slice(session, work.key)
    if state.turn != work.turn or state.done:
        return
    try:
        mail = approved.load(world, session, campaign)
    except approved.Altered:
        _hold(world, session, campaign.id, HoldReason.DIGEST)
        return
    manifest = world.ledger.manifest(session, work.key) or freeze(world, session, campaign, work.key, mail)
    envelope = Envelope(world, session, campaign.id, mail, world.partners.home(session).partner.market)
    turn = _Turn(envelope, work, manifest, stop_at, state)
    try:
        turn.run()
    finally:
        observe.count(**turn.told)
    _close(world, campaign, turn)


def _current(campaign: Campaign, work: Work) -> bool:
    """Whether the campaign sends, in the epoch in which the work was queued."""
    return campaign.state is State.SENDING and campaign.epoch == work.epoch


def _hold(world: World, session: PartnerSession, campaign: CampaignId, reason: HoldReason) -> None:
    try:
        control.hold(world, session, campaign, reason, actor=Actor.GUARD, by="sender")
    except Conflict:
        # It is not sending any more, which is all that the guard wanted.
        return


class _Turn:
    """One turn: goes through the windows from the slice's cursor until a bound is met.

    Afterwards ``cursor`` and ``unknown_run`` say how far it came, ``delay`` when to come back,
    ``stopped`` that nobody must come back, ``stale`` that the campaign moved on meanwhile.
    """

    def __init__(
        self, envelope: Envelope, work: Work, manifest: Manifest, stop_at: datetime, state: SliceState,
    ) -> None:
        self.envelope = envelope
        self.world = envelope.world
        self.session = envelope.session
        self.work = work
        self.manifest = manifest
        self.stop_at = stop_at
        self.state = state
        self.cursor = state.cursor
        self.unknown_run = state.unknown_run
        self.delay = 0
        self.stopped = False
        self.stale = False
        self.told: Counter[str] = Counter()
        self._began = self.world.clock.now()
        self._batches = 0

    def run(self) -> None:
        """Send page after page until the slice, the turn or the campaign ends."""
        while self.cursor < self.manifest.batches and not self._over():
            last = min(self.cursor + sending.PAGE_BATCHES, self.manifest.batches) - 1
            attempts = rules.by_batch(
                self.world.ledger.attempts(self.session, self.manifest.key, self.cursor, last))
            if not self._page(range(self.cursor, last + 1), attempts):
                return

    def _over(self) -> bool:
        now = self.world.clock.now()
        return (
            self._batches >= sending.TURN_BATCHES or now - self._began >= sending.TURN_TIME
            or now + sending.CALL_TIME > self.stop_at
        )

    def _page(self, windows: range, attempts: dict[int, list[Attempt]]) -> bool:
        """Send the windows of a page that may be sent; False where the turn ends."""
        allowed = {n: rules.retryable(attempts.get(n, []), self.manifest.size_of(n)) for n in windows}
        share = self._reserve([len(allowed[n]) for n in windows if allowed[n]])
        if share is None:
            return False
        page = _Page(self, self._within_reservation(allowed, attempts))
        reserved = 0
        for n in windows:
            tried = attempts.get(n, [])
            if not allowed[n]:
                # Settled, unknown, or in the hands of another worker: the end of the slice looks again.
                if tried and not self._note(tried[-1]):
                    return False
                self.cursor = n + 1
                continue
            start = share.start + timedelta(seconds=share.interval * reserved)
            if (reserved and self._batches >= sending.TURN_BATCHES) or not self._wait(start):
                return False
            reserved += len(allowed[n])
            if not self._batch(n, len(tried) + 1, allowed[n], page):
                return False
            if reserved >= self._reserved:
                return True
        return True

    def _within_reservation(
        self, allowed: Mapping[int, Sequence[int]], attempts: Mapping[int, Sequence[Attempt]],
    ) -> dict[int, _Try]:
        """The windows that were reserved for, in order: what is read and announced is what will be tried."""
        chosen: dict[int, _Try] = {}
        total = 0
        for n, ordinals in allowed.items():
            if ordinals and total < self._reserved:
                chosen[n] = _Try(len(attempts.get(n, ())) + 1, ordinals)
                total += len(ordinals)
        return chosen

    def _reserve(self, sizes: Sequence[int]) -> Reservation | None:
        """Reserve for as many of the page's batches as fit; None (and a delay) if the rate is used up."""
        self._reserved = 0
        if not sizes:
            return Reservation(True, self.world.clock.now(), 0.0)
        most = max(sizes[0], int(self.world.rate.share().each * sending.PAGE_SECONDS))
        for size in sizes:
            if self._reserved and self._reserved + size > most:
                break
            self._reserved += size
        share = self.world.rate.reserve(self.session, self._reserved)
        if share.granted:
            return share
        self.delay = max(1, math.ceil((share.start - self.world.clock.now()).total_seconds()))
        return None

    def _wait(self, start: datetime) -> bool:
        """Wait for a batch's place in the reservation; False if that is too long for this turn."""
        now = self.world.clock.now()
        wait = (start - now).total_seconds()
        if max(start, now) + sending.CALL_TIME > self.stop_at or wait > sending.MAX_PAUSE:
            self.delay = max(0, math.ceil(wait))
            return False
        if wait > 0:
            self.world.rate.pause(wait)
        return True

    def _batch(self, n: int, number: int, allowed: Sequence[int], page: _Page) -> bool:
        """Claim, send and record one batch; False where the turn ends with it."""
        key = BatchKey(self.manifest.key, n, number)
        while True:
            records = page.records(n)
            if not self._may_send():
                return False
            page.announce(n)
            marks, call = self.envelope.seal(key, self.manifest, allowed, records)
            now = self.world.clock.now()
            if page.fresh(now):
                break
            # A read or key that took long has made the contacts old: who left meanwhile must count.
            if now + sending.CALL_TIME > self.stop_at:
                return False
        attempt = Attempt(
            key=key, marks=marks, nonce=self.world.entropy.bytes(8), claimed_at=now, deadline=self.stop_at,
            answered=None if call.entries else (Result.UNKNOWN,) * len(marks),
        )
        self._batches += 1
        try:
            self.world.ledger.claim(self.session, attempt)
        except Conflict:
            # Another worker has this batch: its recipients are that worker's, for better or worse.
            self.cursor = n + 1
            return True
        self.told["suppressed"] += sum(Mark.ADDRESSED < mark < Mark.UNUSABLE for mark in marks)
        self.told["failed"] += marks.count(Mark.UNUSABLE)
        if not call.entries:
            self.cursor = n + 1
            return True
        if self.world.clock.now() + sending.CALL_TIME > self.stop_at:
            # Too late to be sure of the call's end. Nothing was sent, and that is certain.
            self._settle(attempt, [Result.UNSENT] * len(call.entries))
            return False
        answer = self.world.bulk_mailer.send(call)
        told = self._settle(attempt, answer.results)
        if answer.refused:
            self.told["refused"] += 1
            _hold(self.world, self.session, self.manifest.key.run.campaign, HoldReason.SENDER)
            self.stopped = True
            return False
        if not self._note(told):
            return False
        if Result.UNSENT in answer.results:
            self.delay = sending.backoff(number)
            return False
        self.cursor = n + 1
        return True

    def _may_send(self) -> bool:
        """Read the control item and HQ's switch: what was true a batch ago may have ended."""
        control = self.world.campaigns.control(self.session, self.manifest.key.run.campaign)
        campaign = control.campaign
        if not _current(campaign, self.work):
            self.stopped = self.stale = True
        elif campaign.digests != self.envelope.mail.digests:
            _hold(self.world, self.session, campaign.id, HoldReason.DIGEST)
            self.stopped = True
        elif control.stopped:
            _hold(self.world, self.session, campaign.id, HoldReason.HQ)
            self.stopped = True
        return not self.stopped

    def _settle(self, attempt: Attempt, results: Sequence[Result]) -> Attempt:
        """Record the answer; what the store does not take stays unknown, and is told by events."""
        answered = [Result.UNKNOWN] * len(attempt.marks)
        self.told.update(_METRIC[result] for result in results)
        for ordinal, result in zip(attempt.addressed(), results, strict=False):
            answered[ordinal] = result
        for _ in range(2):
            try:
                self.world.ledger.settle(self.session, attempt.key, answered)
                break
            except Conflict:
                break
            except Retryable:
                continue
        return replace(attempt, answered=tuple(answered))

    def _note(self, attempt: Attempt) -> bool:
        """Count unknown batches in a row; False once the campaign was held for them."""
        lost = None if attempt.in_flight(self.world.clock.now()) else rules.fate(attempt)
        if lost is not None:
            self.unknown_run = self.unknown_run + 1 if lost else 0
        if not lost or self.unknown_run < sending.UNKNOWN_LIMIT:
            return True
        self.cursor = attempt.key.batch + 1
        _hold(self.world, self.session, self.manifest.key.run.campaign, HoldReason.UNKNOWNS)
        self.stopped = True
        return False


class _Try(NamedTuple):
    """What a window's next attempt would be: its number, and the ordinals that it may address."""

    attempt: int
    ordinals: Sequence[int]


class _Page:
    """The contacts of some windows, read together and anew once they are older than ten seconds."""

    def __init__(self, turn: _Turn, tries: Mapping[int, _Try]) -> None:
        self._turn = turn
        self._tries = tries
        self._windows = list(tries)
        self._announced = False
        self._read: dict[int, Sequence[ContactRecord]] = {}
        self._read_at: datetime | None = None

    def fresh(self, now: datetime) -> bool:
        """Whether what was read may still be claimed upon."""
        return self._read_at is not None and now - self._read_at < sending.FRESH

    def announce(self, n: int) -> None:
        """Tell the ledger of the claims to come, once, when the first of them is certain to be tried."""
        if self._announced:
            return
        turn, now = self._turn, self._turn.world.clock.now()
        turn.world.ledger.announce(turn.session, [
            Attempt(
                key=BatchKey(turn.manifest.key, m, self._tries[m].attempt), claimed_at=now, deadline=turn.stop_at,
                marks=turn.envelope.expected(turn.manifest, m, self._tries[m].ordinals, self._read[m]),
            )
            for m in self._windows[self._windows.index(n):]
        ])
        self._announced = True

    def records(self, n: int) -> Sequence[ContactRecord]:
        """The contacts of window ``n``, with suppressions as they were at most ten seconds ago."""
        now = self._turn.world.clock.now()
        if not self.fresh(now):
            left = self._windows[self._windows.index(n):]
            members = {m: self._turn.manifest.members(m) for m in left}
            found = self._turn.world.contacts.read(self._turn.session, [i for m in left for i in members[m]])
            self._read, position = {}, 0
            for m in left:
                self._read[m] = found[position:position + len(members[m])]
                position += len(members[m])
            self._read_at = now
        return self._read[n]


def _close(world: World, campaign: Campaign, turn: _Turn) -> None:
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
        turn.state, turn=turn.state.turn + 1, epoch=turn.work.epoch, cursor=cursor, done=done,
        unknown_run=turn.unknown_run, touched_at=now,
    )
    try:
        world.ledger.advance(turn.session, turn.state, after)
    except Conflict:
        return
    if done:
        control.look_soon(world, campaign)
    elif not turn.stopped and turn.work.hop < sending.HOP_LIMIT:
        message = send_message(campaign, after, hop=turn.work.hop + 1)
        world.queue.put(QueueName.SEND, message, delay=turn.delay)
