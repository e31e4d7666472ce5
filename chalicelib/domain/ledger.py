"""The ledger of a mailing: frozen manifests, claimed batches, their outcomes and the totals.

An audience is cut into *slices* (fixed ranges of the first byte of a contact's id). The first run
of a slice freezes its *manifest*; batch ``n`` is the ``n``-th window of the manifest, for ever, so
that a claim never names a set of people that could be cut anew. An *attempt* of a batch is one
small item: who was addressed and why others were not, what SES answered, and what its events
said later. Every number that people see is folded from manifests and attempts, by :func:`tally`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import NamedTuple

from chalicelib.domain.audience import Skip
from chalicelib.domain.ids import CampaignId, ContactId, PartnerId, base32_of, is_id
from chalicelib.domain.record import dataclass

ID_BYTES = 16
MAX_WINDOW = 50
"""SES takes at most 50 entries in one SendBulkEmail."""
MAX_SLICES = 256
MAX_BATCHES = 100_000


class Run(NamedTuple):
    """One mailing of a campaign in one variant; the first version makes exactly one of each."""

    campaign: CampaignId
    mailing: int = 1
    variant: int = 1


class SliceKey(NamedTuple):
    """One slice of a run."""

    run: Run
    number: int


class BatchKey(NamedTuple):
    """One attempt of one batch of a slice: what a claim is unique in. Attempts count from 1."""

    slice: SliceKey
    batch: int
    attempt: int


def byte_range(number: int, slices: int) -> range:
    """The first bytes of the ids that belong to a slice; ``slices`` divides 256."""
    width = MAX_SLICES // slices
    return range(number * width, (number + 1) * width)


def slices_for(estimate: int, *, per_slice: int) -> int:
    """How many slices an audience of about that size is cut into: a power of two, 1 to 256."""
    count = 1
    while count < MAX_SLICES and estimate > count * per_slice:
        count *= 2
    return count


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The frozen audience of a slice: 16-byte ids in order, cut into windows of ``window``."""

    key: SliceKey
    ids: bytes
    window: int
    made_at: datetime

    @property
    def count(self) -> int:
        """How many contacts it holds."""
        return len(self.ids) // ID_BYTES

    @property
    def batches(self) -> int:
        """How many windows it has."""
        return -(-self.count // self.window)

    def size_of(self, batch: int) -> int:
        """How many contacts a window holds: ``window``, but for the last."""
        return max(0, min(self.window, self.count - batch * self.window))

    def members(self, batch: int) -> tuple[ContactId, ...]:
        """The contacts of a window, in order."""
        start = batch * self.window
        return tuple(self._id(i) for i in range(start, start + self.size_of(batch)))

    def member(self, batch: int, ordinal: int) -> ContactId | None:
        """The contact at a place of a window, or None if there is no such place."""
        if not (0 <= batch < self.batches and 0 <= ordinal < self.size_of(batch)):
            return None
        return self._id(batch * self.window + ordinal)

    def _id(self, index: int) -> ContactId:
        return ContactId(base32_of(self.ids[index * ID_BYTES:(index + 1) * ID_BYTES]))


class Mark(IntEnum):
    """What an attempt meant to do with a recipient; stored as one byte, so never renumbered."""

    ADDRESSED = 0
    UNSUBSCRIBED = 1
    BOUNCED = 2
    COMPLAINED = 3
    MANUAL = 4
    NO_CONSENT = 5
    FREQUENCY = 6
    GONE = 7
    UNUSABLE = 14
    """The contact could not be opened or its data are too large: failed, nothing sent."""
    ABSENT = 15
    """Not part of this attempt: an earlier one settled it."""


MARK_OF: Mapping[Skip, Mark] = {skip: Mark[skip.name] for skip in Skip}
_SKIP_OF: Mapping[int, Skip] = {int(mark): skip for skip, mark in MARK_OF.items()}


class Result(IntEnum):
    """What SES answered for a recipient; stored as two bits, so never renumbered."""

    UNKNOWN = 0
    SENT = 1
    UNSENT = 2
    """Known not to be sent (throttled): the only answer that permits another attempt."""
    FAILED = 3


def pack(results: Sequence[Result]) -> bytes:
    """Two bits a recipient, four recipients a byte."""
    out = bytearray(-(-len(results) // 4))
    for i, result in enumerate(results):
        out[i >> 2] |= int(result) << ((i & 3) * 2)
    return bytes(out)


def unpack(data: bytes, count: int) -> tuple[Result, ...]:
    """Read back what :func:`pack` wrote."""
    return tuple(Result((data[i >> 2] >> ((i & 3) * 2)) & 3) for i in range(count))


class Seen(StrEnum):
    """What an SES event proves of a message; the values are the attributes of the stored item."""

    ACCEPTED = "s"
    DELIVERED = "d"
    BOUNCED = "b"
    COMPLAINED = "c"
    REJECTED = "f"
    OPENED = "o"
    CLICKED = "k"


_DEPARTED = (Seen.DELIVERED, Seen.BOUNCED, Seen.COMPLAINED, Seen.OPENED, Seen.CLICKED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One claim of a batch and what became of it.

    ``deadline`` is when the claiming process is dead for certain. ``answered`` is None until the
    outcome was recorded: a crash leaves it so, and its recipients are unknown. ``released`` is
    what a person allowed to be sent again. ``seen`` holds ordinals by event. ``nonce`` tells a
    claim whose answer was lost on the way from the claim of somebody else.
    """

    key: BatchKey
    marks: bytes
    nonce: bytes = b""
    claimed_at: datetime
    deadline: datetime
    answered: tuple[Result, ...] | None = None
    released: frozenset[int] = frozenset()
    seen: Mapping[Seen, frozenset[int]] = field(default_factory=dict)

    def addressed(self) -> tuple[int, ...]:
        """The ordinals that the SES call held, in its order."""
        return tuple(i for i, mark in enumerate(self.marks) if mark == Mark.ADDRESSED)

    def has(self, seen: Seen, ordinal: int) -> bool:
        """Whether an event of that kind arrived for that recipient."""
        return ordinal in self.seen.get(seen, ())

    def in_flight(self, now: datetime) -> bool:
        """Whether the claiming process may still be at work."""
        return self.answered is None and now <= self.deadline


class Status(StrEnum):
    """Where one recipient stands: exactly one of these, always."""

    SENT = "sent"
    SUPPRESSED = "suppressed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    OPEN = "open"
    """Not attempted yet, or known unsent: pending, or not attempted once nobody will."""


def status_in(attempt: Attempt, ordinal: int) -> Status | None:
    """Where an attempt left a recipient; None if the recipient was not part of it.

    Events are facts of SES and stand above the answer of the call. A message that departed cannot
    have been rejected; one that was rejected (a virus, a rendering failure) was accepted before.
    """
    mark = attempt.marks[ordinal]
    if mark == Mark.ABSENT:
        return None
    if mark == Mark.UNUSABLE:
        return Status.FAILED
    if mark != Mark.ADDRESSED:
        return Status.SUPPRESSED
    if attempt.seen:  # while a batch goes out there are no events yet, and this is asked for everybody
        if any(attempt.has(seen, ordinal) for seen in _DEPARTED):
            return Status.SENT
        if attempt.has(Seen.REJECTED, ordinal):
            return Status.FAILED
        if attempt.has(Seen.ACCEPTED, ordinal):
            return Status.SENT
    result = attempt.answered[ordinal] if attempt.answered is not None else Result.UNKNOWN
    return _STATUS_OF[result]


_STATUS_OF = {
    Result.UNKNOWN: Status.UNKNOWN, Result.SENT: Status.SENT,
    Result.UNSENT: Status.OPEN, Result.FAILED: Status.FAILED,
}


def status(attempts: Sequence[Attempt], ordinal: int) -> Status:
    """Where a recipient stands after all attempts of its batch (in their order).

    The last attempt decides; but what an earlier one proves (sent) or leaves open (unknown, and
    then released by a person) is not undone by a later one that did not send.
    """
    last = Status.OPEN
    doubt = False
    for attempt in attempts:
        here = status_in(attempt, ordinal)
        if here is Status.SENT:
            return here
        doubt = doubt or here is Status.UNKNOWN
        last = here or last
    return Status.UNKNOWN if doubt else last


def decisive(attempts: Sequence[Attempt], ordinal: int) -> Attempt | None:
    """The last attempt that a recipient was part of."""
    return next((a for a in reversed(attempts) if a.marks[ordinal] != Mark.ABSENT), None)


def retryable(attempts: Sequence[Attempt], size: int) -> tuple[int, ...]:
    """The ordinals that the next attempt of a batch may address.

    Everybody where there was no attempt. Else only those whom the *answer* of the last attempt
    lists as unsent, and unknown ones that a person released; never what is merely unknown.
    """
    return tuple(i for i in range(size) if _may_retry(attempts, i)) if attempts else tuple(range(size))


def _may_retry(attempts: Sequence[Attempt], ordinal: int) -> bool:
    last = decisive(attempts, ordinal)
    if last is None:
        return True
    here = status_in(last, ordinal)
    if here is Status.OPEN or (here is Status.UNKNOWN and ordinal in last.released):
        return status(attempts, ordinal) is not Status.SENT
    return False


def unknown(attempts: Sequence[Attempt], size: int) -> tuple[int, ...]:
    """The ordinals of a batch that a person may release: unknown, and not released yet."""
    return tuple(i for i in range(size) if _is_lost(attempts, i))


def _is_lost(attempts: Sequence[Attempt], ordinal: int) -> bool:
    last = decisive(attempts, ordinal)
    if last is None or status_in(last, ordinal) is not Status.UNKNOWN or ordinal in last.released:
        return False
    return status(attempts, ordinal) is not Status.SENT


def by_batch(attempts: Iterable[Attempt]) -> dict[int, list[Attempt]]:
    """Attempts by batch, each list in the order of attempts."""
    batches: dict[int, list[Attempt]] = {}
    for attempt in sorted(attempts, key=lambda a: a.key):
        batches.setdefault(attempt.key.batch, []).append(attempt)
    return batches


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What became of an audience.

    ``audience`` = ``sent`` + ``suppressed`` (by reason) + ``failed`` + ``unknown`` +
    ``not_attempted`` + ``pending``, always. The rest counts messages among those sent.
    """

    audience: int = 0
    sent: int = 0
    suppressed: Mapping[str, int] = field(default_factory=dict)
    failed: int = 0
    unknown: int = 0
    not_attempted: int = 0
    pending: int = 0
    delivered: int = 0
    bounced: int = 0
    complained: int = 0
    opened: int = 0
    clicked: int = 0

    @property
    def left_out(self) -> int:
        """How many were not mailed for a reason."""
        return sum(self.suppressed.values())

    @property
    def conserved(self) -> bool:
        """Whether nobody vanished."""
        settled = self.sent + self.left_out + self.failed + self.unknown
        return self.audience == settled + self.not_attempted + self.pending

    def stopped(self) -> Totals:
        """The same once nobody will go on: what was pending is not attempted."""
        return replace(self, pending=0, not_attempted=self.not_attempted + self.pending)

    def __add__(self, other: Totals) -> Totals:
        """Both together."""
        return Totals(
            suppressed=dict(Counter(self.suppressed) + Counter(other.suppressed)),
            **{name: getattr(self, name) + getattr(other, name) for name in COUNTS},
        )


COUNTS = (
    "audience", "sent", "failed", "unknown", "not_attempted", "pending",
    "delivered", "bounced", "complained", "opened", "clicked",
)
_EVENT_COUNTS = {
    "delivered": Seen.DELIVERED, "bounced": Seen.BOUNCED, "complained": Seen.COMPLAINED,
    "opened": Seen.OPENED, "clicked": Seen.CLICKED,
}


def tally(manifest: Manifest, attempts: Iterable[Attempt]) -> Totals:
    """Fold a slice's attempts into its totals; what is open counts as pending."""
    batches = by_batch(attempts)
    counts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for batch in range(manifest.batches):
        tried = batches.get(batch, [])
        for ordinal in range(manifest.size_of(batch)):
            here = status(tried, ordinal)
            if here is Status.SUPPRESSED:
                reasons[_why(tried, ordinal)] += 1
            else:
                counts[here.value] += 1
        for name, seen in _EVENT_COUNTS.items():
            counts[name] += len(frozenset().union(*(a.seen.get(seen, ()) for a in tried)))
    return Totals(
        audience=manifest.count, sent=counts["sent"], suppressed=dict(reasons), failed=counts["failed"],
        unknown=counts["unknown"], pending=counts["open"], **{name: counts[name] for name in _EVENT_COUNTS},
    )


def _why(attempts: Sequence[Attempt], ordinal: int) -> str:
    marks = [a.marks[ordinal] for a in attempts if a.marks[ordinal] in _SKIP_OF]
    return _SKIP_OF[marks[-1]].value


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceState:
    """How far a slice is. ``turn`` grows with every advance: of two workers one may move it.

    Every batch before ``cursor`` was looked at and left nothing to retry. ``unknown_run`` counts
    the unknown batches in a row up to there. ``touched_at`` is when somebody last moved or queued
    the slice, under the campaign's ``epoch``; None for a slice that nobody has touched. ``totals``
    are as of ``counted_at``.
    """

    key: SliceKey
    turn: int = 0
    epoch: int = 0
    cursor: int = 0
    done: bool = False
    unknown_run: int = 0
    touched_at: datetime | None = None
    totals: Totals = field(default_factory=Totals)
    counted_at: datetime | None = None


def settled(manifest: Manifest, attempts: Iterable[Attempt], now: datetime) -> bool:
    """Whether a slice has nothing left to do: no window open, none retryable, none in flight."""
    batches = by_batch(attempts)
    for batch in range(manifest.batches):
        tried = batches.get(batch, [])
        if not tried or tried[-1].in_flight(now) or retryable(tried, manifest.size_of(batch)):
            return False
    return True


def first_open(manifest: Manifest, attempts: Iterable[Attempt]) -> int:
    """The first batch that may be attempted (again); the number of batches where none may."""
    batches = by_batch(attempts)
    for batch in range(manifest.batches):
        if retryable(batches.get(batch, []), manifest.size_of(batch)):
            return batch
    return manifest.batches


def fate(attempt: Attempt) -> bool | None:
    """Whether a batch went unknown: True if SES told of nobody, False if it told of somebody.

    None where SES was not asked (nobody was addressed). Five unknown batches in a row hold a campaign.
    """
    told = [status_in(attempt, ordinal) for ordinal in attempt.addressed()]
    if not told:
        return None
    return Status.UNKNOWN in told and Status.SENT not in told


RESEND_MARGIN = timedelta(minutes=5)
"""How long after a claim's deadline a person may have its unknown recipients mailed again."""


def may_release(attempt: Attempt, now: datetime) -> bool:
    """Whether unknown recipients may be released: the claiming process is dead for certain."""
    return now >= attempt.deadline + RESEND_MARGIN


# The message tag: ``<partner>-<campaign>-<mailing>-<variant>-<slice>-<batch>-<attempt>-<ordinal>``.
# It is one tag, because SES does not say whether tags of an entry replace those of the call.

TAG = "message"


class MessageRef(NamedTuple):
    """Which message of which attempt an SES event speaks of."""

    partner: PartnerId
    key: BatchKey
    ordinal: int


def tag_of(partner: PartnerId, key: BatchKey) -> str:
    """The value of the tag up to the ordinal, which the caller appends (hot path)."""
    (run, number), batch, attempt = key
    return f"{partner}-{run.campaign}-{run.mailing}-{run.variant}-{number}-{batch}-{attempt}-"


def read_tag(value: str) -> MessageRef:
    """Read a tag back; raises ValueError for whatever :func:`tag_of` did not write."""
    parts = value.split("-")
    if len(parts) != 8 or not is_id(parts[0], "prt") or not is_id(parts[1], "cmp"):
        raise ValueError("not a tag of ours")
    mailing, variant, number, batch, attempt, ordinal = (_number(part) for part in parts[2:])
    if number >= MAX_SLICES or batch >= MAX_BATCHES or ordinal >= MAX_WINDOW or 0 in (mailing, variant, attempt):
        raise ValueError("a number in the tag is out of range")
    run = Run(CampaignId(parts[1]), mailing, variant)
    return MessageRef(PartnerId(parts[0]), BatchKey(SliceKey(run, number), batch, attempt), ordinal)


def _number(text: str) -> int:
    """A number as we write it: ASCII digits, no sign, no leading zero."""
    if not text.isascii() or not text.isdigit() or len(text) > 6 or (len(text) > 1 and text[0] == "0"):
        raise ValueError("not a number of ours")
    return int(text)
