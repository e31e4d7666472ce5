"""Sources made to hurt: each is refused or compiled, soon, and with every reason that matters."""

from __future__ import annotations

import time

import pytest

from chalicelib.domain.errors import Refused
from chalicelib.rendering import importers
from chalicelib.rendering.source import compile_source
from tests.rendering.samples import SYSTEM, page, problems

SECONDS = 5.0
"""Of CPU, for any source that is accepted for reading at all; most take a tenth of a second."""
FIELD = "<p data-region=f>x</p>"


def judged(source: bytes) -> tuple[set[str], float]:
    """The codes of a source's import and compilation, and the CPU seconds both took."""
    begun = time.process_time()
    codes: set[str] = set()
    try:
        imported = importers.convert(source)
        source = imported.source if imported else source
    except Refused as refused:
        codes = {p.code for p in refused.problems}
    codes |= {p.code for p in problems(source)}
    return codes, time.process_time() - begun


@pytest.mark.parametrize(("body", "head", "code"), [
    ("".join(f"<p data-region=r{n}>x</p>" for n in range(10_000)), "", "template.too_many_elements"),
    ("".join(f"<p data-region=r{n}>x</p>" for n in range(300)), "", "template.too_many_regions"),
    ("".join(f"<p data-optional=o{n}><b data-region=r{n}>x</b></p>" for n in range(190)), "",
     "template.too_many_values"),
    ("<p data-region=a>x</p><p data-region=a>y</p>", "", "template.region_doubled"),
    ("<p data-region=a>x", "", "template.region_unclosed"),
    ("</div></td>" + FIELD + "<div><td>", "", ""),
    (FIELD + "<!-- <p data-region=b> -->", "", "template.region_in_comment"),
    (FIELD + "<p title='<p data-region=b>'>x</p>", "", "template.region_in_attribute"),
    (FIELD, "<title data-region=t>x</title>", "template.region_in_head"),
    (FIELD, "<style>@import url(//evil.example/x.css);</style>", "SEC002"),
    (FIELD, "<style>@imp\\6frt url(//evil.example/x.css);</style>", "SEC002"),
    (FIELD + "<![if !mso]>x<![endif]>", "", "template.broken"),
    (FIELD, "<style>" + "a{b:c}" * 20_000 + "</style>", "template.css_too_big"),
    (FIELD, "<style>" + "a b c d e f g h i j k{b:c}" + "</style>", "template.css_too_complex"),
    (FIELD, "<style>" + ",".join(f"a{n}" for n in range(5_000)) + "{b:c}</style>", "template.css_too_complex"),
    (FIELD, "<style>" + "{" * 30_000 + "</style>", ""),
    (FIELD, "<style>" + ":not(" * 10_000 + "</style>", ""),
    (FIELD + "&lt;" * 50_000, "", ""),
    (FIELD + "&#x6a;&#97" * 9_000, "", ""),
    (FIELD + '<a href="&#106;ava&Tab;script&colon;x()">x</a>', "", "SEC004"),
    (FIELD + "<b>" * 4_000, "", "template.too_deep"),
    (FIELD + "<p " + " ".join(f"a{n}=1" for n in range(20_000)) + ">", "", ""),
    (FIELD + "<" * 100_000, "", ""),
    (FIELD + "<!--" * 50_000, "", "template.broken"),
    (FIELD + "{{" * 50_000, "", "template.syntax"),
    (FIELD + "*|IF:A|*<table>" + "*|ELSE:|*" * 20_000 + "</table>*|END:IF|*", "", ""),
    ("<p mc:edit=a>x</p>" + "*|IF:A|*" * 20_000 + "x" + "*|END:IF|*" * 20_000, "", ""),
    ("<div mc:repeatable=a>" * 90 + "<p mc:edit=b>x</p>" + "</div>" * 90, "", ""),
    ("<p mc:edit=a>x</p>" + "<a href='*|UNSUB|*'>x</a>" * 2_000, "", ""),
    ("<singleline>x</singleline>" * 2_000, "", ""),
    ("<div data-klaviyo-region=true>" + "<p>x</p>" * 2_000 + "</div>" + "{{ a }}" * 10_000, "", ""),
    ("<p mc:edit=a>x</p>" + "[" * 100_000 + "<multiline>", "", ""),
], ids=range(32))
def test_soon_and_with_its_reason(body: str, head: str, code: str) -> None:
    """No source takes long; what cannot be made safe is refused by name."""
    codes, seconds = judged(page(body + SYSTEM, head or "<title>x</title>"))
    assert seconds < SECONDS and (not code or code in codes), (codes, seconds)


@pytest.mark.parametrize("source", [b"", b"\x00", b"\xff\xfe<\x00h\x00", b"<", b"<!", b"<?xml?>", b"</", b"<html",
                                    b"mc:edit", b"\xef\xbb\xbf", b"<mjml", b"<mjml>" * 3_000, b"*|UNSUB|*",
                                    b"<singleline>"])
def test_scraps_are_refused(source: bytes) -> None:
    """What is no document at all is refused, never compiled and never an error of ours."""
    try:
        imported = importers.convert(source)
    except Refused:
        return
    with pytest.raises(Refused):
        compile_source(imported.source if imported else source)
