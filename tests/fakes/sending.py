"""The ledger, the rate and SES in memory, under the same conditions as the real ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from chalicelib.domain import frequency
from chalicelib.domain.errors import Conflict, NotFound, Permanent
from chalicelib.domain.frequency import Started, Starts
from chalicelib.domain.ids import CampaignId, ContactId, PartnerId
from chalicelib.domain.ledger import Attempt, Result, Seen
from chalicelib.domain.manifest import BatchKey, Manifest, Run, SliceKey
from chalicelib.domain.totals import SliceState, Totals
from chalicelib.ports.sending import (
    BulkAnswer,
    BulkBatch,
    BulkEntry,
    Reservation,
    SesAccount,
    Share,
    SystemMail,
)
from chalicelib.ports.system import Clock, PartnerSession
from chalicelib.ports.trust import require_customers


class FakeLedger:
    """Four dictionaries, each keyed by partner first, so that no partner sees another's."""

    def __init__(self) -> None:
        self._manifests: dict[tuple[PartnerId, SliceKey], Manifest] = {}
        self._attempts: dict[tuple[PartnerId, SliceKey], dict[tuple[int, int], Attempt]] = {}
        self._left: dict[tuple[PartnerId, Run], set[ContactId]] = {}
        self._slices: dict[PartnerId, dict[SliceKey, SliceState]] = {}
        self._starts: dict[PartnerId, Starts] = {}

    def freeze(self, session: PartnerSession, manifest: Manifest) -> Manifest:
        require_customers(session)
        return self._manifests.setdefault((session.partner, manifest.key), manifest)

    def manifest(self, session: PartnerSession, key: SliceKey) -> Manifest | None:
        require_customers(session)
        return self._manifests.get((session.partner, key))

    def attempts(self, session: PartnerSession, key: SliceKey, first: int, last: int) -> Sequence[Attempt]:
        require_customers(session)
        stored = self._attempts.get((session.partner, key), {})
        return [stored[k] for k in sorted(stored) if first <= k[0] <= last]

    def announce(self, session: PartnerSession, attempts: Sequence[Attempt]) -> None:
        require_customers(session)

    def claim(self, session: PartnerSession, attempt: Attempt) -> None:
        require_customers(session)
        stored = self._attempts.setdefault((session.partner, attempt.key.slice), {})
        if attempt.key[1:] in stored:
            raise Conflict("batch.claimed")
        stored[attempt.key[1:]] = attempt

    def settle(self, session: PartnerSession, key: BatchKey, results: Sequence[Result]) -> None:
        stored = self._stored(session, key)
        if stored.answered is not None:
            raise Conflict("batch.settled")
        self._attempts[(session.partner, key.slice)][key[1:]] = replace(stored, answered=tuple(results))

    def release(self, session: PartnerSession, key: BatchKey, ordinals: frozenset[int], until: datetime) -> None:
        stored = self._stored(session, key)
        if stored.deadline > until:
            raise Conflict("batch.too_early")
        self._attempts[(session.partner, key.slice)][key[1:]] = replace(stored, released=stored.released | ordinals)

    def saw(self, session: PartnerSession, key: BatchKey, seen: Mapping[Seen, frozenset[int]]) -> None:
        stored = self._stored(session, key)
        union = {s: stored.seen.get(s, frozenset()) | seen.get(s, frozenset()) for s in {*stored.seen, *seen}}
        self._attempts[(session.partner, key.slice)][key[1:]] = replace(stored, seen=union)

    def slice(self, session: PartnerSession, key: SliceKey) -> SliceState:
        require_customers(session)
        return self._slices.get(session.partner, {}).get(key, SliceState(key=key))

    def slices(self, session: PartnerSession, run: Run) -> Sequence[SliceState]:
        require_customers(session)
        stored = self._slices.get(session.partner, {})
        return [stored[key] for key in sorted(stored) if key.run == run]

    def left(self, session: PartnerSession, run: Run, contact: ContactId) -> None:
        require_customers(session)
        self._left.setdefault((session.partner, run), set()).add(contact)

    def results(self, session: PartnerSession, run: Run) -> tuple[Sequence[SliceState], int]:
        return self.slices(session, run), len(self._left.get((session.partner, run), ()))

    def advance(self, session: PartnerSession, before: SliceState, after: SliceState) -> None:
        stored = self.slice(session, before.key)
        if stored.turn != before.turn:
            raise Conflict("slice.moved")
        self._slices.setdefault(session.partner, {})[before.key] = replace(
            after, totals=stored.totals, counted_at=stored.counted_at)

    def count(self, session: PartnerSession, key: SliceKey, totals: Totals, at: datetime) -> None:
        stored = self.slice(session, key)
        if stored.totals.facts <= totals.facts:
            self._slices.setdefault(session.partner, {})[key] = replace(stored, totals=totals, counted_at=at)

    def starts(self, session: PartnerSession) -> Starts:
        require_customers(session)
        return self._starts.get(session.partner, ())

    def enter(self, session: PartnerSession, start: Started) -> Started:
        self._starts[session.partner] = frequency.entered(self.starts(session), start)
        return next(one for one in self.starts(session) if one.run == start.run)

    def end(self, session: PartnerSession, run: Run, at: datetime, reached: int) -> None:
        self._starts[session.partner] = frequency.ended(self.starts(session), run, at, reached)

    def _stored(self, session: PartnerSession, key: BatchKey) -> Attempt:
        require_customers(session)
        try:
            return self._attempts[(session.partner, key.slice)][key[1:]]
        except KeyError:
            raise NotFound("attempt") from None


