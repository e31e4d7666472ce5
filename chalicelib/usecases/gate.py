"""What stands between a draft and its submission: everything the check-your-answers page shows, and every problem.

The form's hints, the check page and the submission itself ask here; there is no second judgement.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from chalicelib.domain import schedule
from chalicelib.domain.audience import Preflight, preflight_of
from chalicelib.domain.book import Book
from chalicelib.domain.campaign import Draft, FindingRecord
from chalicelib.domain.compliance.document import Demands, ImageFact
from chalicelib.domain.errors import Problem, Refused
from chalicelib.domain.frequency import Outlook, outlook
from chalicelib.domain.ids import CampaignId
from chalicelib.domain.partner import Participation, Partner
from chalicelib.domain.policy import Lane
from chalicelib.domain.programme import Programme
from chalicelib.domain.record import dataclass
from chalicelib.domain.release import Retired, last_moment
from chalicelib.domain.schedule import SendTime
from chalicelib.domain.scope import Scope
from chalicelib.domain.template import TemplateVersion
from chalicelib.domain.waiver import ASKABLE, Sifted, fingerprint, matches, sift
from chalicelib.ports.system import PartnerSession
from chalicelib.ports.workflow import PartnerDesk
from chalicelib.usecases import assets, company, kits, lanes, preview, story
from chalicelib.usecases.lanes import Route
from chalicelib.usecases.preview import Hints
from chalicelib.usecases.story import Story
from chalicelib.usecases.world import World

if TYPE_CHECKING:
    from chalicelib.rendering.mail import Rendered

TERMS = "terms"
TERMS_VERSION = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Everything the check-your-answers page shows, with all that still stands in the way.

    ``start`` and ``rendered`` are None where a problem kept them from being made; ``outlook`` is what the
    programme's frequency cap will mean, None where it has none. ``said`` is what the rules
    say of the texts, before exceptions; ``findings`` are the same after them.
    ``askable`` are blocking findings, by fingerprint, that a person may be asked about,
    ``waivable`` those of which head office may make an exception.
    """

    campaign: Story
    draft: Draft
    template: TemplateVersion
    partner: Partner
    start: SendTime | None
    audience: Preflight
    outlook: Outlook | None
    rendered: Rendered | None
    said: Hints
    findings: tuple[FindingRecord, ...]
    lane: Lane
    route: Route
    askable: tuple[tuple[str, FindingRecord], ...]
    waivable: tuple[tuple[str, FindingRecord], ...]
    problems: tuple[Problem, ...]
    needs_terms: bool


def look(
    world: World, session: PartnerSession, campaign_id: CampaignId, ask: Collection[str] = (),
) -> Answers:
    """Gather a draft's answers and every problem at once, without changing anything, in two reads.

    State and run window are those that the trail and the partner's own list tell;
    :func:`usecases.submit.submit` asks the control item and the programme.
    """
    told = story.read(world, session, campaign_id)
    return consider(world, session, told, world.partners.desk(session, told.programme), ask)


def consider(
    world: World, session: PartnerSession, told: Story, desk: PartnerDesk, ask: Collection[str] = (),
) -> Answers:
    """The same for a page that has read the draft and the partner already; the form's hints ask it, too."""
    window = desk.part or world.programmes.get(told.programme)
    answers = gather(world, session, told, desk, window, world.books.recent(), ask)
    return replace(answers, problems=(*answers.problems, *ended(
        world.releases.recently_retired(), answers.draft, answers.start, world.clock.now())))


def ended(
    retired: Sequence[Retired], draft: Draft, start: SendTime | None, now: datetime,
) -> list[Problem]:
    """What keeps a draft on a version that head office lets end: its start would be after the end."""
    end = last_moment(retired, draft.template, draft.template_version)
    if end is None or (start.at if start else now) < end:
        return []
    return [Problem("template.retired", "template", {
        "version": draft.template_version, "until": end.isoformat(sep=" ", timespec="minutes")[:16] + " UTC"})]


