"""What all importers share: edits by position, names, the report, and the making of fields.

An importer never rewrites a source as a whole: it edits by byte position, so that everything it
does not understand stays as its author wrote it. An edit keeps the line ends it takes out, so
that every line of the report is a line of the author's own file.
"""

from __future__ import annotations

import dataclasses
import html
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from enum import StrEnum

from chalicelib.domain import urls, values
from chalicelib.domain.errors import Problem
from chalicelib.domain.record import dataclass
from chalicelib.rendering.regions import BLOCK_TAGS, INLINE_TAGS
from chalicelib.rendering.structure import Node, Tree, build
from chalicelib.rendering.tokens import VOID, Kind, Lines, Token, tags, tokenise

UNSUBSCRIBE = "https://unsubscribe.example.com/"
"""What stands in the source where the program puts each customer's own address."""
RESERVED = ("subject", "preheader", "imprint", "address", "unsubscribe", "logo")
"""Names that no field of an author may take."""
_PHRASING = tags("p h1 h2 h3 h4 h5 h6 span strong em b i u small font label sup sub")
_FLOW = tags("td th div center blockquote li section article header footer main aside address")
_HEADING = re.compile(r"<(/?)h[1-6]\b[^<>]*+>", re.IGNORECASE)
_ONE_LINK = re.compile(r"\s*<a\b[^<>]*+>[^<>]*+</a\s*>\s*", re.IGNORECASE)
_BLOCK = re.compile(r"</?(?:div|p|ul|ol|li|h[1-6]|table|tr|td|center|blockquote)\b", re.IGNORECASE)
_DEEP = re.compile(r"<(?:img|table|td|tr|form|input|video|object)\b", re.IGNORECASE)


class Sort(StrEnum):
    """The four parts of a report."""

    MAPPED = "mapped"
    LOCKED = "locked"
    UNKNOWN = "unknown"
    SUGGESTION = "suggestion"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a report: ``problem`` has the sentence's code and parameters, ``line`` among them."""

    sort: Sort
    problem: Problem

    @property
    def line(self) -> int:
        """The line of the author's file, 0 for the whole of it."""
        line = self.problem.params.get("line", 0)
        return line if isinstance(line, int) else 0


@dataclasses.dataclass(slots=True)
class Work:
    """A source on its way; each pass reads it anew and leaves it changed by :meth:`apply`."""

    source: bytes
    entries: list[Entry] = field(default_factory=list)
    names: set[str] = field(default_factory=lambda: set(RESERVED))
    placed: set[str] = field(default_factory=set)
    _edits: list[tuple[int, int, bytes]] = field(default_factory=list)
    tokens: list[Token] = field(default_factory=list)
    tree: Tree = field(default_factory=lambda: build(()))
    lines: Lines = field(default_factory=lambda: Lines(b""))

    def read(self) -> Work:
        """Tokenise what the source is now."""
        self.tokens = tokenise(self.source)
        self.tree, self.lines = build(self.tokens), Lines(self.source)
        return self

    def note(self, sort: Sort, code: str, at: int = -1, **params: str | int) -> None:
        """Add a line to the report; ``at`` is an offset of the source."""
        line = {"line": self.lines.at(at)} if at >= 0 else {}
        self.entries.append(Entry(sort, Problem(f"import.{code}", "", {**line, **params})))

    def edit(self, start: int, end: int, text: str | bytes = b"") -> None:
        """Replace ``[start, end)``; the line ends in it stay."""
        data = text.encode() if isinstance(text, str) else text
        lost = self.source.count(b"\n", start, end) - data.count(b"\n")
        self._edits.append((start, end, data + b"\n" * max(lost, 0)))

    def cut(self, token: Token, name: str) -> None:
        """Take an attribute out of a tag."""
        for attribute in token.attributes:
            if attribute.name == name:
                self.edit(attribute.start, attribute.end)

    def mark(self, token: Token, **attributes: str) -> None:
        """Give a start tag attributes (``data_region`` becomes ``data-region``)."""
        at = token.start + 1 + len(token.name.encode())
        given = ((name.replace("_", "-"), html.escape(value)) for name, value in attributes.items() if value)
        self._edits.append((at, at, "".join(f' {name}="{value}"' for name, value in given).encode()))

    def apply(self) -> Work:
        """Carry out the edits and read the result; of two that overlap the outer one counts."""
        out, position = [], 0
        for start, end, data in sorted(self._edits, key=lambda e: (e[0], e[1] > e[0], -e[1])):
            if start < position:
                continue
            out += [self.source[position:start], data]
            position = end
        self.source = b"".join([*out, self.source[position:]])
        self._edits.clear()
        return self.read()

    def name(self, wanted: str) -> str:
        """A free name for a field or block, made from what the author wrote."""
        base = re.sub(r"[^a-z0-9]+", "_", wanted.lower()).strip("_")[:32] or "field"
        base = base if base[0].isalpha() else f"f_{base}"
        name, number = base, 1
        while name in self.names:
            number += 1
            name = f"{base}_{number}"
        self.names.add(name)
        return name

    def inner(self, node: Node) -> str:
        """The source between an element's tags."""
        return self.source[node.start.end:node.end.start].decode("utf-8", "replace") if node.end else ""

    def around(self, node: Node) -> list[str]:
        """The names of the elements around one, innermost first."""
        return [n.name for n in self.tree.ancestors(node)]

    def within(self, node: Node) -> list[Node]:
        """The elements inside one, in order."""
        if node.end is None:
            return []
        return [n for n in self.tree.nodes if node.start.end <= n.start.start < node.end.start]


