"""Brand kits, exceptions and approval routes at submit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.book import Book
from chalicelib.domain.campaign import Campaign, State, Verdict
from chalicelib.domain.errors import Conflict, Refused
from chalicelib.domain.partner import Partner
from chalicelib.domain.scope import Scope
from chalicelib.domain.waiver import Waiver
from chalicelib.ports.system import PartnerSession
from chalicelib.usecases import exceptions, gate, kits, lanes, submit
from tests.fakes.rules import FakeBooks
from tests.fakes.workflow import FakePartners
from tests.stage import Stage, decide_as_shown, stage

KIT = "banned: {en: [cheapest]}\nimprint: {DE: [name, email]}\n"
FAST = """
lanes:
  - name: auto
    if: {changed_regions_risk: {at_most: medium}, findings: {warn: 0, undecidable: 0, exceptions: 0}}
    requires: {reviewers: 0}
  - name: one
    if: {audience: {at_most: 50000}}
    requires: {reviewers: 1}
  - name: two
    if_any: [{exceptions: [BRD009]}, {rules_fired: [LEG005]}]
    requires: {chain: brand-then-legal}
shadow: {first_decisions: 1}
default: two
"""


def with_kit(source: str = KIT) -> Stage:
    """A stage whose HQ has published a kit."""
    here = stage()
    kits.publish(here.world, here.people["hanna"], scope(here), source, number=1)
    return here


def scope(here: Stage) -> Scope:
    """The org's own."""
    return Scope(here.world.facts.org_id)


def ask(here: Stage, campaign: Campaign, *, fingerprints: tuple[str, ...] = ()) -> Campaign:
    """Submit."""
    return submit.submit(here.world, here.session, here.people["paula"], campaign.id, 2, terms=True, ask=fingerprints)


def test_a_blocking_finding_stops_the_submission() -> None:
    """What the brand bans is not submitted; the partner learns which word and where."""
    here = with_kit()
    with pytest.raises(Refused) as refused:
        ask(here, here.draft(headline="The cheapest bikes"))
    assert [(p.code, p.field, p.params["quote"]) for p in refused.value.problems] == [
        ("compliance.BRD009", "headline", "cheapest")]


class Remembered(FakeBooks):
    """The books of a warm function, which still knows those of half a minute ago."""

    def recent(self) -> Sequence[Book]:
        return ()


def test_what_a_warm_function_remembers_decides_nothing() -> None:
    """A page may show what was true a moment ago; the submission is judged by what HQ has published by then."""
    here = with_kit()
    campaign = here.draft(headline="The cheapest bikes")
    books = Remembered()
    books.books = here.world.books.books
    here.world.books = books
    assert gate.look(here.world, here.session, campaign.id).problems == ()
    with pytest.raises(Refused, match=r"compliance\.BRD009"):
        ask(here, campaign)


def test_an_exception_lets_these_words_pass() -> None:
    """HQ's exception holds for these words until its day; the routes know of it."""
    here = with_kit()
    campaign = here.draft(headline="The cheapest bikes")
    (key, finding), = gate.look(here.world, here.session, campaign.id).waivable
    made = exceptions.grant(
        here.world, here.people["hanna"], here.partner, print_=key, code=finding.code, reason="A quoted book title",
        expires=(here.world.clock.now() + timedelta(days=9)).strftime("%Y-%m-%d"),
    )
    assert exceptions.of(here.world, here.partner) == [made]
    answers = gate.look(here.world, here.session, campaign.id)
    assert answers.problems == ()
    assert answers.route.facts.exceptions == ("BRD009",)
    here.world.clock.advance(days=10)
    assert [p.code for p in gate.look(here.world, here.session, campaign.id).problems][-1] == "compliance.BRD009"


def test_exceptions_of_a_partner() -> None:
    """The same finding again replaces; fifty at most; what ended a year ago is forgotten."""
    here = with_kit()
    world = here.world

    def grant(number: int, reason: str = "A quoted book title", days: int = 30) -> Waiver:
        expires = (world.clock.now() + timedelta(days=days)).strftime("%Y-%m-%d")
        return exceptions.grant(world, here.people["hanna"], here.partner, print_=f"{number:032x}", code="BRD009",
                                reason=reason, expires=expires)

    grant(1)
    again = grant(1, "The title of another book")
    assert exceptions.of(world, here.partner) == [again]
    for number in range(2, exceptions.MAX_EXCEPTIONS + 1):
        grant(number)
    with pytest.raises(Refused, match=r"waiver\.full"):
        grant(99)
    assert grant(1, days=60) in exceptions.of(world, here.partner)
    world.clock.advance(days=31 + 365)
    last = grant(99)
    assert {w.fingerprint for w in exceptions.of(world, here.partner)} == {last.fingerprint, f"{1:032x}"}


class Overtaken(FakePartners):
    """A store in which somebody else renames the partner just before a change is stored, so many times."""

    def __init__(self, before: FakePartners, *, times: int) -> None:
        vars(self).update(vars(before))
        self.times = times

    def save(self, session: PartnerSession, partner: Partner, *, expected_version: int) -> None:
        """Let the other one be faster."""
        if self.times:
            self.times -= 1
            stored = self.home(session).partner
            other = replace(stored, name=f"Name {stored.version + 1}", version=stored.version + 1)
            super().save(session, other, expected_version=stored.version)
        super().save(session, partner, expected_version=expected_version)


def test_an_exception_and_the_partners_own_change_at_once() -> None:
    """Neither is lost: the exception is put on top of what the partner stored a moment before."""
    here = with_kit()
    partners = here.world.partners = Overtaken(here.world.partners, times=2)
    made = exceptions.grant(here.world, here.people["hanna"], here.partner, print_="a" * 32, code="BRD009",
                            reason="A quoted book title", expires="2026-04-01")
    stored = partners.home(here.session).partner
    assert stored.exceptions == (made,)
    assert stored.name == f"Name {stored.version - 1}"


