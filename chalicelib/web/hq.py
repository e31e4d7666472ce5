"""HQ's home page. This module gathers the routes of HQ's other pages that have no module of their own on the surface.

HQ sees metadata and size brackets of campaigns, never a customer and never a number of them.
"""

from __future__ import annotations

from chalicelib.domain.people import Role
from chalicelib.usecases import programmes
from chalicelib.web import hq_people, hq_programmes, hq_publish, hq_templates
from chalicelib.web.guard import Visit, hq_page
from chalicelib.web.hq_common import STAFF
from chalicelib.web.http import Answer
from chalicelib.web.pages import render
from chalicelib.web.routes import Routes

routes = Routes()
routes.include(hq_templates.routes, hq_publish.routes, hq_programmes.routes, hq_people.routes)


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
