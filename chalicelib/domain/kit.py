"""A brand kit: everything the rules know of a brand, as versioned data that HQ writes (YAML in, YAML out)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field

from chalicelib.domain import closed
from chalicelib.domain.closed import Fields, Judge
from chalicelib.domain.errors import Problem
from chalicelib.domain.record import dataclass

LANGUAGES = ("all", "en", "de", "es", "fr", "hu")
ENTITY_FIELDS = (
    "name", "street", "postal_code", "city", "country", "register", "vat_id", "represented_by", "email", "phone",
)
"""The fields of a legal entity that an imprint may have to show."""
CLIENTS = (
    "gmail", "apple-mail", "outlook-windows", "outlook-web", "outlook-mac", "yahoo", "gmx", "samsung-email",
    "thunderbird",
)
"""Mail clients that rules know (names after caniemail.com)."""
_COLOUR = re.compile(r"#([0-9a-f]{3}|[0-9a-f]{6})\Z", re.IGNORECASE)
_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]+(\.[a-z0-9_-]+)+\Z", re.IGNORECASE)
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_CODE = re.compile(r"(BRD|LNK|LEG|DLV|CLI|A11Y|SEC)\d{3}\Z")
_ID = re.compile(r"[a-z][a-z0-9_-]{0,39}\Z")
_REGEX = re.compile(r"[\\^$|\[\](){}]|\.\*|\.\+|\*.*\*|.\*.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Logo:
    """A logo by its address, or by its bytes in the library.

    Sizes are in CSS pixels as shown, ``ratio`` its width by its height (0: not checked).
    """

    id: str
    url: str
    sha256: str = ""
    min_width: int = 0
    max_width: int = 10_000
    ratio: float = 0.0
    clear_space: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """A brand or product name, its other correct forms, and the mark its first use carries."""

    name: str
    forms: tuple[str, ...] = ()
    mark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disclaimer:
    """Words (``triggers``) that need a text and, where ``url`` is given, a link to it in the same mail."""

    id: str
    triggers: tuple[str, ...]
    text: str
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What counts as too much: per text, except ``lix`` (the reading level of the whole)."""

    exclamations: int = 1
    capitals: int = 1
    emoji: int = 3
    lix: int = 55
    animation_kb: int = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """HQ's own good and bad example of a rule, for its help page."""

    good: str = ""
    bad: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """One brand's rules as data. An empty part switches its rules off: they have nothing to compare with."""

    brand: str = ""
    palette: tuple[str, ...] = ()
    max_difference: float = 5.0
    fonts: tuple[str, ...] = ()
    logos: tuple[Logo, ...] = ()
    logo_required: bool = True
    images: tuple[str, ...] = ()
    names: tuple[Name, ...] = ()
    acronyms: tuple[str, ...] = ()
    banned: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    required: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    disclaimers: tuple[Disclaimer, ...] = ()
    competitors: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    utm: tuple[tuple[str, str], ...] = ()
    font_hosts: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    imprint: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    clients: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    examples: Mapping[str, Example] = field(default_factory=dict)

    def phrases(self, by_language: Mapping[str, tuple[str, ...]], language: str) -> tuple[str, ...]:
        """A list's phrases for a language, with those for all."""
        return (*by_language.get("all", ()), *by_language.get(language[:2].lower(), ()))


EMPTY = Kit()
"""The kit of an org that has none: only the rules that need no brand run."""


def read(text: str) -> Kit:
    """The kit of a YAML text; raises Refused with every problem at once, each with its line."""
    return closed.read(text, of_fields)


def problems_of(text: str) -> tuple[Problem, ...]:
    """What is wrong with a text, nothing if it can be published."""
    return closed.problems_of(text, of_fields)


