"""What the rules stand on: colours, words and hosts, against published pairs; and bounds on hostile mails."""

from __future__ import annotations

import time

import pytest

from chalicelib.domain.compliance import RULES, MailFacts, colours, hosts, words
from chalicelib.domain.compliance.registry import run
from chalicelib.rendering import document


@pytest.mark.parametrize(("first", "second", "expected"), [
    # Sharma, Wu, Dalal: The CIEDE2000 Color-Difference Formula (2005), table 1.
    ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
    ((50.0, 3.1571, -77.2803), (50.0, 0.0, -82.7485), 2.8615),
    ((50.0, -1.3802, -84.2814), (50.0, 0.0, -82.7485), 1.0),
    ((50.0, 0.0, 0.0), (50.0, -1.0, 2.0), 2.3669),
    ((50.0, 2.49, -0.001), (50.0, -2.49, 0.0009), 7.1792),
    ((50.0, 2.49, -0.001), (50.0, -2.49, 0.0011), 7.2195),
    ((50.0, -0.001, 2.49), (50.0, 0.0011, -2.49), 4.7461),
    ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
    ((50.0, 2.5, 0.0), (56.0, -27.0, -3.0), 31.9030),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((22.7233, 20.0904, -46.694), (23.0331, 14.973, -42.5619), 2.0373),
    ((90.9257, -0.5406, -0.9208), (88.6381, -0.8985, -0.7239), 1.5381),
    ((2.0776, 0.0795, -1.135), (0.9033, -0.0636, -0.5514), 0.9082),
])
def test_ciede2000(first: tuple[float, float, float], second: tuple[float, float, float], expected: float) -> None:
    """The differences are those of the paper, to the fourth digit, both ways."""
    assert round(colours.difference(first, second), 4) == expected
    assert round(colours.difference(second, first), 4) == expected


@pytest.mark.parametrize(("text", "rgb"), [
    ("#12372a", (18, 55, 42)), ("#FFF", (255, 255, 255)), ("red", (255, 0, 0)), ("rgb(1, 2, 3)", (1, 2, 3)),
    ("hsl(120, 100%, 50%)", (0, 255, 0)), ("eeeeee", (238, 238, 238)),
])
def test_colours_are_read(text: str, rgb: tuple[int, int, int]) -> None:
    """Colours as CSS and old attributes write them."""
    found = colours.parse(text)
    assert found == (rgb, 1.0)


def test_contrast() -> None:
    """The extremes, and WCAG's well-known grey."""
    assert round(colours.contrast((0, 0, 0), (255, 255, 255)), 2) == 21
    assert round(colours.contrast((118, 118, 118), (255, 255, 255)), 2) == 4.54


@pytest.mark.parametrize(("first", "second", "expected"), [
    ("ca", "ac", 1), ("kitten", "sitting", 3), ("abc", "abc", 0), ("", "ab", 2), ("nordlicht", "nordlihct", 1),
    ("a", "abcdef", 3),
])
def test_typing_distance(first: str, second: str, expected: int) -> None:
    """Neighbours swapped count once; more than the limit is the limit and one."""
    assert words.typing_distance(first, second) == expected


def test_phrases_are_whole_words() -> None:
    """A star goes on within the word only; invisible characters hide nothing."""
    assert words.find("The chea\u00adpest way, cheapests not", ("cheapest",)) == ["cheapest"]
    assert words.find("Gratisversand und gratis", ("gratis*",)) == ["gratisversand", "gratis"]
    assert words.find("degratis", ("gratis*",)) == []


@pytest.mark.parametrize(("host", "brand"), [
    ("nord1icht.example", "Nordlicht"), ("xn--nrdlicht-ycf.example", "Nordlicht"), ("nordlich.example", "Nordlicht"),
    ("nordlicht.example", ""), ("nordlicht-freiburg.example", ""), ("südlicht.example", ""), ("example.com", ""),
])
def test_imitations(host: str, brand: str) -> None:
    """One or two letters off, or look-alike letters; the name with other words is a dealer's."""
    if host.startswith("xn--"):
        host = "xn--" + "nоrdlicht".encode("punycode").decode() + ".example"  # a Cyrillic o
    assert hosts.imitates(host, ["Nordlicht"]) == brand


@pytest.mark.parametrize("html", [
    b"<b>x" * 50_000, b"<table><tr><td>" * 20_000, b"*" * 300_000, b"<p>" + b"49 " * 100_000, b"!" * 300_000,
    b"<a href=https://a.example>" + b"a." * 100_000, b"<p style='" + b"(" * 10_000 + b"'>x", b"A" * 300_000,
])
def test_hostile_mails_are_bounded(html: bytes) -> None:
    """No shape of 300 KB takes long, and nesting beyond reason is said and blocks."""
    began = time.process_time()
    found = run(RULES, document.read(html), MailFacts(subject=html[:300].decode(), language="en"))
    assert time.process_time() - began < 5
    if html.startswith((b"<b>", b"<table>")):
        assert any(f.code == "SEC001" and "nested" in f.quote for f in found)
