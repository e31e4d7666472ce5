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


def local_time(at: datetime, zone: str = "UTC", *, language: str = texts.DEFAULT) -> str:
    """``Tue 24 Nov 2026, 14:02 (Berlin)``; a zone that is not known shows as UTC."""
    try:
        local = at.astimezone(schedule.zone_of(zone))
    except KeyError:
        local, zone = at.astimezone(UTC), "UTC"
    word = texts.translations(language).gettext
    return (f"{word(DAYS[local.weekday()])} {local.day} {word(MONTHS[local.month - 1])} {local.year}, "
            f"{local:%H:%M} ({city(zone)})")


def utc_stamp(at: datetime) -> str:
    """The machine-readable form for ``<time datetime>``."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def city(zone: str) -> str:
    """The city of an IANA zone: ``America/Argentina/Buenos_Aires`` -> ``Buenos Aires``."""
    return zone.rpartition("/")[2].replace("_", " ")
