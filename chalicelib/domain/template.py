"""Templates: typed regions in locked bytes, and their immutable versions.

A region is a span of the compiled HTML that a partner (or the system) fills; every byte
outside the spans is locked.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.ids import PersonId, TemplateId
from chalicelib.domain.record import dataclass
from chalicelib.domain.scope import Scope


class RegionType(StrEnum):
    """What a partner may put into a region. ``SYSTEM`` regions are filled by the program."""

    TEXT = "text"
    RICH = "rich"
    IMAGE = "image"
    LINK = "link"
    BUTTON = "button"
    CHOICE = "choice"
    PRICE = "price"
    DATE = "date"
    LIST = "list"
    SYSTEM = "system"


class Pictures(StrEnum):
    """Where the picture of an image region may come from: HQ's list at the region, its library, or the partner too."""

    LISTED = "listed"
    BRAND = "brand"
    OWN = "own"


class SystemBlock(StrEnum):
    """The blocks a template places and the program fills."""

    IMPRINT = "imprint"
    ADDRESS = "address"
    UNSUBSCRIBE = "unsubscribe"
    LOGO = "logo"


class Risk(StrEnum):
    """How much a changed region matters to the brand; lanes look at it."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """One open region as the form shows it. Lengths are in Unicode grapheme clusters.

    ``default_text`` is the default of the second field of a region that has two: an image's
    alternative text, a link's or button's label. ``inline`` marks a rich region that stands in
    a paragraph or heading, where no paragraphs and lists fit.

    A price has its currencies (ISO 4217) in ``choices``, its default currency in ``default_text``
    and its default last day in ``default_until``; ``dated`` makes that day required. A date lies
    between ``earliest`` and ``latest`` (ISO 8601, "" for no bound). A list has at most
    ``max_items`` entries, each at most ``max_length`` long. ``block`` names the optional block or
    repeat group around the region. An image says where its ``pictures`` come from beside its choices, and
    the ``width`` and ``height`` of its place in CSS pixels (0: not said).
    """

    id: str
    type: RegionType
    label: str
    help: str = ""
    required: bool = False
    default: str = ""
    default_text: str = ""
    max_length: int = 0
    rows: int = 1
    choices: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    risk: Risk = Risk.MEDIUM
    inline: bool = False
    line: int = 0
    default_until: str = ""
    dated: bool = False
    earliest: str = ""
    latest: str = ""
    max_items: int = 0
    block: str = ""
    pictures: Pictures = Pictures.LISTED
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a region's bytes stand in the compiled HTML: ``[start, end)``.

    ``context`` says what the bytes are there: ``content`` (between two tags) or the name of
    the attribute whose value they are (``href``, ``src``, ``alt``).
    """

    region: str
    start: int
    end: int
    context: str = "content"


class BlockKind(StrEnum):
    """What a partner decides about a block: whether it is there, or how often."""

    OPTIONAL = "optional"
    REPEAT = "repeat"


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A part of the mail that may be left out, or that stands there ``least`` to ``most`` times.

    ``[start, end)`` are its bytes in the compiled HTML, which holds it once; its regions there
    are those of the first copy (``offers.1.price``). ``count`` is HQ's own number; for an
    optional block 1 or 0.
    """

    id: str
    kind: BlockKind
    label: str
    help: str = ""
    least: int = 0
    most: int = 1
    count: int = 1
    start: int = 0
    end: int = 0
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateVersion:
    """A published, immutable version: the compiled HTML with its slots and regions.

    ``merge_fields`` maps a contact field that the locked text uses to its default. ``blocks``
    may be left out or repeated; ``blocks.concrete`` makes the version of one mail. Versions of
    one ``family`` are one mail in several languages: they share their region ids.
    """

    template: TemplateId
    number: int
    scope: Scope
    name: str
    language: str
    html: str
    slots: tuple[Slot, ...]
    regions: tuple[Region, ...]
    merge_fields: tuple[tuple[str, str], ...] = ()
    subject: str = ""
    preheader: str = ""
    source_sha256: str
    published_by: PersonId
    published_at: datetime
    blocks: tuple[Block, ...] = ()
    family: str = ""

    @property
    def locked_sha256(self) -> str:
        """The SHA-256 (hex) of all bytes outside the slots, with each slot's length left out."""
        return locked_digest(self.html.encode(), self.slots)

    def region(self, region_id: str) -> Region | None:
        """The region of that id, or None."""
        return next((r for r in self.regions if r.id == region_id), None)


def locked_digest(html: bytes, slots: tuple[Slot, ...]) -> str:
    """Hash the bytes outside the slots; a separator keeps two neighbours from running together."""
    digest = hashlib.sha256()
    position = 0
    for slot in slots:
        digest.update(html[position:slot.start] + b"\x00slot:" + slot.region.encode() + b"\x00")
        position = slot.end
    digest.update(html[position:])
    return digest.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateSummary:
    """What a list of templates shows."""

    template: TemplateId
    number: int
    name: str
    language: str
    regions: int
    published_at: datetime
    family: str = ""
