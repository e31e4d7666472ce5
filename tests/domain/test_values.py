"""Region values: what is refused, what is normalised, what is only hinted at."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain import graphemes, plain_text, urls, values
from chalicelib.domain.template import Pictures, Region, RegionType

TEXT = Region(id="t", type=RegionType.TEXT, label="T", max_length=10, required=True)
LONG = Region(id="t", type=RegionType.TEXT, label="T", rows=3)
CHOICE = Region(id="c", type=RegionType.CHOICE, label="C", choices=("a", "b"), default="a")
IMAGE = Region(id="i", type=RegionType.IMAGE, label="I", choices=("https://a.example/x.png",),
    default="https://a.example/x.png", required=True)
OPEN = replace(IMAGE, pictures=Pictures.OWN)
LINK = Region(id="l", type=RegionType.LINK, label="L", hosts=("example.com",),
    default="https://example.com/", default_text="More", required=True)
RICH = Region(id="r", type=RegionType.RICH, label="R", max_length=5)
SYSTEM = Region(id="imprint", type=RegionType.SYSTEM, label="Imprint")


@pytest.mark.parametrize(("region", "raw", "expected"), [
    (TEXT, {"t": "  a\tb \r\n c "}, {"t": "a b c"}), (TEXT, {"t": "e\u0301"}, {"t": "é"}),
    (TEXT, {"t": "<b>{{x}}"}, {"t": "<b>{{x}}"}),
    (LONG, {"t": "a \r\n\r\n b\rc"}, {"t": "a\n\nb\nc"}), (CHOICE, {}, {"c": "a"}),
    (CHOICE, {"c": " b "}, {"c": "b"}), (CHOICE, {"c": ""}, {"c": ""}),
    (OPEN, {"i": " HTTPS://Media.Example.com/ORG/a.jpg "}, {"i": "https://media.example.com/ORG/a.jpg", "i.alt": ""}),
    (IMAGE, {"i.alt": "A bike"}, {"i": "https://a.example/x.png", "i.alt": "A bike"}),
    (LINK, {"l": " HTTPS://WWW.Example.COM/A?b#c "}, {"l": "https://www.example.com/A?b#c", "l.text": "More"}),
    (RICH, {"r": "<p>12345</p>"}, {"r": "<p>12345</p>"}), (RICH, {"r": "<b>&amp;&lt;</b>"}, {"r": "<b>&amp;&lt;</b>"}),
])
def test_normalised(region: Region, raw: dict[str, str], expected: dict[str, str]) -> None:
    """A value has one form: NFC, single blanks, one kind of line end, the URL's own case rules."""
    checked = values.validate(region, raw)
    assert (dict(checked.values), checked.problems) == (expected, ())


@pytest.mark.parametrize(("region", "raw", "code", "field"), [
    (TEXT, {"t": ""}, "value.required", "t"), (TEXT, {}, "value.required", "t"),
    (TEXT, {"t": "x" * 11}, "value.too_long", "t"),
    (TEXT, {"t": "x" * 50_000}, "value.too_long", "t"), (LONG, {"t": "x" * 5001}, "value.too_long", "t"),
    (TEXT, {"t": "a\x00"}, "value.control", "t"),
    (TEXT, {"t": "a\x1bb"}, "value.control", "t"), (TEXT, {"t": "a\u202eb"}, "value.bidi", "t"),
    (TEXT, {"t": "a\u2066b"}, "value.bidi", "t"),
    (TEXT, {"t": "a\ud800b"}, "value.surrogate", "t"), (TEXT, {"t": "a\ufdd0"}, "value.control", "t"),
    (TEXT, {"t": "a\u2028b"}, "value.control", "t"),
    (CHOICE, {"c": "d"}, "value.not_a_choice", "c"),
    (IMAGE, {"i": "https://a.example/y.png"}, "value.not_a_choice", "i"), (IMAGE, {"i": ""}, "value.required", "i"),
    (OPEN, {"i": "javascript:x"}, "url.dangerous", "i"), (OPEN, {"i": "data:image/png,A"}, "url.dangerous", "i"),
    (OPEN, {"i": "lake.png"}, "url.scheme_missing", "i"), (OPEN, {"i": ""}, "value.required", "i"),
    (LINK, {"l": ""}, "value.required", "l"), (LINK, {"l.text": ""}, "value.required", "l.text"),
    (LINK, {"l": "https://example.com.evil.org/"}, "value.host", "l"),
    (LINK, {"l": "https://evilexample.com/"}, "value.host", "l"),
    (LINK, {"l": "javascript:x"}, "url.dangerous", "l"), (LINK, {"l": "java\nscript:x"}, "url.dangerous", "l"),
    (LINK, {"l": "example.com"}, "url.scheme_missing", "l"),
    (LINK, {"l": "example.com:80/x"}, "url.scheme_missing", "l"), (LINK, {"l": "ftp://example.com"}, "url.scheme", "l"),
    (LINK, {"l": "https://example.com@evil.org/"}, "url.user", "l"),
    (LINK, {"l": "https://example.com\\evil.org"}, "url.malformed", "l"), (LINK, {"l": "#"}, "url.empty", "l"),
    (LINK, {"l": "https://example.com/" + "x" * 2000}, "url.too_long", "l"),
    (LINK, {"l": "https://exa mple.com/"}, "url.malformed", "l"),
    (LINK, {"l": "https://example.com:99999/"}, "url.malformed", "l"),
    (LINK, {"l": "https://[::1/"}, "url.malformed", "l"), (LINK, {"l": "//example.com"}, "url.scheme_missing", "l"),
    (LINK, {"l": "https://" + "ü" * 5000 + ".com"}, "url.too_long", "l"),
    (RICH, {"r": "<p>123456</p>"}, "value.too_long", "r"),
])
def test_refused(region: Region, raw: dict[str, str], code: str, field: str) -> None:
    """What cannot be stored, shown or followed is refused with its field."""
    assert (code, field) in [(p.code, p.field) for p in values.validate(region, raw).problems]


