"""Local wall time and its one instant: gaps refused, folds asked, both kept side by side.

Source of the rules: PEP 495 (fold) and RFC 5545 section 3.3.5; zones are IANA names.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

import tzdata  # type: ignore[import-untyped, unused-ignore]

from chalicelib.domain.errors import Problem, Refused
from chalicelib.domain.record import dataclass

LOCAL_FORMAT = "%Y-%m-%dT%H:%M"
GRACE = timedelta(minutes=10)
"""The least time between an approval and the start of an immediate send."""
YEARS = range(2000, 2200)
"""Years outside are typing errors, and the ends of the calendar break conversions."""
LATENESS = timedelta(hours=2)
"""A campaign whose start is older than this is held for a person, never sent late by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendTime:
    """A local time, its zone and fold, the instant they mean, and the tzdata that said so."""

    local: str
    zone: str
    fold: int
    at: datetime
    tzdata: str


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """Every IANA zone name that can be chosen."""
    return frozenset(files(tzdata).joinpath("zones").read_text(encoding="ascii").split())


@lru_cache(maxsize=64)
def zone_of(name: str) -> ZoneInfo:
    """The zone's rules, always from the pinned tzdata package; raises KeyError for an unknown name.

    The operating system's own copy may be older or newer than what ``SendTime.tzdata`` says.
    """
    if name not in zone_names():
        raise KeyError(name)
    with files(tzdata).joinpath("zoneinfo", *name.split("/")).open("rb") as rules:
        return ZoneInfo.from_file(rules, key=name)


def local_day(moment: datetime, zone: str) -> str:
    """The day (ISO 8601) that a moment has in a zone."""
    return moment.astimezone(zone_of(zone)).date().isoformat()


def resolve(local: str, zone: str, fold: str = "", *, field: str = "local_time") -> SendTime:
    """Turn a typed local time and zone into one instant, in UTC.

    Raises Refused with ``time.format``, ``time.zone``, ``time.gap`` (a time the clocks skip;
    params ``before`` and ``after`` are the two nearest times) or ``time.fold`` (a time that
    happens twice while ``fold`` is ""; params ``first`` and ``second`` are the UTC offsets).
    """
    try:
        naive = datetime.strptime(local, LOCAL_FORMAT)
        if naive.year not in YEARS:
            raise ValueError(local)
    except ValueError:
        raise Refused([Problem("time.format", field, {"value": local})]) from None
    try:
        info = zone_of(zone)
    except KeyError:
        raise Refused([Problem("time.zone", "zone", {"value": zone})]) from None
    first, second = naive.replace(tzinfo=info, fold=0), naive.replace(tzinfo=info, fold=1)
    ambiguous = first.utcoffset() != second.utcoffset()
    if ambiguous:
        if _skipped(first):
            raise Refused([Problem("time.gap", field, _around_gap(naive, info))])
        if fold not in ("0", "1"):
            raise Refused([Problem("time.fold", field, {
                "first": _offset(first), "second": _offset(second), "value": local, "zone": zone,
            })])
    chosen = second if fold == "1" else first
    return SendTime(
        local=naive.strftime(LOCAL_FORMAT), zone=zone, fold=chosen.fold if ambiguous else 0,
        at=chosen.astimezone(UTC), tzdata=str(tzdata.IANA_VERSION),
    )


def _skipped(moment: datetime) -> bool:
    """A time in a gap does not survive the way to UTC and back."""
    back = moment.astimezone(UTC).astimezone(moment.tzinfo)
    return back.replace(tzinfo=None, fold=0) != moment.replace(tzinfo=None, fold=0)


def _around_gap(naive: datetime, info: ZoneInfo) -> dict[str, str | int]:
    """The last minute before the gap and the first after it."""
    # PEP 495: in a gap, fold=0 uses the offset before the transition and fold=1 the one after.
    before_offset = naive.replace(tzinfo=info, fold=0).utcoffset() or timedelta()
    after_offset = naive.replace(tzinfo=info, fold=1).utcoffset() or timedelta()
    low = (naive - after_offset).replace(tzinfo=UTC)
    high = (naive - before_offset).replace(tzinfo=UTC)
    low, high = min(low, high), max(low, high)
    step = timedelta(minutes=1)
    moment = low
    while moment < high and moment.astimezone(info).utcoffset() == (moment - step).astimezone(info).utcoffset():
        moment += step
    return {
        "before": (moment - step).astimezone(info).strftime(LOCAL_FORMAT),
        "after": moment.astimezone(info).strftime(LOCAL_FORMAT),
        "value": naive.strftime(LOCAL_FORMAT), "zone": info.key,
    }


def _offset(moment: datetime) -> str:
    return moment.strftime("%z")
