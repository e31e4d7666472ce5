"""The reviewer's decision from a mailed link, and what time does to an undecided campaign."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum

from chalicelib.domain import digest, schedule
from chalicelib.domain.campaign import (
    Action,
    Actor,
    Ask,
    Campaign,
    OnLapse,
    Revision,
    State,
    Verdict,
)
from chalicelib.domain.chain import Stage, must_not_decide_own, stage_passed
from chalicelib.domain.errors import Conflict, NotFound, Problem, Refused
from chalicelib.domain.frame import Frame, former
from chalicelib.domain.ids import CampaignId, PersonId
from chalicelib.domain.people import Link, Purpose, Role
from chalicelib.domain.programme import Programme
from chalicelib.domain.record import dataclass
from chalicelib.domain.schedule import SendTime
from chalicelib.domain.scope import Zone
from chalicelib.domain.step import record, take
from chalicelib.ports.system import PartnerSession, QueueName
from chalicelib.ports.workflow import Change, History
from chalicelib.usecases import assets, lanes, outbox, story
from chalicelib.usecases.world import World

MAX_TRIES = 5
MAX_REASON = 2_000
LINK_LIFE = timedelta(days=30)
FRESH_PER_HOUR = 3
_ACTIONS = {
    Verdict.APPROVE: Action.APPROVE, Verdict.REQUEST_CHANGES: Action.REQUEST_CHANGES, Verdict.DECLINE: Action.DECLINE,
}


class Standing(StrEnum):
    """What a reviewer's link is good for now."""

    OPEN = "open"
    DECIDED = "decided"
    VOID = "void"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What the decision page shows. ``mine`` is the reviewer's own question and answer.

    ``digest`` is the pair of digests of what is shown; ``frames`` are those that head office put
    around the text since it was submitted, oldest first. ``decided`` is the answer that settled the
    revision, by whomever; ``revocable`` tells whether this reviewer approved and the start has not come.
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


def _open(world: World, token: str) -> tuple[Review, Campaign]:
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


def decide(
    world: World, token: str, verdict: Verdict, *, code: str, reason: str = "", shown: str = "",
) -> Review:
    """Record a reviewer's answer and move the campaign if its stage is complete.

    ``shown`` is the pair of digests that the page showed. Raises Refused (``review.reason_missing``,
    ``review.code_wrong``), Conflict ``review.decided`` (by whom, when), ``review.void``,
    ``review.expired``, ``link.tries``, ``review.own_campaign``, ``review.too_late``, ``review.reframed`` where a
    release put another frame around the mail that was shown.
    """
    review, campaign = _open(world, token)
    if review.standing in (Standing.OPEN, Standing.EXPIRED) and review.revision.start.at <= world.clock.now():
        lapse(world, review.session, campaign)
        raise Conflict("review.too_late", start=review.revision.start.local, zone=review.revision.start.zone)
    _must_be_open(review, shown)
    must_not_decide_own(review.link.person, campaign.submitted_by, campaign.created_by)
    _check_answer(world, review.link, verdict, code, reason)
    answer = replace(
        review.mine, verdict=verdict, reason=_clean(reason), answered_at=world.clock.now(),
    )
    try:
        _write(world, review, campaign, answer)
    except Conflict as conflict:
        # A colleague, the partner or the clock was faster: say what stands there now.
        _must_be_open(_open(world, token)[0], shown)
        raise conflict
    return look(world, token)


def _must_be_open(review: Review, shown: str) -> None:
    if review.standing is Standing.DECIDED and review.decided and review.decided.answered_at:
        raise Conflict(
            "review.decided", by=review.decided.person_name, verdict=str(review.decided.verdict),
            at=review.decided.answered_at.isoformat(timespec="seconds"),
        )
    if review.standing is not Standing.OPEN:
        raise Conflict(f"review.{review.standing.value}")
    if shown and shown != review.digest:
        raise Conflict("review.reframed" if review.frames else "review.void")


def _check_answer(world: World, link: Link, verdict: Verdict, code: str, reason: str) -> None:
    """All that is wrong with an answer, at once; a wrong code is counted before it is told."""
    problems = []
    if verdict is not Verdict.APPROVE and not _clean(reason):
        problems.append(Problem("review.reason_missing", "reason"))
    if len(reason) > MAX_REASON:
        problems.append(Problem("value.too_long", "reason", {"max": MAX_REASON, "length": len(reason)}))
    if not _code_right(world, link, code):
        problems.append(Problem("review.code_wrong", "code"))
    if problems:
        raise Refused(problems)


def _code_right(world: World, link: Link, code: str) -> bool:
    """Check the short code; after five wrong ones the link takes none at all.

    A try is counted before it is judged, so that of any number of guesses made at once no more
    than five are compared; a right one is taken back.
    """
    digits = "".join(code.split())
    if not digits:
        if link.tries >= MAX_TRIES:
            raise Conflict("link.tries", limit=MAX_TRIES)
        return False
    world.links.count_try(link.token_hash, limit=MAX_TRIES)
    if not hmac.compare_digest(code_hash(digits, link.token_hash), link.code):
        return False
    world.links.forgive_try(link.token_hash)
    return True


def _clean(reason: str) -> str:
    return "".join(c for c in reason.strip() if c.isprintable() or c in "\n\t")


