"""Manifests, claims, outcomes, events and slices: the same on every backend."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.adapters.dynamo.ledger import _attempt_item
from chalicelib.adapters.dynamo.values import size_of
from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.frequency import Started
from chalicelib.domain.ids import CampaignId, ContactId, base32_of
from chalicelib.domain.ledger import Attempt, Mark, Result, Seen
from chalicelib.domain.manifest import BatchKey, Manifest, Run, SliceKey
from chalicelib.domain.scope import Zone
from chalicelib.domain.totals import SliceState, Totals
from chalicelib.ports.system import PartnerSession
from chalicelib.usecases.world import World
from tests.contract.backends import new_partner
from tests.contract.values import new_id
from tests.fakes.system import START, FakeSession


@pytest.fixture
def session(world: World) -> PartnerSession:
    """A partner's session."""
    return world.sessions.open(new_partner(), Zone.PARTNER)


@pytest.fixture
def key() -> SliceKey:
    """A slice of a campaign that no other test has."""
    return SliceKey(Run(CampaignId(new_id("cmp"))), 3)


def an_attempt(key: SliceKey, batch: int = 0, number: int = 1, *, nonce: bytes = b"12345678") -> Attempt:
    """A claim of five recipients, of whom one is left out."""
    marks = bytes([Mark.ADDRESSED, Mark.ADDRESSED, Mark.UNSUBSCRIBED, Mark.ADDRESSED, Mark.ADDRESSED])
    return Attempt(
        key=BatchKey(key, batch, number), marks=marks, nonce=nonce, claimed_at=START,
        deadline=START + timedelta(seconds=120),
    )


def only(world: World, session: PartnerSession, key: BatchKey) -> Attempt:
    """The attempt as it is stored."""
    found = [a for a in world.ledger.attempts(session, key.slice, key.batch, key.batch) if a.key == key]
    assert len(found) == 1
    return found[0]


def test_the_first_manifest_of_a_slice_stands(world: World, session: PartnerSession, key: SliceKey) -> None:
    """Whoever freezes second gets what the first wrote, with all of its 5,000 ids."""
    first = Manifest(key=key, ids=bytes(range(16)) * 5_000, window=50, made_at=START)
    second = Manifest(key=key, ids=b"x" * 16, window=7, made_at=START + timedelta(minutes=1))
    assert world.ledger.manifest(session, key) is None
    assert world.ledger.freeze(session, first) == first
    assert world.ledger.freeze(session, second) == first
    assert world.ledger.manifest(session, key) == first
    empty = replace(first, key=replace_number(key, 4), ids=b"")
    assert world.ledger.freeze(session, empty) == world.ledger.manifest(session, empty.key) == empty


def replace_number(key: SliceKey, number: int) -> SliceKey:
    """Another slice of the same run."""
    return SliceKey(key.run, number)


def test_an_attempt_is_claimed_once(world: World, session: PartnerSession, key: SliceKey) -> None:
    """Of two claims of the same attempt one is refused, and the first stays as it was."""
    attempt = an_attempt(key)
    world.ledger.claim(session, attempt)
    with pytest.raises(Conflict) as caught:
        world.ledger.claim(session, replace(attempt, nonce=b"87654321", marks=bytes(5)))
    assert caught.value.code == "batch.claimed"
    assert only(world, session, attempt.key) == attempt
    world.ledger.claim(session, an_attempt(key, number=2))


def test_an_outcome_is_recorded_once(world: World, session: PartnerSession, key: SliceKey) -> None:
    """Two bits a recipient, by ordinal; a second outcome is refused, and so is one without a claim."""
    attempt = an_attempt(key)
    results = (Result.SENT, Result.UNSENT, Result.UNKNOWN, Result.FAILED, Result.UNKNOWN)
    with pytest.raises(NotFound):
        world.ledger.settle(session, attempt.key, results)
    world.ledger.claim(session, attempt)
    world.ledger.settle(session, attempt.key, results)
    with pytest.raises(Conflict) as caught:
        world.ledger.settle(session, attempt.key, (Result.SENT,) * 5)
    assert caught.value.code == "batch.settled"
    assert only(world, session, attempt.key).answered == results


