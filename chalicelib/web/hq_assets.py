"""Head office's library of images: logos and pictures that every partner may use."""

from __future__ import annotations

from typing import Any

from chalicelib.domain.people import Role
from chalicelib.web import asset_pages
from chalicelib.web.asset_pages import Shelf
from chalicelib.web.guard import Visit, hq_page
from chalicelib.web.http import Answer
from chalicelib.web.routes import Routes

routes = Routes()
STAFF = (Role.HQ_ADMIN, Role.HQ_DESIGNER)


def _shelf(visit: Visit, **frame: Any) -> Shelf:
    return Shelf(
        session=None, at=visit.urls.images, frame={"active": "Pictures", **frame}, into=lambda campaign, region: "")


@routes.get("/hq/images")
@hq_page(*STAFF)
def show(visit: Visit) -> Answer:
    """Every image of the library."""
    return asset_pages.listing(visit, _shelf(visit, desk=visit.world.programmes.desk()))


@routes.get("/hq/images/new")
@hq_page(*STAFF)
def ask(visit: Visit) -> Answer:
    """What is in the picture, asked before its file."""
    return asset_pages.ask(visit, _shelf(visit, desk=visit.world.programmes.desk()))


@routes.post("/hq/images/new")
@hq_page(*STAFF)
def begin(visit: Visit) -> Answer:
    """Go on to the upload."""
    return asset_pages.begin(visit, _shelf(visit))


@routes.get("/hq/images/uploads/{upload}")
@hq_page(*STAFF)
def upload(visit: Visit, upload: str) -> Answer:
    """Upload, progress or result."""
    return asset_pages.upload(visit, _shelf(visit), upload)


@routes.get("/hq/images/uploads/{upload}/progress")
@hq_page(*STAFF)
def progress(visit: Visit, upload: str) -> Answer:
    """How far it is."""
    return asset_pages.progress(visit, _shelf(visit), upload)


@routes.get("/hq/images/{image}")
@hq_page(*STAFF)
def detail(visit: Visit, image: str) -> Answer:
    """One image."""
    return asset_pages.detail(visit, _shelf(visit), image)


@routes.post("/hq/images/{image}")
@hq_page(*STAFF)
def change(visit: Visit, image: str) -> Answer:
    """Change what is said of it."""
    return asset_pages.change(visit, _shelf(visit), image)


@routes.post("/hq/images/{image}/withdraw")
@hq_page(*STAFF)
def withdraw(visit: Visit, image: str) -> Answer:
    """Offer it no more."""
    return asset_pages.withdraw(visit, _shelf(visit), image)


@routes.post("/hq/images/{image}/restore")
@hq_page(*STAFF)
def restore(visit: Visit, image: str) -> Answer:
    """Offer it again."""
    return asset_pages.restore(visit, _shelf(visit), image)
