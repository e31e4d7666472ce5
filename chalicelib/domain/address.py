"""E-mail addresses: one frozen, versioned normal form, from which a contact's id is made.

Normal form 1: surrounding white space off; the part before the last @ must be ASCII and is lowered;
the domain is NFC, mapped and encoded as IDNA 2008 says (UTS 46, non-transitional: ß stays ß and
ſ becomes s, as registries do it) and written in punycode. No folding of dots or plus tags.
Changing what an address becomes would make every stored customer unfindable, so the rule is
frozen and a file of golden pairs holds it.

The part before the @ is judged *before* any folding: ``ſmith@`` must be refused, not turned into
somebody else's ``smith@``. SES has no SMTPUTF8 and would refuse it anyway.
"""

from __future__ import annotations

import re
import unicodedata

from chalicelib.domain.errors import Problem, Refused

NORMAL_FORM = 1
_LONGEST = 320
"""Longer input is refused before anything looks at it (RFC 3696, erratum 1690: 254 are usable)."""
_PLAIN = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*@"
                    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")


def normalise(address: str) -> str:
    """Return the normal form of an address; linear in its length, and its own fixed point.

    Raises Refused with ``address.malformed``, ``address.too_long`` (RFC 5321, section 4.5.3.1: 64
    octets of local part, 254 in all) or ``address.local_part`` (the part before the @ must be ASCII).
    """
    if len(address) > _LONGEST:
        raise Refused([Problem("address.too_long", "email")])
    text = address.strip()
    text = text.lower() if text.isascii() else _international(text, address)
    local, _, _ = text.partition("@")
    if len(local) > 64 or len(text) > 254:
        raise Refused([Problem("address.too_long", "email")])
    if not _PLAIN.fullmatch(text):
        raise _malformed(address)
    return text


def domain_for_people(address: str) -> str:
    """The domain of a normalised address as people write it (``bücher.example``)."""
    domain = address.rpartition("@")[2]
    if "xn--" not in domain:
        return domain
    import idna  # heavy tables; only an internationalised domain needs them

    try:
        return idna.decode(domain)
    except idna.IDNAError:
        return domain


def _international(text: str, address: str) -> str:
    """The way of everything that is not plain ASCII; the domain alone may be so."""
    local, at, domain = text.rpartition("@")
    if not at or not local or not domain:
        raise _malformed(address)
    if not local.isascii():
        raise Refused([Problem("address.local_part", "email", {"value": address[:80]})])
    domain = unicodedata.normalize("NFC", domain)
    if len(domain) > 253:
        raise Refused([Problem("address.too_long", "email")])
    import idna  # heavy tables; only an internationalised domain needs them

    try:
        return f"{local.lower()}@{idna.encode(domain, uts46=True).decode().lower()}"
    except (idna.IDNAError, UnicodeError):
        raise _malformed(address) from None


def _malformed(address: str) -> Refused:
    return Refused([Problem("address.malformed", "email", {"value": address[:80]})])
