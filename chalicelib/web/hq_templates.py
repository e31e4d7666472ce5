"""HQ's pages about templates beside publishing: marking fields in plain HTML, comparing two versions."""

from __future__ import annotations

from chalicelib.domain.errors import NotFound, Problem, Refused
from chalicelib.domain.ids import TemplateId, is_id
from chalicelib.usecases import publish, versions
from chalicelib.web.guard import Visit, hq_page
from chalicelib.web.hq_common import STAFF, number_of
from chalicelib.web.http import Answer, preview
from chalicelib.web.pages import render
from chalicelib.web.routes import Routes

routes = Routes()
KEPT = ("template", "number", "name", "language", "family")
"""Fields of the publishing form that go along while fields are marked."""
MAX_MARKED = 600_000
"""A longer source cannot be sent back in a form; the compiler refuses it as well."""


@routes.post("/hq/templates/mark")
@hq_page(*STAFF)
def mark(visit: Visit) -> Answer:
    """The numbered outline of a source; with ``do`` one element more or less is marked. Nothing is stored."""
    source = visit.form.get("html")[:MAX_MARKED]
    wanted = visit.form.get("do")
    try:
        if wanted == "mark":
            source = publish.mark(source, _at(visit.form.get("at")), visit.form.get("kind"), visit.form.get("region"),
                                  visit.form.get("label"), visit.form.get("choices"))
        elif wanted.startswith("unmark:"):
            source = publish.unmark(source, _at(wanted.removeprefix("unmark:")))
    except Refused as refused:
        return _page(visit, source, refused.problems)
    return _page(visit, source, (), marked=wanted == "mark")


@routes.post("/hq/templates/mark/preview")
@hq_page(*STAFF)
def numbered(visit: Visit) -> Answer:
    """The frame that shows the source with its numbers; sandboxed like every mail."""
    return preview(publish.numbered(visit.form.get("html")[:MAX_MARKED]))


@routes.get("/hq/templates/{template}/{number}/compare")
@hq_page(*STAFF)
def compare(visit: Visit, template: str, number: str) -> Answer:
    """What changed from another version (the one before, if none is named), and who stands on it."""
    other = visit.request.query.get("with") or str(max(number_of(number) - 1, 1))
    if not is_id(template, "tpl"):
        raise NotFound
    new = visit.world.templates.get(TemplateId(template), number_of(number))
    old = visit.world.templates.get(TemplateId(template), number_of(other))
    return render(
        visit, "hq/template_compare.html", active="Templates", compared=versions.compare(old, new),
        standing=versions.standing(visit.world, TemplateId(template)), desk=visit.world.programmes.desk(),
    )


def _at(text: str) -> int:
    """An element's place, as the outline's form names it; -1 (no element) for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else -1


def _page(visit: Visit, source: str, problems: tuple[Problem, ...], *, marked: bool = False) -> Answer:
    form = {name: visit.form.get(name) for name in (*KEPT, "at", "kind", "region", "label", "choices")}
    return render(
        visit, "hq/template_mark.html", status=422 if problems else 200, errors=problems, active="Templates",
        desk=visit.world.programmes.desk(), parts=publish.outline(source), kept=KEPT,
        form=dict.fromkeys(form, "") | {n: form[n] for n in KEPT} if marked else form, html=source,
    )
