"""Rendering a mail for good, and previewing one leniently."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from chalicelib.domain import plain_text, prices, values
from chalicelib.domain import values as values_module
from chalicelib.domain.content import UNSUBSCRIBE_URL, Content, Context
from chalicelib.domain.errors import Problem, Refused
from chalicelib.domain.partner import LegalEntity
from chalicelib.domain.record import dataclass
from chalicelib.domain.template import Region, RegionType, Slot, TemplateVersion
from chalicelib.rendering import document, fill, frame, merge
from chalicelib.rendering.fill import Filled, Key
from chalicelib.rendering.merge import SENTINEL, Place, sentinel
from chalicelib.rendering.placeholders import Encoder
from chalicelib.rendering.text import Mark, plain
from chalicelib.rendering.tokens import tokenise

_UNSUBSCRIBE = Place(0, 0, UNSUBSCRIBE_URL, "")
"""Always the first place: its sentinel stands wherever the way out is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A mail, encoded once. ``values``, ``subject`` and ``preheader`` are in their one form.

    ``assets`` are the addresses of the chosen images; ``headers`` what the sender must set, with
    ``{{unsubscribe_url}}`` where each recipient's address goes; ``warnings`` hints per field.
    """

    content: Content
    values: Mapping[str, str]
    subject: str
    preheader: str
    assets: tuple[str, ...]
    locked_sha256: str
    imprint_sha256: str
    headers: tuple[tuple[str, str], ...]
    merge_fields: tuple[tuple[str, str], ...]
    warnings: tuple[Problem, ...] = ()
    filled: Filled
    plain_text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What there is so far, for a sample customer. ``html`` is a whole page for a sandboxed frame."""

    subject: str
    preheader: str
    html: str
    text: str
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class _Line:
    """A subject or preheader: ``text`` with sentinels where it is HQ's own with merge fields."""

    value: str
    text: str
    open: bool
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()


def render(
    version: TemplateVersion, *, values: Mapping[str, str], subject: str, preheader: str, entity: LegalEntity,
) -> Rendered:
    """Render and encode a mail.

    Raises Refused with all problems of all values, ``field`` being the key of the value
    (``subject`` and ``preheader`` too); raises LockedBytesChanged if a value would leave its place.
    """
    version, checked = values_module.validate_version(version, values)
    places = [_UNSUBSCRIBE]
    of_template = template_places(version.html, version.slots)
    places += of_template
    head = _line("subject", subject, version.subject, places)
    lead = _line("preheader", preheader, version.preheader, places)
    checked, own, hints = _fragments(version, checked)
    problems = (*head.problems, *lead.problems, *checked.problems)
    if problems:
        raise Refused(problems)
    filled = fill.fill(version, own | frame.fragments(version, entity, sentinel(0), lead.text))
    marks = _marks(version, filled, of_template)
    marked, readable = _marked(filled, marks), plain(filled.html, marks)
    encoder = Encoder(places)
    content = Content(
        html=encoder.encode(marked.decode(), Context.HTML), text=encoder.encode(readable, Context.TEXT),
        subject=encoder.encode(head.text, Context.SUBJECT), placeholders=encoder.placeholders,
    )
    return Rendered(
        content=content, values=dict(checked.values), subject=head.value, preheader=lead.value,
        assets=_assets(version, checked.values), locked_sha256=filled.locked_sha256,
        imprint_sha256=frame.imprint_sha256(entity), headers=frame.HEADERS,
        merge_fields=tuple(sorted({(p.field, p.default) for p in content.placeholders if p.field})),
        warnings=(*head.warnings, *lead.warnings, *checked.warnings, *hints), filled=filled,
        plain_text=document.named(readable, [place.field for place in places]),
    )


def preview(
    version: TemplateVersion, *, values: Mapping[str, str], subject: str = "", preheader: str = "",
    entity: LegalEntity | None = None, profile: Mapping[str, str] | None = None,
) -> Preview:
    """Render what is there: empty fields show their label, bad addresses are dead, nothing is refused.

    ``profile`` is the sample customer; fields it lacks take the template's default. The way out
    leads nowhere. Hostile values are as harmless here as in the mail.
    """
    version, checked = values_module.validate_version(version, values)
    places = [_UNSUBSCRIBE]
    of_template = template_places(version.html, version.slots)
    places += of_template
    head = _line("subject", subject, version.subject, places)
    lead = _line("preheader", preheader, version.preheader, places)
    checked, own, hints = _fragments(version, checked, lenient=True)
    sample = _sample(places, profile or {})
    shown = entity or LegalEntity(name="…", street="", postal_code="", city="", country="")
    filled = fill.fill(version, own | frame.fragments(version, shown, "", lead.text))
    marks = _marks(version, filled, of_template)
    marked = _marked(filled, marks)
    return Preview(
        subject=_expanded(head.text, sample), preheader=_expanded(lead.text, sample),
        html=_expanded(marked.decode(), [fill.attribute(text) for text in sample]),
        text=_expanded(plain(filled.html, marks), sample), problems=(*head.problems, *lead.problems, *checked.problems),
        warnings=(*head.warnings, *lead.warnings, *checked.warnings, *hints),
    )


@lru_cache(maxsize=8)
def template_places(source: str, slots: tuple[Slot, ...]) -> Sequence[Place]:
    """The merge fields of a published version, which never change; a warm function keeps the last few."""
    data = source.encode()
    return tuple(merge.places(data, tokenise(data), slots)[0])


