"""Unsubscribe tokens: everything in the token, under a MAC with a deployment key.

Making one costs no write and no KMS call, and it works after the partner's keys are destroyed.
A token is one version byte, 16 bytes each of partner, contact and campaign, and the first 16
bytes of an HMAC-SHA256 over them (RFC 2104, section 5, allows half): 65 bytes, 87 characters of
URL-safe base64, so that no mail client wraps it.
"""

from __future__ import annotations

import base64
import hmac
import re
from functools import lru_cache

from chalicelib.domain.errors import NotFound
from chalicelib.domain.ids import CampaignId, ContactId, PartnerId, base32_of, bytes_of
from chalicelib.ports.trust import Unsubscribe

VERSION = 1
LENGTH = 87
_MAC = 16
_SHAPE = re.compile(rf"[A-Za-z0-9_-]{{{LENGTH}}}")
_NO_CAMPAIGN = bytes(16)


class MacTokens:
    """Makes tokens with ``secret``; reads those of ``former`` secrets as well.

    A former secret must stay listed for as long as mails made with it may be opened: somebody who
    unsubscribes from an old mail must succeed.
    """

    def __init__(self, secret: bytes, *former: bytes) -> None:
        if any(len(key) < 16 for key in (secret, *former)):
            raise ValueError("an unsubscribe secret has at least 16 bytes")
        # A key of its own per use: the deployment's secret may serve other purposes as well.
        self._keys = [hmac.digest(key, b"countersign unsubscribe 1", "sha256") for key in (secret, *former)]

    def make(self, partner: PartnerId, contact: ContactId, campaign: str) -> str:
        """A URL-safe token of 87 characters; ``campaign`` may be empty. Raises ValueError for other ids."""
        body = bytes([VERSION]) + _bytes(partner, "prt_") + bytes_of(contact)
        body += _bytes(CampaignId(campaign), "cmp_") if campaign else _NO_CAMPAIGN
        return base64.urlsafe_b64encode(body + _mac(self._keys[0], body)).decode().rstrip("=")

    def read(self, token: str) -> Unsubscribe:
        """What a token of ours names; raises NotFound for anything else, always the same."""
        if not _SHAPE.fullmatch(token):
            raise NotFound("unsubscribe token")
        data = base64.urlsafe_b64decode(token + "=")
        body, mac = data[:-_MAC], data[-_MAC:]
        # Every key is tried, whatever the first says, and nothing of the body is looked at before.
        genuine = [hmac.compare_digest(_mac(key, body), mac) for key in self._keys]
        # The last character has two bits to spare; only the one way of writing it is ours.
        canonical = base64.urlsafe_b64encode(data).decode().rstrip("=") == token
        if not any(genuine) or not canonical or body[0] != VERSION:
            raise NotFound("unsubscribe token")
        partner, contact, campaign = body[1:17], body[17:33], body[33:49]
        return Unsubscribe(
            PartnerId("prt_" + base32_of(partner)), ContactId(base32_of(contact)),
            "" if campaign == _NO_CAMPAIGN else "cmp_" + base32_of(campaign),
        )


@lru_cache(maxsize=64)
def _bytes(identifier: str, prefix: str) -> bytes:
    if not identifier.startswith(prefix):
        raise ValueError(f"an id that begins with {prefix} is needed")
    return bytes_of(identifier[len(prefix):])


def _mac(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, body, "sha256")[:_MAC]
