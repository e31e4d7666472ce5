"""Where a partner's objects lie in the blob store."""

from __future__ import annotations

from chalicelib.domain.ids import PartnerId


def content_key(partner: PartnerId, sha256: str) -> str:
    """The encoded content of a revision, under its own hash."""
    return f"P/{partner}/content/{sha256}.json"
