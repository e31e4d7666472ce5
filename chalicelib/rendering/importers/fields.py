"""Making fields and blocks: what an element of another system can be here, and what the report says of it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

from chalicelib.domain import plain_text, richtext, urls
from chalicelib.rendering.defaults import FLOW, PHRASING
from chalicelib.rendering.importers.work import Sort, Work
from chalicelib.rendering.structure import Node
from chalicelib.rendering.tokens import VOID, Kind, tokenise

_HEADING = re.compile(r"<(/?)h[1-6]\b[^<>]*+>", re.IGNORECASE)
_ONE_LINK = re.compile(r"\s*<a\b[^<>]*+>[^<>]*+</a\s*>\s*", re.IGNORECASE)
_BLOCK = re.compile(r"</?(?:div|p|ul|ol|li|h[1-6]|table|tr|td|center|blockquote)\b", re.IGNORECASE)
_DEEP = re.compile(r"<(?:img|table|td|tr|form|input|video|object)\b", re.IGNORECASE)


def open_field(work: Work, node: Node, wanted: str, label: str) -> None:
    """Make an element a field, as far as it can be one; says in the report what became of it."""
    inner = work.inner(node)
    if work.legal(node):
        work.note(Sort.LOCKED, "legal", node.start.start, name=wanted)
    elif node.name == "img":
        _image(work, node, wanted, label)
    elif node.end is None:
        work.note(Sort.LOCKED, "unclosed", node.start.start, name=wanted)
    elif node.name == "a":
        _link(work, node, wanted, label, inner)
    elif _DEEP.search(inner) or node.name not in FLOW | PHRASING:
        _parts(work, node, wanted, label)
    else:
        _words(work, node, wanted, label, inner)


def without_tags(work: Work, node: Node) -> None:
    """Take a platform's tags out of an element that becomes a field, and say so; legal ones keep it locked."""
    if work.legal(node):
        return
    for match in work.dialect.tag.finditer(work.source, node.start.start, node.after):
        work.edit(match.start(), match.end())
        work.note(Sort.LOCKED, "personal", match.start(), quote=match.group().decode("utf-8", "replace")[:60])


def _image(work: Work, node: Node, wanted: str, label: str) -> None:
    source = (node.start.get("src") or "").strip()
    try:
        url = urls.normalise(source)
    except urls.BadUrl:
        work.note(Sort.LOCKED, "image_address", node.start.start, name=wanted, value=source[:80])
        return
    name = work.name(wanted)
    if url != source and (attribute := node.start.attribute("src")):
        work.edit(attribute.value_start, attribute.value_end, html.escape(url))
    work.mark(node.start, data_region=name, data_region_type="image", data_region_label=label)
    work.note(Sort.MAPPED, "field", node.start.start, name=name, type="image")
    work.note(Sort.SUGGESTION, "choices", node.start.start, name=name)


def _link(work: Work, node: Node, wanted: str, label: str, inner: str) -> None:
    around = work.around(node)
    if re.search(r"<(?!br\b)[a-zA-Z]", inner) or "a" in around:
        work.note(Sort.LOCKED, "link_content", node.start.start, name=wanted)
        return
    name, href = work.name(wanted), node.start.attribute("href")
    try:
        good = href is None or href.value.strip() in ("", "#") or bool(urls.normalise(href.value))
    except urls.BadUrl:
        good = False
    if not good and href:
        work.edit(href.value_start, href.value_end, "#")
    work.mark(node.start, data_region=name, data_region_type="link", data_region_label=label)
    work.note(Sort.MAPPED, "field", node.start.start, name=name, type="link")


