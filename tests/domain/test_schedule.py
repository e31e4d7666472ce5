"""Local times: gaps refused, folds asked, every zone's transitions of two years."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from chalicelib.domain.errors import Refused
from chalicelib.domain.schedule import LOCAL_FORMAT, resolve, zone_names, zone_of


def problem(local: str, zone: str, fold: str = "") -> tuple[str, dict[str, str | int]]:
    with pytest.raises(Refused) as refused:
        resolve(local, zone, fold)
    (found,) = refused.value.problems
    return found.code, dict(found.params)


def test_plain_time_keeps_both_sides() -> None:
    """A usual time gives one instant, with the local time, zone and tzdata beside it."""
    found = resolve("2026-12-01T09:00", "Europe/Berlin")
    assert found.at == datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
    assert (found.local, found.zone, found.fold) == ("2026-12-01T09:00", "Europe/Berlin", 0)
    assert found.tzdata


def test_gap_names_the_two_nearest_times() -> None:
    """A time the clocks skip is refused with the last minute before and the first after."""
    code, params = problem("2027-03-28T02:30", "Europe/Berlin")
    assert code == "time.gap"
    assert (params["before"], params["after"]) == ("2027-03-28T01:59", "2027-03-28T03:00")


def test_a_whole_day_can_be_a_gap() -> None:
    """Samoa skipped the 30th of December 2011 (IANA tz, Pacific/Apia)."""
    code, params = problem("2011-12-30T10:00", "Pacific/Apia")
    assert code == "time.gap"
    assert (params["before"], params["after"]) == ("2011-12-29T23:59", "2011-12-31T00:00")


def test_fold_is_asked_and_then_kept() -> None:
    """A time that happens twice is asked; either answer gives its own instant."""
    assert problem("2026-10-25T02:30", "Europe/Berlin")[0] == "time.fold"
    first, second = (resolve("2026-10-25T02:30", "Europe/Berlin", fold) for fold in ("0", "1"))
    assert second.at - first.at == timedelta(hours=1)
    assert (first.fold, second.fold) == (0, 1)


@pytest.mark.parametrize(("local", "zone", "code"), [
    ("tomorrow", "Europe/Berlin", "time.format"), ("2026-13-01T09:00", "Europe/Berlin", "time.format"),
    ("2026-12-01T09:00", "Mars/Olympus", "time.zone"), ("2026-12-01T09:00", "../etc/passwd", "time.zone"),
    ("2026-12-01T09:00", "", "time.zone"), ("2026-12-01T09:00:00", "Europe/Berlin", "time.format"),
    ("9999-12-31T23:59", "America/New_York", "time.format"), ("0001-01-01T00:00", "Asia/Tokyo", "time.format"),
])
def test_bad_times(local: str, zone: str, code: str) -> None:
    """What is no time or no zone is refused by its own code."""
    assert problem(local, zone)[0] == code


def test_every_zone_two_years_of_transitions() -> None:
    """C7: around every transition of every zone a time resolves once, is asked, or has two real neighbours."""
    gaps = folds = 0
    for zone in sorted(zone_names()):
        for moment in transitions(zone_of(zone)):
            for minutes in (-90, -45, -1, 0, 1, 29, 31, 45, 90):
                local = (moment + timedelta(minutes=minutes)).strftime(LOCAL_FORMAT)
                try:
                    found = resolve(local, zone)
                except Refused as refused:
                    (p,) = refused.problems
                    if p.code == "time.gap":
                        gaps += 1
                        before, after = (resolve(str(p.params[k]), zone, "0") for k in ("before", "after"))
                        assert before.local < local < after.local
                        assert after.at - before.at == timedelta(minutes=1)
                    else:
                        folds += 1
                        first, second = resolve(local, zone, "0"), resolve(local, zone, "1")
                        assert first.at < second.at
                        for one in (first, second):
                            assert one.at.astimezone(zone_of(zone)).strftime(LOCAL_FORMAT) == local
                else:
                    assert found.at.astimezone(zone_of(zone)).strftime(LOCAL_FORMAT) == local
    assert gaps > 500
    assert folds > 500


def transitions(zone: ZoneInfo) -> list[datetime]:
    """Wall-clock times (naive) at which a zone's offset changes in 2026 and 2027, found by halving."""
    found = []
    step = timedelta(days=7)
    moment, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
    while moment < end:
        low, high = moment, moment + step
        if low.astimezone(zone).utcoffset() != high.astimezone(zone).utcoffset():
            while high - low > timedelta(minutes=1):
                middle = low + (high - low) / 2
                same = middle.astimezone(zone).utcoffset() == low.astimezone(zone).utcoffset()
                low, high = (middle, high) if same else (low, middle)
            found.append(high.astimezone(zone).replace(tzinfo=None, second=0, microsecond=0))
        moment += step
    return found
