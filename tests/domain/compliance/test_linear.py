"""The rules' work grows with the size of a mail and no faster, whatever is in it. Counted, not timed."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from chalicelib.domain.compliance import RULES, OpenValue
from chalicelib.domain.compliance.finding import FindingState
from chalicelib.domain.compliance.registry import run
from chalicelib.rendering import document, tokens
from tests.bench.compliance import HOSTILE_ROW, ROW, forget
from tests.corpus.mails import FACTS

SHAPES = {
    "rows": ROW, "hostile rows": HOSTILE_ROW, "links in links": '<a href="https://e{n}.example/{n}">x ',
    "Outlook's parts": '<!--[if mso]><b style="color:#{n:06x}">x</b><![endif]-->', "odd tags": "<p {n}=x y='&amp;'>",
    "styles": '<p style="color:rgb({n},1,2)">x', "plain styles": '<p style="width:{n}px">x</p>',
    "words": "Nordlihct free! ",
    "classes": '<p class="a{n} b">x</p>', "end tags": "<p>x</b></p>", "footnotes": "<p>* x*</p>", "nesting": "<b>x",
    "headings": "<th>x", "tables in tables": "<table><tr><th>x", "class in class": '<p class="b">x',
}
HEAD = '<html lang="en"><head><style>.a1 b{color:#111} .b{color:#222} p>b{color:#333}</style></head><body>'


def work(shape: str, times: int) -> int:
    """How many functions are called to read and judge a mail of so many of a shape."""
    html = (HEAD + "".join(shape.format(n=n, a=n % 256, b=n * 7 % 256) for n in range(times))).encode()
    calls = 0

    def count(frame: Any, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    forget()
    sys.setprofile(count)
    try:
        run(RULES, document.read(html, (), values=[OpenValue("story", "words")]), FACTS)
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize("name", SHAPES)
def test_work_grows_with_the_size(name: str) -> None:
    """Four times as much of anything is at most five times the work."""
    small, large = work(SHAPES[name], 150), work(SHAPES[name], 600)
    assert large < 5 * small


def test_style_sheets_have_a_bound() -> None:
    """Many rules for many elements are not followed: a person looks at what would have been judged by them."""
    html = "<style>" + ".a{color:#123456}" * 1_000 + "</style>" + '<p class="a">x</p>' * 1_000
    found = run(RULES, document.read(html.encode()), FACTS)
    assert {f.code for f in found if f.state is FindingState.UNDECIDABLE} == {"A11Y002", "A11Y007"}


def test_a_mail_is_read_once() -> None:
    """Who looks at the same mail again gets the same tokens; another mail is read anew; a huge one is not kept."""
    html = (HEAD + ROW.format(n=1) * 20).encode()
    tokens.remembered.cache_clear()
    first, again = tokens.tokenise(html), tokens.tokenise(bytes(bytearray(html)))
    assert first == again and first is not again and first[3] is again[3]
    assert tokens.tokenise(html + b"x") != first
    assert tokens.remembered.cache_info().misses == 2
    huge = b"<p>" * 100_000
    assert len(huge) not in tokens.REMEMBERED and tokens.tokenise(huge) and tokens.remembered.cache_info().misses == 2
