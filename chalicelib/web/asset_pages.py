"""The pages of an image library, the same for head office and for a partner: list, upload, one image."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from chalicelib import texts
from chalicelib.domain.asset import MAX_BYTES, Asset, Details, Upload, UploadState
from chalicelib.domain.errors import Problem, Refused
from chalicelib.domain.ids import is_id
from chalicelib.domain.record import dataclass
from chalicelib.ports.system import PartnerSession
from chalicelib.texts.assets import STATES
from chalicelib.usecases import assets
from chalicelib.web.guard import Visit
from chalicelib.web.http import Answer, Policy, redirect
from chalicelib.web.pages import environment, render
from chalicelib.web.partner_common import wording
from chalicelib.web.urls import origin

FIELDS = ("name", "alt", "decorative", "logo", "until", "campaign", "region")
ACCEPT = "image/jpeg,image/png,image/gif,image/webp,image/avif"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """One library on one surface. ``at`` builds its addresses, ``frame`` is what the surface's frame needs.

    ``session`` None is head office's own. ``into`` gives the address that puts an image into a campaign's field,
    "" where there is none.
    """

    session: PartnerSession | None
    at: Callable[..., str]
    frame: Mapping[str, Any]
    into: Callable[[str, str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """An image as a list shows it."""

    asset: Asset
    url: str
    link: str
    state: str
    label: str


def cards(visit: Visit, found: Sequence[Asset], link: Callable[[Asset], str]) -> list[Card]:
    """Images with their addresses and what may be done with them today."""
    return [
        Card(asset=one, url=assets.address(visit.world, one), link=link(one), state=state_of(visit, one),
             label=wording(visit, STATES, state_of(visit, one)))
        for one in found
    ]


def state_of(visit: Visit, one: Asset) -> str:
    """``offered``, ``ended`` or ``withdrawn``."""
    if one.withdrawn_at is not None:
        return "withdrawn"
    return "ended" if one.ended(assets.today(visit.world)) else "offered"


def policy(visit: Visit, *, bucket: str = "") -> Policy:
    """Images come from their own origin and from no other."""
    media = visit.world.facts.media_url
    return Policy(bucket=bucket, images=(origin(media),) if media else ())


def listing(visit: Visit, shelf: Shelf, brand: Sequence[Asset] = ()) -> Answer:
    """Every image of the owner; ``brand`` are head office's, for a partner to look at."""
    own = cards(visit, visit.world.assets.all(shelf.session), lambda one: shelf.at(one.sha256))
    day = assets.today(visit.world)
    theirs = cards(visit, [one for one in brand if one.offered(day)], lambda one: "")
    return _shown(visit, shelf, "images/list.html", own=own, brand=theirs, new=shelf.at("new"))


def ask(visit: Visit, shelf: Shelf) -> Answer:
    """The form that asks what is in the picture, before its file."""
    return _form(visit, shelf, {name: visit.request.query.get(name) for name in ("campaign", "region")})


def begin(visit: Visit, shelf: Shelf) -> Answer:
    """Note what was said and go on to the page that uploads the file."""
    typed = visit.form.plain()
    campaign, region = typed.get("campaign", ""), typed.get("region", "")
    if not is_id(campaign, "cmp") or len(region) > 120 or not region.isprintable():
        campaign = region = ""
    try:
        made = assets.start_upload(
            visit.world, visit.person.id, shelf.session, details_of(typed), campaign=campaign, region=region)
    except Refused as refused:
        return _form(visit, shelf, typed, refused.problems, status=422)
    return redirect(shelf.at("uploads", made.id))


def details_of(typed: Mapping[str, str]) -> Details:
    """What a form says of an image."""
    return Details(
        name=typed.get("name", ""), alt=typed.get("alt", ""), decorative=typed.get("decorative") == "yes",
        logo=typed.get("logo") == "yes", until=typed.get("until", ""),
    )


def _form(
    visit: Visit, shelf: Shelf, typed: Mapping[str, str], problems: Iterable[Problem] = (), *, status: int = 200,
) -> Answer:
    return _shown(visit, shelf, "images/new.html", status=status, errors=problems, form=_filled(typed))


def _filled(typed: Mapping[str, str]) -> dict[str, str]:
    return {name: typed.get(name, "") for name in FIELDS}


