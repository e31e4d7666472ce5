"""SES events as SNS, SQS and Firehose carry them: the vendor's shapes end here.

Source: SES developer guide, "Contents of event data that Amazon SES publishes". A hostile text in
an event (a bounce's diagnostic code, a user agent) goes no further: nothing but tag, recipient,
kind and time is taken.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus

from chalicelib.domain.ledger import Seen
from chalicelib.domain.tag import TAG, read_tag
from chalicelib.usecases.feedback import Event

_SEEN = {
    "Send": Seen.ACCEPTED, "DeliveryDelay": Seen.ACCEPTED, "Delivery": Seen.DELIVERED, "Complaint": Seen.COMPLAINED,
    "Reject": Seen.REJECTED, "Rendering Failure": Seen.REJECTED, "Open": Seen.OPENED, "Click": Seen.CLICKED,
}
_DETAIL = {
    "Delivery": "delivery", "Bounce": "bounce", "Complaint": "complaint", "Open": "open", "Click": "click",
}
MAX_LINE = 262_144
"""An event is a few kilobytes; a longer line is not one."""


class Foreign(ValueError):
    """Something that is no event of a campaign's message: garbage, or a mail of another kind."""


def event_of(payload: object) -> Event:
    """Read one event; raises Foreign for whatever is not of a message of ours."""
    try:
        if not isinstance(payload, Mapping):
            raise Foreign("not an object")
        kind, mail = payload["eventType"], payload["mail"]
        (tag,) = mail["tags"][TAG]
        (recipient,) = mail["destination"]
        if not isinstance(tag, str) or not isinstance(recipient, str):
            raise Foreign("tag or recipient")
        return Event(read_tag(tag), recipient, _seen(kind, payload), _time(kind, payload))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise Foreign(type(error).__name__) from None


def _seen(kind: str, payload: Mapping[str, Any]) -> Seen:
    """A hard bounce is one; a soft one (mailbox full, out of office) only proves that it was sent."""
    if kind == "Bounce":
        return Seen.BOUNCED if payload["bounce"]["bounceType"] == "Permanent" else Seen.ACCEPTED
    return _SEEN[kind]


def _time(kind: str, payload: Mapping[str, Any]) -> datetime:
    source = payload.get(_DETAIL.get(kind, "mail")) or payload["mail"]
    moment = datetime.fromisoformat(source["timestamp"])
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def sns_message(body: object) -> object:
    """The event inside of an SNS notification; a raw one is given back as it is."""
    if isinstance(body, Mapping) and body.get("Type") == "Notification":
        return json.loads(body["Message"])
    return body


def uploaded_keys(body: object) -> list[str]:
    """The keys that an S3 notification names; none for anything else (S3's own test event too)."""
    if not isinstance(body, Mapping):
        return []
    if body.get("detail-type") == "Object Created":
        return [str(body["detail"]["object"]["key"])]
    return [
        unquote_plus(record["s3"]["object"]["key"]) for record in body.get("Records") or ()
        if str(record.get("eventSource")) == "aws:s3" and str(record.get("eventName", "")).startswith("ObjectCreated")
    ]


def lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Cut a stream into lines without holding more than one; a line that is too long is dropped."""
    rest, dropping = b"", False
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            if not dropping and line.strip():
                yield line
            dropping = False
        if len(rest) > MAX_LINE:
            rest, dropping = b"", True
    if rest.strip() and not dropping:
        yield rest
