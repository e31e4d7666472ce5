"""What no form of ours posts: kept in the campaign's trail, so that somebody can look at it later (N34)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from chalicelib.domain.errors import Conflict, Problem
from chalicelib.domain.ids import CampaignId
from chalicelib.domain.people import Person
from chalicelib.domain.step import record
from chalicelib.ports.system import PartnerSession
from chalicelib.ports.workflow import Change
from chalicelib.usecases.world import World

PER_HOUR = 10
"""Entries of one person within an hour: the trail must not be made to grow at will."""


def locked(problems: Sequence[Problem]) -> tuple[str, ...]:
    """The fields among problems that are locked or unknown."""
    return tuple(p.field for p in problems if p.code in ("region.locked", "value.locked"))


def note(
    world: World, session: PartnerSession, person: Person, campaign_id: CampaignId, fields: Sequence[str],
) -> None:
    """Write down that somebody posted locked fields; the campaign itself stays as it is."""
    now = world.clock.now()
    if not fields or not world.links.allow(f"tamper:{person.id}", now, per_hour=PER_HOUR):
        return
    for _ in range(5):
        before = world.campaigns.get(session, campaign_id)
        after, entry = record(
            replace(before, updated_at=now), "locked_posted", now=now, by=person.id,
            details={"fields": ", ".join(fields)[:200]},
        )
        try:
            world.campaigns.commit(session, Change(before=before, after=after, audit=entry))
            return
        except Conflict:
            continue
