"""A mail as the mailbox keeps it, and the line that its index keeps of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum

from infra.local.ses.templating import Body, literal


class Outcome(StrEnum):
    """What became of a mail that SES accepted."""

    DELIVERED = "delivered"
    DELAYED = "delayed"
    BOUNCED = "bounced"
    SUPPRESSED = "suppressed"
    COMPLAINED = "complained"
    REJECTED = "rejected"
    RENDERING_FAILURE = "rendering failure"
    SILENT = "silent"


ARRIVED = frozenset({Outcome.DELIVERED, Outcome.COMPLAINED, Outcome.SILENT})
"""Outcomes of mails that reached their recipient's mailbox."""


def stamp(moment: datetime) -> str:
    """A time as SES writes it: UTC with milliseconds and Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Happening:
    """One event of a mail: SES's event type, its time, a word on it, and where it was published."""

    kind: str
    at: str
    note: str = ""
    sent_to: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One mail to one recipient. ``destination`` names everybody the message was addressed to."""

    id: str
    message_id: str
    at: str
    source: str
    recipient: str
    destination: tuple[str, ...]
    body: Body
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    reply_to: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    configuration_set: str = ""
    source_arn: str = ""
    operation: str = "SendEmail"
    outcome: Outcome = Outcome.DELIVERED
    events: tuple[Happening, ...] = ()
    raw: bytes | None = None

    def with_events(self, *events: Happening, outcome: Outcome | None = None) -> Mail:
        """The mail after more happened to it."""
        return replace(self, events=self.events + events, outcome=outcome or self.outcome)

    def header(self, name: str) -> str:
        """The value of a header that the sender gave, or an empty string."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), "")

    def entry(self) -> Entry:
        """What the index keeps."""
        return Entry(self.id, self.at, self.source, self.recipient, self.body.subject, dict(self.tags), self.outcome)

    def as_json(self) -> dict[str, object]:
        """The mail as its file has it, without the raw message (which is the ``.eml`` beside it)."""
        return {
            "v": 1,
            "id": self.id,
            "message_id": self.message_id,
            "time": self.at,
            "from": self.source,
            "recipient": self.recipient,
            "destination": list(self.destination),
            "to": list(self.to),
            "cc": list(self.cc),
            "reply_to": list(self.reply_to),
            "subject": self.body.subject,
            "html": self.body.html,
            "text": self.body.text,
            "headers": [list(pair) for pair in self.headers],
            "tags": dict(self.tags),
            "configuration_set": self.configuration_set,
            "source_arn": self.source_arn,
            "operation": self.operation,
            "outcome": self.outcome.value,
            "events": [[e.kind, e.at, e.note, e.sent_to] for e in self.events],
            "raw": self.raw is not None,
        }


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the list."""

    id: str
    at: str
    source: str
    recipient: str
    subject: str
    tags: Mapping[str, str]
    outcome: Outcome

    def encode(self) -> str:
        """The entry as a line of the index file."""
        fields = [self.id, self.at, self.source, self.recipient, self.subject, self.tags, self.outcome.value]
        return json.dumps(fields, ensure_ascii=False, separators=(",", ":")) + "\n"


def entry_of(line: str) -> Entry:
    """Read a line of the index file; raises ValueError for a damaged one."""
    fields = json.loads(line)
    if not isinstance(fields, list) or len(fields) != 7:
        raise ValueError("not a line of the index")
    mail_id, at, source, recipient, subject, tags, outcome = fields
    return Entry(mail_id, at, source, recipient, subject, tags, Outcome(outcome))


def mail_of(source: str | bytes, raw: bytes | None = None) -> Mail:
    """Read a mail's JSON; raises ValueError or KeyError for a damaged one."""
    fields = json.loads(source)
    if fields["v"] != 1:
        raise ValueError("a mail of an unknown version")
    return Mail(
        id=fields["id"],
        message_id=fields["message_id"],
        at=fields["time"],
        source=fields["from"],
        recipient=fields["recipient"],
        destination=tuple(fields["destination"]),
        body=literal(fields["subject"], fields["html"], fields["text"]),
        to=tuple(fields["to"]),
        cc=tuple(fields["cc"]),
        reply_to=tuple(fields["reply_to"]),
        headers=tuple((name, value) for name, value in fields["headers"]),
        tags=fields["tags"],
        configuration_set=fields["configuration_set"],
        source_arn=fields["source_arn"],
        operation=fields["operation"],
        outcome=Outcome(fields["outcome"]),
        events=tuple(Happening(*event) for event in fields["events"]),
        raw=raw,
    )
