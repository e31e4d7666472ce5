"""What HQ writes as a text and publishes in versions: brand kits and approval routes, each in a scope."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.ids import PersonId
from chalicelib.domain.record import dataclass
from chalicelib.domain.scope import Scope


class BookKind(StrEnum):
    """What the text is."""

    KIT = "kit"
    LANES = "lanes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """One published, immutable version. ``baseline`` are fingerprints of findings that stood in
    published templates when this version brought their rule: there they do not block."""

    kind: BookKind
    scope: Scope
    number: int
    source: str
    note: str = ""
    baseline: tuple[str, ...] = ()
    published_by: PersonId
    published_at: datetime


def nearest(books: Iterable[Book], scope: Scope) -> Book | None:
    """The book in force for a scope: the market's before the brand's before the org's; newest first."""
    found = sorted(books, key=lambda b: b.number, reverse=True)
    for brand, market in ((scope.brand, scope.market), (scope.brand, "all"), ("main", "all")):
        for book in found:
            if (book.scope.brand, book.scope.market) == (brand, market):
                return book
    return None
