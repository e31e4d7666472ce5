"""Images as values: what is asked of one, its address, and how it is cut to its place."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain import asset as assets
from chalicelib.domain.asset import Asset, Box, Details, Kind
from chalicelib.domain.ids import PersonId

TODAY = date(2026, 3, 2)
IMAGE = Asset(
    sha256="a" * 64, owner="prt_" + "1" * 26, token="0" * 26, kind=Kind.JPEG, width=1200, height=800, size=9,
    name="Lake", alt="A lake", added_by=PersonId("prs_" + "2" * 26), added_at=datetime(2026, 3, 1, tzinfo=UTC),
)


@pytest.mark.parametrize(("changes", "codes"), [
    ({}, []), ({"alt": "", "decorative": True}, []), ({"until": "2026-03-02"}, []),
    ({"alt": ""}, ["image.alt_missing"]), ({"decorative": True}, ["image.alt_decorative"]),
    ({"name": ""}, ["image.name_missing"]), ({"until": "2026-03-01"}, ["image.until_past"]),
    ({"until": "tomorrow"}, ["image.until"]), ({"until": "20261231"}, ["image.until"]),
    ({"until": "2026-02-30"}, ["image.until"]), ({"name": "x" * 81}, ["value.too_long"]),
    ({"alt": "x" * 301}, ["value.too_long"]), ({"alt": "a\u202eb"}, ["text.control"]),
    ({"name": "", "alt": "", "until": "x"}, ["image.name_missing", "image.alt_missing", "image.until"]),
])
def test_details(changes: dict[str, Any], codes: list[str]) -> None:
    """A name, a description or none on purpose, and a day that is one; all problems at once."""
    details = replace(Details(name="Lake", alt="A lake"), **changes)
    assert [p.code for p in assets.problems_of(details, TODAY)] == codes


def test_address() -> None:
    """Random first, then the hash of the bytes; the owner's own prefix before both."""
    own = assets.address("https://media.example.com", IMAGE)
    assert own == f"https://media.example.com/P/{IMAGE.owner}/{'0' * 26}/{'a' * 64}.jpg"
    assert assets.address("https://m.example", replace(IMAGE, owner="", kind=Kind.GIF)).startswith("https://m.example/ORG/0")
    assert assets.token_of(bytes(16)) == "0" * 26
    with pytest.raises(ValueError, match="16 bytes"):
        assets.token_of(bytes(8))


def test_whose_an_address_is() -> None:
    """Owner and token of an address of ours, and None for all that only looks like one."""
    media = "https://media.example.com"
    for owner in (IMAGE.owner, ""):
        url = assets.address(media, replace(IMAGE, owner=owner))
        assert assets.owner_in(media, url) == (owner, "0" * 26)
        assert assets.owner_in("https://other.example.com", url) is None
        assert assets.owner_in("", url) is None
    for foreign in (media, f"{media}/x", f"{media}.evil.example/ORG/a/b", f"{media}/ORG/a", f"{media}/P/a/b/c/d"):
        assert assets.owner_in(media, foreign) is None


def test_offered() -> None:
    """Until its last day, that day included, and until it is withdrawn."""
    dated = replace(IMAGE, until="2026-03-02")
    assert dated.offered(TODAY) and not dated.offered(date(2026, 3, 3)) and dated.ended(date(2026, 3, 3))
    assert not replace(IMAGE, withdrawn_at=IMAGE.added_at).offered(TODAY)
    assert IMAGE.offered(date(2099, 1, 1)) and not IMAGE.decorative


@pytest.mark.parametrize(("width", "height", "yes"), [
    (600, 400, True), (600, 0, True), (600, 395, True), (600, 280, False), (300, 200, True), (400, 600, False),
])
def test_fits(width: int, height: int, yes: bool) -> None:
    """The ratio counts, a rounding is forgiven, and a place without a height takes any."""
    assert assets.fits(IMAGE, width, height) is yes


def test_cut() -> None:
    """As much as fits, from the edge or the middle, and closer by the zoom."""
    assert assets.cut(1200, 800, 2.0, 50, 50, 100) == Box(0, 100, 1200, 600)
    assert assets.cut(1200, 800, 2.0, 50, 0, 100) == Box(0, 0, 1200, 600)
    assert assets.cut(1200, 800, 1.0, 100, 50, 100) == Box(400, 0, 800, 800)
    assert assets.cut(1200, 800, 1.5, 50, 50, 200) == Box(300, 200, 600, 400)
    assert assets.cut(1200, 800, 1.5, -5, 500, 9_999) == assets.cut(1200, 800, 1.5, 0, 100, 300)


@given(st.integers(1, 4000), st.integers(1, 4000), st.floats(0.05, 20), st.integers(-9, 120), st.integers(-9, 120),
       st.integers(0, 999))
def test_a_cut_lies_in_the_picture(width: int, height: int, ratio: float, x: int, y: int, zoom: int) -> None:
    """Whatever is typed, the box has pixels and all of them are the picture's."""
    box = assets.cut(width, height, ratio, x, y, zoom)
    assert box.width >= 1 and box.height >= 1 and box.left >= 0 and box.top >= 0
    assert box.left + box.width <= width and box.top + box.height <= height


def test_identities() -> None:
    """64 lower-case hex digits, nothing else."""
    assert assets.is_sha256("a" * 64)
    for text in ("", "A" * 64, "a" * 63, "../" + "a" * 61, "g" * 64):
        assert not assets.is_sha256(text)
