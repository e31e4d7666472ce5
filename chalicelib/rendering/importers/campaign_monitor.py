"""Campaign Monitor's template language: ``<singleline>``, ``<multiline>``, ``<repeater><layout>``.

After Campaign Monitor's "Create a template" reference. Its elements are not HTML, so they are
replaced: words become ``<span>`` or ``<div>`` fields, a layout the element it holds.
"""

from __future__ import annotations

import re

from chalicelib.rendering.importers.fields import block, open_field, without_tags
from chalicelib.rendering.importers.platform_tags import replace_tags
from chalicelib.rendering.importers.work import UNSUBSCRIBE, Dialect, Sort, Tag, Work
from chalicelib.rendering.structure import Node

_TAG = re.compile(rb"\[([a-z][a-z0-9_]{1,40})(?:,\s*fallback=([^\]<>\[]{0,80}))?\]", re.IGNORECASE)
_SIGNS = re.compile(rb"<(?:singleline|multiline|repeater|webversion|preferences|layout)\b|<img[^<>]*\seditable\b",
                    re.IGNORECASE)
_LAW = re.compile(r"<(?:unsubscribe|webversion|preferences|forwardtoafriend)\b|\[client|\[unsubscribe", re.IGNORECASE)
_FIELDS = {"firstname": "first_name", "lastname": "last_name", "fullname": "first_name", "email": "email"}
_PLATFORM = ("webversion", "preferences", "forwardtoafriend", "tweet", "fblike", "currentday", "currentdayname",
             "currentmonth", "currentmonthname", "currentyear", "tableofcontents", "repeatertitle", "datetime")


def _rewrite(work: Work) -> None:
    _repeaters(work)
    for node in _words(work):
        without_tags(work, node)
    work.apply()
    _elements(work)
    _fields(work)
    _platform(work)
    replace_tags(work)


def _words(work: Work) -> list[Node]:
    return [n for n in work.tree.nodes if n.name in ("singleline", "multiline") and n.end]


def _elements(work: Work) -> None:
    """Give the words elements of HTML: one line a span, more a block, where a block may stand."""
    until = 0
    for node in _words(work):
        if node.start.start < until or node.end is None:
            work.unwrap(node)
            work.note(Sort.UNKNOWN, "nested_field", node.start.start, name=node.name)
            continue
        until = node.end.end
        inside = {"p", "span", "a", "h1", "h2", "h3", "h4", "h5", "h6", "strong", "em", "b", "i", "font"}
        name = "span" if node.name == "singleline" or inside.intersection(work.around(node)) else "div"
        label = node.start.get("label") or node.start.get("title") or node.name
        label = re.sub(r"[^0-9A-Za-z ._-]", " ", label)
        work.edit(node.start.start, node.start.end, f'<{name} data-cs-field="{label}">')
        work.edit(node.end.start, node.end.end, f"</{name}>")
    work.apply()


def _fields(work: Work) -> None:
    for node in work.tree.nodes:
        wanted = node.start.get("data-cs-field")
        if wanted is not None:
            work.cut(node.start, "data-cs-field")
            open_field(work, node, wanted, wanted)
        elif node.name == "img" and node.start.attribute("editable"):
            wanted = node.start.get("label") or node.start.get("title") or node.start.get("alt") or "picture"
            work.cut(node.start, "editable")
            work.cut(node.start, "label")
            open_field(work, node, wanted, wanted)
    work.apply()


def _repeaters(work: Work) -> None:
    """A layout becomes a group on the one element it holds; tags around several become a ``<div>``."""
    taken: list[tuple[int, int]] = []
    holders = [n for n in work.tree.nodes if n.name == "layout" or (n.name == "repeater" and not _has_layout(work, n))]
    for node in holders:
        children = [n for n in work.within(node) if work.tree.nodes[n.parent] is node]
        label = node.start.get("label") or "part"
        if node.end and len(children) == 1 and children[0].end:
            block(work, children[0], "repeat", label, label, taken)
        elif node.end and children:
            work.note(Sort.UNKNOWN, "several", node.start.start, name=label)
        work.unwrap(node)
    for node in work.tree.nodes:
        if node.name == "repeater" and node not in holders:
            work.unwrap(node)
    work.apply()


def _has_layout(work: Work, node: Node) -> bool:
    return any(n.name == "layout" for n in work.within(node))


def _platform(work: Work) -> None:
    """The platform's own elements: the way out becomes ours, the others have no counterpart."""
    for node in work.tree.nodes:
        at = node.start.start
        if node.name == "unsubscribe" and node.end and "unsubscribe" not in work.placed:
            work.placed.add("unsubscribe")
            style = node.start.get("style")
            more = f' style="{style.replace(chr(34), chr(39))}"' if style else ""
            work.edit(at, node.start.end, f'<a data-system="unsubscribe" href="{UNSUBSCRIBE}"{more}>')
            work.edit(node.end.start, node.end.end, "</a>")
            work.note(Sort.MAPPED, "system", at, quote="<unsubscribe>", block="unsubscribe")
        elif node.name == "unsubscribe":
            work.unwrap(node)
            work.note(Sort.LOCKED, "second", at, quote="<unsubscribe>")
        elif node.name in _PLATFORM:
            work.edit(at, node.after)
            work.note(Sort.LOCKED, "dropped", at, quote=f"<{node.name}>", why="platform")
    work.apply()


def _meaning(match: re.Match[bytes]) -> Tag | None:
    name = match.group(1).decode("ascii", "replace").lower()
    default = (match.group(2) or b"").decode("utf-8", "replace").strip()
    if name in ("clientaddress", "clientpostaladdress", "senderaddress"):
        return "system", "imprint", ""
    if name == "unsubscribe":
        return "system", "unsubscribe", ""
    if name in _FIELDS:
        return "merge", _FIELDS[name], default
    if name.startswith("client") or name in _PLATFORM:
        return "drop", "platform", ""
    # "[note]" in a text is a word in brackets; a fallback makes it a tag for sure.
    return ("merge", re.sub(r"[^a-z0-9_]", "_", name)[:40], default) if match.group(2) is not None else (
        "text", name, match.group().decode("utf-8", "replace"))


DIALECT = Dialect(name="Campaign Monitor", signs=_SIGNS, tag=_TAG, law=_LAW, meaning=_meaning, rewrite=_rewrite)
