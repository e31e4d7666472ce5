"""What became of an audience in numbers, folded from manifests and attempts so that they cannot drift."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime

from chalicelib.domain.ledger import Attempt, Seen, Status, by_batch, reason_of, status
from chalicelib.domain.manifest import Manifest, SliceKey
from chalicelib.domain.record import dataclass


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
    facts: int = field(default=0, compare=False)
    """How much of the ledger was known when this was counted: it only grows, so more of it is the later count."""

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
    "delivered", "bounced", "complained", "opened", "clicked", "facts",
)
_EVENT_COUNTS = {
    "delivered": Seen.DELIVERED, "bounced": Seen.BOUNCED, "complained": Seen.COMPLAINED,
    "opened": Seen.OPENED, "clicked": Seen.CLICKED,
}


def tally(manifest: Manifest, attempts: Sequence[Attempt]) -> Totals:
    """Fold a slice's attempts into its totals; what is open counts as pending."""
    batches = by_batch(attempts)
    counts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for batch in range(manifest.batches):
        tried = batches.get(batch, [])
        for ordinal in range(manifest.size_of(batch)):
            here = status(tried, ordinal)
            if here is Status.SUPPRESSED:
                reasons[reason_of(tried, ordinal)] += 1
            else:
                counts[here.value] += 1
        for name, seen in _EVENT_COUNTS.items():
            counts[name] += len(frozenset().union(*(a.seen.get(seen, ()) for a in tried)))
    return Totals(
        audience=manifest.count, sent=counts["sent"], suppressed=dict(reasons), failed=counts["failed"],
        unknown=counts["unknown"], pending=counts["open"], **{name: counts[name] for name in _EVENT_COUNTS},
        facts=sum(_facts(attempt) for attempt in attempts),
    )


def _facts(attempt: Attempt) -> int:
    """Every write to an attempt adds to it, and none takes anything away."""
    told = sum(len(ordinals) for ordinals in attempt.seen.values())
    return 1 + (attempt.answered is not None) + len(attempt.released) + told


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
