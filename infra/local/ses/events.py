"""SES events in the shapes in which AWS publishes them.

Sources: developer guide, "Contents of event data that Amazon SES publishes to Amazon SNS" and its
examples (Firehose gets the same records, each followed by a line break), and the SNS guide for the
envelope that a queue receives. The field for a rendering failure is called ``failure`` there, and
its event type has a blank: ``Rendering Failure``.
"""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from infra.local.ses.links import first_link
from infra.local.ses.mime import wire_headers
from infra.local.ses.model import Mail, stamp

ACCOUNT_ID = "000000000000"
USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36"
MTA = "a8-50.smtp-out.amazonses.com"
_HEADERS_KEPT = 10_240

MATCHING = {"Rendering Failure": "RENDERING_FAILURE", "DeliveryDelay": "DELIVERY_DELAY"}
"""Event types whose name in MatchingEventTypes is not simply in capitals."""

_BOUNCES = {
    "": ("Permanent", "General", "5.1.1", "smtp; 550 5.1.1 user unknown"),
    "Suppressed": ("Permanent", "Suppressed", "5.1.1", "Amazon SES has suppressed sending to this address"),
    "OnAccountSuppressionList": (
        "Permanent",
        "OnAccountSuppressionList",
        "5.1.1",
        "Amazon SES did not send the message to this address because it is on the suppression list for your account.",
    ),
    "MailboxFull": ("Transient", "MailboxFull", "4.2.2", "smtp; 452 4.2.2 mailbox full"),
}


def matching_name(kind: str) -> str:
    """An event type as MatchingEventTypes spells it."""
    return MATCHING.get(kind, kind.upper())


def record(mail: Mail, kind: str, at: datetime, detail: str = "") -> dict[str, Any]:
    """One event of a mail; ``detail`` is the sub-type of a bounce, a clicked link or a reason."""
    before_rendering = kind in ("Send", "Rendering Failure") and mail.operation != "SendEmail"
    key, build = _DETAILS[kind]
    return {
        "eventType": kind,
        "mail": _mail(mail, with_subject=not before_rendering, bare=kind in ("Rendering Failure", "DeliveryDelay")),
        key: build(mail, at, detail),
    }


def delay(mail: Mail) -> timedelta:
    """How long the delivery took: 100 to 999 ms, always the same for one mail."""
    return timedelta(milliseconds=100 + zlib.crc32(mail.id.encode()) % 900)


def _mail(mail: Mail, *, with_subject: bool, bare: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        "timestamp": mail.at,
        "source": mail.source,
        "sourceArn": mail.source_arn,
        "sendingAccountId": ACCOUNT_ID,
        "messageId": mail.message_id,
        "destination": list(mail.destination),
        "headersTruncated": False,
        "tags": _tags(mail),
    }
    return found if bare else found | _headers(mail, with_subject)


def _headers(mail: Mail, with_subject: bool) -> dict[str, Any]:
    """The headers, cut at 10 KB, and the common ones once more (lists where AWS has lists)."""
    pairs = [pair for pair in wire_headers(mail) if with_subject or pair[0] != "Subject"]
    pairs.append(("MIME-Version", "1.0"))
    kept, size = [], 0
    for name, value in pairs:
        size += len(name) + len(value)
        if size <= _HEADERS_KEPT:
            kept.append({"name": name, "value": value})
    common: dict[str, Any] = {"from": [mail.source], "to": list(mail.to), "messageId": mail.message_id}
    common |= {"cc": list(mail.cc)} if mail.cc else {}
    common |= {"replyTo": list(mail.reply_to)} if mail.reply_to else {}
    common |= {"subject": mail.body.subject} if with_subject else {}
    return {"headers": kept, "headersTruncated": len(kept) < len(pairs), "commonHeaders": common}


def _tags(mail: Mail) -> dict[str, list[str]]:
    own = {
        "ses:operation": [mail.operation],
        "ses:configuration-set": [mail.configuration_set],
        "ses:source-ip": ["127.0.0.1"],
        "ses:from-domain": [mail.source.rpartition("@")[2].rstrip("> ")],
        "ses:caller-identity": ["local"],
    }
    return own | {name: [value] for name, value in mail.tags.items()}


def _feedback_id(mail: Mail, at: datetime) -> str:
    name = hashlib.sha256(f"{mail.id} {stamp(at)}".encode()).hexdigest()
    return f"{mail.message_id[:16]}-{uuid.UUID(name[:32])}-000000"


