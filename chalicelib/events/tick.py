"""The tick function: called every minute by the clock, without a message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalicelib import observe, wiring
from chalicelib.usecases.tick import tick


def handler(event: Mapping[str, Any], context: object) -> dict[str, int]:
    """Queue what is due; an error is left to the next minute's tick."""
    with observe.story("tick", str(getattr(context, "aws_request_id", ""))):
        return {"queued": tick(wiring.container())}
