"""The words of a mail as people read them: texts with their places, whole paragraphs at a time.

A word that is split by ``<b>`` is one word, and text in two cells is two texts. A partner's value
is taken as it was given; the locked parts come from the rendered mail.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chalicelib.domain.compliance import words
from chalicelib.domain.compliance.document import Document, MailFacts
from chalicelib.domain.record import dataclass

SYSTEM = frozenset({"preheader", "imprint", "address", "unsubscribe", "logo"})
_BLOCK_NAMES = (
    "address article aside blockquote body br caption center dd div dl dt figcaption figure footer h1 h2 h3 h4 h5 h6"
    " header hr html li main nav ol p pre section table tbody td tfoot th thead tr ul title head"
)
_BLOCKS = frozenset(_BLOCK_NAMES.split())


@dataclass(frozen=True, slots=True)
class Passage:
    """One text with its place; ``open``: a partner wrote it (subject and preheader too)."""

    text: str
    region: str = ""
    line: int = 0
    open: bool = False


def passages(document: Document, facts: MailFacts) -> Sequence[Passage]:
    """Subject, preview line and every text of the mail; the title, which nobody reads, is left out."""
    key = f"passages:{facts.subject}\x00{facts.preheader}"
    found = document.cache.get(key)
    if found is None:
        document.cache[key] = found = _passages(document, facts)
    return found  # type: ignore[return-value]


def _passages(document: Document, facts: MailFacts) -> list[Passage]:
    given = {value.region for value in document.values}
    out = [Passage(value.text, value.region, 0, True) for value in document.values if value.text.strip()]
    for region, text in (("subject", facts.subject), ("preheader", facts.preheader)):
        if text.strip() and region not in given:
            out.append(Passage(text, region, 0, not facts.template))
    return out + [p for p in blocks(document) if p.region not in SYSTEM and not (p.open and given)]


def blocks(document: Document) -> Sequence[Passage]:
    """The texts of the rendered mail, one per paragraph, cell or heading, in order."""
    found = document.cache.get("blocks")
    if found is None:
        document.cache["blocks"] = found = _blocks(document)
    return found  # type: ignore[return-value]


def _blocks(document: Document) -> list[Passage]:
    block_of: list[int] = []
    for index, element in enumerate(document.elements):
        if element.tag in _BLOCKS or not 0 <= element.parent < index:
            block_of.append(index)
        else:
            block_of.append(block_of[element.parent])
    out: list[Passage] = []
    current, words, region, line = -2, list[str](), "", 0
    breaks = _breaks(document)
    for run in document.runs:
        at = block_of[run.element] if run.element >= 0 else -1
        if run.element >= 0 and document.elements[run.element].tag == "title":
            continue
        if at != current or run.region != region or run.order in breaks:
            _add(out, words, region, line)
            current, words, region, line = at, [], run.region, run.line
        words.append(run.text)
    _add(out, words, region, line)
    return out


def _breaks(document: Document) -> frozenset[int]:
    return frozenset(document.breaks)


def _add(out: list[Passage], words: list[str], region: str, line: int) -> None:
    text = "".join(words)
    if text.strip():
        out.append(Passage(text, region, line, bool(region) and region not in SYSTEM))


def folded(document: Document, facts: MailFacts) -> Sequence[str]:
    """The passages' texts, folded, in the same order."""
    key = f"folded:{facts.subject}\x00{facts.preheader}"
    found = document.cache.get(key)
    if found is None:
        document.cache[key] = found = [words.fold(passage.text) for passage in passages(document, facts)]
    return found  # type: ignore[return-value]


def said(document: Document, facts: MailFacts, phrases: Sequence[str]) -> Iterator[tuple[Passage, list[str]]]:
    """Each passage in which some of the phrases stand as whole words, with those that do.

    The whole mail is asked first which phrases can stand in it at all: mostly none.
    """
    texts = folded(document, facts)
    key = f"joined:{facts.subject}\x00{facts.preheader}"
    if key not in document.cache:
        document.cache[key] = "\n".join(texts)
    wanted = tuple(phrases)
    likely = words.likely(str(document.cache[key]), wanted)
    for passage, text in zip(passages(document, facts), texts, strict=True) if likely else ():
        if any(stem in text for stem in likely) and (found := words.find_folded(text, wanted)):
            yield passage, found


def everything(document: Document) -> str:
    """All words of the mail and of the values as they were given, folded."""
    found = document.cache.get("everything")
    if found is None:
        whole = document.text + " " + " ".join(value.text for value in document.values)
        document.cache["everything"] = found = words.fold(whole)
    return str(found)


def open_passages(document: Document, facts: MailFacts) -> list[Passage]:
    """What a partner wrote; in a template nobody has written yet."""
    return [p for p in passages(document, facts) if p.open]
