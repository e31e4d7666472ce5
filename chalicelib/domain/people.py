"""People, what they may do where, their sessions and the links mailed to them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from chalicelib.domain.ids import CampaignId, OrgId, PartnerId, PersonId
from chalicelib.domain.record import dataclass


class Role(StrEnum):
    """What a membership allows. HQ's roles hold at the org, the partner's at one partner."""

    HQ_ADMIN = "hq_admin"
    HQ_DESIGNER = "hq_designer"
    REVIEWER = "reviewer"
    PARTNER_ADMIN = "partner_admin"
    PARTNER_EDITOR = "partner_editor"

    @property
    def at_hq(self) -> bool:
        """True for the roles that are held at the org."""
        return self in (Role.HQ_ADMIN, Role.HQ_DESIGNER, Role.REVIEWER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """A person's role at the org (``partner`` is None) or at one partner.

    ``sees_contacts`` allows reading single customers on a page; it is off unless granted.
    ``partner_name``, ``partner_zone`` and ``partner_language`` are the partner's as of the grant, so that a page
    needs no read for them.
    """

    person: PersonId
    role: Role
    org: OrgId
    partner: PartnerId | None = None
    partner_name: str = ""
    partner_zone: str = ""
    partner_language: str = ""
    granted_by: str = ""
    expires_at: datetime | None = None
    sees_contacts: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One human being with one sign-in, whatever the number of memberships.

    ``address`` is normalised; ``language`` is "" until the person chooses one; ``generation`` grows
    when roles or the address change, which ends every session and open link that was made before.
    """

    id: PersonId
    address: str
    name: str
    language: str = ""
    generation: int = 1
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A signed-in browser. ``secret_hash`` is the SHA-256 of the cookie's secret."""

    person: PersonId
    secret_hash: str
    csrf: str
    generation: int
    created_at: datetime
    expires_at: datetime
    agent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Colleague:
    """A person with one role at the org, as HQ's list shows them; name and address as of the grant."""

    person: PersonId
    role: Role
    name: str
    address: str


class Purpose(StrEnum):
    """What a mailed link is good for; a link of one purpose opens nothing else."""

    SIGN_IN = "sign_in"
    REVIEW = "review"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A mailed link, stored under the SHA-256 of its 256-bit token.

    A review link is bound to campaign, revision, stage, reviewer and both digests; ``code``
    is the hash of the short code that stands in the mail beside it. ``partner_name`` and ``language``
    are the partner's and the mail's as of the mail, so that the page needs no read for them.
    """

    token_hash: str
    purpose: Purpose
    person: PersonId
    generation: int
    created_at: datetime
    expires_at: datetime
    partner: PartnerId | None = None
    partner_name: str = ""
    language: str = ""
    campaign: CampaignId | None = None
    revision: int = 0
    stage: int = 0
    digest: str = ""
    code: str = ""
    tries: int = 0
    used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """A person with memberships and sessions, as one query reads them."""

    person: Person
    memberships: tuple[Membership, ...] = ()
    sessions: tuple[Session, ...] = ()

    def roles_at(self, partner: PartnerId | None, now: datetime) -> frozenset[Role]:
        """The roles in force at the org (None) or at one partner."""
        return frozenset(
            m.role for m in self.memberships
            if m.partner == partner and (m.expires_at is None or m.expires_at > now)
        )

    def language_at(self, partner: PartnerId | None = None) -> str:
        """The language the person chose, else the partner's (None: that of any partner there is), else ""."""
        said = (m.partner_language for m in self.memberships if m.partner and partner in (None, m.partner))
        return self.person.language or next(filter(None, said), "")
