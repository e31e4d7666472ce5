"""Releases, as head office handles them: prepare, look who is touched, approve by a second person, go on.

Nothing here reaches a partner's data: who is touched is counted from the index by programme, which
knows states and size brackets. What is done to campaigns happens behind the queue, partner by
partner, with each partner's own credentials (:mod:`usecases.release_run`).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from chalicelib.domain import kit as kit_texts
from chalicelib.domain import release as rules
from chalicelib.domain import stamp
from chalicelib.domain.book import BookKind
from chalicelib.domain.compliance.finding import Severity
from chalicelib.domain.errors import Conflict, NotFound, Problem, Refused
from chalicelib.domain.ids import PersonId, TemplateId, is_id
from chalicelib.domain.people import Person
from chalicelib.domain.programme import Programme
from chalicelib.domain.record import dataclass
from chalicelib.domain.release import Move, Old, Phase, Record, Release, Touched, Treatment
from chalicelib.domain.scope import Scope
from chalicelib.domain.template import TemplateSummary, TemplateVersion
from chalicelib.ports.system import QueueName
from chalicelib.usecases import exceptions, publish
from chalicelib.usecases.people import checked_name
from chalicelib.usecases.world import World

TITLE_LENGTH, NOTE_LENGTH = 120, 1_000
MAX_MOVES = 200
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


@dataclass(frozen=True, slots=True)
class Candidate:
    """A template whose newest version some programme does not use yet."""

    template: TemplateId
    name: str
    newest: int
    used: tuple[int, ...]


def candidates(world: World, programme: str = "") -> Sequence[Candidate]:
    """The templates that a release may move on, as of half a minute ago."""
    now = world.clock.now()
    running = [p for p in world.programmes.list() if p.closes_at > now and programme in ("", p.id)]
    newest: dict[TemplateId, TemplateSummary] = {}
    for summary in world.templates.recent():
        if summary.template not in newest or newest[summary.template].number < summary.number:
            newest[summary.template] = summary
    found = []
    for template, summary in newest.items():
        used = tuple(sorted({p.template_version for p in running if p.template == template}))
        if used and used[0] < summary.number:
            found.append(Candidate(template, summary.name, summary.number, used))
    return found


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
    moves = _moves(world, by, plan, pairs if not problems else (), programme, problems)
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
    went on since it was prepared, ``release.busy`` while another is being applied.
    """
    found = look(world, release_id).release
    if found.phase is Phase.APPLYING and found.decided_by == by.id:
        go_on(world, release_id)  # the form was sent twice
        return found
    after = rules.approved(found, by.id, by.name, world.clock.now(), shown=shown)
    _must_be_fresh(world, found)
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


def target(world: World, release: Release, move: Move, *, by: PersonId, at: datetime) -> TemplateVersion:
    """The version a move leads to, made or read; raises Conflict ``release.stale`` if it is not the approved one."""
    if move.stamped:
        base = world.templates.get(move.template, move.base)
        made = stamp.stamped(base, release.pairs, number=move.number, by=by, at=at)
    else:
        made = world.templates.get(move.template, move.number)
    if made is None or _sha256(made) != move.sha256:
        raise Conflict("release.stale", name=move.name)
    return made


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


def _moves(
    world: World, by: Person, plan: Plan, pairs: tuple[tuple[str, str], ...], programme: Programme | None,
    problems: list[Problem],
) -> tuple[Move, ...]:
    """The templates that go on: those chosen, and those in which a replacement finds something."""
    known = {t.id: t.latest for t in publish.templates(world)}
    now, moves = world.clock.now(), []
    if unknown := [t for t in plan.templates if t not in known]:
        problems.append(Problem("release.template", "templates", {"value": unknown[0][:40]}))
    wanted = {TemplateId(t) for t in plan.templates} - set(unknown)
    if programme and (foreign := wanted - {programme.template}):
        problems.append(Problem("release.template_foreign", "templates", {"name": known[min(foreign)].name}))
    for template, latest in known.items():
        if (template not in wanted and not pairs) or (programme and template != programme.template):
            continue
        base = world.templates.get(template, latest.number)
        made = stamp.stamped(base, pairs, number=base.number + 1, by=by.id, at=now) if pairs else None
        if made is not None:
            problems += _altered(base, made, pairs)
            problems += _unsafe(made)
        elif template not in wanted:
            continue
        version = made or base
        moves.append(Move(
            template=template, name=base.name, language=base.language, base=base.number, number=version.number,
            sha256=_sha256(version), stamped=made is not None,
        ))
    if pairs and not any(move.stamped for move in moves):
        problems.append(Problem("release.pair_nowhere", "old-1", {"value": pairs[0][0][:80]}))
    if len(moves) > MAX_MOVES:
        problems.append(Problem("release.too_many", "templates", {"count": len(moves), "max": MAX_MOVES}))
    return tuple(moves)


def _altered(base: TemplateVersion, made: TemplateVersion, pairs: tuple[tuple[str, str], ...]) -> list[Problem]:
    """Each replacement that changes more than texts: a merge field, or the name of a tag or attribute.

    Approved campaigns are carried over with the words of their partner alone compared, so that whom a
    mail greets by what, and what its elements are, must be what was published.
    """
    from chalicelib.rendering import bones

    before = bones.of(base.html.encode())
    if bones.of(made.html.encode()) == before:
        return []
    found = []
    for number, pair in enumerate(pairs, 1):
        alone = stamp.stamped(base, (pair,), number=made.number, by=made.published_by, at=made.published_at)
        if alone is not None and bones.of(alone.html.encode()) != before:
            found.append(Problem("release.structure", f"old-{number}", {"name": base.name, "value": pair[0][:80]}))
    return found or [Problem("release.structure", "old-1", {"name": base.name, "value": pairs[0][0][:80]})]


def _unsafe(version: TemplateVersion) -> list[Problem]:
    """What must never be in a mail, after a replacement as before."""
    from chalicelib.domain.compliance import MailFacts, check_template
    from chalicelib.rendering import document

    facts = MailFacts(language=version.language, template=True, subject=version.subject)
    found = check_template(document.read(version.html.encode(), version.slots), facts)
    return [
        Problem("release.unsafe", "new-1", {"name": version.name, "code": f.code})
        for f in found if f.severity is Severity.BLOCK
    ]


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


def _must_be_fresh(world: World, release: Release) -> None:
    """Raise Conflict ``release.stale`` if what it builds upon is not the newest any more."""
    newest = {t.id: t.latest.number for t in publish.templates(world)}
    for move in release.moves:
        if newest.get(move.template) != move.base:
            raise Conflict("release.stale", name=move.name)
        target(world, release, move, by=release.prepared_by, at=release.prepared_at)
    if release.kit_number:
        stands = world.books.versions(BookKind.KIT, release.scope, limit=1)
        if (stands[0].number if stands else 0) + 1 != release.kit_number:
            raise Conflict("release.stale", name=f"kit {release.kit_number - 1}")


def _sha256(version: TemplateVersion) -> str:
    return hashlib.sha256(version.html.encode()).hexdigest()
