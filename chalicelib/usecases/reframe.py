"""One campaign under a release: carried over, asked about, reviewed again, or left as it is.

A revision is carried over only if nothing but its frame differs: the partner's texts fit the new
version byte for byte, the digest of the partner's part is the same, and no blocking rule is
broken. Whatever else is so goes to people. Each step is one conditional write of the campaign,
so that a start, a withdrawal or a decision at the same moment is either before it or after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from chalicelib.domain import digest
from chalicelib.domain.campaign import Action, Actor, Ask, Campaign, Draft, State
from chalicelib.domain.chain import Stage, eligible
from chalicelib.domain.errors import Conflict, Retryable
from chalicelib.domain.frame import Frame, Proposal
from chalicelib.domain.ids import CampaignId, PersonId
from chalicelib.domain.people import Person
from chalicelib.domain.record import dataclass
from chalicelib.domain.release import Line, Move, Outcome, Release, Treatment
from chalicelib.domain.step import record, take
from chalicelib.ports.system import PartnerSession
from chalicelib.ports.workflow import Change, History
from chalicelib.usecases import drafts, story, versions
from chalicelib.usecases.keys import content_key
from chalicelib.usecases.refit import RULES, UNFIT, Fitted, Look, fitted
from chalicelib.usecases.world import World

TRIES = 5
PAUSED = "release.paused"
NEEDS_PARTNER = frozenset({UNFIT, RULES, PAUSED})
"""Where a review alone would not do: the partner's own words have to change, or it has to act first."""
WAITING = frozenset({State.IN_REVIEW, State.APPROVED, State.HELD})


@dataclass(frozen=True, slots=True)
class Site:
    """Where a release is at work: one partner, reached with its own credentials."""

    look: Look
    release: Release

    @property
    def world(self) -> World:
        """All ports."""
        return self.look.world

    @property
    def session(self) -> PartnerSession:
        """The partner's own credentials."""
        return self.look.session


def step(site: Site, campaign_id: CampaignId) -> Line:
    """Do with one campaign what the release says; once, however often it is called.

    Raises Retryable where somebody else wrote in between every time.
    """
    for _ in range(TRIES):
        campaign = site.world.campaigns.get(site.session, campaign_id)
        history = site.world.campaigns.history(site.session, campaign_id)
        done = _done(site.release, campaign, history)
        if done is not None:
            return done
        try:
            return _decide(site, campaign, history)
        except Conflict:
            continue
    raise Retryable("a campaign changed too often while a release was applied")


def _done(release: Release, campaign: Campaign, history: History) -> Line | None:
    """What this release did before, as the trail tells."""
    found = [e for e in history.audit if e.details.get("release") == release.id and "outcome" in e.details]
    if not found:
        return None
    told = found[-1].details
    revision = int(told.get("revision", 0))
    asked = tuple(a.person for a in history.asks if a.revision == revision) if told["outcome"] == "review" else ()
    return Line(campaign=campaign.id, name=campaign.name, outcome=Outcome(str(told["outcome"])),
                why=str(told.get("why", "")), revision=revision, asked=asked)


def _decide(site: Site, campaign: Campaign, history: History) -> Line:
    release, draft = site.release, history.draft
    move = release.move(draft.template)
    if campaign.state in drafts.EDITABLE:
        return _draft(site, campaign, history, move) if move else _line(campaign, Outcome.SAME)
    started = campaign.state is State.SENDING or campaign.held_from is State.SENDING
    if campaign.state.final or started or campaign.state not in WAITING:
        return _line(campaign, Outcome.STARTED if started else Outcome.SAME)
    revision = story.revision_of(history, campaign.revision)
    if (not release.kit) if move is None else (revision.template_version >= move.number):
        return _line(campaign, Outcome.SAME)
    number = move.number if move else revision.template_version
    found = fitted(site.look, revision, site.world.templates.get(revision.template, number))
    if move is None and found.why not in NEEDS_PARTNER:
        return _line(campaign, Outcome.SAME)  # the new rules have nothing against it
    if move is None and release.treatment is Treatment.CARRY:
        return _line(campaign, Outcome.SAME, found.why)  # approved under the rules of its time
    return _treat(site, campaign, history, found, number, rules_only=move is None)


def _treat(
    site: Site, campaign: Campaign, history: History, found: Fitted, number: int, *, rules_only: bool,
) -> Line:
    """Carry over, review again or ask, as head office chose and as far as the texts allow."""
    release, held = site.release, campaign.state is State.HELD
    if release.treatment is Treatment.CARRY and not found.why:
        return carry(site, campaign, history, found)
    look_again = release.treatment is Treatment.REVIEW or (
        release.treatment is Treatment.CARRY and found.why not in NEEDS_PARTNER)
    by_people = found.revision is not None and (found.why not in NEEDS_PARTNER or rules_only)
    if look_again and by_people and not held:
        return _renew(site, campaign, found)
    why = PAUSED if look_again and by_people and held else found.why
    return _propose(site, campaign, why, number, Outcome.CHANGE if why else Outcome.ASKED)


