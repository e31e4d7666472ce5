"""The ledger, the mailers and the rate: what the sending path needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime
from typing import Protocol

from chalicelib.domain.frequency import Started, Starts
from chalicelib.domain.ids import CampaignId, ContactId
from chalicelib.domain.ledger import Attempt, Result, Seen
from chalicelib.domain.manifest import BatchKey, Manifest, Run, SliceKey
from chalicelib.domain.record import dataclass
from chalicelib.domain.totals import SliceState, Totals
from chalicelib.ports.system import PartnerSession


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemMail:
    """A mail of the program itself (sign-in, review request, notice, test mail) to one person."""

    to: str
    subject: str
    text: str
    html: str
    from_address: str = ""
    from_name: str = ""
    reply_to: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)


class Mailer(Protocol):
    """Sends system mails, one at a time."""

    def send(self, mail: SystemMail) -> None:
        """Hand a mail to SES; raises Retryable or Permanent."""

    def sender_verified(self, address: str) -> bool:
        """Whether SES would accept the address as a From (identity or its domain verified)."""


@dataclass(frozen=True, slots=True)
class BulkEntry:
    """One recipient of a batch: address, placeholder data (JSON), tag and List-Unsubscribe value."""

    to: str
    data: str
    tag: str
    list_unsubscribe: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkBatch:
    """One call to SES: the mail with its placeholders, and at most 50 recipients.

    ``headers`` are the same for all; ``tags`` too, for the eyes of people only (what the program
    trusts is each entry's own tag).
    """

    from_address: str
    from_name: str = ""
    reply_to: str = ""
    subject: str
    html: str
    text: str
    headers: tuple[tuple[str, str], ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    defaults: str = "{}"
    entries: tuple[BulkEntry, ...]


@dataclass(frozen=True, slots=True)
class BulkAnswer:
    """What SES said of each entry, in their order.

    ``refused`` says that SES will refuse every call alike until a person mends something (sender
    not verified, sending paused, a request it does not understand): "" or SES's name for it.
    """

    results: tuple[Result, ...]
    refused: str = ""


@dataclass(frozen=True, slots=True)
class SesAccount:
    """What SES allows this account: mails a second, and whether it may send at all."""

    rate: float
    enabled: bool = True


class BulkMailer(Protocol):
    """Sends one batch of a campaign in one call, and never tries twice."""

    def send(self, batch: BulkBatch) -> BulkAnswer:
        """Send once. What SES did not answer clearly is UNKNOWN; does not raise for SES's faults."""

    def account(self) -> SesAccount:
        """The account's rate; raises Retryable. SES allows this call once a second, so only the tick asks."""


class Batches(Protocol):
    """Manifests and attempts of one partner; every read here is consistent."""

    def freeze(self, session: PartnerSession, manifest: Manifest) -> Manifest:
        """Store a manifest if there is none; returns the one that stands."""

    def manifest(self, session: PartnerSession, key: SliceKey) -> Manifest | None:
        """The manifest of a slice, or None if its first run has not come."""

    def attempts(self, session: PartnerSession, key: SliceKey, first: int, last: int) -> Sequence[Attempt]:
        """All attempts of the batches ``first`` to ``last`` (inclusive), in order."""

    def announce(self, session: PartnerSession, attempts: Sequence[Attempt]) -> None:
        """Tell of claims that will be made within a minute, addressing nobody beyond these marks.

        Nothing is claimed by it, and a claim that was not announced is as good: whatever keeps claims
        outside of the tables can keep several at once.
        """

    def claim(self, session: PartnerSession, attempt: Attempt) -> None:
        """Store a new attempt (with its answer where nobody is addressed); raises Conflict ``batch.claimed``."""

    def settle(self, session: PartnerSession, key: BatchKey, results: Sequence[Result]) -> None:
        """Record the answer of an attempt that has none; raises Conflict ``batch.settled``."""

    def release(self, session: PartnerSession, key: BatchKey, ordinals: frozenset[int], until: datetime) -> None:
        """Permit another attempt for ordinals, if the claim's deadline is not after ``until``.

        Raises Conflict ``batch.too_early``.
        """

    def saw(self, session: PartnerSession, key: BatchKey, seen: Mapping[Seen, frozenset[int]]) -> None:
        """Unite what events prove with what is stored; raises NotFound if there is no such attempt."""


class Slices(Protocol):
    """How far each slice of a run is, and its totals: one small item a slice, one query a run."""

    def slice(self, session: PartnerSession, key: SliceKey) -> SliceState:
        """The state of one slice, read consistently; a fresh one if nobody touched it."""

    def slices(self, session: PartnerSession, run: Run) -> Sequence[SliceState]:
        """Every slice of a run that somebody touched, in order."""

    def left(self, session: PartnerSession, run: Run, contact: ContactId) -> None:
        """Note that somebody unsubscribed with a mail of the run; noted twice it counts once."""

    def results(self, session: PartnerSession, run: Run) -> tuple[Sequence[SliceState], int]:
        """The slices and how many unsubscribed with a mail of the run, in one query."""

    def advance(self, session: PartnerSession, before: SliceState, after: SliceState) -> None:
        """Move a slice (turn, cursor, done, run of unknowns, touched) if ``before.turn`` still stands.

        Raises Conflict ``slice.moved``. Totals are not written.
        """

    def count(self, session: PartnerSession, key: SliceKey, totals: Totals, at: datetime) -> None:
        """Store a slice's totals, unless a later count is there, which is one that knew more (``facts``)."""


class StartList(Protocol):
    """A partner's marketing starts in the order in which they were entered; see ``domain.frequency``."""

    def starts(self, session: PartnerSession) -> Starts:
        """The list, read consistently."""

    def enter(self, session: PartnerSession, start: Started) -> Started:
        """Put a start at the end (``frequency.entered``), atomically; returns what stands there of its run.

        Raises Retryable.
        """

    def end(self, session: PartnerSession, run: Run, at: datetime, reached: int) -> None:
        """Note that a run is finished and whom it reached at most; the first note stands."""


class Ledger(Batches, Slices, StartList, Protocol):
    """Manifests, claims and outcomes of a campaign's batches, the state of its slices, the partner's starts."""


@dataclass(frozen=True, slots=True)
class Share:
    """SES's rate in mails a second, and how many partners have work now."""

    rate: float
    partners: int

    @property
    def each(self) -> float:
        """The rate of one partner; whoever has no work now leaves its share to the others."""
        return self.rate / max(1, self.partners)


@dataclass(frozen=True, slots=True)
class Reservation:
    """The right to send: from ``start`` on, one mail every ``interval`` seconds.

    ``granted`` False means that the partner's rate is used up for now: come back at ``start``.
    """

    granted: bool
    start: datetime
    interval: float


class RateLimiter(Protocol):
    """Reserves the right to send (GCRA per partner), and keeps the tick's few notes."""

    def share(self) -> Share:
        """What the last tick wrote; a careful default (one mail a second) before the first."""

    def publish(self, share: Share) -> None:
        """Write the share that workers read; the tick alone does."""

    def reserve(self, session: PartnerSession, count: int) -> Reservation:
        """Reserve ``count`` mails of the partner's share, or learn when to come back; raises Retryable."""

    def pause(self, seconds: float) -> None:
        """Wait a little for the start of a batch; never more than a few seconds."""

    def queued(self) -> Mapping[CampaignId, datetime]:
        """Until when the tick need not queue a campaign again (``queued_until``)."""

    def remember(self, queued: Mapping[CampaignId, datetime]) -> None:
        """Replace those notes."""
