"""Problems of a refused form, as a page shows them: a summary on top, a message at each field."""

from __future__ import annotations

from collections.abc import Iterable

from chalicelib import texts
from chalicelib.domain.errors import Problem
from chalicelib.domain.record import dataclass


@dataclass(frozen=True, slots=True)
class Errors:
    """All that is wrong with a form; falsy if nothing is."""

    lines: tuple[tuple[str, str], ...] = ()
    """(field, sentence) in the order in which they were found."""

    def __bool__(self) -> bool:
        return bool(self.lines)

    def at(self, name: str) -> tuple[str, ...]:
        """The sentences that belong to one field."""
        return tuple(text for field, text in self.lines if field == name)

    def any(self, *names: str) -> bool:
        """Whether something is wrong with one of these fields."""
        return any(field in names for field, _ in self.lines)


NONE = Errors()


def errors(problems: Iterable[Problem], language: str) -> Errors:
    """Put problems into sentences."""
    return Errors(tuple((p.field, texts.sentence(p, language)) for p in problems))


def field_id(name: str) -> str:
    """The HTML id of a form field: its name with what a fragment can't hold replaced."""
    return "f-" + "".join(c if c.isalnum() or c in "-_" else "-" for c in name)
