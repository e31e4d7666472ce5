"""HQ's page of the kit field by field, and of baselines."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

import pytest

from chalicelib.domain import kit, kit_form
from chalicelib.domain.book import BookKind
from chalicelib.domain.people import Role
from chalicelib.domain.scope import Scope
from chalicelib.usecases import kits
from chalicelib.web import hq_kit, hq_kit_form, hq_release
from tests.domain.test_kit import FULL
from tests.fakes.world import FakeWorld
from tests.usecases.release_stage import set_stage
from tests.web import stage
from tests.web.client import Browser, Got

ROUTES = (*stage.FRAME, *hq_kit.routes, *hq_kit_form.routes, *hq_release.routes)
Pairs = list[tuple[str, str]]


def opened(text: str = FULL) -> tuple[FakeWorld, Browser]:
    """A browser of an administrator, with a kit in force."""
    world = FakeWorld()
    hanna = stage.person(world, "Hanna", (Role.HQ_ADMIN,))
    if text:
        kits.publish(world, hanna, Scope(world.facts.org_id), text, number=1)
    return world, stage.browser(world, hanna, routes=ROUTES)


class Sent(HTMLParser):
    """What a browser without JavaScript sends of the page's POST form, without its buttons."""

    def __init__(self, body: str) -> None:
        super().__init__()
        self.pairs: Pairs = []
        self._inside, self._name, self._text, self._chosen = False, "", "", ""
        self.feed(body)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Inputs at once; a list's choice and a text area at their end."""
        a = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = a.get("method") == "post" and a.get("action", "").endswith("/hq/kit")
        if not self._inside:
            return
        if tag == "input" and (a.get("type") not in ("checkbox", "radio") or "checked" in a):
            self.pairs.append((a["name"], a.get("value", "on")))
        elif tag in ("select", "textarea"):
            self._name, self._text, self._chosen = a["name"], "", ""
        elif tag == "option" and "selected" in a:
            self._chosen = a["value"]

    def handle_data(self, data: str) -> None:
        """The words of a text area."""
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        """What stands in it now is its value."""
        if self._inside and tag in ("select", "textarea"):
            self.pairs.append((self._name, self._chosen if tag == "select" else self._text.removeprefix("\n")))
        if tag == "form":
            self._inside = False


def typed(body: str) -> Pairs:
    """The fields of the long form."""
    return Sent(body).pairs


def send(browser: Browser, pairs: Pairs, **more: str) -> Got:
    """Send them; a field may come several times."""
    form: dict[str, list[str]] = {}
    for name, value in [*pairs, *more.items()]:
        form.setdefault(name, []).append(value)
    return browser.post("/hq/kit", form)


def put(pairs: Pairs, name: str, value: str) -> Pairs:
    """Type a value: into the first empty field of that name where it is a list's, else instead of what stands there."""
    several = name == "palette.colours"
    for index, (known, text) in enumerate(pairs):
        if known == name and (not several or not text):
            return [*pairs[:index], (name, value), *pairs[index + 1:]]
    return [*pairs, (name, value)]


def stands(world: FakeWorld) -> tuple[int, kit.Kit]:
    """The kit in force."""
    book = world.books.versions(BookKind.KIT, Scope(world.facts.org_id), limit=1)[0]
    return book.number, kit.read(book.source)


def test_the_form_shows_the_kit_and_says_the_same() -> None:
    """What the page shows, sent back as it is, is the same kit: nothing would change."""
    _, browser = opened(FULL.replace("[name, street, register]", "[register, street, name]"))
    page = browser.get("/hq/kit")
    assert 'fill="#12372a"' in page.body
    shown = send(browser, typed(page.body), do="look")
    assert shown.status == 200
    assert "it says the same as the version in force" in shown.body


def test_a_change_is_shown_before_it_is_published() -> None:
    """The difference, the trial and only then the button; the published kit is what was shown."""
    world, browser = opened()
    form = put(typed(browser.get("/hq/kit").body), "palette.colours", "#abcdef")
    shown = send(browser, form, do="publish")
    assert shown.status == 200  # nothing is published that was not shown
    assert stands(world)[0] == 1
    assert re.search(r"<ins>.*#abcdef", shown.body)
    assert "There is no submission to try it on yet" in shown.body
    seen = typed(shown.body)
    other = put(seen, "palette.colours", "#fedcba")
    assert send(browser, other, do="publish").status == 200  # changed since it was shown
    assert stands(world)[0] == 1
    assert send(browser, seen, do="publish", note="a blue").status == 303
    number, found = stands(world)
    assert (number, found.palette) == (2, ("#12372a", "#fff", "#abcdef"))
    assert found.names == kit.read(FULL).names
    assert found.examples == kit.read(FULL).examples
    assert send(browser, seen, do="publish").status == 303  # the same form twice publishes once
    assert stands(world)[0] == 2


