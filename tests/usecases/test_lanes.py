"""The fast lane's bounds: audit, budget, shadow time; who may grant exceptions, and for how long."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.adapters.draws import MacDraws
from chalicelib.domain import ids, policy
from chalicelib.domain.book import Book, BookKind
from chalicelib.domain.campaign import Campaign, State, Verdict
from chalicelib.domain.errors import Refused
from chalicelib.domain.ids import CampaignId, PersonId, TemplateId
from chalicelib.domain.people import Role
from chalicelib.domain.scope import Scope
from chalicelib.domain.track import Counts
from chalicelib.domain.waiver import RouteRecord
from chalicelib.ports.workflow import History
from chalicelib.usecases import decision, exceptions, gate, lanes, publish, submit
from chalicelib.usecases.publish import Upload
from tests.stage import SOURCE, Stage, decide_as_shown, stage

FAST = """
lanes:
  - name: auto
    if: {{changed_regions_risk: {{at_most: medium}}{more}}}
    requires: {{reviewers: 0}}
    audit_sample: {sample}
  - name: people
    requires: {{reviewers: 1}}
    if: {{audience: {{at_most: 100000}}}}
shadow: {{first_decisions: {shadow}}}
default: people
"""


def routes(here: Stage, *, sample: float = 0, shadow: int = 0, more: str = "", number: int = 1,
           market: str = "all") -> None:
    """Publish routes with a fast lane."""
    lanes.publish(here.world, here.people["hanna"], Scope(here.world.facts.org_id, market=market),
                  FAST.format(sample=sample, shadow=shadow, more=more), number=number)


def submitted(here: Stage) -> Campaign:
    """One more campaign, submitted."""
    campaign = here.draft()
    return submit.submit(here.world, here.session, here.people["paula"], campaign.id, 2, terms=True)


# --- the random audit of the fast lane

def a_route(sample: float) -> lanes.Route:
    """A route that the fast lane was predicted for."""
    found = policy.read(FAST.format(sample=sample, shadow=0, more=""))
    facts = policy.Submission(risk="none")
    lane = found.choose(facts)
    return lanes.Route(policy=found, facts=facts, lane=lane, predicted=lane, explained=policy.explain(found, facts))


def history_of(here: Stage, campaign: str) -> History:
    """A history without a submission before."""
    some = here.draft()
    known = here.world.campaigns.history(here.session, some.id)
    return replace(known, draft=replace(known.draft, campaign=CampaignId(campaign)))


def test_the_share_that_is_drawn() -> None:
    """Of 10,000 campaigns five in a hundred are drawn, within four standard deviations; each always the same."""
    here = stage()
    found, history = a_route(0.05), history_of(here, "cmp_" + "0" * 26)
    now = here.world.clock.now()

    def drawn(number: int) -> bool:
        campaign = CampaignId(ids.make_id("cmp", now, hashlib.sha256(str(number).encode()).digest()[:10]))
        return lanes.drawn(here.world, found, replace(history, draft=replace(history.draft, campaign=campaign)))

    first = [drawn(number) for number in range(10_000)]
    assert 413 <= sum(first) <= 587  # 500 +- 4 * sqrt(10,000 * 0.05 * 0.95)
    assert [drawn(number) for number in range(0, 10_000, 97)] == first[::97]


def test_a_draw_needs_the_secret() -> None:
    """With another secret others are drawn: about as many agree as chance has it. A short secret is none."""
    one, two = MacDraws(b"a secret of one deployment"), MacDraws(b"a secret of another one")
    subjects = [f"cmp_{number}" for number in range(4_000)]
    both = sum(one.chance(s) < 0.5 and two.chance(s) < 0.5 for s in subjects)
    assert 890 <= both <= 1_110  # 1,000 +- 4 * sqrt(4,000 * 0.25 * 0.75)
    assert all(0 <= one.chance(s) < 1 for s in subjects)
    with pytest.raises(ValueError, match="16 bytes"):
        MacDraws(b"short")


@pytest.mark.parametrize(("sample", "state"), [(0, State.APPROVED), (1, State.IN_REVIEW)])
def test_who_is_drawn_goes_to_people(sample: float, state: State) -> None:
    """All or nobody; the trail tells that it was drawn, and submitting again does not draw again."""
    here = stage()
    routes(here, sample=sample)
    campaign = submitted(here)
    assert campaign.state is state
    entry = here.world.campaigns.history(here.session, campaign.id).audit[-1]
    assert entry.details.get("sampled") == (1 if sample else None)
    submit.withdraw(here.world, here.session, here.people["paula"], campaign.id)
    again = submit.submit(here.world, here.session, here.people["paula"], campaign.id, 3, terms=True)
    assert again.state is state


def test_a_refused_try_draws_nothing_new() -> None:
    """Trying until luck is kind does not help: the draw is the campaign's own."""
    here = stage()
    routes(here, sample=0.5)
    campaign = here.draft()
    history = here.world.campaigns.history(here.session, campaign.id)
    answers = gate.look(here.world, here.session, campaign.id)
    seen = {lanes.drawn(here.world, answers.route, history) for _ in range(50)}
    assert len(seen) == 1