def gather(
    world: World, session: PartnerSession, told: Story, desk: PartnerDesk, window: Programme | Participation,
    current: Sequence[Book], ask: Collection[str] = (), *, fresh: bool = False,
) -> Answers:
    """The answers by the kit and routes of ``current``; ``fresh`` images are read anew for what decides."""
    draft, now = told.history.draft, world.clock.now()
    template = world.templates.get(draft.template, draft.template_version)
    partner = desk.partner
    audience = preflight_of(desk.tally, partner.market) if desk.tally else Preflight()
    problems = company.missing(partner)
    start = _start(draft, window, now, problems)
    scope = market_scope(template.scope, partner.market)
    images = assets.image_facts(world, session, draft.values.values(), fresh=fresh)
    said = preview.hints(template, draft, partner.entity, demands_of(current, scope, start, images))
    problems += said.problems
    sifted = _sifted(world, current, scope, template, partner, said.findings, ask)
    problems += [
        Problem(f"compliance.{f.code}", f.region, {**f.params, "quote": f.quote}) for f in sifted.blocking
    ]
    if audience.receive == 0:
        problems.append(Problem("audience.empty", "audience", {"audience": audience.audience}))
    policy = lanes.policy_of(current, scope)
    facts = lanes.facts_of(
        template, draft, sifted.findings, exceptions=(*sifted.exceptions, *sifted.asked), audience=audience.receive,
        now=now,
    )
    found = lanes.route(world, policy, lanes.with_track(world, session, policy, facts, desk.track))
    return Answers(
        campaign=told, draft=draft, template=template, partner=partner,
        start=start, audience=audience, outlook=_outlook(window, desk, start.at if start else now),
        rendered=said.rendered, said=said, findings=sifted.findings, lane=found.lane, route=found,
        askable=tuple(
            (fingerprint(template.template, template.number, f), f) for f in sifted.findings
            if f.code in ASKABLE and (f in sifted.blocking or "asked" in f.params)
        ),
        waivable=tuple(
            (fingerprint(template.template, template.number, f), f) for f in sifted.blocking
            if not matches(f.code, policy.never)
        ),
        problems=tuple(problems), needs_terms=not accepted(partner),
    )


def _outlook(window: Programme | Participation, desk: PartnerDesk, at: datetime) -> Outlook | None:
    """What the programme's frequency cap will mean for a campaign that starts at that time."""
    return outlook(window.cap, desk.starts, at) if window.cap else None


def market_scope(scope: Scope, market: str) -> Scope:
    """The scope whose kit and routes count for a partner: its market's, of the template's brand."""
    return replace(scope, market=market) if scope.market == "all" else scope


def demands_of(
    current: Sequence[Book], scope: Scope, start: SendTime | None, images: tuple[ImageFact, ...] = (),
) -> Demands:
    """What the brand and the day of sending demand of a mail."""
    return Demands(kit=kits.demand(current, scope).kit, sends_on=start.local[:10] if start else "", images=images)


def _sifted(
    world: World, current: Sequence[Book], scope: Scope, template: TemplateVersion, partner: Partner,
    found: Sequence[FindingRecord], ask: Collection[str],
) -> Sifted:
    """The findings less what an exception or the baseline of an old template covers."""
    return sift(found, template.template, template.number, world.clock.now(), waivers=partner.exceptions,
                baseline=kits.demand(current, scope).baseline, asked=ask, never=lanes.policy_of(current, scope).never)


def _start(
    draft: Draft, window: Programme | Participation, now: datetime, problems: list[Problem],
) -> SendTime | None:
    """Resolve the typed time; what is wrong with it is added to ``problems``."""
    if not draft.local_time:
        problems.append(Problem("time.missing", "local_time"))
        return None
    try:
        start = schedule.resolve(draft.local_time, draft.zone, draft.fold)
    except Refused as refused:
        problems += refused.problems
        return None
    if start.at < now + schedule.GRACE:
        problems.append(Problem("time.past", "local_time", {"value": draft.local_time}))
    elif not window.open_at(start.at):
        problems.append(Problem("time.outside_window", "local_time", {
            "value": draft.local_time, "opens": window.opens_at.isoformat(timespec="minutes"),
            "closes": window.closes_at.isoformat(timespec="minutes"),
        }))
    return start


def sampled(world: World, answers: Answers) -> Answers:
    """The same, drawn for a person's look."""
    found = lanes.route(world, answers.route.policy, answers.route.facts, sampled=True)
    return replace(answers, route=found, lane=found.lane)


def accepted(partner: Partner) -> bool:
    """Whether the partner accepted the terms that are in force."""
    return any(a.kind == TERMS and a.version == TERMS_VERSION for a in partner.agreements)
