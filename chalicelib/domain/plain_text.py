"""Text as people type it: without what hides or reorders, in one form, within bounds.

Nothing here knows HTML beyond noticing it: escaping is ``rendering``'s.
"""

from __future__ import annotations

import re
import unicodedata

from chalicelib.domain import graphemes
from chalicelib.domain.errors import Problem

MAX_TEXT = 5_000
"""The most characters of any text, also where HQ set no limit (grapheme clusters)."""
MAX_RAW = 40_000
"""The most code points that are looked at at all."""

_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_UNUSUAL = re.compile(r"[^\n -~]")
"""Characters that have to be looked at one by one."""
_TAG = re.compile(r"</?[a-zA-Z][^<>]*+>|<!--")
_ANY_TAG = re.compile(r"<[^<>]*+>")
_INLINE_TAG = re.compile(r"</?(?:a|b|em|i|s|small|span|strong|sub|sup|u)(?:\s[^<>]*)?>", re.IGNORECASE)
_SYNTAX = re.compile(r"\{\{|\{%|\{#|\*\||\|\*|%%|\[\[")


def line(key: str, text: str, *, limit: int, required: bool) -> tuple[str, list[Problem], list[Problem]]:
    """Check one line of plain text (subject, preheader, label): value, problems, warnings."""
    value, problems = clean(key, text)
    value = " ".join(value.split())
    return value, problems + bounds(key, value, limit, required), hints(key, value)


def clean(key: str, text: str) -> tuple[str, list[Problem]]:
    """NFC, one kind of line end, and no character that hides or reorders others.

    Refused with their position (from 1): control characters and NUL, bidirectional overrides
    and isolates (UAX #9; CVE-2021-42574), unpaired surrogates, noncharacters.
    """
    if len(text) > MAX_RAW:
        return text[:MAX_RAW], [Problem("value.too_long", key, {"max": MAX_RAW, "length": len(text)})]
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    problems = []
    for match in _UNUSUAL.finditer(text):
        char = match.group()
        if code := _forbidden(char):
            problems.append(Problem(code, key, {"character": f"U+{ord(char):04X}", "position": match.end()}))
            if len(problems) == 5:
                break
    if any(p.code == "value.surrogate" for p in problems):
        # An unpaired surrogate cannot even be stored; what goes on is a text without it.
        text = text.encode("utf-8", "replace").decode()
    return unicodedata.normalize("NFC", text).strip(), problems


def visible(rich: str) -> str:
    """Roughly what a reader sees of rich text: no tags, references resolved; for counting only."""
    import html

    return " ".join(html.unescape(_ANY_TAG.sub(" ", _INLINE_TAG.sub("", rich))).split())


def _forbidden(char: str) -> str:
    if char in _BIDI:
        return "value.bidi"
    category = unicodedata.category(char)
    if category == "Cs":
        return "value.surrogate"
    if category in ("Cc", "Zl", "Zp") or "\ufdd0" <= char <= "\ufdef" or ord(char) & 0xFFFE == 0xFFFE:
        return "value.control"
    return ""


def bounds(key: str, value: str, limit: int, required: bool) -> list[Problem]:
    """What is wrong with a text's length, counted as readers count."""
    if not value:
        return [Problem("value.required", key)] if required else []
    length = graphemes.count(value)
    return [Problem("value.too_long", key, {"max": limit, "length": length})] if length > limit else []


def hints(key: str, value: str) -> list[Problem]:
    """What a reader will see as text and its writer may have meant otherwise: tags, template syntax."""
    match = _TAG.search(value)
    tags = [Problem("value.markup", key, {"found": match.group()[:40]})] if match else []
    return tags + syntax(key, value)


def syntax(key: str, value: str) -> list[Problem]:
    """The first piece of a template language in a text; the program sends it as text."""
    match = _SYNTAX.search(value)
    return [Problem("value.template_syntax", key, {"found": match.group()})] if match else []
