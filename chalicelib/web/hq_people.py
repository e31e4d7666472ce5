"""HQ's pages of partners, of people at HQ, and of the switch for all sends."""

from __future__ import annotations

from chalicelib.domain.errors import Conflict, NotFound, Problem, Refused
from chalicelib.domain.ids import PartnerId, is_id
from chalicelib.domain.people import Role
from chalicelib.usecases import partner_language, partners, people, programmes
from chalicelib.web.guard import Visit, hq_page
from chalicelib.web.hq_common import languages, markets, new_id, zones
from chalicelib.web.http import Answer, redirect
from chalicelib.web.pages import render
from chalicelib.web.routes import Routes

routes = Routes()


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
        "id": new_id(visit, "prt"), "market": "de", "zone": "Europe/Berlin", "language": "en",
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
        languages=languages(partners.LANGUAGES), markets=markets(visit),
    )


@routes.get("/hq/partners/{partner}")
@hq_page(Role.HQ_ADMIN)
def show_partner(visit: Visit, partner: str) -> Answer:
    """One partner: state, groups, market, and the language of its mails."""
    return _partner_page(visit, partner)


@routes.post("/hq/partners/{partner}/language")
@hq_page(Role.HQ_ADMIN)
def choose_language(visit: Visit, partner: str) -> Answer:
    """Choose the language in which the partner's people are written to, as long as they chose none themselves."""
    try:
        partner_language.choose(visit.world, _known(partner), visit.form.get("language"))
    except Refused as refused:
        return _partner_page(visit, partner, status=422, problems=refused.problems)
    return redirect(visit.urls.hq_partner(partner) + "?stored=1")


def _partner_page(
    visit: Visit, partner: str, *, status: int = 200, problems: tuple[Problem, ...] = (),
) -> Answer:
    found = partner_language.look(visit.world, _known(partner))
    return render(
        visit, "hq/partner.html", status=status, errors=problems, desk=visit.world.programmes.desk(),
        active="Partners", partner=found, languages=languages(partners.LANGUAGES),
        market=dict(markets(visit)).get(found.market, found.market), stored=visit.request.query.get("stored") == "1",
    )


def _known(partner: str) -> PartnerId:
    """The id of a path; whatever is none leads nowhere."""
    if not is_id(partner, "prt"):
        raise NotFound
    return PartnerId(partner)


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
