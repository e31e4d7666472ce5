"""The audit trail: hash-chained, every tampering found."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain import audit
from chalicelib.domain.ids import CampaignId

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)


def trail(length: int = 5) -> list[audit.AuditEntry]:
    entries: list[audit.AuditEntry] = []
    for n in range(length):
        last = entries[-1] if entries else None
        entries.append(audit.extend(
            last.sequence if last else 0, last.hash if last else "", campaign=CampaignId("cmp_1"),
            at=NOW + timedelta(minutes=n), actor="prs_1", action="save", details={"n": n},
        ))
    return entries


def test_whole_trail() -> None:
    """A trail as written has no break."""
    assert audit.first_break(trail()) is None
    assert audit.first_break([]) is None


@pytest.mark.parametrize("change", [
    {"actor": "prs_2"}, {"action": "approve"}, {"at": NOW}, {"details": {"n": 9}}, {"sequence": 7},
    {"previous": "0" * 64}, {"hash": "0" * 64}, {"campaign": CampaignId("cmp_2")},
])
def test_any_change_is_found(change: dict[str, Any]) -> None:
    """Changing any field of any entry breaks the chain at that entry."""
    entries = trail()
    entries[2] = replace(entries[2], **change)
    assert audit.first_break(entries) == 3


def test_removed_and_resealed_entries_are_found() -> None:
    """Leaving one out, or sealing a changed one again, breaks what follows."""
    entries = trail()
    assert audit.first_break([*entries[:2], *entries[3:]]) == 3
    forged = replace(entries[2], actor="prs_2")
    entries[2] = replace(forged, hash=audit.seal(forged))
    assert audit.first_break(entries) == 4