@pytest.mark.parametrize(("first", "later", "state"), [(1, 0.001, State.IN_REVIEW), (0.001, 1, State.APPROVED)])
def test_a_draw_stays_whatever_share_is_published_later(first: float, later: float, state: State) -> None:
    """A further round of a campaign that was drawn is looked at, of one that was not goes at once, as its first did."""
    here = stage()
    routes(here, sample=first)
    campaign = submitted(here)
    assert campaign.state is state
    submit.withdraw(here.world, here.session, here.people["paula"], campaign.id)
    routes(here, sample=later, number=2)
    again = submit.submit(here.world, here.session, here.people["paula"], campaign.id, 3, terms=True)
    assert again.state is state
    assert here.world.campaigns.history(here.session, campaign.id).audit[-1].details["sampled"] == (first == 1)


# --- budget and shadow time

RECORD = """
lanes:
  - name: auto
    if: {partner: {approved_last_365d: {at_least: 2}, declined_last_365d: {at_most: 0}}}
    requires: {reviewers: 0}
  - name: people
    requires: {reviewers: 1}
    if: {audience: {at_most: 100000}}
shadow: {first_decisions: 0}
default: people
"""


def answered(here: Stage, verdict: Verdict) -> Campaign:
    """One more campaign, submitted, and decided by Rita if people are asked."""
    campaign = submitted(here)
    here.deliver()
    if campaign.state is State.IN_REVIEW:
        token, code = here.token_and_code("rita")
        decide_as_shown(here.world, token, verdict, code=code, reason="No")
    return here.now_of(campaign)


@pytest.mark.parametrize("from_before", [False, True])
def test_the_fast_route_is_earned_and_lost(from_before: bool) -> None:
    """Two approvals by people open it, one that is revoked or withdrawn does not count, a decline closes it.

    So it is for a partner from before its record was kept: it is counted once, and kept with the next decision.
    """
    here = stage()
    lanes.publish(here.world, here.people["hanna"], Scope(here.world.facts.org_id), RECORD, number=1)
    first = answered(here, Verdict.APPROVE)
    assert first.lane == "people"
    second = answered(here, Verdict.APPROVE)
    if from_before:
        del here.world.partners.tracks[here.partner]
    assert submitted(here).lane == "auto"
    submit.withdraw(here.world, here.session, here.people["paula"], second.id)
    assert submitted(here).lane == "people"  # the one by the fast route was not by people
    assert answered(here, Verdict.APPROVE).lane == "people"
    assert here.partner in here.world.partners.tracks
    assert submitted(here).lane == "auto"
    token, code = here.token_and_code("rita")
    decision.revoke(here.world, token, code=code, reason="A wrong price")
    assert answered(here, Verdict.DECLINE).lane == "people"
    assert answered(here, Verdict.APPROVE).lane == "people"
    assert answered(here, Verdict.APPROVE).lane == "people"
    here.world.clock.advance(days=366)
    found = here.world.campaigns.track(here.session).counts({"auto"}, here.world.clock.now())
    assert found == Counts()


