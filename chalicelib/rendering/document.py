"""From HTML bytes to the facts that the compliance rules look at, by the same tokeniser.

Outlook's conditional comments are read as a second document: 116 of 316 real mails hide links
and images there, where no parser of the page ever looks.
"""

from __future__ import annotations

import html
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from chalicelib.domain.compliance.document import Css, Document, Element, OpenValue, Run
from chalicelib.domain.template import Slot, SystemBlock
from chalicelib.rendering.lines import Lines
from chalicelib.rendering.merge import OPEN, SENTINEL
from chalicelib.rendering.structure import MAX_DEPTH, Nesting
from chalicelib.rendering.tokens import BROKEN, COMMENT, END, RAW, START, TEXT, Kind, Token, tokenise

_CONDITION = re.compile(rb"<!--\[if [^\]<>]*+\]>", re.IGNORECASE)
_CONDITION_END = re.compile(rb"<!\[endif\]-->\Z", re.IGNORECASE)
_BLOCKS = frozenset(SystemBlock)
_SENTINEL = OPEN.encode()
_BREAK_NAMES = "br hr p div td th tr li table h1 h2 h3 h4 h5 h6 ul ol blockquote center"
_BREAKS = frozenset(_BREAK_NAMES.split())
"""Tags at which a line of text ends."""
_NAMED = frozenset({"a", "title"})
"""Elements of which all text inside is kept, not only what stands in them directly."""


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
    if not names or OPEN not in text:
        return text
    return SENTINEL.sub(lambda match: "{{" + names[int(match.group(1))] + "}}", text)


def _read(source: bytes, slots: Sequence[Slot], names: Sequence[str], draft: _Draft, texts: list[str], *,
          line: int, mso: bool) -> None:
    lines = Lines(source)
    walk, first = _Walk(source, slots, names, lines, line, mso=mso), len(draft.broken)
    for token in tokenise(source):
        kind = token.kind
        if kind is TEXT or (kind is RAW and token.name == "title"):
            texts.append(walk.text(token))
        elif kind is START:
            walk.enter(token, draft)
        elif kind is END:
            walk.leave(token, draft)
        elif kind is RAW and token.name == "style":
            text = source[token.start:token.end].decode("utf-8", "replace")
            draft.styles.append(Css(text, False, "", line + lines.at(token.start)))
        elif kind is COMMENT and not mso:
            _read_condition(source, token, names, draft, line=line + lines.at(token.start) - 1)
        elif kind is BROKEN:
            quote = source[token.start:token.start + 60].decode("utf-8", "replace")
            draft.broken.append((quote, line + lines.at(token.start)))
    if (deep := walk.nesting.too_deep) is not None:  # no client shows it, and no rule follows it: it blocks
        draft.broken.insert(first, (f"<{deep.name}> nested more than {MAX_DEPTH} deep", line + lines.at(deep.start)))
    # Outlook's comments were read meanwhile: their elements stand before these.
    base = len(draft.elements)
    draft.runs += [
        Run(text, index + base if index >= 0 else -1, region, at, number)
        for number, (text, index, region, at) in enumerate(walk.runs)
    ]
    draft.elements += walk.elements(base)


class _Walk:
    """Goes through the tokens in order: what is open, what text stands in it, whose bytes they are."""

    def __init__(self, source: bytes, slots: Sequence[Slot], names: Sequence[str], lines: Lines, line: int, *,
                 mso: bool) -> None:
        self.runs: list[tuple[str, int, str, int]] = []
        self.nesting = Nesting()
        self._source, self._names, self._lines, self._line, self._mso = source, names, lines, line, mso
        self._where = _Where(slots)
        self._links: list[int] = []
        self._starts: list[tuple[Token, int, str, int]] = []
        self._own: dict[int, list[str]] = {}
        self._inside: dict[int, list[str]] = {}

    def enter(self, token: Token, draft: _Draft) -> None:
        """A start tag: where it stands, whether a line ends there, its style."""
        nesting, number, at = self.nesting, len(self._starts), self._line + self._lines.at(token.start)
        region = self._where.region(token)
        self._starts.append((token, nesting.inner, region, at))
        nesting.enter(number, token)
        if token.name in _NAMED:
            self._links.append(number)
        if token.name in _BREAKS and not self._mso:
            draft.breaks.append(len(self.runs))
        if style := token.get("style"):
            region = region and self._where.region(token, attributes=False)
            draft.styles.append(Css(named(style, self._names) if OPEN in style else style, True, region, at))

    def leave(self, token: Token, draft: _Draft) -> None:
        """An end tag: what it closes, and whether a line ends there."""
        closed = self.nesting.leave(token.name)
        while self._links and closed and self._links[-1] >= closed[-1]:
            self._links.pop()
        if token.name in _BREAKS and not self._mso:
            draft.breaks.append(len(self.runs))

    def text(self, token: Token) -> str:
        """A stretch of text, which belongs to what it stands in and to the links and the title around it."""
        text = self._source[token.start:token.end].decode("utf-8", "replace")
        if "&" in text:
            text = html.unescape(text)
        if OPEN in text:
            text = named(text, self._names)
        stack = self.nesting.stack
        inner = stack[-1] if stack else -1
        if not self._mso:
            region = self._where.region(token, attributes=False)
            self.runs.append((text, inner, region, self._line + self._lines.at(token.start)))
        if inner >= 0 and not text.isspace():
            self._own.setdefault(inner, []).append(text)
            outermost = stack[-MAX_DEPTH] if len(stack) > MAX_DEPTH else 0
            for number in reversed(self._links):
                if number < outermost:
                    break
                self._inside.setdefault(number, []).append(text)
        return text

    def elements(self, base: int) -> list[Element]:
        """All elements, the first of which is number ``base`` of the document."""
        names, mso = self._names, self._mso
        own, inside = ({number: "".join(texts) for number, texts in of.items()} for of in (self._own, self._inside))
        return [
            Element(
                token.name, _attributes(self._source, token, names), inside.get(number, ""), own.get(number, ""),
                region, line, mso, parent + base if parent >= 0 else -1,
            )
            for number, (token, parent, region, line) in enumerate(self._starts)
        ]


def _attributes(source: bytes, token: Token, names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    # Nobody can write a sentinel as a character reference: HTML reads those of noncharacters as nothing.
    if not names or source.find(_SENTINEL, token.start, token.end) < 0:
        return token.pairs
    return tuple((name, named(value, names)) for name, value in token.pairs)


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
        self._start = slots[0].start if slots else sys.maxsize

    def region(self, token: Token, *, attributes: bool = True) -> str:
        """The region a token stands in or (``attributes``) whose value one of its attributes holds."""
        if token.end < self._start:
            return ""
        while self._next < len(self._slots) and self._slots[self._next].end <= token.start:
            self._next += 1
        self._start = self._slots[self._next].start if self._next < len(self._slots) else sys.maxsize
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
