"""A partner's track record: each campaign once, within a year, bounded, and never better known than it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain import track
from chalicelib.domain.campaign import Campaign, State
from chalicelib.domain.ids import CampaignId, OrgId, PartnerId, PersonId, ProgrammeId
from chalicelib.domain.track import MAX_DECIDED, Counts, Decided, Track
from tests.fakes.system import START

FAST = {"auto"}
DAY = timedelta(days=1)


def campaign(number: int, state: State = State.DRAFT, *, lane: str = "people", days: float | None = None) -> Campaign:
    """A campaign that was approved so many days after the start, if it was."""
    return Campaign(
        id=CampaignId(f"cmp_{number:026d}"), org=OrgId("org"), partner=PartnerId("prt"), programme=ProgrammeId("prg"),
        name="Spring", created_by=PersonId("prs"), state=state, lane=lane,
        approved_at=None if days is None else START + days * DAY, updated_at=START + (days or 0) * DAY,
    )


def test_what_counts() -> None:
    """Approved by people and declined within a year, approved at once within a week, both ends included."""
    found = track.of([
        campaign(1, State.SENT, days=0), campaign(2, State.APPROVED, days=1), campaign(3, State.DECLINED),
        campaign(4, State.APPROVED, lane="auto", days=358), campaign(5, State.APPROVED, lane="auto", days=357.9),
        campaign(6, State.IN_REVIEW), campaign(7, State.DRAFT),
    ], START + 365 * DAY)
    assert found.counts(FAST, START + 365 * DAY) == Counts(approved=2, declined=1, auto_week=1)
    assert found.counts(FAST, START + 365 * DAY + timedelta(seconds=1)) == Counts(approved=1)


@given(st.lists(st.tuples(
    st.integers(1, 6), st.sampled_from(["approve", "auto", "decline", "back", "pass", "again"])), max_size=40))
def test_step_by_step_is_what_counting_all_gives(steps: Sequence[tuple[int, str]]) -> None:
    """Whatever happens in whatever order, and however often it is noted, the record is that of what stands."""
    stands, kept, now = {n: campaign(n) for n in range(1, 7)}, Track(), START
    for number, what in steps:
        now += timedelta(hours=1)
        before = stands[number]
        after = {
            "approve": replace(before, state=State.APPROVED, lane="people", approved_at=now, updated_at=now),
            "auto": replace(before, state=State.APPROVED, lane="auto", approved_at=now, updated_at=now),
            "decline": replace(before, state=State.DECLINED, approved_at=None, updated_at=now),
            "back": replace(before, state=State.DRAFT, approved_at=None, updated_at=now),
            "pass": replace(before, name="other"), "again": before,
        }[what]
        if track.differs(before, after) or what == "again":
            kept = track.noted(track.noted(kept, after, now), after, now)
        elif after.state is State.DECLINED:
            after = before  # a decline is final: nothing declines it again
        stands[number] = after
    assert kept == track.of(stands.values(), now)


def test_steps_that_decide_nothing_differ_in_nothing() -> None:
    """A pause, a start or a notice of what is decided leaves the record alone."""
    approved, declined = campaign(1, State.APPROVED, days=1), campaign(2, State.DECLINED)
    assert not track.differs(approved, replace(approved, state=State.SENDING, updated_at=START + 9 * DAY))
    assert not track.differs(declined, replace(declined, updated_at=START + 9 * DAY))
    assert track.differs(approved, replace(approved, approved_at=None, state=State.IN_REVIEW))
    assert track.differs(campaign(3), campaign(3, State.DECLINED))


def test_a_record_is_bounded_and_says_what_it_does_not_know() -> None:
    """Of more than fit the newest stay, and nothing is counted until those that fell out are a year old."""
    many = [campaign(n, State.SENT, days=n / 10) for n in range(1, MAX_DECIDED + 6)]
    found = track.of(many, START + 30 * DAY)
    assert (len(found.decided), found.decided[0].campaign, found.cut_at) == (
        MAX_DECIDED, many[5].id, START + 0.5 * DAY)
    assert found.counts(FAST, START + 30 * DAY) is None
    later = track.noted(found, campaign(999, State.APPROVED, days=366), START + 366 * DAY)
    assert later.cut_at is None
    assert later.counts(FAST, START + 366 * DAY) == Counts(approved=MAX_DECIDED - 4 + 1)


def test_what_is_older_than_a_year_is_forgotten() -> None:
    """The record does not grow with the years."""
    old, new = Decided(CampaignId("cmp_old"), START, "people"), campaign(1, State.APPROVED, days=400)
    found = track.noted(Track((old,)), new, START + 400 * DAY)
    assert [one.campaign for one in found.decided] == [new.id]
