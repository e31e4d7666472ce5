"""Sanitise, splice, scan again, compare: how values get into a template without touching it.

Splicing by position alone does not protect: an open comment or half an attribute in a value
would swallow the locked bytes behind it. So values are made safe first, and then the result is
tokenised from scratch and compared with the template: outside the slots every token must be the
same, inside only the few tags a region may hold, closed in themselves.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from functools import lru_cache

from chalicelib.domain import richtext, urls
from chalicelib.domain.errors import CountersignError, Problem
from chalicelib.domain.record import dataclass
from chalicelib.domain.template import Region, Slot, TemplateVersion, locked_digest
from chalicelib.rendering.tokens import TEXT, VOID, Kind, Token, tags, tokenise

Key = tuple[str, str]
"""A slot's region and context."""

_DROPPED_WITH_CONTENT = tags("script style title textarea template noscript svg math iframe")
_ROUNDS = 5
_INSIDE = richtext.BLOCK | {"div"}
_INSIDE_ATTRIBUTES = ("href", "style")
"""``div`` and ``style`` come from the program's own blocks; the sanitiser lets neither through."""


class LockedBytesChanged(CountersignError):
    """Putting in the values would have changed the mail outside its regions (SEC006); never sent."""

    def __init__(self, region: str) -> None:
        self.region = region
        super().__init__(f"the value of {region or 'a region'} does not stay in its place")


@dataclass(frozen=True, slots=True)
class Filled:
    """A template with values in its slots, and where the slots lie now."""

    html: bytes
    slots: tuple[Slot, ...]

    @property
    def locked_sha256(self) -> str:
        """The hash of the bytes outside the slots; equal to the template's."""
        return locked_digest(self.html, self.slots)


def text(value: str) -> str:
    """Plain text as HTML: everything escaped, line ends kept."""
    return html.escape(value).replace("\n", "<br>")


def attribute(value: str) -> str:
    """Plain text as the value of an attribute in double quotes, on one line."""
    return html.escape(" ".join(value.split()))


def rich(region: Region, value: str) -> tuple[str, list[Problem]]:
    """Rich text with only the tags a region may hold; problems for bad links, hints for what was dropped.

    nh3 parses as browsers do and writes balanced HTML; links get the same checks as a link
    region. The empty "*" matters: without it nh3 keeps ``title`` and ``lang`` everywhere.
    """
    import nh3

    tags = set(richtext.tags(region))
    attributes = {"*": set[str](), **{tag: set(names) for tag, names in richtext.ATTRIBUTES.items()}}

    def clean(text: str) -> str:
        return nh3.clean(
            text, tags=tags, attributes=attributes, clean_content_tags=set(_DROPPED_WITH_CONTENT),
            url_schemes=set(richtext.SCHEMES), link_rel=None, strip_comments=True, url_relative="deny",
        )

    cleaned = clean(value)
    for _ in range(_ROUNDS):
        # A tag that is dropped may leave others nested as no browser would read them ("<p><p>").
        if (again := clean(cleaned)) == cleaned:
            break
        cleaned = again
    else:
        cleaned = text(nh3.clean(cleaned, tags=set()))
    source = cleaned.encode()
    problems = []
    for token in tokenise(source):
        if token.kind is Kind.START and token.name == "a":
            problems += _rich_link(region, token)
    return cleaned, problems


def dropped(region: Region, value: str) -> tuple[str, ...]:
    """The names of tags in ``value`` that the sanitiser takes out, for the form's hint."""
    found = {t.name for t in tokenise(value.encode("utf-8", "replace")) if t.kind is Kind.START}
    return tuple(sorted(found - richtext.tags(region)))


def _rich_link(region: Region, token: Token) -> list[Problem]:
    href = token.get("href") or ""
    try:
        url = urls.normalise(href)
    except urls.BadUrl as error:
        return [Problem(error.code, region.id, {"value": href[:120]})]
    if region.hosts and not urls.host_allowed(urls.host_of(url), region.hosts):
        return [Problem("value.host", region.id, {"host": urls.host_of(url), "hosts": ", ".join(region.hosts)})]
    return []


def splice(version: TemplateVersion, fragments: Mapping[Key, str]) -> Filled:
    """Put fragments in by byte position; a slot without one stays empty. Checks nothing."""
    source, out, slots = version.html.encode(), list[bytes](), list[Slot]()
    position = size = 0
    for slot in version.slots:
        before = source[position:slot.start]
        value = fragments.get((slot.region, slot.context), "").encode("utf-8", "replace")
        out += [before, value]
        size += len(before)
        slots.append(Slot(slot.region, size, size + len(value), slot.context))
        size += len(value)
        position = slot.end
    out.append(source[position:])
    return Filled(b"".join(out), tuple(slots))


def fill(version: TemplateVersion, fragments: Mapping[Key, str]) -> Filled:
    """Splice and verify; raises LockedBytesChanged if anything outside the slots reads differently."""
    filled = splice(version, fragments)
    verify(version, filled)
    return filled


