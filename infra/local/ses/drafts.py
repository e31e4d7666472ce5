"""From the members of a request to messages that may be sent, or a refusal."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from infra.local.ses import checks, mime, templating, wire
from infra.local.ses.errors import bad_request, not_found
from infra.local.ses.templating import Body

MAX_MESSAGE = 40 * 1024 * 1024
"""Bytes of a message with its attachments (API v2, service quotas: 40 MB)."""

EICAR = "EICAR-STANDARD-ANTIVIRUS-TEST-FILE"
"""The harmless signature by which the developer guide says to test Reject events."""


@dataclass(frozen=True, slots=True)
class Recipients:
    """The three lists of a Destination, as written."""

    to: tuple[str, ...]
    cc: tuple[str, ...]
    bcc: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One message before it is sent: its recipients, its content, and what belongs to it."""

    people: Recipients
    body: Body
    headers: tuple[tuple[str, str], ...] = ()
    tags: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    infected: bool = False

    @property
    def recipients(self) -> tuple[str, ...]:
        """Everybody it goes to, as written."""
        return self.people.to + self.people.cc + self.people.bcc


def single(request: wire.Json) -> tuple[Draft, mime.Raw | None]:
    """The message of SendEmail, and what was read of it where it is a raw one."""
    content = wire.member(request, "Content") or {}
    kinds = [kind for kind in ("Simple", "Raw", "Template") if wire.member(content, kind) is not None]
    if len(kinds) != 1:
        raise bad_request("Content needs exactly one of Simple, Raw and Template.")
    member = wire.member(content, kinds[0]) or {}
    own, to = checks.tags(wire.objects(request, "EmailTags")), wire.member(request, "Destination")
    if kinds[0] == "Raw":
        return raw(member, to, own)
    if kinds[0] == "Simple":
        return simple(member, to, own), None
    made = template(member)
    body = Body(made, templating.parse_data(wire.text(member, "TemplateData"), "TemplateData"))
    rendered_size(body)
    return Draft(
        people=destination(to), body=body, headers=checks.headers(wire.objects(member, "Headers")), tags=own,
        infected=infected(made, body.data.values()),
    ), None


def entry_maker(request: wire.Json) -> Callable[[wire.Json], Draft]:
    """Read what all entries of SendBulkEmail share, once, and return what reads an entry."""
    source = wire.member(wire.member(request, "DefaultContent") or {}, "Template")
    if source is None:
        raise bad_request("DefaultContent.Template is required.")
    shared = template(source)
    data = templating.parse_data(wire.text(source, "TemplateData"), "TemplateData")
    headers = checks.headers(wire.objects(source, "Headers"))
    tags = checks.tags(wire.objects(request, "DefaultEmailTags"))
    ill = infected(shared, data.values())

    def make(entry: wire.Json) -> Draft:
        content = wire.member(wire.member(entry, "ReplacementEmailContent") or {}, "ReplacementTemplate") or {}
        own = templating.parse_data(wire.text(content, "ReplacementTemplateData"), "ReplacementTemplateData")
        body = Body(shared, data | own)
        rendered_size(body)
        return Draft(
            people=destination(wire.member(entry, "Destination")),
            body=body,
            headers=merge_headers(headers, checks.headers(wire.objects(entry, "ReplacementHeaders"))),
            tags=tags | checks.tags(wire.objects(entry, "ReplacementTags")),
            infected=ill or any(EICAR in value for value in own.values()),
        )

    return make


def destination(source: wire.Json | None) -> Recipients:
    """The recipients of a Destination, checked; raises BadRequestException."""
    source = source or {}
    lists = [checks.mailboxes(wire.texts(source, name)) for name in ("ToAddresses", "CcAddresses", "BccAddresses")]
    count = sum(map(len, lists))
    if count > checks.MAX_RECIPIENTS:
        raise bad_request(f"Recipient count exceeds {checks.MAX_RECIPIENTS}.")
    if not count:
        raise bad_request("The message has no recipient.")
    return Recipients(tuple(lists[0]), tuple(lists[1]), tuple(lists[2]))