class FakeRate:
    """GCRA in memory over the clock that is passed in; ``sleep`` moves that clock on."""

    def __init__(self, clock: Clock, sleep: Callable[[float], None]) -> None:
        self._clock = clock
        self._sleep = sleep
        self._share = Share(rate=1.0, partners=1)
        self._free_at: dict[PartnerId, datetime] = {}
        self._queued: Mapping[CampaignId, datetime] = {}

    def share(self) -> Share:
        return self._share

    def publish(self, share: Share) -> None:
        self._share = share

    def reserve(self, session: PartnerSession, count: int) -> Reservation:
        require_customers(session)
        now, each = self._clock.now(), self._share.each
        if each <= 0:
            return Reservation(False, now + timedelta(seconds=60), 0.0)
        start = max(self._free_at.get(session.partner, now), now)
        if start > now + timedelta(seconds=2):
            return Reservation(False, start, 1 / each)
        self._free_at[session.partner] = start + timedelta(seconds=count / each)
        return Reservation(True, start, 1 / each)

    def pause(self, seconds: float) -> None:
        self._sleep(seconds)

    def queued(self) -> Mapping[CampaignId, datetime]:
        return self._queued

    def remember(self, queued: Mapping[CampaignId, datetime]) -> None:
        self._queued = dict(queued)


class FakeMailer:
    """Keeps system mails in ``sent``; every sender is verified but those in ``unverified``."""

    def __init__(self) -> None:
        self.sent: list[SystemMail] = []
        self.unverified: set[str] = set()

    def send(self, mail: SystemMail) -> None:
        if "\r" in mail.subject or "\n" in mail.subject:
            raise Permanent("a subject is one line")
        self.sent.append(mail)

    def sender_verified(self, address: str) -> bool:
        return address not in self.unverified


@dataclass
class FakeBulkMailer:
    """SES in memory: ``accepted`` is what it took, in order; ``script`` answers for the next calls."""

    rate: float = 1_000_000.0
    enabled: bool = True
    accepted: list[BulkEntry] = field(default_factory=list)
    calls: list[BulkBatch] = field(default_factory=list)

    def send(self, batch: BulkBatch) -> BulkAnswer:
        return self.take(batch, [Result.SENT] * len(batch.entries), [True] * len(batch.entries))

    def take(self, batch: BulkBatch, said: Sequence[Result], took: Sequence[bool]) -> BulkAnswer:
        """Accept some entries in truth and answer something about each, which need not be the truth."""
        if len(batch.entries) > 50:
            raise Permanent("SES takes at most 50 entries")
        self.calls.append(batch)
        self.accepted += [entry for entry, taken in zip(batch.entries, took, strict=True) if taken]
        return BulkAnswer(tuple(said))

    def account(self) -> SesAccount:
        return SesAccount(rate=self.rate, enabled=self.enabled)
