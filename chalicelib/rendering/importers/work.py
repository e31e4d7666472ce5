"""What all importers share: the dialect they speak, the source under their hands, and the report.

An importer never rewrites a source as a whole: it edits by byte position, so that everything it
does not understand stays as its author wrote it, and every line of the report is one of the author's file.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from dataclasses import field
from enum import StrEnum

from chalicelib.domain.errors import Problem
from chalicelib.domain.record import dataclass
from chalicelib.rendering.edited import Edited
from chalicelib.rendering.structure import Node

UNSUBSCRIBE = "https://unsubscribe.example.com/"
"""What stands in the source where the program puts each customer's own address."""
RESERVED = ("subject", "preheader", "imprint", "address", "unsubscribe", "logo")
"""Names that no field of an author may take."""

Tag = tuple[str, str, str]
"""What a platform's tag becomes (``system`` block, ``merge`` field, ``drop``, or ``text`` that it is), its name here,
and a merge field's default."""


class Sort(StrEnum):
    """The four parts of a report."""

    MAPPED = "mapped"
    LOCKED = "locked"
    UNKNOWN = "unknown"
    SUGGESTION = "suggestion"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a report: ``problem`` has the sentence's code and parameters, ``line`` among them."""

    sort: Sort
    problem: Problem

    @property
    def line(self) -> int:
        """The line of the author's file, 0 for the whole of it."""
        line = self.problem.params.get("line", 0)
        return line if isinstance(line, int) else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """Another system's language. ``name`` is the system's own, which needs no translation.

    ``signs`` tell a source in it, ``tag`` finds its tags, ``law`` those that the law or the platform needs,
    ``meaning`` says what a tag is here (None: not known), and ``rewrite`` has the dialect's own passes.
    """

    name: str
    signs: re.Pattern[bytes]
    tag: re.Pattern[bytes]
    law: re.Pattern[str]
    meaning: Callable[[re.Match[bytes]], Tag | None]
    rewrite: Callable[[Work], None]


@dataclasses.dataclass(slots=True, kw_only=True)
class Work(Edited):
    """A source in a dialect, and what is to be said of it."""

    dialect: Dialect
    entries: list[Entry] = field(default_factory=list)
    names: set[str] = field(default_factory=lambda: set(RESERVED))
    placed: set[str] = field(default_factory=set)

    def note(self, sort: Sort, code: str, at: int = -1, **params: str | int) -> None:
        """Add a line to the report; ``at`` is an offset of the source."""
        line = {"line": self.lines.at(at)} if at >= 0 else {}
        self.entries.append(Entry(sort, Problem(f"import.{code}", "", {**line, **params})))

    def name(self, wanted: str) -> str:
        """A free name for a field or block, made from what the author wrote."""
        base = re.sub(r"[^a-z0-9]+", "_", wanted.lower()).strip("_")[:32] or "field"
        base = base if base[0].isalpha() else f"f_{base}"
        name, number = base, 1
        while name in self.names:
            number += 1
            name = f"{base}_{number}"
        self.names.add(name)
        return name

    def whole(self, node: Node) -> str:
        """The source of an element with its tags."""
        return self.text(node.start.start, node.after)

    def legal(self, node: Node) -> bool:
        """Whether an element holds a tag that the law or the platform needs."""
        return self.dialect.law.search(self.whole(node)) is not None
