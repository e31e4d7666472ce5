"""Approval routes (lanes) as data: a closed, versioned YAML schema without an expression language.

Two kinds of lanes, from the easiest to the strictest:

- ``if`` *permits*: the lane may be taken if **every** condition holds;
- ``if_any`` *demands*: the lane must be taken (or a stricter one) if **any** condition holds.

The route is the first permitted lane that is no easier than the strictest demanded one; where there
is none, the default. What is not known (None) never permits and always demands, so that the unknown
goes to people. Lanes that ask nobody only predict until HQ has seen enough decisions (``shadow``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace

from chalicelib.domain import closed
from chalicelib.domain.errors import Problem, Refused
from chalicelib.domain.people import Role
from chalicelib.domain.record import dataclass
from chalicelib.domain.waiver import MAX_DAYS, NEVER, matches

RISKS = ("none", "low", "medium", "high")
CHAINS = {"brand-manager": 1, "brand-then-legal": 2}
"""Chain -> how many different reviewers of the programme must approve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """The facts of a submission that a lane may look at; None is: not known.

    ``risk`` is the highest of the regions that were changed (``none``: all stand at HQ's default);
    ``exceptions`` are the codes of exceptions used or asked for, ``fired`` those of findings.
    """

    warnings: int | None = 0
    undecidable: int | None = 0
    exceptions: tuple[str, ...] = ()
    fired: tuple[str, ...] = ()
    audience: int | None = 0
    risk: str | None = None
    template_days: int | None = None
    approved: int | None = None
    declined: int | None = None
    auto_week: int | None = None

    def public(self, audience: int) -> dict[str, str | int | tuple[str, ...]]:
        """What is kept of it, with ``audience`` (the upper bound of its bracket) for the number."""
        known = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: value for name, value in {**known, "audience": audience}.items() if value is not None}


def from_public(kept: Mapping[str, str | int | tuple[str, ...]]) -> Submission:
    """The facts that :meth:`Submission.public` kept; what is missing is not known."""
    names = {f.name for f in fields(Submission)}
    unknown = Submission(warnings=None, undecidable=None, audience=None)
    found = {n: tuple(v) if isinstance(v, list | tuple) else v for n, v in kept.items() if n in names}
    return replace(unknown, **found)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """``fact`` compared: ``at_most``, ``at_least`` or ``any_of`` (codes). ``path`` is its place in the YAML."""

    path: str
    fact: str
    comparison: str
    bound: int = 0
    codes: tuple[str, ...] = ()

    def actual(self, facts: Submission) -> str | int | None:
        """The submission's own value, as it is shown."""
        value = getattr(facts, self.fact)
        if self.fact in ("exceptions", "fired"):
            if self.comparison == "any_of":
                return ", ".join(c for c in dict.fromkeys(value) if matches(c, self.codes))
            return len(value)
        return value  # type: ignore[no-any-return]

    @property
    def required(self) -> str:
        """The bound as words of the schema."""
        if self.comparison == "any_of":
            return ", ".join(self.codes)
        bound = RISKS[self.bound] if self.fact == "risk" else self.bound
        return f"{self.comparison.replace('_', ' ')} {bound}"

    def holds(self, facts: Submission) -> bool | None:
        """Whether it holds; None where the fact is not known."""
        value = self.actual(facts)
        if self.comparison == "any_of":
            return bool(value)
        if value is None:
            return None
        number = (RISKS.index(value) if value in RISKS else None) if isinstance(value, str) else value
        if number is None:
            return None
        return number <= self.bound if self.comparison == "at_most" else number >= self.bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A route. ``chain`` names who is asked, "" asks nobody; ``need`` of them must approve."""

    name: str
    chain: str = ""
    need: int = 1
    approved_if: str = ""
    permits: tuple[Condition, ...] = ()
    demands: tuple[Condition, ...] = ()
    audit_sample: float = 0.0
    within_business_hours: int = 0
    on_timeout: str = ""

    @property
    def asks_nobody(self) -> bool:
        """Whether a submission on it is approved at once."""
        return not self.chain

    def demanded(self, facts: Submission) -> bool:
        """Whether any condition demands it; what is not known does."""
        return any(c.holds(facts) is not False for c in self.demands)

    def permitted(self, facts: Submission) -> bool:
        """Whether every condition permits it; what is not known does not."""
        return bool(self.permits) and all(c.holds(facts) is True for c in self.permits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A published policy: lanes from the easiest to the strictest, and the one for the rest."""

    version: int
    market: str = "all"
    lanes: tuple[Lane, ...]
    default: Lane
    shadow: int = 50
    max_days: int = MAX_DAYS
    may_grant: tuple[str, ...] = ()
    never: tuple[str, ...] = NEVER

    def choose(self, facts: Submission) -> Lane:
        """The first permitted lane that is no easier than the strictest demanded one; else the default."""
        try:
            floor = max((i for i, lane in enumerate(self.lanes) if lane.demanded(facts)), default=-1)
            for index, lane in enumerate(self.lanes):
                if index >= floor and (lane.permitted(facts) or index == floor):
                    return lane
        except (ValueError, TypeError, AttributeError):
            return self.people(self.default)
        return self.default

    def people(self, lane: Lane) -> Lane:
        """``lane`` if it asks people, else the next stricter one that does, else the default."""
        if not lane.asks_nobody:
            return lane
        index = next((i for i, one in enumerate(self.lanes) if one.name == lane.name), len(self.lanes))
        later = (one for one in self.lanes[index + 1:] if not one.asks_nobody and one.permits)
        return next(later, self.default if not self.default.asks_nobody else ONE_REVIEWER.default)

    def taken(self, facts: Submission, *, decided: int, sampled: bool = False) -> Lane:
        """The lane a submission really takes: people's while the lanes only predict, and for the sample."""
        lane = self.choose(facts)
        return self.people(lane) if lane.asks_nobody and (decided < self.shadow or sampled) else lane