def upload(visit: Visit, shelf: Shelf, upload_id: str) -> Answer:
    """Upload, progress or result: the page is the same address all along."""
    found = assets.upload(visit.world, shelf.session, upload_id)
    here = shelf.at("uploads", found.id)
    if found.state is UploadState.WAITING and not found.original and visit.request.query.get("sent") != "1":
        form = assets.upload_form(visit.world, shelf.session, found, f"{here}?sent=1")
        return _shown(
            visit, shelf, "images/upload.html", policy=policy(visit, bucket=origin(form.url)), upload=found, form=form,
            accept=ACCEPT, megabytes=MAX_BYTES // 1_000_000,
        )
    return _result(visit, shelf, found, here)


def _result(visit: Visit, shelf: Shelf, found: Upload, here: str) -> Answer:
    made = assets.find(visit.world, shelf.session, found.asset) if found.asset else None
    query = urlencode({"campaign": found.campaign, "region": found.region}) if found.campaign else ""
    return _shown(
        visit, shelf, "images/result.html", upload=found, asset=made,
        shown=assets.address(visit.world, made) if made else "", state=state_of(visit, made) if made else "",
        problems=[texts.sentence(p, visit.language) for p in found.problems], fragment=f"{here}/progress",
        refresh=f"{here}?sent=1", detail=shelf.at(found.asset) if found.asset else "",
        again=shelf.at("new") + (f"?{query}" if query else ""),
        into=shelf.into(found.campaign, found.region) if found.campaign else "",
    )


def progress(visit: Visit, shelf: Shelf, upload_id: str) -> Answer:
    """How far an upload is, asked for every two seconds; once it ended, the page is loaded again."""
    found = assets.upload(visit.world, shelf.session, upload_id)
    here = shelf.at("uploads", found.id)
    if not visit.request.htmx:
        return redirect(f"{here}?sent=1")
    body = environment(visit.language).get_template("images/_progress.html").render(fragment=f"{here}/progress")
    answer = Answer(body=body)
    return answer if found.state is UploadState.WAITING else answer.with_header("HX-Refresh", "true")


def detail(
    visit: Visit, shelf: Shelf, sha256: str, *, typed: Mapping[str, str] | None = None,
    problems: Iterable[Problem] = (), status: int = 200,
) -> Answer:
    """One image: what is known of it, where it is used, and the form that changes what is said of it."""
    found = assets.find(visit.world, shelf.session, sha256)
    said = {"name": found.name, "alt": found.alt, "decorative": "yes" if found.decorative else "",
            "logo": "yes" if found.logo else "", "until": found.until}
    return _shown(
        visit, shelf, "images/detail.html", status=status, errors=problems, asset=found,
        shown=assets.address(visit.world, found), state=state_of(visit, found),
        label=wording(visit, STATES, state_of(visit, found)), form=_filled(said if typed is None else typed),
        uses=visit.world.assets.uses(shelf.session, found.sha256), saved=visit.request.query.get("saved"),
        here={"self": shelf.at(sha256), **{name: shelf.at(sha256, name) for name in ("withdraw", "restore")}},
    )


def change(visit: Visit, shelf: Shelf, sha256: str) -> Answer:
    """Change name, description and last day."""
    typed = visit.form.plain()
    try:
        assets.change(visit.world, shelf.session, sha256, details_of(typed), version=_version(visit))
    except Refused as refused:
        return detail(visit, shelf, sha256, typed=typed, problems=refused.problems, status=422)
    return redirect(f"{shelf.at(sha256)}?saved=1")


def withdraw(visit: Visit, shelf: Shelf, sha256: str) -> Answer:
    """Offer an image no more."""
    assets.withdraw(visit.world, shelf.session, sha256, version=_version(visit))
    return redirect(shelf.at(sha256))


def restore(visit: Visit, shelf: Shelf, sha256: str) -> Answer:
    """Offer it again."""
    assets.restore(visit.world, shelf.session, sha256, version=_version(visit))
    return redirect(shelf.at(sha256))


def _version(visit: Visit) -> int:
    text = visit.form.get("version")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _shown(visit: Visit, shelf: Shelf, name: str, **context: Any) -> Answer:
    values = {"policy": policy(visit), "hq": shelf.session is None, "list": shelf.at(), **shelf.frame, **context}
    return render(visit, name, **values)
