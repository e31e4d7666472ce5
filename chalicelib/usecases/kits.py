"""Brand kits: HQ edits one as YAML, sees what it would change, and publishes a version of it."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.domain import book as books
from chalicelib.domain import kit as kits
from chalicelib.domain.book import Book, BookKind
from chalicelib.domain.errors import Conflict, Problem, Refused
from chalicelib.domain.kit import EMPTY, Kit
from chalicelib.domain.people import Person
from chalicelib.domain.record import dataclass
from chalicelib.domain.scope import Scope
from chalicelib.usecases import baseline
from chalicelib.usecases.world import World

MAX_NOTE = 300
KEPT = 16
_read: dict[str, Kit] = {}
"""Kits by their text: each is read once a process."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What is in force in a scope: the kit, its version (0: none yet) and the baseline of old templates."""

    kit: Kit = EMPTY
    number: int = 0
    baseline: tuple[str, ...] = ()


def in_force(world: World, scope: Scope) -> Demand:
    """The kit for hints while a text is typed: the nearest published one, at most half a minute old."""
    return demand(world.books.recent(), scope)


def demand(current: Sequence[Book], scope: Scope) -> Demand:
    """The same, of what was read already."""
    found = books.nearest((b for b in current if b.kind is BookKind.KIT), scope)
    return Demand(_kit(found.source), found.number, found.baseline) if found else Demand()


def _kit(source: str) -> Kit:
    if source not in _read:
        if len(_read) >= KEPT:
            _read.clear()
        _read[source] = kits.read(source)
    return _read[source]


def all_in_force(current: Sequence[Book]) -> Sequence[tuple[Book, Kit]]:
    """Every kit in force with its book, of what was read already."""
    return [(book, _kit(book.source)) for book in current if book.kind is BookKind.KIT]


def published(world: World, kind: BookKind, scope: Scope, *, limit: int = 50) -> Sequence[Book]:
    """A scope's versions, newest first."""
    return world.books.versions(kind, scope, limit=limit)


def publish(
    world: World, by: Person, scope: Scope, source: str, *, number: int, note: str = "",
) -> Book:
    """Publish ``source`` as version ``number`` (one more than stands).

    Raises Refused with every problem of the text, Conflict ``book.changed`` if somebody was faster.
    """
    kit = kits.read(source)
    stands = books.nearest((b for b in world.books.current() if b.kind is BookKind.KIT), scope)
    before = _kit(stands.source) if stands else EMPTY
    return store(world, by, BookKind.KIT, scope, source, number=number, note=note,
                 baseline=baseline.of_new_kit(world, kit, stands, before))


def store(
    world: World, by: Person, kind: BookKind, scope: Scope, source: str, *, number: int, note: str,
    baseline: Sequence[str] = (),
) -> Book:
    """Store a text that was checked; the same form sent twice publishes once."""
    stands = world.books.versions(kind, scope, limit=1)
    last = stands[0] if stands else None
    if last and last.number == number and last.source == source:
        return last
    if number != (last.number if last else 0) + 1:
        raise Conflict("book.changed", number=last.number if last else 0)
    if last and last.source == source:
        raise Refused([Problem("book.same", "yaml")])
    made = Book(
        kind=kind, scope=scope, number=number, source=source, note=" ".join(note.split())[:MAX_NOTE],
        baseline=tuple(baseline), published_by=by.id, published_at=world.clock.now(),
    )
    world.books.publish(made)
    return made