@pytest.mark.parametrize(("name", "value"), [
    ("palette.colours", "greenish"), ("names[2].mark", "x"), ("links.hosts", "https://x"), ("limits.lix", "many"),
    ("imprint[1].key", "Germany"), ("banned.en", "a.*b"), ("disclaimers[1].triggers", ""),
])
def test_a_fault_stands_at_its_field_and_all_is_kept(name: str, value: str) -> None:
    """The summary links to a field that is there and carries the message, without the line of a text."""
    world, browser = opened()
    form = typed(browser.get("/hq/kit").body)
    if name.startswith("names[2]"):
        form = put(form, "names[2].name", "Fjord")
    answer = send(browser, put(form, name, value), do="look")
    assert answer.status == 422
    target = re.search(r'<li><a href="#(f-[^"]+)">([^<]+)</a>', answer.body)
    assert target, answer.body[:3000]
    assert f'id="{target.group(1)}"' in answer.body
    assert "Line" not in target.group(2)
    part = answer.body[:answer.body.index(f'id="{target.group(1)}"')].rindex("<details")
    assert " open>" in answer.body[part:part + 120]  # what is wrong is never folded away
    assert "Nordlicht" in answer.body
    assert stands(world)[0] == 1


@pytest.mark.parametrize("name", sorted(hq_kit_form.SPARE))
def test_rows_are_added_without_javascript(name: str) -> None:
    """Each list has a button that adds a row and keeps what was typed."""
    _, browser = opened()
    page = browser.get("/hq/kit").body
    more = send(browser, put(typed(page), "brand", "Kept & safe"), do=f"add:{name}")
    assert more.status == 200
    part = {"utm": "key", "imprint": "key", "examples": "key", "names": "name"}.get(name, "id")
    field = 'name="palette.colours"' if name == "palette" else rf'name="{name}\[\d+\].{part}"'
    assert len(re.findall(field, more.body)) == len(re.findall(field, page)) + 1


def named(count: int) -> str:
    """A kit with so many names beside all else that it can say."""
    first = '  - {name: Nordlicht, forms: [Nordlichts], mark: "®"}\n'
    assert first in FULL
    return FULL.replace(first, first + "".join(f"  - {{name: Model {n}}}\n" for n in range(1, count)))


@pytest.mark.parametrize("count", [70, 260])
def test_a_long_kit_is_edited_in_the_form(count: int) -> None:
    """Far more rows than a plain form has fields: shown, sent back, changed and published without losing one."""
    world, browser = opened(named(count))
    form = put(typed(browser.get("/hq/kit").body), "palette.colours", "#abcdef")
    assert len(form) > count * 3
    shown = send(browser, form, do="look")
    assert shown.status == 200
    assert send(browser, typed(shown.body), do="publish").status == 303
    number, found = stands(world)
    assert (number, len(found.names)) == (2, count)
    assert found.palette[-1] == "#abcdef"


@pytest.mark.parametrize("count", [1, 200, 1590])
def test_no_form_can_send_more_than_it_is_said_to(count: int) -> None:
    """What the page's own form sends is below the bound, with every box ticked and each empty row filled."""
    _, browser = opened(named(count))
    body = browser.get("/hq/kit").body
    unticked = len(re.findall(r'<input type="checkbox"(?![^>]*checked)', body))
    rows = {name: len(re.findall(rf'name="{name}\[\d+\]\.(?:id|key|name)"', body)) for name in kit_form.WIDTHS}
    rows["palette"] = body.count('name="palette.colours"')
    sent = len(typed(body)) + unticked + 2  # the button and the note
    assert sent <= kit_form.size(rows) <= kit_form.MAX_FIELDS


def test_a_full_form_takes_no_more_rows_and_loses_none() -> None:
    """Where a further row would not fit, the page says so and keeps all; as it is, it can still be published."""
    world, browser = opened(named(1_613))
    page = browser.get("/hq/kit")
    assert "The form is full" in page.body
    more = send(browser, typed(page.body), do="add:names")
    assert more.status == 200
    assert "The form is full" in more.body
    form = [(name, "Fjord" if name == "brand" else text) for name, text in typed(more.body)]
    shown = send(browser, form, do="look")
    assert send(browser, typed(shown.body), do="publish").status == 303
    assert (len(stands(world)[1].names), stands(world)[1].brand) == (1_613, "Fjord")


def test_a_kit_that_no_form_holds_is_left_to_the_text() -> None:
    """It is not shown in part, which would publish a part: the page leads to the YAML."""
    _, browser = opened(named(1_900))
    page = browser.get("/hq/kit")
    assert "This kit is larger than the form" in page.body
    assert 'name="names[1].name"' not in page.body
    assert "/hq/rules/kit" in page.body


def test_a_hostile_form_is_refused_and_told_what_to_do() -> None:
    """More fields than any page of ours sends: nothing is read, nothing changes, and the sentence says so."""
    world, browser = opened()
    csrf = browser.get("/hq/kit").field("csrf")
    many = {f"names[{n}].name": "x" for n in range(kit_form.MAX_FIELDS)}
    answer = browser.post("/hq/kit", {"csrf": csrf, "do": "publish", **many})
    assert answer.status == 400
    assert f"more than the {kit_form.MAX_FIELDS} fields" in answer.body
    assert "what you typed is still in your browser" in answer.body
    assert stands(world)[0] == 1
    few = browser.post("/hq/rules/kit", {"csrf": csrf, **dict(list(many.items())[:500])})
    assert few.status == 400  # a short form's own bound stays
    assert "more than the 400 fields" in few.body


