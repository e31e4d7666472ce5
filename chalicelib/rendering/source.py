"""Compiling an uploaded HTML source: read, refuse with every reason and line, inline, cut into slots."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from chalicelib.domain.compliance import Finding, FindingState, MailFacts, Severity, check_template
from chalicelib.domain.errors import Problem, Refused
from chalicelib.domain.ids import PersonId, TemplateId
from chalicelib.domain.kit import Kit
from chalicelib.domain.record import dataclass
from chalicelib.domain.scope import Scope
from chalicelib.domain.template import Block, Region, RegionType, Slot, TemplateVersion
from chalicelib.rendering import document, groups, inline, merge, mjml, regions
from chalicelib.rendering.groups import Grouped
from chalicelib.rendering.regions import Found
from chalicelib.rendering.structure import Tree, build
from chalicelib.rendering.tokens import Kind, Lines, Token, tokenise

MAX_UPLOAD = 5 * 1024 * 1024
MAX_SOURCE = 500 * 1024
MAX_PROBLEMS = 100
MAX_REGIONS = 200
_TOO_MUCH = frozenset({"template.too_deep", "template.too_many_elements", "template.css_too_big",
                       "template.css_too_complex"})
"""What ends the reading: the rules behind it would cost more than they could tell."""
_BORDER = "border"
"""The context of a mark that says where a block begins or ends; it is no slot."""
_OWN = ("data-region", "data-system", *groups.ATTRIBUTES)
"""What the language's own attributes begin with; none of them reaches the compiled HTML."""

_CONTROL = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")
_RAW_CR = re.compile(rb"\r(?!\n)")
_NONCHARACTER = re.compile("[\ufdd0-\ufdef\ufffe\uffff\u202a-\u202e\u2066-\u2069]")


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


def compile_source(source: bytes) -> Compiled:
    """Compile a source in HTML or MJML (whose lines are then those of its HTML).

    Raises Refused with all problems at once. A problem's ``params["line"]`` is its line in the
    source, its ``field`` the region's name where it concerns one; its code is one of
    ``template.*`` or that of a blocking rule (``SEC001``). See ``chalicelib.texts.compliance``.
    """
    digest = hashlib.sha256(source).hexdigest()
    source = _decoded(source)
    if mjml.is_mjml(source):
        source = _decoded(mjml.to_html(source))
    tokens, lines = tokenise(source), Lines(source)
    tree = build(tokens)
    problems = _structure(source, tokens, tree, lines)
    if any(p.code in _TOO_MUCH for p in problems):
        raise Refused(problems)
    found, more = regions.find(source, tokens, tree, lines)
    if len(found) > MAX_REGIONS:
        raise Refused([Problem("template.too_many_regions", "", {"count": len(found), "limit": MAX_REGIONS})])
    grouped, found, unfit = groups.find(tree, lines, found)
    more = [*more, *unfit]
    slots = _source_slots(found)
    fields, unclear = merge.places(source, tokens)
    inside = [p for p in fields if any(s.start <= p.start < s.end for s in slots)]
    problems += more + unclear + [
        Problem("template.merge_in_region", "", {"line": lines.at(p.start), "quote": p.field}) for p in inside
    ]
    findings = check_template(document.read(source, slots), MailFacts(template=True))
    problems += _blocking(findings, {(str(p.params.get("line", "")), p.code) for p in problems})
    if problems:
        raise Refused(sorted(problems, key=_line)[:MAX_PROBLEMS])
    return _compile(source, digest, tokens, found, grouped, findings)


def lint(compiled: Compiled, source: bytes, kit: Kit) -> Sequence[Finding]:
    """What all rules and a brand kit say of a source that was compiled, with the source's own lines."""
    source = _decoded(source)
    if mjml.is_mjml(source):
        source = _decoded(mjml.to_html(source))
    tokens, lines = tokenise(source), Lines(source)
    tree = build(tokens)
    slots = _source_slots(groups.find(tree, lines, regions.find(source, tokens, tree, lines)[0])[1])
    return check_template(document.read(source, slots), MailFacts(
        kit=kit, language=compiled.language, template=True, subject=compiled.title, preheader=compiled.preheader))


