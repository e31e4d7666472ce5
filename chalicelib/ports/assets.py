"""Images: what is known of them, the uploads they come from, and what makes pictures of files.

``session`` None means head office's own, under the function's role, as with :class:`ports.system.Blobs`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from chalicelib.domain.asset import Asset, Box, Picture, Upload, UploadId, Use
from chalicelib.ports.system import PartnerSession


class Assets(Protocol):
    """The images of one owner, each under the SHA-256 of its bytes."""

    def all(self, session: PartnerSession | None) -> Sequence[Asset]:
        """Every image of the owner, newest first, in one query."""

    def recent(self, session: PartnerSession | None, known: Collection[str] = ()) -> Sequence[Asset]:
        """The same, up to half a minute old, but never without one whose token is in ``known`` and exists."""

    def get(self, session: PartnerSession | None, sha256: str) -> Asset:
        """One image, read consistently; raises NotFound."""

    def add(self, session: PartnerSession | None, asset: Asset) -> Asset:
        """Add an image unless the owner has these bytes already; returns what stands."""

    def change(self, session: PartnerSession | None, asset: Asset, *, expected_version: int) -> None:
        """Replace what is said of an image; raises Conflict ``image.changed``."""

    def note(self, session: PartnerSession | None, sha256: str, use: Use) -> None:
        """Keep (or replace) that a campaign has the image."""

    def uses(self, session: PartnerSession | None, sha256: str) -> Sequence[Use]:
        """The newest hundred campaigns that the image was put into, in one query."""


class Uploads(Protocol):
    """Uploads and cuts on their way; each disappears a week after it began."""

    def begin(self, session: PartnerSession | None, upload: Upload) -> None:
        """Store a new one."""

    def get(self, session: PartnerSession | None, upload: UploadId) -> Upload:
        """One, read consistently; raises NotFound."""

    def settle(self, session: PartnerSession | None, upload: Upload) -> None:
        """Store how one that waits ended; raises Conflict ``image.settled`` where it does not wait any more."""


class Images(Protocol):
    """Makes pictures of files. Needs no session: it sees bytes and returns bytes."""

    def made(self, data: bytes) -> Picture:
        """A clean picture of an uploaded file; raises Refused with what is wrong and what to do about it."""

    def cut(self, data: bytes, box: Box, width: int) -> Picture:
        """A part of one of our own pictures, at most ``width`` pixels wide; raises Refused for an animation."""
