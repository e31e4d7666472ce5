"""Counting what a person calls a character (UAX #29, extended grapheme clusters).

A small version of the rules: combining marks, variation selectors, skin tones, tag characters,
zero-width joiners between pictographs, flags as pairs, Hangul syllables and CR LF. What it
leaves out (prepended marks, Indic conjuncts) makes it count a little higher, never lower.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

_ZWNJ, _ZWJ = "\u200c", "\u200d"


def graphemes(text: str) -> Iterator[str]:
    """The grapheme clusters of ``text``, in order, in linear time."""
    start, flags = 0, 0
    for index in range(1, len(text)):
        before, char = text[index - 1], text[index]
        flags = flags + 1 if _is_flag(before) else 0
        if _joined(text, index, before, char) or (_is_flag(char) and flags % 2 == 1):
            continue
        yield text[start:index]
        start = index
    if text:
        yield text[start:]


def count(text: str) -> int:
    """The number of grapheme clusters."""
    if text.isascii() and "\r" not in text:
        return len(text)
    return sum(1 for _ in graphemes(text))


def _joined(text: str, index: int, before: str, char: str) -> bool:
    """Whether no boundary lies between two characters, flags aside."""
    if before == "\r" and char == "\n":
        return True
    if unicodedata.category(before) in ("Cc", "Zl", "Zp"):
        return False
    if _extends(char):
        return True
    if before == _ZWJ and index > 1 and _is_pictograph(char):
        return True
    return _hangul(before, char)


def _extends(char: str) -> bool:
    return (
        unicodedata.category(char)[0] == "M" or char in (_ZWNJ, _ZWJ)
        or "\U0001f3fb" <= char <= "\U0001f3ff" or "\U000e0020" <= char <= "\U000e007f"
    )


def _is_flag(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _is_pictograph(char: str) -> bool:
    return unicodedata.category(char) == "So" or char >= "\U0001f000"


def _hangul(before: str, char: str) -> bool:
    leading = "\u1100" <= before <= "\u115f"
    vowel = "\u1160" <= before <= "\u11a7"
    trailing = "\u11a8" <= before <= "\u11ff"
    syllable = "\uac00" <= before <= "\ud7a3"
    if "\u1160" <= char <= "\u11a7":
        return leading or vowel or (syllable and (ord(before) - 0xAC00) % 28 == 0)
    if "\u11a8" <= char <= "\u11ff":
        return vowel or trailing or syllable
    return leading and ("\u1100" <= char <= "\u115f" or "\uac00" <= char <= "\ud7a3")