def _line(key: str, given: str, own: str, places: list[Place]) -> _Line:
    """Check a subject or preheader; HQ's own text may use merge fields, a partner's is text."""
    if given.strip() == own.strip() and (found := merge.parse(own.strip())[0]):
        out, position, data = [], 0, own.strip().encode()
        for place in found:
            out += [data[position:place.start].decode(), sentinel(len(places))]
            places.append(place)
            position = place.end
        return _Line(own.strip(), "".join(out) + data[position:].decode(), False)
    limit = values.MAX_SUBJECT if key == "subject" else values.MAX_PREHEADER
    value, problems, warnings = plain_text.line(key, given, limit=limit, required=key == "subject")
    return _Line(value, value, True, tuple(problems), tuple(warnings))


def _fragments(
    version: TemplateVersion, checked: values.Checked, *, lenient: bool = False,
) -> tuple[values.Checked, dict[Key, str], list[Problem]]:
    """The open slots' bytes with everything there is to say about the values."""
    fragments: dict[Key, str] = {}
    problems, hints = list(checked.problems), list[Problem]()
    bad = {p.field for p in checked.problems}
    for region in version.regions:
        if region.type is RegionType.SYSTEM:
            continue
        given = {key: checked.values[key] for key in values.keys(region)}
        if lenient:
            given = _filled_up(region, given, bad)
        made, found = _region_fragments(region, given, version.language)
        fragments |= made
        problems += found
        if region.type is RegionType.RICH and (gone := fill.dropped(region, given[region.id])):
            hints.append(Problem("value.sanitised", region.id, {"found": ", ".join(gone)[:120]}))
    return values.Checked(checked.values, tuple(problems), checked.warnings), fragments, hints


def _region_fragments(region: Region, given: Mapping[str, str], language: str) -> tuple[dict[Key, str], list[Problem]]:
    value, second = given[region.id], given.get(f"{region.id}.{values.SECOND.get(region.type, '')}", "")
    if region.type is RegionType.RICH:
        cleaned, problems = fill.rich(region, value)
        return {(region.id, "content"): cleaned}, problems
    if region.type is RegionType.IMAGE:
        return {(region.id, "src"): fill.attribute(value), (region.id, "alt"): fill.attribute(second)}, []
    if region.type in (RegionType.LINK, RegionType.BUTTON):
        return {(region.id, "href"): fill.attribute(value), (region.id, "content"): fill.text(second)}, []
    if region.type is RegionType.LIST:
        items = "".join(f"<li>{fill.text(item)}</li>" for item in value.split("\n") if item)
        return {(region.id, "content"): items}, []
    if region.type is RegionType.PRICE:
        price = values.price_of(given, region.id)
        return {(region.id, "content"): fill.text(prices.shown(price, language) if price else value)}, []
    if region.type is RegionType.DATE:
        day = prices.day_of(value)
        return {(region.id, "content"): fill.text(prices.shown_day(day, language) if day else value)}, []
    return {(region.id, "content"): fill.text(value)}, []


def _filled_up(region: Region, given: Mapping[str, str], bad: set[str]) -> dict[str, str]:
    """For the preview: labels for what is empty, nothing for an address that is not one."""
    out = dict(given)
    if region.type is RegionType.IMAGE:
        out[region.id] = region.default if region.id in bad or not out[region.id] else out[region.id]
        return out
    if region.type in (RegionType.LINK, RegionType.BUTTON):
        out[region.id] = "#" if region.id in bad else out[region.id]
        out[f"{region.id}.text"] = out[f"{region.id}.text"] or f"[{region.label}]"
    elif not out[region.id]:
        out[region.id] = fill.text(f"[{region.label}]") if region.type is RegionType.RICH else f"[{region.label}]"
    return {key: value[:plain_text.MAX_TEXT] for key, value in out.items()}


def _marks(version: TemplateVersion, filled: Filled, template_places: Sequence[Place]) -> list[Mark]:
    """Where the template's merge fields stand in the filled HTML, with the sentinel of each.

    They are not searched in the filled bytes: a partner's own braces beside one must not hide it.
    """
    pairs, marks, index, shift = list(zip(version.slots, filled.slots, strict=True)), list[Mark](), 0, 0
    for number, place in enumerate(template_places, 1):
        while index < len(pairs) and pairs[index][0].end <= place.start:
            shift = pairs[index][1].end - pairs[index][0].end
            index += 1
        marks.append((place.start + shift, place.end + shift, sentinel(number)))
    return marks


def _marked(filled: Filled, marks: Sequence[Mark]) -> bytes:
    """The filled HTML with a sentinel for each merge field."""
    out, position = list[bytes](), 0
    for start, end, mark in marks:
        out += [filled.html[position:start], mark.encode()]
        position = end
    return b"".join([*out, filled.html[position:]])


def _sample(places: Sequence[Place], profile: Mapping[str, str]) -> list[str]:
    return ["" if p is _UNSUBSCRIBE else profile.get(p.field, "") or p.default for p in places]


def _expanded(text: str, sample: Sequence[str]) -> str:
    return SENTINEL.sub(lambda match: sample[int(match.group(1))], text)


def _assets(version: TemplateVersion, chosen: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(sorted({chosen[r.id] for r in version.regions if r.type is RegionType.IMAGE and chosen[r.id]}))
