"""Stores of the workflow table: people, links, templates, programmes, partners, campaigns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from chalicelib.domain.audience import Tally
from chalicelib.domain.audit import AuditEntry
from chalicelib.domain.campaign import Ask, Campaign, Draft, Revision, State
from chalicelib.domain.frame import Frame, Proposal
from chalicelib.domain.ids import CampaignId, PartnerId, PersonId, ProgrammeId, TemplateId
from chalicelib.domain.partner import Participation, Partner
from chalicelib.domain.people import Account, Colleague, Link, Membership, Person, Role, Session
from chalicelib.domain.programme import Programme
from chalicelib.domain.record import dataclass
from chalicelib.domain.template import TemplateSummary, TemplateVersion
from chalicelib.ports.system import PartnerSession

# Every page loads this module; what the type is made of is the sender's.
if TYPE_CHECKING:
    from chalicelib.domain.frequency import Starts
    from chalicelib.domain.track import Track


class People(Protocol):
    """Persons, memberships and sessions, in one partition a person."""

    def account(self, person: PersonId) -> Account:
        """Everything about a person in one query; raises NotFound."""

    def find(self, address: str) -> PersonId | None:
        """The person of a normalised address."""

    def add(self, person: Person, memberships: Sequence[Membership]) -> None:
        """Add a person; raises Conflict ``person.exists`` if the address is taken."""

    def save(self, person: Person, *, expected_generation: int) -> None:
        """Change name, language or generation; raises Conflict ``person.changed``."""

    def grant(self, membership: Membership) -> None:
        """Add or replace one membership."""

    def describe(self, membership: Membership) -> None:
        """Change what a membership repeats of its partner; it ends nothing. Raises NotFound if it is not there."""

    def revoke(self, person: PersonId, role: Role, partner: PartnerId | None) -> None:
        """Take one membership away, which ends sessions and links; raises NotFound if it is not there."""

    def colleagues(self) -> Sequence[Colleague]:
        """Everybody with a role at the org, in one query; somebody with two roles comes twice."""

    def start_session(self, session: Session) -> None:
        """Store a session; it disappears at its expiry."""

    def end_session(self, person: PersonId, secret_hash: str) -> None:
        """Delete a session; one that is gone already is fine."""


class Links(Protocol):
    """Mailed links by the hash of their token, and rate limits."""

    def put(self, link: Link) -> None:
        """Store a new link."""

    def get(self, token_hash: str) -> Link:
        """Read a link, consistently; raises NotFound (expired ones may be gone)."""

    def use(self, token_hash: str, at: datetime) -> None:
        """Mark a link as used; raises Conflict ``link.used`` if it was."""

    def count_try(self, token_hash: str, *, limit: int) -> int:
        """Count a try before it is judged; returns the tries so far; raises Conflict ``link.tries`` past the limit."""

    def forgive_try(self, token_hash: str) -> None:
        """Take one counted try back, because it was right."""

    def allow(self, subject: str, now: datetime, *, per_hour: int) -> bool:
        """Count one use of ``subject`` in this hour; False when the limit is passed."""


class Templates(Protocol):
    """Immutable template versions; the summaries are listed, the HTML lies in the blob store."""

    def publish(self, version: TemplateVersion) -> None:
        """Store a version; raises Conflict ``template.version_exists`` if that number is taken."""

    def get(self, template: TemplateId, number: int) -> TemplateVersion:
        """One version; raises NotFound."""

    def list(self) -> Sequence[TemplateSummary]:
        """Every template's versions, newest first, in one query."""

    def recent(self) -> Sequence[TemplateSummary]:
        """The same, up to half a minute old: for an offer, never for what is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerCard:
    """What HQ's list shows of a partner; ``sender_domain`` is where its mail comes from, "" as long as it is open."""

    id: PartnerId
    name: str
    groups: frozenset[str]
    state: str
    sender_domain: str = ""

    @classmethod
    def of(cls, partner: Partner) -> PartnerCard:
        """The line of a partner."""
        return cls(
            id=partner.id, name=partner.name, groups=partner.groups, state=partner.state.value,
            sender_domain=partner.sender.address.rpartition("@")[2],
        )


@dataclass(frozen=True, slots=True)
class Desk:
    """What a page of HQ shows beside its own matter; a page has three reads in all."""

    stopped: bool
    programme: Programme | None = None
    partners: tuple[PartnerCard, ...] = ()


class Programmes(Protocol):
    """HQ's programmes and the org-wide switch."""

    def add(self, programme: Programme) -> None:
        """Store a new programme."""

    def get(self, programme: ProgrammeId) -> Programme:
        """One programme; raises NotFound."""

    def save(self, programme: Programme, *, expected_version: int) -> None:
        """Replace a programme; raises Conflict ``programme.changed``."""

    def list(self) -> Sequence[Programme]:
        """All programmes, newest first, in one query."""

    def stopped(self) -> bool:
        """Whether HQ's kill switch is on (read consistently)."""

    def stop(self, on: bool, person: PersonId, at: datetime) -> None:
        """Set or lift the kill switch for all sends."""

    def desk(self, programme: ProgrammeId | None = None, partners: Sequence[PartnerId] = ()) -> Desk:
        """The switch and, if named, a programme and partners' lines, by key in one batched read.

        At most 98 partners (BatchGetItem takes 100 keys); a partner or programme that is not
        there is left out. It is for showing: what decides a send reads ``stopped``.
        """


