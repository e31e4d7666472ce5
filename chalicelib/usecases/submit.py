"""Submit: render once, check, bind both digests, choose the approval route, ask the reviewers."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from chalicelib.domain import digest, schedule
from chalicelib.domain.audience import Preflight, bracket, preflight_of
from chalicelib.domain.book import Book
from chalicelib.domain.campaign import (
    Action,
    Actor,
    Ask,
    Campaign,
    Digests,
    Draft,
    FindingRecord,
    Revision,
    State,
)
from chalicelib.domain.chain import Chain, Stage, eligible
from chalicelib.domain.compliance.document import Demands, ImageFact
from chalicelib.domain.errors import Conflict, NotFound, Problem, Refused
from chalicelib.domain.frequency import Outlook, outlook
from chalicelib.domain.ids import CampaignId, PersonId
from chalicelib.domain.partner import Agreement, Participation, Partner, PartnerState
from chalicelib.domain.people import Person
from chalicelib.domain.plain_text import clean
from chalicelib.domain.policy import Lane
from chalicelib.domain.programme import Programme
from chalicelib.domain.record import dataclass
from chalicelib.domain.release import Retired, last_moment
from chalicelib.domain.schedule import SendTime
from chalicelib.domain.scope import Scope
from chalicelib.domain.step import take
from chalicelib.domain.template import TemplateVersion
from chalicelib.domain.transitions import target
from chalicelib.domain.waiver import ASKABLE, Sifted, fingerprint, matches, sift
from chalicelib.ports.system import PartnerSession
from chalicelib.ports.workflow import Change, History, PartnerCard, PartnerDesk
from chalicelib.usecases import assets, company, drafts, kits, lanes, outbox, preview, story
from chalicelib.usecases.keys import content_key
from chalicelib.usecases.lanes import Route
from chalicelib.usecases.preview import Hints
from chalicelib.usecases.review import review_notice
from chalicelib.usecases.story import Story
from chalicelib.usecases.world import World

if TYPE_CHECKING:
    from chalicelib.rendering.mail import Rendered

TERMS = "terms"
TERMS_VERSION = "1"
MAX_NOTE = 2_000


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

    State and run window are those that the trail and the partner's own list tell; :func:`submit`
    asks the control item and the programme.
    """
    told = story.read(world, session, campaign_id)
    return consider(world, session, told, world.partners.desk(session, told.programme), ask)


def consider(
    world: World, session: PartnerSession, told: Story, desk: PartnerDesk, ask: Collection[str] = (),
) -> Answers:
    """The same for a page that has read the draft and the partner already; the form's hints ask it, too."""
    window = desk.part or world.programmes.get(told.programme)
    answers = _answers(world, session, told, desk, window, world.books.recent(), ask)
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


def submit(
    world: World, session: PartnerSession, person: Person, campaign_id: CampaignId, draft_version: int, *,
    note: str = "", terms: bool = False, ask: Collection[str] = (),
) -> Campaign:
    """Freeze the draft as a revision and send it on its approval route.

    ``ask`` are fingerprints of findings of rules that only guess, about which the partner asks a person.

    Raises Refused with all problems, Conflict ``draft.changed`` from a stale page, and
    ``campaign.not_now`` where it was submitted already (a double click).
    """
    campaign = world.campaigns.get(session, campaign_id)
    target(campaign.state, Action.SUBMIT, Actor.PARTNER, State.IN_REVIEW)
    history = world.campaigns.history(session, campaign_id)
    if history.draft.version != draft_version:
        raise drafts.changed(history.draft)
    programme = world.programmes.get(campaign.programme)
    told = story.of_control(campaign, history)
    desk = world.partners.desk(session, campaign.programme)
    answers = _answers(world, session, told, desk, programme, world.books.current(), ask, fresh=True)
    if lanes.drawn(world, answers.route, history):
        answers = _rerouted(world, answers)
    problems = [
        *answers.problems, *_sender_problems(world, answers.partner), *_note_problems(note),
        *ended(world.releases.retired(), answers.draft, answers.start, world.clock.now()),
    ]
    if answers.needs_terms and not terms:
        problems.append(Problem("terms.not_accepted", "terms"))
    chain = chain_of(answers.lane, programme)
    asked = eligible(chain.stages[0], person.id, campaign.created_by) if chain else ()
    if chain and len(asked) < chain.stages[0].need:
        problems.append(Problem("review.nobody"))
    if problems or answers.rendered is None or answers.start is None:
        raise Refused(problems)
    if answers.needs_terms:
        _accept_terms(world, session, answers.partner, person.id)
    revision = _revision(
        world, session, person, answers, answers.rendered, answers.start, number=campaign.revision + 1,
        message_class=programme.message_class.value, note=note,
    )
    change = _change(world, person, campaign, history, answers, revision, asked)
    world.campaigns.commit(session, change)
    outbox.ring(world, change.after)
    lanes.note(world, answers.route, change.after)
    assets.note_uses(world, session, campaign.id, campaign.name, revision.assets,
                     partner=answers.partner.name, submitted=True)
    return change.after


def _rerouted(world: World, answers: Answers) -> Answers:
    """The same, drawn for a person's look."""
    found = lanes.route(world, answers.route.policy, answers.route.facts, sampled=True)
    return replace(answers, route=found, lane=found.lane)


def chain_of(lane: Lane, programme: Programme) -> Chain | None:
    """The people a lane asks, as the programme names them; None where it asks nobody."""
    if not lane.chain:
        return None
    return Chain((Stage(name="brand", reviewers=tuple(programme.reviewers), need=lane.need),))