def _decoded(source: bytes) -> bytes:
    """Size, encoding and characters; what fails here is not looked at further."""
    if len(source) > MAX_UPLOAD:
        raise Refused([Problem("template.too_big", "", {"bytes": len(source), "limit": MAX_UPLOAD})])
    source = source.removeprefix(b"\xef\xbb\xbf")
    if len(source) > MAX_SOURCE:
        raise Refused([Problem("template.too_big", "", {"bytes": len(source), "limit": MAX_SOURCE})])
    if not source.strip():
        raise Refused([Problem("template.empty")])
    lines = Lines(source)
    try:
        text = source.decode()
    except UnicodeDecodeError as error:
        raise Refused([Problem("template.not_utf8", "", {"line": lines.at(error.start)})]) from None
    # A lone CR or a form feed is white space to some parsers only; NUL disappears in others.
    bad = [m for m in (_CONTROL.search(source.replace(b"\r\n", b"\n\n")), _RAW_CR.search(source)) if m]
    if bad:
        raise Refused([Problem("template.control", "", {"line": lines.at(min(m.start() for m in bad))})])
    if match := _NONCHARACTER.search(text):
        line = text.count("\n", 0, match.start()) + 1
        raise Refused([Problem("template.control", "", {"line": line})])
    return source


def _structure(source: bytes, tokens: Sequence[Token], tree: Tree, lines: Lines) -> list[Problem]:
    """What makes a source unreadable, or readable in more than one way."""
    problems = []
    for token in tokens:
        if token.kind is Kind.BROKEN:
            quote = source[token.start:token.start + 40].decode("utf-8", "replace")
            problems.append(Problem("template.broken", "", {"line": lines.at(token.start), "quote": quote}))
        elif token.kind in (Kind.START, Kind.END):
            problems += _tag_problems(token, lines)
    if tree.too_deep:
        problems.append(Problem("template.too_deep", "", {"line": lines.at(tree.too_deep.start)}))
    bodies = [node for node in tree.nodes if node.name == "body"]
    if len(bodies) != 1:
        problems.append(Problem("template.body", "", {"count": len(bodies)}))
    return (problems + inline.budget(source, tokens))[:MAX_PROBLEMS]


def _tag_problems(token: Token, lines: Lines) -> list[Problem]:
    line = lines.at(token.start)
    names = [attribute.name for attribute in token.attributes]
    problems = [
        Problem("template.attribute_name", "", {"line": line, "attribute": name[:40]})
        for name in names if not re.fullmatch(r"[a-z_:@][a-z0-9_:.\-]*", name)
    ]
    doubled = sorted({name for name in names if names.count(name) > 1}) if len(names) < 100 else ["..."]
    return problems + [Problem("template.attribute_doubled", "", {"line": line, "attribute": n[:40]}) for n in doubled]


def _source_slots(found: Sequence[Found]) -> tuple[Slot, ...]:
    """The regions' bytes in the source, for the lint; attributes that are absent have none."""
    slots = []
    for one in found:
        for context in _contexts(one):
            attribute = one.start.attribute(context)
            if context == "content" and one.end is not None:
                slots.append(Slot(one.region.id, one.start.end, one.end.start))
            elif attribute is not None:
                slots.append(Slot(one.region.id, attribute.value_start, attribute.value_end, context))
    return tuple(sorted(slots, key=lambda slot: slot.start))


def _contexts(found: Found) -> tuple[str, ...]:
    """Where a region's values go: into attributes, between the tags, or both."""
    kind = found.region.type
    if kind is RegionType.IMAGE or found.start.name == "img":
        return ("src", "alt")
    if kind in (RegionType.LINK, RegionType.BUTTON):
        return ("href", "content")
    if kind is RegionType.SYSTEM and found.start.name == "a":
        return ("href",)  # the author's words for "unsubscribe" stay; only the address is ours
    return ("content",)


def _blocking(findings: Sequence[Finding], known: set[tuple[str, str]]) -> list[Problem]:
    """Blocking findings as problems of the source; a rule that could not tell refuses as well."""
    problems = []
    for finding in findings:
        if finding.severity is not Severity.BLOCK:
            continue
        if finding.code == "SEC001" and finding.quote[:2] in ("<!", "<?", "</"):
            continue  # told as template.broken
        if finding.state is FindingState.UNDECIDABLE and finding.line:
            continue  # a link that begins with a merge field has been refused by name
        params: dict[str, str | int] = {**finding.params, "quote": finding.quote}
        if finding.line:
            params["line"] = finding.line
        if (str(params.get("line", "")), finding.code) not in known:
            problems.append(Problem(finding.code, finding.region, params))
    return problems


