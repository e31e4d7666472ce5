"""A dealer's campaign in the deployed stage, up to its approval; ``dealer`` counts the demo data's from nought."""

from __future__ import annotations

import json
import re
from datetime import timedelta

from chalicelib.domain.campaign import Campaign, Verdict
from chalicelib.domain.schedule import LOCAL_FORMAT, zone_of
from chalicelib.domain.scope import Zone
from chalicelib.ports.system import PartnerSession
from chalicelib.usecases import contacts, decision, drafts, review, submit
from chalicelib.usecases.drafts import Typed
from chalicelib.wiring import Container
from infra.local import seed
from tests.deploy.conftest import Deployed, until

MARKETS = ("de", "gb", "fr")


def session_of(world: Container, dealer: int) -> PartnerSession:
    """The dealer's own session."""
    card = next(card for card in world.partners.cards() if card.name == seed.invitations()[dealer].name)
    return world.sessions.open(card.id, Zone.PARTNER)


def imported(world: Container, dealer: int) -> bool:
    """Whether the dealer's customers are there and counted."""
    return contacts.preflight(world, session_of(world, dealer), MARKETS[dealer]).receive > 0


def submitted(world: Container, dealer: int, subject: str) -> tuple[PartnerSession, Campaign]:
    """A campaign for tomorrow at nine, once the dealer's customers are there."""
    until(lambda: imported(world, dealer))
    session = session_of(world, dealer)
    home = world.partners.home(session)
    person = world.people.account(home.partner.people[0]).person
    campaign = drafts.start(world, session, person, home.participations[0].programme)
    tomorrow = world.clock.now().astimezone(zone_of(home.partner.zone)) + timedelta(days=1)
    saved = drafts.save(world, session, person, campaign.id, 1, Typed(
        subject=subject, preheader="Book your check-up",
        local_time=tomorrow.replace(hour=9, minute=0).strftime(LOCAL_FORMAT), zone=home.partner.zone,
    ))
    return session, submit.submit(world, session, person, campaign.id, saved.version, terms=True)


def asked(deployed: Deployed, dealer: int) -> tuple[str, str]:
    """Token and code of the mail to the reviewer."""
    name = seed.invitations()[dealer].name
    mail = json.dumps(until(lambda: deployed.newest_mail(seed.MANAGER.address, name)))
    token, code = re.search(r"/r/([\w-]+)", mail), re.search(r"Your code: (\d+)", mail)
    assert token and code
    return token[1], code[1]


def approve(world: Container, token: str, code: str) -> None:
    """The reviewer's yes."""
    shown = review.look(world, token)
    decision.decide(world, token, Verdict.APPROVE, code=code, shown=shown.revision.digests.both)
