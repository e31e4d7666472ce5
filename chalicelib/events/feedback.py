"""The feedback function: SES events from SNS, and from the objects that Firehose writes."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib import observe, wiring
from chalicelib.domain.errors import NotFound, Permanent
from chalicelib.events import worker
from chalicelib.events.ses import Foreign, event_of, lines, sns_message, uploaded_keys
from chalicelib.usecases.feedback import Event, absorb
from chalicelib.usecases.world import World

log = logging.getLogger(__name__)
PREFIX = "EVENTS/"
CHUNK = 2_000
"""Events of an object that are united at once."""


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """SQS batch of notifications; reports the messages that must come again."""
    records, world = event.get("Records", []), wiring.container()
    with observe.story("feedback", worker.correlation_of_all(records)):
        for record in records:
            worker.waited(record, world)
        failed = handle(records, world)
        observe.count(errors=len(failed))
    return {"batchItemFailures": [{"itemIdentifier": message} for message in failed]}


def handle(records: Sequence[Mapping[str, Any]], world: World) -> list[str]:
    """Unite all events of a batch together; returns the ids of the messages to be tried again."""
    failed: list[str] = []
    singles: list[tuple[str, Event]] = []
    for record in records:
        try:
            body = json.loads(record["body"])
            keys = uploaded_keys(body)
            for key in keys:
                _absorb_object(world, key)
            if not keys:
                singles.append((record["messageId"], event_of(sns_message(body))))
        except (Foreign, ValueError, TypeError, AttributeError, KeyError, NotFound):
            # Not ours and never will be: S3's test event, a mail of the program itself, garbage.
            log.info("feedback: a message that is no event of a campaign was dropped")
        except Exception:
            log.exception("feedback: failed and will be tried again")
            failed.append(record["messageId"])
    return failed + _absorb_singles(world, singles)


def _absorb_singles(world: World, singles: list[tuple[str, Event]]) -> list[str]:
    try:
        result = absorb(world, [event for _, event in singles])
    except Exception:
        log.exception("feedback: failed and will be tried again")
        return [message for message, _ in singles]
    if result.refused:
        log.warning("feedback: %d events refused", len(result.refused))
    return [message for place, (message, _) in enumerate(singles) if place in result.again]


def _absorb_object(world: World, key: str) -> None:
    """Unite an object's events; the whole object comes again if any of them must."""
    if not key.startswith(PREFIX):
        raise Foreign("key")
    again = refused = 0
    chunk: list[Event] = []
    stream = world.blobs.lines(None, key)
    for line in lines(stream):
        try:
            chunk.append(event_of(json.loads(line)))
        except ValueError:
            continue
        if len(chunk) >= CHUNK:
            result = absorb(world, chunk)
            again, refused, chunk = again + len(result.again), refused + len(result.refused), []
    result = absorb(world, chunk)
    again, refused = again + len(result.again), refused + len(result.refused)
    if refused:
        log.warning("feedback: %d events of an object refused", refused)
    if again:
        raise Permanent(f"{again} events of an object must come again")
