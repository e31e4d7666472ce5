"""The customer's pages: unsubscribe with one click, from the mail program or from the page.

GET shows one button and changes nothing, so a scanner that opens every link unsubscribes nobody.
POST unsubscribes; mail programs send it on their own (RFC 8058), with a body of any type that is ignored and
without a cookie, which is why there is no CSRF token: the token in the path is all the proof there
is, and its MAC is verified before anything else. No page tells the address or whether it is on a
list, and a forged token gets the same 404 as a cut one.
"""

from __future__ import annotations

from dataclasses import replace

from chalicelib import texts
from chalicelib.domain.errors import NotFound
from chalicelib.usecases import unsubscribe
from chalicelib.web import pages
from chalicelib.web.guard import Visit
from chalicelib.web.http import Answer
from chalicelib.web.routes import Routes

routes = Routes()


@routes.get("/u/{token}", public=True)
def show(visit: Visit, token: str) -> Answer:
    """Ask before leaving: one button."""
    try:
        leaving = unsubscribe.look(visit.world, token)
    except NotFound:
        return _unknown(visit)
    return _page(visit, "unsubscribe/ask.html", leaving)


@routes.post("/u/{token}", csrf=False, public=True)
def leave(visit: Visit, token: str) -> Answer:
    """Unsubscribe; 200 for people and mail programs alike, the first time and every other."""
    try:
        leaving = unsubscribe.unsubscribe(visit.world, token)
    except NotFound:
        return _unknown(visit)
    return _page(visit, "unsubscribe/done.html", leaving)


def _page(visit: Visit, name: str, leaving: unsubscribe.Leaving) -> Answer:
    language = texts.pick(leaving.language, visit.request.header("accept-language"))
    return _private(pages.render(replace(visit, language=language), name, leaving=leaving, referrer="no-referrer"))


def _unknown(visit: Visit) -> Answer:
    return _private(pages.render(visit, "unsubscribe/unknown.html", status=404, referrer="no-referrer"))


def _private(answer: Answer) -> Answer:
    """Never indexed; no-store and the closed policy come with every answer."""
    return answer.with_header("X-Robots-Tag", "noindex")
