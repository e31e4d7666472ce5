"""Mailchimp's template language: ``mc:`` attributes, merge tags and conditionals.

After Mailchimp's "Template Language" and "All the Merge Tags" cheat sheets. ``mc:edit`` means
open, but for what holds legal or platform tags; those stay locked and become system blocks.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import pairwise

from chalicelib.rendering.importers.fields import block, open_field, without_tags
from chalicelib.rendering.importers.platform_tags import replace_tags
from chalicelib.rendering.importers.work import Dialect, Sort, Tag, Work
from chalicelib.rendering.tokens import VOID, Kind

_TAG = re.compile(rb"\*\|([A-Za-z0-9_:=,.\-/ ']{1,120}?)\|\*")
_SIGNS = re.compile(rb"mc:(?:edit|repeatable|hideable)|\*\|(?:UNSUB|MC:|LIST:)|/\*@editable\*/", re.IGNORECASE)
_LAW = re.compile(r"\*\|(?:UNSUB|LIST:|HTML:LIST|ARCHIVE|UPDATE_PROFILE|FORWARD|REWARDS|MONKEYREWARDS|ABUSE_EMAIL|"
                  r"IF:REWARDS|IFNOT:ARCHIVE|HTML:REWARDS|CURRENT_YEAR|MC:)", re.IGNORECASE)
_STYLE = re.compile(rb"/\*\s*@(?:editable|tab|section|tip|theme|style)\b[^*]*+(?:\*(?!/)[^*]*+)*+\*/", re.IGNORECASE)
_COMMENTED = re.compile(rb"<!--\s*(\*\|(?:IF|IFNOT|ELSE|ELSEIF|END):[^|]{0,80}\|\*)\s*-->", re.IGNORECASE)
_FIELDS = {"FNAME": "first_name", "LNAME": "last_name", "EMAIL": "email", "COMPANY": "company", "CITY": "city"}
_ADDRESS = ("LIST:ADDRESS", "LIST:ADDRESSLINE", "HTML:LIST_ADDRESS_HTML", "LIST:ADDRESS_VCARD", "LIST:ADDRESSLINE_HTML")
MAX_NESTED, MAX_PARTS = 10, 50
"""How deep conditions are followed, and how many branches one may have."""


def _rewrite(work: Work) -> None:
    _styles(work)
    _conditionals(work)
    _fields(work)
    replace_tags(work)
    _blocks(work)
    _rest(work)


def _styles(work: Work) -> None:
    """Styles that Mailchimp would let a user change stay the brand's; their marks go."""
    count = 0
    for token in work.tokens:
        if token.kind is Kind.RAW and token.name == "style":
            for match in _STYLE.finditer(work.source, token.start, token.end):
                count += b"@editable" in match.group().lower()
                work.edit(match.start(), match.end())
    if count:
        work.note(Sort.LOCKED, "styles", count=count)
    work.apply()


def _conditionals(work: Work) -> None:
    """Decide each ``*|IF:...|*`` once for all customers, where its parts are whole elements.

    Conditions on the archive page are false in a mail, those on Mailchimp's own rewards too; of
    the others the part without a condition (``ELSE``) is kept, or what there is.
    """
    for token in work.tokens:
        # "<!--*|IF:X|*-->" is the tag in a comment: the comment goes, the tag stays.
        if token.kind is Kind.COMMENT and (match := _COMMENTED.fullmatch(work.source, token.start, token.end)):
            work.edit(token.start, token.end, match.group(1))
    work.apply()
    stack: list[tuple[str, re.Match[bytes], list[re.Match[bytes]]]] = []
    whole: list[tuple[str, list[re.Match[bytes]]]] = []
    for match in _TAG.finditer(work.source):
        word, _, name = match.group(1).decode("ascii", "replace").upper().partition(":")
        if word in ("IF", "IFNOT") and len(stack) < MAX_NESTED:
            stack.append((f"{word}:{name}", match, [match]))
        elif word in ("ELSE", "ELSEIF") and stack:
            stack[-1][2].append(match)
        elif word == "END" and name == "IF":
            if stack:
                condition, _, parts = stack.pop()
                whole.append((condition, [*parts, match]))
            else:
                _unpaired(work, match)
        elif word in ("IF", "IFNOT", "ELSE", "ELSEIF"):
            _unpaired(work, match)
    for _, match, parts in stack:
        for part in parts:
            _unpaired(work, part if part is not match else match)
    starts = [token.start for token in work.tokens]
    for condition, parts in sorted(whole, key=lambda one: one[1][0].start()):
        _decide(work, starts, condition, parts)
    work.apply()


def _unpaired(work: Work, match: re.Match[bytes]) -> None:
    work.edit(match.start(), match.end())
    work.note(Sort.UNKNOWN, "unpaired", match.start(), quote=match.group().decode("utf-8", "replace")[:60])


