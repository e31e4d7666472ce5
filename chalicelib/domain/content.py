"""A rendered mail as it is stored and sent: encoded once, at submit, and never rendered again.

The texts hold SES placeholders (``{{name}}``) that differ per recipient. SES escapes nothing,
so each placeholder belongs to one context and its value is escaped by us for that context.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from enum import StrEnum

from chalicelib.domain.record import dataclass


class Context(StrEnum):
    """Where a placeholder stands; it decides how its value is escaped."""

    HTML = "html"
    TEXT = "text"
    SUBJECT = "subject"
    URL = "url"
    LITERAL = "literal"


UNSUBSCRIBE_URL = "unsubscribe_url"
"""The one merge field that every campaign has; its value is made per recipient."""


@dataclass(frozen=True, slots=True)
class Placeholder:
    """``name`` as SES sees it, the contact's ``field`` it takes, and what stands for an empty one.

    A ``LITERAL`` placeholder has its value in ``default``: it writes a partner's own ``{{``.
    """

    name: str
    field: str
    context: Context
    default: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """One mail, encoded: subject, HTML and text with their placeholders."""

    subject: str
    html: str
    text: str
    placeholders: tuple[Placeholder, ...] = ()

    def encode(self) -> bytes:
        """Canonical UTF-8 JSON; the digest is taken over exactly these bytes."""
        fields = {"v": 1, **asdict(self)}
        return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    @property
    def sha256(self) -> str:
        """The SHA-256 (hex) of the encoded content."""
        return hashlib.sha256(self.encode()).hexdigest()


def decode(data: bytes) -> Content:
    """Read encoded content; raises ValueError for another version or a damaged text."""
    fields = json.loads(data)
    if fields.pop("v", None) != 1:
        raise ValueError("content of an unknown version")
    fields["placeholders"] = tuple(
        Placeholder(p["name"], p["field"], Context(p["context"]), p["default"]) for p in fields["placeholders"]
    )
    return Content(**fields)
