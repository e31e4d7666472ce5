"""Chains and lanes as data: who is asked, when a stage is complete, and the easiest lane that fits."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from chalicelib.domain.campaign import Ask, Verdict
from chalicelib.domain.chain import Stage, eligible, must_not_decide_own, one_person, stage_passed
from chalicelib.domain.errors import Conflict
from chalicelib.domain.ids import CampaignId, PersonId
from chalicelib.domain.policy import ONE_REVIEWER, Condition, Lane, Policy, Submission

ANNA, BEN, CARA = (PersonId(f"prs_{n}") for n in ("anna", "ben", "cara"))


def ask(person: PersonId, verdict: Verdict | None) -> Ask:
    return Ask(
        campaign=CampaignId("cmp_1"), revision=1, stage=0, person=person, person_name=person,
        asked_at=datetime(2026, 11, 22, tzinfo=UTC), verdict=verdict,
    )


def test_one_approval_completes_one_person() -> None:
    """Of two reviewers who are asked, one is enough, whoever it is."""
    (stage,) = one_person([ANNA, BEN]).stages
    assert not stage_passed(stage, [ask(ANNA, None), ask(BEN, None)])
    assert stage_passed(stage, [ask(ANNA, None), ask(BEN, Verdict.APPROVE)])


def test_the_same_person_counts_once() -> None:
    """Two approvals of one person are one; a stranger's counts nothing; a refusal is no approval."""
    stage = Stage(name="two", reviewers=(ANNA, BEN), need=2)
    assert not stage_passed(stage, [ask(ANNA, Verdict.APPROVE), ask(ANNA, Verdict.APPROVE)])
    assert not stage_passed(stage, [ask(ANNA, Verdict.APPROVE), ask(CARA, Verdict.APPROVE)])
    assert not stage_passed(stage, [ask(ANNA, Verdict.APPROVE), ask(BEN, Verdict.DECLINE)])
    assert stage_passed(stage, [ask(ANNA, Verdict.APPROVE), ask(BEN, Verdict.APPROVE)])


def test_nobody_decides_their_own() -> None:
    """Who made or submitted a campaign is neither asked nor let through."""
    stage = Stage(name="brand", reviewers=(ANNA, BEN, CARA))
    assert eligible(stage, ANNA, BEN) == (CARA,)
    for own in (ANNA, BEN):
        with pytest.raises(Conflict, match=r"review\.own_campaign"):
            must_not_decide_own(own, ANNA, BEN)
    must_not_decide_own(CARA, ANNA, BEN)


def test_the_first_policy_asks_one_person() -> None:
    """A new org has one route, and it asks a brand manager whatever the submission is like."""
    lane = ONE_REVIEWER.choose(Submission(audience=1))
    assert (lane.name, lane.chain) == ("one", "brand-manager")


def test_a_lane_takes_what_is_within_all_its_bounds() -> None:
    """One bound that is passed is enough to fall to the default, which asks people."""
    bounds = tuple(
        Condition(path=fact, fact=fact, comparison="at_most", bound=bound)
        for fact, bound in (("audience", 100), ("warnings", 0), ("undecidable", 0))
    )
    easy = Lane(name="auto", permits=bounds)
    policy = Policy(version=2, lanes=(easy,), default=ONE_REVIEWER.default)
    fine = Submission(audience=100)
    assert policy.choose(fine) is easy
    for bad in (replace(fine, warnings=1), replace(fine, undecidable=1), replace(fine, audience=101)):
        assert policy.choose(bad) is policy.default
