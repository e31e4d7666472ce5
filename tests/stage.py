"""A stage for tests: an org with its people, a published template, a programme and one partner.

Everything is made through the use cases or the stores' own ports, on the in-memory world.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chalicelib.domain import ids
from chalicelib.domain.campaign import Campaign, Verdict
from chalicelib.domain.contact import Consent, Contact, LegalBasis, SealedContact
from chalicelib.domain.ids import ImportId, PartnerId, PersonId, ProgrammeId, TemplateId
from chalicelib.domain.partner import LegalEntity, Participation, Partner, PartnerState, Sender
from chalicelib.domain.people import Membership, Person, Role
from chalicelib.domain.programme import Programme
from chalicelib.domain.scope import Scope, Zone
from chalicelib.events import notices
from chalicelib.ports.sending import SystemMail
from chalicelib.ports.system import PartnerSession, QueueName
from chalicelib.ports.workflow import PartnerCard
from chalicelib.rendering.source import compile_source
from chalicelib.usecases import contacts, decision, drafts, review, submit
from chalicelib.usecases.drafts import Typed
from chalicelib.usecases.review import Review
from chalicelib.usecases.world import World
from tests.fakes.world import FakeWorld

SOURCE = b"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Spring at {{ contact.city|default("your dealer") }}</title></head>
<body><table role="presentation"><tr><td>
<p>Hello {{ contact.first_name|default("there") }},</p>
<h1 data-region="headline" data-region-type="text" data-region-label="Headline" data-region-required="yes"
 data-region-max-length="60" data-region-risk="low">Spring is here</h1>
<div data-region="story" data-region-type="rich" data-region-label="Story"><p>Come by and try one.</p></div>
<p><a data-region="offer" data-region-type="button" data-region-label="Button" href="https://example.com/spring">See
the offer</a></p>
<div data-region="imprint" data-region-type="system">Imprint</div>
<div data-region="address" data-region-type="system">Address</div>
<p data-region="unsubscribe" data-region-type="system">Unsubscribe</p>
</td></tr></table></body></html>
"""


@dataclass
class Stage:
    """What a test plays with; ``session`` is the partner's own, with access to its customers."""

    world: FakeWorld
    programme: ProgrammeId
    partner: PartnerId
    session: PartnerSession
    people: dict[str, Person] = field(default_factory=dict)

    def draft(self, by: str = "paula", **values: str) -> Campaign:
        """A filled draft that starts in two days at nine in Berlin."""
        campaign = drafts.start(self.world, self.session, self.people[by], self.programme)
        day = (self.world.clock.now() + timedelta(days=2)).strftime("%Y-%m-%d")
        drafts.save(self.world, self.session, self.people[by], campaign.id, 1, Typed(
            values={"headline": "Spring at Paula's", **values}, subject="Spring offers", preheader="Until April",
            local_time=f"{day}T09:00", zone="Europe/Berlin",
        ))
        return campaign

    def submitted(self, by: str = "paula", **values: str) -> Campaign:
        """A submitted campaign, its reviewers asked."""
        campaign = self.draft(by, **values)
        after = submit.submit(self.world, self.session, self.people[by], campaign.id, 2, terms=True)
        self.deliver()
        return after

    def now_of(self, campaign: Campaign) -> Campaign:
        """The campaign as it stands."""
        return self.world.campaigns.get(self.session, campaign.id)

    def deliver(self) -> None:
        """Handle every waiting notice."""
        self.world.queue.deliver(QueueName.NOTICES, lambda message: notices.handle(message, self.world))

    def mails(self, to: str, kind: str = "") -> list[SystemMail]:
        """The mails to a person of the stage, newest last."""
        address = self.people[to].address
        return [m for m in self.world.mailer.sent if m.to == address and (not kind or m.tags["kind"] == kind)]

    def token_and_code(self, to: str) -> tuple[str, str]:
        """Token and code of the newest review request to a reviewer, read as the person would."""
        text = self.mails(to, "review_request")[-1].text
        token, code = re.search(r"/r/([\w-]+)", text), re.search(r"Your code: (\d+)", text)
        assert token
        assert code
        return token.group(1), code.group(1)


