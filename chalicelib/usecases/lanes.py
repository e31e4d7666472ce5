"""Approval routes at work: facts of a submission, the route it takes, and what HQ learns of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from chalicelib.domain import blocks
from chalicelib.domain import book as books
from chalicelib.domain import policy as policies
from chalicelib.domain.audience import BRACKETS
from chalicelib.domain.book import Book, BookKind
from chalicelib.domain.campaign import Campaign, Draft, FindingRecord, Verdict
from chalicelib.domain.errors import Refused
from chalicelib.domain.people import Person
from chalicelib.domain.policy import ONE_REVIEWER, RISKS, Explained, Lane, Policy, Submission
from chalicelib.domain.record import dataclass
from chalicelib.domain.scope import Scope
from chalicelib.domain.template import TemplateVersion
from chalicelib.domain.track import Track
from chalicelib.domain.values import changed_in
from chalicelib.domain.waiver import RouteRecord
from chalicelib.ports.system import PartnerSession
from chalicelib.ports.workflow import History
from chalicelib.usecases import kits
from chalicelib.usecases.world import World

_read: dict[tuple[str, int, str], Policy] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What a submission would take (``lane``), what the routes alone would say (``predicted``), and why.

    ``learning``: the fast lanes only predict, until HQ has seen enough decisions.
    """

    policy: Policy
    facts: Submission
    lane: Lane
    predicted: Lane
    explained: Explained
    learning: bool = False
    sampled: bool = False


def policy_of(current: Sequence[Book], scope: Scope) -> Policy:
    """The published policy of a scope, never the submission's; one reviewer decides where there is none."""
    found = books.nearest((b for b in current if b.kind is BookKind.LANES), scope)
    if found is None:
        return ONE_REVIEWER
    key = (found.source, found.number, found.scope.market)
    if key not in _read:
        if len(_read) >= kits.KEPT:
            _read.clear()
        _read[key] = _published(found)
    return _read[key]


def _published(book: Book) -> Policy:
    """A published policy; one that this program's schema refuses (it was written for another) asks people."""
    try:
        policy = policies.read(book.source)
    except Refused:
        policy = ONE_REVIEWER
    return replace(policy, version=book.number, market=book.scope.market)


def facts_of(
    template: TemplateVersion, draft: Draft, findings: Sequence[FindingRecord], *, exceptions: Sequence[str],
    audience: int | None, now: datetime,
) -> Submission:
    """What the routes may look at, without the partner's standing. Values at HQ's default are unchanged."""
    told = [f for f in findings if f.severity != "info"]
    return Submission(
        warnings=sum(f.severity == "warn" and f.state == "fail" for f in told),
        undecidable=sum(f.state == "undecidable" for f in told), exceptions=tuple(exceptions),
        fired=tuple(dict.fromkeys(f.code for f in told)), audience=audience, risk=_risk(template, draft),
        template_days=max(0, (now - template.published_at).days),
    )


@dataclass(frozen=True, slots=True)
class Changed:
    """One part of the mail that differs from HQ's own: its name (a field, a block or a line of the inbox) and risk."""

    name: str
    label: str
    risk: str


LINES = {"subject": "medium", "preheader": "low"}
"""The risk of a subject or preview line of one's own."""


def changed_parts(template: TemplateVersion, draft: Draft) -> tuple[Changed, ...]:
    """What a draft changes; the lines of the inbox first, their labels "" (every language has its own words)."""
    found = [Changed(name, "", risk) for name, risk in LINES.items()
             if getattr(draft, name).strip() != getattr(template, name).strip()]
    named = {r.id: r.label for r in blocks.concrete(template, draft.values).regions}
    named |= {block.id: block.label for block in template.blocks}
    # Blocks and further copies of a group are regions that the first copy stands for.
    risks = {region.id: region.risk.value for region in template.regions}
    changed = changed_in(template, draft.values)
    return (*found, *(Changed(name, named.get(name, name), risks.get(name, "medium")) for name in changed))


def _risk(template: TemplateVersion, draft: Draft) -> str:
    """The highest risk of what was changed."""
    return max((part.risk for part in changed_parts(template, draft)), key=RISKS.index, default="none")


def in_the_way(found: Route, changed: Sequence[Changed]) -> tuple[Changed, ...]:
    """Those of the changes without which the faster route could be taken; none where they are not what hinders it."""
    faster, hindering = found.explained.faster, found.explained.changes
    if faster is None or "risk" not in hindering:
        return ()
    easy: dict[str, object] = {"warnings": 0, "undecidable": 0, "exceptions": (), "fired": (), "audience": 0}
    facts = replace(found.facts, **{name: easy[name] for name in hindering if name in easy})  # type: ignore[arg-type]
    names = [lane.name for lane in found.policy.lanes]
    fast_enough = names[:names.index(faster.name) + 1]
    for bound in range(len(RISKS) - 1, -1, -1):
        if found.policy.choose(replace(facts, risk=RISKS[bound])).name in fast_enough:
            return tuple(part for part in changed if RISKS.index(part.risk) > bound)
    return ()