@pytest.mark.parametrize(("code", "reason", "days", "said"), [
    ("SEC001", "it looks harmless to me", 9, "waiver.never"), ("LEG001", "we have no link at all", 9, "waiver.never"),
    ("BRD009", "why not", 9, "waiver.reason"), ("BRD009", "a quoted book title", 181, "waiver.too_long"),
    ("BRD009", "a quoted book title", -1, "waiver.expired"), ("BRD009", "a quoted book title", None, "waiver.expired"),
])
def test_exceptions_that_are_not_granted(code: str, reason: str, days: int | None, said: str) -> None:
    """Safety and the law know none; a reason, and a day within half a year; what cannot be read is over."""
    here = with_kit()
    day = (here.world.clock.now() + timedelta(days=days)).strftime("%Y-%m-%d") if days is not None else "soon"
    with pytest.raises(Refused) as refused:
        exceptions.grant(here.world, here.people["hanna"], here.partner, print_="a" * 32, code=code, reason=reason,
                         expires=day)
    assert [p.code for p in refused.value.problems] == [said]


@pytest.mark.parametrize("print_", ["", "a" * 31, "a" * 33, "A" * 32, "g" * 32, "a" * 31 + "\n"])
def test_an_exception_is_for_a_finding_that_can_be_named(print_: str) -> None:
    """What no finding of ours has as its print is refused, and nothing is stored."""
    here = with_kit()
    day = (here.world.clock.now() + timedelta(days=9)).strftime("%Y-%m-%d")
    with pytest.raises(Refused, match=r"waiver\.finding"):
        exceptions.grant(here.world, here.people["hanna"], here.partner, print_=print_, code="BRD009",
                         reason="A quoted book title", expires=day)
    assert exceptions.of(here.world, here.partner) == []


def test_a_person_is_asked_where_a_rule_guesses() -> None:
    """A footnote sign that is none: the partner asks, the campaign goes to people and never the fast way."""
    here = with_kit()
    lanes.publish(here.world, here.people["hanna"], scope(here), FAST.replace("decisions: 1", "decisions: 0"), number=1)
    campaign = here.draft(headline="Star* of spring")
    (key, _), = gate.look(here.world, here.session, campaign.id).askable
    with pytest.raises(Refused):
        ask(here, campaign)
    after = ask(here, campaign, fingerprints=(key,))
    assert (after.state, after.lane, after.need) == (State.IN_REVIEW, "two", 2)


def test_the_fast_lane_only_predicts_at_first() -> None:
    """The first submission goes to a person; once a decision was seen, the next is approved at once."""
    here = stage()
    lanes.publish(here.world, here.people["hanna"], scope(here), FAST, number=1)
    first = here.submitted()
    assert (first.state, first.lane) == (State.IN_REVIEW, "one")
    assert lanes.simulate(here.world, FAST, past=1).at_once == 1
    token, code = here.token_and_code("rita")
    decide_as_shown(here.world, token, Verdict.APPROVE, code=code)
    assert [n.outcome for n in here.world.route_notes.notes(1)] == ["approve"]
    second = here.submitted("peter")
    assert (second.state, second.lane) == (State.APPROVED, "auto")


def test_a_simulation_tells_what_would_be_regretted() -> None:
    """HQ sees how many would have passed at once, and how many of those people declined."""
    here = stage()
    lanes.publish(here.world, here.people["hanna"], scope(here), FAST, number=1)
    here.submitted()
    token, code = here.token_and_code("rita")
    decide_as_shown(here.world, token, Verdict.DECLINE, code=code, reason="Not our tone")
    found = lanes.simulate(here.world, FAST, past=1)
    assert (found.total, found.at_once, found.regretted) == (1, 1, 1)
    assert [n.facts["audience"] for n in here.world.route_notes.notes(1)] == [250]


def test_two_reviewers_must_agree() -> None:
    """A lane that needs two is approved by the second."""
    here = stage()
    two = "lanes: [{name: two, requires: {chain: brand-then-legal}}]\ndefault: two\n"
    lanes.publish(here.world, here.people["hanna"], scope(here), two, number=1)
    campaign = here.submitted()
    for name, state in (("rita", State.IN_REVIEW), ("ron", State.APPROVED)):
        token, code = here.token_and_code(name)
        decide_as_shown(here.world, token, Verdict.APPROVE, code=code)
        assert here.now_of(campaign).state is state


def test_a_new_rule_keeps_old_templates_alive() -> None:
    """What a new kit finds in the locked part of a published template does not stop its campaigns."""
    here = with_kit("banned: {en: [hello]}\n")
    after = ask(here, here.draft())
    assert after.state is State.IN_REVIEW
    told = here.world.campaigns.history(here.session, after.id).revisions[-1].findings
    assert [(f.code, f.severity, f.params["baseline"]) for f in told if f.code == "BRD009"] == [("BRD009", "info", 1)]


def test_of_two_who_publish_one_is_told() -> None:
    """A form from an older version changes nothing; the same form twice publishes once; the same text is refused."""
    here = with_kit()
    hanna = here.people["hanna"]
    assert kits.publish(here.world, hanna, scope(here), KIT, number=1).number == 1
    with pytest.raises(Conflict, match=r"book\.changed"):
        kits.publish(here.world, hanna, scope(here), "brand: B\n", number=1)
    with pytest.raises(Refused, match=r"book\.same"):
        kits.publish(here.world, hanna, scope(here), KIT, number=2)
    assert kits.in_force(here.world, Scope(here.world.facts.org_id, market="de")).number == 1
