"""Klaviyo's hybrid templates: ``data-klaviyo-region`` and its Django-like tags.

After Klaviyo's "Create a hybrid template". A region is a column of blocks there; here each
block's picture, words or button becomes a field, because fields hold no layout.
"""

from __future__ import annotations

import re

from chalicelib.rendering.importers.fields import block, open_field, without_tags
from chalicelib.rendering.importers.platform_tags import replace_tags
from chalicelib.rendering.importers.work import Dialect, Sort, Tag, Work

_TAG = re.compile(rb"\{\{[^{}]{1,160}\}\}|\{%[^{}%]{1,160}%\}")
_SIGNS = re.compile(rb"data-klaviyo-(?:region|block|universal)|class=\"[^\"<>]*klaviyo-|\{%\s*(?:unsubscribe|web_view|"
                    rb"manage_preferences)", re.IGNORECASE)
_LAW = re.compile(r"\{%\s*(?:unsubscribe|web_view|manage_preferences)|organization\.(?:full_)?address|"
                  r"unsubscribe_link|web_view_link", re.IGNORECASE)
_OWN = ("data-klaviyo-region", "data-klaviyo-region-width-pixels", "data-klaviyo-block",
        "data-klaviyo-universal-block")


def _rewrite(work: Work) -> None:
    for node in work.tree.nodes:
        if _region(node.start.get("data-klaviyo-region")):
            without_tags(work, node)
    work.apply()
    _fields(work)
    replace_tags(work)
    _blocks(work)
    _rest(work)


def _region(value: str | None) -> bool:
    return value is not None and value.strip().lower() in ("", "true", "1")


def _fields(work: Work) -> None:
    """Open the blocks of each region, or the region itself where it has none."""
    until, number = 0, 0
    for node in work.tree.nodes:
        if not _region(node.start.get("data-klaviyo-region")) or node.start.start < until or node.end is None:
            continue
        until, number = node.end.end, number + 1
        wanted = node.start.get("id") or f"region {number}"
        open_field(work, node, wanted, wanted.replace("_", " ").replace("-", " ").capitalize())
    work.apply()


def _blocks(work: Work) -> None:
    """A block of the platform may be left out by whoever writes the mail; so it may here."""
    taken: list[tuple[int, int]] = []
    for node in work.tree.nodes:
        if "klaviyo-block" in (node.start.get("class") or "").split() and node.end:
            block(work, node, "optional", "block", "", taken)
    work.apply()


def _rest(work: Work) -> None:
    for token in work.tokens:
        for attribute in token.attributes:
            if attribute.name.startswith("data-klaviyo"):
                work.edit(attribute.start, attribute.end)
                if attribute.name not in _OWN:
                    work.note(Sort.UNKNOWN, "attribute", token.start, quote=attribute.name[:40])
    work.apply()


def _meaning(match: re.Match[bytes]) -> Tag | None:
    text = match.group().decode("utf-8", "replace")
    inner = text[2:-2].strip()
    if text.startswith("{%"):
        word = inner.split(None, 1)[0].lower() if inner else ""
        if word == "unsubscribe" or word == "unsubscribe_link":
            return "system", "unsubscribe", ""
        if word.removesuffix("_link") in ("web_view", "manage_preferences", "current_year", "today"):
            return "drop", "platform", ""
        return None
    name, _, rest = inner.partition("|")
    name = name.strip()
    default = re.search(r"default:\s*(['\"])(.*?)\1", rest)
    if name in ("organization.full_address", "organization.address"):
        return "system", "imprint", ""
    if name in ("unsubscribe_link", "unsubscribe_url"):
        return "system", "unsubscribe", ""
    if name.startswith(("organization.", "event.", "web_view", "catalog", "feeds.")):
        return "drop", "platform", ""
    field = re.sub(r"[^a-z0-9_]", "_", name.removeprefix("person.").removeprefix("$").lower())
    if re.fullmatch(r"[a-z][a-z0-9_]{0,39}", field) and "(" not in name:
        return "merge", field, default.group(2) if default else ""
    return None


DIALECT = Dialect(name="Klaviyo", signs=_SIGNS, tag=_TAG, law=_LAW, meaning=_meaning, rewrite=_rewrite)