def test_attempts_are_read_by_windows_in_order(world: World, session: PartnerSession, key: SliceKey) -> None:
    """A range of windows with all their attempts, of this slice and run only."""
    for batch, number in ((0, 1), (1, 1), (1, 2), (2, 1), (10, 1), (100, 1)):
        world.ledger.claim(session, an_attempt(key, batch, number))
    world.ledger.claim(session, an_attempt(replace_number(key, 4)))
    world.ledger.claim(session, an_attempt(SliceKey(Run(key.run.campaign, 2), key.number)))
    found = [a.key[1:] for a in world.ledger.attempts(session, key, 1, 10)]
    assert found == [(1, 1), (1, 2), (2, 1), (10, 1)]
    assert len(world.ledger.attempts(session, key, 0, 1_000)) == 6


def test_a_release_needs_a_dead_claim(world: World, session: PartnerSession, key: SliceKey) -> None:
    """The claim's deadline stands in the condition of the write; releases unite."""
    attempt = an_attempt(key)
    with pytest.raises(NotFound):
        world.ledger.release(session, attempt.key, frozenset({1}), START + timedelta(days=1))
    world.ledger.claim(session, attempt)
    with pytest.raises(Conflict) as caught:
        world.ledger.release(session, attempt.key, frozenset({1}), attempt.deadline - timedelta(milliseconds=1))
    assert caught.value.code == "batch.too_early"
    assert only(world, session, attempt.key).released == frozenset()
    world.ledger.release(session, attempt.key, frozenset({1}), attempt.deadline)
    world.ledger.release(session, attempt.key, frozenset({4}), attempt.deadline)
    assert only(world, session, attempt.key).released == {1, 4}


def test_events_unite_in_any_order(world: World, session: PartnerSession, key: SliceKey) -> None:
    """Doubled and in any order, with and without an outcome: the union of what they prove."""
    attempt = an_attempt(key)
    with pytest.raises(NotFound):
        world.ledger.saw(session, attempt.key, {Seen.OPENED: frozenset({0})})
    world.ledger.claim(session, attempt)
    world.ledger.saw(session, attempt.key, {Seen.OPENED: frozenset({0}), Seen.DELIVERED: frozenset({0, 1})})
    world.ledger.saw(session, attempt.key, {Seen.DELIVERED: frozenset({1, 3})})
    world.ledger.saw(session, attempt.key, {Seen.DELIVERED: frozenset()})
    found = only(world, session, attempt.key)
    assert found.seen[Seen.OPENED] == {0}
    assert found.seen[Seen.DELIVERED] == {0, 1, 3}
    world.ledger.settle(session, attempt.key, (Result.SENT,) * 5)
    assert only(world, session, attempt.key).seen == found.seen


def test_of_two_moves_of_a_slice_one_holds(world: World, session: PartnerSession, key: SliceKey) -> None:
    """A slice is moved from the turn that was read, or not at all; counting does not move it."""
    fresh = world.ledger.slice(session, key)
    assert fresh == SliceState(key=key)
    world.ledger.count(session, key, Totals(audience=5, pending=5), START)
    after = replace(fresh, turn=1, cursor=4, epoch=2, unknown_run=3, touched_at=START)
    world.ledger.advance(session, fresh, after)
    with pytest.raises(Conflict) as caught:
        world.ledger.advance(session, fresh, replace(after, cursor=9))
    assert caught.value.code == "slice.moved"
    stored = world.ledger.slice(session, key)
    assert stored == replace(after, totals=Totals(audience=5, pending=5), counted_at=START)
    world.ledger.advance(session, stored, replace(stored, turn=2, done=True, touched_at=None))
    assert world.ledger.slice(session, key).done
    assert world.ledger.slice(session, key).touched_at is None


def test_an_older_count_does_not_replace_a_newer_one(world: World, session: PartnerSession, key: SliceKey) -> None:
    """Totals are those of the count that knew most, whatever order the writes arrive in and whatever clocks say."""
    later = Totals(audience=9, sent=4, suppressed={"unsubscribed": 2, "gone": 1}, unknown=2, delivered=3, facts=8)
    world.ledger.count(session, key, later, START)
    world.ledger.count(session, key, Totals(audience=9, pending=9, facts=7), START + timedelta(seconds=1))
    assert world.ledger.slice(session, key).totals == later
    world.ledger.count(session, key, replace(later, opened=1, facts=9), START - timedelta(hours=1))
    assert world.ledger.slice(session, key).totals == replace(later, opened=1)


def test_the_slices_of_a_run_are_one_list(world: World, session: PartnerSession, key: SliceKey) -> None:
    """Every touched slice of the run in order, nothing of another run, campaign or partner."""
    for number in (255, 0, 16):
        world.ledger.count(session, SliceKey(key.run, number), Totals(audience=number), START)
    world.ledger.count(session, SliceKey(Run(key.run.campaign, 1, 2), 1), Totals(audience=1), START)
    stranger = world.sessions.open(new_partner(), Zone.PARTNER)
    world.ledger.count(stranger, SliceKey(key.run, 1), Totals(audience=1), START)
    assert [s.key.number for s in world.ledger.slices(session, key.run)] == [0, 16, 255]


