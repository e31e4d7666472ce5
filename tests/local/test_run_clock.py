"""The advanceable clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from infra.local.clock import FARTHEST, OffsetClock

START = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Standing:
    """A machine whose time stands still."""

    def now(self) -> datetime:
        """Always the same moment."""
        return START


def test_it_goes_forward_and_tells(tmp_path: Path) -> None:
    """An advance changes the time at once and every listener hears of it."""
    clock, heard = OffsetClock(tmp_path / "clock.json", Standing()), list[datetime]()
    clock.on_advance(lambda: heard.append(clock.now()))
    assert clock.advance(timedelta(hours=5)) == START + timedelta(hours=5)
    assert heard == [START + timedelta(hours=5)]


def test_the_offset_outlives_the_process(tmp_path: Path) -> None:
    """A second start is not earlier than the first one was."""
    OffsetClock(tmp_path / "clock.json", Standing()).advance(timedelta(days=2, seconds=0.5))
    assert OffsetClock(tmp_path / "clock.json", Standing()).now() == START + timedelta(days=2, seconds=0.5)


@pytest.mark.parametrize("by", [timedelta(seconds=-1), FARTHEST + timedelta(seconds=1)])
def test_steps_back_and_too_far_are_refused(tmp_path: Path, by: timedelta) -> None:
    """A refused step changes nothing and tells nobody."""
    clock, heard = OffsetClock(tmp_path / "clock.json", Standing()), list[str]()
    clock.on_advance(lambda: heard.append("advance"))
    with pytest.raises(ValueError, match="clock goes"):
        clock.advance(by)
    assert (clock.now(), heard) == (START, [])
