"""What rich text may hold: the one list by which the server cleans it and the editor in the browser is built.

Everything else is taken out and its words stay. ``rendering.fill`` gives the list to nh3; the edit page
gives it to the editor, whose schema has these tags and no others.
"""

from __future__ import annotations

from collections.abc import Mapping

from chalicelib.domain.template import Region

INLINE = frozenset({"a", "b", "br", "em", "i", "s", "small", "span", "strong", "sub", "sup", "u"})
"""Tags in a paragraph or heading."""
BLOCK = INLINE | {"p", "ul", "ol", "li"}
"""Tags where paragraphs and lists fit, too."""
ATTRIBUTES: Mapping[str, frozenset[str]] = {"a": frozenset({"href"})}
"""Attributes that stay, by tag."""
SCHEMES = frozenset({"http", "https"})
"""Schemes of links."""


def tags(region: Region) -> frozenset[str]:
    """The tags that a region may hold."""
    return INLINE if region.inline else BLOCK


def for_editor(region: Region, limit: int) -> dict[str, object]:
    """The list for a region, as the editor reads it (JSON). No hosts: links may lead anywhere."""
    return {
        "tags": sorted(tags(region)), "attributes": {tag: sorted(names) for tag, names in ATTRIBUTES.items()},
        "schemes": sorted(SCHEMES), "hosts": list(region.hosts), "max": limit,
    }
