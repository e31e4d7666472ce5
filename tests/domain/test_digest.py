"""The two digests: any changed field changes one of them, and nothing else does."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain import digest
from chalicelib.domain.campaign import Digests, FindingRecord, OnLapse, Revision
from chalicelib.domain.ids import CampaignId, PersonId, TemplateId
from chalicelib.domain.schedule import SendTime

START = SendTime(
    local="2026-12-01T09:00", zone="Europe/Berlin", fold=0, at=datetime(2026, 12, 1, 8, tzinfo=UTC), tzdata="2026f",
)
REVISION = Revision(
    campaign=CampaignId("cmp_1"), number=1, template=TemplateId("tpl_1"), template_version=3, language="en",
    subject="Spring", preheader="Soon", values={"headline": "Hello"}, content="a" * 64, locked_sha256="b" * 64,
    merge_fields=(("first_name", "there"),), assets=("x.png",), bracket="51-250", start=START,
    on_lapse=OnLapse.EXPIRE, sender_address="news@dealer.example", sender_name="Dealer", reply_to="hi@dealer.example",
    entity_version=1, imprint_sha256="c" * 64, headers=(("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),),
    message_class="marketing", digests=Digests(partner="", frame=""), submitted_by=PersonId("prs_1"),
    submitted_at=datetime(2026, 11, 22, tzinfo=UTC),
)
PARTNER: dict[str, Any] = {
    "subject": "Autumn", "preheader": "", "values": {"headline": "Hello!"}, "merge_fields": (), "assets": (),
    "audience_rule": "segment", "bracket": "251-1000", "on_lapse": OnLapse.NEXT_SLOT, "sender_address": "a@b.example",
    "sender_name": "D", "reply_to": "", "start": replace(START, at=START.at + timedelta(milliseconds=1)),
}
FRAME: dict[str, Any] = {
    "template": TemplateId("tpl_2"), "template_version": 4, "language": "de", "content": "d" * 64,
    "locked_sha256": "e" * 64, "entity_version": 2, "imprint_sha256": "f" * 64, "headers": (),
    "message_class": "service",
}
BOTH: dict[str, Any] = {"campaign": CampaignId("cmp_2"), "number": 2}
NEITHER: dict[str, Any] = {
    "digests": Digests(partner="x", frame="y"), "findings": (FindingRecord(code="A", severity="warn", state="fail"),),
    "submitted_by": PersonId("prs_2"), "submitted_at": datetime(2027, 1, 1, tzinfo=UTC), "note": "please",
}


def test_every_field_is_accounted_for() -> None:
    """A field added to a revision must be put into a digest or declared as not approved."""
    named = set(PARTNER) | set(FRAME) | set(BOTH) | set(NEITHER)
    assert named == {f.name for f in dataclasses.fields(Revision)}


@pytest.mark.parametrize(("field", "partner", "frame"), [
    *((f, True, False) for f in PARTNER), *((f, False, True) for f in FRAME),
    *((f, True, True) for f in BOTH), *((f, False, False) for f in NEITHER),
])
def test_flipped_field(field: str, partner: bool, frame: bool) -> None:
    """Changing a field changes the digest that covers it, and only that."""
    before = digest.of(REVISION)
    after = digest.of(replace(REVISION, **{field: {**PARTNER, **FRAME, **BOTH, **NEITHER}[field]}))
    assert (before.partner != after.partner, before.frame != after.frame) == (partner, frame)


@pytest.mark.parametrize("field", ["local", "zone", "fold", "tzdata"])
def test_every_part_of_the_time_counts(field: str) -> None:
    """The start is approved as a local time, zone, fold, instant and tzdata, each of them."""
    change: dict[str, Any] = {field: 1 if field == "fold" else "other"}
    other = replace(START, **change)
    assert digest.of(replace(REVISION, start=other)).partner != digest.of(REVISION).partner


def test_digests_are_stable() -> None:
    """A golden value: a digest that changes by itself would void every approval in flight."""
    assert digest.of(REVISION).partner == "5d184693b73b95293c0a1e22dfb13a3a7b4102e136107eb2c1b3a4d072d2a633"
    assert digest.of(REVISION).frame == "4284d0325978a9bf061fabbc1c4ed1b8d5a29d09b50658352665b5d2e0450819"


def test_values_do_not_depend_on_order() -> None:
    """The order in which fields were typed is not part of what is approved."""
    one = replace(REVISION, values={"a": "1", "b": "2"})
    two = replace(REVISION, values={"b": "2", "a": "1"})
    assert digest.of(one) == digest.of(two)
