"""The approval route in words: who decides, what a faster route wants, and the smallest change that reaches it."""

from __future__ import annotations

from chalicelib import texts
from chalicelib.domain.policy import Lane
from chalicelib.domain.record import dataclass
from chalicelib.texts.lanes import CHANGES, FACTS
from chalicelib.texts.words import BOUNDS, RISK
from chalicelib.usecases.lanes import Route
from chalicelib.web.guard import Visit


@dataclass(frozen=True, slots=True)
class Line:
    """One condition: what it is about, what is and what is wanted; ``state`` is good, bad or wait."""

    label: str
    actual: str
    required: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """``changes`` reads on from “It would be faster if you ...”; empty where no edit helps."""

    lines: tuple[Line, ...] = ()
    faster: str = ""
    changes: tuple[str, ...] = ()
    learning: bool = False


def route_words(visit: Visit, lane: Lane) -> str:
    """Who decides on this lane."""
    _ = texts.translations(visit.language).gettext
    if lane.asks_nobody:
        return _("Approved at once, without a reviewer")
    return _("One reviewer decides") if lane.need == 1 else _("%(n)s reviewers decide") % {"n": lane.need}


def path_of(visit: Visit, route: Route) -> Path:
    """The conditions of the nearest faster route, each with its actual and its wanted value."""
    gettext = texts.translations(visit.language).gettext
    explained = route.explained
    lines = tuple(
        Line(
            gettext(FACTS[check.fact]), "?" if check.actual is None else _worded(visit, str(check.actual)) or "0",
            _worded(visit, check.required),
            "good" if check.holds else "wait" if check.holds is None else "bad",
        )
        for check in explained.checks
    )
    return Path(
        lines=lines, faster=route_words(visit, explained.faster) if explained.faster else "",
        changes=tuple(gettext(CHANGES[fact]) for fact in explained.changes), learning=route.learning,
    )


def _worded(visit: Visit, text: str) -> str:
    """A value or bound of a condition, which the policy gives in the words of its schema."""
    gettext = texts.translations(visit.language).gettext
    for words, pattern in BOUNDS.items():
        if text.startswith(f"{words} "):
            return gettext(pattern).format(n=_worded(visit, text[len(words) + 1:]))
    return gettext(RISK[text]) if text in RISK else text
