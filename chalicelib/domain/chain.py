"""Approval chains as data: stages in order, each with the people asked and how many must agree."""

from __future__ import annotations

from collections.abc import Iterable

from chalicelib.domain.campaign import Ask, Verdict
from chalicelib.domain.errors import Conflict
from chalicelib.domain.ids import PersonId
from chalicelib.domain.record import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """``need`` of the ``reviewers`` must approve; one refusal ends the round."""

    name: str
    reviewers: tuple[PersonId, ...]
    need: int = 1


@dataclass(frozen=True, slots=True)
class Chain:
    """The stages a campaign passes, first to last."""

    stages: tuple[Stage, ...]


def one_person(reviewers: Iterable[PersonId]) -> Chain:
    """The chain that one approval completes."""
    return Chain((Stage(name="brand", reviewers=tuple(reviewers)),))


def must_not_decide_own(reviewer: PersonId, submitted_by: PersonId | None, created_by: PersonId) -> None:
    """Nobody approves their own campaign, compared by person across all memberships."""
    if reviewer in (submitted_by, created_by):
        raise Conflict("review.own_campaign")


def eligible(stage: Stage, submitted_by: PersonId, created_by: PersonId) -> tuple[PersonId, ...]:
    """Who of a stage can be asked about this campaign."""
    return tuple(p for p in stage.reviewers if p not in (submitted_by, created_by))


def stage_passed(stage: Stage, asks: Iterable[Ask]) -> bool:
    """Whether enough different people of the stage have approved."""
    approved = {a.person for a in asks if a.verdict is Verdict.APPROVE and a.person in stage.reviewers}
    return len(approved) >= stage.need
