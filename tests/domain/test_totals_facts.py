"""What makes one count of a slice later than another, where no clock can be trusted."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from chalicelib.domain.ids import CampaignId
from chalicelib.domain.ledger import Attempt, Result, Seen
from chalicelib.domain.manifest import BatchKey, Manifest, Run, SliceKey
from chalicelib.domain.totals import tally

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def test_each_write_to_the_ledger_is_a_fact_more() -> None:
    """A claim, its answer, a release and each event: a later look at the ledger always knows more."""
    key = SliceKey(Run(CampaignId("cmp")), 0)
    attempt = Attempt(key=BatchKey(key, 0, 1), marks=bytes(2), claimed_at=NOW, deadline=NOW)
    answered = replace(attempt, answered=(Result.SENT, Result.UNKNOWN))
    released = replace(answered, released=frozenset({1}))
    seen = replace(released, seen={Seen.DELIVERED: frozenset({0}), Seen.OPENED: frozenset({0, 1})})
    again = replace(attempt, key=BatchKey(key, 0, 2))
    manifest = Manifest(key=key, ids=bytes(32), window=50, made_at=NOW)
    steps = [(), (attempt,), (answered,), (released,), (seen,), (seen, again)]
    assert [tally(manifest, step).facts for step in steps] == [0, 1, 2, 3, 6, 7]
