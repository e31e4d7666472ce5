"""How the frequency cap (``cap``) is kept: which earlier campaigns count, and whom they reached.

A partner's starts stand in one list, in the order in which they were entered. A campaign yields to
those before it in that list and to none after it: whom an earlier one has mailed, may have mailed or
still may mail counts as reached by it. So of two campaigns that run at the same time exactly one
has a customer, whatever happens to their workers. ``docs/adr`` tells what that rests on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.domain.campaign import Campaign
from chalicelib.domain.cap import MAX_COUNT, MAX_DAYS, Cap
from chalicelib.domain.ledger import Attempt, Mark, Result, Seen, Status, status
from chalicelib.domain.manifest import ID_BYTES, MAX_SLICES, Manifest, Run
from chalicelib.domain.record import dataclass

KEPT = timedelta(days=2 * MAX_DAYS)
"""A start older than that is taken off the list when another one is entered."""
MAX_STARTS = 1_000
"""The list's length: an item of 90 KB. A partner would have to start eleven campaigns a day for 90 days."""
SAME_START = timedelta(minutes=15)
"""A start that is entered again within this time keeps its place: no function runs longer, so that a
doubled message cannot move a campaign behind others that have already yielded to it."""
IN_FLIGHT = timedelta(minutes=31)
"""So long after it was entered a start may still come true: twice the life of a function, and a little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A marketing campaign that went out or is about to.

    ``ended_at`` and ``reached`` (an upper bound: all but those who were suppressed) are None until it
    is finished; one that was cancelled never has them.
    """

    run: Run
    at: datetime
    slices: int
    ended_at: datetime | None = None
    reached: int | None = None


Starts = tuple[Started, ...]


def entered(starts: Starts, new: Started) -> Starts:
    """The list with a start at its end; one that was entered a moment ago stays where it is."""
    stands = next((one for one in starts if one.run == new.run), None)
    if stands is not None and new.at - stands.at < SAME_START:
        return starts
    kept = [one for one in starts if one.run != new.run and (one.ended_at or one.at) > new.at - KEPT]
    return (*kept, new)[-MAX_STARTS:]


def ended(starts: Starts, run: Run, at: datetime, reached: int) -> Starts:
    """The list with one of them finished; the first end stands."""
    return tuple(
        replace(one, ended_at=at, reached=reached) if one.run == run and one.ended_at is None else one
        for one in starts
    )


def before(starts: Starts, run: Run, at: datetime) -> Starts:
    """Those to which a run yields; a run that was never entered yields to whatever began no later than ``at``."""
    place = next((number for number, one in enumerate(starts) if one.run == run), None)
    return starts[:place] if place is not None else tuple(one for one in starts if one.at <= at)


def goes_on(start: Started, campaign: Campaign, now: datetime) -> bool:
    """Whether a campaign may still mail people under this start: whoever is open in it counts as reached."""
    return not campaign.state.final and (campaign.started_at is not None or now - start.at < IN_FLIGHT)


def overlapping(slices: int, first_bytes: range) -> range:
    """The slices of a run of so many that share first bytes with another run's slice."""
    width = MAX_SLICES // slices
    return range(first_bytes.start // width, (first_bytes.stop - 1) // width + 1)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a cap will mean for a campaign that starts at some time, as far as can be told before.

    ``campaigns`` of the partner count then; ``at_most`` is how many customers can have had enough
    by them, None where that cannot be told because some of them are not finished.
    """

    cap: Cap
    campaigns: int
    at_most: int | None


def outlook(cap: Cap, starts: Starts, at: datetime) -> Outlook:
    """From the list alone: whoever had enough was reached ``cap.count`` times, so the sum bounds their number."""
    counted = [one for one in starts if one.ended_at is None or one.ended_at > at - cap.span]
    if len(counted) < cap.count:
        return Outlook(cap, len(counted), 0)
    known = [one.reached for one in counted if one.reached is not None]
    return Outlook(cap, len(counted), sum(known) // cap.count if len(known) == len(counted) else None)


class Tallied:
    """How often each contact of a slice was reached by earlier campaigns; one byte a contact."""

    def __init__(self, ids: bytes) -> None:
        self._place = {ids[i:i + ID_BYTES]: i // ID_BYTES for i in range(0, len(ids), ID_BYTES)}
        self._times = bytearray(len(self._place))

    def add(self, reached: Iterable[bytes]) -> None:
        """Another campaign reached these; who is not of the slice is passed over."""
        for contact in reached:
            place = self._place.get(contact)
            if place is not None and self._times[place] < MAX_COUNT:
                self._times[place] += 1

    def within(self, first_bytes: range) -> Iterator[bytes]:
        """The slice's own contacts of some partitions: whom a campaign without a manifest may yet reach."""
        return (contact for contact in self._place if contact[0] in first_bytes)

    def bits(self, cap: Cap) -> bytes:
        """One bit a contact, set for whoever had enough; nothing where nobody had."""
        bits = bytearray(-(-len(self._times) // 8))
        for place, times in enumerate(self._times):
            if times >= cap.count:
                bits[place >> 3] |= 1 << (place & 7)
        return bytes(bits) if any(bits) else b""


def reached(manifest: Manifest, batches: Mapping[int, Sequence[Attempt]], *, open_too: bool) -> Iterator[bytes]:
    """The ids of those whom a slice's mails reached or may have; ``open_too``: or still may."""
    for batch in range(manifest.batches):
        tried = batches.get(batch, ())
        start, size = batch * manifest.window, manifest.size_of(batch)
        everybody = len(tried) == 1 and _all_sent(tried[0])
        for ordinal in range(size):
            if everybody or _counts(manifest, start + ordinal, tried, ordinal, open_too):
                yield manifest.raw(start + ordinal)


def _all_sent(attempt: Attempt) -> bool:
    """Whether one look tells that the whole window was sent to, which is the usual case (hot path)."""
    said = attempt.answered
    if said is None or said.count(Result.SENT) < len(said) or Seen.REJECTED in attempt.seen:
        return False
    return attempt.marks.count(Mark.ADDRESSED) == len(attempt.marks)


def _counts(
    manifest: Manifest, index: int, tried: Sequence[Attempt], ordinal: int, open_too: bool,
) -> bool:
    here = status(tried, ordinal)
    if here is Status.OPEN:
        # Whoever has had enough in that campaign too will not be mailed by it.
        return open_too and not manifest.is_capped(index)
    return here in (Status.SENT, Status.UNKNOWN)
