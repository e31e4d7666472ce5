"""A11Y: mails that a screen reader can read (WCAG 2.2)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from chalicelib.domain.compliance import colours
from chalicelib.domain.compliance.document import Document, Element, MailFacts
from chalicelib.domain.compliance.finding import Finding, FindingState, Severity, quoted
from chalicelib.domain.compliance.gather import gathered, of_tag
from chalicelib.domain.compliance.look import looks
from chalicelib.domain.compliance.registry import Rule
from chalicelib.domain.compliance.words import VAGUE, fold

MIN_SIZE = 14
_SILENT = frozenset({"title", "style", "head", "html", "script"})
_FILE = re.compile(r"\A[\w .()-]{1,80}\.(?:png|jpe?g|gif|webp|svg|avif|bmp|tiff?)\Z"
                   r"|\A(?:img|dsc|image|screenshot)[_ -]?[0-9]{2,}\Z", re.IGNORECASE)


def _alternative_text(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """A11Y001: an image has an ``alt``; an empty one says that it is decoration (WCAG 1.1.1).

    An image that a partner chose and left without words is told to the partner.
    """
    for element in of_tag(document, "img"):
        if element.mso or (element.region and facts.template):
            continue
        alt = element.get("alt")
        pixel = (element.get("width"), element.get("height")) == ("1", "1")
        if (alt is None and not pixel) or (element.region and not (alt or "").strip()):
            yield Finding(code="A11Y001", severity=Severity.WARN, region=element.region,
                          quote=quoted(element.get("src") or ""), line=element.line)


def _language(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """A11Y003: the document says its language, the campaign's own (WCAG 3.1.1)."""
    for element in of_tag(document, "html"):
        if not element.mso:
            said = (element.get("lang") or "").strip()
            if not said or (facts.language and said[:2].lower() != facts.language[:2].lower()):
                yield Finding(code="A11Y003", severity=Severity.WARN, line=element.line, quote=quoted(said))


