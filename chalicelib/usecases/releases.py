"""Releases, as head office handles them: prepare, look who is touched, approve by a second person, go on.

Nothing here reaches a partner's data: who is touched is counted from the index by programme, which
knows states and size brackets. What is done to campaigns happens behind the queue, partner by
partner, with each partner's own credentials (:mod:`usecases.release_run`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from chalicelib.domain import kit as kit_texts
from chalicelib.domain import release as rules
from chalicelib.domain import stamp
from chalicelib.domain.book import BookKind
from chalicelib.domain.errors import Conflict, NotFound, Problem, Refused
from chalicelib.domain.ids import is_id
from chalicelib.domain.people import Person
from chalicelib.domain.programme import Programme
from chalicelib.domain.record import dataclass
from chalicelib.domain.release import Old, Phase, Record, Release, Touched, Treatment
from chalicelib.domain.scope import Scope
from chalicelib.ports.system import QueueName
from chalicelib.usecases import exceptions, release_moves
from chalicelib.usecases.people import checked_name
from chalicelib.usecases.world import World

TITLE_LENGTH, NOTE_LENGTH = 120, 1_000
MAX_PROGRAMMES, MAX_CARDS = 40, 500
"""How many programmes, and campaigns of each, are counted; beyond that the page says that there are more."""
UNSENT = ("draft", "changes_requested", "in_review", "approved", "sending", "held")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A release's form as it was typed. ``templates`` are ids of templates that go to their newest
    version; ``pairs`` what is replaced in all; ``until`` a day (2026-12-31)."""

    id: str
    title: str
    note: str = ""
    market: str = "all"
    kit: str = ""
    pairs: tuple[tuple[str, str], ...] = ()
    templates: tuple[str, ...] = ()
    programme: str = ""
    treatment: str = Treatment.CARRY.value
    old: str = Old.KEEP.value
    until: str = ""


def prepare(world: World, by: Person, plan: Plan) -> Release:
    """Store a release for a second person; the same form sent twice makes one.

    Raises Refused with every problem at once, NotFound for an id that is none.
    """
    if not is_id(plan.id, "rel"):
        raise NotFound
    problems: list[Problem] = []
    title = checked_name(plan.title, problems, field="title", limit=TITLE_LENGTH)
    if len(plan.note) > NOTE_LENGTH:
        problems.append(Problem("value.too_long", "note", {"length": len(plan.note), "max": NOTE_LENGTH}))
    scope = Scope(world.facts.org_id, market=plan.market)
    kit_number = _kit(world, scope, plan.kit, problems)
    pairs = tuple((old.strip(), new.strip()) for old, new in plan.pairs if old.strip() or new.strip())
    problems += stamp.problems(pairs)
    programme = _programme(world, plan.programme, problems)
    moves = release_moves.moves(world, by.id, plan.templates, () if problems else pairs, programme, problems)
    until = _until(world, plan, problems)
    if not (moves or plan.kit.strip() or problems):
        problems.append(Problem("release.empty", "title"))
    if problems:
        raise Refused(problems)
    now = world.clock.now()
    made = Release(
        id=plan.id, scope=scope, title=title, note=plan.note.strip(), kit=plan.kit if kit_number else "",
        kit_number=kit_number, pairs=pairs, moves=moves, programme=plan.programme,
        treatment=Treatment(plan.treatment), old=Old(plan.old), until=until, prepared_by=by.id,
        prepared_name=by.name, prepared_at=now,
    )
    made = replace(made, touched=touched(world, made))
    try:
        world.releases.add(made)
    except Conflict:
        if world.releases.get(made.id).release.fingerprint != made.fingerprint:
            raise
    return made


def look(world: World, release_id: str) -> Record:
    """A release with what came of it, in one read; raises NotFound."""
    if not is_id(release_id, "rel"):
        raise NotFound
    return world.releases.get(release_id)


def count_again(world: World, release_id: str) -> None:
    """Count anew who is touched, while it waits for its approval."""
    found = look(world, release_id).release
    if found.phase is Phase.PREPARED:
        world.releases.save(replace(found, touched=touched(world, found), version=found.version + 1))


def withdraw(world: World, by: Person, release_id: str) -> None:
    """Take a release back before it is approved; raises Conflict ``release.not_now``."""
    found = look(world, release_id).release
    world.releases.save(rules.withdrawn(found, by.id, by.name, world.clock.now()))


