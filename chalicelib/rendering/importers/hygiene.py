"""What every source goes through, whatever its dialect: what the compiler would refuse, and a footer."""

from __future__ import annotations

import re

from chalicelib.rendering.importers.work import UNSUBSCRIBE, Sort, Work
from chalicelib.rendering.tokens import Kind, Token

_REVEALED = re.compile(rb"<!\[(if [^\]<>]*+|endif)\]>", re.IGNORECASE)
_IMPORT = re.compile(rb"@import[^;{}<]*+;?", re.IGNORECASE)


def hygiene(work: Work) -> None:
    """Take out or rewrite what no mail client needs and what the compiler would refuse."""
    for token in work.tokens:
        text = work.source[token.start:token.end]
        if token.kind is Kind.BROKEN and (match := _REVEALED.fullmatch(text)):
            inner = match.group(1)
            new = b"<!--<![endif]-->" if inner.lower() == b"endif" else b"<!--[" + inner + b"]><!-->"
            work.edit(token.start, token.end, new)
            work.note(Sort.SUGGESTION, "revealed", token.start)
        elif token.kind is Kind.BROKEN and text.startswith(b"<?"):
            work.edit(token.start, token.end)
            work.note(Sort.UNKNOWN, "instruction", token.start, quote=text[:40].decode("utf-8", "replace"))
        elif token.kind is Kind.RAW and token.name == "style":
            for found in _IMPORT.finditer(work.source, token.start, token.end):
                work.edit(found.start(), found.end())
                work.note(Sort.LOCKED, "outside", found.start(), quote=found.group()[:60].decode("utf-8", "replace"))
        elif token.kind is Kind.START:
            _tag_hygiene(work, token)
    for node in work.tree.nodes:
        if node.name in ("script", "link", "base", "iframe", "object", "embed") or _refreshes(node.start):
            work.edit(node.start.start, node.after)
            quote = work.text(node.start.start, node.start.start + 60)
            work.note(Sort.LOCKED, "outside", node.start.start, quote=quote)
    work.apply()


def _refreshes(token: Token) -> bool:
    return token.name == "meta" and (token.get("http-equiv") or "").strip().lower() == "refresh"


def _tag_hygiene(work: Work, token: Token) -> None:
    seen: set[str] = set()
    for attribute in token.attributes:
        odd = re.fullmatch(r"[a-z_:@][a-z0-9_:.\-]*", attribute.name) is None or attribute.name.startswith("on")
        if attribute.name in seen or odd:
            work.edit(attribute.start, attribute.end)
            work.note(Sort.LOCKED, "attribute", token.start, quote=attribute.name[:40])
        seen.add(attribute.name)


def footer(work: Work) -> None:
    """Put what the law wants at the end of the body, where the source has no place for it."""
    missing = [name for name in ("imprint", "unsubscribe") if name not in work.placed
               and f'data-system="{name}"'.encode() not in work.source]
    ends = [t for t in work.tokens if t.kind is Kind.END and t.name == "body"]
    if missing and ends:
        made = {"imprint": '<span data-system="imprint">Imprint</span>',
                "unsubscribe": f'<a data-system="unsubscribe" href="{UNSUBSCRIBE}">Unsubscribe</a>'}
        inner = "<br>".join(made[name] for name in missing)
        style = "font-family:Arial,sans-serif;font-size:14px;line-height:1.5;padding:16px;text-align:center"
        work.edit(ends[-1].start, ends[-1].start, f'<div style="{style}">{inner}</div>')
        work.note(Sort.SUGGESTION, "footer", ends[-1].start, blocks=", ".join(missing))
        work.apply()
