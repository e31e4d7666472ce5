"""A release of head office: a new kit, new template versions, and what becomes of campaigns in flight.

One person prepares it, another approves exactly what was prepared; then it is applied partner by
partner. What it holds is bound by :attr:`Release.fingerprint`, which the approval repeats.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.errors import Conflict
from chalicelib.domain.ids import CampaignId, PartnerId, PersonId, ProgrammeId, TemplateId
from chalicelib.domain.record import dataclass
from chalicelib.domain.scope import Scope


class Treatment(StrEnum):
    """What becomes of campaigns that were submitted on an older version and did not start."""

    CARRY = "carry"
    ASK = "ask"
    REVIEW = "review"


class Old(StrEnum):
    """What becomes of the older versions: they may go out, until a day, or not any more."""

    KEEP = "keep"
    UNTIL = "until"
    WITHDRAWN = "withdrawn"


class Phase(StrEnum):
    """A release's life."""

    PREPARED = "prepared"
    WITHDRAWN = "withdrawn"
    APPLYING = "applying"
    DONE = "done"


class Outcome(StrEnum):
    """What a release did to one campaign."""

    CARRIED = "carried"
    ASKED = "asked"
    CHANGE = "change"
    REVIEW = "review"
    DRAFT = "draft"
    DRAFT_ASKED = "draft_asked"
    STARTED = "started"
    NOBODY = "nobody"
    SAME = "same"


