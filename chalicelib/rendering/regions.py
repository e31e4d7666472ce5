"""Finding the regions of a source: ``data-region`` elements with their metadata, checked for their places."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from chalicelib.domain.errors import Problem
from chalicelib.domain.record import dataclass
from chalicelib.domain.template import Region, RegionType, SystemBlock
from chalicelib.rendering import defaults, metadata
from chalicelib.rendering.defaults import BREAK, FLOW, PHRASING
from chalicelib.rendering.lines import Lines
from chalicelib.rendering.metadata import Metadata
from chalicelib.rendering.structure import Node, Tree
from chalicelib.rendering.tokens import VOID, Kind, Token

_ELEMENTS = {
    RegionType.TEXT: FLOW | PHRASING | {"a"}, RegionType.CHOICE: FLOW | PHRASING | {"a"},
    RegionType.RICH: FLOW | PHRASING, RegionType.IMAGE: frozenset({"img"}),
    RegionType.LINK: frozenset({"a"}), RegionType.BUTTON: frozenset({"a"}),
    RegionType.SYSTEM: FLOW | PHRASING | {"a", "img"}, RegionType.LIST: frozenset({"ul", "ol"}),
    RegionType.PRICE: FLOW | PHRASING | {"a"}, RegionType.DATE: FLOW | PHRASING | {"a", "time"},
}
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_RESERVED = frozenset({"subject", "preheader", *SystemBlock})
_MENTION = re.compile(rb"data-(?:region|system|optional|repeat)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Found:
    """A region with its element: the start tag and, for one with content, the end tag."""

    region: Region
    start: Token
    end: Token | None

    @property
    def block(self) -> SystemBlock | None:
        """Which system block it is, or None."""
        return SystemBlock(self.region.id) if self.region.type is RegionType.SYSTEM else None

    @property
    def contexts(self) -> tuple[str, ...]:
        """Where its values go: into attributes, between the tags, or both."""
        kind = self.region.type
        if kind is RegionType.IMAGE or self.start.name == "img":
            return ("src", "alt")
        if kind in (RegionType.LINK, RegionType.BUTTON):
            return ("href", "content")
        if kind is RegionType.SYSTEM and self.start.name == "a":
            return ("href",)  # the author's words for "unsubscribe" stay; only the address is ours
        return ("content",)


class _Reader:
    """Reads the regions of one source and collects what is wrong with them."""

    def __init__(self, source: bytes, lines: Lines) -> None:
        self.source, self.lines = source, lines
        self.problems: list[Problem] = []

    def refuse(self, code: str, token: Token, field: str = "", **params: str | int) -> None:
        """Note a problem at a token."""
        self.problems.append(Problem(code, field, {"line": self.lines.at(token.start), **params}))

    def read(self, node: Node, tree: Tree) -> Found | None:
        """Read one element; None where it is no region or one that cannot be used."""
        given = metadata.given(node.start)
        if given is None:
            return None
        before = len(self.problems)
        name, meta = given
        if not name and node.start.attribute("data-region") is None:
            self.refuse("template.meta_without_region", node.start, name)
            return None
        said = Metadata(meta, partial(self.refuse, token=node.start, field=name))
        said.check_names()
        if not _NAME.fullmatch(name):
            self.refuse("template.region_name", node.start, name[:40], name=name[:40])
        kind = self._type(node, name, said)
        if kind is None:
            return None
        self._place(node, tree, name, kind)
        if len(self.problems) > before:
            return None
        region = self._region(node, name, kind, said)
        defaults.check(region, said.refuse)
        return Found(region, node.start, node.end) if len(self.problems) == before else None

    def _type(self, node: Node, name: str, said: Metadata) -> RegionType | None:
        if said.text("type"):
            return said.type()
        return RegionType.SYSTEM if name in set(SystemBlock) else _default_type(self._inner(node), node)

    def _place(self, node: Node, tree: Tree, name: str, kind: RegionType) -> None:
        around = [n.name for n in tree.ancestors(node)]
        if "head" in around or node.name in ("title", "style", "head"):
            self.refuse("template.region_in_head", node.start, name)
        elif kind is RegionType.SYSTEM and name not in set(SystemBlock):
            self.refuse("template.system_name", node.start, name, names=", ".join(SystemBlock),
                        suggestion=metadata.near(name, SystemBlock))
        elif kind is not RegionType.SYSTEM and name in _RESERVED:
            self.refuse("template.region_reserved", node.start, name)
        elif (node.name not in _ELEMENTS[kind] or (node.name == "a" and name in ("imprint", "address"))
              or (kind is RegionType.SYSTEM and (node.name == "img") != (name == "logo"))):
            self.refuse("template.region_element", node.start, name, element=node.name, type=kind.value)
        elif node.name not in VOID and node.end is None:
            self.refuse("template.region_unclosed", node.start, name, element=node.name)
        elif node.name in FLOW | {"ul", "ol"} and any(n in PHRASING for n in around):
            self.refuse("template.region_in_text", node.start, name, element=node.name)
        elif "a" in around and (kind is RegionType.RICH or name == "unsubscribe" or node.name == "a"):
            self.refuse("template.region_in_link", node.start, name)

    def _inner(self, node: Node) -> str:
        return self.source[node.start.end:node.end.start].decode() if node.end else ""

    def _region(self, node: Node, name: str, kind: RegionType, said: Metadata) -> Region:
        default, second = defaults.read(node, self._inner(node), kind, said)
        choices = said.choices()
        if kind is RegionType.IMAGE:
            choices = defaults.images(choices, default, said.refuse)
            default = default or next(iter(choices), "")
        if name == "logo" and kind is RegionType.SYSTEM:
            defaults.images((), default, said.refuse)
        if kind is RegionType.PRICE:
            choices = said.currencies(second)
            second = second or "EUR"
            second = second if "currencies" not in said.meta or second in choices else choices[0]
        if kind is RegionType.CHOICE and not choices:
            said.refuse("template.region_choices")
        region = Region(
            id=name, type=kind, label=said.text("label") or re.sub("[-_]", " ", name).capitalize(),
            help=said.text("help"), required=said.required(kind), default=default, default_text=second,
            max_length=said.number("max-length"), rows=said.number("rows", 1), choices=choices, hosts=said.hosts(),
            risk=said.risk(), inline=kind is RegionType.RICH and node.name in PHRASING,
            line=self.lines.at(node.start.start), default_until=said.day("until"), dated=said.dated(),
            earliest=said.day("earliest"), latest=said.day("latest"), max_items=said.number("max-items"),
        )
        if kind is RegionType.IMAGE:
            region = replace(region, pictures=said.pictures(), width=_side(node, "width"),
                             height=_side(node, "height"))
        return region


def find(source: bytes, tokens: list[Token], tree: Tree, lines: Lines) -> tuple[list[Found], list[Problem]]:
    """All regions of a source in order, and all that is wrong with them."""
    reader = _Reader(source, lines)
    found, seen = [], dict[str, int]()
    inside: tuple[str, int] | None = None
    for node in tree.nodes:
        given = metadata.given(node.start)
        if given is None:
            continue
        name = given[0]
        if inside and node.start.start < inside[1]:
            reader.refuse("template.region_nested", node.start, name[:40], outer=inside[0])
            continue
        if node.end is not None:
            inside = (name, node.end.start)
        if name and name in seen:
            reader.refuse("template.region_doubled", node.start, name[:40], first=seen[name])
            continue
        seen[name] = lines.at(node.start.start)
        region = reader.read(node, tree)
        if region:
            found.append(region)
    for token in tokens:
        for code in _misplaced(source, token):
            reader.refuse(code, token)
    if not set(seen) - set(SystemBlock) and not reader.problems:
        reader.problems.append(Problem("template.no_regions"))
    return found, reader.problems


def _side(node: Node, name: str) -> int:
    """A side of an image's place by its attribute, in pixels; 0 where that says something else."""
    text = (node.start.get(name) or "").strip().removesuffix("px")
    return int(text) if re.fullmatch(r"[0-9]{1,4}", text) else 0


def _default_type(inner: str, node: Node) -> RegionType:
    if node.name == "img":
        return RegionType.IMAGE
    if node.name == "a":
        return RegionType.LINK
    if node.name in ("ul", "ol"):
        return RegionType.LIST
    marked = re.search(r"<[a-zA-Z]", BREAK.sub("", inner))
    return RegionType.RICH if marked and node.name in FLOW | PHRASING else RegionType.TEXT


def _misplaced(source: bytes, token: Token) -> Iterator[str]:
    """Region attributes where no region can be: in comments, raw text or another attribute's value."""
    if token.kind in (Kind.COMMENT, Kind.BROKEN) and _MENTION.search(source, token.start, token.end):
        yield "template.region_in_comment"
    elif token.kind is Kind.RAW and _MENTION.search(source, token.start, token.end):
        yield "template.region_in_head"
    elif token.kind is Kind.START:
        for attribute in token.attributes:
            if _MENTION.search(source, attribute.value_start, attribute.value_end):
                yield "template.region_in_attribute"
