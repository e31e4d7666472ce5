"""Exceptions: one finding, in one place, with these words, for a time; and baselines of old templates."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime, timedelta

from chalicelib.domain.campaign import FindingRecord
from chalicelib.domain.errors import Problem
from chalicelib.domain.ids import CampaignId, PartnerId, PersonId, TemplateId
from chalicelib.domain.record import dataclass

MAX_DAYS = 180
NEVER = ("SEC*", "LEG001", "LEG002", "DLV005")
"""What nobody may make an exception of, whatever a policy says."""
ASKABLE = frozenset({"LEG005", "BRD006"})
"""Blocking rules that guess: a partner may ask a person for a one-time exception."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """An exception for a partner. ``fingerprint`` binds it to rule, template version, region and words."""

    fingerprint: str
    partner: PartnerId
    code: str
    quote: str = ""
    region: str = ""
    reason: str
    granted_by: PersonId
    granted_at: datetime
    expires_at: datetime

    def stands(self, now: datetime) -> bool:
        """Whether it holds at that moment; one that is longer than allowed never does."""
        return self.granted_at <= now < self.expires_at <= self.granted_at + timedelta(days=MAX_DAYS)


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteRecord:
    """What the routes saw of a submission and how people decided: for simulation and the shadow time.

    ``market`` is that of the policy ("all": the org's own); two markets count their versions apart.
    ``facts`` are those of :class:`domain.policy.Submission` with the audience as its bracket's upper
    bound (HQ never learns a number of customers); ``outcome`` is "" until somebody decided.
    """

    policy: int
    market: str = "all"
    campaign: CampaignId
    revision: int
    partner: PartnerId
    facts: Mapping[str, str | int | tuple[str, ...]] = field(default_factory=dict)
    predicted: str
    taken: str
    outcome: str = ""
    noted_at: datetime


def matches(code: str, patterns: Iterable[str]) -> bool:
    """Whether a rule's code is one of the patterns (``SEC*``, ``LEG001``)."""
    return any(code.startswith(p[:-1]) if p.endswith("*") else code == p for p in patterns)


def fingerprint(template: TemplateId, version: int, finding: FindingRecord) -> str:
    """Rule, template version, region and normalised words: what an exception is bound to."""
    words = " ".join(unicodedata.normalize("NFKC", finding.quote).casefold().split())
    parts = (finding.code, template, str(version), finding.region, words)
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Sifted:
    """Findings after exceptions and baselines: what blocks, what else is to be told, how many exceptions were used."""

    blocking: tuple[FindingRecord, ...]
    findings: tuple[FindingRecord, ...]
    exceptions: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()


def sift(
    findings: Sequence[FindingRecord], template: TemplateId, version: int, now: datetime, *,
    waivers: Sequence[Waiver] = (), baseline: Iterable[str] = (), asked: Iterable[str] = (),
    never: Sequence[str] = NEVER,
) -> Sifted:
    """Apply exceptions, baselines and what the partner asks a person about.

    A finding with an exception stays, as ``info`` with the param ``excepted``; one of the baseline
    as ``info`` with ``baseline``; one that a person is asked about as *needs a look*.
    """
    standing = {w.fingerprint: w for w in waivers if w.stands(now)}
    old, wanted = frozenset(baseline), frozenset(asked)
    blocking, told, used, questions = [], list[FindingRecord](), [], []
    for finding in findings:
        print_ = fingerprint(template, version, finding)
        blocks = finding.severity == "block" and finding.state == "fail"
        free = not matches(finding.code, (*NEVER, *never))
        if free and print_ in standing and standing[print_].code == finding.code:
            used.append(finding.code)
            told.append(replace(finding, severity="info", params={**finding.params, "excepted": 1}))
        elif free and not finding.region and print_ in old:
            told.append(replace(finding, severity="info", params={**finding.params, "baseline": 1}))
        elif blocks and finding.code in ASKABLE and print_ in wanted:
            questions.append(finding.code)
            told.append(replace(finding, state="undecidable", params={**finding.params, "asked": 1}))
        else:
            told.append(finding)
            if blocks:
                blocking.append(finding)
    return Sifted(tuple(blocking), tuple(told), tuple(used), tuple(questions))


def waiver_problems(code: str, reason: str, now: datetime, expires_at: datetime | None,
                    never: Sequence[str] = NEVER, max_days: int = MAX_DAYS) -> list[Problem]:
    """What speaks against granting an exception; a date that cannot be read is expired."""
    problems = []
    if matches(code, (*NEVER, *never)):
        problems.append(Problem("waiver.never", "code", {"code": code}))
    if len(reason.strip()) < 10:
        problems.append(Problem("waiver.reason", "reason"))
    if expires_at is None or expires_at <= now:
        problems.append(Problem("waiver.expired", "expires"))
    elif expires_at > now + timedelta(days=min(max_days, MAX_DAYS)):
        problems.append(Problem("waiver.too_long", "expires", {"days": min(max_days, MAX_DAYS)}))
    return problems
