"""The reviewer's pages: look without changing anything, decide with code and nonce, no account.

A page whose URL holds a token sends no referrer and is never stored or indexed. Nothing here
happens by GET: a link scanner that opens every address decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from chalicelib import texts
from chalicelib.domain.campaign import Verdict
from chalicelib.domain.errors import Conflict, Problem, Refused
from chalicelib.domain.record import dataclass
from chalicelib.usecases import decision, review, review_mail
from chalicelib.web import http, pages
from chalicelib.web.guard import Visit
from chalicelib.web.http import Answer
from chalicelib.web.routes import Routes

routes = Routes()


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What the reviewer typed, kept when the answer is refused."""

    verdict: str = ""
    reason: str = ""


@routes.get("/r/{token}")
def show(visit: Visit, token: str) -> Answer:
    """The decision page; ``verdict`` in the query only says which button the mail's reader pressed."""
    found = review.look(visit.world, token)
    return _page(visit, token, found, Typed(verdict=visit.request.query.get("verdict")))


@routes.post("/r/{token}")
def decide(visit: Visit, token: str) -> Answer:
    """Take the answer; what is wrong with it is shown beside it and the reason typed is kept."""
    typed = Typed(verdict=visit.form.get("verdict"), reason=visit.form.get("reason"))
    if typed.verdict not in set(Verdict):
        return _page(visit, token, review.look(visit.world, token), typed)
    return _step(visit, token, typed, lambda: decision.decide(
        visit.world, token, Verdict(typed.verdict), code=visit.form.get("code"), reason=typed.reason,
        shown=visit.form.get("shown"),
    ))


@routes.post("/r/{token}/revoke")
def revoke(visit: Visit, token: str) -> Answer:
    """Take an own approval back until the start."""
    typed = Typed(reason=visit.form.get("reason"))
    return _step(visit, token, typed, lambda: decision.revoke(
        visit.world, token, code=visit.form.get("code"), reason=typed.reason))


def _step(visit: Visit, token: str, typed: Typed, act: Callable[[], object]) -> Answer:
    """Take a step; what is wrong with it, or was faster, is shown with what was typed."""
    try:
        act()
    except Refused as refused:
        return _page(visit, token, review.look(visit.world, token), typed, refused.problems, status=422)
    except Conflict as conflict:
        return _page(visit, token, review.look(visit.world, token), typed, [conflict.problem], status=409)
    return http.redirect(visit.urls.review(token))


@routes.post("/r/{token}/fresh")
def fresh(visit: Visit, token: str) -> Answer:
    """Mail a fresh link to the reviewer this one belongs to, and to nobody else."""
    review.request_fresh(visit.world, token)
    found = review.look(visit.world, token)
    return _page(visit, token, found, Typed(), asked=True)


@routes.get("/r/{token}/mail")
def mail(visit: Visit, token: str) -> Answer:
    """The frame with the mail, from exactly the stored bytes that the digests cover."""
    found = review.look(visit.world, token)
    return http.preview(review_mail.shown(visit.world, found.session, found.revision)[1])


@routes.get("/r/{token}/text")
def text(visit: Visit, token: str) -> Answer:
    """The plain-text part of the mail."""
    found = review.look(visit.world, token)
    return _unindexed(http.plain(review_mail.shown(visit.world, found.session, found.revision)[2]))


def _page(
    visit: Visit, token: str, found: review.Review, typed: Typed, problems: Iterable[Problem] = (), *,
    status: int = 200, asked: bool = False,
) -> Answer:
    visit = replace(visit, language=texts.pick(found.link.language, visit.request.header("accept-language")))
    return _unindexed(pages.render(
        visit, "review/decide.html", status=status, errors=problems, referrer="no-referrer",
        subject=review_mail.shown(visit.world, found.session, found.revision)[0],
        token=token, review=found, typed=typed, asked=asked, nav=[],
        findings=[f for f in found.revision.findings if f.severity != "info"],
        finding_sentence=review_mail.finding_sentence,
        differences=review_mail.differences(found.history, found.revision),
        is_first=review_mail.previous(found.history, found.revision) is None,
    ))


def _unindexed(answer: Answer) -> Answer:
    return answer.with_header("X-Robots-Tag", "noindex, nofollow")
