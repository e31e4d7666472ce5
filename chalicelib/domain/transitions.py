"""A campaign's life cycle: one transition table, walked in full by a test.

The table decides in the core; the store repeats the expected state and version as the
condition of its write, so that two people who decide at once cannot both be right.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from chalicelib.domain.campaign import Action, Actor, State
from chalicelib.domain.errors import Conflict
from chalicelib.domain.record import dataclass


@dataclass(frozen=True, slots=True)
class Arc:
    """Where an action may lead and who may take it."""

    targets: frozenset[State]
    actors: frozenset[Actor]


def _arc(targets: State | tuple[State, ...], *actors: Actor) -> Arc:
    return Arc(frozenset(targets if isinstance(targets, tuple) else (targets,)), frozenset(actors))


_SUBMIT = _arc((State.IN_REVIEW, State.APPROVED), Actor.PARTNER)
_WITHDRAW = _arc(State.DRAFT, Actor.PARTNER)
_HOLD = _arc(State.HELD, Actor.PARTNER, Actor.HQ, Actor.GUARD)


def _reframe(stays: State) -> Arc:
    """A release puts another frame around what was submitted: nothing moves, and once it sends nothing changes."""
    return _arc(stays, Actor.HQ, Actor.PARTNER)


TRANSITIONS: Mapping[tuple[State, Action], Arc] = MappingProxyType({
    (State.DRAFT, Action.SUBMIT): _SUBMIT,
    (State.CHANGES_REQUESTED, Action.SUBMIT): _SUBMIT,
    # The last reviewer the chain needs moves the campaign; earlier ones are only recorded.
    (State.IN_REVIEW, Action.APPROVE): _arc(State.APPROVED, Actor.REVIEWER),
    (State.IN_REVIEW, Action.REQUEST_CHANGES): _arc(State.CHANGES_REQUESTED, Actor.REVIEWER),
    (State.IN_REVIEW, Action.DECLINE): _arc(State.DECLINED, Actor.REVIEWER),
    (State.IN_REVIEW, Action.WITHDRAW): _WITHDRAW,
    # The start passed without a decision: the partner chose at submit what happens then.
    (State.IN_REVIEW, Action.LAPSE): _arc((State.IN_REVIEW, State.EXPIRED), Actor.CLOCK),
    (State.APPROVED, Action.REVOKE): _arc(State.IN_REVIEW, Actor.REVIEWER),
    (State.APPROVED, Action.WITHDRAW): _WITHDRAW,
    (State.APPROVED, Action.START): _arc(State.SENDING, Actor.CLOCK),
    (State.APPROVED, Action.HOLD): _HOLD,
    (State.SENDING, Action.HOLD): _HOLD,
    # A held campaign goes back to where it was held, which the campaign remembers.
    (State.HELD, Action.RESUME): _arc((State.APPROVED, State.SENDING), Actor.PARTNER, Actor.HQ),
    (State.HELD, Action.CANCEL): _arc(State.CANCELLED, Actor.PARTNER, Actor.HQ),
    (State.SENDING, Action.FINISH): _arc(State.SENT, Actor.CLOCK),
    (State.IN_REVIEW, Action.REFRAME): _reframe(State.IN_REVIEW),
    (State.APPROVED, Action.REFRAME): _reframe(State.APPROVED),
    (State.HELD, Action.REFRAME): _reframe(State.HELD),
    # A release wants the mail looked at again: as a new revision, in its new frame.
    (State.IN_REVIEW, Action.RENEW): _arc(State.IN_REVIEW, Actor.HQ),
    (State.APPROVED, Action.RENEW): _arc(State.IN_REVIEW, Actor.HQ),
})


def target(state: State, action: Action, actor: Actor, to: State | None = None) -> State:
    """The state an action leads to; ``to`` picks one where the table allows several.

    Raises Conflict ``campaign.not_now`` if the table has no such arc, ``campaign.not_you`` if
    the actor may not take it; both tell the state that stands.
    """
    arc = TRANSITIONS.get((state, action))
    if arc is None or (to is not None and to not in arc.targets):
        raise Conflict("campaign.not_now", state=state.value, action=action.value)
    if actor not in arc.actors:
        raise Conflict("campaign.not_you", state=state.value, action=action.value)
    if to is None:
        if len(arc.targets) > 1:
            raise ValueError(f"{action} from {state} may lead to several states; name one")
        return next(iter(arc.targets))
    return to
