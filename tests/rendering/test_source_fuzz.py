"""Whatever is uploaded is either compiled or refused with problems; nothing else happens."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib import texts
from chalicelib.domain.errors import Refused
from chalicelib.domain.template import locked_digest
from chalicelib.rendering.fill import Filled, LockedBytesChanged, verify
from chalicelib.rendering.source import compile_source
from tests.rendering.samples import BODY, HOSTILE, SYSTEM, page, version

PARTS = [
    *HOSTILE, "<aİ style='x'>", "<p style='color:red", "<style>p{color:red}</style>", "<style>}{;@media{{",
        "<p data-region='q'>x</p>",
    "<p data-region=q data-region-type=rich>", "<img data-region=z src='https://a.example/z.png'>", "<td>",
    "</td>", "<P>", "</P >",
    "<a data-region=l href='https://a.example/'>b</a>", "{{ contact.a|default('x') }}",
    "<style>:has(p) a::b>c{x:y}</style>",
    "<meta name=preheader content='x'>", "<p ü=1>", "<p style=\"font-family:'A\">",
    "<style>a{b:'\\22'}p{font:'\"'}</style>", "<title>t</title>",
]


@settings(max_examples=250, deadline=None)
@given(st.lists(st.sampled_from(PARTS), max_size=5), st.booleans())
def test_compiled_or_refused(parts: list[str], whole: bool) -> None:
    """A source in pieces gives a version whose own bytes verify, or problems that all have a sentence."""
    body = "".join(parts).encode("utf-8", "replace").decode()
    try:
        compiled = compile_source(page((BODY if whole else "<p data-region=r>x</p>") + body + SYSTEM))
    except Refused as refused:
        assert refused.problems and all(p.code in texts.messages() for p in refused.problems)
        return
    html = compiled.html.encode()
    assert b"data-region" not in html and "<script" not in compiled.html.lower()
    assert [s.start for s in compiled.slots] == sorted(s.start for s in compiled.slots)
    assert len(locked_digest(html, compiled.slots)) == 64


def test_a_version_verifies_itself() -> None:
    """HQ's own defaults stay in their places."""
    of = version()
    own = Filled(of.html.encode(), of.slots)
    verify(of, own)
    assert own.locked_sha256 == of.locked_sha256
    with pytest.raises(LockedBytesChanged):
        verify(of, Filled(own.html + b"<!-- one more -->", own.slots))
