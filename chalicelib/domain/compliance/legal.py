"""LEG: what the law wants in every commercial mail. These rules know no exception.

Neither guesses from words: HQ's template places the blocks, the program fills them, and the
rules look whether they are there and hold what was to be put in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from chalicelib.domain.compliance.document import Document, MailFacts
from chalicelib.domain.compliance.finding import Finding, FindingState, Severity, quoted
from chalicelib.domain.compliance.flow import SYSTEM, Passage, blocks, everything, open_passages, said
from chalicelib.domain.compliance.gather import gathered
from chalicelib.domain.compliance.registry import Edits, Fix, Rule
from chalicelib.domain.compliance.words import PROMISES, TERMS, fold, stands
from chalicelib.domain.kit import Kit

COUNTRY_FIELDS = {
    "DE": ("name", "street", "postal_code", "city", "email"),
    "AT": ("name", "street", "postal_code", "city", "email"),
    "CH": ("name", "street", "postal_code", "city", "email"),
}
"""What an imprint names where the kit says nothing of the country (DDG §5, ECG §5, UWG-CH art. 3(1)s)."""
_VAT_COUNTRIES = "AT BE BG CY CZ DE DK EE ES FI FR GB GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
VAT_COUNTRIES = frozenset(_VAT_COUNTRIES.split())
_VAT = ("vat", "tax", "mwst", "ust", "mehrwertsteuer", "umsatzsteuer", "iva", "tva", "ttc", "áfa", "áfát", "áfával")
_VALID = ("valid until", "until", "valid", "offer ends", "ends", "while stocks last", "through", "gültig", "bis",
          "solange der vorrat reicht", "válido", "hasta", "valable", "jusqu'au", "jusqu'à", "érvényes", "-ig")
_CURRENCY = r"(?:€|\$|£|Ft\b|CHF\b|EUR\b|USD\b|GBP\b|HUF\b|Euro\b)"
_AMOUNT = re.compile(rf"{_CURRENCY}[ \u00a0]?[0-9][0-9.,'\u00a0]{{0,12}}"
                     rf"|[0-9][0-9.,]{{0,12}}[ \u00a0]?(?:{_CURRENCY}|,-|,–)")
_BARE = re.compile(r"\b(?i:price|only|just|from|now|preis|nur|ab|jetzt|precio|prix|seulement|solo|ár|csak)[ :]{1,2}"
                   r"[0-9]{1,6}[.,](?:[0-9]{2}|-|–)(?![0-9:.%]|[ ]?(?:%|am\b|pm\b|h\b|Uhr\b|km\b|kg\b|m\b))")
_NOTE = re.compile(r"[ \t\u00a0]*(\*{1,3}|[¹²³⁴⁵⁶⁷⁸⁹]|†|‡)[ \u00a0)]?(?=[^\s*|])")
_REFERENCE = re.compile(r"(?<=[\w)%€$£.!?”»\"'’])(\*{1,3}|[¹²³⁴⁵⁶⁷⁸⁹]|†|‡)(?![\w*|])")
_SIGN = re.compile(r"[*¹²³⁴⁵⁶⁷⁸⁹†‡]")
"""What every note and every reference has in it."""
_ANSWER = re.compile(r"\s*(?:(?:re|fwd?|aw|wg|antw|antwort|tr|rv|vs|sv|vá|továbbítva)(?:\[[0-9]{1,3}\])?\s?:\s*){1,5}",
                     re.IGNORECASE)


def _unsubscribe(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """LEG001: the unsubscribe block with its link (CAN-SPAM 15 USC 7704(a)(3); UWG §7; GDPR art. 21)."""
    text = document.block("unsubscribe")
    hrefs = [href for name, href in document.block_links if name == "unsubscribe"]
    if text is None:
        yield Finding(code="LEG001")
    elif not facts.template and (not text.strip() or facts.unsubscribe_placeholder not in hrefs):
        yield Finding(code="LEG001", region="unsubscribe", quote=quoted(text))


def _postal_address(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """LEG002: the sender's postal address (CAN-SPAM 15 USC 7704(a)(5)(A)(iii); DDG §5)."""
    blocks = [text for name, text in document.blocks if name in ("address", "imprint")]
    if not blocks:
        yield Finding(code="LEG002")
    elif not facts.template:
        shown = [" ".join(text.split()) for text in blocks]
        lines = [" ".join(line.split()) for line in facts.postal_address]
        if not any(lines) or not any(all(line in text for line in lines if line) for text in shown):
            yield Finding(code="LEG002", region="address", quote=quoted(shown[0]))


