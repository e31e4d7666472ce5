"""The merge fields of HQ's templates: ``{{ contact.first_name|default("there") }}``.

They are found by position in the locked bytes. While a mail is put together each one is a
sentinel of two noncharacters (which no value may contain) around its number, so that the text
part is made from the same bytes; ``placeholders.encode`` turns sentinels into SES placeholders.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from collections.abc import Sequence

from chalicelib.domain.errors import Problem
from chalicelib.domain.record import dataclass
from chalicelib.domain.template import Slot
from chalicelib.rendering.jinja import merge_field
from chalicelib.rendering.lines import Lines
from chalicelib.rendering.tokens import Kind, Token

OPEN, CLOSE = "\ufdd0", "\ufdd1"
SENTINEL = re.compile(f"{OPEN}([0-9]+){CLOSE}")
URL_ATTRIBUTES = frozenset({
    "href", "src", "background", "action", "formaction", "cite", "longdesc", "poster", "srcset", "data", "ping",
    "xlink:href", "usemap", "manifest", "profile", "codebase", "classid", "archive", "lowsrc", "dynsrc",
})

_START = re.compile(rb"\{[{%#]|%\}|#\}")
# One tag, in time linear in its length; Jinja2's own parser then says what it is.
_TAG = re.compile(rb"\{\{[^{}\"'\\]*+(?:\"[^\"{}\\]*+\"[^{}\"'\\]*+|'[^'{}\\]*+'[^{}\"'\\]*+)?+\}\}")
_SHAPE = re.compile(rb"\{\{-?\s*contact\.[a-z][a-z0-9_]{0,39}\s*(\||-?\}\})")
_BEFORE_URL_FIELD = re.compile(rb"(?:https?://[^/?#{}\s]+[/?#]|mailto:)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a merge field stands: ``[start, end)`` of the HTML, and what it is."""

    start: int
    end: int
    field: str
    default: str
    url: bool = False


def sentinel(number: int) -> str:
    """What stands for the merge field of that number while the mail is put together."""
    return f"{OPEN}{number}{CLOSE}"


def places(source: bytes, tokens: Sequence[Token], slots: Sequence[Slot] = ()) -> tuple[list[Place], list[Problem]]:
    """All merge fields outside the slots, in order, with everything that is wrong about them."""
    found, problems = list[Place](), list[Problem]()
    starts = [token.start for token in tokens]
    # Template syntax begins in few tokens.
    numbers = sorted({bisect_right(starts, match.start()) - 1 for match in _START.finditer(source)})
    lines, inside = Lines(source), _Inside(slots)
    for token in [tokens[number] for number in numbers]:
        for start, end, where in _stretches(token):
            for place, code, at in _scan(source, start, end, where):
                if inside.contains(at):
                    continue
                if place is not None:
                    found.append(place)
                else:
                    quote = source[at:min(end, at + 60)].decode("utf-8", "replace")
                    problems.append(Problem(code, "", {"line": lines.at(at), "quote": quote}))
    return found, problems


def parse(text: str) -> tuple[list[Place], list[Problem]]:
    """The same for one line of text (HQ's subject or preheader)."""
    data, found, problems = text.encode(), [], []
    for place, code, at in _scan(data, 0, len(data), "text"):
        if place is not None:
            found.append(place)
        else:
            problems.append(Problem(code, "", {"line": 1, "quote": data[at:at + 60].decode("utf-8", "replace")}))
    return found, problems


class _Inside:
    """Tells whether an offset lies in a slot; offsets must come in ascending order."""

    def __init__(self, slots: Sequence[Slot]) -> None:
        self._slots = list(slots)
        self._next = 0

    def contains(self, at: int) -> bool:
        while self._next < len(self._slots) and self._slots[self._next].end <= at:
            self._next += 1
        return self._next < len(self._slots) and self._slots[self._next].start <= at


def _stretches(token: Token) -> list[tuple[int, int, str]]:
    """The parts of a token in which template syntax may stand, with the kind of place."""
    if token.kind is Kind.TEXT:
        return [(token.start, token.end, "text")]
    if token.kind is Kind.RAW:
        return [(token.start, token.end, "text" if token.name == "title" else "style")]
    if token.kind is Kind.START:
        return [(a.value_start, a.value_end, _attribute_kind(a.name)) for a in token.attributes]
    return [(token.start, token.end, "comment")]


def _attribute_kind(name: str) -> str:
    if name == "href":
        return "url"
    return "style" if name == "style" or name in URL_ATTRIBUTES else "text"


def _scan(source: bytes, start: int, end: int, where: str) -> list[tuple[Place | None, str, int]]:
    out: list[tuple[Place | None, str, int]] = []
    position = start
    while match := _START.search(source, position, end):
        at, position = match.start(), match.end()
        if where == "style" and match.group() in (b"{#", b"%}", b"#}"):
            continue  # "@media x{#id{...}}" and "{width:50%}" are CSS
        if match.group() in (b"%}", b"#}") or (where == "comment" and match.group() == b"{#"):
            continue  # an end without a beginning is text
        tag = _TAG.match(source, at, end) if match.group() == b"{{" else None
        if tag is None:
            out.append((None, "template.syntax", at))
            continue
        position = tag.end()
        out.append(_judge(source, start, tag, where))
    return out


def _judge(source: bytes, start: int, tag: re.Match[bytes], where: str) -> tuple[Place | None, str, int]:
    read = merge_field(tag.group().decode("utf-8", "replace")) if _SHAPE.match(tag.group()) else None
    if read is None:
        return None, "template.syntax", tag.start()
    if where in ("style", "comment"):
        return None, "template.merge_place", tag.start()
    if where == "url" and not _BEFORE_URL_FIELD.match(source, start, tag.start()):
        return None, "template.merge_url", tag.start()
    field, default = read
    if default is None:
        return None, "DLV008", tag.start()
    return Place(tag.start(), tag.end(), field, html.unescape(default), where == "url"), "", tag.start()
