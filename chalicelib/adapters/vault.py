"""Seals customers: keys per partner, wrapped by KMS, and AES-256-GCM blobs bound to their place.

A partner has an index key (HMAC-SHA256 over the normalised address gives the contact's id; never
rotated, or nobody would be found) and versions of a data key. Both are made by KMS under the
partner's own credentials with the encryption context ``{"partner": id}`` and lie wrapped in the
keys table, whose loss is the loss of the data.

A blob is: one byte of format, two bytes of key version, a random nonce of 96 bits, ciphertext and
tag. Partner, contact, kind of blob and key version are authenticated with it, so a blob that was
moved to another place does not open. Random nonces carry 2^32 blobs a key (NIST SP 800-38D, 8.3):
rotate the data key before a partner has sealed that many.
"""

from __future__ import annotations

import hmac
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.adapters.credentials import acting_as
from chalicelib.adapters.dynamo import expressions as ex
from chalicelib.adapters.dynamo.failures import ConditionFailed
from chalicelib.adapters.dynamo.table import Table
from chalicelib.adapters.errors import translated
from chalicelib.domain.contact import Contact, SealedContact
from chalicelib.domain.errors import Damaged, NotFound
from chalicelib.domain.ids import ContactId, PartnerId, base32_of
from chalicelib.ports.system import Clock, Entropy, PartnerSession
from chalicelib.ports.trust import require_customers

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    from chalicelib.adapters.aws import Clients

FORMAT = 1
NONCE = 12
_HEAD = 3 + NONCE
_TAG = 16
_INDEX = "INDEX#1"
_CURRENT = 1
"""The data key's version that seals; older ones still open. Rotation raises it."""
KEPT = 64
"""Partners whose keys one process holds at a time."""
KEPT_FOR = timedelta(minutes=5)
"""How long an unwrapped key stays; after that a destroyed key is gone here, too."""


@dataclass(slots=True)
class _Keys:
    """A partner's unwrapped keys in memory; ``data`` is filled by version as blobs ask for them."""

    index: bytes = field(repr=False)
    until: datetime
    data: dict[int, AESGCM] = field(default_factory=dict, repr=False)


