"""Routes as data, and how they are mounted on Chalice: one wrapper for every request.

The wrapper opens the visit, checks the form's origin and token, calls the handler and turns
whatever goes wrong into a page, so that a handler parses, calls one use case and shows the
result, and nothing else.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, Protocol

from chalice.app import Chalice, Response

from chalicelib import observe
from chalicelib.domain.errors import Conflict, NotFound, Refused, Retryable
from chalicelib.domain.people import Session
from chalicelib.domain.record import dataclass
from chalicelib.usecases import access
from chalicelib.usecases.world import World
from chalicelib.web import pages
from chalicelib.web.guard import Visit, check_csrf, check_origin, cookie_name, open_visit
from chalicelib.web.http import MAX_FIELDS, Answer, BadRequest, Request, cookie, from_chalice, to_chalice
from chalicelib.web.urls import Urls

log = logging.getLogger("countersign.web")
NONCE_SECONDS = 30 * 86400


class Handler(Protocol):
    """What answers a route: the visit, then the parameters of the path by name."""

    def __call__(self, visit: Visit, /, **params: str) -> Answer: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """``methods`` have GET and HEAD always together. ``public`` pages load no account.

    ``csrf`` is off for the one POST that has no cookie: one-click unsubscribe (RFC 8058). ``fields`` is
    how many its form may have.
    """

    methods: tuple[str, ...]
    path: str
    handler: Callable[..., Answer]
    csrf: bool = True
    public: bool = False
    fields: int = MAX_FIELDS


class Routes:
    """The routes of one module: ``@routes.get("/hq")``, ``@routes.post("/hq/stop")``."""

    def __init__(self) -> None:
        self._routes: list[Route] = []

    def __iter__(self) -> Iterator[Route]:
        return iter(self._routes)

    def include(self, *others: Routes) -> None:
        """Take over the routes of other modules of the same surface."""
        for other in others:
            self._routes.extend(other)

    def get(self, path: str, *, public: bool = False) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
        """Answer GET and HEAD; the handler must not change anything."""
        return self._add(("GET", "HEAD"), path, public=public)

    def post(
        self, path: str, *, csrf: bool = True, public: bool = False, fields: int = MAX_FIELDS,
    ) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
        """Answer POST with a form of ours, of so many fields at most."""
        return self._add(("POST",), path, csrf=csrf, public=public, fields=fields)

    def _add(
        self, methods: tuple[str, ...], path: str, **options: Any,
    ) -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
        def register(handler: Callable[..., Answer]) -> Callable[..., Answer]:
            self._routes.append(Route(methods=methods, path=path, handler=handler, **options))
            return handler
        return register


def mount(app: Chalice, routes: Iterable[Route], world: Callable[[], World], urls: Callable[[], Urls]) -> None:
    """Register routes on a Chalice application. ``world`` and ``urls`` are asked at each request."""
    for route in routes:
        # No list of types: Chalice would answer others with its own 415 in JSON; our parser makes a page of it.
        name = f"{route.handler.__module__}.{route.handler.__qualname__}.{route.methods[0]}"
        app.route(route.path, methods=list(route.methods), name=name, content_types=[])(_view(app, route, world, urls))


def _view(
    app: Chalice, route: Route, world: Callable[[], World], urls: Callable[[], Urls],
) -> Callable[..., Response]:
    def view(**params: str) -> Response:
        request = app.current_request
        assert request is not None, "Chalice sets the request before it calls a view"
        links = urls()
        try:
            answer = respond(route, world(), links, from_chalice(request), params)
        except BadRequest as bad:
            answer = pages.bare_error(bad.status, bad.code)
        return to_chalice(answer, head=request.method == "HEAD", secure=links.secure)
    return view


def respond(route: Route, world: World, urls: Urls, request: Request, params: dict[str, str]) -> Answer:
    """Answer one request: the whole of the frame, without a server."""
    request = replace(request, id=request.id or base64.b32encode(world.entropy.bytes(5)).decode().lower())
    with observe.story("pages", request.id):
        return _respond(route, world, urls, request, params)


def _respond(route: Route, world: World, urls: Urls, request: Request, params: dict[str, str]) -> Answer:
    try:
        visit = open_visit(world, request, urls, load=not route.public)
        if not route.public and not visit.csrf:
            visit = replace(visit, csrf=base64.urlsafe_b64encode(world.entropy.bytes(18)).decode())
    except Exception:
        log.exception("request %s failed before %s", request.id, route.path)
        return pages.bare_error(500, request.id)
    try:
        answer = _call(route, visit, params)
    except Exception as error:  # every failure ends as a page; what is unexpected is logged with its id
        answer = _failed(route, visit, error)
    return _with_nonce(route, visit, answer)


def _call(route: Route, visit: Visit, params: dict[str, str]) -> Answer:
    if visit.request.method == "POST" and route.csrf:
        check_origin(visit.request, visit.urls)
        visit = replace(visit, form=visit.request.form(route.fields))
        # A nonce that was made for this very answer can't have come in a form.
        if visit.session is None and cookie_name(visit.urls, "cn") not in visit.request.cookies:
            raise BadRequest(403, "request.csrf")
        check_csrf(visit)
    answer = route.handler(visit, **params)
    if visit.request.method == "POST" and visit.session and answer.status < 400:
        _prolong(visit, visit.session)
    return answer


def _prolong(visit: Visit, session: Session) -> None:
    """A step of the person keeps the session alive; signing out has ended it, and it stays ended."""
    if not visit.request.path.endswith(("/sign-out", "/sessions/end")):
        access.prolong(visit.world, session)


def _failed(route: Route, visit: Visit, error: Exception) -> Answer:
    """The page for what went wrong. The log names the route, never the path: paths hold tokens."""
    if isinstance(error, BadRequest):
        return pages.bad_request(visit, error)
    if isinstance(error, NotFound):
        return pages.not_found(visit)
    if isinstance(error, Conflict):
        return pages.conflict(visit, error)
    if isinstance(error, Refused):
        return pages.refused(visit, error)
    if isinstance(error, Retryable):
        log.warning("request %s to %s: %s", visit.request.id, route.path, error)
        return pages.unavailable(visit)
    log.error("request %s to %s failed", visit.request.id, route.path, exc_info=error)
    return pages.failed(visit)


def _with_nonce(route: Route, visit: Visit, answer: Answer) -> Answer:
    """Give a browser without a session the cookie that its forms are compared with."""
    name = cookie_name(visit.urls, "cn")
    if route.public or visit.session or not answer.type.startswith("text/html") or answer.policy.sandbox:
        return answer
    if visit.request.cookies.get(name) == visit.csrf:
        return answer
    return answer.with_cookie(cookie(name, visit.csrf, secure=visit.urls.secure, max_age=NONCE_SECONDS))
