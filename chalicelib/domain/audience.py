"""Who receives a campaign and why others do not; brackets are all that HQ sees of a number."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from chalicelib.domain.contact import Consent, LegalBasis, Suppression, SuppressionReason


class Skip(StrEnum):
    """Why a contact of the audience is not mailed."""

    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    MANUAL = "manual"
    NO_CONSENT = "no_consent"
    FREQUENCY = "frequency"
    GONE = "gone"


_SKIP_OF = {
    SuppressionReason.UNSUBSCRIBED: Skip.UNSUBSCRIBED,
    SuppressionReason.IMPORTED: Skip.UNSUBSCRIBED,
    SuppressionReason.BOUNCED: Skip.BOUNCED,
    SuppressionReason.COMPLAINED: Skip.COMPLAINED,
    SuppressionReason.MANUAL: Skip.MANUAL,
}
_MARKETING = frozenset({
    LegalBasis.DOUBLE_OPT_IN, LegalBasis.PROVEN_OPT_IN, LegalBasis.EXISTING_CUSTOMER, LegalBasis.US_OPT_OUT,
})
_US_ONLY = frozenset({LegalBasis.US_OPT_OUT})

BRACKETS = (0, 50, 250, 1_000, 5_000, 20_000, 50_000, 100_000)


def bracket(count: int) -> str:
    """The size bracket of an audience, as HQ and reviewers see it (``251-1000``)."""
    if count == 0:
        return "0"
    lower = 0
    for upper in BRACKETS[1:]:
        if count <= upper:
            return f"{lower + 1}-{upper}"
        lower = upper
    return f"{lower + 1}+"


def skip_reason(
    consents: Iterable[Consent], suppression: Suppression | None, *, market: str, recently_mailed: bool = False,
) -> Skip | None:
    """Why a contact is left out of a marketing mailing, or None if it is mailed.

    A US opt-out basis (CAN-SPAM) counts in the market ``us`` only; elsewhere the law asks for
    consent or an existing customer (ePrivacy Directive 2002/58/EC, article 13).
    """
    if suppression is not None:
        return _SKIP_OF[suppression.reason]
    allowed = _MARKETING if market == "us" else _MARKETING - _US_ONLY
    if not any(c.basis in allowed for c in consents):
        return Skip.NO_CONSENT
    return Skip.FREQUENCY if recently_mailed else None
