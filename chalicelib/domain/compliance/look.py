"""How each element looks: colour, background, size and weight, inherited through the mail in one pass.

Templates are inlined at publish, so an element's own ``style`` and the old attributes say nearly all;
of style sheets what :mod:`cascade` follows. Where an image lies behind the text the background is
unknown, and no rule guesses it. A browser judges the mails of ``tests/corpus/contrast.py`` alike.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from chalicelib.domain.compliance import colours, css, gather
from chalicelib.domain.compliance.cascade import Sheet
from chalicelib.domain.compliance.colours import Rgb
from chalicelib.domain.compliance.document import Document, Element
from chalicelib.domain.record import dataclass

_SIZE = re.compile(r"([0-9]{0,6}\.?[0-9]{0,6})(px|pt|em|rem|%)?\Z")
_SIZES = {"h1": 2.0, "h2": 1.5, "h3": 1.17, "h4": 1.0, "h5": 0.83, "h6": 0.67, "small": 0.833, "big": 1.2,
          "sup": 0.833, "sub": 0.833}
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_WORDS = {"xx-small": 9.0, "x-small": 10.0, "small": 13.0, "medium": 16.0, "large": 18.0, "x-large": 24.0,
          "xx-large": 32.0}
_OF_FONT = (10.0, 13.0, 16.0, 18.0, 24.0, 32.0, 48.0)
"""``<font size="1">`` to 7, in pixels (HTML standard, "rules for parsing a legacy font size")."""
_BOLD = frozenset({"b", "strong", "th", *_HEADINGS})
_OWN = frozenset({"a", "mark", *_SIZES, *_BOLD})
"""Elements that browsers give a look of their own."""
_GIVEN = frozenset({"style", "color", "bgcolor", "background", "hidden", "size", "href"})
"""Attributes on which a look depends."""
_READ = ("color", "background", "font", "opacity", "display", "visibility", "url")
"""What a rule of a style sheet must speak of to change a look."""
_BOLD_FROM = 700
"""CSS Fonts 4: the weight that ``bold`` stands for; WCAG's "bold" and browsers' checkers take the same."""
_FONT = re.compile(r"(?:\A|\s)(?P<size>[0-9.]{1,8}(?:px|pt|em|rem|%)|(?:xx?-)?(?:small|large)|medium|larger|smaller)"
                   r"(?:\s*/\s*\S+)?\s+\S")
"""The size in a ``font`` shorthand: what stands before the family."""
MARKED: Rgb = (255, 255, 0)
"""What browsers lay behind ``<mark>``."""
_WEIGHT = re.compile(r"(?:\A|\s)(bold|bolder|[1-9]00)(?:\s|\Z)")


@dataclass(frozen=True, slots=True)
class Look:
    """``background`` is None where an image may lie behind; sizes in CSS pixels; ``hidden``: nobody sees it.

    ``veils`` are the opacities around, outermost first, each with the background behind it.
    """

    colour: Rgb = colours.BLACK
    background: Rgb | None = colours.WHITE
    size: float = 16.0
    bold: bool = False
    hidden: bool = False
    veils: tuple[tuple[float, Rgb | None], ...] = ()

    def seen(self) -> tuple[Rgb, Rgb | None]:
        """Colour and background as they reach the eye, through every opacity around."""
        colour, background = self.colour, self.background
        for opacity, behind in reversed(self.veils):
            if background is None or behind is None:
                return colour, None
            colour, background = colours.over(colour, opacity, behind), colours.over(background, opacity, behind)
        return colour, background


def looks(document: Document) -> Sequence[Look]:
    """One look per element, computed once per document; raises ValueError where a style cannot be read."""
    found = document.cache.get("looks")
    if found is None:
        try:
            found = _looks(document)
        except ValueError as error:
            found = str(error)
        document.cache["looks"] = found
    if isinstance(found, str):
        raise ValueError(found)
    return found  # type: ignore[return-value]


def _looks(document: Document) -> list[Look]:
    """Elements that are alike in alike surroundings, as the rows of a mail are, look alike and share one look."""
    nothing, made = Look(), list[Look]()
    known: dict[tuple[int, str, str, tuple[tuple[str, str], ...]], Look] = {}
    given = gather.gathered(document)
    sheet = Sheet((style.text for style in document.styles if not style.inline), _READ, given.attribute("class"),
                  given.attribute("id"))
    for index, element in enumerate(document.elements):
        parent = made[element.parent] if 0 <= element.parent < index else nothing
        general = sheet.declarations(index, document.elements) if sheet else ""
        own = tuple([pair for pair in element.attributes if pair[0] in _GIVEN]) if element.attributes else ()
        if not general and not own and element.tag not in _OWN:
            made.append(parent)
            continue
        # A parent's number is its own for as long as the list holds it.
        key = (id(parent), element.tag, general, own)
        look = known.get(key)
        if look is None:
            look = known[key] = _look(document, element, parent, general)
        made.append(look)
    return made


def _look(document: Document, element: Element, parent: Look, general: str) -> Look:
    style, attributes = "", {"color": "", "bgcolor": "", "background": "", "hidden": "", "size": ""}
    for name, value in element.attributes:
        if name == "style":
            style = style or value
        elif name in attributes:
            attributes[name] = attributes[name] or value or "yes"
    tag = element.tag
    if general:
        style = f"{general};{style}"
    if not style and tag not in _OWN and not any(attributes.values()):
        return parent
    read = gather.style(document, style)
    background = _background(read, attributes, parent, tag)
    font, weight = _font(read)
    if not font and tag == "font":
        font = _legacy(attributes["size"])
    opacity = _opacity(read.value("opacity"))
    return Look(
        colour=_colour(element, read, attributes["color"], parent, background), background=background,
        size=size_of(font, parent.size, tag), bold=_bold(weight, tag, parent.bold),
        hidden=parent.hidden or bool(attributes["hidden"]) or read.value("display") == "none"
        or read.value("visibility") == "hidden",
        veils=(*parent.veils, (opacity, parent.background)) if opacity < 1 else parent.veils,
    )


def _font(read: css.Facts) -> tuple[str, str]:
    """Size and weight as declared, "" where they are not; of ``font`` and a longer name the later one counts."""
    size, weight = "", ""
    for name, value in read.properties:
        if name == "font-size":
            size = value
        elif name == "font-weight":
            weight = value
        elif name == "font" and (match := _FONT.search(value)):
            size, weight = match["size"], "normal"
            if bold := _WEIGHT.search(value[:match.start("size")]):
                weight = bold[1]
    return size, weight


def _legacy(size: str) -> str:
    """``<font size>`` in pixels: 1 to 7, or steps from 3."""
    if not re.fullmatch(r"[+-]?[0-9]{1,3}", size):
        return ""
    step = int(size) + (3 if size[0] in "+-" else 0)
    return f"{_OF_FONT[min(max(step, 1), 7) - 1]:g}px"


def _opacity(value: str) -> float:
    """0 to 1; what cannot be read hides nothing."""
    match = re.fullmatch(r"([0-9]*\.?[0-9]+)(%?)", value)
    return min(float(match[1]) / (100 if match[2] else 1), 1.0) if match else 1.0


def _background(read: css.Facts, attributes: dict[str, str], parent: Look, tag: str) -> Rgb | None:
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
    return MARKED if tag == "mark" else parent.background


def _colour(element: Element, read: css.Facts, attribute: str, parent: Look, background: Rgb | None) -> Rgb:
    value = read.value("color") or attribute
    if value == "initial" or (element.tag == "mark" and not value):
        return colours.BLACK
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
        return 16 * _SIZES[tag] if tag in _HEADINGS else parent * _SIZES.get(tag, 1.0)
    if value in _WORDS:
        return _WORDS[value]
    if value in ("larger", "smaller"):
        return parent * 1.2 if value == "larger" else parent / 1.2
    match = _SIZE.match(value)
    if not match or not match.group(1) or match.group(1) == ".":
        return parent
    number, unit = float(match.group(1)), match.group(2)
    return number * {"px": 1.0, "pt": 4 / 3, "em": parent, "rem": 16.0, "%": parent / 100}.get(unit or "px", 1.0)


def _bold(weight: str, tag: str, parent: bool) -> bool:
    if weight:
        return weight in ("bold", "bolder") or (weight.isdigit() and int(weight) >= _BOLD_FROM)
    return tag in _BOLD or parent
