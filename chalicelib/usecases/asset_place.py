"""A picture in its place: what an image field of a draft may take, choosing one, and cutting one to fit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from chalicelib.domain import asset as assets
from chalicelib.domain import blocks
from chalicelib.domain.asset import Asset, Box, Details, Upload
from chalicelib.domain.campaign import Draft
from chalicelib.domain.errors import Conflict, NotFound, Problem, Refused
from chalicelib.domain.people import Person
from chalicelib.domain.record import dataclass
from chalicelib.domain.template import Pictures, Region, RegionType
from chalicelib.ports.system import PartnerSession, QueueName
from chalicelib.usecases import assets as library
from chalicelib.usecases import drafts, story
from chalicelib.usecases.drafts import Typed
from chalicelib.usecases.story import Story
from chalicelib.usecases.world import World

SHARP = 2
"""Pixels kept for each pixel of the place: screens of phones show two or three."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An image field of a draft that takes more than its listed pictures."""

    story: Story
    draft: Draft
    region: Region

    @property
    def ratio(self) -> float:
        """Width to height, 0 where the place has no height."""
        return self.region.width / self.region.height if self.region.width and self.region.height else 0.0


@dataclass(frozen=True, slots=True)
class Offer:
    """What may be chosen: head office's pictures and the partner's own, newest first."""

    brand: Sequence[Asset]
    own: Sequence[Asset]


def place(world: World, session: PartnerSession, campaign: str, region: str) -> Place:
    """The field; raises NotFound for one that is not there, Conflict ``campaign.not_now`` once it was submitted."""
    told = story.read(world, session, campaign)
    draft = told.history.draft
    version = world.templates.get(draft.template, draft.template_version)
    found = blocks.concrete(version, draft.values).region(region)
    if found is None or found.type is not RegionType.IMAGE or found.pictures is Pictures.LISTED:
        raise NotFound("image field")
    if not told.editable:
        raise Conflict("campaign.not_now", state=told.state.value, action="save")
    return Place(story=told, draft=draft, region=found)


def offer(world: World, session: PartnerSession, where: Place) -> Offer:
    """The pictures that may be chosen for the day on which the draft is to be sent."""
    day = sending_day(world, where.draft)
    brand = [one for one in world.assets.recent(None) if one.offered(day)]
    own = world.assets.all(session) if where.region.pictures is Pictures.OWN else ()
    return Offer(brand, [one for one in own if one.offered(day)])


def sending_day(world: World, draft: Draft) -> date:
    """The day that was typed, today where none was or it cannot be read."""
    try:
        return max(date.fromisoformat(draft.local_time[:10]), library.today(world))
    except ValueError:
        return library.today(world)


def chosen(world: World, session: PartnerSession, where: Place, owner: str, sha256: str) -> Asset:
    """One picture that may stand in this field; raises NotFound, Refused ``image.gone``."""
    if owner not in ("", session.partner):
        raise NotFound("image")
    found = library.find(world, session if owner else None, sha256)
    if owner and where.region.pictures is not Pictures.OWN and not _of_brand(world, found):
        raise NotFound("image")
    if not found.offered(sending_day(world, where.draft)):
        raise Refused([Problem("image.gone", "image")])
    return found


def _of_brand(world: World, found: Asset) -> bool:
    """Whether it was cut from a picture of head office."""
    return bool(found.original) and any(one.sha256 == found.original for one in world.assets.recent(None))


def choose(
    world: World, session: PartnerSession, person: Person, where: Place, owner: str, sha256: str, *, partner: str = "",
) -> Draft:
    """Put a picture with its description into the draft; ``partner`` is the name that HQ sees beside its picture.

    Raises NotFound, Refused ``image.gone`` or ``image.shape``, Conflict ``draft.changed``.
    """
    found = chosen(world, session, where, owner, sha256)
    if not assets.fits(found, where.region.width, where.region.height):
        raise Refused([Problem("image.shape", "image")])
    key, url = where.region.id, library.address(world, found)
    saved = drafts.save(world, session, person, where.story.id, where.draft.version, Typed(
        values={key: url, f"{key}.alt": found.alt},
    ))
    library.note_uses(world, session, where.story.id, where.story.name, [url], partner=partner, submitted=False)
    return saved


def box_of(where: Place, found: Asset, x: int, y: int, zoom: int) -> Box:
    """The part of a picture that fills the place; raises NotFound for a place without a shape."""
    if not where.ratio:
        raise NotFound("shape")
    return assets.cut(found.width, found.height, where.ratio, x, y, zoom)


def start_cut(
    world: World, session: PartnerSession, person: Person, where: Place, found: Asset, *, x: int, y: int, zoom: int,
) -> Upload:
    """Have a part of a picture made into one of the partner's own, shaped as the place.

    Raises Refused ``image.animated_cut``, ``image.small_cut`` or ``image.full``.
    """
    box = box_of(where, found, x, y, zoom)
    problems = []
    if found.frames > 1:
        problems.append(Problem("image.animated_cut", "zoom"))
    if 2 * box.width < where.region.width:
        problems.append(Problem("image.small_cut", "zoom", {"width": box.width, "shown": where.region.width}))
    if len(world.assets.all(session)) >= assets.MAX_OWNED:
        problems.append(Problem("image.full", "zoom", {"limit": assets.MAX_OWNED}))
    if problems:
        raise Refused(problems)
    said = Details(name=found.name, alt=found.alt, decorative=found.decorative, until=found.until)
    upload = library.new_cut(
        world, person.id, session, said, original=found.sha256, box=box, width=SHARP * where.region.width,
        campaign=where.story.id, region=where.region.id,
    )
    world.uploads.begin(session, upload)
    world.queue.put(QueueName.IMPORTS, {"v": 1, "kind": "cut", "partner": session.partner, "upload": upload.id})
    return upload
