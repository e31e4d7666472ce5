"""The normal form of addresses: frozen pairs, and what must hold for every text."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.address import NORMAL_FORM, domain_for_people, normalise
from chalicelib.domain.errors import Refused

GOLDEN = Path(__file__).with_name("golden_addresses.txt")


def pairs() -> list[tuple[str, str]]:
    """The golden file as (input, expected)."""
    lines = (line for line in GOLDEN.read_text("ascii").splitlines() if line and not line.startswith("#"))
    return [(_unescape(left), right) for left, right in (line.split(" -> ") for line in lines)]


def _unescape(text: str) -> str:
    return text.encode("ascii").decode("unicode_escape")


def outcome(address: str) -> str:
    """The normal form, or ``!`` and the code of the refusal."""
    try:
        return normalise(address)
    except Refused as refusal:
        return "!" + refusal.problems[0].code


@pytest.mark.parametrize(("address", "expected"), pairs())
def test_golden_pairs(address: str, expected: str) -> None:
    """The normal form of version 1 never changes: ids of stored customers are made from it."""
    assert NORMAL_FORM == 1
    assert outcome(address) == expected


@pytest.mark.parametrize(("local", "domain", "ok"), [
    (64, 10, True), (65, 10, False), (64, 189, True), (64, 190, False), (10, 243, True), (10, 244, False),
])
def test_length_limits(local: int, domain: int, ok: bool) -> None:
    """RFC 5321, 4.5.3.1: 64 octets before the @, 254 in all."""
    labels = ("x" * 60 + ".") * 10
    address = "a" * local + "@" + labels[: domain - 4] + ".com"
    address = address.replace("..", "x.")
    assert len(address) == local + 1 + domain
    assert outcome(address) == (address if ok else "!address.too_long")


ADDRESSES = st.builds(
    lambda local, domain, tld: f"{local}@{domain}.{tld}",
    st.text(st.sampled_from("abcXYZ019.+-_'ßſİK ü"), min_size=1, max_size=70),
    st.text(st.sampled_from("abcXYZ019.-ßſİKüéЖ例。\u0308\u200b"), min_size=1, max_size=70),
    st.sampled_from(["com", "DE", "рф", "co.uk"]),
)


@given(ADDRESSES | st.text(max_size=400))
def test_idempotent_and_ascii(address: str) -> None:
    """A normal form is its own normal form, plain ASCII, lower case and within the limits."""
    first = outcome(address)
    if first.startswith("!"):
        return
    assert normalise(first) == first
    assert first.isascii() and first == first.lower() and len(first) <= 254
    assert first.count("@") == 1


@given(ADDRESSES)
def test_case_of_ascii_never_matters(address: str) -> None:
    """Upper and lower case of plain letters name the same customer."""
    swapped = "".join(c.swapcase() if c.isascii() else c for c in address)
    assert outcome(swapped) == outcome(address)


@pytest.mark.parametrize("hostile", [
    "a" * 1_000_000, "a." * 500_000 + "@x.de", "a@" + "a-" * 500_000 + ".de", "a@" + "ü" * 1_000_000 + ".de",
    "@" * 1_000_000, "a@" + "\u0308" * 1_000_000, " " * 1_000_000,
])
def test_a_million_characters_cost_nothing(hostile: str) -> None:
    """N35, N51: the length is looked at first, so no pattern and no table meets a long text."""
    started = time.process_time()
    assert outcome(hostile) == "!address.too_long"
    assert time.process_time() - started < 0.5


@pytest.mark.parametrize("shape", ["a" * 320, "a." * 160, "a@" + "a-" * 159, "a@" + "a." * 159, "a@" + "ü" * 300])
def test_the_longest_accepted_input_is_quick(shape: str) -> None:
    """N35: the worst input within the cap does not make the pattern backtrack."""
    started = time.process_time()
    for _ in range(20):
        outcome(shape)
    assert time.process_time() - started < 1.0


def test_refusals_name_no_address() -> None:
    """The text of a refusal, which may reach a log, carries codes only."""
    with pytest.raises(Refused) as caught:
        normalise("canary person@example.com")
    assert "canary" not in str(caught.value)


def test_domain_for_people() -> None:
    """An internationalised domain is shown as it is written, any other as it is."""
    assert domain_for_people("a@xn--bcher-kva.example") == "bücher.example"
    assert domain_for_people("a@example.com") == "example.com"
    assert domain_for_people("a@xn--zzzzzzz-.example") == "xn--zzzzzzz-.example"
