"""What can go wrong, as values with codes and as the few exceptions that carry them.

A refusal is data: a code, the field it belongs to and parameters. The sentence a person
reads is made from the code at the edge, in that person's language.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from chalicelib.domain.record import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with an input.

    ``code`` names the kind (``value.too_long``), ``field`` the form field, region or column
    it belongs to ("" for the whole), ``params`` what the sentence must tell the person.
    """

    code: str
    field: str = ""
    params: Mapping[str, str | int] = dataclasses.field(default_factory=dict)


class CountersignError(Exception):
    """The base of every error this program raises on purpose."""


class Refused(CountersignError):
    """An input was not accepted; carries *all* its problems, never only the first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(", ".join(f"{p.code}@{p.field}" if p.field else p.code for p in self.problems))


class NotFound(CountersignError):
    """The thing does not exist, or is not the asker's to know about: the two look the same."""


class Conflict(CountersignError):
    """Somebody else was faster; ``code`` and ``params`` tell what stands there now."""

    def __init__(self, code: str, **params: str | int) -> None:
        self.code = code
        self.params: Mapping[str, str | int] = params
        super().__init__(code)

    @property
    def problem(self) -> Problem:
        """The same as a problem that a page can show."""
        return Problem(self.code, params=self.params)


class Retryable(CountersignError):
    """A dependency failed in a way that a later try may heal; nothing was changed."""


class Permanent(CountersignError):
    """A dependency refused; the same try again would be refused again."""


class Damaged(Permanent):
    """One stored thing cannot be read, whoever tries: unlike a refusal, it says nothing about any other."""
