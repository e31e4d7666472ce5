"""A campaign that is due while a release withdraws its version: it waits for its turn, then starts or is paused."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from itertools import count, groupby, takewhile

import pytest

from chalicelib.domain.campaign import Action, Actor, Campaign, HoldReason, State
from chalicelib.domain.release import Phase, ends_of
from chalicelib.usecases import approved as loading
from chalicelib.usecases import control, plan, release_run, releases
from tests.stage import Stage
from tests.usecases.release_stage import NEW_LOGO, OLD_LOGO, approved, approved_campaign, set_stage
from tests.usecases.release_stage import plan as form


class Dead(Exception):
    """The process is gone."""


class Steps:
    """Counts the writes and messages of a release, and does something just before or after the ``at``-th."""

    def __init__(self, here: Stage, act: Callable[[], None], at: int, after: bool) -> None:
        self.seen, self.done, self._act, self._at, self._after = 0, False, act, at, after
        world = here.world
        for store, names in (
            (world.releases, ("retire", "whom", "note", "end")), (world.templates, ("publish",)),
            (world.programmes, ("save",)), (world.campaigns, ("commit",)), (world.queue, ("put", "put_many")),
        ):
            for name in names:
                setattr(store, name, self._wrapped(getattr(store, name)))

    def _wrapped(self, real: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            self.seen += 1
            now = self.seen == self._at and not self.done
            if now and not self._after:
                self._now()
            out = real(*args, **kwargs)
            if now and self._after:
                self._now()
            return out

        return call

    def _now(self) -> None:
        self.done = True
        self._act()


def due(here: Stage) -> Campaign:
    """A campaign that is due, under a release that carries over and withdraws the old version."""
    campaign = approved_campaign(here)
    here.world.clock.advance(days=2, minutes=-59)  # a minute after its start
    return campaign


def look(here: Stage, campaign: Campaign) -> None:
    """The clock looks at the campaign."""
    plan.look(here.world, here.partner, campaign.id)


def ended(here: Stage, campaign: Campaign) -> bool:
    """Whether the version that the campaign stands in may not go out any more."""
    revision = loading.load(here.world, here.session, here.now_of(campaign)).revision
    ends = ends_of(here.world.releases.retired(), revision.template, revision.template_version)
    return any(end.until <= here.world.clock.now() for end in ends)


def meet(at: int, *, after: bool, dies: bool) -> bool | None:
    """Let the clock come at one step of a release and the release go on, after a crash if so; then judge the end.

    Returns whether the campaign started at that step; None where the release has fewer steps.
    """
    here = set_stage()
    campaign, started = due(here), False
    made = approved(here, form(here, old="withdrawn"))

    def act() -> None:
        nonlocal started
        look(here, campaign)
        assert here.now_of(campaign).hold_reason is None
        started = here.now_of(campaign).state is State.SENDING
        assert not (started and ended(here, campaign))
        if dies:
            raise Dead

    steps = Steps(here, act, at, after)
    with suppress(Dead):
        here.deliver()
    if not steps.done:
        return None
    releases.go_on(here.world, made.id)
    here.deliver()
    assert here.world.releases.get(made.id).release.phase is Phase.DONE
    look(here, campaign)
    now = here.now_of(campaign)
    assert (now.state, now.hold_reason) == (State.SENDING, None)
    history = here.world.campaigns.history(here.session, campaign.id)
    assert sum(entry.action == Action.START for entry in history.audit) == 1
    html = loading.load(here.world, here.session, now).content.html
    assert (OLD_LOGO if len(history.frames) == 0 else NEW_LOGO) in html
    assert (OLD_LOGO in html) != (NEW_LOGO in html)
    return started


@pytest.mark.parametrize("dies", [False, True])
@pytest.mark.parametrize("after", [False, True])
def test_a_start_between_two_steps_of_a_release(after: bool, dies: bool) -> None:
    """A good campaign is never paused and what starts is not withdrawn; also if the process dies at that step and its
    message comes again. Before the version ends and after the campaign was carried over it starts, between it waits."""
    started = list(takewhile(lambda met: met is not None, (meet(at, after=after, dies=dies) for at in count(1))))
    assert len(started) > 6
    assert [met for met, _ in groupby(started)] == [True, False, True]


def test_a_release_that_overtakes_the_start() -> None:
    """The whole release is applied between two reads of the start: what was read is not what stands, so it waits."""
    here = set_stage()
    campaign = due(here)
    made = approved(here, form(here, old="withdrawn"))
    release_run.start(here.world, made.id)
    real = here.world.releases.retired

    def overtaken() -> object:
        here.world.releases.retired = real  # type: ignore[method-assign]
        release_run.partner(here.world, made.id, here.partner)
        return real()

    here.world.releases.retired = overtaken  # type: ignore[method-assign, assignment]
    look(here, campaign)
    assert here.now_of(campaign).state is State.APPROVED
    look(here, campaign)
    assert here.now_of(campaign).state is State.SENDING
    assert NEW_LOGO in loading.load(here.world, here.session, here.now_of(campaign)).content.html


def test_what_the_release_asks_about_is_paused_after_its_turn() -> None:
    """The start waits for the question; as it is not answered, the campaign is paused with its reason."""
    here = set_stage()
    campaign = due(here)
    made = approved(here, form(here, old="withdrawn", treatment="ask"))
    release_run.start(here.world, made.id)
    look(here, campaign)
    assert here.now_of(campaign).state is State.APPROVED
    release_run.partner(here.world, made.id, here.partner)
    look(here, campaign)
    assert (here.now_of(campaign).state, here.now_of(campaign).hold_reason) == (State.HELD, HoldReason.TEMPLATE)


def test_a_turn_that_never_comes() -> None:
    """The start waits as long as it may be late, then a person decides; carried over at last, it is resumed."""
    here = set_stage()
    campaign = due(here)
    made = approved(here, form(here, old="withdrawn"))
    release_run.start(here.world, made.id)
    here.world.queue.waiting.clear()
    for _ in range(11):
        look(here, campaign)
        assert here.now_of(campaign).state is State.APPROVED
        here.world.clock.advance(minutes=10)
    here.world.clock.advance(minutes=10)
    look(here, campaign)
    assert (here.now_of(campaign).state, here.now_of(campaign).hold_reason) == (State.HELD, HoldReason.LATE)
    releases.go_on(here.world, made.id)
    here.deliver()
    control.resume(here.world, here.session, campaign.id, actor=Actor.PARTNER, by="paula")
    look(here, campaign)
    assert here.now_of(campaign).state is State.SENDING
    assert NEW_LOGO in loading.load(here.world, here.session, here.now_of(campaign)).content.html


def test_a_release_that_was_ended_early_keeps_nobody_waiting() -> None:
    """Its partner is not reached any more: what stands on the withdrawn version is paused."""
    here = set_stage()
    campaign = due(here)
    made = approved(here, form(here, old="withdrawn"))
    release_run.start(here.world, made.id)
    here.world.queue.waiting.clear()
    releases.end(here.world, here.people["henry"], made.id)
    look(here, campaign)
    assert (here.now_of(campaign).state, here.now_of(campaign).hold_reason) == (State.HELD, HoldReason.TEMPLATE)
