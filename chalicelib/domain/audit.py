"""The audit trail: numbered entries per campaign, each holding the hash of the one before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from datetime import datetime

from chalicelib.domain.ids import CampaignId
from chalicelib.domain.record import dataclass

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """Who did what to a campaign, when; ``hash`` covers every other field and ``previous``."""

    campaign: CampaignId
    sequence: int
    at: datetime
    actor: str
    action: str
    details: Mapping[str, str | int] = field(default_factory=dict)
    previous: str = GENESIS
    hash: str = ""


def seal(entry: AuditEntry) -> str:
    """The SHA-256 (hex) of an entry's canonical JSON, ``hash`` left out."""
    fields = {
        "v": 1, "campaign": entry.campaign, "sequence": entry.sequence,
        "at": entry.at.isoformat(timespec="milliseconds"), "actor": entry.actor,
        "action": entry.action, "details": dict(entry.details), "previous": entry.previous,
    }
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def extend(
    last_sequence: int, last_hash: str, *, campaign: CampaignId, at: datetime, actor: str, action: str,
    details: Mapping[str, str | int] | None = None,
) -> AuditEntry:
    """Make the entry that follows number ``last_sequence`` (0 and "": the first of its campaign)."""
    bare = AuditEntry(
        campaign=campaign, sequence=last_sequence + 1, at=at, actor=actor, action=action,
        details=dict(details or {}), previous=last_hash or GENESIS,
    )
    return replace(bare, hash=seal(bare))


def first_break(entries: Iterable[AuditEntry]) -> int | None:
    """The sequence number at which a trail stops being whole, or None if it is whole."""
    previous = GENESIS
    expected = 1
    for entry in entries:
        if entry.sequence != expected or entry.previous != previous or entry.hash != seal(entry):
            return expected
        previous, expected = entry.hash, expected + 1
    return None
