"""What SES refuses in addresses, headers, tags and subjects.

Sources: the SES API v2 reference (Destination, MessageHeader, MessageTag, Content) and the
developer guide's page on header fields. SES has no SMTPUTF8: local parts are ASCII, domains are
in punycode, and a display name that is not ASCII must be an RFC 2047 encoded word.
"""

from __future__ import annotations

import codecs
import re
from functools import lru_cache

from infra.local.ses import wire
from infra.local.ses.errors import bad_request

MAX_ADDRESS = 320
MAX_RECIPIENTS = 50
MAX_HEADERS = 15
MAX_TAGS = 50
MAX_SUBJECT = 9_000

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_SPEC = re.compile(rf"(?P<local>{_ATOM}(?:\.{_ATOM})*)@(?P<domain>{_LABEL}(?:\.{_LABEL})+)")
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")
_NAMED = re.compile(r'\s*(?:"(?:[^"\\\r\n]|\\[^\r\n])*"|[^<>@,;:"\[\]()\\\r\n]*)\s*<([^<>\s]+)>\s*')
_TAG = re.compile(r"[A-Za-z0-9_.@-]{1,256}")
_HEADER_NAME = re.compile(r"[!-9;-~]{1,126}")
_HEADER_VALUE = re.compile(r"[ -~]{1,995}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

_SET_BY_SES_WORDS = """
    bcc cc content-transfer-encoding content-type date dkim-signature from message-id mime-version received reply-to
    return-path sender subject to
"""
SET_BY_SES = frozenset(_SET_BY_SES_WORDS.split())
"""Headers that a caller gives as members of the request, or that SES writes itself."""

_ONCE_WORDS = """
    accept-language acceptlanguage archived-at auto-submitted bounces-to comments content-alternative content-base
    content-class content-description content-disposition content-duration content-id content-language
    content-length content-location content-md5 content-transfer-encoding content-type date delivered-to
    disposition-notification-options disposition-notification-to dkim-signature domainkey-signature errors-to from
    importance in-reply-to keywords list-archive list-help list-id list-owner list-post list-subscribe
    list-unsubscribe list-unsubscribe-post message-context message-id mime-version organization original-from
    original-message-id original-recipient original-subject precedence priority references reply-to return-path
    return-receipt-to sender solicitation sensitivity subject thread-index thread-topic user-agent vbr-info
"""
ONCE = frozenset(_ONCE_WORDS.split())
"""Headers that may stand in a message once only."""


def mailbox(value: str) -> str:
    """The bare address of ``a@b.example`` or ``Name <a@b.example>``; raises BadRequestException."""
    if _SPEC.fullmatch(value) and len(value) <= MAX_ADDRESS and value.index("@") <= 64:
        return value
    return _named(value)


@lru_cache(maxsize=256)
def _named(value: str) -> str:
    if "\r" in value or "\n" in value or "\x00" in value:
        raise bad_request("An address contains a line break or a NUL.")
    named = _NAMED.fullmatch(value)
    spec = named[1] if named else value
    if "@" not in spec:
        raise bad_request(f"Missing final '@domain' in {spec!r}.")
    local, domain = spec.rsplit("@", 1)
    if not local.isascii():
        raise bad_request(f"Local address contains non-ASCII characters: {spec!r} (SES has no SMTPUTF8).")
    if not domain.isascii():
        raise bad_request(f"Domain contains non-ASCII characters: {spec!r}. Write it in punycode.")
    if not value.isascii():
        raise bad_request("A display name that is not ASCII must be a MIME encoded word (RFC 2047).")
    if not _SPEC.fullmatch(spec) or len(spec) > MAX_ADDRESS or len(local) > 64:
        raise bad_request(f"Illegal address: {value!r}.")
    return spec


def identity(name: str) -> str:
    """The name of an identity, an address or a domain, in lower case; raises BadRequestException."""
    name = name.strip().lower()
    if "@" in name:
        return mailbox(name)
    if len(name) > 253 or not _DOMAIN.fullmatch(name):
        raise bad_request(f"Invalid email address or domain <{name}>.")
    return name


def mailboxes(values: list[str]) -> list[str]:
    """Check a list of addresses and return them as they were written."""
    for value in values:
        mailbox(value)
    return values


def subject(value: str) -> None:
    """Refuse a subject with control characters or of absurd length."""
    if _CONTROL.search(value):
        raise bad_request("The subject contains a line break or another control character.")
    if len(value) > MAX_SUBJECT:
        raise bad_request(f"The subject is longer than {MAX_SUBJECT} characters.")


def content(source: wire.Json, name: str) -> str:
    """The text of a Content member; without a charset SES takes ASCII only."""
    member = wire.member(source, name)
    if member is None:
        return ""
    data, charset = wire.text(member, "Data"), wire.text(member, "Charset") or "us-ascii"
    try:
        data.encode(codecs.lookup(charset).name)
    except LookupError:
        raise bad_request(f"{name}: unknown charset {charset!r}.") from None
    except UnicodeEncodeError:
        raise bad_request(f"{name} has characters outside {charset}: specify a Charset, such as UTF-8.") from None
    return data


def headers(source: list[wire.Json]) -> tuple[tuple[str, str], ...]:
    """Check a list of MessageHeader."""
    if len(source) > MAX_HEADERS:
        raise bad_request(f"More than {MAX_HEADERS} headers.")
    found: list[tuple[str, str]] = []
    seen: set[str] = set()
    for item in source:
        name, value = wire.required(item, "Name"), wire.required(item, "Value")
        _header(name, value)
        if name.lower() in seen and name.lower() in ONCE:
            raise bad_request(f"Duplicate header '{name}'.")
        seen.add(name.lower())
        found.append((name, value))
    return tuple(found)


def _header(name: str, value: str) -> None:
    if not _HEADER_NAME.fullmatch(name):
        raise bad_request(f"Invalid header name {name!r}: printable ASCII without colon, at most 126 characters.")
    if not _HEADER_VALUE.fullmatch(value) or len(name) + len(value) > 996:
        raise bad_request(f"Invalid value of header {name}: printable ASCII on one line, at most 995 characters.")
    if name.lower() in SET_BY_SES or name.lower().startswith("x-ses-"):
        raise bad_request(f"Header '{name}' is set by SES and cannot be given.")


def tags(source: list[wire.Json]) -> dict[str, str]:
    """Check a list of MessageTag."""
    if len(source) > MAX_TAGS:
        raise bad_request(f"More than {MAX_TAGS} message tags.")
    found: dict[str, str] = {}
    for item in source:
        name, value = wire.text(item, "Name"), wire.text(item, "Value")
        tag(name, value)
        if name in found:
            raise bad_request(f"Duplicate message tag {name!r}.")
        found[name] = value
    return found


def tag(name: str, value: str) -> None:
    """Refuse a tag whose name or value SES would refuse."""
    for part in (name, value):
        if not _TAG.fullmatch(part):
            raise bad_request(
                f"Invalid message tag {name!r}={value!r}: 1 to 256 ASCII letters, digits, '_', '-', '.' or '@'."
            )
