"""The language of a partner's mails and pages, which head office chose with the invitation, chosen anew.

Whoever chose a language of their own keeps it; all others of the partner read and are written to in this one,
and its customers' page of leaving is in it. A membership repeats the partner's language, so that pages need no
further read: those are brought up to date one by one, and sending the form again finishes what was interrupted.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from chalicelib import texts
from chalicelib.domain.errors import NotFound, Problem, Refused
from chalicelib.domain.ids import PartnerId, PersonId
from chalicelib.domain.partner import Partner
from chalicelib.domain.scope import Zone
from chalicelib.usecases.partner_change import change
from chalicelib.usecases.world import World


def look(world: World, partner: PartnerId) -> Partner:
    """The partner as head office sees it; raises NotFound."""
    return world.partners.home(world.sessions.open(partner, Zone.REVIEW)).partner


def choose(world: World, partner: PartnerId, language: str) -> Partner:
    """Change it; raises Refused for a language there is none of, NotFound, Conflict ``partner.changed``."""
    if language not in texts.LANGUAGES:
        raise Refused([Problem("choice.unknown", "language", {"value": language[:40]})])
    after = change(world, partner, lambda stands: replace(stands, language=language))
    for person in after.people:
        _tell(world, person, after)
    return after


def _tell(world: World, person: PersonId, partner: Partner) -> None:
    """Bring a person's memberships up to date; one that was taken away meanwhile stays away."""
    for known in world.people.account(person).memberships:
        if known.partner == partner.id and known.partner_language != partner.language:
            with suppress(NotFound):
                world.people.describe(replace(known, partner_language=partner.language))