# --- fields

def open_field(work: Work, node: Node, wanted: str, label: str, legal: Callable[[str], bool]) -> None:
    """Make an element a field, as far as it can be one; says in the report what became of it."""
    inner = work.inner(node)
    if legal(inner) or legal(work.source[node.start.start:node.start.end].decode("utf-8", "replace")):
        work.note(Sort.LOCKED, "legal", node.start.start, name=wanted)
        return
    if node.name == "img":
        _image(work, node, wanted, label)
    elif node.end is None:
        work.note(Sort.LOCKED, "unclosed", node.start.start, name=wanted)
    elif node.name == "a":
        _link(work, node, wanted, label, inner)
    elif _DEEP.search(inner) or node.name not in _FLOW | _PHRASING:
        _parts(work, node, wanted, label, legal)
    else:
        _words(work, node, wanted, label, inner)


def without_tags(work: Work, node: Node, pattern: re.Pattern[bytes], legal: Callable[[str], bool]) -> None:
    """Take a platform's tags out of an element that becomes a field, and say so; legal ones keep it locked."""
    end = node.end.end if node.end else node.start.end
    if legal(work.source[node.start.start:end].decode("utf-8", "replace")):
        return
    for match in pattern.finditer(work.source, node.start.start, end):
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
    inline = node.name in _PHRASING
    marked = re.search(r"<(?!br\b|/)[a-zA-Z]", inner) is not None
    if node.name in _FLOW and any(n in _PHRASING for n in around):
        work.note(Sort.LOCKED, "in_text", node.start.start, name=wanted)
        return
    plain = not marked or "a" in around or node.name == "a"
    text = tidy(inner, None if plain else INLINE_TAGS if inline else BLOCK_TAGS)
    if " ".join(text.split()) != " ".join(inner.split()):
        work.note(Sort.SUGGESTION, "simplified", node.start.start, name=wanted)
    name = work.name(wanted)
    rows = "4" if plain and "<br>" in text else ""
    work.edit(node.start.end, node.end.start, text)
    kind = "text" if plain else "rich"
    work.mark(node.start, data_region=name, data_region_type=kind, data_region_label=label, data_region_rows=rows)
    work.note(Sort.MAPPED, "field", node.start.start, name=name, type=kind)


def _parts(work: Work, node: Node, wanted: str, label: str, legal: Callable[[str], bool]) -> None:
    """Open what can be opened inside an element that holds a layout: its pictures and its words."""
    until = made = 0
    for inside in work.within(node):
        if inside.start.start < until:
            continue
        inner = work.inner(inside)
        words = inside.name in _FLOW | _PHRASING and not _DEEP.search(inner) and not _nested(inner, inside.name)
        words = words and _ONE_LINK.fullmatch(inner) is None  # then the link itself is the better field
        if inside.name in ("img", "a") or (words and values.visible(inner)):
            until = inside.end.end if inside.end else inside.start.end
            number = f" {made + 1}" if made else ""
            open_field(work, inside, wanted + number, label + number, legal)
            made += 1
    work.note(Sort.LOCKED, "layout", node.start.start, name=wanted, parts=made)


def _nested(inner: str, name: str) -> bool:
    """Whether a container holds containers, so that one of those is the better field."""
    return name in _FLOW and re.search(r"<(?:div|center|section|blockquote)\b", inner, re.IGNORECASE) is not None


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


# --- tags of the platform

Tag = tuple[str, str, str]
"""What a platform's tag becomes (``system`` block, ``merge`` field, ``drop``, or ``text`` that it is), its name here,
and a merge field's default."""


