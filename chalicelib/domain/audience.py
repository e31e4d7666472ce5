"""Who receives a campaign and why others do not; brackets are all that HQ sees of a number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.contact import Consent, LegalBasis, Suppression, SuppressionReason
from chalicelib.domain.record import dataclass


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
_EVERYWHERE = _MARKETING - {LegalBasis.US_OPT_OUT}

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
    if not any(c.basis in allowed_bases(market) for c in consents):
        return Skip.NO_CONSENT
    return Skip.FREQUENCY if recently_mailed else None


def allowed_bases(market: str) -> frozenset[LegalBasis]:
    """The legal bases on which a market may be mailed for marketing."""
    return _MARKETING if market == "us" else _EVERYWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """A count of a partner's customers at one moment, from which every market's answer follows.

    ``suppressed`` counts customers by why they are not mailed, ``by_bases`` the others by the
    set of legal bases they have. Suppressions of nobody (an address that was never a customer,
    or was erased) count as neither.
    """

    at: datetime
    suppressed: Mapping[SuppressionReason, int] = field(default_factory=dict)
    by_bases: Mapping[frozenset[LegalBasis], int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """All customers, whether they may be mailed or not."""
        return sum(self.suppressed.values()) + sum(self.by_bases.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Preflight:
    """How many customers would receive a mailing now, and why others would not.

    ``as_of`` is when they were counted; None means never, which is also zero customers.
    """

    audience: int = 0
    receive: int = 0
    skipped: Mapping[Skip, int] = field(default_factory=dict)
    as_of: datetime | None = None


def preflight_of(tally: Tally, market: str) -> Preflight:
    """What a tally says for one market, by the same rules as :func:`skip_reason`."""
    skipped: dict[Skip, int] = {}
    for reason, count in tally.suppressed.items():
        skipped[_SKIP_OF[reason]] = skipped.get(_SKIP_OF[reason], 0) + count
    receive = 0
    for bases, count in tally.by_bases.items():
        if bases & allowed_bases(market):
            receive += count
        else:
            skipped[Skip.NO_CONSENT] = skipped.get(Skip.NO_CONSENT, 0) + count
    return Preflight(audience=tally.total, receive=receive, skipped=skipped, as_of=tally.at)
