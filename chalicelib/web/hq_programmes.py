"""HQ's programmes: the list, one with its campaigns, and the form that defines one.

HQ sees metadata and size brackets of campaigns, never a customer and never a number of them.
"""

from __future__ import annotations

from chalicelib.domain.errors import NotFound, Problem, Refused
from chalicelib.domain.ids import ProgrammeId, is_id
from chalicelib.domain.people import Role
from chalicelib.usecases import programmes, publish
from chalicelib.web.guard import Visit, hq_page
from chalicelib.web.hq_common import STAFF, new_id, zones
from chalicelib.web.http import Answer, redirect
from chalicelib.web.pages import render
from chalicelib.web.routes import Routes

routes = Routes()
MAX_CARDS = 90
"""Campaigns on a programme's page; each may need its partner's name, 98 of which one read gives."""


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
    return _programme_form(visit, {"id": new_id(visit, "prg"), "zone": "Europe/Berlin", "reviewers": _own(visit)})


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


def _own(visit: Visit) -> str:
    """The address of somebody who may review, as the first suggestion."""
    return visit.person.address if Role.REVIEWER in visit.hq_roles else ""
