"""What all functions behind queues have in common: one record at a time, told apart in the log.

A message that fails is reported to SQS alone, which brings it again and, after as many tries as its
queue allows, puts it into the dead-letter queue. The others of its batch are done.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from chalicelib import observe
from chalicelib.domain.errors import NotFound, Permanent
from chalicelib.usecases.world import World

log = logging.getLogger("countersign.events")
Handle = Callable[[Mapping[str, Any], World], None]


def each(
    function: str, event: Mapping[str, Any], world: World, handle: Handle, *, drop_missing: bool = False,
) -> dict[str, Any]:
    """Hand over every record of an SQS event; returns those that must come again.

    ``drop_missing`` is for messages about something that may be gone by the time they arrive.
    """
    failed = []
    for record in event.get("Records", []):
        with observe.story(function, correlation_of(record)):
            waited(record, world)
            try:
                message = body_of(record)
                handle(message, world)
                log.info("handled %s", str(message.get("kind") or "a notification")[:40])
            except NotFound as error:
                if not drop_missing:
                    failed.append(again(record, error))
                else:
                    log.warning("a message about something that is gone was dropped")
            except Exception as error:
                failed.append(again(record, error))
    return {"batchItemFailures": failed}


def body_of(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The message of a record; raises Permanent for what is no JSON object."""
    try:
        body = json.loads(record["body"])
    except ValueError:
        raise Permanent("the message is not JSON") from None
    if not isinstance(body, Mapping):
        raise Permanent("the message is not an object")
    return body


def again(record: Mapping[str, Any], error: Exception) -> dict[str, str]:
    """Log and count a failure; the line that has SQS bring the message again."""
    tries = str(record.get("attributes", {}).get("ApproximateReceiveCount", "?"))
    log.error("message failed at try %s and comes again", tries, exc_info=error)
    observe.count(errors=1)
    return {"itemIdentifier": str(record["messageId"])}


def correlation_of(record: Mapping[str, Any]) -> str:
    """The id that came with a message; its own id for one that S3, SNS or a person sent."""
    carried = record.get("messageAttributes", {}).get(observe.ATTRIBUTE, {}).get("stringValue")
    return str(carried or record.get("messageId", ""))


def correlation_of_all(records: Iterable[Mapping[str, Any]]) -> str:
    """One id for records that are worked on together: the first one's."""
    return next((correlation_of(record) for record in records), "")


def waited(record: Mapping[str, Any], world: World) -> None:
    """Count how long a message lay in its queue, in seconds."""
    sent = record.get("attributes", {}).get("SentTimestamp")
    if sent is not None:
        then = datetime.fromtimestamp(int(sent) / 1000, UTC)
        observe.count(age=max(0.0, round((world.clock.now() - then).total_seconds(), 3)))
