"""A partner: the tenant, its legal entity, its sender and its part in HQ's programmes."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.cap import Cap, cap_of
from chalicelib.domain.ids import OrgId, PartnerId, PersonId, ProgrammeId
from chalicelib.domain.record import dataclass
from chalicelib.domain.waiver import Waiver


class PartnerState(StrEnum):
    """A partner's life, in order."""

    INVITED = "invited"
    ACTIVE = "active"
    NOTICE = "notice"
    EXPORTING = "exporting"
    UNSUBSCRIBE_ONLY = "unsubscribe_only"
    ERASED = "erased"


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalEntity:
    """Who sends, in law: the imprint (DDG §5) and the postal address (CAN-SPAM, 15 USC 7704(a)(5))."""

    version: int = 1
    name: str
    street: str
    postal_code: str
    city: str
    country: str
    register: str = ""
    vat_id: str = ""
    represented_by: str = ""
    email: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """The From identity; ``verified`` is what SES says of the identity's DKIM."""

    address: str
    display_name: str
    reply_to: str = ""
    verified: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """An accepted text (programme terms, processing contract); it gates sending."""

    kind: str
    version: str
    person: PersonId
    accepted_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """The tenant. ``groups`` decide which programmes it may join; ``people`` are told of them.

    ``exceptions`` are those that head office granted; they stand here because every look at a
    campaign needs them beside the partner.
    """

    id: PartnerId
    org: OrgId
    name: str
    market: str = "all"
    language: str = "en"
    zone: str = "Europe/Berlin"
    groups: frozenset[str] = frozenset()
    state: PartnerState = PartnerState.INVITED
    entity: LegalEntity
    sender: Sender
    agreements: tuple[Agreement, ...] = ()
    people: tuple[PersonId, ...] = ()
    exceptions: tuple[Waiver, ...] = ()
    created_at: datetime
    version: int = 1


class ParticipationState(StrEnum):
    """How far a partner went with a programme."""

    INVITED = "invited"
    SEEN = "seen"
    JOINED = "joined"
    DECLINED = "declined"
    SENT = "sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Participation:
    """A partner's part in a programme, with the few facts its home page shows."""

    partner: PartnerId
    programme: ProgrammeId
    title: str
    opens_at: datetime
    closes_at: datetime
    state: ParticipationState = ParticipationState.INVITED
    campaigns: int = 0
    params: dict[str, str] = field(default_factory=dict)

    @property
    def cap(self) -> Cap | None:
        """The programme's frequency cap, as it was when the partner was told."""
        return cap_of(self.params.get("cap", ""))

    def open_at(self, at: datetime) -> bool:
        """Whether a mail may go out at that moment, as the programme said when the partner was told."""
        return self.opens_at <= at < self.closes_at
