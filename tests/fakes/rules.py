"""In-memory stores of HQ's rules, with the conditions of the real ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from chalicelib.domain.book import Book, BookKind
from chalicelib.domain.errors import Conflict
from chalicelib.domain.ids import CampaignId
from chalicelib.domain.scope import Scope
from chalicelib.domain.waiver import RouteRecord


class FakeBooks:
    """See ``ports.rules.Books``."""

    def __init__(self) -> None:
        self.books: dict[tuple[BookKind, Scope, int], Book] = {}

    def publish(self, book: Book) -> None:
        """Never replaces another one, and never goes back."""
        key = (book.kind, book.scope, book.number)
        if self.books.get(key, book) != book or any(
            (kind, scope) == key[:2] and number > book.number for kind, scope, number in self.books
        ):
            raise Conflict("book.changed", number=book.number)
        self.books[key] = book

    def rebase(self, book: Book, *, before: Sequence[str]) -> None:
        """Conditional on the baseline before; only the newest has one that counts."""
        key = (book.kind, book.scope, book.number)
        newer = any((kind, scope) == key[:2] and number > book.number for kind, scope, number in self.books)
        if newer or key not in self.books or list(self.books[key].baseline) != list(before):
            raise Conflict("book.changed", number=book.number)
        self.books[key] = replace(self.books[key], baseline=tuple(book.baseline))

    def current(self) -> Sequence[Book]:
        """By kind and scope."""
        newest: dict[tuple[str, str, str], Book] = {}
        for (_, scope, number), book in self.books.items():
            key = (book.kind.value, scope.brand, scope.market)
            if key not in newest or newest[key].number < number:
                newest[key] = book
        return [newest[key] for key in sorted(newest)]

    def recent(self) -> Sequence[Book]:
        """Never old here."""
        return self.current()

    def versions(self, kind: BookKind, scope: Scope, *, limit: int = 50) -> Sequence[Book]:
        """By number."""
        wanted = (kind, scope.brand, scope.market)
        found = [b for (k, s, _), b in self.books.items() if (k, s.brand, s.market) == wanted]
        return sorted(found, key=lambda b: -b.number)[:limit]


class FakeRouteNotes:
    """See ``ports.rules.RouteNotes``."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, int, CampaignId, int], RouteRecord] = {}

    def note(self, record: RouteRecord) -> None:
        """Replaces."""
        self.records[record.market, record.policy, record.campaign, record.revision] = record

    def settle(
        self, policy: int, campaign: CampaignId, revision: int, outcome: str, *, market: str = "all",
    ) -> None:
        """If it is there."""
        key = (market, policy, campaign, revision)
        if key in self.records:
            self.records[key] = replace(self.records[key], outcome=outcome)

    def notes(self, policy: int, *, market: str = "all", limit: int = 200) -> Sequence[RouteRecord]:
        """Newest campaigns first."""
        found = sorted((key, record) for key, record in self.records.items() if key[:2] == (market, policy))
        return [record for _, record in reversed(found)][:limit]

    def decided(self, policy: int, *, market: str = "all", limit: int = 200) -> int:
        """Of the newest."""
        return sum(bool(note.outcome) for note in self.notes(policy, market=market, limit=limit))
