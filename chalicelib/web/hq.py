"""HQ's pages: overview, templates, programmes, partners, people and the switch for all sends.

HQ sees metadata and size brackets of campaigns, never a customer and never a number of them.
"""

from __future__ import annotations

import functools

from chalicelib import texts
from chalicelib.domain import schedule
from chalicelib.domain.errors import Conflict, NotFound, Problem, Refused
from chalicelib.domain.ids import ProgrammeId, TemplateId, is_id, make_id
from chalicelib.domain.people import Role
from chalicelib.domain.template import TemplateVersion
from chalicelib.usecases import partners, people, programmes, publish
from chalicelib.web import hq_templates
from chalicelib.web.guard import Visit, hq_page
from chalicelib.web.http import Answer, preview, redirect
from chalicelib.web.pages import render
from chalicelib.web.routes import Routes

routes = Routes()
routes.include(hq_templates.routes)
STAFF = (Role.HQ_ADMIN, Role.HQ_DESIGNER)
MAX_CARDS = 90
"""Campaigns on a programme's page; each may need its partner's name, 98 of which one read gives."""
KEEP_SOURCE = 600_000
"""A refused source of more characters is not sent back in the form: Lambda answers 6 MB at most."""
AREAS = ("Africa", "America", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")


@routes.get("/hq")
@hq_page(*STAFF)
def home(visit: Visit) -> Answer:
    """What needs attention, and the programmes."""
    known = visit.world.programmes.list()
    phased = [(p, programmes.phase(p, visit.now)) for p in known]
    return render(
        visit, "hq/home.html", desk=visit.world.programmes.desk(), active="Overview",
        running=[p for p, phase in phased if phase == "open"], coming=[p for p, phase in phased if phase == "upcoming"],
        closed=[p for p, phase in phased if phase == "closed"], is_admin=Role.HQ_ADMIN in visit.hq_roles,
    )


# --- templates

@routes.get("/hq/templates")
@hq_page(*STAFF)
def templates(visit: Visit) -> Answer:
    """Every template with its versions."""
    return render(
        visit, "hq/templates.html", desk=visit.world.programmes.desk(), active="Templates",
        templates=publish.templates(visit.world),
    )


@routes.get("/hq/templates/new")
@hq_page(*STAFF)
def new_template(visit: Visit) -> Answer:
    """The form for a new template, or for a further version of one."""
    wanted = visit.request.query.get("template")
    if not wanted:
        values = {"template": _new_id(visit, "tpl"), "number": "1"}
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
        locked=publish.locked_share(version),
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
        too_long_to_keep=len(source) > KEEP_SOURCE, compiled=compiled, languages=_languages(publish.LANGUAGES),
        imported=imported, dialects=publish.DIALECT_NAMES,
    )


# --- programmes

@routes.get("/hq/programmes")
@hq_page(*STAFF)
def show_programmes(visit: Visit) -> Answer:
    """All programmes, newest first."""
    known = [(p, programmes.phase(p, visit.now)) for p in visit.world.programmes.list()]
    return render(
        visit, "hq/programmes.html", desk=visit.world.programmes.desk(), active="Programmes", programmes=known,
        is_admin=Role.HQ_ADMIN in visit.hq_roles,
    )


@routes.get("/hq/programmes/new")
@hq_page(Role.HQ_ADMIN)
def new_programme(visit: Visit) -> Answer:
    """The form that defines a programme."""
    return _programme_form(visit, {"id": _new_id(visit, "prg"), "zone": "Europe/Berlin", "reviewers": _own(visit)})


@routes.post("/hq/programmes")
@hq_page(Role.HQ_ADMIN)
def define_programme(visit: Visit) -> Answer:
    """Store a programme and tell its partners."""
    values = visit.form.plain()
    names = programmes.Definition.__dataclass_fields__
    try:
        made = programmes.define(visit.world, visit.person, programmes.Definition(
            **{name: values.get(name, "") for name in names},
        ))
    except Refused as refused:
        return _programme_form(visit, values, status=422, problems=refused.problems)
    return redirect(visit.urls.programme(made))


