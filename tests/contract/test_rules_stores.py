"""Kits, routes and exceptions: the same on every backend."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.book import Book, BookKind
from chalicelib.domain.errors import Conflict
from chalicelib.domain.ids import CampaignId
from chalicelib.domain.scope import Scope
from chalicelib.domain.waiver import RouteRecord
from chalicelib.usecases.world import World
from tests.contract import values
from tests.contract.backends import new_partner
from tests.fakes.system import START


def book(world: World, number: int = 1, market: str = "all", source: str = "brand: Ünder\n") -> Book:
    """A published text."""
    return Book(kind=BookKind.KIT, scope=Scope(world.facts.org_id, "main", market), number=number, source=source,
                note="why", baseline=("a" * 32,), published_by=values.EMMA, published_at=START)


def test_the_newest_of_each_scope_is_current(world: World) -> None:
    """Versions stay; the newest of a scope is in force; another kind is another matter."""
    for made in (book(world), book(world, 2, source="brand: B\n"), book(world, 1, "de")):
        world.books.publish(made)
    assert list(world.books.current()) == [book(world, 2, source="brand: B\n"), book(world, 1, "de")]
    assert [b.number for b in world.books.versions(BookKind.KIT, Scope(world.facts.org_id))] == [2, 1]
    assert world.books.versions(BookKind.KIT, Scope(world.facts.org_id))[1] == book(world)
    lanes = replace(book(world), kind=BookKind.LANES)
    world.books.publish(lanes)
    assert world.books.current()[-1] == lanes


def test_a_version_is_never_replaced(world: World) -> None:
    """Of two who publish at once one is told; the same call twice is one."""
    world.books.publish(book(world))
    world.books.publish(book(world))
    with pytest.raises(Conflict, match=r"book\.changed"):
        world.books.publish(book(world, source="brand: C\n"))
    assert list(world.books.current()) == [book(world)]


def test_a_baseline_changes_and_nothing_else(world: World) -> None:
    """Of two who change it one is told; a version that is not the newest keeps its own."""
    first = book(world)
    world.books.publish(first)
    after = replace(first, baseline=("a" * 32, "b" * 32))
    world.books.rebase(after, before=first.baseline)
    assert list(world.books.current()) == [after]
    assert list(world.books.versions(BookKind.KIT, Scope(world.facts.org_id))) == [after]
    with pytest.raises(Conflict, match=r"book\.changed"):
        world.books.rebase(replace(first, baseline=()), before=first.baseline)
    second = book(world, 2, source="brand: B\n")
    world.books.publish(second)
    with pytest.raises(Conflict, match=r"book\.changed"):
        world.books.rebase(replace(after, baseline=()), before=after.baseline)
    world.books.rebase(replace(second, baseline=()), before=second.baseline)
    assert world.books.current()[0].baseline == ()


def test_notes_of_the_routes(world: World) -> None:
    """The newest campaign first, per version of the routes; an outcome is added later."""
    first, second = sorted(CampaignId(values.new_id("cmp")) for _ in range(2))
    record = RouteRecord(policy=1, campaign=first, revision=1, partner=new_partner(), predicted="auto", taken="one",
                         facts={"warnings": 1, "risk": "low", "fired": ("LEG004",)}, noted_at=START)
    other = replace(record, campaign=second)
    for one in (record, other):
        world.route_notes.note(one)
    world.route_notes.settle(1, second, 1, "approve")
    world.route_notes.settle(1, second, 2, "approve")
    assert list(world.route_notes.notes(1)) == [replace(other, outcome="approve"), record]
    assert list(world.route_notes.notes(1, limit=1)) == [replace(other, outcome="approve")]
    assert list(world.route_notes.notes(2)) == []
    assert (world.route_notes.decided(1), world.route_notes.decided(1, limit=1), world.route_notes.decided(2)) == (
        1, 1, 0)