def with_track(
    world: World, session: PartnerSession, policy: Policy, facts: Submission, track: Track | None,
) -> Submission:
    """Add what became of the partner's campaigns. Only for a partner from before that was kept they are read."""
    asked = {c.fact for lane in policy.lanes for c in (*lane.permits, *lane.demands)}
    if not asked & {"approved", "declined", "auto_week"}:
        return facts
    known = track if track is not None else world.campaigns.track(session)
    counts = known.counts({lane.name for lane in policy.lanes if lane.asks_nobody}, world.clock.now())
    if counts is None:
        return facts
    return replace(facts, approved=counts.approved, declined=counts.declined, auto_week=counts.auto_week)


def route(world: World, policy: Policy, facts: Submission, *, sampled: bool = False) -> Route:
    """The route by the published policy; how many decisions there were is asked only where it matters."""
    predicted = policy.choose(facts)
    decided = policy.shadow
    if predicted.asks_nobody and policy.shadow:
        decided = world.route_notes.decided(
            policy.version, market=policy.market, limit=max(200, policy.shadow))
    lane = policy.taken(facts, decided=decided, sampled=sampled and predicted.asks_nobody)
    return Route(
        policy=policy, facts=facts, lane=lane, predicted=predicted, explained=policies.explain(policy, facts),
        learning=predicted.asks_nobody and decided < policy.shadow, sampled=sampled and predicted.asks_nobody,
    )


def drawn(world: World, found: Route, history: History) -> bool:
    """Whether a person looks at this one of the fast lane all the same.

    A draw belongs to the campaign: neither a second try nor a further round draws again, and nobody can tell it
    before the submission.
    """
    if not found.predicted.asks_nobody or not found.predicted.audit_sample:
        return False
    before = [entry.details["sampled"] for entry in history.audit if "sampled" in entry.details]
    if before:
        return before[-1] == 1
    return world.draws.chance(history.draft.campaign) < found.predicted.audit_sample


def note(world: World, found: Route, campaign: Campaign) -> None:
    """Keep what the routes said, for simulation and the shadow time; nothing where no policy is published."""
    if found.policy.version:
        world.route_notes.note(RouteRecord(
            policy=found.policy.version, market=found.policy.market, campaign=campaign.id,
            revision=campaign.revision, partner=campaign.partner,
            facts=found.facts.public(upper_bound(found.facts.audience or 0)), predicted=found.predicted.name,
            taken=found.lane.name, noted_at=world.clock.now(),
        ))


def settle(world: World, history: History, campaign: Campaign, verdict: Verdict) -> None:
    """Add how people decided to the note of a submission."""
    submits = [entry for entry in history.audit if entry.action == "submit" and "policy" in entry.details]
    if submits:
        told = submits[-1].details
        world.route_notes.settle(int(told["policy"]), campaign.id, campaign.revision, verdict.value,
                             market=str(told.get("policy_market", "all")))


def upper_bound(audience: int) -> int:
    """The upper bound of an audience's bracket: all that HQ learns of a number."""
    return next((upper for upper in BRACKETS if audience <= upper), BRACKETS[-1] * 10)


# --- HQ

def publish(world: World, by: Person, scope: Scope, source: str, *, number: int, note: str = "") -> Book:
    """Publish a version of the routes; raises Refused with every problem of the text, Conflict ``book.changed``."""
    policies.read(source)
    return kits.store(world, by, BookKind.LANES, scope, source, number=number, note=note)


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """What new routes would have done with past submissions; ``regretted`` are those that would have been
    approved at once and that people declined or sent back."""

    total: int = 0
    by_lane: Mapping[str, int] | None = None
    at_once: int = 0
    regretted: int = 0


def simulate(world: World, source: str, *, past: int, market: str = "all") -> Simulation:
    """Run a text on the submissions noted under version ``past``; raises Refused for a bad text."""
    policy = policies.read(source)
    records = world.route_notes.notes(past, market=market) if past else ()
    counts = {lane.name: 0 for lane in policy.lanes}
    at_once = regretted = 0
    for record in records:
        lane = policy.choose(policies.from_public(record.facts))
        counts[lane.name] = counts.get(lane.name, 0) + 1
        if lane.asks_nobody:
            at_once += 1
            regretted += record.outcome in (Verdict.DECLINE.value, Verdict.REQUEST_CHANGES.value)
    return Simulation(total=len(records), by_lane=counts, at_once=at_once, regretted=regretted)
