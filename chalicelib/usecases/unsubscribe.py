"""Unsubscribe: a verified token names partner, contact and campaign; one put does the rest.

It works at once, any number of times, without an account, for contacts that were erased and for
partners whose keys are gone: neither the token nor the suppression needs either. The answer is the
same whether somebody is on the list, left it before or was never on it, so nobody learns anything.
"""

from __future__ import annotations

from chalicelib.domain.contact import Suppression, SuppressionReason
from chalicelib.domain.errors import NotFound
from chalicelib.domain.record import dataclass
from chalicelib.domain.scope import Zone
from chalicelib.ports.system import PartnerSession
from chalicelib.usecases.world import World


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
    it is, with its first reason and time.
    """
    named = world.unsubscribe.read(token)
    session = world.sessions.open(named.partner, Zone.PARTNER)
    world.contacts.suppress(session, Suppression(
        contact=named.contact, reason=SuppressionReason.UNSUBSCRIBED, at=world.clock.now(), source=named.campaign,
    ))
    return _leaving(world, session)


def _leaving(world: World, session: PartnerSession) -> Leaving:
    try:
        partner = world.partners.home(session).partner
    except NotFound:
        return Leaving(partner_name="")
    return Leaving(partner_name=partner.name, language=partner.language)
