"""A small HTML tokeniser with byte spans, after the WHATWG's tokenisation (html.spec.whatwg.org, 13.2.5).

It never rewrites: every byte of the source belongs to exactly one token, so that values can be
put in by position and everything else can be shown to be unchanged. It runs in linear time:
each byte is looked at a bounded number of times, also in unclosed comments, tags and quotes.
What browsers and mail clients read differently (``<![if]>``, ``<?xml``, ``<b<script>``, a tag cut off by
the end) becomes a ``BROKEN`` token, which the compiler refuses.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from enum import Enum, auto
from functools import lru_cache
from typing import NamedTuple


def tags(names: str) -> frozenset[str]:
    """A set of names from a line of them."""
    return frozenset(names.split())


VOID = tags("area base br col embed hr img input link meta param source track wbr")
RAW_TEXT = tags("style script title textarea xmp iframe noembed noframes")
"""Elements whose content is not markup; it ends at their own end tag only."""

_OPENS = re.compile(rb"[A-Za-z!?/]")
_NAME = re.compile(rb"[A-Za-z][^\t\n\f\r />]*+")
_SPACE = re.compile(rb"[\t\n\f\r /]*+")
_ATTRIBUTE = re.compile(rb"=?+[^\t\n\f\r />=]*+")
_EQUALS = re.compile(rb"[\t\n\f\r ]*+=[\t\n\f\r ]*+")
_UNQUOTED = re.compile(rb"[^\t\n\f\r >]*+")
_PLAIN = re.compile(
    rb"</?+([A-Za-z][A-Za-z0-9:-]{0,30}+)"
    rb"((?:[\t\n\f\r ]++[A-Za-z0-9_:.@-]{1,30}+=\"[^\"]*+\")*+)[\t\n\f\r ]*+/?+>")
"""A tag as most are written: each attribute behind white space, its value between double quotes."""
_PLAIN_ATTRIBUTE = re.compile(rb"([\t\n\f\r ]++)([A-Za-z0-9_:.@-]{1,30}+)=\"([^\"]*+)\"")
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


# Python 3.11 looks a member up through its class in 0.2 microseconds, which is a tenth of a token's time.
START, END, TEXT, RAW, COMMENT, BROKEN = Kind.START, Kind.END, Kind.TEXT, Kind.RAW, Kind.COMMENT, Kind.BROKEN


class Attribute(NamedTuple):
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


Pairs = tuple[tuple[str, str], ...]
"""Names and values of a tag's attributes, in order."""


class Token:
    """``[start, end)`` of the source; ``name`` is lower case for tags, "" for all others.

    A plain tag's attributes are read when they are asked for: most are never, and those of equal tags once.
    """

    __slots__ = ("_attributes", "_pairs", "_written", "end", "kind", "name", "start")

    def __init__(self, kind: Kind, start: int, end: int, name: str = "", attributes: tuple[Attribute, ...] = (),
                 written: bytes = b"") -> None:
        self.kind, self.start, self.end, self.name = kind, start, end, name
        self._attributes, self._written = attributes, written
        self._pairs: Pairs | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Token) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        return f"Token{self._key()}"

    def _key(self) -> tuple[object, ...]:
        return self.kind, self.start, self.end, self.name, self.attributes

    @property
    def attributes(self) -> tuple[Attribute, ...]:
        """The attributes with their spans."""
        if self._written and not self._attributes:
            at = self.start + (2 if self.kind is END else 1) + len(self.name)
            self._attributes = _plain_attributes(self._written, at)
        return self._attributes

    @property
    def pairs(self) -> Pairs:
        """The attributes without their spans."""
        if self._pairs is None:  # whoever reads a mail asks, one after the other
            if not self._written:
                self._pairs = tuple([attribute[:2] for attribute in self._attributes])
            else:
                self._pairs = plain_pairs(self._written) if len(self._written) < _SHORT else _pairs(self._written)
        return self._pairs

    def get(self, name: str) -> str | None:
        """The first attribute of that name (HTML ignores later ones), or None."""
        for known, value in self.pairs:
            if known == name:
                return value
        return None

    def attribute(self, name: str) -> Attribute | None:
        """The same with its spans."""
        return next((a for a in self.attributes if a.name == name), None)


_SHORT = 1_000
"""Bytes of a tag whose attributes are remembered."""
REMEMBERED = range(2_000, 300_000)
"""Sizes of what is read several times in a row: a template, and the mail made of it, by each who looks at it."""


def tokenise(source: bytes) -> list[Token]:
    """Cut ``source`` into tokens without gaps; never raises, whatever the bytes are."""
    return list(remembered(source) if len(source) in REMEMBERED else _tokens(source))


@lru_cache(maxsize=4)
def remembered(source: bytes) -> tuple[Token, ...]:
    """The tokens of one of the last few whole mails: the same bytes, the same tokens."""
    return tuple(_tokens(source))


def _tokens(source: bytes) -> Iterator[Token]:
    position, text_from, size = 0, 0, len(source)
    while (start := source.find(b"<", position)) >= 0:
        token = plain_tag(source, start) or markup(source, start)
        if token is None:  # a "<" or "</" that starts nothing is text
            position = start + 1
            continue
        if start > text_from:
            yield Token(TEXT, text_from, start)
        yield token
        position = text_from = token.end
        if token.name in RAW_TEXT and token.kind is START:
            end = _RAW_END[token.name].search(source, position)
            position = text_from = end.start() if end else size
            if position > token.end:
                yield Token(RAW, token.end, position, token.name)
    if text_from < size:
        yield Token(TEXT, text_from, size)


def plain_tag(source: bytes, start: int) -> Token | None:
    """A tag as most are written, as :func:`markup` reads it (a test holds the two together), in a third of the time."""
    match = _PLAIN.match(source, start)
    if match is None:
        return None
    tag, attributes = match.groups()
    return Token(END if source[start + 1] == 0x2F else START, start, match.end(), _lower(tag), (), attributes)


def _plain_attributes(written: bytes, position: int) -> tuple[Attribute, ...]:
    """The attributes of a plain tag, as they are ``written`` from ``position`` on."""
    attributes: list[Attribute] = []
    for space, name, value in _PLAIN_ATTRIBUTE.findall(written):
        value_from = position + len(space) + len(name) + 2
        value_end = value_from + len(value)
        attributes.append(Attribute(_lower(name), _unescaped(value), position, value_end + 1, value_from, value_end))
        position = value_end + 1
    return tuple(attributes)


@lru_cache(maxsize=1024)
def plain_pairs(written: bytes) -> Pairs:
    """The attributes of a plain tag without their spans; the tags of a mail are much alike."""
    return _pairs(written)


def _pairs(written: bytes) -> Pairs:
    return tuple([(_lower(name), _unescaped(value)) for _, name, value in _PLAIN_ATTRIBUTE.findall(written)])


def _unescaped(value: bytes) -> str:
    text = value.decode("utf-8", "replace")
    return html.unescape(text) if "&" in text else text


@lru_cache(maxsize=512)
def _lower(name: bytes) -> str:
    """The name of a tag or attribute; there are few, and each stands in a mail a hundred times."""
    return _text(name).lower()


def markup(source: bytes, start: int) -> Token | None:
    """Whatever the ``<`` at ``start`` begins, read with care; None where it begins nothing."""
    after = source[start + 1:start + 2]
    if not _OPENS.match(after):
        return None
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
            # "<b<script>" is one odd element for a browser, and two for other parsers.
            if b"<" in match.group() or any("<" in attribute.name for attribute in attributes):
                return Token(Kind.BROKEN, start, name_from + 1)
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
