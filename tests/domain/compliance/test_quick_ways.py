"""What makes the rules quick changes nothing they say: each quick way is held to the careful one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain import urls
from chalicelib.domain.compliance import RULES, colours, css, flow, gather, words
from chalicelib.domain.compliance.document import Css, Document, Element, MailFacts, OpenValue
from chalicelib.domain.compliance.registry import run
from chalicelib.rendering import document

BITS = st.sampled_from([
    "color", "Font-Size", "-x-y", ":", ": ", ";", " ", "\n", ",", "red", "#fff", "#ABCDEF", "#12", "1px", "1.5em", "+2",
    "-.5px", "0", "100%", "1e", "1e3", "1.", "1.2.3", "'Arial x'", '"A"', "'", '"', "!important", "! important",
    "!Important", "rgb(1,2,3)", "--x", "-", "a-", "u+1", "\\", "/", "/*c*/", "é", "\u00a0", "@x", "(", ")", "{", "}",
    "1px2", "url(x)", "U+2", "!", "--", "1E-3", "5e-x",
])


@settings(max_examples=2000, deadline=None)
@given(st.booleans(), st.lists(BITS, max_size=9))
def test_a_simple_style_is_read_as_by_tokens(named: bool, bits: list[str]) -> None:
    """Cutting a style attribute at its semicolons gives what tinycss2's tokens give, or it is not done."""
    text = ("color:" if named else "") + "".join(bits)
    try:
        wanted = css.parsed(text, True)
    except ValueError:
        return
    assert css.read(text, True) == wanted
    assert css.read(text, True).last == wanted.last == dict(wanted.properties)


@pytest.mark.parametrize("text", [
    "margin:0", "color:#22302a;font-family:Georgia, 'Times New Roman',serif;font-size:16px;",
    "padding:8px 0 12.5% -.5em!important;mso-line-height-rule:exactly",
])
def test_what_mails_are_made_of_is_simple(text: str) -> None:
    """The styles that nearly all elements carry take the quick way."""
    assert css.SIMPLE.match(text)


@pytest.mark.parametrize("text", [
    "color:rgb(1,2,3)", "a:url(x)", "a:\\62", "a:b/*c*/", "a:--x", "@import x", "a:{b:c}",
])
def test_everything_else_is_read_by_tokens(text: str) -> None:
    """A function, an escape, a comment, a block: nothing that could run is cut by hand."""
    assert not css.SIMPLE.match(text)


def test_each_distinct_style_is_parsed_once_per_mail() -> None:
    """However many elements carry a style and however many rules ask, also for one that cannot be read."""
    bomb = "a:" + "(" * 40 + ")" * 40
    styles = (Css("color:rgb(1,2,3)", True), Css("color:rgb(1,2,3)", True), Css(bomb, True), Css("margin:0", True))
    mail = Document(styles=styles * 500, elements=(Element("p", (("style", "color:rgb(1,2,3)"),)),))
    css.remembered.cache_clear()
    run(RULES, mail, MailFacts())
    assert css.remembered.cache_info().misses <= 3
    assert css.remembered.cache_info().hits == 0, "the mail keeps what it asked for, whatever other mails ask meanwhile"
    with pytest.raises(ValueError, match="nested"):
        gather.style(mail, bomb)


PARTS = st.sampled_from([
    "http://", "HTTP://", "a", "b.c", "example.com", "-", "_", ".", "..", "/", "//", "?", "#", "&", "a=b", ":80", "@",
    "%20", "%", "~", "+", ",", " ", "é", "xn--a", "1", "1.2.3.4", "x" * 70, "\n", ";", "!", "(", "com", "[", "{{x}}",
])


@settings(max_examples=1500, deadline=None)
@given(st.sampled_from(["https://", "https://www.example.com/", ""]), st.lists(PARTS, max_size=7))
def test_a_plain_address_is_in_its_one_form(begin: str, parts: list[str]) -> None:
    """What is taken for a plain address is what the long way makes of it."""
    url = begin + "".join(parts)
    if urls.PLAIN.fullmatch(url):
        assert urls.carefully(url) == url == urls.normalise(url)


