"""The plan function: one campaign at a time, from its queue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalicelib import wiring
from chalicelib.domain.errors import Permanent
from chalicelib.domain.ids import CampaignId, PartnerId
from chalicelib.events import worker
from chalicelib.usecases.plan import look
from chalicelib.usecases.world import World


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """SQS batch of plan messages; reports those that must come again."""
    return worker.each("plan", event, wiring.container(), handle)


def handle(message: Mapping[str, Any], world: World) -> None:
    """Look after one campaign; raises Permanent for a message of an unknown version or kind."""
    if message.get("v") != 1 or message.get("kind") != "plan":
        raise Permanent(f"not a plan message: {message.get('kind')!r}, version {message.get('v')!r}")
    look(world, PartnerId(message["partner"]), CampaignId(message["campaign"]))