def decide_as_shown(world: World, token: str, verdict: Verdict, *, code: str, reason: str = "") -> Review:
    """Answer as somebody who opens the link's page now and decides on what it shows."""
    shown = review.look(world, token).digest
    return decision.decide(world, token, verdict, code=code, reason=reason, shown=shown)


def person(world: FakeWorld, name: str, *roles: tuple[Role, PartnerId | None]) -> Person:
    """Add a person with memberships."""
    made = Person(
        id=PersonId(ids.make_id("prs", world.clock.now(), world.entropy.bytes(10))), name=name.title(),
        address=f"{name}@example.com", created_at=world.clock.now(),
    )
    world.people.add(made, [
        Membership(person=made.id, role=role, org=world.facts.org_id, partner=partner) for role, partner in roles
    ])
    return world.people.account(made.id).person


def add_partner(world: FakeWorld, name: str, programme: ProgrammeId | None, closes_at: datetime) -> PartnerId:
    """Add an active partner that takes part in a programme."""
    now = world.clock.now()
    partner = PartnerId(ids.make_id("prt", now, world.entropy.bytes(10)))
    session = world.sessions.open(partner, Zone.PARTNER)
    world.partners.register(PartnerCard(id=partner, name=name, groups=frozenset({"dealers"}), state="active"))
    world.partners.save(session, Partner(
        id=partner, org=world.facts.org_id, name=name, groups=frozenset({"dealers"}), state=PartnerState.ACTIVE,
        entity=LegalEntity(
            name=f"{name} GmbH", street="Ringstr. 1", postal_code="10115", city="Berlin", country="DE",
            email="hello@dealer.example", represented_by="Paula P.", register="HRB 1", vat_id="DE1",
        ),
        sender=Sender(address="news@dealer.example", display_name=name, verified=True), created_at=now,
    ), expected_version=0)
    if programme:
        world.partners.participate(session, Participation(
            partner=partner, programme=programme, title="Spring", opens_at=now, closes_at=closes_at,
        ))
    world.vault.create_keys(session)
    return partner


def add_customers(world: FakeWorld, session: PartnerSession, count: int) -> None:
    """Add customers who opted in, and count them."""
    now = world.clock.now()
    batch = ImportId(ids.make_id("imp", now, world.entropy.bytes(10)))
    for number in range(count):
        address = f"customer{number}@example.net"
        contact = world.vault.contact_id(session, address)
        blobs = world.vault.seal(session, Contact(id=contact, address=address, profile={"first_name": f"C{number}"}))
        world.contacts.upsert(session, SealedContact(
            id=contact, address=blobs[0], profile=blobs[1], batch=batch, created_at=now, updated_at=now,
            consents=(Consent(basis=LegalBasis.DOUBLE_OPT_IN, obtained_at=now, source="shop", batch=batch),),
        ))
    contacts.recount(world, session)


def stage(*, customers: int = 60, reviewers: tuple[str, ...] = ("rita", "ron")) -> Stage:
    """Set the stage: Paula and Peter at the partner, Rita and Ron review, Hanna is HQ's admin."""
    world = FakeWorld()
    now = world.clock.now()
    template = TemplateId(ids.make_id("tpl", now, world.entropy.bytes(10)))
    programme = ProgrammeId(ids.make_id("prg", now, world.entropy.bytes(10)))
    scope = Scope(world.facts.org_id)
    partner = add_partner(world, "Paula Bikes", programme, now + timedelta(days=60))
    people = {name: person(world, name, (Role.REVIEWER, None)) for name in ("rita", "ron")}
    people["hanna"] = person(world, "hanna", (Role.HQ_ADMIN, None))
    people["paula"] = person(world, "paula", (Role.PARTNER_ADMIN, partner))
    people["peter"] = person(world, "peter", (Role.PARTNER_EDITOR, partner))
    world.templates.publish(compile_source(SOURCE).version(
        template=template, number=1, scope=scope, name="Spring", published_by=people["hanna"].id, published_at=now,
    ))
    world.programmes.add(Programme(
        id=programme, scope=scope, title="Spring", template=template, template_version=1, opens_at=now,
        closes_at=now + timedelta(days=60), groups=frozenset({"dealers"}), created_at=now,
        reviewers=tuple(people[r].id for r in reviewers),
    ))
    session = world.sessions.open(partner, Zone.PARTNER)
    add_customers(world, session, customers)
    return Stage(world, programme, partner, session, people)
