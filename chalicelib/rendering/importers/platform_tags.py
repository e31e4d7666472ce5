"""The platform's tags outside fields: each becomes a system part, a merge field, or goes."""

from __future__ import annotations

import re
from bisect import bisect_right

from chalicelib.rendering.importers.work import UNSUBSCRIBE, Sort, Tag, Work
from chalicelib.rendering.structure import Node
from chalicelib.rendering.tokens import Kind, Token


def replace_tags(work: Work) -> None:
    """Replace every tag of a platform outside fields by what it is here."""
    pattern, meaning = work.dialect.tag, work.dialect.meaning
    links = [n for n in work.tree.nodes if n.name == "a" and n.end]
    done: list[tuple[int, int]] = []
    for node in links:
        href = node.start.attribute("href")
        match = pattern.search(work.source, href.value_start, href.value_end) if href else None
        tag = meaning(match) if match else None
        if href and match and tag and tag[0] != "merge":
            _link_tag(work, node, tag, match)
            done.append((href.value_start, href.value_end) if tag[0] == "system" else (node.start.start, href.end))
    done.sort()
    for token in work.tokens:
        for start, end, where in _stretches(token):
            for match in pattern.finditer(work.source, start, end):
                at = bisect_right(done, (match.start(), len(work.source) + 1)) - 1
                if at < 0 or match.start() >= done[at][1]:
                    _text_tag(work, match, meaning(match), where, start)
    work.apply()


def _stretches(token: Token) -> list[tuple[int, int, str]]:
    if token.kind is Kind.START:
        return [(a.value_start, a.value_end, a.name) for a in token.attributes if a.value_end > a.value_start]
    if token.kind in (Kind.TEXT, Kind.RAW, Kind.COMMENT):
        names = {Kind.TEXT: "text", Kind.COMMENT: "comment", Kind.RAW: token.name}
        return [(token.start, token.end, names[token.kind])]
    return []


def _link_tag(work: Work, node: Node, tag: Tag, match: re.Match[bytes]) -> None:
    kind, name, _ = tag
    quote, at = match.group().decode("utf-8", "replace"), node.start.start
    if node.end is None:
        return
    if kind == "system" and name == "unsubscribe" and name not in work.placed:
        work.placed.add(name)
        href = node.start.attribute("href")
        if href:
            work.edit(href.value_start, href.value_end, UNSUBSCRIBE)
        work.mark(node.start, data_system="unsubscribe")
        work.note(Sort.MAPPED, "system", at, quote=quote, block=name)
        return
    # What leads nowhere here is taken out whole; a second way out keeps its words, without a link.
    if kind == "system":
        work.edit(node.start.start, node.start.end)
        work.edit(node.end.start, node.end.end)
        work.note(Sort.LOCKED, "second", at, quote=quote)
    else:
        work.edit(node.start.start, node.end.end)
        work.note(Sort.LOCKED, "dropped", at, quote=quote, why=name)


def _text_tag(work: Work, match: re.Match[bytes], tag: Tag | None, where: str, start: int) -> None:
    quote, at = match.group().decode("utf-8", "replace"), match.start()
    if tag is None:
        work.edit(match.start(), match.end())
        work.note(Sort.UNKNOWN, "tag", at, quote=quote[:60])
        return
    kind, name, default = tag
    if kind == "merge" and (where in ("text", "title", "alt") or (where == "href" and _after_host(work, start, at))):
        quotes = "'" if where in ("alt", "href") else '"'
        safe = re.sub(r"[\"'{}\\<>&]", "", default)
        work.edit(match.start(), match.end(), f"{{{{ contact.{name}|default({quotes}{safe}{quotes}) }}}}")
        work.note(Sort.MAPPED, "merge", at, quote=quote, name=name)
        if not default:
            work.note(Sort.SUGGESTION, "default", at, quote=quote)
    elif kind == "system" and where == "text" and name not in work.placed:
        work.placed.add(name)
        element = (f'<a data-system="unsubscribe" href="{UNSUBSCRIBE}">Unsubscribe</a>' if name == "unsubscribe"
                   else f'<span data-system="{name}">Imprint</span>')
        work.edit(match.start(), match.end(), element)
        work.note(Sort.MAPPED, "system", at, quote=quote, block=name)
    elif kind != "text":
        work.edit(match.start(), match.end())
        work.note(Sort.LOCKED, "dropped" if kind != "system" else "second", at, quote=quote, why=name)


def _after_host(work: Work, start: int, at: int) -> bool:
    return re.match(rb"https?://[^/?#{}\s]+[/?#]", work.source[start:at], re.IGNORECASE) is not None
