"""Where a thing belongs: org > brand > market for HQ's things, partner for the rest."""

from __future__ import annotations

from enum import StrEnum

from chalicelib.domain.ids import OrgId
from chalicelib.domain.record import dataclass


@dataclass(frozen=True, slots=True)
class Scope:
    """HQ's scope of a template, programme, kit, lane, reviewer or blackout; nearest wins."""

    org: OrgId
    brand: str = "main"
    market: str = "all"


class Zone(StrEnum):
    """Which assumed role reads a partner's data.

    ``PARTNER`` may read the partner's workflow and customers; ``REVIEW`` the workflow only,
    so that nothing at HQ can reach a customer even by mistake.
    """

    PARTNER = "partner"
    REVIEW = "review"
