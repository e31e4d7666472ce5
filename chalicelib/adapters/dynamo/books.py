"""HQ's published texts and the notes of the approval routes, all under the org's keys.

A text of up to 256 KB lies in the blob store under its hash; the item that is put once per number
refers to it, so that of two who publish at once one is told.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from chalicelib.adapters.dynamo import expressions as ex
from chalicelib.adapters.dynamo import keys
from chalicelib.adapters.dynamo.codec import Kind
from chalicelib.adapters.dynamo.failures import ConditionFailed, TransactionFailed
from chalicelib.adapters.dynamo.kept import Kept
from chalicelib.adapters.dynamo.steps import Put, Update
from chalicelib.adapters.dynamo.table import Table
from chalicelib.adapters.dynamo.values import Item
from chalicelib.domain.book import Book, BookKind
from chalicelib.domain.errors import Conflict, Permanent
from chalicelib.domain.ids import CampaignId, OrgId
from chalicelib.domain.scope import Scope
from chalicelib.domain.waiver import RouteRecord
from chalicelib.ports.system import Blobs, Clock

BOOK = Kind(Book, "book")
NOTE = Kind(RouteRecord, "route")
NEWEST = "BOOKS"
CACHED = 32
"""Texts kept in memory by their hash; they never change."""


class DynamoBooks:
    """See ``ports.rules.Books``. Versions and the newest of each scope are two partitions of a kind."""

    def __init__(self, table: Table, blobs: Blobs, org: OrgId, clock: Clock) -> None:
        self._table, self._blobs, self._org = table, blobs, org
        self._texts: dict[str, str] = {}
        self._kept = Kept(clock, self.current)

    def publish(self, book: Book) -> None:
        """Text first; then the version, on the condition that its number is free, and the pointer to it at once."""
        data = book.source.encode()
        sha256 = hashlib.sha256(data).hexdigest()
        self._blobs.put(None, _blob_key(sha256), data, "application/yaml")
        light = replace(book, source=sha256)
        version = BOOK.item(light, keys.org(self._org, "BOOK", book.kind.value), _sort(book.scope, book.number))
        newest = BOOK.item(light, keys.org(self._org, NEWEST), f"{book.kind.value}#{_scope(book.scope)}")
        try:
            self._table.transact([
                Put(version, ex.absent("pk")),
                Put(newest, ex.any_of(ex.absent("pk"), ex.below("number", book.number))),
            ])
        except TransactionFailed:
            stands = self._table.get(version["pk"], version["sk"], consistent=True)
            if stands != version:  # a repeated call finds its own
                raise Conflict("book.changed", number=book.number) from None
        self._kept.forget()

    def rebase(self, book: Book, *, before: Sequence[str]) -> None:
        """Version and pointer at once; both hold the number and the baseline that were looked at."""
        same = ex.all_of(ex.equals("number", book.number), ex.equals("baseline", list(before)))
        change = [ex.put("baseline", list(book.baseline))]
        try:
            self._table.transact([
                Update(keys.org(self._org, "BOOK", book.kind.value), _sort(book.scope, book.number), change, same),
                Update(keys.org(self._org, NEWEST), f"{book.kind.value}#{_scope(book.scope)}", change, same),
            ])
        except TransactionFailed:
            raise Conflict("book.changed", number=book.number) from None
        self._kept.forget()

    def current(self) -> Sequence[Book]:
        """One query of the pointers; consistent, so that what was published a moment ago counts."""
        found = self._table.query(keys.org(self._org, NEWEST), consistent=True)
        return [self._whole(item) for item in found]

    def recent(self) -> Sequence[Book]:
        """Kept by a warm function."""
        return self._kept.get()

    def versions(self, kind: BookKind, scope: Scope, *, limit: int = 50) -> Sequence[Book]:
        """One query."""
        found = self._table.query(
            keys.org(self._org, "BOOK", kind.value), begins=f"{_scope(scope)}#", newest_first=True, limit=limit,
        )
        return [self._whole(item) for item in found]

    def _whole(self, item: Item) -> Book:
        book = BOOK.read(item)
        text = self._texts.get(book.source)
        if text is None:
            data = self._blobs.get(None, _blob_key(book.source))
            if hashlib.sha256(data).hexdigest() != book.source:
                raise Permanent("a published text was changed in the store")
            text = data.decode()
            if len(self._texts) >= CACHED:
                self._texts.clear()
            self._texts[book.source] = text
        return replace(book, source=text)


class DynamoRouteNotes:
    """See ``ports.rules.RouteNotes``."""

    def __init__(self, table: Table, org: OrgId, clock: Clock) -> None:
        self._table, self._org, self._clock = table, org, clock
        self._decided: dict[tuple[int, str, int], Kept[int]] = {}

    def note(self, record: RouteRecord) -> None:
        """By campaign and revision, under the version of the routes."""
        sk = f"{keys.part(record.campaign)}#{record.revision:06d}"
        self._table.put(NOTE.item(record, self._notes(record.policy, record.market), sk))

    def settle(
        self, policy: int, campaign: CampaignId, revision: int, outcome: str, *, market: str = "all",
    ) -> None:
        """On the condition that the note is there."""
        sk = f"{keys.part(campaign)}#{revision:06d}"
        with suppress(ConditionFailed):
            self._table.update(
                self._notes(policy, market), sk, [ex.put("outcome", outcome)], condition=ex.present("pk"))

    def notes(self, policy: int, *, market: str = "all", limit: int = 200) -> Sequence[RouteRecord]:
        """Campaign ids sort by the time they were made."""
        found = self._table.query(self._notes(policy, market), newest_first=True, limit=limit, consistent=True)
        return [NOTE.read(item) for item in found]

    def decided(self, policy: int, *, market: str = "all", limit: int = 200) -> int:
        """Kept by a warm function: a few kinds of routes are in force at once."""
        key = (policy, market, limit)
        if key not in self._decided:
            self._decided[key] = Kept(self._clock, lambda: sum(
                bool(note.outcome) for note in self.notes(policy, market=market, limit=limit)))
        return self._decided[key].get()

    def _notes(self, policy: int, market: str) -> str:
        return keys.org(self._org, "ROUTES", f"{policy:06d}", *([market] if market != "all" else []))


def _scope(scope: Scope) -> str:
    return f"{keys.part(scope.brand)}#{keys.part(scope.market)}"


def _sort(scope: Scope, number: int) -> str:
    return f"{_scope(scope)}#{number:06d}"


def _blob_key(sha256: str) -> str:
    return f"ORG/books/{keys.part(sha256)}.yaml"