def _line(problem: Problem) -> int:
    line = problem.params.get("line", 0)
    return line if isinstance(line, int) else 0


@dataclass(frozen=True, slots=True)
class _Edit:
    """Replace ``[start, end)`` by parts; a part with a region becomes a slot."""

    start: int
    end: int
    parts: tuple[tuple[bytes, str, str], ...] = ()


def _compile(source: bytes, digest: str, tokens: Sequence[Token], found: Sequence[Found],
             grouped: Sequence[Grouped], findings: Sequence[Finding]) -> Compiled:
    try:
        styles = inline.styles(source, tokens)
    except ValueError:
        raise Refused([Problem("template.css_unreadable")]) from None
    title, preheader, language = "", "", "en"
    by_start = {one.start.start: one for one in found}
    edits = [_Edit(at, at, ((b"", one.block.id, _BORDER),)) for one in grouped for at in (one.start, one.end)]
    open_until = 0
    for token in tokens:
        if token.start < open_until:
            continue  # inside a region: what a partner writes there is not inlined either
        if token.kind is Kind.RAW and token.name == "title":
            title = " ".join(source[token.start:token.end].decode().split())
        if token.kind is not Kind.START:
            continue
        if token.name == "html":
            language = (token.get("lang") or "").strip() or language
        if token.name == "meta" and (token.get("name") or "").lower() == "preheader":
            preheader = (token.get("content") or "").strip()
            edits.append(_Edit(token.start, token.end))
            continue
        region = by_start.get(token.start)
        edits += _tag_edits(source, token, styles.get(token.start), region)
        if region and region.end and "content" in _contexts(region):
            open_until = region.end.start
        if token.name == "body":
            edits.append(_Edit(token.end, token.end, ((b"", "preheader", "content"),)))
    html, places = _apply(source, edits)
    slots = tuple(slot for slot in places if slot.context != _BORDER)
    borders = [slot for slot in places if slot.context == _BORDER]
    _check_same_tokens(tokens, tokenise(html), html)
    fields, problems = merge.places(html, tokenise(html), slots)
    more = merge.parse(title)[1] + merge.parse(preheader)[1]
    if problems or more:
        raise Refused([*problems, *more])
    extra = merge.parse(title)[0] + merge.parse(preheader)[0]
    return Compiled(
        html=html.decode(), slots=slots, regions=tuple(one.region for one in found),
        merge_fields=tuple(sorted({(p.field, p.default) for p in [*fields, *extra]})), language=language,
        title=_unescaped(title), preheader=preheader, source_sha256=digest,
        findings=tuple(f for f in findings if f.severity is not Severity.BLOCK),
        blocks=tuple(_block(one.block, borders) for one in grouped),
    )


def _block(block: Block, borders: Sequence[Slot]) -> Block:
    """The block with its place in the compiled HTML."""
    start, end = (border.start for border in borders if border.region == block.id)
    return replace(block, start=start, end=end)


def _unescaped(text: str) -> str:
    import html

    return html.unescape(text)


def _tag_edits(source: bytes, token: Token, style: str | None, found: Found | None) -> list[_Edit]:
    """The edits of one start tag: region attributes out, inlined style in, slots cut."""
    edits = [_Edit(a.start, a.end) for a in token.attributes if a.name.startswith(_OWN)]
    attributes_end = token.attributes[-1].end if token.attributes else token.start + 1 + len(token.name.encode())
    if style is not None:
        edits.append(_attribute_edit(token, attributes_end, "style", ((_escaped(style), "", ""),)))
    if found is None:
        return edits
    for context in _contexts(found):
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
    import html

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
        return [(t.kind, t.name) for t in tokens
                if t.kind is not Kind.TEXT and not (t.name == "meta" and (t.get("name") or "").lower() == "preheader")]

    if kinds(before) != kinds(after):
        raise AssertionError(f"compiling changed the structure of a template ({len(html)} bytes)")
