"""The attributes beside ``data-region``: each read by itself, or refused with its line.

They are ``data-region-type``, ``-label``, ``-help``, ``-required``, ``-default``, ``-max-length``, ``-rows``,
``-choices`` (separated by ``|``), ``-hosts`` (separated by blanks or commas) and ``-risk``; for images
``-pictures``, for prices ``-currencies``, ``-validity`` and ``-until``, for dates ``-earliest`` and ``-latest``,
for lists ``-max-items``. ``data-system="unsubscribe"`` is the short form of
``data-region="unsubscribe" data-region-type="system"``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches

from chalicelib.domain import prices, urls
from chalicelib.domain.template import Pictures, RegionType, Risk
from chalicelib.rendering.tokens import Token

METADATA = (
    "type", "label", "help", "required", "default", "max-length", "rows", "choices", "hosts", "risk", "currencies",
    "validity", "until", "earliest", "latest", "max-items", "pictures",
)
_PREFIX = "data-region-"
_TRUE, _FALSE = ("", "true", "yes", "required", "1"), ("false", "no", "0")

Refuse = Callable[..., None]
"""Notes a problem of one region: its code, and what its sentence needs."""


def given(token: Token) -> tuple[str, dict[str, str]] | None:
    """The region's name ("" if metadata stands alone) and its metadata; None for other elements."""
    meta = {a.name.removeprefix(_PREFIX): a.value for a in token.attributes if a.name.startswith(_PREFIX)}
    name, system = token.get("data-region"), token.get("data-system")
    if system is not None:
        return (name or system).strip(), {**meta, "type": "system"}
    if name is None and not meta:
        return None
    return (name or "").strip(), meta


def near(word: str, known: Iterable[str], least: float = 0.6) -> str:
    """The known word that was most likely meant, or ""."""
    return next(iter(get_close_matches(word, list(known), 1, least)), "")


class Metadata:
    """What stands beside one region's name; what cannot be read is refused and counts as not said."""

    def __init__(self, meta: dict[str, str], refuse: Refuse) -> None:
        self.meta, self.refuse = meta, refuse

    def text(self, key: str) -> str:
        """What was written, without the white space around it; "" where nothing was."""
        return self.meta.get(key, "").strip()

    def check_names(self) -> None:
        """Refuse what is no metadata, with what was probably meant."""
        for key in self.meta:
            if key not in METADATA:
                meant = near(key, METADATA)
                self.refuse("template.region_metadata", attribute=f"{_PREFIX}{key}"[:60],
                            suggestion=meant and f"{_PREFIX}{meant}")

    def type(self) -> RegionType | None:
        """The type by its name; None where it is unknown."""
        text = self.text("type").lower()
        if text in set(RegionType):
            return RegionType(text)
        self.refuse("template.region_type", type=text[:40], suggestion=near(text, RegionType),
                    types=", ".join(RegionType))
        return None

    def required(self, kind: RegionType) -> bool:
        """Whether it must be filled. A link without an address or an image without a source would be broken."""
        if kind in (RegionType.LINK, RegionType.BUTTON, RegionType.IMAGE):
            return True
        text = self.text("required").lower()
        if text not in (*_TRUE, *_FALSE):
            self._refuse_value("required", text)
        return "required" in self.meta and text in _TRUE

    def number(self, key: str, default: int = 0) -> int:
        """A whole number above 0."""
        text = self.text(key)
        if not text:
            return default
        if re.fullmatch(r"[0-9]{1,5}", text) and int(text):
            return int(text)
        self._refuse_value(key, text)
        return default

    def choices(self) -> tuple[str, ...]:
        """What a partner may choose from."""
        return tuple(c.strip() for c in self.text("choices").split("|") if c.strip())

    def hosts(self) -> tuple[str, ...]:
        """Where links may lead."""
        hosts = _words(self.text("hosts").lower())
        for host in hosts:
            try:
                urls.normalise(f"https://{host}/")
            except urls.BadUrl:
                self._refuse_value("hosts", host, 80)
        return hosts

    def currencies(self, own: str) -> tuple[str, ...]:
        """The currencies of a price; where none is said, the default's ``own``, or the euro."""
        codes = _words(self.text("currencies").upper()) or (own or "EUR",)
        for code in codes:
            if code not in prices.PLACES:
                self.refuse("template.currency", value=code[:10], suggestion=near(code, prices.PLACES, 0.5))
        return codes

    def risk(self) -> Risk:
        """How much a change of it matters; medium where nothing is said."""
        text = self.meta.get("risk", "medium").strip().lower()
        if text in set(Risk):
            return Risk(text)
        self.refuse("template.region_risk", value=text[:40], suggestion=near(text, Risk))
        return Risk.MEDIUM

    def day(self, key: str) -> str:
        """A day as YYYY-MM-DD."""
        text = self.text(key)
        if text and prices.day_of(text) is None:
            self._refuse_value(key, text)
        return text

    def dated(self) -> bool:
        """Whether a price needs its last day."""
        text = self.meta.get("validity", "optional").strip().lower()
        if text not in ("required", "optional"):
            self._refuse_value("validity", text)
        return text == "required"

    def pictures(self) -> Pictures:
        """Where pictures come from: with a list of choices from there alone, unless the template says otherwise."""
        plain = Pictures.LISTED if "choices" in self.meta else Pictures.OWN
        text = self.meta.get("pictures", plain).strip().lower()
        if text in set(Pictures):
            return Pictures(text)
        self._refuse_value("pictures", text)
        return plain

    def _refuse_value(self, key: str, value: str, most: int = 40) -> None:
        self.refuse("template.region_value", attribute=f"{_PREFIX}{key}", value=value[:most])


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in re.split(r"[\s,|]+", text) if word)
