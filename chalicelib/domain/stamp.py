"""The same replacement in the locked bytes of many templates: a new logo, a new colour, a new imprint line.

Only what is locked is touched, and only by plain text for plain text: neither side may hold a
character that could open or close a tag, an attribute or a template tag, so the structure of the
mail is the one that was published.
"""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

from chalicelib.domain.errors import Problem
from chalicelib.domain.ids import PersonId
from chalicelib.domain.template import TemplateVersion

Pair = tuple[str, str]
MAX_PAIRS = 10
SHORTEST, LONGEST = 3, 500
_COLOUR = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})\Z", re.IGNORECASE)
_FORBIDDEN = frozenset("<>\"'`{}|\\*")


def problems(pairs: Sequence[Pair]) -> list[Problem]:
    """What is wrong with replacements; the field of each is ``old-<n>`` or ``new-<n>``, from 1."""
    found = []
    if len(pairs) > MAX_PAIRS:
        found.append(Problem("release.pairs_many", "old-1", {"max": MAX_PAIRS}))
    for number, pair in enumerate(pairs, 1):
        for side, text in zip(("old", "new"), pair, strict=True):
            if not SHORTEST <= len(text) <= LONGEST:
                found.append(Problem("release.pair_length", f"{side}-{number}", {"min": SHORTEST, "max": LONGEST}))
            elif bad := sorted(set(text) & _FORBIDDEN) or [c for c in text if not c.isprintable()]:
                found.append(Problem("release.pair_sign", f"{side}-{number}", {"sign": repr(bad[0])[1:-1]}))
        if _COLOUR.match(pair[0]) and not _COLOUR.match(pair[1]):
            found.append(Problem("release.pair_colour", f"new-{number}", {"value": pair[1][:40]}))
    return found


def stamped(
    version: TemplateVersion, pairs: Sequence[Pair], *, number: int, by: PersonId, at: datetime,
) -> TemplateVersion | None:
    """The next version with every pair replaced in its locked bytes; None where none of them stands there."""
    source, out, size = version.html.encode(), list[bytes](), 0
    opened = [(slot.start, slot.end) for slot in version.slots]
    spans = [*opened, *((block.start, block.end) for block in version.blocks)]
    moved, found = {0: 0}, False
    for start, end in pairwise(sorted({0, len(source), *(edge for span in spans for edge in span)})):
        piece = source[start:end]
        if not any(first <= start and end <= last for first, last in opened):
            after = _replaced(piece, pairs)
            found, piece = found or after != piece, after
        out.append(piece)
        size += len(piece)
        moved[end] = size
    if not found:
        return None
    made = b"".join(out)
    return replace(
        version, number=number, html=made.decode(), source_sha256=hashlib.sha256(made).hexdigest(),
        slots=tuple(replace(s, start=moved[s.start], end=moved[s.end]) for s in version.slots),
        blocks=tuple(replace(b, start=moved[b.start], end=moved[b.end]) for b in version.blocks),
        published_by=by, published_at=at,
    )


def _replaced(piece: bytes, pairs: Sequence[Pair]) -> bytes:
    """All pairs at once, so that what one of them put in is not taken out by the next."""
    ways = {_written(old).lower() if _COLOUR.match(old) else _written(old): _written(new) for old, new in pairs}
    pattern = b"|".join(
        (b"(?i:%s)(?![0-9a-fA-F])" if _COLOUR.match(old) else b"%s") % re.escape(_written(old)) for old, _ in pairs)

    def put(match: re.Match[bytes]) -> bytes:
        text = match.group()
        return ways.get(text) or ways[text.lower()]

    return re.sub(pattern, put, piece)


def _written(text: str) -> bytes:
    """A text as HTML has it."""
    return html.escape(text, quote=False).encode()
