"""The language of a partner's mails and pages, which head office chose with the invitation, chosen anew.

Whoever chose a language of their own keeps it; all others of the partner read and are written to in this one,
and its customers' page of leaving is in it. A membership repeats the partner's language, so that pages need no
further read: those are brought up to date one by one, and sending the form again finishes what was interrupted.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from chalicelib import texts
from chalicelib.domain.errors import Conflict, NotFound, Problem, Refused
from chalicelib.domain.ids import PartnerId, PersonId
from chalicelib.domain.partner import Partner
from chalicelib.domain.scope import Zone
from chalicelib.usecases.world import World

TRIES = 3


def look(world: World, partner: PartnerId) -> Partner:
    """The partner as head office sees it; raises NotFound."""
    return world.partners.home(world.sessions.open(partner, Zone.REVIEW)).partner


def choose(world: World, partner: PartnerId, language: str) -> Partner:
    """Change it; raises Refused for a language there is none of, NotFound, Conflict ``partner.changed``."""
    if language not in texts.LANGUAGES:
        raise Refused([Problem("choice.unknown", "language", {"value": language[:40]})])
    after = _stored(world, partner, language)
    for person in after.people:
        _tell(world, person, after)
    return after


def _stored(world: World, partner: PartnerId, language: str) -> Partner:
    """The partner with the language, whatever a colleague changed in the same moment."""
    session = world.sessions.open(partner, Zone.REVIEW)
    for last in (*[False] * (TRIES - 1), True):
        stands = world.partners.home(session).partner
        if stands.language == language:
            return stands
        after = replace(stands, language=language, version=stands.version + 1)
        try:
            world.partners.save(session, after, expected_version=stands.version)
            return after
        except Conflict:
            if last:
                raise
    raise Conflict("partner.changed")


def _tell(world: World, person: PersonId, partner: Partner) -> None:
    """Bring a person's memberships up to date; one that was taken away meanwhile stays away."""
    for known in world.people.account(person).memberships:
        if known.partner == partner.id and known.partner_language != partner.language:
            with suppress(NotFound):
                world.people.describe(replace(known, partner_language=partner.language))
