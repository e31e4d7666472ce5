"""Mails of the program to reviewers and partners; at least once, and never a decision by itself.

A notice stays in its campaign's outbox until every mail of it was handed to SES, so that a
crash sends one twice rather than none: both links of a doubled request work, one decision counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from chalicelib import texts
from chalicelib.domain.campaign import Ask, Campaign, Revision, State
from chalicelib.domain.ids import CampaignId, ImportId, PartnerId, PersonId
from chalicelib.domain.people import Role
from chalicelib.domain.record import dataclass
from chalicelib.domain.scope import Zone
from chalicelib.ports.system import PartnerSession
from chalicelib.ports.workflow import History
from chalicelib.rendering.mails import render_mail
from chalicelib.texts.times import local_time
from chalicelib.usecases import addresses, outbox, review_link, story, system_mail
from chalicelib.usecases.review import settled
from chalicelib.usecases.review_mail import review_request
from chalicelib.usecases.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """A campaign with its history and the name of its partner, read once for all its notices."""

    world: World
    session: PartnerSession
    campaign: Campaign
    history: History
    partner_name: str


def deliver(world: World, partner: PartnerId, campaign_id: CampaignId) -> None:
    """Send every notice that a campaign's outbox holds, one after the other."""
    session = world.sessions.open(partner, Zone.REVIEW)
    for notice in world.campaigns.get(session, campaign_id).outbox:
        case = _case(world, session, campaign_id)
        kind, *parts = notice.split(":")
        numbers = [int(p) for p in parts if p.isdigit()]
        _SENDERS.get(kind, _to_partner)(case, kind, numbers)
        outbox.delivered(world, session, campaign_id, notice)


def fresh_link(
    world: World, partner: PartnerId, campaign_id: CampaignId, revision: int, stage: int, person: PersonId,
) -> None:
    """Ask one reviewer again with a new link, if the question is still open."""
    session = world.sessions.open(partner, Zone.REVIEW)
    case = _case(world, session, campaign_id)
    asks = [a for a in _open_asks(case, revision, stage) if a.person == person]
    for ask in asks:
        _ask(case, story.revision_of(case.history, revision), ask)


def _case(world: World, session: PartnerSession, campaign_id: CampaignId) -> _Case:
    return _Case(
        world=world, session=session, campaign=world.campaigns.get(session, campaign_id),
        history=world.campaigns.history(session, campaign_id),
        partner_name=world.partners.home(session).partner.name,
    )


def _open_asks(case: _Case, revision: int, stage: int) -> Sequence[Ask]:
    """The unanswered questions of a stage, while the campaign still waits for it."""
    campaign = case.campaign
    if campaign.state is not State.IN_REVIEW or (campaign.revision, campaign.stage) != (revision, stage):
        return ()
    return [a for a in case.history.asks if (a.revision, a.stage) == (revision, stage) and a.verdict is None]


def _review_request(case: _Case, kind: str, numbers: list[int]) -> None:
    revision, stage = numbers
    for ask in _open_asks(case, revision, stage):
        _ask(case, story.revision_of(case.history, revision), ask)


def _ask(case: _Case, revision: Revision, ask: Ask) -> None:
    """Make a link with its code for one reviewer and mail both; who lost the role meanwhile is not asked."""
    world = case.world
    account = world.people.account(ask.person)
    if Role.REVIEWER not in account.roles_at(None, world.clock.now()):
        return
    person, code = account.person, review_link.new_code(world)
    url = review_link.make(
        world, person, case.campaign, revision, stage=ask.stage, partner_name=case.partner_name, code=code)
    mail = review_request(
        world, case.session, campaign=case.campaign, revision=revision, history=case.history,
        partner_name=case.partner_name, person=person, url=url, code=code,
    )
    system_mail.send(world, person, mail, kind="review_request", campaign=case.campaign.id)


def _to_partner(case: _Case, kind: str, numbers: list[int]) -> None:
    """Tell those who made or submitted the campaign what became of it."""
    campaign, history = case.campaign, case.history
    answer = settled(history, numbers[0]) if numbers else None
    context = {
        "kind": kind, "campaign": campaign, "partner_name": case.partner_name,
        "org_name": case.world.facts.org_name, "url": addresses.campaign(case.world, campaign),
        "answer": answer, "reason": campaign.hold_reason,
    }
    for person_id in dict.fromkeys(p for p in (campaign.created_by, campaign.submitted_by) if p):
        account = case.world.people.account(person_id)
        person, language = account.person, account.language_at(campaign.partner)
        mail = render_mail("campaign_news", {
            **context, "person": person, "when": local_time(campaign.start.at, campaign.start.zone, language=language)
            if campaign.start else "",
        }, texts.translations(language))
        system_mail.send(case.world, person, mail, kind=kind, campaign=campaign.id)


def import_done(world: World, partner: PartnerId, batch_id: ImportId) -> None:
    """Tell who uploaded a file of customers that it was read; the mail has counts only, no address."""
    session = world.sessions.open(partner, Zone.PARTNER)
    batch = world.imports.get(session, batch_id)
    account = world.people.account(batch.attested_by)
    person = account.person
    mail = render_mail("import_done", {
        "person": person, "batch": batch, "org_name": world.facts.org_name,
        "url": addresses.import_result(world, partner, batch_id),
    }, texts.translations(account.language_at(partner)))
    system_mail.send(world, person, mail, kind="import_done")


_SENDERS: dict[str, Callable[[_Case, str, list[int]], None]] = {"review_request": _review_request}
