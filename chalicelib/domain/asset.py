"""Images of head office and of the partners: what is kept of one, what is asked, how it is cut to its place.

An asset is what the program made of an uploaded file: its own bytes, told by their SHA-256, under an
address that holds 128 random bits and never changes. Nothing of the file itself is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field
from datetime import date, datetime
from enum import StrEnum
from typing import NewType

from chalicelib.domain.errors import Problem
from chalicelib.domain.ids import CampaignId, PartnerId, PersonId, base32_of
from chalicelib.domain.record import dataclass

UploadId = NewType("UploadId", str)

MAX_BYTES = 10_000_000
"""Bytes of an uploaded file; S3 refuses more by the form's own policy."""
MAX_PIXELS = 30_000_000
"""Pixels of a file (6,000 x 5,000), judged by its header before anything is decoded: 90 MB in memory."""
MAX_SIDE = 2_000
"""Pixels of the longer side that are kept: a mail is 600 wide, a sharp screen shows three times as many."""
MIN_SIDE = 8
MAX_FRAMES = 100
MAX_FRAME_PIXELS = 60_000_000
"""Pixels of all frames of an animation together."""
MAX_ANIMATION = 1_000_000
"""Bytes of an animation as it is kept; more is loaded for seconds on a phone."""
MAX_NAME = 80
MAX_ALT = 300
MAX_OWNED = 500
"""Images of one owner: one query reads them all."""
SAME_RATIO = 0.02
"""By how much width to height may differ from the place's own; a two hundredth of a wide picture is rounding."""
MAX_ZOOM = 300


class Kind(StrEnum):
    """The formats that are kept: those that every mail program shows."""

    JPEG = "jpeg"
    PNG = "png"
    GIF = "gif"

    @property
    def ending(self) -> str:
        """What the address ends in."""
        return "jpg" if self is Kind.JPEG else self.value

    @property
    def type(self) -> str:
        """The content type (RFC 2046)."""
        return f"image/{self.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One image. ``owner`` is its partner, "" for head office; ``original`` what it was cut from.

    ``until`` is the last day on which a mail may be sent with it (ISO 8601, "" for no end);
    ``approved_at`` when a reviewer first approved a mail with it. Of an image of HQ's ``logo`` says
    that it is one. ``fingerprint`` is its dHash (16 hex digits, "" for an even area).
    """

    sha256: str
    owner: str
    token: str
    kind: Kind
    width: int
    height: int
    size: int
    frames: int = 1
    fingerprint: str = ""
    name: str
    alt: str = ""
    logo: bool = False
    until: str = ""
    original: str = ""
    withdrawn_at: datetime | None = None
    approved_at: datetime | None = None
    added_by: PersonId
    added_at: datetime
    version: int = 1

    @property
    def decorative(self) -> bool:
        """Whether somebody said that it tells nothing: its description is empty on purpose."""
        return not self.alt

    def ended(self, day: date) -> bool:
        """Whether its last day lies before ``day``."""
        return bool(self.until) and self.until < day.isoformat()

    def offered(self, day: date) -> bool:
        """Whether it may be chosen for a mail that is sent on ``day``."""
        return self.withdrawn_at is None and not self.ended(day)


class UploadState(StrEnum):
    """Where an upload or a cut stands."""

    WAITING = "waiting"
    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Box:
    """A part of an image in its own pixels: from ``left`` and ``top``, ``width`` by ``height``."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """What a person says of an image."""

    name: str = ""
    alt: str = ""
    decorative: bool = False
    logo: bool = False
    until: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file that is awaited, or a cut that is being made; it disappears after a week.

    ``token`` are the random characters of the address that the image will have, chosen here so that
    a second run makes the same address. A cut has its ``original`` and ``box`` and the ``width`` that
    it is shown in. ``campaign`` and ``region`` are the place it is made for, where there is one.
    """

    id: UploadId
    owner: str
    token: str
    details: Details
    state: UploadState = UploadState.WAITING
    asset: str = ""
    known: bool = False
    problems: tuple[Problem, ...] = ()
    original: str = ""
    box: Box | None = None
    width: int = 0
    campaign: str = ""
    region: str = ""
    started_by: PersonId
    started_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A campaign that an image was put into, and whether the campaign was submitted with it."""

    campaign: CampaignId
    partner: PartnerId
    partner_name: str = ""
    name: str
    submitted: bool = False
    at: datetime


def owner_of(partner: PartnerId | None) -> str:
    """How an owner is written in an asset."""
    return partner or ""


def token_of(entropy: bytes) -> str:
    """26 characters of sixteen random bytes; raises ValueError for another number of bytes."""
    return base32_of(entropy)


def place(owner: str, token: str, sha256: str, kind: Kind) -> str:
    """The image's place below the public prefix: random, then its own hash, so none is ever replaced."""
    return f"{f'P/{owner}' if owner else 'ORG'}/{token}/{sha256}.{kind.ending}"


