"""HQ invites partners: the tenant, its first person, and the mail that asks them in.

HQ's side works with the review-zone credentials only: it writes the partner's profile and can
never reach its customers, so the partner's keys are made later, by the partner's own first step.
"""

from __future__ import annotations

from dataclasses import replace

from chalicelib import texts
from chalicelib.domain import schedule
from chalicelib.domain.errors import Conflict, NotFound, Problem, Refused
from chalicelib.domain.ids import PartnerId, PersonId, is_id
from chalicelib.domain.partner import Partner, PartnerState
from chalicelib.domain.people import Person, Role
from chalicelib.domain.record import dataclass
from chalicelib.domain.scope import Zone
from chalicelib.ports.system import PartnerSession, QueueName
from chalicelib.ports.workflow import PartnerCard
from chalicelib.usecases.company import CompanyForm, checked_entity, checked_sender
from chalicelib.usecases.people import checked_address, checked_name, give_role
from chalicelib.usecases.programmes import checked_groups, tell_partner
from chalicelib.usecases.world import World

MARKETS = ("de", "at", "ch", "gb", "us", "es", "fr", "hu", "all")
LANGUAGES = ("en", "de", "es", "fr", "hu")


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation(CompanyForm):
    """The form as it was typed. Legal entity and sender may be left to the partner."""

    id: str
    email: str
    person_name: str
    market: str = "all"
    zone: str = "Europe/Berlin"
    language: str = "en"
    groups: str = ""


def invite(world: World, by: Person, form: Invitation) -> PartnerId:
    """Make the partner and its first person, and queue the invitation and the open programmes.

    The id comes with the form: a form that is sent twice, or again after a crash, makes one
    partner. Raises Refused with every problem at once, Conflict ``partner.exists`` if the id
    belongs to another partner, NotFound for an id that is none.
    """
    if not is_id(form.id, "prt"):
        raise NotFound
    partner, address, person_name = _checked(world, form)
    session = world.sessions.open(partner.id, Zone.REVIEW)
    partner = _store(world, session, partner, address)
    card = PartnerCard.of(partner)
    world.partners.register(card)
    person = give_role(
        world, address=address, name=person_name, role=Role.PARTNER_ADMIN, by=by.id, partner=partner.id,
        partner_name=partner.name, partner_zone=partner.zone, partner_language=partner.language,
    )
    _add_person(world, session, partner, person)
    world.queue.put(QueueName.NOTICES, {"v": 1, "kind": "invited", "person": person, "partner": partner.id})
    tell_partner(world, card)
    return partner.id


def _add_person(world: World, session: PartnerSession, partner: Partner, person: PersonId) -> None:
    """Note who belongs to the partner; somebody who was noted a moment ago, by a double click, is not again."""
    if person in partner.people:
        return
    after = replace(partner, people=(*partner.people, person), version=partner.version + 1)
    try:
        world.partners.save(session, after, expected_version=partner.version)
    except Conflict:
        if person not in world.partners.home(session).partner.people:
            raise


def send_invitation(world: World, person_id: PersonId, partner_id: PartnerId) -> None:
    """Mail an invited person where to sign in; who lost the membership meanwhile gets nothing."""
    from chalicelib.rendering.mails import render_mail
    from chalicelib.usecases import system_mail

    account = world.people.account(person_id)
    if not account.roles_at(partner_id, world.clock.now()):
        return
    partner = world.partners.home(world.sessions.open(partner_id, Zone.REVIEW)).partner
    mail = render_mail("invited", {
        "person": account.person, "partner": partner, "org_name": world.facts.org_name,
        "url": f"{world.facts.base_url}/sign-in?next=/p/{partner_id}",
    }, texts.translations(account.person.language or partner.language))
    system_mail.send(world, account.person, mail, kind="invited")


def _store(world: World, session: PartnerSession, partner: Partner, address: str) -> Partner:
    """Store a new partner, or take up the one that an earlier try of the same form stored.

    Once a partner has its person, the form is the same only if it names that person: nobody at
    HQ joins a partner by sending its id and name with another address.
    """
    try:
        world.partners.save(session, partner, expected_version=0)
        return partner
    except Conflict:
        stored = world.partners.home(session).partner
        if stored.state is not PartnerState.INVITED or stored.name != partner.name:
            raise Conflict("partner.exists", name=stored.name) from None
        if stored.people and world.people.find(address) not in stored.people:
            raise Conflict("partner.exists", name=stored.name) from None
        return stored


def _checked(world: World, form: Invitation) -> tuple[Partner, str, str]:
    """The partner, and the address and name of its first person; raises Refused with all problems."""
    problems: list[Problem] = []
    name = checked_name(form.name, problems)
    address = checked_address(form.email, problems)
    person_name = checked_name(form.person_name, problems, field="person_name")
    for field, value, known in (("market", form.market, MARKETS), ("language", form.language, LANGUAGES)):
        if value not in known:
            problems.append(Problem("choice.unknown", field, {"value": value[:40]}))
    if form.zone not in schedule.zone_names():
        problems.append(Problem("time.zone", "zone", {"value": form.zone[:60]}))
    groups = checked_groups(form.groups, problems)
    entity, sender = checked_entity(form, problems), checked_sender(form, problems)
    if problems:
        raise Refused(problems)
    partner = Partner(
        id=PartnerId(form.id), org=world.facts.org_id, name=name, market=form.market, language=form.language,
        zone=form.zone, groups=groups, entity=entity, sender=sender, created_at=world.clock.now(),
    )
    return partner, address, person_name
