"""What Lambda is to a function behind a queue: the event it is called with, the context, and how its answer is read."""

from __future__ import annotations

import importlib
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from chalicelib.events.registry import module_of

Handler = Callable[[Mapping[str, Any], object], object]


@dataclass(frozen=True, slots=True)
class Context:
    """What Lambda passes as the second argument, as far as handlers may use it."""

    function_name: str
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    seconds: int = 900

    def get_remaining_time_in_millis(self) -> int:
        """Nobody ends a function here; it is told the full time."""
        return self.seconds * 1000


def find_handler(name: str) -> Handler:
    """The handler of a function, imported when the first message arrives."""
    found: Handler = importlib.import_module(module_of(name)).handler
    return found


def record_of(message: Mapping[str, Any], arn: str, region: str, *, without: str) -> dict[str, Any]:
    """A received message in the shape in which Lambda hands it to a function, less the attribute ``without``."""
    attributes = {name: value for name, value in message.get("MessageAttributes", {}).items() if name != without}
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": dict(message.get("Attributes", {})),
        "messageAttributes": {
            name: {"stringValue": value.get("StringValue"), "dataType": value["DataType"]}
            for name, value in attributes.items()
        },
        "md5OfBody": message.get("MD5OfBody", ""),
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": region,
    }


def failures(answer: object, ids: Iterable[str]) -> frozenset[str]:
    """The messages that must come again, as Lambda reads the answer of a function.

    Nothing or an empty answer means all is well; an answer that can't be read, or that names a
    message which was not in the batch, means that all failed (Lambda Developer Guide, "Reporting
    batch item failures").
    """
    everything = frozenset(ids)
    if not answer:
        return frozenset()
    try:
        named = {entry["itemIdentifier"] for entry in answer["batchItemFailures"] or ()}  # type: ignore[index]
    except (TypeError, KeyError):
        return everything
    return frozenset(named) if named <= everything else everything
