"""A new frame around what a partner submitted: the partner's part stands, and with it its approval.

A revision is never rewritten. A frame is an item of its own that says which template version
and which encoded mail stand in place of the revision's from now on, and who at head office
answered for it. Whoever reads a revision reads it with its frames applied; the digest of the
partner's part cannot change by that, the digest of the frame does (ADR 4).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from chalicelib.domain import digest
from chalicelib.domain.campaign import FindingRecord, Revision
from chalicelib.domain.ids import CampaignId, PersonId
from chalicelib.domain.record import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The ``sequence``-th frame of a revision. ``replaces`` is the digest of the frame before it.

    ``release`` is what it came with; ``prepared_by`` and ``approved_by`` are the two people at head
    office who answer for it, ``taken_by`` the partner's own who agreed where it was asked ("" if not).
    """

    campaign: CampaignId
    revision: int
    sequence: int
    release: str
    template_version: int
    language: str
    content: str
    locked_sha256: str
    headers: tuple[tuple[str, str], ...]
    findings: tuple[FindingRecord, ...] = ()
    replaces: str
    prepared_by: PersonId
    approved_by: PersonId
    taken_by: str = ""
    at: datetime


def applied(revision: Revision, frame: Frame) -> Revision:
    """The revision as it stands in this frame, with its digests."""
    return digest.bound(replace(
        revision, template_version=frame.template_version, language=frame.language, content=frame.content,
        locked_sha256=frame.locked_sha256, headers=frame.headers, findings=frame.findings,
    ))


def standing(revisions: Iterable[Revision], frames: Sequence[Frame]) -> tuple[Revision, ...]:
    """Every revision with its frames applied, oldest first."""
    out = []
    for revision in revisions:
        for frame in sorted((f for f in frames if f.revision == revision.number), key=lambda f: f.sequence):
            revision = applied(revision, frame)
        out.append(revision)
    return tuple(out)


def former(frames: Iterable[Frame], revision: int) -> frozenset[str]:
    """The digests of the frames that a revision stood in before: a link to one of them is no dead link."""
    return frozenset(f.replaces for f in frames if f.revision == revision)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Head office asks the partner about a campaign in flight; no answer changes nothing.

    ``why`` is ``asked`` (one click takes the new look over) or the code of what keeps the new look
    from this text, which the partner has to change. After ``until`` the old look does not go out
    any more (None: it may). ``answer`` is "", ``taken`` or ``kept``.
    """

    campaign: CampaignId
    revision: int
    release: str
    title: str
    template_version: int
    why: str = "asked"
    until: datetime | None = None
    asked_at: datetime
    answer: str = ""
    answered_by: str = ""
    answered_at: datetime | None = None


def open_one(proposals: Iterable[Proposal], revision: int, standing: int = 0) -> Proposal | None:
    """The newest question about a revision that nobody answered and no later frame overtook.

    ``standing`` is the template version that the revision stands in (0: not looked at).
    """
    found = [p for p in proposals if not p.answer and p.revision == revision and not _overtaken(p, standing)]
    return max(found, key=lambda p: p.asked_at, default=None)


def _overtaken(proposal: Proposal, standing: int) -> bool:
    """Whether the revision has the look that was offered, or a newer one: taking it would lead back.

    A question about the partner's words alone is put about the version that stands, and stays open.
    """
    return proposal.template_version < standing or (
        proposal.template_version == standing and proposal.why == "asked")