def _contrast(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """A11Y002: text stands out, 4.5 to 1 or 3 to 1 where it is large (WCAG 1.4.3); over an image nobody can tell."""
    seen = set[tuple[colours.Rgb, colours.Rgb | None, float]]()
    for element, colour, background, needed in contrasts(document):
        key = (colour, background, needed)
        if key in seen:
            continue
        seen.add(key)
        own = element.region if element.get("style") or element.get("color") else ""
        if background is None:
            yield Finding(code="A11Y002", severity=Severity.WARN, state=FindingState.UNDECIDABLE, region=own,
                          line=element.line, quote=quoted(element.own), params={"ratio": "?", "needed": f"{needed:g}"})
        elif (ratio := colours.contrast(colour, background)) < needed:
            # Rounded down, so that 4.49 is not told as 4.5.
            yield Finding(code="A11Y002", severity=Severity.WARN, region=own, line=element.line,
                          quote=quoted(element.own),
                          params={"ratio": f"{int(ratio * 100) / 100:.2f}", "needed": f"{needed:g}"})


def contrasts(document: Document) -> Iterator[tuple[Element, colours.Rgb, colours.Rgb | None, float]]:
    """Each element with text that people see: its colour, what is behind it (None: unknown), the ratio it needs."""
    seen = looks(document)
    for index in gathered(document).texts:
        element, look = document.elements[index], seen[index]
        if look.hidden or element.mso or look.size == 0 or element.tag in _SILENT:
            continue
        large = look.size >= 24 or (look.bold and look.size >= 18.66)
        yield element, *look.seen(), 3.0 if large else 4.5


def _data_tables(document: Document) -> frozenset[int]:
    """Tables with headings or a caption of their own: the nearest one around each of these."""
    if not of_tag(document, "th", "caption"):
        return frozenset()
    nearest, found = list[int](), set[int]()
    for index, element in enumerate(document.elements):
        around = nearest[element.parent] if 0 <= element.parent < index else -1
        nearest.append(index if element.tag == "table" else around)
        if element.tag in ("th", "caption"):
            found.add(around)
    return frozenset(found)


def _layout_tables(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """A11Y004: a table that only lays out says so by its role, or screen readers announce rows and columns."""
    data = _data_tables(document)
    for index in gathered(document).tags.get("table", ()):
        element = document.elements[index]
        if not element.mso and index not in data:
            if (element.get("role") or "").lower() not in ("presentation", "none"):
                yield Finding(code="A11Y004", severity=Severity.INFO, region=element.region, line=element.line,
                              quote="<table>", fix=("<table", '<table role="presentation"'))
                return


def _headings(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """A11Y005: headings go down one level at a time (WCAG 1.3.1)."""
    last = 0
    for element in of_tag(document, "h1", "h2", "h3", "h4", "h5", "h6"):
        if not element.mso:
            level = int(element.tag[1])
            if level > last + 1:
                yield Finding(code="A11Y005", severity=Severity.INFO, region=element.region, line=element.line,
                              quote=quoted(element.own or element.tag), params={"level": level, "after": last})
            last = level


def _vague(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """A11Y006: a link says where it leads (WCAG 2.4.4)."""
    for element in of_tag(document, "a"):
        if not element.mso and element.get("href"):
            said = fold(element.text).strip(" .:!?…›»→>")
            if said in VAGUE and not element.get("aria-label"):
                yield Finding(code="A11Y006", severity=Severity.WARN, region=element.region, line=element.line,
                              quote=quoted(element.text))


def _small(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """A11Y007: text of 14 pixels or more, each size once; superscripts count as what they stand in."""
    told = set[float]()
    seen = looks(document)
    for index in gathered(document).texts:
        element, look = document.elements[index], seen[index]
        if not element.mso and not look.hidden and element.tag not in _SILENT | {"sup", "sub"}:
            if 0 < look.size < MIN_SIZE and look.size not in told:
                told.add(look.size)
                own = element.region if element.get("style") else ""
                yield Finding(code="A11Y007", severity=Severity.WARN, region=own, line=element.line,
                              quote=quoted(element.own), params={"size": f"{look.size:g}", "least": MIN_SIZE},
                              fix=(f"font-size:{look.size:g}px", f"font-size:{MIN_SIZE}px"))


def _dark(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """A11Y008: the mail says that it knows dark screens; otherwise clients turn its colours as they like."""
    page = next((e for e in of_tag(document, "html") if not e.mso), None)
    if page is None:
        return
    metas = {(e.get("name") or "").lower() for e in of_tag(document, "meta")}
    if "color-scheme" not in metas and not any("prefers-color-scheme" in s.text for s in document.styles):
        yield Finding(code="A11Y008", severity=Severity.INFO, line=page.line, quote="color-scheme",
                      fix=("</head>", '<meta name="color-scheme" content="light dark"></head>'))


def _file_name(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """A11Y009: an alternative text that is the file's name tells nobody anything."""
    for element in of_tag(document, "img"):
        if element.mso:
            continue
        alt, source = (element.get("alt") or "").strip(), element.get("src") or ""
        name = source.partition("?")[0].rpartition("/")[2].lower()
        if alt and (alt.lower() in (name, name.rpartition(".")[0]) or _FILE.search(alt)):
            yield Finding(code="A11Y009", severity=Severity.WARN, region=element.region, line=element.line,
                          quote=quoted(alt))


RULES = (
    Rule("A11Y001", Severity.WARN, _alternative_text),
    Rule("A11Y002", Severity.WARN, _contrast),
    Rule("A11Y003", Severity.WARN, _language),
    Rule("A11Y004", Severity.INFO, _layout_tables),
    Rule("A11Y005", Severity.INFO, _headings),
    Rule("A11Y006", Severity.WARN, _vague),
    Rule("A11Y007", Severity.WARN, _small),
    Rule("A11Y008", Severity.INFO, _dark),
    Rule("A11Y009", Severity.WARN, _file_name),
)
