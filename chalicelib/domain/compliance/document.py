"""The mail as the rules see it: facts, parsed once by ``rendering.document``; no parser here.

A mail has two documents: what every client shows, and what stands in Outlook's conditional
comments, which no other parser ever looks at.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """A start tag with its attributes in the order of the source, names in lower case.

    ``text`` is all text inside (of links and the title only), ``own`` the text that stands in
    it directly, ``region`` the open region it stands in or whose value one of its attributes
    holds, ``mso`` whether only Outlook sees it.
    """

    tag: str
    attributes: tuple[tuple[str, str], ...] = ()
    text: str = ""
    own: str = ""
    region: str = ""
    line: int = 0
    mso: bool = False

    def get(self, name: str) -> str | None:
        """The attribute's value, or None; the first of several counts, as in a browser."""
        return next((value for key, value in self.attributes if key == name), None)


@dataclass(frozen=True, slots=True)
class Css:
    """A ``<style>`` element's text (``inline`` False) or a ``style`` attribute's (True)."""

    text: str
    inline: bool = False
    region: str = ""
    line: int = 0


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
    """

    elements: tuple[Element, ...] = ()
    styles: tuple[Css, ...] = ()
    text: str = ""
    html_bytes: int = 0
    broken: tuple[tuple[str, int], ...] = ()
    blocks: tuple[tuple[str, str], ...] = ()
    block_links: tuple[tuple[str, str], ...] = ()
    values: tuple[OpenValue, ...] = ()

    def block(self, name: str) -> str | None:
        """The text of a system block, or None where the template has none."""
        return next((text for key, text in self.blocks if key == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailFacts:
    """What a mail is besides its HTML.

    ``locked_sha256`` is the template version's, ``rendered_locked_sha256`` that of the mail at
    hand. ``template`` is True while an author's source is checked, before any value exists.
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
