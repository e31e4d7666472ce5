"""Prices and dates: what a person types, its one form, and how a mail shows it.

Amounts are integers in the currency's minor unit (ISO 4217), never floats. A stored value is a
plain decimal (``49.90``) with as many places as the currency has; a day is ISO 8601.
"""

from __future__ import annotations

import re
from datetime import date

from chalicelib.domain.record import dataclass

_PLACES = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    2: "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY "
       "COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS "
       "INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR "
       "MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD "
       "SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VES WST XCD YER ZAR ZMW ZWG",
}
PLACES = {code: places for places, codes in _PLACES.items() for code in codes.split()}
"""Currency -> decimal places (ISO 4217, list one)."""
_SYMBOLS = {"EUR": "€", "GBP": "£", "USD": "$", "JPY": "¥", "HUF": "Ft", "CHF": "CHF"}
_OF_SYMBOL = {symbol: code for code, symbol in _SYMBOLS.items()}
_AMOUNT = re.compile(r"(?:0|[1-9][0-9]{0,2}(?:[ '\u00a0\u202f,.][0-9]{3})+|[0-9]{1,9})(?:[.,][0-9]{1,3})?")
_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_SYMBOL_FIRST = r"(?P<c>\D{1,3}?)\s?(?P<a>[0-9][0-9.,' \u202f]*)"
_SYMBOL_LAST = r"(?P<a>[0-9][0-9.,' \u202f-]*?)\s?(?P<c>\D{1,3})"
_FORMS = {  # decimal sign, sign between thousands, symbol first, words before the last day
    "en": (".", ",", True, "until"), "de": (",", ".", False, "bis"), "fr": (",", "\u202f", False, "jusqu’au"),
    "es": (",", ".", False, "hasta el"), "hu": (",", "\u00a0", False, "eddig:"),
}


@dataclass(frozen=True, slots=True)
class Price:
    """An amount in minor units of a currency, and the last day on which it is offered, if told."""

    minor: int
    currency: str
    until: date | None = None


def minor_units(text: str, currency: str) -> int | None:
    """The amount in minor units, or None where it cannot be read in only one way.

    Both signs are taken as decimal sign: ``49,90`` and ``49.90``; ``1.234`` in a currency of two
    places is refused, because it means two things.
    """
    places = PLACES.get(currency)
    text = text.strip().removesuffix(",-").removesuffix(".-").removesuffix(",–")
    if places is None or not _AMOUNT.fullmatch(text):
        return None
    whole, sign, rest = _split(text)
    if sign and len(rest) == 3 and places != 3:
        # Three digits behind the only sign: thousands to some, decimals to others.
        grouped = re.fullmatch(r"[1-9][0-9]{0,2}(?:(['\u00a0\u202f ,.])[0-9]{3})(?:\1[0-9]{3})+", text)
        return _digits(text) * _factor(places) if grouped else None
    if len(rest) > places:
        return None if rest.strip("0") else _digits(whole) * _factor(places)
    return _digits(whole) * _factor(places) + int(rest.ljust(places, "0") or "0")


def _digits(text: str) -> int:
    return int(re.sub(r"[^0-9]", "", text))


def _factor(places: int) -> int:
    """Minor units in one of the currency."""
    return int(10 ** places)


def _split(text: str) -> tuple[str, str, str]:
    """The part before the last decimal sign, the sign, and the part behind it."""
    at = max(text.rfind("."), text.rfind(","))
    return (text[:at], text[at], text[at + 1:]) if at >= 0 else (text, "", "")


def plain(minor: int, currency: str) -> str:
    """The stored form: ``4990`` in EUR is ``49.90``."""
    places = PLACES[currency]
    whole, rest = divmod(minor, 10 ** places)
    return f"{whole}.{rest:0{places}}" if places else str(whole)


def day_of(text: str) -> date | None:
    """A day written as 2026-05-31, or None."""
    match = _DAY.fullmatch(text.strip())
    if match is None:
        return None
    try:
        return date(*(int(part) for part in match.groups()))
    except ValueError:
        return None


def shown_day(day: date, language: str) -> str:
    """The day as the mail's readers write it, in digits but for English, whose order is ambiguous."""
    months = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
              "November", "December")
    forms = {
        "en": f"{day.day} {months[day.month - 1]} {day.year}", "de": f"{day.day}.{day.month}.{day.year}",
        "hu": f"{day.year}.\u00a0{day.month:02}.\u00a0{day.day:02}.",
    }
    return forms.get(language[:2].lower(), f"{day.day:02}/{day.month:02}/{day.year}"
                     if language[:2].lower() in ("fr", "es") else day.isoformat())


def shown(price: Price, language: str) -> str:
    """The price as the mail shows it: ``€49.90``, ``49,90 € (bis 31.5.2026)``; whole amounts without zeros."""
    sign, group, first, until = _FORMS.get(language[:2].lower(), _FORMS["en"])
    whole, _, rest = plain(price.minor, price.currency).partition(".")
    digits = f"{int(whole):,}".replace(",", group) + (sign + rest if rest.strip("0") else "")
    symbol = _SYMBOLS.get(price.currency, price.currency)
    near = "" if first and len(symbol) == 1 else "\u00a0"
    text = f"{symbol}{near}{digits}" if first else f"{digits}\u00a0{symbol}"
    return f"{text} ({until} {shown_day(price.until, language)})" if price.until else text


def read(text: str) -> tuple[str, str] | None:
    """(amount, currency) of a text such as ``€49``, ``49,90 EUR`` or ``CHF 20``; None for anything else."""
    text = " ".join(text.split())
    for pattern in (_SYMBOL_FIRST, _SYMBOL_LAST):
        match = re.fullmatch(pattern, text)
        if match:
            code = _OF_SYMBOL.get(match["c"].strip(), match["c"].strip().upper())
            minor = minor_units(match["a"], code)
            if minor is not None:
                return plain(minor, code), code
    return None
