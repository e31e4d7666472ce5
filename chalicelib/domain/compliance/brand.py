"""BRD: what the brand demands, by its kit; a part that the kit leaves empty demands nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from chalicelib.domain import graphemes
from chalicelib.domain.compliance import brand_fixes as fixes
from chalicelib.domain.compliance import colours, words
from chalicelib.domain.compliance.document import Document, Element, ImageFact, MailFacts
from chalicelib.domain.compliance.finding import Finding, FindingState, Severity, quoted
from chalicelib.domain.compliance.flow import Passage, everything, folded, open_passages, passages, said
from chalicelib.domain.compliance.gather import distinct_styles, gathered, of_tag, style_of
from chalicelib.domain.compliance.registry import At, Fix, Rule
from chalicelib.domain.kit import EMPTY, Logo, Name

_COLOURED = ("color", "background-color", "background", "border", "border-color", "border-top", "border-bottom",
             "border-left", "border-right", "outline", "border-top-color", "border-bottom-color")
_GENERIC = frozenset({"serif", "sans-serif", "monospace", "cursive", "fantasy", "system-ui"})
_PICTURE = "[\U0001f300-\U0001faff\u2600-\u27bf\u2b50\u2b55\u231a-\u23f3]"
_EMOJI = re.compile(f"{_PICTURE}[\ufe0f\U0001f3fb-\U0001f3ff]?(?:\u200d{_PICTURE}\ufe0f?){{0,6}}")
"""Joined pictures (a family) are one."""
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
        if rgb in (colours.WHITE, colours.BLACK):
            continue
        distance, nearest = min((colours.distance(rgb, brand), brand) for brand in palette)
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


def _misspelt(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """BRD007: a name one typing mistake off, or with the wrong capitals; its listed forms are right."""
    names = [n for n in facts.kit.names if len(n.name) >= 5]
    right = {form for n in facts.kit.names for form in (n.name, *n.forms)}
    known = {words.fold(form) for form in right}
    seen, verdicts = set[tuple[str, str]](), dict[tuple[str, str], bool]()
    for passage, folded_text in zip(passages(document, facts), folded(document, facts), strict=True) if names else ():
        near = [name for name in names if words.may_hold(passage.text, folded_text, name.name)]
        found = words.words(passage.text) if near else []
        for name in near:
            size = len(name.name.split())
            for start in range(len(found) - size + 1):
                said = " ".join(found[start:start + size])
                if abs(len(said) - len(name.name)) > 3:
                    continue
                said = fixes.bare_name(said)
                if (name.name, said) not in verdicts:
                    verdicts[name.name, said] = said not in right and _alike(said, name, known)
                if not verdicts[name.name, said] or (passage.region, said) in seen:
                    continue
                seen.add((passage.region, said))
                yield Finding(code="BRD007", severity=Severity.WARN, region=passage.region, line=passage.line,
                              quote=quoted(said), params={"right": name.name}, fix=(said, name.name))


def _alike(said: str, name: Name, folded: set[str]) -> bool:
    lower, right = words.fold(said), words.fold(name.name)
    if lower == right:
        return not (said.isupper() or said == name.name)
    if lower in folded or abs(len(lower) - len(right)) > 1 or (lower[0] != right[0] and lower[-1] != right[-1]):
        return False
    return words.typing_distance(lower, right, 1) == 1


def _mark(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """BRD008: the first use in the subject and in the mail carries the name's mark."""
    for name in facts.kit.names:
        if not name.mark:
            continue
        for of_subject in (True, False):
            for passage in passages(document, facts):
                if (passage.region == "subject") is not of_subject or passage.region == "preheader":
                    continue
                if name.name not in passage.text:
                    continue
                match = re.search(rf"(?<!\w){re.escape(name.name)}(?!\w)", passage.text)
                if match is None:
                    continue
                if passage.text[match.end():match.end() + 2].strip()[:1] != name.mark:
                    yield Finding(code="BRD008", severity=Severity.WARN, region=passage.region, line=passage.line,
                                  quote=name.name, params={"mark": name.mark}, fix=(name.name, name.name + name.mark))
                break


