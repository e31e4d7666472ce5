"""The send function: one turn of one slice a message, from its queue."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from chalicelib import wiring
from chalicelib.domain.errors import Permanent
from chalicelib.events import worker
from chalicelib.usecases.send import send, work_of
from chalicelib.usecases.world import World


class Context(Protocol):
    """What Lambda tells a function of itself, as far as this one asks."""

    def get_remaining_time_in_millis(self) -> int:
        """Until the hard timeout."""


def handler(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """SQS batch of send messages; reports those that must come again."""
    def work(message: Mapping[str, Any], world: World) -> None:
        handle(message, world, world.clock.now() + timedelta(milliseconds=context.get_remaining_time_in_millis()))

    return worker.each("send", event, wiring.container(), work)


def handle(message: Mapping[str, Any], world: World, stop_at: datetime) -> None:
    """Do one turn; raises Permanent for a message of an unknown version or kind."""
    if message.get("v") != 1 or message.get("kind") != "send":
        raise Permanent(f"not a send message: {message.get('kind')!r}, version {message.get('v')!r}")
    send(world, work_of(message), stop_at=stop_at)
