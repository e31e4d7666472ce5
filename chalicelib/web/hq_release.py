"""HQ's pages of releases: prepare one, see who is touched, approve by a second person, watch it, read the result."""

from __future__ import annotations

import difflib
from typing import Any

from chalicelib import texts
from chalicelib.domain import book as books
from chalicelib.domain.book import BookKind
from chalicelib.domain.errors import Conflict, NotFound, Problem, Refused
from chalicelib.domain.ids import ProgrammeId, is_id
from chalicelib.domain.people import Role
from chalicelib.domain.release import Old, Phase, Record, Release, Treatment
from chalicelib.texts.languages import NAMES
from chalicelib.usecases import release_moves, releases
from chalicelib.web import http
from chalicelib.web.guard import Visit, hq_page
from chalicelib.web.hq_common import STAFF, market_choices, market_of, new_id
from chalicelib.web.http import Answer, preview, redirect
from chalicelib.web.pages import environment, render
from chalicelib.web.routes import Routes

routes = Routes()
FIELDS = ("id", "title", "note", "market", "kit", "programme", "treatment", "old", "until", "rows")
MAX_ROWS = 10
MAX_DIFF = 400
"""Lines of a kit's difference that a page shows."""


@routes.get("/hq/releases")
@hq_page(*STAFF)
def listed(visit: Visit) -> Answer:
    """Every release, newest first."""
    return render(visit, "hq/releases.html", desk=visit.world.programmes.desk(), active="Templates",
                  releases=visit.world.releases.list(), phases=_phases(visit))


@routes.get("/hq/releases/new")
@hq_page(*STAFF)
def new(visit: Visit) -> Answer:
    """The form; a programme in the query limits it to that one."""
    query = visit.request.query
    form = {"id": new_id(visit, "rel"), "market": "all", "treatment": Treatment.CARRY.value, "old": Old.KEEP.value,
            "rows": "1", "programme": query.get("programme", "")}
    return _form(visit, form, chosen=None if query.get("programme") else ())


@routes.post("/hq/releases/new")
@hq_page(*STAFF)
def more(visit: Visit) -> Answer:
    """The form again: with one more replacement, or with a kit that was written on its own page."""
    form = visit.form.plain()
    if not form.get("id"):
        form |= {"id": new_id(visit, "rel"), "treatment": Treatment.CARRY.value, "old": Old.KEEP.value, "rows": "1",
                 "kit": form.get("yaml", form.get("kit", ""))}
    rows = min(MAX_ROWS, _rows(form) + (form.get("do") == "row"))
    return _form(visit, {**form, "rows": str(rows)}, chosen=visit.form.all("templates"))


@routes.post("/hq/releases")
@hq_page(*STAFF)
def prepare(visit: Visit) -> Answer:
    """Store it for a second person."""
    form = visit.form.plain()
    chosen = visit.form.all("templates")
    try:
        made = releases.prepare(visit.world, visit.person, releases.Plan(
            id=form.get("id", ""), title=form.get("title", ""), note=form.get("note", ""),
            market=market_of(form.get("market", "all")), kit=form.get("kit", ""), templates=tuple(chosen),
            pairs=tuple((form.get(f"old-{n}", ""), form.get(f"new-{n}", "")) for n in range(1, _rows(form) + 1)),
            programme=form.get("programme", ""), treatment=form.get("treatment", ""), old=form.get("old", ""),
            until=form.get("until", ""),
        ))
    except Refused as refused:
        return _form(visit, form, chosen=chosen, problems=refused.problems, status=422)
    return redirect(visit.urls.release(made.id))


@routes.get("/hq/releases/{release}")
@hq_page(*STAFF)
def show(visit: Visit, release: str) -> Answer:
    """What it does and to whom; once it was approved, how far it is, and what became of each campaign."""
    return _page(visit, releases.look(visit.world, release))


@routes.get("/hq/releases/{release}/progress")
@hq_page(*STAFF)
def progress(visit: Visit, release: str) -> Answer:
    """How far it is, asked for every five seconds; once it is over, the whole page is loaded again."""
    known = releases.look(visit.world, release)
    if not visit.request.htmx:
        return redirect(visit.urls.release(release))
    body = environment(visit.language).get_template("hq/_release_progress.html").render(
        known=known, urls=visit.urls, csrf=visit.csrf, is_admin=Role.HQ_ADMIN in visit.hq_roles)
    answer = http.page(body)
    return answer if known.release.phase is Phase.APPLYING else answer.with_header("HX-Refresh", "true")


@routes.get("/hq/releases/{release}/mail/{template}")
@hq_page(*STAFF)
def mail(visit: Visit, release: str, template: str) -> Answer:
    """A template as it is after the release, in a sandboxed frame; it need not be published for that."""
    found = releases.look(visit.world, release).release
    move = next((m for m in found.moves if m.template == template), None)
    if move is None:
        raise NotFound
    made = release_moves.target(visit.world, found, move, by=found.prepared_by, at=found.prepared_at)
    return preview(made.html)


