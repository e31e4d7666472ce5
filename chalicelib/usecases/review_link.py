"""A reviewer's link: made for one person and one revision, good with its code until the campaign starts."""

from __future__ import annotations

from chalicelib.domain.campaign import Campaign, Revision
from chalicelib.domain.people import Link, Person, Purpose
from chalicelib.usecases import access, addresses
from chalicelib.usecases.review import LINK_LIFE, code_hash, token_hash
from chalicelib.usecases.world import World

CODE_DIGITS = 4


def new_code(world: World) -> str:
    """A code that a mail shows beside its links."""
    return f"{int.from_bytes(world.entropy.bytes(8), 'big') % 10**CODE_DIGITS:0{CODE_DIGITS}d}"


def make(
    world: World, person: Person, campaign: Campaign, revision: Revision, *, stage: int, partner_name: str, code: str,
) -> str:
    """Store a link and return its address; the store knows neither the token nor the code."""
    now, token = world.clock.now(), access.random_token(world)
    hashed = token_hash(token)
    world.links.put(Link(
        token_hash=hashed, purpose=Purpose.REVIEW, person=person.id, generation=person.generation, created_at=now,
        expires_at=max(now, min(revision.start.at, now + LINK_LIFE)), language=person.language,
        partner=campaign.partner, partner_name=partner_name, campaign=campaign.id, revision=revision.number,
        stage=stage, digest=revision.digests.both, code=code_hash(code, hashed),
    ))
    return addresses.review(world, token)
