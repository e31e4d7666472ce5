"""Baselines: what a kit finds in the locked part of templates that stand, and what of it is let pass.

A new rule must not stop every campaign of a template that nobody touched. So what it finds in locked
parts at its publication goes into the kit's baseline. Here head office sees the delta per template
and decides: put a rule to work (campaigns of the template are stopped until it has a new version),
or let pass what came in later.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace

from chalicelib.domain.book import Book, BookKind
from chalicelib.domain.campaign import FindingRecord
from chalicelib.domain.compliance.finding import Severity
from chalicelib.domain.errors import Conflict, Problem, Refused
from chalicelib.domain.ids import TemplateId, make_id
from chalicelib.domain.kit import Kit
from chalicelib.domain.people import Person
from chalicelib.domain.record import dataclass
from chalicelib.domain.release import Move
from chalicelib.domain.scope import Scope
from chalicelib.domain.template import TemplateVersion
from chalicelib.domain.waiver import NEVER, fingerprint, matches
from chalicelib.usecases.world import World

MAX_TEMPLATES = 50
MAX_PLACES = 2_000
"""Findings that one look shows, each with its box to tick."""


@dataclass(frozen=True, slots=True)
class Place:
    """One finding in a locked part. ``passes``: the baseline has it; ``absolute``: no baseline covers its rule."""

    print: str
    finding: FindingRecord
    passes: bool
    absolute: bool


@dataclass(frozen=True, slots=True)
class Delta:
    """A template with what is found in its locked part, what stops first."""

    template: TemplateId
    name: str
    number: int
    places: tuple[Place, ...]


def look(world: World, book: Book, kit: Kit) -> tuple[Sequence[Delta], int]:
    """The newest version of each template beside a kit's baseline; templates without a finding are left out.

    Of very many findings those that stop come first; the number is how many were left out.
    """
    known, out = frozenset(book.baseline), list[Delta]()
    for version in newest(world):
        places = [
            Place(key, finding, key in known, matches(finding.code, NEVER)) for key, finding in found(version, kit)]
        if places:
            out.append(Delta(version.template, version.name, version.number, tuple(
                sorted(places, key=lambda p: (p.passes, p.finding.code)))))
    return _shown(out)


def _shown(found: Sequence[Delta]) -> tuple[Sequence[Delta], int]:
    """As many as one page takes, and how many are left."""
    places = sum(len(delta.places) for delta in found)
    if places <= MAX_PLACES:
        return found, 0
    room, kept = MAX_PLACES, dict[int, tuple[Place, ...]]()
    for passes in (False, True):
        for number, delta in enumerate(found):
            taken = tuple(place for place in delta.places if place.passes is passes)[:room]
            room -= len(taken)
            kept[number] = (*kept.get(number, ()), *taken)
    return [replace(delta, places=kept[n]) for n, delta in enumerate(found) if kept[n]], places - MAX_PLACES


def newest(world: World) -> Sequence[TemplateVersion]:
    """The newest versions, fifty at most; an older one is carried over to a newer anyway."""
    numbers: dict[TemplateId, int] = {}
    for summary in world.templates.list():
        numbers[summary.template] = max(numbers.get(summary.template, 0), summary.number)
    return [world.templates.get(template, number) for template, number in list(numbers.items())[:MAX_TEMPLATES]]


def found(version: TemplateVersion, kit: Kit) -> Sequence[tuple[str, FindingRecord]]:
    """What would stop a campaign in the locked part of a version, with its fingerprint."""
    from chalicelib.domain.compliance import RULES, MailFacts
    from chalicelib.domain.compliance.registry import run
    from chalicelib.rendering import document

    facts = MailFacts(kit=kit, language=version.language, template=True, subject=version.subject)
    seen = run(RULES, document.read(version.html.encode(), version.slots), facts)
    return list(dict((fingerprint(version.template, version.number, record), record) for f in seen
                     if f.severity is Severity.BLOCK and not f.region for record in [f.record()]).items())


def of_new_kit(world: World, kit: Kit, stands: Book | None, before: Kit) -> tuple[str, ...]:
    """The baseline of a kit at its publication: what it finds anew, and what was let pass before.

    What the kit in force found, too, and head office had put to work, goes on stopping.
    """
    out, passed = set[str](), frozenset(stands.baseline if stands else ())
    for version in newest(world):
        already = {key for key, _ in found(version, before)} if stands else set[str]()
        out |= {key for key, _ in found(version, kit) if key in passed or key not in already}
    return tuple(sorted(out))


def decide(
    world: World, by: Person, scope: Scope, *, number: int, accept: Iterable[str] = (), work: Iterable[str] = (),
    reason: str = "",
) -> Book:
    """Let findings pass (``accept``) or put them to work, in the kit's version ``number``.

    Who did it, when and why is kept. Raises Refused for no choice or no reason, Conflict ``book.changed``.
    """
    taken, put = frozenset(accept), frozenset(work)
    problems = []
    if not taken and not put:
        problems.append(Problem("baseline.nothing", "prints"))
    if taken and len(reason.strip()) < 10:
        problems.append(Problem("waiver.reason", "reason"))
    if any(len(key) != 32 or not set(key) <= set("0123456789abcdef") for key in taken | put):
        problems.append(Problem("waiver.finding", "prints"))
    if problems:
        raise Refused(problems)
    versions = world.books.versions(BookKind.KIT, scope, limit=1)
    if not versions or versions[0].number != number:
        raise Conflict("book.changed", number=versions[0].number if versions else 0)
    book = versions[0]
    after = replace(book, baseline=tuple(sorted((frozenset(book.baseline) | taken) - put)))
    now = world.clock.now()
    entry = {
        "v": 1, "at": now.isoformat(timespec="milliseconds"), "action": "baseline", "person": by.id, "name": by.name,
        "kit": number, "market": scope.market, "accepted": sorted(taken), "put_to_work": sorted(put),
        "reason": reason.strip()[:500],
    }
    key = f"ORG/audit/baseline/{make_id('aud', now, world.entropy.bytes(10))}.json"
    world.blobs.put(None, key, json.dumps(entry, ensure_ascii=False).encode(), "application/json")
    world.books.rebase(after, before=book.baseline)
    return after


def follow(world: World, moves: Iterable[Move], kits: Sequence[tuple[Book, Kit]]) -> None:
    """Let a version that a release stamped pass where its base passed: its locked part is the same but for that."""
    for book, kit in kits:
        more = set[str]()
        for move in moves:
            if not move.stamped:
                continue
            version = world.templates.get(move.template, move.number)
            for key, finding in found(version, kit):
                if fingerprint(move.template, move.base, finding) in book.baseline:
                    more.add(key)
        if more - set(book.baseline):
            after = replace(book, baseline=tuple(sorted({*book.baseline, *more})))
            world.books.rebase(after, before=book.baseline)
