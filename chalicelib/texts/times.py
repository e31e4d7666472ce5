"""Times as people read them: local, with the zone's city, because abbreviations differ by language."""

from __future__ import annotations

from datetime import UTC, datetime

from chalicelib import texts
from chalicelib.domain import schedule


def N_(text: str) -> str:
    """Marks a text for Babel; it is translated where it is used."""
    return text


MONTHS = (
    N_("Jan"), N_("Feb"), N_("Mar"), N_("Apr"), N_("May"), N_("Jun"),
    N_("Jul"), N_("Aug"), N_("Sep"), N_("Oct"), N_("Nov"), N_("Dec"),
)
DAYS = (N_("Mon"), N_("Tue"), N_("Wed"), N_("Thu"), N_("Fri"), N_("Sat"), N_("Sun"))


PATTERN = N_("{weekday} {day} {month} {year}, {time} ({city})")
"""A moment; each language puts the parts into its own order."""
CITIES = (
    N_("Amsterdam"), N_("Athens"), N_("Belgrade"), N_("Berlin"), N_("Bratislava"), N_("Brussels"), N_("Bucharest"),
    N_("Copenhagen"), N_("Dublin"), N_("Lisbon"), N_("Ljubljana"), N_("London"), N_("Luxembourg"), N_("Malta"),
    N_("New York"), N_("Paris"), N_("Prague"), N_("Rome"), N_("Sofia"), N_("Stockholm"), N_("Tallinn"), N_("Vienna"),
    N_("Vilnius"), N_("Warsaw"), N_("Zagreb"), N_("Zurich"),
)
"""Cities of zones that are called otherwise in one of our languages; the others keep their IANA name."""

CONTINENTS = (
    N_("Africa"), N_("America"), N_("Antarctica"), N_("Arctic"), N_("Asia"), N_("Atlantic"), N_("Australia"),
    N_("Europe"), N_("Indian"), N_("Pacific"),
)
"""The first parts of zones, under which a form lists their cities; Atlantic, Indian and Pacific are oceans."""


def local_time(at: datetime, zone: str = "UTC", *, language: str = texts.DEFAULT) -> str:
    """``Tue 24 Nov 2026, 14:02 (Berlin)``; a zone that is not known shows as UTC."""
    try:
        local = at.astimezone(schedule.zone_of(zone))
    except KeyError:
        local, zone = at.astimezone(UTC), "UTC"
    word = texts.translations(language).gettext
    return word(PATTERN).format(
        weekday=word(DAYS[local.weekday()]), day=local.day, month=word(MONTHS[local.month - 1]), year=local.year,
        time=f"{local:%H:%M}", city=city(zone, language=language),
    )


def utc_stamp(at: datetime) -> str:
    """The machine-readable form for ``<time datetime>``."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def city(zone: str, *, language: str = texts.DEFAULT) -> str:
    """The city of an IANA zone: ``America/Argentina/Buenos_Aires`` -> ``Buenos Aires``."""
    name = zone.rpartition("/")[2].replace("_", " ")
    return texts.translations(language).gettext(name) if name in CITIES else name
