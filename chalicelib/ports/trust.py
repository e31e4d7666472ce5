"""Stores of the trust table: sealed contacts, suppressions, imports. HQ's roles reach none.

Every store raises NotFound for a session of the review zone: customers do not exist there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from chalicelib.domain.audience import Tally
from chalicelib.domain.contact import Contact, ImportBatch, SealedContact, Suppression
from chalicelib.domain.errors import NotFound
from chalicelib.domain.ids import ContactId, ImportId, PartnerId
from chalicelib.domain.record import dataclass
from chalicelib.domain.scope import Zone
from chalicelib.ports.system import PartnerSession


def require_customers(session: PartnerSession) -> None:
    """Raise NotFound for a session that does not reach customers, before anything is read.

    The reviewers' role has no grant on the trust table either; this says so without a call, and
    holds where no IAM stands behind (fakes, the local emulator).
    """
    if session.zone is not Zone.PARTNER:
        raise NotFound("customers")


@dataclass(frozen=True, slots=True)
class ContactRecord:
    """A contact and its suppression as one read gives them; either may be absent."""

    id: ContactId
    contact: SealedContact | None
    suppression: Suppression | None


class Upserted(StrEnum):
    """What a conditional write of an import did."""

    ADDED = "added"
    UPDATED = "updated"


class Contacts(Protocol):
    """A partner's customers, spread over 256 partitions by the first byte of their id."""

    def ids(self, session: PartnerSession, byte: int) -> Iterator[tuple[ContactId, datetime]]:
        """Ids and times of creation in one partition, in the order of ids."""

    def read(self, session: PartnerSession, ids: Sequence[ContactId]) -> Sequence[ContactRecord]:
        """Contacts with their suppressions, in the order asked; at most 500."""

    def scan(self, session: PartnerSession, byte: int) -> Iterator[ContactRecord]:
        """Everything in one partition, in the order of ids (pre-flight count, export)."""

    def upsert(self, session: PartnerSession, contact: SealedContact) -> Upserted:
        """Add a contact, or add a consent to and refresh the blobs of one that is there.

        ADDED means that this batch made the contact, at whatever try: the answer stays the same
        when the same row is written again. Blobs give way to newer ones only (``updated_at``).
        Never touches a suppression.
        """

    def suppress(self, session: PartnerSession, suppression: Suppression) -> bool:
        """Put a suppression if there is none; tells whether it was new. The first reason stays."""

    def tally(self, session: PartnerSession) -> Tally | None:
        """The last stored count of the partner's customers; None if there was none yet."""

    def save_tally(self, session: PartnerSession, tally: Tally) -> None:
        """Store a count, unless a newer one is there."""


class Imports(Protocol):
    """Import batches of one partner."""

    def save(self, session: PartnerSession, batch: ImportBatch, *, expected_version: int) -> None:
        """Store a batch (0: it must be new); raises Conflict ``import.changed``."""

    def get(self, session: PartnerSession, batch: ImportId) -> ImportBatch:
        """One batch; raises NotFound."""

    def list(self, session: PartnerSession) -> Sequence[ImportBatch]:
        """The partner's batches, newest first."""


class Vault(Protocol):
    """Seals and finds contacts with the partner's keys (index key for ids, data key for blobs)."""

    def create_keys(self, session: PartnerSession) -> None:
        """Make the partner's index and data key; does nothing if they are there."""

    def contact_id(self, session: PartnerSession, address: str) -> ContactId:
        """The id of a normalised address: 16 bytes of an HMAC under the index key."""

    def seal(self, session: PartnerSession, contact: Contact) -> tuple[bytes, bytes]:
        """The sealed address and profile; bound to partner, contact, blob and key version."""

    def open(self, session: PartnerSession, sealed: SealedContact) -> Contact:
        """The contact in the clear; raises Damaged for a moved or damaged blob, Permanent for refused keys."""


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """Whom and what a verified unsubscribe token names."""

    partner: PartnerId
    contact: ContactId
    campaign: str


class UnsubscribeTokens(Protocol):
    """Self-contained tokens under a deployment key; they outlive the partner's keys."""

    def make(self, partner: PartnerId, contact: ContactId, campaign: str) -> str:
        """A URL-safe token; costs no call and no write."""

    def read(self, token: str) -> Unsubscribe:
        """Verify in constant time, before anything else; raises NotFound for what is not ours."""


Counts = Mapping[str, int]
"""Why contacts are left out, and how many: the pre-flight count."""
