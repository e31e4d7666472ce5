"""MJML is compiled once, at publish, and judged by the same rules as HTML."""

from __future__ import annotations

import subprocess
import sys

import pytest

from chalicelib.rendering import mjml
from chalicelib.rendering.source import compile_source
from tests.rendering.samples import problems, rendered, version

SOURCE = b"""<mjml lang="en">
<mj-head><mj-title>Hello {{ contact.first_name|default("you") }}</mj-title><mj-preview>Read &amp; ride</mj-preview>
</mj-head>
<mj-body>
<mj-section><mj-column>
<mj-text css-class="region-headline">Spring</mj-text>
<mj-image css-class="region-hero wide" src="https://img.example.com/a.png" alt="A bike" />
<mj-button css-class="region-cta" href="https://shop.example.com/">Book</mj-button>
<mj-text><p data-region="story" data-region-type="rich" data-region-max-length="200">Once</p></mj-text>
</mj-column></mj-section>
<mj-section css-class="repeat-offers"><mj-column>
<mj-text css-class="region-offer">Oil</mj-text></mj-column></mj-section>
<mj-section css-class="optional-note"><mj-column>
<mj-text css-class="region-words">Note</mj-text></mj-column></mj-section>
<mj-section><mj-column><mj-text css-class="system-imprint">Imprint</mj-text>
<mj-text><a data-system="unsubscribe" href="https://u.example.com/">Leave</a></mj-text></mj-column></mj-section>
</mj-body></mjml>
"""


def test_marks_reach_what_they_mean() -> None:
    """A class on an element of MJML marks its words, its picture, its link or the whole block."""
    compiled = compile_source(SOURCE)
    assert [(r.id, r.type.value) for r in compiled.regions] == [
        ("headline", "text"), ("hero", "image"), ("cta", "button"), ("story", "rich"), ("offers.1.offer", "text"),
        ("words", "text"), ("imprint", "system"), ("unsubscribe", "system")]
    assert [(b.id, b.kind.value) for b in compiled.blocks] == [("offers", "repeat"), ("note", "optional")]
    assert (compiled.language, compiled.preheader) == ("en", "Read & ride")
    assert compiled.title == 'Hello {{ contact.first_name|default("you") }}'
    assert 'class="wide"' in compiled.html and "region-" not in compiled.html
    assert "fonts.googleapis" not in compiled.html


def test_it_renders() -> None:
    """The mail takes values like any other, and its locked bytes are verified."""
    html = rendered(version(SOURCE), {
        "offers.count": "2", "offers.2.offer": "Chain", "note.show": "", "cta": "https://b.example/"}).content.html
    assert "Chain" in html and "https://b.example/" in html and "Note" not in html


@pytest.mark.parametrize(("source", "code", "line"), [
    (SOURCE.replace(b"<mj-body>", b"<mj-body>\n<mj-include path='/etc/passwd' />"), "template.mjml_include", 5),
    (SOURCE.replace(b"<mj-body>", b"<mj-body><mj-include path='a.mjml' type='css' />"), "template.mjml_include", 4),
    (SOURCE.replace(b"</mj-body>", b""), "template.mjml", 1),
    (b'<!DOCTYPE x [<!ENTITY a "b">]>\n' + SOURCE, "template.body", 0),
    (SOURCE.replace(b"<mj-head>", b'<!DOCTYPE x [<!ENTITY a "b">]><mj-head>'), "template.mjml", 1),
    (b"<mjml><mj-body>" + b"<mj-section>" * 5_000 + b"</mj-body></mjml>", "template.too_deep", 1),
    (b"<mjml><mj-body>" + b"<mj-text>x</mj-text>" * 5_000 + b"</mj-body></mjml>", "template.too_many_elements", 0),
    (SOURCE.replace(b"Once", b"<script>x()</script>"), "SEC001", 0),
    (SOURCE.replace(b"css-class=\"region-offer\"", b"css-class=\"region-words\""), "template.region_doubled", 0),
])
def test_refused_as_html_would_be(source: bytes, code: str, line: int) -> None:
    """No file is read, no bomb unfolds, and what an HTML source may not hold MJML may not either (N47)."""
    found = [p for p in problems(source) if p.code == code]
    assert found and (not line or found[0].params["line"] == line)


def test_only_mjml_is_mjml() -> None:
    """A comment or an XML declaration may stand before it; HTML that mentions it is HTML."""
    assert mjml.is_mjml(b"<?xml version='1.0'?>\n<!-- x -->\n<mjml>") and mjml.is_mjml(b"  <MJML>")
    assert not mjml.is_mjml(b"<html><mjml>") and not mjml.is_mjml(b"<!-- <mjml>")


def test_the_library_is_loaded_when_needed() -> None:
    """No page pays for the MJML compiler before somebody publishes MJML."""
    code = "import sys, chalicelib.rendering.source; print('mrml' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
