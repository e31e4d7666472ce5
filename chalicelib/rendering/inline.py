"""Inlining CSS once, at publish, without letting a parser write the mail.

premailer works on a tree made from the source, in which every start tag carries its number;
the ``style`` it computes for a number is put into that tag of the *source* by position. So
comments, template syntax, tables and every other byte stay as the author wrote them, and the
style sheets stay for media queries. Nothing is fetched: ``@import`` and ``<link>`` are refused
before, and premailer is told not to. What it may cost is bounded by counting first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from chalicelib.domain.errors import Problem
from chalicelib.rendering.tokens import VOID, Kind, Token

MARK = "data-cs-number"
MAX_ELEMENTS = 5_000
MAX_CSS = 64 * 1024
MAX_SELECTORS = 600
MAX_COMBINATORS = 8
MAX_WORK = 600_000
"""Elements times selectors; each pair may cost a step of XPath."""
MAX_DESCENT = 4_000_000
"""Descendant combinators times the summed depth of all elements; about 1.5 million take a second."""

_COMBINATOR = re.compile(r"\s*+[>+~]\s*+|\s++")


def budget(source: bytes, tokens: Sequence[Token]) -> list[Problem]:
    """What would make inlining too expensive, told before it begins."""
    elements = sum(1 for token in tokens if token.kind is Kind.START)
    css = [source[t.start:t.end].decode("utf-8", "replace") for t in tokens if t.kind is Kind.RAW and t.name == "style"]
    size = sum(len(text) for text in css)
    problems = []
    if elements > MAX_ELEMENTS:
        problems.append(Problem("template.too_many_elements", "", {"count": elements, "limit": MAX_ELEMENTS}))
    if size > MAX_CSS:
        problems.append(Problem("template.css_too_big", "", {"bytes": size, "limit": MAX_CSS}))
    if problems:
        return problems
    selectors = [selector.strip() for text in css for selector in _selectors(text)]
    combinators = [len(_COMBINATOR.findall(selector)) for selector in selectors]
    if (
        len(selectors) > MAX_SELECTORS or len(selectors) * elements > MAX_WORK
        or max(combinators, default=0) > MAX_COMBINATORS or sum(combinators) * _summed_depth(tokens) > MAX_DESCENT
    ):
        problems.append(Problem("template.css_too_complex", "", {"selectors": len(selectors), "elements": elements}))
    return problems


def styles(source: bytes, tokens: Sequence[Token]) -> Mapping[int, str]:
    """The new ``style`` of each start tag that gains or changes one, by the tag's offset.

    ``source`` must have passed :func:`budget` and the rules on external CSS. Raises ValueError
    for CSS that premailer cannot read.
    """
    if not any(token.kind is Kind.RAW and token.name == "style" for token in tokens):
        return {}
    from lxml import etree

    numbered = _numbered(source, tokens)
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, huge_tree=False, recover=True)
    root = etree.fromstring(numbered, parser)
    if root is None:
        return {}
    _inline(root)
    out = {}
    for element in root.iter(etree.Element):
        number, style = element.get(MARK), element.get("style")
        if number and style:
            out[int(number)] = style.replace('"', "'")
    return {t.start: out[t.start] for t in tokens if out.get(t.start, t.get("style")) != t.get("style")}


def _summed_depth(tokens: Sequence[Token]) -> int:
    """The depths of all elements, added; the depth of a tag is how many are open around it."""
    depth = total = 0
    for token in tokens:
        if token.kind is Kind.START:
            total += depth
            depth += token.name not in VOID
        elif token.kind is Kind.END:
            depth = max(0, depth - 1)
    return total


def _inline(root: object) -> None:
    """Run premailer on the tree, in place."""
    import logging

    from premailer import Premailer
    from premailer.premailer import PremailerError

    try:
        Premailer(
            root, allow_network=False, allow_loading_external_files=False, keep_style_tags=True,
            disable_leftover_css=True, disable_validation=True, disable_link_rewrites=True, align_floating_images=False,
            disable_basic_attributes=["align", "bgcolor", "height", "valign", "width"], strip_important=False,
            cache_css_parsing=False, cssutils_logging_level=logging.CRITICAL,
        ).transform()
    except (PremailerError, SyntaxError, AttributeError, TypeError, LookupError, AssertionError) as error:
        raise ValueError(f"the style sheets cannot be inlined: {type(error).__name__}") from error


def _numbered(source: bytes, tokens: Sequence[Token]) -> bytes:
    """The source with every start tag's offset in an attribute of its own."""
    out, position = [], 0
    for token in tokens:
        if token.kind is Kind.START:
            at = token.start + 1 + len(token.name.encode())
            out += [source[position:at], f' {MARK}="{token.start}"'.encode()]
            position = at
    out.append(source[position:])
    return b"".join(out)


def _selectors(text: str) -> list[str]:
    """The selectors outside at-rules, commas split; enough for counting."""
    import tinycss2

    rules = tinycss2.parse_stylesheet(text, skip_comments=True, skip_whitespace=True)
    preludes = [tinycss2.serialize(rule.prelude) for rule in rules if rule.type == "qualified-rule"]
    return [selector for prelude in preludes for selector in prelude.split(",")]