def _imprint(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """LEG003: the imprint names what the sender's country wants (for Germany DDG §5; HQ may add fields)."""
    wanted = facts.kit.imprint.get(facts.country, COUNTRY_FIELDS.get(facts.country, ()))
    if facts.template or not wanted:
        return
    shown = " ".join(" ".join(text.split()) for name, text in document.blocks if name in ("imprint", "address"))
    entity = dict(facts.entity)
    missing = [f for f in wanted if not entity.get(f, "").strip() or " ".join(entity[f].split()) not in shown]
    if missing:
        yield Finding(code="LEG003", region="imprint", quote=", ".join(missing), params={"country": facts.country})


def _price(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """LEG004: an amount has its currency, and in the same mail whether tax is in it and until when it holds.

    (Directive 98/6/EC and PAngV §3: the final price with tax; UWG §5a: the conditions of an offer.)
    A typed price says all of that itself.
    """
    for passage in open_passages(document, facts):
        if passage.region.partition(".")[0] in facts.prices or passage.region in facts.prices:
            continue
        amount = _AMOUNT.search(passage.text)
        bare = None if amount else _BARE.search(passage.text)
        missing = ["currency"] if bare else []
        if amount and facts.country in VAT_COUNTRIES and not stands(everything(document), _VAT):
            missing.append("tax")
        if amount and not stands(everything(document), _VALID):
            missing.append("validity")
        found = amount or bare
        if found and missing:
            yield Finding(code="LEG004", severity=Severity.WARN, region=passage.region, line=passage.line,
                          quote=quoted(found.group()), params={"missing": ", ".join(missing)})


def _footnotes(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """LEG005: every footnote sign has its note and every note its sign.

    A sign at the end of a word refers, one at the beginning of a paragraph or line is the note. Two or
    more lines that begin with the same sign, and no reference to it, are a list: a person decides.
    """
    refers: dict[str, Passage] = {}
    notes: dict[str, list[Passage]] = {}
    for passage in blocks(document):
        if passage.region in SYSTEM:
            continue
        text = passage.text
        if not _SIGN.search(text):
            continue
        for number, line in enumerate(text.splitlines() or [text]):
            if (match := _NOTE.match(line)) and (number or match):
                notes.setdefault(match.group(1), []).append(passage)
                line = line[match.end():]
            for sign in _REFERENCE.findall(line):
                refers.setdefault(sign, passage)
    for sign, passage in refers.items():
        if sign not in notes:
            yield _unpaired(sign, passage, "note", FindingState.FAIL)
    for sign, found in notes.items():
        if sign not in refers:
            state = FindingState.UNDECIDABLE if len(found) > 1 else FindingState.FAIL
            yield _unpaired(sign, found[0], "sign", state)


def _unpaired(sign: str, passage: Passage, missing: str, state: FindingState) -> Finding:
    return Finding(code="LEG005", state=state, region=passage.region if passage.open else "", line=passage.line,
                   quote=quoted(passage.text), params={"sign": sign, "missing": missing})


def _promise(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """LEG006: "free", "win", "guarantee" need their terms, by a link (Directive 2006/114/EC; UWG §5a)."""
    hrefs = gathered(document).attribute("href")
    texts = {document.elements[index].text for index, href in hrefs.items() if href}
    if set(facts.kit.terms) & set(filter(None, hrefs.values())) or stands("\n".join(map(fold, texts)), TERMS):
        return
    for passage, found in said(document, facts, PROMISES.get(facts.language[:2].lower() or "en", ())):
        if passage.open:
            yield Finding(code="LEG006", severity=Severity.WARN, region=passage.region, line=passage.line,
                          quote=quoted(found[0]))


def _subject(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """LEG007: a subject that pretends to be an answer (CAN-SPAM 15 USC 7704(a)(2); UWG §7(2))."""
    match = _ANSWER.match(facts.subject)
    if match:
        rest = facts.subject[match.end():].lstrip()
        yield Finding(code="LEG007", region="subject", quote=quoted(match.group().strip()), fix=(facts.subject, rest))


def _honest(text: str, finding: Finding, kit: Kit) -> Edits:
    """LEG007: the subject without what pretends to be an answer, however often it stands there."""
    end = 0
    while match := _ANSWER.match(text, end):
        end = match.end()
    return ((0, end, ""),) if end and finding.region == "subject" and text[end:].strip() else ()


def _consent(document: Document, facts: MailFacts) -> Iterator[Finding]:
    """LEG008: the campaign says what kind of message it is, which decides whose consent counts (GDPR art. 6, 7)."""
    if facts.message_class not in ("marketing", "service", "safety"):
        yield Finding(code="LEG008", quote=quoted(facts.message_class))


RULES = (
    Rule("LEG001", Severity.BLOCK, _unsubscribe),
    Rule("LEG002", Severity.BLOCK, _postal_address),
    Rule("LEG003", Severity.BLOCK, _imprint, template=False),
    Rule("LEG004", Severity.WARN, _price),
    Rule("LEG005", Severity.BLOCK, _footnotes),
    Rule("LEG006", Severity.WARN, _promise),
    Rule("LEG007", Severity.BLOCK, _subject, fix=Fix(_honest)),
    Rule("LEG008", Severity.BLOCK, _consent, template=False),
)
