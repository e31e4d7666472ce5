"""HQ's page of health: what the doctor sees, for whoever looks after the deployment.

The doctor asks services that no other page needs, so everything it takes is imported when the page is asked for.
"""

from __future__ import annotations

from chalicelib.domain.people import Role
from chalicelib.web.guard import Visit, hq_page
from chalicelib.web.http import Answer
from chalicelib.web.pages import render
from chalicelib.web.routes import Routes

routes = Routes()
WAIT = 15.0
"""Seconds that the page waits for everything: API Gateway gives up after 29, and a cold start is in them."""


@routes.get("/hq/health")
@hq_page(Role.HQ_ADMIN)
def health(visit: Visit) -> Answer:
    """How everything stands that sending needs, and what to do."""
    return shown(visit, WAIT)


def shown(visit: Visit, seconds: float) -> Answer:
    """The page, after so many seconds at most; what did not answer in time is told as not checked."""
    from chalicelib.ports.workflow import Desk
    from chalicelib.usecases.doctor import Area, Level, examine

    found = examine(visit.world, visit.world.inspector, visit.world.resolver, seconds=seconds)
    areas = [(area.value, [c for c in found.checks if c.area is area]) for area in Area]
    return render(
        visit, "hq/health.html", active="Health", worst=found.worst.value, emulated=visit.world.inspector.emulated,
        # The doctor has read the switch already: the banner needs no read of its own.
        desk=Desk(stopped=any(c.code == "doctor.stopped" and c.level is not Level.OK for c in found.checks)),
        counts={level.value: found.count(level) for level in Level},
        act=[(area, c) for level in (Level.FAIL, Level.WARN) for area, cs in areas for c in cs if c.level is level],
        unseen=[(area, c) for area, cs in areas for c in cs if c.level is Level.UNKNOWN],
        fine=[(area, [c for c in cs if c.level is Level.OK]) for area, cs in areas],
    )
