"""The demo data of a first start: a bicycle brand, its people and three dealers.

Made through the use cases, as HQ and the partners would make it on the pages; ``.example`` is a
domain that can never receive a mail (RFC 2606).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from chalicelib.domain.ids import PartnerId, make_id
from chalicelib.domain.people import Person, Role
from chalicelib.usecases import partners, people
from chalicelib.usecases.partners import Invitation
from chalicelib.usecases.world import World
from infra.local import demo

ORG_NAME = "Nordlicht Bikes"
ZONE = "nordlicht.example"
SENDERS = (ZONE,)
"""The identities that the local SES holds as verified: the brand's domain with all below it."""
MAIL_FROM = f"countersign@{ZONE}"


CUSTOMERS = (240, 90, 40)
"""How many customers each dealer begins with."""


@dataclass(frozen=True, slots=True)
class Someone:
    """A person of the demo data, as the start prints them."""

    address: str
    name: str
    tells: str


ADMIN = Someone(f"hanna@{ZONE}", "Hanna Okafor", "head office: templates, programmes, partners")
MANAGER = Someone(f"marco@{ZONE}", "Marco Bianchi", "brand manager: decides from the mail")
PARTNER_PEOPLE = (
    Someone("anna@radhaus.example", "Anna Lindner", "partner Radhaus Lindner, Freiburg"),
    Someone("tom@northbikes.example", "Tom Hughes", "partner North Bikes, Leeds"),
    Someone("julie@cyclesdulac.example", "Julie Perrin", "partner Cycles du Lac, Annecy"),
)


def invitations() -> tuple[Invitation, ...]:
    """The three dealers as HQ invites them, without ids."""
    anna, tom, julie = PARTNER_PEOPLE
    return (
        Invitation(
            id="", name="Radhaus Lindner", email=anna.address, person_name=anna.name, market="de", language="en",
            zone="Europe/Berlin", groups="dealers, premium", entity_name="Radhaus Lindner GmbH",
            street="Kaiserstraße 12", postal_code="79098", city="Freiburg", country="DE", register="HRB 700123",
            vat_id="DE123456789", represented_by="Anna Lindner", entity_email="info@radhaus.example",
            phone="+49 761 5550100", sender_address=f"radhaus@partners.{ZONE}", reply_to="info@radhaus.example",
        ),
        Invitation(
            id="", name="North Bikes", email=tom.address, person_name=tom.name, market="gb", language="en",
            zone="Europe/London", groups="dealers", entity_name="North Bikes Ltd", street="4 Canal Wharf",
            postal_code="LS11 5PS", city="Leeds", country="GB", register="07654321", represented_by="Tom Hughes",
            entity_email="hello@northbikes.example", phone="+44 113 496 0100",
            sender_address=f"northbikes@partners.{ZONE}", reply_to="hello@northbikes.example",
        ),
        Invitation(
            id="", name="Cycles du Lac", email=julie.address, person_name=julie.name, market="fr", language="en",
            zone="Europe/Paris", groups="dealers", entity_name="Cycles du Lac SARL", street="8 rue du Port",
            postal_code="74000", city="Annecy", country="FR", register="RCS Annecy 812 345 678",
            represented_by="Julie Perrin", entity_email="bonjour@cyclesdulac.example", phone="+33 4 50 55 01 00",
            sender_address=f"cyclesdulac@partners.{ZONE}", reply_to="bonjour@cyclesdulac.example",
        ),
    )


def is_seeded(world: World) -> bool:
    """Whether the demo data is there: the programme is the last thing that :func:`seed` adds."""
    return any(p.title == demo.PROGRAMME for p in world.programmes.list())


def seed(world: World, images: str = demo.IMAGE_HOST) -> None:
    """Add the demo data; a run that died halfway is finished, nothing comes twice.

    ``images`` is the address, with a slash at its end, under which the bucket's ``ORG/assets/`` is seen.
    """
    people.add_admin(world, ADMIN.address, ADMIN.name)
    admin = _person(world, ADMIN.address)
    known = {card.name: card.id for card in world.partners.cards()}
    for invitation, count in zip(invitations(), CUSTOMERS, strict=True):
        partner = known.get(invitation.name)
        if partner is None:
            partner = PartnerId(make_id("prt", world.clock.now(), world.entropy.bytes(10)))
            partners.invite(world, admin, replace(invitation, id=partner))
        member = _person(world, invitation.email)
        demo.import_customers(world, partner, member.id, invitation.city.lower(), count)
    if world.people.find(MANAGER.address) is None:
        people.add_at_hq(world, admin, address=MANAGER.address, name=MANAGER.name, role=Role.REVIEWER.value)
    template = demo.publish_templates(world, admin, images)
    demo.publish_kit(world, admin)
    demo.fill_library(world, admin)
    demo.define_programme(world, admin, template, MANAGER.address, "Europe/Berlin")


def who_can_sign_in() -> tuple[Someone, ...]:
    """The people whose addresses the start prints."""
    return (ADMIN, *PARTNER_PEOPLE, MANAGER)


def _person(world: World, address: str) -> Person:
    found = world.people.find(address)
    if found is None:
        raise LookupError(f"{address} was added a moment ago and is gone")
    return world.people.account(found).person
