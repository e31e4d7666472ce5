"""A release's question to the partner about one campaign: the mail as it stands and as it would be, and the answer.

The approval stands either way: taking the new look over is the same conditional write as where nobody was asked.
"""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain.campaign import Action, Revision, State
from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.frame import Proposal, open_one
from chalicelib.domain.ids import CampaignId
from chalicelib.domain.people import Person
from chalicelib.domain.record import dataclass
from chalicelib.domain.step import record
from chalicelib.ports.system import PartnerSession
from chalicelib.ports.workflow import Change, History
from chalicelib.usecases import reframe, story
from chalicelib.usecases.refit import Fitted, Look, fitted
from chalicelib.usecases.reframe import WAITING, Site
from chalicelib.usecases.world import World


@dataclass(frozen=True, slots=True)
class Question:
    """What the partner sees of a proposal: the mail as it stands and as it would be."""

    name: str
    state: State
    proposal: Proposal
    now: Revision
    then: Fitted

    @property
    def possible(self) -> bool:
        """Whether one click takes the new look over."""
        return self.proposal.why == "asked" and not self.then.why and self.then.revision is not None


def ask(world: World, session: PartnerSession, campaign_id: CampaignId, release_id: str) -> Question:
    """The open question of a release about a campaign, in two reads; raises NotFound where there is none."""
    told = story.read(world, session, campaign_id)
    if told.revision is None or told.state not in WAITING or told.started:
        raise NotFound
    proposal = _asked(told.history, told.revision, release_id)
    look = Look(world, world.partners.home(session).partner, world.books.recent(), session)
    return Question(told.name, told.state, proposal, told.revision, _then(look, proposal, told.revision))


def _asked(history: History, revision: Revision, release_id: str) -> Proposal:
    proposal = open_one(history.proposals, revision.number, revision.template_version)
    if proposal is None or proposal.release != release_id:
        raise NotFound
    return proposal


def _then(look: Look, proposal: Proposal, revision: Revision) -> Fitted:
    return fitted(look, revision, look.world.templates.get(revision.template, proposal.template_version))


def answer(
    world: World, session: PartnerSession, person: Person, campaign_id: CampaignId, release_id: str, *, take: bool,
    shown: str,
) -> None:
    """Take the new look over, or keep the old one.

    ``shown`` is the digest of the frame that the page showed. Raises Conflict ``release.look_changed`` if it
    would be another one now, ``release.not_possible`` where the text has to change first, ``campaign.not_now``
    once it started; NotFound where there is no open question, or a later release brought the campaign on.
    """
    campaign, history = world.campaigns.get(session, campaign_id), world.campaigns.history(session, campaign_id)
    revision, now = story.revision_of(history, campaign.revision), world.clock.now()
    proposal = _asked(history, revision, release_id)
    said = replace(proposal, answer="taken" if take else "kept", answered_by=person.id, answered_at=now)
    if not take:
        after, entry = record(
            replace(campaign, updated_at=now), "keep_look", now=now, by=person.id,
            details={"release_kept": release_id})
        world.campaigns.commit(session, Change(before=campaign, after=after, audit=entry, proposal=said))
        return
    if campaign.held_from is State.SENDING:
        raise Conflict("campaign.not_now", state=campaign.state.value, action=Action.REFRAME.value)
    look = Look(world, world.partners.home(session).partner, world.books.current(), session)
    then = _then(look, proposal, revision)
    if proposal.why != "asked" or then.why or then.revision is None:
        raise Conflict("release.not_possible")
    if then.revision.digests.frame != shown:
        raise Conflict("release.look_changed")
    site = Site(look, world.releases.get(release_id).release)
    reframe.carry(site, campaign, history, then, by=person, answered=said)
