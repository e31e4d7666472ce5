"""The tokeniser: every byte in exactly one token, and linear in the size."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.rendering.lines import Lines
from chalicelib.rendering.tokens import Kind, markup, plain_tag, tokenise
from tests.rendering.samples import HOSTILE

PIECES = st.one_of(st.sampled_from([piece.encode() for piece in HOSTILE]), st.binary(max_size=6))


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=12))
def test_tokens_cover_all_bytes(pieces: list[bytes]) -> None:
    """Whatever the bytes are, the tokens follow each other without gap or overlap."""
    source = b"".join(pieces)
    tokens = tokenise(source)
    assert b"".join(source[t.start:t.end] for t in tokens) == source
    assert all(a.end == b.start for a, b in pairwise(tokens))
    for token in tokens:
        for attribute in token.attributes:
            assert token.start < attribute.start <= attribute.value_start
            assert attribute.value_start <= attribute.value_end <= attribute.end < token.end


TAG_PIECES = st.lists(st.sampled_from([
    b" ", b"\n", b"\t ", b"/", b">", b"=", b'"', b"'", b"a", b"STYLE", b"x-y:z", b'="', b'" ', b"=''", b"\xc3",
    b"&amp;", b"&lt", b"<", b"\x00", b'href="https://e.example/?a&amp;b" ', b"b=c",
]), max_size=12)


@settings(max_examples=1500, deadline=None)
@given(
    st.sampled_from([b"<p", b"</p", b"<A ", b"<v:rect ", b"</", b"<1", b"<td\n"]), TAG_PIECES,
    st.sampled_from([b"", b">", b'">']),
)
def test_a_plain_tag_is_read_as_the_careful_reader_does(opening: bytes, pieces: list[bytes], end: bytes) -> None:
    """The quick reader of plain tags gives the very token of the careful one, or leaves it to that one."""
    source = opening + b"".join(pieces) + end
    token = plain_tag(source, 0)
    assert token is None or token == markup(source, 0)


@pytest.mark.parametrize("source", [
    b"<p>", b"</TD >", b"<br/>", b'<a href="x?a&amp;b"\n CLASS="y" />', b'<v:rect xmlns:v="urn" o:href="">',
])
def test_tags_as_most_are_written_are_read_quickly(source: bytes) -> None:
    """What mails are made of takes the quick way."""
    token = plain_tag(source, 0)
    assert token is not None and token == markup(source, 0)


@pytest.mark.parametrize(("source", "kinds"), [
    (b"<p>a</p>", [Kind.START, Kind.TEXT, Kind.END]),
    (b"1 < 2 <3", [Kind.TEXT]),
    (b"<!--[if mso]><p><![endif]-->x", [Kind.COMMENT, Kind.TEXT]),
    (b"<!--[if !mso]><!--><p><!--<![endif]-->", [Kind.COMMENT, Kind.START, Kind.COMMENT]),
    (b"<![if !mso]>", [Kind.BROKEN]),
    (b"<?xml version='1'?>", [Kind.BROKEN]),
    (b"<!-- open", [Kind.BROKEN]),
    (b"<!-->", [Kind.BROKEN]),
    (b"<!--x--!>", [Kind.BROKEN]),
    (b"<b<script>a", [Kind.BROKEN, Kind.TEXT]),
    (b"<b <script>a", [Kind.BROKEN, Kind.TEXT]),
    (b'<b a="<script>">a', [Kind.START, Kind.TEXT]),
    (b"</ p>", [Kind.BROKEN]),
    (b"<a href='x", [Kind.BROKEN]),
    (b"<style>a<b{}</style>", [Kind.START, Kind.RAW, Kind.END]),
    (b"<style>a</styles>b", [Kind.START, Kind.RAW]),
    (b"<TITLE><b></TiTlE >", [Kind.START, Kind.RAW, Kind.END]),
])
def test_kinds(source: bytes, kinds: list[Kind]) -> None:
    """Comments, raw text and half tags are told apart as the HTML standard does."""
    assert [token.kind for token in tokenise(source)] == kinds


def test_attributes_in_any_quoting() -> None:
    """Values are read in double, single and no quotes, with character references decoded."""
    token, = tokenise(b"<a HREF=\"x&amp;y\" b='\"' c=d/e f g = h i=>")
    assert [(a.name, a.value) for a in token.attributes] == [
        ("href", "x&y"), ("b", '"'), ("c", "d/e"), ("f", ""), ("g", "h"), ("i", ""),
    ]


@pytest.mark.parametrize("unit", [b"<a ", b"<!--", b"<a b='", b"</", b"<style>", b"<", b"<a" + b" " * 50,
    b"<x a=b ", b"&lt", b"<!"])
def test_a_megabyte_of_openings_is_read(unit: bytes) -> None:
    """What is opened a hundred thousand times and never closed is looked at once (N35)."""
    source = unit * (1_000_000 // len(unit))
    assert sum(t.end - t.start for t in tokenise(source)) == len(source)


def test_lines() -> None:
    """Offsets are told as lines, from 1."""
    lines = Lines(b"a\nb\r\nc")
    assert [lines.at(0), lines.at(1), lines.at(2), lines.at(5)] == [1, 1, 2, 3]
