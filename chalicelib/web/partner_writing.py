"""Rich text as people type it, without the tags of paragraphs, and the mail's HTML of it: there and back."""

from __future__ import annotations

import html
import re

from chalicelib.domain.template import Region, RegionType

_BLOCK = re.compile(r"</?(?:p|ul|ol|li|div|h[1-6]|table|blockquote)\b", re.IGNORECASE)
_AROUND = re.compile(r"\s*(</?p>|<br>)\s*")


def from_writing(region: Region, text: str) -> str:
    """Paragraphs typed without their tags become paragraphs of the mail: an empty line divides them.

    Words without any tag are escaped; where bold or a link is tagged, the rest is HTML as well.
    """
    if region.type is not RegionType.RICH or region.inline or _BLOCK.search(text):
        return text
    paragraphs: list[list[str]] = [[]]
    for row in text.split("\n"):
        if row.strip():
            paragraphs[-1].append(row.strip() if "<" in text else html.escape(row.strip(), quote=False))
        elif paragraphs[-1]:
            paragraphs.append([])
    return "\n".join(f"<p>{'<br>'.join(rows)}</p>" for rows in paragraphs if rows)


def to_writing(region: Region, value: str) -> str:
    """Rich text as somebody would type it, without the tags of paragraphs; its HTML if that would lose anything."""
    if region.type is not RegionType.RICH or region.inline:
        return value
    rows = " ".join(value.split()).replace("<br>", "\n").replace("<p>", "").split("</p>")
    text = "\n\n".join("\n".join(line.strip() for line in row.split("\n")).strip() for row in rows if row.strip())
    for writing in (html.unescape(text), text):
        if one_row(from_writing(region, writing)) == one_row(value):
            return writing
    return value


def one_row(value: str) -> str:
    """The same HTML, however its rows are broken and indented."""
    return _AROUND.sub(r"\1", " ".join(value.split()))