TO_DO = frozenset({Outcome.ASKED, Outcome.CHANGE, Outcome.DRAFT_ASKED})
"""What a partner has to act upon; who has nothing of it is not mailed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A template goes from version ``base`` to ``number``. ``sha256`` is that of the new version's bytes.

    ``stamped``: the new version is made of the base by the release's replacements, at its approval.
    """

    template: TemplateId
    name: str
    language: str
    base: int
    number: int
    sha256: str
    stamped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """Who is touched, counted when the release was prepared (or counted anew) from what head office may see.

    ``states`` counts campaigns by state; ``more``: there are programmes or campaigns beyond those counted.
    """

    programmes: tuple[tuple[ProgrammeId, str, int], ...] = ()
    partners: int = 0
    states: tuple[tuple[str, int], ...] = ()
    more: bool = False
    counted_at: datetime | None = None

    def count(self, *states: str) -> int:
        """Campaigns in these states."""
        return sum(number for state, number in self.states if state in states)


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """``kit`` is the text of a new kit ("" for none), to be version ``kit_number`` of its scope.

    ``programme`` limits the release to one programme ("": all that use the templates).
    ``ended_by`` is who ended it before all was done, if somebody did; ``told`` which reviewers have their mail.
    If ``kit_number`` or a move's ``base`` does not follow upon what stands any more, the release is stale.
    """

    id: str
    scope: Scope
    title: str
    note: str = ""
    kit: str = ""
    kit_number: int = 0
    pairs: tuple[tuple[str, str], ...] = ()
    moves: tuple[Move, ...] = ()
    programme: str = ""
    treatment: Treatment = Treatment.CARRY
    old: Old = Old.KEEP
    until: datetime | None = None
    touched: Touched = Touched()
    phase: Phase = Phase.PREPARED
    prepared_by: PersonId
    prepared_name: str
    prepared_at: datetime
    decided_by: PersonId | None = None
    decided_name: str = ""
    decided_at: datetime | None = None
    finished_at: datetime | None = None
    ended_by: PersonId | None = None
    ended_name: str = ""
    told: tuple[str, ...] = ()
    version: int = 1

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) over everything that an approval answers for."""
        fields = {
            "v": 1, "id": self.id, "scope": [self.scope.org, self.scope.brand, self.scope.market],
            "title": self.title, "note": self.note,
            "kit": hashlib.sha256(self.kit.encode()).hexdigest() if self.kit else None, "kit_number": self.kit_number,
            "pairs": [list(pair) for pair in self.pairs],
            "moves": [[m.template, m.base, m.number, m.sha256, m.stamped] for m in self.moves],
            "programme": self.programme, "treatment": self.treatment.value, "old": self.old.value,
            "until": self.until.isoformat(timespec="milliseconds") if self.until else None,
        }
        return hashlib.sha256(json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    def move(self, template: TemplateId) -> Move | None:
        """What the release does with a template."""
        return next((m for m in self.moves if m.template == template), None)

    @property
    def last_day(self) -> datetime | None:
        """The moment from which the older versions do not go out any more; None where they may."""
        if self.old is Old.KEEP:
            return None
        return self.until if self.old is Old.UNTIL else self.decided_at


def approved(release: Release, by: PersonId, name: str, now: datetime, *, shown: str) -> Release:
    """The release after a second person approved what was shown.

    Raises Conflict ``release.own`` for whoever prepared it, ``release.changed`` if it is not what was
    shown, ``release.not_now`` where it is not waiting.
    """
    _must_wait(release)
    if by == release.prepared_by:
        raise Conflict("release.own", name=release.prepared_name)
    if shown != release.fingerprint:
        raise Conflict("release.changed")
    return replace(
        release, phase=Phase.APPLYING, decided_by=by, decided_name=name, decided_at=now, version=release.version + 1)


def withdrawn(release: Release, by: PersonId, name: str, now: datetime) -> Release:
    """The release taken back before it was approved; raises Conflict ``release.not_now``."""
    _must_wait(release)
    return replace(
        release, phase=Phase.WITHDRAWN, decided_by=by, decided_name=name, decided_at=now, version=release.version + 1)


def ended(release: Release, by: PersonId, name: str, now: datetime) -> Release:
    """The release ended before all was done; raises Conflict ``release.not_now`` unless it is being applied."""
    if release.phase is not Phase.APPLYING:
        raise Conflict("release.not_now", phase=release.phase.value, by=release.decided_name)
    return replace(
        release, phase=Phase.DONE, finished_at=now, ended_by=by, ended_name=name, version=release.version + 1)


def _must_wait(release: Release) -> None:
    if release.phase is not Phase.PREPARED:
        raise Conflict("release.not_now", phase=release.phase.value, by=release.decided_name)


# --- what came of it

@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What became of one campaign; ``why`` is the code of what stood in the way, if anything did.

    ``asked`` are the reviewers of a revision that has to be looked at again.
    """

    campaign: CampaignId
    name: str
    outcome: Outcome
    why: str = ""
    revision: int = 0
    asked: tuple[PersonId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a release did at one partner."""

    release: str
    partner: PartnerId
    name: str
    lines: tuple[Line, ...] = ()
    at: datetime


@dataclass(frozen=True, slots=True)
class Record:
    """A release with the partners it goes to and what was done so far."""

    release: Release
    partners: tuple[PartnerId, ...] = ()
    results: tuple[Result, ...] = ()

    @property
    def missing(self) -> tuple[PartnerId, ...]:
        """The partners whose turn has not come, or failed."""
        done = {result.partner for result in self.results}
        return tuple(partner for partner in self.partners if partner not in done)

    def counts(self) -> dict[Outcome, int]:
        """Campaigns by what became of them, in the order of the outcomes."""
        found = [line.outcome for result in self.results for line in result.lines]
        return {outcome: number for outcome in Outcome if (number := found.count(outcome))}


# --- versions that may not go out for ever

@dataclass(frozen=True, slots=True, kw_only=True)
class Retired:
    """Versions of a template below ``below`` do not go out from ``until`` on."""

    template: TemplateId
    below: int
    until: datetime
    release: str


def ends_of(retired: Iterable[Retired], template: TemplateId, number: int) -> Sequence[Retired]:
    """What releases said of the end of a template version."""
    return [r for r in retired if r.template == template and number < r.below]


def last_moment(retired: Iterable[Retired], template: TemplateId, number: int) -> datetime | None:
    """When a template version ends: at the earliest that any release said; None for one that does not."""
    return min((r.until for r in ends_of(retired, template, number)), default=None)