def test_positions() -> None:
    """The position of a hidden character is told, from 1."""
    problem, = values.validate(TEXT, {"t": "ab\u202ec"}).problems
    assert problem.params == {"character": "U+202E", "position": 3}


def test_values_can_be_stored_even_if_refused() -> None:
    """A half surrogate is replaced in the normalised value, so that a draft can keep the rest, and told."""
    found = values.validate(TEXT, {"t": "a\ud800b"})
    assert found.values["t"] == "a?b"
    assert found.values["t"].encode() == b"a?b"
    assert [(p.code, p.field, p.params["position"]) for p in found.problems] == [("value.surrogate", "t", 2)]


def test_hints() -> None:
    """Markup and template syntax in plain text are text; the form says so."""
    assert [w.code for w in values.validate(TEXT, {"t": "<b>{{x}}"}).warnings] == ["value.markup",
        "value.template_syntax"]
    assert values.validate(TEXT, {"t": "1 < 2 > 0 {"}).warnings == ()


def test_unknown_keys_are_locked() -> None:
    """A key that no open region has was not offered by the form."""
    found = values.validate_all([TEXT, LINK, SYSTEM], {"t": "x", "imprint": "x", "l.alt": "x", "zzz": "x"}).problems
    assert [(p.code, p.field) for p in found] == [("value.locked", "imprint"), ("value.locked", "l.alt"),
        ("value.locked", "zzz")]


def test_changed_and_defaults() -> None:
    """Values left at HQ's default count as unchanged."""
    base = values.defaults([TEXT, CHOICE, LINK, SYSTEM])
    assert base == {"t": "", "c": "a", "l": "https://example.com/", "l.text": "More"}
    assert values.changed([TEXT, CHOICE, LINK, SYSTEM], {**base, "l.text": "Less"}) == ("l",)
    assert values.changed([TEXT, CHOICE, LINK, SYSTEM], {}) == ()


FAMILY = "👩‍👩‍👧‍👦"


@pytest.mark.parametrize(("region", "key"), [
    (TEXT, "t"), (replace(RICH, max_length=10), "r"), (replace(LINK, max_length=10), "l.text"),
    (Region(id="li", type=RegionType.LIST, label="Li", max_length=10), "li"),
])
def test_lengths_count_what_people_see(region: Region, key: str) -> None:
    """Ten signs fit into a field of ten, whatever they are made of; the eleventh does not, in every kind of text."""
    def problems(text: str) -> list[str]:
        return [p.code for p in values.validate(region, {**values.defaults((region,)), key: text}).problems]

    assert problems(FAMILY * 10) == []
    assert len(problems(FAMILY * 11)) == 1
    assert "long" in problems(FAMILY * 11)[0]


@pytest.mark.parametrize(("text", "count"), [
    ("", 0), ("abc", 3), ("e\u0301", 1), ("👍🏽", 1), ("👩‍👩‍👧‍👦", 1), ("🇩🇪🇫🇷", 2), ("🇩🇪🇫", 2), ("❤️", 1),
    ("각", 1), ("\u1100\u1161\u11a8", 1), ("\r\n", 1), ("a\u200db", 2),
    ("z\u0351\u036b\u0343", 1), ("🏴\U000e0067\U000e0062\U000e007f", 1), ("👍👍", 2), ("ü" * 3, 3),
    ("\n\u0301", 2),
])
def test_graphemes(text: str, count: int) -> None:
    """Characters are counted as people count them (UAX #29)."""
    assert graphemes.count(text) == count
    assert "".join(graphemes.graphemes(text)) == text


def test_hosts() -> None:
    """A host is allowed itself and with names below it, never as a mere ending."""
    assert urls.host_allowed("a.example.com", ["EXAMPLE.com."]) and not urls.host_allowed("aexample.com",
        ["example.com"])
    assert urls.normalise("https://MÜNCHEN.example/ü") == "https://xn--mnchen-3ya.example/ü"


def test_inline_tags_leave_no_gap() -> None:
    """What a reader sees of bold words has the spaces that were typed and no others; paragraphs divide words."""
    assert plain_text.visible("<p>Done <strong>today</strong>.</p><p>Now<br>or later</p>") == "Done today. Now or later"
