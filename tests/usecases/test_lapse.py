"""A start that passes without a decision: the next slot, the end of the run window, and what releases say meanwhile."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chalicelib.domain.campaign import Campaign, State, Verdict
from chalicelib.domain.errors import Conflict
from chalicelib.domain.frame import open_one
from chalicelib.domain.release import Retired
from chalicelib.usecases import plan, release_question, review, submit
from chalicelib.usecases.drafts import Typed, save
from chalicelib.usecases.lapse import lapse
from tests.stage import Stage, decide_as_shown, stage
from tests.usecases.release_stage import applied, approved, moving, publish_next, set_stage
from tests.usecases.release_stage import plan as form

CHANGE = (b"Spring is here", b"Spring has come")


def waiting(here: Stage) -> Campaign:
    """A campaign in review that goes on to the next slot if nobody decides."""
    campaign = here.draft()
    save(here.world, here.session, here.people["paula"], campaign.id, 2, Typed(on_lapse="next_slot"))
    submit.submit(here.world, here.session, here.people["paula"], campaign.id, 3, terms=True)
    here.deliver()
    return here.now_of(campaign)


def passed(here: Stage, campaign: Campaign) -> Campaign:
    """Its start has passed, and the clock looked at it."""
    here.world.clock.advance(days=2, hours=1)
    plan.look(here.world, here.partner, campaign.id)
    return here.now_of(campaign)


def test_silence_moves_to_the_next_day_if_the_partner_chose_so() -> None:
    """With "next slot" a lapse makes a new revision for the next allowed day and asks again."""
    here = stage()
    campaign = waiting(here)
    old, _ = here.token_and_code("rita")
    after = passed(here, campaign)
    here.deliver()
    assert (after.state, after.revision) == (State.IN_REVIEW, 2)
    assert after.start is not None
    assert after.start.local.endswith("T09:00")
    assert after.start.at > here.world.clock.now() + timedelta(minutes=9)
    assert review.look(here.world, old).standing is review.Standing.VOID
    token, code = here.token_and_code("rita")
    decide_as_shown(here.world, token, Verdict.APPROVE, code=code)
    assert here.now_of(campaign).state is State.APPROVED


def test_next_slot_ends_with_the_run_window() -> None:
    """Where no later day is in the run window, a lapse expires the campaign."""
    here = stage()
    campaign = waiting(here)
    here.world.clock.advance(days=90)
    lapse(here.world, here.session, here.now_of(campaign))
    assert here.now_of(campaign).state is State.EXPIRED


def test_the_question_of_a_release_stays_open() -> None:
    """Head office asked about a new look; the moved campaign is the same text, and the answer still counts."""
    here = set_stage()
    campaign = waiting(here)
    release = applied(here, form(here, treatment="ask")).release.id
    assert release_question.ask(here.world, here.session, campaign.id, release).possible
    after = passed(here, campaign)
    assert (after.state, after.revision) == (State.IN_REVIEW, 2)
    history = here.world.campaigns.history(here.session, campaign.id)
    asked = open_one(history.proposals, 2, history.revisions[-1].template_version)
    assert asked
    assert (asked.release, asked.revision, len(history.proposals)) == (release, 2, 1)
    question = release_question.ask(here.world, here.session, campaign.id, release)
    assert question.then.revision
    release_question.answer(here.world, here.session, here.people["paula"], campaign.id, release, take=True,
                   shown=question.then.revision.digests.frame)
    frame, = here.world.campaigns.history(here.session, campaign.id).frames
    assert frame.revision == 2


def test_an_answered_question_is_not_asked_again() -> None:
    """A partner that kept the old look is not asked a second time by a lapse."""
    here = set_stage()
    campaign = waiting(here)
    release = applied(here, form(here, treatment="ask")).release.id
    release_question.answer(here.world, here.session, here.people["paula"], campaign.id, release, take=False, shown="")
    assert passed(here, campaign).revision == 2
    proposal, = here.world.campaigns.history(here.session, campaign.id).proposals
    assert (proposal.revision, proposal.answer) == (1, "kept")


@pytest.mark.parametrize(("days", "state"), [(2, State.EXPIRED), (9, State.IN_REVIEW)])
def test_a_moved_start_asks_when_the_version_ends(days: int, state: State) -> None:
    """As a submission does: to a time at which its version does not go out any more nothing is moved."""
    here = set_stage()
    campaign = waiting(here)
    publish_next(here, CHANGE)
    until = (here.world.clock.now() + timedelta(days=days)).strftime("%Y-%m-%d")
    applied(here, moving(here, treatment="ask", old="until", until=until))
    after = passed(here, campaign)
    assert after.state is state


def test_a_release_under_way_has_the_campaign_first() -> None:
    """While the release that ends the version still has to bring the campaign on, time does not end it."""
    here = set_stage()
    campaign = waiting(here)
    publish_next(here, CHANGE)
    release = approved(here, moving(here, old="withdrawn"))
    move, = release.moves
    here.world.releases.retire(Retired(  # the first step of a release that is being applied
        template=move.template, below=move.number, until=here.world.clock.now(), release=release.id))
    assert passed(here, campaign).state is State.IN_REVIEW
    assert here.now_of(campaign).revision == 1
    with pytest.raises(Conflict, match=r"release\.busy"):
        lapse(here.world, here.session, here.now_of(campaign))
    token, code = here.token_and_code("rita")
    with pytest.raises(Conflict, match=r"review\.too_late"):
        decide_as_shown(here.world, token, Verdict.APPROVE, code=code)
    here.deliver()
    plan.look(here.world, here.partner, campaign.id)
    assert here.now_of(campaign).state is State.IN_REVIEW
    assert here.now_of(campaign).revision > 1
