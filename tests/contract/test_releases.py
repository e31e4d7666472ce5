"""Releases of head office: the same on every backend."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.campaign import Action, Actor, FindingRecord, State
from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.frame import Frame, Proposal
from chalicelib.domain.ids import CampaignId, PartnerId, ProgrammeId
from chalicelib.domain.release import Line, Move, Old, Outcome, Phase, Release, Result, Retired, Touched, Treatment
from chalicelib.domain.scope import Scope, Zone
from chalicelib.domain.step import record, take
from chalicelib.ports.workflow import Change
from chalicelib.usecases.world import World
from tests.contract import values
from tests.contract.backends import new_partner
from tests.fakes.system import START


def release(world: World, **changes: object) -> Release:
    """A release with every field set."""
    made = Release(
        id=values.new_id("rel"), scope=Scope(world.facts.org_id), title="Neues Logo", note="why", kit="brand: Ünder\n",
        kit_number=2, pairs=(("https://a.example/old.png", "https://a.example/new.png"),),
        moves=(Move(template=values.TEMPLATE, name="Spring", language="de", base=1, number=2, sha256="a" * 64,
                    stamped=True),),
        programme="prg_" + "1" * 26, treatment=Treatment.ASK, old=Old.UNTIL, until=START + timedelta(days=9),
        touched=Touched(programmes=((ProgrammeId("prg_" + "1" * 26), "Spring", 1),), partners=2,
                        states=(("approved", 3),), more=True, counted_at=START),
        prepared_by=values.EMMA, prepared_name="Emma", prepared_at=START,
        told=(f"all {values.EMMA}",),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def next_of(made: Release, phase: Phase) -> Release:
    """The next version of it."""
    return replace(made, phase=phase, version=made.version + 1)


def test_a_release_is_kept_whole(world: World) -> None:
    """It is read as it was stored; the list has it without the text; nobody replaces it by adding."""
    made = release(world)
    world.releases.add(made)
    assert world.releases.get(made.id).release == made
    assert list(world.releases.list()) == [replace(made, kit="")]
    with pytest.raises(Conflict, match=r"release\.exists"):
        world.releases.add(made)
    with pytest.raises(NotFound):
        world.releases.get(values.new_id("rel"))


def test_of_two_who_decide_one_is_told(world: World) -> None:
    """A release is replaced only by the next of its versions."""
    made = release(world)
    world.releases.add(made)
    world.releases.save(next_of(made, Phase.WITHDRAWN))
    with pytest.raises(Conflict, match=r"release\.changed"):
        world.releases.save(next_of(made, Phase.APPLYING))
    with pytest.raises(Conflict, match=r"release\.changed"):
        world.releases.begin(next_of(made, Phase.APPLYING))
    assert world.releases.get(made.id).release.phase is Phase.WITHDRAWN
    assert world.releases.list()[0].phase is Phase.WITHDRAWN


def test_one_release_is_applied_at_a_time(world: World) -> None:
    """The second begins once the first has ended."""
    first, second = release(world), release(world)
    for made in (first, second):
        world.releases.add(made)
    world.releases.begin(next_of(first, Phase.APPLYING))
    with pytest.raises(Conflict, match=r"release\.busy"):
        world.releases.begin(next_of(second, Phase.APPLYING))
    world.releases.end(next_of(next_of(first, Phase.APPLYING), Phase.DONE))
    world.releases.begin(next_of(second, Phase.APPLYING))
    assert world.releases.get(first.id).release.phase is Phase.DONE


def test_results_count_once(world: World) -> None:
    """What is noted twice counts once; the first list of partners stands."""
    made, one, two = release(world), *sorted((new_partner(), new_partner()))
    world.releases.add(made)
    assert list(world.releases.whom(made.id, [one, two])) == [one, two]
    assert list(world.releases.whom(made.id, [one])) == [one, two]
    line = Line(campaign=CampaignId(values.new_id("cmp")), name="Spring", outcome=Outcome.REVIEW, why="x", revision=2,
                asked=(values.EMMA,))
    result = Result(release=made.id, partner=one, name="Rad", lines=(line,), at=START)
    assert world.releases.turn(made.id, one)[1] is False
    assert world.releases.note(result) == 1
    assert world.releases.note(replace(result, lines=())) == 1
    seen, done = world.releases.turn(made.id, one)
    assert (done, seen.phase, seen.moves) == (True, made.phase, made.moves)
    assert seen.kit
    assert seen.kit != made.kit
    assert world.releases.turn(made.id, two)[1] is False
    with pytest.raises(NotFound):
        world.releases.turn(values.new_id("rel"), one)
    known = world.releases.get(made.id)
    assert (known.results, known.missing) == ((result,), (two,))
    assert known.counts() == {Outcome.REVIEW: 1}
    assert world.releases.note(replace(result, partner=two)) == 0
    assert world.releases.get(made.id).missing == ()


def test_versions_end(world: World) -> None:
    """Each release says its own; the same twice is one."""
    ends = Retired(template=values.TEMPLATE, below=3, until=START, release=values.new_id("rel"))
    assert list(world.releases.retired()) == []
    for _ in range(2):
        world.releases.retire(ends)
    assert list(world.releases.retired()) == [ends]
    assert list(world.releases.recently_retired()) == [ends]


def test_a_programme_is_replaced_once(world: World) -> None:
    """Of two who change it one is told; one that is not there is not made."""
    made = values.programme(world.facts.org_id)
    world.programmes.add(made)
    after = replace(made, template_version=4, version=2)
    world.programmes.save(after, expected_version=1)
    assert world.programmes.get(made.id) == after
    with pytest.raises(Conflict, match=r"programme\.changed"):
        world.programmes.save(replace(after, template_version=5), expected_version=1)
    with pytest.raises(NotFound):
        world.programmes.save(values.programme(world.facts.org_id), expected_version=1)


def test_a_revision_is_read_in_its_last_frame(world: World) -> None:
    """Frames are added, never replaced; the revision stays; its digests are those of the last frame."""
    partner = new_partner()
    session = world.sessions.open(PartnerId(partner), Zone.PARTNER)
    campaign = values.campaign(world.facts.org_id, partner)
    first = values.entry(campaign)
    campaign = replace(campaign, audit_sequence=first.sequence, audit_hash=first.hash)
    world.campaigns.create(session, campaign, values.draft(campaign), first)
    revision = values.revision(campaign)
    submitted, entry = take(campaign, Action.SUBMIT, Actor.PARTNER, now=START, by="x", to=State.APPROVED, revision=1,
                            digests=revision.digests, start=revision.start)
    world.campaigns.commit(session, Change(before=campaign, after=submitted, audit=entry, revision=revision))
    frame = Frame(
        campaign=campaign.id, revision=1, sequence=1, release="rel_" + "1" * 26, template_version=9, language="fr",
        content="b" * 64, locked_sha256="c" * 64, headers=(("A", "b"),),
        findings=(FindingRecord(code="BRD001", severity="warn", state="fail"),),
        replaces=revision.digests.frame, prepared_by=values.EMMA, approved_by=values.EMMA, taken_by="x", at=START,
    )
    proposal = Proposal(
        campaign=campaign.id, revision=1, release=frame.release, title="Neu", template_version=9, why="asked",
        until=START, asked_at=START, answer="taken", answered_by="x", answered_at=START,
    )
    after, entry = record(submitted, "reframe", now=START, by="hq")
    world.campaigns.commit(session, Change(before=submitted, after=after, audit=entry, frame=frame, proposal=proposal))
    again, entry = record(after, "reframe", now=START, by="hq")
    with pytest.raises(Conflict):
        world.campaigns.commit(session, Change(before=after, after=again, audit=entry, frame=frame))
    history = world.campaigns.history(session, campaign.id)
    assert (history.frames, history.proposals) == ((frame,), (proposal,))
    seen, = history.revisions
    assert (seen.template_version, seen.content, seen.values) == (9, "b" * 64, revision.values)
    assert seen.digests.frame != revision.digests.frame
    foreign = values.campaign(world.facts.org_id, partner)
    with pytest.raises(NotFound):
        world.campaigns.commit(session, Change(
            before=after, after=again, audit=entry, frame=replace(frame, campaign=foreign.id, sequence=2)))