def verify(version: TemplateVersion, filled: Filled) -> None:
    """Show from the bytes alone that the locked part is as published.

    Raises LockedBytesChanged with the first region that leaves its place.
    """
    if [(s.region, s.context) for s in version.slots] != [(s.region, s.context) for s in filled.slots]:
        raise LockedBytesChanged("")
    if version.locked_sha256 != filled.locked_sha256:
        raise LockedBytesChanged("")
    before = published(version.html, version.slots)
    after = _skeleton(filled.html, filled.slots, checked=True)
    if before != after:
        region = next((a[1] for a, b in zip(after, before, strict=False) if a != b), "")
        raise LockedBytesChanged(region)


_Part = tuple[Kind | str, str, bytes]


@lru_cache(maxsize=8)
def published(source: str, slots: tuple[Slot, ...]) -> list[_Part]:
    """The skeleton of a published version, which never changes; a warm function keeps the last few."""
    return _skeleton(source.encode(), slots, checked=False)


def _skeleton(source: bytes, slots: Sequence[Slot], *, checked: bool) -> list[_Part]:
    """The locked tokens in order, with a mark where each slot is: kind, last region, bytes.

    ``checked`` looks into the slots as well; raises LockedBytesChanged for what must not be there.
    """
    parts: list[_Part] = []
    waiting, last = list(reversed(slots)), ""
    inner: list[Token] = []
    for token in tokenise(source):
        while waiting and _before(waiting[-1], token):
            slot = waiting.pop()
            last = slot.region
            _close(source, slot, inner, checked)
            inner = []
            parts.append(("slot:" + slot.context, last, b""))
        slot_now = waiting[-1] if waiting else None
        if slot_now is None or token.end <= slot_now.start:
            parts.append((token.kind, last, source[token.start:token.end]))
        elif token.kind is TEXT:
            last = _text_parts(source, token, waiting, inner, parts, last, checked)
        elif slot_now.context == "content":
            if token.start < slot_now.start or token.end > slot_now.end:
                raise LockedBytesChanged(slot_now.region)
            inner.append(token)
        else:
            last = _attribute_parts(source, token, waiting, parts)
    for slot in reversed(waiting):
        if slot.start != len(source) and slot.end != len(source):
            raise LockedBytesChanged(slot.region)
        _close(source, slot, inner, checked)
        parts.append(("slot:" + slot.context, slot.region, b""))
    return parts


def _before(slot: Slot, token: Token) -> bool:
    """Whether a content slot ends where the token begins; an empty one between two tokens, too."""
    return slot.context == "content" and slot.end <= token.start


def _text_parts(source: bytes, token: Token, waiting: list[Slot], inner: list[Token], parts: list[_Part], last: str,
                checked: bool) -> str:
    """Cut a text token at the slots in it: text in a slot and locked text beside it are one token."""
    position = token.start
    while waiting and waiting[-1].context == "content" and waiting[-1].start < token.end:
        slot = waiting[-1]
        if position < slot.start:
            parts.append((TEXT, last, source[position:slot.start]))
        if slot.end > token.end or (slot.end == token.end and slot.end > slot.start):
            return last  # the rest of the slot, or its end, is met at the next token
        waiting.pop()
        last = slot.region
        _close(source, slot, inner, checked)
        inner.clear()
        parts.append(("slot:content", last, b""))
        position = max(position, slot.end)
    if position < token.end:
        parts.append((TEXT, last, source[position:token.end]))
    return last


def _attribute_parts(source: bytes, token: Token, waiting: list[Slot], parts: list[_Part]) -> str:
    """A tag with slots in its attributes: its names, its order and its other bytes must not change."""
    position, region = token.start, ""
    shape = ",".join(a.name for a in token.attributes)
    while waiting and waiting[-1].context != "content" and waiting[-1].start < token.end:
        slot = waiting.pop()
        region = slot.region
        held = token.attribute(slot.context)
        if token.kind is not Kind.START or held is None or (held.value_start, held.value_end) != (slot.start, slot.end):
            raise LockedBytesChanged(region)
        parts.append(("tag", region, source[position:slot.start]))
        parts.append(("slot:" + slot.context, region, b""))
        position = slot.end
    parts.append((f"tag:{token.name}:{shape}", region, source[position:token.end]))
    return region


def _close(source: bytes, slot: Slot, inner: Sequence[Token], checked: bool) -> None:
    """A slot may hold text and the allowed tags, each closed within it and in order."""
    if not checked or slot.context != "content":
        return
    stack: list[str] = []
    for token in inner:
        bad = token.kind not in (Kind.START, Kind.END) or token.name not in _INSIDE
        bad = bad or any(a.name not in _INSIDE_ATTRIBUTES for a in token.attributes)
        if bad or (token.kind is Kind.END and (not stack or stack.pop() != token.name)):
            raise LockedBytesChanged(slot.region)
        if token.kind is Kind.START and token.name not in VOID:
            stack.append(token.name)
    if stack:
        raise LockedBytesChanged(slot.region)
