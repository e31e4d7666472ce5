"""What puts findings of the brand's rules right: pure functions of the words, used by the rules' table."""

from __future__ import annotations

import re

from chalicelib.domain.compliance import words
from chalicelib.domain.compliance.finding import Finding
from chalicelib.domain.compliance.registry import Edit, Edits
from chalicelib.domain.kit import Kit

CAPITALS = re.compile(r"(?<![\w@./])[^\W\d_a-zà-ÿß]{4,}(?![\w@])")
"""Words in capitals, four letters or more."""


def spelt(text: str, finding: Finding, kit: Kit) -> Edits:
    """BRD007: the name as the kit writes it, wherever the same slip stands; a genitive keeps its ending."""
    wrong, right = finding.fix or ("", "")
    size, edits, found = len(wrong.split()), list[Edit](), words.places(text)
    for first in range(len(found) - size + 1) if wrong else ():
        start, end = found[first][0], found[first + size - 1][1]
        said = text[start:end]
        # What the rule joined by blanks must be parted by nothing but white space.
        if len(said.split()) != size or (edits and start < edits[-1][1]):
            continue
        bare = bare_name(" ".join(said.split()))
        if bare == wrong:
            edits.append((start, end - (len(" ".join(said.split())) - len(bare)), right))
    return edits


def marked(text: str, finding: Finding, kit: Kit) -> Edits:
    """BRD008: the mark behind the first use."""
    name, whole = finding.fix or ("", "")
    match = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) if name else None
    if match is None or text[match.end():match.end() + 2].strip()[:1] == whole[len(name):]:
        return ()
    return ((match.start(), match.end(), whole),)


def disclaimed(text: str, finding: Finding, kit: Kit) -> Edits:
    """BRD010: the disclaimer behind the text whose claim needs it; one that lacks only its link is a person's."""
    wanted = str(finding.params.get("text", ""))
    if not finding.region or not wanted or words.fold(wanted) in words.fold(text):
        return ()
    return ((len(text), len(text), wanted),)


def calm(text: str, finding: Finding, kit: Kit) -> Edits:
    """BRD012: no more capitals or exclamation marks than the kit allows; the first ones give way."""
    shouted = [m for m in CAPITALS.finditer(text) if m.group() not in kit.acronyms]
    first = shouted[:max(0, len(shouted) - kit.limits.capitals)]
    return sorted([(*m.span(), m.group().capitalize()) for m in first] + _quieter(text, kit.limits.exclamations))


def _quieter(text: str, most: int) -> list[Edit]:
    """Runs of exclamation marks as one each; what is still too many, full stops."""
    runs = [m.span() for m in re.finditer("!+", text)]
    over = max(0, len(runs) - most)
    # A mark that opens a sentence (¡) or shares its end (!?) cannot become a full stop by itself.
    if text.count("!") <= most or (over and re.search(r"¡|!\?|\?!", text)):
        return []
    return [(start, end, "." if number < over else "!") for number, (start, end) in enumerate(runs)
            if number < over or end - start > 1]


def bare_name(said: str) -> str:
    """A name without its genitive, which every language writes differently."""
    return re.sub(r"['’]s?\Z", "", said) if said[-1] in "s'’" else said
