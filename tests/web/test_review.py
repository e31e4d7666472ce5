"""The reviewer's pages: inert to read, decided by a form with nonce and code, safe to show."""

from __future__ import annotations

import html
import re
from urllib.parse import urlencode

import pytest

from chalicelib.domain.campaign import State, Verdict
from chalicelib.usecases import submit
from chalicelib.web.http import Answer, Request
from chalicelib.web.review import routes
from chalicelib.web.routes import respond
from chalicelib.web.urls import Urls
from tests.stage import Stage, decide_as_shown, stage
from tests.web.stage import Watched

URLS = Urls("https://partners.example.com", "https://hq.example.com", "https://hq.example.com")


class Visitor:
    """A browser without JavaScript: keeps cookies, fills forms as they stand on the page."""

    def __init__(self, scene: Stage) -> None:
        self.scene = scene
        self.cookies: dict[str, str] = {}
        self.page = ""

    def open(self, path: str, query: dict[str, str] | None = None, method: str = "GET") -> Answer:
        return self._ask(method, path, query or {}, b"", {})

    def post(self, path: str, *, nonce: bool = True, headers: dict[str, str] | None = None, **fields: str) -> Answer:
        found = re.search(r'name="csrf" value="([^"]*)"', self.page)
        if nonce and found:
            fields["csrf"] = html.unescape(found.group(1))
        seen = re.search(r'name="shown" value="([^"]*)"', self.page)
        if seen:
            fields.setdefault("shown", html.unescape(seen.group(1)))
        form = {"content-type": "application/x-www-form-urlencoded", "origin": "https://hq.example.com"}
        sent = {**form, **(headers or {})}
        return self._ask("POST", path, {}, urlencode(fields).encode(), sent)

    def _ask(self, method: str, path: str, query: dict[str, str], body: bytes, headers: dict[str, str]) -> Answer:
        from chalicelib.web.http import Form

        for route in routes:
            pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", route.path)
            match = re.fullmatch(pattern, path)
            if match and method in route.methods:
                break
        else:
            raise AssertionError(f"no route for {method} {path}")
        request = Request(
            method=method, path=path, body=body, query=Form({k: (v,) for k, v in query.items()}), ip="203.0.113.9",
            headers={**headers, "cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())},
        )
        answer = respond(route, self.scene.world, URLS, request, match.groupdict())
        for cookie in answer.cookies:
            name, _, rest = cookie.partition("=")
            self.cookies[name] = rest.partition(";")[0]
        if answer.type.startswith("text/html"):
            self.page = answer.body
        return answer


@pytest.fixture
def scene() -> Stage:
    return stage()


def test_decide_without_javascript(scene: Stage) -> None:
    """Open the mailed link, type the code, press approve: decided, and the page says so."""
    campaign = scene.submitted()
    token, code = scene.token_and_code("rita")
    visitor = Visitor(scene)
    page = visitor.open(f"/r/{token}", {"verdict": "approve"})
    assert page.status == 200
    assert "Paula Bikes" in page.body
    answer = visitor.post(f"/r/{token}", verdict="approve", code=code, shown=campaign.digests.both)  # type: ignore[union-attr]
    assert answer.status == 303
    assert scene.now_of(campaign).state is State.APPROVED
    assert "Approved by Rita" in visitor.open(f"/r/{token}").body


def test_the_decision_page_reads_each_thing_once(scene: Stage) -> None:
    """Link, person and the campaign's own partition: three DynamoDB calls, and reading writes nothing."""
    scene.submitted()
    token, _ = scene.token_and_code("rita")
    watched = Watched(scene.world)
    scene.world = watched  # type: ignore[assignment]
    assert Visitor(scene).open(f"/r/{token}").status == 200
    assert sorted(watched.database()) == ["campaigns.history", "links.get", "people.account"]
    assert watched.writes() == []


def test_token_pages_leak_nothing(scene: Stage) -> None:
    """No referrer, no store, no index, no script from elsewhere, on every page under a token."""
    scene.submitted()
    token, _ = scene.token_and_code("rita")
    for path in (f"/r/{token}", f"/r/{token}/mail", f"/r/{token}/text"):
        answer = Visitor(scene).open(path)
        headers = dict(answer.headers)
        assert answer.status == 200
        assert answer.private
        assert "noindex" in headers["X-Robots-Tag"]
        assert "unsafe-eval" not in answer.policy.header()
        if path.endswith("text"):
            continue
        assert answer.referrer == "no-referrer"


def test_scanner_bot_decides_nothing(scene: Stage) -> None:
    """A scanner that opens, re-opens and HEADs every link of the mail, and submits forms blindly, decides nothing."""
    campaign = scene.submitted()
    mail = scene.mails("rita", "review_request")[-1]
    found = re.findall(r'https://hq\.example\.com(/r/[^"\s<]+)', mail.html + mail.text)
    links = sorted({html.unescape(link) for link in found})
    assert len(links) >= 3
    before = scene.now_of(campaign)
    for number in range(1000):
        visitor = Visitor(scene)
        path, _, query = links[number % len(links)].partition("?")
        pairs = dict(p.split("=") for p in query.split("&")) if query else {}
        assert visitor.open(path, pairs, "HEAD" if number % 3 == 0 else "GET").status == 200
        if number % 5 == 0:
            visitor.open(path, pairs)
            for verdict in Verdict:
                assert visitor.post(path, verdict=verdict.value, reason="scan").status in (403, 409, 422)
    assert scene.now_of(campaign) == before
    assert not [a for a in scene.world.campaigns.history(scene.session, campaign.id).asks if a.verdict]
    # The link was not used up by the scanner either: the reviewer's own decision still counts.
    token, code = scene.token_and_code("rita")
    decide_as_shown(scene.world, token, Verdict.APPROVE, code=code)


@pytest.mark.parametrize("kind", ["no nonce", "no cookie", "foreign origin", "foreign site"])
def test_forged_posts_are_refused(scene: Stage, kind: str) -> None:
    """N2: a post without this browser's nonce, or from another site, gets 403, even with the right code."""
    campaign = scene.submitted()
    token, code = scene.token_and_code("rita")
    visitor = Visitor(scene)
    visitor.open(f"/r/{token}")
    headers: dict[str, str] = {}
    if kind == "no cookie":
        visitor.cookies.clear()
    if kind == "foreign origin":
        headers = {"origin": "https://evil.example"}
    if kind == "foreign site":
        headers = {"sec-fetch-site": "cross-site"}
    answer = visitor.post(f"/r/{token}", nonce=kind != "no nonce", headers=headers, verdict="approve", code=code)
    assert answer.status == 403
    assert scene.now_of(campaign).state is State.IN_REVIEW


def test_refused_answer_keeps_what_was_typed(scene: Stage) -> None:
    """A wrong code is told at its field, with the reason still in the form."""
    scene.submitted()
    token, _ = scene.token_and_code("rita")
    visitor = Visitor(scene)
    visitor.open(f"/r/{token}")
    answer = visitor.post(f"/r/{token}", verdict="decline", code="12", reason="The price is <wrong>")
    assert answer.status == 422
    assert "The price is &lt;wrong&gt;" in answer.body
    assert 'id="f-code-error"' in answer.body


@pytest.mark.parametrize("shown", ["", "stale.page"])
def test_an_answer_for_another_mail_is_refused_with_a_sentence(scene: Stage, shown: str) -> None:
    """Without the digests that the page showed, or with others: 409, the reason kept, nothing decided."""
    campaign = scene.submitted()
    token, code = scene.token_and_code("rita")
    visitor = Visitor(scene)
    visitor.open(f"/r/{token}")
    answer = visitor.post(f"/r/{token}", verdict="decline", code=code, reason="Not our price", shown=shown)
    assert answer.status == 409
    assert "Nothing was decided" in answer.body
    assert "Not our price" in answer.body
    assert scene.now_of(campaign).state is State.IN_REVIEW
    assert visitor.post(f"/r/{token}", verdict="decline", code=code, reason="Not our price").status == 303
    assert scene.now_of(campaign).state is State.DECLINED


def test_second_reviewer_reads_who_was_faster(scene: Stage) -> None:
    """A page opened before a colleague decided answers 409 with by whom and when."""
    scene.submitted()
    token, code = scene.token_and_code("ron")
    visitor = Visitor(scene)
    visitor.open(f"/r/{token}")
    mine, own_code = scene.token_and_code("rita")
    decide_as_shown(scene.world, mine, Verdict.APPROVE, code=own_code)
    answer = visitor.post(f"/r/{token}", verdict="decline", code=code, reason="no")
    assert answer.status == 409
    assert "Already decided by Rita" in answer.body


@pytest.mark.parametrize("token", ["x", "a" * 43, "%2e%2e", "A" * 5000])
def test_foreign_truncated_and_replaced_links_are_the_same_404(scene: Stage, token: str) -> None:
    """N7: every link that opens nothing gets the same page, byte for byte, without echoing anything."""
    scene.submitted()
    good, _ = scene.token_and_code("rita")
    first = Visitor(scene).open(f"/r/{good[:-1]}")
    other = Visitor(scene).open(f"/r/{token}")
    strip = re.compile(r'name="csrf" value="[^"]*"')
    assert first.status == other.status == 404
    assert strip.sub("", first.body) == strip.sub("", other.body)
    assert token not in other.body or token == "x"


def test_withdrawn_campaign(scene: Stage) -> None:
    """After a withdrawal the page shows no form and says why."""
    campaign = scene.submitted()
    token, _ = scene.token_and_code("rita")
    submit.withdraw(scene.world, scene.session, scene.people["paula"], campaign.id)
    page = Visitor(scene).open(f"/r/{token}")
    assert "Nothing to decide any more" in page.body
    assert 'name="verdict"' not in page.body


def test_the_mail_is_shown_from_the_stored_bytes_in_a_closed_frame(scene: Stage) -> None:
    """N3: the campaign is shown in a sandboxed frame with a policy that allows no script."""
    scene.submitted(story='<p>Fine</p><script>alert(1)</script><img src=x onerror=alert(2)>')
    token, _ = scene.token_and_code("rita")
    frame = Visitor(scene).open(f"/r/{token}/mail")
    assert frame.policy.header().startswith("sandbox;")
    assert "script-src" not in frame.policy.header()
    assert "<script" not in frame.body
    assert "onerror" not in frame.body
    assert 'sandbox=""' in Visitor(scene).open(f"/r/{token}").body


@pytest.mark.parametrize("text", [
    '"><script>alert(1)</script>', "<img src=x onerror=alert(1)>", "</textarea><b>x", "<!--[if mso]><i>",
])
def test_hostile_words_are_text(scene: Stage, text: str) -> None:
    """N9, N28: subject, note, reason and values are text on the decision page and in the mails."""
    from chalicelib.usecases import drafts
    from chalicelib.usecases.drafts import Typed

    campaign = scene.draft(headline=text[:50])
    drafts.save(scene.world, scene.session, scene.people["paula"], campaign.id, 2, Typed(subject=text))
    submit.submit(scene.world, scene.session, scene.people["paula"], campaign.id, 3, note=text, terms=True)
    scene.deliver()
    token, code = scene.token_and_code("rita")
    visitor = Visitor(scene)
    page = visitor.open(f"/r/{token}")
    answer = visitor.post(f"/r/{token}", verdict="request_changes", code=code, reason=text + "{{ 7*7 }}")
    assert answer.status == 303
    scene.deliver()
    shown = [page.body, visitor.open(f"/r/{token}").body, scene.mails("rita")[-1].html, scene.mails("paula")[-1].html]
    assert all("{{ 7*7 }}" in body for body in (shown[1], shown[3]))
    for body in shown:
        assert text not in body
        assert "alert(1)</script>" not in body