def _banned(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """BRD009: words that the brand never uses, in the mail's language."""
    yield from _phrases("BRD009", Severity.BLOCK, facts.kit.phrases(facts.kit.banned, facts.language), document, facts)


def _phrases(code: str, severity: Severity, phrases: tuple[str, ...], document: Document,
             facts: MailFacts) -> Iterator[Finding]:
    for passage, found in said(document, facts, phrases):
        for phrase in dict.fromkeys(found):
            yield Finding(code=code, severity=severity, region=passage.region, line=passage.line, quote=quoted(phrase))


def _disclaimer(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """BRD010: a claim has its disclaimer in the same mail, linked where the kit names an address."""
    for rule in facts.kit.disclaimers:
        wanted = words.fold(rule.text)
        for passage, found in said(document, facts, rule.triggers):
            if words.fold(passage.text) == wanted:
                continue
            linked = not rule.url or rule.url in gathered(document).attribute("href").values()
            if wanted not in everything(document) or not linked:
                yield Finding(code="BRD010", region=passage.region, line=passage.line, quote=quoted(found[0]),
                              params={"text": rule.text, "url": rule.url})
            break
    for phrase in facts.kit.phrases(facts.kit.required, facts.language):
        if not facts.template and not words.find_folded(everything(document), (phrase,)):
            yield Finding(code="BRD010", quote=quoted(phrase), params={"text": phrase, "url": ""})


def _competitor(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """BRD011: a competitor is named."""
    yield from _phrases("BRD011", Severity.WARN, facts.kit.competitors, document, facts)


def _shouting(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """BRD012: capitals, exclamation marks and emoji in moderation; the kit's acronyms are words."""
    limits, acronyms = facts.kit.limits, frozenset(facts.kit.acronyms)
    for passage in open_passages(document, facts) if facts.kit is not EMPTY else ():
        capitals = [m.group() for m in fixes.CAPITALS.finditer(passage.text) if m.group() not in acronyms]
        marks, emoji = passage.text.count("!"), len(_EMOJI.findall(passage.text))
        calm = re.sub(r"!+", lambda m: "!", passage.text)
        if len(capitals) > limits.capitals:
            yield _loud(passage, capitals[0], len(capitals), (capitals[0], capitals[0].capitalize()))
        elif marks > limits.exclamations:
            run = re.search(r"!{2,}", passage.text)
            fix = (run.group(), "!") if run and calm.count("!") <= limits.exclamations else ("!", ".")
            yield _loud(passage, run.group() if run else "!", marks, fix)
        elif emoji > limits.emoji:
            yield _loud(passage, "".join(_EMOJI.findall(passage.text)[:5]), emoji, None)


def _loud(passage: Passage, quote: str, count: int, fix: tuple[str, str] | None) -> Finding:
    return Finding(code="BRD012", severity=Severity.WARN, region=passage.region, line=passage.line,
                   quote=quoted(quote), params={"count": count}, fix=fix)


def _reading(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """BRD013: the reading level (LIX) of a partner's text of fifty words or more."""
    for passage in open_passages(document, facts) if facts.kit is not EMPTY else ():
        if graphemes.count(passage.text) > 200 and len(words.words(passage.text)) >= 50:
            level = words.lix(passage.text)
            if level > facts.kit.limits.lix:
                yield Finding(code="BRD013", severity=Severity.INFO, region=passage.region, line=passage.line,
                              quote=quoted(passage.text), params={"level": level, "limit": facts.kit.limits.lix})


def _language(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """BRD014: a text of forty characters or more is in the mail's language, where that can be told."""
    wanted = facts.language[:2].lower()
    if wanted not in ("en", "de", "es", "fr", "hu"):
        return
    for passage in open_passages(document, facts):
        if len(passage.text) < 40:
            continue
        found, count, counts = words.language_of(passage.text)
        if found != wanted and count >= 3 and count >= 2 * counts[wanted] + 2:
            yield Finding(code="BRD014", severity=Severity.WARN, region=passage.region, line=passage.line,
                          quote=quoted(passage.text), params={"found": found, "wanted": wanted})


def _ended(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """BRD015: neither an offer nor the right to a picture ends before the mail arrives; only typed dates are read."""
    try:
        sends = date.fromisoformat(facts.sends_on[:10])
    except ValueError:
        return
    for region, day in facts.ends:
        if date.fromisoformat(day) < sends:
            yield Finding(code="BRD015", region=region, quote=day, params={"sends": sends.isoformat()})
    dated = {image.url: image for image in facts.images if image.ends}
    for element in document.elements if dated else ():
        image = dated.get(element.get("src") or "") if element.tag == "img" else None
        if image and date.fromisoformat(image.ends) < sends:
            yield Finding(code="BRD015", region=element.region, line=element.line,
                          quote=quoted(f"{image.name} · {image.ends}"), params={"sends": sends.isoformat()})


RULES = (
    Rule("BRD001", Severity.WARN, _colour),
    Rule("BRD002", Severity.WARN, _font),
    Rule("BRD003", Severity.BLOCK, _logo_missing),
    Rule("BRD004", Severity.BLOCK, _logo_size),
    Rule("BRD005", Severity.WARN, _clear_space),
    Rule("BRD006", Severity.BLOCK, _image),
    Rule("BRD007", Severity.WARN, _misspelt, fix=Fix(fixes.spelt)),
    Rule("BRD008", Severity.WARN, _mark, fix=Fix(fixes.marked)),
    Rule("BRD009", Severity.BLOCK, _banned),
    Rule("BRD010", Severity.BLOCK, _disclaimer, fix=Fix(fixes.disclaimed, At.END)),
    Rule("BRD011", Severity.WARN, _competitor),
    Rule("BRD012", Severity.WARN, _shouting, fix=Fix(fixes.calm)),
    Rule("BRD013", Severity.INFO, _reading),
    Rule("BRD014", Severity.WARN, _language),
    Rule("BRD015", Severity.BLOCK, _ended, template=False),
)