def replace_tags(work: Work, pattern: re.Pattern[bytes], meaning: Callable[[re.Match[bytes]], Tag | None]) -> None:
    """Replace every tag of a platform outside fields by what it is here."""
    links = [n for n in work.tree.nodes if n.name == "a" and n.end]
    done: list[tuple[int, int]] = []
    for node in links:
        href = node.start.attribute("href")
        match = pattern.search(work.source, href.value_start, href.value_end) if href else None
        tag = meaning(match) if match else None
        if href and match and tag and tag[0] != "merge":
            _link_tag(work, node, tag, match)
            done.append((href.value_start, href.value_end) if tag[0] == "system" else (node.start.start, href.end))
    done.sort()
    for token in work.tokens:
        for start, end, where in _stretches(token):
            for match in pattern.finditer(work.source, start, end):
                at = bisect_right(done, (match.start(), len(work.source) + 1)) - 1
                if at < 0 or match.start() >= done[at][1]:
                    _text_tag(work, match, meaning(match), where, start)
    work.apply()


def _stretches(token: Token) -> list[tuple[int, int, str]]:
    if token.kind is Kind.START:
        return [(a.value_start, a.value_end, a.name) for a in token.attributes if a.value_end > a.value_start]
    if token.kind in (Kind.TEXT, Kind.RAW, Kind.COMMENT):
        names = {Kind.TEXT: "text", Kind.COMMENT: "comment", Kind.RAW: token.name}
        return [(token.start, token.end, names[token.kind])]
    return []


def _link_tag(work: Work, node: Node, tag: Tag, match: re.Match[bytes]) -> None:
    kind, name, _ = tag
    quote, at = match.group().decode("utf-8", "replace"), node.start.start
    if node.end is None:
        return
    if kind == "system" and name == "unsubscribe" and name not in work.placed:
        work.placed.add(name)
        href = node.start.attribute("href")
        if href:
            work.edit(href.value_start, href.value_end, UNSUBSCRIBE)
        work.mark(node.start, data_system="unsubscribe")
        work.note(Sort.MAPPED, "system", at, quote=quote, block=name)
        return
    # What leads nowhere here is taken out whole; a second way out keeps its words, without a link.
    if kind == "system":
        work.edit(node.start.start, node.start.end)
        work.edit(node.end.start, node.end.end)
        work.note(Sort.LOCKED, "second", at, quote=quote)
    else:
        work.edit(node.start.start, node.end.end)
        work.note(Sort.LOCKED, "dropped", at, quote=quote, why=name)


def _text_tag(work: Work, match: re.Match[bytes], tag: Tag | None, where: str, start: int) -> None:
    quote, at = match.group().decode("utf-8", "replace"), match.start()
    if tag is None:
        work.edit(match.start(), match.end())
        work.note(Sort.UNKNOWN, "tag", at, quote=quote[:60])
        return
    kind, name, default = tag
    if kind == "merge" and (where in ("text", "title", "alt") or (where == "href" and _after_host(work, start, at))):
        quotes = "'" if where in ("alt", "href") else '"'
        safe = re.sub(r"[\"'{}\\<>&]", "", default)
        work.edit(match.start(), match.end(), f"{{{{ contact.{name}|default({quotes}{safe}{quotes}) }}}}")
        work.note(Sort.MAPPED, "merge", at, quote=quote, name=name)
        if not default:
            work.note(Sort.SUGGESTION, "default", at, quote=quote)
    elif kind == "system" and where == "text" and name not in work.placed:
        work.placed.add(name)
        element = (f'<a data-system="unsubscribe" href="{UNSUBSCRIBE}">Unsubscribe</a>' if name == "unsubscribe"
                   else f'<span data-system="{name}">Imprint</span>')
        work.edit(match.start(), match.end(), element)
        work.note(Sort.MAPPED, "system", at, quote=quote, block=name)
    elif kind != "text":
        work.edit(match.start(), match.end())
        work.note(Sort.LOCKED, "dropped" if kind != "system" else "second", at, quote=quote, why=name)


def _after_host(work: Work, start: int, at: int) -> bool:
    return re.match(rb"https?://[^/?#{}\s]+[/?#]", work.source[start:at], re.IGNORECASE) is not None


# --- what every source goes through

_REVEALED = re.compile(rb"<!\[(if [^\]<>]*+|endif)\]>", re.IGNORECASE)
_IMPORT = re.compile(rb"@import[^;{}<]*+;?", re.IGNORECASE)


