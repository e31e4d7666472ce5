"""An approved release at work: publish, move the programmes, then partner by partner, then tell the reviewers.

Every message may come twice and every step may die at any point: what was published, moved or done
at a campaign stands under its number, version or in its trail, and is found there. Campaigns are
read and written with their partner's own credentials only.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from chalicelib.domain.book import BookKind
from chalicelib.domain.campaign import Campaign
from chalicelib.domain.errors import Conflict, NotFound, Permanent, Retryable
from chalicelib.domain.ids import PartnerId
from chalicelib.domain.release import TO_DO, Line, Phase, Record, Release, Result, Retired
from chalicelib.domain.scope import Zone
from chalicelib.ports.system import QueueName
from chalicelib.usecases import baseline, kits, reframe, release_mail, release_moves, releases
from chalicelib.usecases.refit import Look
from chalicelib.usecases.reframe import Site
from chalicelib.usecases.world import World

PAGE = 50
PATIENCE = timedelta(minutes=15)
"""How long reviewers' mails wait for the other partners: a failed turn comes again after as long."""
EARLY = timedelta(minutes=1)
"""By how much clocks may differ."""


def start(world: World, release_id: str) -> None:
    """Publish what the release brings, move its programmes, and queue every partner that is not done yet.

    Raises Permanent where a template or kit went on in spite of the approval: the message goes to
    the dead letters, and the release's page says that it stands still.
    """
    release = world.releases.get(release_id).release
    if release.phase is not Phase.APPLYING or release.decided_by is None or release.decided_at is None:
        return
    try:
        _publish(world, release)
    except Conflict as conflict:
        raise Permanent(f"release {release_id} cannot be applied: {conflict.code}") from None
    _retire(world, release)
    _move_programmes(world, release)
    partners = [card.id for card in world.partners.cards()]
    world.releases.whom(release_id, partners)
    known = world.releases.get(release_id)
    if not known.missing:
        finish(world, release_id)
        return
    world.queue.put_many(QueueName.NOTICES, [
        {"v": 1, "kind": "release_partner", "release": release_id, "partner": partner} for partner in known.missing])


def _publish(world: World, release: Release) -> None:
    """New versions and the new kit, each under its number; what stands there already is our own of before."""
    assert release.decided_by is not None
    assert release.decided_at is not None
    for move in release.moves:
        if move.stamped:
            made = release_moves.target(world, release, move, by=release.prepared_by, at=release.decided_at)
            try:
                world.templates.publish(made)
            except Conflict:
                stands = world.templates.get(move.template, move.number)
                if stands.source_sha256 != made.source_sha256:
                    raise
    baseline.follow(world, release.moves, kits.all_in_force(world.books.current()))
    if release.kit_number:
        by = world.people.account(release.prepared_by).person
        newest = world.books.versions(BookKind.KIT, release.scope, limit=1)
        if not newest or newest[0].number < release.kit_number:
            kits.publish(world, by, release.scope, release.kit, number=release.kit_number, note=release.title)
        elif newest[0].number == release.kit_number and newest[0].source != release.kit:
            raise Conflict("book.changed", number=newest[0].number)


def _retire(world: World, release: Release) -> None:
    """Let the older versions end, if head office said so."""
    if (until := release.last_day) is not None:
        for move in release.moves:
            world.releases.retire(Retired(
                template=move.template, below=move.number, until=until, release=release.id))


def _move_programmes(world: World, release: Release) -> None:
    """New drafts of the programmes begin on the new versions."""
    for programme in releases.of_programme(world, release):
        move = release.move(programme.template)
        while move is not None and programme.template_version < move.number:
            after = replace(programme, template_version=move.number, version=programme.version + 1)
            try:
                world.programmes.save(after, expected_version=programme.version)
                break
            except Conflict:
                programme = world.programmes.get(programme.id)


