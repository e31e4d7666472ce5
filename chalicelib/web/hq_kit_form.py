"""HQ's page of the brand kit field by field, and of its baselines; without JavaScript, too: rows are added by POST."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib import texts
from chalicelib.domain import kit as kit_text
from chalicelib.domain import kit_form
from chalicelib.domain.book import Book, BookKind
from chalicelib.domain.errors import Conflict, Problem, Refused
from chalicelib.domain.kit import EMPTY, Kit
from chalicelib.domain.people import Role
from chalicelib.texts.numbers import number as figure
from chalicelib.usecases import baseline, kit_trial, kits
from chalicelib.web.guard import Visit, hq_page
from chalicelib.web.hq_common import STAFF, market_choices, market_of, number_of, scope_of
from chalicelib.web.http import Answer, redirect
from chalicelib.web.pages import render
from chalicelib.web.routes import Routes

routes = Routes()
SPARE = {"palette": 2, "logos": 1, "names": 2, "disclaimers": 1, "imprint": 1, "examples": 1, "utm": 1}
"""Empty rows at the end of each list; a button adds one."""
MAX_SPARE = 20
MAX_DIFF = 400


@routes.get("/hq/kit")
@hq_page(*STAFF)
def edit(visit: Visit) -> Answer:
    """The kit in force in a scope as a form."""
    market = market_of(visit.request.query.get("market"))
    stands = newest(visit, market)
    return _page(visit, market, stands, kit_form.fields(_kit_of(stands)))


@routes.post("/hq/kit", fields=kit_form.MAX_FIELDS)
@hq_page(Role.HQ_ADMIN)
def act(visit: Visit) -> Answer:
    """Add a row, show what would change, or publish what was shown."""
    form, market = visit.form, market_of(visit.form.get("market"))
    number = number_of(form.get("number"))
    typed = kit_form.compact(form.fields)
    stands = newest(visit, market)
    wanted = form.get("do")
    if wanted.startswith("add:"):
        return _page(visit, market, stands, typed, more=wanted.removeprefix("add:"))
    found, problems = kit_form.read(typed)
    if found is None:
        return _page(visit, market, stands, typed, problems=_said(visit, problems), status=422)
    source = kit_form.written(found)
    seen = form.get("seen") == hashlib.sha256(source.encode()).hexdigest()
    if wanted != "publish" or not seen:
        return _page(visit, market, stands, typed, change=changes(visit, market, stands, found, source))
    try:
        kits.publish(visit.world, visit.person, scope_of(visit, market), source, number=number, note=form.get("note"))
    except Refused as refused:
        return _page(visit, market, stands, typed, problems=[_at_top(p) for p in refused.problems], status=422)
    except Conflict as conflict:
        return _page(visit, market, stands, typed, problems=[conflict.problem], status=409)
    return redirect(visit.urls.kit(market))


@routes.get("/hq/kit/baseline")
@hq_page(*STAFF)
def baselines(visit: Visit) -> Answer:
    """What a baseline is, and the button that looks at the templates."""
    return _baselines(visit, market_of(visit.request.query.get("market")))


@routes.post("/hq/kit/baseline", fields=baseline.MAX_PLACES + 100)
@hq_page(Role.HQ_ADMIN)
def decide(visit: Visit) -> Answer:
    """Look at every template beside the baseline; let findings pass or put them to work."""
    form, market = visit.form, market_of(visit.form.get("market"))
    wanted, prints = form.get("do"), form.all("prints")
    if wanted not in ("accept", "work"):
        return _baselines(visit, market, look=True)
    try:
        baseline.decide(
            visit.world, visit.person, scope_of(visit, market), number=number_of(form.get("number")),
            accept=prints if wanted == "accept" else (), work=prints if wanted == "work" else (),
            reason=form.get("reason"),
        )
    except Refused as refused:
        return _baselines(visit, market, look=True, problems=refused.problems, status=422)
    except Conflict as conflict:
        return _baselines(visit, market, look=True, problems=(conflict.problem,), status=409)
    return _baselines(visit, market, look=True, done=True)


def _baselines(
    visit: Visit, market: str, *, look: bool = False, problems: Sequence[Problem] = (), status: int = 200,
    done: bool = False,
) -> Answer:
    book = newest(visit, market)
    found, left = baseline.look(visit.world, book, _kit_of(book)) if book and look else (None, 0)
    return render(
        visit, "hq/kit_baseline.html", status=status, errors=problems, desk=visit.world.programmes.desk(),
        active="Rules", market=market, book=book, found=found, left=left, done=done,
        is_admin=Role.HQ_ADMIN in visit.hq_roles,
        reason=visit.form.get("reason") if problems else "", chosen=set(visit.form.all("prints")) if problems else (),
    )


def changes(
    visit: Visit, market: str, stands: Book | None, found: Kit, source: str,
) -> dict[str, Any]:
    """What publishing would change: line by line, and what past submissions tell."""
    before = kit_form.written(kit_form.ordered(_kit_of(stands))) if stands else ""
    after = kit_form.written(kit_form.ordered(found))
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), n=1, lineterm=""))
    return {
        "seen": hashlib.sha256(source.encode()).hexdigest(), "lines": [(x[:1], x[1:]) for x in lines[2:MAX_DIFF]],
        "source": source, "trial": kit_trial.dry_run(visit.world, scope_of(visit, market), found),
        "names": {card.id: card.name for card in visit.world.partners.cards()},
    }


def _page(
    visit: Visit, market: str, stands: Book | None, typed: Mapping[str, Sequence[str]], *,
    problems: Sequence[Problem] = (), status: int = 200, change: dict[str, Any] | None = None, more: str = "",
) -> Answer:
    from chalicelib.domain.compliance import RULES

    filled = {name: len(kit_form.rows_of(typed, name)) for name in SPARE}
    filled[kit_form.PALETTE] = len([t for t in typed.get("palette.colours", ()) if t.strip()])
    spare = {name: min(MAX_SPARE, _spare(visit, name, count) + (name == more)) for name, count in SPARE.items()}
    rows = {name: filled[name] + spare[name] for name in SPARE}
    full = kit_form.size(rows) > kit_form.MAX_FIELDS
    if full:
        # What is there may always be sent as it is; there is only no room for more.
        spare, rows = dict.fromkeys(SPARE, 0), filled
    fits = kit_form.size(rows) <= kit_form.MAX_FIELDS

    def text(name: str) -> str:
        found = typed.get(name, ())
        return found[-1] if found else ""

    return render(
        visit, "hq/kit_form.html", status=status, errors=problems, desk=visit.world.programmes.desk(), active="Rules",
        market=market, markets=market_choices(visit), number=(stands.number if stands else 0) + 1, text=text,
        every=lambda name: tuple(t for t in typed.get(name, ()) if t.strip()), rows=rows, spare=spare, change=change,
        is_admin=Role.HQ_ADMIN in visit.hq_roles, comments=bool(stands and "#" in _comments(stands.source)),
        languages=kit_form.LANGUAGES, entity_fields=kit_form.ENTITY_FIELDS, clients=kit_form.CLIENTS,
        limits=kit_form.LIMITS, rules=sorted(rule.code for rule in RULES), note=visit.form.get("note"), more=more,
        full=full, fits=fits, most=figure(kit_form.MAX_FIELDS, visit.language),
    )


def _spare(visit: Visit, name: str, count: int) -> int:
    text = visit.form.get(f"spare.{name}")
    return max(count, int(text)) if text.isascii() and text.isdigit() and len(text) < 3 else count


def _comments(source: str) -> str:
    """The lines of a text that are comments alone or end in one, roughly: for a warning, not for a decision."""
    return "\n".join(line for line in source.split("\n") if line.lstrip().startswith("#") or "  #" in line)


def _said(visit: Visit, problems: Sequence[Problem]) -> list[Problem]:
    """The schema's sentences without the line of a text that there is none of."""
    said = texts.translations(visit.language).gettext
    out = []
    for problem in problems:
        sentence = said(texts.messages()[problem.code])
        head, found, rest = sentence.partition("{line}")
        bare = rest.lstrip(" :.\u00a0\u202f") if found and not head.rstrip().count(" ") else sentence
        shown = {**problem.params, "line": "", "suggestion": problem.params.get("suggestion", "–")}
        out.append(Problem("kit.said", problem.field, {"said": (bare[:1].upper() + bare[1:]).format_map(shown)}))
    return out


def _at_top(problem: Problem) -> Problem:
    return Problem(problem.code, "", problem.params)


def newest(visit: Visit, market: str) -> Book | None:
    """The newest kit of exactly this scope."""
    found = kits.published(visit.world, BookKind.KIT, scope_of(visit, market), limit=1)
    return found[0] if found else None


def _kit_of(book: Book | None) -> Kit:
    return kit_text.read(book.source) if book else EMPTY
