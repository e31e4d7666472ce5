"""The frame: forms, headers, cookies, origins, redirects, errors; without a page's own matter."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.errors import Conflict, NotFound, Permanent, Problem, Refused, Retryable
from chalicelib.domain.people import Role
from chalicelib.web.guard import Visit
from chalicelib.web.http import Answer, BadRequest, check_header, page, parse_form, safe_path
from chalicelib.web.routes import Routes
from chalicelib.web.urls import Urls, origin
from tests.fakes.world import FakeWorld
from tests.web import stage
from tests.web.client import BASE, HQ, Browser, application

ROOT = Path(__file__).resolve().parents[2]
ELSEWHERE = [
    "//evil.example", "/\\evil.example", "\\evil.example", "\\\\evil.example", "https:evil.example", "https://evil.example",
    "http:/evil.example", "javascript:alert(1)", "/ /evil.example", "/\t/evil.example", "/%0d%0a\r\nSet-Cookie: a=b",
    "///evil.example", "/\x00/evil", "evil.example", "", "/" + "a" * 600, "/\x7f",
]


@pytest.mark.parametrize("target", ELSEWHERE)
def test_a_redirect_never_leads_elsewhere(target: str) -> None:
    """What a request asks to go on to is followed only as a plain path of ours (N17)."""
    assert safe_path(target, "/start") == "/start"


def test_a_plain_path_is_followed() -> None:
    """A path with a query of ours is kept as it is."""
    assert safe_path("/p/prt_1/campaigns?kind=text", "/start") == "/p/prt_1/campaigns?kind=text"


@pytest.mark.parametrize("value", ["a\rSet-Cookie: x=1", "a\nb", "a\r\nb", "a\x00b", "caf\u2026"])
def test_headers_refuse_what_would_split_them(value: str) -> None:
    """No control character reaches a header, not even a bare CR, which Chalice lets through (N48)."""
    with pytest.raises(ValueError, match="control"):
        check_header("Location", value)


def test_a_handler_that_builds_a_broken_header_sends_no_such_header() -> None:
    """A header that would split the response never leaves; Chalice answers 500 instead."""
    routes = Routes()

    @routes.get("/broken", public=True)
    def broken(visit: Visit) -> Answer:
        return page("x").with_header("X-Name", "a\rSet-Cookie: stolen=1")

    got = Browser(application(FakeWorld(), routes)).get("/broken")
    assert got.status == 500
    assert "stolen" not in str(got.headers) + str(got.cookies)


def test_forms_are_bounded() -> None:
    """Too many fields, or bytes that are not UTF-8, are refused and never read half (N40)."""
    with pytest.raises(BadRequest, match=r"request\.fields"):
        parse_form("&".join(f"a{i}=1" for i in range(401)))
    with pytest.raises(BadRequest, match=r"request\.encoding"):
        parse_form(b"a=%ff")
    form = parse_form("a=1&a=2&b=x%0D%0Ay&value.head=v")
    assert (form.get("a"), form.all("a"), form.get("b")) == ("2", ("1", "2"), "x\ny")
    assert form.starting("value.") == {"head": "v"}


@pytest.mark.parametrize(("error", "status"), [
    (NotFound(), 404), (Conflict("link.used"), 409), (Refused([Problem("name.missing", "name")]), 422),
    (Retryable("throttled"), 503), (Permanent("no"), 500), (KeyError("secret of a customer"), 500),
])
def test_every_failure_is_a_page(error: Exception, status: int) -> None:
    """Each kind of failure has its status and a page in words; nothing of an exception shows."""
    routes = Routes()

    @routes.get("/fails")
    def fails(visit: Visit) -> Answer:
        raise error

    got = Browser(application(FakeWorld(), routes)).get("/fails")
    assert got.status == status
    assert "<h1>" in got.body and "secret" not in got.body and "Traceback" not in got.body
    assert ("request-1" in got.body) == (status == 500)


def test_pages_carry_the_strict_policy_and_are_not_stored() -> None:
    """Every page has the closed content policy, is not stored, and can't be framed or sniffed."""
    headers = stage.browser(FakeWorld()).get("/sign-in").headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';")
    assert "frame-ancestors 'none'" in policy and "base-uri 'none'" in policy and "unsafe" not in policy
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "max-age" in headers["strict-transport-security"]


def test_pages_hold_no_inline_script_or_style() -> None:
    """The policy forbids inline script and style, so no page template may hold any."""
    pages = list((ROOT / "templates" / "pages").rglob("*.html"))
    assert len(pages) > 30
    for path in pages:
        text = path.read_text(encoding="utf-8")
        assert " style=" not in text and "<style" not in text, path
        assert "onclick" not in text and "javascript:" not in text, path
        assert text.count("<script") == text.count("<script src=") + text.count('<script type="module" src='), path


def test_static_files_have_hashed_names_and_are_kept_for_ever() -> None:
    """A bundled file comes under the name with its hash only; a path or another hash is a 404 (N11)."""
    browser = stage.browser(FakeWorld())
    body = browser.get("/sign-in").body
    names = [part.split('"')[0] for part in body.split("/static/")[1:]]
    assert len(names) == 5
    for name in names:
        got = browser.get(f"/static/{name}")
        assert got.status == 200 and "immutable" in got.headers["cache-control"]
        assert not got.cookies
    for wrong in ("app.css", "app.000000000000.css", "..%2f..%2fapp.py", "%2e%2e", "VENDOR"):
        assert browser.get(f"/static/{wrong}").status == 404