@dataclass(frozen=True, slots=True)
class PartnerHome:
    """A partner and its participations, as one query reads them."""

    partner: Partner
    participations: tuple[Participation, ...] = ()


@dataclass(frozen=True, slots=True)
class PartnerDesk:
    """What a page about one campaign shows beside it: the partner, its part in the programme, its customers' count.

    ``starts`` are its marketing campaigns so far, which the frequency cap goes by; ``track`` is what became of its
    campaigns, which approval routes go by (None for a partner from before it was kept).
    """

    partner: Partner
    part: Participation | None
    tally: Tally | None
    starts: Starts = ()
    track: Track | None = None


class Partners(Protocol):
    """Partners: a registry at the org, the rest in the partner's own partition."""

    def register(self, card: PartnerCard) -> None:
        """Add or replace the partner's line in HQ's list."""

    def cards(self) -> Sequence[PartnerCard]:
        """HQ's list, in one query."""

    def home(self, session: PartnerSession) -> PartnerHome:
        """The partner of the session with its participations; raises NotFound."""

    def desk(self, session: PartnerSession, programme: ProgrammeId) -> PartnerDesk:
        """The partner, its part in one programme, its customers' last count, its starts and its track, in one read.

        The read reaches over both trust zones' tables, so it is for the partner's own sessions
        only: raises NotFound for a reviewer's, and for a partner that is not there.
        """

    def save(self, session: PartnerSession, partner: Partner, *, expected_version: int) -> None:
        """Store the profile (0: it must be new); raises Conflict ``partner.changed``."""

    def participate(self, session: PartnerSession, participation: Participation) -> None:
        """Add or replace the partner's part in a programme."""


@dataclass(frozen=True, slots=True)
class History:
    """A campaign's draft, revisions, reviewers and audit entries, as one query reads them.

    ``revisions`` are as they stand: in the last of their ``frames``. ``proposals`` are head
    office's questions about them.
    """

    draft: Draft
    revisions: tuple[Revision, ...] = ()
    asks: tuple[Ask, ...] = ()
    audit: tuple[AuditEntry, ...] = ()
    frames: tuple[Frame, ...] = ()
    proposals: tuple[Proposal, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """All that one step writes: it is stored whole or not at all.

    ``after`` replaces the control item on the condition that ``before`` still stands (same
    version and state); ``draft`` replaces the draft on the condition that its version is one less.
    """

    before: Campaign
    after: Campaign
    audit: AuditEntry | None = None
    draft: Draft | None = None
    revision: Revision | None = None
    asks: tuple[Ask, ...] = field(default=())
    frame: Frame | None = None
    proposal: Proposal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignCard:
    """What HQ sees of a campaign: metadata and a size bracket, nothing of its customers."""

    id: CampaignId
    partner: PartnerId
    programme: ProgrammeId
    name: str
    state: State
    bracket: str
    start_local: str
    start_zone: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Due:
    """One line of the due index: keys only."""

    partner: PartnerId
    campaign: CampaignId
    at: datetime


DUE_SHARDS = 4
"""How many partitions the due index is spread over; a campaign's shard comes from its id."""


@dataclass(frozen=True, slots=True)
class Control:
    """What a worker must know before each batch: the control item, and whether HQ stopped all sends."""

    campaign: Campaign
    stopped: bool


class Campaigns(Protocol):
    """Campaigns of one partner, and the two indexes that reach over partners."""

    def create(self, session: PartnerSession, campaign: Campaign, draft: Draft, audit: AuditEntry) -> None:
        """Store a new campaign with its draft and first audit entry."""

    def get(self, session: PartnerSession, campaign: CampaignId) -> Campaign:
        """The control item, read consistently; raises NotFound."""

    def control(self, session: PartnerSession, campaign: CampaignId) -> Control:
        """The control item and HQ's switch in one consistent read; raises NotFound."""

    def list(self, session: PartnerSession, *, limit: int = 50, before: str = "") -> Sequence[Campaign]:
        """The partner's campaigns, newest first; ``before`` is the last id of the page before."""

    def history(self, session: PartnerSession, campaign: CampaignId) -> History:
        """Draft, revisions, asks and audit in one query; raises NotFound."""

    def save_draft(self, session: PartnerSession, draft: Draft) -> None:
        """Store a draft whose version is one more than the stored; raises Conflict ``draft.changed``."""

    def commit(self, session: PartnerSession, change: Change) -> None:
        """Write one step in one transaction, with the partner's track where it decides; raises Conflict
        ``campaign.changed``, Retryable where too many decide at once."""

    def track(self, session: PartnerSession) -> Track:
        """What became of the partner's campaigns, as it is kept; counted from the campaigns where it is not yet."""


class CampaignIndexes(Protocol):
    """Reads over partners: they lag behind and carry keys or HQ's few columns only."""

    def cards(self, programme: ProgrammeId, *, limit: int = 100) -> Sequence[CampaignCard]:
        """A programme's campaigns, newest change first."""

    def due(self, shard: int, until: datetime, *, limit: int = 200) -> Sequence[Due]:
        """What the clock must look at, oldest first."""
