"""SQS: JSON messages to the deployment's queues."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib import observe
from chalicelib.adapters.aws import Clients
from chalicelib.adapters.credentials import acting_as_self
from chalicelib.adapters.errors import VENDOR_ERRORS, translated
from chalicelib.domain.errors import Permanent, Retryable
from chalicelib.ports.system import QueueName

BATCH = 10
"""Entries in one SendMessageBatch (AWS quota)."""
BATCH_BYTES = 262_144
"""Bytes in one SendMessageBatch (AWS quota of 256 KiB, which every queue has)."""
MAX_DELAY = 900
"""Seconds that SQS holds a message back at most (AWS quota)."""


class SqsQueue:
    """See ``ports.system.Queue``. Queues are named ``<prefix>-<queue>``; their URLs are looked up once."""

    def __init__(self, clients: Clients, prefix: str, *, url_prefix: str = "") -> None:
        self._clients = clients
        self._prefix = prefix
        self._urls: dict[QueueName, str] = {}
        if url_prefix:
            self._urls = {name: f"{url_prefix}{prefix}-{name.value}" for name in QueueName}

    def put(self, queue: QueueName, message: Mapping[str, object], *, delay: int = 0) -> None:
        """Send one message; raises Permanent for a delay or size that SQS does not take."""
        if not 0 <= delay <= MAX_DELAY:
            raise Permanent(f"a message is delayed by 0 to {MAX_DELAY} seconds, not {delay}")
        self._call(
            "send_message", QueueUrl=self._url(queue), MessageBody=_body(message), DelaySeconds=delay, **_carried())

    def put_many(self, queue: QueueName, messages: Sequence[Mapping[str, object]]) -> None:
        """Send in tens; raises Retryable when some were not taken, after all were tried."""
        failed: list[str] = []
        for bodies in _batches([_body(message) for message in messages]):
            entries = [{"Id": str(i), "MessageBody": body, **_carried()} for i, body in enumerate(bodies)]
            answer = self._call("send_message_batch", QueueUrl=self._url(queue), Entries=entries)
            failed += [str(entry.get("Code", "")) for entry in answer.get("Failed", [])]
        if failed:
            codes = ", ".join(sorted(set(failed)))
            raise Retryable(f"{len(failed)} of {len(messages)} messages were not taken: {codes}")

    def _url(self, queue: QueueName) -> str:
        if queue not in self._urls:
            answer = self._call("get_queue_url", QueueName=f"{self._prefix}-{queue.value}")
            self._urls[queue] = str(answer["QueueUrl"])
        return self._urls[queue]

    def _call(self, method: str, **kwargs: Any) -> dict[str, Any]:
        """The queues belong to the functions, never to a partner's role."""
        client = self._clients.get("sqs")
        try:
            with acting_as_self():
                return dict(getattr(client, method)(**kwargs))
        except VENDOR_ERRORS as error:
            raise translated(error, method) from error


def _carried() -> dict[str, Any]:
    """The correlation id, as an attribute beside the message."""
    correlation = observe.current().correlation
    if not correlation:
        return {}
    return {"MessageAttributes": {observe.ATTRIBUTE: {"DataType": "String", "StringValue": correlation}}}


def _body(message: Mapping[str, object]) -> str:
    """The message as JSON; raises Permanent where it lacks ``v`` or ``kind`` or is too large."""
    if not isinstance(message.get("v"), int) or not message.get("kind"):
        raise Permanent("a message has a version (v) and a kind")
    body = json.dumps(message, separators=(",", ":"), ensure_ascii=False)
    if len(body.encode()) > BATCH_BYTES:
        raise Permanent(f"a message of kind {message['kind']} is larger than {BATCH_BYTES} bytes")
    return body


def _batches(bodies: Sequence[str]) -> list[list[str]]:
    """Cut into batches that SQS takes: ten entries and 256 KiB at most."""
    batches: list[list[str]] = []
    size = 0
    for body in bodies:
        length = len(body.encode())
        if not batches or len(batches[-1]) == BATCH or size + length > BATCH_BYTES:
            batches.append([])
            size = 0
        batches[-1].append(body)
        size += length
    return batches