@routes.get("/hq/programmes/{programme}")
@hq_page(*STAFF)
def show_programme(visit: Visit, programme: str) -> Answer:
    """A programme with the campaigns made from it: state and size bracket only."""
    if not is_id(programme, "prg"):
        raise NotFound
    cards = visit.world.indexes.cards(ProgrammeId(programme), limit=MAX_CARDS)
    desk = visit.world.programmes.desk(ProgrammeId(programme), tuple({c.partner for c in cards}))
    if desk.programme is None:
        raise NotFound
    return render(
        visit, "hq/programme.html", desk=desk, active="Programmes", programme=desk.programme, cards=cards,
        names={card.id: card.name for card in desk.partners}, phase=programmes.phase(desk.programme, visit.now),
        is_admin=Role.HQ_ADMIN in visit.hq_roles,
    )


@routes.post("/hq/programmes/{programme}/tell")
@hq_page(Role.HQ_ADMIN)
def tell_programme(visit: Visit, programme: str) -> Answer:
    """Tell partners who were not told yet."""
    if not is_id(programme, "prg"):
        raise NotFound
    programmes.tell_again(visit.world, ProgrammeId(programme))
    return redirect(visit.urls.programme(programme))


def _programme_form(
    visit: Visit, values: dict[str, str], *, status: int = 200, problems: tuple[Problem, ...] = (),
) -> Answer:
    names = programmes.Definition.__dataclass_fields__
    return render(
        visit, "hq/programme_new.html", status=status, errors=problems, desk=visit.world.programmes.desk(),
        active="Programmes", form={name: values.get(name, "") for name in names},
        templates=publish.templates(visit.world), zones=zones(),
        folds={p.field: p.params for p in problems if p.code == "time.fold"},
    )


# --- partners

@routes.get("/hq/partners")
@hq_page(Role.HQ_ADMIN)
def show_partners(visit: Visit) -> Answer:
    """Every partner's name, groups and state."""
    return render(
        visit, "hq/partners.html", desk=visit.world.programmes.desk(), active="Partners",
        partners=sorted(visit.world.partners.cards(), key=lambda card: card.name.casefold()),
    )


@routes.get("/hq/partners/invite")
@hq_page(Role.HQ_ADMIN)
def invitation(visit: Visit) -> Answer:
    """The form that invites a partner."""
    return _invitation_form(visit, {
        "id": _new_id(visit, "prt"), "market": "de", "zone": "Europe/Berlin", "language": "en",
    })


@routes.post("/hq/partners/invite")
@hq_page(Role.HQ_ADMIN)
def invite_partner(visit: Visit) -> Answer:
    """Make the partner and mail its first person."""
    values = visit.form.plain()
    names = partners.Invitation.__dataclass_fields__
    try:
        partners.invite(visit.world, visit.person, partners.Invitation(**{n: values.get(n, "") for n in names}))
    except Refused as refused:
        return _invitation_form(visit, values, status=422, problems=refused.problems)
    return redirect(visit.urls.partners())


def _invitation_form(
    visit: Visit, values: dict[str, str], *, status: int = 200, problems: tuple[Problem, ...] = (),
) -> Answer:
    names = partners.Invitation.__dataclass_fields__
    return render(
        visit, "hq/invite.html", status=status, errors=problems, desk=visit.world.programmes.desk(),
        active="Partners", form={name: values.get(name, "") for name in names}, zones=zones(),
        languages=_languages(partners.LANGUAGES), markets=_markets(visit),
    )


# --- people and the switch

@routes.get("/hq/people")
@hq_page(Role.HQ_ADMIN)
def show_people(visit: Visit) -> Answer:
    """Who has which role at HQ, and the form that gives one."""
    return _people_form(visit, {"role": Role.REVIEWER.value})


