"""Numbers as people write them. The signs are the CLDR's; a test compares them with Babel's."""

from __future__ import annotations

from chalicelib import texts

SIGNS = {"en": (",", "."), "de": (".", ","), "es": (".", ","), "fr": ("\u202f", ","), "hu": ("\u00a0", ",")}
"""Language -> between thousands, before decimals."""


def number(value: int, language: str = texts.DEFAULT) -> str:
    """``1,204``: a whole number with its thousands divided."""
    return f"{value:,}".replace(",", SIGNS.get(language, SIGNS["en"])[0])


def size(count: int, language: str = texts.DEFAULT) -> str:
    """Bytes in a unit that people know: ``812 bytes``, ``48 KB``, ``1.2 MB``."""
    word = texts.translations(language).gettext
    if count < 1000:
        return word("{n} bytes").format(n=count)
    if count < 1_000_000:
        return word("{n} KB").format(n=number(round(count / 1000), language))
    decimals = f"{count / 1_000_000:.1f}".replace(".", SIGNS.get(language, SIGNS["en"])[1])
    return word("{n} MB").format(n=decimals)
