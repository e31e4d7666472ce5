"""The templates of a release: which go on to which version, and whether a replacement leaves alone what it must.

It is asked when the release is prepared, again at its approval, and the version is made once more when
it is applied: each time it has to be the same to the byte.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from chalicelib.domain import stamp
from chalicelib.domain.compliance.finding import Severity
from chalicelib.domain.errors import Conflict, Problem, Refused
from chalicelib.domain.ids import PersonId, TemplateId
from chalicelib.domain.programme import Programme
from chalicelib.domain.record import dataclass
from chalicelib.domain.release import Move, Release
from chalicelib.domain.stamp import Pair
from chalicelib.domain.template import TemplateSummary, TemplateVersion
from chalicelib.usecases import publish
from chalicelib.usecases.world import World

MAX_MOVES = 200


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


def moves(
    world: World, by: PersonId, chosen: Collection[str], pairs: Sequence[Pair], programme: Programme | None,
    problems: list[Problem],
) -> tuple[Move, ...]:
    """The templates that go on: those chosen, and those in which a replacement finds something.

    A programme limits them to its own. What is wrong is added to ``problems``.
    """
    known = {t.id: t.latest for t in publish.templates(world)}
    wanted = {template for template in known if template in chosen}
    if unknown := [t for t in chosen if t not in known]:
        problems.append(Problem("release.template", "templates", {"value": unknown[0][:40]}))
    if programme and (foreign := wanted - {programme.template}):
        problems.append(Problem("release.template_foreign", "templates", {"name": known[min(foreign)].name}))
    found = []
    for template, latest in known.items():
        if (template in wanted or pairs) and (programme is None or template == programme.template):
            base = world.templates.get(template, latest.number)
            made = stamp.stamped(base, pairs, number=base.number + 1, by=by, at=world.clock.now()) if pairs else None
            if made is not None:
                problems += _broken(base, made, pairs)
            if made is not None or template in wanted:
                found.append(_move(base, made))
    if pairs and not any(move.stamped for move in found):
        problems.append(Problem("release.pair_nowhere", "old-1", {"value": pairs[0][0][:80]}))
    if len(found) > MAX_MOVES:
        problems.append(Problem("release.too_many", "templates", {"count": len(found), "max": MAX_MOVES}))
    return tuple(found)


def target(world: World, release: Release, move: Move, *, by: PersonId, at: datetime) -> TemplateVersion:
    """The version a move leads to, made or read; raises Conflict ``release.stale`` if it is not the approved one."""
    return _target(release, move, _base(world, move), by, at)


def must_hold(world: World, release: Release) -> None:
    """Judge the templates of a release anew before it is approved: it may have been prepared under older rules.

    Raises Conflict ``release.stale`` if a template went on or would become another version than was shown, and
    Refused with what the preparation would refuse now.
    """
    problems: list[Problem] = []
    newest = {t.id: t.latest.number for t in publish.templates(world)}
    for move in release.moves:
        if newest.get(move.template) != move.base:
            raise Conflict("release.stale", name=move.name)
        base = _base(world, move)
        made = _target(release, move, base, release.prepared_by, release.prepared_at)
        if move.stamped:
            problems += _broken(base, made, release.pairs)
    if problems:
        raise Refused(replace(problem, field="") for problem in problems)


def _base(world: World, move: Move) -> TemplateVersion:
    """What a move starts from: the version that is stamped, or the published one that it leads to."""
    return world.templates.get(move.template, move.base if move.stamped else move.number)


def _target(release: Release, move: Move, base: TemplateVersion, by: PersonId, at: datetime) -> TemplateVersion:
    made = stamp.stamped(base, release.pairs, number=move.number, by=by, at=at) if move.stamped else base
    if made is None or _sha256(made) != move.sha256:
        raise Conflict("release.stale", name=move.name)
    return made


def _move(base: TemplateVersion, made: TemplateVersion | None) -> Move:
    version = made or base
    return Move(
        template=base.template, name=base.name, language=base.language, base=base.number, number=version.number,
        sha256=_sha256(version), stamped=made is not None,
    )


def _sha256(version: TemplateVersion) -> str:
    return hashlib.sha256(version.html.encode()).hexdigest()


# --- what a replacement must leave alone

def _broken(base: TemplateVersion, made: TemplateVersion, pairs: Sequence[Pair]) -> list[Problem]:
    return _altered(base, made, pairs) + _unsafe(made)


def _altered(base: TemplateVersion, made: TemplateVersion, pairs: Sequence[Pair]) -> list[Problem]:
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
            found.append(_structure(base, number, pair))
    return found or [_structure(base, 1, pairs[0])]


def _structure(base: TemplateVersion, number: int, pair: Pair) -> Problem:
    return Problem("release.structure", f"old-{number}", {"name": base.name, "value": pair[0][:80]})


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
