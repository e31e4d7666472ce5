"""How each element looks: colour, background, size and weight, inherited through the mail in one pass.

Templates are inlined at publish, so an element's own ``style`` and the old attributes say nearly all;
of style sheets the simple selectors (tag, class, id) outside of conditions are followed. Where an
image lies behind the text the background is unknown, and no rule guesses it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from chalicelib.domain.compliance import colours, css
from chalicelib.domain.compliance.colours import Rgb
from chalicelib.domain.compliance.document import Document, Element
from chalicelib.domain.record import dataclass

_SIZE = re.compile(r"([0-9]{0,6}\.?[0-9]{0,6})(px|pt|em|rem|%)?\Z")
_SIZES = {"h1": 2.0, "h2": 1.5, "h3": 1.17, "h4": 1.0, "h5": 0.83, "h6": 0.67, "small": 0.833, "big": 1.2,
          "sup": 0.833, "sub": 0.833}
_WORDS = {"xx-small": 9.0, "x-small": 10.0, "small": 13.0, "medium": 16.0, "large": 18.0, "x-large": 24.0,
          "xx-large": 32.0}
_BOLD = frozenset({"b", "strong", "th", "h1", "h2", "h3", "h4", "h5", "h6"})
_SIMPLE = re.compile(r"([a-z][a-z0-9]*|\*)?((?:[.#][\w-]{1,80})*)\Z", re.IGNORECASE)
Sheet = dict[str, list[tuple[int, str, frozenset[str], str]]]
"""Rules by what an element must have (``p``, ``.text``, ``#top``): order, tag, all of its names, declarations."""


@dataclass(frozen=True, slots=True)
class Look:
    """``background`` is None where an image may lie behind; sizes in CSS pixels; ``hidden``: nobody sees it."""

    colour: Rgb = colours.BLACK
    background: Rgb | None = colours.WHITE
    size: float = 16.0
    bold: bool = False
    hidden: bool = False


def looks(document: Document) -> Sequence[Look]:
    """One look per element, computed once per document."""
    found = document.cache.get("looks")
    if found is None:
        made: list[Look] = []
        sheet = _sheet([style.text for style in document.styles if not style.inline])
        for element in document.elements:
            parent = made[element.parent] if 0 <= element.parent < len(made) else Look()
            made.append(_look(element, parent, sheet))
        document.cache["looks"] = found = made
    return found  # type: ignore[return-value]


def _sheet(texts: Sequence[str]) -> Sheet:
    """The simple rules of all style sheets, outside of ``@media`` and its like."""
    import tinycss2

    sheet: Sheet = {}
    order = 0
    for text in texts:
        css.read(text)  # refuses what is nested beyond reason
        for rule in tinycss2.parse_stylesheet(text, skip_comments=True, skip_whitespace=True):
            if rule.type != "qualified-rule":
                continue
            declarations = tinycss2.serialize(rule.content)
            for selector in tinycss2.serialize(rule.prelude).split(","):
                match = _SIMPLE.match(selector.strip())
                if match and selector.strip():
                    tag = (match.group(1) or "").lower().replace("*", "")
                    names = frozenset(re.findall(r"[.#][\w-]+", match.group(2)))
                    order += 1
                    sheet.setdefault(min(names, default=tag), []).append((order, tag, names, declarations))
    return sheet


def _from_sheet(element: Element, sheet: Sheet) -> str:
    names = {f".{name}" for name in (element.get("class") or "").split()}
    if element.get("id"):
        names.add(f"#{element.get('id')}")
    found = [
        (len(wanted), order, text)
        for key in (element.tag, "", *names) for order, tag, wanted, text in sheet.get(key, ())
        if (not tag or tag == element.tag) and wanted <= names
    ]
    return ";".join(text for *_, text in sorted(found))


def _look(element: Element, parent: Look, sheet: Sheet) -> Look:
    style, attributes = "", {"color": "", "bgcolor": "", "background": "", "hidden": ""}
    for name, value in element.attributes:
        if name == "style":
            style = style or value
        elif name in attributes:
            attributes[name] = attributes[name] or value or "yes"
    tag = element.tag
    if sheet and (general := _from_sheet(element, sheet)):
        style = f"{general};{style}"
    if not style and tag not in _SIZES and tag not in _BOLD and tag != "a" and not any(attributes.values()):
        return parent
    read = css.read(style, True)
    background = _background(read, attributes, parent)
    colour = _colour(element, read, attributes["color"], parent, background)
    return Look(
        colour=colour, background=background, size=size_of(read.value("font-size"), parent.size, tag),
        bold=_bold(read, tag, parent.bold),
        hidden=parent.hidden or bool(attributes["hidden"]) or read.value("display") == "none"
        or read.value("visibility") == "hidden",
    )


def _background(read: css.Facts, attributes: dict[str, str], parent: Look) -> Rgb | None:
    """The nearest colour behind; an image makes it unknown until a colour covers it again."""
    if read.urls and (read.value("background-image") or "url(" in read.value("background")):
        return None
    if attributes["background"] or "gradient" in read.value("background") + read.value("background-image"):
        return None
    for value in (read.value("background-color"), read.value("background"), attributes["bgcolor"]):
        found = colours.within(value) if value else ()
        if not found and value:
            one = colours.parse(value)
            found = (one,) if one else ()
        if found:
            rgb, alpha = found[0]
            if alpha >= 1:
                return rgb
            return colours.over(rgb, alpha, parent.background) if parent.background else None
    return parent.background


def _colour(element: Element, read: css.Facts, attribute: str, parent: Look, background: Rgb | None) -> Rgb:
    value = read.value("color") or attribute
    found = colours.parse(value) if value else None
    if found:
        rgb, alpha = found
        return rgb if alpha >= 1 or background is None else colours.over(rgb, alpha, background)
    if element.tag == "a" and element.get("href") is not None and not value:
        return (0, 0, 238)
    return parent.colour


def size_of(value: str, parent: float, tag: str = "") -> float:
    """A font size in pixels; what cannot be read is inherited."""
    if not value:
        return parent * _SIZES.get(tag, 1.0) if tag not in ("h1", "h2", "h3", "h4", "h5", "h6") else 16 * _SIZES[tag]
    if value in _WORDS:
        return _WORDS[value]
    match = _SIZE.match(value)
    if not match or not match.group(1) or match.group(1) == ".":
        return parent
    number, unit = float(match.group(1)), match.group(2)
    return number * {"px": 1.0, "pt": 4 / 3, "em": parent, "rem": 16.0, "%": parent / 100}.get(unit or "px", 1.0)


def _bold(read: css.Facts, tag: str, parent: bool) -> bool:
    weight = read.value("font-weight")
    if weight:
        return weight in ("bold", "bolder") or (weight.isdigit() and int(weight) >= 600)
    return tag in _BOLD or parent
