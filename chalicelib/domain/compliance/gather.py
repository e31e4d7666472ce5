"""What several rules ask of a mail, found once: its elements by tag and attribute, its styles read.

Each distinct style is parsed once per mail, however many elements carry it; one that cannot be read
raises ValueError for every rule that asks for it, and is not parsed again either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from chalicelib.domain.compliance import css
from chalicelib.domain.compliance.document import Css, Document, Element
from chalicelib.domain.record import dataclass

_NONE: Mapping[int, str] = {}


@dataclass(frozen=True, slots=True)
class Gathered:
    """``tags``: indexes by tag; ``attributes``: index -> value by name (the first of several, as in a
    browser); ``texts``: indexes of elements in which text stands directly. All in the order of the mail.
    """

    tags: Mapping[str, Sequence[int]]
    attributes: Mapping[str, Mapping[int, str]]
    texts: Sequence[int]

    def attribute(self, name: str) -> Mapping[int, str]:
        """Who has an attribute, and its value."""
        return self.attributes.get(name, _NONE)


def gathered(document: Document) -> Gathered:
    """The one walk over all elements."""
    found = document.cache.get("gathered")
    if found is None:
        document.cache["gathered"] = found = _walk(document.elements)
    return found  # type: ignore[return-value]


def _walk(elements: Sequence[Element]) -> Gathered:
    tags: dict[str, list[int]] = {}
    attributes: dict[str, dict[int, str]] = {}
    texts: list[int] = []
    for index, (tag, given, _, own, *_) in enumerate(elements):
        tags.setdefault(tag, []).append(index)
        if own and not own.isspace():
            texts.append(index)
        for name, value in given:
            attributes.setdefault(name, {}).setdefault(index, value)
    return Gathered(tags, attributes, texts)


def of_tag(document: Document, *tags: str) -> list[Element]:
    """The elements of these tags, in order."""
    by_tag, elements = gathered(document).tags, document.elements
    if len(tags) == 1:
        return [elements[index] for index in by_tag.get(tags[0], ())]
    return [elements[index] for index in sorted(index for tag in tags for index in by_tag.get(tag, ()))]


def style(document: Document, text: str, inline: bool = True) -> css.Facts:
    """A style's facts; raises ValueError for one that cannot be read."""
    known = document.cache.get("styles")
    if known is None:
        document.cache["styles"] = known = {}
    found = known.get((text, inline))  # type: ignore[attr-defined]
    if found is None:
        try:
            found = css.read(text, inline)
        except ValueError as error:
            found = str(error)
        known[text, inline] = found  # type: ignore[index]
    if isinstance(found, str):
        raise ValueError(found)
    return found  # type: ignore[no-any-return]


def texts_that(document: Document, test: Callable[[css.Facts], object]) -> frozenset[str]:
    """The texts of ``style`` attributes whose facts pass a test, or that cannot be read: who asks on will be told."""
    found = set[str]()
    for text in {one.text for one in document.styles if one.inline}:
        try:
            passed = test(style(document, text))
        except ValueError:
            passed = True
        if passed:
            found.add(text)
    return frozenset(found)


def style_of(document: Document, element: Element) -> css.Facts:
    """The facts of an element's own style."""
    return style(document, element.get("style") or "")


def distinct_styles(document: Document) -> Sequence[tuple[Css, css.Facts]]:
    """The first of each style text, for rules that tell a thing once; raises ValueError where one cannot be read."""
    found = document.cache.get("distinct")
    if found is None:
        first: dict[tuple[str, bool], Css] = {}
        for one in document.styles:
            first.setdefault((one.text, one.inline), one)
        found = [(one, style(document, one.text, one.inline)) for one in first.values()]
        document.cache["distinct"] = found
    return found  # type: ignore[return-value]


def styles_that(document: Document, test: Callable[[css.Facts], object]) -> Sequence[tuple[Css, css.Facts]]:
    """Every style whose facts pass a test, mostly none; raises ValueError where one cannot be read."""
    passed = {(one.text, one.inline): facts for one, facts in distinct_styles(document) if test(facts)}
    if not passed:
        return ()
    return [(one, passed[one.text, one.inline]) for one in document.styles if (one.text, one.inline) in passed]
