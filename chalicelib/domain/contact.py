"""A partner's customers: contacts, consent, suppressions and import batches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.errors import Problem
from chalicelib.domain.ids import ContactId, ImportId, PartnerId, PersonId
from chalicelib.domain.record import dataclass


class LegalBasis(StrEnum):
    """Why mailing a contact is lawful; judged per market."""

    DOUBLE_OPT_IN = "double_opt_in"
    PROVEN_OPT_IN = "proven_opt_in"
    EXISTING_CUSTOMER = "existing_customer"
    US_OPT_OUT = "us_opt_out"
    SAFETY_ONLY = "safety_only"


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """One record of a consent; a contact has a list of them, never a flag."""

    basis: LegalBasis
    obtained_at: datetime
    source: str
    batch: ImportId


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A contact in the clear: only ever in memory, between opening and sending.

    ``profile`` holds the merge fields and the wording and IP of consents. Neither it nor the
    address is part of the representation, so that no traceback and no log shows them.
    """

    id: ContactId
    address: str = field(repr=False)
    profile: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedContact:
    """A contact as it is stored: two sealed blobs and what may be read without a key.

    ``created_at`` is when the contact was first stored, ``updated_at`` how recent its blobs are:
    the time of the newest import batch that named it, so that a batch delivered late refreshes
    nothing that is newer.
    """

    id: ContactId
    address: bytes = field(repr=False)
    profile: bytes = field(repr=False)
    consents: tuple[Consent, ...]
    batch: ImportId
    created_at: datetime
    updated_at: datetime


class SuppressionReason(StrEnum):
    """Why a contact must not be mailed."""

    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    IMPORTED = "imported"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """An item of its own beside the contact, so that no import can undo it."""

    contact: ContactId
    reason: SuppressionReason
    at: datetime
    source: str = ""


class ImportState(StrEnum):
    """How far an import is.

    ``WAITING`` for the file; ``SUPPRESSING`` records the file's unsubscribed rows, all of them
    before the first customer is added; ``RUNNING`` adds customers.
    """

    WAITING = "waiting"
    SUPPRESSING = "suppressing"
    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportBatch:
    """One uploaded file: where its consents come from, who attests it, and what became of it.

    Every row states its own basis; ``basis``, ``source`` and ``wording`` are what the person who
    uploads says of the file as a whole. ``cursor`` is the number of data rows already settled in
    the present state, so that a file that takes longer than one run goes on where it stopped.
    ``sha256`` binds all runs to the file that was checked. ``problems`` is why a file was refused
    as a whole; ``notified`` tells that the end was announced.

    Once checked, rows = added + updated + unsubscribed + rejected + what is still to do.
    """

    id: ImportId
    partner: PartnerId
    state: ImportState = ImportState.WAITING
    file_name: str
    basis: LegalBasis
    source: str
    wording: str
    attested_by: PersonId
    created_at: datetime
    finished_at: datetime | None = None
    cursor: int = 0
    rows: int = 0
    added: int = 0
    updated: int = 0
    unsubscribed: int = 0
    rejected: int = 0
    problems: tuple[Problem, ...] = ()
    sha256: str = ""
    notified: bool = False
    version: int = 1

    @property
    def settled(self) -> bool:
        """True when nothing more will happen to this batch."""
        return self.state in (ImportState.DONE, ImportState.REFUSED)

    @property
    def open_rows(self) -> int:
        """How many checked rows are not yet customers."""
        return self.rows - self.added - self.updated - self.unsubscribed - self.rejected