def test_who_left_is_counted_once_beside_the_slices(world: World, session: PartnerSession, key: SliceKey) -> None:
    """In any order and however often it is noted; nobody of another run, variant or partner; slices stay slices."""
    assert world.ledger.results(session, key.run) == ([], 0)
    people = [ContactId(base32_of(bytes([n]) * 16)) for n in (0, 1, 40, 90, 255)]
    for contact in (*people, people[0], *reversed(people)):
        world.ledger.left(session, key.run, contact)
    world.ledger.left(session, Run(key.run.campaign, 1, 12), people[0])
    world.ledger.left(session, Run(CampaignId(new_id("cmp"))), people[0])
    world.ledger.left(world.sessions.open(new_partner(), Zone.PARTNER), key.run, people[0])
    assert world.ledger.results(session, key.run) == ([], 5)
    for number in (255, 0):
        world.ledger.count(session, SliceKey(key.run, number), Totals(audience=number), START)
    slices, left = world.ledger.results(session, key.run)
    assert ([s.key.number for s in slices], left) == ([0, 255], 5)
    assert world.ledger.slices(session, key.run) == slices


def test_who_had_enough_is_frozen_with_the_manifest(
    world: World, session: PartnerSession, key: SliceKey,
) -> None:
    """The bits of the frequency cap come back as they were, and none where there were none."""
    manifest = Manifest(key=key, ids=b"i" * 16 * 9, window=5, made_at=START, capped=b"\x81\x01")
    world.ledger.freeze(session, manifest)
    stored = world.ledger.manifest(session, key)
    assert stored == manifest
    assert [i for i in range(9) if stored.is_capped(i)] == [0, 7, 8]


def test_starts_keep_their_order_and_are_ended_once(
    world: World, session: PartnerSession, key: SliceKey,
) -> None:
    """A new start goes to the end, a doubled one stays where it is, an end is noted once and for its run only."""
    first = Started(run=key.run, at=START, slices=4)
    second = Started(run=Run(CampaignId(new_id("cmp")), 2, 3), at=START - timedelta(days=1), slices=1)
    assert world.ledger.starts(session) == ()
    assert world.ledger.enter(session, first) == first
    assert world.ledger.enter(session, second) == second
    assert world.ledger.enter(session, replace(first, at=START + timedelta(minutes=1), slices=8)) == first
    assert world.ledger.starts(session) == (first, second)
    over = START + timedelta(hours=1)
    world.ledger.end(session, second.run, over, 0)
    world.ledger.end(session, second.run, over + timedelta(hours=1), 7)
    world.ledger.end(session, Run(CampaignId(new_id("cmp"))), over, 7)
    assert world.ledger.starts(session) == (first, replace(second, ended_at=over, reached=0))
    with pytest.raises(NotFound):
        world.ledger.starts(world.sessions.open(session.partner, Zone.REVIEW))


def test_another_partner_and_the_reviewers_see_nothing(world: World, session: PartnerSession, key: SliceKey) -> None:
    """A foreign session finds nothing; the review zone is refused before anything is read."""
    world.ledger.claim(session, an_attempt(key))
    stranger = world.sessions.open(new_partner(), Zone.PARTNER)
    assert list(world.ledger.attempts(stranger, key, 0, 10)) == []
    reviewer = world.sessions.open(session.partner, Zone.REVIEW)
    with pytest.raises(NotFound):
        world.ledger.attempts(reviewer, key, 0, 10)
    with pytest.raises(NotFound):
        world.ledger.slices(reviewer, key.run)


def test_an_attempt_costs_one_write_unit_whatever_happens() -> None:
    """Fifty recipients to whom everything happened stay below 1 KB."""
    key = BatchKey(SliceKey(Run(CampaignId("cmp_" + "z" * 26), 1, 1), 255), 99_999, 999)
    attempt = Attempt(
        key=key, marks=bytes(50), nonce=b"12345678", claimed_at=START, deadline=START,
        answered=(Result.FAILED,) * 50,
    )
    item = _attempt_item(FakeSession(new_partner()), attempt)
    everybody = set(range(50))
    # A mail cannot be both rejected and opened, and only unknown ones are released: six full sets at most.
    item |= {seen.value: everybody for seen in Seen if seen is not Seen.REJECTED}
    assert size_of(item) < 1024
