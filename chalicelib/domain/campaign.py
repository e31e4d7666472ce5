"""A campaign: its states and what moves it, its control item, its draft, its revisions and who is asked about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.ids import CampaignId, OrgId, PartnerId, PersonId, ProgrammeId, TemplateId
from chalicelib.domain.record import dataclass
from chalicelib.domain.schedule import SendTime


class State(StrEnum):
    """Where a campaign stands."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    CHANGES_REQUESTED = "changes_requested"
    APPROVED = "approved"
    SENDING = "sending"
    HELD = "held"
    SENT = "sent"
    DECLINED = "declined"
    EXPIRED = "expired"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """True where nothing more happens; such a campaign can be used as a new draft."""
        return self in FINAL


FINAL = frozenset({State.SENT, State.DECLINED, State.EXPIRED, State.CANCELLED})


class Action(StrEnum):
    """What moves a campaign."""

    SUBMIT = "submit"
    APPROVE = "approve"
    REQUEST_CHANGES = "request_changes"
    DECLINE = "decline"
    REVOKE = "revoke"
    WITHDRAW = "withdraw"
    LAPSE = "lapse"
    START = "start"
    HOLD = "hold"
    RESUME = "resume"
    CANCEL = "cancel"
    FINISH = "finish"
    REFRAME = "reframe"
    RENEW = "renew"


class Actor(StrEnum):
    """Who acts: a member of the partner, a reviewer, HQ, the clock, or a guard of the sender."""

    PARTNER = "partner"
    REVIEWER = "reviewer"
    HQ = "hq"
    CLOCK = "clock"
    GUARD = "guard"


class OnLapse(StrEnum):
    """What the partner chose for a start that passes without a decision."""

    EXPIRE = "expire"
    NEXT_SLOT = "next_slot"


class HoldReason(StrEnum):
    """Why a campaign is paused."""

    PARTNER = "partner"
    HQ = "hq"
    LATE = "late"
    DIGEST = "digest"
    BOUNCES = "bounces"
    COMPLAINTS = "complaints"
    UNKNOWNS = "unknowns"
    WINDOW = "window"
    SENDER = "sender"
    RESTORED = "restored"
    TEMPLATE = "template"
    PICTURE = "picture"


@dataclass(frozen=True, slots=True, kw_only=True)
class Digests:
    """What an approval binds: the partner's part and the frame (both SHA-256, hex)."""

    partner: str
    frame: str

    @property
    def both(self) -> str:
        """One string for a condition or a link."""
        return f"{self.partner}.{self.frame}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """The control item: small, read consistently before every batch, written conditionally.

    ``version`` grows with every write. ``epoch`` grows with every hold, resume and restore;
    work that was queued under an older epoch is dropped. ``next_at`` says when the clock must
    look again; every campaign that is not final and not a resting draft has one. ``outbox``
    names the notices that were decided but not yet handed over.
    """

    id: CampaignId
    org: OrgId
    partner: PartnerId
    programme: ProgrammeId
    name: str
    state: State = State.DRAFT
    version: int = 1
    revision: int = 0
    epoch: int = 1
    created_by: PersonId
    submitted_by: PersonId | None = None
    digests: Digests | None = None
    lane: str = ""
    stage: int = 0
    need: int = 1
    start: SendTime | None = None
    on_lapse: OnLapse = OnLapse.EXPIRE
    approved_at: datetime | None = None
    started_at: datetime | None = None
    slices: int = 0
    held_from: State | None = None
    hold_reason: HoldReason | None = None
    bracket: str = ""
    next_at: datetime | None = None
    queued_until: datetime | None = None
    outbox: tuple[str, ...] = ()
    audit_sequence: int = 0
    audit_hash: str = ""
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """What one save of a draft replaced: the texts that stood there, and the parts that were not there (``gone``)."""

    texts: Mapping[str, str] = field(default_factory=dict)
    gone: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What the partner edits; ``version`` tells an autosave that somebody else was faster.

    ``local_time`` is a wall-clock time (``YYYY-MM-DDTHH:MM``), ``fold`` "0", "1" or "" (not
    asked yet); both stay as typed until submit resolves them. ``undo`` and ``redo`` are the
    steps back and forward, the nearest last (see :mod:`domain.undo`). ``previous`` is the partner's last
    campaign on the same template family when this one was begun, "" if there was none.
    """

    campaign: CampaignId
    version: int = 1
    template: TemplateId
    template_version: int
    subject: str = ""
    preheader: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    local_time: str = ""
    zone: str = ""
    fold: str = ""
    on_lapse: OnLapse = OnLapse.EXPIRE
    saved_at: datetime
    saved_by: PersonId
    undo: tuple[Replaced, ...] = ()
    redo: tuple[Replaced, ...] = ()
    previous: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingRecord:
    """A finding as a revision keeps it; see ``domain.compliance`` for the meaning."""

    code: str
    severity: str
    state: str
    region: str = ""
    quote: str = ""
    params: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """What was submitted: immutable, and all that a digest is computed from.

    ``content`` is the SHA-256 (hex) under which the rendered, encoded mail lies in the blob
    store; ``audience`` is the number who would have received it when it was submitted.
    """

    campaign: CampaignId
    number: int
    template: TemplateId
    template_version: int
    language: str
    subject: str
    preheader: str
    values: Mapping[str, str]
    content: str
    locked_sha256: str
    merge_fields: tuple[tuple[str, str], ...]
    assets: tuple[str, ...] = ()
    audience_rule: str = "all"
    bracket: str
    start: SendTime
    on_lapse: OnLapse
    sender_address: str
    sender_name: str
    reply_to: str
    entity_version: int
    imprint_sha256: str
    headers: tuple[tuple[str, str], ...]
    message_class: str
    digests: Digests
    findings: tuple[FindingRecord, ...] = ()
    submitted_by: PersonId
    submitted_at: datetime
    note: str = ""


class Verdict(StrEnum):
    """What a reviewer said."""

    APPROVE = "approve"
    REQUEST_CHANGES = "request_changes"
    DECLINE = "decline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One reviewer asked about one revision in one stage, and the answer."""

    campaign: CampaignId
    revision: int
    stage: int
    person: PersonId
    person_name: str
    asked_at: datetime
    verdict: Verdict | None = None
    reason: str = ""
    answered_at: datetime | None = None
