"""The closed schema of approval routes: from a text's fields to a policy, with all that is wrong noted at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from chalicelib.domain.closed import Fields
from chalicelib.domain.policy import CHAINS, GRANTERS, ONE_REVIEWER, RISKS, Condition, Lane, Policy
from chalicelib.domain.waiver import MAX_DAYS, NEVER, matches


def of_fields(top: Fields, version: int) -> Policy:
    """The policy of a mapping of the schema; problems are noted with its reading."""
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
        may_grant=tuple(n.casefold() for n in waivers.texts("may_grant", limit=254, judge=_granter_problem)),
        never=tuple(dict.fromkeys((*NEVER, *waivers.texts("never", limit=12, judge=code_problem)))),
    )
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
        if codes := at.texts(key, limit=12, judge=code_problem):
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


def code_problem(code: str) -> str:
    """A code if no rule is meant by this pattern."""
    from chalicelib.domain.compliance import RULES

    return "" if any(matches(rule.code, (code,)) for rule in RULES) else "lanes.rule"


def _granter_problem(name: str) -> str:
    name = name.casefold()
    known = name in GRANTERS or ("@" in name and not name.startswith("@") and "." in name.rpartition("@")[2])
    return "" if known else "lanes.grantee"
