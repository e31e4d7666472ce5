"""Head office changes one thing of a partner that may be changing its own data at the same moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from chalicelib.domain.errors import Conflict
from chalicelib.domain.ids import PartnerId
from chalicelib.domain.partner import Partner
from chalicelib.domain.scope import Zone
from chalicelib.usecases.world import World

TRIES = 3


def change(world: World, partner: PartnerId, make: Callable[[Partner], Partner]) -> Partner:
    """Store what ``make`` makes of the partner as it stands then; nothing is written where nothing is changed.

    Raises NotFound, and Conflict ``partner.changed`` if the partner was changed meanwhile at every try.
    """
    session = world.sessions.open(partner, Zone.REVIEW)
    for tried in range(1, TRIES + 1):
        stands = world.partners.home(session).partner
        made = make(stands)
        if made == stands:
            return stands
        after = replace(made, version=stands.version + 1)
        try:
            world.partners.save(session, after, expected_version=stands.version)
        except Conflict:
            if tried == TRIES:
                raise
        else:
            return after
    raise AssertionError("the last try returned or raised")
