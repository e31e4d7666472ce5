"""MJML, compiled once at publish by mrml; then it is a source like any other.

``css-class="region-headline"`` marks a field, ``system-imprint`` a part that the program fills,
``optional-note`` and ``repeat-offers`` blocks. MJML puts such a class on the cell around its
element, so the mark is moved to what holds the words, the picture or the link. Includes are
refused: nothing is read from a disk or a network.
"""

from __future__ import annotations

import html
import re

from chalicelib.domain.errors import Problem, Refused
from chalicelib.rendering.lines import Lines
from chalicelib.rendering.structure import Node, build
from chalicelib.rendering.tokens import Kind, tokenise

MAX_ELEMENTS = 2_000
_START = re.compile(rb"\s*(?:<\?xml[^<>]*+>\s*)?(?:<!--(?:[^-]|-(?!->))*+-->\s*)*+<mjml\b", re.IGNORECASE)
_CLASS = re.compile(r"(region|system|optional|repeat)-([a-z][a-z0-9_-]{0,39})")
_PREVIEW = re.compile(rb"<mj-preview\b[^<>]*+>([^<]*+)</mj-preview\s*>", re.IGNORECASE)
_TITLE = re.compile(rb"<mj-title\b[^<>]*+>([^<]*+)</mj-title\s*>", re.IGNORECASE)
_NOSCRIPT = re.compile(rb"</?noscript>(?=\s*<(?:/?xml|!\[endif))")
_FONTS = re.compile(rb'<link href="[^"]*+" rel="stylesheet" type="text/css">|'
                    rb'<style type="text/css">\s*(?:@import url\([^()]*+\);\s*)++</style>')
"""What MJML adds for web fonts: nothing is loaded from elsewhere, and readers get the next font of the list."""
_HIDDEN = re.compile(rb'(<body\b[^<>]*+>\s*)<div style="display:none[^"<>]*+">[^<]*+</div>', re.IGNORECASE)
_POSITION = re.compile(r"at position ([0-9]+):")


def is_mjml(source: bytes) -> bool:
    """Whether a source is MJML."""
    return _START.match(source) is not None


def to_html(source: bytes) -> bytes:
    """The HTML of an MJML source, with our marks.

    Raises Refused ``template.mjml_include``, ``template.mjml`` (with the line, where mrml tells
    it), ``template.too_many_elements`` and ``template.too_deep``.
    """
    _within_bounds(source)
    title, preview = _TITLE.search(source), _PREVIEW.search(source)
    # mrml puts the title into an attribute too, where a merge field's quotes would end it.
    made = _compiled(_TITLE.sub(lambda m: b"<mj-title>" + b"\n" * m.group().count(b"\n") + b"</mj-title>", source))
    made = _FONTS.sub(b"", _NOSCRIPT.sub(b"", made))
    if title:
        words = b" ".join(title.group(1).split())
        made = re.sub(rb"<title>\s*</title>", lambda _: b"<title>" + words + b"</title>", made, count=1)
    if preview:
        text = html.escape(html.unescape(" ".join(preview.group(1).decode().split())))
        made = _HIDDEN.sub(rb"\1", made, count=1).replace(
            b"</head>", f'<meta name="preheader" content="{text}"></head>'.encode(), 1)
    return _marked(made)


def _within_bounds(source: bytes) -> None:
    """Includes are refused by name; size and depth are bounded before a recursive parser sees them."""
    tokens, lines = tokenise(source), Lines(source)
    tree = build(tokens)
    problems = [
        Problem("template.mjml_include", "", {"line": lines.at(node.start.start)})
        for node in tree.nodes if node.name == "mj-include"
    ]
    if len(tree.nodes) > MAX_ELEMENTS:
        problems.append(Problem("template.too_many_elements", "", {"count": len(tree.nodes), "limit": MAX_ELEMENTS}))
    if tree.too_deep:
        problems.append(Problem("template.too_deep", "", {"line": lines.at(tree.too_deep.start)}))
    if any(t.kind is Kind.DOCTYPE for t in tokens) or b"<!ENTITY" in source.upper():
        problems.append(Problem("template.mjml", "", {"line": 1, "reason": "<!DOCTYPE>"}))
    if problems:
        raise Refused(problems[:100])


def _compiled(source: bytes) -> bytes:
    import mrml

    try:
        # Without a loader there is nothing that an include could read, even if one were not seen above.
        options = mrml.ParserOptions(include_loader=mrml.noop_loader())
        return mrml.to_html(source.decode(), options).content.encode()
    except (OSError, ValueError) as error:
        raise Refused([_refused(source, str(error))]) from None
    except BaseException as error:
        # A panic of the Rust library arrives as an exception that is no Exception.
        if type(error).__name__ != "PanicException":
            raise
        raise Refused([_refused(source, "panic")]) from None


def _refused(source: bytes, reason: str) -> Problem:
    position = _POSITION.search(reason)
    line = source.count(b"\n", 0, int(position.group(1))) + 1 if position else 1
    return Problem("template.mjml", "", {"line": line, "reason": reason.partition(" in root")[0][:80]})


def _marked(made: bytes) -> bytes:
    """Move the marks from classes to attributes of the element that they mean."""
    from chalicelib.rendering.edited import Edited

    work = Edited(made).read()
    for node in work.tree.nodes:
        for kind, name in _CLASS.findall(node.start.get("class") or ""):
            target = node if kind in ("optional", "repeat") else _meant(work.within(node), node)
            attribute = f"data_{kind}"
            button = kind == "region" and target.name == "a"
            work.mark(target.start, **{attribute: name}, data_region_type="button" if button else "")
    for node in work.tree.nodes:
        held = node.start.attribute("class")
        if held and _CLASS.search(held.value):
            rest = " ".join(word for word in held.value.split() if not _CLASS.fullmatch(word))
            work.edit(held.start, held.end, f' class="{html.escape(rest)}"' if rest else "")
    return work.apply().source


def _meant(inside: list[Node], around: Node) -> Node:
    """What a cell's mark is about: its one picture, its link, the box of its words, or the cell itself."""
    pictures = [n for n in inside if n.name == "img"]
    links = [n for n in inside if n.name == "a"]
    boxes = [n for n in inside if n.name == "div"]
    if len(pictures) == 1 and not boxes:
        return pictures[0]
    if len(links) == 1 and not boxes:
        return links[0]
    return boxes[0] if boxes else around
