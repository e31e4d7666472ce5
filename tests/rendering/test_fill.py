"""Locked bytes: nothing a partner types can change one, and raw hostile bytes are caught."""

from __future__ import annotations

import os
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain import values
from chalicelib.domain.errors import Refused
from chalicelib.domain.template import Region, RegionType
from chalicelib.rendering import fill
from chalicelib.rendering.fill import LockedBytesChanged
from chalicelib.rendering.mail import preview, render
from chalicelib.rendering.tokens import Kind, Token, tokenise
from tests.rendering.samples import ENTITY, HOSTILE, version

OF = version()
EXAMPLES = int(os.environ.get("COUNTERSIGN_FUZZ", "250"))  # noqa: TID251 - how much to fuzz is the caller's choice
BREAKOUTS = [
    "</td></tr></table>", "<!--", "<!-- x", "<!--[if mso]>", "<style>", "<title>", "<textarea>", "<script>",
    "<a href=\"", "<b", "</p>",
    "<p>", "<b><i></b></i>", "<?x", "<![if x]>", "<table><tr><td>", "<b title=x></b>", "<b onclick=x></b>",
    "<b x='", "</ x", "<svg>", "<img src=x>", "<!doctype html>", "</b><b>",
]



@pytest.mark.parametrize("raw", BREAKOUTS)
@pytest.mark.parametrize("key", [("cell", "content"), ("headline", "content"), ("preheader", "content"),
    ("cta", "content")])
def test_raw_content_that_leaves_its_slot_is_caught(key: fill.Key, raw: str) -> None:
    """Bytes that were never made safe are refused by the second reading, whatever they are."""
    with pytest.raises(LockedBytesChanged):
        fill.fill(OF, {key: "x" + raw})


@pytest.mark.parametrize("raw", ['"', '" onclick="x', '"><script>', '" href="https://evil.example', '"/><b x="'])
@pytest.mark.parametrize("key", [("hero", "src"), ("hero", "alt"), ("cta", "href"), ("unsubscribe", "href")])
def test_raw_attribute_that_leaves_its_quotes_is_caught(key: fill.Key, raw: str) -> None:
    """Half an attribute in a value is refused by the second reading."""
    with pytest.raises(LockedBytesChanged) as caught:
        fill.fill(OF, {key: raw})
    assert caught.value.region == key[0]


@pytest.mark.parametrize("value", ["", "plain", "<b>x</b>", "a<br>b", "<p>a</p><p>b</p>", "1 < 2",
    "&lt;p&gt;", "{{x}}"])
def test_contained_values_pass(value: str) -> None:
    """What stays in its place leaves every locked byte as published."""
    filled = fill.fill(OF, {("cell", "content"): value})
    assert filled.locked_sha256 == OF.locked_sha256


@pytest.mark.parametrize("value", ["x", "", "<p>y</p>"])
def test_another_template_is_caught(value: str) -> None:
    """Bytes that were filled into a template with one other locked byte do not pass for this one."""
    filled = fill.splice(OF, {("cell", "content"): value})
    changed = fill.Filled(filled.html.replace(b"Outlook only", b"Outlook_only"), filled.slots)
    with pytest.raises(LockedBytesChanged):
        fill.verify(OF, changed)


def every_value(text: str) -> dict[str, str]:
    """The text in every key that takes free text, the rest at HQ's default."""
    free = {key: text for region in OF.regions for key in values.keys(region)
            if region.type in (RegionType.TEXT, RegionType.RICH) or key.endswith((".alt", ".text"))}
    return {**values.defaults(OF.regions), **free}


def stays_in_its_fields(text: str) -> bool:
    """Whether a mail with the text everywhere is refused by field, or has no locked byte changed and nothing active."""
    try:
        mail = render(OF, values=every_value(text), subject=text, preheader=text, entity=ENTITY)
    except Refused as refused:
        return bool(refused.problems) and all(problem.field for problem in refused.problems)
    html = mail.filled.html
    skeleton = [html[t.start:t.end] for t in tokenise(html) if t.kind in (Kind.COMMENT, Kind.DOCTYPE, Kind.RAW)]
    return (
        mail.locked_sha256 == OF.locked_sha256
        and skeleton == [b"<!doctype html>", b"Hi", b"<!--[if mso]><p>Outlook only</p><![endif]-->"]
        and not any(map(active, tokenise(html)))
    )


def active(token: Token) -> bool:
    """Whether a token breaks the page or does something by itself."""
    return token.kind is Kind.BROKEN or any(a.name.startswith("on") for a in token.attributes) or token.name in (
        "script", "svg", "math", "iframe", "style", "form", "object", "base", "link")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_values(text: str) -> None:
    """Known ways to break out change nothing: refused with the field, or plain text."""
    assert stays_in_its_fields(text)
    shown = preview(OF, values=every_value(text), subject=text, preheader=text, entity=ENTITY)
    assert not any(t.kind is Kind.BROKEN or t.name == "script" for t in tokenise(shown.html.encode()))


def test_most_hostile_values_become_text() -> None:
    """The checks look at mails, not at refusals alone: what is no reason to refuse is shown as it was typed."""
    mails = []
    for text in HOSTILE:
        with suppress(Refused):
            mails.append(render(OF, values=every_value(text), subject="x", preheader="", entity=ENTITY))
    assert len(mails) > len(HOSTILE) // 2


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=8)), min_size=1, max_size=6))
def test_fuzzed_values(pieces: list[str]) -> None:
    """0 locked bytes change, whatever is put together from hostile pieces and any text."""
    assert stays_in_its_fields("".join(pieces))


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=8)), max_size=8))
def test_sanitiser_is_a_fixpoint(pieces: list[str]) -> None:
    """Cleaning what is clean changes nothing, so no second parser can wake up what slept (N46)."""
    for region in (Region(id="x", type=RegionType.RICH, label="x"),
        Region(id="x", type=RegionType.RICH, label="x", inline=True)):
        once, _ = fill.rich(region, "".join(pieces).encode("utf-8", "replace").decode())
        assert fill.rich(region, once)[0] == once
        for token in tokenise(once.encode()):
            assert {a.name for a in token.attributes} <= {"href"}


@pytest.mark.parametrize(("href", "code"), [
    ("https://evil.org/", "value.host"), ("http://user@example.com/", "url.user"),
    ("https://example.com.evil.org/", "value.host"),
])
def test_links_in_rich_text(href: str, code: str) -> None:
    """A link inside rich text gets the checks of a link field."""
    with pytest.raises(Refused) as caught:
        render(OF, values={"cell": f'<p><a href="{href}">x</a></p>'}, subject="x", preheader="", entity=ENTITY)
    assert [(p.code, p.field) for p in caught.value.problems] == [(code, "cell")]


def test_a_locked_region_posted_anyway() -> None:
    """Keys that the form does not offer are refused by name: system blocks, unknown ones, half keys."""
    extra = {"imprint": "x", "unsubscribe": "x", "preheader": "x", "headline.alt": "x", "nowhere": "x"}
    with pytest.raises(Refused) as caught:
        render(OF, values={**values.defaults(OF.regions), **extra}, subject="x", preheader="", entity=ENTITY)
    assert {(p.code, p.field) for p in caught.value.problems} == {("value.locked", key) for key in extra}