def _decide(work: Work, starts: list[int], condition: str, parts: list[re.Match[bytes]]) -> None:
    quote = parts[0].group().decode("utf-8", "replace")[:60]
    stretches = [(a.end(), b.start()) for a, b in pairwise(parts)]
    if len(parts) > MAX_PARTS or not all(_balanced(work, starts, *stretch) for stretch in stretches):
        for part in parts:
            work.edit(part.start(), part.end())
        work.note(Sort.UNKNOWN, "crossing", parts[0].start(), quote=quote)
        return
    never = condition in ("IF:ARCHIVE_PAGE", "IF:REWARDS", "IF:MC_PREVIEW_TEXT")
    always = condition in ("IFNOT:ARCHIVE_PAGE", "IFNOT:REWARDS")
    otherwise = len(stretches) > 1 and parts[-2].group(1).upper().startswith(b"ELSE:")
    keep = 0 if always else (-1 if otherwise else None) if never else -1 if otherwise else 0
    kept = None if keep is None else stretches[keep]
    if kept is None:
        work.edit(parts[0].start(), parts[-1].end())
    else:
        work.edit(parts[0].start(), kept[0])
        work.edit(kept[1], parts[-1].end())
    work.note(Sort.LOCKED, "condition" if kept else "condition_gone", parts[0].start(), quote=quote)


def _balanced(work: Work, starts: list[int], start: int, end: int) -> bool:
    """Whether a stretch opens and closes the same elements, and cuts no tag."""
    depth = 0
    first = max(bisect_right(starts, start) - 1, 0)
    for token in work.tokens[first:bisect_right(starts, end)]:
        if token.end <= start or token.start >= end:
            continue
        if token.kind in (Kind.TEXT, Kind.RAW):
            continue
        if token.start < start or token.end > end:
            return False
        depth += (token.kind is Kind.START and token.name not in VOID) - (token.kind is Kind.END)
        if depth < 0:
            return False
    return depth == 0


def _fields(work: Work) -> None:
    _personal(work)
    until = 0
    for node in work.tree.nodes:
        name = node.start.get("mc:edit")
        if name is None:
            continue
        work.cut(node.start, "mc:edit")
        if node.start.start < until:
            work.note(Sort.UNKNOWN, "nested_field", node.start.start, name=name)
            continue
        until = node.after
        label = node.start.get("mc:label") or name.replace("_", " ").replace("-", " ").strip().capitalize()
        open_field(work, node, name or "field", label)
    work.apply()


def _personal(work: Work) -> None:
    """Take personal fields out of what partners write: their words are the same for every customer."""
    until = 0
    for node in work.tree.nodes:
        if node.start.get("mc:edit") is not None and node.start.start >= until:
            until = node.after
            without_tags(work, node)
    work.apply()


def _meaning(match: re.Match[bytes]) -> Tag | None:
    tag = match.group(1).decode("ascii", "replace").upper()
    name = tag.split(":", 1)[1] if tag.startswith(("UPPER:", "LOWER:", "TITLE:", "URL:")) else tag
    if name in ("UNSUB",):
        return "system", "unsubscribe", ""
    if name in _ADDRESS or name.startswith("LIST:ADDRESS"):
        return "system", "imprint", ""
    if name in _FIELDS:
        return "merge", _FIELDS[name], ""
    if name.startswith(("ARCHIVE", "MC:TOC", "FORWARD", "UPDATE_PROFILE", "REWARDS", "HTML:REWARDS", "MONKEYREWARDS",
                        "FACEBOOK", "TWITTER", "CURRENT_YEAR", "DATE", "LIST:", "MC:", "MC_", "ABUSE_EMAIL", "USER:",
                        "HTML:", "CAMPAIGN_UID", "UNIQID", "GOOGLE", "RSS", "SURVEY", "POLL")):
        return "drop", "platform", ""
    if re.fullmatch(r"MMERGE[0-9]+|[A-Z][A-Z0-9_]{0,9}", name):
        return "merge", name.lower(), ""
    return None


def _blocks(work: Work) -> None:
    taken: list[tuple[int, int]] = []
    for node in work.tree.nodes:
        repeat, hide = node.start.get("mc:repeatable"), node.start.get("mc:hideable")
        label = node.start.get("mc:label") or node.start.get("mc:variant") or ""
        if repeat is not None:
            variant = node.start.get("mc:variant") or ""
            block(work, node, "repeat", f"{repeat} {variant}".strip() or "part", label, taken)
        elif hide is not None:
            block(work, node, "optional", hide or label or "part", label, taken)
    work.apply()


def _rest(work: Work) -> None:
    """No attribute of Mailchimp's stays; those that are not known are named."""
    known = {"mc:edit", "mc:repeatable", "mc:hideable", "mc:variant", "mc:label"}
    for token in work.tokens:
        for attribute in token.attributes:
            if attribute.name.startswith("mc:") or attribute.name == "xmlns:mc":
                work.edit(attribute.start, attribute.end)
                if attribute.name not in known and attribute.name != "xmlns:mc":
                    work.note(Sort.UNKNOWN, "attribute", token.start, quote=attribute.name[:40])
    work.apply()


DIALECT = Dialect(name="Mailchimp", signs=_SIGNS, tag=_TAG, law=_LAW, meaning=_meaning, rewrite=_rewrite)
