"""What a partner types into a region, checked and brought into its one form.

Values are strings under the region's id. Regions with two parts use two keys: an image has
``<id>`` (the picture's address) and ``<id>.alt``; a link or button has ``<id>`` (the address)
and ``<id>.text``; a price has ``<id>`` (a decimal), ``<id>.currency`` and ``<id>.until``. A
region of a repeat group has its group and number before its name: ``offers.2.price``; what the
partner decides about a block is ``<block>.show`` or ``<block>.count``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field

from chalicelib.domain import blocks, graphemes, plain_text, prices, urls
from chalicelib.domain.errors import Problem, Refused
from chalicelib.domain.record import dataclass
from chalicelib.domain.template import Pictures, Region, RegionType, TemplateVersion

MAX_SUBJECT = 150
MAX_PREHEADER = 200

SECOND = {RegionType.IMAGE: "alt", RegionType.LINK: "text", RegionType.BUTTON: "text"}
"""The second key of a region type that has two."""
MAX_ITEMS = 50
"""The most entries of any list."""


@dataclass(frozen=True, slots=True)
class Checked:
    """The normalised values of one or more regions, with everything there is to say about them.

    ``problems`` must be mended before submit; ``warnings`` are hints (a tag typed into plain
    text will be shown as text).
    """

    values: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()


def keys(region: Region) -> tuple[str, ...]:
    """The keys under which a region's values are posted and stored."""
    if region.type is RegionType.SYSTEM:
        return ()
    if region.type is RegionType.PRICE:
        return (region.id, f"{region.id}.currency", f"{region.id}.until")
    second = SECOND.get(region.type)
    return (region.id, f"{region.id}.{second}") if second else (region.id,)


def defaults(regions: Iterable[Region]) -> dict[str, str]:
    """HQ's defaults of all keys; what a new draft begins with."""
    out: dict[str, str] = {}
    for region in regions:
        own = (region.default, region.default_text, region.default_until)
        out.update(zip(keys(region), own, strict=False))
    return out


def open_keys(version: TemplateVersion) -> frozenset[str]:
    """Every key that a draft of this version may hold, whatever its blocks are set to."""
    named = {key for region in blocks.widest(version) for key in keys(region)}
    return frozenset(named.union(blocks.controls(version)))


def changed_in(version: TemplateVersion, values: Mapping[str, str]) -> tuple[str, ...]:
    """The ids of regions and blocks that differ from HQ's defaults in the mail these values make."""
    regions = changed(blocks.concrete(version, values).regions, values)
    return regions + tuple(b.id for b in version.blocks if blocks.copies(b, values)[0] != b.count)


def validate_version(version: TemplateVersion, raw: Mapping[str, str]) -> tuple[TemplateVersion, Checked]:
    """The version as these values want it (see :mod:`blocks`), with the values of its regions checked.

    Values of a copy or block that is not in the mail are left out; they do not count against it.
    """
    chosen, problems = blocks.choices(version, raw)
    concrete = blocks.concrete(version, raw)
    if not version.blocks:
        return concrete, validate_all(concrete.regions, raw)
    here, possible = {key for r in concrete.regions for key in keys(r)}, open_keys(version)
    checked = validate_all(concrete.regions, {k: v for k, v in raw.items() if k in here or k not in possible})
    return concrete, Checked({**checked.values, **chosen}, (*problems, *checked.problems), checked.warnings)


def price_of(values: Mapping[str, str], region: str) -> prices.Price | None:
    """The price in a region of checked values, None where there is none."""
    currency = values.get(f"{region}.currency", "")
    minor = prices.minor_units(values.get(region, ""), currency)
    if minor is None:
        return None
    return prices.Price(minor, currency, prices.day_of(values.get(f"{region}.until", "")))


def changed(regions: Iterable[Region], values: Mapping[str, str]) -> tuple[str, ...]:
    """The ids of the regions whose values differ from HQ's defaults."""
    regions = tuple(regions)
    base = defaults(regions)
    return tuple(r.id for r in regions if any(values.get(k, base[k]) != base[k] for k in keys(r)))


def validate(region: Region, raw: Mapping[str, str]) -> Checked:
    """Check one region's values; a key that is absent counts as HQ's default."""
    base = defaults((region,))
    given = {key: raw.get(key, base[key]) for key in keys(region)}
    values: dict[str, str] = {}
    problems: list[Problem] = []
    warnings: list[Problem] = []
    for key, text in given.items():
        second = key != region.id
        values[key], found, hints = _VALUE[region.type](region, key, text, second)
        problems += found
        warnings += hints
    if region.type is RegionType.PRICE:
        problems += _price_parts(region, values)
    return Checked(values, tuple(problems), tuple(warnings))


def validate_all(regions: Iterable[Region], raw: Mapping[str, str]) -> Checked:
    """Check all values of a draft; keys that no open region has are problems too.

    A key that names a system block or a locked part is ``value.locked``: somebody posted what
    the form does not offer.
    """
    regions = tuple(regions)
    checked = [validate(region, raw) for region in regions]
    known = {key for region in regions for key in keys(region)}
    locked = [Problem("value.locked", key[:80]) for key in sorted(raw) if key not in known]
    return Checked(
        {key: value for one in checked for key, value in one.values.items()},
        tuple(locked) + tuple(p for one in checked for p in one.problems),
        tuple(w for one in checked for w in one.warnings),
    )