def partner(world: World, release_id: str, partner_id: PartnerId) -> None:
    """Do all of one partner's campaigns, mail its people once if they have something to do, and note it.

    Where reviewers have to look again, the message comes once more after a while: if other partners are
    not done by then, the reviewers are not kept waiting for them.
    """
    release, done = world.releases.turn(release_id, partner_id)
    if release.phase is not Phase.APPLYING:
        return
    name, lines = ("", ()) if done else _at(world, release, partner_id)
    now = world.clock.now()
    if any(line.asked for line in lines):
        again = {"v": 1, "kind": "release_partner", "release": release_id, "partner": partner_id}
        world.queue.put(QueueName.NOTICES, again, delay=int(PATIENCE.total_seconds()))
    # Done before, it is noted again, which changes nothing and tells how many are left: this message may be the last.
    left = world.releases.note(Result(
        release=release_id, partner=partner_id, name=name, lines=lines, at=now))
    if left <= 0:
        world.queue.put(QueueName.NOTICES, {"v": 1, "kind": "release_end", "release": release_id})
    elif done:
        _so_far(world, release_id, partner_id)


def _so_far(world: World, release_id: str, partner_id: PartnerId) -> None:
    """Mail the reviewers while other partners are not done, once none came in for a while.

    Only the newest partner with something to review has it done, so that a reviewer gets one mail for all of
    them. Who did not answer until the end of the release is asked again then.
    """
    known = world.releases.get(release_id)
    newest = max((r for r in known.results if any(line.asked for line in r.lines)),
                 key=lambda r: (r.at, r.partner), default=None)
    if newest and newest.partner == partner_id and world.clock.now() >= newest.at + PATIENCE - EARLY:
        _tell_reviewers(world, known, after=partner_id)


def _at(world: World, release: Release, partner_id: PartnerId) -> tuple[str, tuple[Line, ...]]:
    """The partner's name, and what became of its campaigns; its people are mailed if something is left to do."""
    session = world.sessions.open(partner_id, Zone.PARTNER)
    try:
        home = world.partners.home(session)
    except NotFound:  # registered, but gone or never finished
        return "", ()
    site = Site(Look(world, home.partner, world.books.current(), session), release)
    lines = tuple(_lines(site))
    if to_do := [line for line in lines if line.outcome in TO_DO]:
        release_mail.tell_partner(world, site, to_do)
    return home.partner.name, lines


def _lines(site: Site) -> list[Line]:
    """What became of each campaign of the release's programmes, newest first."""
    programmes = {p.id for p in releases.of_programme(site.world, site.release)}
    found = []
    for campaign in _campaigns(site):
        if campaign.programme in programmes and not campaign.state.final:
            found.append(reframe.step(site, campaign.id))
    return found


def _campaigns(site: Site) -> Sequence[Campaign]:
    """All of the partner's campaigns, page by page."""
    known: list[Campaign] = []
    while True:
        page = site.world.campaigns.list(site.session, limit=PAGE, before=known[-1].id if known else "")
        known += page
        if len(page) < PAGE:
            return known


def finish(world: World, release_id: str) -> None:
    """Mail each reviewer who has something to look at again, once for all of it, and end the release.

    Of one that a person ended the reviewers are mailed, too, for what was done until then.
    """
    known = world.releases.get(release_id)
    ended = known.release.phase is Phase.DONE and known.release.ended_by is not None
    if not ended and (known.release.phase is not Phase.APPLYING or known.missing):
        return
    release = _tell_reviewers(world, known)
    if ended:
        return
    done = replace(
        release, phase=Phase.DONE, finished_at=world.clock.now(), version=release.version + 1)
    with suppress(Conflict):  # another copy of this message was faster
        world.releases.end(done)


def _tell_reviewers(world: World, known: Record, *, after: str = "all") -> Release:
    """One mail to each reviewer for all that waits for them; none to whoever has the one ``after`` a partner, or all.

    It is noted after each mail: a crash between the two sends that one twice rather than not at all.
    Raises Retryable if somebody else changed the release meanwhile.
    """
    release = known.release
    reviewers = dict.fromkeys(
        person for result in known.results for line in result.lines for person in line.asked)
    for person in reviewers:
        if (note := f"{after} {person}") in release.told:
            continue
        release_mail.tell_reviewer(world, known, world.people.account(person).person)
        release = replace(release, told=(*release.told, note), version=release.version + 1)
        try:
            world.releases.save(release)
        except Conflict:
            raise Retryable("a release changed while its reviewers were told") from None
    return release
