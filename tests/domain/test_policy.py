"""Approval routes: the schema, which lane is taken, and the way to a faster one."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from chalicelib import texts
from chalicelib.domain import policy
from chalicelib.domain.policy import ONE_REVIEWER, Submission

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "lanes.md"
EXAMPLES = re.findall(r"```yaml\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
EXAMPLE = EXAMPLES[0]
POLICY = policy.read(EXAMPLE)
GOOD = Submission(risk="low", template_days=20, approved=3, declined=0, auto_week=1, audience=1200)


@pytest.mark.parametrize("text", EXAMPLES)
def test_the_examples_of_the_document_are_policies(text: str) -> None:
    """Every example in docs/lanes.md can be published as it stands."""
    assert policy.problems_of(text) == ()


@pytest.mark.parametrize(("changed", "lane"), [
    ({}, "auto"), ({"risk": "none"}, "auto"), ({"risk": "medium"}, "one"), ({"risk": "high"}, "two"),
    ({"warnings": 1}, "one"), ({"undecidable": 1}, "one"), ({"exceptions": ("LEG005",)}, "one"),
    ({"exceptions": ("BRD009",)}, "two"),
    ({"fired": ("LEG004",), "warnings": 1}, "two"), ({"template_days": 13}, "one"),
    ({"approved": 2}, "one"), ({"declined": 1}, "one"), ({"audience": 5000}, "auto"), ({"audience": 5001}, "one"),
    ({"audience": 50_000}, "one"), ({"audience": 50_001}, "two"), ({"auto_week": 2}, "one"),
    # What is not known never permits and always demands.
    ({"risk": None}, "two"), ({"approved": None}, "one"), ({"audience": None}, "two"), ({"warnings": None}, "one"),
    ({"risk": "odd"}, "two"),
])
def test_the_route(changed: dict[str, object], lane: str) -> None:
    """The first permitted lane no easier than the strictest demanded one; the unknown goes to people."""
    assert POLICY.choose(replace(GOOD, **changed)).name == lane  # type: ignore[arg-type]


def test_nothing_published_asks_one_person() -> None:
    """An org without routes has one reviewer decide on everything."""
    assert ONE_REVIEWER.choose(GOOD).chain == "brand-manager"


def test_fast_lanes_only_predict_at_first() -> None:
    """Until HQ has seen fifty decisions, and for the drawn ones after that, people decide."""
    assert POLICY.taken(GOOD, decided=49).name == "one"
    assert POLICY.taken(GOOD, decided=50).name == "auto"
    assert POLICY.taken(GOOD, decided=50, sampled=True).name == "one"
    assert POLICY.taken(replace(GOOD, risk="high"), decided=0).name == "two"
    only = policy.read(EXAMPLES[1])
    assert not only.taken(GOOD, decided=0).asks_nobody


def test_an_error_goes_to_people() -> None:
    """Facts of the wrong kind never open a lane."""
    broken = replace(GOOD, audience="many")  # type: ignore[arg-type]
    assert not POLICY.choose(broken).asks_nobody
    kept = {**GOOD.public(1200), "fired": 3, "exceptions": 7}
    assert POLICY.choose(policy.from_public(kept)) == POLICY.default
    fast = policy.read(EXAMPLE.replace("default: two", "default: one"))
    assert fast.choose(policy.from_public(kept)).name == "one"


@pytest.mark.parametrize(("changed", "changes"), [
    ({"risk": "medium"}, ("risk",)), ({"warnings": 2, "audience": 6000}, ("audience", "warnings")),
    ({"risk": "high"}, ("risk",)),
])
def test_the_smallest_change(changed: dict[str, object], changes: tuple[str, ...]) -> None:
    """The partner learns what to change, and each condition with its actual and its wanted value."""
    found = policy.explain(POLICY, replace(GOOD, **changed))  # type: ignore[arg-type]
    assert found.faster is not None
    assert found.changes == changes
    assert {check.fact for check in found.checks if check.holds is not True} == set(changes)


def test_following_the_change_takes_the_faster_lane() -> None:
    """What is promised holds: with the named facts put right the faster lane is taken."""
    for changed in ({"risk": "medium"}, {"risk": "high"}, {"warnings": 3}):
        facts = replace(GOOD, **changed)
        found = policy.explain(POLICY, facts)
        better = replace(facts, **{fact: getattr(GOOD, fact) for fact in found.changes})
        assert found.faster
        assert POLICY.lanes.index(POLICY.choose(better)) <= POLICY.lanes.index(found.faster)


def test_the_nearer_of_two_faster_lanes_is_offered() -> None:
    """Of two lanes that want the same fact changed, the one that wants less: no high risk, before no medium one."""
    found = policy.explain(POLICY, replace(GOOD, risk="high"))
    assert found.faster is not None and found.faster.name == "one"
    assert POLICY.choose(replace(GOOD, risk="medium")) == found.faster
    assert policy.explain(POLICY, replace(GOOD, risk="medium")).faster == POLICY.lanes[0]


def test_no_promise_where_no_edit_helps() -> None:
    """A partner without a record is told the conditions, but no change that would not help."""
    found = policy.explain(POLICY, replace(GOOD, approved=0))
    assert found.faster is None
    assert found.changes == ()
    assert any(check.fact == "approved" and check.holds is False for check in found.checks)


def test_the_fastest_has_nothing_to_gain() -> None:
    """Who is on the fastest lane is told nothing."""
    assert policy.explain(POLICY, GOOD).checks == ()


@pytest.mark.parametrize(("text", "code"), [
    ("lanes: []\ndefault: x", "yaml.missing"), ("lanes: [{name: a, requires: {chain: brand-manger}}]", "yaml.choice"),
    ("lanes: [{name: a, requires: {reviewers: 0}}]\ndefault: a", "lanes.open"),
    ("lanes: [{name: a, if: {audience: {at_most: 1}}, requires: {reviewers: 0}}]\ndefault: a", "lanes.default"),
    ("lanes: [{name: a, if: {audience: {}}, requires: {reviewers: 1}}]\ndefault: a", "lanes.bound"),
    ("lanes: [{name: a, if: {audience: {atmost: 1}}, requires: {reviewers: 1}}]\ndefault: a", "yaml.unknown"),
    ("lanes: [{name: a, if: {changed_regions_risk: {at_most: tiny}}, requires: {reviewers: 1}}]\ndefault: a",
     "yaml.choice"),
    ("lanes: [{name: a, if_any: [{rules_fired: [BRD999]}], requires: {reviewers: 1}}]\ndefault: a", "lanes.rule"),
    ("lanes: [{name: a, if: {audience: 3}, requires: {reviewers: 1}}, {name: a, requires: {reviewers: 1}}]\n"
     "default: a", "lanes.doubled"),
    ("lanes: [{name: a, audit_sample: 2, requires: {reviewers: 1}}]\ndefault: a", "yaml.number"),
    ("lanes: [{name: a, if: {eval: x}, requires: {reviewers: 1}}]\ndefault: a", "yaml.unknown"),
    ("waivers: {max_days: 400}\nlanes: [{name: a, requires: {reviewers: 1}}]\ndefault: a", "yaml.number"),
])
def test_bad_policies(text: str, code: str) -> None:
    """Each fault has its code and a sentence with its line."""
    problems = policy.problems_of(text)
    assert code in [p.code for p in problems]
    assert all("…" not in texts.sentence(p) for p in problems)


def test_everything_at_once() -> None:
    """One reading finds all faults, with the nearest known word."""
    found = policy.problems_of("lanes:\n - {name: a, if: {audiense: {at_most: 3}}, requires: {chain: brand-manger}}\n"
                               "shadow: {first: 3}\ndefalt: a\n")
    said = " ".join(texts.sentence(p) for p in found)
    for word in ("Did you mean “audience”", "Did you mean “brand-manager”", "Did you mean “default”"):
        assert word in said


def test_kept_facts_come_back() -> None:
    """What a simulation reads is what was kept, with the bracket's bound for the number of customers."""
    kept = replace(GOOD, fired=("LEG004",)).public(5000)
    assert kept["audience"] == 5000
    assert policy.from_public(kept) == replace(GOOD, fired=("LEG004",), audience=5000)
    assert policy.from_public({}).audience is None
