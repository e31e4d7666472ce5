"""Unsubscribe: a verified token names partner, contact and campaign; one put does the rest.

It works at once, any number of times, without an account, for contacts that were erased and for
partners whose keys are gone: neither the token nor the suppression needs either. The answer is the
same whether somebody is on the list, left it before or was never on it, so nobody learns anything.
"""

from __future__ import annotations

import logging

from chalicelib.domain.contact import Suppression, SuppressionReason
from chalicelib.domain.errors import CountersignError, NotFound
from chalicelib.domain.ids import CampaignId
from chalicelib.domain.manifest import Run
from chalicelib.domain.record import dataclass
from chalicelib.domain.scope import Zone
from chalicelib.ports.system import PartnerSession
from chalicelib.ports.trust import Unsubscribe
from chalicelib.usecases.world import World

log = logging.getLogger("countersign.unsubscribe")


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """What the page may say: the sender's name ("" if it is gone) and language; never the address."""

    partner_name: str
    language: str = ""


def look(world: World, token: str) -> Leaving:
    """Whose mail the token came with; changes nothing. Raises NotFound for what is no token of ours."""
    named = world.unsubscribe.read(token)
    return _leaving(world, world.sessions.open(named.partner, Zone.PARTNER))


def unsubscribe(world: World, token: str) -> Leaving:
    """Never mail the token's contact again; raises NotFound for what is no token of ours.

    The token is verified before anything else happens. A suppression that is there already stays as
    it is, with its first reason and time. That the campaign's page counts it is of less weight: where it
    cannot be noted, the customer has left all the same.
    """
    named = world.unsubscribe.read(token)
    session = world.sessions.open(named.partner, Zone.PARTNER)
    world.contacts.suppress(session, Suppression(
        contact=named.contact, reason=SuppressionReason.UNSUBSCRIBED, at=world.clock.now(), source=named.campaign,
    ))
    _note(world, session, named)
    return _leaving(world, session)


def _note(world: World, session: PartnerSession, named: Unsubscribe) -> None:
    if not named.campaign:
        return
    try:
        world.ledger.left(session, Run(CampaignId(named.campaign)), named.contact)
    except CountersignError as error:
        log.warning("an unsubscribe was not counted: %s", type(error).__name__)


def _leaving(world: World, session: PartnerSession) -> Leaving:
    try:
        partner = world.partners.home(session).partner
    except NotFound:
        return Leaving(partner_name="")
    return Leaving(partner_name=partner.name, language=partner.language)
