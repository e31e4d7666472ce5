"""One turn of a slice: a bounded number of batches, page by page.

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

from chalicelib.domain import ledger as rules
from chalicelib.domain import sending
from chalicelib.domain.campaign import Actor, Campaign, HoldReason, State
from chalicelib.domain.errors import Conflict, Retryable
from chalicelib.domain.ids import CampaignId
from chalicelib.domain.ledger import Attempt, Mark, Result
from chalicelib.domain.manifest import BatchKey, Manifest
from chalicelib.domain.totals import SliceState
from chalicelib.ports.sending import BulkBatch, Reservation
from chalicelib.ports.system import PartnerSession
from chalicelib.usecases import control
from chalicelib.usecases.batch import Envelope
from chalicelib.usecases.send_page import Page, Try
from chalicelib.usecases.world import World

_METRIC = {
    Result.SENT: "sent", Result.FAILED: "failed", Result.UNKNOWN: "unknown", Result.UNSENT: "unsent",
}


def current(campaign: Campaign, epoch: int) -> bool:
    """Whether the campaign sends, in the epoch in which the work was queued."""
    return campaign.state is State.SENDING and campaign.epoch == epoch


def hold(world: World, session: PartnerSession, campaign: CampaignId, reason: HoldReason) -> None:
    """Pause the campaign for a guard of the sender, unless somebody was faster."""
    try:
        control.hold(world, session, campaign, reason, actor=Actor.GUARD, by="sender")
    except Conflict:
        # It is not sending any more, which is all that the guard wanted.
        return


class Turn:
    """One turn: goes through the windows from the slice's cursor until a bound is met.

    Afterwards ``cursor`` and ``unknown_run`` say how far it came, ``delay`` when to come back,
    ``stopped`` that nobody must come back, ``stale`` that the campaign moved on meanwhile.
    """

    def __init__(
        self, envelope: Envelope, manifest: Manifest, state: SliceState, *, epoch: int, stop_at: datetime,
    ) -> None:
        self.envelope = envelope
        self.world = envelope.world
        self.session = envelope.session
        self.manifest = manifest
        self.state = state
        self.epoch = epoch
        self.stop_at = stop_at
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
        page = Page(self.envelope, self.manifest, self._within_reservation(allowed, attempts), self.stop_at)
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
    ) -> dict[int, Try]:
        """The windows that were reserved for, in order: what is read and announced is what will be tried."""
        chosen: dict[int, Try] = {}
        total = 0
        for n, ordinals in allowed.items():
            if ordinals and total < self._reserved:
                chosen[n] = Try(len(attempts.get(n, ())) + 1, ordinals)
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

    def _batch(self, n: int, number: int, allowed: Sequence[int], page: Page) -> bool:
        """Claim, send and record one batch; False where the turn ends with it."""
        sealed = self._sealed(BatchKey(self.manifest.key, n, number), allowed, page)
        if sealed is None:
            return False
        attempt, call = sealed
        self._batches += 1
        try:
            self.world.ledger.claim(self.session, attempt)
        except Conflict:
            # Another worker has this batch: its recipients are that worker's, for better or worse.
            self.cursor = n + 1
            return True
        self.told["suppressed"] += sum(Mark.ADDRESSED < mark < Mark.UNUSABLE for mark in attempt.marks)
        self.told["failed"] += attempt.marks.count(Mark.UNUSABLE)
        if call.entries and not self._call(attempt, call):
            return False
        self.cursor = n + 1
        return True

    def _sealed(self, key: BatchKey, allowed: Sequence[int], page: Page) -> tuple[Attempt, BulkBatch] | None:
        """A batch's claim and its call, of contacts that are fresh; None where it must not be sent now."""
        while True:
            records = page.records(key.batch)
            if not self._may_send():
                return None
            page.announce(key.batch)
            marks, call = self.envelope.seal(key, self.manifest, allowed, records)
            now = self.world.clock.now()
            if page.fresh(now):
                break
            # A read or key that took long has made the contacts old: who left meanwhile must count.
            if now + sending.CALL_TIME > self.stop_at:
                return None
        return Attempt(
            key=key, marks=marks, nonce=self.world.entropy.bytes(8), claimed_at=now, deadline=self.stop_at,
            answered=None if call.entries else (Result.UNKNOWN,) * len(marks),
        ), call

    def _call(self, attempt: Attempt, call: BulkBatch) -> bool:
        """Send what was claimed and record the answer; False where the turn ends with it."""
        if self.world.clock.now() + sending.CALL_TIME > self.stop_at:
            # Too late to be sure of the call's end. Nothing was sent, and that is certain.
            self._settle(attempt, [Result.UNSENT] * len(call.entries))
            return False
        answer = self.world.bulk_mailer.send(call)
        told = self._settle(attempt, answer.results)
        if answer.refused:
            self.told["refused"] += 1
            hold(self.world, self.session, self.manifest.key.run.campaign, HoldReason.SENDER)
            self.stopped = True
            return False
        if not self._note(told):
            return False
        if Result.UNSENT in answer.results:
            self.delay = sending.backoff(attempt.key.attempt)
            return False
        return True

    def _may_send(self) -> bool:
        """Read the control item and HQ's switch: what was true a batch ago may have ended."""
        read = self.world.campaigns.control(self.session, self.manifest.key.run.campaign)
        campaign = read.campaign
        if not current(campaign, self.epoch):
            self.stopped = self.stale = True
        elif campaign.digests != self.envelope.mail.digests:
            hold(self.world, self.session, campaign.id, HoldReason.DIGEST)
            self.stopped = True
        elif read.stopped:
            hold(self.world, self.session, campaign.id, HoldReason.HQ)
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
        hold(self.world, self.session, self.manifest.key.run.campaign, HoldReason.UNKNOWNS)
        self.stopped = True
        return False
