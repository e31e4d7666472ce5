"""Importing templates of other systems: the dialect is recognised, and rewritten in our language.

What comes out is a source with ``data-region`` (see ``docs/templates.md``) and a report: what
was mapped, what stays locked and why, what was not understood, what to look at. Nothing is
refused for its style; two dialects that are programs are refused with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from chalicelib.domain.errors import Problem, Refused
from chalicelib.domain.record import dataclass
from chalicelib.rendering.importers import campaign_monitor, klaviyo, mailchimp
from chalicelib.rendering.importers.hygiene import footer, hygiene
from chalicelib.rendering.importers.work import Entry, Sort, Work
from chalicelib.rendering.inline import MAX_ELEMENTS

__all__ = ["DIALECTS", "Entry", "Imported", "Sort", "convert", "detect"]

DIALECTS = {
    "mailchimp": mailchimp.DIALECT, "campaign_monitor": campaign_monitor.DIALECT, "klaviyo": klaviyo.DIALECT,
}
MAX_SOURCE = 500 * 1024
_PROGRAMS = {
    "salesforce": re.compile(rb"%%\[|%%=|<custom\b[^<>]*\bname=|<script[^<>]*runat=", re.IGNORECASE),
    "hubspot": re.compile(rb"\{%-?\s*(?:dnd_area|dnd_section|module|widget_block|widget_container|editable)\b|"
                          rb"\{\{\s*(?:unsubscribe_link_all|site_settings\.|content\.|widget_data)", re.IGNORECASE),
}
_OURS = re.compile(rb"\sdata-(?:region|system)\s*=", re.IGNORECASE)
_MAX_ENTRIES = 500


@dataclass(frozen=True, slots=True)
class Imported:
    """The rewritten source and what is to be said about it, in the order of the author's lines."""

    dialect: str
    source: bytes
    entries: tuple[Entry, ...]

    def of(self, sort: Sort) -> Sequence[Entry]:
        """The entries of one part of the report."""
        return [entry for entry in self.entries if entry.sort is sort]


def detect(source: bytes) -> str:
    """The dialect of a source: one of ``DIALECTS``, ``salesforce``, ``hubspot``, or "" for our own and plain HTML."""
    head = source[:MAX_SOURCE]
    if _OURS.search(head):
        return ""
    program = next((name for name, sign in _PROGRAMS.items() if sign.search(head)), "")
    return program or next((name for name, one in DIALECTS.items() if one.signs.search(head)), "")


def _too_much(work: Work) -> list[Problem]:
    """What the compiler would refuse as well, told before work is spent on it."""
    elements = len(work.tree.nodes)
    if elements > MAX_ELEMENTS:
        return [Problem("template.too_many_elements", "", {"count": elements, "limit": MAX_ELEMENTS})]
    deep = work.tree.too_deep
    return [Problem("template.too_deep", "", {"line": work.lines.at(deep.start)})] if deep else []


def convert(source: bytes) -> Imported | None:
    """Rewrite a source in another system's dialect; None where it is none.

    Raises Refused ``import.salesforce`` or ``import.hubspot`` for templates that are programs,
    ``template.too_big`` and ``template.not_utf8`` for what is no text.
    """
    dialect = detect(source)
    if not dialect:
        return None
    if dialect in _PROGRAMS:
        raise Refused([Problem(f"import.{dialect}")])
    if len(source) > MAX_SOURCE:
        raise Refused([Problem("template.too_big", "", {"bytes": len(source), "limit": MAX_SOURCE})])
    try:
        source.decode()
    except UnicodeDecodeError as error:
        line = source.count(b"\n", 0, error.start) + 1
        raise Refused([Problem("template.not_utf8", "", {"line": line})]) from None
    work = Work(source=source.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n"), dialect=DIALECTS[dialect])
    if problems := _too_much(work.read()):
        raise Refused(problems)
    hygiene(work)
    work.dialect.rewrite(work)
    footer(work)
    return Imported(dialect, work.source, tuple(sorted(work.entries, key=lambda e: e.line)[:_MAX_ENTRIES]))
