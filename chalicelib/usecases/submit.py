"""Submit: freeze what was checked, bind both digests, choose the approval route, ask the reviewers."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from chalicelib.domain import digest
from chalicelib.domain.audience import bracket
from chalicelib.domain.campaign import (
    Action,
    Actor,
    Ask,
    Campaign,
    Digests,
    Revision,
    State,
)
from chalicelib.domain.chain import Chain, Stage, eligible
from chalicelib.domain.errors import Conflict, Problem, Refused
from chalicelib.domain.ids import CampaignId, PersonId
from chalicelib.domain.partner import Agreement, Partner, PartnerState
from chalicelib.domain.people import Person
from chalicelib.domain.plain_text import clean
from chalicelib.domain.policy import Lane
from chalicelib.domain.programme import Programme
from chalicelib.domain.schedule import SendTime
from chalicelib.domain.step import take
from chalicelib.domain.transitions import target
from chalicelib.ports.system import PartnerSession
from chalicelib.ports.workflow import Change, History, PartnerCard
from chalicelib.usecases import assets, drafts, lanes, outbox, story
from chalicelib.usecases.gate import TERMS, TERMS_VERSION, Answers, accepted, ended, gather, sampled
from chalicelib.usecases.keys import content_key
from chalicelib.usecases.review import review_notice
from chalicelib.usecases.world import World

if TYPE_CHECKING:
    from chalicelib.rendering.mail import Rendered

MAX_NOTE = 2_000


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
    answers = gather(world, session, told, desk, programme, world.books.current(), ask, fresh=True)
    if lanes.drawn(world, answers.route, history):
        answers = sampled(world, answers)
    problems = [*answers.problems, *_now_in_the_way(world, answers, note, terms=terms)]
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


def chain_of(lane: Lane, programme: Programme) -> Chain | None:
    """The people a lane asks, as the programme names them; None where it asks nobody."""
    if not lane.chain:
        return None
    return Chain((Stage(name="brand", reviewers=tuple(programme.reviewers), need=lane.need),))


def _now_in_the_way(world: World, answers: Answers, note: str, *, terms: bool) -> list[Problem]:
    """What only the submission asks: the sender at SES, the note, versions that end, the terms."""
    problems = [
        *_sender_problems(world, answers.partner), *_note_problems(note),
        *ended(world.releases.retired(), answers.draft, answers.start, world.clock.now()),
    ]
    if answers.needs_terms and not terms:
        problems.append(Problem("terms.not_accepted", "terms"))
    return problems


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
        if not accepted(after):
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
