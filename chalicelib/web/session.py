"""Signing in and out, my sign-ins, and where a person goes on to."""

from __future__ import annotations

from urllib.parse import unquote

from chalicelib.domain.errors import Conflict, NotFound, Problem, Refused
from chalicelib.domain.people import Account, Role
from chalicelib.texts.languages import NAMES
from chalicelib.usecases import access, people, sign_in
from chalicelib.web import agents
from chalicelib.web.guard import Visit, cookie_name, signed_in_page
from chalicelib.web.http import Answer, cookie, redirect, safe_path
from chalicelib.web.pages import render
from chalicelib.web.routes import Routes

routes = Routes()
TOKEN_PAGE = "no-referrer"
"""Referrer policy of pages whose URL holds a token."""
NEXT_SECONDS = 1800


@routes.get("/")
def front(visit: Visit) -> Answer:
    """The bare address leads to the start page or to signing in."""
    return redirect(visit.urls.chooser() if visit.account else visit.urls.sign_in())


@routes.get("/sign-in")
def show_sign_in(visit: Visit) -> Answer:
    """The form that asks for an address."""
    return _form(visit, email="")


@routes.post("/sign-in")
def ask_for_link(visit: Visit) -> Answer:
    """Always the same answer, whether or not anybody has the address."""
    email = visit.form.get("email")
    try:
        sign_in.ask(visit.world, email, visit.request.ip, visit.language)
    except Refused as refused:
        status = 429 if any(p.code == "sign_in.too_often" for p in refused.problems) else 422
        return _form(visit, email=email, status=status, problems=refused.problems)
    answer = render(visit, "session/sent.html", minutes=int(sign_in.LINK_LIFE.total_seconds() // 60))
    wanted = safe_path(visit.form.get("next"), "")
    return answer.with_cookie(_next_cookie(visit, wanted)) if _cookie_safe(wanted) else answer


@routes.get("/sign-in/{token}")
def show_link(visit: Visit, token: str) -> Answer:
    """A button and nothing else happens: mail scanners open links."""
    try:
        sign_in.look(visit.world, token)
    except (NotFound, Conflict) as error:
        return _dead(visit, error)
    return render(visit, "session/confirm.html", token=token, referrer=TOKEN_PAGE)


@routes.post("/sign-in/{token}")
def use_link(visit: Visit, token: str) -> Answer:
    """Use the link once; the session gets a new secret."""
    former = access.SignedIn(visit.account, visit.session) if visit.account and visit.session else None
    try:
        started = sign_in.consume(visit.world, token, visit.request.header("user-agent"), former)
    except (NotFound, Conflict) as error:
        return _dead(visit, error)
    wanted = safe_path(unquote(visit.request.cookies.get(cookie_name(visit.urls, "next"), "")), "")
    answer = redirect(visit.urls.local(_without_stage(visit, wanted)) if wanted else _landing(visit, started.account))
    return answer.with_cookie(_session_cookie(visit, started.cookie, int(access.ABSOLUTE.total_seconds()))) \
        .with_cookie(cookie(cookie_name(visit.urls, "next"), "", secure=visit.urls.secure, max_age=0))


@routes.post("/sign-out")
def sign_out(visit: Visit) -> Answer:
    """End this session; a second time is fine."""
    if visit.session:
        visit.world.people.end_session(visit.session.person, visit.session.secret_hash)
    return redirect(visit.urls.sign_in()).with_cookie(_session_cookie(visit, "", 0))


@routes.get("/sessions")
@signed_in_page
def show_sessions(visit: Visit) -> Answer:
    """My signed-in browsers."""
    assert visit.account is not None
    alive = [s for s in visit.account.sessions if access.alive(s, visit.person, visit.now)]
    ordered = sorted(alive, key=lambda s: s.created_at, reverse=True)
    return render(visit, "session/sessions.html", sessions=ordered, languages=NAMES, browser=agents.named)


@routes.post("/sessions/end")
@signed_in_page
def end_session(visit: Visit) -> Answer:
    """End one of my sessions."""
    people.end_session(visit.world, visit.person.id, visit.form.get("session"))
    return redirect(visit.urls.sessions())


@routes.post("/language")
@signed_in_page
def choose_language(visit: Visit) -> Answer:
    """Choose the language of my pages and mails."""
    people.choose_language(visit.world, visit.person, visit.form.get("language"))
    return redirect(visit.urls.sessions())


@routes.get("/start")
@signed_in_page
def start(visit: Visit) -> Answer:
    """Every company and role I have; with one alone, its page at once."""
    assert visit.account is not None
    places = _places(visit, visit.account)
    if len(places) == 1:
        return redirect(places[0][1])
    return render(visit, "session/start.html", places=places)


def _form(visit: Visit, *, email: str, status: int = 200, problems: tuple[Problem, ...] = ()) -> Answer:
    wanted = safe_path(visit.form.get("next") or visit.request.query.get("next"), "")
    return render(visit, "session/sign_in.html", status=status, errors=problems, email=email, next=wanted)


def _dead(visit: Visit, error: NotFound | Conflict) -> Answer:
    """What is wrong with a link, and the form for a fresh one; 410, because it does not come back."""
    problem = error.problem if isinstance(error, Conflict) else Problem("sign_in.unknown")
    return render(visit, "session/dead.html", status=410, problem=problem, email="", next="", referrer=TOKEN_PAGE)


def _places(visit: Visit, account: Account) -> list[tuple[str, str, str]]:
    """(name, URL, what one does there) of each surface a person may enter."""
    found: list[tuple[str, str, str]] = []
    at_hq = visit.hq_roles
    if at_hq & {Role.HQ_ADMIN, Role.HQ_DESIGNER}:
        found.append((visit.world.facts.org_name, visit.urls.hq_home(), "hq"))
    elif at_hq:
        found.append((visit.world.facts.org_name, visit.urls.sessions(), "reviewer"))
    seen: set[str] = set()
    for membership in account.memberships:
        partner = membership.partner
        if partner and partner not in seen and visit.partner_roles(partner):
            seen.add(partner)
            found.append((membership.partner_name or partner, visit.urls.partner_home(partner), "partner"))
    return found


def _landing(visit: Visit, account: Account) -> str:
    """Where a person goes after signing in: the one surface there is, or the chooser."""
    roles = account.roles_at(None, visit.now)
    partners = {m.partner for m in account.memberships if m.partner and account.roles_at(m.partner, visit.now)}
    if roles & {Role.HQ_ADMIN, Role.HQ_DESIGNER} and not partners:
        return visit.urls.hq_home()
    if len(partners) == 1 and not roles:
        return visit.urls.partner_home(next(iter(partners)))
    return visit.urls.chooser()


def _without_stage(visit: Visit, path: str) -> str:
    """API Gateway's context path begins with the stage; the base URL has it already."""
    from urllib.parse import urlsplit

    stage = urlsplit(visit.urls.own).path
    return path[len(stage):] if stage and path.startswith(stage + "/") else path


def _session_cookie(visit: Visit, value: str, max_age: int) -> str:
    return cookie(cookie_name(visit.urls), value, secure=visit.urls.secure, max_age=max_age)


def _cookie_safe(path: str) -> bool:
    return bool(path) and path.isascii() and not set(path) & set(';," \\')


def _next_cookie(visit: Visit, path: str) -> str:
    return cookie(cookie_name(visit.urls, "next"), path, secure=visit.urls.secure, max_age=NEXT_SECONDS)
