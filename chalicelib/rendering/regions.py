"""Finding the regions of a source: ``data-region`` elements with their metadata, checked.

The attributes beside ``data-region="name"`` are ``data-region-type``, ``-label``, ``-help``,
``-required``, ``-default``, ``-max-length``, ``-rows``, ``-choices`` (separated by ``|``),
``-hosts`` (separated by blanks or commas) and ``-risk``; for images ``-pictures``, for prices
``-currencies``, ``-validity`` and ``-until``, for dates ``-earliest`` and ``-latest``, for lists
``-max-items``. ``data-system="unsubscribe"`` is the short form of
``data-region="unsubscribe" data-region-type="system"``.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import replace
from difflib import get_close_matches

from chalicelib.domain import prices, richtext, urls, values
from chalicelib.domain.errors import Problem
from chalicelib.domain.record import dataclass
from chalicelib.domain.template import Pictures, Region, RegionType, Risk, SystemBlock
from chalicelib.rendering.structure import Node, Tree
from chalicelib.rendering.tokens import VOID, Kind, Lines, Token, tags

METADATA = (
    "type", "label", "help", "required", "default", "max-length", "rows", "choices", "hosts", "risk", "currencies",
    "validity", "until", "earliest", "latest", "max-items", "pictures",
)
INLINE_TAGS, BLOCK_TAGS = richtext.INLINE, richtext.BLOCK

_FLOW = tags("td th div center blockquote li section article header footer main aside address")
_PHRASING = tags("p h1 h2 h3 h4 h5 h6 span strong em b i u small font label sup sub")
_ELEMENTS = {
    RegionType.TEXT: _FLOW | _PHRASING | {"a"}, RegionType.CHOICE: _FLOW | _PHRASING | {"a"},
    RegionType.RICH: _FLOW | _PHRASING, RegionType.IMAGE: frozenset({"img"}),
    RegionType.LINK: frozenset({"a"}), RegionType.BUTTON: frozenset({"a"}),
    RegionType.SYSTEM: _FLOW | _PHRASING | {"a", "img"}, RegionType.LIST: frozenset({"ul", "ol"}),
    RegionType.PRICE: _FLOW | _PHRASING | {"a"}, RegionType.DATE: _FLOW | _PHRASING | {"a", "time"},
}
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_RESERVED = frozenset({"subject", "preheader", *SystemBlock})
_TRUE, _FALSE = ("", "true", "yes", "required", "1"), ("false", "no", "0")
_BREAK = re.compile(r"<br\b[^<>]*+>", re.IGNORECASE)
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
        given = _metadata(node.start)
        if given is None:
            return None
        before = len(self.problems)
        name, meta = given
        if not name and node.start.attribute("data-region") is None:
            self.refuse("template.meta_without_region", node.start, name)
            return None
        self._unknown_metadata(node.start, name, meta)
        if not _NAME.fullmatch(name):
            self.refuse("template.region_name", node.start, name[:40], name=name[:40])
        kind = self._type(node, name, meta)
        if kind is None:
            return None
        self._place(node, tree, name, kind)
        if len(self.problems) > before:
            return None
        region = self._region(node, name, kind, meta)
        return Found(region, node.start, node.end) if len(self.problems) == before else None

    def _unknown_metadata(self, token: Token, name: str, meta: dict[str, str]) -> None:
        for key in meta:
            if key not in METADATA:
                near = get_close_matches(key, METADATA, 1)
                self.refuse("template.region_metadata", token, name, attribute=f"data-region-{key}"[:60],
                            suggestion=f"data-region-{near[0]}" if near else "")

    def _type(self, node: Node, name: str, meta: dict[str, str]) -> RegionType | None:
        given = meta.get("type", "").strip().lower()
        if not given:
            return RegionType.SYSTEM if name in set(SystemBlock) else _default_type(self._inner(node), node)
        try:
            return RegionType(given)
        except ValueError:
            near = get_close_matches(given, list(RegionType), 1)
            self.refuse("template.region_type", node.start, name, type=given[:40], suggestion=near[0] if near else "",
                        types=", ".join(RegionType))
            return None

    def _place(self, node: Node, tree: Tree, name: str, kind: RegionType) -> None:
        around = [n.name for n in tree.ancestors(node)]
        if "head" in around or node.name in ("title", "style", "head"):
            self.refuse("template.region_in_head", node.start, name)
        elif kind is RegionType.SYSTEM and name not in set(SystemBlock):
            near = get_close_matches(name, list(SystemBlock), 1)
            self.refuse("template.system_name", node.start, name, names=", ".join(SystemBlock),
                        suggestion=near[0] if near else "")
        elif kind is not RegionType.SYSTEM and name in _RESERVED:
            self.refuse("template.region_reserved", node.start, name)
        elif (node.name not in _ELEMENTS[kind] or (node.name == "a" and name in ("imprint", "address"))
              or (kind is RegionType.SYSTEM and (node.name == "img") != (name == "logo"))):
            self.refuse("template.region_element", node.start, name, element=node.name, type=kind.value)
        elif node.name not in VOID and node.end is None:
            self.refuse("template.region_unclosed", node.start, name, element=node.name)
        elif node.name in _FLOW | {"ul", "ol"} and any(n in _PHRASING for n in around):
            self.refuse("template.region_in_text", node.start, name, element=node.name)
        elif "a" in around and (kind is RegionType.RICH or name == "unsubscribe" or node.name == "a"):
            self.refuse("template.region_in_link", node.start, name)

    def _inner(self, node: Node) -> str:
        if node.end is None:
            return ""
        return self.source[node.start.end:node.end.start].decode()

    def _region(self, node: Node, name: str, kind: RegionType, meta: dict[str, str]) -> Region:
        default, default_text = self._defaults(node, name, kind, meta)
        choices = tuple(c.strip() for c in meta.get("choices", "").split("|") if c.strip())
        if kind is RegionType.IMAGE:
            choices = self._images(node, name, choices, default)
            default = default or next(iter(choices), "")
        if name == "logo" and kind is RegionType.SYSTEM:
            self._images(node, name, (), default)
        if kind is RegionType.PRICE:
            choices, default_text = self._currencies(node, name, meta, default_text), default_text or "EUR"
            default_text = default_text if meta.get("currencies") is None or default_text in choices else choices[0]
        if kind is RegionType.CHOICE and not choices:
            self.refuse("template.region_choices", node.start, name)
        region = Region(
            id=name, type=kind, label=meta.get("label", "").strip() or re.sub("[-_]", " ", name).capitalize(),
            help=meta.get("help", "").strip(), required=self._flag(node, name, meta.get("required"), kind),
            default=default, default_text=default_text, max_length=self._number(node, name, meta, "max-length", 0),
            rows=max(1, self._number(node, name, meta, "rows", 1)), choices=choices,
            hosts=self._hosts(node, name, meta), risk=self._risk(node, name, meta),
            inline=kind is RegionType.RICH and node.name in _PHRASING, line=self.lines.at(node.start.start),
            default_until=self._day(node, name, meta, "until"), dated=self._dated(node, name, meta),
            earliest=self._day(node, name, meta, "earliest"), latest=self._day(node, name, meta, "latest"),
            max_items=self._number(node, name, meta, "max-items", 0),
        )
        if kind is RegionType.IMAGE:
            region = replace(region, pictures=self._pictures(node, name, meta), width=_side(node, "width"),
                             height=_side(node, "height"))
        return self._with_good_defaults(node, region)

    def _defaults(self, node: Node, name: str, kind: RegionType, meta: dict[str, str]) -> tuple[str, str]:
        inner, given = self._inner(node), meta.get("default")
        if kind is RegionType.IMAGE:
            return given or node.start.get("src") or "", node.start.get("alt") or ""
        if kind in (RegionType.LINK, RegionType.BUTTON):
            return given or (node.start.get("href") or "").replace("#", "", 1).strip(), self._plain(node, name, inner)
        if kind is RegionType.RICH:
            allowed = INLINE_TAGS if node.name in _PHRASING else BLOCK_TAGS
            for tag in re.findall(r"<([a-zA-Z][a-zA-Z0-9-]*)", inner):
                if tag.lower() not in allowed:
                    self.refuse("template.rich_default", node.start, name, element=tag.lower(),
                                allowed=", ".join(sorted(allowed)))
            return (given if given is not None else inner).strip(), ""
        if kind is RegionType.SYSTEM and node.name == "img":
            return node.start.get("src") or "", node.start.get("alt") or ""
        if kind is RegionType.PRICE:
            return self._price(node, name, given if given is not None else self._plain(node, name, inner))
        if kind is RegionType.LIST:
            return (given.replace("|", "\n") if given is not None else self._items(node, name, inner)), ""
        if kind is RegionType.SYSTEM:
            return " ".join(values.visible(inner).split()), ""
        return given if given is not None else self._plain(node, name, inner), ""

    def _plain(self, node: Node, name: str, inner: str) -> str:
        text = _BREAK.sub("\x00", inner)
        if re.search(r"<[a-zA-Z!/?]", text):
            self.refuse("template.text_default", node.start, name)
        return "\n".join(" ".join(html.unescape(row).split()) for row in text.split("\x00")).strip()

    def _price(self, node: Node, name: str, text: str) -> tuple[str, str]:
        """Amount and currency of the default; a price that nothing is known of is the partner's to fill."""
        if not text.strip():
            return "", ""
        read = prices.read(text)
        if read is None:
            self.refuse("template.price_default", node.start, name, value=text[:40])
        return read or ("", "")

    def _currencies(self, node: Node, name: str, meta: dict[str, str], own: str) -> tuple[str, ...]:
        codes = tuple(c for c in re.split(r"[\s,|]+", meta.get("currencies", "").upper()) if c) or (own or "EUR",)
        for code in codes:
            if code not in prices.PLACES:
                near = get_close_matches(code, prices.PLACES, 1, 0.5)
                self.refuse("template.currency", node.start, name, value=code[:10], suggestion=near[0] if near else "")
        return codes

    def _items(self, node: Node, name: str, inner: str) -> str:
        rows = re.split(r"<li\b[^<>]*+>", inner, flags=re.IGNORECASE)[1:]
        texts = (re.sub(r"</(?:li|ul|ol)\s*>", "", row, flags=re.IGNORECASE) for row in rows)
        return "\n".join(line for text in texts if (line := self._plain(node, name, text).replace("\n", " ")))

    def _day(self, node: Node, name: str, meta: dict[str, str], key: str) -> str:
        text = meta.get(key, "").strip()
        if text and prices.day_of(text) is None:
            self.refuse("template.region_value", node.start, name, attribute=f"data-region-{key}", value=text[:40])
        return text

    def _dated(self, node: Node, name: str, meta: dict[str, str]) -> bool:
        text = meta.get("validity", "optional").strip().lower()
        if text not in ("required", "optional"):
            self.refuse("template.region_value", node.start, name, attribute="data-region-validity", value=text[:40])
        return text == "required"

    def _images(self, node: Node, name: str, choices: tuple[str, ...], default: str) -> tuple[str, ...]:
        choices = choices or ((default,) if default else ())
        if not choices:
            self.refuse("template.region_choices", node.start, name)
        if default and default not in choices:
            self.refuse("template.image_default", node.start, name, value=default[:120])
        for url in choices:
            try:
                if urls.normalise(url) != url:
                    raise urls.BadUrl("url.malformed")
            except urls.BadUrl:
                self.refuse("template.image_url", node.start, name, value=url[:120])
        return choices

    def _pictures(self, node: Node, name: str, meta: dict[str, str]) -> Pictures:
        """Where pictures come from: with a list of choices from there alone, unless the template says otherwise."""
        plain = Pictures.LISTED if "choices" in meta else Pictures.OWN
        text = meta.get("pictures", plain).strip().lower()
        if text in set(Pictures):
            return Pictures(text)
        self.refuse("template.region_value", node.start, name, attribute="data-region-pictures", value=text[:40])
        return plain

    def _flag(self, node: Node, name: str, given: str | None, kind: RegionType) -> bool:
        # A link without an address or an image without a source would be broken: always required.
        if kind in (RegionType.LINK, RegionType.BUTTON, RegionType.IMAGE):
            return True
        text = (given or "").strip().lower()
        if given is not None and text not in (*_TRUE, *_FALSE):
            self.refuse("template.region_value", node.start, name, attribute="data-region-required", value=text[:40])
        return given is not None and text in _TRUE

    def _number(self, node: Node, name: str, meta: dict[str, str], key: str, default: int) -> int:
        text = meta.get(key, "").strip()
        if not text:
            return default
        if not re.fullmatch(r"[0-9]{1,5}", text) or int(text) == 0:
            self.refuse("template.region_value", node.start, name, attribute=f"data-region-{key}", value=text[:40])
            return default
        return int(text)

    def _hosts(self, node: Node, name: str, meta: dict[str, str]) -> tuple[str, ...]:
        hosts = tuple(h for h in re.split(r"[\s,|]+", meta.get("hosts", "").lower()) if h)
        for host in hosts:
            try:
                urls.normalise(f"https://{host}/")
            except urls.BadUrl:
                self.refuse("template.region_value", node.start, name, attribute="data-region-hosts", value=host[:80])
        return hosts

    def _risk(self, node: Node, name: str, meta: dict[str, str]) -> Risk:
        text = meta.get("risk", "medium").strip().lower()
        if text in set(Risk):
            return Risk(text)
        near = get_close_matches(text, list(Risk), 1)
        self.refuse("template.region_risk", node.start, name, value=text[:40], suggestion=near[0] if near else "")
        return Risk.MEDIUM

    def _with_good_defaults(self, node: Node, region: Region) -> Region:
        """Check the defaults as if a partner had typed them; an empty one is the partner's to fill."""
        checked = values.validate(region, {}) if region.type is not RegionType.SYSTEM else values.Checked()
        found = list(checked.problems)
        if region.type is RegionType.RICH:
            from chalicelib.rendering.fill import rich

            found += rich(region, region.default)[1]
        for problem in found:
            if problem.code != "value.required":
                self.refuse("template.bad_default", node.start, region.id, problem=problem.code)
        return region


def find(source: bytes, tokens: list[Token], tree: Tree, lines: Lines) -> tuple[list[Found], list[Problem]]:
    """All regions of a source in order, and all that is wrong with them."""
    reader = _Reader(source, lines)
    found, seen = [], dict[str, int]()
    inside: tuple[str, int] | None = None
    for node in tree.nodes:
        given = _metadata(node.start)
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


def _metadata(token: Token) -> tuple[str, dict[str, str]] | None:
    """The region's name ("" if metadata stands alone) and its metadata; None for other elements."""
    meta = {a.name.removeprefix("data-region-"): a.value for a in token.attributes if a.name.startswith("data-region-")}
    name, system = token.get("data-region"), token.get("data-system")
    if system is not None:
        return (name or system).strip(), {**meta, "type": "system"}
    if name is None and not meta:
        return None
    return (name or "").strip(), meta


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
    marked = re.search(r"<[a-zA-Z]", _BREAK.sub("", inner))
    return RegionType.RICH if marked and node.name in _FLOW | _PHRASING else RegionType.TEXT


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
