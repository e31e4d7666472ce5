"""Cutting a source that was found good into slots: marks out, styles inlined, each region's place by its bytes."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from chalicelib.domain.compliance import Finding, Severity
from chalicelib.domain.errors import Problem, Refused
from chalicelib.domain.ids import PersonId, TemplateId
from chalicelib.domain.record import dataclass
from chalicelib.domain.scope import Scope
from chalicelib.domain.template import Block, Region, Slot, TemplateVersion
from chalicelib.rendering import groups, inline, merge
from chalicelib.rendering.groups import Grouped
from chalicelib.rendering.regions import Found
from chalicelib.rendering.tokens import Kind, Token, tokenise

_BORDER = "border"
"""The context of a mark that says where a block begins or ends; it is no slot."""
_OWN = ("data-region", "data-system", *groups.ATTRIBUTES)
"""What the language's own attributes begin with; none of them reaches the compiled HTML."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """What a source became. ``findings`` are what its author should know; none of them blocks."""

    html: str
    slots: tuple[Slot, ...]
    regions: tuple[Region, ...]
    merge_fields: tuple[tuple[str, str], ...]
    language: str
    title: str
    preheader: str = ""
    findings: tuple[Finding, ...] = ()
    source_sha256: str
    blocks: tuple[Block, ...] = ()

    def version(
        self, *, template: TemplateId, number: int, scope: Scope, name: str, published_by: PersonId,
        published_at: datetime, subject: str | None = None, preheader: str | None = None, family: str = "",
    ) -> TemplateVersion:
        """The immutable version to publish; the subject is the source's ``<title>`` if none is given."""
        return TemplateVersion(
            template=template, number=number, scope=scope, name=name, language=self.language, html=self.html,
            slots=self.slots, regions=self.regions, merge_fields=self.merge_fields,
            subject=self.title if subject is None else subject,
            preheader=self.preheader if preheader is None else preheader,
            source_sha256=self.source_sha256, published_by=published_by, published_at=published_at,
            blocks=self.blocks, family=family,
        )


@dataclass(frozen=True, slots=True)
class _Head:
    """What the source says of the mail as a whole."""

    title: str = ""
    preheader: str = ""
    language: str = "en"


@dataclass(frozen=True, slots=True)
class _Edit:
    """Replace ``[start, end)`` by parts; a part with a region becomes a slot."""

    start: int
    end: int
    parts: tuple[tuple[bytes, str, str], ...] = ()


def cut(source: bytes, digest: str, tokens: Sequence[Token], found: Sequence[Found], grouped: Sequence[Grouped],
        findings: Sequence[Finding]) -> Compiled:
    """The compiled template; raises Refused for what shows only in the result."""
    head = _head(source, tokens)
    around = [_Edit(at, at, ((b"", one.block.id, _BORDER),)) for one in grouped for at in (one.start, one.end)]
    made, places = _apply(source, [*around, *_edits(source, tokens, found)])
    slots = tuple(slot for slot in places if slot.context != _BORDER)
    borders = [slot for slot in places if slot.context == _BORDER]
    _check_same_tokens(tokens, tokenise(made), made)
    fields, problems = merge.places(made, tokenise(made), slots)
    for line in (head.title, head.preheader):
        more, unclear = merge.parse(line)
        fields, problems = [*fields, *more], [*problems, *unclear]
    if problems:
        raise Refused(problems)
    return Compiled(
        html=made.decode(), slots=slots, regions=tuple(one.region for one in found),
        merge_fields=tuple(sorted({(p.field, p.default) for p in fields})), language=head.language,
        title=html.unescape(head.title), preheader=head.preheader, source_sha256=digest,
        findings=tuple(f for f in findings if f.severity is not Severity.BLOCK),
        blocks=tuple(_block(one.block, borders) for one in grouped),
    )


def _head(source: bytes, tokens: Sequence[Token]) -> _Head:
    head = _Head()
    for token in tokens:
        if token.kind is Kind.RAW and token.name == "title":
            head = replace(head, title=" ".join(source[token.start:token.end].decode().split()))
        elif token.kind is Kind.START and token.name == "html":
            head = replace(head, language=(token.get("lang") or "").strip() or head.language)
        elif _is_preheader(token):
            head = replace(head, preheader=(token.get("content") or "").strip())
    return head