def _write(world: World, review: Review, before: Campaign, answer: Ask) -> None:
    now, verdict = world.clock.now(), answer.verdict or Verdict.DECLINE
    details: dict[str, str | int] = {
        "revision": review.revision.number, "digests": review.revision.digests.both, "verdict": verdict.value,
    }
    if verdict is Verdict.APPROVE and not _completes(review, before.need, answer):
        after, entry = record(replace(before, updated_at=now), "approve", now=now, by=answer.person, details=details)
    else:
        after, entry = take(
            before, _ACTIONS[verdict], Actor.REVIEWER, now=now, by=answer.person, details=details,
            notices=(f"decided:{review.revision.number}",),
            approved_at=now if verdict is Verdict.APPROVE else None,
        )
    world.campaigns.commit(review.session, Change(before=before, after=after, audit=entry, asks=(answer,)))
    outbox.ring(world, after)
    if after.state is not before.state:
        lanes.settle(world, review.history, before, verdict)
    if after.state is State.APPROVED:
        assets.remember(world, review.session, review.revision)


def _completes(review: Review, need: int, answer: Ask) -> bool:
    """Whether this approval is the last one that the stage needs."""
    asks = [a for a in review.history.asks if (a.revision, a.stage) == (answer.revision, answer.stage)]
    stage = Stage(name="brand", reviewers=tuple(a.person for a in asks), need=need)
    return stage_passed(stage, [answer if a.person == answer.person else a for a in asks])


def revoke(world: World, token: str, *, code: str, reason: str) -> Review:
    """Take an own approval back until the start; the campaign is in review again."""
    review, campaign = _open(world, token)
    if not review.revocable:
        raise Conflict("review.not_revocable", state=campaign.state.value)
    _check_answer(world, review.link, Verdict.REQUEST_CHANGES, code, reason)
    now = world.clock.now()
    after, entry = take(
        campaign, Action.REVOKE, Actor.REVIEWER, now=now, by=review.link.person, approved_at=None,
        notices=(f"revoked:{review.revision.number}",), details={"reason": _clean(reason)[:500]},
    )
    open_again = replace(review.mine, verdict=None, reason="", answered_at=None)
    world.campaigns.commit(review.session, Change(before=campaign, after=after, audit=entry, asks=(open_again,)))
    outbox.ring(world, after)
    assets.forget(world, review.session, review.revision, since=review.mine.answered_at or now)
    return look(world, token)


def request_fresh(world: World, token: str) -> None:
    """Mail a fresh link to the same reviewer; a limit an hour keeps it from being a nuisance."""
    review = look(world, token)
    if not world.links.allow(f"fresh:{review.link.person}", world.clock.now(), per_hour=FRESH_PER_HOUR):
        raise Conflict("limit.reached")
    world.queue.put(QueueName.NOTICES, {
        "v": 1, "kind": "fresh_link", "partner": review.session.partner, "campaign": str(review.link.campaign),
        "revision": review.link.revision, "stage": review.link.stage, "person": review.link.person,
    })


def lapse(world: World, session: PartnerSession, campaign: Campaign) -> None:
    """Do what the partner chose for a start that passed without a decision.

    Either the campaign expires, or it stays in review for the same local time on the next day
    that the run window allows, as a new revision: the time is part of what is approved.
    """
    if campaign.state is not State.IN_REVIEW or campaign.start is None or campaign.start.at > world.clock.now():
        return
    programme = world.programmes.get(campaign.programme)
    slot = _next_slot(world, campaign.start, programme) if campaign.on_lapse is OnLapse.NEXT_SLOT else None
    change = _expire(world, campaign) if slot is None else _move(world, session, campaign, slot)
    world.campaigns.commit(session, change)
    outbox.ring(world, change.after)


def _expire(world: World, campaign: Campaign) -> Change:
    after, entry = take(
        campaign, Action.LAPSE, Actor.CLOCK, now=world.clock.now(), by="clock", to=State.EXPIRED,
        notices=("expired",),
    )
    return Change(before=campaign, after=after, audit=entry)


def _move(world: World, session: PartnerSession, campaign: Campaign, slot: SendTime) -> Change:
    now = world.clock.now()
    history = world.campaigns.history(session, campaign.id)
    old = next(r for r in history.revisions if r.number == campaign.revision)
    if assets.over(world, session, old.assets, slot.local[:10]):
        return _expire(world, campaign)
    revision = digest.bound(replace(old, number=old.number + 1, start=slot))
    asks = tuple(
        replace(a, revision=revision.number, stage=0, asked_at=now, verdict=None, reason="", answered_at=None)
        for a in history.asks if a.revision == old.number and a.stage == 0
    )
    after, entry = take(
        campaign, Action.LAPSE, Actor.CLOCK, now=now, by="clock", to=State.IN_REVIEW,
        notices=(review_notice(revision.number, 0), "moved"), revision=revision.number, digests=revision.digests,
        start=slot, stage=0, details={"start": slot.local, "zone": slot.zone},
    )
    return Change(before=campaign, after=after, audit=entry, revision=revision, asks=asks)


def _next_slot(world: World, start: SendTime, programme: Programme) -> SendTime | None:
    """The same local time on the first later day that exists and lies in the run window."""
    from datetime import datetime

    earliest = world.clock.now() + schedule.GRACE
    day = datetime.strptime(start.local, schedule.LOCAL_FORMAT)
    for _ in range(400):
        day += timedelta(days=1)
        try:
            slot = schedule.resolve(day.strftime(schedule.LOCAL_FORMAT), start.zone, "0")
        except Refused:
            continue
        if slot.at >= programme.closes_at:
            return None
        if slot.at >= earliest and programme.open_at(slot.at):
            return slot
    return None


def queue_of(world: World, person: PersonId, campaigns: tuple[Campaign, ...]) -> tuple[Campaign, ...]:
    """The campaigns in review among those given that this person did not make."""
    return tuple(c for c in campaigns if c.state is State.IN_REVIEW and person not in (c.created_by, c.submitted_by))
