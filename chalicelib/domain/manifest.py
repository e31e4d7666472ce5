"""The frozen audience of a mailing: slices, their manifests, and the windows that are its batches.

An audience is cut into *slices* (fixed ranges of the first byte of a contact's id). The first run
of a slice freezes its *manifest*; batch ``n`` is the ``n``-th window of the manifest, for ever, so
that a claim never names a set of people that could be cut anew.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from chalicelib.domain.ids import CampaignId, ContactId, base32_of
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
    """The frozen audience of a slice: 16-byte ids in order, cut into windows of ``window``.

    ``capped`` has one bit a contact, set for those who had enough campaigns lately (``frequency``);
    empty where nobody had. It is frozen with the audience, so that every attempt judges alike.
    """

    key: SliceKey
    ids: bytes
    window: int
    made_at: datetime
    capped: bytes = b""

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

    def raw(self, index: int) -> bytes:
        """The 16 bytes of a contact's id, by its place in the whole manifest."""
        return self.ids[index * ID_BYTES:(index + 1) * ID_BYTES]

    def is_capped(self, index: int) -> bool:
        """Whether a contact had enough campaigns when the slice was frozen, by its place in the whole manifest."""
        return bool(self.capped and self.capped[index >> 3] >> (index & 7) & 1)

    def _id(self, index: int) -> ContactId:
        return ContactId(base32_of(self.raw(index)))