def test_most_addresses_are_plain() -> None:
    """The addresses of a mail take the quick way; what is too long is refused as ever."""
    assert urls.PLAIN.fullmatch("https://www.example.com/offer/4?utm_source=mail&utm_term=a%20b")
    assert not urls.PLAIN.fullmatch("https://user@example.com/")
    with pytest.raises(urls.BadUrl, match=r"url\.too_long"):
        urls.normalise("https://example.com/" + "x" * urls.MAX_LENGTH)


WORDS = st.sampled_from([
    "Nordlicht", "nordlicht", "Nordlihct", "Nordlich", "Nordlichtt", "Mordlicht", "Nord-licht", "NORDLICHT",
    "Nordlicht's", "Velo", "Traum", "Traun", "VeloTraum",
    "ﬁn", "No\u0301rdlicht", "Nordlich\u0301t", "Nord\u00adlicht", "north", "light",
    " ", " ", ", ", ".", "Ｎordlicht", "\n",
])


@settings(max_examples=800, deadline=None)
@given(st.lists(WORDS, max_size=8), st.sampled_from(["Nordlicht", "Velo Traum", "Traum", "Nordlicht Bikes"]))
def test_a_text_passed_over_holds_no_slip(pieces: list[str], name: str) -> None:
    """Where a text surely holds no name with a typing mistake, no run of its words is one or two letters off it."""
    text, size = "".join(pieces), len(name.split())
    if words.may_hold(text, words.fold(text), name):
        return
    found = words.words(text)
    runs = [" ".join(found[at:at + size]) for at in range(len(found) - size + 1)]
    assert all(words.typing_distance(words.fold(run), words.fold(name), 1) > 1 for run in runs)


PHRASES = ("act now", "win*", "100% free", "l'argent", "free", "t&c")
TEXTS = st.sampled_from([
    "act", "now", " ", " ", "Win", "winner", "100%", "free", "freedom", "l’argent", "t&c", "-", "\u00a0", "ACT now",
    ".",
])


@settings(max_examples=500, deadline=None)
@given(st.lists(TEXTS, max_size=10))
def test_phrases_that_a_mail_surely_lacks_are_not_in_it(pieces: list[str]) -> None:
    """Asking the whole mail first gives what asking each text for each phrase gives."""
    text = "".join(pieces)
    mail = Document(values=(OpenValue("story", text), OpenValue("more", "nothing")))
    found = [(passage.region, said) for passage, said in flow.said(mail, MailFacts(), PHRASES)]
    assert found == ([("story", words.find(text, PHRASES))] if words.find(text, PHRASES) else [])


def test_rows_that_are_alike_share_one_look() -> None:
    """A hundred equal rows are looked at once, and a row in other surroundings by itself."""
    from chalicelib.domain.compliance.look import looks

    row = '<tr><td style="color:#123456"><b>x</b></td></tr>'
    mail = document.read(f'<table>{row * 100}</table><div style="font-size:40px"><table>{row}</table></div>'.encode())
    seen = [look for element, look in zip(mail.elements, looks(mail), strict=True) if element.tag == "b"]
    assert len({id(look) for look in seen}) == 2
    assert (seen[0].size, seen[-1].size) == (16.0, 40.0) and seen[0].colour == seen[-1].colour == (0x12, 0x34, 0x56)


RGB = st.tuples(*[st.integers(0, 255)] * 3)


@settings(max_examples=1000, deadline=None)
@given(RGB, st.lists(RGB, min_size=1, max_size=12))
def test_the_nearest_colour_is_that_of_all_comparisons(colour: colours.Rgb, known: list[colours.Rgb]) -> None:
    """Leaving out what is too light or too dark changes neither the nearest colour nor its distance."""
    assert colours.nearest(colour, known) == min((colours.distance(colour, one), one) for one in known)