@routes.post("/hq/people")
@hq_page(Role.HQ_ADMIN)
def add_person(visit: Visit) -> Answer:
    """Give a role; it ends the person's sessions, so that it counts at once."""
    values = visit.form.plain()
    try:
        people.add_at_hq(
            visit.world, visit.person, address=values.get("email", ""), name=values.get("name", ""),
            role=values.get("role", ""),
        )
    except Refused as refused:
        return _people_form(visit, values, status=422, problems=refused.problems)
    return _people_form(visit, {"role": values.get("role", "")}, added=values.get("email", ""))


@routes.post("/hq/people/take")
@hq_page(Role.HQ_ADMIN)
def take_role(visit: Visit) -> Answer:
    """Take a role away; the person's sign-ins and links end at once."""
    try:
        people.take_at_hq(visit.world, visit.person, visit.form.get("person"), visit.form.get("role"))
    except Refused as refused:
        return _people_form(visit, {"role": Role.REVIEWER.value}, status=422, problems=refused.problems)
    return redirect(visit.urls.people())


def _people_form(
    visit: Visit, values: dict[str, str], *, status: int = 200, problems: tuple[Problem, ...] = (), added: str = "",
) -> Answer:
    return render(
        visit, "hq/people.html", status=status, errors=problems, desk=visit.world.programmes.desk(),
        active="People", form={name: values.get(name, "") for name in ("email", "name", "role")}, added=added,
        colleagues=sorted(visit.world.people.colleagues(), key=lambda c: (c.name.casefold(), c.address, c.role)),
    )


@routes.get("/hq/stop")
@hq_page(Role.HQ_ADMIN)
def show_switch(visit: Visit) -> Answer:
    """How the switch stands, and the form that throws it."""
    return _switch_form(visit)


@routes.post("/hq/stop")
@hq_page(Role.HQ_ADMIN)
def throw_switch(visit: Visit) -> Answer:
    """Stop all sending or let it go on; a form from an older state of the switch changes nothing."""
    wanted = visit.form.get("to")
    if wanted not in ("stop", "go"):
        raise NotFound
    if visit.form.get("sure") != "yes":
        return _switch_form(visit, status=422, problems=(Problem("switch.confirm", "sure"),))
    if visit.world.programmes.stopped() == (wanted == "stop"):
        raise Conflict("switch.already")
    try:
        programmes.switch(visit.world, visit.person, wanted == "stop", visit.form.get("reason"))
    except Refused as refused:
        return _switch_form(visit, status=422, problems=refused.problems)
    return redirect(visit.urls.stop())


def _switch_form(visit: Visit, *, status: int = 200, problems: tuple[Problem, ...] = ()) -> Answer:
    return render(
        visit, "hq/stop.html", status=status, errors=problems, active="Sending",
        desk=visit.world.programmes.desk(), form={"reason": visit.form.get("reason")},
    )


# --- choices

def _new_id(visit: Visit, prefix: str) -> str:
    """An id that comes with a form, so that sending the form twice makes one thing."""
    return make_id(prefix, visit.now, visit.world.entropy.bytes(10))


def _own(visit: Visit) -> str:
    """The address of somebody who may review, as the first suggestion."""
    return visit.person.address if Role.REVIEWER in visit.hq_roles else ""


@functools.cache
def zones() -> tuple[tuple[str, str], ...]:
    """The zones to choose from: UTC, then the areas of the world."""
    named = sorted(name for name in schedule.zone_names() if name.split("/")[0] in AREAS)
    return (("UTC", "UTC"), *((name, name.replace("_", " ")) for name in named))


def _languages(codes: tuple[str, ...]) -> list[tuple[str, str]]:
    """Languages by their own names, which need no translation."""
    names = {"en": "English", "de": "Deutsch", "es": "Español", "fr": "Français", "hu": "Magyar"}
    return [(code, names[code]) for code in codes]


def _markets(visit: Visit) -> list[tuple[str, str]]:
    _ = texts.translations(visit.language).gettext
    names = {
        "de": _("Germany"), "at": _("Austria"), "ch": _("Switzerland"), "gb": _("United Kingdom"),
        "us": _("United States"), "es": _("Spain"), "fr": _("France"), "hu": _("Hungary"), "all": _("Another market"),
    }
    return [(code, names[code]) for code in partners.MARKETS]