def test_the_budget_of_a_week() -> None:
    """Two at once in seven days, the third goes to people; a week later two more."""
    here = stage()
    routes(here, more=", budget: {auto_per_partner_week: 2}")
    assert [submitted(here).lane for _ in range(4)] == ["auto", "auto", "people", "people"]
    here.world.clock.advance(days=6, hours=23)
    assert submitted(here).lane == "people"
    here.world.clock.advance(hours=2)
    assert [submitted(here).lane for _ in range(3)] == ["auto", "auto", "people"]


def test_a_budget_of_none_asks_people() -> None:
    """With a budget of 0 nobody is approved at once."""
    here = stage()
    routes(here, more=", budget: {auto_per_partner_week: 0}")
    assert submitted(here).lane == "people"


def note(here: Stage, number: int, **changes: object) -> None:
    """A submission that the routes saw before."""
    campaign = CampaignId(ids.make_id("cmp", here.world.clock.now(), number.to_bytes(10)))
    made = RouteRecord(policy=1, campaign=campaign, revision=1, partner=here.partner, predicted="auto",
                       taken="people", outcome="approve", noted_at=here.world.clock.now())
    here.world.route_notes.note(replace(made, **changes))  # type: ignore[arg-type]


def test_the_shadow_time_counts_decisions_of_its_own_version() -> None:
    """Undecided ones, those of another version and those of another market's routes do not count."""
    here = stage()
    routes(here, shadow=3)
    others: list[dict[str, object]] = [{}, {}, {"outcome": ""}, {"policy": 2}, {"market": "de"}]
    for number, changes in enumerate(others, 1):
        note(here, number, **changes)
    first = submitted(here)
    assert (first.lane, first.state) == ("people", State.IN_REVIEW)
    note(here, 9)
    assert submitted(here).lane == "auto"
    routes(here, shadow=3, number=2, sample=0.0, more=", audience: {at_most: 90000}")
    assert submitted(here).lane == "people"  # a new version begins to learn anew; one decision of its own counts


def test_a_decision_settles_the_note_of_its_market() -> None:
    """Routes of a market keep their own notes, and how people decided is added there."""
    here = stage()
    known = here.world.partners.partners[here.partner]
    here.world.partners.partners[here.partner] = replace(known, market="de")
    routes(here, shadow=5)
    routes(here, shadow=1, market="de")
    campaign = submitted(here)
    assert campaign.lane == "people"
    here.deliver()
    token, code = here.token_and_code("rita")
    decide_as_shown(here.world, token, Verdict.APPROVE, code=code)
    assert [n.outcome for n in here.world.route_notes.notes(1, market="de")] == ["approve"]
    assert list(here.world.route_notes.notes(1)) == []
    assert submitted(here).lane == "auto"


# --- exceptions within the bounds of the routes

def with_waivers(text: str) -> policy.Policy:
    """A policy with bounds for exceptions."""
    return policy.read(f"lanes: [{{name: one, requires: {{reviewers: 1}}}}]\ndefault: one\nwaivers: {text}\n")


@pytest.mark.parametrize(("days", "good"), [(29, True), (31, False), (181, False)])
def test_an_exception_lasts_no_longer_than_the_routes_allow(days: int, good: bool) -> None:
    """The policy's bound counts where it is shorter than half a year, and the refusal names it."""
    here = stage()
    day = (here.world.clock.now() + timedelta(days=days)).strftime("%Y-%m-%d")

    def grant() -> object:
        return exceptions.grant(
            here.world, here.people["hanna"], here.partner, print_="a" * 32, code="BRD009", expires=day,
            reason="a quoted book title", policy=with_waivers("{max_days: 30}"))

    if good:
        assert grant()
        return
    with pytest.raises(Refused) as refused:
        grant()
    assert [(p.code, p.params["days"]) for p in refused.value.problems] == [("waiver.too_long", 30)]