def test_cookies_are_bound_to_the_host() -> None:
    """Over https cookies have the __Host- prefix, HttpOnly, SameSite and Secure; on plain http the short name."""
    line = stage.browser(FakeWorld()).get("/sign-in").cookies[0]
    assert line.startswith("__Host-cn=")
    assert {"Path=/", "HttpOnly", "SameSite=Lax", "Secure"} <= set(line.split("; "))
    assert not Urls("http://localhost:8000", "http://localhost:8000").secure


def test_urls_keep_the_stage_prefix() -> None:
    """Every URL is built on the base URL, the stage of API Gateway included."""
    urls = Urls("https://a.example/api", "https://b.example/api", "https://b.example/api")
    assert urls.static("app.css") == "/api/static/app.css"
    assert urls.review("tok") == "https://b.example/api/r/tok"
    assert urls.unsubscribe("tok") == "https://a.example/api/u/tok"
    assert urls.partner_page("prt_1", "campaigns", "a/b", kind="x&y") == "https://a.example/api/p/prt_1/campaigns/a%2Fb?kind=x%26y"
    assert urls.origins == {"https://b.example"}
    assert origin("HTTPS://B.example:443/x") == "https://b.example"


def test_importing_the_application_is_light() -> None:
    """Loading app.py, as a cold start does, loads no parser, no AWS and none of the rules."""
    code = (
        "import sys, app; heavy = {'premailer', 'lxml', 'boto3', 'nh3', 'tinycss2', 'pydantic', 'pynamodb', 'babel',"
        " 'html.parser', 'chalicelib.domain.compliance.judge'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT,
    )
    assert done.stdout.strip() == "[]"


def _all_posts() -> list[str]:
    return [r.path for r in stage.FRAME if "POST" in r.methods]


def _filled(path: str) -> str:
    return path.replace("{token}", "x" * 43).replace("{programme}", "prg_" + "0" * 26)


@pytest.mark.parametrize("path", _all_posts())
@pytest.mark.parametrize(("form", "headers"), [
    ({}, {}),
    ({"csrf": "guess"}, {}),
    ({"csrf": "right"}, {"origin": "https://evil.example"}),
    ({"csrf": "right"}, {"origin": BASE}),
    ({"csrf": "right"}, {"origin": "null", "sec-fetch-site": "cross-site"}),
    ({"csrf": "right"}, {"origin": "-", "sec-fetch-site": "same-site"}),
    ({"csrf": "right"}, {"origin": "https://hq.example.com.evil.example"}),
])
def test_no_form_is_taken_without_token_or_from_elsewhere(
    path: str, form: dict[str, str], headers: dict[str, str],
) -> None:
    """Every POST of every route needs this browser's token and our origin, and changes nothing otherwise (N2, N20)."""
    world = stage.Watched(FakeWorld())
    admin = stage.person(world._world, "Hanna", [Role.HQ_ADMIN])
    browser = stage.browser(world, admin)
    if form.get("csrf") == "right":
        form = {"csrf": browser.get("/hq").field("csrf")}
        world.calls.clear()
    got = browser.post(_filled(path), form, **headers)
    assert got.status == 403
    assert world.writes() == []


def test_a_form_of_a_page_without_referrer_is_taken_by_its_token() -> None:
    """Browsers write Origin null on pages with no-referrer; same-origin fetch metadata or the token then decides."""
    world = FakeWorld()
    browser = stage.browser(world)
    page_got = browser.get("/sign-in")
    token = page_got.field("csrf")
    taken = {"csrf": token, "email": "a@example.com"}
    assert browser.post("/sign-in", taken, origin="null", **{"sec-fetch-site": "same-origin"}).status == 200
    assert browser.post("/sign-in", taken, origin="null").status == 200


def test_the_token_of_another_browser_is_refused() -> None:
    """A token is worth nothing beside another browser's cookie."""
    world = FakeWorld()
    theirs = stage.browser(world).get("/sign-in").field("csrf")
    mine = stage.browser(world)
    mine.get("/sign-in")
    assert mine.post("/sign-in", {"csrf": theirs, "email": "a@example.com"}).status == 403


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data; boundary=x", "-"])
def test_only_forms_are_taken(kind: str) -> None:
    """Another content type is answered with 415, in words."""
    browser = stage.browser(FakeWorld())
    browser.get("/sign-in")
    got = browser.post("/sign-in", {"email": "a@example.com"}, **{"content-type": kind})
    assert got.status == 415 and "forms only" in got.body


def test_head_is_get_without_the_body() -> None:
    """HEAD answers every page as GET does, with the headers and no body."""
    browser = stage.browser(FakeWorld())
    got, head = browser.get("/sign-in"), browser.head("/sign-in")
    assert (head.status, head.body) == (200, "") and got.body
    assert head.headers == got.headers


@pytest.mark.parametrize("language", ["xx", "de;q=abc", "," * 500, "en-GB,en;q=0.9", "*"])
def test_any_accept_language_gives_a_page(language: str) -> None:
    """Whatever a browser says of languages, the page comes, in English where there is nothing nearer."""
    assert '<html lang="en">' in stage.browser(FakeWorld()).get("/sign-in", **{"accept-language": language}).body


def test_an_unreadable_store_is_an_error_page_without_details() -> None:
    """If even the session can't be read, a bare page with an id answers."""
    world: Any = stage.Watched(FakeWorld())

    class Broken:
        def account(self, person: object) -> object:
            raise RuntimeError("secret detail")

    class Failing:
        def __getattr__(self, name: str) -> Any:
            return Broken() if name == "people" else getattr(world, name)

    browser = Browser(application(Failing(), stage.FRAME), base=HQ)
    browser.cookies["__Host-cs"] = "prs_" + "0" * 26 + ".secret"
    got = browser.get("/hq")
    assert got.status == 500 and "request-1" in got.body and "secret detail" not in got.body
