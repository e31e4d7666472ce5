"""Stores of what HQ demands: brand kits and approval routes in versions, exceptions, notes of the routes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from chalicelib.domain.book import Book, BookKind
from chalicelib.domain.ids import CampaignId
from chalicelib.domain.scope import Scope
from chalicelib.domain.waiver import RouteRecord


class Books(Protocol):
    """Published texts of HQ in versions: brand kits and approval routes."""

    def publish(self, book: Book) -> None:
        """Store a version; raises Conflict ``book.changed`` if that number is taken in its scope."""

    def rebase(self, book: Book, *, before: Sequence[str]) -> None:
        """Change the baseline of a published version, which nothing else of it ever is.

        Raises Conflict ``book.changed`` if its baseline is not ``before`` any more or a newer version stands.
        """

    def current(self) -> Sequence[Book]:
        """The newest version of each kind and scope, in one query."""

    def recent(self) -> Sequence[Book]:
        """The same, up to half a minute old: for hints while a text is typed, never for what decides."""

    def versions(self, kind: BookKind, scope: Scope, *, limit: int = 50) -> Sequence[Book]:
        """A scope's versions, newest first."""


class RouteNotes(Protocol):
    """What the approval routes did with submissions."""

    def note(self, record: RouteRecord) -> None:
        """Keep (or replace) what a submission's route was and how it ended."""

    def settle(
        self, policy: int, campaign: CampaignId, revision: int, outcome: str, *, market: str = "all",
    ) -> None:
        """Add how people decided to a submission's note; one that is not there is fine."""

    def notes(self, policy: int, *, market: str = "all", limit: int = 200) -> Sequence[RouteRecord]:
        """The submissions under one version of a market's routes, newest first."""

    def decided(self, policy: int, *, market: str = "all", limit: int = 200) -> int:
        """How many of the newest of them people have decided, up to half a minute ago: it only grows.

        Too small a number asks people once more, which is the safe side.
        """
