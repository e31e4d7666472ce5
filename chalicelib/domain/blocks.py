"""Optional blocks and repeat groups: from a published version and a partner's choice to one mail.

A published version holds each block once. :func:`concrete` copies a block's bytes as often as
the partner wants it, or leaves them out, and gives each copy's regions their own ids
(``offers.2.price``). What comes out is a version without blocks, so that everything behind it
(values, splicing, the proof of the locked bytes) needs to know nothing of blocks. No byte is
made here: every locked byte of the result is a copy of a published one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from chalicelib.domain.errors import Problem
from chalicelib.domain.template import Block, BlockKind, Region, Slot, TemplateVersion

SHOW, COUNT = "show", "count"
ON, OFF = "yes", ""
MAX_COPIES = 20


def control(block: Block) -> str:
    """The key of the partner's choice: ``<id>.show`` (``yes`` or "") or ``<id>.count``."""
    return f"{block.id}.{SHOW if block.kind is BlockKind.OPTIONAL else COUNT}"


def default(block: Block) -> str:
    """HQ's own choice, as a value."""
    if block.kind is BlockKind.OPTIONAL:
        return ON if block.count else OFF
    return str(block.count)


def copies(block: Block, values: Mapping[str, str]) -> tuple[int, Problem | None]:
    """How often the block is to stand in the mail, and what is wrong with the choice, if anything.

    A choice that cannot be read counts as HQ's own, one out of bounds as the nearest bound.
    """
    key = control(block)
    text = values.get(key, default(block)).strip()
    if block.kind is BlockKind.OPTIONAL:
        if text in (ON, OFF):
            return int(text == ON), None
        return block.count, Problem("value.not_a_choice", key, {"value": text[:40]})
    if not (text.isascii() and text.isdigit() and len(text) < 4):
        return block.count, Problem("value.count", key, {"least": block.least, "most": block.most, "value": text[:40]})
    number = int(text)
    if block.least <= number <= block.most:
        return number, None
    problem = Problem("value.count", key, {"least": block.least, "most": block.most, "value": number})
    return min(max(number, block.least), block.most), problem


def choices(version: TemplateVersion, values: Mapping[str, str]) -> tuple[dict[str, str], list[Problem]]:
    """The choices of all blocks in their one form, with the problems of those that cannot stand."""
    out, problems = dict[str, str](), list[Problem]()
    for block in version.blocks:
        number, problem = copies(block, values)
        out[control(block)] = str(number) if block.kind is BlockKind.REPEAT else (ON if number else OFF)
        if problem:
            problems.append(problem)
    return out, problems


def concrete(version: TemplateVersion, values: Mapping[str, str]) -> TemplateVersion:
    """The version with each block as often as ``values`` say; the same object if it has no blocks."""
    if not version.blocks:
        return version
    source, maker = version.html.encode(), _Maker(version)
    position = 0
    for block in sorted(version.blocks, key=lambda b: b.start):
        maker.stretch(source, position, block.start)
        number = copies(block, values)[0]
        for copy in range(1, number + 1):
            maker.stretch(source, block.start, block.end, block, copy)
        position = block.end
    maker.stretch(source, position, len(source))
    ids = {slot.region for slot in maker.slots}
    counts = {block.id: copies(block, values)[0] for block in version.blocks}
    regions = tuple(r for r in _regions(version, counts) if r.id in ids)
    return replace(version, html=b"".join(maker.out).decode(), slots=tuple(maker.slots), regions=regions, blocks=())


@dataclass(slots=True)
class _Maker:
    """Copies stretches of the published bytes and moves their slots along."""

    version: TemplateVersion
    out: list[bytes]
    slots: list[Slot]
    size: int

    def __init__(self, version: TemplateVersion) -> None:
        self.version, self.out, self.slots, self.size = version, [], [], 0

    def stretch(self, source: bytes, start: int, end: int, block: Block | None = None, copy: int = 1) -> None:
        for slot in self.version.slots:
            # A block begins with a start tag, so an empty slot at its very start stands before it.
            if start <= slot.start - (block is not None) and slot.end <= end:
                shift = self.size - start
                region = renamed(slot.region, block, copy) if block else slot.region
                self.slots.append(Slot(region, slot.start + shift, slot.end + shift, slot.context))
        self.out.append(source[start:end])
        self.size += end - start


def renamed(region: str, block: Block, copy: int) -> str:
    """A region's id in a copy of its group: ``offers.1.price`` becomes ``offers.3.price``."""
    first = f"{block.id}.1."
    return f"{block.id}.{copy}.{region.removeprefix(first)}" if region.startswith(first) else region


def _regions(version: TemplateVersion, counts: Mapping[str, int]) -> Iterator[Region]:
    """The regions of a mail in its order, group by group and copy by copy."""
    by_id, done = {block.id: block for block in version.blocks}, set[str]()
    for region in version.regions:
        block = by_id.get(region.block)
        if block is None or block.kind is BlockKind.OPTIONAL:
            yield region
        elif block.id not in done:
            done.add(block.id)
            inside = [r for r in version.regions if r.block == block.id]
            for copy in range(1, counts[block.id] + 1):
                for one in inside:
                    yield replace(one, id=renamed(one.id, block, copy))


def widest(version: TemplateVersion) -> tuple[Region, ...]:
    """Every region that any mail of this version may have: each group as often as it may stand there."""
    return tuple(_regions(version, {block.id: block.most for block in version.blocks}))


def controls(version: TemplateVersion) -> tuple[str, ...]:
    """The keys of the choices of all blocks."""
    return tuple(control(block) for block in version.blocks)


def without_copy(version: TemplateVersion, block: Block, values: Mapping[str, str], gone: int) -> dict[str, str]:
    """The values after one copy of a group was taken out: what stood behind it moves up."""
    number = copies(block, values)[0]
    if block.kind is not BlockKind.REPEAT or not 1 <= gone <= number or number <= block.least:
        return dict(values)
    first, out = f"{block.id}.", {}
    for key, text in values.items():
        copy, dot, rest = key.removeprefix(first).partition(".") if key.startswith(first) else ("", "", "")
        if not (dot and copy.isdigit()) or int(copy) < gone:
            out[key] = text
        elif int(copy) > gone:
            out[f"{first}{int(copy) - 1}.{rest}"] = text
    out[control(block)] = str(number - 1)
    return out


def with_copy(block: Block, values: Mapping[str, str]) -> dict[str, str]:
    """The values after one more copy was asked for; nothing changes at the most."""
    number = copies(block, values)[0]
    return {**values, control(block): str(min(number + 1, block.most))} if block.kind is BlockKind.REPEAT else {
        **values}
