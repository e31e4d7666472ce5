"""E-mail addresses: one frozen, versioned normal form, from which a contact's id is made.

Normal form 1: NFC, local part and domain casefolded, domain in IDNA 2008 punycode. No folding
of dots or plus tags. Changing what an address becomes would make every stored customer
unfindable, so the rule is frozen and golden tests hold it.
"""

from __future__ import annotations

import re
import unicodedata

from chalicelib.domain.errors import Problem, Refused

NORMAL_FORM = 1
_PLAIN = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*@"
                    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")


def normalise(address: str) -> str:
    """Return the normal form of an address.

    Raises Refused with ``address.malformed``, ``address.too_long`` (RFC 5321: 64 octets of local
    part, 254 in all) or ``address.local_part`` (SES has no SMTPUTF8: the part before the @ must be
    ASCII).
    """
    text = unicodedata.normalize("NFC", address.strip()).casefold()
    if len(text) > 320:
        raise Refused([Problem("address.too_long", "email")])
    local, at, domain = text.rpartition("@")
    if not at or not local or not domain:
        raise Refused([Problem("address.malformed", "email", {"value": address[:80]})])
    if not domain.isascii():
        domain = _punycode(domain, address)
    if not local.isascii():
        raise Refused([Problem("address.local_part", "email", {"value": address[:80]})])
    text = f"{local}@{domain}"
    if len(local) > 64 or len(text) > 254:
        raise Refused([Problem("address.too_long", "email")])
    if not _PLAIN.fullmatch(text):
        raise Refused([Problem("address.malformed", "email", {"value": address[:80]})])
    return text


def _punycode(domain: str, address: str) -> str:
    if len(domain) > 253:
        raise Refused([Problem("address.too_long", "email")])
    import idna  # heavy tables; only an internationalised domain needs them

    try:
        return idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        raise Refused([Problem("address.malformed", "email", {"value": address[:80]})]) from None
