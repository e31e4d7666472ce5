"""A release as a value: what its fingerprint covers, who approves it, and when versions end."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain import release as rules
from chalicelib.domain.errors import Conflict
from chalicelib.domain.frame import former
from chalicelib.domain.ids import OrgId, PersonId, TemplateId
from chalicelib.domain.release import Move, Old, Phase, Release, Retired, Touched, Treatment
from chalicelib.domain.scope import Scope

NOW = datetime(2026, 3, 2, tzinfo=UTC)
ONE, TWO = PersonId("prs_" + "1" * 26), PersonId("prs_" + "2" * 26)
TEMPLATE = TemplateId("tpl_" + "1" * 26)
MOVE = Move(template=TEMPLATE, name="T", language="en", base=1, number=2, sha256="a" * 64, stamped=True)
RELEASE = Release(
    id="rel_" + "1" * 26, scope=Scope(OrgId("org_" + "1" * 26)), title="New", note="n", kit="brand: x\n", kit_number=2,
    pairs=(("old", "new"),), moves=(MOVE,), programme="", until=NOW, prepared_by=ONE, prepared_name="One",
    prepared_at=NOW,
)


@pytest.mark.parametrize("change", [
    {"title": "Other"}, {"note": "m"}, {"kit": "brand: y\n"}, {"kit_number": 3}, {"pairs": (("old", "newer"),)},
    {"moves": (replace(MOVE, number=3),)}, {"moves": (replace(MOVE, base=0),)}, {"moves": ()},
    {"moves": (replace(MOVE, sha256="b" * 64),)}, {"moves": (replace(MOVE, stamped=False),)},
    {"programme": "prg_1"}, {"treatment": Treatment.ASK}, {"old": Old.WITHDRAWN}, {"until": None},
    {"scope": Scope(OrgId("org_" + "1" * 26), market="de")}, {"id": "rel_" + "2" * 26},
])
def test_the_fingerprint_covers_all_that_is_approved(change: dict[str, object]) -> None:
    """Nothing that a release does can change without it."""
    assert replace(RELEASE, **change).fingerprint != RELEASE.fingerprint  # type: ignore[arg-type]


def test_the_fingerprint_leaves_out_what_is_only_told() -> None:
    """Counting anew, or a name that changed, asks nobody to approve again."""
    assert replace(RELEASE, touched=Touched(partners=9), prepared_name="Uno", version=7).fingerprint == (
        RELEASE.fingerprint)


def test_a_second_person_approves() -> None:
    """The same person never does; nor is what was not shown approved; nor twice."""
    after = rules.approved(RELEASE, TWO, "Two", NOW, shown=RELEASE.fingerprint)
    assert (after.phase, after.decided_by, after.version) == (Phase.APPLYING, TWO, 2)
    for by, shown, code in ((ONE, RELEASE.fingerprint, "release.own"), (TWO, "x", "release.changed")):
        with pytest.raises(Conflict, match=code):
            rules.approved(RELEASE, by, "x", NOW, shown=shown)
    for phase in (Phase.APPLYING, Phase.DONE, Phase.WITHDRAWN):
        with pytest.raises(Conflict, match=r"release\.not_now"):
            rules.approved(replace(RELEASE, phase=phase), TWO, "Two", NOW, shown=RELEASE.fingerprint)
        with pytest.raises(Conflict, match=r"release\.not_now"):
            rules.withdrawn(replace(RELEASE, phase=phase), TWO, "Two", NOW)


@pytest.mark.parametrize(("old", "end"), [
    (Old.KEEP, None), (Old.UNTIL, NOW), (Old.WITHDRAWN, NOW + timedelta(hours=1)),
])
def test_when_the_old_versions_end(old: Old, end: datetime | None) -> None:
    """Never, at the end of the chosen day, or with the approval."""
    assert replace(RELEASE, old=old, decided_at=NOW + timedelta(hours=1)).last_day == end


def test_the_earliest_end_counts() -> None:
    """A version that ended stays ended, whatever a later release says of newer ones."""
    ends = [Retired(template=TEMPLATE, below=2, until=NOW, release="a"),
            Retired(template=TEMPLATE, below=4, until=NOW + timedelta(days=9), release="b")]
    assert rules.last_moment(ends, TEMPLATE, 1) == NOW
    assert rules.last_moment(ends, TEMPLATE, 2) == NOW + timedelta(days=9)
    assert rules.last_moment(ends, TEMPLATE, 4) is None
    assert rules.last_moment(ends, TemplateId("tpl_" + "2" * 26), 1) is None


def test_no_frame_has_no_former_one() -> None:
    """A revision that was never put into another frame is led to by its own digest alone."""
    assert former((), 1) == frozenset()