def _is_preheader(token: Token) -> bool:
    return token.kind is Kind.START and token.name == "meta" and (token.get("name") or "").lower() == "preheader"


def _edits(source: bytes, tokens: Sequence[Token], found: Sequence[Found]) -> list[_Edit]:
    """The edits of all tags outside regions: what a partner writes there is not inlined either."""
    try:
        styles = inline.styles(source, tokens)
    except ValueError:
        raise Refused([Problem("template.css_unreadable")]) from None
    by_start, edits, open_until = {one.start.start: one for one in found}, list[_Edit](), 0
    for token in tokens:
        if token.start < open_until or token.kind is not Kind.START:
            continue
        if _is_preheader(token):
            edits.append(_Edit(token.start, token.end))
            continue
        region = by_start.get(token.start)
        edits += _tag_edits(source, token, styles.get(token.start), region)
        if region and region.end and "content" in region.contexts:
            open_until = region.end.start
        if token.name == "body":
            edits.append(_Edit(token.end, token.end, ((b"", "preheader", "content"),)))
    return edits


def _block(block: Block, borders: Sequence[Slot]) -> Block:
    """The block with its place in the compiled HTML."""
    start, end = (border.start for border in borders if border.region == block.id)
    return replace(block, start=start, end=end)


def _tag_edits(source: bytes, token: Token, style: str | None, found: Found | None) -> list[_Edit]:
    """The edits of one start tag: region attributes out, inlined style in, slots cut."""
    edits = [_Edit(a.start, a.end) for a in token.attributes if a.name.startswith(_OWN)]
    attributes_end = token.attributes[-1].end if token.attributes else token.start + 1 + len(token.name.encode())
    if style is not None:
        edits.append(_attribute_edit(token, attributes_end, "style", ((_escaped(style), "", ""),)))
    if found is None:
        return edits
    for context in found.contexts:
        if context == "content":
            if found.end is not None:
                inner = source[token.end:found.end.start]
                edits.append(_Edit(token.end, found.end.start, ((inner, found.region.id, "content"),)))
        else:
            value = token.get(context) or ""
            slot = (_escaped(value), found.region.id, context)
            edits.append(_attribute_edit(token, attributes_end, context, (slot,)))
    return edits


def _attribute_edit(token: Token, end: int, name: str, parts: tuple[tuple[bytes, str, str], ...]) -> _Edit:
    """Write an attribute anew, in double quotes, where it stood or behind the last one."""
    old = token.attribute(name)
    around = ((f' {name}="'.encode(), "", ""), *parts, (b'"', "", ""))
    return _Edit(old.start, old.end, around) if old else _Edit(end, end, around)


def _escaped(text: str) -> bytes:
    return html.escape(text).replace("&#x27;", "'").encode()


def _apply(source: bytes, edits: Sequence[_Edit]) -> tuple[bytes, tuple[Slot, ...]]:
    """Apply edits by position and tell where the slots came to lie."""
    out, slots, position, size = [], list[Slot](), 0, 0

    def put(data: bytes) -> None:
        nonlocal size
        out.append(data)
        size += len(data)

    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        put(source[position:edit.start])
        for data, region, context in edit.parts:
            if region:
                slots.append(Slot(region, size, size + len(data), context))
            put(data)
        position = edit.end
    put(source[position:])
    return b"".join(out), tuple(slots)


def _check_same_tokens(before: Sequence[Token], after: Sequence[Token], html: bytes) -> None:
    """The compiled HTML must read as the same tokens; anything else is a fault of ours, not the author's."""
    def kinds(tokens: Sequence[Token]) -> list[tuple[Kind, str]]:
        return [(t.kind, t.name) for t in tokens if t.kind is not Kind.TEXT and not _is_preheader(t)]

    if kinds(before) != kinds(after):
        raise AssertionError(f"compiling changed the structure of a template ({len(html)} bytes)")