@routes.post("/hq/releases/{release}/approve")
@hq_page(Role.HQ_ADMIN)
def approve(visit: Visit, release: str) -> Answer:
    """The second person's yes to exactly what was shown."""
    if visit.form.get("sure") != "yes":
        return _page(visit, releases.look(visit.world, release), (Problem("release.confirm", "sure"),), status=422)
    return _step(visit, release, lambda: releases.approve(
        visit.world, visit.person, release, shown=visit.form.get("shown")))


@routes.post("/hq/releases/{release}/withdraw")
@hq_page(*STAFF)
def withdraw(visit: Visit, release: str) -> Answer:
    """Take it back before it is approved."""
    return _step(visit, release, lambda: releases.withdraw(visit.world, visit.person, release))


@routes.post("/hq/releases/{release}/count")
@hq_page(*STAFF)
def count(visit: Visit, release: str) -> Answer:
    """Count anew who is touched."""
    return _step(visit, release, lambda: releases.count_again(visit.world, release))


@routes.post("/hq/releases/{release}/go-on")
@hq_page(Role.HQ_ADMIN)
def go_on(visit: Visit, release: str) -> Answer:
    """Go on with the partners that are missing."""
    releases.look(visit.world, release)
    return _step(visit, release, lambda: releases.go_on(visit.world, release))


@routes.post("/hq/releases/{release}/end")
@hq_page(Role.HQ_ADMIN)
def end(visit: Visit, release: str) -> Answer:
    """End one that stands still, without the partners that are missing."""
    if visit.form.get("sure-end") != "yes":
        return _page(visit, releases.look(visit.world, release), (Problem("switch.confirm", "sure-end"),), status=422)
    return _step(visit, release, lambda: releases.end(visit.world, visit.person, release))


def _step(visit: Visit, release: str, act: Any) -> Answer:
    """Take a step; one that came too late, or is refused, says so on the page."""
    try:
        act()
    except Refused as refused:
        return _page(visit, releases.look(visit.world, release), refused.problems, status=422)
    except Conflict as conflict:
        return _page(visit, releases.look(visit.world, release), (conflict.problem,), status=409)
    return redirect(visit.urls.release(release))


def _page(visit: Visit, known: Record, problems: tuple[Problem, ...] = (), *, status: int = 200) -> Answer:
    release = known.release
    return render(
        visit, "hq/release.html", status=status, errors=problems, desk=visit.world.programmes.desk(),
        active="Templates", known=known, release=release, phases=_phases(visit), kit_diff=_kit_diff(visit, release),
        is_admin=Role.HQ_ADMIN in visit.hq_roles, mine=release.prepared_by == visit.person.id,
        not_reached=releases.not_reached(visit.world, known),
        why=lambda code: texts.sentence(Problem(code), visit.language), languages=NAMES,
    )


def _kit_diff(visit: Visit, release: Release) -> list[tuple[str, str]]:
    """The kit's lines that come and go against the one in force; nothing once it is published."""
    if not release.kit or release.phase is not Phase.PREPARED:
        return []
    known = [b for b in visit.world.books.recent() if b.kind is BookKind.KIT]
    stands = books.nearest(known, release.scope)
    lines = difflib.unified_diff(
        (stands.source if stands else "").splitlines(), release.kit.splitlines(), n=1, lineterm="")
    return [(line[:1], line[1:]) for line in list(lines)[2:MAX_DIFF]]


def _form(
    visit: Visit, form: dict[str, str], *, chosen: Any = (), problems: tuple[Problem, ...] = (), status: int = 200,
) -> Answer:
    """``chosen`` None ticks every template that may go on."""
    only = form.get("programme", "")
    known = release_moves.candidates(visit.world, only)
    rows = _rows(form)
    desk = visit.world.programmes.desk(ProgrammeId(only) if is_id(only, "prg") else None)
    return render(
        visit, "hq/release_new.html", status=status, errors=problems, desk=desk,
        active="Templates", candidates=known, chosen={c.template for c in known} if chosen is None else set(chosen),
        form={name: form.get(name, "") for name in FIELDS} | {"rows": str(rows)}, can_add=rows < MAX_ROWS,
        pairs=[(n, form.get(f"old-{n}", ""), form.get(f"new-{n}", "")) for n in range(1, rows + 1)],
        markets=market_choices(visit),
    )


def _rows(form: dict[str, str]) -> int:
    """How many replacements the form has."""
    text = form.get("rows", "1")
    return max(1, min(MAX_ROWS, int(text))) if text.isascii() and text.isdigit() and len(text) < 4 else 1


def _phases(visit: Visit) -> dict[str, tuple[str, str]]:
    """What people call the phases, with the tone of their tags."""
    _ = texts.translations(visit.language).gettext
    return {
        "prepared": (_("Waits for a second person"), "wait"), "withdrawn": (_("Withdrawn"), "plain"),
        "applying": (_("Being applied"), "run"), "done": (_("Done"), "good"),
    }
