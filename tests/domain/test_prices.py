"""Prices and dates have one form, whatever was typed."""

from __future__ import annotations

from datetime import date

import pytest

from chalicelib.domain import prices, values
from chalicelib.domain.template import Region, RegionType

PRICE = Region(id="p", type=RegionType.PRICE, label="P", choices=("EUR", "JPY"), default_text="EUR", required=True,
               dated=True)


@pytest.mark.parametrize(("typed", "currency", "minor"), [
    ("49", "EUR", 4900), ("49,9", "EUR", 4990), ("49.90", "EUR", 4990), ("1.234,50", "EUR", 123450),
    ("1,234.50", "EUR", 123450), ("1 234,50", "EUR", 123450), ("1'234", "CHF", 123400), ("49,-", "EUR", 4900),
    ("1.234.567", "EUR", 123456700), ("1.234", "EUR", None), ("49.905", "EUR", None), ("980", "JPY", 980),
    ("980.5", "JPY", None), ("1.234", "KWD", 1234), ("-5", "EUR", None), ("abc", "EUR", None), ("", "EUR", None),
    ("49", "XXX", None), ("1,23,4", "EUR", None),
])
def test_minor_units(typed: str, currency: str, minor: int | None) -> None:
    """An amount is read in integers of the minor unit; what may mean two things is refused."""
    assert prices.minor_units(typed, currency) == minor


@pytest.mark.parametrize(("language", "shown"), [
    ("en", "€1,234.50 (until 31 May 2027)"), ("de-AT", "1.234,50\u00a0€ (bis 31.5.2027)"),
    ("fr", "1\u202f234,50\u00a0€ (jusqu’au 31/05/2027)"), ("es", "1.234,50\u00a0€ (hasta el 31/05/2027)"),
    ("hu", "1\u00a0234,50\u00a0€ (eddig: 2027.\u00a005.\u00a031.)"),
])
def test_shown_in_the_mails_language(language: str, shown: str) -> None:
    """Customers read the price as they write prices."""
    assert prices.shown(prices.Price(123450, "EUR", date(2027, 5, 31)), language) == shown


@pytest.mark.parametrize(("text", "read"), [
    ("€49", ("49.00", "EUR")), ("49,90 €", ("49.90", "EUR")), ("CHF 20", ("20.00", "CHF")),
    ("1.234,50 EUR", ("1234.50", "EUR")), ("¥980", ("980", "JPY")), ("from 20", None), ("", None), ("49 XYZ", None),
])
def test_a_default_is_read_from_the_template(text: str, read: tuple[str, str] | None) -> None:
    """HQ writes the default as the mail shows it."""
    assert prices.read(text) == read


def test_the_parts_of_a_price_are_checked_at_once() -> None:
    """Amount, currency and last day have a problem each, and good ones one form."""
    bad = values.validate(PRICE, {"p": "1.234", "p.currency": "USD", "p.until": "31.5.2027"})
    assert [(p.code, p.field) for p in bad.problems] == [
        ("value.currency", "p.currency"), ("value.date", "p.until"), ("value.price", "p")]
    assert [p.code for p in values.validate(PRICE, {"p": "1.234", "p.until": "2027-05-31"}).problems] == ["value.price"]
    assert [p.field for p in values.validate(PRICE, {}).problems] == ["p", "p.until"]
    good = values.validate(PRICE, {"p": " 49,9 ", "p.currency": "eur", "p.until": "2027-02-28"})
    assert good.problems == () and good.values == {"p": "49.90", "p.currency": "EUR", "p.until": "2027-02-28"}
    assert values.price_of(good.values, "p") == prices.Price(4990, "EUR", date(2027, 2, 28))


@pytest.mark.parametrize(("text", "code"), [
    ("2026-02-30", "value.date"), ("2026-12-31", ""), ("2025-12-31", "value.too_early"),
    ("2028-01-01", "value.too_late"), ("", "value.required"), ("31.12.2026", "value.date"),
])
def test_dates_lie_in_their_bounds(text: str, code: str) -> None:
    """A day is ISO 8601, exists, and lies between the bounds."""
    region = Region(id="d", type=RegionType.DATE, label="D", required=True, earliest="2026-01-01", latest="2027-12-31")
    assert [p.code for p in values.validate(region, {"d": text}).problems] == ([code] if code else [])


def test_lists_have_entries() -> None:
    """Empty lines are no entries; their number and length are bounded."""
    region = Region(id="l", type=RegionType.LIST, label="L", required=True, max_items=2, max_length=5)
    assert values.validate(region, {"l": " a \n\n b  c\n"}).values == {"l": "a\nb c"}
    codes = [p.code for p in values.validate(region, {"l": "a\nb\nfar too long"}).problems]
    assert codes == ["value.too_many", "value.item_too_long"]
    assert [p.code for p in values.validate(region, {"l": " \n"}).problems] == ["value.required"]
