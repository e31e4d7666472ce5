"""The text part, made from the same filled bytes: readable, wrapped, links with their address."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from chalicelib.domain.template import Slot
from chalicelib.rendering.merge import SENTINEL
from chalicelib.rendering.tokens import VOID, Kind, Token, tags, tokenise

WIDTH = 72
_FIELD_WIDTH = 10
"""How long a merge field is taken to be when a line is wrapped."""

_PARAGRAPH = tags("p h1 h2 h3 h4 h5 h6 ul ol table blockquote div center section article header footer hr")
_LINE = tags("tr li td th caption address")
_SKIPPED = tags("head style script title")
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all", re.IGNORECASE)
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
        text = " ".join("".join(self._line).replace("\u00a0", " ").split())
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


def plain(source: bytes, slots: Sequence[Slot] = ()) -> str:
    """The text part of an HTML part (which may hold sentinels); hidden parts are left out."""
    writer, skip, links = _Writer(), 0, list[tuple[str, int]]()
    stack: list[tuple[str, bool]] = []
    for token in tokenise(source):
        if token.kind is Kind.START:
            hides = token.name in _SKIPPED or bool(_HIDDEN.search(token.get("style") or ""))
            if token.name not in VOID:
                stack.append((token.name, hides))
                skip += hides
            if not skip and not hides:
                _start(writer, token, links)
        elif token.kind is Kind.END:
            if token.name in {name for name, _ in stack[-50:]}:
                while stack:
                    name, hides = stack.pop()
                    skip -= hides
                    if not skip and not hides:
                        _end(writer, name, links)
                    if name == token.name:
                        break
        elif token.kind is Kind.TEXT and not skip:
            text = html.unescape(source[token.start:token.end].decode("utf-8", "replace"))
            writer.write(_DECORATION.sub("", text))
    writer.line()
    return "\n".join(writer.blocks) + "\n"


def _start(writer: _Writer, token: Token, links: list[tuple[str, int]]) -> None:
    if token.name == "br":
        writer.line()
    elif token.name == "li":
        writer.line("- ")
    elif token.name in _PARAGRAPH:
        writer.paragraph()
    elif token.name in _LINE:
        writer.line()
    elif token.name == "img" and (token.get("alt") or "").strip():
        writer.write(f"[{token.get('alt')}]")
    elif token.name == "a":
        links.append(((token.get("href") or "").strip(), len(writer._line)))


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
    """Break at blanks; an address or a merge field is never broken."""
    rows, row, length = [], list[str](), 0
    for word in text.split():
        size = len(SENTINEL.sub("x" * _FIELD_WIDTH, word))
        if row and length + 1 + size > WIDTH:
            rows.append(" ".join(row))
            row, length = [], len(indent)
        row.append(word)
        length += size + 1
    rows.append(" ".join(row))
    return ("\n" + indent).join(rows)