def simple(message: wire.Json, to: wire.Json | None, tags: dict[str, str]) -> Draft:
    """A simple message of SendEmail."""
    wire.unsupported(message, "Attachments")
    subject = checks.content(message, "Subject")
    checks.subject(subject)
    if wire.member(message, "Subject") is None:
        raise bad_request("Subject is required.")
    parts = wire.member(message, "Body") or {}
    html, text = checks.content(parts, "Html"), checks.content(parts, "Text")
    if not html and not text:
        raise bad_request("The body needs an HTML or a text part.")
    size(len(html.encode()) + len(text.encode()) + len(subject))
    return Draft(
        people=destination(to),
        body=templating.literal(subject, html, text),
        headers=checks.headers(wire.objects(message, "Headers")),
        tags=tags,
        infected=EICAR in html or EICAR in text,
    )


def raw(message: wire.Json, to: wire.Json | None, tags: dict[str, str]) -> tuple[Draft, mime.Raw]:
    """A raw message of SendEmail; its own headers name the recipients unless the request does."""
    try:
        data = base64.b64decode(wire.required(message, "Data"), validate=True)
    except binascii.Error:
        raise bad_request("Raw.Data is not base64.") from None
    size(len(data))
    found = mime.read(data)
    named = to or {"ToAddresses": [*found.to], "CcAddresses": [*found.cc], "BccAddresses": [*found.bcc]}
    draft = Draft(
        people=destination(named),
        body=templating.literal(found.subject, found.html, found.text),
        headers=found.headers,
        tags=dict(found.tags) | tags,
        raw=data,
        infected=EICAR.encode() in data,
    )
    return draft, found


def template(source: wire.Json) -> templating.Template:
    """The inline template of a request; raises NotFoundException for a stored one: there are none."""
    name = wire.text(source, "TemplateName") or wire.text(source, "TemplateArn")
    if name:
        raise not_found(f"Template {name} does not exist.")
    wire.unsupported(source, "Attachments")
    content = wire.member(source, "TemplateContent")
    if content is None:
        raise bad_request("Template needs TemplateName, TemplateArn or TemplateContent.")
    subject, html, text = (wire.text(content, part) for part in ("Subject", "Html", "Text"))
    if not subject:
        raise bad_request("The template has no subject.")
    if not html and not text:
        raise bad_request("The template needs an HTML or a text part.")
    return templating.compile_template(subject, html, text)


def merge_headers(
    default: tuple[tuple[str, str], ...], own: tuple[tuple[str, str], ...]
) -> tuple[tuple[str, str], ...]:
    """ReplacementHeaders take the place of defaults of the same name (API reference, BulkEmailEntry)."""
    if not own:
        return default
    replaced = {name.lower() for name, _ in own}
    return tuple(pair for pair in default if pair[0].lower() not in replaced) + own


def infected(template: templating.Template, values: Iterable[str]) -> bool:
    """Whether the signature of the antivirus test file is in a template or a value."""
    parts = (template.subject, template.html, template.text)
    return any(EICAR in piece for part in parts for piece in part.pieces) or any(EICAR in value for value in values)


def size(length: int) -> None:
    """Refuse a message that is too long."""
    if length > MAX_MESSAGE:
        raise bad_request(f"Message length is more than {MAX_MESSAGE} bytes long: '{length}'.")


def rendered_size(body: Body) -> None:
    """Refuse a template whose values would make it too long, without rendering the usual ones."""
    longest = max(map(len, body.data.values()), default=0)
    pieces = sum(len(part.pieces) for part in (body.template.subject, body.template.html, body.template.text))
    if longest * pieces * 4 + templating.MAX_TEMPLATE_BYTES > MAX_MESSAGE:
        size(len(body.html.encode()) + len(body.text.encode()) + len(body.subject.encode()))
