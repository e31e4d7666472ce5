"""Compiling an uploaded HTML source: read it, refuse it with every reason and line, or have it cut into slots."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from chalicelib.domain.compliance import Finding, FindingState, MailFacts, Severity, check_template
from chalicelib.domain.errors import Problem, Refused
from chalicelib.domain.kit import Kit
from chalicelib.domain.template import Slot
from chalicelib.rendering import document, groups, inline, merge, mjml, regions
from chalicelib.rendering.cut import Compiled, cut
from chalicelib.rendering.lines import Lines
from chalicelib.rendering.regions import Found
from chalicelib.rendering.structure import Tree, build
from chalicelib.rendering.tokens import Kind, Token, tokenise

MAX_UPLOAD = 5 * 1024 * 1024
MAX_SOURCE = 500 * 1024
MAX_PROBLEMS = 100
MAX_REGIONS = 200
_TOO_MUCH = frozenset({"template.too_deep", "template.too_many_elements", "template.css_too_big",
                       "template.css_too_complex"})
"""What ends the reading: the rules behind it would cost more than they could tell."""
_CONTROL = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")
_RAW_CR = re.compile(rb"\r(?!\n)")
_NONCHARACTER = re.compile("[\ufdd0-\ufdef\ufffe\uffff\u202a-\u202e\u2066-\u2069]")


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
    return cut(source, digest, tokens, found, grouped, findings)


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
        for context in one.contexts:
            attribute = one.start.attribute(context)
            if context == "content" and one.end is not None:
                slots.append(Slot(one.region.id, one.start.end, one.end.start))
            elif attribute is not None:
                slots.append(Slot(one.region.id, attribute.value_start, attribute.value_end, context))
    return tuple(sorted(slots, key=lambda slot: slot.start))


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
