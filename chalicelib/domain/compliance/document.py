"""The mail as the rules see it: facts, parsed once by ``rendering.document``; no parser here.

A mail has two documents: what every client shows, and what stands in Outlook's conditional
comments, which no other parser ever looks at. Elements, styles and stretches of text are named tuples:
a mail has thousands, and one is made in a third of a dataclass's time.
"""

from __future__ import annotations

from dataclasses import field
from typing import NamedTuple

from chalicelib.domain.kit import EMPTY, Kit
from chalicelib.domain.record import dataclass


class Element(NamedTuple):
    """A start tag with its attributes in the order of the source, names in lower case.

    ``text`` is all text inside (of links and the title only), ``own`` the text that stands in
    it directly, ``region`` the open region it stands in or whose value one of its attributes
    holds, ``mso`` whether only Outlook sees it, ``parent`` the index of the element around it, or -1.
    """

    tag: str
    attributes: tuple[tuple[str, str], ...] = ()
    text: str = ""
    own: str = ""
    region: str = ""
    line: int = 0
    mso: bool = False
    parent: int = -1

    def get(self, name: str) -> str | None:
        """The attribute's value, or None; the first of several counts, as in a browser."""
        for key, value in self.attributes:
            if key == name:
                return value
        return None


class Css(NamedTuple):
    """A ``<style>`` element's text (``inline`` False) or a ``style`` attribute's (True)."""

    text: str
    inline: bool = False
    region: str = ""
    line: int = 0


class Run(NamedTuple):
    """A stretch of text in the order of the mail; ``element`` is the index of what it stands in, or -1."""

    text: str
    element: int
    region: str = ""
    line: int = 0
    order: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFact:
    """What is known of an image by its bytes. ``fingerprint`` is its dHash (16 hex digits, "" where unknown),
    ``origin`` whose it is: ``hq``, ``partner`` or "" for nobody's, ``approved`` whether a person agreed to it,
    ``ends`` the last day of sending it (ISO 8601), ``withdrawn`` whether its owner offers it no more, ``logo``
    whether HQ says that it is the brand's."""

    url: str
    sha256: str = ""
    fingerprint: str = ""
    width: int = 0
    height: int = 0
    kind: str = ""
    size: int = 0
    animated: bool = False
    origin: str = ""
    approved: bool = False
    name: str = ""
    ends: str = ""
    withdrawn: bool = False
    logo: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Demands:
    """What is demanded of a mail beside its template: by the brand, the programme and the day of sending."""

    kit: Kit = EMPTY
    partner_hosts: tuple[str, ...] = ()
    message_class: str = "marketing"
    sends_on: str = ""
    images: tuple[ImageFact, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenValue:
    """One of the partner's values as plain text; ``subject`` and ``preheader`` are open, too."""

    region: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Everything a rule may look at in one rendered mail, or in a template before it is one.

    ``html_bytes`` is the size of the encoded HTML part with its longest per-recipient values
    not counted. ``blocks`` are the system blocks that were filled, by name, with what stands
    in them as text. ``broken`` are places that parsers read differently, with their lines.
    ``runs`` is the text in order, ``breaks`` the numbers of the runs before which a line ends.
    ``cache`` holds what several rules compute from it, once.
    """

    elements: tuple[Element, ...] = ()
    styles: tuple[Css, ...] = ()
    text: str = ""
    html_bytes: int = 0
    broken: tuple[tuple[str, int], ...] = ()
    blocks: tuple[tuple[str, str], ...] = ()
    block_links: tuple[tuple[str, str], ...] = ()
    values: tuple[OpenValue, ...] = ()
    runs: tuple[Run, ...] = ()
    breaks: tuple[int, ...] = ()
    cache: dict[str, object] = field(default_factory=dict, init=False, compare=False, repr=False)

    def block(self, name: str) -> str | None:
        """The text of a system block, or None where the template has none."""
        return next((text for key, text in self.blocks if key == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailFacts:
    """What a mail is besides its HTML.

    ``locked_sha256`` is the template version's, ``rendered_locked_sha256`` that of the mail at
    hand. ``template`` is True while an author's source is checked, before any value exists.

    ``kit`` is what the brand demands; ``country`` and ``entity`` (field, value) are the partner's legal
    data; ``ends`` are the last days of offers by region and ``sends_on`` the day of sending, both
    ISO 8601; ``prices`` are the regions of typed prices, which need no reading of words, ``brand_only``
    those of images that take head office's alone.
    """

    subject: str = ""
    preheader: str = ""
    plain_text: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    postal_address: tuple[str, ...] = ()
    unsubscribe_placeholder: str = ""
    locked_sha256: str = ""
    rendered_locked_sha256: str = ""
    undefaulted: tuple[str, ...] = ()
    image_hosts: frozenset[str] = field(default_factory=frozenset)
    template: bool = False
    language: str = ""
    kit: Kit = EMPTY
    country: str = ""
    entity: tuple[tuple[str, str], ...] = ()
    message_class: str = "marketing"
    partner_hosts: tuple[str, ...] = ()
    images: tuple[ImageFact, ...] = ()
    ends: tuple[tuple[str, str], ...] = ()
    prices: frozenset[str] = field(default_factory=frozenset)
    brand_only: frozenset[str] = field(default_factory=frozenset)
    sends_on: str = ""