def approve(world: World, by: Person, release_id: str, *, shown: str) -> Release:
    """Approve what was shown and have it applied.

    Raises Conflict ``release.own``, ``release.changed``, ``release.not_now``, ``release.stale`` if a template or kit
    went on since it was prepared, ``release.busy`` while another is being applied; Refused if a replacement would
    be refused by now.
    """
    found = look(world, release_id).release
    if found.phase is Phase.APPLYING and found.decided_by == by.id:
        go_on(world, release_id)  # the form was sent twice
        return found
    after = rules.approved(found, by.id, by.name, world.clock.now(), shown=shown)
    release_moves.must_hold(world, found)
    _kit_must_follow(world, found)
    world.releases.begin(after)
    go_on(world, release_id)
    return after


def go_on(world: World, release_id: str) -> None:
    """Have an approved release applied, or go on with what is missing; twice does no harm."""
    world.queue.put(QueueName.NOTICES, {"v": 1, "kind": "release", "release": release_id})


def end(world: World, by: Person, release_id: str) -> None:
    """End a release that stands still, as it is: what is done stays, what is missing is left, the next may begin.

    Its reviewers are told behind the queue. Raises Conflict ``release.not_now`` unless it is being applied.
    """
    found = look(world, release_id).release
    if found.phase is not Phase.DONE or found.ended_by != by.id:  # else the form was sent twice
        world.releases.end(rules.ended(found, by.id, by.name, world.clock.now()))
    world.queue.put(QueueName.NOTICES, {"v": 1, "kind": "release_end", "release": release_id})


def not_reached(world: World, known: Record) -> Sequence[str]:
    """The names of the partners that a release was ended without, in one read where there are any."""
    if known.release.phase is not Phase.DONE or not known.missing:
        return ()
    names = {card.id: card.name for card in world.partners.cards()}
    return sorted((names.get(partner, partner) for partner in known.missing), key=str.casefold)


def of_programme(world: World, release: Release) -> Sequence[Programme]:
    """The programmes of a release, in one read: those that use its templates and are not over."""
    since = release.decided_at or world.clock.now()
    return [
        p for p in world.programmes.list()
        if p.closes_at > since and release.programme in ("", p.id) and (release.move(p.template) or release.kit)
    ]


def touched(world: World, release: Release) -> Touched:
    """Who is touched, as far as head office may see it: one query a programme."""
    known = of_programme(world, release)
    states, partners, more = Counter[str](), set[str](), len(known) > MAX_PROGRAMMES
    for programme in known[:MAX_PROGRAMMES]:
        cards = world.indexes.cards(programme.id, limit=MAX_CARDS)
        more = more or len(cards) == MAX_CARDS
        for card in cards:
            if card.state.value in UNSENT:
                states[card.state.value] += 1
                partners.add(card.partner)
    return Touched(
        programmes=tuple((p.id, p.title, p.template_version) for p in known[:MAX_PROGRAMMES]), partners=len(partners),
        states=tuple((state, states[state]) for state in UNSENT if states[state]), more=more,
        counted_at=world.clock.now(),
    )


# --- checking

def _kit(world: World, scope: Scope, source: str, problems: list[Problem]) -> int:
    """The number of the new kit; 0 for none or for the one in force. Its problems belong to the field ``kit``."""
    if not source.strip():
        return 0
    problems += [replace(p, field="kit") for p in kit_texts.problems_of(source)]
    stands = world.books.versions(BookKind.KIT, scope, limit=1)
    if stands and stands[0].source == source:
        problems.append(Problem("book.same", "kit"))
    return (stands[0].number if stands else 0) + 1


def _programme(world: World, chosen: str, problems: list[Problem]) -> Programme | None:
    if not chosen:
        return None
    try:
        return world.programmes.get(next(p.id for p in world.programmes.list() if p.id == chosen))
    except StopIteration:
        problems.append(Problem("release.programme", "programme"))
        return None


def _until(world: World, plan: Plan, problems: list[Problem]) -> datetime | None:
    """The end of the last day of the older versions; choices that no form of ours sends are problems, too."""
    for field, value, known in (("treatment", plan.treatment, Treatment), ("old", plan.old, Old)):
        if value not in set(known):
            problems.append(Problem("choice.unknown", field, {"value": value[:40]}))
    if plan.old != Old.UNTIL.value:
        return None
    until = exceptions.day_end(plan.until)
    if until is None or until <= world.clock.now():
        problems.append(Problem("release.until", "until"))
    return until


def _kit_must_follow(world: World, release: Release) -> None:
    """Raise Conflict ``release.stale`` if the new kit would not follow upon the one in force any more."""
    if release.kit_number:
        stands = world.books.versions(BookKind.KIT, release.scope, limit=1)
        if (stands[0].number if stands else 0) + 1 != release.kit_number:
            raise Conflict("release.stale", name=f"kit {release.kit_number - 1}")