def _answers(
    world: World, session: PartnerSession, told: Story, desk: PartnerDesk, window: Programme | Participation,
    current: Sequence[Book], ask: Collection[str] = (), *, fresh: bool = False,
) -> Answers:
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
        problems=tuple(problems), needs_terms=not _accepted(partner),
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


def start_of(draft: Draft) -> SendTime | None:
    """The typed time resolved, None where there is none yet or it cannot be."""
    try:
        return schedule.resolve(draft.local_time, draft.zone, draft.fold) if draft.local_time else None
    except Refused:
        return None


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


def _sender_problems(world: World, partner: Partner) -> list[Problem]:
    """A sender must be known to SES before people review: the sending would only be paused."""
    if partner.sender.address and not world.mailer.sender_verified(partner.sender.address):
        return [Problem("sender.unverified", "sender", {"address": partner.sender.address})]
    return []


def _note_problems(note: str) -> list[Problem]:
    """What keeps a note from reviewers' mails: its length, or a character that hides or reorders others."""
    if len(note) > MAX_NOTE:
        return [Problem("value.too_long", "note", {"max": MAX_NOTE, "length": len(note)})]
    return clean("note", note)[1]


def _accepted(partner: Partner) -> bool:
    return any(a.kind == TERMS and a.version == TERMS_VERSION for a in partner.agreements)


def _accept_terms(world: World, session: PartnerSession, partner: Partner, person: PersonId) -> None:
    """Keep who accepted which terms; with the first ones an invited partner is an active one."""
    agreement = Agreement(kind=TERMS, version=TERMS_VERSION, person=person, accepted_at=world.clock.now())
    state = PartnerState.ACTIVE if partner.state is PartnerState.INVITED else partner.state
    after = replace(partner, agreements=(*partner.agreements, agreement), state=state, version=partner.version + 1)
    try:
        world.partners.save(session, after, expected_version=partner.version)
    except Conflict:
        # Of a double click or two colleagues one accepts, and it counts for both.
        after = world.partners.home(session).partner
        if not _accepted(after):
            raise
    world.partners.register(PartnerCard.of(after))


def _revision(
    world: World, session: PartnerSession, person: Person, answers: Answers, rendered: Rendered,
    start: SendTime, *, number: int, message_class: str, note: str,
) -> Revision:
    """Store the encoded content under its hash and describe everything the digests cover."""
    data = rendered.content.encode()
    sha256 = hashlib.sha256(data).hexdigest()
    world.blobs.put(session, content_key(session.partner, sha256), data, "application/json")
    partner, draft = answers.partner, answers.draft
    return digest.bound(Revision(
        campaign=answers.campaign.id, number=number, template=draft.template,
        template_version=draft.template_version, language=answers.template.language, subject=rendered.subject,
        preheader=rendered.preheader, values=dict(rendered.values), content=sha256,
        locked_sha256=rendered.locked_sha256, merge_fields=answers.template.merge_fields,
        assets=tuple(rendered.assets), bracket=bracket(answers.audience.receive), start=start,
        on_lapse=draft.on_lapse, sender_address=partner.sender.address, sender_name=partner.sender.display_name,
        reply_to=partner.sender.reply_to, entity_version=partner.entity.version,
        imprint_sha256=rendered.imprint_sha256, headers=tuple(rendered.headers),
        message_class=message_class, digests=Digests(partner="", frame=""),
        findings=answers.findings, submitted_by=person.id, submitted_at=world.clock.now(), note=clean("note", note)[0],
    ))


def _change(
    world: World, person: Person, before: Campaign, history: History, answers: Answers, revision: Revision,
    asked: Sequence[PersonId],
) -> Change:
    now = world.clock.now()
    to = State.IN_REVIEW if asked else State.APPROVED
    after, entry = take(
        before, Action.SUBMIT, Actor.PARTNER, now=now, by=person.id, to=to,
        notices=(review_notice(revision.number, 0),) if asked else (),
        details={
            "revision": revision.number, "digests": revision.digests.both, "lane": answers.lane.name,
            **({"policy": answers.route.policy.version, "policy_market": answers.route.policy.market}
               if answers.route.policy.version else {}),
            **({"sampled": int(answers.route.sampled)} if answers.route.predicted.audit_sample else {}),
        },
        revision=revision.number, submitted_by=person.id, digests=revision.digests, lane=answers.lane.name,
        stage=0, need=answers.lane.need, start=revision.start, on_lapse=revision.on_lapse, bracket=revision.bracket,
        approved_at=None if asked else now,
    )
    asks = tuple(
        Ask(campaign=before.id, revision=revision.number, stage=0, person=p,
            person_name=world.people.account(p).person.name, asked_at=now)
        for p in asked
    )
    # The draft's version grows with the submit, so that an autosave of a stale tab is refused.
    draft = replace(history.draft, version=history.draft.version + 1)
    return Change(before=before, after=after, audit=entry, draft=draft, revision=revision, asks=asks)


def withdraw(world: World, session: PartnerSession, person: Person, campaign_id: CampaignId) -> Campaign:
    """Take a campaign back until it is sent: approval and links are void, it is a draft again."""
    campaign = world.campaigns.get(session, campaign_id)
    after, entry = take(
        campaign, Action.WITHDRAW, Actor.PARTNER, now=world.clock.now(), by=person.id,
        digests=None, approved_at=None, stage=0, notices=(),
    )
    after = replace(after, outbox=())
    world.campaigns.commit(session, Change(before=campaign, after=after, audit=entry))
    return after


def revision_of(history: History, number: int) -> Revision:
    """One revision of a history; raises NotFound."""
    found = next((r for r in history.revisions if r.number == number), None)
    if found is None:
        raise NotFound
    return found
