"""The message as it would go over the wire (RFC 5322), and the reading of raw ones."""

from __future__ import annotations

import email
import email.policy
import re
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, getaddresses

from infra.local.ses import checks
from infra.local.ses.errors import bad_request
from infra.local.ses.model import Mail

_POLICY = email.policy.SMTP.clone(max_line_length=998)
"""At the usual 78 characters Python breaks a long URL in a header into encoded words."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")

MAX_LINE = 1_000
"""Octets of one line of a raw message (API reference, RawMessage)."""


def build(mail: Mail) -> bytes:
    """The mail as an ``.eml``; a raw one is returned as it came, with line ends made CRLF."""
    if mail.raw is not None:
        return b"\r\n".join(mail.raw.splitlines()) + b"\r\n"
    message = EmailMessage(policy=_POLICY)
    for name, value in wire_headers(mail):
        message[name] = _CONTROL.sub(" ", value)  # a mail that could not be rendered may hold them
    if mail.body.text or not mail.body.html:
        message.set_content(mail.body.text)
    if mail.body.html and mail.body.text:
        message.add_alternative(mail.body.html, subtype="html")
    elif mail.body.html:
        message.set_content(mail.body.html, subtype="html")
    return message.as_bytes()


def wire_headers(mail: Mail) -> list[tuple[str, str]]:
    """The headers of the message in the order in which this endpoint writes them."""
    found = [("From", mail.source)]
    found += [("To", ", ".join(mail.to))] if mail.to else []
    found += [("Cc", ", ".join(mail.cc))] if mail.cc else []
    found += [("Reply-To", ", ".join(mail.reply_to))] if mail.reply_to else []
    found += [("Subject", mail.body.subject)]
    found += [("Date", format_datetime(datetime.fromisoformat(mail.at)))]
    found += [("Message-ID", f"<{mail.message_id}@email.amazonses.com>")]
    return found + list(mail.headers)


@dataclass(frozen=True, slots=True)
class Raw:
    """What is needed of a raw message."""

    source: str
    to: tuple[str, ...]
    cc: tuple[str, ...]
    bcc: tuple[str, ...]
    reply_to: tuple[str, ...]
    subject: str
    html: str
    text: str
    headers: tuple[tuple[str, str], ...]
    configuration_set: str
    tags: tuple[tuple[str, str], ...]


def read(data: bytes) -> Raw:
    """Parse a raw message; raises BadRequestException for what SES refuses."""
    _structure(data)
    message = email.message_from_bytes(data, policy=email.policy.SMTP)
    if not isinstance(message, EmailMessage):  # pragma: no cover - the policy decides the class
        raise bad_request("The message cannot be parsed.")
    pairs = [(name, str(value)) for name, value in message.items()]
    _headers(pairs)
    return Raw(
        source=_one(pairs, "from"),
        to=_addresses(pairs, "to"),
        cc=_addresses(pairs, "cc"),
        bcc=_addresses(pairs, "bcc"),
        reply_to=_addresses(pairs, "reply-to"),
        subject=_one(pairs, "subject"),
        html=_part(message, "html"),
        text=_part(message, "plain"),
        headers=tuple((name, value) for name, value in pairs if _shown(name)),
        configuration_set=_one(pairs, "x-ses-configuration-set"),
        tags=tuple(_tags(_one(pairs, "x-ses-message-tags"))),
    )


def _structure(data: bytes) -> None:
    head, separator, _ = data.replace(b"\r\n", b"\n").partition(b"\n\n")
    if not separator or not head.strip():
        raise bad_request("A raw message has a header and a body, separated by one blank line.")
    if any(len(line) > MAX_LINE - 2 for line in data.splitlines()):
        raise bad_request(f"A line of the raw message is longer than {MAX_LINE} characters.")
    if b"\x00" in head:
        raise bad_request("A header of the raw message contains a NUL.")


def _headers(pairs: list[tuple[str, str]]) -> None:
    names = [name.lower() for name, _ in pairs]
    for name in names:
        if name in checks.ONCE and names.count(name) > 1:
            raise bad_request(f"Duplicate header '{name}'.")
    if "from" not in names:
        raise bad_request("Missing required header 'From'.")


def _shown(name: str) -> bool:
    return name.lower() not in checks.SET_BY_SES and not name.lower().startswith("x-ses-")


def _one(pairs: list[tuple[str, str]], wanted: str) -> str:
    return next((value for name, value in pairs if name.lower() == wanted), "")


def _addresses(pairs: list[tuple[str, str]], wanted: str) -> tuple[str, ...]:
    found = getaddresses([value for name, value in pairs if name.lower() == wanted])
    return tuple(spec for _, spec in found if spec)


def _part(message: EmailMessage, subtype: str) -> str:
    part = message.get_body((subtype,))
    if part is None:
        return ""
    try:
        return str(part.get_content())
    except (LookupError, UnicodeError):
        raise bad_request(f"The {subtype} part cannot be decoded with the charset it names.") from None


def _tags(value: str) -> list[tuple[str, str]]:
    found = []
    for item in filter(None, (piece.strip() for piece in value.split(","))):
        name, _, content = item.partition("=")
        checks.tag(name.strip(), content.strip())
        found.append((name.strip(), content.strip()))
    return found
