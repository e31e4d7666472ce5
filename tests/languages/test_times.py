"""Times, numbers and cities as each language writes them, held to the CLDR by way of Babel."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from babel import Locale
from babel.dates import get_timezone_location
from babel.numbers import format_decimal

from chalicelib import texts
from chalicelib.domain import schedule
from chalicelib.texts.numbers import number, size
from chalicelib.texts.times import CITIES, DAYS, MONTHS, city, local_time

AT = datetime(2026, 11, 24, 13, 2, tzinfo=UTC)
OTHERS = [language for language in texts.LANGUAGES if language != texts.DEFAULT]


@pytest.mark.parametrize(("language", "shown"), [
    ("en", "Tue 24 Nov 2026, 14:02 (Vienna)"),
    ("de", "Di., 24. Nov. 2026, 14:02 (Wien)"),
    ("es", "mar, 24 nov 2026, 14:02 (Viena)"),
    ("fr", "mar. 24 nov. 2026, 14:02 (Vienne)"),
    ("hu", "2026. nov. 24., K 14:02 (Bécs)"),
])
def test_a_moment_in_each_language(language: str, shown: str) -> None:
    """Words and their order are the language's; the zone's city is always there."""
    assert local_time(AT, "Europe/Vienna", language=language) == shown


@pytest.mark.parametrize("language", OTHERS)
def test_months_and_days_are_the_cldrs(language: str) -> None:
    """The short names are those that people know from their own calendars."""
    said, locale = texts.translations(language).gettext, Locale.parse(language)
    assert [said(month) for month in MONTHS] == [locale.months["format"]["abbreviated"][n] for n in range(1, 13)]
    assert [said(day).rstrip(".") for day in DAYS] == [
        locale.days["format"]["abbreviated"][n].rstrip(".") for n in range(7)]


@pytest.mark.parametrize("language", OTHERS)
def test_cities_are_the_cldrs(language: str) -> None:
    """A city that a language calls otherwise is called so."""
    zones = {city(zone): zone for zone in sorted(schedule.zone_names()) if city(zone) in CITIES and "/" in zone}
    assert set(zones) == set(CITIES)
    for zone in zones.values():
        assert city(zone, language=language) == get_timezone_location(zone, locale=language, return_city=True)


@pytest.mark.parametrize("language", texts.LANGUAGES)
@pytest.mark.parametrize("value", [0, 7, 999, 1_204, 12_345, 1_234_567])
def test_numbers_are_the_cldrs(language: str, value: int) -> None:
    """Thousands are divided as the language does."""
    assert number(value, language) == format_decimal(value, locale=language)


@pytest.mark.parametrize(("language", "shown"), [
    ("en", ["812 bytes", "48 KB", "1.2 MB"]), ("de", ["812 Bytes", "48 KB", "1,2 MB"]),
    ("fr", ["812 octets", "48 Ko", "1,2 Mo"]), ("hu", ["812 bájt", "48 KB", "1,2 MB"]),
])
def test_sizes(language: str, shown: list[str]) -> None:
    """Bytes have the language's word and decimal sign."""
    assert [size(count, language) for count in (812, 48_100, 1_234_567)] == shown
