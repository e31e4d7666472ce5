"""HQ's own values of a region, read from the element they stand in, and checked as if a partner had typed them."""

from __future__ import annotations

import html
import re

from chalicelib.domain import plain_text, prices, richtext, urls, values
from chalicelib.domain.template import Region, RegionType
from chalicelib.rendering.metadata import Metadata, Refuse
from chalicelib.rendering.structure import Node
from chalicelib.rendering.tokens import tags

FLOW = tags("td th div center blockquote li section article header footer main aside address")
PHRASING = tags("p h1 h2 h3 h4 h5 h6 span strong em b i u small font label sup sub")
BREAK = re.compile(r"<br\b[^<>]*+>", re.IGNORECASE)


def read(node: Node, inner: str, kind: RegionType, said: Metadata) -> tuple[str, str]:
    """The default of a region's first and second key; ``inner`` is what stands between its tags."""
    given = said.meta.get("default")
    if kind is RegionType.IMAGE:
        return given or node.start.get("src") or "", node.start.get("alt") or ""
    if kind in (RegionType.LINK, RegionType.BUTTON):
        href = (node.start.get("href") or "").replace("#", "", 1).strip()
        return given or href, _plain(inner, said.refuse)
    if kind is RegionType.RICH:
        return _rich(node, inner, given, said.refuse), ""
    if kind is RegionType.SYSTEM and node.name == "img":
        return node.start.get("src") or "", node.start.get("alt") or ""
    if kind is RegionType.PRICE:
        return _price(given if given is not None else _plain(inner, said.refuse), said.refuse)
    if kind is RegionType.LIST:
        return (given.replace("|", "\n") if given is not None else _items(inner, said.refuse)), ""
    if kind is RegionType.SYSTEM:
        return " ".join(plain_text.visible(inner).split()), ""
    return given if given is not None else _plain(inner, said.refuse), ""


def _rich(node: Node, inner: str, given: str | None, refuse: Refuse) -> str:
    allowed = richtext.INLINE if node.name in PHRASING else richtext.BLOCK
    for tag in re.findall(r"<([a-zA-Z][a-zA-Z0-9-]*)", inner):
        if tag.lower() not in allowed:
            refuse("template.rich_default", element=tag.lower(), allowed=", ".join(sorted(allowed)))
    return (given if given is not None else inner).strip()


def _plain(inner: str, refuse: Refuse) -> str:
    text = BREAK.sub("\x00", inner)
    if re.search(r"<[a-zA-Z!/?]", text):
        refuse("template.text_default")
    return "\n".join(" ".join(html.unescape(row).split()) for row in text.split("\x00")).strip()


def _price(text: str, refuse: Refuse) -> tuple[str, str]:
    """Amount and currency of the default; a price that nothing is known of is the partner's to fill."""
    if not text.strip():
        return "", ""
    read = prices.read(text)
    if read is None:
        refuse("template.price_default", value=text[:40])
    return read or ("", "")


def _items(inner: str, refuse: Refuse) -> str:
    rows = re.split(r"<li\b[^<>]*+>", inner, flags=re.IGNORECASE)[1:]
    texts = (re.sub(r"</(?:li|ul|ol)\s*>", "", row, flags=re.IGNORECASE) for row in rows)
    return "\n".join(line for text in texts if (line := _plain(text, refuse).replace("\n", " ")))


def images(choices: tuple[str, ...], default: str, refuse: Refuse) -> tuple[str, ...]:
    """The pictures to choose from, the default at least; each by a whole address."""
    choices = choices or ((default,) if default else ())
    if not choices:
        refuse("template.region_choices")
    if default and default not in choices:
        refuse("template.image_default", value=default[:120])
    for url in choices:
        try:
            if urls.normalise(url) != url:
                raise urls.BadUrl("url.malformed")
        except urls.BadUrl:
            refuse("template.image_url", value=url[:120])
    return choices


def check(region: Region, refuse: Refuse) -> None:
    """Refuse defaults that a partner might not type; an empty one is the partner's to fill."""
    checked = values.validate(region, {}) if region.type is not RegionType.SYSTEM else values.Checked()
    found = list(checked.problems)
    if region.type is RegionType.RICH:
        from chalicelib.rendering.fill import rich

        found += rich(region, region.default)[1]
    for problem in found:
        if problem.code != "value.required":
            refuse("template.bad_default", problem=problem.code)
