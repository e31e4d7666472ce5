"""A mail part by part, as its form shows it: open fields, locked text, blocks and copies, in the order of reading."""

from __future__ import annotations

import json
from collections.abc import Mapping

from chalicelib.domain import blocks, plain_text, richtext, values
from chalicelib.domain.campaign import Draft
from chalicelib.domain.record import dataclass
from chalicelib.domain.template import Block, Region, RegionType, TemplateVersion
from chalicelib.web.partner_writing import to_writing

PREFIX = "v."
"""Form fields of region keys begin with it, so that no region can take the name of another field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One part of the mail as the form shows it: an open region with its values, or locked text.

    ``kind`` is a region type or ``locked``; ``value`` and ``second`` are what stands in its one or
    two fields, named ``name`` and ``second_name``; a price has a third. ``block`` and ``copy`` are
    rows of their own: the choice whether or how often a block is in the mail (``value``), and the
    beginning of one copy of a group. ``rich`` is what the editor of rich text may make (JSON).
    """

    kind: str
    text: str = ""
    region: Region | None = None
    name: str = ""
    value: str = ""
    second_name: str = ""
    second: str = ""
    limit: int = 0
    third_name: str = ""
    third: str = ""
    block: Block | None = None
    copy: int = 0
    rich: str = ""


def rows_of(version: TemplateVersion, draft: Draft) -> list[Row]:
    """All parts of the mail that a draft makes, with what stands in them now."""
    from chalicelib.usecases.outline import outline

    concrete = blocks.concrete(version, draft.values)
    waiting = sorted(version.blocks, key=lambda b: b.start, reverse=True)
    starts = _starts(version)
    rows, copies = list[Row](), set[tuple[str, int]]()
    for kind, what in outline(concrete):
        region = concrete.region(what) if kind == "region" else None
        if kind == "locked":
            rows.append(Row(kind="locked", text=what))
        elif region is None:
            continue  # a place that the program fills from another field, such as the preview line
        else:
            while waiting and waiting[-1].start <= starts.get(_first_copy(region), 0):
                rows.append(_choice(waiting.pop(), draft.values))
            rows += _copy_row(version, region, copies)
            system = region.type is RegionType.SYSTEM
            rows.append(Row(kind="system", text=region.id, region=region) if system else _open(region, draft.values))
    rows += [_choice(block, draft.values) for block in reversed(waiting)]
    return [row for row in rows if row.kind != "locked" or row.text.strip(" |·–-")]


def _starts(version: TemplateVersion) -> dict[str, int]:
    """Where each region begins in the published HTML."""
    out: dict[str, int] = {}
    for slot in version.slots:
        out.setdefault(slot.region, slot.start)
    return out


def _first_copy(region: Region) -> str:
    """The region's id in the first copy of its group, which the published HTML holds."""
    group, dot, rest = region.id.partition(".")
    return f"{group}.1.{rest.partition('.')[2]}" if dot and region.block else region.id


def _choice(block: Block, typed: Mapping[str, str]) -> Row:
    number = blocks.copies(block, typed)[0]
    key = blocks.control(block)
    value = str(number) if key.endswith(blocks.COUNT) else (blocks.ON if number else blocks.OFF)
    return Row(kind="block", block=block, name=PREFIX + key, value=value)


def _copy_row(version: TemplateVersion, region: Region, seen: set[tuple[str, int]]) -> list[Row]:
    """A heading before the first field of each copy of a group."""
    number = region.id.split(".")[1] if region.block and "." in region.id else ""
    place = (region.block, int(number or 0))
    if not number or place in seen:
        return []
    seen.add(place)
    block = next(b for b in version.blocks if b.id == region.block)
    return [Row(kind="copy", block=block, name=f"{block.id}.{number}", copy=int(number))]


def _open(region: Region, typed: Mapping[str, str]) -> Row:
    base = values.defaults((region,))
    keys = values.keys(region)
    given = [typed.get(key, base[key]) for key in keys]
    given[0] = to_writing(region, given[0])
    names, texts_of = [*(PREFIX + key for key in keys), "", ""], [*given, "", ""]
    return Row(
        kind=region.type.value, region=region, name=names[0], value=texts_of[0], second_name=names[1],
        second=texts_of[1], third_name=names[2], third=texts_of[2], limit=region.max_length or plain_text.MAX_TEXT,
        rich=_editor(region),
    )


def _editor(region: Region) -> str:
    if region.type is not RegionType.RICH:
        return ""
    return json.dumps(richtext.for_editor(region, region.max_length or plain_text.MAX_TEXT), ensure_ascii=False)
