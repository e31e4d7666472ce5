"""From HTML bytes to the facts that the compliance rules look at, by the same tokeniser.

Outlook's conditional comments are read as a second document: 116 of 316 real mails hide links
and images there, where no parser of the page ever looks.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from chalicelib.domain.compliance.document import Css, Document, Element, OpenValue, Run
from chalicelib.domain.template import Slot, SystemBlock
from chalicelib.rendering.merge import SENTINEL
from chalicelib.rendering.structure import MAX_DEPTH, Node, build
from chalicelib.rendering.tokens import Kind, Lines, Token, tokenise

_CONDITION = re.compile(rb"<!--\[if [^\]<>]*+\]>", re.IGNORECASE)
_CONDITION_END = re.compile(rb"<!\[endif\]-->\Z", re.IGNORECASE)
_BLOCKS = frozenset(SystemBlock)
_BREAK_NAMES = "br hr p div td th tr li table h1 h2 h3 h4 h5 h6 ul ol blockquote center"
_BREAKS = frozenset(_BREAK_NAMES.split())
"""Tags at which a line of text ends."""


@dataclass(slots=True)
class _Draft:
    """The lists a document is made of, while they grow."""

    elements: list[Element] = field(default_factory=list)
    styles: list[Css] = field(default_factory=list)
    broken: list[tuple[str, int]] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    breaks: list[int] = field(default_factory=list)


def read(
    source: bytes, slots: Sequence[Slot] = (), *, names: Sequence[str] = (), values: Sequence[OpenValue] = (),
    html_bytes: int = 0,
) -> Document:
    """The facts of one HTML part. ``slots`` tell which bytes are whose; sorted, not overlapping.

    ``names`` are the names of the merge fields by the number of their sentinel; in the
    document they read ``{{name}}`` again.
    """
    draft, texts = _Draft(), list[str]()
    _read(source, slots, names, draft, texts, line=0, mso=False)
    blocks, links = _system_blocks(source, slots, names)
    return Document(
        elements=tuple(draft.elements), styles=tuple(draft.styles), text=" ".join("".join(texts).split()),
        html_bytes=html_bytes or len(source), broken=tuple(draft.broken), blocks=blocks, block_links=links,
        values=tuple(values), runs=tuple(draft.runs), breaks=tuple(draft.breaks),
    )


def named(text: str, names: Sequence[str]) -> str:
    """``text`` with ``{{name}}`` for each sentinel."""
    return SENTINEL.sub(lambda match: "{{" + names[int(match.group(1))] + "}}", text) if names else text


def _read(source: bytes, slots: Sequence[Slot], names: Sequence[str], draft: _Draft, texts: list[str], *,
          line: int, mso: bool) -> None:
    tokens, lines, where = tokenise(source), Lines(source), _Where(slots)
    tree = build(tokens)
    node_of = {id(node.start): index for index, node in enumerate(tree.nodes)}
    own: dict[int, list[str]] = {}
    inside: dict[int, list[str]] = {}
    stack: list[int] = []
    runs: list[Run] = []
    if tree.too_deep is not None:  # no client shows it, and no rule follows it: said once, and it blocks
        draft.broken.append((f"<{tree.too_deep.name}> nested more than {MAX_DEPTH} deep",
                             line + lines.at(tree.too_deep.start)))
    for token in tokens:
        while stack and tree.nodes[stack[-1]].until <= token.start:
            stack.pop()
        at = line + lines.at(token.start)
        if token.kind is Kind.START:
            node = tree.nodes[node_of[id(token)]]
            if node.until > token.end:
                stack.append(node_of[id(token)])
            style = token.get("style")
            if token.name in _BREAKS and not mso:
                draft.breaks.append(len(runs))
            if style:
                draft.styles.append(Css(named(style, names), True, where.region(token, attributes=False), at))
        elif token.kind is Kind.TEXT or (token.kind is Kind.RAW and token.name == "title"):
            text = named(html.unescape(source[token.start:token.end].decode("utf-8", "replace")), names)
            texts.append(text)
            if not mso:
                runs.append(Run(text, stack[-1] if stack else -1, where.region(token, attributes=False), at, len(runs)))
            _collect(text, stack, tree.nodes, own, inside)
        elif token.kind is Kind.RAW and token.name == "style":
            draft.styles.append(Css(source[token.start:token.end].decode("utf-8", "replace"), False, "", at))
        elif token.kind is Kind.END and token.name in _BREAKS and not mso:
            draft.breaks.append(len(runs))
        elif token.kind is Kind.COMMENT and not mso:
            _read_condition(source, token, names, draft, line=at - 1)
        elif token.kind is Kind.BROKEN:
            draft.broken.append((source[token.start:token.start + 60].decode("utf-8", "replace"), at))
    elements, base = _Where(slots), len(draft.elements)
    # Outlook's comments were read meanwhile: their elements stand before these.
    draft.runs += [replace(run, element=run.element + base if run.element >= 0 else -1) for run in runs]
    for index, node in enumerate(tree.nodes):
        draft.elements.append(Element(
            tag=node.name, attributes=tuple((a.name, named(a.value, names)) for a in node.start.attributes),
            text="".join(inside.get(index, ())), own="".join(own.get(index, ())), region=elements.region(node.start),
            line=line + lines.at(node.start.start), mso=mso, parent=node.parent + base if node.parent >= 0 else -1,
        ))


def _collect(text: str, stack: Sequence[int], nodes: Sequence[Node], own: dict[int, list[str]],
             inside: dict[int, list[str]]) -> None:
    if not text.strip() or not stack:
        return
    own.setdefault(stack[-1], []).append(text)
    for index in stack[-MAX_DEPTH:]:
        if nodes[index].name in ("a", "title"):
            inside.setdefault(index, []).append(text)


def _read_condition(source: bytes, token: Token, names: Sequence[str], draft: _Draft, *, line: int) -> None:
    """Read what stands between ``<!--[if mso]>`` and ``<![endif]-->``, if anything does."""
    comment = source[token.start:token.end]
    begin = _CONDITION.match(comment)
    if begin is None or begin.end() >= len(comment):
        return
    end = _CONDITION_END.search(comment, max(begin.end(), len(comment) - 12))
    inner = comment[begin.end():end.start() if end else len(comment) - 3]
    if inner == b"<!":  # "<!--[if !mso]><!-->": what it reveals is read with the page itself
        return
    line += comment.count(b"\n", 0, begin.end())
    _read(inner, (), names, draft, [], line=line, mso=True)


class _Where:
    """Tells the region of a token; asked in the order of the source."""

    def __init__(self, slots: Sequence[Slot]) -> None:
        self._slots, self._next = list(slots), 0

    def region(self, token: Token, *, attributes: bool = True) -> str:
        """The region a token stands in or (``attributes``) whose value one of its attributes holds."""
        while self._next < len(self._slots) and self._slots[self._next].end <= token.start:
            self._next += 1
        if self._next < len(self._slots):
            slot = self._slots[self._next]
            whole = slot.context == "content" and slot.start <= token.start and token.end <= slot.end
            attribute = slot.context != "content" and token.start < slot.start and slot.end < token.end
            if whole or (attribute and attributes):
                return slot.region
        return ""


def _system_blocks(
    source: bytes, slots: Sequence[Slot], names: Sequence[str],
) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:
    """The text of each system block and the addresses of its links."""
    blocks: dict[str, str] = {}
    links: list[tuple[str, str]] = []
    for slot in slots:
        if slot.region not in _BLOCKS:
            continue
        stretch = source[slot.start:slot.end]
        if slot.context == "href":
            links.append((slot.region, named(html.unescape(stretch.decode("utf-8", "replace")), names)))
            blocks[slot.region] = _following_text(source, slot.end)
            continue
        tokens = tokenise(stretch)
        blocks[slot.region] = " ".join(
            html.unescape(stretch[t.start:t.end].decode("utf-8", "replace")) for t in tokens if t.kind is Kind.TEXT
        )
        links += [(slot.region, named(t.get("href") or "", names)) for t in tokens
                  if t.kind is Kind.START and t.name == "a"]
    return tuple((name, " ".join(text.split())) for name, text in blocks.items()), tuple(links)


def _following_text(source: bytes, position: int) -> str:
    """The text (and the images' words) up to the end of the link in whose tag ``position`` lies."""
    begin = source.find(b">", position) + 1
    end = source.lower().find(b"</a", begin)
    out = []
    for token in tokenise(source[begin:end if end >= 0 else begin]):
        if token.kind is Kind.TEXT:
            out.append(html.unescape(source[begin + token.start:begin + token.end].decode("utf-8", "replace")))
        elif token.name == "img":
            out.append(token.get("alt") or "")
    return " ".join(out)
