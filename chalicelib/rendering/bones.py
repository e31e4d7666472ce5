"""What a replacement of texts must leave alone: the merge fields, and the names of tags and attributes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from chalicelib.rendering import merge
from chalicelib.rendering.tokens import Kind, Token, tokenise

_CONDITION = re.compile(rb"\[[^\[\]]*\]")
_NAMED = frozenset({Kind.START, Kind.END})
_WHOLE = frozenset({Kind.DOCTYPE, Kind.BROKEN})

Bones = tuple[tuple[object, ...], ...]


def of(source: bytes) -> Bones:
    """Two mails with the same bones differ in texts, addresses and styles only."""
    tokens = tokenise(source)
    places, problems = merge.places(source, tokens)
    fields = tuple((p.field, p.default, p.url) for p in places)
    return (fields, tuple(p.code for p in problems), *_bones(source, tokens))


def _bones(source: bytes, tokens: list[Token]) -> Iterator[tuple[object, ...]]:
    """Tags by their names; of a comment its conditions and what Outlook reads as tags."""
    for token in tokens:
        if token.kind in _NAMED:
            yield token.kind, token.name, tuple(name for name, _ in token.pairs)
        elif token.kind in _WHOLE:
            yield token.kind, source[token.start:token.end]
        elif token.kind is Kind.COMMENT:
            inner = source[token.start + 4:token.end - 3]
            yield token.kind, tuple(_CONDITION.findall(inner))
            yield from _bones(inner, tokenise(inner))
        else:
            yield (token.kind,)