def test_a_release_gets_the_kit_and_not_its_fields() -> None:
    """The button beside the difference belongs to a form of its own, so a long kit goes into a release, too."""
    _, browser = opened(named(300))
    form = put(typed(browser.get("/hq/kit").body), "palette.colours", "#abcdef")
    body = send(browser, form, do="look").body
    button = re.search(r'<button[^>]*form="to-release" name="yaml" value="([^"]*)"', body)
    own = re.search(r'<form method="post" action="[^"]*/hq/releases/new" id="to-release">(.*?)</form>', body, re.S)
    assert button
    assert own
    assert sorted(re.findall(r'name="(\w+)"', own.group(1))) == ["csrf", "market"]
    csrf = browser.get("/hq/kit").field("csrf")
    release = browser.post("/hq/releases/new", {"csrf": csrf, "market": "all", "yaml": html.unescape(button.group(1))})
    assert "Model 299" in release.body


def test_many_findings_are_decided_at_once() -> None:
    """Hundreds of ticked findings of a baseline go through."""
    world, browser = opened()
    form = {"csrf": browser.get("/hq/kit").field("csrf"), "number": "1", "market": "all", "do": "accept",
            "reason": "a greeting, no claim", "prints": [f"{n:032x}" for n in range(900)]}
    assert browser.post("/hq/kit/baseline", form).status == 200
    assert len(world.books.versions(BookKind.KIT, Scope(world.facts.org_id), limit=1)[0].baseline) == 900


def test_pages_cost_three_reads_at_most() -> None:
    """Both pages are cheap and change nothing."""
    world, _ = opened()
    watched = stage.Watched(world)
    browser = stage.browser(watched, stage.person(world, "Dana", (Role.HQ_DESIGNER,)), routes=ROUTES)
    for path in ("/hq/kit", "/hq/kit?market=de", "/hq/kit/baseline"):
        watched.calls.clear()
        assert browser.get(path).status == 200
        assert len(watched.database()) <= 3, watched.names()
        assert watched.writes() == []
    assert browser.get("/hq/kit?market=moon").status == 404
    assert send(browser, typed(browser.get("/hq/kit").body), do="look").status == 404  # a designer looks


def test_the_yaml_page_shows_the_change_too() -> None:
    """Trying a text tells the difference, whom it would stop, and that comments are lost in the form."""
    here = set_stage()
    here.submitted(headline="Now gratis")
    browser = stage.browser(here.world, here.people["hanna"], routes=ROUTES)
    text = "# why\nbanned: {en: [gratis]}\n"
    form = {"csrf": browser.get("/hq/rules/kit").field("csrf"), "number": "1", "yaml": text}
    shown = browser.post("/hq/rules/kit", {**form, "try": "yes"})
    assert "The text is sound" in shown.body
    assert re.search(r"<ins>.*gratis", shown.body)
    assert "Would have been stopped" in shown.body
    assert f"/hq/programmes/{here.programme}" in shown.body
    assert browser.post("/hq/rules/kit", form).status == 303
    assert "The text has comments" in browser.get("/hq/kit").body
    release = browser.post("/hq/releases/new", {**form, "csrf": browser.get("/hq/kit").field("csrf")})
    assert "gratis" in release.body


def test_baselines_are_seen_and_decided_upon() -> None:
    """Per template what passes; put to work; let pass again with a reason; nothing chosen is told."""
    here = set_stage()
    kits.publish(here.world, here.people["hanna"], Scope(here.world.facts.org_id), "banned: {en: [hello]}\n", number=1)
    browser = stage.browser(here.world, here.people["hanna"], routes=ROUTES)
    page = browser.get("/hq/kit/baseline")
    form = {"csrf": page.field("csrf"), "number": "1", "market": "all"}
    looked = browser.post("/hq/kit/baseline", {**form, "do": "look"})
    assert "let pass" in looked.body
    key = re.search(r'name="prints" value="([0-9a-f]{32})"', looked.body).group(1)  # type: ignore[union-attr]
    assert browser.post("/hq/kit/baseline", {**form, "do": "work"}).status == 422
    assert "stops campaigns" in browser.post("/hq/kit/baseline", {**form, "do": "work", "prints": key}).body
    assert browser.post("/hq/kit/baseline", {**form, "do": "accept", "prints": key}).status == 422
    done = browser.post("/hq/kit/baseline", {**form, "do": "accept", "prints": key, "reason": "a greeting, no claim"})
    assert "stops campaigns" not in done.body
    assert browser.post("/hq/kit/baseline", {**form, "do": "work", "prints": key, "number": "9"}).status == 409
