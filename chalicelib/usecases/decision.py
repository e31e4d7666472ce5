"""The reviewer's answer: a decision on what the page showed, with the code from the mail, and taking it back."""

from __future__ import annotations

import hmac
from contextlib import suppress
from dataclasses import replace

from chalicelib.domain.campaign import Action, Actor, Ask, Campaign, State, Verdict
from chalicelib.domain.chain import Stage, must_not_decide_own, stage_passed
from chalicelib.domain.errors import Conflict, Problem, Refused
from chalicelib.domain.people import Link
from chalicelib.domain.step import record, take
from chalicelib.ports.workflow import Change
from chalicelib.usecases import assets, lanes, outbox
from chalicelib.usecases.lapse import lapse
from chalicelib.usecases.review import Review, Standing, code_hash, look, opened
from chalicelib.usecases.world import World

MAX_TRIES = 5
MAX_REASON = 2_000
_ACTIONS = {
    Verdict.APPROVE: Action.APPROVE, Verdict.REQUEST_CHANGES: Action.REQUEST_CHANGES, Verdict.DECLINE: Action.DECLINE,
}


def decide(
    world: World, token: str, verdict: Verdict, *, code: str, shown: str, reason: str = "",
) -> Review:
    """Record a reviewer's answer and move the campaign if its stage is complete.

    ``shown`` is the pair of digests that the page showed: only that can be decided. Raises Refused
    (``review.reason_missing``, ``review.code_wrong``), Conflict ``review.decided`` (by whom, when), ``review.void``,
    ``review.expired``, ``link.tries``, ``review.own_campaign``, ``review.too_late``, ``review.reframed`` where a
    release put another frame around the mail that was shown, ``review.not_shown`` where it was any other mail.
    """
    review, campaign = opened(world, token)
    if review.standing in (Standing.OPEN, Standing.EXPIRED) and review.revision.start.at <= world.clock.now():
        # Where it cannot be done now, the clock does it: the answer is too late all the same.
        with suppress(Conflict):
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
        _must_be_open(opened(world, token)[0], shown)
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
    if shown != review.digest:
        raise Conflict("review.reframed" if shown in review.former else "review.not_shown")


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
    review, campaign = opened(world, token)
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
