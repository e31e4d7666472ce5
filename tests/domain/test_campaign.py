"""The transition table, walked in full."""

from __future__ import annotations

import itertools

import pytest

from chalicelib.domain.campaign import FINAL, Action, Actor, State
from chalicelib.domain.errors import Conflict
from chalicelib.domain.transitions import TRANSITIONS, target

LIFE = {
    ("draft", "submit"): ({"in_review", "approved"}, {"partner"}),
    ("changes_requested", "submit"): ({"in_review", "approved"}, {"partner"}),
    ("in_review", "approve"): ({"approved"}, {"reviewer"}),
    ("in_review", "request_changes"): ({"changes_requested"}, {"reviewer"}),
    ("in_review", "decline"): ({"declined"}, {"reviewer"}),
    ("in_review", "withdraw"): ({"draft"}, {"partner"}),
    ("in_review", "lapse"): ({"in_review", "expired"}, {"clock"}),
    ("approved", "revoke"): ({"in_review"}, {"reviewer"}),
    ("approved", "withdraw"): ({"draft"}, {"partner"}),
    ("approved", "start"): ({"sending"}, {"clock"}),
    ("approved", "hold"): ({"held"}, {"partner", "hq", "guard"}),
    ("sending", "hold"): ({"held"}, {"partner", "hq", "guard"}),
    ("held", "resume"): ({"approved", "sending"}, {"partner", "hq"}),
    ("held", "cancel"): ({"cancelled"}, {"partner", "hq"}),
    ("sending", "finish"): ({"sent"}, {"clock"}),
    ("in_review", "reframe"): ({"in_review"}, {"hq", "partner"}),
    ("approved", "reframe"): ({"approved"}, {"hq", "partner"}),
    ("held", "reframe"): ({"held"}, {"hq", "partner"}),
    ("in_review", "renew"): ({"in_review"}, {"hq"}),
    ("approved", "renew"): ({"in_review"}, {"hq"}),
}


@pytest.mark.parametrize(("state", "action", "actor"), list(itertools.product(State, Action, Actor)))
def test_full_product(state: State, action: Action, actor: Actor) -> None:
    """Every combination of state, action and actor does what the life cycle says, and nothing else."""
    known = LIFE.get((state.value, action.value))
    for to in State:
        allowed = known is not None and to.value in known[0] and actor.value in known[1]
        if allowed:
            assert target(state, action, actor, to) is to
        else:
            with pytest.raises(Conflict) as refused:
                target(state, action, actor, to)
            inside = known is not None and to.value in known[0]
            assert refused.value.code == ("campaign.not_you" if inside else "campaign.not_now")
            assert refused.value.params["state"] == state.value


def test_final_states_have_no_way_out() -> None:
    """What is over stays over."""
    assert {State.SENT, State.DECLINED, State.EXPIRED, State.CANCELLED} == FINAL
    assert not [arc for arc in TRANSITIONS if arc[0] in FINAL]


def test_every_state_is_reached_and_can_end() -> None:
    """No state is unreachable, and from each a final one can be reached."""
    reached = {State.DRAFT}
    for _ in State:
        reached |= {to for (state, _), arc in TRANSITIONS.items() if state in reached for to in arc.targets}
    assert reached == set(State)
    ending = set(FINAL)
    for _ in State:
        ending |= {state for (state, _), arc in TRANSITIONS.items() if arc.targets & ending}
    assert ending == set(State)


def test_silence_never_approves() -> None:
    """No arc that the clock or a guard may take leads to an approval."""
    for (_, _), arc in TRANSITIONS.items():
        if arc.actors & {Actor.CLOCK, Actor.GUARD}:
            assert State.APPROVED not in arc.targets


def test_several_targets_must_be_named() -> None:
    """An action that may lead to several states never picks one by itself."""
    with pytest.raises(ValueError, match="name one"):
        target(State.DRAFT, Action.SUBMIT, Actor.PARTNER)
