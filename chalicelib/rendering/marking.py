"""Making fields of plain HTML: a numbered outline of a source, and marks written into it by position.

Most brands' sources carry no marks at all. Whoever chooses an element from the outline gets the
attributes written into its start tag; no other byte changes.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from chalicelib.domain import plain_text
from chalicelib.domain.errors import Problem, Refused
from chalicelib.domain.record import dataclass
from chalicelib.rendering.edited import Edited
from chalicelib.rendering.groups import ATTRIBUTES
from chalicelib.rendering.structure import Node
from chalicelib.rendering.tokens import tags

MAX_SHOWN = 400
MAX_EXCERPT = 70
_WORDS = tags("p h1 h2 h3 h4 h5 h6 span strong em b i u small font label td th div center li")
_BOXES = tags("tr table div section article ul ol p td")
_HOLDERS = re.compile(r"<(?:table|div|p|ul|ol|h[1-6]|img|tr|td|center)\b", re.IGNORECASE)
_BADGE = ("display:inline-block;min-width:14px;padding:0 3px;border-radius:8px;color:#ffffff;"
          "font:bold 11px/16px Arial,sans-serif;text-align:center;")
_MARKED = ("data-region", "data-system", *ATTRIBUTES)
FIELDS = ("text", "rich", "price", "date", "choice")
SYSTEM = ("imprint", "address", "unsubscribe", "logo")
BLOCKS = ("optional", "repeat")


@dataclass(frozen=True, slots=True)
class Part:
    """An element that may become a field or block: ``at`` is its offset, ``kinds`` what it may become.

    ``mark`` says what it is already, as the source has it.
    """

    number: int
    at: int
    tag: str
    line: int
    depth: int
    excerpt: str
    kinds: tuple[str, ...]
    mark: str = ""


def outline(source: bytes) -> Sequence[Part]:
    """The elements of the body worth a choice, in order, at most 400; nothing is refused."""
    work = Edited(source).read()
    bodies = [n for n in work.tree.nodes if n.name == "body"]
    start, end = (bodies[0].start.end, bodies[0].until) if bodies else (0, len(source))
    parts: list[Part] = []
    for node in work.tree.nodes:
        if not start <= node.start.start < end or len(parts) >= MAX_SHOWN:
            continue
        # Long stretches are looked at in their beginning only, so that nesting costs no more than size.
        inner = source[node.start.end:min(node.end.start, node.start.end + 4_000)] if node.end else b""
        text = inner.decode("utf-8", "replace")
        kinds = _kinds(node, text)
        mark = _mark(node)
        if kinds or mark:
            parts.append(Part(len(parts) + 1, node.start.start, node.name, work.lines.at(node.start.start),
                              min(len(work.tree.ancestors(node)), 12), _excerpt(node, text), kinds, mark))
    return parts


def _kinds(node: Node, inner: str) -> tuple[str, ...]:
    if node.name == "img":
        return ("image", "logo")
    if node.end is None:
        return ()
    out: tuple[str, ...] = ()
    words = plain_text.visible(inner)
    if node.name == "a" and words and not re.search(r"<(?!br\b|/)[a-zA-Z]", inner):
        out += ("link", "button", "unsubscribe")
    elif node.name in ("ul", "ol"):
        out += ("list",)
    elif node.name in _WORDS and words and not _HOLDERS.search(inner):
        plain = not re.search(r"<(?!br\b|/)[a-zA-Z]", inner)
        out += (FIELDS if plain else ("rich",)) + ("imprint", "address")
    if node.name in _BOXES and words:
        out += BLOCKS
    return out


def _mark(node: Node) -> str:
    found = next(((name, value) for name in _MARKED if (value := node.start.get(name)) is not None), None)
    return f"{found[0].removeprefix('data-')}: {found[1]}" if found else ""


def _excerpt(node: Node, inner: str) -> str:
    text = (node.start.get("alt") or node.start.get("src") or "") if node.name == "img" else plain_text.visible(inner)
    return text if len(text) <= MAX_EXCERPT else text[:MAX_EXCERPT] + "…"


def mark(source: bytes, at: int, kind: str, *, name: str, label: str = "", choices: str = "") -> bytes:
    """Write the attributes of a field, system part or block into the start tag at ``at``.

    Raises Refused ``mark.element`` where the source has changed or the element cannot become
    that, ``template.region_name`` for a name that cannot be one, ``mark.choices`` without choices.
    """
    part = next((p for p in outline(source) if p.at == at), None)
    problems = []
    if part is None or kind not in part.kinds or part.mark:
        raise Refused([Problem("mark.element", "at")])
    if kind not in SYSTEM and not re.fullmatch(r"[a-z][a-z0-9_-]{0,39}", name):
        problems.append(Problem("template.region_name", "region", {"name": name[:40]}))
    listed = "|".join(c.strip() for c in re.split(r"[\n|]", choices) if c.strip())
    if kind == "choice" and not listed:
        problems.append(Problem("mark.choices", "choices"))
    if problems:
        raise Refused(problems)
    work = Edited(source).read()
    node = next(n for n in work.tree.nodes if n.start.start == at)
    if kind in SYSTEM:
        work.mark(node.start, data_system=kind)
    elif kind in BLOCKS:
        work.mark(node.start, **{f"data_{kind}": name, f"data_{kind}_label": label})
    else:
        work.mark(node.start, data_region=name, data_region_type=kind, data_region_label=label,
                  data_region_choices=listed if kind in ("choice", "image") else "")
    return work.apply().source


def unmark(source: bytes, at: int) -> bytes:
    """Take the marks out of the start tag at ``at``; raises Refused ``mark.element`` where there is none."""
    work = Edited(source).read()
    node = next((n for n in work.tree.nodes if n.start.start == at), None)
    if node is None or not _mark(node):
        raise Refused([Problem("mark.element", "at")])
    for attribute in node.start.attributes:
        if attribute.name.startswith(_MARKED):
            work.edit(attribute.start, attribute.end)
    return work.apply().source


def numbered(source: bytes) -> str:
    """The source with each part's number before it; for looking at in a sandboxed frame, never for sending."""
    work = Edited(source).read()
    nodes = {n.start.start: n for n in work.tree.nodes}
    for part in outline(source):
        node = nodes[part.at]
        colour = "#146c43" if part.mark else "#2447b3"
        badge = f'<span style="{_BADGE}background:{colour}">{part.number}</span>'
        if node.name in ("ul", "ol", "tr", "table"):
            continue  # a number is not possible there; its first cell or entry has one
        at = node.start.start if node.name == "img" else node.start.end
        work.edit(at, at, badge)
    text = work.apply().source.decode("utf-8", "replace")
    return text if "<" in text else html.escape(text)
