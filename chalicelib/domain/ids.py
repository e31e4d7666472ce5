"""Identifiers: a prefix and 26 lower-case Crockford base32 characters.

The 26 characters are 48 bits of milliseconds and 80 random bits (the layout of a ULID), so
ids sort by the time they were made and cannot be guessed. They are valid in URLs and as the
value of an SES message tag (letters, digits, ``_`` and ``-``).
"""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from typing import NewType

OrgId = NewType("OrgId", str)
PartnerId = NewType("PartnerId", str)
PersonId = NewType("PersonId", str)
CampaignId = NewType("CampaignId", str)
TemplateId = NewType("TemplateId", str)
ProgrammeId = NewType("ProgrammeId", str)
ImportId = NewType("ImportId", str)
ContactId = NewType("ContactId", str)
"""26 base32 characters (16 bytes) of an HMAC of the normalised address; no prefix, no time."""

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
LENGTH = 26
_PYTHON = "0123456789abcdefghijklmnopqrstuv"
_DIGITS = dict.fromkeys(range(128), "!") | dict(zip(map(ord, ALPHABET), _PYTHON, strict=True))
_FROM_RFC = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", ALPHABET.encode())
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PATTERN = re.compile(rf"[a-z]{{3}}_[{ALPHABET}]{{{LENGTH}}}")


def base32(number: int, length: int = LENGTH) -> str:
    """Write ``number`` in ``length`` characters; the order of numbers is the order of strings."""
    out = []
    for _ in range(length):
        number, digit = divmod(number, 32)
        out.append(ALPHABET[digit])
    return "".join(reversed(out))


def base32_of(data: bytes) -> str:
    """Write 16 bytes in 26 characters, order kept."""
    # RFC 4648's base32 of 20 bytes has 32 characters; the first six stand for bits that are zero here.
    if len(data) != 16:
        raise ValueError("an id is made of 16 bytes")
    return base64.b32encode(bytes(4) + data)[6:].translate(_FROM_RFC).decode()


def bytes_of(text: str) -> bytes:
    """Read back the 16 bytes that :func:`base32_of` wrote; raises ValueError on anything else."""
    if len(text) != LENGTH or not text.isascii():
        raise ValueError("an id has 26 characters")
    # Python reads base 32 with the digits 0-9a-v; one that is not in our alphabet becomes a "!".
    return int(text.translate(_DIGITS), 32).to_bytes(16, "big")


def make_id(prefix: str, now: datetime, entropy: bytes) -> str:
    """Make an id from a three-letter prefix, the time and ten random bytes."""
    if len(entropy) != 10:
        raise ValueError("an id takes ten random bytes")
    millis = int((now - _EPOCH).total_seconds() * 1000)
    return f"{prefix}_{base32((millis << 80) | int.from_bytes(entropy, 'big'))}"


def is_id(text: str, prefix: str) -> bool:
    """Tell whether ``text`` has the shape of an id of that kind; says nothing on existence."""
    return bool(_PATTERN.fullmatch(text)) and text.startswith(prefix + "_")
