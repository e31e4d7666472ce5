"""Customers in memory, under the same conditions as the trust table."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from chalicelib.domain.audience import Tally
from chalicelib.domain.contact import Consent, Contact, ImportBatch, SealedContact, Suppression
from chalicelib.domain.errors import Conflict, Damaged, NotFound, Permanent
from chalicelib.domain.ids import ContactId, ImportId, PartnerId, base32_of
from chalicelib.ports.system import PartnerSession
from chalicelib.ports.trust import ContactRecord, Upserted, require_customers


class FakeContacts:
    """One dictionary a partner; ``writes`` counts what reached the store."""

    def __init__(self) -> None:
        self._contacts: dict[PartnerId, dict[ContactId, SealedContact]] = {}
        self._makers: dict[tuple[PartnerId, ContactId], ImportId] = {}
        self._suppressions: dict[PartnerId, dict[ContactId, Suppression]] = {}
        self._tallies: dict[PartnerId, Tally] = {}
        self.writes = 0

    def ids(self, session: PartnerSession, byte: int) -> Iterator[tuple[ContactId, datetime]]:
        require_customers(session)
        return iter([(r.id, r.contact.created_at) for r in self.scan(session, byte) if r.contact is not None])

    def read(self, session: PartnerSession, ids: Sequence[ContactId]) -> Sequence[ContactRecord]:
        require_customers(session)
        if len(ids) > 500:
            raise Permanent("at most 500 contacts are read at once")
        return [self._record(session, contact) for contact in ids]

    def scan(self, session: PartnerSession, byte: int) -> Iterator[ContactRecord]:
        require_customers(session)
        prefix = base32_of(bytes([byte, *bytes(15)]))[:2]  # two characters carry exactly the first byte
        known = {c for of in (self._contacts, self._suppressions) for c in of.get(session.partner, {})
                 if c.startswith(prefix)}
        return iter([self._record(session, c) for c in sorted(known)])

    def upsert(self, session: PartnerSession, contact: SealedContact) -> Upserted:
        require_customers(session)
        self.writes += 1
        stored = self._contacts.setdefault(session.partner, {})
        maker = self._makers.setdefault((session.partner, contact.id), contact.batch)
        before = stored.get(contact.id)
        if before is None:
            stored[contact.id] = replace(contact, consents=_union(contact))
        elif contact.updated_at >= before.updated_at:
            stored[contact.id] = replace(contact, created_at=before.created_at, consents=_union(before, contact))
        else:
            stored[contact.id] = replace(before, consents=_union(before, contact))
        return Upserted.ADDED if maker == contact.batch else Upserted.UPDATED

    def suppress(self, session: PartnerSession, suppression: Suppression) -> bool:
        require_customers(session)
        self.writes += 1
        stored = self._suppressions.setdefault(session.partner, {})
        return stored.setdefault(suppression.contact, suppression) is suppression

    def tally(self, session: PartnerSession) -> Tally | None:
        require_customers(session)
        return self._tallies.get(session.partner)

    def save_tally(self, session: PartnerSession, tally: Tally) -> None:
        require_customers(session)
        before = self._tallies.get(session.partner)
        if before is None or before.at <= tally.at:
            self._tallies[session.partner] = tally

    def erase(self, session: PartnerSession, contact: ContactId) -> None:
        """Drop a contact, for tests of what goes on without it."""
        del self._contacts[session.partner][contact]
        del self._makers[(session.partner, contact)]

    def _record(self, session: PartnerSession, contact: ContactId) -> ContactRecord:
        return ContactRecord(
            contact, self._contacts.get(session.partner, {}).get(contact),
            self._suppressions.get(session.partner, {}).get(contact),
        )


class FakeImports:
    """Import batches by partner, with the same condition on the version."""

    def __init__(self) -> None:
        self._stored: dict[PartnerId, dict[ImportId, ImportBatch]] = {}

    def save(self, session: PartnerSession, batch: ImportBatch, *, expected_version: int) -> None:
        require_customers(session)
        stored = self._stored.setdefault(session.partner, {})
        before = stored.get(batch.id)
        if (before.version if before else 0) != expected_version:
            raise Conflict("import.changed")
        stored[batch.id] = batch

    def get(self, session: PartnerSession, batch: ImportId) -> ImportBatch:
        require_customers(session)
        try:
            return self._stored[session.partner][batch]
        except KeyError:
            raise NotFound("import") from None

    def list(self, session: PartnerSession) -> Sequence[ImportBatch]:
        require_customers(session)
        stored = self._stored.get(session.partner, {})
        return [stored[key] for key in sorted(stored, reverse=True)][:100]


class FakeVault:
    """Seals without encryption, but with the same bindings; what it stores is not readable as text."""

    def __init__(self) -> None:
        self._with_keys: set[PartnerId] = set()

    def create_keys(self, session: PartnerSession) -> None:
        require_customers(session)
        self._with_keys.add(session.partner)

    def contact_id(self, session: PartnerSession, address: str) -> ContactId:
        key = self._key(session)
        return ContactId(base32_of(hmac.digest(key, address.encode(), "sha256")[:16]))

    def seal(self, session: PartnerSession, contact: Contact) -> tuple[bytes, bytes]:
        return (
            self._blob(session, contact.id, "address", contact.address),
            self._blob(session, contact.id, "profile", json.dumps(dict(contact.profile))),
        )

    def open(self, session: PartnerSession, sealed: SealedContact) -> Contact:
        address = self._text(session, sealed.id, "address", sealed.address)
        profile = self._text(session, sealed.id, "profile", sealed.profile)
        return Contact(id=sealed.id, address=address, profile=json.loads(profile))

    def _key(self, session: PartnerSession) -> bytes:
        require_customers(session)
        if session.partner not in self._with_keys:
            raise NotFound("key")
        return hashlib.sha256(session.partner.encode()).digest()

    def _tag(self, session: PartnerSession, contact: ContactId, kind: str, hidden: bytes) -> bytes:
        return hmac.digest(self._key(session), f"{contact}|{kind}|".encode() + hidden, "sha256")

    def _blob(self, session: PartnerSession, contact: ContactId, kind: str, text: str) -> bytes:
        hidden = bytes(byte ^ 0x5A for byte in text.encode())
        return self._tag(session, contact, kind, hidden) + hidden

    def _text(self, session: PartnerSession, contact: ContactId, kind: str, blob: bytes) -> str:
        tag, hidden = blob[:32], blob[32:]
        if not hmac.compare_digest(tag, self._tag(session, contact, kind, hidden)):
            raise Damaged(f"a sealed {kind} was moved or damaged")
        return bytes(byte ^ 0x5A for byte in hidden).decode()


def _union(*contacts: SealedContact) -> tuple[Consent, ...]:
    consents = {consent for contact in contacts for consent in contact.consents}
    return tuple(sorted(consents, key=lambda c: (c.obtained_at, c.basis, c.batch, c.source)))