@pytest.mark.parametrize(("named", "roles", "address", "may"), [
    ("", {Role.HQ_ADMIN}, "a@x.example", True), ("", {Role.HQ_DESIGNER}, "a@x.example", False),
    ("brand-leads", {Role.HQ_ADMIN}, "a@x.example", True), ("brand-leads", {Role.REVIEWER}, "a@x.example", False),
    ("reviewers", {Role.REVIEWER}, "a@x.example", True), ("reviewers", {Role.HQ_ADMIN}, "a@x.example", False),
    ("designers", {Role.HQ_DESIGNER}, "a@x.example", True), ("A@x.example", {Role.REVIEWER}, "a@X.example", True),
    ("a@x.example", {Role.HQ_ADMIN}, "b@x.example", False),
])
def test_who_may_grant(named: str, roles: set[Role], address: str, may: bool) -> None:
    """Administrators, unless the routes name others: by role or by address."""
    found = with_waivers(f"{{may_grant: [{named}]}}" if named else "{}")
    assert policy.may_grant(found, roles, address) is may


def test_an_unknown_grantee_is_refused() -> None:
    """A name that stands for nobody would let nobody grant, or everybody think so: it is told."""
    assert [p.code for p in policy.problems_of(
        "lanes: [{name: one, requires: {reviewers: 1}}]\ndefault: one\nwaivers: {may_grant: [the-boss]}\n",
    )] == ["lanes.grantee"]


def test_what_is_kept_and_not_enforced_is_said() -> None:
    """Stages after each other and clocks are for later: a policy that asks for them is told so, lane by lane."""
    found = policy.read("""
lanes:
  - {name: one, requires: {reviewers: 1, within_business_hours: 8, on_timeout: escalate}}
  - {name: two, requires: {chain: brand-then-legal}}
  - {name: plain, requires: {reviewers: 2}}
default: two
""")
    assert [(lane, p.code) for lane, p in policy.unenforced(found)] == [
        ("one", "lanes.no_clock"), ("two", "lanes.one_stage")]


def test_a_policy_that_is_not_understood_asks_people() -> None:
    """Published under another program's schema, it stops nobody's submission and approves nothing at once."""
    here = stage()
    source = FAST.format(sample=0, shadow=0, more="") + "waivers: {may_grant: [the-boss]}\n"
    here.world.books.publish(Book(
        kind=BookKind.LANES, scope=Scope(here.world.facts.org_id), number=1, source=source,
        published_by=here.people["hanna"].id, published_at=here.world.clock.now()))
    campaign = submitted(here)
    assert (campaign.state, campaign.lane) == (State.IN_REVIEW, "one")


# --- templates of one family

def test_languages_of_a_family_share_their_fields() -> None:
    """Another language with other fields is refused, and the refusal names template and fields."""
    here = stage()
    known = next(iter(here.world.templates.versions.values()))
    here.world.templates.versions[known.template, 1] = replace(known, family="Spring mail")

    def upload(source: bytes) -> object:
        return publish.publish(here.world, here.people["hanna"], Upload(
            template=TemplateId(ids.make_id("tpl", here.world.clock.now(), b"0123456789")), number=1, name="Frühling",
            language="de", family="Spring mail", source=source))

    with pytest.raises(Refused) as refused:
        upload(SOURCE.replace(b'data-region="story"', b'data-region="tale"'))
    problem, = refused.value.problems
    assert (problem.code, problem.field, problem.params) == (
        "template.family", "family", {"name": "Spring", "regions": "story, tale"})
    with pytest.raises(Refused, match=r"template\.family"):  # the same name, another kind of field
        upload(SOURCE.replace(b'data-region="headline" data-region-type="text"',
                              b'data-region="headline" data-region-type="rich"'))
    assert upload(SOURCE)


def test_the_book_of_a_market_is_its_own() -> None:
    """The nearest routes are found by market, and know which market they are of."""
    scope = Scope(stage().world.facts.org_id, market="de")
    book = Book(kind=BookKind.LANES, scope=scope, number=4, source=FAST.format(sample=0, shadow=0, more=""),
                published_by=PersonId("prs_" + "1" * 26), published_at=stage().world.clock.now())
    found = lanes.policy_of([book], scope)
    assert (found.version, found.market) == (4, "de")