def address(media_url: str, asset: Asset) -> str:
    """The image's public address."""
    return f"{media_url}/{place(asset.owner, asset.token, asset.sha256, asset.kind)}"


def owner_in(media_url: str, url: str) -> tuple[str, str] | None:
    """(owner, token) of an address of ours; None for any other address."""
    if not media_url or not url.startswith(f"{media_url}/"):
        return None
    pieces = url[len(media_url) + 1:].split("/")
    if len(pieces) == 3 and pieces[0] == "ORG":
        return "", pieces[1]
    return (pieces[1], pieces[2]) if len(pieces) == 4 and pieces[0] == "P" else None


def is_sha256(text: str) -> bool:
    """Whether a text has the form of an asset's identity; says nothing on existence."""
    return len(text) == 64 and all(c in "0123456789abcdef" for c in text)


def problems_of(details: Details, today: date) -> list[Problem]:
    """All that is wrong with what a person says of an image: a name, a description or none on purpose, a day."""
    problems = []
    for name, limit in (("name", MAX_NAME), ("alt", MAX_ALT)):
        text = getattr(details, name)
        if len(text) > limit:
            problems.append(Problem("value.too_long", name, {"max": limit, "length": len(text)}))
        if not text.isprintable():
            problems.append(Problem("text.control", name))
    if not details.name:
        problems.append(Problem("image.name_missing", "name"))
    if not details.alt and not details.decorative:
        problems.append(Problem("image.alt_missing", "alt"))
    if details.alt and details.decorative:
        problems.append(Problem("image.alt_decorative", "alt"))
    if details.until:
        problems += _day_problems(details.until, today)
    return problems


def _day_problems(until: str, today: date) -> list[Problem]:
    try:
        day = date.fromisoformat(until) if len(until) == 10 else None
    except ValueError:
        day = None
    if day is None:
        return [Problem("image.until", "until", {"value": until[:40]})]
    return [Problem("image.until_past", "until", {"value": until})] if day < today else []


def fits(asset: Asset, width: int, height: int) -> bool:
    """Whether an image fills a place without being squeezed; one without a height takes any."""
    if not width or not height:
        return True
    return abs(asset.width / asset.height / (width / height) - 1) <= SAME_RATIO


def cut(width: int, height: int, ratio: float, x: int, y: int, zoom: int) -> Box:
    """The part of an image that fills a place of this ``ratio`` (width to height).

    ``zoom`` 100 is as much of the image as fits, 200 half as wide. ``x`` and ``y`` say where what is
    left over goes: 0 keeps the left or upper edge, 100 the right or lower one, 50 the middle.
    Values outside of their range count as its end.
    """
    x, y = (min(100, max(0, v)) for v in (x, y))
    factor = 100 / min(MAX_ZOOM, max(100, zoom))
    wide = min(float(width), height * ratio) * factor
    cut_width = max(1, min(width, round(wide)))
    cut_height = max(1, min(height, round(wide / ratio)))
    return Box(round((width - cut_width) * x / 100), round((height - cut_height) * y / 100), cut_width, cut_height)


def newest_first(assets: Iterable[Asset]) -> Sequence[Asset]:
    """In the order in which people look for what they just added."""
    return sorted(assets, key=lambda a: (a.added_at, a.sha256), reverse=True)


@dataclass(frozen=True, slots=True)
class Picture:
    """What was made of a file: bytes of our own, with what the rules want to know of them.

    ``source`` is the format that the file had.
    """

    data: bytes = field(repr=False)
    kind: Kind
    width: int
    height: int
    frames: int
    fingerprint: str
    source: str
