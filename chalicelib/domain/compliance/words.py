"""Words: folded, found whole, compared by typing mistakes, counted for the reading level, told by language.

Phrases are plain words of HQ's, never patterns; the expression made of them has no nested repeats,
so that finding them takes linear time.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]")
WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")

VAGUE = frozenset({
    "click here", "here", "click", "read more", "more", "learn more", "this link", "link", "go", "details", "this",
    "hier klicken", "hier", "klick hier", "klicken sie hier", "mehr", "mehr lesen", "weiterlesen", "mehr erfahren",
    "haga clic aquí", "aquí", "clic aquí", "leer más", "más", "más información", "saber más",
    "cliquez ici", "ici", "lire la suite", "en savoir plus", "plus", "voir plus",
    "kattintson ide", "ide", "itt", "tovább", "bővebben", "részletek",
})
"""Link texts that say nothing out of their place (WCAG 2.4.4), folded."""

SPAM = {
    "all": ("100% free", "100 % free"),
    "en": ("act now", "winner", "risk-free", "risk free", "make money", "earn money", "no obligation", "click below",
           "this is not spam", "cash bonus", "double your", "you have been selected", "dear friend", "miracle",
           "once in a lifetime", "lowest price ever", "urgent reply", "no strings attached", "extra cash"),
    "de": ("jetzt zuschlagen", "garantierter gewinn", "kein spam", "geld verdienen", "sie haben gewonnen",
           "sofort reich", "ohne risiko", "einmalige chance", "unglaubliches angebot", "schnelles geld"),
    "es": ("actúe ahora", "gane dinero", "sin riesgo", "usted ha ganado", "oportunidad única", "dinero fácil"),
    "fr": ("agissez maintenant", "gagnez de l'argent", "sans risque", "vous avez gagné", "opportunité unique",
           "argent facile"),
    "hu": ("cselekedjen most", "keressen pénzt", "kockázatmentes", "ön nyert", "egyszeri lehetőség"),
}
"""Phrases that filters count against a mail."""

PROMISES = {
    "en": ("free", "win", "wins", "guarantee", "guaranteed", "prize", "prize draw", "sweepstake*", "giveaway"),
    "de": ("gratis", "kostenlos*", "gewinn*", "garantie*", "verlos*"),
    "es": ("gratis", "gana", "garantía", "garantizado", "sorteo", "premio"),
    "fr": ("gratuit*", "gagnez", "garantie", "garanti", "tirage au sort", "cadeau"),
    "hu": ("ingyen*", "nyerj*", "garancia", "sorsolás", "nyeremény*"),
}
"""Promises that need their terms beside them."""

TERMS = ("terms", "conditions", "t&c", "agb", "bedingungen", "teilnahmebedingungen", "términos", "condiciones", "bases",
         "conditions générales", "règlement", "feltételek", "szabályzat")
"""What a link to the terms says, folded."""

_FREQUENT = {
    "en": "the and of to in is you that it for on with as are your we our at this be have from or by will can until",
    "de": "der die das und ist sie mit für auf den dem ein eine nicht sich von zu im wir ihr ihre bis auch es am",
    "es": "el la los las de que y en un una por con para su del se no es al más lo como nuestro hasta este",
    "fr": "le la les de des et est un une vous pour dans que sur avec votre nous nos du au ce cette jusqu pas plus aux",
    "hu": "a az és hogy nem is egy ön van meg de ha csak már vagy mint mert ez azt el kell még lesz önt akkor most",
}
_FREQUENT_SETS = {language: frozenset(text.split()) for language, text in _FREQUENT.items()}


def fold(text: str) -> str:
    """For comparing: compatibility forms and invisible characters resolved, lower case, single blanks."""
    if not text.isascii():
        text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).replace("’", "'")
    return " ".join(text.casefold().split())


@lru_cache(maxsize=256)
def _pattern(phrases: tuple[str, ...]) -> re.Pattern[str] | None:
    parts = []
    for phrase in sorted({fold(p) for p in phrases if p.strip()}, key=len, reverse=True):
        if phrase.endswith("*"):
            parts.append(re.escape(phrase[:-1]) + r"\w{0,40}+")
        else:
            parts.append(re.escape(phrase))
    return re.compile(r"(?<!\w)(?:" + "|".join(parts) + r")(?!\w)") if parts else None


def find(text: str, phrases: Iterable[str]) -> list[str]:
    """The phrases that stand in ``text`` as whole words, as they stand there (folded), in order."""
    return find_folded(fold(text), tuple(phrases))


def find_folded(folded: str, phrases: tuple[str, ...]) -> list[str]:
    """The same in a text that is folded already."""
    pattern = _pattern(phrases)
    return [match.group() for match in pattern.finditer(folded)] if pattern else []


def stands(folded: str, phrases: tuple[str, ...]) -> bool:
    """Whether one of the phrases stands in a folded text, which is asked quickly where none does."""
    pattern = _pattern(phrases) if likely(folded, phrases) else None
    return pattern is not None and pattern.search(folded) is not None


def likely(folded: str, phrases: tuple[str, ...]) -> list[str]:
    """The letters of those phrases that may stand in a folded text; where there are none, none is found in it."""
    return [stem for stem in _stems(phrases) if stem in folded]


@lru_cache(maxsize=256)
def _stems(phrases: tuple[str, ...]) -> tuple[str, ...]:
    return tuple({fold(phrase).removesuffix("*"): None for phrase in phrases if phrase.strip()})


def may_hold(text: str, folded: str, name: str) -> bool:
    """Whether ``text`` may hold a name one typing mistake off; False only where it surely does not.

    One mistake (a letter more, less or another, or two swapped) leaves one of any three parts of a name as it is.
    """
    if not text.isascii() and not unicodedata.is_normalized("NFKC", text):
        return True
    return any(part in folded for part in _thirds(name))


@lru_cache(maxsize=256)
def _thirds(name: str) -> tuple[str, ...]:
    """Three parts of a folded name that hold no blanks, or "" where it is too short for parts that say anything."""
    word = max(re.split(r"[^\w]+", fold(name)), key=len)
    size = len(word) // 3
    return (word[:size], word[size:2 * size], word[2 * size:]) if size else ("",)


def words(text: str) -> list[str]:
    """The words of a text; numbers, addresses and hosts are none."""
    return [m.group() for m in WORD.finditer(text) if not _in_address(text, m.start(), m.end())]


def places(text: str) -> list[tuple[int, int]]:
    """Where the words of :func:`words` stand: ``[start, end)``."""
    return [m.span() for m in WORD.finditer(text) if not _in_address(text, m.start(), m.end())]


def _in_address(text: str, start: int, end: int) -> bool:
    before, after = text[max(0, start - 1):start], text[end:end + 2]
    return (before in ("@", "/", ".") and bool(before)) or after[:1] in ("@", "/") or (
        after[:1] == "." and after[1:2].isalnum())


def typing_distance(first: str, second: str, limit: int = 2) -> int:
    """Damerau's distance with neighbours swapped (optimal string alignment); ``limit`` + 1 for anything more."""
    if abs(len(first) - len(second)) > limit:
        return limit + 1
    before, last = list[int](), list(range(len(second) + 1))
    for i, a in enumerate(first, 1):
        row = [i]
        for j, b in enumerate(second, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == second[j - 2] and first[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
        before, last = last, row
    return min(last[-1], limit + 1)


def lix(text: str) -> int:
    """The reading level (Björnsson 1968): words per sentence plus the percentage of words over six letters."""
    found = words(text)
    sentences = max(1, len(re.findall(r"[.!?:](?:\s|\Z)", text)))
    return round(len(found) / sentences + 100 * sum(len(w) > 6 for w in found) / len(found)) if found else 0


def language_of(text: str) -> tuple[str, int, dict[str, int]]:
    """The language whose frequent words stand most often in ``text``, how often, and all counts."""
    counts = dict.fromkeys(_FREQUENT_SETS, 0)
    for word in words(fold(text)):
        for part in word.split("'"):
            for language, frequent in _FREQUENT_SETS.items():
                counts[language] += part in frequent
    best = max(counts, key=lambda language: counts[language])
    return best, counts[best], counts
