"""When a campaign goes out, as its form asks for it: zones, gaps and folds, and times in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache

from chalicelib.domain import schedule
from chalicelib.domain.campaign import Draft
from chalicelib.domain.errors import Problem, Refused
from chalicelib.domain.record import dataclass
from chalicelib.texts.times import CONTINENTS, local_time


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeChoice:
    """A time that needs a second answer: nearest times of a gap, or the two passes of a fold."""

    before: str = ""
    after: str = ""
    first: str = ""
    second: str = ""


def in_words(problem: Problem, zone: str, language: str) -> Problem:
    """A problem of the time with its times as people write them, not as programs do."""
    if not problem.code.startswith("time."):
        return problem
    params = dict(problem.params)
    for name in ("value", "before", "after"):
        if name in params and problem.code != "time.zone":
            params[name] = str(params[name]).replace("T", " ")
    for name in ("opens", "closes"):
        if name in params:
            params[name] = local_time(datetime.fromisoformat(str(params[name])), zone or "UTC", language=language)
    return replace(problem, params=params)


def time_choice(draft: Draft) -> TimeChoice | None:
    """What the server has to ask about the typed time, if anything."""
    if not draft.local_time:
        return None
    try:
        # With fold "" a time that happens twice is always asked, also after it was answered.
        schedule.resolve(draft.local_time, draft.zone, "")
    except Refused as refused:
        problem = refused.problems[0]
        if problem.code == "time.gap":
            return TimeChoice(before=str(problem.params["before"]), after=str(problem.params["after"]))
        if problem.code == "time.fold":
            return TimeChoice(first=str(problem.params["first"]), second=str(problem.params["second"]))
    return None


def time_problems(draft: Draft) -> tuple[Problem, ...]:
    """What is wrong with the typed time by itself; nothing where none was typed yet."""
    if not draft.local_time:
        return ()
    try:
        schedule.resolve(draft.local_time, draft.zone, draft.fold)
    except Refused as refused:
        return refused.problems
    return ()


@lru_cache(maxsize=1)
def zones() -> Mapping[str, Sequence[tuple[str, str]]]:
    """The zones to choose from, by continent: (name, city)."""
    grouped: dict[str, list[tuple[str, str]]] = {continent: [] for continent in CONTINENTS}
    for name in sorted(schedule.zone_names()):
        continent, _, rest = name.partition("/")
        if rest and continent in grouped:
            grouped[continent].append((name, rest.replace("_", " ").replace("/", ", ")))
    return grouped | {"UTC": [("UTC", "UTC")]}
