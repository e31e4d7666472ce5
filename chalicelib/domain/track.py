"""A partner's track record: what became of its campaigns within a year, as approval routes ask for it.

It is kept beside the campaigns and written with each step that decides one (``ports.workflow.Campaigns``), so
that a page reads one small item instead of all campaigns. Each campaign stands in it once, by its latest
decision; one that was taken back or revoked does not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.domain.campaign import Campaign, State
from chalicelib.domain.ids import CampaignId
from chalicelib.domain.record import dataclass

YEAR = timedelta(days=365)
WEEK = timedelta(days=7)
MAX_DECIDED = 200
"""Campaigns in a record: an item of 15 KB."""


@dataclass(frozen=True, slots=True)
class Decided:
    """A campaign that was approved on a route (``lane``) or ``declined``, and when."""

    campaign: CampaignId
    at: datetime
    lane: str
    declined: bool = False


@dataclass(frozen=True, slots=True)
class Counts:
    """Campaigns within a year: approved by people, declined; within a week: approved at once."""

    approved: int = 0
    declined: int = 0
    auto_week: int = 0


@dataclass(frozen=True, slots=True)
class Track:
    """``cut_at`` is when the latest was decided of those that did not fit; None where all are there."""

    decided: tuple[Decided, ...] = ()
    cut_at: datetime | None = None

    def counts(self, fast: Collection[str], now: datetime) -> Counts | None:
        """What counts now, ``fast`` being the routes that ask nobody; None where too much happened to know it all."""
        if self.cut_at is not None and self.cut_at >= now - YEAR:
            return None
        within = [one for one in self.decided if one.at >= now - YEAR]
        passed = [one for one in within if not one.declined]
        return Counts(
            approved=sum(one.lane not in fast for one in passed), declined=sum(one.declined for one in within),
            auto_week=sum(one.lane in fast and one.at >= now - WEEK for one in passed),
        )


def decided(campaign: Campaign) -> Decided | None:
    """How a campaign was decided, as it stands."""
    if campaign.approved_at is not None:
        return Decided(campaign.id, campaign.approved_at, campaign.lane)
    if campaign.state is State.DECLINED:
        return Decided(campaign.id, campaign.updated_at, campaign.lane, declined=True)
    return None


def differs(before: Campaign, after: Campaign) -> bool:
    """Whether a step decides a campaign, or takes a decision back. A decline stands as of its first moment."""
    one, other = decided(before), decided(after)
    if one and other and one.declined and other.declined:
        return False
    return one != other


def noted(track: Track, after: Campaign, now: datetime) -> Track:
    """The record after a step; noting it twice changes nothing."""
    others = [one for one in track.decided if one.campaign != after.id]
    own = decided(after)
    return _bounded(replace(track, decided=(*others, *([own] if own else []))), now)


def of(campaigns: Iterable[Campaign], now: datetime, *, unseen: datetime | None = None) -> Track:
    """The record of campaigns that were read one by one; ``unseen``: before it there are others, which were not."""
    found = [one for campaign in campaigns if (one := decided(campaign))]
    return _bounded(Track(tuple(found), unseen), now)


def _bounded(track: Track, now: datetime) -> Track:
    """What counts and fits, oldest first; of what does not fit the time of the latest is kept."""
    kept = sorted((one for one in track.decided if one.at >= now - YEAR), key=lambda one: (one.at, one.campaign))
    left = kept[:-MAX_DECIDED]
    cut = max((at for at in (track.cut_at, *(one.at for one in left)) if at is not None), default=None)
    return Track(tuple(kept[-MAX_DECIDED:]), cut if cut and cut >= now - YEAR else None)
