"""Lanes as data: which approval route a submission takes. Undecided goes to people."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """The facts of a submission that a lane may look at."""

    warnings: int
    undecidable: int
    exceptions: int
    audience: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A route: ``chain`` names who is asked; "" asks nobody. None means: no bound."""

    name: str
    chain: str
    max_audience: int | None = None
    max_warnings: int | None = None
    max_undecidable: int | None = None

    def matches(self, facts: Submission) -> bool:
        """Whether the submission is within every bound of the lane."""
        bounds = (
            (self.max_audience, facts.audience), (self.max_warnings, facts.warnings),
            (self.max_undecidable, facts.undecidable),
        )
        return all(bound is None or value <= bound for bound, value in bounds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A published policy: lanes from the easiest to the strictest, and the one for the rest."""

    version: int
    lanes: tuple[Lane, ...]
    default: Lane

    def choose(self, facts: Submission) -> Lane:
        """The first lane that takes the submission; where none does, the default."""
        return next((lane for lane in self.lanes if lane.matches(facts)), self.default)


ONE_REVIEWER = Policy(version=1, lanes=(), default=Lane(name="one", chain="brand-manager"))
"""The policy of a new org: one brand manager decides on everything."""