def _words(work: Work, node: Node, wanted: str, label: str, inner: str) -> None:
    """A field of words: plain where it holds nothing but words, formatted otherwise."""
    if node.end is None:
        return
    around = work.around(node)
    inline = node.name in PHRASING
    marked = re.search(r"<(?!br\b|/)[a-zA-Z]", inner) is not None
    if node.name in FLOW and any(n in PHRASING for n in around):
        work.note(Sort.LOCKED, "in_text", node.start.start, name=wanted)
        return
    plain = not marked or "a" in around or node.name == "a"
    text = tidy(inner, None if plain else richtext.INLINE if inline else richtext.BLOCK)
    if " ".join(text.split()) != " ".join(inner.split()):
        work.note(Sort.SUGGESTION, "simplified", node.start.start, name=wanted)
    name = work.name(wanted)
    rows = "4" if plain and "<br>" in text else ""
    work.edit(node.start.end, node.end.start, text)
    kind = "text" if plain else "rich"
    work.mark(node.start, data_region=name, data_region_type=kind, data_region_label=label, data_region_rows=rows)
    work.note(Sort.MAPPED, "field", node.start.start, name=name, type=kind)


def _parts(work: Work, node: Node, wanted: str, label: str) -> None:
    """Open what can be opened inside an element that holds a layout: its pictures and its words."""
    until = made = 0
    for inside in work.within(node):
        if inside.start.start < until:
            continue
        inner = work.inner(inside)
        words = inside.name in FLOW | PHRASING and not _DEEP.search(inner) and not _nested(inner, inside.name)
        words = words and _ONE_LINK.fullmatch(inner) is None  # then the link itself is the better field
        if inside.name in ("img", "a") or (words and plain_text.visible(inner)):
            until = inside.after
            number = f" {made + 1}" if made else ""
            open_field(work, inside, wanted + number, label + number)
            made += 1
    work.note(Sort.LOCKED, "layout", node.start.start, name=wanted, parts=made)


def _nested(inner: str, name: str) -> bool:
    """Whether a container holds containers, so that one of those is the better field."""
    return name in FLOW and re.search(r"<(?:div|center|section|blockquote)\b", inner, re.IGNORECASE) is not None


def tidy(inner: str, allowed: Iterable[str] | None) -> str:
    """The words of a field with only what it may hold; None for plain text with line breaks."""
    import nh3

    if allowed is None:
        text = nh3.clean(_BLOCK.sub(lambda m: "<br>" + m.group(), inner), tags={"br"}, attributes={})
        return re.sub(r"(?:\s*<br>\s*)+", "<br>", text).strip().removeprefix("<br>").removesuffix("<br>").strip()
    names = set(allowed)
    if "p" in names:
        inner = _HEADING.sub(lambda m: "</strong></p>" if m.group(1) else "<p><strong>", inner)
    cleaned = nh3.clean(inner, tags=names, attributes={"*": set(), "a": {"href"}}, link_rel=None,
                        url_schemes={"http", "https"}, url_relative="deny")
    for token in reversed(tokenise(cleaned.encode())):
        href = token.attribute("href") if token.kind is Kind.START else None
        if href:
            try:
                urls.normalise(href.value)
            except urls.BadUrl:
                data = cleaned.encode()
                cleaned = (data[:href.value_start] + b"https://example.com/" + data[href.value_end:]).decode()
    # A link without an address ("#" in the source) is none: its words stay.
    return re.sub(r"<a>(.*?)</a>", r"\1", cleaned, flags=re.DOTALL).strip()


def block(work: Work, node: Node, kind: str, wanted: str, label: str, taken: list[tuple[int, int]]) -> None:
    """Make an element a block that may be left out or repeated, unless it stands in or around what forbids it."""
    at = node.start.start
    if taken and at < taken[-1][1]:
        work.note(Sort.UNKNOWN, "nested_block", at, name=wanted)
        return
    if work.legal(node) or "data-system" in work.whole(node):
        work.note(Sort.LOCKED, "legal_block", at, name=wanted)
    elif (node.end is None and node.name not in VOID) or node.name in ("html", "head", "body"):
        work.note(Sort.LOCKED, "unclosed", at, name=wanted)
    else:
        name = work.name(wanted)
        if kind == "repeat":
            work.mark(node.start, data_repeat=name, data_repeat_label=label, data_repeat_min="0", data_repeat_max="6")
        else:
            work.mark(node.start, data_optional=name, data_optional_label=label)
        taken.append((at, node.after))
        work.note(Sort.MAPPED, kind, at, name=name)