class KmsVault:
    """The vault on KMS and the keys table; ``kms_key`` is the id or ARN that wraps."""

    def __init__(self, clients: Clients, table: Table, kms_key: str, clock: Clock, entropy: Entropy) -> None:
        import msgspec

        self._clients = clients
        self._table = table
        self._kms_key = kms_key
        self._clock = clock
        self._entropy = entropy
        # On the path of every recipient: in less than half of the time that ``json`` takes.
        self._read_profile = msgspec.json.Decoder(dict[str, str]).decode
        self._kept: dict[PartnerId, _Keys] = {}
        self._lock = threading.Lock()

    def create_keys(self, session: PartnerSession) -> None:
        """Make index and data key; of two racers one wins and both use its keys."""
        require_customers(session)
        for name in (_INDEX, _data(_CURRENT)):
            if self._table.of(session).get(_pk(session), name, consistent=True) is None:
                self._make(session, name)

    def contact_id(self, session: PartnerSession, address: str) -> ContactId:
        """The id of a normalised address; raises NotFound while the partner has no keys."""
        digest = hmac.digest(self._keys(session).index, address.encode(), "sha256")
        return ContactId(base32_of(digest[:16]))

    def seal(self, session: PartnerSession, contact: Contact) -> tuple[bytes, bytes]:
        """The sealed address and profile of a contact."""
        key = self._key(session, self._keys(session), _CURRENT)
        profile = json.dumps(dict(contact.profile), ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        head = bytes([FORMAT]) + _CURRENT.to_bytes(2, "big")
        nonces = self._entropy.bytes(2 * NONCE)
        return (
            _sealed(key, head, nonces[:NONCE], contact.address.encode(), _place(session, contact.id, "address", head)),
            _sealed(key, head, nonces[NONCE:], profile.encode(), _place(session, contact.id, "profile", head)),
        )

    def open(self, session: PartnerSession, sealed: SealedContact) -> Contact:
        """The contact in the clear; raises Damaged for a moved or damaged blob, NotFound for a lost key."""
        keys = self._keys(session)
        address = self._open(session, keys, sealed.id, "address", sealed.address)
        profile = self._open(session, keys, sealed.id, "profile", sealed.profile)
        return Contact(id=sealed.id, address=address.decode(), profile=self._read_profile(profile))

    def forget(self, partner: PartnerId) -> None:
        """Drop a partner's unwrapped keys at once (its keys were destroyed or rotated)."""
        with self._lock:
            self._kept.pop(partner, None)

    def _open(self, session: PartnerSession, keys: _Keys, contact: ContactId, kind: str, blob: bytes) -> bytes:
        if len(blob) < _HEAD + _TAG or blob[0] != FORMAT:
            raise Damaged(f"a sealed {kind} has an unknown form")
        head = blob[:3]
        version = int.from_bytes(head[1:], "big")
        key = keys.data.get(version) or self._key(session, keys, version)
        try:
            return key.decrypt(blob[3:_HEAD], blob[_HEAD:], _place(session, contact, kind, head))
        except Exception as error:
            if type(error).__name__ != "InvalidTag":
                raise
        # Outside of the except block, so that no context of the failure travels with the error.
        raise Damaged(f"a sealed {kind} was moved or damaged")

    def _keys(self, session: PartnerSession) -> _Keys:
        """The partner's keys: from memory while young, else unwrapped by KMS."""
        require_customers(session)
        now = self._clock.now()
        kept = self._kept.get(session.partner)
        if kept is not None and now < kept.until:
            return kept
        fresh = _Keys(index=self._unwrap(session, _INDEX), until=now + KEPT_FOR)
        with self._lock:
            self._kept.pop(session.partner, None)
            while len(self._kept) >= KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[session.partner] = fresh
        return fresh

    def _key(self, session: PartnerSession, keys: _Keys, version: int) -> AESGCM:
        if version not in keys.data:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM

            keys.data[version] = AESGCM(self._unwrap(session, _data(version)))
        return keys.data[version]

    def _make(self, session: PartnerSession, name: str) -> None:
        answer = self._kms(session, "generate_data_key", {"KeyId": self._kms_key, "KeySpec": "AES_256"})
        item = {
            "pk": _pk(session), "sk": name, "type": "key", "v": 1, "wrapped": bytes(answer["CiphertextBlob"]),
            "kms_key": str(answer.get("KeyId", "")),
        }
        try:
            self._table.of(session).put(item, condition=ex.absent("pk"))
        except ConditionFailed:
            return  # Somebody else's key is there already; ours never sealed anything.

    def _unwrap(self, session: PartnerSession, name: str) -> bytes:
        item = self._table.of(session).get(_pk(session), name, consistent=True)
        if item is None:
            raise NotFound("key")
        return bytes(self._kms(session, "decrypt", {"CiphertextBlob": item["wrapped"]})["Plaintext"])

    def _kms(self, session: PartnerSession, operation: str, arguments: dict[str, object]) -> Mapping[str, Any]:
        """One KMS call under the partner's credentials, bound to the partner by its context."""
        client = self._clients.get("kms")
        try:
            with acting_as(session) as partner:
                answer: Mapping[str, Any] = getattr(client, operation)(
                    **arguments, EncryptionContext={"partner": partner})
                return answer
        except (ClientError, BotoCoreError) as error:
            raise translated(error, f"kms {operation}") from error


def _sealed(key: AESGCM, head: bytes, nonce: bytes, plain: bytes, place: bytes) -> bytes:
    return head + nonce + key.encrypt(nonce, plain, place)


def _place(session: PartnerSession, contact: ContactId, kind: str, head: bytes) -> bytes:
    """What a blob is bound to; the parts are ids and fixed words, so no two places read the same."""
    return f"{session.partner}|{contact}|{kind}|".encode() + head


def _pk(session: PartnerSession) -> str:
    return f"P#{session.partner}#KEY"


def _data(version: int) -> str:
    return f"DATA#{version:04d}"
