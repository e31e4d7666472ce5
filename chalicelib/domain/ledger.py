"""The ledger of a mailing: attempts of batches, and where each leaves its recipients.

An *attempt* of a batch (see ``manifest``) is one small item: who was addressed and why others were
not, what SES answered, and what its events said later. Everything else is read from these: who is
settled, who may be tried again, and every number that people see (``totals``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum

from chalicelib.domain.audience import Skip
from chalicelib.domain.manifest import BatchKey, Manifest
from chalicelib.domain.record import dataclass


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


def reason_of(attempts: Sequence[Attempt], ordinal: int) -> str:
    """Why a recipient who is suppressed was not mailed, as the last attempt says."""
    marks = [a.marks[ordinal] for a in attempts if a.marks[ordinal] in _SKIP_OF]
    return _SKIP_OF[marks[-1]].value


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


def waiting(attempts: Sequence[Attempt], size: int) -> tuple[int, ...]:
    """The ordinals that a person has released and that nobody has tried since."""
    return tuple(i for i in retryable(attempts, size) if attempts and status(attempts, i) is Status.UNKNOWN)


def by_batch(attempts: Iterable[Attempt]) -> dict[int, list[Attempt]]:
    """Attempts by batch, each list in the order of attempts."""
    batches: dict[int, list[Attempt]] = {}
    for attempt in sorted(attempts, key=lambda a: a.key):
        batches.setdefault(attempt.key.batch, []).append(attempt)
    return batches


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
