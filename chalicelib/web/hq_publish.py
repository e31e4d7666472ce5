"""HQ's pages of templates: the list, publishing a version, looking at one."""

from __future__ import annotations

from chalicelib.domain.errors import NotFound, Problem, Refused
from chalicelib.domain.ids import TemplateId, is_id
from chalicelib.domain.template import TemplateVersion
from chalicelib.texts.languages import NAMES
from chalicelib.usecases import publish
from chalicelib.web.guard import Visit, hq_page
from chalicelib.web.hq_common import STAFF, languages, new_id
from chalicelib.web.http import Answer, preview, redirect
from chalicelib.web.pages import render
from chalicelib.web.routes import Routes

routes = Routes()
KEEP_SOURCE = 600_000
"""A refused source of more characters is not sent back in the form: Lambda answers 6 MB at most."""


@routes.get("/hq/templates")
@hq_page(*STAFF)
def templates(visit: Visit) -> Answer:
    """Every template with its versions."""
    return render(
        visit, "hq/templates.html", desk=visit.world.programmes.desk(), active="Templates",
        templates=publish.templates(visit.world), languages=NAMES,
    )


@routes.get("/hq/templates/new")
@hq_page(*STAFF)
def new_template(visit: Visit) -> Answer:
    """The form for a new template, or for a further version of one."""
    wanted = visit.request.query.get("template")
    if not wanted:
        values = {"template": new_id(visit, "tpl"), "number": "1"}
    else:
        known = next((t for t in publish.templates(visit.world) if t.id == wanted), None)
        if known is None:
            raise NotFound
        values = {
            "template": known.id, "number": str(known.latest.number + 1), "name": known.latest.name,
            "language": known.latest.language, "family": known.latest.family,
        }
    return _template_form(visit, values)


@routes.post("/hq/templates/check")
@hq_page(*STAFF)
def check_template(visit: Visit) -> Answer:
    """Compile and show what was found; nothing is stored."""
    values = visit.form.plain()
    if (foreign := _foreign(visit, values)) is not None:
        return foreign
    try:
        compiled = publish.check(visit.form.get("html").encode())
    except Refused as refused:
        problems = tuple(Problem(p.code, "html", {"region": p.field, **p.params}) for p in refused.problems)
        return _template_form(visit, values, status=422, problems=problems)
    return _template_form(visit, values, compiled=compiled)


@routes.post("/hq/templates")
@hq_page(*STAFF)
def publish_template(visit: Visit) -> Answer:
    """Publish an immutable version."""
    form = visit.form
    number = form.get("number")
    if not (number.isascii() and number.isdigit() and len(number) <= 6):
        raise NotFound
    if (foreign := _foreign(visit, form.plain())) is not None:
        return foreign
    try:
        version = publish.publish(visit.world, visit.person, publish.Upload(
            template=form.get("template"), number=int(number), name=form.get("name"), language=form.get("language"),
            family=form.get("family"), source=form.get("html").encode(),
        ))
    except Refused as refused:
        return _template_form(visit, form.plain(), status=422, problems=refused.problems)
    return redirect(visit.urls.template(version.template, version.number))


@routes.get("/hq/templates/{template}/{number}")
@hq_page(*STAFF)
def show_template(visit: Visit, template: str, number: str) -> Answer:
    """One version: its fields, what is locked, and how it looks."""
    version = _version(visit, template, number)
    return render(
        visit, "hq/template.html", desk=visit.world.programmes.desk(), active="Templates", version=version,
        locked=publish.locked_share(version), languages=NAMES,
    )


@routes.get("/hq/templates/{template}/{number}/preview")
@hq_page(*STAFF)
def template_preview(visit: Visit, template: str, number: str) -> Answer:
    """The frame that shows a version; sandboxed, with the fields outlined if asked."""
    version = _version(visit, template, number)
    outlined = visit.request.query.get("show") == "fields"
    return preview(publish.outlined(version) if outlined else version.html)


def _foreign(visit: Visit, values: dict[str, str]) -> Answer | None:
    """A source of another system is rewritten and shown with its report before anything is published."""
    try:
        imported = publish.bring(values.get("html", "").encode())
    except Refused as refused:
        problems = tuple(Problem(p.code, "html", {"region": p.field, **p.params}) for p in refused.problems)
        return _template_form(visit, values, status=422, problems=problems)
    if imported is None:
        return None
    values = {**values, "html": imported.source.decode()}
    try:
        compiled = publish.check(imported.source)
    except Refused as refused:
        problems = tuple(Problem(p.code, "html", {"region": p.field, **p.params}) for p in refused.problems)
        return _template_form(visit, values, status=422, problems=problems, imported=imported)
    return _template_form(visit, values, compiled=compiled, imported=imported)


def _version(visit: Visit, template: str, number: str) -> TemplateVersion:
    if not is_id(template, "tpl") or not (number.isascii() and number.isdigit() and len(number) <= 6):
        raise NotFound
    return visit.world.templates.get(TemplateId(template), int(number))


def _template_form(
    visit: Visit, values: dict[str, str], *, status: int = 200, problems: tuple[Problem, ...] = (),
    compiled: object = None, imported: object = None,
) -> Answer:
    source = values.get("html", "")
    names = ("template", "number", "name", "language", "family")
    return render(
        visit, "hq/template_new.html", status=status, errors=[p for p in problems if p.field != "html"],
        source_problems=[p for p in problems if p.field == "html"], desk=visit.world.programmes.desk(),
        active="Templates", form={**{n: values.get(n, "") for n in names}, "html": source[:KEEP_SOURCE]},
        too_long_to_keep=len(source) > KEEP_SOURCE, compiled=compiled, languages=languages(publish.LANGUAGES),
        imported=imported, dialects=publish.DIALECT_NAMES,
    )
