"""A partner's own pictures, and choosing and cutting one for an image field of a campaign."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from chalicelib.domain.asset import Asset, fits, is_sha256
from chalicelib.domain.errors import NotFound, Problem, Refused
from chalicelib.usecases import asset_place, assets
from chalicelib.usecases.asset_place import Place
from chalicelib.web import asset_pages
from chalicelib.web.asset_pages import Shelf, cards
from chalicelib.web.forms import field_id
from chalicelib.web.guard import Visit, partner_page
from chalicelib.web.http import Answer, redirect
from chalicelib.web.pages import navigation, render
from chalicelib.web.partner_common import campaign_url, partner_name, url
from chalicelib.web.partner_rows import PREFIX
from chalicelib.web.routes import Routes

routes = Routes()
OWNERS = ("hq", "own")
"""Whose picture a form means: ``own.<sha256>``."""


def _frame(visit: Visit, page: int = 3) -> dict[str, Any]:
    return {"place": partner_name(visit) or visit.world.facts.org_name, "active": navigation(visit)[page][0]}


def _shelf(visit: Visit) -> Shelf:
    return Shelf(
        session=visit.credentials, at=lambda *parts: url(visit, "images", *parts), frame=_frame(visit),
        into=lambda campaign, region: campaign_url(visit, campaign, "images", region),
    )


@routes.get("/p/{partner}/images")
@partner_page()
def show(visit: Visit) -> Answer:
    """The partner's own pictures, and head office's."""
    return asset_pages.listing(visit, _shelf(visit), visit.world.assets.recent(None))


@routes.get("/p/{partner}/images/new")
@partner_page()
def ask(visit: Visit) -> Answer:
    """What is in the picture, asked before its file."""
    return asset_pages.ask(visit, _shelf(visit))


@routes.post("/p/{partner}/images/new")
@partner_page()
def begin(visit: Visit) -> Answer:
    """Go on to the upload."""
    return asset_pages.begin(visit, _shelf(visit))


@routes.get("/p/{partner}/images/uploads/{upload}")
@partner_page()
def upload(visit: Visit, upload: str) -> Answer:
    """Upload, progress or result; of a cut its result."""
    return asset_pages.upload(visit, _shelf(visit), upload)


@routes.get("/p/{partner}/images/uploads/{upload}/progress")
@partner_page()
def progress(visit: Visit, upload: str) -> Answer:
    """How far it is."""
    return asset_pages.progress(visit, _shelf(visit), upload)


@routes.get("/p/{partner}/images/{image}")
@partner_page()
def detail(visit: Visit, image: str) -> Answer:
    """One picture."""
    return asset_pages.detail(visit, _shelf(visit), image)


@routes.post("/p/{partner}/images/{image}")
@partner_page()
def change(visit: Visit, image: str) -> Answer:
    """Change what is said of it."""
    return asset_pages.change(visit, _shelf(visit), image)


@routes.post("/p/{partner}/images/{image}/withdraw")
@partner_page()
def withdraw(visit: Visit, image: str) -> Answer:
    """Offer it no more."""
    return asset_pages.withdraw(visit, _shelf(visit), image)


@routes.post("/p/{partner}/images/{image}/restore")
@partner_page()
def restore(visit: Visit, image: str) -> Answer:
    """Offer it again."""
    return asset_pages.restore(visit, _shelf(visit), image)


# --- in a campaign

@routes.get("/p/{partner}/campaigns/{campaign}/images/{region}")
@partner_page()
def choose(visit: Visit, campaign: str, region: str) -> Answer:
    """The pictures that this field of the mail may show."""
    return _chooser(visit, asset_place.place(visit.world, visit.credentials, campaign, region))


def _chooser(visit: Visit, where: Place, problems: Iterable[Problem] = (), *, status: int = 200) -> Answer:
    offer = asset_place.offer(visit.world, visit.credentials, where)
    here = _links(visit, where)
    return render(
        visit, "images/choose.html", status=status, errors=problems, policy=asset_pages.policy(visit), where=where,
        here=here, now=where.draft.values.get(where.region.id, where.region.default),
        shelves=[
            (name, cards(visit, found, partial(_cut_link, here, name)))
            for name, found in (("own", offer.own), ("hq", offer.brand))
        ],
        fits={one.sha256 for found in (offer.own, offer.brand) for one in found if _fits(where, one)},
        **_frame(visit, 0),
    )


def _fits(where: Place, one: Asset) -> bool:
    return fits(one, where.region.width, where.region.height)


def _links(visit: Visit, where: Place) -> dict[str, str]:
    campaign, region = where.story.id, where.region.id
    edit = campaign_url(visit, campaign, "edit")
    return {
        "self": campaign_url(visit, campaign, "images", region),
        "cut": campaign_url(visit, campaign, "images", region, "cut"),
        "edit": f"{edit}#{field_id(PREFIX + region)}",
        "new": url(visit, "images", "new", campaign=campaign, region=region),
    }


def _cut_link(here: dict[str, str], owner: str, one: Asset) -> str:
    return f"{here['cut']}?pick={owner}.{one.sha256}"


@routes.post("/p/{partner}/campaigns/{campaign}/images/{region}")
@partner_page()
def put(visit: Visit, campaign: str, region: str) -> Answer:
    """Put a picture into the mail; one of another shape goes to be cut first."""
    where = asset_place.place(visit.world, visit.credentials, campaign, region)
    here, pick = _links(visit, where), visit.form.get("pick")
    if not pick:
        return _chooser(visit, where, [Problem("image.expected", "image")], status=422)
    owner, image = _picked(visit, pick)
    try:
        asset_place.choose(
            visit.world, visit.credentials, visit.person, where, owner, image, partner=partner_name(visit))
    except Refused as refused:
        if any(p.code == "image.shape" for p in refused.problems):
            return redirect(f"{here['cut']}?pick={pick}")
        return _chooser(visit, where, refused.problems, status=422)
    return redirect(here["edit"])


def _picked(visit: Visit, pick: str) -> tuple[str, str]:
    """Owner and identity of a picture; raises NotFound for what no form of ours sends."""
    owner, _, image = pick.partition(".")
    if owner not in OWNERS or not is_sha256(image):
        raise NotFound("image")
    return (visit.credentials.partner if owner == "own" else ""), image


@routes.get("/p/{partner}/campaigns/{campaign}/images/{region}/cut")
@partner_page()
def show_cut(visit: Visit, campaign: str, region: str) -> Answer:
    """Which part of a picture the mail shows: the sliders, and the part that they mean."""
    where = asset_place.place(visit.world, visit.credentials, campaign, region)
    query = visit.request.query
    return _cut_page(visit, where, query.get("pick"), query.plain())


def _cut_page(
    visit: Visit, where: Place, pick: str, typed: dict[str, str], problems: Iterable[Problem] = (), *,
    status: int = 200,
) -> Answer:
    found = asset_place.chosen(visit.world, visit.credentials, where, *_picked(visit, pick))
    if not where.ratio or _fits(where, found):
        return redirect(_links(visit, where)["self"])
    at = _position(typed)
    return render(
        visit, "images/cut.html", status=status, errors=problems, policy=asset_pages.policy(visit), where=where,
        asset=found, pick=pick, shown=assets.address(visit.world, found), at=at, ratio=where.ratio,
        box=asset_place.box_of(where, found, **at), here=_links(visit, where), **_frame(visit, 0),
    )


def _position(typed: dict[str, str]) -> dict[str, int]:
    """The sliders; what is no number stands where a slider begins."""
    begin = {"x": 50, "y": 50, "zoom": 100}
    return {
        name: int(text) if (text := typed.get(name, "")).isascii() and text.isdigit() and len(text) < 4 else start
        for name, start in begin.items()
    }


@routes.post("/p/{partner}/campaigns/{campaign}/images/{region}/cut")
@partner_page()
def cut(visit: Visit, campaign: str, region: str) -> Answer:
    """Have the part made into a picture of its own; the button "Show" only shows it."""
    where = asset_place.place(visit.world, visit.credentials, campaign, region)
    pick, typed = visit.form.get("pick"), visit.form.plain()
    if visit.form.get("show"):
        return _cut_page(visit, where, pick, typed)
    found = asset_place.chosen(visit.world, visit.credentials, where, *_picked(visit, pick))
    try:
        made = asset_place.start_cut(visit.world, visit.credentials, visit.person, where, found, **_position(typed))
    except Refused as refused:
        return _cut_page(visit, where, pick, typed, refused.problems, status=422)
    return redirect(url(visit, "images", "uploads", made.id))