def carry(
    site: Site, campaign: Campaign, history: History, found: Fitted, *, by: Person | None = None,
    answered: Proposal | None = None,
) -> Line:
    """Put the new frame around the revision: state, approval and links stay, the frame's digest is replaced.

    ``by`` is the partner's own who agreed, with its answer, where the partner was asked.
    """
    release, world = site.release, site.world
    made, data = found.revision, found.data
    if made is None or data is None or found.why or release.decided_by is None:
        raise Conflict("release.not_possible")
    now, actor = world.clock.now(), Actor.PARTNER if by else Actor.HQ
    before = story.revision_of(history, campaign.revision)
    world.blobs.put(site.session, content_key(site.session.partner, made.content), data, "application/json")
    after, entry = take(
        campaign, Action.REFRAME, actor, now=now, by=by.id if by else release.decided_by,
        details={**_told(release, Outcome.CARRIED, campaign.revision), "digests": made.digests.both,
                 "replaces": before.digests.frame, "template_version": made.template_version},
        digests=made.digests,
    )
    frame = Frame(
        campaign=campaign.id, revision=made.number,
        sequence=1 + sum(f.revision == made.number for f in history.frames), release=release.id,
        template_version=made.template_version, language=made.language, content=made.content,
        locked_sha256=made.locked_sha256, headers=made.headers, findings=made.findings,
        replaces=before.digests.frame, prepared_by=release.prepared_by, approved_by=release.decided_by,
        taken_by=by.id if by else "", at=now,
    )
    world.campaigns.commit(site.session, Change(
        before=campaign, after=after, audit=entry, frame=frame, proposal=answered,
        draft=_draft_beside(site, history, made.template_version),
    ))
    return _line(campaign, Outcome.CARRIED, revision=made.number)


def _draft_beside(site: Site, history: History, number: int) -> Draft | None:
    """The draft on the same version, for the day on which the partner takes the campaign back."""
    draft = history.draft
    if draft.template_version >= number or site.release.decided_by is None:
        return None
    old, new = (site.world.templates.get(draft.template, n) for n in (draft.template_version, number))
    return versions.moved(draft, old, new, at=site.world.clock.now(), by=site.release.decided_by)


def _renew(site: Site, campaign: Campaign, found: Fitted) -> Line:
    """The same texts in the new frame as a new revision that is reviewed again."""
    world, release, made = site.world, site.release, found.revision
    assert made is not None
    assert found.data is not None
    now, programme = world.clock.now(), world.programmes.get(campaign.programme)
    stage = Stage(name="brand", reviewers=tuple(programme.reviewers), need=max(1, campaign.need))
    asked = eligible(stage, campaign.submitted_by or campaign.created_by, campaign.created_by)
    if len(asked) < stage.need:
        return _propose(site, campaign, "review.nobody", made.template_version, Outcome.NOBODY)
    revision = digest.bound(replace(made, number=campaign.revision + 1))
    world.blobs.put(site.session, content_key(site.session.partner, revision.content), found.data, "application/json")
    after, entry = take(
        campaign, Action.RENEW, Actor.HQ, now=now, by=release.decided_by or "hq", revision=revision.number,
        digests=revision.digests, stage=0, need=stage.need, approved_at=None,
        details={**_told(release, Outcome.REVIEW, revision.number), "why": found.why,
                 "digests": revision.digests.both},
    )
    asks = tuple(
        Ask(campaign=campaign.id, revision=revision.number, stage=0, person=person,
            person_name=world.people.account(person).person.name, asked_at=now) for person in asked)
    world.campaigns.commit(site.session, Change(
        before=campaign, after=after, audit=entry, revision=revision, asks=asks))
    return _line(campaign, Outcome.REVIEW, found.why, revision=revision.number, asked=asked)


def _propose(site: Site, campaign: Campaign, why: str, number: int, outcome: Outcome) -> Line:
    """Leave the campaign as it is and put the question to the partner."""
    world, release = site.world, site.release
    now = world.clock.now()
    proposal = Proposal(
        campaign=campaign.id, revision=campaign.revision, release=release.id, title=release.title,
        template_version=number, why=why or "asked", until=release.last_day, asked_at=now,
    )
    after, entry = record(
        replace(campaign, updated_at=now), "release", now=now, by=release.decided_by or "hq",
        details={**_told(release, outcome, campaign.revision), "why": why},
    )
    world.campaigns.commit(site.session, Change(before=campaign, after=after, audit=entry, proposal=proposal))
    return _line(campaign, outcome, why, revision=campaign.revision)


def _draft(site: Site, campaign: Campaign, history: History, move: Move) -> Line:
    """A draft goes along where no word of it is lost; else it stays, and its partner is told."""
    world, release, draft = site.world, site.release, history.draft
    if draft.template_version >= move.number or release.decided_by is None:
        return _line(campaign, Outcome.SAME)
    old, new = (world.templates.get(draft.template, n) for n in (draft.template_version, move.number))
    carried = versions.carry(old, new, draft.values)
    if carried.of("lost") or carried.of("unfit"):
        return _propose(site, campaign, UNFIT, move.number, Outcome.DRAFT_ASKED)
    now = world.clock.now()
    after, entry = record(
        replace(campaign, updated_at=now), "release", now=now, by=release.decided_by,
        details={**_told(release, Outcome.DRAFT, campaign.revision), "template_version": move.number},
    )
    saved = versions.moved(draft, old, new, at=now, by=release.decided_by)
    world.campaigns.commit(site.session, Change(before=campaign, after=after, audit=entry, draft=saved))
    return _line(campaign, Outcome.DRAFT)


def _told(release: Release, outcome: Outcome, revision: int) -> Mapping[str, str | int]:
    return {"release": release.id, "outcome": outcome.value, "revision": revision}


def _line(
    campaign: Campaign, outcome: Outcome, why: str = "", *, revision: int = 0, asked: tuple[PersonId, ...] = (),
) -> Line:
    return Line(campaign=campaign.id, name=campaign.name, outcome=outcome, why=why, revision=revision, asked=asked)