def _bounce(mail: Mail, at: datetime, detail: str) -> dict[str, Any]:
    if detail == "Transient":  # an out-of-office answer comes without a delivery status
        recipient = {"emailAddress": mail.recipient}
        kind, sub_type = "Transient", "General"
    else:
        kind, sub_type, status, code = _BOUNCES[detail]
        recipient = {"emailAddress": mail.recipient, "action": "failed", "status": status, "diagnosticCode": code}
    return {
        "bounceType": kind,
        "bounceSubType": sub_type,
        "bouncedRecipients": [recipient],
        "timestamp": stamp(at),
        "feedbackId": _feedback_id(mail, at),
        "reportingMTA": f"dns; {MTA}",
    }


def _complaint(mail: Mail, at: datetime, detail: str) -> dict[str, Any]:
    return {
        "complainedRecipients": [{"emailAddress": mail.recipient}],
        "timestamp": stamp(at),
        "feedbackId": _feedback_id(mail, at),
        "complaintSubType": None,
        "userAgent": "Local mailbox",
        "complaintFeedbackType": detail or "abuse",
        "arrivalDate": stamp(at),
    }


def _delivery(mail: Mail, at: datetime, detail: str) -> dict[str, Any]:
    accepted = datetime.fromisoformat(mail.at)
    return {
        "timestamp": stamp(at),
        "processingTimeMillis": max(int((at - accepted) / timedelta(milliseconds=1)), 0),
        "recipients": [mail.recipient],
        "smtpResponse": "250 2.6.0 Message received",
        "reportingMTA": MTA,
    }


def _delivery_delay(mail: Mail, at: datetime, detail: str) -> dict[str, Any]:
    return {
        "timestamp": stamp(at),
        "delayType": detail or "MailboxFull",
        "expirationTime": stamp(datetime.fromisoformat(mail.at) + timedelta(hours=12)),
        "delayedRecipients": [
            {"emailAddress": mail.recipient, "status": "4.2.2", "diagnosticCode": "smtp; 452 4.2.2 mailbox full"}
        ],
    }


def _open(mail: Mail, at: datetime, detail: str) -> dict[str, Any]:
    return {"ipAddress": "127.0.0.1", "timestamp": stamp(at), "userAgent": USER_AGENT}


def _click(mail: Mail, at: datetime, detail: str) -> dict[str, Any]:
    link = detail or first_link(mail.body.html) or "http://127.0.0.1/"
    return {"ipAddress": "127.0.0.1", "timestamp": stamp(at), "userAgent": USER_AGENT, "link": link, "linkTags": None}


def _failure(mail: Mail, at: datetime, detail: str) -> dict[str, Any]:
    return {"errorMessage": detail, "templateName": ""}


_DETAILS: dict[str, tuple[str, Callable[[Mail, datetime, str], dict[str, Any]]]] = {
    "Send": ("send", lambda mail, at, detail: {}),
    "Delivery": ("delivery", _delivery),
    "DeliveryDelay": ("deliveryDelay", _delivery_delay),
    "Bounce": ("bounce", _bounce),
    "Complaint": ("complaint", _complaint),
    "Reject": ("reject", lambda mail, at, detail: {"reason": "Bad content"}),
    "Rendering Failure": ("failure", _failure),
    "Open": ("open", _open),
    "Click": ("click", _click),
}

KINDS = tuple(_DETAILS)
"""The event types that this endpoint knows."""


def sns_envelope(message: str, topic: str, at: datetime) -> dict[str, Any]:
    """What a queue gets of a notification (raw delivery off). The signature is a placeholder."""
    region = topic.split(":")[3] if topic.count(":") >= 5 else "eu-central-1"
    return {
        "Type": "Notification",
        "MessageId": str(uuid.uuid4()),
        "TopicArn": topic,
        "Subject": "Amazon SES Email Event Notification",
        "Message": message,
        "Timestamp": stamp(at),
        "SignatureVersion": "1",
        "Signature": base64.b64encode(b"not signed: local").decode(),
        "SigningCertURL": f"https://sns.{region}.amazonaws.com/SimpleNotificationService-local.pem",
        "UnsubscribeURL": f"https://sns.{region}.amazonaws.com/?Action=Unsubscribe&SubscriptionArn={topic}:local",
    }


def firehose_line(event: dict[str, Any]) -> bytes:
    """An event as SES hands it to Firehose: one JSON text and a line break."""
    return json.dumps(event, separators=(",", ":")).encode() + b"\n"


def firehose_key(prefix: str, stream: str, at: datetime) -> str:
    """The key that Firehose gives an object: prefix, UTC hour, stream, version, time, a UUID."""
    moment = at.astimezone(UTC)
    return f"{prefix}{moment:%Y/%m/%d/%H}/{stream}-1-{moment:%Y-%m-%d-%H-%M-%S}-{uuid.uuid4()}"
