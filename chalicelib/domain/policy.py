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
from chalicelib.domain.closed import Fields
from chalicelib.domain.errors import Problem
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


def _granter_problem(name: str) -> str:
    known = name in GRANTERS or ("@" in name and not name.startswith("@") and "." in name.rpartition("@")[2])
    return "" if known else "lanes.grantee"


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
    return closed.read(text, lambda top: _policy(top, version))


def problems_of(text: str) -> tuple[Problem, ...]:
    """What is wrong with a text, nothing if it can be published."""
    return closed.problems_of(text, lambda top: _policy(top, 1))


def _policy(top: Fields, version: int) -> Policy:
    version = int(top.number("version", version, low=1))
    lanes = tuple(_lane(each) for each in top.each("lanes"))
    names = [lane.name for lane in lanes]
    if not lanes:
        top.reading.wrong("yaml.missing", "lanes", top.line)
    for name in {n for n in names if names.count(n) > 1}:
        top.checked("lanes", [name], lambda n: "lanes.doubled")
    wanted = top.choice("default", names, names[-1] if names else "")
    if not top.has("default"):
        top.reading.wrong("yaml.missing", "default", top.line)
    default = next((lane for lane in lanes if lane.name == wanted), ONE_REVIEWER.default)
    if default.asks_nobody:
        top.checked("default", [default.name], lambda n: "lanes.default")
    shadow, waivers = top.inner("shadow"), top.inner("waivers")
    policy = Policy(
        version=version, lanes=lanes, default=default, shadow=int(shadow.number("first_decisions", 50, high=10_000)),
        max_days=int(waivers.number("max_days", MAX_DAYS, low=1, high=MAX_DAYS)),
        may_grant=tuple(name.casefold() for name in waivers.texts("may_grant", limit=254)),
        never=tuple(dict.fromkeys((*NEVER, *_codes(waivers, "never")))),
    )
    waivers.checked("may_grant", policy.may_grant, _granter_problem)
    for part in (shadow, waivers, top):
        part.close()
    return policy


def _lane(each: Fields) -> Lane:
    requires = each.inner("requires")
    chain = requires.choice("chain", CHAINS)
    reviewers = int(requires.number("reviewers", CHAINS.get(chain, 1), high=5))
    if not chain and reviewers:
        chain = "brand-manager" if requires.has("reviewers") else chain
    if not chain and not requires.has("reviewers"):
        each.reading.wrong("yaml.missing", requires.at("chain"), each.line)
    lane = Lane(
        name=each.text("name", required=True, limit=40), chain=chain if reviewers else "", need=max(1, reviewers),
        approved_if=each.text("approved_if"), permits=tuple(_conditions(each.inner("if"))),
        demands=tuple(_conditions_of_list(each, "if_any")),
        audit_sample=each.number("audit_sample", 0, high=1, whole=False),
        within_business_hours=int(requires.number("within_business_hours", 0, high=240)),
        on_timeout=requires.choice("on_timeout", ("escalate", "remind")),
    )
    if lane.asks_nobody and not lane.permits:
        each.reading.wrong("lanes.open", each.at("if"), each.line, value=lane.name)
    requires.close()
    each.close()
    return lane


def _conditions_of_list(each: Fields, name: str) -> Iterable[Condition]:
    for one in each.each(name):
        yield from _conditions(one)


_BOUNDS: Mapping[str, str] = {
    "at_most": "at_most", "at_least": "at_least", "more_than": "at_least", "less_than": "at_most",
}


def _conditions(at: Fields) -> list[Condition]:
    """Every condition of one mapping; each key of the schema is one question."""
    out: list[Condition] = []
    if at.has("changed_regions_risk"):
        out += _bounded(at.inner("changed_regions_risk"), "risk", risk=True)
    if at.has("audience"):
        out += _bounded(at.inner("audience"), "audience")
    for group, facts in (
        ("findings", {"warn": ("warnings", "at_most"), "undecidable": ("undecidable", "at_most"),
                      "exceptions": ("exceptions", "at_most")}),
        ("template", {"published_days_min": ("template_days", "at_least")}),
        ("partner", {"approved_last_365d": ("approved", "at_least"), "declined_last_365d": ("declined", "at_most")}),
        ("budget", {"auto_per_partner_week": ("auto_week", "budget")}),
    ):
        inner = at.inner(group)
        for key, (fact, comparison) in facts.items():
            out += _one(inner, key, fact, comparison)
        inner.close()
    for key, fact in (("exceptions", "exceptions"), ("rules_fired", "fired")):
        if codes := _codes(at, key):
            out.append(Condition(path=at.at(key), fact=fact, comparison="any_of", codes=codes))
    at.close()
    return out


def _one(inner: Fields, key: str, fact: str, comparison: str) -> list[Condition]:
    node = inner.get(key)
    if node is None:
        return []
    if isinstance(node.value, Mapping):
        return _bounded(inner.inner(key), fact)
    number = int(inner.number(key, 0, high=1_000_000))
    if comparison == "budget":  # the one at hand comes on top of those that were
        return [Condition(path=inner.at(key), fact=fact, comparison="at_most", bound=number - 1)]
    return [Condition(path=inner.at(key), fact=fact, comparison=comparison, bound=number)]


def _bounded(inner: Fields, fact: str, *, risk: bool = False) -> list[Condition]:
    out = []
    for key, comparison in _BOUNDS.items():
        if not inner.has(key):
            continue
        if risk:
            word = inner.choice(key, RISKS, "high")
            bound = RISKS.index(word)
        else:
            bound = int(inner.number(key, 0, high=100_000_000))
        bound += {"more_than": 1, "less_than": -1}.get(key, 0)
        out.append(Condition(path=f"{inner.path}.{key}", fact=fact, comparison=comparison, bound=bound))
    if not out:
        inner.reading.wrong("lanes.bound", inner.path, inner.line, choices=", ".join(_BOUNDS))
    inner.close()
    return out


def _codes(at: Fields, name: str) -> tuple[str, ...]:
    """Codes of rules or groups of them (``SEC*``); one that no rule has is a problem."""
    found = at.texts(name, limit=12)
    at.checked(name, found, code_problem)
    return found


def code_problem(code: str) -> str:
    """A code if no rule is meant by this pattern."""
    from chalicelib.domain.compliance import RULES

    return "" if any(matches(rule.code, (code,)) for rule in RULES) else "lanes.rule"
