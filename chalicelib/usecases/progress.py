"""How a campaign's sending stands, and what a person may do about recipients nobody can tell of."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain import ledger as rules
from chalicelib.domain.campaign import Campaign, State
from chalicelib.domain.errors import Conflict
from chalicelib.domain.ids import CampaignId
from chalicelib.domain.ledger import Attempt
from chalicelib.domain.manifest import Manifest, Run, SliceKey
from chalicelib.domain.record import dataclass
from chalicelib.domain.step import record
from chalicelib.domain.totals import SliceState, Totals, tally
from chalicelib.ports.system import PartnerSession
from chalicelib.ports.workflow import Change
from chalicelib.usecases import control
from chalicelib.usecases.world import World

_GOES_ON = (State.APPROVED, State.SENDING)


def progress(world: World, session: PartnerSession, campaign: Campaign) -> Totals:
    """The campaign's totals as of each slice's last count, in one query; always conserved.

    A slice that has no manifest yet is not in the audience yet. Who is open counts as pending
    while the campaign goes on, and as not attempted while it is paused or once it is over.
    """
    return totals_of(world, session, campaign.id, campaign.state)


def totals_of(world: World, session: PartnerSession, campaign_id: CampaignId, state: State) -> Totals:
    """The same for whoever knows the state without the control item."""
    return results_of(world, session, campaign_id, state)[0]


def results_of(
    world: World, session: PartnerSession, campaign_id: CampaignId, state: State,
) -> tuple[Totals, int]:
    """The same, and how many customers unsubscribed with a mail of the campaign; one query, too."""
    slices, left = world.ledger.results(session, Run(campaign_id))
    totals = sum((one.totals for one in slices), Totals())
    return (totals if state in _GOES_ON else totals.stopped()), left


def recount(world: World, session: PartnerSession, campaign: Campaign) -> Totals:
    """The same from every manifest and attempt; for whoever must be exact now."""
    totals = Totals()
    for number in range(campaign.slices):
        key = SliceKey(Run(campaign.id), number)
        manifest = world.ledger.manifest(session, key)
        if manifest is not None:
            totals += tally(manifest, world.ledger.attempts(session, key, 0, manifest.batches))
    return totals if campaign.state in _GOES_ON else totals.stopped()


@dataclass(frozen=True, slots=True)
class Released:
    """How many unknown recipients will be mailed again, and how many are too young for it."""

    recipients: int
    too_early: int


def resend_unknown(world: World, session: PartnerSession, campaign_id: CampaignId, *, by: str) -> Released:
    """Permit another attempt for every unknown recipient whose claim is old enough.

    Only a person decides this: whoever did get the mail gets it twice. Raises Conflict
    ``campaign.not_now`` for a campaign that is over or was never started.
    """
    campaign = world.campaigns.get(session, campaign_id)
    if campaign.state not in (State.SENDING, State.HELD) or not campaign.slices:
        raise Conflict("campaign.not_now", state=campaign.state.value, action="resend_unknown")
    released = too_early = 0
    for state in world.ledger.slices(session, Run(campaign_id)):
        yes, no = _release_slice(world, session, state)
        released, too_early = released + yes, too_early + no
    if released:
        _audit(world, session, campaign, by, released)
        if campaign.state is State.SENDING:
            control.look_soon(world, campaign)
    return Released(released, too_early)


def _release_slice(world: World, session: PartnerSession, state: SliceState) -> tuple[int, int]:
    manifest = world.ledger.manifest(session, state.key)
    if manifest is None:
        return 0, 0
    attempts = world.ledger.attempts(session, state.key, 0, manifest.batches)
    released = too_early = 0
    first = manifest.batches
    for batch, tried in rules.by_batch(attempts).items():
        for attempt, ordinals in _unknown_by_attempt(manifest, batch, tried):
            if _release(world, session, attempt, ordinals):
                released += len(ordinals)
                first = min(first, batch)
            else:
                too_early += len(ordinals)
        if state.done or batch < state.cursor:
            # Released before, by somebody who was cut off before the slice was opened again.
            if left := len(rules.waiting(tried, manifest.size_of(batch))):
                released, first = released + left, min(first, batch)
    if released:
        _reopen(world, session, state, first)
    return released, too_early


def _unknown_by_attempt(
    manifest: Manifest, batch: int, tried: list[Attempt],
) -> list[tuple[Attempt, frozenset[int]]]:
    """The unknown recipients of a batch, by the attempt that left them so."""
    found: dict[int, set[int]] = {}
    for ordinal in rules.unknown(tried, manifest.size_of(batch)):
        last = rules.decisive(tried, ordinal)
        if last is not None:
            found.setdefault(last.key.attempt, set()).add(ordinal)
    return [(a, frozenset(found[a.key.attempt])) for a in tried if a.key.attempt in found]


def _release(world: World, session: PartnerSession, attempt: Attempt, ordinals: frozenset[int]) -> bool:
    now = world.clock.now()
    if not rules.may_release(attempt, now):
        return False
    try:
        world.ledger.release(session, attempt.key, ordinals, now - rules.RESEND_MARGIN)
    except Conflict:
        return False
    return True


def _reopen(world: World, session: PartnerSession, state: SliceState, first: int) -> None:
    """Let the slice begin again at its first released batch; a worker in between is tried again."""
    for _ in range(control.TRIES):
        after = replace(
            state, turn=state.turn + 1, cursor=min(state.cursor, first), done=False, unknown_run=0, epoch=0,
        )
        try:
            world.ledger.advance(session, state, after)
            return
        except Conflict:
            state = world.ledger.slice(session, state.key)
    raise Conflict("slice.moved")


def _audit(world: World, session: PartnerSession, campaign: Campaign, by: str, released: int) -> None:
    for attempt in range(control.TRIES):
        before = world.campaigns.get(session, campaign.id)
        now = world.clock.now()
        after, entry = record(replace(before, updated_at=now), "resend_unknown", now=now, by=by)
        try:
            world.campaigns.commit(session, Change(before=before, after=after, audit=entry))
            return
        except Conflict:
            if attempt == control.TRIES - 1:
                raise
