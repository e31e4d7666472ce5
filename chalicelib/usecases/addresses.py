"""The few addresses that mails carry; pages build theirs in the web layer."""

from __future__ import annotations

from chalicelib.domain.campaign import Campaign
from chalicelib.domain.ids import ImportId, PartnerId
from chalicelib.usecases.world import World


def review(world: World, token: str) -> str:
    """The decision page of a reviewer's link."""
    return f"{world.facts.hq_base_url}/r/{token}"


def campaign(world: World, of: Campaign) -> str:
    """The partner's page of a campaign; it asks for a sign-in."""
    return f"{world.facts.base_url}/p/{of.partner}/campaigns/{of.id}"


def import_result(world: World, partner: PartnerId, batch: ImportId) -> str:
    """The partner's page of one import."""
    return f"{world.facts.base_url}/p/{partner}/customers/imports/{batch}"


def unsubscribe(world: World, token: str) -> str:
    """The customer's unsubscribe page; the one-click POST goes to the same address."""
    return f"{world.facts.base_url}/u/{token}"
