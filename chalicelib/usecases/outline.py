"""A template from top to bottom as the form shows it: its regions, and the locked texts between them.

By the standard library's parser, which nothing else in a page needs; so this module is imported where an
outline is made.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html.parser import HTMLParser

from chalicelib.domain.template import TemplateVersion

MAX_LOCKED = 220
_MERGE = re.compile(r"\{\{\s*contact\.([a-z0-9_]+)[^}]*\}\}")
_HIDDEN = frozenset({"head", "style", "script", "title", "template"})
_PLACE = re.compile("\ue000(\\d+)\ue001")

Part = tuple[str, str]
"""``("region", id)`` or ``("locked", text)``: the mail from top to bottom, as the form shows it."""


def outline(version: TemplateVersion) -> Sequence[Part]:
    """Regions and the locked texts between them in the template's order; each region once."""
    source, pieces, position = version.html.encode(), list[str](), 0
    for number, slot in enumerate(version.slots):
        pieces += [source[position:slot.start].decode(), f"\ue000{number}\ue001"]
        position = slot.end
    pieces.append(source[position:].decode())
    reader = _Reader([slot.region for slot in version.slots])
    reader.feed("".join(pieces))
    reader.close()
    reader.flush()
    named = {part[1] for part in reader.parts if part[0] == "region"}
    rest = [("region", region.id) for region in version.regions if region.id not in named]
    return [*reader.parts, *rest]


class _Reader(HTMLParser):
    """Collects visible text and the marks that stand for regions."""

    def __init__(self, regions: Sequence[str]) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[Part] = []
        self._regions = regions
        self._known: set[str] = set()
        self._words: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self._hidden += tag in _HIDDEN
        for _, value in attrs:
            for mark in _PLACE.finditer(value or ""):
                self._region(int(mark.group(1)))
        self._words.append(" ")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in _HIDDEN and self._hidden > 0
        self._words.append(" ")

    def handle_data(self, data: str) -> None:
        position = 0
        for mark in _PLACE.finditer(data):
            self._text(data[position:mark.start()])
            self._region(int(mark.group(1)))
            position = mark.end()
        self._text(data[position:])

    def flush(self) -> None:
        """End the locked text that was being read."""
        text = " ".join("".join(self._words).split())
        self._words.clear()
        if text:
            self.parts.append(("locked", text if len(text) <= MAX_LOCKED else text[:MAX_LOCKED] + "…"))

    def _text(self, data: str) -> None:
        if not self._hidden:
            self._words.append(_MERGE.sub(lambda m: f"[{m.group(1).replace('_', ' ')}]", data))

    def _region(self, number: int) -> None:
        region = self._regions[number]
        if region not in self._known:
            self._known.add(region)
            self.flush()
            self.parts.append(("region", region))
