"""What the check and the approval routes say of a draft while it is written: by the gate's own judgement, in words."""

from __future__ import annotations

from collections.abc import Iterator

from chalicelib import texts
from chalicelib.domain import blocks
from chalicelib.domain.campaign import FindingRecord
from chalicelib.domain.errors import Problem
from chalicelib.domain.record import dataclass
from chalicelib.usecases import fixes, lanes
from chalicelib.usecases.fixes import Offer
from chalicelib.usecases.gate import Answers
from chalicelib.usecases.lanes import Changed
from chalicelib.web import partner_form
from chalicelib.web.guard import Visit
from chalicelib.web.partner_route import Path, path_of, route_words
from chalicelib.web.partner_rows import PREFIX

Line = tuple[str, str, str]
"""Kind (``block``, ``warn``, ``undecidable``, ``info``), field of the form ("" for none), sentence."""


def checks() -> int:
    """How many rules look at a mail."""
    from chalicelib.domain.compliance import RULES

    return sum(rule.mail for rule in RULES)


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteView:
    """The approval route in sentences.

    ``changes`` are the changed fields (name in the form, label, risk); ``without`` those of them that keep it from
    the faster route ``path.faster``, ``alone`` where nothing else does. ``hours`` is how soon an answer is asked
    for, 0 where nothing is said; ``checked`` whether the rules could be run.
    """

    who: str
    hours: int
    passed: int
    total: int
    checked: bool
    audience: int
    changes: tuple[tuple[str, str, str], ...]
    without: tuple[tuple[str, str, str], ...]
    alone: bool
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class HintsView:
    """All hints, in a list and at their fields."""

    lines: tuple[Line, ...]
    offers: tuple[Offer, ...]
    route: RouteView

    def at(self, name: str) -> list[Line]:
        """The hints of one field."""
        return [line for line in self.lines if line[1] == name]

    def fixes(self, name: str) -> list[Offer]:
        """The safe fixes of one field."""
        return [offer for offer in self.offers if field_of(offer.key) == name]

    def slower(self, name: str) -> bool:
        """Whether the change of this field keeps the draft from a faster route."""
        return any(field == name for field, _, _ in self.route.without)


def field_of(key: str) -> str:
    """The form's field of a key."""
    return key if key in fixes.LINES else PREFIX + key


def of(visit: Visit, answers: Answers) -> HintsView:
    """What stands against the draft, what can be put right by a click, and who would decide."""
    offers = fixes.of(visit.world, answers)
    return HintsView(
        lines=tuple(_lines(visit, answers, {offer.finding.code for offer in offers})), offers=offers,
        route=_route(visit, answers),
    )


def _lines(visit: Visit, answers: Answers, fixable: set[str]) -> Iterator[Line]:
    """Empty fields are left for the check page, which asks for all of them."""
    said = answers.said
    groups = [("block", [p for p in said.problems if p.code != "value.required"]), ("warn", list(said.warnings))]
    groups += [(_kind(f), [_problem(f)]) for f in answers.findings if _told(f, fixable)]
    for kind, problems in groups:
        for problem in partner_form.at_fields(problems, answers.template):
            yield kind, problem.field, _sentence(visit, problem)


def _told(finding: FindingRecord, fixable: set[str]) -> bool:
    """A note is told where it can be put right, or where an exception made it one."""
    return finding.severity != "info" or finding.code in fixable or "excepted" in finding.params


def _kind(finding: FindingRecord) -> str:
    return "undecidable" if finding.state == "undecidable" else finding.severity


def _problem(finding: FindingRecord) -> Problem:
    return Problem(f"compliance.{finding.code}", finding.region, {**finding.params, "quote": finding.quote})


def _sentence(visit: Visit, problem: Problem) -> str:
    text = texts.sentence(problem, visit.language)
    if "excepted" not in problem.params:
        return text
    return f"{text} {texts.translations(visit.language).gettext('An exception of head office covers this.')}"


def _route(visit: Visit, answers: Answers) -> RouteView:
    told = [f.code for f in answers.findings if f.severity != "info"]
    changed = lanes.changed_parts(answers.template, answers.draft)
    without = lanes.in_the_way(answers.route, changed)
    return RouteView(
        who=route_words(visit, answers.lane), hours=answers.lane.within_business_hours,
        passed=checks() - len(set(told)), total=checks(), checked=answers.rendered is not None,
        audience=answers.audience.receive, changes=_named(visit, answers, changed),
        without=_named(visit, answers, without), alone=bool(without) and answers.route.explained.changes == ("risk",),
        path=path_of(visit, answers.route),
    )


def _named(visit: Visit, answers: Answers, changed: tuple[Changed, ...]) -> tuple[tuple[str, str, str], ...]:
    _ = texts.translations(visit.language).gettext
    lines = {"subject": _("Subject"), "preheader": _("Preview line")}
    risks = {"low": _("low risk"), "medium": _("medium risk"), "high": _("high risk")}
    controls = {block.id: blocks.control(block) for block in answers.template.blocks}
    return tuple(
        (field_of(controls.get(part.name, part.name)), part.label or lines.get(part.name, part.name),
         risks.get(part.risk, part.risk)) for part in changed
    )