def hygiene(work: Work) -> None:
    """Take out or rewrite what no mail client needs and what the compiler would refuse."""
    for token in work.tokens:
        text = work.source[token.start:token.end]
        if token.kind is Kind.BROKEN and (match := _REVEALED.fullmatch(text)):
            inner = match.group(1)
            new = b"<!--<![endif]-->" if inner.lower() == b"endif" else b"<!--[" + inner + b"]><!-->"
            work.edit(token.start, token.end, new)
            work.note(Sort.SUGGESTION, "revealed", token.start)
        elif token.kind is Kind.BROKEN and text.startswith(b"<?"):
            work.edit(token.start, token.end)
            work.note(Sort.UNKNOWN, "instruction", token.start, quote=text[:40].decode("utf-8", "replace"))
        elif token.kind is Kind.RAW and token.name == "style":
            for found in _IMPORT.finditer(work.source, token.start, token.end):
                work.edit(found.start(), found.end())
                work.note(Sort.LOCKED, "outside", found.start(), quote=found.group()[:60].decode("utf-8", "replace"))
        elif token.kind is Kind.START:
            _tag_hygiene(work, token)
    for node in work.tree.nodes:
        if node.name in ("script", "link", "base", "iframe", "object", "embed") or _refreshes(node.start):
            work.edit(node.start.start, node.end.end if node.end else node.start.end)
            quote = work.source[node.start.start:node.start.start + 60].decode("utf-8", "replace")
            work.note(Sort.LOCKED, "outside", node.start.start, quote=quote)
    work.apply()


def _refreshes(token: Token) -> bool:
    return token.name == "meta" and (token.get("http-equiv") or "").strip().lower() == "refresh"


def _tag_hygiene(work: Work, token: Token) -> None:
    seen: set[str] = set()
    for attribute in token.attributes:
        odd = re.fullmatch(r"[a-z_:@][a-z0-9_:.\-]*", attribute.name) is None or attribute.name.startswith("on")
        if attribute.name in seen or odd:
            work.edit(attribute.start, attribute.end)
            work.note(Sort.LOCKED, "attribute", token.start, quote=attribute.name[:40])
        seen.add(attribute.name)


def unwrap(work: Work, node: Node) -> None:
    """Take an element's tags out and leave what is inside."""
    work.edit(node.start.start, node.start.end)
    if node.end:
        work.edit(node.end.start, node.end.end)


def block(work: Work, node: Node, kind: str, wanted: str, label: str, taken: list[tuple[int, int]],
          legal: Callable[[str], bool]) -> None:
    """Make an element a block that may be left out or repeated, unless it stands in or around what forbids it."""
    at = node.start.start
    end = node.end.end if node.end else node.start.end
    if taken and at < taken[-1][1]:
        work.note(Sort.UNKNOWN, "nested_block", at, name=wanted)
        return
    whole = work.source[at:end].decode("utf-8", "replace")
    if legal(whole) or "data-system" in whole:
        work.note(Sort.LOCKED, "legal_block", at, name=wanted)
    elif (node.end is None and node.name not in VOID) or node.name in ("html", "head", "body"):
        work.note(Sort.LOCKED, "unclosed", at, name=wanted)
    else:
        name = work.name(wanted)
        more = {"data_repeat_min": "0", "data_repeat_max": "6"} if kind == "repeat" else {}
        if kind == "repeat":
            work.mark(node.start, data_repeat=name, data_repeat_label=label, **more)
        else:
            work.mark(node.start, data_optional=name, data_optional_label=label)
        taken.append((at, end))
        work.note(Sort.MAPPED, kind, at, name=name)


def footer(work: Work) -> None:
    """Put what the law wants at the end of the body, where the source has no place for it."""
    missing = [name for name in ("imprint", "unsubscribe") if name not in work.placed
               and f'data-system="{name}"'.encode() not in work.source]
    ends = [t for t in work.tokens if t.kind is Kind.END and t.name == "body"]
    if missing and ends:
        made = {"imprint": '<span data-system="imprint">Imprint</span>',
                "unsubscribe": f'<a data-system="unsubscribe" href="{UNSUBSCRIBE}">Unsubscribe</a>'}
        inner = "<br>".join(made[name] for name in missing)
        style = "font-family:Arial,sans-serif;font-size:14px;line-height:1.5;padding:16px;text-align:center"
        work.edit(ends[-1].start, ends[-1].start, f'<div style="{style}">{inner}</div>')
        work.note(Sort.SUGGESTION, "footer", ends[-1].start, blocks=", ".join(missing))
        work.apply()


def in_fields(work: Work, found: Mapping[int, Node] | Sequence[Node]) -> list[tuple[int, int]]:
    """The stretches of elements, for asking what lies in one of them."""
    nodes = found.values() if isinstance(found, Mapping) else found
    return [(n.start.start, n.end.end if n.end else n.start.end) for n in nodes]
