"""The text part, made from the same filled bytes: readable, wrapped, links with their address."""

from __future__ import annotations

import html
import re
from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache

from chalicelib.rendering.merge import OPEN, SENTINEL
from chalicelib.rendering.tokens import END, START, TEXT, VOID, Token, tags, tokenise

WIDTH = 72
_FIELD_WIDTH = 10
"""How long a merge field is taken to be when a line is wrapped."""

_PARAGRAPH = tags("p h1 h2 h3 h4 h5 h6 ul ol table blockquote div center section article header footer hr")
_LINE = tags("tr li td th caption address")
_SKIPPED = tags("head style script title")
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all", re.IGNORECASE)
_SHORT = 1_000
"""Characters of a style that is remembered."""
_DECORATION = re.compile("[\u034f\u200b\u200c\u2060\ufeff]+")


class _Writer:
    """Gathers lines; white space collapses as in HTML, paragraphs are parted by one blank line."""

    def __init__(self) -> None:
        self.blocks: list[str] = []
        self._line: list[str] = []
        self._gap = False
        self._prefix = ""

    def write(self, text: str) -> None:
        """Add inline text to the line."""
        self._line.append(text)

    def line(self, prefix: str = "") -> None:
        """End the line; the next one begins with ``prefix`` (a list's dash)."""
        text = " ".join("".join(self._line).replace("\u00a0", " ").split()) if self._line else ""
        self._line.clear()
        if text:
            if self._gap and self.blocks:
                self.blocks.append("")
            self.blocks.append(_wrap(self._prefix + text, "  " if self._prefix else ""))
            self._gap, self._prefix = False, ""
        if prefix:
            self._prefix = prefix

    def paragraph(self) -> None:
        """End the line and leave a blank one before the next text."""
        self.line()
        self._gap = True


Mark = tuple[int, int, str]
"""``[start, end)`` of the source, and what is read in its place."""


def plain(source: bytes, marks: Sequence[Mark] = ()) -> str:
    """The text part of an HTML part; hidden parts are left out. ``marks`` are in order, as merge fields' sentinels."""
    read, skip, writer, links = _Reader(source, marks), 0, _Writer(), list[tuple[str, int]]()
    stack: list[tuple[str, bool]] = []
    for token in tokenise(source):
        kind = token.kind
        if kind is START:
            hides = token.name in _SKIPPED or _hides(token.get("style") or "")
            if token.name not in VOID:
                stack.append((token.name, hides))
                skip += hides
            if not skip and not hides:
                _start(writer, token, read, links)
        elif kind is END:
            closes = bool(stack) and stack[-1][0] == token.name
            if closes or any(name == token.name for name, _ in reversed(stack[-50:])):
                while stack:
                    name, hides = stack.pop()
                    skip -= hides
                    if not skip and not hides:
                        _end(writer, name, links)
                    if name == token.name:
                        break
        elif kind is TEXT and not skip:
            text = read.text(token.start, token.end)
            writer.write(text if text.isascii() else _DECORATION.sub("", text))
    writer.line()
    return "\n".join(writer.blocks) + "\n"


def _hides(style: str) -> bool:
    """Whether a style hides its element; the styles of a mail are much alike."""
    return remembered(style) if len(style) < _SHORT else _HIDDEN.search(style) is not None


@lru_cache(maxsize=512)
def remembered(style: str) -> bool:
    return _HIDDEN.search(style) is not None


class _Reader:
    """Reads stretches of the source in order, with each mark in its place."""

    def __init__(self, source: bytes, marks: Sequence[Mark]) -> None:
        self._source, self._marks = source, marks
        self._starts = [start for start, _, _ in marks]

    def text(self, start: int, end: int) -> str:
        """``[start, end)`` as people read it."""
        pieces, position = list[str](), start
        for begin, until, mark in self._between(start, end):
            pieces += [self._source[position:begin].decode("utf-8", "replace"), mark]
            position = until
        pieces.append(self._source[position:end].decode("utf-8", "replace"))
        return html.unescape("".join(pieces))

    def value(self, token: Token, name: str) -> str:
        """An attribute's value, "" where there is none."""
        if not self._between(token.start, token.end):
            return token.get(name) or ""
        attribute = token.attribute(name)
        return self.text(attribute.value_start, attribute.value_end) if attribute else ""

    def _between(self, start: int, end: int) -> Sequence[Mark]:
        return self._marks[bisect_left(self._starts, start):bisect_left(self._starts, end)] if self._marks else ()


def _start(writer: _Writer, token: Token, read: _Reader, links: list[tuple[str, int]]) -> None:
    name = token.name
    if name in _PARAGRAPH:
        writer.paragraph()
    elif name == "li":
        writer.line("- ")
    elif name in _LINE or name == "br":
        writer.line()
    elif name == "img" and (words := read.value(token, "alt")).strip():
        writer.write(f"[{words}]")
    elif name == "a":
        links.append((read.value(token, "href").strip(), len(writer._line)))


def _end(writer: _Writer, name: str, links: list[tuple[str, int]]) -> None:
    if name in _PARAGRAPH:
        writer.paragraph()
    elif name in _LINE:
        writer.line()
    elif name == "a" and links:
        href, since = links.pop()
        label = "".join(writer._line[since:]).strip()
        target = href.removeprefix("mailto:").removeprefix("tel:")
        if href and not href.startswith("#") and label not in (target, href):
            writer.write(f" ({target})" if label else target)


def _wrap(text: str, indent: str) -> str:
    """Break at blanks, which are single ones; an address or a merge field is never broken."""
    fields = OPEN in text
    if not fields and len(text) <= WIDTH:
        return text
    rows, row, length = [], list[str](), 0
    for word in text.split():
        size = len(SENTINEL.sub("x" * _FIELD_WIDTH, word)) if fields else len(word)
        if row and length + 1 + size > WIDTH:
            rows.append(" ".join(row))
            row, length = [], len(indent)
        row.append(word)
        length += size + 1
    rows.append(" ".join(row))
    return ("\n" + indent).join(rows)
