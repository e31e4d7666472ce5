"""The links of a mail, and the one change that its HTML needs to be shown in a frame."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from html.parser import HTMLParser
from urllib.parse import urlsplit

_HEAD = re.compile(r"<head\b[^>]*>", re.IGNORECASE)
_DOCTYPE = re.compile(r"\s*<!doctype[^>]*>", re.IGNORECASE)
_TEXT_URL = re.compile(r"https?://[^\s<>\"']+")
_ANGLE = re.compile(r"<\s*(https?://[^<>\s]+)\s*>")


@dataclass(frozen=True, slots=True)
class Link:
    """Where a link leads and the words that stand in it."""

    url: str
    words: str

    @property
    def safe(self) -> bool:
        """Whether a page may offer it as a link to press."""
        return urlsplit_or_none(self.url) in ("http", "https", "mailto")


def urlsplit_or_none(url: str) -> str:
    """The scheme in lower case, empty for what is no URL."""
    try:
        return urlsplit(url).scheme.lower()
    except ValueError:
        return ""


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[Link] = []
        self._open: str | None = None
        self._words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ("a", "area") and given.get("href"):
            self._close()
            self._open = (given["href"] or "").strip()
        elif tag == "img" and self._open is not None:
            self._words.append(given.get("alt") or "[picture]")

    def handle_data(self, data: str) -> None:
        if self._open is not None:
            self._words.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._close()

    def close(self) -> None:
        super().close()
        self._close()

    def _close(self) -> None:
        if self._open is not None:
            self.found.append(Link(self._open, " ".join("".join(self._words).split()) or "(no text)"))
        self._open, self._words = None, []


def links_of(html: str, text: str) -> list[Link]:
    """The links of a mail in their order, each destination once; of the text if there is no HTML."""
    parser = _Links()
    parser.feed(html)
    parser.close()
    found = parser.found or [Link(url.rstrip(".,;:!?)"), "in the text") for url in _TEXT_URL.findall(text)]
    first: dict[str, Link] = {}
    for link in found:
        first.setdefault(link.url, link)
    return list(first.values())


@lru_cache(maxsize=64)
def first_link(html: str) -> str:
    """Where the first web link of an HTML part leads, or an empty string."""
    return next((link.url for link in links_of(html, "") if link.url.lower().startswith(("http:", "https:"))), "")


def for_frame(html: str) -> str:
    """The HTML with a ``base`` element that opens its links in a new tab, and nothing else changed."""
    base = '<base target="_blank">'
    place = _HEAD.search(html) or _DOCTYPE.match(html)
    end = place.end() if place else 0
    return html[:end] + base + html[end:]


def one_click(unsubscribe: str, post: str) -> str:
    """The URL that an RFC 8058 mail client would POST to, or an empty string if the headers offer none."""
    if post.strip().lower() != "list-unsubscribe=one-click":
        return ""
    found = _ANGLE.search(unsubscribe)
    return found[1] if found else ""
