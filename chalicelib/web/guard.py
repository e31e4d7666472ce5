"""Who may open a page: sessions, roles, the CSRF check, and what a handler gets to work with.

Whatever a person may not see answers exactly like what does not exist (the same 404), so that
no page tells whether an id of somebody else is real.
"""

from __future__ import annotations

import functools
import hmac
from collections.abc import Callable
from dataclasses import field, replace
from datetime import datetime

from chalicelib import texts
from chalicelib.domain.errors import NotFound
from chalicelib.domain.ids import PartnerId, is_id
from chalicelib.domain.people import Account, Person, Role, Session
from chalicelib.domain.record import dataclass
from chalicelib.domain.scope import Zone
from chalicelib.ports.system import PartnerSession
from chalicelib.usecases import access
from chalicelib.usecases.world import World
from chalicelib.web.http import Answer, BadRequest, Form, Request, redirect
from chalicelib.web.urls import Urls, origin

PARTNER_ROLES = frozenset({Role.PARTNER_ADMIN, Role.PARTNER_EDITOR})


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request by one browser. ``account`` is None for somebody who is not signed in.

    ``csrf`` is what every form must carry: the session's token, or without a session a nonce
    that only this browser's cookie holds. ``partner`` and ``scope`` (its credentials) are set
    on partner's pages only.
    """

    world: World
    request: Request
    urls: Urls
    now: datetime
    language: str = texts.DEFAULT
    form: Form = field(default_factory=Form)
    csrf: str = ""
    account: Account | None = None
    session: Session | None = None
    partner: PartnerId | None = None
    scope: PartnerSession | None = None

    @property
    def person(self) -> Person:
        """The signed-in person; raises NotFound if nobody is (guarded pages have one)."""
        if self.account is None:
            raise NotFound
        return self.account.person

    @property
    def credentials(self) -> PartnerSession:
        """The partner's scoped session; raises NotFound on a page that has none."""
        if self.scope is None:
            raise NotFound
        return self.scope

    @property
    def hq_roles(self) -> frozenset[Role]:
        """The roles at the org that are in force now."""
        return self.account.roles_at(None, self.now) if self.account else frozenset()

    def partner_roles(self, partner: PartnerId) -> frozenset[Role]:
        """The roles at one partner that are in force now."""
        return (self.account.roles_at(partner, self.now) & PARTNER_ROLES) if self.account else frozenset()


def cookie_name(urls: Urls, short: str = "cs") -> str:
    """``__Host-cs`` over https; plain ``cs`` on http, where browsers refuse the prefix.

    A cookie belongs to a host: where both surfaces share one, by path, HQ's pages have names of their own.
    """
    shared = urls.own == urls.hq != urls.base and origin(urls.hq) == origin(urls.base)
    own = f"{short}-hq" if shared else short
    return f"__Host-{own}" if urls.secure else own


def open_visit(world: World, request: Request, urls: Urls, *, load: bool = True) -> Visit:
    """Find out who asks, in one query at most; changes nothing.

    ``load`` False is for pages that are the same for everybody (static files, one-click).
    """
    now = world.clock.now()
    known = access.who(world, request.cookies.get(cookie_name(urls), ""), now) if load else None
    account, session = (known.account, known.session) if known else (None, None)
    nonce = request.cookies.get(cookie_name(urls, "cn"), "")
    return Visit(
        world=world, request=request, urls=urls, now=now, account=account, session=session,
        csrf=session.csrf if session else (nonce if _is_nonce(nonce) else ""),
        language=texts.pick(account.language_at() if account else "", request.header("accept-language")),
    )


def _is_nonce(text: str) -> bool:
    return 20 <= len(text) <= 64 and text.isascii() and text.replace("-", "").replace("_", "").isalnum()


def check_origin(request: Request, urls: Urls) -> None:
    """Refuse a form that another site made; raises BadRequest 403.

    Browsers send ``Origin`` with every POST, but write ``null`` where the page's referrer
    policy is no-referrer (Fetch, 3.2 "Origin header"); then ``Sec-Fetch-Site`` tells. Where a
    browser sends neither, the token in the form decides alone.
    """
    sent, site = request.header("origin"), request.header("sec-fetch-site")
    if sent and sent != "null" and origin_of(sent) not in urls.origins:
        raise BadRequest(403, "request.origin")
    if site and site not in ("same-origin", "none"):
        raise BadRequest(403, "request.origin")


def origin_of(header: str) -> str:
    """An Origin header in the form that Urls uses; "" for what is no URL."""
    try:
        return origin(header)
    except ValueError:
        return ""


def check_csrf(visit: Visit) -> None:
    """Refuse a form without this browser's token; raises BadRequest 403."""
    sent = visit.form.get("csrf")
    if not visit.csrf or not hmac.compare_digest(sent.encode(), visit.csrf.encode()):
        raise BadRequest(403, "request.csrf")


Handler = Callable[..., Answer]
"""A page: takes the visit and the parameters of its path by name."""


def signed_in_page(handler: Handler) -> Handler:
    """Any signed-in person may open it; others are sent to sign in and come back."""
    @functools.wraps(handler)
    def guarded(visit: Visit, **params: str) -> Answer:
        return handler(visit, **params) if visit.account else _to_sign_in(visit)
    return guarded


def hq_page(*roles: Role) -> Callable[[Handler], Handler]:
    """Only people with one of ``roles`` at the org; for others the page does not exist."""
    allowed = frozenset(roles)

    def decorate(handler: Handler) -> Handler:
        @functools.wraps(handler)
        def guarded(visit: Visit, **params: str) -> Answer:
            if visit.account is None:
                return _to_sign_in(visit)
            if not visit.hq_roles & allowed:
                raise NotFound
            return handler(visit, **params)
        guarded.roles = allowed  # type: ignore[attr-defined]
        return guarded
    return decorate


def partner_page(*roles: Role) -> Callable[[Handler], Handler]:
    """Only members of the partner in the path (``/p/{partner}/...``) with one of ``roles`` (none named: any).

    The handler gets a visit with ``partner`` and ``scope`` set, and the path's other parameters.
    """
    allowed = frozenset(roles) or PARTNER_ROLES

    def decorate(handler: Handler) -> Handler:
        @functools.wraps(handler)
        def guarded(visit: Visit, *, partner: str, **params: str) -> Answer:
            if visit.account is None:
                return _to_sign_in(visit)
            ours = PartnerId(partner)
            if not is_id(partner, "prt") or not visit.partner_roles(ours) & allowed:
                raise NotFound
            scope = visit.world.sessions.open(ours, Zone.PARTNER)
            language = texts.pick(visit.account.language_at(ours), visit.request.header("accept-language"))
            return handler(replace(visit, partner=ours, scope=scope, language=language), **params)
        guarded.roles = allowed  # type: ignore[attr-defined]
        return guarded
    return decorate


def _to_sign_in(visit: Visit) -> Answer:
    """Send to the sign-in page; only a page that was read is worth coming back to."""
    wanted = visit.request.path if visit.request.method in ("GET", "HEAD") else ""
    return redirect(visit.urls.sign_in(wanted))
