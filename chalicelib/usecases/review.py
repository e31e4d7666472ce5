"""What a reviewer's link opens: the campaign as it stands, without changing anything."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from enum import StrEnum

from chalicelib.domain.campaign import Ask, Campaign, Revision, State, Verdict
from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.frame import Frame, former
from chalicelib.domain.ids import CampaignId
from chalicelib.domain.people import Link, Purpose, Role
from chalicelib.domain.record import dataclass
from chalicelib.domain.scope import Zone
from chalicelib.ports.system import PartnerSession, QueueName
from chalicelib.ports.workflow import History
from chalicelib.usecases import story
from chalicelib.usecases.world import World

LINK_LIFE = timedelta(days=30)
FRESH_PER_HOUR = 3


class Standing(StrEnum):
    """What a reviewer's link is good for now."""

    OPEN = "open"
    DECIDED = "decided"
    VOID = "void"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What the decision page shows. ``mine`` is the reviewer's own question and answer.

    ``digest`` is the pair of digests of what is shown, ``former`` those of the same text in the frames that head
    office replaced since it was submitted; ``frames`` are all that it put around it, oldest first. ``decided`` is
    the answer that settled the revision, by whomever; ``revocable`` tells whether this reviewer approved and the
    start has not come.
    """

    link: Link
    standing: Standing
    session: PartnerSession
    name: str
    history: History
    revision: Revision
    mine: Ask
    decided: Ask | None
    partner_name: str
    revocable: bool

    @property
    def digest(self) -> str:
        """Both digests of the mail that the page shows."""
        return self.revision.digests.both

    @property
    def former(self) -> frozenset[str]:
        """The digests of the same text in each look that it had before."""
        part = self.revision.digests.partner
        return frozenset(f"{part}.{frame}" for frame in former(self.history.frames, self.revision.number))

    @property
    def frames(self) -> tuple[Frame, ...]:
        """The frames of this revision."""
        return tuple(f for f in self.history.frames if f.revision == self.revision.number)


def review_notice(revision: int, stage: int) -> str:
    """The outbox entry that asks the reviewers of a stage."""
    return f"review_request:{revision}:{stage}"


def token_hash(token: str) -> str:
    """A token is stored as its SHA-256 (hex) only."""
    return hashlib.sha256(token.encode()).hexdigest()


def code_hash(code: str, link_hash: str) -> str:
    """The short code, bound to its link, so that equal codes do not look equal in the store."""
    return hashlib.sha256(f"{link_hash}:{code}".encode()).hexdigest()


def look(world: World, token: str) -> Review:
    """What a link opens, without changing anything, in three reads; raises NotFound for what is no link of ours.

    It shows where the trail says that the campaign stands; what decides reads the control item.
    """
    link, session, campaign = _link(world, token)
    told = story.read(world, session, campaign)
    last = told.revision
    stage = max((a.stage for a in told.history.asks if last and a.revision == last.number), default=0)
    now = _Now(told.state, last.number if last else 0, last.digests.both if last else "", stage)
    return _review(world, link, session, told.name, told.history, now)


@dataclass(frozen=True, slots=True)
class _Now:
    """Where a campaign stands, as the trail or the control item tells it."""

    state: State
    revision: int
    digest: str
    stage: int


def _link(world: World, token: str) -> tuple[Link, PartnerSession, CampaignId]:
    """A reviewer's link that its person still may use, the session it opens, and its campaign."""
    link = world.links.get(token_hash(token))
    if link.purpose is not Purpose.REVIEW or link.partner is None or link.campaign is None:
        raise NotFound
    account = world.people.account(link.person)
    if account.person.generation != link.generation or Role.REVIEWER not in account.roles_at(None, world.clock.now()):
        raise NotFound
    return link, world.sessions.open(link.partner, Zone.REVIEW), link.campaign


def opened(world: World, token: str) -> tuple[Review, Campaign]:
    """The same as :func:`look` for a step that decides: with the control item, read consistently."""
    link, session, known = _link(world, token)
    campaign, history = world.campaigns.get(session, known), world.campaigns.history(session, known)
    digest_now = campaign.digests.both if campaign.digests else ""
    now = _Now(campaign.state, campaign.revision, digest_now, campaign.stage)
    return _review(world, link, session, campaign.name, history, now), campaign


def _review(
    world: World, link: Link, session: PartnerSession, name: str, history: History, now: _Now,
) -> Review:
    revision = next((r for r in history.revisions if r.number == link.revision), None)
    mine = next((a for a in history.asks if (a.revision, a.stage, a.person) == (
        link.revision, link.stage, link.person)), None)
    if revision is None or mine is None:
        raise NotFound
    decided = settled(history, link.revision)
    moment = world.clock.now()
    return Review(
        link=link, standing=_standing(link, now, history, decided, moment >= link.expires_at), session=session,
        name=name, history=history, revision=revision, mine=mine, decided=decided, partner_name=link.partner_name,
        revocable=now.state is State.APPROVED and mine.verdict is Verdict.APPROVE
        and now.revision == link.revision and revision.start.at > moment,
    )


def settled(history: History, revision: int) -> Ask | None:
    """The latest answer to a revision."""
    answers = [a for a in history.asks if a.revision == revision and a.answered_at and a.verdict]
    return max(answers, key=lambda a: (a.answered_at, a.person), default=None)


def _standing(link: Link, now: _Now, history: History, decided: Ask | None, expired: bool) -> Standing:
    current = now.revision == link.revision and _leads_to(link, now, history)
    if current and now.state is State.IN_REVIEW and now.stage == link.stage:
        return Standing.EXPIRED if expired else Standing.OPEN
    return Standing.DECIDED if decided else Standing.VOID


def _leads_to(link: Link, now: _Now, history: History) -> bool:
    """Whether a link still means what stands: the same partner's part, in this frame or in one that it had before."""
    if now.digest == link.digest:
        return True
    (part, _, frame), (stands, _, _) = link.digest.partition("."), now.digest.partition(".")
    return part == stands and frame in former(history.frames, link.revision)


def request_fresh(world: World, token: str) -> None:
    """Mail a fresh link to the same reviewer; a limit an hour keeps it from being a nuisance."""
    review = look(world, token)
    if not world.links.allow(f"fresh:{review.link.person}", world.clock.now(), per_hour=FRESH_PER_HOUR):
        raise Conflict("limit.reached")
    world.queue.put(QueueName.NOTICES, {
        "v": 1, "kind": "fresh_link", "partner": review.session.partner, "campaign": str(review.link.campaign),
        "revision": review.link.revision, "stage": review.link.stage, "person": review.link.person,
    })
