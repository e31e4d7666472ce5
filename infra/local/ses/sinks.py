"""Where events go: a queue that stands behind an SNS topic, and a bucket behind a Firehose."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import Any, Protocol


class Sinks(Protocol):
    """What the runner gives; both may raise, and are then called again later."""

    def publish_sns(self, envelope: Mapping[str, Any]) -> None:
        """Deliver a notification as the queue behind the topic receives it."""

    def put_object(self, key: str, data: bytes) -> None:
        """Store an object as Firehose would."""


class KeptSinks:
    """Keeps everything, for tests and for a mailbox without a queue behind it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.envelopes: list[Mapping[str, Any]] = []
        self.objects: dict[str, bytes] = {}

    def publish_sns(self, envelope: Mapping[str, Any]) -> None:
        """Keep a notification."""
        with self._lock:
            self.envelopes.append(envelope)

    def put_object(self, key: str, data: bytes) -> None:
        """Keep an object."""
        with self._lock:
            self.objects[key] = data

    def messages(self) -> list[dict[str, Any]]:
        """The SES events inside the notifications, without SES's test message."""
        return [json.loads(e["Message"]) for e in self.envelopes if e["Message"].startswith("{")]

    def records(self) -> list[dict[str, Any]]:
        """The SES events inside the objects."""
        return [json.loads(line) for data in self.objects.values() for line in data.splitlines()]


class NoSinks:
    """Drops everything."""

    def publish_sns(self, envelope: Mapping[str, Any]) -> None:
        """Drop a notification."""

    def put_object(self, key: str, data: bytes) -> None:
        """Drop an object."""


class AwsSinks:
    """Sends to a queue and a bucket through boto3 clients (real ones, or of the emulator)."""

    def __init__(self, *, sqs: Any, queue_url: str, s3: Any, bucket: str) -> None:
        self._sqs, self._queue_url, self._s3, self._bucket = sqs, queue_url, s3, bucket

    def publish_sns(self, envelope: Mapping[str, Any]) -> None:
        """Put the envelope on the queue, as a subscription without raw delivery does."""
        self._sqs.send_message(QueueUrl=self._queue_url, MessageBody=json.dumps(envelope))

    def put_object(self, key: str, data: bytes) -> None:
        """Put the object into the bucket."""
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=data, ContentType="application/octet-stream")