def require(checked: Checked) -> Mapping[str, str]:
    """The values; raises Refused with all problems if there are any."""
    if checked.problems:
        raise Refused(checked.problems)
    return checked.values


_Value = tuple[str, list[Problem], list[Problem]]


def _limit(region: Region) -> int:
    return region.max_length or plain_text.MAX_TEXT


def _text(region: Region, key: str, text: str, second: bool) -> _Value:
    if region.rows == 1:
        return plain_text.line(key, text, limit=_limit(region), required=region.required)
    value, problems = plain_text.clean(key, text)
    value = "\n".join(" ".join(row.split()) for row in value.split("\n"))
    problems += plain_text.bounds(key, value, _limit(region), region.required)
    return value, problems, plain_text.hints(key, value)


def _rich(region: Region, key: str, text: str, second: bool) -> _Value:
    value, problems = plain_text.clean(key, text)
    problems += plain_text.bounds(key, plain_text.visible(value), _limit(region), region.required)
    return value, problems, plain_text.syntax(key, value)


def _choice(region: Region, key: str, text: str, second: bool) -> _Value:
    if second:
        return plain_text.line(key, text, limit=_limit(region), required=False)
    value, problems = plain_text.clean(key, text)
    if not value:
        return value, problems + ([Problem("value.required", key)] if region.required else []), []
    if value in region.choices or problems:
        return value, problems, []
    if region.type is not RegionType.IMAGE or region.pictures is Pictures.LISTED:
        return value, [Problem("value.not_a_choice", key, {"value": value[:80]})], []
    # Whether this picture may be used is a rule's business (BRD006): here it is an address or none.
    try:
        return urls.normalise(value), [], []
    except urls.BadUrl as error:
        return value, [Problem(error.code, key, {"value": value[:120]})], []


def _link(region: Region, key: str, text: str, second: bool) -> _Value:
    if second:
        return plain_text.line(key, text, limit=_limit(region), required=True)
    value, problems = plain_text.clean(key, text)
    if problems or not value:
        return value, problems + ([] if value else [Problem("value.required", key)]), []
    try:
        value = urls.normalise(value)
    except urls.BadUrl as error:
        return value, [Problem(error.code, key, {"value": value[:120]})], []
    host = urls.host_of(value)
    if region.hosts and not urls.host_allowed(host, region.hosts):
        return value, [Problem("value.host", key, {"host": host, "hosts": ", ".join(region.hosts)})], []
    return value, [], []


def _price(region: Region, key: str, text: str, second: bool) -> _Value:
    """Amount and currency are judged together in :func:`_price_parts`; here each part by itself."""
    value, problems = plain_text.clean(key, text)
    value = " ".join(value.split())
    if key.endswith(".until") and second:
        return _day_value(key, value, problems, region.dated)
    if second:
        value = value.upper() or region.default_text
        if value not in region.choices:
            known = ", ".join(region.choices)
            problems.append(Problem("value.currency", key, {"value": value[:10], "currencies": known}))
        return value, problems, []
    return value, problems + ([] if value or not region.required else [Problem("value.required", key)]), []


def _price_parts(region: Region, values: dict[str, str]) -> list[Problem]:
    """Bring the amount into its one form, which needs the currency."""
    text, currency = values[region.id], values[f"{region.id}.currency"]
    if not text or currency not in prices.PLACES:
        return []
    minor = prices.minor_units(text, currency)
    if minor is None:
        return [Problem("value.price", region.id, {"value": text[:40], "example": prices.plain(4990, currency)})]
    values[region.id] = prices.plain(minor, currency)
    return []


def _date(region: Region, key: str, text: str, second: bool) -> _Value:
    value, problems = plain_text.clean(key, text)
    value, problems, hints = _day_value(key, value, problems, region.required)
    if not problems and value:
        if region.earliest and value < region.earliest:
            problems.append(Problem("value.too_early", key, {"earliest": region.earliest}))
        if region.latest and value > region.latest:
            problems.append(Problem("value.too_late", key, {"latest": region.latest}))
    return value, problems, hints


def _day_value(key: str, value: str, problems: list[Problem], required: bool) -> _Value:
    if not value:
        return value, problems + ([Problem("value.required", key)] if required else []), []
    if not problems and prices.day_of(value) is None:
        problems.append(Problem("value.date", key, {"value": value[:40]}))
    return value, problems, []


def _list(region: Region, key: str, text: str, second: bool) -> _Value:
    value, problems = plain_text.clean(key, text)
    items = [item for row in value.split("\n") if (item := " ".join(row.split()))]
    most = region.max_items or MAX_ITEMS
    if not items and region.required:
        problems.append(Problem("value.required", key))
    if len(items) > most:
        problems.append(Problem("value.too_many", key, {"max": most, "count": len(items)}))
    limit = _limit(region)
    for number, item in enumerate(items, 1):
        if (length := graphemes.count(item)) > limit:
            problems.append(Problem("value.item_too_long", key, {"number": number, "max": limit, "length": length}))
    value = "\n".join(items)
    return value, problems, plain_text.hints(key, value)


def _system(region: Region, key: str, text: str, second: bool) -> _Value:
    raise AssertionError("a system block has no keys")


_VALUE = {
    RegionType.TEXT: _text, RegionType.RICH: _rich, RegionType.IMAGE: _choice, RegionType.CHOICE: _choice,
    RegionType.LINK: _link, RegionType.BUTTON: _link, RegionType.SYSTEM: _system,
    RegionType.PRICE: _price, RegionType.DATE: _date, RegionType.LIST: _list,
}