def of_fields(top: Fields) -> Kit:
    """The kit of a mapping of the closed schema; problems are noted with its reading."""
    colours, links = top.inner("palette"), top.inner("links")
    utm, host = links.inner("utm"), _like(_HOST, "kit.host")
    kit = Kit(
        brand=top.text("brand"),
        palette=tuple(c.lower() for c in colours.texts("colours", judge=_like(_COLOUR, "kit.colour"))),
        max_difference=colours.number("max_difference", 5, low=0, high=100, whole=False), fonts=top.texts("fonts"),
        logos=tuple(_logo(each) for each in top.each("logos")), logo_required=top.flag("logo_required", True),
        images=top.texts("images"), names=tuple(_name(each) for each in top.each("names")),
        acronyms=top.texts("acronyms"), banned=_by_language(top.inner("banned")),
        required=_by_language(top.inner("required")),
        disclaimers=tuple(_disclaimer(each) for each in top.each("disclaimers")),
        competitors=_plain(top, "competitors"), hosts=tuple(h.lower() for h in links.texts("hosts", judge=host)),
        utm=tuple((name, utm.text(name)) for name in utm.keys),
        font_hosts=links.texts("fonts", judge=host), terms=links.texts("terms"),
        imprint=_imprint(top.inner("imprint")),
        clients=top.texts("clients", judge=lambda client: "" if client in CLIENTS else "kit.client"),
        limits=_limits(top.inner("limits")), examples=_examples(top.inner("examples")),
    )
    for part in (colours, links, top):
        part.close()
    return kit


def _plain(fields: Fields, name: str) -> tuple[str, ...]:
    """A list of phrases; none of them may be a regular expression."""
    return fields.texts(name, limit=120, judge=phrase_problem)


def _logo(each: Fields) -> Logo:
    sha256 = each.text("sha256", judge=_like(_SHA256, "kit.sha256"))
    made = Logo(
        id=each.text("id", required=True, judge=_like(_ID, "kit.id")), sha256=sha256,
        url=each.text("url", required=not sha256, judge=lambda u: "" if u.startswith("https://") else "kit.url"),
        min_width=int(each.number("min_width", high=10_000)),
        max_width=int(each.number("max_width", 10_000, high=10_000)),
        ratio=each.number("ratio", 0, high=100, whole=False),
        clear_space=int(each.number("clear_space", high=500)),
    )
    each.close()
    return made


def _name(each: Fields) -> Name:
    made = Name(name=each.text("name", required=True, limit=80, judge=phrase_problem), forms=_plain(each, "forms"),
                mark=each.choice("mark", ("®", "™", "℠")))
    each.close()
    return made


def _disclaimer(each: Fields) -> Disclaimer:
    made = Disclaimer(
        id=each.text("id", required=True), triggers=_plain(each, "triggers"), text=each.text("text", required=True),
        url=each.text("url"),
    )
    if not made.triggers:
        each.reading.wrong("yaml.missing", each.at("triggers"), each.line)
    each.close()
    return made


def _by_language(fields: Fields) -> dict[str, tuple[str, ...]]:
    out = {language: found for language in LANGUAGES if (found := _plain(fields, language))}
    fields.close()
    return out


def _imprint(fields: Fields) -> dict[str, tuple[str, ...]]:
    out = {}
    for country in fields.keys:
        if not (len(country) == 2 and country.isascii() and country.isupper()):
            fields.checked(country, [country], lambda c: "kit.country")
        out[country] = fields.texts(country, judge=lambda f: "" if f in ENTITY_FIELDS else "kit.imprint_field")
    return out


def _limits(fields: Fields) -> Limits:
    plain = Limits()
    made = Limits(**{
        name: int(fields.number(name, getattr(plain, name), high=100_000)) for name in plain.__slots__
    })
    fields.close()
    return made


def _examples(fields: Fields) -> dict[str, Example]:
    out = {}
    for code in fields.keys:
        if not _CODE.match(code):
            fields.checked(code, [code], lambda c: "kit.rule")
        inner = fields.inner(code)
        out[code] = Example(good=inner.text("good"), bad=inner.text("bad"))
        inner.close()
    return out


def _like(pattern: re.Pattern[str], code: str) -> Judge:
    return lambda text: "" if pattern.match(text) else code


def phrase_problem(phrase: str) -> str:
    """A code if a phrase is no plain phrase: HQ's words are never regular expressions.

    A ``*`` is allowed once, at the end: the phrase may go on within the word (``gratis*``).
    """
    if _REGEX.search(phrase):
        return "kit.pattern"
    if not any(c.isalnum() for c in phrase):
        return "kit.no_word"
    return ""
