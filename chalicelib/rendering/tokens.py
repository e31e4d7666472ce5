"""A small HTML tokeniser with byte spans, after the WHATWG's tokenisation (html.spec.whatwg.org, 13.2.5).

It never rewrites: every byte of the source belongs to exactly one token, so that values can be
put in by position and everything else can be shown to be unchanged. It runs in linear time:
each byte is looked at a bounded number of times, also in unclosed comments, tags and quotes.
What browsers and mail clients read differently (``<![if]>``, ``<?xml``, a tag cut off by the
end) becomes a ``BROKEN`` token, which the compiler refuses.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from collections.abc import Iterator
from enum import Enum, auto

from chalicelib.domain.record import dataclass


def tags(names: str) -> frozenset[str]:
    """A set of names from a line of them."""
    return frozenset(names.split())


VOID = tags("area base br col embed hr img input link meta param source track wbr")
RAW_TEXT = tags("style script title textarea xmp iframe noembed noframes")
"""Elements whose content is not markup; it ends at their own end tag only."""

_TAG_OPEN = re.compile(rb"<(?:[A-Za-z!?]|/)")
_NAME = re.compile(rb"[A-Za-z][^\t\n\f\r />]*+")
_SPACE = re.compile(rb"[\t\n\f\r /]*+")
_ATTRIBUTE = re.compile(rb"=?+[^\t\n\f\r />=]*+")
_EQUALS = re.compile(rb"[\t\n\f\r ]*+=[\t\n\f\r ]*+")
_UNQUOTED = re.compile(rb"[^\t\n\f\r >]*+")
_COMMENT_END = re.compile(rb"--!?>")
_RAW_END = {name: re.compile(rb"</" + name.encode() + rb"(?=[\t\n\f\r />])", re.IGNORECASE) for name in RAW_TEXT}


class Kind(Enum):
    """What a token is; ``BROKEN`` is what parsers disagree about."""

    TEXT = auto()
    START = auto()
    END = auto()
    RAW = auto()
    COMMENT = auto()
    DOCTYPE = auto()
    BROKEN = auto()


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute: ``value`` is decoded (character references too); spans are byte offsets.

    ``start`` includes the white space before the name, so that cutting ``[start, end)`` leaves
    a clean tag. ``value_start`` and ``value_end`` lie inside the quotes, if there are any.
    """

    name: str
    value: str
    start: int
    end: int
    value_start: int
    value_end: int


@dataclass(frozen=True, slots=True)
class Token:
    """``[start, end)`` of the source; ``name`` is lower case for tags, "" for all others."""

    kind: Kind
    start: int
    end: int
    name: str = ""
    attributes: tuple[Attribute, ...] = ()

    def get(self, name: str) -> str | None:
        """The first attribute of that name (HTML ignores later ones), or None."""
        return next((a.value for a in self.attributes if a.name == name), None)

    def attribute(self, name: str) -> Attribute | None:
        """The same with its spans."""
        return next((a for a in self.attributes if a.name == name), None)


def tokenise(source: bytes) -> list[Token]:
    """Cut ``source`` into tokens without gaps; never raises, whatever the bytes are."""
    return list(_tokens(source))


def _tokens(source: bytes) -> Iterator[Token]:
    position, text_from, size = 0, 0, len(source)
    while position < size:
        found = _TAG_OPEN.search(source, position)
        if found is None:
            break
        token = _markup(source, found.start())
        if token is None:  # a "<" or "</" that starts nothing is text
            position = found.end()
            continue
        if token.start > text_from:
            yield Token(Kind.TEXT, text_from, token.start)
        yield token
        position = text_from = token.end
        if token.kind is Kind.START and token.name in RAW_TEXT:
            end = _RAW_END[token.name].search(source, position)
            position = text_from = end.start() if end else size
            if position > token.end:
                yield Token(Kind.RAW, token.end, position, token.name)
    if text_from < size:
        yield Token(Kind.TEXT, text_from, size)


def _markup(source: bytes, start: int) -> Token | None:
    after = source[start + 1:start + 2]
    if after == b"!":
        return _declaration(source, start)
    if after == b"?":
        return _bogus(source, start)
    if after == b"/":
        if not _NAME.match(source, start + 2):
            return None if start + 2 == len(source) else _bogus(source, start)
        return _tag(source, start, start + 2, Kind.END)
    return _tag(source, start, start + 1, Kind.START)


def _declaration(source: bytes, start: int) -> Token:
    if source.startswith(b"<!--", start):
        # "<!-->" and "<!--->" close at once for a browser and not for others.
        if source.startswith((b"<!-->", b"<!--->"), start):
            return Token(Kind.BROKEN, start, source.index(b">", start) + 1)
        end = _COMMENT_END.search(source, start + 4)
        if end is None:
            return Token(Kind.BROKEN, start, len(source))
        return Token(Kind.COMMENT if end.group() == b"-->" else Kind.BROKEN, start, end.end())
    if source[start + 2:start + 9].lower() == b"doctype":
        token = _bogus(source, start)
        return Token(Kind.DOCTYPE, start, token.end)
    return _bogus(source, start)


def _bogus(source: bytes, start: int) -> Token:
    end = source.find(b">", start)
    return Token(Kind.BROKEN, start, len(source) if end < 0 else end + 1)


def _tag(source: bytes, start: int, name_at: int, kind: Kind) -> Token:
    match = _NAME.match(source, name_at)
    if match is None:  # the caller saw a letter there
        return _bogus(source, start)
    position, size = match.end(), len(source)
    attributes: list[Attribute] = []
    while True:
        space = _SPACE.match(source, position)
        name_from = space.end() if space else position
        if name_from >= size:
            return Token(Kind.BROKEN, start, size)
        if source[name_from] == 0x3E:
            return Token(kind, start, name_from + 1, _text(match.group()).lower(), tuple(attributes))
        attribute = _attribute(source, position, name_from)
        if attribute is None:
            return Token(Kind.BROKEN, start, size)
        attributes.append(attribute)
        position = attribute.end


def _attribute(source: bytes, start: int, name_from: int) -> Attribute | None:
    """Read one attribute; None where the end of the source cuts it off."""
    match = _ATTRIBUTE.match(source, name_from)
    name_end = match.end() if match else name_from
    name = _text(source[name_from:name_end]).lower()
    equals = _EQUALS.match(source, name_end)
    if equals is None:
        return Attribute(name, "", start, name_end, name_end, name_end)
    value_from = equals.end()
    quote = source[value_from:value_from + 1]
    if quote in (b'"', b"'") and quote:
        value_end = source.find(quote, value_from + 1)
        if value_end < 0:
            return None
        value_from, end = value_from + 1, value_end + 1
    else:
        match = _UNQUOTED.match(source, value_from)
        value_end = end = match.end() if match else value_from
    value = html.unescape(_text(source[value_from:value_end]))
    return Attribute(name, value, start, end, value_from, value_end)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


class Lines:
    """Tells the line (from 1) of a byte offset."""

    def __init__(self, source: bytes) -> None:
        self._starts = [0, *(m.end() for m in re.finditer(rb"\n", source))]

    def at(self, offset: int) -> int:
        """The line in which the byte at ``offset`` stands."""
        return bisect_right(self._starts, offset)
