"""Optional blocks and repeat groups of a source: ``data-optional="name"`` and ``data-repeat="name"``.

Their settings stand beside them: ``data-optional-label``, ``-help`` and ``-default`` (``on``,
``off``); ``data-repeat-label``, ``-help``, ``-min``, ``-max`` and ``-count``. A block is one
element with its own end tag; blocks do not stand in each other, nor in a field.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches

from chalicelib.domain import blocks, values
from chalicelib.domain.errors import Problem
from chalicelib.domain.record import dataclass
from chalicelib.domain.template import Block, BlockKind, RegionType
from chalicelib.rendering.lines import Lines
from chalicelib.rendering.regions import Found
from chalicelib.rendering.structure import Node, Tree
from chalicelib.rendering.tokens import VOID, Token

ATTRIBUTES = ("data-optional", "data-repeat")
SETTINGS = {
    BlockKind.OPTIONAL: ("label", "help", "default"), BlockKind.REPEAT: ("label", "help", "min", "max", "count"),
}
MAX_KEYS = 350
"""The most values one mail may have; a form of more fields is refused on its way in."""
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")


@dataclass(frozen=True, slots=True)
class Grouped:
    """A block with the offsets of its element in the source, its tags included."""

    block: Block
    start: int
    end: int


class _Reader:
    def __init__(self, lines: Lines) -> None:
        self.lines = lines
        self.problems: list[Problem] = []

    def refuse(self, code: str, token: Token, field: str = "", **params: str | int) -> None:
        """Note a problem at a token."""
        self.problems.append(Problem(code, field, {"line": self.lines.at(token.start), **params}))

    def read(self, node: Node, kind: BlockKind, name: str) -> Grouped | None:
        """Read one block; None where it cannot be used."""
        before = len(self.problems)
        token, prefix = node.start, f"data-{kind}-"
        given = {a.name.removeprefix(prefix): a.value.strip() for a in token.attributes if a.name.startswith(prefix)}
        for key in given:
            if key not in SETTINGS[kind]:
                near = get_close_matches(key, SETTINGS[kind], 1)
                self.refuse("template.region_metadata", token, name, attribute=f"{prefix}{key}"[:60],
                            suggestion=prefix + near[0] if near else "")
        if not _NAME.fullmatch(name):
            self.refuse("template.region_name", token, name[:40], name=name[:40])
        if node.end is None and node.name not in VOID:
            self.refuse("template.region_unclosed", token, name, element=node.name)
        if node.name in ("html", "head", "body", "title", "style"):
            self.refuse("template.block_element", token, name, element=node.name)
        least, most, count = self._numbers(token, kind, name, given)
        if len(self.problems) > before:
            return None
        label = given.get("label") or re.sub("[-_]", " ", name).capitalize()
        block = Block(id=name, kind=kind, label=label, help=given.get("help", ""), least=least, most=most, count=count,
                      line=self.lines.at(token.start))
        return Grouped(block, token.start, node.after)

    def _numbers(self, token: Token, kind: BlockKind, name: str, given: dict[str, str]) -> tuple[int, int, int]:
        if kind is BlockKind.OPTIONAL:
            text = given.get("default", "on").lower()
            if text not in ("on", "off"):
                self.refuse("template.region_value", token, name, attribute="data-optional-default", value=text[:40])
            return 0, 1, int(text != "off")
        least, most = self._number(token, name, given, "min", 1), self._number(token, name, given, "max", 6)
        count = self._number(token, name, given, "count", max(least, 1))
        if not least <= count <= most or not 1 <= most <= blocks.MAX_COPIES:
            self.refuse("template.repeat_bounds", token, name, least=least, count=count, most=most,
                        limit=blocks.MAX_COPIES)
        return least, most, count

    def _number(self, token: Token, name: str, given: dict[str, str], key: str, default: int) -> int:
        text = given.get(key, "")
        if not text:
            return default
        if not re.fullmatch("[0-9]{1,3}", text):
            self.refuse("template.region_value", token, name, attribute=f"data-repeat-{key}", value=text[:40])
            return default
        return int(text)


def find(tree: Tree, lines: Lines, found: Sequence[Found]) -> tuple[list[Grouped], list[Found], list[Problem]]:
    """All blocks, the regions with the ids they have inside them, and all that is wrong."""
    reader, groups, seen = _Reader(lines), list[Grouped](), set[str]()
    inside = [(f.start.end, f.end.start) for f in found if f.end]
    for node in tree.nodes:
        for attribute, kind in zip(ATTRIBUTES, BlockKind, strict=True):
            name = node.start.get(attribute)
            if name is None:
                if any(a.name.startswith(attribute + "-") for a in node.start.attributes):
                    reader.refuse("template.block_unnamed", node.start, attribute=attribute)
                continue
            name = name.strip()
            if groups and node.start.start < groups[-1].end:
                reader.refuse("template.block_nested", node.start, name[:40], outer=groups[-1].block.id)
            elif any(start <= node.start.start < end for start, end in inside):
                reader.refuse("template.block_in_region", node.start, name[:40])
            elif name in seen:
                reader.refuse("template.block_doubled", node.start, name[:40])
            elif group := reader.read(node, kind, name):
                groups.append(group)
            seen.add(name)
    regions = [_placed(reader, one, groups) for one in found]
    keys = sum(len(values.keys(f.region)) * _copies(f, groups) for f in regions) + len(groups)
    if keys > MAX_KEYS:
        reader.problems.append(Problem("template.too_many_values", "", {"count": keys, "limit": MAX_KEYS}))
    return groups, regions, reader.problems


def _placed(reader: _Reader, one: Found, groups: Sequence[Grouped]) -> Found:
    """The region with the name of the block around it, and in a group with the first copy's id."""
    group = next((g for g in groups if g.start <= one.start.start < g.end), None)
    if group is None:
        return one
    if one.region.type is RegionType.SYSTEM:
        reader.refuse("template.system_in_block", one.start, one.region.id, block=group.block.id)
        return one
    name = one.region.id if group.block.kind is BlockKind.OPTIONAL else f"{group.block.id}.1.{one.region.id}"
    return Found(replace(one.region, id=name, block=group.block.id), one.start, one.end)


def _copies(one: Found, groups: Sequence[Grouped]) -> int:
    return next((g.block.most for g in groups if g.block.id == one.region.block), 1)
