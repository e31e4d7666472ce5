"""BRD001 to BRD006: how the mail looks, by the brand's kit; a part that the kit leaves empty demands nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from chalicelib.domain.compliance import colours, words
from chalicelib.domain.compliance.document import Document, Element, ImageFact, MailFacts
from chalicelib.domain.compliance.finding import Finding, FindingState, Severity, quoted
from chalicelib.domain.compliance.gather import distinct_styles, gathered, of_tag, style_of
from chalicelib.domain.compliance.registry import Rule
from chalicelib.domain.kit import Logo

_COLOURED = ("color", "background-color", "background", "border", "border-color", "border-top", "border-bottom",
             "border-left", "border-right", "outline", "border-top-color", "border-bottom-color")
_GENERIC = frozenset({"serif", "sans-serif", "monospace", "cursive", "fantasy", "system-ui"})
_PIXELS = re.compile(r"([0-9]{1,5}(?:\.[0-9]{1,4})?)(?:px)?\Z")
NEAR = 6
"""Bits in which the fingerprints of two images may differ for one to be a copy of the other."""


def _colour(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """BRD001: colours of the palette (CIEDE2000 within the kit's bound), each foreign colour once.

    White, black and what cannot be seen are nobody's colours.
    """
    palette = [found[0] for c in facts.kit.palette if (found := colours.parse(c))]
    if not palette:
        return
    used: dict[colours.Rgb, tuple[str, int]] = {}
    for style, read in distinct_styles(document):
        for name, value in read.properties:
            if name in _COLOURED:
                for rgb, alpha in colours.within(value):
                    if alpha > 0:
                        used.setdefault(rgb, (style.region, style.line))
    old = [(index, place, value) for place, name in enumerate(("bgcolor", "color"))
           for index, value in gathered(document).attribute(name).items()]
    for index, _, value in sorted(old):
        if value and (found := colours.parse(value)):
            used.setdefault(found[0], (document.elements[index].region, document.elements[index].line))
    for rgb, (region, line) in used.items():
        if rgb in (colours.WHITE, colours.BLACK) or rgb in palette:
            continue
        distance, nearest = colours.nearest(rgb, palette)
        if distance > facts.kit.max_difference:
            yield Finding(code="BRD001", severity=Severity.WARN, region=region, line=line, quote=colours.as_hex(rgb),
                          params={"nearest": colours.as_hex(nearest)},
                          fix=(colours.as_hex(rgb), colours.as_hex(nearest)))


def _font(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """BRD002: the first font is the brand's, the last one any client has; each stack once."""
    allowed = {words.fold(font) for font in facts.kit.fonts}
    stacks: dict[str, tuple[str, int]] = {}
    if allowed:
        for style, read in distinct_styles(document):
            if "font-face" in read.at_rules:
                continue
            for name, value in read.properties:
                if name == "font-family" and value not in ("inherit", "initial", "unset"):
                    stacks.setdefault(value, (style.region, style.line))
    for stack, (region, line) in stacks.items():
        families = [words.fold(f.strip().strip("'\"")) for f in stack.split(",")]
        if families[0] not in allowed or families[-1] not in _GENERIC:
            yield Finding(code="BRD002", severity=Severity.WARN, region=region, line=line, quote=quoted(stack),
                          fix=(stack, f"{facts.kit.fonts[0]}, sans-serif"))


def _logos(document: Document, facts: MailFacts) -> Iterator[tuple[Element, Logo]]:
    """The logos in a mail: the kit's, by address or bytes, and what the library says is one; with its own ratio."""
    known = {image.url: image for image in facts.images}
    for element in of_tag(document, "img"):
        if element.mso:
            continue
        source = element.get("src") or ""
        image = known.get(source)
        ratio = image.width / image.height if image and image.width and image.height else 0.0
        listed = [logo for logo in facts.kit.logos if (source and source == logo.url)
                  or (logo.sha256 and image and image.sha256 == logo.sha256)]
        for logo in listed:
            yield element, logo if logo.ratio else replace(logo, ratio=ratio)
        if image and image.logo and not listed and not image.withdrawn:
            yield element, Logo(id=image.name, url=source, ratio=ratio)


def _logo_missing(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """BRD003: one of the brand's logos stands in the mail, by its address or its bytes."""
    if facts.kit.logos and facts.kit.logo_required and not any(_logos(document, facts)):
        yield Finding(code="BRD003", quote=facts.kit.logos[0].id)


def _logo_size(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """BRD004: a logo is neither too small nor too large nor squeezed (2 percent are rounding)."""
    for element, logo in _logos(document, facts):
        width, height = (_pixels(document, element, name) for name in ("width", "height"))
        if width is None:
            continue
        wrong = not logo.min_width <= width <= logo.max_width
        squeezed = bool(logo.ratio and height) and abs(width / (height or 1) / logo.ratio - 1) > 0.02
        if wrong or squeezed:
            yield Finding(code="BRD004", region=element.region, line=element.line,
                          quote=f"{width:g}" + (f" × {height:g}" if height else ""),
                          params={"least": logo.min_width, "most": logo.max_width, "ratio": f"{logo.ratio:.3g}"})


def _clear_space(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """BRD005: the padding of the logo's cell keeps its clear space; elsewhere nobody can tell."""
    for element, logo in _logos(document, facts):
        if not logo.clear_space:
            continue
        parent = document.elements[element.parent] if element.parent >= 0 else None
        padding = style_of(document, parent).value("padding") if parent else ""
        sides = [_PIXELS.match(part) for part in padding.split()]
        if parent is None or parent.tag not in ("td", "th", "div") or not sides or not all(sides):
            yield Finding(code="BRD005", severity=Severity.WARN, state=FindingState.UNDECIDABLE, region=element.region,
                          line=element.line, quote=logo.id, params={"space": logo.clear_space})
        elif min(float(side.group(1)) for side in sides if side) < logo.clear_space:
            yield Finding(code="BRD005", severity=Severity.WARN, region=element.region, line=element.line,
                          quote=logo.id, params={"space": logo.clear_space})


def _pixels(document: Document, element: Element, name: str) -> float | None:
    read = style_of(document, element).value(name) or (element.get(name) or "").strip()
    match = _PIXELS.match(read)
    return float(match.group(1)) if match else None


def _image(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """BRD006: an image in an open field is HQ's, or one that a person has agreed to.

    A partner's own picture is a warning; a near copy of an approved one is most likely that one, cut
    or saved anew, which a person sees at a glance. What nobody knows blocks, and what was withdrawn.
    """
    known = {image.url: image for image in facts.images}
    approved = [image for image in facts.images if _agreed(image)]
    for element in of_tag(document, "img"):
        source = element.get("src") or ""
        if not element.region or not source or facts.template:
            continue
        image = known.get(source)
        own = image is not None and image.origin == "partner"
        here = not own or element.region not in facts.brand_only
        if source in facts.kit.images or (image and _agreed(image) and here):
            continue
        usable = image is not None and here and not image.withdrawn
        near = next((other for other in approved if image and usable and _near(image, other)), None)
        yield Finding(
            code="BRD006", severity=Severity.WARN if usable and (own or near) else Severity.BLOCK,
            region=element.region, state=FindingState.UNDECIDABLE if near else FindingState.FAIL,
            quote=quoted(_called(source, image, near)), line=element.line,
        )


def _agreed(image: ImageFact) -> bool:
    """Whether HQ offers it, or a person has agreed to it."""
    return not image.withdrawn and (image.origin == "hq" or image.approved)


def _called(source: str, image: ImageFact | None, near: ImageFact | None) -> str:
    """An image by its name where it has one; with what it is a copy of, or, withdrawn, with its identity."""
    name = image.name if image and image.name else source
    if image and image.withdrawn:
        return f"{name} · {image.sha256[:8]}"
    return f"{name} ≈ {near.name or near.url}" if near else name


def _near(image: ImageFact, other: ImageFact) -> bool:
    if len(image.fingerprint) != 16 or len(other.fingerprint) != 16:
        return False
    return (int(image.fingerprint, 16) ^ int(other.fingerprint, 16)).bit_count() <= NEAR


RULES = (
    Rule("BRD001", Severity.WARN, _colour),
    Rule("BRD002", Severity.WARN, _font),
    Rule("BRD003", Severity.BLOCK, _logo_missing),
    Rule("BRD004", Severity.BLOCK, _logo_size),
    Rule("BRD005", Severity.WARN, _clear_space),
    Rule("BRD006", Severity.BLOCK, _image),
)
