"""BRD007 to BRD015: what the mail says, by the brand's kit; a part that the kit leaves empty demands nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from chalicelib.domain import graphemes
from chalicelib.domain.compliance import brand_fixes as fixes
from chalicelib.domain.compliance import words
from chalicelib.domain.compliance.document import Document, MailFacts
from chalicelib.domain.compliance.finding import Finding, Severity, quoted
from chalicelib.domain.compliance.flow import Passage, everything, folded, open_passages, passages, said
from chalicelib.domain.compliance.gather import gathered
from chalicelib.domain.compliance.registry import At, Fix, Rule
from chalicelib.domain.kit import EMPTY, Name

_PICTURE = "[\U0001f300-\U0001faff\u2600-\u27bf\u2b50\u2b55\u231a-\u23f3]"
_EMOJI = re.compile(f"{_PICTURE}[\ufe0f\U0001f3fb-\U0001f3ff]?(?:\u200d{_PICTURE}\ufe0f?){{0,6}}")
"""Joined pictures (a family) are one."""


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
        if not facts.template and not words.stands(everything(document), (phrase,)):
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
