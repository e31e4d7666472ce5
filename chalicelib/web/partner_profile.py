"""Who sends, in law and in the mail: every member reads it, the partner's admins change it."""

from __future__ import annotations

from chalicelib.domain.errors import Conflict, Problem, Refused
from chalicelib.domain.partner import Partner
from chalicelib.domain.people import Role
from chalicelib.texts.languages import NAMES
from chalicelib.usecases import company
from chalicelib.usecases.company import CompanyForm
from chalicelib.web.guard import Visit, partner_page
from chalicelib.web.http import Answer, redirect
from chalicelib.web.pages import navigation, render
from chalicelib.web.partner_common import url
from chalicelib.web.partner_form import version_of
from chalicelib.web.routes import Routes

routes = Routes()


@routes.get("/p/{partner}/profile")
@partner_page()
def show(visit: Visit) -> Answer:
    """What is stored; admins get the way to the form, and whether the sender is set up for sending."""
    partner = visit.world.partners.home(visit.credentials).partner
    address = partner.sender.address
    return render(
        visit, "partner/profile.html", place=partner.name, active=navigation(visit)[2][0], partner=partner,
        gaps=company.missing(partner), change=url(visit, "profile", "edit") if _is_admin(visit) else "",
        verified=not address or visit.world.mailer.sender_verified(address),
        stored=visit.request.query.get("stored") == "1", languages=NAMES,
    )


@routes.get("/p/{partner}/profile/edit")
@partner_page(Role.PARTNER_ADMIN)
def form(visit: Visit) -> Answer:
    """The form with what is stored."""
    partner = visit.world.partners.home(visit.credentials).partner
    return _form(visit, partner, company.form_of(partner))


@routes.post("/p/{partner}/profile/edit")
@partner_page(Role.PARTNER_ADMIN)
def store(visit: Visit) -> Answer:
    """Store it; what was refused, or meets a newer state, is shown again with everything typed."""
    partner = visit.world.partners.home(visit.credentials).partner
    typed = CompanyForm(name=partner.name, **{name: visit.form.get(name) for name in company.FIELDS})
    try:
        company.change(visit.world, visit.credentials, typed, version_of(visit.form))
    except Refused as refused:
        return _form(visit, partner, typed, status=422, problems=refused.problems)
    except Conflict as conflict:
        return _form(visit, partner, typed, status=409, problems=(conflict.problem,))
    return redirect(url(visit, "profile", stored="1"))


def _form(
    visit: Visit, partner: Partner, typed: CompanyForm, *, status: int = 200, problems: tuple[Problem, ...] = (),
) -> Answer:
    """A form that is shown again keeps the version it was made from: only a fresh one may replace a colleague's."""
    version = version_of(visit.form) if status != 200 else partner.version
    return render(
        visit, "partner/profile_edit.html", status=status, errors=problems, place=partner.name,
        active=navigation(visit)[2][0], form=typed, version=version, market=partner.market,
        here={"show": url(visit, "profile"), "edit": url(visit, "profile", "edit")},
    )


def _is_admin(visit: Visit) -> bool:
    return visit.partner is not None and Role.PARTNER_ADMIN in visit.partner_roles(visit.partner)
