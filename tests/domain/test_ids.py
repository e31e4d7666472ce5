"""Ids sort by time, cannot be guessed and are safe in URLs and SES tags."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain import ids

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)


def test_shape() -> None:
    """A prefix and 26 lower-case base32 characters."""
    made = ids.make_id("cmp", NOW, b"\xff" * 10)
    assert re.fullmatch(r"cmp_[0-9a-hjkmnp-tv-z]{26}", made)
    assert ids.is_id(made, "cmp")
    assert not ids.is_id(made, "prt")
    assert not ids.is_id(made + "0", "cmp")


def test_later_sorts_later() -> None:
    """A millisecond later sorts later, whatever the random part."""
    assert ids.make_id("cmp", NOW, b"\xff" * 10) < ids.make_id("cmp", NOW + timedelta(milliseconds=1), b"\x00" * 10)


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16))
def test_bytes_keep_their_order(a: bytes, b: bytes) -> None:
    """Sixteen bytes survive the way to text and back, and sort alike on both sides."""
    assert ids.bytes_of(ids.base32_of(a)) == a
    assert (a < b) == (ids.base32_of(a) < ids.base32_of(b))


@pytest.mark.parametrize("text", ["", "0" * 25, "0" * 27, "u" * 26, "z" * 26])
def test_what_is_no_id(text: str) -> None:
    """Wrong length, foreign letters and numbers over 128 bits are refused."""
    with pytest.raises((ValueError, OverflowError)):
        ids.bytes_of(text)