ONE_REVIEWER = Policy(version=0, lanes=(), default=Lane(name="one", chain="brand-manager"), shadow=0)
"""The policy of an org that has published none: one brand manager decides on everything."""


# --- exceptions

GRANTERS = {"brand-leads": Role.HQ_ADMIN, "designers": Role.HQ_DESIGNER, "reviewers": Role.REVIEWER}
"""What ``waivers: may_grant`` may name beside addresses: people at head office by their role."""


def may_grant(policy: Policy, roles: Iterable[Role], address: str) -> bool:
    """Whether somebody at head office may grant exceptions: administrators, unless the policy names others."""
    held = frozenset(roles)
    if not policy.may_grant:
        return Role.HQ_ADMIN in held
    return address.casefold() in policy.may_grant or any(GRANTERS.get(name) in held for name in policy.may_grant)


def unenforced(policy: Policy) -> list[tuple[str, Problem]]:
    """What lanes ask for that is kept and not acted upon, as sentences: one stage is asked, by no clock."""
    out = []
    for lane in policy.lanes:
        if lane.chain == "brand-then-legal":
            out.append((lane.name, Problem("lanes.one_stage", "", {"chain": lane.chain, "need": lane.need})))
        if lane.within_business_hours or lane.on_timeout:
            out.append((lane.name, Problem("lanes.no_clock", "", {
                "hours": lane.within_business_hours, "then": lane.on_timeout or "–"})))
    return out


# --- what the partner sees while editing

@dataclass(frozen=True, slots=True)
class Check:
    """One condition of a faster lane: what is, what it wants, and whether it holds (None: not known)."""

    path: str
    fact: str
    actual: str | int | None
    required: str
    holds: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """The route, each condition of the nearest faster one, and the smallest change that reaches it (paths)."""

    lane: Lane
    faster: Lane | None = None
    checks: tuple[Check, ...] = ()
    changes: tuple[str, ...] = ()


CHANGEABLE = frozenset({"risk", "warnings", "undecidable", "exceptions", "fired", "audience"})
"""Facts that a partner can change by editing; the others are what they are."""


def explain(policy: Policy, facts: Submission) -> Explained:
    """Why this route, and the faster lane that the fewest changes by the partner would reach.

    Only lanes that the partner's own edits can reach are offered; a demand that stands must go, too.
    """
    taken = policy.choose(facts)
    rank = next((i for i, lane in enumerate(policy.lanes) if lane.name == taken.name), len(policy.lanes))
    best: Explained | None = None
    least = (0, 0)
    for index in range(rank):
        lane = policy.lanes[index]
        if not lane.permits:
            continue
        wanted = [c for c in lane.permits if c.holds(facts) is not True]
        against = [c for later in policy.lanes[index + 1:] for c in later.demands if c.holds(facts) is not False]
        effort = (len({c.fact for c in (*wanted, *against)}), sum(_steps(c, facts) for c in (*wanted, *against)))
        if all(c.fact in CHANGEABLE for c in (*wanted, *against)) and (best is None or effort < least):
            least = effort
            checks = tuple(_check(c, facts) for c in lane.permits) + tuple(
                replace_holds(_check(c, facts), False) for c in against)
            best = Explained(lane=taken, faster=lane, checks=checks,
                             changes=tuple(dict.fromkeys(c.fact for c in (*wanted, *against))))
    if best:
        return best
    first = next((lane for lane in policy.lanes[:rank] if lane.permits), None)
    return Explained(lane=taken, checks=tuple(_check(c, facts) for c in first.permits) if first else ())


def _steps(condition: Condition, facts: Submission) -> int:
    """How many levels of risk lie between what was changed and what a condition wants; of two lanes that want the
    same facts changed, the nearer one is offered."""
    if condition.fact != "risk" or facts.risk not in RISKS:
        return 0
    return abs(RISKS.index(facts.risk) - condition.bound)


def _check(condition: Condition, facts: Submission) -> Check:
    return Check(condition.path, condition.fact, condition.actual(facts), condition.required, condition.holds(facts))


def replace_holds(check: Check, holds: bool) -> Check:
    """A demand that stands speaks against the faster lane."""
    return replace(check, holds=holds, required=f"none of {check.required}")


# --- reading

def read(text: str, version: int = 1) -> Policy:
    """The policy of a YAML text; raises Refused with every problem at once."""
    from chalicelib.domain import policy_text  # which builds on this module

    return closed.read(text, lambda top: policy_text.of_fields(top, version))


def problems_of(text: str) -> tuple[Problem, ...]:
    """What is wrong with a text, nothing if it can be published."""
    try:
        read(text)
    except Refused as refused:
        return refused.problems
    return ()
