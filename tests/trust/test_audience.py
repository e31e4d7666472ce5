"""Who is mailed and who is not: single contacts and counts agree."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.audience import Skip, Tally, bracket, preflight_of, skip_reason
from chalicelib.domain.contact import Consent, LegalBasis, Suppression, SuppressionReason
from chalicelib.domain.ids import ContactId, ImportId
from tests.fakes.system import START

PEOPLE = st.lists(st.tuples(
    st.frozensets(st.sampled_from(list(LegalBasis)), max_size=3), st.none() | st.sampled_from(list(SuppressionReason)),
), max_size=30)


def consents(bases: frozenset[LegalBasis]) -> list[Consent]:
    """One consent for each basis."""
    return [Consent(basis=b, obtained_at=START, source="x", batch=ImportId("imp")) for b in bases]


def suppression(reason: SuppressionReason | None) -> Suppression | None:
    """A suppression for the reason."""
    return Suppression(contact=ContactId("x"), reason=reason, at=START) if reason else None


@given(PEOPLE, st.sampled_from(["de", "us", "all"]))
def test_the_count_says_what_the_sender_does(
    people: list[tuple[frozenset[LegalBasis], SuppressionReason | None]], market: str,
) -> None:
    """The pre-flight count by groups equals judging each contact, and nobody is lost in it."""
    judged = [skip_reason(consents(bases), suppression(reason), market=market) for bases, reason in people]
    tally = Tally(
        at=START, suppressed=Counter(reason for _, reason in people if reason),
        by_bases=Counter(bases for bases, reason in people if not reason),
    )
    found = preflight_of(tally, market)
    assert found.receive == judged.count(None)
    assert dict(found.skipped) == {s: n for s, n in Counter(judged).items() if s is not None}
    assert found.audience == len(people) == found.receive + sum(found.skipped.values())


@pytest.mark.parametrize(("basis", "market", "expected"), [
    (LegalBasis.DOUBLE_OPT_IN, "de", None), (LegalBasis.EXISTING_CUSTOMER, "hu", None),
    (LegalBasis.US_OPT_OUT, "us", None), (LegalBasis.US_OPT_OUT, "de", Skip.NO_CONSENT),
    (LegalBasis.US_OPT_OUT, "all", Skip.NO_CONSENT), (LegalBasis.SAFETY_ONLY, "us", Skip.NO_CONSENT),
])
def test_legal_bases_by_market(basis: LegalBasis, market: str, expected: Skip | None) -> None:
    """US opt-out counts in the US only; safety notices never allow marketing (ePrivacy art. 13, CAN-SPAM)."""
    assert skip_reason(consents(frozenset({basis})), None, market=market) is expected


def test_a_suppression_beats_every_consent() -> None:
    """Whoever left is not mailed, whatever consents there are; the cap comes last."""
    all_bases = consents(frozenset(LegalBasis))
    for reason in SuppressionReason:
        assert skip_reason(all_bases, suppression(reason), market="us") is not None
    assert skip_reason(all_bases, None, market="us", recently_mailed=True) is Skip.FREQUENCY
    assert skip_reason([], None, market="us", recently_mailed=True) is Skip.NO_CONSENT


@pytest.mark.parametrize(("count", "expected"), [
    (0, "0"), (1, "1-50"), (50, "1-50"), (51, "51-250"), (1000, "251-1000"), (100_000, "50001-100000"),
    (100_001, "100001+"),
])
def test_brackets(count: int, expected: str) -> None:
    """Head office sees the size of an audience as a bracket only."""
    assert bracket(count) == expected
